"""What no settings file may do about safe search and tenants, as pure functions: what is rewritten is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.refusals import Refusal
from config.rewritten_hosts import search_hosts, tenant_hosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from config.approvals import PassthroughHost
    from config.proxy_settings import Proxy
    from config.rewriting_settings import SafeSearch, Tenants
    from config.rewritten_hosts import RewrittenHosts


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


def unopened(proxy: Proxy, safe_search: SafeSearch, named: Tenants) -> Iterator[Refusal]:
    """Hosts whose TLS is not opened, though a request to them has to be rewritten."""
    yield from passthrough(proxy.passthrough, safe_search, named)
    for number, tunnel in enumerate(proxy.approved_tunnels):
        for key, otherwise, where in _rewritten(safe_search, named):
            if tunnel.protocol == "tls" and where.holds(tunnel.host):
                yield _unseen(("approved_tunnels", number, "host"), tunnel.host, tunnel.host, key, otherwise)


def passthrough(hosts: Sequence[PassthroughHost], safe_search: SafeSearch, named: Tenants) -> Iterator[Refusal]:
    """The same of hosts that are passed through with their sub-domains."""
    for number, passed in enumerate(hosts):
        for key, otherwise, where in _rewritten(safe_search, named):
            if found := where.overlap(passed.host):
                yield _unseen(("passthrough", number, "host"), passed.host, found, key, otherwise)


def _rewritten(safe_search: SafeSearch, named: Tenants) -> Iterator[tuple[str, str, RewrittenHosts]]:
    """For each setting that rewrites requests: its key, how to do without it, and the hosts that it needs opened."""
    for name, engine in search_hosts().items():
        if getattr(safe_search, name) != "off":
            yield f"safe_search.{name}", f"set safe_search.{name}: off", engine
    on = restricted(named)
    for name, service in tenant_hosts().items():
        if name in on:
            key = f"tenants.{name.partition('_')[0]}"
            yield key, f"leave {key} out", service.signing_in


def _unseen(at: tuple[str | int, ...], host: str, found: str, key: str, otherwise: str) -> Refusal:
    covers = f" covers {found}, which" if found != host else ""
    why = f"{host}{covers} is rewritten for {key}; what is not opened is not: name a narrower host, or {otherwise}"
    return Refusal(at, why)
