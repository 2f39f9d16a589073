"""Where a connection goes: the port, private networks, addresses without a name, and lies about the destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.facts import HOST_STAGES, Stage
from proxy.networks import PRIVATE, forms, plain
from proxy.verdict import Match

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_MISMATCH, _PRIVATE, _LITERAL, _PORT = (
    Match(reason, reasons.title_of(reason))
    for reason in (reasons.MISMATCH, reasons.PRIVATE, reasons.LITERAL, reasons.PORT)
)


_CONNECTING = (Stage.CONNECT, Stage.CLIENT_HELLO)


def mismatch(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a request that names another site than its connection goes to (domain fronting, a tunnel reused)."""
    target = facts.target_host
    agrees = (
        facts.host == target
        and facts.port == facts.target_port
        and (facts.host_header is None or facts.host_header == facts.host)
        and (facts.sni == target if facts.sni is not None else not _hides_its_name(facts))
        and goes_where_it_says(facts)
    )
    return None if agrees else _MISMATCH


def _hides_its_name(facts: RequestFacts) -> bool:
    """Say whether a tunnel that stays closed to us names no site: that name is all there is to judge.

    Real ECH hides it. An address literal is never sent there (RFC 6066, 3).
    """
    return facts.stage is Stage.CLIENT_HELLO and not facts.interceptable and facts.ip is None


def goes_where_it_says(facts: RequestFacts) -> bool:
    """Say whether a redirected connection was meant for an address of the name that it gives, as far as it is known.

    Asked when the connection begins: its requests go to the addresses that were judged, and a name's may change.
    """
    if facts.original is None or facts.stage not in _CONNECTING:
        return True
    if facts.ip is not None:
        return plain(facts.ip) == facts.original
    return not facts.addresses or facts.original in map(plain, facts.addresses)


def private(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a destination in a private or reserved network, or the proxy itself, by any address that it has.

    One such address refuses the whole name. A public name does not point into a private network by accident: it is
    DNS rebinding, or an internal service, which belongs in private_networks. Dialling only the public addresses would
    let the answer's order and the client's retries decide what a verdict means.
    """
    if facts.ip is not None and judge_address(facts.ip, facts.target_port, snapshot):
        return _PRIVATE
    for address in facts.addresses:
        if judge_address(address, facts.target_port, snapshot):
            return _PRIVATE
    return None


def judge_address(ip: IPv4Address | IPv6Address, port: int, snapshot: PolicySnapshot) -> Match | None:
    """Say why a connection to this address is refused, or None. The dialer asks for every address it would use."""
    found = forms(ip)
    if any(_is_own(form, port, snapshot) for form in found):  # not even where its network is listed
        return _PRIVATE
    return _PRIVATE if any(form in PRIVATE and form not in snapshot.private_allow for form in found) else None


def _is_own(ip: IPv4Address | IPv6Address, port: int, snapshot: PolicySnapshot) -> bool:
    """The proxy's own listeners, as they are set: a request to itself would loop, or ask for metrics from inside.

    Which addresses a listener on 0.0.0.0 has, only the machine knows: the dialer asks it (proxy/worker_state.py).
    """
    if port not in snapshot.own_ports:
        return False
    return ip.is_loopback or ip.is_unspecified or ip in snapshot.own_addresses


def literal(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a destination given as an address: lists name hosts, so it would be judged by nothing."""
    ip = facts.ip
    if ip is None or (plain(ip), facts.target_port) in snapshot.approved_addresses:
        return None
    return None if plain(ip) in snapshot.private_allow else _LITERAL


def port(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a port that is not allowed, before anything is dialled."""
    number = facts.target_port
    if number in snapshot.allow_ports:
        return None
    if facts.ip is not None and (plain(facts.ip), number) in snapshot.approved_addresses:
        return None
    if facts.stage in HOST_STAGES and (facts.host, number) in snapshot.approved_tunnels:
        return None  # a tunnel is approved, not requests to that port
    return _PORT
