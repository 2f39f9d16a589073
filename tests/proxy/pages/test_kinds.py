"""A reason to the way it is shown: the longest beginning counts, child-abuse always wins, the unknown is our fault."""

from __future__ import annotations

import pytest

from proxy.pages.kinds import kind_of


@pytest.mark.parametrize(
    ("reason", "category", "kind"),
    [
        ("category.gambling", "gambling", "listed"),
        ("category.of-the-district", "of-the-district", "listed"),
        ("category.child-abuse", "child-abuse", "child_abuse"),
        ("bypass.nested-address", "child-abuse", "child_abuse"),
        ("its-block", None, "its_block"),
        ("bypass.anything.at.all", None, "bypass"),
        ("p2p.ed2k", None, "p2p"),
        ("address.port", None, "address_port"),
        ("address.new", None, "address"),
        ("identity.required", None, "identity"),
        ("identity.disabled", None, "identity_disabled"),
        ("upstream.tls", None, "upstream_tls"),
        ("upstream.new", None, "upstream"),
        ("protocol.malformed", None, "protocol"),
        ("error.usage-log", None, "error"),
        ("categoryx", None, "error"),
        ("", None, "error"),
        (".", None, "error"),
        ("default", None, "error"),
    ],
)
def test_the_longest_beginning_counts(reason: str, category: str | None, kind: str) -> None:
    assert kind_of(reason, category).id == kind
