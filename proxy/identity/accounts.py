"""The accounts of named users: what they are, and how they are read.

Today they stand in `state_dir/accounts.json`; the console's signed feed will fill the same `Accounts` value later, so
nothing that uses accounts knows where they came from. Writing that file is accounts_file.py's business.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from proxy.identity.passwords import is_hash
from proxy.private_file import NotPrivate, read_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: What a person may be here. More roles come with the parts that need them.
ROLES = ("staff",)

#: Longest file read, in bytes: some 100,000 accounts.
FILE_CAP = 32 * 1024 * 1024

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class AccountsRefused(Exception):
    """Accounts cannot be used or changed as asked. The message is one line: what is wrong, where, what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """One person's account. `revision` is the file's revision at which it last changed, so it is never used twice."""

    name: str
    password_hash: str = field(repr=False)
    disabled: bool
    revision: int
    role: str
    created: datetime  # UTC


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts, at one revision. Immutable: a change is a new value."""

    revision: int = 0
    by_name: Mapping[str, Account] = field(default_factory=lambda: MappingProxyType({}))

    def get(self, name: str) -> Account | None:
        """The account of that canonical name."""
        return self.by_name.get(name)

    def __len__(self) -> int:
        return len(self.by_name)

    def with_account(self, account: Account) -> Accounts:
        """These accounts with one added or replaced; the account's revision becomes the revision of all."""
        return Accounts(account.revision, MappingProxyType({**self.by_name, account.name: account}))


def canonical_name(typed: str) -> str | None:
    """The account name as it is compared and recorded, or None where it cannot be one.

    Upper and lower case are the same name. Signs outside ASCII are refused before lowering: Unicode has signs whose
    lower case is an ASCII letter (U+212A KELVIN SIGN becomes "k"), so two names could meet in one.
    """
    if not typed.isascii():
        return None
    lowered = typed.lower()
    return lowered if _NAME.fullmatch(lowered) else None


def load_accounts(path: Path) -> Accounts:
    """Read the accounts; a missing file holds none. Raises AccountsRefused when it is shared, broken or unreadable."""
    try:
        return _parse(read_private(path, FILE_CAP))
    except FileNotFoundError:
        return Accounts()
    except NotPrivate as error:
        raise AccountsRefused(f"accounts: {error}") from error
    except OSError as error:
        raise AccountsRefused(f"accounts: {path} cannot be read: {error.strerror}; check its owner") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AccountsRefused(f"accounts: {path} is broken: {_what(error)}; restore it from a backup") from error


def dump_accounts(accounts: Accounts) -> bytes:
    """The accounts as load_accounts reads them."""
    rows = {account.name: _row(account) for account in accounts.by_name.values()}
    return (json.dumps({"revision": accounts.revision, "accounts": rows}, indent=1, sort_keys=True) + "\n").encode()


def _row(account: Account) -> dict[str, object]:
    return {
        "password_hash": account.password_hash,
        "disabled": account.disabled,
        "revision": account.revision,
        "role": account.role,
        "created": account.created.isoformat(),
    }


def _parse(content: bytes) -> Accounts:
    document = json.loads(content.decode("utf-8"), object_pairs_hook=_without_doubles)
    revision = _number(document["revision"], "revision")
    rows = document["accounts"]
    if not isinstance(rows, dict):
        raise TypeError("accounts is not a table")
    by_name = {name: _account(name, row, revision) for name, row in rows.items()}
    return Accounts(revision, MappingProxyType(by_name))


def _account(name: str, row: dict[str, Any], newest: int) -> Account:
    if canonical_name(name) != name:
        raise ValueError(f"{name[:64]!r} is not an account name")
    if row["role"] not in ROLES:
        raise ValueError(f"account {name} has a role that is not built yet")
    if type(row["disabled"]) is not bool:
        raise TypeError(f"account {name}: disabled is neither true nor false")
    revision = _number(row["revision"], f"account {name}: revision")
    if revision > newest:
        raise ValueError(f"account {name} is newer than the file")
    created = datetime.fromisoformat(row["created"])
    if created.tzinfo is None:
        raise ValueError(f"account {name}: created has no time zone")
    return Account(
        name, _hash(name, row["password_hash"]), row["disabled"], revision, row["role"], created.astimezone(UTC)
    )


def _hash(name: str, encoded: object) -> str:
    if not isinstance(encoded, str) or not is_hash(encoded):
        raise ValueError(f"account {name}: password_hash is not one of ours")
    return encoded


def _number(value: object, what: str) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{what} is not a whole number")
    return value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name stands there twice")
    return table


def _what(error: Exception) -> str:
    """The cause in one line. Never the file's text: json's and UnicodeDecodeError's messages hold positions only."""
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
