r"""POSIX extended regular expressions, as squidGuard's lists have them, said again for the engine that matches them.

Engines of today read the same signs differently: in POSIX `[\.]` is a backslash or a dot, `a+?` is an optional `a+`,
and `.` is any byte; in Perl's syntax they are not. So an expression is parsed here, and written anew with nothing left
to interpret. What authors and regcomp() read differently, such as `\d`, is refused and never guessed.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass

#: What bounds the work of a compiler before it starts: characters with repeats written out, and depth of groups.
#: 30 nested `+` keep the engine's compiler busy for 23 s, each one more doubles that; real lists nest one or two.
POSITIONS_CAP = 10_000
DEPTH_CAP = 50
NESTED_REPEATS_CAP = 8
REPEAT_CAP = 1_000

#: Most of an expression: letters that nothing repeats, read in one go.
_WORD = re.compile(r"[0-9A-Za-z]+(?![*+?{])")
_INTERVAL = re.compile(r"\{(\d{0,5})(,?)(\d{0,5})\}")
_CLASSES = {
    "alpha": string.ascii_letters,
    "digit": string.digits,
    "alnum": string.ascii_letters + string.digits,
    "upper": string.ascii_uppercase,
    "lower": string.ascii_lowercase,
    "space": " \t\n\r\f\v",
    "blank": " \t",
    "punct": string.punctuation,
    "xdigit": string.hexdigits,
    "cntrl": "".join(map(chr, (*range(0x20), 0x7F))),
    "graph": "".join(map(chr, range(0x21, 0x7F))),
    "print": "".join(map(chr, range(0x20, 0x7F))),
}
#: GNU's, which regcomp() knows on every Linux.
_ESCAPED_LETTERS = {"w": "[0-9A-Za-z_]", "W": "[^0-9A-Za-z_]", "s": r"[\x09-\x0d\x20]", "S": r"[^\x09-\x0d\x20]"}


class BadExpression(ValueError):
    """No extended regular expression, or one that cannot be used. One line, fit to be shown."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of an expression in the engine's syntax, and what it costs."""

    text: str
    empty: bool  # may match the empty string
    positions: int
    repeats: int = 0  # depth of repeats inside repeats
    anchor: bool = False
    single: bool = False  # one character or group: a repeat needs no group around it


def translated(expression: str) -> str:
    """The expression in the syntax of the engine, ASCII only. Raises BadExpression, with the reason."""
    if "\0" in expression:
        raise BadExpression("NUL byte")
    parser = _Parser(expression)
    piece = parser.alternation(0)
    if parser.at < len(expression):
        raise BadExpression("a ) without its (")
    if piece.empty:
        raise BadExpression("matches the empty string, and so every address")
    return piece.text


