"""Every private part of mitmproxy that is replaced, pinned by the digest of its source.

mitmproxy is pinned to one version; a change under one of these functions would turn our replacement into a guess. So
at start each replaced function's source must have the digest that was read, else the process refuses to start. The
replacements themselves stand in proxy/replaced/, one file a part of mitmproxy.
"""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mitmproxy.proxy import server

from proxy.replaced import bodies, driver, flow, h2_pins, http1, http1_origin, http2, stream, tls, values, websocket
from proxy.replaced.part import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from proxy.replaced.part import Answers, Dial, Part

#: What is not replaced but relied upon: SHA-256 of its source, read in mitmproxy 12.2.3.
RELIED_UPON: tuple[tuple[Callable[..., Any], str], ...] = (
    (server.ConnectionHandler.open_connection, "5e0b3cbaf7a4030a0a044c9ca36296c2c53a874e47cd861e5d7f70a88beff951"),
    (server.ConnectionHandler.close_connection, "c0d10cc05dd65b80025d49f02f3ad4315fbd3ed8b82778eba7c55e29155f8cb6"),
    *h2_pins.RELIED_UPON,
)


class EngineChanged(RuntimeError):
    """The installed mitmproxy is not the one that was read."""


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give everything that is replaced, in the order of a request's way."""
    heads = (*http1.parts(answers), *http1_origin.parts(answers), *http2.parts(answers))
    messages = (*bodies.parts(), *flow.parts(answers), *stream.parts(answers), *websocket.parts(answers))
    return (*driver.parts(), *values.parts(), *tls.parts(), *heads, *messages)


def install(dial: Dial, answers: Answers, stock: Set[str] = frozenset()) -> None:
    """Replace the parts, once, before the first connection. `dial` opens every upstream connection.

    `stock` names the levers that are left as they are, for a comparison. Raises EngineChanged.
    """
    replaced = parts(answers)
    pinned = [(getattr(part.owner, part.name), part.digest) for part in replaced]
    for function, digest in (*pinned, *RELIED_UPON):
        if digest_of(function) != digest:
            raise EngineChanged(
                f"{function.__module__}: {function.__qualname__} is not the pinned one; install the lock"
            )
    server.asyncio = _asyncio_with(dial)  # type: ignore[assignment]
    for part in replaced:
        if part.lever not in stock:
            setattr(part.owner, part.name, part.new)


def _asyncio_with(dial: Dial) -> SimpleNamespace:
    """Give mitmproxy's server an asyncio whose open_connection resolves once and dials judged addresses only.

    Rewriting `server.address` in a hook instead breaks upstream keep-alive (reference/engine.md, item 5).
    """

    async def open_connection(
        host: str, port: int, *, local_addr: object = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await dial(host, port)

    return SimpleNamespace(**{**vars(asyncio), "open_connection": open_connection})
