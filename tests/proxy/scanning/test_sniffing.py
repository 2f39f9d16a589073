from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.scanning.answer import Kind
from proxy.scanning.sniffing import kind_of

CERTAIN = {
    b"\x89PNG\r\n\x1a\n": Kind.MEDIA,
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00": Kind.MEDIA,
    b"\xff\xd8\xff\xe0": Kind.MEDIA,
    b"%PDF-1.7": Kind.MEDIA,
    b"wOF2\x00\x01\x00\x00": Kind.MEDIA,
    b"RIFF\x10\x00\x00\x00WEBP": Kind.MEDIA,
    b"\x00\x00\x00\x18ftypmp42": Kind.MEDIA,
    b"\x1aE\xdf\xa3": Kind.MEDIA,
    b"MZ\x90\x00\x03": Kind.PROGRAM,
    b"\x7fELF\x02": Kind.PROGRAM,
    b"\xcf\xfa\xed\xfe": Kind.PROGRAM,
    b"\xca\xfe\xba\xbe\x00\x00\x00\x02": Kind.PROGRAM,
    b"\xca\xfe\xba\xbe\x00\x00\x00\x41": Kind.PACKAGE,
    b"!<arch>\ndebian-binary   ": Kind.INSTALLER,
    b"\xed\xab\xee\xdb": Kind.INSTALLER,
    b"xar!\x00\x1c\x00\x01": Kind.INSTALLER,
    b"Cr24\x03\x00\x00\x00": Kind.PACKAGE,
    b"PK\x03\x04": Kind.ZIP,
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": Kind.OLE,
    b"7z\xbc\xaf\x27\x1c": Kind.SEVEN_ZIP,
    b"Rar!\x1a\x07\x01\x00": Kind.RAR,
    b"\x1f\x8b\x08": Kind.GZIP,
    b"d8:announce": Kind.BENCODE,
    b"<!DOCTYPE html>": Kind.HTML,
    b"\xef\xbb\xbf \n<html>": Kind.HTML,
    b"\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00": Kind.HTML,
    b"<?xml version='1.0'?>": Kind.XML,
    b'{"Status": 0': Kind.JSON,
    b"data: one\n\n": Kind.TEXT,
    b"function a(){}": Kind.TEXT,
    b"GIF89a=1;function FindProxyForURL(){}" + b" " * 40: Kind.TEXT,
    b"MZ is how many programs begin: a text about them, with not one byte that is no text": Kind.TEXT,
    bytes(range(1, 20)): Kind.BINARY,
}


@pytest.mark.parametrize(("data", "kind"), CERTAIN.items(), ids=[repr(data[:24]) for data in CERTAIN])
def test_how_it_begins_says_what_it_is(data, kind):
    assert kind_of(data) is kind


@pytest.mark.parametrize(
    "data", [b"", b"M", b"P", b"d", b"d8", b"\x89PN", b"<", b"<!doc", b"{", b" \n ", b"\xca\xfe\xba\xbe"]
)
def test_what_may_still_be_something_waits(data):
    assert kind_of(data) is None
    assert kind_of(data, ended=True) is not None


@given(st.binary(max_size=700))
def test_whatever_comes_is_something_at_its_end(data):
    assert isinstance(kind_of(data, ended=True), Kind)
    kind_of(data)


@given(st.sampled_from(list(CERTAIN)), st.binary(max_size=600))
def test_what_follows_a_certain_beginning_changes_nothing(data, more):
    if CERTAIN[data] in (Kind.MEDIA, Kind.PROGRAM, Kind.INSTALLER, Kind.ZIP, Kind.OLE, Kind.BENCODE):
        assert kind_of(data + more) is CERTAIN[data]


@given(st.binary(min_size=600, max_size=900))
def test_a_kilobyte_is_always_enough(data):
    assert kind_of(data) is not None
