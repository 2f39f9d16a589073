"""What a router lets clients do, as nftables rules: the filter, the resolvers and what is exempt; all else is refused.

Refused means answered (TCP reset, ICMP unreachable), not dropped: a browser whose QUIC is dropped waits for seconds
before it tries TCP, one that is answered falls back at once. Only packets in the direction in which a connection was
begun are held against the rules, every one of them, so what is open when an exemption ends is refused from then on:
the end stands in the rule (`meta time`) and needs no reload.

The settings are data here, never syntax: names, addresses and numbers are written by their types, words of people only
as remarks and comments, without anything that nft(8) could read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.evasion_ports import PEER_TO_PEER
from proxy.firewall.border import of_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from proxy.firewall.border import Address, Border, Exempt, Redirect

#: nftables keeps 128 bytes of a comment, the final NUL included.
_COMMENT_BYTES = 127
_HARMLESS = frozenset(" ._@,:/()+-&'=")

_IP = {4: "ip", 6: "ip6"}

#: The sender's network is reached through the interface on which the packet came: its address is not borrowed.
_OWN = "fib saddr . iif oif exists"

_HEAD = """\
# Nobody gets past the filter: rules for the router of the client networks, IPv4 and IPv6.
# Made by `breakwater firewall print` from the settings; changes belong there. Load it whole, before the network is up:
#   nft --check --file FILE && nft --file FILE
# Rules of other tables hold beside these. What a rule has refused: nft list table inet breakwater
table inet breakwater
delete table inet breakwater
table inet breakwater {"""


def render(border: Border) -> str:
    """Give the text of the rules, ready for nft(8). The same settings give the same text."""
    lines = [_HEAD, *_sets(border)]
    lines += _chain("forward", _forward(border))
    lines += _chain("clients", _clients(border))
    lines += _chain("strangers", _strangers())
    lines += _chain("refuse", _REFUSE)
    if border.redirect is not None:
        lines += _chain("unaware", _redirected(border.redirect))
    return "\n".join([*lines, "}", ""])


def _sets(border: Border) -> Iterator[str]:
    for version in (4, 6):
        kind = f"ipv{version}_addr"
        filters = dict.fromkeys(ip for ip, _ in border.proxies)
        sockets = [f"{ip} . {port}" for ip, port in border.proxies if ip.version == version]
        yield from _set(f"clients{version}", kind, of_version(border.clients, version), interval=True)
        yield from _set(f"inside{version}", kind, of_version(border.inside, version), interval=True)
        yield from _set(f"filters{version}", kind, of_version(filters, version))
        yield from _set(f"proxies{version}", f"{kind} . inet_service", sockets)
        yield from _set(f"resolvers{version}", kind, of_version(border.resolvers, version))


def _set(name: str, kind: str, elements: Iterable[object], *, interval: bool = False) -> Iterator[str]:
    given = ", ".join(map(str, elements))
    yield f"    set {name} {{"
    yield f"        type {kind}"
    if interval:
        yield "        flags interval"
    if given:
        yield f"        elements = {{ {given} }}"
    yield "    }"


def _chain(name: str, rules: Iterable[str]) -> list[str]:
    return ["", f"    chain {name} {{", *(f"        {rule}" for rule in rules), "    }"]


def _forward(border: Border) -> Iterator[str]:
    yield "type filter hook forward priority filter; policy accept;"
    yield "# errors about packets that were let through: path MTU, unreachable hosts"
    yield "ct state related meta l4proto { icmp, ipv6-icmp } accept"
    if border.interfaces:
        names = ", ".join(f'"{name}"' for name in border.interfaces)
        yield f"iifname {{ {names} }} jump clients"
    for version in (4, 6):
        yield f"{_IP[version]} saddr @clients{version} jump clients"
    if not border.interfaces:
        for version in border.unknown_versions:
            yield f"# no school has an IPv{version} network: whoever uses one is a client, too"
            yield f"meta nfproto ipv{version} jump clients"
    yield "# nobody outside begins a conversation with a client: peers, reverse tunnels"
    if border.interfaces:
        yield f"oifname {{ {names} }} ct direction original jump strangers"
    for version in (4, 6):
        yield f"{_IP[version]} daddr @clients{version} ct direction original jump strangers"


def _clients(border: Border) -> Iterator[str]:
    yield "ct state invalid counter drop"
    yield "ct direction reply accept"
    yield "# the filter and the resolvers go out for everybody"
    for ip, version in ((_IP[version], version) for version in (4, 6)):
        yield f"{ip} saddr @filters{version} {_OWN} accept"
        yield f"{ip} saddr @resolvers{version} meta l4proto {{ tcp, udp }} th dport {{ 53, 853 }} {_OWN} accept"
    yield "# what clients reach: the filter, and DNS at the resolvers"
    for ip, version in ((_IP[version], version) for version in (4, 6)):
        yield f"{ip} daddr . tcp dport @proxies{version} accept"
        yield f"{ip} daddr @resolvers{version} meta l4proto {{ tcp, udp }} th dport 53 accept"
    for exempt in border.exempt:
        yield from _exemption(exempt)
    yield "# ways past the filter, told apart for the counters"
    yield f'meta l4proto {{ tcp, udp }} th dport 53 counter goto refuse comment "{_DNS}"'
    yield 'meta l4proto { tcp, udp } th dport 853 counter goto refuse comment "DNS over TLS or QUIC"'
    yield 'udp dport { 80, 443 } counter goto refuse comment "QUIC"'
    peers = _ports((first, last) for first, last, _ in PEER_TO_PEER)
    yield f'meta l4proto {{ tcp, udp }} th dport {peers} counter goto refuse comment "peer-to-peer"'
    for version in (4, 6):
        yield f"{_IP[version]} daddr @inside{version} accept"
    yield 'meta l4proto udp counter goto refuse comment "UDP past the filter"'
    yield 'counter goto refuse comment "past the filter"'


_DNS = "DNS at another resolver"


def _exemption(exempt: Exempt) -> Iterator[str]:
    yield "# " + harmless(
        f"exemption {exempt.name}: {exempt.reason}; owner {exempt.owner}, since {exempt.since}, until {exempt.until}"
    )
    said = quoted(f"exemption {exempt.name}, until {exempt.until}, owner {exempt.owner}")
    for version in (4, 6):
        ip, to = _IP[version], of_version(exempt.destinations, version)
        clients = of_version(exempt.clients, version)
        if to and (clients or not exempt.clients):
            who = f"{ip} saddr {_braced(clients)} " if clients else ""
            what = f"{ip} daddr {_braced(to)} {exempt.protocol} dport {_ports(exempt.ports)}"
            yield f"meta time < {exempt.ends} {who}{what} counter accept comment {said}"


def _strangers() -> Iterator[str]:
    for version in (4, 6):
        for known in ("filters", "resolvers", "inside"):
            yield f"{_IP[version]} saddr @{known}{version} {_OWN} return"
    yield 'counter drop comment "from outside to a client"'


def _redirected(redirect: Redirect) -> Iterator[str]:
    yield "type nat hook prerouting priority dstnat; policy accept;"
    yield "# devices that can be told of no proxy: their web goes to the filter on this machine"
    yield "fib daddr type local return"
    for version in (4, 6):
        yield f"{_IP[version]} daddr @inside{version} return"
        networks = of_version(redirect.networks, version)
        to = next(((ip, port) for ip, port in redirect.listen if ip.version == version and port), None)
        if networks and to is not None:  # the first listener has them all
            yield f"{_IP[version]} saddr {_braced(networks)} tcp dport {{ 80, 443 }} {_to(*to)}"


def _to(address: Address, port: int) -> str:
    if address.is_unspecified:
        return f"redirect to :{port}"
    return f"dnat ip6 to [{address}]:{port}" if address.version == 6 else f"dnat ip to {address}:{port}"


_REFUSE = (
    "meta l4proto tcp reject with tcp reset",
    "meta l4proto udp reject with icmpx port-unreachable",
    "reject with icmpx admin-prohibited",
)


def _braced(elements: Iterable[object]) -> str:
    return f"{{ {', '.join(map(str, elements))} }}"


def _ports(ranges: Iterable[tuple[int, int]]) -> str:
    return _braced(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def harmless(text: str) -> str:
    """What people wrote, with letters, digits and a few signs left: nothing that ends a comment or a string."""
    return "".join(sign if sign.isalnum() or sign in _HARMLESS else "?" for sign in text)


def quoted(text: str) -> str:
    """The same as a comment that nft(8) keeps, cut to the bytes for which it has room."""
    return f'"{harmless(text).encode()[:_COMMENT_BYTES].decode(errors="ignore")}"'
