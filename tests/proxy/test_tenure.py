from __future__ import annotations

import fcntl
import os
import threading

import pytest

from proxy.tenure import AlreadyRunning, InCharge, in_charge, sole


@pytest.fixture
def state_dir(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path


def test_one_supervisor_at_a_time(state_dir):
    again = pytest.raises(AlreadyRunning, match="another breakwater runs on this state_dir")
    with sole(state_dir), again, sole(state_dir):
        pass
    with sole(state_dir):
        pass


def test_a_successor_holds_on_to_the_lock_when_its_predecessor_lets_go(state_dir):
    with sole(state_dir) as tenure:
        handed_over = os.dup(tenure.fd)
    with sole(state_dir, handed_over), pytest.raises(AlreadyRunning), sole(state_dir):
        pass
    with sole(state_dir):
        pass


def test_the_lock_of_another_state_dir_is_not_taken_for_this_one(state_dir, tmp_path):
    other = tmp_path / "other"
    (other / "run").mkdir(parents=True)
    with sole(state_dir) as tenure, sole(other):
        refused = pytest.raises(AlreadyRunning, match="has another state_dir")
        with refused, sole(other, os.dup(tenure.fd)):
            pass


def test_who_is_in_charge_is_told_once_it_is_ready_and_as_long_as_it_lives(state_dir):
    assert in_charge(state_dir) is None
    with sole(state_dir) as tenure:
        assert in_charge(state_dir) is None
        tenure.begin()
        assert in_charge(state_dir) == InCharge(os.getpid(), 0)
        tenure.refused()
        assert in_charge(state_dir) == InCharge(os.getpid(), 1)
    assert in_charge(state_dir) is None


def test_who_looks_for_an_instant_does_not_keep_a_start_away(state_dir):
    """`in_charge` takes the lock to look."""
    with (state_dir / "run" / "supervisor.lock").open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        done = threading.Timer(0.1, fcntl.flock, (looking, fcntl.LOCK_UN))
        done.start()
        with sole(state_dir):
            assert in_charge(state_dir) is None
        done.join()


@pytest.mark.parametrize("text", ["", "{}", "null", "[1]", '{"pid": "x", "refused": 0}'])
def test_a_lock_that_says_nothing_readable_says_nothing(state_dir, text):
    with sole(state_dir):
        (state_dir / "run" / "supervisor.lock").write_text(text)
        assert in_charge(state_dir) is None
