"""What `breakwater users` asks and prints: passwords come in by standard input or a prompt, never by argument."""

from __future__ import annotations

import getpass
import json
import sys
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from proxy.identity.accounts import AccountsRefused
from proxy.identity.passwords import LONGEST

if TYPE_CHECKING:
    from typing import IO

    from rich.console import Console

    from proxy.identity.accounts import Account


def piped_password(stream: IO[bytes] | None = None) -> str:
    """The first line of standard input, UTF-8, without its line end. Raises AccountsRefused."""
    line = (stream or sys.stdin.buffer).readline(LONGEST * 4 + 3)
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise AccountsRefused("the password on standard input is not UTF-8; send it as UTF-8") from None


def asked_password() -> str:
    """The password, typed twice at a prompt that does not show it. Raises AccountsRefused."""
    if not sys.stdin.isatty():
        raise AccountsRefused("there is no terminal to ask for a password; use --password-stdin")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise AccountsRefused("the two passwords differ; nothing was changed")
    return first


def account_lines(accounts: tuple[Account, ...]) -> list[str]:
    """One JSON object an account, without its hash."""
    return [json.dumps(_row(account)) for account in accounts]


def print_accounts(accounts: tuple[Account, ...], console: Console) -> None:
    """A table for people."""
    table = Table("name", "role", "state", "created (UTC)")
    for account in accounts:
        state = Text("disabled", style="red") if account.disabled else Text("active")
        table.add_row(Text(account.name), account.role, state, f"{account.created:%Y-%m-%d %H:%M}")
    console.print(table)


def _row(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "role": account.role,
        "disabled": account.disabled,
        "created": account.created.isoformat(),
    }
