"""A hundred cases of `make fuzz` for each opening of the lists, always the same, and what it would find."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from tests.endurance.list_fuzz import fuzz_lists, fuzz_opening
from tests.endurance.list_openings import openings, resummed
from tests.endurance.list_seeds import archives


def test_a_hundred_cases_of_each_opening_find_nothing():
    found = fuzz_lists(run=20261123, seconds=300, cases=100)
    assert [line for each in found for line in each.wrong] == []
    assert {each.opening for each in found} == set(openings())
    assert all(100 == each.cases > each.refused for each in found)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fails", "CRASH: Traceback"),
        ("for ever", "HANG: over 5 s"),
        ("waits", "HANG: over 3 s, and not to be interrupted"),
        ("huge", "MEMORY"),
        ("outside", "OUTSIDE: {'outside'}"),
        ("too much", "DISK"),
        ("dies", "CRASH: the process ended with -6"),
    ],
)
def test_what_is_broken_is_found_with_its_run_and_case(name, words):
    found = fuzz_opening(name, run=7, seconds=0, patience=3 if name == "waits" else 60)
    assert found.wrong[0].startswith(words)
    assert f"{name}, run 7, case 0" in found.wrong[0]


@pytest.mark.parametrize("name", sorted(openings()))
def test_a_run_and_a_number_give_the_same_bytes_again(name):
    bytes_of = openings()[name].bytes_of
    said = [bytes_of(7, number) for number in range(50)]
    assert said == [bytes_of(7, number) for number in range(50)]
    assert len(set(said)) > 40


def test_an_archive_that_was_changed_is_read_again_with_its_check_sums():
    whole = archives()[0]
    changed = whole.replace(b"blacklists/adult/domains\0", b"blacklists/adulx/domains\0")
    with pytest.raises(tarfile.ReadError):
        read(changed.replace(b"blacklists/\0", b"clacklists/\0"))
    assert "blacklists/adulx/domains" in read(resummed(changed))
    assert read(gzip.decompress(gzip.compress(resummed(whole)))) == read(whole)


def read(archive):
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
        return tar.getnames()
