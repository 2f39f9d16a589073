from datetime import date, timedelta
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import firewall_refusals as rules
from config.recheck import recheck
from config.settings import Settings
from tests.config.district import TODAY, settings
from tests.config.test_firewall_settings import exemption

SOUND = settings(exemption())
WHERE = SOUND.firewall.exemptions[0]


@given(st.text(max_size=20))
def test_a_range_of_ports_is_numbers_or_refused(text: str) -> None:
    try:
        first, last = rules.port_range(text)
    except ValueError:
        return
    assert 1 <= first <= last <= 65_535
    assert text in (str(first), f"{first}-{last}")


@given(st.ip_addresses(), st.integers(0, 128))
def test_no_destination_is_wider_than_what_a_vendor_publishes(address: object, prefix: int) -> None:
    bits = getattr(address, "max_prefixlen", 32)
    network = ip_network(f"{address}/{min(prefix, bits)}", strict=False)
    if not list(rules.destinations([network])):
        assert network.prefixlen >= (14 if network.version == 4 else 32)
        assert not network.is_multicast
        assert not network.is_loopback


def test_many_destinations_are_no_way_to_all() -> None:
    many = [ip_network(f"20.{n}.0.0/24") for n in range(200)]
    assert any("more than 128" in refusal.message for refusal in rules.destinations(many))


def test_many_exemptions_are_no_way_to_all_either() -> None:
    each = [
        WHERE.model_copy(update={"name": f"n{n}", "destinations": (ip_network(f"{n}.0.0.0/12"),)}) for n in (20, 21)
    ]
    firewall = SOUND.firewall.model_copy(update={"exemptions": tuple(each)})
    found = recheck(SOUND.model_copy(update={"firewall": firewall}), TODAY)
    assert ("firewall", "exemptions") in [refusal.at for refusal in found]


def test_an_exemption_lasts_400_days_at_most() -> None:
    begun = date(2026, 8, 1)
    assert rules.until(begun + timedelta(400), begun) is None
    assert rules.until(begun + timedelta(401), begun) is not None
    assert rules.until(begun, begun) is None


def forged(**changes: object) -> Settings:
    firewall = SOUND.firewall.model_copy(update={"exemptions": (WHERE.model_copy(update=changes),)})
    return SOUND.model_copy(update={"firewall": firewall})


ROWS = [
    ("everywhere", {"destinations": (ip_network("0.0.0.0/0"),)}),
    ("strangers", {"clients": (ip_network("0.0.0.0/0"),)}),
    ("the web", {"ports": ("1-65535",)}),
    ("a VPN", {"ports": ("51820",)}),
    ("for ever", {"until": date(2099, 1, 1)}),
    ("nobody's", {"owner": " "}),
    ("of tomorrow but one", {"since": TODAY + timedelta(3)}),
]


@pytest.mark.parametrize("changes", [row[1] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_got_past_the_models_is_refused_again(changes: dict[str, object]) -> None:
    assert recheck(SOUND, TODAY) == ()
    found = recheck(forged(**changes), TODAY)
    assert found
    assert all(refusal.at[:2] == ("firewall", "exemptions") for refusal in found)


def test_twins_and_open_insides_are_refused_again() -> None:
    inside = settings(
        "firewall: {inside: [{network: 10.20.0.0/24, owner: a, reason: b, since: 2026-11-01}]}\n"
    ).firewall.inside[0]
    firewall = SOUND.firewall.model_copy(
        update={
            "exemptions": (WHERE, WHERE),
            "inside": (inside.model_copy(update={"network": ip_network("0.0.0.0/0")}),),
        }
    )
    found = recheck(SOUND.model_copy(update={"firewall": firewall}), TODAY)
    assert {refusal.at[1] for refusal in found} == {"exemptions", "inside"}
