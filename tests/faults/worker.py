"""A real worker with faults in named places: for which client which one is said by the file that FAULTS names.

The client's address is the mark: it is known from the first byte, and every callback and task of a connection inherits
it in a context variable. So one running filter serves hundreds of cases, each from an address of its own.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import json
import os
import sys
import time
from contextvars import ContextVar
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxy import connect, failing, master, transparent, worker
from tests.faults.places import CALLBACKS, HOOK_SECONDS, PLACES, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT: ContextVar[str] = ContextVar("client", default="")
FOR_EVER = 3600.0


class Plan:
    """Which client meets which faults. `fired` says afterwards that a fault was reached: without it a case is void."""

    def __init__(self, folder: Path) -> None:
        self._faults: dict[str, dict[str, str]] = json.loads((folder / "faults.json").read_text())
        self._fired = os.open(folder / "fired.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def kind(self, place: str) -> Kind | None:
        """The fault that this place has for the client at hand."""
        kind = self._faults.get(CLIENT.get(), {}).get(place)
        if kind is None:
            return None
        os.write(self._fired, f"{CLIENT.get()} {place} {kind}\n".encode())
        return Kind(kind)


def fail(kind: Kind) -> Any:
    """Go wrong at once, or give what hangs when it is awaited."""
    if kind is Kind.RAISE:
        raise RuntimeError("a fault of the test")
    if kind is Kind.CANCEL:
        raise asyncio.CancelledError("a fault of the test")
    if kind is Kind.SYNC_HANG:
        time.sleep(FOR_EVER)
    return asyncio.sleep(FOR_EVER)


def faulty(plan: Plan, place: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, with its fault for the clients of the plan."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def later(*values: Any, **named: Any) -> Any:
            if kind := plan.kind(place):
                await fail(kind)
            return await original(*values, **named)

        return later

    @functools.wraps(original)
    def now(*values: Any, **named: Any) -> Any:
        if kind := plan.kind(place):
            return fail(kind)
        return original(*values, **named)

    return now


def install(plan: Plan, place: str) -> None:
    """Put the faults of one place, named as `module:attribute.attribute`, into this process."""
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner = functools.reduce(getattr, owners, importlib.import_module(module))
    setattr(owner, name, faulty(plan, place, getattr(owner, name)))


def install_callback(plan: Plan, place: str, hook: str, message: str) -> None:
    """The same for a stream callback: what `hook` puts on the flow's request or response."""
    module, _, path = hook.partition(":")
    owner, name = getattr(importlib.import_module(module), path.split(".")[0]), path.split(".")[1]
    original = getattr(owner, name)

    def wrap(flow: Any) -> None:
        made = getattr(flow, message)
        if made is not None and callable(made.stream):
            made.stream = faulty(plan, place, made.stream)

    @functools.wraps(original)
    async def later(self: Any, handler: Any, flow: Any) -> None:
        await original(self, handler, flow)
        wrap(flow)

    @functools.wraps(original)
    def now(self: Any, handler: Any, flow: Any) -> Any:
        answer = original(self, handler, flow)  # what hangs when it is awaited, perhaps
        wrap(flow)
        return answer

    setattr(owner, name, later if inspect.iscoroutinefunction(original) else now)


def mark_clients() -> None:
    """Let everything that a connection starts know its client's address."""
    original = asyncio.BaseEventLoop.connect_accepted_socket

    async def connect_accepted_socket(self: Any, factory: Any, sock: Any, **named: Any) -> Any:
        CLIENT.set(sock.getpeername()[0])
        return await original(self, factory, sock, **named)

    asyncio.BaseEventLoop.connect_accepted_socket = connect_accepted_socket  # type: ignore[method-assign]


def forget_to_fail_closed() -> None:
    """Log what fails and go on, as stock mitmproxy does: the mutation that shows that the table can fail."""
    master.Dispatcher._fail_closed = lambda *_: None  # type: ignore[method-assign]


def redirect() -> None:
    """Be the kernel behind a router's rules: whatever comes to the transparent listener was meant for one place."""
    address, _, port = os.environ["BREAKWATER_ORIGINAL"].partition(" ")
    transparent.original_destination = lambda _: (ip_address(address), int(port))


def main() -> int:
    if "BREAKWATER_MUTATION" in os.environ:
        forget_to_fail_closed()
    redirect()
    plan = Plan(Path(os.environ["BREAKWATER_FAULTS"]))
    for name in dict.fromkeys(place.name for place in PLACES):
        if name in CALLBACKS:
            install_callback(plan, name, *CALLBACKS[name])
        else:
            install(plan, name)
    mark_clients()
    failing.HOOK_SECONDS = HOOK_SECONDS
    connect._POSITIVE_SECONDS = 0.0  # every request asks the resolver, so that its faults are reached
    worker._TICK_SECONDS = 0.25  # the supervisor's patience is short here
    return worker.main()


if __name__ == "__main__":
    sys.exit(main())
