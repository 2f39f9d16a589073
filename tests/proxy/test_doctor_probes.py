"""doctor from the client's side, against a stand-in that answers as a filter would, or as something else would."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization

from config.proxy_settings import Listener
from proxy import doctor_probes
from proxy.authority import new_authority
from proxy.doctor_probes import check_allowed_probe, check_blocked_probe, check_listeners, probe_host
from proxy.finding import Level
from proxy.leaf_certificates import LeafCertificates
from tests.proxy.doctor_district import district, listener, only, subject

BLOCKED = f"http://{probe_host()}/"
PUBLIC = "http://filter.example.test/ca.crt"
STATUS = 'node1; error=http_request_denied; details="category.obscene 0123456789"'
ASKS = 'node1; error=http_request_denied; details="identity.required 0123456789"'


@pytest.fixture
def answering(tmp_path):
    """A district whose only listener gives these answers."""

    @contextmanager
    def answer(answers, **changes):
        with listener(answers) as (port, asked):
            examined = subject(district(tmp_path, port), **changes)
            yield examined, asked

    return answer


def test_the_probe_is_a_reserved_name():
    assert probe_host().endswith(".test")


def test_a_listener_that_says_it_is_well_is_ok(answering):
    with answering({"/healthz": (200, {}, b"ok\n")}) as (examined, asked):
        assert only(check_listeners, examined).level is Level.OK
    assert asked == [("/healthz", None)]


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("a filter in trouble", (503, {}, b"the spool is full")),
        ("another server", (404, {}, b"")),
        ("one that answers with escape codes", (500, {}, b"\x1b[2J\xff")),
    ],
)
def test_a_listener_that_is_not_well_is_red(answering, what, answer):
    with answering({"/healthz": answer}) as (examined, _):
        finding = only(check_listeners, examined)
    assert finding.level is Level.RED
    assert str(answer[0]) in finding.what


@pytest.mark.parametrize("check", [check_listeners, check_blocked_probe, check_allowed_probe])
def test_nobody_there_is_red_and_says_how_to_start(tmp_path, check):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        examined = subject(district(tmp_path, free.getsockname()[1]), runs=False)
        finding, running = only(check, examined), only(check, replace(examined, runs=True))
    assert {finding.level, running.level} == {Level.RED}
    assert "breakwater run" in finding.todo
    assert "see what it prints" in running.todo


@pytest.mark.parametrize("check", [check_listeners, check_blocked_probe, check_allowed_probe])
def test_one_that_takes_the_connection_and_says_nothing_is_red(tmp_path, check, monkeypatch):
    monkeypatch.setattr(doctor_probes, "_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        finding = only(check, subject(district(tmp_path, silent.getsockname()[1])))
    assert finding.level is Level.RED


@pytest.mark.parametrize("check", [check_listeners, check_blocked_probe, check_allowed_probe])
def test_one_that_speaks_no_http_is_red(tmp_path, check):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-x\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        finding = only(check, subject(district(tmp_path, server.getsockname()[1])))
        thread.join(10)
    assert finding.level is Level.RED


def test_port_0_cannot_be_asked():
    finding = doctor_probes._listener_finding(Listener(address="127.0.0.1:0"))
    assert finding.level is Level.WARN


def test_a_blocked_site_that_is_refused_by_category_is_ok(answering):
    with answering({BLOCKED: (403, {"Proxy-Status": STATUS}, b"")}, authorization="Basic eDp5") as (examined, asked):
        assert only(check_blocked_probe, examined).level is Level.OK
    assert asked == [(BLOCKED, "Basic eDp5")]


def test_being_asked_for_a_name_is_a_refusal_too(answering):
    with answering({BLOCKED: (407, {"Proxy-Status": ASKS}, b"")}) as (examined, asked):
        assert only(check_blocked_probe, examined).level is Level.OK
    assert asked == [(BLOCKED, None)]


@pytest.mark.parametrize(
    ("what", "status", "fields"),
    [
        ("let through", 200, {}),
        ("a 403 of the origin, or of somebody else", 403, {}),
        ("let through, and the name does not exist", 502, {"Proxy-Status": "node1; error=dns_error"}),
        ("refused because the filter fails", 503, {"Proxy-Status": 'node1; details="error.hook 0"'}),
        ("another proxy asks for a name", 407, {}),
        ("a redirection", 302, {"Location": "https://login.test/"}),
    ],
)
def test_a_blocked_site_that_is_not_refused_by_us_is_red(answering, what, status, fields):
    with answering({BLOCKED: (status, fields, b"")}) as (examined, _):
        finding = only(check_blocked_probe, examined)
    assert finding.level is Level.RED
    assert str(status) in finding.what


def test_credentials_that_are_not_taken_are_red(answering):
    with answering({BLOCKED: (407, {"Proxy-Status": ASKS}, b"")}, authorization="Basic eDp5") as (examined, _):
        assert only(check_blocked_probe, examined).level is Level.RED


def test_the_filters_own_pages_with_the_authority_of_the_disk_are_ok(answering):
    answers = {}
    with answering(answers) as (examined, asked):
        own = (examined.state_dir / "ca" / "authority.crt").read_bytes()
        answers[PUBLIC] = (200, {}, own)
        assert only(check_allowed_probe, examined).level is Level.OK
    assert asked == [(PUBLIC, None)]


@pytest.mark.parametrize(
    ("what", "status", "body", "says"),
    [
        ("asked for a name before sign-in", 407, b"", "407"),
        ("filtered away", 403, b"", "403"),
        ("another filter, or one that was not restarted after a rotation", 200, b"another", "another authority"),
    ],
)
def test_the_filters_own_pages_in_another_way_are_red(answering, what, status, body, says):
    with answering({PUBLIC: (status, {}, body)}) as (examined, _):
        finding = only(check_allowed_probe, examined)
    assert finding.level is Level.RED
    assert says in finding.what


@pytest.mark.parametrize(
    ("address", "host"),
    [("0.0.0.0:1", "127.0.0.1"), ("[::]:1", "::1"), ("127.0.0.1:1", "127.0.0.1"), ("10.1.0.5:1", "10.1.0.5")],
)
def test_where_a_listener_is_reached_from_here(address, host):
    assert doctor_probes._reachable(Listener(address=address).ip) == host


def test_a_listener_with_tls_is_asked_in_tls(tmp_path):
    leaf = LeafCertificates(new_authority("x", datetime.now(UTC)), "x.test").get("filter.example.test")
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "listener.pem"
    path.write_bytes(key + leaf.certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(65536)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        listener_ = Listener(address=address, tls={"cert_file": str(path), "key_file": str(path)})
        finding = doctor_probes._listener_finding(listener_)
        thread.join(10)
    assert finding.level is Level.OK
