"""Flows, tunnels and a handler for the tests of what mitmproxy calls."""

from __future__ import annotations

from ipaddress import ip_address

from mitmproxy.test import tflow

from proxy.flow_facts import Tunnel
from proxy.recording import Exchange
from proxy.verdict import Action, Verdict
from tests.proxy.policy import facts
from tests.proxy.workers import ANA

PUBLIC = {"site.test": (ip_address("93.184.216.34"),)}


class Handler:
    def __init__(self, tunnel=None):
        self.tunnel = tunnel
        self.exchanges = set()
        self.draining = False
        self.client_ip = "10.1.2.3"
        self.client = CLIENT
        self.closed, self.ended_by = False, None

    def close(self, why):
        self.closed, self.ended_by = True, why


class Client:
    id = "client-1"
    tls_established = False


CLIENT = Client()


def flow(host="site.test", headers=(), *, response=False, path="/", port=80, scheme="http"):
    made = tflow.tflow(resp=response)
    made.request.data.host, made.request.data.port = host, port
    made.request.data.scheme, made.request.data.path = scheme.encode(), path.encode()
    made.request.data.authority = b""
    made.request.headers.clear()
    for name, value in headers:
        made.request.headers.add(name, value)
    return made


def tunnel(host="site.test", port=443):
    connect = Exchange(facts(f"https://{host}/", "connect"), Verdict(Action.ALLOW, "default", 7))
    return Tunnel(host, port, ANA, connect, host)


SIGNED = ("proxy-authorization", "Basic ana")


def reasons(made):
    return [(record.action, record.reason, record.status) for record in made.spool.records]
