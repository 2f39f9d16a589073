"""Headers that cannot be broken, whatever is put into them."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.pages.answers import UNFRAMED, answer_to, basic_challenge, content_policy, proxy_status
from proxy.pages.ask import Ask


@given(st.text(), st.binary(max_size=20))
def test_a_value_never_ends_its_line(value: str, body: bytes) -> None:
    answer = answer_to(Ask(), 403, {"X-Test": value}, body)
    [line] = [value for name, value in answer.headers if name == b"X-Test"]
    assert re.fullmatch(rb"[\x20-\x7e]*", line)
    assert dict(answer.headers)[b"Content-Length"] == b"%d" % len(body)


@pytest.mark.parametrize(
    ("node", "details", "header"),
    [
        ("lincoln-1", "x", 'lincoln-1; error=dns_error; details="x"'),
        ("1-lincoln", "x", '"1-lincoln"; error=dns_error; details="x"'),
        ('a"; error=none', 'b"\\', r'"a\"; error=none"; error=dns_error; details="b\"\\"'),
        ("Peñón\n", "\x00", '"Pe??n?"; error=dns_error; details="?"'),
    ],
)
def test_proxy_status_is_a_structured_field(node: str, details: str, header: str) -> None:
    assert proxy_status(node, "dns_error", details) == header


def test_a_realm_cannot_end_its_quotes() -> None:
    assert basic_challenge('a", charset="x') == r'Basic realm="a\", charset=\"x", charset="UTF-8"'


def test_the_policy_names_one_style_or_none() -> None:
    digest = base64.b64encode(hashlib.sha256(b"p{}").digest()).decode()
    assert content_policy() == "default-src 'none'; base-uri 'none'; form-action 'none'"
    assert content_policy("p{}", UNFRAMED) == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
