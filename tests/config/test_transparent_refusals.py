from ipaddress import ip_network

import pytest

from config.recheck import recheck
from config.transparent_refusals import network
from tests.config.district import TODAY, settings
from tests.config.test_transparent_settings import SCHOOLS, TABLETS

SOUND = settings(f"{SCHOOLS}proxy: {{transparent: {{listen: ['0.0.0.0:8083'], networks: [{TABLETS}]}}}}\n")
SERVED = SOUND.proxy.transparent.networks[0]


@pytest.mark.parametrize(
    ("given", "allowed"),
    [("10.0.0.0/22", True), ("10.0.0.0/21", False), ("2001:db8::/56", True), ("2001:db8::/55", False)],
)
def test_how_wide_a_network_without_users_may_be(given: str, allowed: bool) -> None:
    assert (network(ip_network(given)) is None) is allowed


FORGED = [
    ("everybody", {"network": ip_network("0.0.0.0/0")}),
    ("a whole school", {"network": ip_network("10.2.50.0/24")}),
    ("nobody's", {"owner": ""}),
]


@pytest.mark.parametrize("changes", [row[1] for row in FORGED], ids=[row[0] for row in FORGED])
def test_what_got_past_the_models_is_refused_again(changes: dict[str, object]) -> None:
    assert recheck(SOUND, TODAY) == ()
    transparent = SOUND.proxy.transparent.model_copy(update={"networks": (SERVED.model_copy(update=changes),)})
    proxy = SOUND.proxy.model_copy(update={"transparent": transparent})
    found = recheck(SOUND.model_copy(update={"proxy": proxy}), TODAY)
    assert found
    assert all(refusal.at[:3] == ("proxy", "transparent", "networks") for refusal in found)
