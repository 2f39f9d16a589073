"""A few seconds of `make fuzz`, the same bytes each time, and what it would find."""

from __future__ import annotations

from tests.endurance.fuzz import fuzz
from tests.endurance.mutation import mutated
from tests.endurance.seeds import frames, heads


def test_a_few_seconds_of_raw_bytes_find_nothing(tmp_path):
    findings = fuzz(tmp_path, seconds=12, run=20261122)
    assert findings.wrong == []
    assert findings.cases["inside TLS, HTTP/2"] > 0


def test_a_run_and_a_number_say_the_same_bytes_again():
    seeds = [*heads("a.test", 80, ""), *frames("a.test")]
    said = [mutated(seeds, 7, number) for number in range(500)]
    assert said == [mutated(seeds, 7, number) for number in range(500)]
    assert len(set(said)) > 450
    assert set(said).isdisjoint(seeds) or len(set(said) & set(seeds)) < 25
