from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.unblock import Scope, UnblockRefused, admit
from tests.proxy.policy import unblock

TWO = ("its.one", "its.two")

ADMITTED = {
    "a host": unblock("site.test", ["gambling"]),
    "a host with its sub-domains": unblock("site.test", ["gambling"], scope=Scope.SUBDOMAINS),
    "a path": unblock("site.test", ["gambling"], scope=Scope.PATH, path="/a/b"),
    "several categories and a detector's reason": unblock("site.test", ["gambling", "p2p", "bypass.web-proxy"]),
    "a category of the district's own": unblock("site.test", ["stamps-2"]),
    "a floor entry by two people": unblock("site.test", ["pornography"], authors=TWO),
    "one address": unblock("203.0.113.9", ["address.literal"]),
    "one host of a shared hosting": unblock("lesson.github.io", ["gambling"]),
    "a name with a dash": unblock("a-b.test", ["gambling"]),
    "a name of numbers and a dash": unblock("1-2.test", ["gambling"]),
    "an IDN": unblock("xn--bcher-kva.test", ["gambling"]),
}

REFUSED = {
    "child abuse": (unblock("site.test", ["child-abuse"], authors=TWO), "cannot be unblocked"),
    "child abuse among others": (unblock("site.test", ["gambling", "child-abuse"], authors=TWO), "cannot be unblocked"),
    "a floor entry by one person": (unblock("site.test", ["pornography"]), "two different people"),
    "a floor entry by one person twice": (unblock("site.test", ["obscene"], authors=("its", "ITS ")), "two different"),
    "a floor entry among others": (unblock("site.test", ["gambling", "harmful-to-minors"]), "two different people"),
    "nobody": (unblock("site.test", ["gambling"], authors=()), "no author"),
    "a blank author": (unblock("site.test", ["gambling"], authors=("its", " ")), "no author"),
    "no reason": (unblock("site.test", ["gambling"], reason=" "), "no reason"),
    "nothing": (unblock("site.test", []), "names nothing"),
    "everything": (unblock("site.test", ["*"]), "neither"),
    "a family of reasons": (unblock("site.test", ["bypass."]), "neither"),
    "a reason that no detector has": (unblock("site.test", ["bypass.magic"]), "neither"),
    "a category by its reason": (unblock("site.test", ["category.gambling"]), "neither"),
    "identity": (unblock("site.test", ["identity.required"]), "neither"),
    "an error": (unblock("site.test", ["error.hook"]), "neither"),
    "a private destination": (unblock("site.test", ["address.private"]), "cannot be unblocked"),
    "a lie about the destination": (unblock("site.test", ["address.mismatch"]), "cannot be unblocked"),
    "all hosts": (unblock("*", ["gambling"]), "*"),
    "a wildcard": (unblock("*.site.test", ["gambling"]), "*"),
    "a top-level domain": (unblock("com", ["gambling"]), "public suffix"),
    "a public suffix": (unblock("co.uk", ["gambling"], scope=Scope.SUBDOMAINS), "public suffix"),
    "a suffix of the private section": (unblock("github.io", ["gambling"]), "public suffix"),
    "a suffix behind a wildcard": (unblock("foo.ck", ["gambling"]), "public suffix"),
    "sub-domains on shared hosting": (unblock("x.github.io", ["gambling"], scope=Scope.SUBDOMAINS), "shared hosting"),
    "a path on shared hosting": (unblock("x.github.io", ["gambling"], scope=Scope.PATH, path="/a"), "shared hosting"),
    "shared hosting from above": (unblock("amazonaws.com", ["gambling"], scope=Scope.SUBDOMAINS), "shared hosting"),
    "a range": (unblock("10.0.0.0/8", ["gambling"]), "IP range"),
    "a span": (unblock("10.0.0.1-10.0.0.9", ["gambling"]), "IP range"),
    "a short range": (unblock("10.0.0", ["gambling"]), "canonical"),
    "everything below an address": (unblock("203.0.113.9", ["gambling"], scope=Scope.SUBDOMAINS), "scope host"),
    "a host in capitals": (unblock("Site.test", ["gambling"]), "canonical"),
    "a host with a dot at its end": (unblock("site.test.", ["gambling"]), "canonical"),
    "a host with a port": (unblock("site.test:443", ["gambling"]), "canonical"),
    "an address in another form": (unblock("0x7f000001", ["gambling"]), "canonical"),
    "no host": (unblock("", ["gambling"]), "canonical"),
    "a path without its scope": (unblock("site.test", ["gambling"], path="/a"), "scope is not path"),
    "a path that is the host": (unblock("site.test", ["gambling"], scope=Scope.PATH, path="/"), "below /"),
    "no path": (unblock("site.test", ["gambling"], scope=Scope.PATH), "below /"),
    "a path with dots": (unblock("site.test", ["gambling"], scope=Scope.PATH, path="/a/../b"), "canonical"),
    "a path with an encoded slash": (unblock("site.test", ["gambling"], scope=Scope.PATH, path="/a%2Fb"), "canonical"),
    "a path with a query": (unblock("site.test", ["gambling"], scope=Scope.PATH, path="/a?b"), "canonical"),
    "a path with parameters": (unblock("site.test", ["gambling"], scope=Scope.PATH, path="/a;b"), "canonical"),
    "a path with two slashes": (unblock("site.test", ["gambling"], scope=Scope.PATH, path="//a"), "canonical"),
    "a date without a time zone": (unblock("site.test", ["gambling"], since=datetime(2026, 1, 1)), "time zone"),  # noqa: DTZ001
}


@pytest.mark.parametrize("what", ADMITTED)
def test_admitted(what):
    admit(ADMITTED[what])


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    one, why = REFUSED[what]
    with pytest.raises(UnblockRefused) as refused:
        admit(one)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def test_sub_domains_begin_at_a_dot():
    tree = unblock("site.test", ["gambling"], scope=Scope.SUBDOMAINS)
    assert tree.covers_host("site.test")
    assert tree.covers_host("a.site.test")
    assert not tree.covers_host("notsite.test")
    assert not ADMITTED["a host"].covers_host("a.site.test")


@given(st.text(), st.sampled_from(list(Scope)), st.text(max_size=20), st.frozensets(st.text(max_size=12), max_size=3))
def test_whatever_a_feed_says_it_is_refused_in_one_printable_line(host, scope, path, lifts):
    with pytest.raises(UnblockRefused) as refused:
        admit(unblock(host, lifts | {"*"}, scope=scope, path=path, id=host))
    assert str(refused.value).isprintable()
