from __future__ import annotations

from proxy.flow_exchange import exchange_of, put_on
from tests.proxy.flows import flow, tunnel


def test_a_flow_keeps_its_exchange():
    sent, exchange = flow(), tunnel().exchange
    assert exchange_of(sent) is None
    put_on(sent, exchange)
    assert exchange_of(sent) is exchange
