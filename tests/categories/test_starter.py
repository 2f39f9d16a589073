from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from categories.address import canonical_host, is_public_suffix
from categories.index import CategoryIndex
from categories.starter import starter_hosts, starter_passthrough
from categories.taxonomy import FLOOR, TAXONOMY
from categories.update import compile_generation

if TYPE_CHECKING:
    from pathlib import Path

CONTAINERS = {"obscene": 1, "child-abuse": 1, "harmful-to-minors": 1}
WITH_SITES = ("pornography", "vpn", "web-proxy", "encrypted-dns", "p2p", "tor", "social-media", "gambling")


@pytest.fixture
def index(tmp_path: Path) -> CategoryIndex:
    return CategoryIndex.open(compile_generation((), tmp_path / "lists").folder)


def test_every_starter_list_is_of_a_known_category_and_has_no_bad_line(index: CategoryIndex) -> None:
    (starter,) = index.lists
    assert starter.rejected == 0
    assert set(index.counts) <= set(TAXONOMY)
    assert set(index.counts) >= FLOOR | set(WITH_SITES)


def test_the_categories_without_open_lists_hold_a_reserved_name_alone(index: CategoryIndex) -> None:
    assert {category: index.counts[category]["starter"] for category in CONTAINERS} == CONTAINERS
    for category in CONTAINERS:
        assert index.lookup(f"{category}.test")[0].category == category


@pytest.mark.parametrize("category", WITH_SITES)
def test_the_others_hold_a_few_sites_and_a_name_to_try(index: CategoryIndex, category: str) -> None:
    assert index.counts[category]["starter"] >= 5
    assert index.lookup(f"www.{category}.test")[0].category == category


def test_pinned_applications_are_narrow_and_not_blocked(index: CategoryIndex) -> None:
    pinned = starter_passthrough()
    assert len({item.host for item in pinned}) == len(pinned) > 20
    for item in pinned:
        assert canonical_host(item.host) == item.host
        assert not is_public_suffix(item.host)
        assert item.reason
        assert item.owner == "Breakwater starter list"
        assert item.since.year == 2026
        assert index.lookup(item.host) == ()


#: Too wide: whole makers, with mail, files and pages of strangers below them.
MAKERS = ("apple.com", "microsoft.com", "google.com", "googleapis.com", "icloud.com", "windows.com", "live.com")


def test_no_maker_is_passed_through_whole_and_no_host_twice() -> None:
    pinned = {item.host for item in starter_passthrough()}
    assert not pinned & set(MAKERS)
    assert not [host for host in pinned if any(host.endswith(f".{other}") for other in pinned)]


def test_the_hosts_of_a_category_are_the_lines_of_its_file() -> None:
    hosts = starter_hosts("encrypted-dns")
    assert {"encrypted-dns.test", "1.1.1.1", "dns.google"} <= set(hosts)
    assert not any(host.startswith("#") or not host for host in hosts)
