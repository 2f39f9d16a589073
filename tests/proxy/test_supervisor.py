from __future__ import annotations

import os
import socket

import pytest

from proxy import supervisor
from proxy.supervisor import AlreadyRunning, CannotListen, bind, sole


def test_a_port_in_use_is_said_in_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            bind((("127.0.0.1", port),))
    assert str(refused.value).startswith(f"proxy.listen: cannot listen on 127.0.0.1:{port}: Address already in use;")
    assert refused.value.exit_code == 3


def test_ipv6_and_ipv4_listeners_are_bound():
    sockets = bind((("127.0.0.1", 0), ("::1", 0)))
    try:
        assert [sock.family for sock in sockets] == [socket.AF_INET, socket.AF_INET6]
    finally:
        for sock in sockets:
            sock.close()


def test_sockets_that_systemd_gave_to_another_process_are_left_alone(monkeypatch):
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    (sock,) = bind((("127.0.0.1", 0),))
    assert sock.getsockname()[0] == "127.0.0.1"
    sock.close()


def test_the_sockets_of_systemd_are_taken(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as given:
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        monkeypatch.setenv("LISTEN_FDS", "1")
        monkeypatch.setattr(supervisor, "_FIRST_SYSTEMD_FD", given.fileno())
        (sock,) = bind((("192.0.2.1", 1),))
        assert sock.getsockname() == given.getsockname()
        sock.detach()


def test_one_supervisor_at_a_time(tmp_path):
    (tmp_path / "run").mkdir()
    again = pytest.raises(AlreadyRunning, match="another breakwater runs on this state_dir")
    with sole(tmp_path), again, sole(tmp_path):
        pass
    with sole(tmp_path):
        pass
