"""The front door: every sub-command of `breakwater`, and the composition root that hands the rooms to each other.

Data goes to standard output, talk to standard error. Exit codes: 0 ok, 1 finding, 2 usage, 3 unreachable, 4 refused.
What only some commands need they import themselves: importing is most of what a command takes.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from typer.core import TyperGroup
from typer.main import get_group

from proxy.standard_output import ReaderGone, use_standard_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from categories.act import Generation
    from categories.change import Change
    from categories.history import Applied as InForce
    from proxy.list_acts import UsageLog

#: Rooms whose commands stand in files of their own.
ROOMS = {
    "config": "proxy.config_commands:config_app",
    "lists": "proxy.lists_commands:lists_app",
    "users": "proxy.identity.commands:users_app",
    "ca": "proxy.ca_commands:ca_app",
    "firewall": "proxy.firewall.commands:firewall_app",
    "audit": "usage_log.commands:audit_app",
}


class Rooms(TyperGroup):
    """The commands, those of ROOMS too, which are imported when one of them is asked for, or the help."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # of typer's own click
        """Name all commands, in the order of the help."""
        for room in ROOMS:
            self._open(room)
        return super().list_commands(ctx)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Give a command or room; where there is none of that name, all are there to be suggested."""
        for room in (cmd_name,) if cmd_name in (*self.commands, *ROOMS) else ROOMS:
            self._open(room)
        if cmd_name in ("config", "lists") and ctx.obj is None:
            ctx.obj = usage_log()
        return super().get_command(ctx, cmd_name)

    def _open(self, room: str) -> None:
        if room in ROOMS and room not in self.commands:
            self.commands[room] = get_group(resolve_name(ROOMS[room]))
            self.commands[room].name = room


app = typer.Typer(
    cls=Rooms,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A web filter for a district's staff network. It never falls open.",
)


def _record_lists(folder: Path, applied: InForce, generation: Generation, change: Change) -> None:
    """Put the row of a generation into the usage log. Raises ListRefused where there is no room for it."""
    from categories.errors import ListRefused
    from proxy.state_dir import revision_of
    from usage_log.acts import ListsAct, record_act, record_of
    from usage_log.spool import SpoolFull

    counts: dict[str, tuple[int, int]] = {}
    for each in change.difference.changes:
        name = f"white {each.category}" if each.white else each.category
        added, removed = counts.get(name, (0, 0))
        counts[name] = (added + each.added, removed + each.removed)
    act = ListsAct(applied.kind.value, applied.author, applied.reason, generation.id, generation.digest, counts)
    try:
        record_act(folder / "spool", record_of(act, applied.at, revision_of(folder)))
    except SpoolFull as full:
        raise ListRefused(f"the lists stay as they are: {full}; make room") from full


def usage_log() -> UsageLog:
    """Give what changes of the lists may know of the usage log, and how they are recorded there."""
    from proxy.list_acts import UsageLog
    from usage_log.visits import visited_hosts

    return UsageLog(visited_hosts, _record_lists)


ConfigFile = Annotated[Path, typer.Option("--config", envvar="BREAKWATER_CONFIG", help="The district's file.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


@app.command()
def run(config: ConfigFile) -> None:
    """Filter, in the foreground, until SIGTERM or ctrl-C; then drain."""
    import asyncio

    from proxy.demo import demo_lines
    from proxy.handover import inherited as inherits
    from proxy.listening import bind
    from proxy.start import prepare
    from proxy.state_dir import settings_for_commands, state_folder
    from proxy.supervisor import Supervisor
    from proxy.tenure import sole

    inherited = inherits()
    with sole(state_folder(config), inherited.lock if inherited else None) as tenure:
        plan = prepare(config, _say, datetime.now(UTC), usage_log())
        listeners = bind(plan.listen, inherited.sockets if inherited else None)
        for line in demo_lines(*settings_for_commands(config), datetime.now(UTC)):
            _announce(line)
        asyncio.run(Supervisor(plan, listeners, tenure, _announce).run(inherited))


@app.command()
def upgrade(config: ConfigFile) -> None:
    """Let the running filter hand over to the version that is installed now; no connection is refused."""
    from config.load import state_dir_of
    from proxy.upgrade import upgrade as hand_over

    _say(hand_over(state_dir_of(config)))


@app.command("check-config")
def check_config(config: ConfigFile, as_json: Json = False) -> None:
    """Check a settings file, all of it, and change nothing."""
    from config import reports
    from config.load import load
    from config.problems import SettingsRefused, SettingsUnreadable

    try:
        settings = load(config)
    except SettingsRefused as refused:
        if as_json:
            _announce(json.dumps({"problems": reports.problems_json(refused.problems)}))
        else:
            _say(str(refused))
        raise typer.Exit(2 if isinstance(refused, SettingsUnreadable) else 1) from refused
    found = reports.warnings(settings, datetime.now(ZoneInfo(settings.district.timezone)).date())
    missing = reports.missing_files(settings)
    unusable = reports.unusable_state(settings)
    told = {"problems": [], "warnings": found, "missing_files": missing, "unusable_state": unusable}
    said = {**reports.summary(settings), **told}
    _show(said, reports.summary_lines(settings), as_json)
    for line in () if as_json else (*found, *missing, *unusable):
        _say(line)
    raise typer.Exit(1 if missing or unusable else 0)


@app.command()
def explain(
    config: ConfigFile,
    url: str,
    user: Annotated[str | None, typer.Option(help="An account name.")] = None,
    at: Annotated[str | None, typer.Option(help="A time, in the district's zone; now by default.")] = None,
    as_json: Json = False,
) -> None:
    """Say what happens to an address, and why: every match, and which one won."""
    from config.load import state_dir_of
    from proxy.explain import explain as explained
    from proxy.identity.accounts import load_accounts
    from proxy.list_acts import VISITED
    from proxy.state_dir import open_snapshot
    from usage_log.hosts_below import hosts_below
    from usage_log.moments import parse_since

    folder = state_dir_of(config)
    snapshot = open_snapshot(folder)
    now = datetime.now(UTC)
    when = parse_since(at, snapshot.timezone, now) if at else now
    visited = partial(hosts_below, folder, now - VISITED)
    said = explained(url, user, when, snapshot, load_accounts(folder / "accounts.json"), visited)
    _show(said.as_dict(), said.lines(), as_json)


@app.command()
def doctor(config: ConfigFile, as_json: Json = False) -> None:
    """Look for what is wrong with this node; exit 1 where something is."""
    from proxy import doctor as doctors

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
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False)


#: What the caller wrote cannot be used: exit code 2. All else that is refused: 4, or the error's own `exit_code`.
USAGE = ("categories.address:MalformedAddress", "config.problems:SettingsRefused", "usage_log.moments:MomentRefused")
REFUSALS = (
    *USAGE,
    *("categories.errors:ListsRefused", "config.revision_files:RevisionNotWritten", "config.revisions:RevisionRefused"),
    *("config.revision_files:RevisionTampered", "config.revision_files:RevisionUnreadable"),
    *(
        "proxy.authority:AuthorityRefused",
        "proxy.firewall.border:NothingToPrint",
        "proxy.identity.accounts:AccountsRefused",
        "proxy.listening:CannotListen",
    ),
    *("proxy.identity.passwords:PasswordRefused", "proxy.policy_files:NothingApplied", "proxy.private_file:NotPrivate"),
    *("proxy.snapshot:SnapshotRefused", "proxy.standard_output:OutputLost", "proxy.state_dir:StateUnusable"),
    *("proxy.tenure:AlreadyRunning", "proxy.upgrade:NotRunning", "proxy.upgrade:UpgradeRefused"),
    *("proxy.upstream_trust:TrustRefused", "usage_log.day_files:DayRefused", "usage_log.day_reader:LogUnreadable"),
    *("usage_log.pseudonyms:KeyRefused", "usage_log.queries:CaseNeeded"),
)


def named(*errors: str) -> tuple[type[Any], ...]:
    """Import errors by their names: where there is one to compare with, and not before."""
    return tuple(resolve_name(error) for error in errors)


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
        _all_written(app)
    except (SystemExit, KeyboardInterrupt):
        raise  # as ever, and nothing is imported for it
    except ReaderGone as gone:
        sys.exit(gone.exit_code)
    except named("proxy.child:ChildRefused") as refused:
        sys.exit(refused.code)  # the child has said why
    except named(*REFUSALS) as refused:
        _say(str(refused))
        sys.exit(getattr(refused, "exit_code", 2 if isinstance(refused, named(*USAGE)) else 4))


if __name__ == "__main__":
    main()
