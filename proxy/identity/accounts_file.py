"""Changing `state_dir/accounts.json`, for the command line. One change at a time, each a new revision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from proxy.identity.accounts import (
    FILE_CAP,
    ROLES,
    Account,
    Accounts,
    AccountsRefused,
    canonical_name,
    dump_accounts,
    load_accounts,
)
from proxy.identity.passwords import PasswordRefused, check_strength, hash_password
from proxy.private_file import locked, write_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path


def add(path: Path, name: str, password: str, role: str, now: datetime) -> Account:
    """Add an account. Raises AccountsRefused for a name that is taken, and for a bad name, password or role."""
    if role not in ROLES:
        raise AccountsRefused(f"role {role!r} is not built yet; use --role {ROLES[0]}")
    canonical = _checked_name(name)
    encoded = _hashed(canonical, password)

    def new_account(accounts: Accounts) -> Account:
        if accounts.get(canonical) is not None:
            raise AccountsRefused(f"account {canonical} exists already; choose another name")
        return Account(canonical, encoded, False, accounts.revision + 1, role, now)

    return _change(path, new_account)


def set_password(path: Path, name: str, password: str) -> Account:
    """Give an account a new password; the old one stops at once. A disabled account stays disabled."""
    canonical = _checked_name(name)
    encoded = _hashed(canonical, password)
    return _change(
        path,
        lambda accounts: replace(_known(accounts, canonical), password_hash=encoded, revision=accounts.revision + 1),
    )


def disable(path: Path, name: str) -> Account:
    """Close an account; its next request is refused. Raises AccountsRefused when there is none of that name."""
    return _switch(path, name, disabled=True)


def enable(path: Path, name: str) -> Account:
    """Open a disabled account again, with the password it had."""
    return _switch(path, name, disabled=False)


def listing(path: Path) -> tuple[Account, ...]:
    """All accounts, by name."""
    accounts = load_accounts(path)
    return tuple(accounts.by_name[name] for name in sorted(accounts.by_name))


def _switch(path: Path, name: str, *, disabled: bool) -> Account:
    canonical = _checked_name(name)
    return _change(
        path,
        lambda accounts: replace(_known(accounts, canonical), disabled=disabled, revision=accounts.revision + 1),
    )


def _change(path: Path, changed: Callable[[Accounts], Account]) -> Account:
    """Read, change one account and write, with nobody between."""
    try:
        with locked(path):
            accounts = load_accounts(path)
            account = changed(accounts)
            content = dump_accounts(accounts.with_account(account))
            if len(content) > FILE_CAP:
                raise AccountsRefused(f"accounts: {path} would be too large to be read again; remove old accounts")
            write_private(path, content)
    except OSError as error:
        raise AccountsRefused(f"accounts: {path} cannot be written: {error.strerror}; check the folder") from error
    return account


def _known(accounts: Accounts, name: str) -> Account:
    account = accounts.get(name)
    if account is None:
        raise AccountsRefused(f"there is no account {name}; see: breakwater users list")
    return account


def _checked_name(typed: str) -> str:
    name = canonical_name(typed)
    if name is None:
        raise AccountsRefused(
            f"{typed[:64]!r} cannot be an account name; use 1 to 64 of a-z 0-9 . _ @ -, first a letter or a digit"
        )
    return name


def _hashed(name: str, password: str) -> str:
    try:
        check_strength(name, password)
    except PasswordRefused as error:
        raise AccountsRefused(f"account {name}: {error}") from error
    return hash_password(password)
