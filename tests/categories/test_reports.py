from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from categories import reports
from categories.address import MalformedAddress
from categories.entries import Covers
from categories.index import CategoryIndex
from categories.sources import ListSource
from categories.update import compile_generation

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def index(tmp_path: Path) -> CategoryIndex:
    (tmp_path / "mine").write_text("casino.test\nmünchen.test\nco.uk\nsecret-host.test\n")
    (tmp_path / "licensed").write_text("secret-host.test\n*\n")
    (tmp_path / "licensed").chmod(0o600)
    sources = (
        ListSource("mine", "domains", path=tmp_path / "mine", category="gambling"),
        ListSource("licensed", "domains", path=tmp_path / "licensed", category="child-abuse"),
    )
    return CategoryIndex.open(compile_generation(sources, tmp_path / "lists").folder)


def printed(table: object) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(table)
    return out.getvalue()


def test_status_shows_lists_with_counts_and_age(index: CategoryIndex) -> None:
    body = json.loads(json.dumps(reports.status(index, datetime(2026, 12, 2, tzinfo=UTC))))
    assert [item["name"] for item in body["lists"]] == ["starter", "mine", "licensed"]
    assert body["lists"][0]["age_days"] == 10
    assert body["lists"][1]["rejected"] == 1
    assert body["lists"][1]["examples"][0].startswith("mine:3: ")
    assert body["categories"]["child-abuse"] == 2
    text = printed(reports.status_table(body))
    assert "gambling" in text
    assert "1 rejected" in text
    assert "10 d" in text


def test_status_marks_a_list_that_is_older_than_its_limit(index: CategoryIndex) -> None:
    later = index.lists[1].date + timedelta(days=20)
    body = reports.status(index, later, {"mine": timedelta(days=14), "licensed": timedelta(days=30)})
    told = {item["name"]: (item["age_days"], item["stale_after_days"], item["stale"]) for item in body["lists"]}
    assert (told["mine"], told["licensed"][1:]) == ((20, 14, True), (30, False))
    assert told["starter"][1:] == (None, False)
    text = printed(reports.status_table(json.loads(json.dumps(body))))
    assert text.count("20 d, stale") == 1


def test_no_report_names_a_child_abuse_host_or_tells_whether_it_is_listed(index: CategoryIndex) -> None:
    body = reports.lookup(index, "secret-host.test")
    assert [entry["category"] for entry in body["entries"]] == ["gambling"]
    assert "never consulted" in printed(reports.lookup_table(body))
    everything = json.dumps(reports.status(index)) + " ".join(reports.findings(index.lists))
    assert "secret" not in everything
    assert "licensed:" not in everything.replace("list licensed:", "")


@pytest.mark.parametrize(
    ("text", "host", "count"),
    [
        ("WWW.Casino.Test.", "www.casino.test", 1),
        ("https://casino.test/slots?x", "casino.test", 1),
        ("::1", "::1", 0),
        ("münchen.test", "xn--mnchen-3ya.test", 1),
    ],
)
def test_lookup_takes_hosts_and_addresses(index: CategoryIndex, text: str, host: str, count: int) -> None:
    body = json.loads(json.dumps(reports.lookup(index, text)))
    assert (body["host"], len(body["entries"])) == (host, count)
    assert ("casino.test" in printed(reports.lookup_table(body))) == ("casino" in host)


@pytest.mark.parametrize(
    "text", ["", "co uk", "casino.test/slots", "[", "javascript://x", "***", "*.casino.test", "http://***/", "-"]
)
def test_lookup_refuses_what_is_no_host(index: CategoryIndex, text: str) -> None:
    with pytest.raises(MalformedAddress):
        reports.lookup(index, text)


def test_the_floor_says_how_much_and_from_where(index: CategoryIndex) -> None:
    assert reports.floor_lines({"pornography": {"starter": 58, "ut1": 4_659_942}, "obscene": {"starter": 1}}) == [
        "obscene: 1 entry (starter 1)",
        "child-abuse: 0 entries (no list)",
        "pornography: 4,660,000 entries (starter 58, ut1 4,659,942)",
        "harmful-to-minors: 0 entries (no list)",
    ]
    assert reports.floor_lines(index.counts)[1] == "child-abuse: 2 entries (starter 1, licensed 1)"


@pytest.mark.parametrize("covers", Covers)
def test_a_table_says_what_each_kind_of_entry_covers(covers: Covers) -> None:
    entry = {
        "category": "games",
        "white": False,
        "pattern": "x",
        "list": "a",
        "list_version": "v",
        "file": "f",
        "line": 1,
    }
    body = {"display": "x.test", "note": "", "entries": [{**entry, "covers": covers}]}
    assert reports.lookup_table(body).row_count == 1
