"""Here the supervisor is a thread that answers SIGUSR2 as a real one would: by what stands in its lock."""

from __future__ import annotations

import os
import signal

import pytest

from proxy import upgrade as upgrading
from proxy.tenure import InCharge, sole
from proxy.upgrade import NotRunning, UpgradeRefused, upgrade


@pytest.fixture
def state_dir(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path


@pytest.fixture
def asked(monkeypatch):
    """Who was sent a signal, and `answers`: who is in charge at each look."""
    sent = []
    monkeypatch.setattr(upgrading.os, "kill", lambda pid, number: sent.append((pid, number)))
    return sent


def answers(monkeypatch, *looks):
    left = list(looks)
    monkeypatch.setattr(upgrading, "in_charge", lambda _: left.pop(0) if len(left) > 1 else left[0])
    monkeypatch.setattr(upgrading, "_LOOK_SECONDS", 0.01)


def test_an_upgrade_is_over_when_another_process_is_in_charge(monkeypatch, asked, state_dir):
    answers(monkeypatch, InCharge(7), InCharge(7), InCharge(8))
    assert upgrade(state_dir) == "process 8 filters now; process 7 drains and ends"
    assert asked == [(7, signal.SIGUSR2)]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("looks", "error", "said"),
    [
        ([InCharge(7, 1), InCharge(7, 1), InCharge(7, 2)], UpgradeRefused, "the old one goes on"),
        ([InCharge(7), None], NotRunning, "has ended meanwhile"),
        ([InCharge(7)], UpgradeRefused, "was not ready within"),
    ],
)
def test_what_can_go_wrong_is_said(monkeypatch, state_dir, looks, error, said):
    answers(monkeypatch, *looks)
    with pytest.raises(error, match=said):
        upgrade(state_dir, 0.3)


def test_without_a_filter_there_is_nothing_to_upgrade(state_dir):
    with pytest.raises(NotRunning, match="no breakwater runs here"):
        upgrade(state_dir)


def test_the_filter_of_somebody_else_is_left_alone(monkeypatch, state_dir):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(upgrading.os, "kill", refuse)
    with sole(state_dir) as tenure:
        tenure.begin()
        with pytest.raises(UpgradeRefused, match=f"process {os.getpid()} belongs to somebody else"):
            upgrade(state_dir)
