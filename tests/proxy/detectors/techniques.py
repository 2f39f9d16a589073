"""What the tests of detectors share: the table of tests/cases/http_techniques.yaml, and any facts at all."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from proxy.evaluate import evaluate
from proxy.facts import Carrier, Opening, Stage
from proxy.verdict import Match
from tests.proxy.policy import facts, snapshot, table

POLICY = snapshot("proxy: {listen: ['127.0.0.1:8080'], allow_ports: [80, 443]}")


def cases(family):
    """(sentence, case) of one family."""
    return [(sentence, dict(case or {})) for sentence, case in table("http_techniques.yaml")[family].items()]


def reason_of(case, policy=POLICY):
    told = facts(case["url"], case.get("stage", "request"), **case.get("with", {}))
    return evaluate(replace(told, fields=case.get("fields", {})), policy).reason


def expected(case):
    return case.get("expect", "default")


_TEXT = st.text(max_size=80)
_NAMES = st.sampled_from(
    ["accept", "content-type", "upgrade", "connection", "content-length", "sec-websocket-protocol", "x-cmd"]
)

#: Requests as hostile as facts can be.
ANY_FACTS = st.builds(
    lambda path, query, method, scheme, fields: replace(
        facts(), path="/" + path, query=query, method=method, scheme=scheme, fields=fields
    ),
    _TEXT,
    _TEXT,
    _TEXT,
    st.sampled_from(["http", "https", "ws", "wss"]),
    st.dictionaries(st.one_of(_NAMES, _TEXT), _TEXT, max_size=6),
)


def streamed(carrier=Carrier.WEBSOCKET, **opening):
    return replace(facts("https://socket.test/"), stage=Stage.STREAM, opening=Opening(carrier, **opening))


def is_match(found):
    return found is None or isinstance(found, Match)
