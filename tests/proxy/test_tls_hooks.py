"""TLS inside a tunnel: who refuses our certificate is counted, and whoever takes too long is let go of."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from mitmproxy.connection import Server

from proxy.tls_hooks import TlsHooks
from tests.proxy import flows
from tests.proxy.workers import node

SECONDS = 0.05
LATE = SECONDS + 0.1


class Config:
    def tls_start_client(self, data):
        data.started = True
        return "what it gives"

    tls_start_server = tls_established_server = tls_start_client


class Handler(flows.Handler):
    """`http` is the layer that speaks HTTP, once there is one."""

    def __init__(self, tunnel=None, *, http=None, established=False):
        super().__init__(tunnel)
        self.client = flows.Client()
        self.client.tls_established = established
        self.room = SimpleNamespace(http=http)
        self.injected = []
        self.timeout_watchdog = SimpleNamespace(can_timeout=asyncio.Event())  # clear while a hook is at work
        self.timeout_watchdog.can_timeout.set()

    def inject(self, event):
        self.injected.append(event)


@pytest.fixture
def made():
    made = node()
    limits = made.limits.model_copy(
        update={"hello_seconds": SECONDS, "head_seconds": SECONDS, "connect_seconds": 2 * SECONDS}
    )
    made.in_force = type(made.in_force)(made.in_force.snapshot, made.in_force.pages, made.in_force.public_pages, limits)
    return made


@pytest.fixture
def hooks(made):
    return TlsHooks(made, Config())


def hello(name="site.test", alpn=()):
    said = SimpleNamespace(sni=name, alpn_protocols=list(alpn))
    return SimpleNamespace(client_hello=said, establish_server_tls_first=True)


def failed(error):
    return SimpleNamespace(conn=SimpleNamespace(error=error))


def told(handler):
    exchange = handler.tunnel.exchange
    return exchange.verdict.reason, exchange.detail, handler.closed


async def test_the_name_in_a_hello_is_kept_in_its_canonical_form(hooks):
    handler, data = Handler(flows.tunnel()), hello("SITE.test")
    hooks.tls_clienthello(handler, data)
    assert handler.tunnel.sni == "site.test"
    assert not data.establish_server_tls_first
    hooks.forget(handler.client)


async def test_a_client_that_refuses_our_certificate_is_counted(hooks, made):
    handler = Handler(flows.tunnel())
    hooks.tls_clienthello(handler, hello())
    hooks.tls_failed_client(handler, failed("tlsv1 alert unknown ca"))
    assert dict(made.refused_certificates.items()) == {"site.test": 1}
    assert told(handler) == ("default", "the client refused our certificate", False)


async def test_a_hello_that_cannot_be_read_is_no_refused_certificate(hooks, made):
    handler = Handler(flows.tunnel())
    hooks.await_hello(handler)
    hooks.tls_failed_client(handler, failed("Cannot parse ClientHello: 1603"))
    assert not dict(made.refused_certificates.items())
    assert told(handler) == ("bypass.raw", "no ClientHello behind CONNECT", False)


@pytest.mark.parametrize("said", ["bad record type", "unexpected message", "unexpected record", "does not speak TLS"])
async def test_a_hello_without_tls_behind_it_is_an_imitation_and_no_refused_certificate(hooks, made, said):
    """OpenSSL 3.5 says these of what simple-obfs, ShadowTLS, SSH and HTTP send there."""
    handler = Handler(flows.tunnel())
    hooks.tls_clienthello(handler, hello())
    more = "" if said.startswith("unexpected") else ", ('SSL routines', '', 'record layer failure')"
    hooks.tls_failed_client(handler, failed(f"OpenSSL Error([('SSL routines', '', '{said}'){more}])"))
    assert not dict(made.refused_certificates.items())
    assert told(handler) == ("bypass.fake-tls", "no TLS behind the ClientHello", False)


@pytest.mark.parametrize(
    "said", ["ssl/tls alert unexpected message", "tlsv1 alert protocol version", "no shared cipher"]
)
async def test_a_client_that_says_why_it_ends_is_no_imitation(hooks, made, said):
    handler = Handler(flows.tunnel())
    hooks.tls_clienthello(handler, hello())
    hooks.tls_failed_client(handler, failed(f"OpenSSL Error([('SSL routines', '', '{said}')])"))
    assert told(handler)[0] == "default"


SLOW = {
    "nothing": (False, ("bypass.raw", "nothing said behind CONNECT within 0.05 s", True)),
    "too little": (True, ("bypass.raw", "no whole ClientHello or request line within 0.05 s", True)),
}


@pytest.mark.parametrize(("begun", "expected"), SLOW.values(), ids=SLOW.keys())
async def test_a_hello_has_its_time(hooks, begun, expected):
    handler = Handler(flows.tunnel())
    handler.tunnel.begun = begun
    hooks.await_hello(handler)
    await asyncio.sleep(LATE)
    assert told(handler) == expected


async def test_a_handshake_that_is_cut_off_is_no_refused_certificate(hooks, made):
    handler = Handler(flows.tunnel())
    hooks.await_hello(handler)
    hooks.tls_clienthello(handler, hello())
    await asyncio.sleep(LATE)
    hooks.tls_failed_client(handler, failed("connection closed"))
    assert told(handler) == ("default", "the TLS handshake did not end within 0.05 s", True)
    assert not dict(made.refused_certificates.items())


@pytest.mark.parametrize("stage", ["HTTP", "TLS", "gone", "no tunnel"])
async def test_what_has_begun_in_time_is_left_alone(hooks, stage):
    handler = Handler(None if stage == "no tunnel" else flows.tunnel(), http=stage == "HTTP" or None,
                      established=stage == "TLS")  # fmt: skip
    hooks.await_hello(handler)
    if stage == "TLS":
        hooks.tls_clienthello(handler, hello())
    if stage == "gone":
        hooks.forget(handler.client)
    await asyncio.sleep(LATE)
    assert not handler.closed


def origin(connecting=0.0):
    now = time.time()
    return Server(address=("site.test", 443), timestamp_start=now - connecting, timestamp_tcp_setup=now)


@pytest.mark.parametrize("ends", [False, True])
async def test_an_origin_has_its_time_for_both_connect_and_tls(hooks, ends):
    server = origin(connecting=SECONDS)
    http = SimpleNamespace(connections={server: "its layer"}, command_sources={})
    handler, data = Handler(flows.tunnel(), http=http), SimpleNamespace(conn=server)
    hooks.tls_start_server(handler, data)
    assert data.started
    if ends:
        hooks.tls_established_server(handler, data)
    await asyncio.sleep(LATE)
    assert [each.command.origin for each in handler.injected] == ([] if ends else [server])
    assert list(http.command_sources.values()) == ([] if ends else ["its layer"])


async def test_an_origin_whose_client_has_left_is_nobodys(hooks):
    server = origin()
    handler = Handler(flows.tunnel(), http=SimpleNamespace(connections={}, command_sources={}))
    hooks.tls_start_server(handler, SimpleNamespace(conn=server))
    await asyncio.sleep(2 * SECONDS + 0.1)
    assert handler.injected == []


async def test_while_we_are_waited_for_nobody_is_late(hooks):
    handler = Handler(flows.tunnel())
    handler.timeout_watchdog.can_timeout.clear()
    hooks.await_hello(handler)
    await asyncio.sleep(LATE)
    assert not handler.closed
    handler.timeout_watchdog.can_timeout.set()
    await asyncio.sleep(LATE)
    assert handler.closed


@pytest.mark.parametrize(("address", "http2"), [("10.1.2.3", False), ("10.1.2.4", True)])
async def test_where_floods_come_from_there_is_no_http2(hooks, made, address, http2):
    for _ in range(made.limits.h2_floods_per_minute + 1):
        made.floods.count("10.1.2.3", made.limits.h2_floods_per_minute)
    handler, app_data = Handler(flows.tunnel()), {"http2": True}
    handler.client_ip = address
    data = SimpleNamespace(ssl_conn=SimpleNamespace(get_app_data=lambda: app_data))
    assert hooks.tls_start_client(handler, data) == "what it gives"
    assert app_data == {"http2": http2}


HELLOS = {
    "another site's name: a page is shown inside": ("other.test", ("h2",), "address.mismatch", False),
    "DNS over TLS: nothing can be shown": ("site.test", ("dot",), "bypass.dns", True),
    "its own name": ("site.test", ("h2", "http/1.1"), "default", False),
}


@pytest.mark.parametrize(("name", "alpn", "reason", "closed"), HELLOS.values(), ids=HELLOS.keys())
async def test_a_hello_is_judged(hooks, name, alpn, reason, closed):
    handler = Handler(flows.tunnel())
    hooks.tls_clienthello(handler, hello(name, [each.encode() for each in alpn]))
    assert (handler.tunnel.exchange.verdict.reason, handler.closed) == (reason, closed)
    hooks.forget(handler.client)


async def test_a_hello_for_which_somebody_has_to_sign_in_again_closes_the_tunnel(hooks):
    handler = Handler(flows.tunnel())
    exchange = handler.tunnel.exchange
    exchange.facts = replace(exchange.facts, user=None, identity_problem="disabled")
    hooks.tls_clienthello(handler, hello("site.test", [b"dot"]))
    assert (exchange.verdict.reason, handler.closed) == ("identity.disabled", True)
    hooks.forget(handler.client)
