"""Answers that cannot be judged: in a coding that nobody undoes, or in parts that hide what the whole is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from proxy import reasons
from proxy.scanning.answer import Kind, Trouble
from proxy.scanning.screen import is_active
from proxy.scanning.sniffing import kind_of
from proxy.snapshot import covering_name
from proxy.verdict import Match

if TYPE_CHECKING:
    from proxy.facts import RequestFacts
    from proxy.scanning.answer import Answer
    from proxy.snapshot import PolicySnapshot

_ENCODING, _RANGE = (Match(reason, reasons.title_of(reason)) for reason in ("bypass.encoding", "bypass.range"))

#: What a part has to have, or to leave out, so that nobody puts a beginning together from parts, in bytes.
_BEGINNING = 512

#: Declared types of what is never run and never read as a configuration.
_SHOWN = ("image/", "video/", "audio/", "font/")

#: Kinds that tell what they are by a beginning that a part from the start has.
_CERTAIN = frozenset({Kind.MEDIA, Kind.PROGRAM, Kind.INSTALLER, Kind.PACKAGE, Kind.ZIP, Kind.OLE, Kind.SEVEN_ZIP,
                      Kind.RAR, Kind.GZIP, Kind.EMPTY})  # fmt: skip

#: Each range of a request (RFC 9110, section 14.1.2).
_ASKED = re.compile(r"[=,]\s*([0-9]{0,18})-([0-9]{0,18})", re.ASCII)

_TEXTS = frozenset({Kind.TEXT, Kind.HTML, Kind.XML, Kind.BENCODE})


def encoding(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise an unknown coding on what would be scanned, and a body that goes wrong or grows beyond all measure.

    Browsers show nothing of what goes wrong, or what came before that, of which we may have seen less.
    """
    answer = facts.answer
    if answer is None or answer.trouble is None:
        return None
    if answer.trouble is not Trouble.UNKNOWN:
        return _ENCODING
    return None if answer.declared.startswith(_SHOWN) or answer.kind is Kind.MEDIA else _ENCODING


def part(facts: RequestFacts, snapshot: PolicySnapshot) -> Match | None:
    """Recognise a part of which nobody can say what the whole is (RFC 9110, section 14).

    Films are fetched in parts, and updates, whose hosts `downloads.allow_from` names.
    """
    answer = facts.answer
    if answer is None or answer.status != 206 or covering_name(facts.target_host, snapshot.downloads.allow_from):
        return None
    return _RANGE if _hides(answer) or not _is_asked_for(answer, facts.fields.get("range", "")) else None


def _is_asked_for(answer: Answer, asked: str) -> bool:
    """Whether a part begins where the request wants one to. What nobody asked for is delivered as if it were all."""
    which = answer.part
    if which is None or which.is_all:
        return which is not None
    for first, last in _ASKED.findall(asked):
        if first and int(first) == which.first:
            return True
        if not first and last and (which.whole is None or which.whole - int(last) <= which.first):
            return True  # the last so many bytes
    return False


def _hides(answer: Answer) -> bool:
    which = answer.part
    if which is None:  # several parts in one answer, or none that is named
        return True
    if which.is_all:
        return False
    if is_active(answer.declared):
        return True
    if which.first:
        return which.first < _BEGINNING and not _is_shown(answer)
    if which.size < _BEGINNING:
        return not (answer.declared.startswith(_SHOWN) or answer.kind in _CERTAIN)
    return answer.kind in _TEXTS


def _is_shown(answer: Answer) -> bool:
    """Whether it is said to be media and its bytes are no text: players fetch the index behind a film's first box."""
    uncoded = answer.declared.startswith(_SHOWN) and "content-encoding" not in answer.fields
    return uncoded and kind_of(answer.data, ended=True) in (Kind.MEDIA, Kind.BINARY)
