"""What every full page carries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.pages.frame import frame
from tests.proxy.pages.samples import SETTINGS


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://district.example/ar4040", "https://district.example/ar4040"),
        ("http://district.example/", "http://district.example/"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//district.example", ""),
        ("", ""),
    ],
)
def test_only_a_web_address_becomes_a_link(url: str, link: str) -> None:
    assert frame(replace(SETTINGS, policy_url=url), "en")["policy_url"] == link


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_crisis_line_is_a_link(language: str) -> None:
    assert '<a href="tel:988">' in frame(SETTINGS, language)["crisis"]
