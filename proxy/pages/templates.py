"""The templates, escaped by default and compiled once, and the style sheets that go into them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined

_HERE = Path(__file__).parent
_COMMENT_OR_BREAK = re.compile(r"/\*.*?\*/|\s*\n\s*", re.DOTALL)


@cache
def environment() -> Environment:
    """Jinja2 over the templates of this folder, without their indentation: a page has 6 KB in all."""
    sources = {path.name: _unindented(path.read_text(encoding="utf-8")) for path in _HERE.glob("*.html")}
    return Environment(
        loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
    )


@cache
def style(*names: str) -> str:
    """The named style sheets as one line each, without comments."""
    return "\n".join(_COMMENT_OR_BREAK.sub("", (_HERE / name).read_text(encoding="utf-8")) for name in names)


def _unindented(source: str) -> str:
    return "\n".join(line.strip() for line in source.splitlines())
