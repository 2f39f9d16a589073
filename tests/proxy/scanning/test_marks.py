from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.scanning.marks import MARKS, Search

FOUND = {
    "pac": b"function FindProxyForURL(url, host) {",
    "ovpn-remote": b"client\nremote vpn.test 1194\n",
    "ovpn-ca": b"<ca>\n",
    "ovpn-dev": b"dev tun\n",
    "wg-interface": b"[Interface]\n",
    "wg-key": b"x\nPrivateKey = abc",
    "profile": b"<key>PayloadType</key>",
    "profile-vpn": b"<string>com.apple.vpn.managed</string>",
    "worker-proxy": b"self.__uv$config={prefix:1}",
    "glype": b'<form action="/includes/process.php?action=update" method="post">',
    "phproxy": b'<input type="checkbox" name="hl[include_form]">',
    "cgiproxy": b'<FORM ACTION="/cgi-bin/nph-proxy.cgi/en/start">',
    "msi": b"\x84\x10\x0c\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46",
    "zip-apk": b"PK\x03\x04" + bytes(22) + b"\x13\x00\x00\x00AndroidManifest.xml",
    "zip-jar": b"PK\x03\x04" + bytes(22) + b"\x14\x00\x00\x00META-INF/MANIFEST.MF",
    "zip-xpi": b"PK\x03\x04" + bytes(22) + b"\x14\x00\x00\x00META-INF/mozilla.rsa",
    "zip-msix": b"PK\x03\x04" + bytes(22) + b"\x10\x00\x00\x00AppxManifest.xml",
    "zip-encrypted": b"PK\x03\x04\x14\x00\x01\x00",
}


def test_every_mark_is_tried():
    assert set(FOUND) == set(MARKS)


@pytest.mark.parametrize("step", [1, 5, 1000])
@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_found_however_it_is_cut(mark, step):
    search, text = Search(), b"/* before */ " * 3 + b"\n" + FOUND[mark]
    told = [search.more(text[start : start + step]) for start in range(0, len(text), step)]
    assert mark in search.found
    assert any(told)


def test_one_text_knows_nothing_of_another():
    one, other = Search(), Search()
    one.more(b"FindProxyFor")
    other.more(b"URL(")
    assert one.found == other.found == set()


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_whatever_comes_is_searched(pieces):
    search = Search()
    for piece in pieces:
        search.more(piece)
    assert search.found <= set(MARKS)
