"""The templates: escaped, strict, and without what a page of ours must never carry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from proxy.pages.catalogue import catalogue
from proxy.pages.templates import environment, style

FOLDER = Path(__file__).parents[3] / "proxy" / "pages"
TEMPLATES = sorted(FOLDER.glob("*.html"))


def test_values_are_escaped_and_missing_ones_fail() -> None:
    template = environment().from_string("{{ value }}")
    assert template.render(value="<a href='\"&'>") == "&lt;a href=&#39;&#34;&amp;&#39;&gt;"
    with pytest.raises(UndefinedError):
        template.render()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_a_script_a_form_or_a_foreign_asset(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"<(script|form|img|link|iframe|object|embed|base)\b|\son\w+=|\sstyle=|\ssrc=|@import", source)
    assert re.findall(r"\{\{[^}]*\|\s*safe", source) == (["{{ style|safe"] if "<style>" in source else [])


def test_every_text_that_a_template_names_is_there() -> None:
    named = {key for path in TEMPLATES for key in re.findall(r't\["([a-z0-9_.]+[a-z0-9_])"\]', path.read_text())}
    assert len(named) > 20
    assert named - set(catalogue("en")) == set()


@pytest.mark.parametrize("name", ["style.css", "card.css", "public.css"])
def test_a_style_keeps_its_rules_and_loses_only_space(name: str) -> None:
    source, short = (FOLDER / name).read_text(), style(name)
    assert "/*" not in short
    assert "\n" not in short
    assert short.count("{") == source.count("{")
    assert "url(" not in short
    assert re.sub(r"\s", "", short) == re.sub(r"\s", "", re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL))
