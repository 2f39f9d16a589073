from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.detectors.destination import judge_address
from proxy.evaluate import evaluate
from tests.proxy.policy import facts, snapshot, table

TABLE = table("addresses.yaml")
OWNED = "owner: ITS, reason: test, since: 2026-11-01"
DISTRICT = f"""
proxy:
  listen: ["127.0.0.1:8080", "10.9.0.1:8080"]
  allow_plain_basic: true
  allow_ports: [80, 443, 8080]
  approved_addresses:
    - {{address: "203.0.113.9:443", {OWNED}}}
    - {{address: "203.0.113.9:9100", {OWNED}}}
  private_networks: {{allow: [{", ".join(f'{{network: "{listed}", {OWNED}}}' for listed in TABLE["listed"])}]}}
"""
POLICY = snapshot(DISTRICT)
CLOSED = snapshot()


@pytest.mark.parametrize("address", TABLE["judged"])
def test_judged_addresses(address):
    match = judge_address(ip_address(address), 443, POLICY)
    assert (match.reason if match else None) == {"refused": "address.private", "open": None}[TABLE["judged"][address]]


@pytest.mark.parametrize("sentence", TABLE["cases"])
def test_destinations(sentence):
    case = dict(TABLE["cases"][sentence])
    addresses = tuple(map(ip_address, case.get("addresses", ())))
    verdict = evaluate(
        facts(case["url"], case.get("stage", "request"), addresses=addresses, **case.get("with", {})), POLICY
    )
    assert verdict.reason == case.get("expect", "default")
    assert verdict.forwards is ("expect" not in case)


@given(st.integers(0, 2**32 - 1))
def test_an_address_is_judged_alike_in_every_form(number):
    plain = IPv4Address(number)
    refused = judge_address(plain, 443, POLICY) is not None
    forms = {
        "mapped": (0xFFFF << 32) | number,
        "NAT64": (0x64FF9B << 96) | number,
        "6to4": (0x2002 << 112) | (number << 80),
        "Teredo": (0x2001_0000_5DB8_D822 << 64) | (number ^ 0xFFFFFFFF),
    }
    for name, form in forms.items():
        assert (judge_address(IPv6Address(form), 443, POLICY) is not None) is refused, name


SPECIAL = [ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")]


@given(st.one_of(st.ip_addresses(), *(st.ip_addresses(network=network) for network in SPECIAL)), st.integers(1, 65535))
def test_what_python_calls_special_is_never_dialled_unless_listed(ip, port):
    site_local = any(ip in network for network in SPECIAL)
    if site_local or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        assert judge_address(ip, port, CLOSED) is not None


def test_a_listener_on_every_address_is_refused_on_this_machine_and_closes_no_printer():
    policy = snapshot(DISTRICT.replace('"127.0.0.1:8080", "10.9.0.1:8080"', '"0.0.0.0:8080"'))
    assert judge_address(ip_address("127.0.0.1"), 8080, policy) is not None
    assert judge_address(ip_address("10.20.0.5"), 8080, policy) is None


def test_the_metrics_port_is_the_proxys_own():
    assert judge_address(ip_address("127.0.0.1"), 9109, POLICY) is not None
