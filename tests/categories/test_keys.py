from __future__ import annotations

import pytest

from categories.entries import Covers
from categories.keys import QUOTED, at_boundary, entry_key, pattern_of, request_keys, specificity, without_service


@pytest.mark.parametrize(
    ("host", "covers", "target", "key", "pattern"),
    [
        ("a.example.test", Covers.DOMAIN, "", "tset.elpmaxe.a.", "a.example.test"),
        ("www.example.test", Covers.DOMAIN, "", "tset.elpmaxe.www.", "www.example.test"),
        ("www.example.test", Covers.HOST, "", "tset.elpmaxe.www./", "www.example.test"),
        ("www.example.test", Covers.PREFIX, "/A?B", "tset.elpmaxe./a?b", "example.test/a?b"),
        ("2001:db8::1", Covers.HOST, "", "1::8bd:1002./", "2001:db8::1"),
    ],
)
def test_a_key_and_back(host: str, covers: Covers, target: str, key: str, pattern: str) -> None:
    assert entry_key(host, covers, target) == key
    assert pattern_of(key, covers) == pattern


@pytest.mark.parametrize(
    ("host", "bare"),
    [
        ("www.example.test", "example.test"),
        ("web12.example.test", "example.test"),
        ("www.www.example.test", "www.example.test"),
        ("wwwx.example.test", "wwwx.example.test"),
        ("www.co.uk", "www.co.uk"),
        ("www.github.io", "www.github.io"),
        ("www.test", "www.test"),
    ],
)
def test_a_leading_service_name_never_leaves_a_public_suffix(host: str, bare: str) -> None:
    assert without_service(host) == bare


def test_one_key_is_asked_for_unless_the_host_or_the_path_reads_in_two_ways() -> None:
    assert request_keys("a.test", "/B", "") == ["tset.a./b"]
    assert request_keys("www.a.test", "/", "Q") == ["tset.a.www./?q", "tset.a./?q"]
    assert request_keys("a.test", "/b%2Fc", "") == ["tset.a./b%2fc", "tset.a./b/c"]


@pytest.mark.parametrize(
    ("key", "request_key", "covered"),
    [
        ("tset.a.", "tset.a.b./x", True),
        ("tset.a./x", "tset.a./x", True),
        ("tset.a./x", "tset.a./x/y", True),
        ("tset.a./x", "tset.a./x?y", True),
        ("tset.a./x", "tset.a./xy", False),
        ("tset.a./x.", "tset.a./x.y", False),
        ("tset.a./", "tset.a./x", True),
        ("tset.a./?q=", "tset.a./?q=cat", True),
    ],
)
def test_boundaries(key: str, request_key: str, covered: bool) -> None:
    assert at_boundary(key, request_key) is covered


def test_the_longer_path_then_the_longer_host_is_more_specific() -> None:
    keys = ["tset.", "tset.a./x/y", "tset.a./", "tset.a.", "tset.a./x"]
    assert sorted(keys, key=specificity) == ["tset.", "tset.a.", "tset.a./", "tset.a./x", "tset.a./x/y"]


def test_an_expression_stands_for_itself_and_a_long_one_is_quoted_in_part() -> None:
    assert pattern_of("a.b/c|d.", Covers.EXPRESSION) == "a.b/c|d."
    assert pattern_of("x" * QUOTED, Covers.EXPRESSION) == "x" * QUOTED
    assert pattern_of("x" * 4096, Covers.EXPRESSION) == "x" * (QUOTED - 1) + "…"
