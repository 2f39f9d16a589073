"""A verdict to the answer that a person, a page or a program gets. Pure: no I/O after construction, no clock.

What it says and how follows reference/interface.md, section 1. It never says that a site *is* something, nor that the
law requires what the District chose; a `child-abuse` block shows neither list nor entry, and offers nothing.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from categories.taxonomy import Basis
from proxy.pages.answers import SANDBOX, UNFRAMED, Answer, answer_to, basic_challenge, content_policy, proxy_status
from proxy.pages.ask import Ask, Shape, ask_of, language_of, shape_of
from proxy.pages.catalogue import LANGUAGES, catalogue
from proxy.pages.frame import PageSettings, frame
from proxy.pages.kinds import Kind, Offer, Tone, kind_of
from proxy.pages.templates import environment, style
from proxy.pages.why import NAME_SHOWN, why
from proxy.pages.wording import mailto, shown_address, shown_time, telephone, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.facts import RequestFacts
    from proxy.verdict import Verdict

__all__ = ["LAST_RESORT", "Answer", "Ask", "PageSettings", "Pages", "ask_of"]

#: The smallest image there is: 43 bytes, 1 x 1, transparent.
GIF = base64.b64decode("R0lGODlhAQABAPAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")

#: The answer for when making an answer has failed: constant, without settings. Record it as `error.page`.
LAST_RESORT = answer_to(
    Ask(),
    503,
    {"Content-Type": "text/plain; charset=utf-8", "Content-Security-Policy": content_policy(also=SANDBOX)},
    b"The internet filter cannot decide right now, so nothing is let through. Please call the Help Desk.\n",
)

_MAILS = {
    Offer.UNBLOCK: ("unblock", "category"),
    Offer.MISTAKE: ("mistake",),
    Offer.CONTACT: ("contact",),
    Offer.NOTICE: ("notice",),
}


@dataclass(frozen=True, slots=True)
class _Block:
    """One block on its way to an answer."""

    verdict: Verdict
    facts: RequestFacts
    ask: Ask
    record_id: str
    kind: Kind
    language: str

    @property
    def status(self) -> int:
        """The verdict's status where that is a refusal: a block never looks like success to anybody."""
        return self.verdict.status if 400 <= self.verdict.status <= 599 else 403

    @property
    def user(self) -> str | None:
        """The account's name, only in a tab of its own: in a frame another site could be looking on."""
        return visible(self.facts.user, NAME_SHOWN) if self.facts.user and self.ask.navigates else None


@dataclass(frozen=True, slots=True)
class _Rule:
    """On whose word it is blocked, and where that is written."""

    basis: str
    clause: str | None


