"""`breakwater audit …`: the usage log on the command line, as aggregates and pseudonyms."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from config.load import state_dir_of
from config.revisions import Revisions, settings_in_force
from usage_log import moments
from usage_log.day_reader import Filter
from usage_log.queries import audit_rows, by_id, refuse_user
from usage_log.reports import Form, print_log, print_summary
from usage_log.summary import summary

audit_app = typer.Typer(no_args_is_help=True, help="The usage log: aggregates and pseudonyms, never one person.")

ConfigFile = Annotated[Path, typer.Option("--config", envvar="BREAKWATER_CONFIG", help="The district's file.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Since = Annotated[str | None, typer.Option(help="From here on: 2026-11-22, today, 24h, in the district's zone.")]
Until = Annotated[str | None, typer.Option(help="Up to here; a day is meant whole.")]
Limit = Annotated[int | None, typer.Option(min=1, help="The newest so many; without it all as JSON, 200 as a table.")]
Reference = Annotated[str | None, typer.Option("--id", help="One block of the last 30 days, by its page's reference.")]
OneUser = Annotated[str | None, typer.Option("--user", help="Refused: it needs an approved case.")]
#: Every verdict there is (proxy.verdict.Action, which this folder may not import; a test compares them).
_ACTIONS = ("allow", "block", "challenge", "monitor", "passthrough")

#: A table is built whole before it is shown, so it has an end where nobody gave one.
_TABLE_ROWS = 200

Word = Annotated[str | None, typer.Option()]


@audit_app.command("log")
def log(
    config: ConfigFile,
    since: Since = None,
    until: Until = None,
    category: Word = None,
    action: Word = None,
    reason: Word = None,
    host: Word = None,
    school: Word = None,
    limit: Limit = None,
    reference: Reference = None,
    user: OneUser = None,
    as_json: Json = False,
) -> None:
    """Show records, oldest first, with pseudonyms for people; times are those of the district's zone."""
    refuse_user(user)
    folder, zone, known = _log_of(config)
    if reference is not None:
        row = by_id(folder, reference)
        print_log([row] if row else [], Form(sys.stdout, as_json, zone))
        raise typer.Exit(0 if row else 1)
    wanted = Filter(*moments.period(since, until, zone), category, action, reason, host, school)
    _refuse_typos(wanted, known, folder)
    rows = limit or (None if as_json else _TABLE_ROWS)
    shown = print_log(audit_rows(folder, wanted, rows), Form(sys.stdout, as_json, zone))
    if shown == _TABLE_ROWS and limit is None and not as_json:
        sys.stderr.write(f"The newest {shown} records; --limit shows more, --json all.\n")


@audit_app.command("summary")
def show_summary(
    config: ConfigFile, since: Since = None, until: Until = None, user: OneUser = None, as_json: Json = False
) -> None:
    """Count verdicts by category, action, reason, school and hour."""
    refuse_user(user)
    folder, zone, _ = _log_of(config)
    wanted = Filter(*moments.period(since, until, zone))
    print_summary(summary(folder, wanted, zone), Form(sys.stdout, as_json, zone))


def _refuse_typos(wanted: Filter, known: Known, folder: Path) -> None:
    """Refuse a word that nothing can fit: an empty table would read as "nothing happened".

    What no longer stands in the settings can still stand in the log.
    """
    for name, choices in (("category", known.categories), ("action", _ACTIONS), ("school", known.schools)):
        word = getattr(wanted, name)
        if word is None or word in choices:
            continue
        if name == "action" or not _stands_in(folder, Filter(**{name: word})):
            raise typer.BadParameter(
                f'there is no {name} "{word[:40]}": {", ".join(choices) or "none is set"}', param_hint=f"--{name}"
            )
    for name in ("host", "reason"):
        if getattr(wanted, name) is not None and not getattr(wanted, name).strip(" ."):
            raise typer.BadParameter("it is empty: leave it out for all", param_hint=f"--{name}")


def _stands_in(folder: Path, wanted: Filter) -> bool:
    return any(True for _ in audit_rows(folder, wanted, 1))


@dataclass(frozen=True, slots=True)
class Known:
    """The words of the settings in force that a question may use."""

    categories: tuple[str, ...]
    schools: tuple[str, ...]


def _log_of(config: Path) -> tuple[Path, ZoneInfo, Known]:
    """Give the state_dir, and of the settings in force the time zone and the names."""
    folder = state_dir_of(config)
    settings = settings_in_force(config, Revisions(folder).current())
    known = Known(tuple(sorted(settings.taxonomy)), tuple(sorted(settings.schools)))
    return folder, ZoneInfo(settings.district.timezone), known
