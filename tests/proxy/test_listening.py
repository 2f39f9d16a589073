from __future__ import annotations

import os
import socket
import ssl
import threading
import time

import pytest

from proxy import listening
from proxy.listening import CannotListen, Listen, bind, for_worker, in_worker


@pytest.fixture
def systemd(monkeypatch):
    """A socket as systemd hands it over, under whatever number it has here."""
    with socket.create_server(("127.0.0.1", 0)) as given:
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", "1")
        monkeypatch.setenv("LISTEN_FDNAMES", "breakwater.socket")
        monkeypatch.setattr(listening, "_FIRST_SYSTEMD_FD", os.dup(given.fileno()))
        yield given.getsockname()


def closed(listeners):
    for listener in listeners:
        listener.socket.close()


def test_a_port_in_use_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(listening, "_TAKEN_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            bind((Listen("127.0.0.1", port),))
    assert str(refused.value).startswith(f"proxy.listen: cannot listen on 127.0.0.1:{port}: Address already in use;")
    assert refused.value.exit_code == 3


def test_a_port_that_is_let_go_of_within_a_moment_is_taken():
    """After kill -9 of a supervisor its workers need a moment to notice."""
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    threading.Timer(0.3, taken.close).start()
    started = time.monotonic()
    listeners = bind((Listen("127.0.0.1", port),))
    assert time.monotonic() - started >= 0.2
    assert listeners[0].socket.getsockname() == ("127.0.0.1", port)
    closed(listeners)


def test_ipv6_and_ipv4_listeners_are_bound_and_shown():
    listeners = bind((Listen("127.0.0.1", 0), Listen("::1", 0)))
    ports = [listener.socket.getsockname()[1] for listener in listeners]
    assert [listener.shown for listener in listeners] == [f"127.0.0.1:{ports[0]}", f"[::1]:{ports[1]}"]
    closed(listeners)


def test_what_was_inherited_is_used_by_its_address_and_closed_where_it_is_not_wanted_any_more():
    kept, gone = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    listeners = bind(
        (Listen("127.0.0.1", 0), Listen("127.0.0.1", 8080)), {("127.0.0.1", 8080): kept, ("127.0.0.1", 1): gone}
    )
    assert listeners[1].socket is kept
    assert listeners[0].socket.getsockname()[1] not in (0, kept.getsockname()[1])
    assert gone.fileno() == -1
    closed(listeners)


def test_sockets_that_systemd_gave_to_another_process_are_left_alone(monkeypatch):
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    listeners = bind((Listen("127.0.0.1", 0),))
    assert "LISTEN_FDS" not in os.environ
    closed(listeners)


def test_the_sockets_of_systemd_are_taken_by_address_whatever_their_order(systemd):
    """By position, TLS would be spoken on the wrong port."""
    listeners = bind((Listen("127.0.0.1", 0), Listen(*systemd, "cert", "key")))
    assert listeners[1].socket.getsockname() == systemd
    assert not listeners[1].socket.get_inheritable()
    assert [name for name in os.environ if name.startswith("LISTEN_")] == []
    closed(listeners)


@pytest.mark.usefixtures("systemd")
def test_a_socket_of_systemd_that_the_settings_do_not_name_is_refused():
    with pytest.raises(CannotListen, match="systemd gives a socket for"):
        bind((Listen("127.0.0.1", 8080),))


def test_a_worker_is_told_which_of_its_sockets_speaks_tls(tmp_path):
    from tests.e2e.certificates import Authority

    pem = str(Authority.create(tmp_path).leaf("filter.test"))
    listeners = bind(
        (Listen("127.0.0.1", 0), Listen("127.0.0.1", 0, pem, pem), Listen("127.0.0.1", 0, transparent=True))
    )
    duplicates = [os.dup(listener.socket.fileno()) for listener in listeners]
    argument = for_worker(listeners)
    for listener, duplicate in zip(listeners, duplicates, strict=True):
        argument = argument.replace(f"[{listener.socket.fileno()},", f"[{duplicate},")
    plain, secret, transparent = in_worker(argument)
    assert plain.tls is transparent.tls is None
    assert isinstance(secret.tls, ssl.SSLContext)
    assert [each.transparent for each in (plain, secret, transparent)] == [False, False, True]
    for mine, listener in zip((plain, secret, transparent), listeners, strict=True):
        assert mine.socket.getsockname() == listener.socket.getsockname()
        assert not mine.socket.getblocking()
        mine.socket.close()
    closed(listeners)
