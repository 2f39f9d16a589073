"""What strangers say to search engines and shared services: targets and cookies that are rewritten."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_plus

from categories.address import MalformedAddress, parse
from proxy.facts import Intent
from proxy.rewriting import CLAIMED, compiled, rewritten
from proxy.search_terms import searched
from tests.endurance.mutation import mutated
from tests.proxy.policy import settings, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TABLE = table("rewriting.yaml")
_RULES = compiled(settings(_TABLE["district"]))
_HOSTS = ("www.google.com", "www.bing.com", "duckduckgo.com", "search.yahoo.com", "yandex.ru", "search.brave.com",
          "www.youtube.com", "accounts.google.com", "site.test")  # fmt: skip
_TOKENS = [
    *(b"safe=off", b"&safe", b";", b"%73", b"%2573", b"%25", b"+", b"=", b"&", b"!safeoff", b"%21", b"kp=-2", b"&p=-2"),
    *(b"ADLT=OFF", b"SRCHHPGUSR=", b"; p=-2", b"sB=", b"PREF=f2=0", b'"', b"%", b"\xff", b"!safe" * 500, b"%25" * 3000),
    *(b"&" * 5000, b";" * 5000, b"safe&" * 3000, b"\nYouTube-Restrict: none\n"),
]  # fmt: skip


#: What has to stand in a query once, and nothing else beside it, however its name is written.
_FORCED = {"www.google.com": ("safe", "active"), "www.bing.com": ("adlt", "strict"), "duckduckgo.com": ("kp", "1")}


class Wrong(Exception):
    """Rewritten twice is not what it is once, a client's own field went on, or an opting out did."""


@cache
def _seeds() -> list[bytes]:
    """The cases of the table: a target, and a field a line."""
    cases = _TABLE["cases"].values()
    return ["\n".join([case["get"], *map(": ".join, case.get("fields", {}).items())]).encode() for case in cases]


def rewriting_bytes(run: int, number: int) -> bytes:
    return mutated(_seeds(), run, number, _TOKENS)


def read_rewriting(at: Path, scratch: Path) -> None:
    """Every host gets it, twice; and what was searched for is told."""
    target, *lines = at.read_bytes().split(b"\n")
    sent = tuple((name, value) for name, _, value in (line.partition(b": ") for line in lines))
    for host in _HOSTS:
        once = rewritten(host, target, sent, _RULES)
        if rewritten(host, *once, _RULES) != once:
            raise Wrong(f"{host}: not the same again")
        if host in _FORCED and not all(found == [_FORCED[host][1]] for found in _readings(once[0], _FORCED[host][0])):
            raise Wrong(f"{host}: an opting out went on, or what is forced did not")
        ours = {field for field in rewritten(host, b"/", (), _RULES)[1] if field[0] in CLAIMED}
        if {field for field in once[1] if field[0].lower() in CLAIMED} != ours:
            raise Wrong(f"{host}: a field that a client claims went on")
        try:
            searched(parse(f"https://{host}/{target.decode('utf-8', 'replace').lstrip('/')}"), Intent.NAVIGATE)
        except MalformedAddress:
            continue


def _readings(target: bytes, name: str) -> Iterator[list[str]]:
    """What servers may take for the values of a parameter: of either separator, decoded once or twice."""
    query = target.partition(b"?")[2].decode("latin-1")
    for separators in (query, query.replace(";", "&")):
        pairs = parse_qsl(separators, keep_blank_values=True, encoding="latin-1")
        for again in (str, unquote_plus):
            yield [value for key, value in pairs if again(key).strip(" \t\r\n\v\f").lower() == name]
