"""Messages of a WebSocket: counted, not kept, and judged while they are the first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from proxy.flow_exchange import put_on
from proxy.websocket_hooks import WebsocketHooks
from tests.proxy.flows import Handler, flow, tunnel
from tests.proxy.workers import node

SSH = b"SSH-2.0-client\r\n"


@pytest.fixture
def made():
    return node()


def socket_of(made):
    sent, exchange = flow(), tunnel().exchange
    sent.websocket = WebSocketData()
    exchange.status = 101
    put_on(sent, exchange)
    made.recorder.begin(exchange)
    return sent, exchange


def told(hooks, handler, sent, *messages):
    dropped = []
    for from_client, content in messages:
        message = WebSocketMessage(2, from_client, content)
        sent.websocket.messages.append(message)
        hooks.websocket_message(handler, sent)
        dropped.append(message.dropped)
    return dropped


TUNNELS = {
    "in one message": [(True, SSH)],
    "in four": [(True, b"SS"), (True, b"H-"), (True, b"2."), (True, b"0-client")],
    "from the server": [(True, b"hello"), (False, SSH)],
}


@pytest.mark.parametrize("messages", TUNNELS.values(), ids=TUNNELS.keys())
def test_a_tunnel_in_messages_is_dropped_and_closed(made, messages):
    handler, hooks = Handler(), WebsocketHooks(made)
    sent, _ = socket_of(made)
    assert told(hooks, handler, sent, *messages) == [False] * (len(messages) - 1) + [True]
    assert handler.closed
    hooks.websocket_end(handler, sent)
    [record] = made.spool.records
    assert (record.action, record.reason, record.status) == ("block", "bypass.ssh", 403)


def test_what_comes_behind_a_refused_message_is_dropped_too(made):
    handler, hooks = Handler(), WebsocketHooks(made)
    sent, _ = socket_of(made)
    assert told(hooks, handler, sent, (True, SSH), (True, b"more"), (False, b"answer")) == [True, True, True]


def test_ordinary_messages_pass_and_are_not_kept(made):
    handler, hooks = Handler(), WebsocketHooks(made)
    sent, exchange = socket_of(made)
    messages = [(bool(number % 2), bytes([number]) * 1000) for number in range(100)]
    assert not any(told(hooks, handler, sent, *messages))
    assert len(sent.websocket.messages) == 1
    assert (exchange.bytes_in, exchange.bytes_out) == (50_000, 50_000)


ANNOUNCE = b'{"action": "announce", "info_hash": "x", "peer_id": "y"}'


def test_only_the_first_messages_of_a_direction_are_judged(made):
    """Chat may say anything for hours: a handshake comes first."""
    handler, hooks = Handler(), WebsocketHooks(made)
    sent, _ = socket_of(made)
    told(hooks, handler, sent, *[(True, b"x")] * 32)
    assert told(hooks, handler, sent, (True, ANNOUNCE)) == [False]


HIDING = {
    "messages of the other side": [(False, b"x")] * 100,
    "empty messages": [(True, b"")] * 100,
    "31 messages": [(True, b"x")] * 31,
}


@pytest.mark.parametrize("before", HIDING.values(), ids=HIDING.keys())
def test_what_comes_before_does_not_hide_a_direction_s_first_messages(made, before):
    handler, hooks = Handler(), WebsocketHooks(made)
    sent, _ = socket_of(made)
    assert not any(told(hooks, handler, sent, *before))
    assert told(hooks, handler, sent, (True, ANNOUNCE)) == [True]


def test_a_message_for_which_somebody_has_to_sign_in_again_is_not_sent_on(made):
    """No page can be shown within a WebSocket: whatever does not forward is dropped."""
    handler, hooks = Handler(), WebsocketHooks(made)
    sent, exchange = socket_of(made)
    exchange.facts = replace(exchange.facts, user=None, identity_problem="disabled")
    assert made.in_force.snapshot.identity_required
    assert told(hooks, handler, sent, (True, ANNOUNCE)) == [True]
    assert handler.closed
