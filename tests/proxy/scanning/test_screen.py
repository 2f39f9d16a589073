from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.scanning.answer import Kind, Part, Trouble
from proxy.scanning.screen import HELD, Screen

PAC = b"function FindProxyForURL(url, host) { return 'DIRECT'; }"


def screen(declared="", status=200, wanted="", **fields):
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Screen(status, named | ({"content-type": declared} if declared else {}), "", wanted)


FLOWS = {
    "an event stream": ("text/event-stream", b"data: one\n\n"),
    "JSON lines": ("application/x-ndjson", b'{"a": 1}\n'),
    "a picture": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "a short message of gRPC": ("application/grpc", b"\0\0\0\0\2\x08\1"),
    "the first line of a watch": ("application/json", b'{"type": "ADDED", "object": {}}\n'),
    "a film that says it is text": ("text/plain", b"\x00\x00\x00\x18ftypmp42"),
    "a program": ("", b"MZ\x90\x00"),
    "binary": ("application/octet-stream", bytes(range(30))),
    "JSON, once it is longer than a DNS answer": ("application/json", b'{"a": [' + b"1, " * 400),
}


@pytest.mark.parametrize(("declared", "data"), FLOWS.values(), ids=FLOWS)
def test_what_is_certain_goes_on_at_once(declared, data):
    assert screen(declared).more(data)


WAITS = {
    "a page": ("text/html", "", b"<!doctype html><p>"),
    "a script": ("text/javascript", "", b"let a = 1;"),
    "text": ("text/plain", "", b"some words and more words"),
    "a text without a type": ("", "", b"some words and more words"),
    "an event stream that is run as a script": ("text/event-stream", "script", b"data: one\n\n"),
    "a picture that is run as a script": ("image/gif", "script", b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00"),
    "JSON that has only begun": ("application/json", "", b'{\n"Status": 0,\n'),
    "a program that says it is gRPC": ("application/grpc", "", b"M"),
    "an archive": ("application/zip", "", b"PK\x03\x04"),
    "what may be anything": ("image/png", "", b"\x89P"),
}


@pytest.mark.parametrize("data", [b"M", b"\x1f", b"d", b"#", b"d8:announce1"])
def test_time_judges_nothing_that_is_not_known(data):
    held = screen("text/plain")
    assert not held.more(data)
    assert not held.ripens


def test_a_text_ripens():
    held = screen("text/plain")
    held.more(b"some words")
    assert held.ripens


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_what_says_nothing_for_as_much_as_is_held_is_no_answer(coding):
    silence = {"gzip": b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * HELD, "br": b"\x06" * HELD,
               "zstd": (b"\x50\x2a\x4d\x18\xff\0\0\0" + bytes(255)) * 2000}[coding]  # fmt: skip
    held = screen("text/javascript", content_encoding=coding)
    assert held.more(silence)
    assert held.answer.trouble in (Trouble.SILENT, Trouble.BROKEN)


@pytest.mark.parametrize(("declared", "wanted", "data"), WAITS.values(), ids=WAITS)
def test_what_is_to_be_judged_whole_waits(declared, wanted, data):
    assert not screen(declared, wanted=wanted).more(data)


def test_no_more_is_held_than_the_cap():
    held = screen("text/html")
    pieces = 0
    while not held.more(b"<p>word</p>" * 1000):
        pieces += 1
    assert pieces * 11_000 <= HELD
    assert len(held.answer.data) <= HELD


def test_what_grows_is_judged_by_what_it_has_become():
    held = screen("text/html", content_encoding="gzip")
    assert held.more(gzip.compress(b"<p>word</p>" * 100_000))
    assert (held.answer.kind, len(held.answer.data)) == (Kind.HTML, HELD)


def test_a_bomb_is_enough():
    held = screen("text/html", content_encoding="gzip")
    assert held.more(gzip.compress(bytes(64 * 2**20)))
    assert held.answer.trouble is Trouble.BOMB
    assert not held.passes_on


def test_marks_behind_the_cap_are_found_in_the_same_piece():
    held = screen("text/plain", content_encoding="gzip")
    held.more(gzip.compress(bytes(str(list(range(150_000))), "ascii") + PAC))
    assert held.answer.marks == {"pac"}


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_utf_16_is_read_as_the_ascii_in_it(coding):
    held = screen("text/plain")
    held.more((b"" if coding == "utf-16" else "\ufeff".encode(coding)) + PAC.decode().encode(coding))
    assert held.answer.marks == {"pac"}


def test_shifts_of_iso_2022_jp_hide_nothing():
    held = screen("text/javascript; charset=iso-2022-jp")
    held.more(PAC.replace(b"Proxy", b"\x1b(BProxy\x1b(J"))
    assert held.answer.marks == {"pac"}


def test_what_comes_later_is_searched_as_it_passes():
    held = screen("text/event-stream")
    assert held.more(b"data: one\n\n")
    assert not held.passes_on
    held.later(PAC[:15])
    assert held.answer.marks == set()
    assert held.later(PAC[15:])
    assert held.answer.marks == {"pac"}


def test_later_bombs_are_told():
    held = screen("text/html", content_encoding="gzip")
    coder = gzip.compress(b"<p>word</p>" * 60_000)
    assert held.more(coder)
    assert held.later(gzip.compress(bytes(64 * 2**20)))


def test_a_picture_is_not_searched():
    held = screen("image/png")
    held.more(b"\x89PNG\r\n\x1a\n")
    assert held.passes_on
    assert not held.later(PAC)


PARTS = {
    "bytes 0-99/200": Part(0, 99, 200),
    "bytes 512-1023/*": Part(512, 1023, None),
    "bytes 9-3/10": None,
    "bytes */10": None,
    "pages 1-2/3": None,
    "": None,
}


@pytest.mark.parametrize(("said", "part"), PARTS.items(), ids=PARTS)
def test_which_part_it_is(said, part):
    held = screen("video/mp4", 206, content_range=said)
    held.more(b"\x00\x00\x00\x18ftypmp42")
    assert held.answer.part == part


def test_the_middle_of_something_is_no_kind():
    held = screen("text/html", 206, content_range="bytes 600-700/800", content_encoding="gzip")
    assert held.more(b"<p>")
    assert held.answer.kind is Kind.BINARY


@given(
    st.sampled_from(["", "text/html", "image/png", "text/event-stream", "application/json"]),
    st.sampled_from(["", "gzip", "br", "zstd, deflate", "x"]),
    st.sampled_from([200, 206]),
    st.text(max_size=30),
    st.lists(st.binary(max_size=300), max_size=6),
)
def test_whatever_comes_is_bounded_and_judged(declared, coding, status, said, pieces):
    held = screen(declared, status, content_encoding=coding, content_range=said)
    for piece in pieces:
        if held.more(piece):
            break
    held.end()
    assert len(held.answer.data) <= HELD
    held.later(b"more")
