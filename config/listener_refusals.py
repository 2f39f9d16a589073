"""What no settings file may do with listeners and what is reached through them (invariants 3 and 4), as pure functions.

Identity: MCS "Discipline" 2 reads an account's name and password as the person, so nothing is reached without them.
`identity.required: false` therefore works on loopback alone, where the only client is the machine itself (a try-out);
on a network it would be a listener that lets everybody through as nobody.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from config import category_refusals
from config.fields import socket_address
from config.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from config.proxy_settings import Listener, Proxy
    from config.settings import Identity, Metrics

#: The usage log of a worker is written in segments of this size (usage_log/spool.py), one after the other. An old and a
#: new worker, which overlap at an upgrade, hold two each: the one that is written, and the next. The other two let them
#: go on while the collector reads.
SEGMENT_BYTES = 8 * 1024**2
SEGMENTS_LEAST = 6

type _Socket = tuple[IPv4Address | IPv6Address, int]


def proxy(settings: Proxy, known: Collection[str] | None) -> Iterator[Refusal]:
    """Listeners that exclude each other, and categories that may not be passed through."""
    if not settings.listen:
        yield Refusal(("listen",), "is empty; nobody could be served")
    taken: list[_Socket] = []
    for number, listener in enumerate(settings.listen):
        socket = socket_address(listener.address)
        if any(_same(socket, other) for other in taken):
            yield Refusal(("listen", number), f"{listener.address} is taken by an earlier listener")
        taken.append(socket)
    for number, address in enumerate(settings.transparent.listen):
        socket = socket_address(address)
        if any(_same(socket, other) for other in taken):
            yield Refusal(("transparent", "listen", number), f"{address} is taken by an earlier listener")
        taken.append(socket)
    yield from _spool(settings)
    for refusal in category_refusals.passthrough_categories(settings.passthrough_categories, known):
        yield Refusal(("passthrough_categories", *refusal.at), refusal.message)


def _spool(settings: Proxy) -> Iterator[Refusal]:
    """A spool in which a worker could not have its segments: it would block everything from the first request on."""
    workers, limit = settings.worker_count, settings.limits.spool_bytes
    if limit // workers < SEGMENTS_LEAST * SEGMENT_BYTES:
        why = (
            f"is too small for {workers} workers, each of which needs {SEGMENTS_LEAST} segments of 8 MiB or everything "
            f"is blocked; write at least {workers * SEGMENTS_LEAST * SEGMENT_BYTES // 1024**2}MiB"
        )
        yield Refusal(("limits", "spool_bytes"), why)


def identity(settings: Identity, through: Proxy) -> Iterator[Refusal]:
    """Ways of saying who one is that would show passwords, or that nobody has to use."""
    if not settings.methods:
        yield Refusal(("methods",), "is empty; nobody could say who they are")
    for listener in through.listen:
        if not settings.required and not listener.ip.is_loopback:
            why = f"false lets everybody who reaches {listener.address} through unnamed; that works on loopback only"
            yield Refusal(("required",), why)
        if settings.methods and _readable(listener, through):
            why = (
                f"passwords would cross the network readable at {listener.address}; give the listener tls, or set "
                "proxy.allow_plain_basic: true"
            )
            yield Refusal(("methods",), why)


def _readable(listener: Listener, through: Proxy) -> bool:
    allowed = listener.allow_plain_basic or through.allow_plain_basic
    return listener.tls is None and not listener.ip.is_loopback and not allowed


def metrics(settings: Metrics, through: Proxy) -> Iterator[Refusal]:
    """A metrics port that is a port of the proxy."""
    socket = socket_address(settings.listen)
    if any(_same(socket, socket_address(listener.address)) for listener in through.listen):
        yield Refusal(("listen",), f"{settings.listen} is taken by proxy.listen")
    elif any(_same(socket, socket_address(address)) for address in through.transparent.listen):
        yield Refusal(("listen",), f"{settings.listen} is taken by proxy.transparent.listen")


def _same(one: _Socket, other: _Socket) -> bool:
    """True when the two cannot be bound together. IPv6 listeners take no IPv4 connections."""
    if one[1] != other[1] or one[1] == 0 or one[0].version != other[0].version:
        return False
    return one[0] == other[0] or one[0].is_unspecified or other[0].is_unspecified
