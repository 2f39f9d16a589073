"""Resolve, judge, dial: the one way out. Every upstream connection goes to an address that was judged.

A name is resolved once and every address it has is judged before any of them is dialled, so that a second look-up
cannot point a judged name somewhere else (DNS rebinding). Look-ups have an executor of their own: the event loop's
default has six threads on two cores, so six dead names would stop all others (reference/engine.md, item 5).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, ClassVar

import aiohappyeyeballs

from categories.address import literal
from proxy import failing, upstream
from proxy.bounded_cache import BoundedCache
from proxy.failing import is_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

IPAddress = IPv4Address | IPv6Address

_DNS_THREADS = 64
_POSITIVE_SECONDS = 60.0
_NEGATIVE_SECONDS = 10.0
_CACHED_NAMES = 10_000
_AGAIN_SECONDS = 1.0  # no name is asked past the cache more often: clients that lie would have us ask each time
_LATELY_SECONDS = 300.0
_LATELY_ADDRESSES = 64  # of one name, the latest
_STAGGER_SECONDS = 0.25  # RFC 8305, section 5


class UpstreamError(OSError):
    """The origin cannot be reached. `outcome` is the word that stands in the usage log."""

    outcome: ClassVar[str] = upstream.CONNECT

    def __str__(self) -> str:
        """Give the outcome first: mitmproxy hands errors on as text, and proxy/upstream.py reads it back."""
        return upstream.ours(self.outcome, str(self.args[0]))


class NameNotFound(UpstreamError):
    """The name has no address, or its name servers did not answer in time."""

    outcome = upstream.DNS


class ConnectFailed(UpstreamError):
    """Every judged address refused or is unreachable."""


class ConnectTimedOut(UpstreamError):
    """No judged address answered in time."""

    outcome = upstream.TIMEOUT


class AddressRefused(UpstreamError):
    """The name has addresses, and policy refuses them."""

    outcome = upstream.PRIVATE


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[IPAddress, ...]
    error: str | None
    asked: float  # monotonic seconds
    expires: float
    lately: Mapping[IPAddress, float]  # when each address stood in an answer last, the latest behind


class DialFailed(UpstreamError):
    """Something of ours went wrong on the way to the origin."""

    outcome = upstream.ERROR


class Resolver:
    """Names to addresses, through the system's resolver, with bounded waits and a bounded cache."""

    def __init__(self, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = timeout
        self._clock = clock
        self._executor = ThreadPoolExecutor(_DNS_THREADS, thread_name_prefix="dns")
        self._answers: BoundedCache[str, _Answer] = BoundedCache(_CACHED_NAMES)
        self._asked: dict[str, asyncio.Future[_Answer]] = {}

    def cached(self, host: str) -> tuple[IPAddress, ...] | None:
        """Give the addresses of a name that was asked less than a minute ago; None where it must be asked."""
        answer = self._fresh(host)
        return answer.addresses if answer and not answer.error else None

    async def resolve(self, host: str) -> tuple[IPAddress, ...]:
        """Give all addresses of `host`, a canonical name or an address literal.

        Raises:
            NameNotFound: there are none, or nobody said so within the time limit.
        """
        if (ip := literal(host)) is not None:
            return (ip,)
        answer = self._fresh(host) or await self._ask_once(host)
        if answer.error is not None:
            raise NameNotFound(answer.error)
        return answer.addresses

    async def lately(self, host: str) -> tuple[IPAddress, ...]:
        """Give all addresses that `host` has had in the last minutes, asked past the cache where its answer is not new.

        Answers of large services change within seconds. Raises NameNotFound.
        """
        answer = self._fresh(host)
        if answer is None or answer.asked + _AGAIN_SECONDS < self._clock():
            answer = await self._ask_once(host)
        if answer.error is not None:
            raise NameNotFound(answer.error)
        return tuple(answer.lately)

    def close(self) -> None:
        """Let go of the threads; look-ups under way are left to end by themselves."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _fresh(self, host: str) -> _Answer | None:
        answer = self._answers.get(host)
        return answer if answer is not None and answer.expires > self._clock() else None

    async def _ask_once(self, host: str) -> _Answer:
        """Many requests for one new name make one look-up."""
        if (asked := self._asked.get(host)) is None:
            asked = asyncio.ensure_future(self._ask(host))
            self._asked[host] = asked
            asked.add_done_callback(lambda _: self._asked.pop(host, None))
        return await asyncio.shield(asked)

    async def _ask(self, host: str) -> _Answer:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.seconds):
                found = await loop.run_in_executor(self._executor, _look_up, host)
        except TimeoutError:
            answer = self._without(host, f"no answer for {host} within {self.seconds:g} s")
        except (OSError, UnicodeError) as error:
            answer = self._without(host, f"{host} does not resolve ({_why(error)})")
        else:
            answer = self._with(host, found)
        self._answers.put(host, answer)
        return answer

    def _with(self, host: str, found: tuple[IPAddress, ...]) -> _Answer:
        now, known = self._clock(), self._answers.get(host)
        before = known.lately.items() if known else ()
        lately = {ip: at for ip, at in before if at > now - _LATELY_SECONDS and ip not in found}
        kept = dict(list(lately.items())[-_LATELY_ADDRESSES:])
        return _Answer(found, None, now, now + _POSITIVE_SECONDS, kept | dict.fromkeys(found, now))

    def _without(self, host: str, error: str) -> _Answer:
        """Note that nobody answered. An answer that still holds, and was asked again, holds on."""
        if (known := self._fresh(host)) is not None:
            return replace(known, asked=self._clock())
        now, known = self._clock(), self._answers.get(host)
        return _Answer((), error, now, now + _NEGATIVE_SECONDS, known.lately if known else {})


def _why(error: Exception) -> str:
    return str(error.strerror) if isinstance(error, OSError) and error.strerror else type(error).__name__


def _look_up(host: str) -> tuple[IPAddress, ...]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    # A scope id ("fe80::1%eth0") is the resolver's word about this machine: link-local is refused all the same.
    return tuple(dict.fromkeys(ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found))


class Dialer:
    """Opens upstream connections to judged addresses only."""

    def __init__(
        self,
        resolver: Resolver,
        refuses: Callable[[IPAddress, int], str | None],
        timeout: float,
        ceiling: int = sys.maxsize,
    ) -> None:
        """Take `refuses`, which says why policy refuses (address, port), or None.

        A connection whose descriptor is `ceiling` or higher is given up.
        """
        self._resolver = resolver
        self._refuses = refuses
        self._ceiling = ceiling
        self.timeout = timeout

    async def socket_to(self, host: str, port: int) -> socket.socket:
        """Resolve `host`, judge every address, and connect to the first judged one that answers.

        Raises:
            UpstreamError: one of its kinds above.
        """
        addresses = await self._resolver.resolve(host)
        for address in addresses:
            if (why := self._refuses(address, port)) is not None:
                raise AddressRefused(why)
        sock = await self._dial(host, addresses, port)
        if sock.fileno() >= self._ceiling:
            sock.close()
            raise ConnectFailed(f"{host}:{port}: too many connections are open")
        return sock

    async def _dial(self, host: str, addresses: tuple[IPAddress, ...], port: int) -> socket.socket:
        try:
            async with asyncio.timeout(self.timeout):
                return await aiohappyeyeballs.start_connection(
                    [_address_info(address, port) for address in addresses], happy_eyeballs_delay=_STAGGER_SECONDS
                )
        except TimeoutError:
            raise ConnectTimedOut(f"{host}:{port} did not answer within {self.timeout:g} s") from None
        except OSError as error:
            raise ConnectFailed(f"{host}:{port} cannot be reached ({_why(error)})") from error

    async def streams_to(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Do the same for mitmproxy, which wants a reader and a writer (65,536-byte buffer), and nothing but OSError.

        It has no time limit of its own, and leaves a client without an answer for ever where anything else is raised.
        """
        try:
            async with asyncio.timeout(self._resolver.seconds + self.timeout + failing.HOOK_SECONDS):
                return await asyncio.open_connection(sock=await self.socket_to(host, port))
        except UpstreamError:
            raise
        except asyncio.CancelledError as error:
            if is_ours():
                raise
            raise DialFailed("dialling was cancelled") from error
        except Exception as error:  # invariant 2: whatever fails here becomes a block
            log.exception("dialling failed")
            raise DialFailed(f"dialling failed: {type(error).__name__}") from error


def is_this_machine(address: IPAddress) -> bool:
    """True for an address of one of this machine's interfaces: nothing else can be bound."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True


def _address_info(address: IPAddress, port: int) -> aiohappyeyeballs.AddrInfoType:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    sockaddr = (str(address), port, 0, 0) if address.version == 6 else (str(address), port)
    return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", sockaddr)
