"""What `breakwater users` takes and prints."""

from __future__ import annotations

import getpass
import io
import json
import sys
from datetime import UTC, datetime

import pytest
from rich.console import Console

from proxy.identity.accounts import Account, AccountsRefused
from proxy.identity.users_command import account_lines, asked_password, piped_password, print_accounts

ACCOUNTS = (
    Account("ann", "$argon2id$secret", False, 1, "staff", datetime(2026, 11, 22, 15, tzinfo=UTC)),
    Account("eve", "$argon2id$secret", True, 2, "staff", datetime(2026, 11, 22, 15, tzinfo=UTC)),
)


@pytest.mark.parametrize(
    ("piped", "password"),
    [
        (b"correct horse\n", "correct horse"),
        (b"correct horse", "correct horse"),
        (b" both \r\nrest", " both "),
        (b"", ""),
        ("contrase\u00f1a larga\n".encode(), "contrase\u00f1a larga"),
    ],
)
def test_the_first_line_is_the_password(piped, password):
    assert piped_password(io.BytesIO(piped)) == password


def test_a_stream_without_end_is_read_only_as_far_as_a_password_can_go():
    assert len(piped_password(io.BytesIO(b"a" * 1_000_000))) < 1000


def test_latin_1_is_refused_without_repeating_it():
    with pytest.raises(AccountsRefused, match="not UTF-8"):
        piped_password(io.BytesIO(b"contrase\xf1a\n"))


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("x"))
    with pytest.raises(AccountsRefused, match="--password-stdin"):
        asked_password()


@pytest.mark.parametrize(("second", "differs"), [("one", False), ("two", True)])
def test_the_password_is_asked_twice(monkeypatch, second, differs):
    answers = iter(["one", second])
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(getpass, "getpass", lambda _: next(answers))
    if differs:
        with pytest.raises(AccountsRefused, match="differ"):
            asked_password()
    else:
        assert asked_password() == "one"


def test_neither_output_shows_a_hash():
    lines = account_lines(ACCOUNTS)
    assert [json.loads(line)["disabled"] for line in lines] == [False, True]
    out = io.StringIO()
    print_accounts(ACCOUNTS, Console(file=out, width=100))
    assert "disabled" in out.getvalue()
    assert "argon2" not in out.getvalue() + "".join(lines)
