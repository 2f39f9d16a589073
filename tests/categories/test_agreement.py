"""Parse, compile, look up: the whole way agrees with a reference that only loops over labels, segments and lines.

The reference reads no list and parses no address. What is written in a list, and what is asked for, is made from words
that carry their own truth: "MÜNCHEN.。test" is a spelling of one known name, and the reference sees the name alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from categories import expression_index
from categories.address import parse
from categories.errors import ListRefused
from categories.expression_engine import Matcher
from categories.formats import expressions as expressions_format
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.starter import STARTER
from categories.update import compile_generation
from tests.categories.archives import tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Names that no entry may cover whole: a registry's suffixes, and what has one label. The others are in nobody's list.
REGISTRY = {"test", "co.uk"}
SHARED = {"github.io"}

LABELS = {
    "a": ("a", "A", "ａ"),
    "ads": ("ads", "Ads", "ADS"),
    "b-2": ("b-2", "B-2"),
    "_s": ("_s", "_S"),
    "www": ("www", "WWW"),
    "web1": ("web1", "Web1"),
    "ftp": ("ftp", "FTP"),
    "wwwx": ("wwwx",),
    "xn--mnchen-3ya": ("münchen", "MÜNCHEN", "xn--mnchen-3ya", "XN--MNCHEN-3YA", "mu\u0308nchen"),
    "xn--strae-oqa": ("straße", "xn--strae-oqa"),
    "strasse": ("strasse", "STRASSE"),
    "x" * 63: ("x" * 63, "X" * 63),
}
ENDS = {"test": ("test", "TEST"), "co.uk": ("co.uk", "Co.Uk"), "github.io": ("github.io",), "a.test": ("a.test",)}
#: Address literals: how a list may write them, how else an address may.
LITERALS = {
    "192.0.2.1": (("192.0.2.1",), ("0xC0.0.2.1", "3221225985", "192.0.513", "0300.0.2.1", "192.0.2.1.")),
    "2001:db8::1": (("2001:db8::1", "[2001:DB8::1]", "2001:0db8:0:0::1"), ("[2001:db8::1]", "[2001:DB8:0::1]")),
}
SEGMENTS = {
    "a": ("a", "A", "%61", "%41"),
    "ab": ("ab", "aB", "%61b"),
    "~u": ("~u", "%7Eu", "%7eU"),
    "b%20c": ("b%20c", "B%20C"),
    "%C3%A9": ("%C3%A9", "%c3%a9", "é"),
    "x.html": ("x.html", "X%2ehtml"),
}
QUERIES = {"q=1": ("q=1", "Q=1", "%71=1"), "q=12&r": ("q=12&r", "q=1%32&R"), "p": ("p",)}
EXPRESSIONS = ("ads[.]", r"^(www\.)?a\.test/", "/ab(/|$)", r"q=[0-9]+$", r"(^|[-./])b-2([-./]|$)", "strasse|x[.]html")
REJECTED = {
    "domains": ("*.a.test", ".a.test", "http://a.test/", "a.test/path", "a..test", "0x7f.1", "exa mple.test", "co.uk"),
    "hosts": ("a.test", "8.8.8.8 a.test", "0.0.0.0", "0.0.0.0 co.uk", "0.0.0.0 a_b..test"),
    "urls": ("http://a.test/x", "/x", "a.test/x#y", "u@a.test/x", "test/", "*.a.test/x"),
    "wildcard": ("**.a.test", "*.co.uk", "*.192.0.2.1", "a.*.test"),
}


@dataclass(frozen=True)
class Host:
    """A host: what it is, and one way to write it."""

    name: str
    text: str

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))

    @property
    def literal(self) -> bool:
        return self.name in LITERALS

    @property
    def plain(self) -> str:
        return f"[{self.name}]" if ":" in self.name else self.name

    @property
    def bare(self) -> str:
        """Without a leading www, web or ftp, as long as something that can be registered is left."""
        first, *rest = self.labels
        known = re.fullmatch("(www|web|ftp)[0-9]*", first)
        left = ".".join(rest)
        return left if known and len(rest) > 1 and left not in REGISTRY | SHARED else self.name


@dataclass(frozen=True)
class UrlPath:
    """A path: its segments, whether a slash ends it, and one way to write it."""

    segments: tuple[str, ...]
    slash: bool
    text: str

    @property
    def whole(self) -> str:
        return "/" + "/".join(self.segments) + ("/" if self.slash and self.segments else "")


@dataclass(frozen=True)
class Entry:
    """One line of a list that is an entry."""

    kind: str  # "domain", "host", "url", "expression"
    text: str
    host: Host | None = None
    path: UrlPath | None = None
    query: str = ""

    @property
    def same(self) -> object:
        """What two lines have in common that are the same entry."""
        if self.kind == "expression":
            return self.kind, self.text
        assert self.host
        if not self.path:
            return self.kind, self.host.name
        return self.kind, self.host.bare, (self.path.whole if self.query else self.path.segments), self.query


@dataclass(frozen=True)
class Asked:
    """An address: its host, every way its path may be read, its query, and one way to write it."""

    host: Host
    readings: tuple[UrlPath, ...]
    query: str
    text: str


@dataclass(frozen=True)
class File:
    """A file of a list: what it is called in the settings and inside its list, and its lines; None is no entry."""

    list: str
    name: str
    kind: str
    category: str
    white: bool
    lines: tuple[Entry | str, ...]


def covers(entry: Entry, asked: Asked) -> bool:
    """The reference."""
    if entry.kind == "expression":
        return any(_matches(entry.text, asked.host.name, reading, asked.query) for reading in asked.readings)
    assert entry.host
    if entry.kind == "host":
        return entry.host.name == asked.host.name
    if entry.kind == "domain":
        return any(asked.host.labels[at:] == entry.host.labels for at in range(len(asked.host.labels)))
    assert entry.path
    if entry.host.bare != asked.host.bare:
        return False
    for reading in asked.readings:
        if entry.query:
            if reading.whole == entry.path.whole and asked.query.startswith(entry.query):
                return True
        elif reading.segments[: len(entry.path.segments)] == entry.path.segments:
            return True
    return False


def _matches(expression: str, host: str, path: UrlPath, query: str) -> bool:
    name = f"[{host}]" if ":" in host else host
    text = f"{name}{path.whole}{'?' if query else ''}{query}".lower()
    return bool(re.search(expression, text))


def expected(files: Sequence[File], asked: Asked) -> list[tuple[str, str, str, int, bool]]:
    """List, category, file, line and whiteness of every entry that covers the address; of two alike in a file one."""
    found = []
    for file in files:
        seen = set()
        for number, line in enumerate(file.lines, 1):
            if isinstance(line, Entry) and line.same not in seen:
                seen.add(line.same)
                if covers(line, asked):
                    found.append((file.list, file.category, file.name, number, file.white))
    return sorted(found)


def spelled(words: dict[str, tuple[str, ...]]) -> st.SearchStrategy[tuple[str, str]]:
    pairs = [(word, text) for word, texts in words.items() for text in texts]
    return st.sampled_from(pairs)


@st.composite
def names(draw: st.DrawFn) -> Host:
    parts = draw(st.lists(spelled(LABELS), min_size=1, max_size=3))
    end, end_text = draw(spelled(ENDS))
    dot, last = draw(st.sampled_from([".", ".", ".", "。"])), draw(st.sampled_from(["", "", "."]))
    return Host(
        ".".join([*(word for word, _ in parts), end]), dot.join([*(text for _, text in parts), end_text]) + last
    )


listed_literals = st.sampled_from([Host(name, text) for name, (texts, _) in LITERALS.items() for text in texts])
asked_literals = st.sampled_from([Host(name, text) for name, (_, texts) in LITERALS.items() for text in texts])


plain_literals = st.sampled_from([Host("192.0.2.1", "192.0.2.1"), Host("2001:db8::1", "[2001:db8::1]")])


@st.composite
def paths(draw: st.DrawFn) -> UrlPath:
    parts = draw(st.lists(spelled(SEGMENTS), max_size=3))
    slash = draw(st.booleans())
    text = "".join(f"/{text}" for _, text in parts) + ("/" if slash and parts else "")
    return UrlPath(tuple(word.lower() for word, _ in parts), slash, text)


def host_of(below: str, name: str) -> Host:
    name = f"{below}{name}" if len(name) < 200 else name
    return Host(name, name)


def longer(path: UrlPath) -> st.SearchStrategy[UrlPath]:
    """A path that begins as another one does, or as its text does."""
    return st.one_of(
        st.just(path),
        st.just(UrlPath((*path.segments, "ab"), True, f"{path.text.rstrip('/')}/ab/")),
        st.just(UrlPath((*path.segments[:-1], f"{path.segments[-1]}ab"), False, f"{path.text.rstrip('/')}ab"))
        if path.segments
        else st.just(path),
    )


@st.composite
def asks(draw: st.DrawFn, listed: list[Entry]) -> Asked:
    """An address; mostly one near an entry."""
    host, path = draw(names() | asked_literals), draw(paths())
    query, query_text = draw(st.just(("", "")) | spelled(QUERIES))
    if listed and draw(st.integers(0, 4)):
        near = draw(st.sampled_from(listed))
        assert near.host
        below = draw(st.sampled_from(["", "", "www.", "web1.", "a.", "wwwx.ads."]))
        name = near.host.bare if near.path and draw(st.booleans()) else near.host.name
        host = Host(near.host.name, near.host.plain) if near.host.literal else host_of(below, name)
        if near.path and draw(st.integers(0, 3)):
            path = draw(longer(near.path))
            longer_query = f"{near.query}0" if near.query else ""
            query, query_text = draw(st.sampled_from([(near.query, near.query), (longer_query, longer_query)]))
    readings, text = (path,), path.text
    if path.segments:
        match draw(st.sampled_from(["as it is", "as it is", "//", "dots", "parameters", "encoded slash"])):
            case "//":
                text = text.replace("/", draw(st.sampled_from(["//", "\\", "/\\/"])))
            case "dots":
                text = f"/gone/..{text}" if draw(st.booleans()) else f"/.{text}"
            case "parameters":
                last = len(text.rstrip("/"))
                text = f"{text[:last]};v=1{text[last:]}"
                readings = (UrlPath((*path.segments[:-1], f"{path.segments[-1]};v=1"), path.slash, ""), path)
            case "encoded slash" if len(path.segments) > 1:
                head, _, tail = text.rstrip("/").rpartition("/")
                slash = draw(st.sampled_from(["%2F", "%2f", "%5C"]))
                text = f"{head}{slash}{tail}{'/' if path.slash else ''}"
                glued = f"{path.segments[-2]}{slash.lower()}{path.segments[-1]}"
                readings = (UrlPath((*path.segments[:-2], glued), path.slash, ""), path)
    return Asked(host, readings, query, f"http://{host.text}{text or '/'}{f'?{query_text}' if query else ''}")


def entries(kind: str) -> st.SearchStrategy[Entry | str]:
    match kind:
        case "domains":
            made = (names() | names() | listed_literals).map(_domain)
        case "hosts":
            made = (names() | listed_literals).map(lambda host: Entry("host", f"0.0.0.0 {host.text}", host))
        case "wildcard":
            made = st.builds(_wildcard, names(), st.booleans())
        case "urls":
            made = st.builds(_url, names() | plain_literals, paths(), st.just(("", "")) | spelled(QUERIES))
        case _:
            return st.sampled_from(EXPRESSIONS).map(lambda text: Entry("expression", text))
    return made


def _domain(host: Host) -> Entry:
    return Entry("host" if host.literal else "domain", host.text, host)


def _wildcard(host: Host, below: bool) -> Entry:
    return Entry("domain", f"*.{host.text}", host) if below else Entry("host", host.text, host)


def _url(host: Host, path: UrlPath, query: tuple[str, str]) -> Entry:
    text = f"{host.text}{path.text or ('/' if query[0] else '')}"
    return Entry("url", f"{text}?{query[1]}" if query[0] else text, host, path, query[0])


def lines(name: str, kind: str) -> st.SearchStrategy[tuple[Entry | str, ...]]:
    """Lines of a file: now and then one again, a comment, a blank, or what is no entry (five refuse no list)."""
    rejected = REJECTED.get(kind, ()) if name != "w/urls" else ()
    others = st.sampled_from(["", "# a comment", *rejected])
    made = st.lists(entries(kind) | entries(kind) | others, max_size=8)
    return st.builds(_with_repeats, made, st.lists(st.integers(0, 7), max_size=2)).map(_few_rejected)


def _with_repeats(made: list[Entry | str], places: list[int]) -> list[Entry | str]:
    return [*made, *(made[place] for place in places if place < len(made))]


def _few_rejected(made: list[Entry | str]) -> tuple[Entry | str, ...]:
    rejected = [place for place, line in enumerate(made) if isinstance(line, str) and line and line[0] != "#"]
    return tuple("" if place in rejected[1:] else line for place, line in enumerate(made))


FILES = (
    ("tree", "x/domains", "domains", "games", False),
    ("tree", "x/expressions", "expressions", "games", False),
    ("tree", "x/urls", "urls", "games", False),
    ("tree", "y/domains", "domains", "pornography", False),
    ("tree", "y/urls", "urls", "pornography", False),
    ("tree", "w/domains", "domains", "w", True),
    ("tree", "w/urls", "urls", "w", True),
    ("one", "one", "domains", "games", False),
    ("two", "two", "hosts", "shopping", False),
    ("three", "three", "wildcard", "games", False),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[File, ...], list[Asked]]:
    """Lists, and addresses to ask about."""
    files = tuple(File(*about, draw(lines(*about[1:3]))) for about in FILES)
    listed = [line for file in files for line in file.lines if isinstance(line, Entry) and line.host]
    return files, draw(st.lists(asks(listed), min_size=4, max_size=12))


FILLER = "filler.example"


def compiled(files: Sequence[File], folder: Path) -> CategoryIndex:
    """Write the lists as files and take the whole way to an index."""
    contents = {file.name: "\n".join(_written(file)) for file in files}
    at = tree(folder / "tree", {name: text for name, text in contents.items() if "/" in name} | {"w/usage": "white\n"})
    sources = [
        ListSource("tree", "ut1", path=at, map={"x": "games", "y": "pornography"}, white={"w": "ITS"}, expressions=True)
    ]
    for file in files:
        if "/" not in file.name:
            (folder / file.name).write_text(contents[file.name], newline="\r\n")
            sources.append(ListSource(file.name, file.kind, path=folder / file.name, category=file.category))
    return CategoryIndex.open(compile_generation(sources, folder / "lists").folder)


def _written(file: File) -> Iterator[str]:
    for line in file.lines:
        yield line if isinstance(line, str) else line.text
    if file.kind != "expressions":
        yield f"0.0.0.0 {FILLER}" if file.kind == "hosts" else FILLER  # without any entry a list would be refused


@pytest.fixture
def engine_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile expressions in this process: starting others takes most of the time, and they have tests of their own."""
    monkeypatch.setattr(expressions_format, "checked", lambda patterns: [None] * len(patterns))
    monkeypatch.setattr(expression_index, "built", lambda patterns: Matcher.compile(patterns).dump())


