"""The table of cases, and what holds for every request."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.rewritten_hosts import search_hosts, tenant_hosts
from proxy.rewriting import CLAIMED, compiled, rewritten
from tests.proxy.policy import settings, table

TABLE = table("rewriting.yaml")
RULES = compiled(settings(TABLE["district"]))
OFF = compiled(
    settings(
        "safe_search: {google: off, bing: off, duckduckgo: off, yahoo: off, yandex: off, brave: off, youtube: off}"
    )
)
HOSTS = ["www.google.com", "www.bing.com", "duckduckgo.com", "search.yahoo.com", "search.brave.com", "yandex.ru",
         "www.youtube.com", "accounts.google.com", "login.live.com", "site.test"]  # fmt: skip

hosts = st.sampled_from(HOSTS)
pieces = st.sampled_from(
    [b"q=cats", b"safe=off", b"SAFE=1", b"%73afe", b"kp=-2", b"p=-2", b"vm=p", b"adlt=off", b"", b"=", b"a", b"ex=1",
     b"q=!safeoff", b"q=%2521safeoff", b"q=%2521safeoff%21safeoff", b"safeSearch=Off", b"family=no", b"x=%zz%"]
)  # fmt: skip
queries = st.lists(st.tuples(pieces, st.sampled_from([b"&", b";"])), max_size=8).map(
    lambda all_: b"".join(piece + separator for piece, separator in all_)
)
targets = st.builds(
    lambda path, mark, query: b"/" + path + mark + query,
    st.sampled_from([b"", b"search", b"a;safe=off"]),
    st.sampled_from([b"", b"?"]),
    queries | st.binary(max_size=60),
)
cookies = st.sampled_from(
    [b"p=-2", b"a=1; p=-2;b=2", b"SRCHHPGUSR=ADLT=OFF", b'sB="vm=p&x=1"', b"PREF=f2=0", b"", b";", b" ; ",
     b"safesearch=off", b"=x"]
)  # fmt: skip
fields = st.lists(
    st.tuples(st.sampled_from([b"cookie", b"Cookie", b"accept", b"YouTube-Restrict"]), cookies | st.binary(max_size=30))
    | st.tuples(st.binary(max_size=12), st.binary(max_size=12)),
    max_size=6,
).map(tuple)


def encoded(said: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in said.items())


@pytest.mark.parametrize("sentence", TABLE["cases"])
def test_a_request(sentence: str) -> None:
    case = TABLE["cases"][sentence]
    given_fields = encoded(case.get("fields", {}))
    target, sent = rewritten(case["to"], case["get"].encode(), given_fields, RULES)
    assert target.decode() == case.get("sent", case["get"])
    if "with" in case or "fields" in case:
        assert sorted(sent) == sorted(encoded(case.get("with", {})))


@given(hosts, targets, fields)
@example("duckduckgo.com", b"/?q=%2521safeoff%21safeoff", ())
@example("search.brave.com", b"/search?", ((b"cookie", b""),))
def test_twice_is_once(host: str, target: bytes, sent: tuple[tuple[bytes, bytes], ...]) -> None:
    once = rewritten(host, target, sent, RULES)
    assert rewritten(host, *once, RULES) == once


@given(st.lists(st.sampled_from([b"q=a%20b", b"hl=en", b"x", b"%zz=1", b"safety=1", b"tbm=isch"]), max_size=6), queries)
def test_other_parameters_keep_their_bytes_and_order(kept: list[bytes], around: bytes) -> None:
    opted_out = [b"safe=off", b"%73AFE=1", b"ssui=off", b"safeui"]
    mixed = [part for pair in zip(kept, opted_out * 2, strict=False) for part in pair]
    target, _ = rewritten("www.google.com", b"/search?" + b"&".join(mixed), (), RULES)
    assert target == b"/search?" + b"&".join([*kept[: len(opted_out * 2)], b"safe=active", b"ssui=on"])


@given(targets, fields)
def test_another_site_gets_what_was_sent(target: bytes, sent: tuple[tuple[bytes, bytes], ...]) -> None:
    kept = tuple(field for field in sent if field[0].lower() not in CLAIMED)
    assert rewritten("site.test", target, sent, RULES) == (target, kept)


@given(hosts, targets, fields)
def test_what_is_off_only_loses_the_districts_fields(
    host: str, target: bytes, sent: tuple[tuple[bytes, bytes], ...]
) -> None:
    kept = tuple(field for field in sent if field[0].lower() not in CLAIMED)
    assert rewritten(host, target, sent, OFF) == (target, kept)


def test_nothing_is_made_anew_where_nothing_changes() -> None:
    target, sent = b"/page?safe=off", ((b"accept", b"*/*"), (b"cookie", b"p=-2"))
    again = rewritten("site.test", target, sent, RULES)
    assert again[0] is target
    assert again[1] is sent


def test_every_google_is_made_safe() -> None:
    for host in search_hosts()["google"].hosts:
        assert rewritten(host, b"/search?q=1&safe=off", (), RULES)[0] == b"/search?q=1&safe=active&ssui=on", host


def test_every_service_of_the_data_file_is_rewritten() -> None:
    """A host that stands there and is forgotten here would look restricted and be open."""
    for places in (*search_hosts().values(), *tenant_hosts().values()):
        for host in places.hosts | places.domains:
            assert rewritten(host, b"/", (), RULES) != (b"/", ()), host


def test_cookies_of_http2_come_one_a_field() -> None:
    sent = ((b"cookie", b"ae=d"), (b"cookie", b"p=-2"), (b"cookie", b"ax=v"), (b"accept", b"*/*"))
    kept = ((b"cookie", b"ae=d"), (b"cookie", b"ax=v; p=1"), (b"accept", b"*/*"))
    assert rewritten("duckduckgo.com", b"/", sent, RULES) == (b"/?kp=1", kept)
