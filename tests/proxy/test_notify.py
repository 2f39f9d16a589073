from __future__ import annotations

import socket

import pytest

from proxy.notify import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_where_it_listens(tmp_path, monkeypatch, abstract):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{tmp_path}/notify" if abstract else f"{tmp_path}/notify")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{tmp_path}/notify" if abstract else f"{tmp_path}/notify")
        notify("READY=1", "MAINPID=7")
        assert systemd.recv(100) == b"READY=1\nMAINPID=7"


def test_without_systemd_nobody_is_told(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")


def test_a_systemd_that_cannot_be_told_is_said_and_ends_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("NOTIFY_SOCKET", f"{tmp_path}/nobody")
    notify("READY=1")
    assert "cannot tell systemd" in caplog.text
