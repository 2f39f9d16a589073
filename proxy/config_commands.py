"""`breakwater config …`: put settings into force, and look at what was in force."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config import reports
from config.difference import difference
from config.load import state_dir_of
from config.revisions import Revisions, words
from proxy import state_dir as state
from proxy.background import yield_to_workers
from proxy.list_acts import act_of
from proxy.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from config.revisions import Applied, Around
    from proxy.list_acts import UsageLog

    #: Makes a revision, of the past ones, an author, the time and its lists.
    Put = Callable[[Revisions, str, datetime, Around], Applied]

config_app = typer.Typer(no_args_is_help=True, help="Put settings into force, and look at what was in force.")

ConfigFile = Annotated[Path, typer.Option("--config", envvar="BREAKWATER_CONFIG", help="The district's file.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the history.")]


@config_app.command("apply")
def config_apply(context: typer.Context, config: ConfigFile, reason: Reason, as_json: Json = False) -> None:
    """Check the file, show what it changes, and put it into force in every worker."""

    def put(past: Revisions, by: str, now: datetime, lists: Around) -> Applied:
        return past.apply(config, by, reason, now, lists)

    _put_into_force(context.obj, config, reason, put, as_json)


@config_app.command("history")
def config_history(config: ConfigFile, as_json: Json = False) -> None:
    """List every revision: who, when, why."""
    past = Revisions(state_dir_of(config)).history()
    _show(reports.history_json(past), reports.history_lines(past), as_json)


@config_app.command("rollback")
def config_rollback(
    context: typer.Context, config: ConfigFile, revision: int, reason: Reason, as_json: Json = False
) -> None:
    """Put an old revision into force again, as a new one, with the lists that it needs."""

    def put(past: Revisions, by: str, now: datetime, lists: Around) -> Applied:
        return past.rollback(revision, by, reason, now, lists)

    _put_into_force(context.obj, config, reason, put, as_json)


def _put_into_force(usage_log: UsageLog, config: Path, reason: str, put: Put, as_json: bool) -> None:
    """Have `put` make a revision, and say what it changed."""
    who, why = words(state.author(), "an author"), words(reason, "a reason")
    yield_to_workers()
    folder = state.state_folder(config)
    before = state.settings_before(folder)
    with progress_bar() as progress:
        act = act_of(folder, who, f"config: {why}", usage_log, progress=progress)
        lists = state.with_lists(folder, act, _say)
        applied = put(Revisions(folder), state.author(), datetime.now(UTC), lists)
    changes = difference(before, applied.settings)
    shown = {**reports.applied_json(applied), "changes": reports.difference_json(changes)}
    _show(shown, [f"revision {applied.revision}", *reports.difference_lines(changes)], as_json)
    _say(state.revision_in_force_line(folder, applied.revision))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _show(data: Any, lines: Sequence[str], as_json: bool) -> None:
    """Write data for a program, or lines for a person."""
    sys.stdout.writelines(f"{line}\n" for line in ([json.dumps(data)] if as_json else lines))
