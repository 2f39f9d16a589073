from __future__ import annotations

from categories.taxonomy import CATEGORIES, FLOOR, RELAXABLE, TAXONOMY, Basis, Lock


def test_the_floor_is_the_four_of_the_law_and_the_board() -> None:
    assert {id_: TAXONOMY[id_].basis for id_ in FLOOR} == {
        "obscene": Basis.FEDERAL_LAW,
        "child-abuse": Basis.FEDERAL_LAW,
        "pornography": Basis.BOARD_POLICY,
        "harmful-to-minors": Basis.BOARD_POLICY,
    }


def test_everything_else_is_what_the_district_chose() -> None:
    assert {c.basis for c in CATEGORIES if c.id not in FLOOR} == {Basis.DISTRICT_POLICY}


def test_ids_are_unique_and_what_gets_round_the_filter_is_relaxable_for_groups_alone() -> None:
    assert len(TAXONOMY) == len(CATEGORIES)
    assert {"vpn", "web-proxy", "encrypted-dns", "tor", "tunnel-host", "p2p"} == RELAXABLE
    assert {c.lock for c in CATEGORIES if c.id in FLOOR} == {Lock.FLOOR}


def test_no_category_for_a_viewpoint() -> None:
    """PFLAG v. Camdenton: a viewpoint-skewed list was enjoined."""
    words = ("sexuality", "lgbt", "gay", "union", "religio", "politic")
    assert [c.id for c in CATEGORIES if any(word in f"{c.id} {c.title}".lower() for word in words)] == []
