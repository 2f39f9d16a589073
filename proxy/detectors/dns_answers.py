"""Answers of DNS over HTTPS, to a question that was not recognised: by their type, and the JSON of public resolvers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.scanning.answer import Kind
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.snapshot import PolicySnapshot

_ENCRYPTED_DNS = Match("bypass.encrypted-dns", reasons.title_of("bypass.encrypted-dns"), "encrypted-dns")

#: RFC 8484, RFC 9230, and the form that Google and Cloudflare made.
_TYPES = frozenset({"application/dns-message", "application/oblivious-dns-message", "application/dns-json"})

#: How an answer in JSON begins: a status of RFC 8914's sort, flags of a DNS head, and the question with its type.
_JSON = re.compile(rb'\{\s{0,64}"Status"\s{0,8}:\s{0,8}[0-9]{1,5}\s{0,64},')
_QUESTION = re.compile(rb'"Question"\s{0,8}:\s{0,8}[\[{]')
_FLAGS = (b'"RD"', b'"RA"', b'"TC"')


def dns_answer(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise the answer of a resolver. A monitoring page's JSON has neither a question nor a DNS head's flags."""
    answer = facts.answer
    if answer is None:
        return None
    if answer.declared in _TYPES:
        return _ENCRYPTED_DNS
    if answer.kind is not Kind.JSON:
        return None
    head = answer.data[:1024]
    asks = _JSON.match(head.lstrip()) and _QUESTION.search(head) and any(flag in head for flag in _FLAGS)
    return _ENCRYPTED_DNS if asks else None
