"""The texts: the same keys and places in both languages, and the words of the taxonomy and the reasons."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import proxy.pages.catalogue
from categories.taxonomy import CATEGORIES, Basis
from proxy.pages.catalogue import LANGUAGES, catalogue
from proxy.pages.kinds import KINDS, Tone
from proxy.reasons import REASONS

if TYPE_CHECKING:
    from pathlib import Path

ENGLISH, SPANISH = catalogue("en"), catalogue("es")
PLACE = re.compile(r"\{[a-z0-9_]*[^}]*\}")


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(ENGLISH) == list(SPANISH)
    assert LANGUAGES == ("en", "es")


@pytest.mark.parametrize("key", list(ENGLISH))
def test_both_languages_have_the_same_places_to_fill(key: str) -> None:
    if key != "time":  # the order and the parts of a date differ
        assert sorted(PLACE.findall(ENGLISH[key])) == sorted(PLACE.findall(SPANISH[key]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_listed_kind_leaves_a_text_out(language: str) -> None:
    """Its sentence is made of what the list says."""
    assert [key for key, text in catalogue(language).items() if not text.strip()] == ["kinds.listed.why"]


def test_nothing_was_left_in_english() -> None:
    names = {"Tor", "SSH", "BitTorrent", "eDonkey", "Gnutella", "Direct Connect", "IPFS"}
    same = {key for key, text in ENGLISH.items() if text == SPANISH[key] and text not in names}
    assert same == {"window", "kinds.listed.why"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_markup(language: str) -> None:
    """Texts become markup without being escaped (proxy/pages/why.py)."""
    assert [key for key, text in catalogue(language).items() if re.search(r"[<>]|&\S", text)] == []


def test_the_categories_are_the_taxonomy_s() -> None:
    ours = {key.removeprefix("categories."): text for key, text in ENGLISH.items() if key.startswith("categories.")}
    assert ours == {category.id: category.title for category in CATEGORIES}


def test_the_techniques_are_those_of_the_reasons() -> None:
    ours = {key.removeprefix("reasons."): text for key, text in ENGLISH.items() if key.startswith("reasons.")}
    assert ours == {code: title for code, title in REASONS.items() if code.startswith(("bypass.", "p2p.", "download."))}


def test_every_kind_tone_and_basis_has_its_words() -> None:
    for kind in KINDS.values():
        for part in ("label", "heading", "why", "advice"):
            assert f"kinds.{kind.id}.{part}" in ENGLISH
    for tone in Tone:
        assert f"card.{tone.value}" in ENGLISH
    for basis in Basis:
        assert f"basis.{basis.value}" in ENGLISH


def test_every_kind_in_the_catalogue_can_be_shown() -> None:
    named = {key.split(".")[1] for key in ENGLISH if key.startswith("kinds.")}
    assert named == {kind.id for kind in KINDS.values()}


def test_a_value_that_is_no_text_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xx.yaml").write_text("kinds: {listed: {label: no}}")
    monkeypatch.setattr(proxy.pages.catalogue, "_HERE", tmp_path)
    with pytest.raises(TypeError, match=r"kinds\.listed\.label"):
        catalogue("xx")
