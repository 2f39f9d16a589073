from __future__ import annotations

import pytest

from proxy.connect import AddressRefused, ConnectFailed, ConnectTimedOut, DialFailed, NameNotFound, UpstreamError
from proxy.counting import TOO_LARGE_ANSWER, TOO_LARGE_REQUEST
from proxy.overdue import OVERDUE
from proxy.upstream import client_left, failure_of

CASES = {
    "a name without an address": (str(NameNotFound("x.test does not resolve")), "upstream.dns", "dns", 502),
    "an origin that refuses the connection": (str(ConnectFailed("x.test:443")), "upstream.connect", "connect", 502),
    "an origin that does not answer": (str(ConnectTimedOut("x.test:443")), "upstream.timeout", "timeout", 504),
    "an address that policy refuses": (str(AddressRefused("private")), "address.private", "ok", 403),
    "an untrusted certificate": (
        "Certificate verify failed: self-signed certificate", "upstream.certificate", "upstream-tls", 502
    ),
    "plain text on a TLS port": ("The remote server does not speak TLS.", "upstream.tls", "upstream-tls", 502),
    "a broken handshake": ("OpenSSL Error([('SSL routines', '', 'alert')])", "upstream.tls", "upstream-tls", 502),
    "an origin that writes our words": (
        "HTTP/2 protocol error: Received duplicate field breakwater-private", "upstream.connect", "connect", 502
    ),
    "an answer that is too large": (TOO_LARGE_ANSWER, "upstream.connect", "connect", 502),
    "a body that is too large": (TOO_LARGE_REQUEST, "protocol.malformed", "ok", 413),
    "silence": (OVERDUE, "upstream.timeout", "timeout", 504),
    "something of ours that failed": (str(DialFailed("a bug")), "error.hook", "connect", 503),
    "anything else": ("server closed connection", "upstream.connect", "connect", 502),
}  # fmt: skip


@pytest.mark.parametrize(("error", "reason", "outcome", "status"), CASES.values(), ids=CASES.keys())
def test_every_error_text_has_its_reason(error, reason, outcome, status):
    failure = failure_of(error)
    assert (failure.reason, failure.outcome, failure.status) == (reason, outcome, status)


def test_every_word_of_a_dialler_is_in_the_table():
    kinds = [UpstreamError, *UpstreamError.__subclasses__()]
    assert len(kinds) == 6
    for kind in kinds:
        assert failure_of(str(kind("why"))).status >= 400


@pytest.mark.parametrize(
    ("error", "left"),
    [
        ("Client disconnected.", True),
        ("stream reset by client (CANCEL)", True),
        ("server closed connection", False),
        ("cannot connect to client.test", False),
    ],
)
def test_who_broke_off(error, left):
    assert client_left(error) is left
