"""The one account of the demo: made at its first start, told at every start, where nobody else can reach it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from proxy.identity.accounts import load_accounts
from proxy.identity.accounts_file import add
from proxy.private_file import read_private, write_private

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from config.settings import Settings

_NAME = "demo"
_CAP = 200


def demo_lines(folder: Path, settings: Settings, now: datetime) -> list[str]:
    """Make the demo's account where there is none yet, and say how to use it; nothing for a real district.

    Its password is made by chance and kept in state_dir (0600), so that it can be told again.
    """
    if not settings.starter_only or not all(listener.ip.is_loopback for listener in settings.proxy.listen):
        return []
    kept = folder / "demo-password"
    if not len(load_accounts(folder / "accounts.json")):
        password = secrets.token_urlsafe(12)
        write_private(kept, password.encode())
        add(folder / "accounts.json", _NAME, password, "staff", now)
    if not kept.exists():
        return []
    address = settings.proxy.listen[0].address
    return [
        f"the demo's account: user {_NAME}, password {read_private(kept, _CAP).decode()}",
        f"browser: HTTP proxy {address}, and trust {folder / 'ca' / 'authority.crt'} as an authority for web sites",
        f"curl: curl --proxy http://{address} --proxy-user {_NAME} --cacert {folder / 'ca' / 'authority.crt'} "
        "https://obscene.test/",
        f"how, step by step: http://{address}/",
    ]
