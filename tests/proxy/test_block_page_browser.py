"""The pages in Debian's Chromium, with their own headers: both languages, both colour schemes, a narrow window, axe."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from proxy.block_page import Answer, Pages, ask_of
from proxy.public_pages import PublicFiles, PublicPages, pac
from tests.proxy.pages.samples import FACTS, REF, SETTINGS, blocked
from tests.proxy.test_public_pages import CERTIFICATE, PROXY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

#: No display, no other user, and nothing that would leave the machine.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

BLOCKS = Pages(SETTINGS)
PUBLIC = PublicPages(SETTINGS, PublicFiles(CERTIFICATE, b"crl", (PROXY,)))
BLOCKED = "http://pictures.listed.test/watch"
OWN = "http://filter.district.example"

ONE_OF_A_KIND = [
    "category.pornography",
    "category.child-abuse",
    "bypass.vpn",
    "identity.required",
    "upstream.certificate",
    "error.policy",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: install the Debian package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


class Site:
    """Everything that the page asks the network for is answered here: no request leaves the browser."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.asked: list[str] = []

    def answer(self, route: Route) -> None:
        request = route.request
        self.asked.append(request.url)
        ask = ask_of(list(request.headers.items()), request.method)
        if request.url.startswith(OWN):
            send(route, PUBLIC.answer(request.method, request.url.removeprefix(OWN), ask))
        elif request.url.endswith("/around"):
            route.fulfill(content_type="text/html", body=f'<title>Around</title><iframe src="{BLOCKED}"></iframe>')
        else:
            send(route, BLOCKS.answer(blocked(self.reason), FACTS, navigation(ask, request.frame.parent_frame), REF))


def navigation(ask: Any, parent: object) -> Any:
    """Intercepted requests do not show the fetch metadata that goes over the wire, so it is put back."""
    destination = "iframe" if parent else "document"
    language = [("accept-language", ask.accept_language)]
    return ask_of([("sec-fetch-dest", destination), ("sec-fetch-mode", "navigate"), *language])


def send(route: Route, answer: Answer) -> None:
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    route.fulfill(status=answer.status, headers=headers, body=answer.body)


def opened(browser: Browser, url: str, reason: str = "category.pornography", **context: Any) -> tuple[Page, Site]:
    site = Site(reason)
    page = browser.new_context(**context).new_page()
    page.route("**/*", site.answer)
    page.goto(url)
    return page, site


def axe_findings(page: Page) -> list[str]:
    return [f"{found['id']}: {found['nodes'][0]['html']}" for found in Axe().run(page).response["violations"]]


def check_accessible(page: Page, width: int) -> None:
    """axe in both colour schemes; no scrolling in two directions (WCAG 2.1, 1.4.10)."""
    page.set_viewport_size({"width": width, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.emulate_media(color_scheme="light")
    assert axe_findings(page) == []
    page.emulate_media(color_scheme="dark")
    assert axe_findings(page) == []


@pytest.mark.parametrize(
    ("reason", "language", "width"),
    [(reason, *view) for reason in ONE_OF_A_KIND for view in (("en", 1280), ("es", 320))],
)
def test_a_block_page_is_accessible(browser: Browser, reason: str, language: str, width: int) -> None:
    """axe runs inside the page, so the page's own policy has to be lifted for it; the hash is tested below."""
    page, site = opened(browser, BLOCKED, reason, locale=language, bypass_csp=True)
    with page.context:
        assert page.get_attribute("html", "lang") == language
        check_accessible(page, width)
        small = "[...document.querySelectorAll('.actions a')].filter(a => a.getBoundingClientRect().height < 24).length"
        assert page.evaluate(small) == 0
        assert [url for url in site.asked if "favicon" not in url] == [BLOCKED]


@pytest.mark.parametrize(("path", "language"), [("/", "en"), ("/", "es"), ("/help", "es"), ("/nowhere", "en")])
def test_the_node_s_own_pages_are_accessible(browser: Browser, path: str, language: str) -> None:
    page, _ = opened(browser, OWN + path, locale=language, bypass_csp=True)
    with page.context:
        check_accessible(page, 320)


def test_the_style_passes_the_page_s_own_policy_and_a_script_does_not(browser: Browser) -> None:
    page, _ = opened(browser, BLOCKED)
    with page.context:
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        assert page.locator("main").evaluate("main => getComputedStyle(main).borderRadius") == "12px"
        page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
        assert page.evaluate("window.ran") is None
        assert page.evaluate("window.origin") == "null"  # sandboxed: a script of the site cannot read this page
        assert any("Content Security Policy" in text or "sandboxed" in text for text in refused)


def test_the_links_work_inside_the_sandbox(browser: Browser) -> None:
    page, site = opened(browser, BLOCKED)
    with page.context:
        page.click("text=About this filter")
        page.wait_for_url(f"{OWN}/")
        assert page.inner_text("h1") == "This network has an internet filter"
        page.click("text=What the block pages mean")
        page.wait_for_url(f"{OWN}/help")
    assert f"{OWN}/help" in site.asked


def test_the_certificate_can_be_downloaded(browser: Browser) -> None:
    page, _ = opened(browser, OWN + "/")
    with page.context:
        assert page.get_attribute("text=Download the certificate", "href") == "/ca.crt"
        with page.expect_download() as download:
            page.click("text=Download the certificate")
        assert download.value.path().read_bytes() == CERTIFICATE


def test_a_frame_shows_the_card_and_no_name(browser: Browser) -> None:
    page, _ = opened(browser, "http://around.test/around")
    with page.context:
        shown = page.frame_locator("iframe").locator("body").inner_text()
    assert "Part of this page is blocked by the District internet filter." in shown
    assert REF in shown
    assert "maria" not in shown


def test_twice_the_letters_still_fit(browser: Browser) -> None:
    """WCAG 2.1, 1.4.4: text at 200 % in half the window, which is how a browser zooms."""
    page, _ = opened(browser, BLOCKED, locale="es", viewport={"width": 640, "height": 400}, device_scale_factor=2)
    with page.context:
        assert page.evaluate("document.documentElement.scrollWidth") <= 640
        assert page.is_visible("h1")


@pytest.mark.parametrize(
    ("host", "way"),
    [
        ("www.example.test", "PROXY"),
        ("filter.district.example", "PROXY"),
        ("intranet", "PROXY"),
        ("10.1.2.3", "PROXY"),
        ("127.evil.test", "PROXY"),
        ("127.0.0.1.evil.test", "PROXY"),
        ("127.0.0.1.2", "PROXY"),
        ("localhost.evil.test", "PROXY"),
        ("notlocalhost", "PROXY"),
        ("::11", "PROXY"),
        ("localhost", "DIRECT"),
        ("LOCALHOST.", "DIRECT"),
        ("app.localhost", "DIRECT"),
        ("127.0.0.1", "DIRECT"),
        ("127.8.8.8", "DIRECT"),
        ("::1", "DIRECT"),
        ("[::1]", "DIRECT"),
    ],
)
def test_the_pac_file_sends_all_but_the_device_itself_to_the_filter(blank: Page, host: str, way: str) -> None:
    source = pac((PROXY,)).decode()
    found = blank.evaluate(f"host => {{ {source}; return FindProxyForURL('https://' + host + '/', host) }}", host)
    assert found == ("DIRECT" if way == "DIRECT" else "PROXY filter.district.example:8080")
