from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from config import refusals


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


def test_overlaps_are_merged() -> None:
    given = [ip_network(text) for text in ("10.1.0.0/16", "10.1.2.0/24", "2001:db8::/48", "10.0.0.0/16")]
    assert [str(network) for network in refusals.merged(given)] == ["10.0.0.0/15", "2001:db8::/48"]
