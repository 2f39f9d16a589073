"""TLS on both sides of mitmproxy, finished in memory against Python's own."""

from __future__ import annotations

import contextlib
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from mitmproxy import connection, exceptions
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.net import tls as net_tls
from mitmproxy.proxy.context import Context
from mitmproxy.test import taddons
from mitmproxy.tls import TlsData
from OpenSSL import SSL

from proxy import tls_config as module
from proxy.authority import new_authority
from proxy.leaf_certificates import LeafCertificates, LeafRefused
from proxy.tls_config import BreakwaterTlsConfig, Http1Origins
from tests.proxy.clock import Clock

NOW = datetime.now(UTC)
AUTHORITY = new_authority("Example Unified", NOW)
ORIGIN_AUTHORITY = new_authority("The origin's", NOW)
HOST = "www.example.test"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def extra(tmp_path):
    path = tmp_path / "extra.pem"
    path.write_bytes(ORIGIN_AUTHORITY.certificate_pem)
    return path


@pytest.fixture
def master(extra, clock):
    config = BreakwaterTlsConfig(LeafCertificates(AUTHORITY, "filter.example.test"), [extra], clock)
    with taddons.context(Proxyserver(), config) as master:
        master.config = config
        yield master


@pytest.fixture
def config(master) -> BreakwaterTlsConfig:
    return master.config


def context_of(master, address=(HOST, 443), sni: str | None = HOST, offers=(b"h2", b"http/1.1")) -> Context:
    client = connection.Client(peername=("10.1.2.3", 50000), sockname=("10.0.0.1", 8080), timestamp_start=0)
    client.sni, client.alpn_offers = sni, list(offers)
    context = Context(client, master.options)
    context.server = connection.Server(address=address)
    return context


def pump(ours: SSL.Connection, theirs: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
    """Carry handshake bytes between our side (pyOpenSSL) and the other (Python's ssl) until both are done."""
    done: set[str] = set()
    for _ in range(12):
        for name, side in (("theirs", theirs), ("ours", ours)):
            try:
                side.do_handshake()
                done.add(name)
            except (ssl.SSLWantReadError, SSL.WantReadError):
                pass
            if outgoing.pending:
                ours.bio_write(outgoing.read())
            _drain(ours, incoming)
    assert done == {"theirs", "ours"}


def _drain(ours: SSL.Connection, incoming: ssl.MemoryBIO) -> None:
    with contextlib.suppress(SSL.WantReadError):
        incoming.write(ours.bio_read(65536))


def client_handshake(config, context, trusting: ssl.SSLContext | None = None) -> ssl.SSLObject:
    """What a client of ours ends up with."""
    data = TlsData(context.client, context)
    config.tls_start_client(data)
    trusting = trusting or ssl.create_default_context(cadata=AUTHORITY.certificate_pem.decode())
    if context.client.alpn_offers:
        trusting.set_alpn_protocols([offer.decode() for offer in context.client.alpn_offers])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(incoming, outgoing, server_hostname=context.client.sni or context.server.address[0])
    pump(data.ssl_conn, client, incoming, outgoing)
    return client


def origin_handshake(
    config, context, tmp_path, name=HOST, speaks=("h2", "http/1.1"), version=None, made=NOW
) -> TlsData:
    """Connect to an origin whose certificate, signed by the extra authority, is for `name`."""
    leaf = LeafCertificates(ORIGIN_AUTHORITY, "crl.test", lambda: made).get(name)
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "origin.pem").write_bytes(key + leaf.certificate.public_bytes(serialization.Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "origin.pem")
    serving.set_alpn_protocols(list(speaks))
    if version is not None:
        serving.minimum_version, serving.maximum_version = ssl.TLSVersion.TLSv1, version
        serving.set_ciphers("ALL:@SECLEVEL=0")
    data = TlsData(context.server, context)
    config.tls_start_server(data)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    pump(data.ssl_conn, serving.wrap_bio(incoming, outgoing, server_side=True), incoming, outgoing)
    context.server.alpn = data.ssl_conn.get_alpn_proto_negotiated()
    config.tls_established_server(data)
    return data


@pytest.mark.parametrize(
    ("what", "sni", "address"),
    [
        ("a name", HOST, (HOST, 443)),
        ("no SNI: the host of the CONNECT", None, (HOST, 443)),
        ("an address without SNI", None, ("192.0.2.7", 443)),
        ("an IPv6 address without SNI", None, ("2001:db8::7", 443)),
    ],
)
def test_a_client_that_trusts_the_district_accepts_our_leaf(master, config, what, sni, address):
    client = client_handshake(config, context_of(master, address, sni))
    assert client.version() == "TLSv1.3"


def test_the_name_is_compared_without_case_and_trailing_dot(master, config):
    entry = config.get_cert(context_of(master, sni="WWW.Example.TEST."))
    assert [name.value for name in entry.cert.altnames] == [HOST]


@pytest.mark.parametrize("sni", ["*.example.test", "a\0b.test", "b\u00fccher.test"])
def test_a_name_that_is_none_ends_the_connection(master, config, sni):
    context = context_of(master, sni=sni)
    with pytest.raises(LeafRefused):
        config.tls_start_client(TlsData(context.client, context))


def test_the_authoritys_key_is_in_nothing_that_mitmproxy_holds(master, config):
    authority = AUTHORITY.key.private_numbers()
    assert config.certstore.default_privatekey.private_numbers() != authority
    assert config.get_cert(context_of(master)).privatekey.private_numbers() != authority


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_tls_is_refused_to_clients(master, config):
    old = ssl.create_default_context(cadata=AUTHORITY.certificate_pem.decode())
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, SSL.Error)):
        client_handshake(config, context_of(master), old)


