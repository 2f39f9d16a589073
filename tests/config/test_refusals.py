"""The table of refusals: one sentence a row, the line that is named, and what is said."""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.taxonomy import FLOOR, RELAXABLE
from config import refusals
from tests.config.district import APPROVED, SOUND, marked_line, refused, settings

GROUP = "groups: {comms: {users: [comms.officer]}, nobody: {}}\nhours: {duty: 'Mon-Fri 07:30-16:00'}\n"
LISTS = SOUND.replace("starter_only: true\n", "")
UT1 = "lists: [{name: ut1, format: ut1, url: 'https://lists.test/a.tar.gz', map: {adult: pornography}"

FLOOR_ROWS = [
    (
        f"{category} may not be {what}",
        f"{GROUP}categories:\n  {category}: {rule}  # <-\n",
        f"categories.{category}",
        "floor",
    )
    for category in sorted(FLOOR)
    for what, rule in [
        ("allowed", "allow"),
        ("monitored", "{action: monitor, until: 2027-01-31}"),
        ("scheduled", "{action: block, hours: duty}"),
        ("excepted", "{action: block, except_groups: [comms]}"),
    ]
]
RELAXABLE_ROWS = [
    (
        f"{category}: {rule}",
        f"{GROUP}categories:\n  {category}: {rule}  # <-\n",
        f"categories.{category}",
        "named groups only",
    )
    for category in sorted(RELAXABLE)
    for rule in (
        "allow",
        "{action: monitor, until: 2027-01-31}",
        "{action: block, hours: duty, except_groups: [comms]}",
    )
]
CATEGORY_ROWS = [
    (
        "an exception names a group that is not there",
        "social-media: {action: block, except_groups: [coms]}",
        "groups has no",
    ),
    ("an exception names a group without users", "vpn: {action: block, except_groups: [nobody]}", "no users"),
    ("monitor has no end", "games: monitor", "needs until"),
    ("monitor ends on no day", "games: {action: monitor, until: 2027-02-30}", "write a date"),
    ("monitor goes by the hour", "games: {action: monitor, until: 2027-01-31, hours: duty}", "not with hours"),
    ("an end stands with block", "games: {action: block, until: 2027-01-31}", "goes with action: monitor"),
    ("hours are not defined", "shopping: {action: block, hours: dutty}", 'did you mean "duty"?'),
    ("an exception goes with allow", "games: {action: allow, except_groups: [comms]}", "goes with action: block"),
    ("a category is misspelt", "gamblin: block", 'did you mean "gambling"?'),
    ("a category of the district's own has no title", "tutoring: block", "needs a title"),
    ("a known category gets a title", "games: {action: block, title: fun}", "title is for"),
    ("a category of unions", "labor-unions: {action: block, title: unions}", "no category for sexuality"),
    (
        "a category of a religion under another id",
        "x1: {action: block, title: Islam and more}",
        "no category for sexuality",
    ),
    ("an action is misspelt", "games: blok", 'did you mean "block"?'),
    ("YAML 1.1 would read this as a yes", "games: on", "write block, allow or monitor"),
]
PROXY_ROWS = [
    ("every host is passed through", 'passthrough: ["*"]', "proxy.passthrough[0].host", "not allowed"),
    ("a wildcard", f"passthrough: [{{host: '*.example.com', {APPROVED}}}]", "passthrough[0].host", "not allowed"),
    ("a public suffix", f"passthrough: [{{host: co.uk, {APPROVED}}}]", "passthrough[0].host", "public suffix"),
    (
        "a suffix written in capitals with a dot",
        f"passthrough: [{{host: CO.UK., {APPROVED}}}]",
        "host",
        "public suffix",
    ),
    ("a suffix of shared hosting", f"passthrough: [{{host: github.io, {APPROVED}}}]", "host", "public suffix"),
    ("a single label", f"passthrough: [{{host: com, {APPROVED}}}]", "host", "public suffix"),
    ("an address is no host", f"passthrough: [{{host: 0x7f.1, {APPROVED}}}]", "host", "approved_addresses"),
    ("a host with a path", f"passthrough: [{{host: a.test/x, {APPROVED}}}]", "host", "a.test/x"),
    ("nobody answers for it", "passthrough: [{host: a.example.com}]", "passthrough[0].owner", "missing"),
    (
        "the reason is blank",
        "passthrough: [{host: a.example.com, owner: x, reason: ' ', since: 2026-01-01}]",
        "reason",
        "blank",
    ),
    (
        "the approval lies ahead",
        "passthrough: [{host: a.example.com, owner: x, reason: y, since: 2026-11-24}]",
        "since",
        "future",
    ),
    (
        "the whole Internet",
        f"private_networks: {{allow: [{{network: 0.0.0.0/0, {APPROVED}}}]}}",
        "network",
        "private range",
    ),
    ("all of IPv6", f"private_networks: {{allow: [{{network: '::/0', {APPROVED}}}]}}", "network", "private range"),
    (
        "a public network",
        f"private_networks: {{allow: [{{network: 8.8.8.0/24, {APPROVED}}}]}}",
        "network",
        "private range",
    ),
    ("all of 10/8", f"private_networks: {{allow: [{{network: 10.0.0.0/8, {APPROVED}}}]}}", "network", "wider than /16"),
    (
        "all unique local addresses",
        f"private_networks: {{allow: [{{network: 'fc00::/7', {APPROVED}}}]}}",
        "network",
        "wider",
    ),
    (
        "a metadata service",
        f"private_networks: {{allow: [{{network: 169.254.169.254/32, {APPROVED}}}]}}",
        "network",
        "private range",
    ),
    (
        "a network with host bits",
        f"private_networks: {{allow: [{{network: 10.1.2.3/16, {APPROVED}}}]}}",
        "network",
        "host bits",
    ),
    (
        "a range of addresses",
        f"approved_addresses: [{{address: 203.0.113.0/24, {APPROVED}}}]",
        "address",
        "IP address and a port",
    ),
    ("every address", f"approved_addresses: [{{address: '0.0.0.0:443', {APPROVED}}}]", "address", "no single machine"),
    (
        "an address of many",
        f"approved_addresses: [{{address: '224.0.0.1:443', {APPROVED}}}]",
        "address",
        "no single machine",
    ),
    (
        "an IPv4 address in disguise",
        f"approved_addresses: [{{address: '[::ffff:8.8.8.8]:443', {APPROVED}}}]",
        "address",
        "disguise",
    ),
    (
        "a tunnel",
        f"approved_tunnels: [{{host: a.test, port: 22, protocol: ssh, {APPROVED}}}]",
        "approved_tunnels",
        "not built yet",
    ),
    ("port 25", "allow_ports: [443, 25]", "allow_ports[1]", "mail"),
    ("port 0", "allow_ports: [0]", "allow_ports[0]", "between 1 and 65535"),
    ("port 65536", "allow_ports: [65536]", "allow_ports[0]", "between 1 and 65535"),
    ("no port at all", "allow_ports: []", "allow_ports", "nothing can be reached"),
    ("more ports than a list", f"allow_ports: {list(range(10000, 10040))}", "allow_ports", "more than 32"),
    ("floor sites undecrypted", "passthrough_categories: [pornography]", "passthrough_categories[0]", "looked into"),
    ("web proxies undecrypted", "passthrough_categories: [web-proxy]", "passthrough_categories[0]", "looked into"),
    ("malware undecrypted", "passthrough_categories: [malware]", "passthrough_categories[0]", "looked into"),
    ("unknown undecrypted", "passthrough_categories: [finanz]", "passthrough_categories[0]", 'did you mean "finance"?'),
    ("two listeners on one port", "listen: ['127.0.0.1:8080', '0.0.0.0:8080']", "proxy.listen[1]", "earlier listener"),
    ("no listener", "listen: []", "proxy.listen", "nobody could be served"),
    ("a listener with a name", "listen: ['localhost:8080']", "listen[0].address", "IP address and a port"),
    ("a listener without a port", "listen: ['127.0.0.1']", "listen[0].address", "IP address and a port"),
    ("a listener on port 65536", "listen: ['127.0.0.1:65536']", "listen[0].address", "no port"),
    ("the name is a suffix", "public_name: example", "public_name", "public suffix"),
    ("the name is an address", "public_name: 10.1.0.5", "public_name", "a name is needed"),
]
OTHER_ROWS = [
    (
        "passwords in the open",
        "proxy: {listen: ['0.0.0.0:8080']}\nidentity: {required: true}  # <-\n",
        "identity.methods",
        "readable",
    ),
    (
        "everybody unnamed on a network",
        "proxy: {listen: ['0.0.0.0:8080']}\nidentity: {required: false, methods: []}  # <-\n",
        "identity.required",
        "loopback only",
    ),
    ("nobody can say who they are", "identity: {methods: []}  # <-\n", "identity.methods", "who they are"),
    (
        "a method that is not built",
        "identity: {methods: [local, ldap]}  # <-\n",
        "identity.methods[1]",
        "not built yet",
    ),
    ("a method nobody knows", "identity: {methods: [magic]}  # <-\n", "identity.methods[0]", "no method"),
    (
        "metrics on the proxy's port",
        "metrics: {listen: '127.0.0.1:8080'}  # <-\n",
        "metrics.listen",
        "taken by proxy.listen",
    ),
    ("PostgreSQL", "database: 'postgresql://u:geheim@db/log'  # <-\n", "database", "not built yet"),
    ("safe search", "safe_search: {google: strict}  # <-\n", "safe_search", "not built yet"),
    ("the console", "console: {listen: '127.0.0.1:8081'}  # <-\n", "console", "not built yet"),
    ("groups from a directory", "groups:\n  a: {users: [b], ldap: 'cn=a'}  # <-\n", "groups.a.ldap", "not built yet"),
    ("a group of everybody", "groups: {everyone: {users: [a]}}  # <-\n", "groups.everyone", "everybody"),
    ("a user that is a pattern", "groups: {a: {users: ['*']}}  # <-\n", "groups.a.users[0]", "account name"),
    (
        "a letter that only looks like k",
        'groups: {a: {users: ["\\u212aate"]}}  # <-\n',
        "groups.a.users[0]",
        "account name",
    ),
    (
        "two schools on one network",
        "schools: {a: [10.1.0.0/16], b: [10.1.0.0/16]}  # <-\n",
        "schools.b[0]",
        "belongs to a",
    ),
    ("the root as state folder", "state_dir: /etc/..  # <-\n", "state_dir", "root"),
    ("hours of no day", "hours: {duty: 'Mo-Fr 07:30-16:00'}  # <-\n", "hours.duty", "no day"),
    ("an unknown key", "distrikt: {}  # <-\n", "distrikt", 'did you mean "district"?'),
    (
        "an unknown key below",
        "proxy: {limits: {head_byte: 1}}  # <-\n",
        "proxy.limits.head_byte",
        'did you mean "head_bytes"?',
    ),
]
LIST_ROWS = [
    ("no list of the floor", "lists: []  # <-\n", "lists", "nothing maps to pornography"),
    (
        "a list of child abuse from a web address",
        f"{UT1[:-1]}, x: child-abuse}}}}]  # <-\n",
        "lists[0].url",
        "licensed local file",
    ),
    (
        "the same as a list of domains",
        f"{UT1}}}, {{name: iwf, format: domains, url: 'https://lists.test/b', category: child-abuse}}]  # <-\n",
        "lists[1].url",
        "licensed local file",
    ),
    ("a list that can be changed on the way", f"{UT1.replace('https', 'http')}}}]  # <-\n", "lists[0].url", "checksum"),
    (
        "a password in an address",
        f"{UT1.replace('lists.test', 'u:geheim@lists.test')}}}]  # <-\n",
        "lists[0].url",
        "secrets",
    ),
    (
        "a list from a file address",
        f"{UT1.replace('https://', 'file:///')}}}]  # <-\n",
        "lists[0].url",
        "absolute http",
    ),
    ("a list from two places", f"{UT1}, path: a}}]  # <-\n", "lists[0]", "either url or path"),
    ("a ut1 list with one category", f"{UT1}, category: games}}]  # <-\n", "lists[0].category", "use map"),
    (
        "two lists of one name",
        f"{UT1}}}, {{name: ut1, format: hosts, path: a, category: games}}]  # <-\n",
        "lists[1].name",
        "earlier",
    ),
    (
        "a list that calls itself ours",
        f"{UT1.replace('name: ut1', 'name: starter')}}}]  # <-\n",
        "lists[0].name",
        "our own lists",
    ),
    (
        "a format that is not built",
        "lists: [{name: a, format: rpz, path: b, category: pornography}]  # <-\n",
        "lists[0].format",
        "not built",
    ),
    (
        "domains of no category",
        f"{UT1}}}, {{name: a, format: domains, path: b}}]  # <-\n",
        "lists[1].category",
        "needs category",
    ),
    (
        "hosts with a map",
        f"{UT1}}}, {{name: a, format: hosts, path: b, category: games, map: {{c: games}}}}]  # <-\n",
        "map",
        "map is for ut1",
    ),
    (
        "a category nobody knows",
        f"{UT1[:-1]}, a: pornografy}}}}]  # <-\n",
        "lists[0].map.a",
        'did you mean "pornography"?',
    ),
    (
        "a white list of nobody",
        f"{UT1}, white: {{sexual_education: {{reason: x, since: 2026-01-01}}}}}}]  # <-\n",
        "white",
        "missing",
    ),
    (
        "a list both black and white",
        f"{UT1}, white: {{adult: {{{APPROVED}}}}}}}]  # <-\n",
        "lists[0].white.adult",
        "cannot be white",
    ),
    ("a folder outside the list", f"{UT1[:-1]}, ../a: games}}}}]  # <-\n", "lists[0].map", "directories"),
]

