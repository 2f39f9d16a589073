"""Every refusal again, on finished settings: for whoever builds a policy snapshot from them (invariants 1, 3 and 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from categories.address import MalformedAddress, canonical_host
from config import (
    category_refusals,
    download_refusals,
    firewall_refusals,
    listener_refusals,
    refusals,
    rewriting_refusals,
    transparent_refusals,
)
from config.fields import socket_address
from config.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from config.approvals import Approval
    from config.proxy_settings import Proxy
    from config.settings import Settings


def recheck(settings: Settings, today: date) -> tuple[Refusal, ...]:
    """What these settings may not do, in spite of the models; empty when they may be used. `today` in UTC."""
    return tuple(_all(settings, today))


def _all(settings: Settings, today: date) -> Iterator[Refusal]:
    known = category_refusals.known_categories(settings.categories)
    yield from _below(("schools",), category_refusals.schools(settings.schools))
    yield from _below(("groups",), category_refusals.groups(settings.groups))
    yield from _below(
        ("categories",), category_refusals.categories(settings.categories, settings.groups, settings.hours)
    )
    yield from _below(("lists",), category_refusals.lists(settings.lists, settings.starter_only, known))
    yield from _below(("tenants",), rewriting_refusals.tenants(settings.tenants))
    yield from _below(("downloads",), download_refusals.downloads(settings.downloads, settings.groups))
    for number, host in enumerate(settings.downloads.allow_from):
        yield from _because(("downloads", "allow_from", number), _host(host))
    yield from _because(("proxy", "public_name"), _host(settings.proxy.public_name))
    yield from _below(("proxy",), listener_refusals.proxy(settings.proxy, known))
    yield from _below(("proxy",), rewriting_refusals.unopened(settings.proxy, settings.safe_search, settings.tenants))
    yield from _below(("proxy", "allow_ports"), refusals.ports(settings.proxy.allow_ports))
    yield from _below(("proxy",), _approvals(settings.proxy))
    yield from _below(("identity",), listener_refusals.identity(settings.identity, settings.proxy))
    yield from _below(("metrics",), listener_refusals.metrics(settings.metrics, settings.proxy))
    transparent = settings.proxy.transparent
    yield from _below(("proxy", "transparent"), transparent_refusals.transparent(transparent, settings.schools))
    yield from _below(("proxy", "transparent"), transparent_refusals.again(transparent))
    yield from _below(("firewall",), firewall_refusals.firewall(settings.firewall, settings.schools))
    yield from _below(("firewall",), firewall_refusals.again(settings.firewall))
    for at, approval in _dated(settings):
        yield from _because(at, refusals.since(approval.since, today))
        if not approval.owner.strip() or not approval.reason.strip():
            yield Refusal(at, "owner or reason is blank")


def _approvals(proxy: Proxy) -> Iterator[Refusal]:
    for number, passed in enumerate(proxy.passthrough):
        yield from _because(("passthrough", number), _host(passed.host))
    for number, opened in enumerate(proxy.private_networks.allow):
        yield from _because(("private_networks", "allow", number), refusals.private_network(opened.network))
    for number, approved in enumerate(proxy.approved_addresses):
        why = refusals.approved_address(*socket_address(approved.address))
        yield from _because(("approved_addresses", number), why)
    for number, tunnel in enumerate(proxy.approved_tunnels):
        yield from _because(("approved_tunnels", number), _host(tunnel.host))
    yield from _below(("approved_tunnels",), refusals.tunnels((one.host, one.port) for one in proxy.approved_tunnels))


def _host(name: str) -> str | None:
    try:
        host = canonical_host(name)
    except MalformedAddress as error:
        return str(error)
    return '"*" is not allowed' if "*" in host else refusals.host(host)


def _dated(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], Approval]]:
    proxy = settings.proxy
    for key, approvals in (
        ("passthrough", proxy.passthrough),
        ("private_networks", proxy.private_networks.allow),
        ("approved_addresses", proxy.approved_addresses),
        ("approved_tunnels", proxy.approved_tunnels),
    ):
        yield from ((("proxy", key, number), approval) for number, approval in enumerate(approvals))
    for number, served in enumerate(proxy.transparent.networks):
        yield ("proxy", "transparent", "networks", number), served
    for key, opened in (("inside", settings.firewall.inside), ("exemptions", settings.firewall.exemptions)):
        yield from ((("firewall", key, number), approval) for number, approval in enumerate(opened))
    for number, source in enumerate(settings.lists):
        yield from ((("lists", number, "white", name), approval) for name, approval in source.white.items())


def _below(at: tuple[str | int, ...], found: Iterable[Refusal]) -> Iterator[Refusal]:
    return (Refusal((*at, *refusal.at), refusal.message) for refusal in found)


def _because(at: tuple[str | int, ...], why: str | None) -> Iterator[Refusal]:
    if why:
        yield Refusal(at, why)
