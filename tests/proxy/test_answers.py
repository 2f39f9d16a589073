"""What the replaced parts of mitmproxy are told: a page of ours, and one record."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from proxy.addon import Addon
from proxy.answers import WorkerAnswers
from tests.proxy.flows import CLIENT, PUBLIC, SIGNED, Handler, flow, reasons, tunnel
from tests.proxy.workers import node


@pytest.fixture
def made():
    node_ = node(("malware: bad.test/path",))
    node_.resolver.table.update(PUBLIC)
    return node_


@pytest.fixture
def addon(made):
    return Addon(made, SimpleNamespace(tls_start_client=None, tls_start_server=None, tls_established_server=None))


@pytest.fixture
def answers(made, addon):
    return WorkerAnswers(made, addon.handlers)


FAILURES = {
    "a dead name": ("breakwater-dns: no", 502, "dns", ("allow", "default", 502)),
    "a bad certificate": ("Certificate verify failed: expired", 502, "upstream-tls", ("allow", "default", 502)),
    "a silent origin": ("breakwater-timeout: no", 504, "timeout", ("allow", "default", 504)),
    "an address that the dialer refuses": (
        "breakwater-private: no", 403, "ok", ("block", "address.private", 403)
    ),
}  # fmt: skip


@pytest.mark.parametrize(("error", "status", "outcome", "recorded"), FAILURES.values(), ids=FAILURES.keys())
async def test_an_origin_that_fails_gets_a_page_of_ours(addon, answers, made, error, status, outcome, recorded):
    sent = flow(headers=[SIGNED, ("accept", "text/html")])
    await addon.requestheaders(Handler(), sent)
    answers.answer_failure(sent, error)
    assert sent.response.status_code == status
    assert b"<html" in sent.response.content
    assert reasons(made) == [recorded]
    assert made.spool.records[0].outcome == outcome


def test_a_request_without_a_verdict_never_gets_its_origin(answers):
    with pytest.raises(RuntimeError):
        answers.answer_failure(flow(), "error")


@pytest.mark.parametrize("user", [None, "ana"], ids=["outside a tunnel", "inside one"])
async def test_a_head_that_cannot_be_read_is_recorded_under_the_tunnels_user(addon, answers, made, user):
    handler = Handler(tunnel() if user else None)
    addon.client_connected(handler, CLIENT)
    raw = answers.refuse_head(CLIENT, 431, "the head is too large")
    assert raw.startswith(b"HTTP/1.1 431 ")
    assert b"Connection: close" in raw
    addon.client_disconnected(handler, CLIENT)
    assert [(each.reason, each.status, each.user) for each in made.spool.records] == [("protocol.malformed", 431, user)]
    assert addon.handlers == {}


@pytest.mark.parametrize("status", [431, 0], ids=["an answer without a page", "none at all"])
def test_a_refusal_without_a_page_is_recorded_as_it_was_sent(addon, answers, made, status):
    addon.client_connected(Handler(), CLIENT)
    answers.note_refusal(CLIENT, status, "a flood")
    [record] = made.spool.records
    assert (record.reason, record.status, record.bytes_out, record.detail) == (
        "protocol.malformed", status, 0, "a flood"
    )  # fmt: skip


class NoPages:
    def answer(self, *_):
        raise RuntimeError("broken")


async def test_where_no_page_can_be_made_the_last_resort_is_sent_and_recorded(addon, answers, made):
    sent, other, handler = flow(headers=[SIGNED]), flow(), Handler()
    addon.client_connected(handler, other.client_conn)
    addon.client_connected(handler, CLIENT)
    await addon.requestheaders(handler, sent)
    made.in_force = replace(made.in_force, pages=NoPages())
    answers.answer_failure(sent, "breakwater-dns: no")
    answers.refuse_request(other)
    raw = answers.refuse_head(CLIENT, 400, "no head")
    assert (sent.response.status_code, other.response.status_code, raw[:13]) == (503, 503, b"HTTP/1.1 503 ")
    assert reasons(made) == [("block", "error.page", 503)] * 3


async def test_while_draining_a_failed_origins_page_closes_its_connection(addon, answers):
    sent, handler = flow(headers=[SIGNED]), Handler()
    addon.client_connected(handler, sent.client_conn)
    await addon.requestheaders(handler, sent)
    handler.draining = True
    answers.answer_failure(sent, "breakwater-dns: no")
    assert sent.response.headers["connection"] == "close"