ROWS = [
    *FLOOR_ROWS,
    *RELAXABLE_ROWS,
    *[(s, f"{GROUP}categories:\n  {rule}  # <-\n", "categories", why) for s, rule, why in CATEGORY_ROWS],
    *[(s, f"proxy:\n  workers: 1\n  {line}  # <-\n", key, why) for s, line, key, why in PROXY_ROWS],
    *OTHER_ROWS,
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_refused(more: str, key: str, why: str) -> None:
    found(refused(more), SOUND + more, key, why)


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in LIST_ROWS], ids=[row[0] for row in LIST_ROWS])
def test_lists_refused(more: str, key: str, why: str) -> None:
    found(refused(more, LISTS), LISTS + more, key, why)


def found(problems: tuple[object, ...], text: str, key: str, why: str) -> None:
    places = [(p.line, p.key, p.message) for p in problems]
    assert any(line == marked_line(text) and key in name and why in said for line, name, said in places), places
    assert not any("geheim" in str(problem) for problem in problems)


ALLOWED = [
    ("bypass relaxed for named people", f"{GROUP}categories: {{vpn: {{action: block, except_groups: [comms]}}}}"),
    ("the floor blocked once more", "categories: {pornography: block}"),
    ("a category of the district's own", "categories: {tutoring: {action: allow, title: tutoring}}"),
    ("monitor with its end, even one that has passed", "categories: {games: {action: monitor, until: 2020-01-31}}"),
    ("Basic in the open, said so", "proxy: {listen: ['0.0.0.0:8080'], allow_plain_basic: true}"),
    ("said so at one listener", "proxy: {listen: [{address: '0.0.0.0:8080', allow_plain_basic: true}]}"),
    ("Basic inside TLS", "proxy: {listen: [{address: '0.0.0.0:8443', tls: {cert_file: a, key_file: b}}]}"),
    ("unnamed on loopback", "identity: {required: false, methods: []}"),
    ("IPv4 and IPv6 on one port", "proxy: {listen: ['127.0.0.1:8080', '[::1]:8080']}"),
    ("an empty list of tunnels", "proxy: {approved_tunnels: []}"),
    ("loopback destinations", f"proxy: {{private_networks: {{allow: [{{network: 127.0.0.1/32, {APPROVED}}}]}}}}"),
    (
        "an approval of tomorrow, where the clock is a day behind",
        f"proxy: {{passthrough: [{{host: a.example.com, {APPROVED[:-5]}11-23}}]}}",
    ),
    ("a host below shared hosting", f"proxy: {{passthrough: [{{host: district.github.io, {APPROVED}}}]}}"),
    (
        "a list from this machine over http",
        "lists: [{name: a, format: domains, url: 'http://127.0.0.1:9/a', category: games}]",
    ),
    ("a local list of child abuse", "lists: [{name: iwf, format: domains, path: iwf.txt, category: child-abuse}]"),
]


@pytest.mark.parametrize("more", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_allowed(more: str) -> None:
    assert settings(more)


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_no_network_opens_public_space(address: object, prefix: int) -> None:
    network = ip_network(f"{address}/{prefix}", strict=False)
    assert isinstance(network, IPv4Network)
    if refusals.private_network(network) is None:
        assert network.is_private or network.subnet_of(IPv4Network("100.64.0.0/10"))
        assert network.prefixlen >= 16


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_no_ipv6_network_opens_public_space(address: object, prefix: int) -> None:
    network = ip_network(f"{address}/{prefix}", strict=False)
    assert isinstance(network, IPv6Network)
    if refusals.private_network(network) is None:
        assert network.is_private
        assert network.prefixlen >= 48


def test_pure_functions_say_why_not() -> None:
    assert refusals.host("a.example.com") is None
    assert refusals.since(date(2026, 11, 24), date(2026, 11, 22)) is not None
    assert refusals.approved_address(ip_address("203.0.113.9"), 443) is None
    assert refusals.approved_address(ip_address("203.0.113.9"), 0) is not None
    assert refusals.did_you_mean("x" * 100_000, ["x" * 40]) == ""
