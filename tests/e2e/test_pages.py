"""What a person sees: Debian's Chromium through the running filter.

Chromium asks without credentials first, and may open a tunnel that it then leaves unused: each such CONNECT has a
record of its own, so tests count the records of GETs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Error

from tests.e2e import pages
from tests.e2e.browser import open_page
from tests.e2e.product import RECORD_SECONDS, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

    from tests.e2e.network import Network
    from tests.e2e.product import Product

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("zone", "protocol"), [("allowed.test", "h2"), ("older.test", "http/1.1")])
async def test_an_allowed_page_with_what_belongs_to_it(
    browser: Browser, product: Product, network: Network, zone: str, protocol: str
) -> None:
    host = network.fresh(zone)
    async with open_page(browser, product) as page:
        answer = await page.goto(network.url(host))
        assert answer.status == 200
        assert await page.inner_text("#script") == "script ran"
        assert await page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
        assert await page.evaluate("document.images[0].naturalWidth") == 2
        assert (await answer.security_details())["issuer"] != "Origins of the tests"
    assert {seen.protocol for seen in network.origins[zone].requests if seen.host.startswith(host)} == {protocol}
    rows = product.recorded(4, host=host, method="GET")
    assert {row["path"] for row in rows} == {"/page", "/style.css", "/app.js", "/pixel.png"}
    assert {row["path"]: row["intent"] for row in rows}["/page"] == "navigate"
    assert {row["intent"] for row in rows if row["path"] != "/page"} == {"subresource"}
    assert {(row["action"], row["status"], row["scheme"]) for row in rows} == {("allow", 200, "https")}


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("en-US", ["This page is blocked", "pornography", "floor", "AR 4040", "209 555 0100", "not private"]),
        ("es-US", ["bloquead", "pornograf", "floor", "AR 4040", "209 555 0100", "privad"]),
    ],
)
async def test_a_blocked_page_says_why(
    browser: Browser, product: Product, network: Network, locale: str, expected: list[str]
) -> None:
    host = network.fresh("blocked.test")
    before = network.origins["blocked.test"].connections
    async with open_page(browser, product, locale=locale) as page:
        answer = await page.goto(network.url(host))
        text = await page.inner_text("body")
        assert await page.get_attribute("html", "lang") == locale[:2]
    assert answer.status == 403
    assert answer.headers["cache-control"] == "no-store"
    assert "error=http_request_denied" in answer.headers["proxy-status"]
    assert [words for words in [*expected, host] if words not in text] == []
    [row] = product.recorded(host=host, method="GET")
    assert row["id"] in text
    assert (row["user"], row["action"]) == ("ana", "block")
    assert (row["category"], row["basis"]) == ("pornography", "board policy")
    assert network.origins["blocked.test"].connections == before


async def test_a_blocked_page_over_plain_http(browser: Browser, product: Product, network: Network) -> None:
    host = network.fresh("blocked.test")
    async with open_page(browser, product) as page:
        answer = await page.goto(network.plain_url(host))
        assert answer.status == 403
        assert "This page is blocked" in await page.inner_text("body")


@pytest.mark.parametrize("locale", ["en-US", "es-US"])
async def test_the_block_page_fits_a_narrow_window(
    browser: Browser, product: Product, network: Network, tmp_path: Path, locale: str
) -> None:
    """320 CSS px is what 400 % zoom leaves of 1280 (WCAG 2.1, 1.4.10): no scrolling in two directions."""
    url = network.url(network.fresh("blocked.test"), "/a-rather-long-path/" + "x" * 200)
    async with open_page(browser, product, locale=locale, viewport={"width": 320, "height": 640}) as page:
        await page.goto(url)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        await page.screenshot(path=tmp_path / "block-page.png", full_page=True)
        assert await page.is_visible("h1")


@pytest.mark.parametrize("locale", ["en-US", "es-US"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_block_page_is_accessible(
    browser: Browser, product: Product, network: Network, locale: str, scheme: str
) -> None:
    """axe-core, WCAG 2.1 AA. Its script may run here only: the page's own policy forbids all scripts."""
    url = network.url(network.fresh("blocked.test"))
    async with open_page(browser, product, locale=locale, color_scheme=scheme, bypass_csp=True) as page:
        await page.goto(url)
        found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
    assert found.response["passes"]
    assert found.violations_count == 0, found.generate_report()


