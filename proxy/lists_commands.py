"""`breakwater lists …`: keep the lists current, and look at them.

breakwater.py hands in what the usage log knows, as the context's object (proxy.list_acts.UsageLog).
"""

from __future__ import annotations

import json
import sys
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from categories import reports
from categories.act import Result
from categories.attempts import attempt_noted
from categories.change import change_of
from categories.change_reports import change_json, change_lines, outcome_line
from categories.generations import current
from categories.held import held
from categories.past import past_json, past_lines, past_of
from categories.switch import apply_held, rollback
from categories.update import compile_generation, update
from config.load import state_dir_of
from config.revisions import words
from proxy import state_dir as state
from proxy.background import yield_to_workers
from proxy.list_acts import act_of, hold_limits
from proxy.list_ages import stale_limits_in_force
from proxy.policy_files import applied_settings
from proxy.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from categories.act import Act, Generation, Outcome
    from categories.sources import ListSource
    from config.settings import Settings
    from proxy.list_acts import UsageLog

ConfigFile = Annotated[Path, typer.Option("--config", envvar="BREAKWATER_CONFIG", help="The district's file.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it stands in the usage log.")]
Waiting = Annotated[str, typer.Argument(help="Id of the generation that waits, as `lists diff` shows it.")]
Target = Annotated[str | None, typer.Argument(help="Id or number of a generation; the one before by default.")]


lists_app = typer.Typer(no_args_is_help=True, help="The lists that name sites by category.")


@lists_app.command("update")
def lists_update(context: typer.Context, config: ConfigFile, reason: Why = "lists update") -> None:
    """Download the lists and put them into force, or hold them for a person; whatever fails, the old ones stay."""
    folder, settings = state.settings_for_commands(config)
    _update(folder, settings, _acting(folder, state.author(), reason, context.obj), _told)


@lists_app.command("scheduled", hidden=True)
def lists_scheduled(context: typer.Context, state_dir: Annotated[Path, typer.Option("--state-dir")]) -> None:
    """What the supervisor runs at the time of `list_updates.at`, by the settings in force."""
    settings = applied_settings(state_dir).settings
    _update(state_dir, settings, _acting(state_dir, "schedule", "list_updates.at", context.obj), _nothing)


@lists_app.command("compile")
def lists_compile(context: typer.Context, config: ConfigFile, reason: Why = "lists compile") -> None:
    """Compile the lists as they lie here, and put them into force."""
    folder, sources = _sources(config)
    with _acting(folder, state.author(), reason, context.obj) as act:
        generation = compile_generation(sources, folder / "lists", act)
    _say_in_force(folder, generation)
    raise typer.Exit(generation.exit_code)


@lists_app.command("apply")
def lists_apply(context: typer.Context, config: ConfigFile, generation: Waiting, reason: Why) -> None:
    """Put the update that waits for a person into force; naming it makes sure that it is the one that was looked at."""
    folder, sources = _sources(config)
    with _acting(folder, state.author(), reason, context.obj) as act:
        outcome = apply_held(sources, folder / "lists", act, generation)
    _say_in_force(folder, outcome.generation)


@lists_app.command("rollback")
def lists_rollback(context: typer.Context, config: ConfigFile, reason: Why, generation: Target = None) -> None:
    """Put lists into force again that were before; every update then waits for a person."""
    folder, sources = _sources(config)
    with _acting(folder, state.author(), reason, context.obj) as act:
        outcome = rollback(sources, folder / "lists", act, generation)
    _say_in_force(folder, outcome.generation)


def _sources(config: Path) -> tuple[Path, tuple[ListSource, ...]]:
    folder, settings = state.settings_for_commands(config)
    return folder, state.list_sources(settings)


@contextmanager
def _acting(folder: Path, author: str, reason: str, usage_log: UsageLog) -> Iterator[Act]:
    who, why = words(author, "an author"), words(reason, "a reason")
    yield_to_workers()
    with progress_bar() as progress:
        yield act_of(folder, who, why, usage_log, progress)


def _update(
    folder: Path, settings: Settings, act: AbstractContextManager[Act], told: Callable[[Outcome], tuple[str, ...]]
) -> None:
    with act as acting, attempt_noted(folder / "lists") as note:
        outcome = update(state.list_sources(settings), folder / "lists", acting, hold_limits(settings))
        note.append(outcome_line(outcome))
        for line in (*outcome.downloads, *told(outcome)):
            _say(line)
        if outcome.result is Result.APPLIED:
            _say_in_force(folder, outcome.generation)
        else:
            _say(outcome_line(outcome))
        for problem in outcome.failed:  # told as what ends the command, and noted as what failed
            raise problem
    raise typer.Exit({Result.APPLIED: outcome.generation.exit_code, Result.HELD: 1}.get(outcome.result, 0))


def _nothing(outcome: Outcome) -> tuple[str, ...]:
    """No visited host: what the schedule says stands in the filter's own log."""
    return ()


def _told(outcome: Outcome) -> tuple[str, ...]:
    if outcome.change is None:
        return ()
    return tuple(change_lines(outcome.change, waits=outcome.result is Result.HELD))


def _say_in_force(folder: Path, generation: Generation) -> None:
    state.say_findings(generation, _say)
    _say(state.generation_in_force_line(folder, generation.id))


@lists_app.command("diff")
def lists_diff(config: ConfigFile, as_json: Json = False) -> None:
    """Show the update that waits for a person; where none waits, what the lists in force changed."""
    lists_dir = state_dir_of(config) / "lists"
    waiting = held(lists_dir)
    change = waiting.change if waiting else change_of(current(lists_dir))
    said = change_json(change, waits=waiting is not None)
    _show(said, list(change_lines(change, waits=waiting is not None)), as_json)
    raise typer.Exit(1 if waiting else 0)


@lists_app.command("status")
def lists_status(config: ConfigFile, as_json: Json = False) -> None:
    """Show the lists in force: entries, ages, rejected lines; what waits, and what was in force before."""
    folder = state_dir_of(config)
    with closing(state.open_index(folder)) as index:
        said = reports.status(index, datetime.now(UTC), stale_limits_in_force(config))
    past = past_of(folder / "lists")
    _show({**said, **past_json(past)}, [reports.status_table(said), *past_lines(past)], as_json)


@lists_app.command("lookup")
def lists_lookup(config: ConfigFile, host: str, as_json: Json = False) -> None:
    """Show every entry that names a host; child-abuse lists are never looked up."""
    with closing(state.open_index(state_dir_of(config))) as index:
        found = reports.lookup(index, host)
    _show(found, [reports.lookup_table(found)], as_json)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _show(data: object, shown: list[Any], as_json: bool) -> None:
    """Write data for a program, or lines and tables for a person."""
    if as_json:
        sys.stdout.write(f"{json.dumps(data)}\n")
        return
    console = Console(file=sys.stdout, highlight=False)
    for part in shown:
        if isinstance(part, str):
            sys.stdout.write(f"{part}\n")
        else:
            console.print(part)
