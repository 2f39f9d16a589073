"""Web proxies and their service workers, by the addresses and fields that their pages make, at whatever host."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.detectors.whole_target import whole_target
from proxy.verdict import Match

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_REASON = "bypass.web-proxy"
_MATCH = Match(_REASON, reasons.title_of(_REASON), "web-proxy")

#: Files that only web proxies have. All names are as their packages ship them.
_FILES = frozenset(
    {
        *("uv.bundle.js", "uv.handler.js", "uv.client.js", "uv.config.js", "uv.sw.js"),
        *("scramjet.all.js", "scramjet.sync.js", "scramjet.wasm.wasm", "scramjet.controller.js", "scramjet.worker.js"),
        *("__cpi.php", "__cpw.php", "rammerhead.js", "hammerhead.js", "unblocker-client.js", "miniproxy.php"),
    }
)

#: "https://" and "http://" in Ultraviolet's XOR code, escaped as in a path.
_XOR = ("hvtrs8%2f-", "hvtr%3a-%2f", "hvtrs8/-")

#: An address as the rest of a path: Rammerhead's sessions, node-unblocker, Scramjet; and CGIProxy's scripts. Paths are
#: canonical, so two slashes have become one. An escaped address below `proxy` is a picture's, in mail and news.
_TAIL = re.compile(r"/(?:(?:[0-9a-f]{32}|proxy)/https?:/|scramjet/https?(?::/|%3a))")
_CGI_PROXY = re.compile(r"/nph-[\w.-]+(?:/[\w-]{1,10}){0,2}/https?(?:/|:/|%3a)[^/]+\.[^/]")

_LEAST_TARGET = 12


def request(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a web proxy at work."""
    fields = facts.fields
    path, query = whole_target(facts)
    if "x-bare-headers" in fields or "x-bare-url" in fields or "x-bare-host" in fields:
        return _MATCH  # bare servers (TompHTTP) fetch what these name
    low = path.lower()
    name = low.rpartition("/")[2]
    if name in _FILES or ("http" in low and (_TAIL.search(low) or _CGI_PROXY.search(low))):
        return _MATCH
    if "hvtr" in low and any(mark in low for mark in _XOR):
        return _MATCH
    if query and ("__cpo=" in query or ((asks := _PAGES.get(name)) is not None and asks(path, query))):
        return _MATCH
    return None


def _glype(path: str, query: str) -> bool:
    """`u` is an address, percent-encoded or in base64 or scrambled: never a short number; `b` a number of switches."""
    given = _parameters(query)
    return len(given.get("u", "")) >= _LEAST_TARGET and given.get("b", "").isdecimal()


def _glype_form(path: str, query: str) -> bool:
    return path.endswith("/includes/process.php") and _parameters(query).get("action") == "update"


def _phproxy(path: str, query: str) -> bool:
    """`q` is an address, plain, in base64 or in ROT13, and `hl` its switches: hexadecimal digits, not a language."""
    given = _parameters(query)
    switches = given.get("hl", "")
    if len(switches) != 3 or not set(switches) <= set("0123456789abcdef") or switches.isalpha():
        return False
    return _names_address(given.get("q", ""))


#: Pages by the last part of their path.
_PAGES: dict[str, Callable[[str, str], bool]] = {
    "browse.php": _glype,
    "process.php": _glype_form,
    "index.php": _phproxy,
    "": _phproxy,
}


def _names_address(value: str) -> bool:
    text = value.lower()
    if text.startswith(("http%3a", "https%3a", "http:", "https:")) or codecs.decode(text[:8], "rot13").startswith(
        "http"
    ):
        return True
    beginning = value[:12].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(beginning + "=" * (-len(beginning) % 4), validate=True).startswith(b"http")
    except (binascii.Error, ValueError):
        return False


def _parameters(query: str) -> dict[str, str]:
    """The first value of each parameter, as it was sent."""
    given: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        given.setdefault(name, value)
    return given