def host(name: str) -> Host:
    return Host(name, name)


def address(name: str, *segments: str) -> Asked:
    path = UrlPath(segments, False, "")
    return Asked(host(name), (path,), "", f"http://{name}/{'/'.join(segments)}")


def only(**made: list[Entry]) -> tuple[File, ...]:
    return tuple(File(*about, tuple(made.get(about[1].replace("/", "_"), ()))) for about in FILES)


def page(name: str) -> Entry:
    return Entry("url", f"{name}/a", host(name), UrlPath(("a",), False, "/a"))


SGUARD = [_domain(host("x.test")), _domain(host("ads.x.test"))]


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(cases())
@example((only(), [address("a.test")]))
@example(
    (only(x_domains=SGUARD), [address(f"{label}.x.test") for label in ("www", "a", "zzz", "ads", "b.ads")])
)  # squidGuard lets all but ads through
@example(
    (
        only(x_domains=SGUARD, one=SGUARD, y_domains=SGUARD, w_domains=SGUARD, three=[_wildcard(host("x.test"), True)]),
        [address("a.x.test"), address("ads.x.test")],
    )
)
@example(
    (
        only(x_urls=[page("page.test"), page("www.deep.page.test"), page("www.github.io")]),
        [
            address(f"{label}page.test", "a", "ab")
            for label in ("", "www.", "web1.", "ftp.", "deep.", "web2.deep.", "wwwx.")
        ]
        + [address("www.github.io", "a"), address("github.io", "a"), address("web1.github.io", "a")],
    )
)
def test_the_whole_way_agrees_with_a_walk_over_all_lines(
    tmp_path_factory: pytest.TempPathFactory, engine_here: None, case: tuple[tuple[File, ...], list[Asked]]
) -> None:
    files, asked = case
    index = compiled(files, tmp_path_factory.mktemp("district"))
    for one in asked:
        canonical = parse(one.text)
        assert canonical.host == one.host.name
        answer = index.lookup(canonical.host, canonical.path, canonical.query)
        got = sorted(
            (each.list, each.category, each.file, each.line, each.white) for each in answer if each.list != STARTER
        )
        assert got == expected(files, one), one.text
    for summary in index.lists[1:]:
        mine = [file for file in files if file.list == summary.name]
        assert summary.rejected == sum(_is_rejected(line) for file in mine for line in file.lines)
        distinct = sum(
            len({line.same for line in file.lines if isinstance(line, Entry)}) + (file.kind != "expressions")
            for file in mine
        )
        assert summary.entries == distinct


def _is_rejected(line: Entry | str) -> bool:
    return isinstance(line, str) and line != "" and line[0] != "#"


@pytest.mark.parametrize("kind", sorted(REJECTED))
def test_a_list_of_nothing_but_rejected_lines_is_refused(tmp_path: Path, kind: str) -> None:
    at = tree(tmp_path / "tree", {f"x/{kind}": "\n".join(REJECTED[kind])})
    source = ListSource("tree", "ut1", path=at, map={"x": "games"})
    if kind in {"hosts", "wildcard"}:
        source = ListSource("flat", kind, path=at / "x" / kind, category="games")
    count = len(REJECTED[kind])
    with pytest.raises(ListRefused, match=f"{count} of {count} lines are no entries"):
        compile_generation((source,), tmp_path / "lists")
