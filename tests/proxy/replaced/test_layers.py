"""A layer gives the commands that stock's gives, in the same order, whatever blocks and whatever comes meanwhile."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import pytest
from mitmproxy.proxy.commands import Command
from mitmproxy.proxy.events import CommandCompleted, DataReceived
from mitmproxy.proxy.layer import Layer

from proxy.replaced import layers

STOCK = Layer.handle_event


class Says(Command):
    def __init__(self, word):
        self.word = word


class Asks(Says):
    blocking = True


@dataclass
class AsksCompleted(CommandCompleted):
    command: Asks
    reply: object


class Scripted(Layer):
    """Says each letter of what it is sent, and for "?" asks first and says the reply."""

    def __init__(self):
        self._paused, self._paused_event_queue = None, deque()

    def _handle_event(self, event):
        for letter in event.data:
            if letter == "?":
                reply = yield Asks("?")
                yield Says(reply)
            elif letter == "!":
                raise RuntimeError("broken")
            else:
                yield Says(letter)


def played(handle_event, script):
    """What comes out for each event: letters, `blocks` for a question; a number answers the question of that number."""
    layer, asked, out = Scripted(), [], []
    for step in script:
        if isinstance(step, int):
            event = AsksCompleted(asked[step], f"reply {step}")
        else:
            event = DataReceived("connection", step)
        said = []
        try:
            for command in handle_event(layer, event):
                if isinstance(command, Asks):
                    asked.append(command)
                    said.append("blocks" if command.blocking is layer else "does not block")
                else:
                    said.append(command.word)
        except RuntimeError as error:
            said.append(str(error))
        out.append((said, layer._paused is not None, len(layer._paused_event_queue)))
    return out


SCRIPTS = {
    "nothing blocks": ["ab", "", "c"],
    "one question": ["a?b", 0],
    "what comes meanwhile is kept": ["?a", "b", "c", 0],
    "what was kept asks as well": ["?a", "b?c", "d", 0, 1, "e"],
    "two questions in one event": ["?a?b", "c", 0, 1],
    "a question at the end": ["a?", 0, "b"],
    "it breaks behind a reply": ["?!", "a", 0, "b"],
    "it breaks before": ["a!", "b"],
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_layer_says_what_stocks_says(script):
    assert played(layers.handle_event, script) == played(STOCK, script)


def test_the_scripts_do_block():
    assert played(STOCK, SCRIPTS["one question"]) == [(["a", "blocks"], True, 0), (["reply 0", "b"], False, 0)]
