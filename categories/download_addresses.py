"""Which addresses a list may be fetched from. They may hold a secret, so no message shows one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.address import MalformedAddress, literal, parse
from categories.errors import ListRefused

if TYPE_CHECKING:
    from categories.address import Address
    from categories.sources import ListSource

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def check_address(source: ListSource, url: str) -> None:
    """Raise ListRefused for what is no web address, and for plain http where no checksum makes that harmless."""
    _check_protection(source, _parsed(source, url))


def check_redirect(source: ListSource, url: str, target: str) -> None:
    """Raise ListRefused where the server at `url` may not send a download to `target`.

    What a server outside says must not make this machine ask itself or its neighbours. Names are not resolved: one that
    leads to such an address passes.
    """
    address = _parsed(source, target)
    if _is_inside(address.host) and address.host != _parsed(source, url).host:
        what = "its server redirects to an address of this machine or of a private network"
        raise ListRefused(f"list {source.name}: {what}; check its url")
    _check_protection(source, address)


def _parsed(source: ListSource, url: str) -> Address:
    try:
        return parse(url)
    except MalformedAddress as problem:
        raise ListRefused(f"list {source.name}: its url is not a web address") from problem


def _check_protection(source: ListSource, address: Address) -> None:
    # Over plain HTTP anybody on the way could edit the list; a check sum makes that harmless.
    if address.scheme != "https" and address.host not in _LOOPBACK and not source.checksum:
        raise ListRefused(f"list {source.name}: would come over plain http; use https, or give its checksum")


def _is_inside(host: str) -> bool:
    address = literal(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    address = getattr(address, "ipv4_mapped", None) or address
    return not address.is_global or address.is_multicast
