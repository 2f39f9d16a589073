"""HTTP/2 as clients and origins may speak it: what breaks the rules ends alone, and is recorded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe import frame as frames

from tests.e2e.http2_peer import peer
from tests.e2e.product import wait_for

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

MALFORMED = "protocol.malformed"
ZONES = pytest.mark.parametrize("zone", ["older.test", "allowed.test"], ids=["to HTTP/1.1", "to HTTP/2"])


def served(product: Product, network: Network) -> bool:
    with peer(product, network, network.fresh("allowed.test")) as other:
        return other.get("/page").status == 200


def test_rapid_reset_is_ended_and_recorded_once(product: Product, network: Network) -> None:
    """CVE-2023-44487; ten times the limit is sent at once."""
    host = network.fresh("allowed.test")
    with peer(product, network, host, "127.0.3.1") as client:
        client.listen(0.2)
        for _ in range(2000):
            stream = client.http.get_next_available_stream_id()
            client.http.send_headers(stream, client.head("/page"), end_stream=True)
            client.http.reset_stream(stream, ErrorCodes.CANCEL)
        client.flush()
        client.listen(5)
        assert client.closed
        assert client.goaway == ErrorCodes.ENHANCE_YOUR_CALM
    [row] = product.recorded(host=host, reason=MALFORMED)
    assert "rapid reset" in row["detail"]
    assert served(product, network)


FLOODS = {
    "PING": lambda _: frames.PingFrame(0, opaque_data=b"12345678"),
    "empty DATA": lambda stream: frames.DataFrame(stream, b""),
    "WINDOW_UPDATE": lambda _: frames.WindowUpdateFrame(0, window_increment=1),
}


@pytest.mark.parametrize("frame", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_is_ended_and_recorded_once(warm: Product, network: Network, frame: object) -> None:
    host, before = network.fresh("allowed.test"), warm.worker_memory()
    with peer(warm, network, host, "127.0.3.2") as client:
        stream = client.ask("/upload", "POST", ends=False)
        client.listen(0.5)
        client.send(*[frame(stream)] * 3000)
        client.listen(5)
        assert client.closed
        assert client.goaway == ErrorCodes.ENHANCE_YOUR_CALM
    [row] = warm.recorded(host=host, reason=MALFORMED)
    assert "flood" in row["detail"]
    assert warm.worker_memory() - before < 20 * 2**20
    assert served(warm, network)


def test_a_head_too_large_is_answered_and_the_others_go_on(product: Product, network: Network) -> None:
    host = network.fresh("allowed.test")
    with peer(product, network, host) as client:
        client.listen(0.2)
        assert client.http.remote_settings[SettingCodes.MAX_HEADER_LIST_SIZE] == 65_536
        large = client.ask("/page", "GET", *[(f"x-{number}", "v" * 1000) for number in range(80)])
        client.until(lambda: client.streams[large].ended)
        assert client.streams[large].status == 431
        assert client.get("/page").status == 200
    [row] = product.recorded(host=host, reason=MALFORMED)
    assert (row["status"], row["detail"]) == (431, "the head is too large")


def test_a_head_that_unfolds_without_end_ends_the_connection(warm: Product, network: Network) -> None:
    """CVE-2016-6581: 3 KB once, then named 4,000 times by one byte each."""
    host, before = network.fresh("allowed.test"), warm.worker_memory()
    with peer(warm, network, host) as client:
        client.listen(0.2)
        client.ask("/page", "GET", *[("x-bomb", "v" * 3000)] * 4000)
        client.listen(5)
        assert client.goaway == ErrorCodes.ENHANCE_YOUR_CALM
    warm.recorded(host=host, reason=MALFORMED)
    assert warm.worker_memory() - before < 20 * 2**20


@ZONES
@pytest.mark.parametrize("body", [b"1234", b"123456", None], ids=["too short", "too long", "none at all"])
def test_a_body_of_another_length(product: Product, network: Network, zone: str, body: bytes | None) -> None:
    host = network.fresh(zone)
    with peer(product, network, host) as client:
        stream = client.ask("/upload", "POST", ("content-length", "5"), ends=body is None)
        if body is not None:
            client.http.send_data(stream, body, end_stream=True)
            client.flush()
        client.until(lambda: client.streams[stream].reset is not None)
        assert client.streams[stream].reset == ErrorCodes.PROTOCOL_ERROR
        assert client.get("/page").status == 200
    product.recorded(host=host, reason=MALFORMED)
    assert product.records(host=host, path="/upload", action="allow") == []
    assert [seen.target for seen in network.origins[zone].requests if seen.host.startswith(host)] == ["/page"]


def test_more_streams_than_announced_are_refused(product: Product, network: Network) -> None:
    with peer(product, network, network.fresh("allowed.test")) as client:
        client.listen(0.2)
        assert client.http.remote_settings[SettingCodes.MAX_CONCURRENT_STREAMS] == 100
        client.http.remote_settings.update({SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
        client.http.remote_settings.acknowledge()
        held = [client.ask("/held/streams") for _ in range(103)]
        client.until(lambda: sum(client.streams[stream].size > 0 for stream in held) == 100)
        network.runner.gate.release("streams")
        client.until(lambda: sum(client.streams[stream].ended for stream in held) == 100)
        assert client.resets == {ErrorCodes.REFUSED_STREAM: 3}
        assert client.get("/page").status == 200


def test_a_stop_lets_open_streams_finish(own_product: Product, network: Network) -> None:
    with peer(own_product, network, network.fresh("allowed.test")) as client:
        stream = client.ask("/held/stop")
        client.until(lambda: client.streams[stream].size > 0)
        own_product.terminate()
        client.until(lambda: client.goaway is not None)
        assert client.goaway == ErrorCodes.NO_ERROR
        network.runner.gate.release("stop")
        client.listen(5)
        assert (client.streams[stream].size, client.streams[stream].ended) == (131_072, True)
        assert client.closed
    assert own_product.ended() == 0


def test_a_client_that_leaves_gets_what_it_has_asked_for(product: Product, network: Network) -> None:
    with peer(product, network, network.fresh("allowed.test")) as client:
        stream = client.ask("/held/leaves")
        client.until(lambda: client.streams[stream].size > 0)
        client.send(frames.GoAwayFrame(0, last_stream_id=0))
        network.runner.gate.release("leaves")
        client.listen(5)
        assert (client.streams[stream].size, client.streams[stream].ended) == (131_072, True)
        assert client.closed


def test_an_origin_that_leaves_finishes_what_it_has_begun(product: Product, network: Network) -> None:
    with peer(product, network, network.fresh("allowed.test")) as client:
        stream = client.ask("/leaving/origin")
        client.until(lambda: client.streams[stream].size > 0)
        before = network.origins["allowed.test"].connections
        assert client.get("/page").status == 200
        assert network.origins["allowed.test"].connections == before + 1
        network.runner.gate.release("origin")
        client.until(lambda: client.streams[stream].ended)
        assert client.streams[stream].size == 131_072


@ZONES
def test_answers_without_a_body(product: Product, network: Network, zone: str) -> None:
    host = network.fresh(zone)
    with peer(product, network, host) as client:
        head = client.ask("/bytes/1000", "HEAD")
        client.until(lambda: client.streams[head].ended)
        assert (client.streams[head].head["content-length"], client.streams[head].size) == ("1000", 0)
        for status in (204, 304):
            answer = client.get(f"/bodiless/{status}")
            assert (answer.status, answer.size, answer.reset) == (status, 0, None)
        assert client.get("/bytes/0").size == 0
        upload = client.ask("/upload", "POST", ("content-length", "5"), ends=False)
        client.send(frames.DataFrame(upload, b""), frames.DataFrame(upload, b"hello"), frames.DataFrame(upload, b""))
        client.http.end_stream(upload)
        client.flush()
        client.until(lambda: client.streams[upload].ended)
        assert client.streams[upload].status == 200
    assert [row["outcome"] for row in product.recorded(5, host=host)] == ["ok"] * 5


def test_trailers(product: Product, network: Network) -> None:
    host = network.fresh("allowed.test")
    with peer(product, network, host) as client:
        answer = client.get("/trailers/4")
        assert (answer.status, answer.size, answer.reset) == (200, 4, None)
        upload = client.ask("/upload", "POST", ends=False)
        client.http.send_data(upload, b"hello")
        client.http.send_headers(upload, [("x-trailer", "last")], end_stream=True)
        client.flush()
        client.until(lambda: client.streams[upload].ended)
        assert client.streams[upload].status == 200
    product.recorded(2, host=host, outcome="ok")


@ZONES
def test_a_long_life_keeps_no_connection_that_is_closed(warm: Product, network: Network, zone: str) -> None:
    """Towards HTTP/1.1 each request has a connection of its own; stock keeps every one of them, with its TLS."""
    with peer(warm, network, network.fresh(zone)) as client:
        for _ in range(50):
            assert client.get("/page").status == 200
        before = warm.worker_memory()
        for _ in range(150):
            assert client.get("/page").status == 200
        assert warm.worker_memory() - before < 8 * 2**20


def test_what_is_no_http2_is_recorded(product: Product, network: Network) -> None:
    host = network.fresh("allowed.test")
    with peer(product, network, host) as client:
        client.send(frames.ContinuationFrame(1, b"x"))
        client.listen(5)
        assert client.goaway == ErrorCodes.PROTOCOL_ERROR
    wait_for(lambda: bool(product.records(host=host)), 15, "a record")
    [row] = product.recorded(host=host, reason=MALFORMED)
    assert row["detail"] == "HTTP/2 that cannot be read"
