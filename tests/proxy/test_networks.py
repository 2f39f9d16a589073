from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from proxy.networks import address_ranges, forms, plain, school_networks


def _network(address, bits):
    return ip_network((address, min(bits, address.max_prefixlen)), strict=False)


networks = st.builds(_network, st.ip_addresses(), st.integers(0, 128))
near = st.one_of(st.ip_addresses(), st.sampled_from(["0.0.0.0", "255.255.255.255", "::", "ff::"]).map(ip_address))


@given(st.lists(networks, max_size=8), near)
def test_ranges_hold_what_their_networks_hold(given_networks, ip):
    ranges = address_ranges(given_networks)
    assert (ip in ranges) is any(ip in network for network in given_networks)
    for network in given_networks:
        assert network.network_address in ranges
        assert network.broadcast_address in ranges


@given(st.lists(networks, max_size=8, unique=True), near)
def test_the_longest_prefix_wins(given_networks, ip):
    named = {network: f"school {number}" for number, network in enumerate(given_networks)}
    holding = [network for network in given_networks if ip in network]
    expected = named[max(holding, key=lambda network: network.prefixlen)] if holding else None
    assert school_networks(named.items()).school_of(ip) == expected


@given(st.ip_addresses())
def test_plain_is_idempotent_and_the_first_form(ip):
    assert plain(plain(ip)) == plain(ip) == forms(ip)[0]
