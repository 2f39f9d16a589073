"""`doctor` on what lies on the disk: settings, modes, accounts, clock, room, and what the workers say."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from config.problems import one_line
from config.revisions import Revisions
from proxy.doctor_word import last_word, no_word
from proxy.finding import Finding, Level
from proxy.identity.accounts import load_accounts
from usage_log.spool import used_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.doctor_subject import Subject

#: Below `state_dir`, what others must not touch: path -> the mode it should have.
PRIVATE: dict[str, int] = {
    ".": 0o700,
    "config": 0o700,
    "ca": 0o700,
    "ca/authority.pem": 0o600,
    "accounts.json": 0o600,
    "audit-keys": 0o700,
    "spool": 0o700,
    "log": 0o700,
}

#: A clock may jump back this far without anybody being misled.
_JUMP = timedelta(minutes=5)
_LONG_AGO = timedelta(days=366)
_WRITTEN = ("config/current", "lists/current", "run/status.json", "accounts.json", "log", "spool")

_GIB = 1024**3
_HOSTS_SHOWN = 10


def check_settings(subject: Subject) -> tuple[Finding, ...]:
    """Settings take effect by an act (invariant 9), and the file is still what was applied."""
    apply = "run: breakwater config apply --reason TEXT"
    if subject.applied is None:
        return (Finding("settings", Level.RED, "no settings have been applied", apply),)
    what = (
        f"revision {subject.applied.revision}, by {subject.applied.author}, {subject.applied.time:%Y-%m-%d %H:%M} UTC"
    )
    if Revisions(subject.state_dir).differs(subject.config):
        todo = f"{apply}, or put the file back as it was"
        return (Finding("settings", Level.RED, f"{subject.config} differs from {what}, which is in force", todo),)
    return (Finding("settings", Level.OK, what),)


def check_modes(subject: Subject) -> tuple[Finding, ...]:
    """Keys, accounts, records and spool belong to the filter alone."""
    files = {subject.state_dir / name: mode for name, mode in PRIVATE.items()}
    keys = {listener.tls.key_file: 0o600 for listener in subject.settings.proxy.listen if listener.tls is not None}
    shared = [_shared(path, mode) for path, mode in {**files, **keys}.items() if _is_shared(path)]
    return tuple(shared) or (Finding("modes", Level.OK, "keys, accounts and records are the filter's alone"),)


def check_accounts(subject: Subject) -> tuple[Finding, ...]:
    """Somebody can sign in. Raises AccountsRefused."""
    accounts = load_accounts(subject.state_dir / "accounts.json")
    active = sum(not account.disabled for account in accounts.by_name.values())
    what = f"{active} active, {len(accounts) - active} disabled"
    if subject.settings.identity.required and not active:
        return (Finding("accounts", Level.WARN, f"{what}: nobody can sign in", "run: breakwater users add NAME"),)
    return (Finding("accounts", Level.OK, what),)


def check_clock(subject: Subject) -> tuple[Finding, ...]:
    """The clock against the newest thing that was written: a clock that is behind makes records and dates wrong."""
    written = [datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in _newest(subject.state_dir)]
    if subject.applied is not None:
        written.append(subject.applied.time)
    newest = max(written, default=subject.now)
    now = f"{subject.now:%Y-%m-%d %H:%M:%S} UTC"
    if newest - subject.now > _JUMP:
        what = f"it is {now}, but something was written at {newest:%Y-%m-%d %H:%M:%S}: the clock is behind"
        return (Finding("clock", Level.RED, what, "set the clock; use NTP"),)
    if subject.now - newest > _LONG_AGO:
        what = f"it is {now}, and nothing was written since {newest:%Y-%m-%d}"
        return (Finding("clock", Level.WARN, what, "check the clock, or start the filter"),)
    return (Finding("clock", Level.OK, now),)


def check_disk(subject: Subject) -> tuple[Finding, ...]:
    """Room on the volume of state_dir: when it ends, everything is blocked."""
    usage = shutil.disk_usage(subject.state_dir)
    what = f"{usage.free / _GIB:.1f} GiB of {usage.total / _GIB:.1f} GiB free for {subject.state_dir}"
    todo = "make room: without it no record can be written, and everything is blocked"
    if usage.free < max(_GIB, usage.total // 50):
        return (Finding("disk", Level.RED, what, todo),)
    if usage.free < usage.total // 10:
        return (Finding("disk", Level.WARN, what, todo),)
    return (Finding("disk", Level.OK, what),)


def check_spool(subject: Subject) -> tuple[Finding, ...]:
    """Records that wait for the collector, against the quota at which everything is blocked."""
    quota = subject.settings.proxy.limits.spool_bytes
    used = used_bytes(subject.state_dir / "spool")
    what = f"{used / _GIB:.2f} GiB wait, quota {quota / _GIB:.1f} GiB"
    todo = "look why the collector does not take them; at the quota everything is blocked"
    if used > quota * 9 // 10:
        return (Finding("spool", Level.RED, what, todo),)
    return (Finding("spool", Level.WARN, what, todo) if used > quota // 2 else Finding("spool", Level.OK, what),)


def check_workers(subject: Subject) -> tuple[Finding, ...]:
    """What each worker said last: the revision that it goes by, and why not the newest one."""
    status = last_word(subject)
    if status is None:
        return (no_word(subject, "workers"),)
    workers = status["workers"]
    troubled = tuple(_trouble(worker) for worker in workers if worker["problem"])
    wanted = subject.applied.revision if subject.applied is not None else 0
    behind = tuple(
        Finding("workers", Level.RED, f"worker {worker['worker']} goes by revision {worker['revision']}, not {wanted}",
                "restart the filter if this stays")
        for worker in workers
        if worker["revision"] != wanted and not worker["problem"]
    )  # fmt: skip
    return troubled + behind or (Finding("workers", Level.OK, f"{len(workers)} at revision {wanted}"),)


def check_refused_certificates(subject: Subject) -> tuple[Finding, ...]:
    """Hosts whose clients refuse our certificate: pinned applications, or devices without our authority."""
    status = last_word(subject)
    if status is None:
        return (no_word(subject, "refused certificates"),)
    hosts: dict[str, int] = status.get("refused_certificates", {})
    if not hosts:
        return (Finding("refused certificates", Level.OK, "no client refuses our certificate"),)
    most = sorted(hosts.items(), key=lambda item: (-item[1], item[0]))[:_HOSTS_SHOWN]
    what = ", ".join(f"{one_line(host)} {count}x" for host, count in most)
    if len(hosts) > _HOSTS_SHOWN:
        what += f", and {len(hosts) - _HOSTS_SHOWN} more"
    todo = "install the authority on those devices; a pinned application may go under proxy.passthrough"
    return (Finding("refused certificates", Level.WARN, what, todo),)


def _is_shared(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o077)
    except FileNotFoundError:
        return False


def _shared(path: Path, mode: int) -> Finding:
    what = f"{path} is open to other users (mode {path.stat().st_mode & 0o777:04o})"
    return Finding("modes", Level.RED, what, f"run: chmod {mode:o} {path}")


def _newest(state_dir: Path) -> list[Path]:
    return [state_dir / name for name in _WRITTEN if (state_dir / name).exists()]


def _trouble(worker: dict[str, Any]) -> Finding:
    what = f"worker {worker['worker']} keeps revision {worker['revision']}: {one_line(str(worker['problem']))}"
    return Finding("workers", Level.RED, what, "put that right; the newest settings or lists are not in force")
