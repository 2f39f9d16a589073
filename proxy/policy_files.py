"""From state_dir to the policy in force: read off the event loop, whole, or not at all."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from categories.index import CategoryIndex
from categories.update import current
from config.revisions import Revisions
from proxy.block_page import PageSettings, Pages
from proxy.node import InForce
from proxy.public_pages import PublicPages, PublicFiles
from proxy.snapshot import build

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import Settings
    from proxy.authority import Authority

#: What tells a worker that something was applied: the pointers are replaced, never written in place.
_POINTERS = ("config/current", "lists/current", "accounts.json")


class NothingApplied(Exception):
    """No revision has been applied yet. The message is one line."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Inode, time and size of each pointer: they differ when something else is in force."""

    pointers: tuple[tuple[int, int, int] | None, ...]


def marks_of(state_dir: Path) -> Marks:
    """Read the marks of what is on the disk now."""
    return Marks(tuple(_mark(state_dir / pointer) for pointer in _POINTERS))


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)


def applied_settings(state_dir: Path) -> tuple[int, Settings]:
    """Give the revision in force and its settings.

    Raises NothingApplied, or what config.revisions raises for a revision that cannot be trusted.
    """
    applied = Revisions(state_dir).current()
    if applied is None:
        raise NothingApplied(f"{state_dir}: no settings have been applied; run `breakwater config apply`")
    return applied.revision, applied.settings


def load(state_dir: Path, authority: Authority) -> InForce:
    """Build everything that a revision and a list generation decide.

    Raises what the parts raise; then what is in force stays.
    """
    revision, settings = applied_settings(state_dir)
    index = CategoryIndex.open(current(state_dir / "lists"))
    snapshot = build(settings, index, revision=revision)
    page_settings = page_settings_of(settings)
    files = PublicFiles(authority.certificate_pem, authority.certificate_der, authority.crl(datetime.now(UTC)))
    return InForce(snapshot, Pages(page_settings), PublicPages(page_settings, files), settings.proxy.limits)


def page_settings_of(settings: Settings) -> PageSettings:
    """Give what the pages need of the district's file."""
    district = settings.district
    return PageSettings(
        name=district.name,
        policy_url=district.policy_url,
        public_name=settings.proxy.public_name,
        node=socket.gethostname(),
        timezone=district.timezone,
        help_desk_email=district.help_desk.email,
        help_desk_phone=district.help_desk.phone,
        clauses=dict(district.clauses),
    )
