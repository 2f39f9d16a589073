"""`breakwater ca …`: the certificate authority on the command line. PEM on standard output, talk on standard error."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.load import state_dir_of
from proxy.authority import NEXT_FILE, description, open_authority, open_next, rotate
from proxy.state_dir import settings_for_commands

ca_app = typer.Typer(no_args_is_help=True, help="The certificate authority of this filter.")

ConfigFile = Annotated[Path, typer.Option("--config", envvar="BREAKWATER_CONFIG", help="The district's file.")]
Next = Annotated[bool, typer.Option("--next", help="The one that `ca rotate` made and the next start will use.")]


@ca_app.command("show")
def show(config: ConfigFile) -> None:
    """Show the authority's name, fingerprint and expiry, and those of the next one where one waits."""
    folder, now = state_dir_of(config) / "ca", datetime.now(UTC)
    lines = description(open_authority(folder, now))
    if (folder / NEXT_FILE).exists():
        lines += ["", "waits for the next start:", *description(open_next(folder, now))]
    sys.stdout.writelines(f"{line}\n" for line in lines)


@ca_app.command("export")
def export(config: ConfigFile, following: Next = False) -> None:
    """Write the authority's certificate, PEM, to standard output."""
    folder, now = state_dir_of(config) / "ca", datetime.now(UTC)
    authority = open_next(folder, now) if following else open_authority(folder, now)
    sys.stdout.write(authority.certificate_pem.decode())


@ca_app.command("rotate")
def make_next(config: ConfigFile) -> None:
    """Make the next authority beside the one in use; it is used from the next start of the filter on."""
    folder, settings = settings_for_commands(config)
    authority = rotate(folder / "ca", settings.district.name, datetime.now(UTC))
    sys.stdout.write(authority.certificate_pem.decode())
    sys.stderr.write(
        "The authority in use stays in use. Give this one to the devices (ca export --next), then restart the filter.\n"
    )
