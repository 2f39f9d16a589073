from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.firewall.border import Border, Exempt, Redirect
from proxy.firewall.rules import harmless, quoted, render
from tests.e2e.namespaces import Machine, machines

if TYPE_CHECKING:
    from collections.abc import Iterator

PHONES = Exempt(
    name="phones",
    owner="Telephony",
    reason="calls",
    since=date(2026, 11, 1),
    until=date(2027, 6, 30),
    ends=int(datetime(2027, 7, 1, 7, tzinfo=UTC).timestamp()),
    clients=(ip_network("10.1.40.0/24"),),
    destinations=(ip_network("198.51.100.0/24"), ip_network("2001:db8:99::/48")),
    protocol="udp",
    ports=((5060, 5061), (16384, 32767)),
)
BORDER = Border(
    interfaces=(),
    clients=(ip_network("10.1.0.0/16"), ip_network("2001:db8:1::/48")),
    proxies=((ip_address("10.9.0.5"), 8080), (ip_address("10.9.0.5"), 8443), (ip_address("2001:db8:9::5"), 8080)),
    resolvers=(ip_address("10.9.0.53"), ip_address("2001:db8:9::53")),
    inside=(ip_network("10.20.0.0/24"),),
    exempt=(PHONES,),
    expired=(),
)

ANYWHERE = Redirect(
    (ip_network("10.1.50.0/24"), ip_network("2001:db8:1:50::/64")),
    ((ip_address("0.0.0.0"), 8083), (ip_address("::"), 8084)),
)
AT_ONE = ((ip_address("10.9.0.5"), 8083), (ip_address("2001:db8:9::5"), 8084))

HOSTILE = (
    'ITS" accept; flush ruleset; #',
    "}\n flush ruleset",
    "\\",
    'x\\"',
    "$(reboot)",
    "`reboot`",
    "a\x00b",
    "\u2028 table inet x { }",
    "ñandú Ωμέγα 校",
    "x" * 5000,
    "é" * 100,
    "include /etc/passwd",
    "",
)


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with machines("router") as made:
        yield made[0]


def loaded(machine: Machine, border: Border) -> list[dict]:
    """What the kernel holds after the rules were loaded, twice, as they are when settings change."""
    for _ in range(2):
        machine.run("nft", "--check", "--file", "-", text=render(border))
        machine.load(render(border))
    ruleset: list[dict] = json.loads(machine.run("nft", "--json", "list", "ruleset"))["nftables"]
    return ruleset


def rules_of(ruleset: list[dict]) -> list[dict]:
    return [each["rule"] for each in ruleset if "rule" in each]


def tables_of(ruleset: list[dict]) -> list[str]:
    return [f"{each['table']['family']} {each['table']['name']}" for each in ruleset if "table" in each]


BORDERS = [
    ("all there is", BORDER),
    ("interfaces", replace(BORDER, interfaces=("lan1", "vlan.40"))),
    ("IPv4 alone", replace(BORDER, clients=BORDER.clients[:1])),
    ("IPv6 alone", replace(BORDER, clients=BORDER.clients[1:])),
    ("no filter, no resolver, nothing exempt", Border((), BORDER.clients, (), (), (), (), ())),
    ("interfaces alone", Border(("lan1",), (), (), (), (), (), ())),
    ("redirected, to whatever address the router has", replace(BORDER, redirect=ANYWHERE)),
    ("redirected, to one address", replace(BORDER, redirect=Redirect(ANYWHERE.networks, AT_ONE))),
    ("redirected, IPv6 alone", replace(BORDER, redirect=Redirect(ANYWHERE.networks[1:], AT_ONE))),
]


@pytest.mark.parametrize("border", [row[1] for row in BORDERS], ids=[row[0] for row in BORDERS])
def test_nft_takes_the_rules_again_and_again(machine: Machine, border: Border) -> None:
    ruleset = loaded(machine, border)
    assert tables_of(ruleset) == ["inet breakwater"]
    again = loaded(machine, border)
    assert len(rules_of(again)) == len(rules_of(ruleset))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_people_wrote_is_never_syntax(machine: Machine, text: str) -> None:
    sound = rules_of(loaded(machine, BORDER))
    ruleset = loaded(machine, replace(BORDER, exempt=(replace(PHONES, name=text, owner=text, reason=text),)))
    assert tables_of(ruleset) == ["inet breakwater"]
    assert [rule["chain"] for rule in rules_of(ruleset)] == [rule["chain"] for rule in sound]
    assert [rule["expr"] for rule in rules_of(ruleset)] == [rule["expr"] for rule in sound]


@given(st.text(max_size=300))
def test_no_text_ends_a_comment_or_a_string(text: str) -> None:
    assert harmless(text).isprintable()
    assert not set(harmless(text)) & set('"\\;{}#$\n')
    assert len(quoted(text).encode()) <= 2 + 127


def test_the_rules_name_owner_reason_and_end_of_an_exemption() -> None:
    text = render(BORDER)
    assert "# exemption phones: calls? owner Telephony, since 2026-11-01, until 2027-06-30" in text
    assert 'comment "exemption phones, until 2027-06-30, owner Telephony"' in text
    [rule] = [line for line in text.splitlines() if "meta time" in line]
    assert f"meta time < {PHONES.ends} ip saddr {{ 10.1.40.0/24 }} ip daddr {{ 198.51.100.0/24 }} udp dport" in rule


def test_an_exemption_for_clients_of_one_version_opens_nothing_in_the_other() -> None:
    assert "2001:db8:99::/48" not in render(BORDER)
    everybody = render(replace(BORDER, exempt=(replace(PHONES, clients=()),)))
    assert "ip6 daddr { 2001:db8:99::/48 } udp dport" in everybody


def test_the_same_border_gives_the_same_text() -> None:
    assert render(BORDER) == render(replace(BORDER))


def test_nothing_is_let_past_by_a_policy_or_an_empty_set() -> None:
    """The last word on a client is a refusal, whatever is empty."""
    for _, border in BORDERS:
        clients = render(border).partition("chain clients {")[2].partition("}\n\n")[0].strip().splitlines()
        assert clients[-1].strip() == 'counter goto refuse comment "past the filter"'


def test_the_web_of_named_networks_alone_is_redirected_and_only_where_it_was_asked_for() -> None:
    assert "redirect" not in render(BORDER)
    text = render(replace(BORDER, redirect=ANYWHERE))
    assert "ip saddr { 10.1.50.0/24 } tcp dport { 80, 443 } redirect to :8083" in text
    assert "ip6 saddr { 2001:db8:1:50::/64 } tcp dport { 80, 443 } redirect to :8084" in text
    one = render(replace(BORDER, redirect=Redirect(ANYWHERE.networks, AT_ONE)))
    assert "dnat ip6 to [2001:db8:9::5]:8084" in one