async def test_a_blocked_image_and_a_blocked_frame_inside_an_allowed_page(
    browser: Browser, product: Product, network: Network
) -> None:
    host, image, frame = network.fresh("allowed.test"), network.fresh("blocked.test"), network.fresh("blocked.test")
    before = network.origins["blocked.test"].connections
    pages.SAID[host] = pages.around(network.url(image, "/pixel.png"), network.url(frame))
    async with open_page(browser, product) as page:
        await page.goto(network.url(host, f"/said/{host}"))
        assert await page.inner_text("h1") == "Allowed around it"
        assert await page.evaluate("document.getElementById('image').naturalWidth") == 1
        text = await page.frame_locator("#frame").locator("body").inner_text()
    [in_image] = product.recorded(host=image, method="GET")
    [in_frame] = product.recorded(host=frame, method="GET")
    assert in_frame["id"] in text
    assert "ana" not in text.split()
    assert (in_image["action"], in_image["intent"], in_image["page"]) == ("block", "subresource", host)
    assert (in_frame["action"], in_frame["intent"], in_frame["page"]) == ("block", "subresource", host)
    assert network.origins["blocked.test"].connections == before


@pytest.mark.parametrize("zone", ["allowed.test", "older.test"])
async def test_a_websocket_echoes(browser: Browser, product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    async with open_page(browser, product) as page:
        await page.goto(network.url(host, "/socket"))
        await page.wait_for_function("!['waiting', ''].includes(document.getElementById('echo').textContent)")
        assert await page.inner_text("#echo") == "over the wire"
    [row] = product.recorded(host=host, path="/echo-socket")
    assert (row["user"], row["action"], row["status"]) == ("ana", "allow", 101)
    assert row["bytes_in"] == row["bytes_out"] == len("over the wire")


@pytest.mark.parametrize("host", ["expired.test", "selfsigned.test", "wrongname.test"])
async def test_a_bad_certificate_shows_a_page_of_ours(
    browser: Browser, product: Product, network: Network, host: str
) -> None:
    seen = len(network.origins[host].requests)
    async with open_page(browser, product) as page:
        answer = await page.goto(network.url(host))
        text = await page.inner_text("body")
    assert answer.status == 502
    assert "certificate" in text
    assert "mitmproxy" not in text.lower() + str(answer.headers).lower()
    assert len(network.origins[host].requests) == seen
    [row] = product.recorded(host=host, path="/page")
    assert (row["action"], row["outcome"], row["status"]) == ("allow", "upstream-tls", 502)


@pytest.mark.parametrize(("host", "status", "outcome"), [("dead.test", 502, "dns"), ("closed.test", 502, "connect")])
async def test_a_site_that_is_not_there(
    browser: Browser, product: Product, network: Network, host: str, status: int, outcome: str
) -> None:
    async with open_page(browser, product) as page:
        answer = await page.goto(network.url(host))
        assert await page.is_visible("h1")
    assert answer.status == status
    [row] = product.recorded(host=host, path="/page", scheme="https")
    assert (row["action"], row["outcome"]) == ("allow", outcome)


@pytest.mark.parametrize(("user", "password"), [("ana", "wrong"), ("gone", None)], ids=["wrong password", "disabled"])
async def test_who_may_not_use_the_filter_gets_no_page(
    browser: Browser, product: Product, network: Network, user: str, password: str | None
) -> None:
    host = network.fresh("allowed.test")
    before = network.contacts()
    async with open_page(browser, product, user, password) as page:
        with pytest.raises(Error, match="ERR_HTTP_RESPONSE_CODE_FAILURE"):
            await page.goto(network.url(host))
    assert network.contacts() == before
    reason = f"identity.{'password' if password else 'disabled'}"
    wait_for(lambda: bool(product.records(host=host, reason=reason)), RECORD_SECONDS, f"a record of {reason}")
    assert {row["action"] for row in product.records(host=host)} == {"challenge"}
