"""From a settings file to what a supervisor runs: everything that can be refused is refused before a port is bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.reports import floor_lines
from config.fields import socket_address
from config.revisions import Applied, Revisions
from proxy.authority import open_or_create, use_next
from proxy.identity.accounts import load_accounts
from proxy.list_acts import act_of
from proxy.listening import Listen
from proxy.state_dir import compile_for, lists_fit, open_snapshot, say_findings, settings_for_commands, with_lists
from proxy.supervisor import Plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from categories.act import Act
    from config.proxy_settings import Listener
    from config.settings import Settings
    from proxy.list_acts import UsageLog

_AUTHOR, _FIRST_START = "breakwater run", "first start"


def prepare(config: Path, say: Callable[[str], None], now: datetime, usage_log: UsageLog) -> Plan:
    """Use the next authority or make the first one, apply the file at the first start, compile lists that do not fit.

    `usage_log` records the lists that this puts in force. Raises what the parts raise, each one line.
    """
    folder, settings = settings_for_commands(config)
    load_accounts(folder / "accounts.json")
    _prepare_authority(folder / "ca", settings.district.name, say, now)
    act = act_of(folder, _AUTHOR, _FIRST_START, usage_log)
    applied = _applied(config, folder, say, now, act)  # last: a first start that is refused has applied nothing
    if not lists_fit(folder, applied.settings):  # a crash in the middle of an apply, or lists of an older version
        again = act_of(folder, _AUTHOR, "the lists in force do not fit the settings", usage_log)
        say_findings(compile_for(folder, applied.settings, again), say)
    snapshot = open_snapshot(folder)
    say(f"settings revision {applied.revision}, applied by {applied.author}: {applied.reason}")
    for line in floor_lines(snapshot.index.counts):
        say(line)
    return _plan(folder, settings)


def _prepare_authority(folder: Path, district_name: str, say: Callable[[str], None], now: datetime) -> None:
    following = use_next(folder, now)
    if following is not None:
        say(f"authority: the next one is in use from now on, SHA-256 {following.fingerprint}; the old one is kept")
    open_or_create(folder, district_name, now)


def _applied(config: Path, folder: Path, say: Callable[[str], None], now: datetime, act: Act) -> Applied:
    revisions = Revisions(folder)
    applied = revisions.current()
    if applied is None:
        return revisions.apply(config, _AUTHOR, _FIRST_START, now, with_lists(folder, act, say))
    if revisions.differs(config):
        say(f"WARNING: {config} differs from revision {applied.revision}, which stays in force; run: config apply")
    return applied


def _listen(listener: Listener) -> Listen:
    cert, key = (str(listener.tls.cert_file), str(listener.tls.key_file)) if listener.tls else (None, None)
    return Listen(str(listener.ip), listener.port, cert, key)


def _transparent(address: str) -> Listen:
    ip, port = socket_address(address)
    return Listen(str(ip), port, transparent=True)


def _plan(folder: Path, settings: Settings) -> Plan:
    proxy = settings.proxy
    return Plan(
        state_dir=folder,
        listen=(*map(_listen, proxy.listen), *map(_transparent, proxy.transparent.listen)),
        workers=proxy.worker_count,
        metrics=settings.metrics.listen,
        drain_seconds=proxy.limits.drain_seconds,
    )
