"""An origin that invites to QUIC within HTTP/2 (RFC 7838, section 4): the client hears nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
from hpack import Encoder
from hyperframe import frame as frames

from tests.e2e.lone_origin import SILENT, saying
from tests.e2e.raw import Client, tunnel
from tests.e2e.raw_h2 import head

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

OK = Encoder().encode([(":status", "200"), ("content-type", "text/html")])
SAID = b"".join(
    each.serialize()
    for each in (
        frames.SettingsFrame(0),
        frames.AltSvcFrame(0, origin=b"https://" + SILENT.encode(), field=b'h3=":443"; ma=86400'),
        frames.AltSvcFrame(1, field=b'h3=":443"'),
        frames.HeadersFrame(1, OK, flags=["END_HEADERS"]),
        frames.AltSvcFrame(1, field=b'h3=":443"'),
        frames.DataFrame(1, b"<p>word", flags=["END_STREAM"]),
    )
)  # fmt: skip


def test_an_altsvc_frame_does_not_reach_the_client(product: Product, network: Network) -> None:
    with saying(network, "h2", (0, SAID)), Client(product) as client:
        target = tunnel(client, network, SILENT, "h2")
        connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        connection.initiate_connection()
        connection.send_headers(1, head(target), end_stream=True)
        client.send(connection.data_to_send())
        seen: list[h2.events.Event] = []
        while not any(isinstance(event, h2.events.StreamEnded) for event in seen):
            seen += connection.receive_data(client.read())
            client.send(connection.data_to_send())
    body = b"".join(event.data for event in seen if isinstance(event, h2.events.DataReceived))
    invited = [event for event in seen if isinstance(event, h2.events.AlternativeServiceAvailable)]
    assert (body, invited) == (b"<p>word", [])
