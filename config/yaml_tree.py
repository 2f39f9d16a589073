"""YAML text -> plain values and the line of each, read so that nothing is guessed.

Scalars are YAML 1.2 (core schema), not PyYAML's 1.1: `no`, `on`, `22:00` and `0777` stay text, only `true`, `false`,
`null`, plain decimal numbers and fractions are anything else. Anchors, aliases, merge keys and tags are refused: no
settings file needs them, and aliases let 1 KiB grow to gigabytes. Knows nothing of what the keys mean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from config.problems import shown

#: Largest file, in bytes. A district with 500 schools and 1000 dated approvals needs about a fifth.
FILE_CAP = 1024 * 1024
#: Deepest nesting; the settings use seven.
DEPTH_CAP = 24

_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

type Path = tuple[str | int, ...]


class YamlRefused(Exception):
    """The text is not YAML that is read here. `message` is one line; `line` is 1-based."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


@dataclass(slots=True)
class Tree:
    """The values of a file, and the line on which each key or item begins."""

    value: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    repeated: list[tuple[Path, int]] = field(default_factory=list)  # keys given again, with the line of the second

    def line_of(self, path: Path) -> int:
        """The line of a key, or of the nearest one around it."""
        while path not in self.lines:
            if not path:
                return 1
            path = path[:-1]
        return self.lines[path]


def read(data: bytes) -> Tree:
    """Read a whole file. Raises YamlRefused."""
    text = _decoded(data)
    node = _composed(text)
    tree = Tree({} if node is None else None)
    if node is not None:
        tree.value = _value(node, (), tree)
    return tree


def _decoded(data: bytes) -> str:
    if len(data) > FILE_CAP:
        raise YamlRefused(1, f"the file is larger than {FILE_CAP} bytes; lists belong into files of their own")
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise YamlRefused(1, "the file begins with a byte order mark; save it as UTF-8 without one")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise YamlRefused(data.count(b"\n", 0, error.start) + 1, "not UTF-8; save the file as UTF-8") from None
    unfit = re.search(r"[^\t\n\r\x20-\x7e\xa0-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]", text)
    if unfit:
        line = text.count("\n", 0, unfit.start()) + 1
        raise YamlRefused(line, f"control character {unfit[0]!a}; remove it")
    return text


def _composed(text: str) -> yaml.Node | None:
    composer = _Composer(text)
    try:
        return composer.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _refusal(error) from None
    except (ValueError, OverflowError):  # an escape such as "\UFFFFFFFF", which PyYAML hands to chr() unchecked
        raise YamlRefused(composer.line + 1, "an escape or a number that cannot be read") from None
    finally:
        composer.dispose()


def _refusal(error: yaml.MarkedYAMLError) -> YamlRefused:
    mark = error.problem_mark or error.context_mark
    what = error.problem or error.context or "cannot be read"
    message = f"not YAML: {what.replace(chr(10), ' ')}"
    if "'\\t'" in message:
        message = "not YAML: a tab; indent with spaces"
    return YamlRefused(mark.line + 1 if mark else 1, message)


class _Composer(yaml.SafeLoader):
    """PyYAML's composer, which refuses what is not read here before it follows it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def get_single_node(self) -> yaml.Node | None:
        self.get_event()  # type: ignore[no-untyped-call]
        node = None if self.check_event(yaml.StreamEndEvent) else self.compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            second: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
            raise YamlRefused(_line(second), "a second document; one file holds one")
        return node

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = _line(event)
        if getattr(event, "anchor", None) is not None:
            raise YamlRefused(line, "anchors (&) and aliases (*) are not read; write it out, or put it in quotes")
        if getattr(event, "tag", None) is not None:
            raise YamlRefused(line, "tags (!) are not read; remove it, or put the text in quotes")
        if self.depth >= DEPTH_CAP:
            raise YamlRefused(line, f"nested deeper than {DEPTH_CAP} levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _value(node: yaml.Node, path: Path, tree: Tree) -> object:
    tree.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, tree)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, number), tree) for number, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, tree: Tree) -> dict[str, object]:
    values: dict[str, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = _key(key_node)
        if key in values:
            tree.repeated.append(((*path, key), line))
            continue
        tree.lines[*path, key] = line
        values[key] = _value(value_node, (*path, key), tree)
    return values


def _key(node: yaml.Node) -> str:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode):
        raise YamlRefused(line, "a key that is a list or a mapping; a key is one word")
    if node.value == "<<" and node.style is None:
        raise YamlRefused(line, "merge keys (<<) are not read; write the keys out")
    return str(_fit(node))


def _scalar(node: yaml.Node) -> str | int | float | bool | None:
    text = _fit(node)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def _fit(node: yaml.Node) -> str:
    text: str = node.value
    if _UNFIT.search(text):
        raise YamlRefused(node.start_mark.line + 1, f"control character in {shown(text)}; remove it")
    return text
