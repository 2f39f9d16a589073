"""Real clients from Debian: each works where the filter is out of the way, and is refused through the filter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.bypass import tunnels
from tests.e2e.bypass.clients import CLIENTS, Client
from tests.e2e.bypass.ground import SECONDS
from tests.e2e.product import wait_for

if TYPE_CHECKING:
    from tests.e2e.bypass.ground import Ground

#: Nobody waits longer for a refusal, in seconds.
PROMISED = 6


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_that_works_without_the_filter_is_refused_by_it(ground: Ground, client: Client) -> None:
    gate, seen = ground.once(client.server), len(ground.blocks(client.host))
    assert client.works(ground, ground.open)
    reached, tried = gate.connections, ground.filter.gate.connections
    assert reached, "it worked, but not through the server's gate"
    assert not client.works(ground, ground.filter)
    attempts = ground.filter.gate.passages[tried:]
    rows = refusals(ground, client.host, seen, sum(attempt.cut for attempt in attempts))
    assert 0 < len(rows) <= len(attempts)
    assert {row["reason"] for row in rows} <= client.reasons, rows
    assert {row["user"] for row in rows} == {"ben"}
    assert max(attempt.waited for attempt in attempts) < PROMISED
    assert client.answered or gate.connections == reached


def test_an_imitation_of_tls_to_its_own_site_gets_nowhere(ground: Ground) -> None:
    """simple-obfs leaves at our ServerHello, as an application does that believes in its own certificate alone.

    The filter cannot tell the two apart, so this is no block, but an attempt that ended: one record, and no origin.
    """
    works, gate = tunnels.obfs("tls", "obfs-tls.test"), ground.once(tunnels.obfs_tls_server)
    seen = len(ground.product.records(host="obfs-tls.test"))
    assert works(ground, ground.open)
    reached, tried = gate.connections, ground.filter.gate.connections
    assert not works(ground, ground.filter)
    [row] = ground.product.recorded(seen + 1, host="obfs-tls.test")[seen:]
    assert (row["user"], row["outcome"], row["bytes_out"]) == ("ben", "client-abort", 0)
    assert row["detail"] == "the client refused our certificate"
    assert max(attempt.waited for attempt in ground.filter.gate.passages[tried:]) < PROMISED
    assert gate.connections == reached


def refusals(ground: Ground, host: str, seen: int, least: int) -> list[dict[str, Any]]:
    """Waits for the blocks beyond `seen`, one for each connection that the filter ended, and for any too many.

    A client that is ended on its way into another attempt may leave one more connection than it has refusals.
    """
    wait_for(lambda: len(ground.blocks(host)) >= seen + max(1, least), SECONDS, f"{least} blocks of {host}")
    time.sleep(0.7)
    return ground.blocks(host)[seen:]
