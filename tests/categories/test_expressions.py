from __future__ import annotations

import subprocess

import pytest

from categories import expressions
from categories.errors import IndexRefused, ListRefused
from categories.expression_engine import Matcher
from categories.expressions import built, checked, matcher_of, matching, texts_of
from categories.posix_syntax import translated

TOO_LONG = "a" + ".?" * 1000 + "b"


def test_one_bad_pattern_is_one_refusal_and_never_the_loss_of_the_others() -> None:
    answers = checked(["foo", r"(a)\1", TOO_LONG, "bar", "."])
    assert answers == [
        None,
        "the engine refuses it: Back-references are unsupported",
        "takes the engine too long, or too much memory, to compile",
        None,
        "matches 60 of 60 ordinary addresses",
    ]


def test_nothing_to_check_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", None)
    assert checked([]) == []


def test_many_that_take_too_long_refuse_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions, "DEATHS_CAP", 0)
    with pytest.raises(ListRefused, match="more than 0 expressions take the engine too long"):
        checked([TOO_LONG, "foo"])


def test_an_engine_that_does_not_start_refuses_the_list_and_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expressions.sys, "executable", "/bin/false")
    with pytest.raises(ListRefused, match="expressions cannot be compiled here: over its limits"):
        checked(["foo"])
    with pytest.raises(ListRefused, match="1 expressions cannot be compiled together"):
        built(["foo"])


def test_what_another_engine_built_is_built_again() -> None:
    patterns = ["foo", "bar"]
    data = bytearray(built(patterns))
    assert matcher_of(bytes(data), list).ends(b"bar") == {1: 3}
    data[4] ^= 0xFF  # the engine's version
    assert matcher_of(bytes(data), lambda: patterns).ends(b"bar") == {1: 3}
    with pytest.raises(IndexRefused, match="the engine refuses expressions that were compiled before"):
        matcher_of(bytes(data), lambda: ["(a)\\1"])


@pytest.mark.parametrize(
    ("name", "path", "query", "texts"),
    [
        ("a.test", "/", "", [b"a.test/"]),
        ("a.test", "/B", "C=D", [b"a.test/b?c=d"]),
        ("a.test", "/b%2Fc", "", [b"a.test/b%2fc", b"a.test/b/c"]),
        ("a.test", "/%C3%89", "q=%20x", [b"a.test/%c3%89?q=%20x", b"a.test/\xc3\x89?q= x"]),
        ("a.test", "/b;c/d", "", [b"a.test/b;c/d", b"a.test/b/d"]),
        ("[2001:db8::1]", "/x", "", [b"[2001:db8::1]/x"]),
    ],
)
def test_what_expressions_are_matched_against(name: str, path: str, query: str, texts: list[bytes]) -> None:
    assert texts_of(name, path, query) == texts


@pytest.mark.parametrize(
    ("expression", "host", "path", "query", "covers", "host_alone"),
    [
        ("foo", "foo.test", "/", "", True, True),
        ("FOO", "foo.test", "/", "", True, True),
        ("foo", "a.test", "/x/Foo", "", True, False),
        ("foo", "a.test", "/", "q=foo", True, False),
        ("^foo", "foo.test", "/", "", True, True),
        ("^foo", "www.foo.test", "/", "", False, False),
        ("^http", "foo.test", "/", "", False, False),  # no scheme
        (r"foo\.test/", "foo.test", "/a", "", True, True),
        (r"foo\.test/$", "foo.test", "/", "", True, False),  # a path that is not known may go on
        (r"foo\.test$", "foo.test", "/", "", False, False),  # there is always a path
        ("[^a-z]$", "foo.test", "/", "", True, False),
        ("foo.+", "foo.test", "/", "", True, True),
        (r"foo\.test/.", "foo.test", "/", "", False, False),
        (r"foo\.test/.", "foo.test", "/a", "", True, False),
        (r"(^|[-./])foo([-./]|$)", "foo.test", "/", "", True, True),
        (r"test/\b", "foo.test", "/a", "", True, False),
        (r"\btest\b", "foo.test", "/a", "", True, True),
        ("foo bar", "a.test", "/foo%20bar", "", True, False),
        ("b/c", "a.test", "/b%2Fc", "", True, False),
        ("%2f", "a.test", "/b%2Fc", "", True, False),
        ("b/d", "a.test", "/b;c/d", "", True, False),
        ("é", "a.test", "/%C3%A9", "", True, False),
        (r"^\[2001:db8", "2001:db8::1", "/", "", True, True),
    ],
)
def test_what_an_expression_covers(
    expression: str, host: str, path: str, query: str, covers: bool, host_alone: bool
) -> None:
    matcher = Matcher.compile(["nothing", translated(expression)])
    assert matching(matcher, host, path, query) == ({1} if covers else set())
    assert matching(matcher, host, "", "") == ({1} if host_alone else set())


@pytest.mark.parametrize("path", ["/", "/a", "/%FF", "/x/y.z", "/-_", "/z" * 1000])
@pytest.mark.parametrize("expression", ["foo", "foo.*t", "[^x]/", "foo|/$", r"\.test/?", "o{2}", r"t\b", ".{3}s"])
def test_what_covers_a_host_alone_covers_it_with_every_path(expression: str, path: str) -> None:
    matcher = Matcher.compile([translated(expression)])
    assert matching(matcher, "foo.test", "", "") <= matching(matcher, "foo.test", path, "")