def test_tls_1_2_has_forward_secrecy_and_aead(master, config):
    twelve = ssl.create_default_context(cadata=AUTHORITY.certificate_pem.decode())
    twelve.maximum_version = ssl.TLSVersion.TLSv1_2
    twelve.set_ciphers("ALL")
    cipher, version, _ = client_handshake(config, context_of(master), twelve).cipher()
    assert version == "TLSv1.2"
    assert cipher in module._CLIENT_CIPHERS.split(":")


@pytest.mark.parametrize(
    ("what", "offers", "known_http1", "chosen"),
    [
        ("a browser before an unknown origin", (b"h2", b"http/1.1"), False, "h2"),
        ("a browser before a known HTTP/1.1 origin", (b"h2", b"http/1.1"), True, "http/1.1"),
        ("a client with HTTP/2 alone gets it even there", (b"h2",), True, "h2"),
        ("a client with HTTP/1.1 alone", (b"http/1.1",), False, "http/1.1"),
        ("a client without ALPN", (), True, None),
    ],
)
def test_what_the_client_may_speak(master, config, what, offers, known_http1, chosen):
    if known_http1:
        config._http1_origins.learn((HOST, 443), b"http/1.1")
    client = client_handshake(config, context_of(master, offers=offers))
    assert client.selected_alpn_protocol() == chosen


@pytest.mark.parametrize(
    ("what", "client_alpn", "speaks", "chosen"),
    [
        ("HTTP/2 on both sides", b"h2", ("h2", "http/1.1"), b"h2"),
        ("an HTTP/2 client before an HTTP/1.1 origin", b"h2", ("http/1.1",), b"http/1.1"),
        ("an HTTP/1.1 client stays on it", b"http/1.1", ("h2", "http/1.1"), b"http/1.1"),
        ("a client without ALPN, or without TLS", None, ("h2", "http/1.1"), b"http/1.1"),
    ],
)
def test_what_is_spoken_to_the_origin(master, config, tmp_path, what, client_alpn, speaks, chosen):
    context = context_of(master)
    context.client.alpn = client_alpn
    data = origin_handshake(config, context, tmp_path, speaks=speaks)
    assert data.ssl_conn.get_alpn_proto_negotiated() == chosen


def test_an_http1_origin_is_remembered_for_a_day_and_forgotten_when_it_learns_http2(master, config, tmp_path, clock):
    def connect(speaks: tuple[str, ...]) -> None:
        context = context_of(master)
        context.client.alpn = b"h2"
        origin_handshake(config, context, tmp_path, speaks=speaks)

    connect(("http/1.1",))
    assert (HOST, 443) in config._http1_origins
    assert (HOST, 8443) not in config._http1_origins
    clock.now += 24 * 3600
    assert (HOST, 443) not in config._http1_origins
    connect(("http/1.1",))
    connect(("h2",))
    assert (HOST, 443) not in config._http1_origins


def test_an_origin_that_was_never_offered_http2_is_not_judged_by_its_choice(master, config, tmp_path):
    context = context_of(master)
    context.client.alpn = b"http/1.1"
    origin_handshake(config, context, tmp_path)
    assert (HOST, 443) not in config._http1_origins


