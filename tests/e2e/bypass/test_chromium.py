"""Chromium with a resolver of its own (DNS over HTTPS), and pages that ask one.

Chromium's own questions go round every proxy (measured with 156: with a proxy set, its resolver is dialled directly).
So a filter that is told of nothing cannot refuse them: the router does, which lets clients go nowhere but to the
filter. What is shown here: where the browser gets its pages from the filter, it asks no resolver.
"""

from __future__ import annotations

import base64
import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

from tests.e2e.browser import QUIET, chromium, trusting_home
from tests.e2e.bypass import resolvers, tunnels
from tests.e2e.bypass.ground import PASSWORD, SECONDS, USER, Ground, Way, address_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page

#: A question for the address of a.test (RFC 8484, section 4.1.1), as a page would ask it.
QUERY = base64.urlsafe_b64encode(b"\0\0\1\0\0\1\0\0\0\0\0\0\1a\4test\0\0\1\0\1").decode().rstrip("=")
ASK = """async (question) => {
    const answer = await fetch(`/dns-query?dns=${question}`, {headers: {accept: "application/dns-message"}});
    return [answer.status, (await answer.arrayBuffer()).byteLength];
}"""
UNKNOWN = "known-to-doh.test"  # to no other resolver


@asynccontextmanager
async def opened(ground: Ground, way: Way, home: Path, bypass: str) -> AsyncIterator[Page]:
    """A page of a browser that has a resolver of its own, in the mode that asks no other."""
    profile = home / "profile"
    profile.mkdir()
    own = {"mode": "secure", "templates": f"https://doh.test:{ground.port}/dns-query{{?dns}}"}
    (profile / "Local State").write_text(json.dumps({"dns_over_https": own}))
    rules = f"--host-resolver-rules=MAP doh.test {address_of('doh.test')}"
    quiet = [argument for argument in QUIET if not argument.startswith("--proxy-bypass-list")]
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=chromium(),
            args=[*quiet, rules, *(["--no-sandbox"] if os.geteuid() == 0 else [])],
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
            proxy={"server": f"http://{way.host}", "username": USER, "password": PASSWORD, "bypass": bypass},
        )
        context.set_default_timeout(SECONDS * 1000)
        try:
            yield context.pages[0]
        finally:
            await context.close()


@pytest.fixture
def home(ground: Ground, tmp_path: Path) -> Path:
    """A home of a browser that trusts the authorities of both ways."""
    return trusting_home(tmp_path / "home", ground.network.authority.file, ground.product.authority)


async def test_where_it_may_go_out_chromium_asks_its_own_resolver(ground: Ground, home: Path) -> None:
    gate = ground.once(resolvers.resolver)
    async with opened(ground, ground.open, home, UNKNOWN) as page:
        shown = await page.goto(f"http://{UNKNOWN}:{ground.once(tunnels.page)}/")
        assert shown is not None
        assert tunnels.MARKER in await shown.text()
        assert gate.connections
        await page.goto(f"https://doh.test:{ground.port}/")
        assert (await page.evaluate(ASK, QUERY))[0] == 200


async def test_behind_the_filter_it_asks_no_resolver_and_a_page_asks_none(ground: Ground, home: Path) -> None:
    gate = ground.once(resolvers.resolver)
    reached, seen = gate.connections, len(ground.blocks("doh.test"))
    async with opened(ground, ground.filter, home, "<-loopback>") as page:
        shown = await page.goto(f"http://{UNKNOWN}:{ground.port}/")
        assert shown is not None
        assert shown.status == 502
        assert gate.connections == reached
        await page.goto(f"https://doh.test:{ground.port}/")
        assert (await page.evaluate(ASK, QUERY))[0] == 403
    [row] = ground.product.recorded(seen + 1, host="doh.test", action="block")[seen:]
    assert (row["user"], row["reason"]) == (USER, "bypass.encrypted-dns")
