from __future__ import annotations

from proxy.listed import circumstances, listed
from tests.proxy.policy import facts, snapshot, unblock

POLICY = snapshot(
    "groups: {communications: {users: [ana]}}",
    ["games: fun.test", "games: fun.test/play", "malware: fun.test"],
    unblocks=[unblock("fun.test", ["games"])],
    its_blocks=("fun.test",),
)


def test_all_that_the_lists_and_its_say_of_an_address():
    found = listed("www.fun.test", "/play", "", POLICY)
    assert [(match.reason, match.entry) for match in found] == [
        ("category.games", "fun.test"),
        ("category.malware", "fun.test"),
        ("its-block", "fun.test"),
    ]
    assert listed("site.test", "/", "", POLICY) == []


def test_what_it_is_weighed_by_is_who_asks_and_what_is_unblocked_there():
    now = circumstances((), facts(), "fun.test", "/", POLICY)
    assert now.groups == {"communications"}
    assert [one.id for one in now.unblocks] == ["u-fun.test"]
    assert circumstances((), facts(user=None), "site.test", "/", POLICY).unblocks == ()
