from ipaddress import ip_address, ip_network

import pytest

from config.category_settings import CategoryRule, Group
from config.download_settings import Downloads
from config.firewall_settings import Firewall
from config.list_settings import ListSource
from config.proxy_settings import Limits, Listener, PrivateNetworks
from config.recheck import recheck
from config.rewriting_settings import Slack, Tenants
from config.settings import Identity, Metrics, Settings
from tests.config.district import APPROVED, TODAY, settings

SOUND = settings(
    "groups: {comms: {users: [a]}}\nproxy:\n"
    f"  passthrough: [{{host: a.example.com, {APPROVED}}}]\n"
    f"  private_networks: {{allow: [{{network: 10.20.0.0/16, {APPROVED}}}]}}\n"
    f"  approved_addresses: [{{address: '203.0.113.9:443', {APPROVED}}}]\n"
    f"  approved_tunnels: [{{host: a.example.com, port: 22, protocol: ssh, {APPROVED}}}]\n"
    "lists:\n  - {name: ut1, format: ut1, path: a, map: {adult: pornography},\n"
    f"     white: {{sexual_education: {{{APPROVED}}}}}}}\n"
)


def with_proxy(**changes: object) -> Settings:
    return SOUND.model_copy(update={"proxy": SOUND.proxy.model_copy(update=changes)})


def item(name: str, **changes: object) -> object:
    return (getattr(SOUND.proxy, name)[0].model_copy(update=changes),)


UT1 = SOUND.lists[0]
ROWS = [
    ("floor", "categories", SOUND.model_copy(update={"categories": {"obscene": CategoryRule(action="allow")}})),
    ("hour", "categories", SOUND.model_copy(update={"categories": {"ads": CategoryRule(action="allow", hours="x")}})),
    ("everybody", "groups", SOUND.model_copy(update={"groups": {"all": Group(users=("a",))}})),
    ("no floor list", "lists", SOUND.model_copy(update={"lists": (), "starter_only": False})),
    ("list by url", "lists", SOUND.model_copy(update={"lists": (
        ListSource(name="a", format="domains", url="https://a.test/x", category="child-abuse"),)})),
    ("white list of tomorrow", "lists", SOUND.model_copy(update={"lists": (UT1.model_copy(update={"white": {
        "x": UT1.white["sexual_education"].model_copy(update={"since": TODAY.replace(year=2031)})}}),)})),
    ("star", "passthrough", with_proxy(passthrough=item("passthrough", host="*"))),
    ("suffix in capitals", "passthrough", with_proxy(passthrough=item("passthrough", host="CO.UK"))),
    ("no host at all", "passthrough", with_proxy(passthrough=item("passthrough", host="a b"))),
    ("no owner", "passthrough", with_proxy(passthrough=item("passthrough", owner=" "))),
    ("no reason", "approved_addresses", with_proxy(approved_addresses=item("approved_addresses", reason=""))),
    ("future", "passthrough", with_proxy(passthrough=item("passthrough", since=TODAY.replace(year=2031)))),
    ("any", "approved_addresses", with_proxy(approved_addresses=item("approved_addresses", address="0.0.0.0:1"))),
    ("all networks", "private_networks", with_proxy(private_networks=PrivateNetworks.model_construct(allow=(
        SOUND.proxy.private_networks.allow[0].model_copy(update={"network": ip_network("0.0.0.0/0")}),)))),
    ("tunnel", "approved_tunnels", with_proxy(approved_tunnels=item("approved_tunnels", host="co.uk"))),
    ("mail", "allow_ports", with_proxy(allow_ports=(25,))),
    ("floor undecrypted", "passthrough_categories", with_proxy(passthrough_categories=("pornography",))),
    ("open Basic", "identity", with_proxy(listen=(Listener(address="0.0.0.0:8080"),))),
    ("unnamed", "identity", with_proxy(listen=(Listener(address="0.0.0.0:8080"),)).model_copy(
        update={"identity": Identity(required=False, methods=())})),
    ("no method", "identity", SOUND.model_copy(update={"identity": Identity(methods=())})),
    ("no room to log", "spool_bytes", with_proxy(workers=4, limits=Limits(spool_bytes=48 * 1024**2))),
    ("every .com's programs", "allow_from", SOUND.model_copy(update={"downloads": Downloads.model_construct(
        allow_from=("com",))})),
    ("everybody's programs", "allow_from", SOUND.model_copy(update={"downloads": Downloads.model_construct(
        allow_from=("*",))})),
    ("programs for a group of nobody", "downloads", SOUND.model_copy(update={"downloads": Downloads.model_construct(
        except_groups=("x",))})),
    ("a network of two schools", "schools", SOUND.model_copy(update={"schools": {
        name: (ip_network("10.1.0.0/16"),) for name in ("a", "b")}})),
    ("our name a suffix", "public_name", with_proxy(public_name="co.uk")),
    ("a filter on the client itself", "proxies", SOUND.model_copy(update={"firewall": Firewall.model_construct(
        proxies=("127.0.0.1:80",))})),
    ("a resolver on the client itself", "resolvers", SOUND.model_copy(update={"firewall": Firewall.model_construct(
        resolvers=(ip_address("127.0.0.53"),))})),
    ("half a tenant", "tenants", SOUND.model_copy(update={"tenants": Tenants.model_construct(
        slack=Slack.model_construct(workspaces=("T1",)))})),
    ("metrics", "metrics", SOUND.model_copy(update={"metrics": Metrics(listen="127.0.0.1:8080")})),
]  # fmt: skip


def test_sound_settings_pass() -> None:
    assert recheck(SOUND, TODAY) == ()


@pytest.mark.parametrize(("key", "forged"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_got_past_the_models_is_refused_again(key: str, forged: Settings) -> None:
    found = recheck(forged, TODAY)
    assert found
    assert all(key in refusal.at for refusal in found), found
