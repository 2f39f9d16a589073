from __future__ import annotations

import pytest

from proxy.block_page import Answer
from proxy.evaluate import error_verdict
from proxy.respond import failure_verdict, held, malformed_verdict, response_of
from proxy.verdict import Action, Verdict

HELD = {
    "category.pornography": True,
    "its-block": True,
    "address.private": True,
    "address.literal": True,
    "address.mismatch": True,
    "address.port": False,
    "bypass.ssh": False,
    "p2p.bittorrent": False,
    "protocol.malformed": False,
    "error.usage-log": False,
    "identity.required": False,
}


@pytest.mark.parametrize(("reason", "expected"), HELD.items())
def test_which_blocks_are_shown_inside_tls(reason, expected):
    assert held(Verdict(Action.BLOCK, reason, 1, status=403)) is expected


def test_what_cannot_be_read_is_a_block():
    verdict = malformed_verdict(3)
    assert (verdict.action, verdict.reason, verdict.status, verdict.policy_revision) == (
        Action.BLOCK, "protocol.malformed", 400, 3
    )  # fmt: skip


def test_an_origin_that_fails_is_shown_as_such_and_counted_as_nothing_else():
    shown, outcome = failure_verdict("breakwater-dns: x", Verdict(Action.ALLOW, "default", 3))
    assert (shown.reason, shown.status, outcome) == ("upstream.dns", 502, "dns")


def test_our_headers_reach_the_wire_unchanged():
    answer = Answer(403, ((b"Content-Length", b"9"), (b"X-A", b"b")), b"")
    response = response_of(answer)
    assert (response.status_code, response.reason, response.raw_content) == (403, "Forbidden", b"")
    assert response.headers.fields == ((b"Content-Length", b"9"), (b"X-A", b"b"))


def test_an_error_is_never_held():
    assert not held(error_verdict("hook", 1))
