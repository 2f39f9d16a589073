from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from categories.address import canonical_host, is_public_suffix, parse, path_readings
from categories.compile import SHARDS_FILE
from categories.entries import Covers, ListEntry
from categories.errors import IndexRefused
from categories.index import WITHHELD, CategoryIndex
from categories.meta import META_FILE
from categories.sources import ListSource
from categories.starter import STARTER
from categories.update import compile_generation
from tests.categories.archives import tree

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class District:
    """Lists on the disk, and the index that is made of them."""

    folder: Path

    def index(self, *sources: ListSource) -> CategoryIndex:
        return CategoryIndex.open(compile_generation(sources, self.folder / "lists").folder)

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return path

    def domains(self, name: str, text: str | bytes, category: str) -> ListSource:
        return ListSource(name, "domains", path=self.file(name, text), category=category)


@pytest.fixture
def district(tmp_path: Path) -> District:
    return District(tmp_path)


def found(index: CategoryIndex, url: str) -> list[str]:
    """Patterns of the entries that are not of the starter lists."""
    address = parse(url)
    entries = index.lookup(address.host, address.path, address.query)
    return [entry.pattern for entry in entries if entry.list != STARTER]


@pytest.mark.parametrize(
    ("url", "patterns"),
    [
        ("http://example.test/", ["example.test"]),
        ("http://www.example.test/any?x", ["example.test"]),
        ("http://a.b.example.test/", ["example.test"]),
        ("http://EXAMPLE.test./", ["example.test"]),
        ("http://notexample.test/", []),
        ("http://example.test.evil.test/", []),
        ("http://test/", []),
        ("http://ads.deep.test/", ["ads.deep.test", "deep.test"]),
        ("http://192.0.2.1/", ["192.0.2.1"]),
        ("http://0xC0.0.2.1/", ["192.0.2.1"]),
        ("http://1.192.0.2.1.test/", []),
        ("http://[2001:DB8::1]/", ["2001:db8::1"]),
        ("http://exact.test/", ["exact.test"]),
        ("http://www.exact.test/", []),
        ("http://sub.exact.test/", []),
        ("http://www.only.test/", ["www.only.test"]),
        ("http://only.test/", []),
        ("http://page.test/", []),
        ("http://page.test/a", ["page.test/a"]),
        ("http://page.test/a/", ["page.test/a"]),
        ("http://page.test/a/b", ["page.test/a"]),
        ("http://page.test/a?x", ["page.test/a"]),
        ("http://page.test/ab", []),
        ("http://page.test/A", ["page.test/a"]),
        ("http://page.test/%61", ["page.test/a"]),
        ("http://page.test//a", ["page.test/a"]),
        ("http://page.test/x/../a", ["page.test/a"]),
        ("http://page.test/a;session=1", ["page.test/a"]),
        ("http://page.test/%2fa%5cb", ["page.test/a"]),
        ("http://www.page.test/a", ["page.test/a"]),
        ("http://web2.page.test/a", ["page.test/a"]),
        ("http://sub.page.test/a", []),
        ("http://page.test/a/deep/er", ["page.test/a/deep", "page.test/a"]),
        ("http://service.test/a", ["service.test/a"]),
        ("http://www.service.test/a", ["service.test/a"]),
        ("http://query.test/?q=cat", ["query.test/?q="]),
        ("http://query.test/?p=1&q=cat", []),
        ("http://query.test/", []),
        ("http://whole.test/x", ["whole.test/"]),
        ("http://sub.whole.test/x", []),
    ],
)
def test_what_an_entry_covers(district: District, url: str, patterns: list[str]) -> None:
    ut1 = tree(
        district.folder / "ut1",
        {
            "games/domains": "example.test\nads.deep.test\ndeep.test\n192.0.2.1\n2001:db8::1\n",
            "games/urls": "page.test/a\npage.test/a/deep/\nwww.service.test/a\nquery.test/?q=\nwhole.test/\n",
        },
    )
    hosts = district.file("hosts", "0.0.0.0 exact.test\n0.0.0.0 www.only.test\n")
    index = district.index(
        ListSource("ut1", "ut1", path=ut1, map={"games": "games"}),
        ListSource("hosts", "hosts", path=hosts, category="ads"),
    )
    assert found(index, url) == patterns


