"""tests/cases/heads.yaml, as verdicts."""

from __future__ import annotations

from proxy.evaluate import evaluate
from tests.proxy.policy import facts, snapshot, table

OWNED = "owner: ITS, reason: test, since: 2026-11-01"
POLICY = snapshot(f"""
proxy:
  allow_ports: [80, 443, 8080]
  approved_addresses: [{{address: "203.0.113.9:443", {OWNED}}}]
  passthrough: [{{host: vpn.district.test, {OWNED}}}]
  approved_tunnels: [{{host: vpn.district-2.test, port: 443, protocol: tls, {OWNED}}},
                     {{host: dns.district.test, port: 853, protocol: tls, {OWNED}}}]
""")
TABLE = table("heads.yaml")
STAGES = {"requests": "request", "connects": "connect", "hellos": "client_hello"}


def verdict_on(kind, case):
    changes = {"fields": case.get("fields", {}), **case.get("with", {})}
    if "method" in case:
        changes["method"] = case["method"]
    changes["alpn"] = tuple(changes.get("alpn", ()))
    return evaluate(facts(case["url"], STAGES[kind], **changes), POLICY)
