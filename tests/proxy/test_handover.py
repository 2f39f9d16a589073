"""The successor here is a short Python program that gets what a supervisor would."""

from __future__ import annotations

import json
import os
import socket
import sys

import pytest

from proxy import handover
from proxy.handover import Inherited, Successor, inherited
from proxy.listening import Listen, Listener

READY = """
from proxy import handover
from proxy.listening import Listen, bind
told = handover.inherited()
assert handover.inherited() is None, "children of the successor must not take it for their own"
(listener,) = bind((Listen("127.0.0.1", 8080),), told.sockets)
connection, _ = listener.socket.accept()
connection.sendall(str(told.predecessor).encode())
told.say_ready()
"""
REFUSES = "import sys; sys.exit(4)"


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield Listener(Listen("127.0.0.1", 8080), sock)


@pytest.fixture
def lock(tmp_path):
    fd = os.open(tmp_path, os.O_RDONLY)
    yield fd
    os.close(fd)


def start(monkeypatch, program, lock, listener):
    monkeypatch.setattr(handover.sys, "orig_argv", [sys.executable, "-c", program])
    return Successor(lock, [listener])


async def test_a_successor_accepts_on_the_same_socket_and_says_when_it_is_ready(monkeypatch, lock, listener):
    with socket.create_connection(listener.socket.getsockname(), 20) as client:
        successor = start(monkeypatch, READY, lock, listener)
        assert await successor.is_ready(20)
        assert client.recv(100) == str(os.getpid()).encode()
        assert await successor.ended(20) == 0


async def test_a_successor_that_refuses_is_not_ready(monkeypatch, lock, listener):
    successor = start(monkeypatch, REFUSES, lock, listener)
    assert not await successor.is_ready(20)
    assert await successor.ended(20) == 4


async def test_a_successor_is_told_to_stop(monkeypatch, lock, listener):
    successor = start(monkeypatch, "import time; time.sleep(60)", lock, listener)
    successor.stop()
    assert not await successor.is_ready(20)
    assert await successor.ended(20) != 0


async def test_a_successor_that_hangs_is_ended(monkeypatch, lock, listener):
    """It is asked to end, and killed when it does not."""
    program = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    successor = start(monkeypatch, program, lock, listener)
    assert not await successor.is_ready(2)
    assert await successor.ended(0.5) < 0


def test_a_first_start_has_no_predecessor():
    assert inherited() is None


def test_a_predecessor_that_was_killed_needs_no_word():
    reading, writing = os.pipe()
    os.close(reading)
    Inherited(1, 0, writing).say_ready()


async def test_a_predecessor_is_gone_when_it_is_our_parent_no_more():
    await Inherited(os.getppid() + 1, 0, 0).predecessor_gone()


def test_what_is_handed_over_is_no_longer_for_children(monkeypatch, lock, listener):
    reading, writing = os.pipe()
    given = os.dup(listener.socket.fileno())
    for fd in (writing, given):
        os.set_inheritable(fd, True)
    told = {"predecessor": 7, "lock": lock, "ready": writing, "sockets": [["127.0.0.1", 8080, given]]}
    monkeypatch.setenv("BREAKWATER_HANDOVER", json.dumps(told))
    taken = inherited()
    assert [os.get_inheritable(fd) for fd in (writing, given)] == [False, False]
    assert taken.sockets["127.0.0.1", 8080].getsockname() == listener.socket.getsockname()
    taken.sockets["127.0.0.1", 8080].close()
    os.close(reading)
    os.close(writing)
