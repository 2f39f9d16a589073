"""How each family of reasons is shown: which words, in which tone, with which offer, and as which RFC 9209 error."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a page is about; a class of the style sheet."""

    POLICY = "policy"  # the District decided
    SIGN_IN = "sign_in"  # the person has to say who it is
    SITE = "site"  # the other side is at fault: not an attempt
    FILTER = "filter"  # we are at fault


class Offer(StrEnum):
    """What a person may ask of the Help Desk on the page."""

    UNBLOCK = "unblock"  # recommend unblocking, or report a wrong category
    MISTAKE = "mistake"  # say that this was wrongly recognised
    CONTACT = "contact"  # ask for help
    NOTICE = "notice"  # report it, nothing more: child-abuse


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of showing a block. `id` names its words in the catalogues."""

    id: str
    tone: Tone
    offer: Offer
    error: str = "http_request_denied"  # proxy error type, RFC 9209, 2.3


def _policy(id_: str, offer: Offer = Offer.MISTAKE) -> Kind:
    return Kind(id_, Tone.POLICY, offer)


def _site(id_: str, error: str) -> Kind:
    return Kind(id_, Tone.SITE, Offer.CONTACT, error)


def _sign_in(id_: str) -> Kind:
    return Kind(id_, Tone.SIGN_IN, Offer.CONTACT)


LISTED = _policy("listed", Offer.UNBLOCK)
NESTED = _policy("nested", Offer.UNBLOCK)  # a translator or a link in a mail: nobody is told to have tried anything
_FILTER = Kind("error", Tone.FILTER, Offer.CONTACT, "proxy_internal_error")

#: By reason or its beginning at a dot; the longest that fits counts.
KINDS: dict[str, Kind] = {
    "category": LISTED,
    "its-block": _policy("its_block", Offer.UNBLOCK),
    "category.child-abuse": _policy("child_abuse", Offer.NOTICE),
    "bypass": _policy("bypass"),
    "bypass.nested-address": NESTED,
    "p2p": _policy("p2p"),
    "download": _policy("download", Offer.UNBLOCK),
    "address": _policy("address"),
    "address.port": _policy("address_port"),
    "address.private": _policy("address_private"),
    "address.literal": _policy("address_literal"),
    "address.mismatch": _policy("address_mismatch"),
    "identity": _sign_in("identity"),
    "identity.password": _sign_in("identity_password"),
    "identity.disabled": _sign_in("identity_disabled"),
    "identity.attempts": _sign_in("identity_attempts"),
    "upstream": _site("upstream", "destination_unavailable"),
    "upstream.certificate": _site("upstream_certificate", "tls_certificate_error"),
    "upstream.tls": _site("upstream_tls", "tls_protocol_error"),
    "upstream.dns": _site("upstream_dns", "dns_error"),
    "upstream.connect": _site("upstream_connect", "connection_refused"),
    "upstream.timeout": _site("upstream_timeout", "connection_timeout"),
    "protocol": Kind("protocol", Tone.POLICY, Offer.CONTACT, "http_request_error"),
    "error": _FILTER,
}


def kind_of(reason: str, category: str | None) -> Kind:
    """The kind of a block. An unknown family is shown as a fault of the filter, which it is."""
    if category == "child-abuse":  # whatever recognised it: nothing more is ever shown
        return KINDS["category.child-abuse"]
    name = reason
    while name:
        if name in KINDS:
            return KINDS[name]
        name = name.rpartition(".")[0]
    return _FILTER