def test_every_entry_of_every_list_is_given_with_list_version_file_and_line(district: District) -> None:
    white = tree(district.folder / "three", {"health/domains": "host.test\n", "health/usage": "white\n"})
    index = district.index(
        district.domains("one", "# comment\nhost.test\nhost.test\n", "games"),
        district.domains("two", "other.test\nwww.host.test\n", "shopping"),
        ListSource("three", "ut1", path=white, white={"health": "Health Services"}),
    )
    entries = index.lookup("www.host.test")
    assert [(entry.pattern, entry.category, entry.list, entry.line, entry.white) for entry in entries] == [
        ("www.host.test", "shopping", "two", 2, False),
        ("host.test", "games", "one", 2, False),
        ("host.test", "health", "three", 1, True),
    ]
    assert entries[1].file == "one"
    assert entries[1].list_version == index.lists[1].version
    assert index.counts["games"] == {"one": 1}  # distinct, and white entries do not count as blocking
    assert "health" not in index.counts


def test_child_abuse_entries_carry_no_host_file_or_line(district: District) -> None:
    source = district.domains("licensed", "secret-host.test\nco.uk\n", "child-abuse")
    index = district.index(source)
    (entry,) = index.lookup("secret-host.test")
    assert entry == ListEntry("child-abuse", WITHHELD, Covers.DOMAIN, "licensed", index.lists[1].version, "", 0)
    assert index.lists[1].rejected == 1
    assert index.lists[1].examples == ()


@pytest.mark.parametrize("category", ["gambling", "child-abuse"])
def test_who_names_a_host_with_all_below_it_and_which_names_below_it_are_named(
    district: District, category: str
) -> None:
    text = "a.test\nb.a.test\nc.b.a.test\nnota.test\nx.a.test.other\n"
    index = district.index(district.domains("mine", text, category))
    assert [entry.list for entry in index.naming("a.test")] == ["mine"]
    assert index.naming("test.a") == index.naming("d.a.test") == ()
    assert sorted(index.domains_below("a.test")) == ["b.a.test", "c.b.a.test"]


def test_who_names_a_host_alone_or_a_path_of_it_does_not_name_all_below_it(district: District) -> None:
    text = "a.test\n*.b.test\n"
    wildcard = ListSource("mine", "wildcard", path=district.file("mine", text), category="gambling")
    index = district.index(wildcard)
    assert index.naming("a.test") == ()
    assert [entry.covers for entry in index.naming("b.test")] == [Covers.DOMAIN]
    assert set(index.domains_below("test")) >= {"b.test"}
    assert "a.test" not in index.domains_below("test")


def test_a_closed_index_says_so_and_a_second_close_is_nothing(district: District) -> None:
    index = district.index()
    index.close()
    index.close()
    with pytest.raises(ValueError, match="closed"):
        index.lookup("pornography.test")


def test_files_may_be_removed_while_the_index_is_open(district: District) -> None:
    index = district.index()
    shutil.rmtree(district.folder / "lists")
    assert index.lookup("pornography.test")


FILES = (SHARDS_FILE, META_FILE)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["removed", "empty", "truncated", "one bit", "longer"])
def test_a_damaged_index_refuses_to_open(district: District, file: str, damage: str) -> None:
    folder = compile_generation((), district.folder / "lists").folder
    path = folder / file
    data = bytearray(path.read_bytes())
    path.unlink()
    middle = len(data) // 2
    match damage:
        case "empty":
            path.touch()
        case "truncated":
            path.write_bytes(data[:-1])
        case "one bit":
            data[middle] ^= 1
            path.write_bytes(data)
        case "longer":
            path.write_bytes(data + b"\0")
    with pytest.raises(IndexRefused) as refusal:
        CategoryIndex.open(folder)
    assert "\n" not in str(refusal.value)


labels = st.sampled_from(["a", "b", "www", "ads", "web1", "x-y", "münchen", "straße", "_s"])
domains = st.sampled_from(["test", "a.test", "github.io", "co.uk"])  # a shard is of the last two labels
names = st.lists(labels, min_size=1, max_size=4).flatmap(
    lambda parts: domains.map(lambda domain: ".".join([*parts, domain]))
)
literals = st.sampled_from(["192.0.2.1", "1.192.0.2.1.test", "2.0.2.1", "192.0.2.11", "[2001:db8::1]", "[2001:db8::]"])
hosts = names | literals
segments = st.lists(st.sampled_from(["a", "B", "ab", "c;d", "%41", ""]), max_size=3)
paths = segments.map(lambda parts: "/" + "/".join(parts))
queries = st.sampled_from(["", "?q=1", "?Q=12", "?"])
addresses = st.builds("{}{}{}".format, hosts | st.sampled_from(["test", "localhost"]), paths, queries)


