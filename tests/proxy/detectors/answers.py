"""Bodies that are too long for a table, and how a row of tests/cases/answers.yaml is judged."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from dataclasses import replace
from functools import cache

import brotli
import pytest

from proxy.answer_hooks import saved_as
from proxy.evaluate import evaluate_later
from proxy.facts import Stage
from proxy.scanning.screen import Screen
from tests.proxy.policy import facts, snapshot, table

TORRENT = (
    b"d8:announce21:http://tracker.test/a4:infod6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces20:"
    + bytes(range(20))
    + b"ee"
)

PE = b"MZ\x90\x00\x03" + bytes(55) + b"\x80\x00\x00\x00" + bytes(64) + b"PE\x00\x00"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
MSI = OLE + "Root Entry".encode("utf-16-le") + bytes(60) + bytes.fromhex("84100c0000000000c000000000000046")
PAC = b"function FindProxyForURL(url, host) { return 'DIRECT'; }"
GLYPE = "<html><form action='/includes/process.php?action=update'>"
PROFILE = b"<key>PayloadType</key><string>com.apple.dnsSettings.managed</string>"


def archive(*names, stored=()):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name in (*stored, *names):
            info = zipfile.ZipInfo(name, (2026, 11, 22, 0, 0, 0))
            opened.writestr(info, f"what is in {name}")
    return made.getvalue()


def encrypted(data, number):
    """The same archive, its entry of that number marked as encrypted."""
    at = -1
    for _ in range(number):
        at = data.index(b"PK\x03\x04", at + 1)
    return data[: at + 6] + b"\x01" + data[at + 7 :]


def gzip_of(body, flags=0, more=b"", check=None):
    """A member of gzip (RFC 1952) with these flags, fields behind its head, and this check value."""
    coder = zlib.compressobj(wbits=-15)
    coded = coder.compress(body) + coder.flush()
    head = b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + more
    return head + coded + struct.pack("<II", zlib.crc32(body) if check is None else check, len(body))


MADE = {
    "pe": lambda: PE,
    "pe in gzip": lambda: gzip.compress(PE),
    "elf": lambda: b"\x7fELF\x02\x01\x01" + bytes(57),
    "ole": lambda: OLE,
    "msi": lambda: MSI,
    "apk but its beginning": lambda: archive("classes" + "x" * 600, "AndroidManifest.xml")[512:],
    "msi but its beginning": lambda: MSI[512:],
    "apk": lambda: archive("classes.dex", "AndroidManifest.xml"),
    "jar": lambda: archive("META-INF/MANIFEST.MF", "a/B.class"),
    "xpi": lambda: archive("manifest.json", "META-INF/mozilla.rsa"),
    "msix": lambda: archive("AppxManifest.xml", "[Content_Types].xml"),
    "docx": lambda: archive("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
    "odt": lambda: archive("content.xml", "META-INF/manifest.xml", stored=["mimetype"]),
    "epub": lambda: archive("META-INF/container.xml", "a.xhtml", stored=["mimetype"]),
    "zip": lambda: archive("a.txt", "b/c.txt"),
    "zip of sources": lambda: archive("app/src/main/AndroidManifest.xml", "app/META-INF/MANIFEST.MF"),
    "encrypted zip": lambda: encrypted(archive("a.txt"), 1),
    "half encrypted zip": lambda: encrypted(archive("a.txt", "b.txt"), 2),
    "pac in utf-16": lambda: PAC.decode().encode("utf-16"),
    "pac in utf-16 without a mark": lambda: PAC.decode().encode("utf-16-le"),
    "pac in brotli": lambda: brotli.compress(PAC),
    "pac in gzip twice": lambda: gzip.compress(gzip.compress(PAC)),
    "pac behind much": lambda: b"// " + b"words " * 50_000 + b"\n" + PAC,
    "signed profile": lambda: b"\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" + PROFILE,
    "glype in utf-16": lambda: GLYPE.encode("utf-16"),
    "bomb": lambda: gzip.compress(bytes(64 * 2**20)),
    "long head of gzip": lambda: gzip_of(PAC, 8, b"n" * 700_000 + b"\0"),
    "program in wrong gzip": lambda: gzip_of(PE, check=1),
    "page in wrong gzip": lambda: gzip_of(b"<html><p>words", check=1),
    "nothing in gzip": lambda: gzip.compress(b""),
    "torrent": lambda: TORRENT,
    "torrent in gzip": lambda: gzip.compress(TORRENT),
    "torrent with a long comment": lambda: b"d7:comment70000:" + b"a" * 70_000 + TORRENT[1:],
    "torrent of many trackers": lambda: (
        b"d13:announce-listl" + b"l20:http://tracker.test/e" * 2000 + b"e" + TORRENT[1:]
    ),
    "gzip of text": lambda: gzip.compress(b"some text, and more of it"),
}

policy = cache(snapshot)


def rows(group):
    """The rows of one detector, for pytest.mark.parametrize."""
    found = table("answers.yaml")[group]
    return pytest.mark.parametrize("row", found, ids=[row["case"] for row in found])


def body_of(row):
    if "hex" in row:
        return bytes.fromhex(row["hex"])
    return MADE[row["made"]]() if "made" in row else row.get("body", "").encode()


def asked(fields):
    """The Range that fits the part that comes."""
    return "bytes=" + fields.get("content-range", "bytes 0-").removeprefix("bytes ").partition("-")[0] + "-"


def begun(row):
    """What is asked for, and the screen of its answer."""
    fields = dict(row.get("fields", {}))
    if "type" in row:
        fields["content-type"] = row["type"]
    told = facts(row.get("url", "https://site.test/file"), method=row.get("method", "GET"))
    wanted = {"sec-fetch-dest": row["wanted"]} if "wanted" in row else {}
    told = replace(told, fields=wanted | {"range": row.get("asked", asked(fields))})
    return told, Screen(row.get("status", 200), fields, saved_as(fields, told.path), row.get("wanted", ""))


def judged(row, told, screen):
    """Why the answer is refused by what is known of it now; None where it passes."""
    user = replace(told, stage=Stage.RESPONSE, answer=screen.answer, user=row.get("user", "ana"))
    verdict = evaluate_later(user, policy(row.get("district", "")))
    return None if verdict is None or verdict.forwards else verdict.reason


def reason(row, pieces, *, waits=False):
    """Why the answer is refused, at once or later; `waits` where its origin pauses longer than an answer is held."""
    told, screen = begun(row)
    goes_on = False
    for number, piece in enumerate(pieces):
        if goes_on:
            judge = screen.later(piece)
        else:
            judge = goes_on = screen.more(piece) or (waits and number == 0 and screen.ripens)
        if judge and (found := judged(row, told, screen)):
            return found
    if goes_on:
        return None
    screen.end()
    return judged(row, told, screen)


def cut(body, step):
    return [body[start : start + step] for start in range(0, len(body), step)]


def check(row):
    """A row says the same however its body is cut into pieces, and wherever its origin waits.

    A bomb is one by what a piece of it grows to.
    """
    body = body_of(row)
    steps = (65536,) if row.get("made") == "bomb" else (7, 1400, 65536)
    assert {reason(row, cut(body, step)) for step in steps} == {row["reason"]}
    firsts = [first for first in (1, 2, 12) if first < len(body)]
    paused = {first: reason(row, [body[:first], *cut(body[first:], 65536)], waits=True) for first in firsts}
    assert paused == dict.fromkeys(firsts, row["reason"])
