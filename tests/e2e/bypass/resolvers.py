"""DNS over HTTPS (RFC 8484): a small resolver of the tests, and curl, which asks it for the address of a page."""

from __future__ import annotations

import base64
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.e2e.bypass.small_server import Handler, small_server
from tests.e2e.bypass.tunnels import fetched, page
from tests.e2e.certificates import server_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.bypass.gate import Gate
    from tests.e2e.bypass.ground import Ground, Way

MESSAGE = "application/dns-message"


def answered(query: bytes) -> bytes:
    """Every name has the address 127.0.0.1, and no other."""
    end = 12
    while query[end]:
        end += 1 + query[end]
    question = query[12 : end + 5]
    found = [b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 60, 4, 127, 0, 0, 1)] if question[-4:-2] == b"\0\1" else []
    return query[:2] + b"\x81\x80" + struct.pack("!4H", 1, len(found), 0, 0) + question + b"".join(found)


class _Resolver(Handler):
    def reply(self) -> None:
        if self.command == "POST":
            self.answer(answered(self.body()), MESSAGE)
        elif asked := parse_qs(urlsplit(self.path).query).get("dns"):
            self.answer(answered(base64.urlsafe_b64decode(asked[0] + "==")), MESSAGE)
        else:
            self.answer(b"<!doctype html><title>A page</title>", "text/html")


@contextmanager
def resolver(ground: Ground) -> Iterator[Gate]:
    with small_server(_Resolver) as behind:
        context = server_context(ground.network.authority.leaf("doh.test"), "http/1.1")
        yield ground.serve("doh.test", behind, context)


def curl(ground: Ground, way: Way) -> bool:
    """Only the question goes to the proxy (https_proxy); the name is one that nobody else knows."""
    question = ["--doh-url", f"https://doh.test:{ground.port}/dns-query", "--cacert", ground.trust]
    return fetched(*question, f"http://known-to-doh.test:{ground.once(page)}/", environment={"https_proxy": way.url})
