"""doctor on the usage log: kept by the workers, stored by the collector."""

from __future__ import annotations

import json

import pytest

from proxy.doctor_log import check_usage_log
from proxy.finding import Level
from tests.proxy.doctor_district import district, only, say, subject


@pytest.fixture
def config(tmp_path):
    return district(tmp_path)


@pytest.fixture
def state(config):
    return config.parent / "state"


def test_records_that_are_stored_are_ok(config):
    finding = only(check_usage_log, subject(config))
    assert (finding.level, finding.what) == (Level.OK, "the oldest record that waits is 0.1 s old")


@pytest.mark.parametrize(
    ("collector", "level", "what"),
    [
        ({"oldest_unread_seconds": 61.2}, Level.WARN, "the oldest record that waits is 61.2 s old"),
        ({"trouble": "cannot store\nrecords"}, Level.RED, "cannot store"),
        ({"heard": 1000.0}, Level.RED, "the collector has said nothing since 1970-01-01 00:16:40 UTC"),
    ],
)
def test_records_that_wait_are_told(config, state, collector, level, what):
    say(state, collector=collector)
    finding = only(check_usage_log, subject(config))
    assert (finding.level, finding.what.startswith(what)) == (level, True), finding
    assert "nothing is lost" in finding.todo
    assert "\n" not in finding.what


def test_a_collector_that_never_spoke_is_red(config, state):
    path = state / "run" / "status.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"collector": None}))
    assert only(check_usage_log, subject(config)).level is Level.RED


def test_a_worker_that_can_keep_no_record_is_red_and_says_that_all_is_blocked(config, state):
    say(state, spool="no room for the next segment: No space left on device")
    finding = only(check_usage_log, subject(config))
    assert finding.level is Level.RED
    assert "worker 1 blocks everything" in finding.what
    assert "No space left" in finding.what
