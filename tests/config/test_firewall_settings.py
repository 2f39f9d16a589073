import pytest

from tests.config.district import check_refused, settings

SCHOOLS = 'schools: {lincoln: ["10.1.0.0/16", "2001:db8:1::/48"]}\n'
SOUND = {
    "name": "phones",
    "clients": '["10.1.40.0/24"]',
    "destinations": '["198.51.100.0/24"]',
    "protocol": "udp",
    "ports": "[5060]",
    "owner": "Telephony",
    "reason": "calls",
    "since": "2026-11-01",
    "until": "2027-06-30",
}


def exemption(**changes: str | None) -> str:
    items = ", ".join(f"{key}: {value}" for key, value in {**SOUND, **changes}.items() if value is not None)
    return f"{SCHOOLS}firewall:\n  exemptions:\n    - {{{items}}}  # <-\n"


EXEMPTIONS = [
    ("nobody answers for it", {"owner": None}, "exemptions[0].owner", "missing"),
    ("no reason", {"reason": "' '"}, "reason", "blank"),
    ("approved tomorrow but one", {"since": "2026-11-24"}, "since", "future"),
    ("it never ends", {"until": None}, "until", "missing"),
    ("it ends before it began", {"until": "2026-10-31"}, "until", "before since"),
    ("it lasts longer than a school year", {"until": "2027-12-07"}, "until", "approve it again"),
    ("a name that is syntax", {"name": "'x; flush ruleset'"}, "name", "small letters"),
    ("a star", {"destinations": '["*"]'}, "destinations", "write a network"),
    ("the whole internet", {"destinations": '["0.0.0.0/0"]'}, "destinations[0]", "wider than /14"),
    ("all of IPv6", {"destinations": '["::/0"]'}, "destinations[0]", "wider than /32"),
    ("half the internet", {"destinations": '["128.0.0.0/2"]'}, "destinations[0]", "wider than /14"),
    ("a registry's worth of IPv6", {"destinations": '["2600::/12"]'}, "destinations[0]", "wider than /32"),
    ("IPv4 in the clothes of 6to4", {"destinations": '["2002:c633:6400::/48"]'}, "destinations[0]", "no vendor"),
    ("IPv4, all of it, translated", {"destinations": '["64:ff9b::/96"]'}, "destinations[0]", "all of IPv4"),
    ("multicast", {"destinations": '["239.0.0.0/24"]'}, "destinations[0]", "no vendor"),
    ("nowhere", {"destinations": "[]"}, "destinations", "empty"),
    (
        "the internet in small pieces",
        {"destinations": "[" + ", ".join(f'"{n}.0.0.0/14"' for n in range(20, 26)) + "]"},
        "destinations",
        "wider than a /12",
    ),
    ("a client of no school", {"clients": '["10.9.0.0/24"]'}, "clients[0]", "in no network of schools"),
    ("clients wider than the school", {"clients": '["10.0.0.0/8"]'}, "clients[0]", "in no network of schools"),
    ("every protocol", {"protocol": "any"}, "protocol", "udp"),
    ("no port", {"ports": "[]"}, "ports", "empty"),
    ("every port", {"ports": '["1-65535"]'}, "ports[0]", "SSH"),
    ("the web", {"protocol": "tcp", "ports": "[443]"}, "ports[0]", "the web goes through the filter"),
    ("QUIC", {"ports": "[443]"}, "ports[0]", "the web goes through the filter"),
    ("another resolver", {"ports": "[53]"}, "ports[0]", "firewall.resolvers"),
    ("DNS over TLS", {"ports": "[853]"}, "ports[0]", "encrypted DNS"),
    ("a range that holds a VPN", {"ports": '["1000-2000"]'}, "ports[0]", "SOCKS"),
    ("WireGuard", {"ports": "[51820]"}, "ports[0]", "WireGuard"),
    ("WireGuard with its neighbours", {"ports": '["51800-51900"]'}, "ports[0]", "WireGuard"),
    ("WireGuard over TCP", {"protocol": "tcp", "ports": '["50000-59999"]'}, "ports[0]", "WireGuard"),
    ("IPsec", {"ports": "[5060, 500]"}, "ports[1]", "IPsec"),
    ("IPsec through NAT", {"ports": "[4500]"}, "ports[0]", "IPsec"),
    ("L2TP", {"ports": "[1701]"}, "ports[0]", "L2TP"),
    ("BitTorrent's last", {"ports": '["6890-6999"]'}, "ports[0]", "BitTorrent"),
    ("a peer of BitTorrent", {"ports": "[51413]"}, "ports[0]", "Transmission"),
    ("IPFS", {"ports": "[4001]"}, "ports[0]", "IPFS"),
    ("the web elsewhere", {"protocol": "tcp", "ports": "[8080]"}, "ports[0]", "the web goes through the filter"),
    ("the web elsewhere, TLS", {"protocol": "tcp", "ports": "[8443]"}, "ports[0]", "the web goes through the filter"),
    ("mail", {"protocol": "tcp", "ports": "[25]"}, "ports[0]", "mail"),
    ("most ports", {"ports": '["10000-65535"]'}, "ports[0]", "holds port"),
    ("a range that runs backwards", {"ports": '["9000-8000"]'}, "ports", "write a port or a range"),
    ("ports as syntax", {"ports": "['5060 } accept']"}, "ports", "write a port or a range"),
    ("port 0", {"ports": "[0]"}, "ports", "write a port or a range"),
    ("port 65536", {"ports": "[65536]"}, "ports", "write a port or a range"),
    ("a yes for a port", {"ports": "[true]"}, "ports", "write a port or a range"),
]


