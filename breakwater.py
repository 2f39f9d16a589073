"""The front door: every sub-command of `breakwater`, and the composition root that hands the rooms to each other.

Data goes to standard output, talk to standard error. Exit codes: 0 ok, 1 finding, 2 usage, 3 unreachable, 4 refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from categories.address import MalformedAddress
from categories.errors import ListRefused, ListsRefused
from config import reports as config_reports
from config.difference import difference
from config.load import load, state_dir_of
from config.problems import SettingsRefused, SettingsUnreadable
from config.revision_files import RevisionNotWritten, RevisionTampered, RevisionUnreadable
from config.revisions import Applied, RevisionRefused, Revisions, words
from proxy import doctor as doctors
from proxy import explain as explaining
from proxy import handover
from proxy import state_dir as state
from proxy import upgrade as upgrading
from proxy.authority import AuthorityRefused
from proxy.background import yield_to_workers
from proxy.ca_commands import ca_app
from proxy.child import ChildRefused
from proxy.demo import demo_lines
from proxy.firewall.border import NobodyToGovern
from proxy.firewall.commands import firewall_app
from proxy.identity.accounts import AccountsRefused, load_accounts
from proxy.identity.commands import users_app
from proxy.identity.passwords import PasswordRefused
from proxy.list_acts import VISITED, UsageLog, act_of
from proxy.listening import CannotListen, bind
from proxy.lists_commands import lists_app
from proxy.policy_files import NothingApplied
from proxy.private_file import NotPrivate
from proxy.progress import progress_bar
from proxy.snapshot import SnapshotRefused
from proxy.standard_output import OutputLost, ReaderGone, use_standard_output
from proxy.start import prepare
from proxy.state_dir import StateUnusable
from proxy.supervisor import Supervisor
from proxy.tenure import AlreadyRunning, sole
from proxy.upgrade import NotRunning, UpgradeRefused
from proxy.upstream_trust import TrustRefused
from usage_log.acts import ListsAct, record_act, record_of
from usage_log.commands import audit_app
from usage_log.day_files import DayRefused
from usage_log.day_reader import LogUnreadable
from usage_log.hosts_below import hosts_below
from usage_log.moments import MomentRefused, parse_since
from usage_log.pseudonyms import KeyRefused
from usage_log.queries import CaseNeeded
from usage_log.spool import SpoolFull
from usage_log.visits import visited_hosts

if TYPE_CHECKING:
    from collections.abc import Callable

    from categories.act import Generation
    from categories.change import Change
    from categories.history import Applied as InForce


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A web filter for a district's staff network. It never falls open.",
)


def _record_lists(folder: Path, applied: InForce, generation: Generation, change: Change) -> None:
    """Put the row of a generation into the usage log. Raises ListRefused where there is no room for it."""
    counts: dict[str, tuple[int, int]] = {}
    for each in change.difference.changes:
        name = f"white {each.category}" if each.white else each.category
        added, removed = counts.get(name, (0, 0))
        counts[name] = (added + each.added, removed + each.removed)
    act = ListsAct(applied.kind.value, applied.author, applied.reason, generation.id, generation.digest, counts)
    try:
        record_act(folder / "spool", record_of(act, applied.at, state.revision_of(folder)))
    except SpoolFull as full:
        raise ListRefused(f"the lists stay as they are: {full}; make room") from full


#: What changes of the lists may know of the usage log, and how they are recorded there.
USAGE_LOG = UsageLog(visited_hosts, _record_lists)

ConfigFile = Annotated[Path, typer.Option("--config", envvar="BREAKWATER_CONFIG", help="The district's file.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history.")]


def _room(name: str, text: str) -> typer.Typer:
    room = typer.Typer(no_args_is_help=True, help=text)
    app.add_typer(room, name=name)
    return room


config_app = _room("config", "Put settings into force, and look at what was in force.")
app.add_typer(lists_app, name="lists")
app.add_typer(users_app, name="users")
app.add_typer(ca_app, name="ca")
app.add_typer(firewall_app, name="firewall")
app.add_typer(audit_app, name="audit")


@app.command()
def run(config: ConfigFile) -> None:
    """Filter, in the foreground, until SIGTERM or ctrl-C; then drain."""
    inherited = handover.inherited()
    with sole(state.state_folder(config), inherited.lock if inherited else None) as tenure:
        plan = prepare(config, _say, datetime.now(UTC), USAGE_LOG)
        listeners = bind(plan.listen, inherited.sockets if inherited else None)
        for line in demo_lines(*state.settings_for_commands(config), datetime.now(UTC)):
            _announce(line)
        asyncio.run(Supervisor(plan, listeners, tenure, _announce).run(inherited))


@app.command()
def upgrade(config: ConfigFile) -> None:
    """Let the running filter hand over to the version that is installed now; no connection is refused."""
    _say(upgrading.upgrade(state_dir_of(config)))


@app.command("check-config")
def check_config(config: ConfigFile, as_json: Json = False) -> None:
    """Check a settings file, all of it, and change nothing."""
    try:
        settings = load(config)
    except SettingsRefused as refused:
        if as_json:
            _announce(json.dumps({"problems": config_reports.problems_json(refused.problems)}))
        else:
            _say(str(refused))
        raise typer.Exit(2 if isinstance(refused, SettingsUnreadable) else 1) from refused
    found = config_reports.warnings(settings, datetime.now(ZoneInfo(settings.district.timezone)).date())
    missing = config_reports.missing_files(settings)
    unusable = config_reports.unusable_state(settings)
    told = {"problems": [], "warnings": found, "missing_files": missing, "unusable_state": unusable}
    said = {**config_reports.summary(settings), **told}
    _show(said, config_reports.summary_lines(settings), as_json)
    for line in () if as_json else (*found, *missing, *unusable):
        _say(line)
    raise typer.Exit(1 if missing or unusable else 0)


@config_app.command("apply")
def config_apply(config: ConfigFile, reason: Reason, as_json: Json = False) -> None:
    """Check the file, show what it changes, and put it into force in every worker."""
    _put_into_force(config, reason, lambda past, by, now, lists: past.apply(config, by, reason, now, lists), as_json)


@config_app.command("history")
def config_history(config: ConfigFile, as_json: Json = False) -> None:
    """List every revision: who, when, why."""
    past = Revisions(state_dir_of(config)).history()
    _show(config_reports.history_json(past), config_reports.history_lines(past), as_json)


@config_app.command("rollback")
def config_rollback(config: ConfigFile, revision: int, reason: Reason, as_json: Json = False) -> None:
    """Put an old revision into force again, as a new one, with the lists that it needs."""
    _put_into_force(
        config, reason, lambda past, by, now, lists: past.rollback(revision, by, reason, now, lists), as_json
    )


def _put_into_force(config: Path, reason: str, put: Callable[..., Applied], as_json: bool) -> None:
    """Have `put` make a revision, of the past ones, an author, the time and its lists, and say what it changed."""
    who, why = words(state.author(), "an author"), words(reason, "a reason")
    yield_to_workers()
    folder = state.state_folder(config)
    before = state.settings_before(folder)
    with progress_bar() as progress:
        act = act_of(folder, who, f"config: {why}", USAGE_LOG, progress=progress)
        lists = state.with_lists(folder, act, _say)
        applied = put(Revisions(folder), state.author(), datetime.now(UTC), lists)
    changes = difference(before, applied.settings)
    shown = {**config_reports.applied_json(applied), "changes": config_reports.difference_json(changes)}
    _show(shown, [f"revision {applied.revision}", *config_reports.difference_lines(changes)], as_json)
    _say(state.revision_in_force_line(folder, applied.revision))


@app.command()
def explain(
    config: ConfigFile,
    url: str,
    user: Annotated[str | None, typer.Option(help="An account name.")] = None,
    at: Annotated[str | None, typer.Option(help="A time, in the district's zone; now by default.")] = None,
    as_json: Json = False,
) -> None:
    """Say what happens to an address, and why: every match, and which one won."""
    folder = state_dir_of(config)
    snapshot = state.open_snapshot(folder)
    now = datetime.now(UTC)
    when = parse_since(at, snapshot.timezone, now) if at else now
    visited = partial(hosts_below, folder, now - VISITED)
    said = explaining.explain(url, user, when, snapshot, load_accounts(folder / "accounts.json"), visited)
    _show(said.as_dict(), said.lines(), as_json)


@app.command()
def doctor(config: ConfigFile, as_json: Json = False) -> None:
    """Look for what is wrong with this node; exit 1 where something is."""
    findings = doctors.examine(config, datetime.now(UTC))
    if as_json:
        _announce(doctors.to_json(findings))
    else:
        doctors.print_findings(findings, _console())
    raise typer.Exit(doctors.exit_code(findings))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _announce(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _show(data: Any, shown: Any, as_json: bool) -> None:
    """Write data for a program, or lines or a table for a person."""
    if as_json:
        sys.stdout.write(f"{json.dumps(data)}\n")
    elif isinstance(shown, list | tuple):
        sys.stdout.writelines(f"{line}\n" for line in shown)
    else:
        _console().print(shown)


def _console() -> Console:
    return Console(file=sys.stdout, highlight=False)


#: What the caller wrote cannot be used: exit code 2. All else that is refused: 4, or the error's own `exit_code`.
USAGE = (SettingsRefused, MalformedAddress, MomentRefused)
REFUSALS = (
    *USAGE,
    *(AccountsRefused, AuthorityRefused, CaseNeeded, DayRefused, KeyRefused, ListsRefused, LogUnreadable, NotPrivate),
    *(NothingApplied, PasswordRefused, RevisionNotWritten, RevisionRefused, RevisionTampered, RevisionUnreadable),
    *(AlreadyRunning, CannotListen, NobodyToGovern, NotRunning, OutputLost),
    *(SnapshotRefused, StateUnusable, TrustRefused, UpgradeRefused),
)


def _all_written(command: Callable[[], None]) -> None:
    try:
        command()
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()  # here, and not when the interpreter ends: what is lost then is told by a traceback


def main() -> None:
    """Run the command line; what is refused is one line on standard error, and an exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    use_standard_output()
    try:
        _all_written(partial(app, obj=USAGE_LOG))
    except ChildRefused as refused:
        sys.exit(refused.code)  # the child has said why
    except ReaderGone as gone:
        sys.exit(gone.exit_code)
    except REFUSALS as refused:
        _say(str(refused))
        sys.exit(getattr(refused, "exit_code", 2 if isinstance(refused, USAGE) else 4))


if __name__ == "__main__":
    main()
