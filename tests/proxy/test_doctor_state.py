"""doctor on the disk: each check is right on a healthy district, and is broken once for every way it can be."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.proxy_settings import Listener
from proxy.doctor_state import (
    check_accounts,
    check_clock,
    check_disk,
    check_modes,
    check_refused_certificates,
    check_settings,
    check_spool,
    check_workers,
)
from proxy.finding import Level
from proxy.identity import accounts_file
from proxy.identity.accounts import AccountsRefused
from tests.proxy.doctor_district import district, only, say, subject

GIB = 1024**3


@pytest.fixture
def config(tmp_path):
    return district(tmp_path)


@pytest.fixture
def state(config):
    return config.parent / "state"


@pytest.mark.parametrize(
    "check",
    [check_settings, check_modes, check_accounts, check_clock, check_disk, check_spool, check_workers,
     check_refused_certificates],
)  # fmt: skip
def test_a_healthy_district_is_ok(config, check, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 * GIB, 50 * GIB, 50 * GIB))
    finding = only(check, subject(config))
    assert (finding.level, finding.todo) == (Level.OK, ""), finding


Usage = namedtuple("Usage", "total used free")


def test_an_edited_file_is_red_and_names_who_applied_what_is_in_force(config):
    config.write_text(config.read_text() + "# edited\n")
    finding = only(check_settings, subject(config))
    assert finding.level is Level.RED
    assert "differs from revision 1, by ann" in finding.what
    assert "config apply" in finding.todo


def test_a_missing_file_is_red(config):
    examined = subject(config)
    config.unlink()
    assert only(check_settings, examined).level is Level.RED


def test_settings_that_were_never_applied_are_red(config):
    assert only(check_settings, subject(config, applied=None)).level is Level.RED


@pytest.mark.parametrize(
    ("name", "mode", "todo"),
    [
        (".", 0o750, "chmod 700"),
        ("ca", 0o755, "chmod 700"),
        ("ca/authority.pem", 0o644, "chmod 600"),
        ("accounts.json", 0o640, "chmod 600"),
        ("audit-keys", 0o701, "chmod 700"),
        ("spool", 0o770, "chmod 700"),
        ("log", 0o704, "chmod 700"),
        ("config", 0o705, "chmod 700"),
    ],
)
def test_a_mode_that_lets_others_in_is_red(config, state, name, mode, todo):
    (state / name).chmod(mode)
    finding = only(check_modes, subject(config))
    assert finding.level is Level.RED
    assert f"{mode:04o}" in finding.what
    assert todo in finding.todo


def test_a_listeners_key_that_others_can_read_is_red(config, tmp_path):
    key = tmp_path / "listener.key"
    key.write_text("key")
    key.chmod(0o644)
    examined = subject(config)
    listener = Listener(address="127.0.0.1:8443", tls={"cert_file": "/c.pem", "key_file": str(key)})
    proxy = examined.settings.proxy.model_copy(update={"listen": (listener,)})
    examined = replace(examined, settings=examined.settings.model_copy(update={"proxy": proxy}))
    assert f"chmod 600 {key}" in only(check_modes, examined).todo


def test_nobody_who_can_sign_in_is_a_warning(config, state):
    accounts_file.disable(state / "accounts.json", "ann")
    finding = only(check_accounts, subject(config))
    assert (finding.level, finding.what) == (Level.WARN, "0 active, 1 disabled: nobody can sign in")


def test_broken_accounts_are_refused(config, state):
    (state / "accounts.json").write_text("{")
    with pytest.raises(AccountsRefused):
        check_accounts(subject(config))


@pytest.mark.parametrize(
    ("shift", "level"),
    [
        (timedelta(minutes=-4), Level.OK),
        (timedelta(hours=-1), Level.RED),
        (timedelta(days=300), Level.OK),
        (timedelta(days=367), Level.WARN),
    ],
)
def test_a_clock_that_does_not_fit_what_was_written_is_noticed(config, shift, level):
    examined = subject(config)
    assert only(check_clock, replace(examined, now=examined.now + shift)).level is level


def test_a_file_from_the_future_is_noticed_without_an_applied_revision(config, state):
    later = datetime.now(UTC).timestamp() + 3600
    os.utime(state / "accounts.json", (later, later))
    assert only(check_clock, subject(config, applied=None)).level is Level.RED


@pytest.mark.parametrize(
    ("total", "free", "level"),
    [
        (100 * GIB, 11 * GIB, Level.OK),
        (100 * GIB, 9 * GIB, Level.WARN),
        (100 * GIB, 1 * GIB, Level.RED),
        (5 * GIB, GIB - 1, Level.RED),
    ],
)
def test_a_volume_that_fills_up_is_noticed(config, monkeypatch, total, free, level):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total, total - free, free))
    assert only(check_disk, subject(config)).level is level


@pytest.mark.parametrize(("percent", "level"), [(49, Level.OK), (51, Level.WARN), (91, Level.RED)])
def test_a_spool_that_is_not_emptied_is_noticed(config, state, percent, level):
    examined = subject(config)
    with (state / "spool" / "x-001-00000001.seg").open("wb") as file:
        file.truncate(examined.settings.proxy.limits.spool_bytes * percent // 100)
    assert only(check_spool, examined).level is level


def test_a_worker_that_keeps_an_older_policy_is_red_and_says_why(config, state):
    say(state, revision=0, problem="list ut1: is empty\nand more")
    finding = only(check_workers, subject(config))
    assert finding.level is Level.RED
    assert "list ut1: is empty" in finding.what
    assert "\n" not in finding.what


def test_a_worker_at_another_revision_is_red(config, state):
    say(state, revision=7)
    assert only(check_workers, subject(config)).level is Level.RED


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"{}", b'{"workers": [{}]}', b"[" * 90_000])
def test_a_broken_status_file_raises_what_doctor_tells(config, state, content):
    (state / "run" / "status.json").write_bytes(content)
    with pytest.raises((ValueError, KeyError, TypeError, RecursionError)):
        check_workers(subject(config))


def test_hosts_whose_clients_refuse_us_are_told_most_first_and_not_all(config, state):
    say(state, refused={f"{number}.test": number for number in range(1, 31)})
    finding = only(check_refused_certificates, subject(config))
    assert finding.level is Level.WARN
    assert finding.what.startswith("30.test 30x, 29.test 29x")
    assert finding.what.endswith("and 20 more")


def test_a_host_cannot_write_to_the_terminal(config, state):
    say(state, refused={"evil\x1b[2J\n.test": 1})
    what = only(check_refused_certificates, subject(config)).what
    assert what.isprintable()
