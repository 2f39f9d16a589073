from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from proxy.scanning.answer import Trouble
from proxy.scanning.coding import GROWTH, Decoder, asked_for
from tests.proxy.detectors.answers import gzip_of

PLAIN = b"words of a page, " * 90


def raw_deflate(data):
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(data) + coder.flush()


CODED = {
    "gzip": ("gzip", gzip.compress(PLAIN)),
    "its older name in capitals": ("X-GZIP", gzip.compress(PLAIN)),
    "gzip in two members": ("gzip", gzip.compress(PLAIN[:100]) + gzip.compress(PLAIN[100:])),
    "gzip with junk behind it": ("gzip", gzip.compress(PLAIN) + b"\0\0junk"),
    "gzip with a wrong check value": ("gzip", gzip_of(PLAIN, check=1)),
    "gzip with reserved flags": ("gzip", gzip_of(PLAIN, 0xE0)),
    "gzip with a name, a comment and more": ("gzip", gzip_of(PLAIN, 30, b"\x03\0abcname\0comment\0\0\0")),
    "gzip without its end": ("gzip", gzip.compress(PLAIN)[:-8]),
    "deflate with a wrong check value": ("deflate", zlib.compress(PLAIN)[:-4] + b"abcd"),
    "deflate": ("deflate", zlib.compress(PLAIN)),
    "deflate without zlib's frame": ("deflate", raw_deflate(PLAIN)),
    "brotli": ("br", brotli.compress(PLAIN)),
    "zstd": ("zstd", zstandard.compress(PLAIN)),
    "zstd in two frames": ("zstd", zstandard.compress(PLAIN[:100]) + zstandard.compress(PLAIN[100:])),
    "gzip over brotli": ("br, gzip", gzip.compress(brotli.compress(PLAIN))),
    "gzip over gzip": ("gzip,gzip", gzip.compress(gzip.compress(PLAIN))),
    "none by name": ("identity", PLAIN),
    "a character set in the wrong field": ("utf-8", PLAIN),
    "brotli that is none": ("br", PLAIN),
    "gzip that is none": ("gzip", PLAIN),
}


def decoded(codings, data, step):
    decoder = Decoder(codings)
    return b"".join(decoder.take(data[start : start + step]) for start in range(0, len(data), step)), decoder.trouble


@pytest.mark.parametrize("step", [1, 7, 65536])
@pytest.mark.parametrize(("codings", "data"), CODED.values(), ids=CODED)
def test_what_a_browser_reads_is_read(codings, data, step):
    assert decoded(codings, data, step)[0] == PLAIN


@pytest.mark.parametrize("codings", ["compress", "dcb", "sdch, gzip", "gzip, gzip, gzip, gzip"])
def test_what_nobody_reads_is_said_to_be_unknown(codings):
    assert decoded(codings, PLAIN, 100) == (PLAIN, Trouble.UNKNOWN)


BOMBS = {
    "gzip": gzip.compress(bytes(64 * 2**20)),
    "br": brotli.compress(bytes(64 * 2**20), quality=5),
    "zstd": zstandard.compress(bytes(64 * 2**20)),
    "gzip, gzip": gzip.compress(gzip.compress(bytes(64 * 2**20))),
}


@pytest.mark.parametrize(("codings", "data"), BOMBS.items(), ids=BOMBS)
def test_a_bomb_is_not_unpacked(codings, data):
    plain, trouble = decoded(codings, data, 65536)
    assert (len(plain) <= GROWTH, trouble) == (True, Trouble.BOMB)


CODERS = {"gzip": gzip.compress, "br": lambda data: brotli.compress(data, quality=9), "zstd": zstandard.compress}


@pytest.mark.parametrize("coding", CODERS)
def test_a_text_that_repeats_itself_is_no_bomb(coding):
    cell = b'<td class="cell present">present</td>'
    table = b"".join(b'<tr class="row"><td>%d</td>' % number + cell * 3 + b"</tr>\n" for number in range(70_000))
    assert decoded(coding, CODERS[coding](table), 65536) == (table, None)


def test_a_bomb_in_small_pieces_is_one():
    data = gzip.compress(bytes(64 * 2**20))
    plain, trouble = decoded("gzip", data, 500)
    assert (len(plain) <= GROWTH, trouble) == (True, Trouble.BOMB)


@pytest.mark.parametrize("codings", ["gzip," + " " * 300 + "gzip", "," * 300 + "gzip", "gzip" + "," * 300])
def test_a_list_that_is_too_long_is_not_cut(codings):
    assert decoded(codings, gzip.compress(PLAIN), 65536)[1] is Trouble.UNKNOWN


@pytest.mark.parametrize("step", [100, 65536])
@pytest.mark.parametrize("coding", CODERS)
def test_junk_behind_a_body_hides_nothing(coding, step):
    plain, trouble = decoded(coding, CODERS[coding](PLAIN) + b"junk" * 9, step)
    assert plain == PLAIN or trouble is Trouble.BROKEN


@given(
    st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate", ""]),
    st.lists(st.binary(max_size=300), max_size=8),
)
def test_whatever_comes_is_taken(codings, pieces):
    decoder = Decoder(codings)
    assert all(len(decoder.take(piece)) <= GROWTH * 2 for piece in pieces)


@given(st.sampled_from(list(CODED.values())), st.binary(max_size=20), st.integers(0, 200))
def test_what_is_spoilt_is_taken(coded, spoilt, at):
    codings, data = coded
    Decoder(codings).take(data[:at] + spoilt + data[at + len(spoilt) :])


@given(st.text(max_size=300))
def test_any_field_is_read(codings):
    Decoder(codings).take(b"abc")
    asked_for(codings)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
        ("gzip, deflate, br, zstd, dcb, dcz", "gzip, deflate, br, zstd"),
        ("br;q=1.0, compress;q=0.9, *;q=0.1", "br;q=1.0"),
        ("*", "identity"),
        ("compress", "identity"),
        ("GZIP", "GZIP"),
    ],
)
def test_an_origin_is_asked_for_what_can_be_read(said, asked):
    assert asked_for(said) == asked
