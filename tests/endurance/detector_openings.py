"""What strangers say to the detectors: heads of requests, messages of WebSockets, bodies."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mitmproxy.net.http import http1
from mitmproxy.test import tflow

from categories.address import MalformedAddress, canonical_host
from proxy.body_look import BodyLook
from proxy.counting import request_counter
from proxy.detectors import DETECTORS
from proxy.facts import MESSAGE_CAP, OPENING_CAP, Carrier, Opening, Stage
from proxy.flow_facts import request_facts
from proxy.head import MalformedHead, check_head
from proxy.identity.identified import Identified
from proxy.recording import Exchange, Recorder
from proxy.verdict import Action, Match, Verdict
from tests.endurance.mutation import mutated
from tests.proxy.detectors.test_dns_message import QUERY, WITH_OPT
from tests.proxy.detectors.test_websockets import ANNOUNCE, BARE, wisp
from tests.proxy.policy import facts, snapshot, table

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.facts import RequestFacts

_TOKENS = [
    *(b"?dns=", b"&dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB", b"%2F", b"%25", b"=", b"&", b"+", b"//", b"/../"),
    *(b"\r\nUpgrade: ", b"\r\nAccept: ", b"\r\nX-HTTP-Method: ", b", ", b"\xff\xfe", b"\0", b"http%3A%2F%2F", b"aHR0c"),
    *(b"https://adult.test/", b"/aHR0cHM6Ly9hZHVsdC50ZXN0Lw", b"=68747470733a2f2f", b"&u=http%253A", b"/http:/a" * 900),
    *(b'"info_hash":"', b'"action":"announce"', b'\\u0069', b'\\"', b"\1\0\0\0\0\1\xbb\1", b"\xc0\x0c", b"\x3f"),
    *(b"SSH-2.0-", b"\x16\x03\x01", b"\0\0\x29\x10\0\0\0\0\0\xff\xff", b"[" * 5000, b"a." * 3000, b"nph-a/" * 700),
]  # fmt: skip

_SOCKET_SEEDS = [
    wisp(), wisp(b"2001:db8::1"), json.dumps(ANNOUNCE).encode(), json.dumps(BARE).encode(), b"SSH-chisel-v3-client\r\n",
    b'{"type":"message","text":"hello"}', b"\x0a\x05hello\x10\x01", bytes(range(256)),
]  # fmt: skip


class Wrong(Exception):
    """A detector gave what is no match, or a body did not go on whole."""


class _Nowhere:
    """Keeps no record."""

    def append(self, record: object) -> None: ...

    append_sparing = append_last = append


_POLICY: Any = snapshot("", table("nested.yaml")["lists"])
_ANYBODY = Identified("ana", "local", None)


@cache
def _heads() -> list[bytes]:
    """The tables of techniques as requests on the wire."""
    made = []
    nested = table("nested.yaml")
    inside = nested["blocked"], nested["passes"]
    for family in (*table("http_techniques.yaml").values(), table("heads.yaml")["requests"], *inside):
        for case in family.values():
            parts = urlsplit(case["url"])
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            fields = {"Host": parts.netloc, **case.get("fields", {})}
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
            made.append(f"{case.get('with', {}).get('method', 'GET')} {target} HTTP/1.1\r\n{lines}\r\n".encode())
    return made


def request_bytes(run: int, number: int) -> bytes:
    return mutated(_heads(), run, number, _TOKENS)


def message_bytes(run: int, number: int) -> bytes:
    return mutated(_SOCKET_SEEDS, run, number, _TOKENS)


def body_bytes(run: int, number: int) -> bytes:
    return mutated([QUERY, WITH_OPT, WITH_OPT * 20, b'{"a": 1}'], run, number, _TOKENS)


def read_request(at: Path, scratch: Path) -> None:
    """A head as mitmproxy reads it, the facts that are made of it, and every detector that is asked."""
    raw = at.read_bytes().partition(b"\r\n\r\n")[0]
    flow = tflow.tflow()
    try:
        check_head(raw)
        flow.request = http1.read_request_head(raw.split(b"\r\n"))
        host = canonical_host(flow.request.headers.get("host", "unknown.test"))  # relays are known by theirs
        flow.request.data.host, flow.request.data.port, flow.request.data.scheme = host, 80, b"http"
        told = request_facts(flow, "10.1.2.3", _ANYBODY, None, _POLICY)
    except (MalformedHead, MalformedAddress, ValueError):
        return
    _ask(told)


def read_message(at: Path, scratch: Path) -> None:
    data = at.read_bytes()
    for carrier in Carrier:
        opening = Opening(carrier, data[:OPENING_CAP], data[::-1][:OPENING_CAP], data[:MESSAGE_CAP])
        _ask(replace(facts("https://socket.test/"), stage=Stage.STREAM, opening=opening))


def read_body(at: Path, scratch: Path) -> None:
    """A body in pieces: it goes on whole, or nothing of it does."""
    data, dice = at.read_bytes(), random.Random(1)
    exchange = Exchange(facts("https://unknown.test/"), Verdict(Action.ALLOW, "default", 7))
    exchange.break_off = lambda _: None
    look = BodyLook(request_counter(exchange, Recorder(_Nowhere()), 2**30), exchange, _POLICY)
    went_on, rest = b"", data
    while rest:
        size = dice.choice([1, 3, 500, 100_000])
        went_on, rest = went_on + _joined(look(rest[:size])), rest[size:]
    went_on += _joined(look(b""))
    if went_on != (data if exchange.verdict.forwards else b""):
        raise Wrong(f"{len(went_on)} bytes of {len(data)} went on")


def _joined(pieces: bytes | list[bytes]) -> bytes:
    return pieces if isinstance(pieces, bytes) else b"".join(pieces)


def _ask(told: RequestFacts) -> None:
    for detector in DETECTORS[told.stage]:
        found = detector(told, _POLICY)
        if found is not None and not isinstance(found, Match):
            raise Wrong(f"{detector} gave {found!r}")
