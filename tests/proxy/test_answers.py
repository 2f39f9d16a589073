"""What the replaced parts of mitmproxy are told: a page of ours, and one record."""

from __future__ import annotations

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
