from __future__ import annotations

import threading

import pytest

from categories.expression_engine import EngineRefused, Matcher
from categories.posix_syntax import translated
from tests.categories.glibc import Regcomp

#: What makes engines that backtrack run for years.
CATASTROPHIC = [
    "(a+)+$",
    "(a*)*b",
    "(a|a)*b",
    "(a|aa)+$",
    "(a|aa?)+$",
    "(.*a){25}b",
    "(x+x+)+y",
    "([a-z]+)*=",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*)(.*)(.*)(.*)(.*)z",
    "(a?){30}a{30}b",
    "[ab]*a[ab]{200}c",
]


def test_every_expression_that_matches_is_given_once_with_the_end_of_its_first_match() -> None:
    matcher = Matcher.compile([translated(text) for text in ("foo", "o+", "bar$", "nothing", "FOO|x")])
    assert matcher.ends(b"a/foo/foo/bar") == {0: 5, 1: 4, 2: 13, 4: 5}
    assert matcher.ends(b"") == {}


@pytest.mark.parametrize("pattern", [r"(a)\1", "a(?=b)", "a^b", "(", "a*"])
def test_what_the_engine_cannot_do_is_said_in_one_line(pattern: str) -> None:
    with pytest.raises(EngineRefused) as refusal:
        Matcher.compile(["foo", pattern])
    assert "\n" not in str(refusal.value)


def test_a_dumped_matcher_is_loaded_and_says_the_same() -> None:
    data = Matcher.compile(["foo", "ba[rz]"]).dump()
    assert Matcher.load(data).ends(b"foo baz") == {0: 3, 1: 7}


@pytest.mark.parametrize(
    ("what", "at"), [("magic", 0), ("version of the engine", 4), ("length", 8), ("kind of CPU", 16), ("content", 60)]
)
def test_what_another_engine_or_cpu_compiled_is_refused(what: str, at: int) -> None:
    data = bytearray(Matcher.compile(["foo", "ba[rz]"]).dump())
    data[at] ^= 0xFF
    with pytest.raises(EngineRefused, match="another version"):
        Matcher.load(bytes(data))


def test_threads_share_a_matcher() -> None:
    matcher = Matcher.compile([f"k{number}x" for number in range(300)])
    wrong: list[int] = []

    def ask(own: int) -> None:
        for number in range(2000):
            asked = (number * 7 + own) % 300
            if matcher.ends(f"host/k{asked}x?{'y' * 400}".encode()).keys() != {asked}:
                wrong.append(asked)

    threads = [threading.Thread(target=ask, args=(own,)) for own in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("expression", CATASTROPHIC)
@pytest.mark.parametrize("text", [b"a" * 8600, b"ab" * 4300, b"x" * 8600, b"abcdefghij" * 860, b"a.a/A=" * 1400])
def test_no_address_keeps_an_expression_busy(expression: str, text: bytes) -> None:
    """An engine that backtracks meets the time limit of every test here: some of these take it longer than a life."""
    matcher = Matcher.compile([translated(expression)])
    assert len({bool(matcher.ends(text)) for _ in range(100)}) == 1
    assert bool(matcher.ends(text[:300])) == Regcomp(expression).matches(text[:300])  # which takes 7 s for all of it
