"""Reading accounts.json: whole and private, or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.identity.accounts import Account, Accounts, AccountsRefused, canonical_name, dump_accounts, load_accounts
from proxy.private_file import write_private

HASH = "$argon2id$v=19$m=19456,t=2,p=1$YjUXo/BymDKEjVW7RIS1Zg$vNw0FFGeaOO4ZrVuLpOq180kEj8lL4fF0bx/40aGJBA"
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def document(**changes: object) -> dict[str, object]:
    row = {"password_hash": HASH, "disabled": False, "revision": 3, "role": "staff", "created": NOW.isoformat()}
    return {"revision": 3, "accounts": {"ann": row | changes}}


def refusal(path, content: bytes) -> str:
    write_private(path, content)
    with pytest.raises(AccountsRefused) as caught:
        load_accounts(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_missing_file_holds_no_accounts(tmp_path):
    assert load_accounts(tmp_path / "accounts.json") == Accounts()


def test_what_is_dumped_is_what_is_loaded(tmp_path):
    accounts = Accounts().with_account(Account("ann", HASH, True, 1, "staff", NOW))
    accounts = accounts.with_account(Account("bob@x.test", HASH, False, 2, "staff", NOW))
    write_private(tmp_path / "accounts.json", dump_accounts(accounts))
    assert load_accounts(tmp_path / "accounts.json") == accounts
    assert accounts.revision == 2


BROKEN = [
    ("nothing", b"", "broken"),
    ("half a file", json.dumps(document()).encode()[:40], "broken"),
    ("not UTF-8", b"\xff\xfe", "not UTF-8"),
    ("a list", b"[]", "broken"),
    ("no revision", b'{"accounts": {}}', "revision is missing"),
    ("a revision that is true", b'{"revision": true, "accounts": {}}', "whole number"),
    ("accounts as a list", b'{"revision": 1, "accounts": []}', "not a table"),
    ("one name twice", b'{"revision": 1, "accounts": {"a": 1, "a": 2}}', "twice"),
    ("nested beyond reason", b"[" * 100_000, "broken"),
    ("a number beyond reason", b'{"revision": ' + b"9" * 5000 + b', "accounts": {}}', "broken"),
]


@pytest.mark.parametrize(("what", "content", "says"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_file_is_refused_in_one_line(tmp_path, what, content, says):
    assert says in refusal(tmp_path / "accounts.json", content)


ROWS = [
    ("a role that is not built", {"role": "its"}, "not built yet"),
    ("disabled as text, which would be true or false as one likes", {"disabled": "false"}, "neither true nor false"),
    ("a time without zone", {"created": "2026-11-22T15:00:00"}, "time zone"),
    ("a time that is none", {"created": "yesterday"}, "broken"),
    ("an account newer than its file", {"revision": 4}, "newer"),
    ("an empty hash", {"password_hash": ""}, "password_hash"),
    ("a plain password", {"password_hash": "correct horse battery"}, "password_hash"),
    ("a hash that asks for 4 GiB", {"password_hash": HASH.replace("m=19456", "m=4194304")}, "password_hash"),
    ("a hash that is nearly free", {"password_hash": HASH.replace("m=19456", "m=8")}, "password_hash"),
    ("Argon2i", {"password_hash": HASH.replace("argon2id", "argon2i")}, "password_hash"),
    ("a cut hash", {"password_hash": HASH[:-1]}, "password_hash"),
    ("a hash that is null", {"password_hash": None}, "password_hash"),
]


@pytest.mark.parametrize(("what", "change", "says"), ROWS, ids=[row[0] for row in ROWS])
def test_a_bad_account_refuses_the_file(tmp_path, what, change, says):
    message = refusal(tmp_path / "accounts.json", json.dumps(document(**change)).encode())
    assert says in message
    assert "correct horse" not in message


@pytest.mark.parametrize("name", ["Ann", "", "a" * 65, "a b", "a/b", "-a", "ann\u212a"])
def test_a_key_that_is_no_canonical_name_refuses_the_file(tmp_path, name):
    content = document()
    content["accounts"] = {name: content["accounts"]["ann"]}
    assert "not an account name" in refusal(tmp_path / "accounts.json", json.dumps(content).encode())


def test_a_missing_key_is_named(tmp_path):
    content = document()
    del content["accounts"]["ann"]["role"]
    assert "role is missing" in refusal(tmp_path / "accounts.json", json.dumps(content).encode())


def test_a_file_that_others_can_read_is_refused_with_the_command_to_run(tmp_path):
    path = tmp_path / "accounts.json"
    write_private(path, json.dumps(document()).encode())
    path.chmod(0o644)
    with pytest.raises(AccountsRefused, match=f"chmod 600 {path}"):
        load_accounts(path)


def test_a_folder_in_its_place_is_refused(tmp_path):
    (tmp_path / "accounts.json").mkdir(mode=0o700)
    with pytest.raises(AccountsRefused, match="not a regular file"):
        load_accounts(tmp_path / "accounts.json")


NAMES = [
    ("lower case", "ann", "ann"),
    ("upper case is the same name", "ANN.Lee@X.test", "ann.lee@x.test"),
    ("64 signs", "a" * 64, "a" * 64),
    ("65 signs", "a" * 65, None),
    ("empty", "", None),
    ("a space", "ann ", None),
    ("a KELVIN SIGN, whose lower case is k", "\u212aelly", None),
    ("a full-width letter", "\uff41nn", None),
    ("a Cyrillic letter that looks Latin", "аnn", None),
    ("a colon", "a:b", None),
    ("a slash", "../etc", None),
    ("a leading dash, which a command would read as an option", "-role", None),
    ("a line end behind it", "ann\n", None),
]


@pytest.mark.parametrize(("what", "typed", "canonical"), NAMES, ids=[row[0] for row in NAMES])
def test_names(what, typed, canonical):
    assert canonical_name(typed) == canonical


@given(st.text(max_size=80))
def test_a_canonical_name_is_its_own_and_plain(typed):
    name = canonical_name(typed)
    if name is not None:
        assert canonical_name(name) == name
        assert name == typed.lower()
        assert name.isascii()


def test_a_hash_is_in_no_repr():
    assert "argon2" not in repr(Accounts().with_account(Account("ann", HASH, False, 1, "staff", NOW)))
