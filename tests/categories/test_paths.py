from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from categories.address import MalformedAddress, parse
from categories.paths import PATH_CAP, capped, decode_unreserved, is_ambiguous, path_readings


@pytest.mark.parametrize(
    ("path", "readings"),
    [
        ("/a/b", ("/a/b",)),
        ("/x%2Fb", ("/x%2Fb", "/x/b")),
        ("/a;v=1/b;c", ("/a;v=1/b;c", "/a/b")),
        ("/public/..;/admin", ("/public/..;/admin", "/admin")),
        ("/a%5Cb", ("/a%5Cb", "/a/b")),
        ("/a/b;c/", ("/a/b;c/", "/a/b/")),
        ("/a%2F", ("/a%2F", "/a/")),
        ("/a/.;c", ("/a/.;c", "/a/")),
        ("/%2F", ("/%2F", "/")),
        ("/;c", ("/;c", "/")),
    ],
)
def test_both_readings_of_a_path(path: str, readings: tuple[str, ...]) -> None:
    assert path_readings(path) == readings


@pytest.mark.parametrize(
    ("raw", "ambiguous"),
    [
        ("/a/../b", False),
        ("/a//b", False),
        ("/a;x/b", False),
        ("/a/..b//c", False),
        ("/a..//b", False),
        ("/a//../b", True),
        ("/a;x/../b", True),
        ("/a%2f../b", True),
        ("/a/..%5Cb", True),
        ("/a/.%2E;x/b", True),
        ("\\\\..\\b", True),
    ],
)
def test_dots_beside_what_servers_read_differently(raw: str, ambiguous: bool) -> None:
    assert is_ambiguous(raw) is ambiguous


@given(st.text("a%2Ef41/.", max_size=40))
@example("%%34%31")
def test_decoding_twice_is_decoding_once(text: str) -> None:
    assert decode_unreserved(decode_unreserved(text)) == decode_unreserved(text)


@given(st.integers(PATH_CAP - 4, PATH_CAP + 4), st.sampled_from(["/../a", "/./a", "%2Fab", "/.a", "aaaa"]))
def test_a_capped_path_ends_in_no_half_of_anything(length: int, tail: str) -> None:
    path = capped(("/" + "a" * length)[: length - 2] + tail)
    assert len(path) <= PATH_CAP
    if len(path) < len(("/" + "a" * length)[: length - 2] + tail):
        assert not path.endswith(("%", "%2", "/.", "/.."))


@given(st.text("aA/.;%2F5C", max_size=30))
def test_path_readings_are_paths(text: str) -> None:
    try:
        path = parse(f"http://a.test/{text}").path
    except MalformedAddress:
        return
    readings = path_readings(path)
    assert readings[0] == path
    assert all(reading.startswith("/") for reading in readings)
    assert len(readings) <= 2
