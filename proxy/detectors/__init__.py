"""Techniques that are recognised by what a request does, not by a list. One file a family.

A new one: a file here with functions of the shape of `Detector`, their lines in DETECTORS, their codes in
proxy/reasons.py and docs/reasons.md, rows in tests/cases/. A protocol that is known by its first bytes is a `Signature`
(signature.py), with its line in opening.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from proxy.detectors import (
    alpn,
    bittorrent,
    destination,
    dns_answers,
    downloads,
    encrypted_archives,
    encrypted_dns,
    file_sharing,
    http_tunnels,
    ipfs,
    methods,
    nested,
    opening,
    proxy_chain,
    proxy_configuration,
    relays,
    tor,
    torrents,
    unreadable,
    upgrades,
    vpn,
    web_proxies,
    web_proxy_pages,
    websockets,
)
from proxy.facts import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot
    from proxy.verdict import Match


class Detector(Protocol):
    """Says what it recognised, or None. Pure, and cheap: each is asked on every request, at its stages."""

    def __call__(self, facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
        """Recognise one technique. A detector that raises is a block (fail closed)."""


_DESTINATION: tuple[Detector, ...] = (
    destination.mismatch,
    destination.private,
    destination.literal,
    destination.port,
    relays.destination,
)

#: What a target holds is known when its head has come, and is not asked of each message that follows.
_TARGET: tuple[Detector, ...] = (*_DESTINATION, nested.nested)

_REQUEST: tuple[Detector, ...] = (
    bittorrent.request,
    ipfs.request,
    file_sharing.request,
    vpn.request,
    tor.request,
    proxy_chain.request,
    encrypted_dns.request,
    relays.request,
    upgrades.request,
    methods.request,
    http_tunnels.request,
    web_proxies.request,
)

_ANSWERS: tuple[Detector, ...] = (
    torrents.torrent,
    downloads.download,
    proxy_configuration.configuration,
    web_proxy_pages.web_proxy_page,
    dns_answers.dns_answer,
    encrypted_archives.encrypted_archive,
    unreadable.encoding,
    unreadable.part,
)

#: Which are asked when. What comes later has passed the stages before.
DETECTORS: Mapping[Stage, tuple[Detector, ...]] = {
    Stage.CONNECT: (*_TARGET, tor.service, vpn.connect),
    Stage.CLIENT_HELLO: (*_TARGET, tor.hello, alpn.hello),
    Stage.REQUEST: (*_TARGET, *_REQUEST),
    Stage.RESPONSE: (*_DESTINATION, *_ANSWERS),
    Stage.STREAM: (*_DESTINATION, opening.recognise, websockets.message, encrypted_dns.body),
}