def test_the_origins_remembered_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "_ORIGINS", 2)
    origins = Http1Origins()
    for number in range(5):
        origins.learn((f"{number}.test", 443), None)
    assert [(f"{number}.test", 443) in origins for number in range(5)] == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("what", "address", "sni", "name"),
    [
        ("another name", (HOST, 443), HOST, "other.example.test"),
        ("the name that the client asked for, not the one that was judged", (HOST, 443), "evil.test", "evil.test"),
        ("the name of an address", ("192.0.2.7", 443), HOST, HOST),
        ("another address", ("192.0.2.7", 443), None, "192.0.2.8"),
    ],
)
def test_an_origin_whose_certificate_is_for_something_else_is_refused(
    master, config, tmp_path, what, address, sni, name
):
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        origin_handshake(config, context_of(master, address, sni), tmp_path, name)


def test_an_address_is_verified_as_an_address(master, config, tmp_path):
    origin_handshake(config, context_of(master, ("192.0.2.7", 443), None), tmp_path, "192.0.2.7")


def test_an_origin_of_an_authority_that_nobody_named_is_refused(tmp_path):
    config = BreakwaterTlsConfig(LeafCertificates(AUTHORITY, "filter.example.test"))
    with taddons.context(config) as master, pytest.raises(SSL.Error, match="certificate verify failed"):
        origin_handshake(config, context_of(master), tmp_path)


def test_our_own_authority_is_not_trusted_upstream(master, config, tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ORIGIN_AUTHORITY", AUTHORITY)
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        origin_handshake(config, context_of(master), tmp_path)


def test_an_expired_origin_is_refused(master, config, tmp_path):
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        origin_handshake(config, context_of(master), tmp_path, made=NOW - timedelta(days=60))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_an_origin_with_old_tls_is_refused(master, config, tmp_path):
    with pytest.raises((ssl.SSLError, SSL.Error)):
        origin_handshake(config, context_of(master), tmp_path, version=ssl.TLSVersion.TLSv1_1)


WEAKENED = [
    ("ssl_insecure", True),
    ("upstream_cert", True),
    ("add_upstream_certs_to_client_chain", True),
    ("connection_strategy", "eager"),
    ("ssl_verify_upstream_trusted_ca", "/tmp/other.pem"),
    ("ssl_verify_upstream_trusted_confdir", "/tmp"),
    ("tls_version_client_min", "TLS1"),
    ("tls_version_server_min", "UNBOUNDED"),
    ("client_certs", "/tmp"),
    ("certs", ["/tmp/leaf.pem"]),
    ("ciphers_client", "ALL"),
]


@pytest.mark.parametrize(("option", "value"), WEAKENED)
def test_an_option_that_weakens_tls_is_refused_and_stays(master, option, value):
    before = getattr(master.options, option)
    with pytest.raises(exceptions.OptionsError, match=option):
        master.options.update(**{option: value})
    assert getattr(master.options, option) == before


def test_an_option_set_before_is_put_right(extra):
    config = BreakwaterTlsConfig(LeafCertificates(AUTHORITY, "filter.example.test"))
    with taddons.context(Proxyserver()) as master:
        master.options.update(ssl_insecure=True, connection_strategy="eager")
        master.master.addons.add(config)
        assert not master.options.ssl_insecure
        assert master.options.connection_strategy == "lazy"


def test_the_compromised_public_authority_of_later_releases_is_refused(master):
    with pytest.raises(exceptions.OptionsError, match="eMudhra"):
        master.options.add_option("emudhra", bool, True, "of mitmproxy 12.3")


def test_a_key_log_is_refused(monkeypatch):
    config = BreakwaterTlsConfig(LeafCertificates(AUTHORITY, "filter.example.test"))
    monkeypatch.setattr(net_tls, "log_master_secret", net_tls.MasterSecretLogger)
    with taddons.context() as master, pytest.raises(exceptions.OptionsError, match="SSLKEYLOGFILE"):
        master.master.addons.add(config)


def test_no_authority_of_mitmproxys_own_is_made(monkeypatch, tmp_path):
    config = BreakwaterTlsConfig(LeafCertificates(AUTHORITY, "filter.example.test"))
    with taddons.context(config) as master:
        master.options.update(confdir=str(tmp_path))
        config.running()
    assert not list(tmp_path.iterdir())


def test_stocks_answer_to_revocation_paths_is_off(config):
    assert config.request is None
