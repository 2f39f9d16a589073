"""`breakwater users …`: the accounts on the command line. Passwords are asked for or piped in, never an argument."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from proxy.identity import accounts_file, users_command
from proxy.state_dir import state_folder

users_app = typer.Typer(no_args_is_help=True, help="The accounts of this filter.")

ConfigFile = Annotated[Path, typer.Option("--config", envvar="BREAKWATER_CONFIG", help="The district's file.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Piped = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Role = Annotated[str, typer.Option(help="staff.")]


@users_app.command("add")
def add(config: ConfigFile, name: str, password_stdin: Piped = False, role: Role = "staff") -> None:
    """Add an account; the password is asked for, or read from standard input, never an argument."""
    account = accounts_file.add(_accounts(config), name, _password(password_stdin), role, datetime.now(UTC))
    _say(f"{account.name} may sign in")


@users_app.command("list")
def listing(config: ConfigFile, as_json: Json = False) -> None:
    """List the accounts."""
    accounts = accounts_file.listing(_accounts(config))
    if as_json:
        sys.stdout.writelines(f"{line}\n" for line in users_command.account_lines(accounts))
    else:
        users_command.print_accounts(accounts, Console(file=sys.stdout, highlight=False))


@users_app.command("disable")
def disable(config: ConfigFile, name: str) -> None:
    """Disable an account: it signs in nowhere, and what it has open is closed."""
    _say(f"{accounts_file.disable(_accounts(config), name).name} is disabled")


@users_app.command("enable")
def enable(config: ConfigFile, name: str) -> None:
    """Open a disabled account again, with the password it had."""
    _say(f"{accounts_file.enable(_accounts(config), name).name} may sign in again")


@users_app.command("password")
def password(config: ConfigFile, name: str, password_stdin: Piped = False) -> None:
    """Give an account a new password; the old one stops at once. A disabled account stays disabled."""
    account = accounts_file.set_password(_accounts(config), name, _password(password_stdin))
    _say(f"{account.name} has a new password{'; the account is still disabled' if account.disabled else ''}")


def _accounts(config: Path) -> Path:
    return state_folder(config) / "accounts.json"


def _password(piped: bool) -> str:
    return users_command.piped_password() if piped else users_command.asked_password()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
