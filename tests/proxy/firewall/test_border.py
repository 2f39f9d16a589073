from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.firewall.border import Border, NothingToPrint, border_of, joined, redirect_of
from tests.config.district import SOUND, settings

ZONE = SOUND.replace("Example Unified", "Example Unified, timezone: America/Los_Angeles")
WHO = "owner: ITS, reason: calls, since: 2026-11-01"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
PHONES = f"destinations: [198.51.100.0/24], protocol: udp, ports: [5060], {WHO}, until: 2026-11-30"


def border(more: str, now: datetime = NOW, start: str = SOUND) -> Border:
    return border_of(settings(more, start), now)


SCHOOLS = "schools: {b: [10.2.0.0/17, 10.2.128.0/17], a: [10.1.0.0/16]}\n"


def test_networks_are_merged_and_in_a_fixed_order() -> None:
    assert border(SCHOOLS).clients == (ip_network("10.1.0.0/16"), ip_network("10.2.0.0/16"))


def test_an_exemption_ends_with_its_last_day_in_the_zone_of_the_district() -> None:
    given = f"{SCHOOLS}firewall: {{exemptions: [{{name: phones, {PHONES}}}]}}\n"
    [phones] = border(given, start=ZONE).exempt
    end = datetime(2026, 12, 1, 8, tzinfo=UTC)  # midnight in Los Angeles
    assert phones.ends == int(end.timestamp())
    assert border(given, datetime(2026, 12, 1, 7, 59, 59, tzinfo=UTC), ZONE).expired == ()
    assert border(given, end, ZONE).exempt == ()
    assert [each.name for each in border(given, end, ZONE).expired] == ["phones"]


def test_what_somebody_should_know_is_said_a_line_each() -> None:
    given = f"{SCHOOLS}firewall: {{exemptions: [{{name: phones, {PHONES}}}]}}\n"
    notes = list(border(given, datetime(2026, 12, 2, tzinfo=UTC)).notes())
    assert [note.partition(":")[0] for note in notes] == [
        "firewall.exemptions.phones",
        "firewall.interfaces",
        "schools",
        "firewall.proxies",
        "firewall.resolvers",
    ]
    assert "IPv6" in notes[2]


def test_nothing_is_remarked_where_everything_is_named() -> None:
    firewall = "firewall: {interfaces: [lan1], resolvers: [10.9.0.53], proxies: ['10.9.0.5:8080']}\n"
    assert list(border(SCHOOLS + firewall).notes()) == []


def test_rules_for_nobody_are_not_made() -> None:
    with pytest.raises(NothingToPrint):
        border("")
    assert border("firewall: {interfaces: [lan1]}\n").interfaces == ("lan1",)


@pytest.mark.parametrize(
    ("listen", "named", "found"),
    [
        ("127.0.0.1:8080", "", []),  # reached from its own machine alone
        ("0.0.0.0:8080", "", []),  # any of the filter's addresses: they have to be named
        ("10.9.0.5:8080", "", ["10.9.0.5 8080"]),
        ("10.9.0.5:0", "", []),  # a free port, known at the start
        ("0.0.0.0:8080", "['[2001:db8::5]:3128', '10.9.0.5:8080']", ["10.9.0.5 8080", "2001:db8::5 3128"]),
    ],
)
def test_where_clients_reach_the_filter(listen: str, named: str, found: list[str]) -> None:
    firewall = f"firewall: {{proxies: {named}}}\n" if named else ""
    more = f"{SCHOOLS}proxy: {{listen: ['{listen}'], allow_plain_basic: true}}\n{firewall}"
    assert [f"{ip} {port}" for ip, port in border(more).proxies] == found


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair)))))
def test_joined_ranges_hold_the_same_ports_and_never_touch(ranges: list[tuple[int, int]]) -> None:
    found = joined(ranges)
    assert {port for first, last in found for port in range(first, last + 1)} == {
        port for first, last in ranges for port in range(first, last + 1)
    }
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))


TABLETS = "{name: tablets, network: 10.1.50.0/24, owner: Library, reason: kiosks, since: 2026-11-01}"


def test_what_is_redirected_needs_a_listener_of_its_version() -> None:
    six = TABLETS.replace("10.1.50.0/24", "'2001:db8:1:50::/64'").replace("tablets", "six")
    schools = "schools: {a: [10.1.0.0/16, '2001:db8:1::/48']}\n"
    given = settings(f"{schools}proxy: {{transparent: {{listen: ['0.0.0.0:8083'], networks: [{TABLETS}]}}}}\n")
    assert [str(network) for network in redirect_of(given).networks] == ["10.1.50.0/24"]
    given = settings(f"{schools}proxy: {{transparent: {{listen: ['0.0.0.0:8083'], networks: [{TABLETS}, {six}]}}}}\n")
    with pytest.raises(NothingToPrint, match="no IPv6 address"):
        redirect_of(given)
    with pytest.raises(NothingToPrint, match="names no network"):
        redirect_of(settings(schools))


@pytest.mark.parametrize("loopback", ["127.0.0.1:8083", "127.9.9.9:8083"])
def test_nothing_is_redirected_to_loopback(loopback: str) -> None:
    """Linux drops what comes from outside to 127.0.0.0/8, without a word to the device."""
    schools = "schools: {lincoln: [10.1.0.0/16]}\n"
    listen = f"proxy: {{transparent: {{listen: [{{}}], networks: [{TABLETS}]}}}}\n"
    with pytest.raises(NothingToPrint, match="loopback"):
        redirect_of(settings(schools + listen.replace("{}", f"'{loopback}'")))
    both = settings(schools + listen.replace("{}", f"'{loopback}', '192.0.2.5:8084'"))
    assert [(str(ip), port) for ip, port in redirect_of(both).listen] == [("192.0.2.5", 8084)]
