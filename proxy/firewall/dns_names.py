"""Names that a client's resolver answers with "no such name" (NXDOMAIN), as configuration of unbound and as a zone.

One table: what browsers and systems ask before they turn to a resolver of their own, and the resolvers themselves,
those of our starter list of encrypted DNS: a name that the filter refuses is also refused by DNS.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from categories.starter import starter_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Name -> what its absence tells a client.
SIGNALS = {
    "use-application-dns.net": "Firefox leaves DNS over HTTPS off",
    "resolver.arpa": "no encrypted resolver is designated (RFC 9462)",
    "mask.icloud.com": "iCloud Private Relay says that it is not available on this network",
    "mask-h2.icloud.com": "the same, over HTTP/2",
    "cloudflare-ech.com": "the outer name of encrypted ClientHellos",
}
ENCRYPTED_DNS = "encrypted-dns"

_WHAT = "Resolver signals and encrypted DNS: no such name. Made by `breakwater firewall dns`; sub-domains are covered."

_ZONE = """\
; {what}
$TTL 300
@ IN SOA localhost. hostmaster.localhost. ( {serial} 3600 600 86400 300 )
@ IN NS localhost.
"""


def names() -> Iterator[tuple[str, str]]:
    """Every name with what it is."""
    yield from SIGNALS.items()
    for host in starter_hosts(ENCRYPTED_DNS):
        if host not in SIGNALS and not _is_address(host) and not host.endswith(".test"):
            yield host, "a resolver that encrypts"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def unbound() -> str:
    """A file for unbound.conf(5) to include."""
    zones = "".join(f'    local-zone: "{name}." always_nxdomain  # {what}\n' for name, what in names())
    return f"# {_WHAT}\nserver:\n{zones}"


def response_policy_zone(serial: int) -> str:
    """A response policy zone for BIND, unbound, Knot or PowerDNS; its serial has to grow (RFC 1982, 32 bits)."""
    records = "".join(f"{name} IN CNAME . ; {what}\n*.{name} IN CNAME .\n" for name, what in names())
    return _ZONE.format(what=_WHAT, serial=serial) + records
