"""Who floods, is cut off and comes again has no HTTP/2 for a minute; HTTP/1.1 goes on, and so does anybody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2.errors import ErrorCodes

from tests.e2e.http2_peer import Peer
from tests.e2e.raw import Client, tunnel

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

FLOODS, OTHER = "127.0.3.9", "127.0.3.10"
WORKERS, A_MINUTE = 2, 3


def flood(peer: Peer) -> None:
    """Requests that are taken back at once, until the connection is closed."""
    for _ in range(300):
        stream = peer.http.get_next_available_stream_id()
        peer.http.send_headers(stream, peer.head("/page"), end_stream=True)
        peer.http.reset_stream(stream, ErrorCodes.CANCEL)
    peer.flush()
    peer.listen(10)
    assert (peer.closed, peer.goaway) == (True, ErrorCodes.ENHANCE_YOUR_CALM)


def test_who_comes_again_to_flood_gets_http1_alone(product: Product, network: Network) -> None:
    host = network.fresh("allowed.test")
    floods = refused = 0
    while refused < 12:
        with Client(product, FLOODS) as client:
            target = tunnel(client, network, host, "h2,http/1.1", "ben")
            if client.protocol == "h2":
                floods += 1
                assert floods <= WORKERS * (A_MINUTE + 1), "still served"
                flood(Peer(client, target))
            else:
                refused += 1
                assert client.inside(target).status == 200, "others behind this address are still served"
    assert floods > A_MINUTE
    rows = product.recorded(floods, client=FLOODS, reason="protocol.malformed", host=host)
    over = [row for row in rows if row["detail"].endswith("no HTTP/2 for this address for a minute")]
    assert 1 <= len(over) <= WORKERS

    for _ in range(6):
        with Client(product, OTHER) as client:
            target = tunnel(client, network, host, "h2,http/1.1", "ben")
            assert client.protocol == "h2"
            assert Peer(client, target).get("/page").status == 200


def test_http2_without_having_been_chosen_is_refused(product: Product, network: Network) -> None:
    """What a client does that floods and knows nothing else."""
    host = network.fresh("allowed.test")
    with Client(product, OTHER) as client:
        tunnel(client, network, host, user="ben")
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert client.closed_within(5)
    [row] = product.recorded(client=OTHER, host=host)
    assert (row["reason"], row["status"], row["user"]) == ("bypass.raw", 403, "ben")
