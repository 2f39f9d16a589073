"""Web proxies by what they send: the scripts of those that live in a service worker, the forms of those on a server.

Scripts are known by names that stay when they are packed, so a renamed or bundled one is known too. A lesson or an
article about them is text that no browser runs, or a page without their form, and passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy import reasons
from proxy.scanning.answer import Kind
from proxy.scanning.screen import is_active
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.scanning.answer import Answer
    from proxy.snapshot import PolicySnapshot

_WEB_PROXY = Match("bypass.web-proxy", reasons.title_of("bypass.web-proxy"), "web-proxy")

_FORMS = frozenset({"glype", "phproxy", "cgiproxy"})


def web_proxy_page(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a part of a web proxy in a page or a script."""
    answer = facts.answer
    if answer is None or not answer.marks:
        return None
    if answer.kind is Kind.HTML or (answer.kind is Kind.BINARY and answer.declared == "text/html"):  # UTF-16
        return _WEB_PROXY if not answer.marks.isdisjoint(_FORMS) else None
    return _WEB_PROXY if "worker-proxy" in answer.marks and _may_run(answer, facts) else None


def _may_run(answer: Answer, facts: RequestFacts) -> bool:
    """Whether a browser would run it: not JSON, and not text that may not be sniffed (fetch, "nosniff")."""
    if is_active(answer.declared) or facts.fields.get("sec-fetch-dest", "") in ("script", "serviceworker", "worker"):
        return True
    sniffed = answer.fields.get("x-content-type-options", "").strip().lower() != "nosniff"
    return answer.kind is Kind.TEXT and sniffed and answer.declared != "text/markdown"
