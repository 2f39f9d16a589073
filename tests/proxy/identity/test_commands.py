"""`breakwater users …`, as it is called."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from proxy.identity.accounts import AccountsRefused, load_accounts
from proxy.identity.commands import users_app
from proxy.identity.passwords import matches

DISTRICT = """district: {name: Example Unified}
state_dir: state
retention: {records: 90d, evidence: 10y, cases: 10y}
starter_only: true
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "district.yaml"
    file.write_text(DISTRICT)
    return file


def run(config, *arguments, piped=None):
    return CliRunner().invoke(users_app, [arguments[0], "--config", str(config), *arguments[1:]], input=piped)


def account(config, name="ana"):
    return load_accounts(config.parent / "state" / "accounts.json").get(name)


def added(config):
    return run(config, "add", "Ana", "--password-stdin", piped="sand:dollar-7890\n")


def test_an_account_from_its_first_day_to_its_last(config):
    assert "ana may sign in" in added(config).stderr
    assert json.loads(run(config, "list", "--json").stdout)["disabled"] is False
    assert "ana is disabled" in run(config, "disable", "ana").stderr
    assert account(config).disabled
    assert "disabled" in run(config, "list").stdout
    assert "ana may sign in again" in run(config, "enable", "ana").stderr
    assert not account(config).disabled
    assert matches(account(config).password_hash, "sand:dollar-7890")


def test_a_new_password_replaces_the_old_one_and_opens_nothing(config):
    added(config)
    run(config, "disable", "ana")
    result = run(config, "password", "ana", "--password-stdin", piped="kelp-forest-4321\n")
    assert "still disabled" in result.stderr
    assert "kelp" not in result.output
    assert account(config).disabled
    assert matches(account(config).password_hash, "kelp-forest-4321")
    assert not matches(account(config).password_hash, "sand:dollar-7890")


@pytest.mark.parametrize(
    "arguments",
    [
        ("enable", "nobody"),
        ("disable", "nobody"),
        ("password", "nobody", "--password-stdin"),
        ("password", "ana", "--password-stdin"),
        ("password", "ana"),
        ("add", "ana", "--password-stdin"),
    ],
    ids=" ".join,
)
def test_what_is_refused_changes_nothing(config, arguments):
    """Nobody of that name, a short password, no terminal to ask at, a name that is taken."""
    added(config)
    before = account(config)
    piped = "short\n" if arguments[:2] == ("password", "ana") else "long-enough-for-anybody\n"
    result = run(config, *arguments, piped=piped)
    assert isinstance(result.exception, AccountsRefused)
    assert account(config) == before
    assert account(config, "nobody") is None
