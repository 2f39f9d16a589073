"""What is hard to read costs no more than what is plain; the rest stands in tests/cases/rewriting.yaml."""

from __future__ import annotations

import pytest

from proxy.rewriting.forced import Forced, forced_on

SAFE = Forced({b"safe": b"1"})
WORD = Forced(words={b"q": b"!off"})


@pytest.mark.parametrize(
    ("forced", "target", "sent"),
    [
        (SAFE, b"/", b"/?safe=1"),
        (SAFE, b"/?", b"/?safe=1"),
        (SAFE, b"/a?b", b"/a?b&safe=1"),
        (SAFE, b"/a?b&", b"/a?b&&safe=1"),
        (SAFE, b"/?safe=0&a=?safe=0", b"/?a=?safe=0&safe=1"),
        (SAFE, b"/;safe=0?a", b"/;safe=0?a&safe=1"),
        (SAFE, b"/?a;safe;b", b"/?a;b&safe=1"),
        (WORD, b"/?q=a!of", b"/?q=a!of"),
        (WORD, b"/?x=!off", b"/?x=!off"),
        (WORD, b"/?q=!!offoff", b"/?q="),
        (Forced(instead={b"p": b"1"}), b"/?", b"/?"),
        (Forced(instead={b"p": b"1"}), b"/?%70=2&P&q", b"/?p=1&p=1&q"),
        (Forced(never=frozenset({b"x"}), parameters={b"y": b"2"}), b"/?x=1", b"/?y=2"),
    ],
)
def test_a_query(forced: Forced, target: bytes, sent: bytes) -> None:
    assert forced_on(target, (), forced) == (sent, ())


def test_the_longest_query_there_may_be_is_read() -> None:
    target = b"/?" + b"%2573afe=1;" * 6000
    assert forced_on(target, (), SAFE)[0].endswith(b"safe=1")
    assert len(forced_on(target, (), SAFE)[0]) < 20


def test_the_word_is_found_however_often_it_is_hidden_in_itself() -> None:
    target = b"/?q=" + b"!o" * 8000 + b"!off" + b"ff" * 8000
    assert forced_on(target, (), WORD)[0] == b"/?q="


@pytest.mark.parametrize(
    ("cookie", "sent"),
    [
        (b"", b"p=1"),
        (b"; ;", b"p=1"),
        (b"p", b"p=1"),
        (b"a=b; P=2", b"a=b; p=1"),
        (b"%70=2;a", b"a; p=1"),
        (b"a=p=2", b"a=p=2; p=1"),
    ],
)
def test_a_cookie(cookie: bytes, sent: bytes) -> None:
    assert forced_on(b"/", ((b"cookie", cookie),), Forced(cookies={b"p": b"p=1"}))[1] == ((b"cookie", sent),)
