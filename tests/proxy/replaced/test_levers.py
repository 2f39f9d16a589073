"""Levers only save time: with and without them, the same conversations have the same bytes, hooks and records."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from proxy import engine
from tests.proxy.replaced.answers import NoAnswers
from tests.proxy.replaced.conversations import HTTP2, INTERCEPTED, PLAIN

LEVERS = sorted({part.lever for part in engine.parts(NoAnswers()) if part.lever})
NAMES = [f"{kind}: {name}" for kind, table in (("plain", PLAIN), ("intercepted", INTERCEPTED), ("http2", HTTP2))
         for name in table]  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What came of every conversation: with all levers, and with none."""
    running = []
    for stock in ("", ",".join(LEVERS)):
        command = [
            sys.executable,
            "-m",
            "tests.proxy.replaced.conversations",
            str(tmp_path_factory.mktemp("run")),
            stock,
        ]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    said = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return [json.loads(out) for out, _ in said]


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_is_the_same_with_levers_and_without(told, name):
    with_levers, without = (each[name] for each in told)
    assert with_levers == without


def test_the_conversations_are_what_they_are_named_after(told):
    ours = told[0]
    assert ours["plain: one request"]["client"].endswith("hello")
    assert ours["plain: one request"]["hooks"][:2] == ["client_connected", "next_layer"]
    assert ours["plain: one request"]["records"] == [["decision", "default", 200, 0, 5, "ok"]]
    assert ours["plain: three at once"]["client"].count("HTTP/1.1 ") == 3
    assert ours["intercepted: a WebSocket"]["hooks"].count("websocket_message") == 2
    assert len(ours["http2: several"]["origins"]) == 1
    assert not [name for name, each in ours.items() if not each["client"] and name != "plain: a client that only ends"]
