"""What no settings file may do about safe search and tenants, as pure functions: what is passed through stays so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.refusals import Refusal
from config.rewritten_hosts import search_hosts, tenant_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from config.approvals import PassthroughHost
    from config.rewriting_settings import SafeSearch, Tenants


def tenants(settings: Tenants) -> Iterator[Refusal]:
    """Halves of what a service asks for: it would let everybody in."""
    microsoft, slack = settings.microsoft, settings.slack
    if bool(microsoft.tenants) != bool(microsoft.context):
        yield Refusal(("microsoft",), "tenants and context go together: the tenants, and the id of the district's own")
    if bool(slack.workspaces) != bool(slack.requester):
        yield Refusal(("slack",), "requester and workspaces go together: who asks, and what may be signed in to")


def restricted(settings: Tenants) -> frozenset[str]:
    """The services, as rewritten_hosts.yaml names them, at which a tenant is asked for."""
    on = {
        "google": bool(settings.google),
        "microsoft": bool(settings.microsoft.tenants),
        "microsoft_personal": not settings.microsoft.personal_accounts,
        "dropbox": bool(settings.dropbox),
        "slack": bool(settings.slack.workspaces),
    }
    return frozenset(name for name, is_on in on.items() if is_on)


def passthrough(hosts: Sequence[PassthroughHost], safe_search: SafeSearch, named: Tenants) -> Iterator[Refusal]:
    """Hosts that are not decrypted, though a request to them has to be rewritten."""
    searching = {name: one for name, one in search_hosts().items() if getattr(safe_search, name) != "off"}
    signing = {name: one for name, one in tenant_hosts().items() if name in restricted(named)}
    for number, passed in enumerate(hosts):
        for name, engine in searching.items():
            if found := engine.overlap(passed.host):
                yield _unseen(number, passed.host, found, f"safe_search.{name}", f"or set safe_search.{name}: off")
        for name, service in signing.items():
            if found := service.signs_in_below(passed.host):
                key = f"tenants.{name.partition('_')[0]}"
                yield _unseen(number, passed.host, found, key, f"or leave {key} out")


def _unseen(number: int, host: str, found: str, key: str, otherwise: str) -> Refusal:
    covers = f" covers {found}, which" if found != host else ""
    why = f"{host}{covers} is rewritten for {key}; what is passed through is not: name a narrower host, {otherwise}"
    return Refusal(("passthrough", number, "host"), why)