@dataclass(slots=True)
class _Parser:
    """Recursive descent through one expression: alternation, branch, piece, atom."""

    text: str
    at: int = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        self.at += 1
        return self.text[self.at - 1]

    def alternation(self, depth: int) -> _Piece:
        branches = [self.branch(depth)]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.branch(depth))
        if len(branches) == 1:
            return branches[0]
        return _Piece(
            f"(?:{'|'.join(branch.text for branch in branches)})",
            any(branch.empty for branch in branches),
            sum(branch.positions for branch in branches),
            max(branch.repeats for branch in branches),
            single=True,
        )

    def branch(self, depth: int) -> _Piece:
        pieces = []
        while (sign := self.peek()) and sign != "|" and (sign != ")" or not depth):
            word = _WORD.match(self.text, self.at)
            if word:
                self.at = word.end()
                pieces.append(_Piece(word[0], False, len(word[0])))
            else:
                pieces.append(self.repeated(depth))
        if len(pieces) == 1:
            return pieces[0]
        return _Piece(
            "".join(piece.text for piece in pieces),
            all(piece.empty for piece in pieces),
            sum(piece.positions for piece in pieces),
            max((piece.repeats for piece in pieces), default=0),
        )

    def repeated(self, depth: int) -> _Piece:
        piece = self.atom(depth)
        while (sign := self.peek()) and sign in "*+?{":
            if piece.anchor:
                raise BadExpression(f"{sign} after an anchor")
            least, most = self.repeat()
            piece = _times(piece, least, most)
        return piece

    def repeat(self) -> tuple[int, int | None]:
        """Least and most of `*`, `+`, `?` or an interval; None for no most."""
        sign = self.peek()
        if sign != "{":
            self.at += 1
            return {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        interval = _INTERVAL.match(self.text, self.at)
        if not interval or not (interval[1] or interval[3]):
            raise BadExpression("a { that begins no {least,most}")
        self.at = interval.end()
        least = int(interval[1] or 0)
        most = int(interval[3]) if interval[3] else None if interval[2] else least
        if max(least, most or 0) > REPEAT_CAP:
            raise BadExpression(f"more than {REPEAT_CAP} repeats")
        if most is not None and least > most:
            raise BadExpression("{least,most} with the larger number first")
        return least, most

    def atom(self, depth: int) -> _Piece:
        sign = self.take()
        match sign:
            case "(":
                return self.group(depth)
            case "[":
                return _Piece(self.bracket(), False, 1, single=True)
            case ".":
                return _Piece(".", False, 1, single=True)
            case "^":
                return _Piece("^", True, 0, anchor=True)
            case "$":
                return _Piece(r"\z", True, 0, anchor=True)
            case "\\":
                return self.escape()
            case "*" | "+" | "?" | "{":
                raise BadExpression(f"{sign} with nothing to repeat")
            case ")":
                raise BadExpression("a ) without its (")
        return _literal(sign)

    def group(self, depth: int) -> _Piece:
        if depth == DEPTH_CAP:
            raise BadExpression(f"groups more than {DEPTH_CAP} deep")
        if self.peek() == "?":
            raise BadExpression("(? is not POSIX: no look-around, no flags")
        inner = self.alternation(depth + 1)
        if not self.peek():
            raise BadExpression("a ( without its )")
        self.at += 1
        text = inner.text if inner.single else f"(?:{inner.text})"
        return _Piece(text, inner.empty, inner.positions, inner.repeats, single=True)

    def escape(self) -> _Piece:
        if not self.peek():
            raise BadExpression("ends in a backslash")
        sign = self.take()
        if sign.isdigit():
            raise BadExpression(f"\\{sign} is a back-reference, which no engine matches in linear time")
        if sign == "b":
            return _Piece(r"\b", True, 0, anchor=True)
        if sign in _ESCAPED_LETTERS:
            return _Piece(_ESCAPED_LETTERS[sign], False, 1, single=True)
        if sign.isalnum() or sign in "<>`'":
            raise BadExpression(f"\\{sign} is not POSIX, and engines differ about it")
        return _literal(sign)

    def bracket(self) -> str:
        negated = self.peek() == "^"
        self.at += negated
        members: set[int] = set()
        first = True
        while first or self.peek() != "]":
            if not self.peek():
                raise BadExpression("a [ without its ]")
            members |= self.member()
            first = False
        self.at += 1
        return _class(members, negated)

    def member(self) -> set[int]:
        """One character, range or class between brackets, where a backslash is a backslash."""
        named = re.compile(r"\[([:.=])(.*?)\1\]").match(self.text, self.at)
        if named:
            if named[1] != ":" or named[2] not in _CLASSES:
                raise BadExpression("a class in brackets that is unknown")
            self.at = named.end()
            return set(map(ord, _CLASSES[named[2]]))
        low = self.byte()
        if self.begins_range():
            self.at += 1
            return self.range_from(low)
        if low == ord("\\") and self.peek().isalnum():
            raise BadExpression("a backslash in brackets before a letter: it means itself there")
        return {low}

    def begins_range(self) -> bool:
        return self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", "")

    def range_from(self, low: int) -> set[int]:
        if self.text[self.at : self.at + 2] in ("[:", "[.", "[="):
            raise BadExpression("a range in brackets to a class")
        high = self.byte()
        if ord("\\") in (low, high):
            raise BadExpression("a range in brackets from or to a backslash")
        if low > high:
            raise BadExpression("a range in brackets that runs backwards")
        if self.begins_range():
            raise BadExpression("a range in brackets from the end of another")
        return set(range(low, high + 1))

    def byte(self) -> int:
        sign = self.take()
        if not sign.isascii():
            raise BadExpression("a character beyond ASCII in brackets")
        return ord(sign)


def _literal(sign: str) -> _Piece:
    data = sign.encode()
    text = sign if sign.isascii() and sign.isalnum() else "".join(f"\\x{byte:02x}" for byte in data)
    return _Piece(text if len(data) == 1 else f"(?:{text})", False, len(data), single=True)


def _class(members: set[int], negated: bool) -> str:
    """A bracket of ranges in hexadecimal; letters of both cases, so that negation means the same everywhere."""
    both = members | {ord(case) for byte in members for case in (chr(byte).lower(), chr(byte).upper())}
    ranges: list[list[int]] = []
    for byte in sorted(both):
        if ranges and ranges[-1][1] == byte - 1:
            ranges[-1][1] = byte
        else:
            ranges.append([byte, byte])
    text = "".join(f"\\x{low:02x}" if low == high else f"\\x{low:02x}-\\x{high:02x}" for low, high in ranges)
    return f"[{'^' * negated}{text}]"


def _times(piece: _Piece, least: int, most: int | None) -> _Piece:
    sign = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
    sign = sign or f"{{{least},{'' if most is None else most}}}"
    positions = piece.positions * max(least + 1 if most is None else most, 1)
    repeats = piece.repeats + 1
    if repeats > NESTED_REPEATS_CAP:
        raise BadExpression(f"repeats nested more than {NESTED_REPEATS_CAP} deep")
    if positions > POSITIONS_CAP:
        raise BadExpression(f"more than {POSITIONS_CAP} characters with its repeats written out")
    text = piece.text if piece.single else f"(?:{piece.text})"
    return _Piece(f"{text}{sign}", piece.empty or least == 0, positions, repeats)
