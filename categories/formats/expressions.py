"""`expressions` of a UT1/squidGuard tree: one POSIX extended regular expression a line, for host, path and query.

A line that begins with # is a comment; nothing else is taken out of a line, as # may stand in an expression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.errors import ListRefused
from categories.expressions import EXPRESSIONS_CAP, checked
from categories.formats.entry import ParsedExpression, RejectedLine
from categories.posix_syntax import BadExpression, translated
from categories.streams import LINE_CAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from categories.formats.entry import NumberedLines, ParsedLine


def parse(numbered_lines: NumberedLines) -> Iterator[ParsedLine]:
    """Read every line, have all of them checked at once, and give them in order, of two alike the first.

    Raises ListRefused.
    """
    texts: dict[int, str] = {}
    seen: set[str] = set()
    patterns: dict[int, str] = {}
    refused: dict[int, str] = {}
    for number, raw in numbered_lines:
        try:
            text = _cleaned(raw, number)
            if text and text not in seen:
                seen.add(text)
                texts[number] = text
                patterns[number] = translated(text)
        except BadExpression as problem:
            refused[number] = str(problem)
        if max(len(texts), len(refused)) > EXPRESSIONS_CAP:
            raise ListRefused(f"more than {EXPRESSIONS_CAP} lines in a file of expressions")
    answers = zip(patterns, checked(list(patterns.values())), strict=True)
    refused.update((number, answer) for number, answer in answers if answer)
    for number in sorted(texts.keys() | refused.keys()):
        if number in refused:
            yield RejectedLine(number, refused[number])
        else:
            yield ParsedExpression(number, texts[number])


def _cleaned(raw: bytes, number: int) -> str:
    if len(raw) > LINE_CAP:
        raise BadExpression(f"line longer than {LINE_CAP} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadExpression("not UTF-8") from None
    if number == 1:
        text = text.removeprefix("\ufeff")
    text = text.strip()
    if text.startswith("#"):
        return ""
    if not text.isprintable():  # it stands in reports as it is written, and a terminal obeys ESC
        raise BadExpression("a control character, or one that cannot be seen")
    return text
