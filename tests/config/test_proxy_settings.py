import pytest

from tests.config.district import APPROVED, check_refused, settings

TUNNEL = f"approved_tunnels: [{{{{host: {{host}}, port: {{port}}, protocol: {{protocol}}, {APPROVED}}}}}]"

ROWS = [
    ("a tunnel to a suffix", TUNNEL.format(host="co.uk", port=22, protocol="ssh"), "[0].host", "public suffix"),
    ("a tunnel to an address", TUNNEL.format(host="10.1.0.5", port=22, protocol="ssh"), "[0].host", "an address"),
    ("a tunnel to all", TUNNEL.format(host='"*"', port=22, protocol="ssh"), "[0].host", "*"),
    ("a tunnel to port 0", TUNNEL.format(host="a.test", port=0, protocol="ssh"), "[0].port", "at least 1"),
    ("a tunnel for anything", TUNNEL.format(host="a.test", port=22, protocol="any"), "[0].protocol", "ssh"),
    (
        "a tunnel with a blank owner",
        f"approved_tunnels: [{{host: a.test, port: 22, protocol: ssh, {APPROVED.replace('ITS', ' ')}}}]",
        "approved_tunnels[0].owner",
        "empty",
    ),
    (
        "two protocols at one place",
        f"approved_tunnels: [{{host: a.test, port: 22, protocol: ssh, {APPROVED}}}, "
        f"{{host: a.test, port: 22, protocol: vnc, {APPROVED}}}]",
        "approved_tunnels[1]",
        "stands above",
    ),
    ("port 25", "allow_ports: [443, 25]", "allow_ports[1]", "mail"),
    ("port 0", "allow_ports: [0]", "allow_ports[0]", "between 1 and 65535"),
    ("port 65536", "allow_ports: [65536]", "allow_ports[0]", "between 1 and 65535"),
    ("no port at all", "allow_ports: []", "allow_ports", "nothing can be reached"),
    ("more ports than a list", f"allow_ports: {list(range(10000, 10040))}", "allow_ports", "more than 32"),
    ("floor sites undecrypted", "passthrough_categories: [pornography]", "passthrough_categories[0]", "looked into"),
    ("web proxies undecrypted", "passthrough_categories: [web-proxy]", "passthrough_categories[0]", "looked into"),
    ("malware undecrypted", "passthrough_categories: [malware]", "passthrough_categories[0]", "looked into"),
    ("unknown undecrypted", "passthrough_categories: [finanz]", "passthrough_categories[0]", 'did you mean "finance"?'),
    ("no time to wait", "limits: {idle_seconds: 0.5}", "limits.idle_seconds", "at least 1"),
    ("two hours of waiting", "limits: {idle_seconds: 7200}", "limits.idle_seconds", "at most 3600"),
    ("tunnels cut at once", "limits: {tunnel_idle_seconds: 0.9}", "limits.tunnel_idle_seconds", "at least 1"),
    ("tunnels for days", "limits: {tunnel_idle_seconds: 86401}", "limits.tunnel_idle_seconds", "at most 86400"),
    ("a head for ever", "limits: {head_seconds: 121}", "limits.head_seconds", "at most 120"),
    ("no time for a head", "limits: {head_seconds: 0.01}", "limits.head_seconds", "at least 0.1"),
    ("a hello for ever", "limits: {hello_seconds: 61}", "limits.hello_seconds", "at most 60"),
    ("a name for ever", "limits: {dns_seconds: 31}", "limits.dns_seconds", "at most 30"),
    ("an origin for ever", "limits: {connect_seconds: 121}", "limits.connect_seconds", "at most 120"),
    ("a stop for ever", "limits: {drain_seconds: 3601}", "limits.drain_seconds", "at most 3600"),
    ("no room for one worker", "limits: {spool_bytes: 16MiB}", "limits.spool_bytes", "at least 50331648"),
    ("the name is a suffix", "public_name: example", "public_name", "public suffix"),
    ("the name is an address", "public_name: 10.1.0.5", "public_name", "a name is needed"),
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(f"proxy:\n  workers: 1\n  {more}  # <-\n", key, why)


ALLOWED = [
    ("an empty list of tunnels", "proxy: {approved_tunnels: []}"),
    ("a tunnel", f"proxy: {{approved_tunnels: [{{host: a.test, port: 22, protocol: ssh, {APPROVED}}}]}}"),
]


@pytest.mark.parametrize("more", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_allowed(more: str) -> None:
    assert settings(more)
