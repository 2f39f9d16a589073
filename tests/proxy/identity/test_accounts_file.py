"""Changing accounts from the command line."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from proxy.identity import accounts_file
from proxy.identity.accounts import AccountsRefused, load_accounts
from proxy.identity.accounts_file import add, disable, enable, listing, set_password
from proxy.identity.passwords import matches

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "accounts.json"


def test_an_account_is_added_disabled_enabled_and_each_is_a_revision(path):
    assert add(path, "Ann@X.test", PASSWORD, "staff", NOW).revision == 1
    assert disable(path, "ann@x.TEST").disabled
    assert load_accounts(path).get("ann@x.test").revision == 2
    assert not enable(path, "ann@x.test").disabled
    assert load_accounts(path).revision == 3
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_password_is_stored_as_a_hash_of_its_own(path):
    add(path, "ann", PASSWORD, "staff", NOW)
    add(path, "bob", PASSWORD, "staff", NOW)
    ann, bob = listing(path)
    assert ann.password_hash != bob.password_hash
    assert matches(ann.password_hash, PASSWORD)
    assert PASSWORD.encode() not in path.read_bytes()


def test_a_new_password_ends_the_old_one_and_keeps_an_account_disabled(path):
    add(path, "ann", PASSWORD, "staff", NOW)
    disable(path, "ann")
    account = set_password(path, "ann", "another long password")
    assert account.disabled
    assert matches(account.password_hash, "another long password")
    assert not matches(account.password_hash, PASSWORD)


def test_two_keyboards_type_the_same_password(path):
    account = add(path, "ann", "cafe\u0301 con leche doble", "staff", NOW)
    assert matches(account.password_hash, "caf\u00e9 con leche doble")


REFUSED = [
    ("a taken name", "ANN", PASSWORD, "staff", "exists already"),
    ("a name that cannot be one", "an n", PASSWORD, "staff", "cannot be an account name"),
    ("a role that is not built", "bob", PASSWORD, "its", "not built yet"),
    ("a short password", "bob", "x" * 7 + "abcd", "staff", "shorter than 12"),
    ("a very long password", "bob", "abcd" * 40, "staff", "longer than 128"),
    ("an empty password", "bob", "", "staff", "shorter"),
    ("one sign repeated", "bob", "aaaaaaaaaaaaaa", "staff", "repeated"),
    ("the account name", "bob.the.builder", "Bob.the.Builder", "staff", "account name"),
    ("a control character", "bob", "correct\0horse battery", "staff", "control character"),
    ("a lone surrogate, which no client can send", "bob", "correct\udc80horse battery", "staff", "control character"),
]


@pytest.mark.parametrize(("what", "name", "password", "role", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_refused_account_changes_nothing_and_never_repeats_the_password(path, what, name, password, role, says):
    add(path, "ann", PASSWORD, "staff", NOW)
    before = path.read_bytes()
    with pytest.raises(AccountsRefused, match=says) as caught:
        add(path, name, password, role, NOW)
    assert "\n" not in str(caught.value)
    assert not password or password not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("change", [disable, enable, lambda path, name: set_password(path, name, PASSWORD)])
def test_an_unknown_account_is_refused(path, change):
    with pytest.raises(AccountsRefused, match="no account nobody"):
        change(path, "nobody")
    assert not path.exists()


def test_a_broken_file_is_not_overwritten(path):
    path.write_bytes(b"{")
    path.chmod(0o600)
    with pytest.raises(AccountsRefused, match="broken"):
        add(path, "ann", PASSWORD, "staff", NOW)
    assert path.read_bytes() == b"{"


def test_a_missing_folder_is_one_line(tmp_path):
    with pytest.raises(AccountsRefused, match="cannot be written"):
        add(tmp_path / "none" / "accounts.json", "ann", PASSWORD, "staff", NOW)


def test_two_commands_at_once_lose_no_account(path, monkeypatch):
    monkeypatch.setattr(accounts_file, "hash_password", lambda _: _HASH)
    names = [f"user{number}" for number in range(24)]
    threads = [threading.Thread(target=add, args=(path, name, PASSWORD, "staff", NOW)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(account.name for account in listing(path)) == sorted(names)
    assert load_accounts(path).revision == len(names)


_HASH = "$argon2id$v=19$m=19456,t=2,p=1$YjUXo/BymDKEjVW7RIS1Zg$vNw0FFGeaOO4ZrVuLpOq180kEj8lL4fF0bx/40aGJBA"