def plainly(entries: list[tuple[str, str]], url: str) -> set[str]:
    """The reference: lists are lists, and every entry is looked at. Gives "list line" of each that covers `url`."""
    address = parse(url)
    return {f"{kind} {line}" for line, (kind, text) in enumerate(entries) if _covers(kind, text, address.host, url)}


def _covers(kind: str, text: str, host: str, url: str) -> bool:
    if kind == "hosts":
        return canonical_host(text) == host
    if kind == "domains":
        return f".{host}".endswith(f".{canonical_host(text)}")
    entry, asked = parse(f"http://{text}"), parse(url)
    if _bare(entry.host) != _bare(host) and entry.host != host:
        return False
    if "." not in entry.host and ":" not in entry.host and not entry.query and entry.path == "/":
        return False  # a single label whole is a rejected line
    wanted = (entry.path if entry.query else entry.path.rstrip("/") or "/").lower()
    for reading in path_readings(asked.path):
        path = reading.lower()
        if entry.query:
            if path == wanted and asked.query and asked.query.lower().startswith(entry.query.lower()):
                return True
        elif path == wanted or path.startswith(wanted.rstrip("/") + "/"):
            return True
    return False


def _bare(host: str) -> str:
    first, _, rest = host.partition(".")
    return rest if first.rstrip("0123456789") in {"www", "web", "ftp"} and not is_public_suffix(rest) else host


entries_of_lists = st.lists(
    st.tuples(st.sampled_from(["hosts", "domains"]), hosts) | st.tuples(st.just("urls"), addresses), max_size=12
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(entries_of_lists, st.lists(addresses, min_size=1, max_size=8))
@example([("urls", "web1.www.test/")], ["www.test/"])
@example([("domains", "x-y.test"), ("domains", "ads.x-y.test")], ["b.ads.x-y.test/"])
def test_compiled_lists_answer_as_a_plain_walk_over_them(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, str]], asked: list[str]
) -> None:
    district = District(tmp_path_factory.mktemp("district"))
    blank = ["#"] * len(entries)
    texts = {kind: blank.copy() for kind in ("hosts", "domains", "urls")}
    for number, (kind, text) in enumerate(entries):
        texts[kind][number] = f"0.0.0.0 {text}" if kind == "hosts" else text
    texts["hosts"].append("0.0.0.0 good.example")  # a list without one entry is refused where a line is rejected
    texts["domains"].append("good.example")
    hosts = district.file("hosts", "\n".join(texts["hosts"]))
    # A list of nothing but rejected lines is refused.
    rest = {f"games/{kind}": "\n".join([*texts[kind], "filler.example"]) for kind in ("domains", "urls")}
    ut1 = tree(district.folder / "ut1", rest)
    index = district.index(
        ListSource("hosts", "hosts", path=hosts, category="games"),
        ListSource("ut1", "ut1", path=ut1, map={"games": "games"}),
    )
    for url in (f"http://{text}" for text in asked):
        address = parse(url)
        answer = index.lookup(address.host, address.path, address.query)
        got = {(entry.file.removeprefix("games/"), entry.pattern) for entry in answer if entry.list != STARTER}
        first_lines = {f"{entry.file.removeprefix('games/')} {entry.line - 1}" for entry in answer}
        expected = plainly(entries, url)
        assert len(got) <= len(expected)
        assert first_lines - expected == set(), url  # nothing that does not cover it
        missing = set(expected - first_lines)
        for line in missing:  # only a later duplicate of a line that was given
            kind, number = line.split()
            text = entries[int(number)][1]
            assert any(_same(kind, text, entries[int(given.split()[1])][1]) for given in first_lines), (url, line)


def _same(kind: str, one: str, other: str) -> bool:
    if kind != "urls":
        return canonical_host(one) == canonical_host(other.partition("/")[0])
    first, second = parse(f"http://{one}"), parse(f"http://{other}")
    same_path = first.path.rstrip("/").lower() == second.path.rstrip("/").lower()
    return same_path and _bare(first.host) == _bare(second.host) and first.query.lower() == second.query.lower()
