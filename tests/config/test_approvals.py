import pytest

from tests.config.district import APPROVED, check_refused, settings

ROWS = [
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
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(f"proxy:\n  workers: 1\n  {more}  # <-\n", key, why)


ALLOWED = [
    ("loopback destinations", f"proxy: {{private_networks: {{allow: [{{network: 127.0.0.1/32, {APPROVED}}}]}}}}"),
    (
        "an approval of tomorrow, where the clock is a day behind",
        f"proxy: {{passthrough: [{{host: a.example.com, {APPROVED[:-5]}11-23}}]}}",
    ),
    ("a host below shared hosting", f"proxy: {{passthrough: [{{host: district.github.io, {APPROVED}}}]}}"),
]


@pytest.mark.parametrize("more", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_allowed(more: str) -> None:
    assert settings(more)
