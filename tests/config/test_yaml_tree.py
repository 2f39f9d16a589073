import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.yaml_tree import DEPTH_CAP, FILE_CAP, YamlRefused, read

SCALARS = [
    ("no stays text", "no", "no"),
    ("on stays text", "on", "on"),
    ("yes stays text", "Yes", "Yes"),
    ("a time is no number to the base of 60", "22:00", "22:00"),
    ("an address is text", "127.0.0.1", "127.0.0.1"),
    ("no octal number", "0777", "0777"),
    ("no octal number of YAML 1.2 either", "0o777", "0o777"),
    ("no hexadecimal number", "0x1f", "0x1f"),
    ("no number with underscores", "1_000", "1_000"),
    ("a date is text, so that its field reads it", "2026-11-01", "2026-11-01"),
    ("no infinity", ".inf", ".inf"),
    ("no exponent", "1e3", "1e3"),
    ("a number too long to be one", "9" * 5000, "9" * 5000),
    ("a whole number", "8080", 8080),
    ("a fraction", "0.5", 0.5),
    ("yes", "true", True),
    ("no", "False", False),
    ("nothing", "~", None),
    ("empty", "", None),
    ("quoted true is text", '"true"', "true"),
    ("quoted number is text", "'8080'", "8080"),
    ("block text is text", "|\n  8080", "8080\n"),
]


@pytest.mark.parametrize(("text", "value"), [row[1:] for row in SCALARS], ids=[row[0] for row in SCALARS])
def test_scalars_are_never_guessed(text: str, value: object) -> None:
    tree = read(f"key: {text}\n".encode())
    assert tree.value == {"key": value}
    assert type(tree.value["key"]) is type(value)


BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
UNREAD = [
    ("an anchor, so no bomb", BOMB, 1, "anchors"),
    ("an alias without its anchor", b"a: 1\nb: *x\n", 2, "anchors"),
    ("a merge key", b"a:\n  <<: {b: 1}\n", 2, "merge keys"),
    ("a tag that would run code", b"a: !!python/object/apply:os.system [x]\n", 1, "tags"),
    ("a tag of its own", b"a: !secret x\n", 1, "tags"),
    ("a tag that changes the type", b"a: !!str 1\n", 1, "tags"),
    ("a key that is a list", b"a: 1\n? [b]\n: c\n", 2, "a key"),
    ("two documents", b"a: 1\n---\nb: 2\n", 2, "second document"),
    ("nested too deep", b"a: 1\nb: " + b"[" * 100_000, 2, "nested deeper"),
    (
        "nested too deep in blocks",
        b"".join(b" " * n + b"a:\n" for n in range(DEPTH_CAP + 1)),
        DEPTH_CAP,
        "nested deeper",
    ),
    ("a NUL", b"a: 1\nb: x\x00y\n", 2, "control character"),
    ("a NUL that is written out", b'a: 1\nb: "\\0"\n', 2, "control character"),
    ("half of a surrogate pair", b'a: "\\ud800"\n', 1, "control character"),
    ("an escape beyond Unicode", b'a: 1\nb: "\\UFFFFFFFF"\n', 2, "cannot be read"),
    ("a version that is no number Python reads", b"%YAML 1." + b"9" * 5000 + b"\n---\na: 1\n", 1, "cannot be read"),
    ("not UTF-8", b"a: 1\nb: \xff\n", 2, "UTF-8"),
    ("UTF-16", "a: 1\n".encode("utf-16"), 1, "byte order mark"),
    ("a byte order mark", b"\xef\xbb\xbfa: 1\n", 1, "byte order mark"),
    ("too large", b"a: " + b"x" * FILE_CAP, 1, "larger than"),
    ("a tab", b"a:\n\tb: 1\n", 2, "tab"),
    ("no end of a list", b"a: [1,\n", 2, "not YAML"),
    ("a colon in the text", b"a: b: c\n", 1, "not YAML"),
]


@pytest.mark.parametrize(("data", "line", "why"), [row[1:] for row in UNREAD], ids=[row[0] for row in UNREAD])
def test_what_is_not_read(data: bytes, line: int, why: str) -> None:
    with pytest.raises(YamlRefused) as caught:
        read(data)
    assert (caught.value.line, why in caught.value.message) == (line, True), caught.value
    assert "\n" not in caught.value.message


def test_every_key_and_item_has_its_line() -> None:
    tree = read(b"a:\n  b: [x,\n      y]\nc: {d: 1}\n")
    assert tree.lines == {
        (): 1, ("a",): 1, ("a", "b"): 2, ("a", "b", 0): 2, ("a", "b", 1): 3, ("c",): 4, ("c", "d"): 4,
    }  # fmt: skip
    assert tree.line_of(("c", "d", "e", 3)) == 4


def test_a_key_that_stands_twice_is_told_with_its_second_line() -> None:
    tree = read(b"a: {b: 1}\nc: 1\na: 2\n")
    assert tree.repeated == [(("a",), 3)]
    assert tree.line_of(("a",)) == 1


def test_an_empty_file_has_no_keys() -> None:
    assert read(b"# nothing\n").value == {}


def lines_of(data: bytes) -> set[int]:
    try:
        return set(read(data).lines.values())
    except YamlRefused as refused:
        return {refused.line}


@given(st.text("abAB01:.-_~,[]{}'\"|>&*!%@# \n\t\\xu", max_size=60))
def test_any_text_is_read_or_refused_with_a_line_of_it(text: str) -> None:
    assert lines_of(text.encode()) <= set(range(1, text.count("\n") + 2))
