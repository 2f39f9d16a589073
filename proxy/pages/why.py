"""The sentences under "Why": only what is known, and never more than a child-abuse block may show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from categories.taxonomy import TAXONOMY
from proxy.pages.catalogue import catalogue
from proxy.pages.kinds import LISTED, NESTED, Kind, Tone
from proxy.pages.wording import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.facts import RequestFacts
    from proxy.verdict import Verdict

#: Longest name of a list, its version, a match or an account shown, in characters.
NAME_SHOWN = 48

#: Kinds that say which technique was recognized; the others say it in their own sentence.
_RECOGNIZED = frozenset({"bypass", "p2p", "download"})


def why(verdict: Verdict, facts: RequestFacts, kind: Kind, language: str) -> list[Markup]:
    """What the filter saw, as markup: "listed as X by list L", never that a site is something."""
    texts, match = catalogue(language), verdict.match
    if kind is LISTED:
        return [_listed(verdict, texts, language)]
    if kind is NESTED:
        return [_sentence(texts[f"kinds.{kind.id}.why"]), _inner(verdict, texts, language)]
    sentences = [_sentence(texts[f"kinds.{kind.id}.why"], port=str(facts.port))]
    if kind.tone is Tone.SITE:
        sentences.append(_sentence(texts["not_an_attempt"]))
    if kind.id in _RECOGNIZED and match is not None:
        technique = texts.get(f"reasons.{match.reason}") or _in_english(match.title, language)
        sentences.append(_sentence(texts["recognized"], title=technique))
    return sentences


def _inner(verdict: Verdict, texts: Mapping[str, str], language: str) -> Markup:
    """What is known of the address inside: of one without a category, that ITS blocked it, or that it is none."""
    if verdict.category is not None:
        return _listed(verdict, texts, language, "inner.")
    by_its = verdict.match is not None and verdict.match.entry is not None
    return _sentence(texts["inner.its_block" if by_its else "inner.unclear"])


def _listed(verdict: Verdict, texts: Mapping[str, str], language: str, which: str = "") -> Markup:
    match = verdict.match
    title = _strong(_title(verdict, texts, language))
    if match is None or match.list is None:
        return _sentence(texts[f"{which}matched"], title=title)
    name = _strong(visible(match.list, NAME_SHOWN))
    if match.list_version is None:
        return _sentence(texts[f"{which}listed_undated"], title=title, list=name)
    version = visible(match.list_version, NAME_SHOWN)
    return _sentence(texts[f"{which}listed"], title=title, list=name, version=version)


def _title(verdict: Verdict, texts: Mapping[str, str], language: str) -> str:
    """What the address is listed as, in the reader's language where it is one of our categories."""
    if verdict.category in TAXONOMY:
        return texts[f"categories.{verdict.category}"]
    named = verdict.match.title if verdict.match else verdict.category
    return _in_english(named or verdict.reason, language)


def _in_english(title: str, language: str) -> str:
    """A title that exists in one language only, marked as such (WCAG 3.1.2)."""
    text = visible(title, NAME_SHOWN)
    return text if language == "en" else Markup('<span lang="en">{}</span>').format(text)


def _strong(text: str) -> Markup:
    return Markup("<strong>{}</strong>").format(text)


def _sentence(text: str, **values: str) -> Markup:
    """A text of a catalogue with values that are escaped unless they are markup of ours."""
    return Markup(text).format(**values)  # noqa: S704 - the text is our own