class Pages:
    """The pages of one district on one node, compiled once per snapshot."""

    def __init__(self, settings: PageSettings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._page_template = environment().get_template("block.html")
        self._card_template = environment().get_template("card.html")
        self._style, self._card_style = style("style.css"), style("card.css")
        self._page_policy = content_policy(self._style, SANDBOX + UNFRAMED)
        self._card_policy = content_policy(self._card_style, SANDBOX)
        self._bare_policy = content_policy(also=SANDBOX)
        self._frames = {language: frame(settings, language) for language in LANGUAGES}

    def answer(self, verdict: Verdict, facts: RequestFacts, ask: Ask, record_id: str) -> Answer:
        """The answer to a request that is not let through. Its status is never one of success.

        Raises ValueError when the verdict lets the request through: there is nothing to show then.
        """
        if verdict.forwards:
            raise ValueError(f"no page for a verdict that forwards ({verdict.reason})")
        kind = kind_of(verdict.reason, verdict.category)
        block = _Block(verdict, facts, ask, record_id, kind, language_of(ask, LANGUAGES))
        shape, media_type = shape_of(ask)
        body, policy = self._body(block, shape)
        fields = self._fields(block, media_type) | {"Content-Security-Policy": policy}
        return answer_to(ask, block.status, fields, body)

    def _body(self, block: _Block, shape: Shape) -> tuple[bytes, str]:
        match shape:
            case Shape.PAGE:
                return self._page(block), self._page_policy
            case Shape.CARD:
                return self._card(block), self._card_policy
            case Shape.PROBLEM:
                return self._problem(block), self._bare_policy
            case Shape.IMAGE:
                return GIF, self._bare_policy
            case Shape.EMPTY:
                return b"", self._bare_policy

    def _fields(self, block: _Block, media_type: str) -> dict[str, str]:
        details = f"{block.verdict.reason} {block.record_id}"
        fields = {
            "Proxy-Status": proxy_status(self._settings.node, block.kind.error, details),
            "Content-Language": block.language,
        }
        if media_type:
            fields["Content-Type"] = media_type
        if block.status == 407:
            fields["Proxy-Authenticate"] = basic_challenge(f"{self._settings.name} internet filter")
        return fields

    def _page(self, block: _Block) -> bytes:
        texts, kind = catalogue(block.language), block.kind
        address = shown_address(block.facts, with_path=kind.offer is not Offer.NOTICE)
        label = texts[f"kinds.{kind.id}.label"]
        page = self._page_template.render(
            self._frames[block.language],
            style=self._style,
            tone=kind.tone.value,
            window=texts["window"].format(label=label, host=address.title, filter=texts["filter"]),
            label=label,
            heading=texts[f"kinds.{kind.id}.heading"],
            address=address,
            why=why(block.verdict, block.facts, kind, block.language),
            rule=self._rule(block, texts),
            advice=texts[f"kinds.{kind.id}.advice"],
            actions=self._actions(block, texts),
            record_id=block.record_id,
            time=shown_time(block.facts.at, self._zone, texts),
            user=block.user,
        )
        return page.encode()

    def _card(self, block: _Block) -> bytes:
        texts = catalogue(block.language)
        card = self._card_template.render(
            t=texts,
            language=block.language,
            style=self._card_style,
            label=texts[f"kinds.{block.kind.id}.label"],
            text=texts[f"card.{block.kind.tone.value}"],
            record_id=block.record_id,
        )
        return card.encode()

    def _problem(self, block: _Block) -> bytes:
        """Problem details (RFC 9457). ASCII only, so that no reader can mistake its encoding."""
        verdict, texts = block.verdict, catalogue(block.language)
        family = verdict.reason.partition(".")[0]
        sentences = why(verdict, block.facts, block.kind, block.language)
        problem = {
            "type": f"http://{self._settings.public_name}/help#{family}",
            "title": texts[f"kinds.{block.kind.id}.heading"],
            "status": block.status,
            "detail": " ".join(sentence.striptags() for sentence in sentences),
            "reason": verdict.reason,
            "category": verdict.category,
            "ref": block.record_id,
        }
        return json.dumps(problem).encode("ascii") + b"\n"

    def _rule(self, block: _Block, texts: Mapping[str, str]) -> _Rule | None:
        """Only for what somebody decided: neither for a site's problem nor for a request nobody can read."""
        if block.kind.tone is not Tone.POLICY or block.kind.offer is Offer.CONTACT:
            return None
        basis = block.verdict.basis or Basis.DISTRICT_POLICY
        p2p = block.kind.id == "p2p" or block.verdict.category == "p2p"
        clauses = self._settings.clauses
        clause = clauses.get("p2p" if p2p else "filter") or clauses.get("filter")
        return _Rule(texts[f"basis.{basis.value}"], clause)

    def _actions(self, block: _Block, texts: Mapping[str, str]) -> list[tuple[str, str]]:
        """Links to the Help Desk. A filter in trouble offers the telephone first: mail may be down as well."""
        email, phone = self._settings.help_desk_email, self._settings.help_desk_phone
        mails = [
            (mailto(email, texts[f"subjects.{id_}"].format(ref=block.record_id)), texts[f"buttons.{id_}"])
            for id_ in _MAILS[block.kind.offer]
            if email
        ]
        calls = [(telephone(phone), texts["buttons.call"].format(phone=phone))] if phone else []
        return calls + mails if block.kind.tone is Tone.FILTER else mails + calls
