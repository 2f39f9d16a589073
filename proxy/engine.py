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
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.layers.websocket import WebsocketLayer

from proxy.replaced import (
    bodies,
    driver,
    flow,
    h2_pins,
    http1,
    http1_origin,
    http2,
    reading,
    stream,
    tls,
    values,
    websocket,
)
from proxy.replaced.part import digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from proxy.replaced.part import Answers, Dial, Part

#: What is not replaced but relied upon: SHA-256 of its source, read in mitmproxy 12.2.3.
RELIED_UPON: tuple[tuple[Callable[..., Any], str], ...] = (
    (server.ConnectionHandler.open_connection, "5e0b3cbaf7a4030a0a044c9ca36296c2c53a874e47cd861e5d7f70a88beff951"),
    (server.ConnectionHandler.close_connection, "c0d10cc05dd65b80025d49f02f3ad4315fbd3ed8b82778eba7c55e29155f8cb6"),
    (server.ConnectionHandler.handle_client, "01f1b7cc991c4711c901cb22b77a8a0c388e1d7fcf8f020dbb7520059b5aaeb6"),
    (server.ConnectionHandler.handle_connection, "95c3f93e9824e527cd3c1af9656c0e04690562abcd23f0b029d547257fb53f94"),
    (server.ConnectionHandler.on_timeout, "0d1e6b0aa6e411735c02b6e46115ee3f8dfea4093f9416342449b900e39c52d3"),
    (server.ConnectionHandler.wakeup, "6e42e075ee5fa3df1dbc9b3a6deaf430f3860c4c9750daa007bed9aa1733c7e0"),
    (server.TimeoutWatchdog, "95c9f187c70d4d09f32e4be25c8dfe5601e029b4dcaf3b86283166d395e2ff93"),
    (HttpLayer.event_to_child, "1095f6e1581d1780afd5e87446b11eee0b12fb196c9be559f0fe15055436c8d7"),
    (HttpStream.state_wait_for_request_headers, "3706d5d5ce01dcd40c06346dfecdc13d701452eb4cb752b4d694dc6eacb3decb"),
    (HttpStream.state_stream_request_body, "c98f7f715cef7cfa3fd50993f4c6818d5780b048021006aa1b2d0d309f348fbc"),
    (HttpStream.state_consume_request_body, "45459c1bbd8bdb1ac31251376aea71cfa58cb5dbd3a603d4e4e22b2891e663d7"),
    (HttpStream.start_response_stream, "b0de9e9a5ee272769f0e6013299e2803d9ca45aa4c1517c66a21a20822ae06ff"),
    (HttpStream.state_stream_response_body, "3fb6320300d3ddd5569cfe3c04720b339cd64e400956b7d55b5d31fdcaf22e49"),
    (HttpStream.state_consume_response_body, "5323db61dfc7e2e15034f921ded45d2a1369903eaa31154ebf228a58e8d0e1ee"),
    (HttpStream.send_response, "d581bc106152e3697ccdcad192fe60bac6f6bea84f86a40d94d62bb38b351fa4"),
    (HttpStream.flow_done, "ad9969744785c572bf38b70c9269469554e6fcf016ea7d7f89541b865cff6d85"),
    (HttpStream.state_done, "e89310ffdcfbaf32b4c4cc00d0bb26d4721ac1b0a1704b3ab068ef2eb6ebdde8"),
    (HttpStream.state_errored, "3e7a286f27b15880400ee7c4fea00d88958fa6c6ef8e9230a1cd17988a6fe9a0"),
    (Http1Server.mark_done, "94fd7ea388c8867119b849206ae199325cf6380d45e4f88b7a296b7318038205"),
    (Http1Server.read_body, "aece271029af36e4b7eaf84aa17ddcf4ee0efb35e7f04c842c2a7333804a71f1"),
    (WebsocketLayer, "094cd5f8cf0314331722a29847af552213bd92ed43d1df55569789f1dd097c74"),
    *h2_pins.RELIED_UPON,
)


class EngineChanged(RuntimeError):
    """The installed mitmproxy is not the one that was read."""


def parts(answers: Answers) -> tuple[Part, ...]:
    """Give everything that is replaced, in the order of a request's way."""
    heads = (*http1.parts(answers), *http1_origin.parts(answers), *http2.parts(answers))
    messages = (*bodies.parts(), *flow.parts(answers), *stream.parts(answers), *websocket.parts(answers))
    levers = (*driver.parts(), *reading.parts(), *values.parts())
    return (*levers, *tls.parts(), *heads, *messages)


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
