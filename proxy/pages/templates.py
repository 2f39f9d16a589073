"""The templates, escaped by default and compiled once, and the style sheets that go into them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined

_HERE = Path(__file__).parent
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s*([{};,])\s*|(:)\s+")


@cache
def environment() -> Environment:
    """Jinja2 over the templates of this folder, without their indentation: a page has 6 KB in all."""
    sources = {path.name: _unindented(path.read_text(encoding="utf-8")) for path in _HERE.glob("*.html")}
    return Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
    )


@cache
def style(*names: str) -> str:
    """The named style sheets, without comments and the spaces that only people need."""
    sheets = "".join((_HERE / name).read_text(encoding="utf-8") for name in names)
    return _SPACE.sub(r"\1\2", _COMMENT.sub("", sheets)).strip()


def _unindented(source: str) -> str:
    return "\n".join(line.strip() for line in source.splitlines())
