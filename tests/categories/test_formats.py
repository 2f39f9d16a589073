from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from categories.address import MalformedAddress, canonical_host, is_public_suffix
from categories.formats import FORMATS, domains, hosts, urls
from categories.formats.entry import LineParser, ParsedEntry, ParsedLine, RejectedLine, listed_host
from categories.streams import lines, unpacked

GOLDEN = Path(__file__).parent / "golden"


def written(parsed: ParsedLine) -> str:
    if isinstance(parsed, ParsedEntry):
        return f"{parsed.line}\t{parsed.covers}\t{parsed.host}{parsed.target}"
    assert isinstance(parsed, RejectedLine)
    return f"{parsed.line}\trejected\t{parsed.reason}"


@pytest.mark.parametrize(
    ("name", "parse"),
    [
        ("domains.list", domains.parse),
        ("domains.long", domains.parse),
        ("hosts.list", hosts.parse),
        ("urls.list", urls.parse),
    ],
)
def test_golden_lists(name: str, parse: LineParser) -> None:
    expected = (GOLDEN / f"{name}.expected").read_text().splitlines()
    with unpacked(GOLDEN / name, name) as stream:
        assert [written(parsed) for parsed in parse(lines(stream))] == expected


def test_the_registry_is_what_settings_may_name() -> None:
    assert sorted(FORMATS) == ["domains", "hosts", "ut1"]


raw_lines = st.lists(st.binary(max_size=60) | st.text("a.Tés/%*#@: 0x\\?;", max_size=40).map(str.encode), max_size=8)


@pytest.mark.parametrize("parse", [domains.parse, hosts.parse, urls.parse])
@given(raw=raw_lines)
def test_whatever_stands_in_a_line_it_is_an_entry_or_rejected(parse: LineParser, raw: list[bytes]) -> None:
    for parsed in parse(raw):
        assert 1 <= parsed.line <= len(raw)
        if isinstance(parsed, ParsedEntry):
            assert canonical_host(parsed.host) == parsed.host
            assert "\n" not in parsed.target
            assert parsed.target.isascii()
            assert parsed.target.startswith("/") or not parsed.target


@given(st.from_regex(r"(?:[a-z0-9_-]{1,20}\.){1,3}[a-z][a-z0-9-]{0,10}", fullmatch=True))
def test_the_short_way_for_plain_names_agrees_with_the_long_one(text: str) -> None:
    try:
        host = canonical_host(text)
    except MalformedAddress:
        host = None
    if host is None or is_public_suffix(host):
        with pytest.raises(MalformedAddress):
            listed_host(text)
    else:
        assert listed_host(text) == host
