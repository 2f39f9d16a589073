"""The PAC file in a real browser: with the filter it is the way out, without it there is none."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import Error, async_playwright

from tests.e2e.browser import QUIET, chromium
from tests.e2e.district_folder import PUBLIC_NAME
from tests.e2e.network import ADDRESSES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.network import Network
    from tests.e2e.product import Product

KNOWN = "here.example"  # a name that the browser could reach by itself


async def test_without_the_filter_a_browser_with_the_pac_file_reaches_nothing(
    own_product: Product, network: Network, tmp_path: Path
) -> None:
    product = own_product
    url = f"http://{KNOWN}:{network.plain_port}/page"
    common = [*QUIET, f"--host-resolver-rules=MAP {KNOWN} {ADDRESSES['allowed.test']}"]
    common += ["--no-sandbox"] if os.geteuid() == 0 else []
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    async with async_playwright() as playwright:
        without = await playwright.chromium.launch(executable_path=chromium(), args=common, env=environment)
        page = await without.new_page()
        answer = await page.goto(url)
        assert answer is not None
        assert answer.status == 200  # what the filter is there for: nothing else keeps this browser from the origin
        await without.close()

        pac = f"--proxy-pac-url=http://127.0.0.1:{product.port}/proxy.pac"
        browser = await playwright.chromium.launch(executable_path=chromium(), args=[*common, pac], env=environment)
        page = await browser.new_page()
        answer = await page.goto(f"http://{PUBLIC_NAME}/")  # no resolver knows this name, the filter does
        assert answer is not None
        assert answer.status == 200
        before = network.contacts()
        with pytest.raises(Error, match=r"ERR_INVALID_AUTH_CREDENTIALS|ERR_PROXY_AUTH"):
            await page.goto(url)

        product.terminate()
        product.ended()
        for address in (url, f"http://{PUBLIC_NAME}/", "https://elsewhere.example/"):
            with pytest.raises(Error, match=re.escape("ERR_PROXY_CONNECTION_FAILED")):
                await page.goto(address)
        assert network.contacts() == before
        await browser.close()
