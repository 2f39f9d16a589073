from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from categories.expression_engine import EngineRefused, Matcher
from categories.posix_syntax import BadExpression, translated
from tests.categories.glibc import Regcomp


@pytest.mark.parametrize(
    ("expression", "pattern"),
    [
        ("foo", "foo"),
        ("(foo|bar)s?", "(?:foo|bar)s?"),
        ("^foo$", r"^foo\z"),  # Perl's $ would let a line feed follow
        (".", "."),
        (r"\.", r"\x2e"),
        ("a-b", r"a\x2db"),
        ("a+?b", "(?:a+)?b"),  # Perl's is a lazy repeat, and matches no b alone
        ("ba{2}{3}", "b(?:a{2,2}){3,3}"),
        ("a{,3}b", "a{0,3}b"),
        ("a{2,}", "a{2,}"),
        (r"[\.]", r"[\x2e\x5c]"),  # a backslash in brackets is a backslash
        ("[-\\?+=/_]", r"[\x2b\x2d\x2f\x3d\x3f\x5c\x5f]"),
        ("[]a]", r"[\x41\x5d\x61]"),
        ("[^]]", r"[^\x5d]"),
        ("[a-c]", r"[\x41-\x43\x61-\x63]"),
        ("[[:digit:]_]", r"[\x30-\x39\x5f]"),
        ("[a-]", r"[\x2d\x41\x61]"),
        (r"\w\s", r"[0-9A-Za-z_][\x09-\x0d\x20]"),
        (r"\bfoo\b", r"\bfoo\b"),
        ("é+", r"(?:\xc3\xa9)+"),
        ("(a|)b", "(?:a|)b"),
        ("#", r"\x23"),
    ],
)
def test_what_the_engine_is_given(expression: str, pattern: str) -> None:
    assert translated(expression) == pattern


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "matches the empty string, and so every address"),
        ("a*", "matches the empty string, and so every address"),
        ("foo|", "matches the empty string, and so every address"),
        ("^", "matches the empty string, and so every address"),
        ("(a?|b)(c*)", "matches the empty string, and so every address"),
        ("*a", "* with nothing to repeat"),
        ("(+a)", "+ with nothing to repeat"),
        ("a|{2}", "{ with nothing to repeat"),
        ("^*a", "* after an anchor"),
        ("a)", "a ) without its ("),
        ("(a))", "a ) without its ("),
        ("(a", "a ( without its )"),
        ("[a", "a [ without its ]"),
        ("[]", "a [ without its ]"),
        ("a{", "a { that begins no {least,most}"),
        ("a{,}", "a { that begins no {least,most}"),
        ("a{x}", "a { that begins no {least,most}"),
        ("a{3,2}", "{least,most} with the larger number first"),
        ("a{1001}", "more than 1000 repeats"),
        ("((a{1,100}){1,100}){1,100}", "more than 10000 characters with its repeats written out"),
        ("(" * 9 + "a" + ")+" * 9, "repeats nested more than 8 deep"),
        ("(" * 51 + "a" + ")" * 51, "groups more than 50 deep"),
        (r"(a)\1", r"\1 is a back-reference, which no engine matches in linear time"),
        ("(?=a)b", "(? is not POSIX: no look-around, no flags"),
        ("(?i)a", "(? is not POSIX: no look-around, no flags"),
        (r"\d", r"\d is not POSIX, and engines differ about it"),
        (r"\<a", r"\< is not POSIX, and engines differ about it"),
        ("a\\", "ends in a backslash"),
        (r"[\d]", "a backslash in brackets before a letter: it means itself there"),
        (r"[a\-z]", "a range in brackets from or to a backslash"),
        ("[z-a]", "a range in brackets that runs backwards"),
        ("[a-c-e]", "a range in brackets from the end of another"),
        ("[a-[:digit:]]", "a range in brackets to a class"),
        ("[[:word:]]", "a class in brackets that is unknown"),
        ("[[=a=]]", "a class in brackets that is unknown"),
        ("[é]", "a character beyond ASCII in brackets"),
        ("a\0", "NUL byte"),
    ],
)
def test_what_is_refused_and_why(expression: str, reason: str) -> None:
    with pytest.raises(BadExpression) as refusal:
        translated(expression)
    assert str(refusal.value) == reason


letters = st.sampled_from([*"abAB01", "-", "_", "/", r"\.", r"\?", r"\\", r"\w", r"\W", ".", "=", " "])
brackets = st.builds(
    "[{}{}{}]".format,
    st.sampled_from(["", "^"]),
    st.sampled_from(["", "]", "-", "\\."]),
    st.sampled_from(["a", "a-b", "b0", "[:digit:]", "[:alpha:]_", "/.", "b-", "A"]),
)
anchors = st.sampled_from(["^", "$", r"\b"])
repeats = st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "{0}", "+?"])
expressions = st.recursive(
    letters | brackets | letters | anchors,
    lambda inner: (
        st.builds("{}{}".format, inner, inner)
        | st.builds("({}|{})".format, inner, inner)
        | st.builds("({}){}".format, inner, repeats)
        | st.builds("{}|{}".format, inner, inner)
    ),
    max_leaves=12,
)
texts = st.lists(
    st.sampled_from([b"a", b"b", b"A", b"0", b"1", b".", b"/", b"-", b"_", b"?", b"\\", b"\n", b"=", b" "])
)


@settings(max_examples=400)
@given(expressions, st.lists(texts.map(b"".join), min_size=1, max_size=6))
@example("a$", [b"a\n"])
@example("a+?b", [b"b"])
@example("[^a]", [b"A", b"\n"])
@example("(a|b$|^c)d?", [b"xb", b"cd"])
def test_the_engine_agrees_with_the_c_library_that_squidguard_asks(expression: str, asked: list[bytes]) -> None:
    try:
        matcher = Matcher.compile([translated(expression)])
    except (BadExpression, EngineRefused):
        return
    regcomp = Regcomp(expression)
    assert not regcomp.wrong
    for text in asked:
        assert bool(matcher.ends(text)) == regcomp.matches(text), text


@given(st.text(alphabet="ab()[]{}|*+?^$\\.-,:=1é \0", max_size=40))
def test_whatever_stands_in_a_line_is_translated_or_refused(line: str) -> None:
    try:
        pattern = translated(line)
    except BadExpression:
        return
    assert pattern.isascii()
    assert not Regcomp(line).wrong
