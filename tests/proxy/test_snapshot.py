from __future__ import annotations

import json
from ipaddress import ip_address, ip_network

import pytest

from config.category_settings import CategoryRule
from config.load import load
from proxy.networks import AddressRanges
from proxy.snapshot import SnapshotRefused, build, covering_name, groups_of, school_of
from proxy.unblock import Scope
from tests.proxy.policy import Lists, entry_of, lists, settings, snapshot, unblock

SUBSCRIBED = "lists: [{name: big, format: domains, path: big.txt, category: pornography}]\n"


def with_proxy(text):
    return settings(f"proxy: {text}")


@pytest.mark.parametrize("missing", ["obscene", "child-abuse", "pornography", "harmful-to-minors"])
def test_a_floor_category_without_entries_is_refused(missing):
    index = Lists(tuple(entry for entry in lists().entries if entry.category != missing))
    with pytest.raises(SnapshotRefused, match=f"no list has an entry for {missing}"):
        build(settings(), index, revision=7)


def test_our_starter_list_alone_is_for_the_demo():
    real = settings(SUBSCRIBED).model_copy(update={"starter_only": False})
    with pytest.raises(SnapshotRefused, match="only our starter list"):
        build(real, lists(), revision=7)


def test_a_configured_list_holds_the_floor():
    real = settings(SUBSCRIBED).model_copy(update={"starter_only": False})
    big = entry_of("pornography: more.test")
    index = Lists((*lists().entries, type(big)("pornography", big.pattern, big.covers, "big", "v", "f", 1)))
    assert build(real, index, revision=7).revision == 7


@pytest.mark.parametrize(
    ("category", "rule"),
    [
        ("pornography", CategoryRule(action="allow")),
        ("child-abuse", CategoryRule(action="monitor", until="2030-01-01")),
        ("obscene", CategoryRule(action="block", except_groups=("all-staff",))),
        ("vpn", CategoryRule(action="allow")),
    ],
)
def test_settings_made_without_their_validators_are_checked_again(category, rule):
    forged = settings().model_copy(update={"categories": {category: rule}})
    with pytest.raises(SnapshotRefused, match=category):
        build(forged, lists(), revision=7)


def test_a_catch_all_network_made_without_validators_is_refused():
    good = with_proxy(
        '{private_networks: {allow: [{network: "10.20.0.0/16", owner: ITS, reason: r, since: 2026-11-01}]}}'
    )
    allowed = good.proxy.private_networks.allow[0].model_copy(update={"network": ip_network("0.0.0.0/0")})
    networks = good.proxy.private_networks.model_copy(update={"allow": (allowed,)})
    forged = good.model_copy(update={"proxy": good.proxy.model_copy(update={"private_networks": networks})})
    with pytest.raises(SnapshotRefused, match="private"):
        build(forged, lists(), revision=7)


@pytest.mark.parametrize(
    "one",
    [
        unblock("co.uk", ["gambling"]),
        unblock("site.test", ["child-abuse"], authors=("a", "b")),
        unblock("site.test", ["pornography"]),
    ],
)
def test_an_unblock_that_the_invariants_forbid_refuses_the_policy(one):
    with pytest.raises(SnapshotRefused, match="unblock") as refused:
        snapshot(unblocks=[one])
    assert "\n" not in str(refused.value)


def test_a_path_on_a_passed_through_host_cannot_be_unblocked():
    passed = "proxy: {passthrough: [{host: site.test, owner: ITS, reason: pinned, since: 2026-11-01}]}"
    one = unblock("www.site.test", ["gambling"], scope=Scope.PATH, path="/lesson")
    with pytest.raises(SnapshotRefused, match="passed through"):
        snapshot(passed, unblocks=[one])


def test_a_list_that_names_a_passed_through_host_does_not_stop_updates():
    assert snapshot("", ["pornography: zoom.us"]).index.generation == "test"


def test_the_longest_prefix_says_which_school():
    policy = snapshot(
        'schools: {district: ["10.0.0.0/8"], lincoln: ["10.1.0.0/16", "fd00:1::/32"], library: ["10.1.2.0/24"]}'
    )
    expected = {
        "10.9.9.9": "district", "10.1.9.9": "lincoln", "10.1.2.3": "library", "::ffff:10.1.2.3": "library",
        "fd00:1::5": "lincoln", "192.0.2.1": None, "fd00:2::1": None,
    }  # fmt: skip
    assert {client: school_of(client, policy) for client in expected} == expected


def test_a_client_that_is_no_address_is_an_error():
    with pytest.raises(ValueError, match="address"):
        school_of("not an address", snapshot())


def test_groups_come_from_the_settings():
    policy = snapshot("groups: {a: {users: [ana, bob]}, b: {users: [ana]}}")
    assert groups_of("ana", policy) == {"a", "b"}
    assert groups_of("bob", policy) == {"a"}
    assert groups_of("eve", policy) == groups_of(None, policy) == frozenset()


def test_a_name_covers_what_is_below_it():
    names = {"site.test", "a.b.test"}
    found = {host: covering_name(host, names) for host in ("site.test", "www.site.test", "notsite.test", "b.test", "")}
    assert found == {
        "site.test": "site.test",
        "www.site.test": "site.test",
        "notsite.test": None,
        "b.test": None,
        "": None,
    }


def test_the_starter_list_can_be_switched_off():
    assert "zoom.us" in snapshot().passthrough
    assert not snapshot("proxy: {passthrough_starter: false}").passthrough


def test_a_policy_cannot_be_changed():
    policy = snapshot("groups: {a: {users: [ana]}}")
    with pytest.raises(AttributeError):
        policy.public_name = "x"
    for values in (policy.rules, policy.groups, policy.passthrough, policy.unblocks, policy.taxonomy, policy.clauses):
        with pytest.raises(TypeError):
            values["x"] = None
    assert isinstance(policy.private_allow, AddressRanges)


@pytest.mark.parametrize("name", ["demo-district.yaml", "example-district.yaml"])
def test_the_shipped_examples_make_a_policy(name, request):
    given = load(request.config.rootpath / "config" / name)
    index = Lists((*lists().entries, *(type(e)(e.category, "x.test", e.covers, "ut1", "v", "f", 1)
                                       for e in lists().entries if e.category == "pornography")))  # fmt: skip
    policy = build(given, index, revision=1)
    assert policy.identity_required
    assert json.dumps(dict(policy.clauses))


def test_own_addresses_are_compared_in_plain_form():
    policy = snapshot('proxy: {listen: ["[::ffff:127.0.0.1]:8080"]}')
    assert policy.own_addresses >= {ip_address("127.0.0.1")}
