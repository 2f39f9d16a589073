"""`breakwater firewall …`: what the network around the filter needs, on standard output; remarks on standard error."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from proxy.firewall.border import border_of, redirect_of
from proxy.firewall.dns_names import response_policy_zone, unbound
from proxy.firewall.rules import render
from proxy.state_dir import settings_for_commands

firewall_app = typer.Typer(no_args_is_help=True, help="The network around the filter: its router and its resolvers.")

ConfigFile = Annotated[Path, typer.Option("--config", envvar="BREAKWATER_CONFIG", help="The district's file.")]

Transparent = Annotated[
    bool, typer.Option("--transparent", help="Redirect the web of proxy.transparent; for the filter's machine.")
]


@firewall_app.command("print")
def print_rules(config: ConfigFile, transparent: Transparent = False) -> None:
    """Write nftables rules that let clients out through the filter alone."""
    _, settings = settings_for_commands(config)
    border = border_of(settings, datetime.now(UTC))
    if transparent:
        border = replace(border, redirect=redirect_of(settings))
    sys.stdout.write(render(border))
    sys.stderr.writelines(f"{note}\n" for note in border.notes())


class DnsForm(StrEnum):
    """What reads the names."""

    UNBOUND = "unbound"
    RPZ = "rpz"


@firewall_app.command("dns")
def print_names(
    config: ConfigFile, form: Annotated[DnsForm, typer.Option("--format", help="For whom.")] = DnsForm.UNBOUND
) -> None:
    """Write the names that the district's resolver must not resolve: for unbound, or as a response policy zone."""
    settings_for_commands(config)  # a file that cannot be used is refused here, too
    now = int(datetime.now(UTC).timestamp())
    sys.stdout.write(unbound() if form is DnsForm.UNBOUND else response_policy_zone(now))