@pytest.mark.parametrize(("changes", "key", "why"), [row[1:] for row in EXEMPTIONS], ids=[row[0] for row in EXEMPTIONS])
def test_an_exemption_is_refused(changes: dict[str, str | None], key: str, why: str) -> None:
    check_refused(exemption(**changes), key, why)


OTHERS = [
    ("an interface as syntax", "interfaces: ['eth0\" } accept']", "interfaces[0]", "letters, digits"),
    ("every interface", "interfaces: ['*']", "interfaces[0]", "letters, digits"),
    ("a name too long for an interface", "interfaces: [abcdefghijklmnop]", "interfaces[0]", "15"),
    ("a resolver with a name", "resolvers: [dns.example]", "resolvers[0]", "an IP address"),
    ("a resolver with a zone", "resolvers: ['fe80::1%eth0']", "resolvers[0]", "an IP address"),
    ("every resolver", "resolvers: ['0.0.0.0']", "resolvers[0]", "no single machine"),
    ("a resolver on the client itself", "resolvers: ['127.0.0.53']", "resolvers[0]", "own machine"),
    ("a filter without a port", "proxies: ['10.1.0.5']", "proxies[0]", "IP address and a port"),
    ("a filter anywhere", "proxies: ['0.0.0.0:8080']", "proxies[0]", "no single machine"),
    (
        "the internet as the inside",
        "inside: [{network: 8.8.8.0/24, owner: a, reason: b, since: 2026-11-01}]",
        "inside[0].network",
        "private range",
    ),
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(f"{SCHOOLS}firewall:\n  {more}  # <-\n", f"firewall.{key}", why)


def test_two_exemptions_of_one_name_are_refused() -> None:
    first = exemption().replace("  # <-", "")
    check_refused(f"{first}{exemption().splitlines()[-1]}\n", "exemptions[1].name", "twice")


def many(count: int, destinations: str) -> str:
    """So many exemptions, each to its own destination: `{}` is its number."""
    lines = [exemption(name=f"n{n}", destinations=f'["{destinations.format(n)}"]').splitlines() for n in range(count)]
    return "\n".join([*lines[0][:2], "  exemptions:  # <-", *(each[-1].replace("  # <-", "") for each in lines), ""])


@pytest.mark.parametrize(
    ("count", "form", "sound"),
    [
        (4, "2{}.0.0.0/14", True),
        (5, "2{}.0.0.0/14", False),
        (40, "20.0.0.0/14", True),
        (128, "26{:02x}:100::/32", True),
        (129, "26{:02x}:100::/32", False),
        (5, "64:ff9b::{}0:0/110", False),
    ],
)
def test_many_exemptions_are_no_wider_than_one_may_be(count: int, form: str, sound: bool) -> None:
    if sound:
        assert len(settings(many(count, form)).firewall.exemptions) == count
    else:
        check_refused(many(count, form), "firewall.exemptions", "wider than a /12 in all")


def test_what_vendors_publish_can_be_written() -> None:
    given = settings(
        exemption(
            clients=None,
            destinations='["52.112.0.0/14", "52.122.0.0/15", "2603:1063::/38", "64:ff9b::3470:0/110"]',
            ports='["3478-3481", 19302, "20000-64999"]',
        )
    )
    [found] = given.firewall.exemptions
    assert found.ports == ("3478-3481", "19302", "20000-64999")
    assert found.clients == ()


def test_one_that_has_ended_is_no_error_else_nothing_could_be_applied_any_more() -> None:
    assert settings(exemption(since="2026-01-01", until="2026-06-30")).firewall.exemptions
