"""doctor on the word of the filter: it counts while a filter runs and speaks, and never says "ok" after that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from proxy.doctor import examine
from proxy.doctor_log import check_usage_log
from proxy.doctor_state import check_refused_certificates, check_workers
from proxy.doctor_word import last_word
from proxy.finding import Level
from proxy.tenure import sole
from tests.proxy.doctor_district import district, only, subject

CHECKS = pytest.mark.parametrize("check", [check_workers, check_usage_log, check_refused_certificates])


@pytest.fixture
def config(tmp_path):
    return district(tmp_path)


@pytest.fixture
def status(config):
    return config.parent / "state" / "run" / "status.json"


def test_the_word_of_a_filter_that_runs_counts(config):
    assert last_word(subject(config))["workers"]


@CHECKS
def test_after_a_stop_the_word_is_worth_nothing_however_new(config, check):
    finding = only(check, subject(config, runs=False))
    assert (finding.level, finding.todo) == (Level.WARN, "start the filter: breakwater run")
    assert "does not run" in finding.what


@CHECKS
def test_a_filter_that_runs_and_cannot_write_is_red_and_is_not_to_be_started(config, check):
    """On a full disk run/status.json stays as it was."""
    examined = subject(config)
    finding = only(check, replace(examined, now=examined.now + timedelta(minutes=1)))
    assert finding.level is Level.RED
    assert "the filter runs, and has not written how it is since " in finding.what
    assert "make room" in finding.todo
    assert "breakwater run" not in finding.todo


@CHECKS
def test_a_filter_that_runs_and_has_written_nothing_is_red(config, status, check):
    status.unlink()
    finding = only(check, subject(config))
    assert finding.level is Level.RED
    assert "has not written how it is yet" in finding.what


def test_whether_a_filter_runs_is_told_by_its_lock(config):
    def workers():
        (found,) = (each for each in examine(config, datetime.now(UTC)) if each.name == "workers")
        return found.level

    assert workers() is Level.WARN
    with sole(config.parent / "state") as tenure:
        tenure.begin()
        assert workers() is Level.OK
    assert workers() is Level.WARN
