"""Every hook of the addon, with real flows and a node in memory."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mitmproxy import flow as mitmproxy_flow
from mitmproxy.proxy.layers import modes
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from proxy.addon import Addon
from proxy.answers import WorkerAnswers
from proxy.flow_exchange import exchange_of
from proxy.next_layer import Closed
from proxy.overdue import OVERDUE
from tests.proxy.flows import CLIENT, PUBLIC, SIGNED, Handler, flow, reasons, tunnel
from tests.proxy.workers import node
from usage_log.spool import SpoolFull


@pytest.fixture
def made():
    node_ = node(("malware: bad.test/path",))
    node_.resolver.table.update(PUBLIC)
    return node_


@pytest.fixture
def addon(made):
    return Addon(made, SimpleNamespace(tls_start_client=None, tls_start_server=None, tls_established_server=None))


async def test_an_allowed_request_goes_on_without_what_is_only_for_the_proxy(addon, made):
    sent = flow(headers=[SIGNED, ("proxy-connection", "keep-alive"), ("host", "lie.test"), ("x", "y")])
    await addon.requestheaders(Handler(), sent)
    assert sent.response is None
    assert dict(sent.request.headers) == {"host": "site.test", "x": "y"}
    assert sent.request.stream(b"12345") == b"12345"
    assert exchange_of(sent).bytes_in == 5
    assert reasons(made) == []


async def test_a_search_is_made_safe_and_the_record_keeps_what_was_asked(addon, made):
    made.resolver.table["www.google.com"] = PUBLIC["site.test"]
    sent = flow("www.google.com", [SIGNED, ("youtube-restrict", "none")], path="/search?safe=off&q=cats")
    await addon.requestheaders(Handler(), sent)
    assert sent.response is None
    assert sent.request.path == "/search?q=cats&safe=active&ssui=on"
    assert dict(sent.request.headers) == {"host": "www.google.com"}
    assert exchange_of(sent).facts.query == "safe=off&q=cats"


async def test_every_request_says_who_it_comes_from(addon, made):
    sent = flow(headers=[("host", "site.test")])
    await addon.requestheaders(Handler(), sent)
    assert sent.response.status_code == 407
    assert sent.response.headers["proxy-authenticate"].startswith("Basic ")
    assert reasons(made) == [("challenge", "identity.required", 407)]


async def test_a_block_is_recorded_before_it_is_sent_and_takes_no_body(addon, made):
    sent = flow("adult.test", [SIGNED, ("expect", "100-continue"), ("accept", "text/html")])
    await addon.requestheaders(Handler(), sent)
    assert sent.response.status_code == 403
    assert b"pornography" in sent.response.content
    assert "expect" not in sent.request.headers
    assert sent.request.stream is True
    assert reasons(made) == [("block", "category.pornography", 403)]
    assert made.spool.records[0].bytes_out == len(sent.response.content)


async def test_inside_a_tunnel_the_user_is_the_connects_and_the_path_is_judged(addon, made):
    handler = Handler(tunnel("bad.test"))
    made.resolver.table["bad.test"] = PUBLIC["site.test"]
    sent = flow("bad.test", [("host", "bad.test")], path="/path/x", port=443, scheme="https")
    await addon.requestheaders(handler, sent)
    assert reasons(made) == [("block", "category.malware", 403)]
    assert made.spool.records[0].user == "ana"
    assert handler.tunnel.exchange.ended


async def test_a_disabled_user_is_stopped_inside_an_open_tunnel(addon, made):
    made.identity.closed = True
    sent = flow("site.test", [("host", "site.test")], port=443, scheme="https")
    await addon.requestheaders(Handler(tunnel()), sent)
    assert reasons(made) == [("challenge", "identity.disabled", 407)]


async def test_a_request_for_another_site_than_the_tunnels_is_misdirected(addon, made):
    sent = flow("site.test", [("host", "other.test")], port=443, scheme="https")
    await addon.requestheaders(Handler(tunnel()), sent)
    assert sent.response.status_code == 421
    assert reasons(made) == [("block", "address.mismatch", 421)]


async def test_our_own_name_needs_no_account(addon, made):
    sent = flow("filter.test", path="/help")
    await addon.requestheaders(Handler(), sent)
    assert sent.response.content == b"GET /help "
    assert reasons(made) == [("allow", "default", 200)]


async def test_a_body_announced_as_too_large_is_refused_at_once(addon, made):
    sent = flow(headers=[SIGNED, ("content-length", str(4 * 1024**3 + 1))])
    await addon.requestheaders(Handler(), sent)
    assert sent.response.status_code == 413
    assert reasons(made) == [("block", "protocol.malformed", 413)]


async def test_fields_of_one_connection_go_neither_way(addon):
    sent = flow(headers=[SIGNED, ("connection", "x-secret"), ("x-secret", "1"), ("te", "gzip")], response=True)
    await addon.requestheaders(Handler(), sent)
    assert dict(sent.request.headers) == {"host": "site.test"}
    sent.response.headers.clear()
    sent.response.headers.update({"connection": "close, x-o", "x-o": "1", "keep-alive": "timeout=5", "alt-svc": "h3"})
    addon.hook("responseheaders")(Handler(), sent)
    assert dict(sent.response.headers) == {"Connection": "close"}


async def test_an_answer_that_nobody_asked_for_fails_closed(addon):
    with pytest.raises(RuntimeError):
        addon.hook("responseheaders")(Handler(), flow(response=True))


async def test_a_host_that_is_none_is_malformed(addon, made):
    sent = flow("exa mple", [SIGNED])
    await addon.requestheaders(Handler(), sent)
    assert sent.response.status_code == 400
    assert reasons(made) == [("block", "protocol.malformed", 400)]


async def test_an_answer_is_streamed_and_recorded_with_its_last_byte(addon, made):
    handler, sent = Handler(), flow(headers=[SIGNED], response=True)
    await addon.requestheaders(handler, sent)
    sent.response.headers["alt-svc"] = 'h3=":443"'
    addon.hook("responseheaders")(handler, sent)
    assert "alt-svc" not in sent.response.headers
    assert sent.response.stream(b"abc") == b"abc"
    assert made.spool.records == []
    sent.response.stream(b"")
    addon.hook("response")(handler, sent)
    assert [(record.bytes_out, record.status, record.outcome) for record in made.spool.records] == [(3, 200, "ok")]
    assert handler.exchanges == set()


@pytest.mark.parametrize(("host", "status"), [("adult.test", 503), ("filter.test", 200)], ids=["a block", "our pages"])
async def test_where_the_log_is_full_nothing_but_our_own_pages_is_shown(addon, made, caplog, host, status):
    made.spool.full = True
    sent = flow(host, [SIGNED])
    await addon.requestheaders(Handler(), sent)
    assert sent.response.status_code == status
    assert "not recorded: " in caplog.text


async def test_what_is_under_way_can_be_cut(addon):
    handler, sent = Handler(), flow(headers=[SIGNED])
    await addon.requestheaders(handler, sent)
    exchange_of(sent).cut()
    assert handler.closed


async def test_a_record_that_cannot_be_written_holds_back_the_last_byte(addon, made):
    handler, sent = Handler(), flow(headers=[SIGNED], response=True)
    await addon.requestheaders(handler, sent)
    addon.hook("responseheaders")(handler, sent)
    made.spool.full = True
    with pytest.raises(Exception, match="full"):
        sent.response.stream(b"")


@pytest.mark.parametrize(
    "host", ["site.test", "adult.test", "filter.test"], ids=["an origin's", "a block", "our pages"]
)
async def test_while_draining_an_answer_closes_its_connection(addon, host):
    handler, sent = Handler(), flow(host, [SIGNED], response=host == "site.test")
    handler.draining = True
    await addon.requestheaders(handler, sent)
    addon.hook("responseheaders")(handler, sent)
    assert sent.response.headers["connection"] == "close"


async def test_what_breaks_off_is_recorded_once(addon, made):
    handler, sent = Handler(), flow(headers=[SIGNED])
    await addon.requestheaders(handler, sent)
    sent.error = mitmproxy_flow.Error("Client disconnected.")
    addon.error(handler, sent)
    addon.client_disconnected(handler, CLIENT)
    assert [record.outcome for record in made.spool.records] == ["client-abort"]


@pytest.mark.parametrize("why", ["drain", "timeout", "policy"])
@pytest.mark.parametrize("how", ["before an answer", "in its body", "between two requests"])
async def test_who_was_cut_off_is_not_said_to_have_left(addon, made, how, why):
    handler, sent = Handler(tunnel() if how == "between two requests" else None), flow(headers=[SIGNED], response=True)
    if how != "between two requests":
        await addon.requestheaders(handler, sent)
        if how == "before an answer":
            sent.response = None
        sent.error = mitmproxy_flow.Error("Client disconnected.")
    handler.close(why)
    if sent.error is not None:
        addon.error(handler, sent)
    addon.client_disconnected(handler, CLIENT)
    assert [record.outcome for record in made.spool.records] == [why]


async def test_a_silent_websocket_that_is_closed_is_recorded_as_late(addon, made):
    handler, sent = Handler(), flow(headers=[SIGNED], response=True)
    await addon.requestheaders(handler, sent)
    sent.websocket = SimpleNamespace(close_code=1006)
    handler.close("timeout")
    addon.hook("websocket_end")(handler, sent)
    assert [record.outcome for record in made.spool.records] == ["timeout"]


@pytest.mark.parametrize("how", ["error", "cut", "gone"])
async def test_what_breaks_off_behind_its_last_byte_is_forgotten_and_recorded_once(addon, made, how):
    handler, sent = Handler(), flow(headers=[SIGNED], response=True)
    addon.client_connected(handler, sent.client_conn)
    await addon.requestheaders(handler, sent)
    sent.response.headers["content-length"] = "5"
    addon.hook("responseheaders")(handler, sent)
    sent.response.stream(b"hello")
    assert len(handler.exchanges) == 1
    if how == "error":
        sent.error = mitmproxy_flow.Error("server closed connection")
        addon.error(handler, sent)
    elif how == "cut":
        WorkerAnswers(made, addon.handlers).cut(sent, OVERDUE)
    else:
        addon.client_disconnected(handler, sent.client_conn)
    assert (handler.exchanges, made.recorder.open) == (set(), ())
    assert [(each.reason, each.outcome, each.bytes_out) for each in made.spool.records] == [("default", "ok", 5)]


async def test_a_websocket_keeps_no_messages_and_can_be_cut(addon, made):
    handler, sent = Handler(), flow(headers=[SIGNED, ("upgrade", "websocket")], response=True)
    await addon.requestheaders(handler, sent)
    sent.response.status_code = 101
    sent.websocket = WebSocketData()
    addon.hook("responseheaders")(handler, sent)
    addon.hook("response")(handler, sent)
    for from_client in (True, False, False):
        sent.websocket.messages.append(WebSocketMessage(2, from_client, b"1234"))
        addon.hook("websocket_message")(handler, sent)
    assert len(sent.websocket.messages) == 1
    assert made.spool.records == []
    exchange_of(sent).cut()
    assert handler.closed
    addon.hook("websocket_end")(handler, sent)
    assert [(each.bytes_in, each.bytes_out, each.scheme, each.status) for each in made.spool.records] == [
        (4, 8, "ws", 101)
    ]


@pytest.mark.parametrize(
    ("length", "chunks", "records"),
    [
        ("5", [(b"12345", ["decision"])], "whole in one chunk: one row, before it leaves"),
        ("5", [(b"1234", []), (b"5", ["decision"])], "small, in two chunks: one row, before the second leaves"),
        (None, [(b"1234", []), (b"5", []), (b"", ["decision"])], "small, of unknown length: one row, before its end"),
        ("9" * 30, [(b"1234", []), (b"", ["decision"])], "a length that no answer has is none"),
        ("200000", [(bytes(65537), ["decision"]), (bytes(134463), ["decision", "end"])], "large: two rows"),
        (None, [(bytes(65536), []), (b"1", ["decision"]), (b"", ["decision", "end"])], "large, of unknown length"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_record_is_written_before_the_bytes_that_it_speaks_of(addon, made, length, chunks, records):
    handler, sent = Handler(), flow(headers=[SIGNED], response=True)
    await addon.requestheaders(handler, sent)
    sent.response.headers.pop("content-length", None)
    if length is not None:
        sent.response.headers["content-length"] = length
    addon.hook("responseheaders")(handler, sent)
    for chunk, events in chunks:
        assert sent.response.stream(chunk) == chunk
        assert [each.event for each in made.spool.records] == events, records
    sent.response.stream(b"")
    addon.hook("response")(handler, sent)
    assert made.spool.records[-1].bytes_out == sum(len(chunk) for chunk, _ in chunks)
    assert len(made.spool.records) == len(chunks[-1][1])
    assert handler.exchanges == set()


async def test_a_large_upload_is_recorded_before_the_rest_of_it_leaves(addon, made):
    handler, sent = Handler(), flow(headers=[SIGNED])
    await addon.requestheaders(handler, sent)
    sent.request.stream(bytes(65536))
    assert made.spool.records == []
    sent.request.stream(b"1")
    assert [each.event for each in made.spool.records] == ["decision"]


async def test_bytes_that_cannot_be_recorded_do_not_leave(addon, made):
    handler, sent = Handler(), flow(headers=[SIGNED], response=True)
    await addon.requestheaders(handler, sent)
    sent.response.headers["content-length"] = "5"
    addon.hook("responseheaders")(handler, sent)
    made.spool.full = True
    with pytest.raises(SpoolFull):
        sent.response.stream(b"12345")


def test_a_connect_that_mitmproxy_sees_is_refused(addon, made):
    sent = flow()
    addon.http_connect(Handler(), sent)
    assert sent.response.status_code == 400
    assert reasons(made) == [("block", "protocol.malformed", 400)]


async def test_a_hook_that_failed_is_answered_503_with_a_record(addon, made):
    sent = flow(headers=[SIGNED])
    assert addon.refuse(Handler(), sent, "requestheaders", RuntimeError("secret"))
    assert sent.response.status_code == 503
    assert b"secret" not in sent.response.content
    assert reasons(made) == [("block", "error.hook", 503)]
    assert made.spool.records[0].detail == "requestheaders: RuntimeError"


@pytest.mark.parametrize("hook", ["response", "websocket_message", "error"])
def test_what_has_begun_to_be_answered_is_closed_instead(addon, hook):
    assert not addon.refuse(Handler(), flow(), hook, RuntimeError())


def test_a_connection_without_a_flow_is_closed(addon):
    assert not addon.refuse(Handler(), object(), "tls_clienthello", RuntimeError())


RAW = {
    "noise": (b"\x80\x81\x82\x83ssh", b"", "bypass.raw"),
    "SSH": (b"SSH-2.0-x\r\n", b"", "bypass.ssh"),
    "a server that greets": (b"", b"SSH-2.0-x\r\n", "bypass.ssh"),
}


@pytest.mark.parametrize(("client", "server", "reason"), RAW.values(), ids=RAW.keys())
def test_raw_bytes_behind_connect_are_refused_and_recorded_as_such(addon, made, client, server, reason):
    handler = Handler(tunnel())
    asked = SimpleNamespace(
        context=SimpleNamespace(layers=[None], client=SimpleNamespace(tls_established=False, alpn=None)),
        data_client=lambda: client,
        data_server=lambda: server,
        layer=None,
    )
    asked.context.layers = [modes.TransparentProxy.__new__(modes.TransparentProxy)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Closed, "__init__", lambda self, context: None)
        addon.next_layer(handler, asked)
    addon.client_disconnected(handler, CLIENT)
    assert [(each.reason, each.status, each.outcome) for each in made.spool.records] == [(reason, 403, "ok")]
