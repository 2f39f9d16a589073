"""From state_dir to the policy in force: read off the event loop, whole, or not at all."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.generations import current
from categories.index import CategoryIndex
from config.revisions import Revisions
from proxy.identity.accounts import load_accounts
from proxy.snapshot import PolicySnapshot, build

if TYPE_CHECKING:
    from pathlib import Path

    from config.revisions import Applied
    from config.settings import Settings
    from proxy.authority import Authority
    from proxy.block_page import PageSettings
    from proxy.identity.accounts import Accounts
    from proxy.public_pages import PublicPages
    from proxy.worker_state import InForce

#: What tells a worker that something was applied: the pointers are replaced, never written in place.
_POINTERS = ("config/current", "lists/current", "accounts.json")

#: Inode, time and size of each pointer, None where it is missing: they differ when something else is in force.
Marks = tuple[tuple[int, int, int] | None, ...]


class NothingApplied(Exception):
    """No revision has been applied yet. The message is one line."""

    exit_code = 4


def applied_settings(state_dir: Path) -> Applied:
    """Give the revision in force.

    Raises NothingApplied, or what config.revisions raises for a revision that cannot be trusted.
    """
    applied = Revisions(state_dir).current()
    if applied is None:
        raise NothingApplied(f"{state_dir}: no settings have been applied; run `breakwater config apply`")
    return applied


def policy_of(applied: Applied, index: CategoryIndex, now: datetime) -> PolicySnapshot:
    """Build the snapshot of a revision. A clock that went back behind the day of the apply is not believed."""
    today = max(now.date(), applied.time.date())
    return build(applied.settings, index, revision=applied.revision, today=today)


class PolicyFiles:
    """The files of one state_dir, as a worker behind `listeners` (address, port, TLS) reads them."""

    def __init__(self, state_dir: Path, authority: Authority, listeners: tuple[tuple[str, int, bool], ...]) -> None:
        self._state_dir = state_dir
        self._authority = authority
        self._listeners = listeners

    def marks(self) -> Marks:
        """Read the marks of what is on the disk now."""
        return tuple(_mark(self._state_dir / pointer) for pointer in _POINTERS)

    def accounts(self) -> Accounts:
        """Read who may sign in. Raises AccountsRefused."""
        return load_accounts(self._state_dir / "accounts.json")

    def in_force(self) -> InForce:
        """Build everything that a revision and a list generation decide.

        Raises what the parts raise; then what is in force stays.
        """
        from proxy.block_page import Pages  # what only workers need: commands read settings and lists by this file too
        from proxy.worker_state import InForce

        applied = applied_settings(self._state_dir)
        settings = applied.settings
        index = CategoryIndex.open(current(self._state_dir / "lists"))
        page_settings = _page_settings(settings)
        return InForce(
            policy_of(applied, index, datetime.now(UTC)),
            Pages(page_settings),
            self._public_pages(page_settings),
            settings.proxy.limits,
        )

    def _public_pages(self, settings: PageSettings) -> PublicPages:
        from proxy.public_pages import ProxyAddress, PublicFiles, PublicPages

        addresses = tuple(
            ProxyAddress.of_listener(address, port, tls, settings.public_name) for address, port, tls in self._listeners
        )
        authority = self._authority
        files = PublicFiles(authority.certificate_pem, authority.crl(datetime.now(UTC)), addresses)
        return PublicPages(settings, files)


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def _page_settings(settings: Settings) -> PageSettings:
    """Give what the pages need of the district's file."""
    from proxy.block_page import PageSettings

    district = settings.district
    return PageSettings(
        name=district.name,
        policy_url=district.policy_url or "",
        public_name=settings.proxy.public_name,
        node=socket.gethostname(),
        timezone=district.timezone,
        help_desk_email=district.help_desk.email,
        help_desk_phone=district.help_desk.phone,
        clauses={name: clause for name, clause in district.clauses if clause},
    )
