"""Debian's Chromium behind the proxy, trusting the district's authority and nothing else new."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from tests.e2e.product import PASSWORDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from tests.e2e.product import Product

# No start-up traffic of its own: every request in the usage log is one that a test made.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--proxy-bypass-list=<-loopback>",
]


def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        raise FileNotFoundError("chromium: install the Debian package chromium")
    return found


def trusting_home(folder: Path, *authorities: Path) -> Path:
    """A HOME whose certificate store holds `authorities` as trusted issuers of web sites."""
    store = folder / ".pki" / "nssdb"
    store.mkdir(parents=True)
    added = [["-A", "-n", each.stem, "-t", "C,,", "-i", str(each)] for each in authorities]
    for arguments in (["-N", "--empty-password"], *added):
        subprocess.run(["certutil", "-d", f"sql:{store}", *arguments], check=True, capture_output=True, timeout=30)
    return folder


@asynccontextmanager
async def open_browser(home: Path, product: Product) -> AsyncIterator[Browser]:
    """A browser whose every request goes to `product`; who the person is comes with each page."""
    arguments = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(),
            args=arguments,
            env={"HOME": str(home), "PATH": os.environ["PATH"]},
            proxy={"server": f"http://127.0.0.1:{product.port}", "bypass": "<-loopback>"},
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_page(
    browser: Browser, product: Product, user: str = "ana", password: str | None = None, **options: object
) -> AsyncIterator[Page]:
    """A page in a profile of its own: no cache, cookie or connection of another test."""
    context = await browser.new_context(
        proxy={
            "server": f"http://127.0.0.1:{product.port}",
            "bypass": "<-loopback>",
            "username": user,
            "password": PASSWORDS[user] if password is None else password,
        },
        **options,
    )
    try:
        yield await context.new_page()
    finally:
        await context.close()
