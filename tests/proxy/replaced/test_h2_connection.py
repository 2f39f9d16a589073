"""One HTTP/2 connection against h2's own at the other end: bounds, refusals, and every byte once."""

from __future__ import annotations

import pytest
from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from hyperframe import frame as frames

from config.proxy_settings import Limits
from proxy.replaced.floods import Flood
from proxy.replaced.h2_connection import BoundedConnection, Leaving

HEAD = [(":method", "POST"), (":scheme", "https"), (":authority", "x.test"), (":path", "/")]
MEBIBYTE = 1024 * 1024


class Pair:
    """Ours as the server, h2's as the client; `limits` as in the settings."""

    def __init__(self, **limits):
        config = {"header_encoding": False, "normalize_inbound_headers": False}
        self.ours = BoundedConnection(Limits(**limits), H2Configuration(client_side=False, **config))
        self.client = H2Connection(H2Configuration(header_encoding=False))
        self.ours.initiate_connection()
        self.client.initiate_connection()
        self.heard = []
        self.move()

    def move(self):
        """Carry everything, both ways; gives what ours says has happened."""
        happened = []
        while (up := self.client.data_to_send()) or self.ours.has_output:
            happened += self.ours.receive_data(up)
            self.heard += self.client.receive_data(self.ours.data_to_send())
        return happened

    def ask(self, head=HEAD, *, end=False):
        stream = self.client.get_next_available_stream_id()
        self.client.send_headers(stream, head, end_stream=end)
        return stream

    def asked(self, *, end=False):
        stream = self.ask(end=end)
        self.move()
        self.ours.send_headers(stream, [(":status", "200")])
        self.move()
        return stream

    def heard_of(self, kind):
        return [event for event in self.heard if isinstance(event, kind)]

    def resets(self):
        return [(event.stream_id, event.error_code) for event in self.heard_of(events.StreamReset)]

    def body(self, stream):
        return b"".join(event.data for event in self.heard_of(events.DataReceived) if event.stream_id == stream)


def send_all(connection, stream, size):
    """Send until the windows are shut; how many bytes that was."""
    sent = 0
    while sent < size and (room := connection.local_flow_control_window(stream)):
        step = min(room, connection.max_outbound_frame_size, size - sent)
        connection.send_data(stream, b"x" * step)
        sent += step
    return sent


def test_what_is_announced():
    settings = Pair().client.remote_settings
    assert settings[SettingCodes.INITIAL_WINDOW_SIZE] == MEBIBYTE
    assert settings[SettingCodes.MAX_CONCURRENT_STREAMS] == 100
    assert settings[SettingCodes.MAX_HEADER_LIST_SIZE] == 65_536
    assert Pair().client.outbound_flow_control_window == 16 * MEBIBYTE


def test_an_upload_stops_until_it_has_left():
    pair = Pair()
    stream = pair.ask()
    pair.move()
    assert send_all(pair.client, stream, 3 * MEBIBYTE) == MEBIBYTE
    for event in pair.move():
        pair.ours.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
    assert pair.ours.held == {stream: MEBIBYTE}
    pair.move()
    assert pair.client.local_flow_control_window(stream) == 0
    pair.ours.release(stream, MEBIBYTE)
    pair.move()
    assert pair.client.local_flow_control_window(stream) == MEBIBYTE
    assert pair.ours.held == {}


def test_an_answer_waits_for_the_window_and_then_comes_whole():
    pair = Pair()
    stream = pair.asked(end=True)
    body = bytes(range(256)) * 4096
    pair.ours.send_data(stream, body)
    pair.ours.end_stream(stream)
    pair.move()
    assert len(pair.body(stream)) == 65_535
    assert pair.ours.queued == {stream: MEBIBYTE - 65_535}
    while pair.ours.queued:
        pair.client.increment_flow_control_window(99_999)
        pair.client.increment_flow_control_window(99_999, stream)
        pair.move()
    assert pair.body(stream) == body
    assert len(pair.heard_of(events.StreamEnded)) == 1
    assert pair.ours.idle


def test_the_end_needs_no_window():
    """A client that was sent exactly what it had room for is not left without the end."""
    pair = Pair()
    stream = pair.asked(end=True)
    pair.ours.send_data(stream, b"x" * 65_535)
    pair.ours.end_stream(stream)
    pair.move()
    assert len(pair.heard_of(events.StreamEnded)) == 1


def test_a_window_that_shrinks_below_nothing():
    pair = Pair()
    stream = pair.asked(end=True)
    pair.ours.send_data(stream, b"x" * 60_000)
    pair.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10_000})
    pair.move()
    assert pair.ours.local_flow_control_window(stream) < 0
    pair.ours.send_data(stream, b"y" * 100)
    pair.ours.end_stream(stream)
    pair.move()
    pair.client.increment_flow_control_window(60_000, stream)
    pair.move()
    assert pair.body(stream) == b"x" * 60_000 + b"y" * 100
    assert len(pair.heard_of(events.StreamEnded)) == 1


def test_trailers_come_after_what_waits():
    pair = Pair()
    stream = pair.asked(end=True)
    pair.ours.send_data(stream, b"x" * 70_000)
    pair.ours.send_trailers(stream, [(b"a", b"b")])
    pair.ours.end_stream(stream)
    pair.move()
    assert not pair.heard_of(events.TrailersReceived)
    pair.client.increment_flow_control_window(99_999)
    pair.client.increment_flow_control_window(99_999, stream)
    pair.move()
    [trailers] = pair.heard_of(events.TrailersReceived)
    assert trailers.headers == [(b"a", b"b")]
    assert len(pair.body(stream)) == 70_000


def test_a_stream_that_is_reset_frees_what_waits():
    pair = Pair()
    stream = pair.asked(end=True)
    pair.ours.send_data(stream, b"x" * MEBIBYTE)
    pair.client.reset_stream(stream, ErrorCodes.CANCEL)
    pair.move()
    assert pair.ours.queued == {}
    assert pair.ours.idle


@pytest.mark.parametrize("waits", [False, True], ids=["the answer has left", "the answer waits"])
def test_a_client_is_asked_to_stop_when_it_has_its_answer(waits):
    pair = Pair()
    stream = pair.asked()
    pair.ours.send_data(stream, b"x" * (MEBIBYTE if waits else 10), end_stream=True)
    pair.ours.dismiss(stream)
    pair.move()
    if waits:
        assert pair.resets() == []
        pair.client.increment_flow_control_window(MEBIBYTE)
        pair.client.increment_flow_control_window(MEBIBYTE, stream)
        pair.move()
    assert pair.resets() == [(stream, ErrorCodes.NO_ERROR)]


def test_a_client_that_ends_before_its_answer_has_left_is_forgotten():
    pair = Pair()
    stream = pair.asked()
    pair.ours.send_data(stream, b"x" * MEBIBYTE, end_stream=True)
    pair.ours.dismiss(stream)
    pair.client.end_stream(stream)
    pair.move()
    pair.client.increment_flow_control_window(MEBIBYTE)
    pair.client.increment_flow_control_window(MEBIBYTE, stream)
    pair.move()
    assert pair.ours._dismissed == set()


def test_what_comes_after_that_gives_the_connection_its_window_back():
    pair = Pair()
    stream = pair.asked()
    assert send_all(pair.client, stream, 10 * MEBIBYTE) == MEBIBYTE
    pair.ours.send_data(stream, b"blocked", end_stream=True)
    pair.ours.dismiss(stream)
    pair.client.config.validate_inbound_headers = False
    pair.ours.receive_data(pair.client.data_to_send())
    given = pair.ours._inbound_flow_control_window_manager
    assert given.current_window_size + given._bytes_processed == 16 * MEBIBYTE


def test_one_stream_more_than_announced_is_refused_and_the_others_go_on():
    pair = Pair(h2_streams=3)
    pair.client.remote_settings.update({SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
    pair.client.remote_settings.acknowledge()
    streams = [pair.ask() for _ in range(4)]
    happened = pair.move()
    assert [event.stream_id for event in happened if isinstance(event, events.RequestReceived)] == streams[:3]
    assert pair.resets() == [(streams[3], ErrorCodes.REFUSED_STREAM)]
    pair.client.send_data(streams[0], b"hello", end_stream=True)
    pair.ours.send_headers(streams[0], [(":status", "200")], end_stream=True)
    assert [event.data for event in pair.move() if isinstance(event, events.DataReceived)] == [b"hello"]
    again = pair.ask([*HEAD, ("cookie", "the state of the compression is whole")])
    [request] = [event for event in pair.move() if isinstance(event, events.RequestReceived)]
    assert (request.stream_id, request.headers[-1][1]) == (again, b"the state of the compression is whole")


LENGTHS = {
    "more than announced": (b"5", [b"123456"], False),
    "less than announced": (b"5", [b"1234"], True),
    "nothing but a length": (b"5", None, True),
}


@pytest.mark.parametrize(("length", "pieces", "ends"), LENGTHS.values(), ids=LENGTHS.keys())
def test_a_body_of_another_length_ends_its_stream_alone(length, pieces, ends):
    pair = Pair()
    other = pair.ask()
    stream = pair.ask([*HEAD, ("content-length", length)], end=pieces is None)
    for piece in pieces or ():
        pair.client.send_data(stream, piece, end_stream=ends)
    happened = pair.move()
    [reset] = [event for event in happened if isinstance(event, events.StreamReset)]
    assert (reset.stream_id, reset.remote_reset) == (stream, False)
    assert not [event for event in happened if isinstance(event, events.RequestReceived) and pieces is None][1:]
    assert pair.resets() == [(stream, ErrorCodes.PROTOCOL_ERROR)]
    pair.client.send_data(other, b"still here")
    assert [event.data for event in pair.move() if isinstance(event, events.DataReceived)] == [b"still here"]


def raw(*sent):
    return b"".join(frame.serialize() for frame in sent)


def settings():
    frame = frames.SettingsFrame(0)
    frame.settings = {3: 100}
    return frame


FLOODS = {
    "PING": lambda _: frames.PingFrame(0, opaque_data=b"12345678"),
    "SETTINGS": lambda _: settings(),
    "empty DATA": lambda stream: frames.DataFrame(stream, b""),
    "DATA of one byte": lambda stream: frames.DataFrame(stream, b"x"),
    "PRIORITY": lambda stream: frames.PriorityFrame(stream, depends_on=0),
    "WINDOW_UPDATE": lambda _: frames.WindowUpdateFrame(0, window_increment=1),
    "unknown frames": lambda _: frames.ExtensionFrame(type=0x77, stream_id=0, flag_byte=0, body=b""),
}


@pytest.mark.parametrize("frame", FLOODS.values(), ids=FLOODS.keys())
def test_frames_that_carry_nothing_are_a_flood(frame):
    pair = Pair()
    stream = pair.ask()
    pair.move()
    with pytest.raises(Flood):
        pair.ours.receive_data(raw(*[frame(stream)] * 2000))
    assert len(pair.ours.data_to_send()) < 64 * 1024


def test_requests_beyond_the_limit_are_a_flood_too():
    pair = Pair(h2_streams=1)
    pair.client.remote_settings.update({SettingCodes.MAX_CONCURRENT_STREAMS: 10_000})
    pair.client.remote_settings.acknowledge()
    for _ in range(2000):
        pair.ask()
    with pytest.raises(Flood):
        pair.move()


def test_rapid_reset():
    pair = Pair(h2_resets_per_minute=20)
    for _ in range(21):
        pair.client.reset_stream(pair.ask(), ErrorCodes.CANCEL)
    with pytest.raises(Flood, match="rapid reset"):
        pair.move()


def test_a_reset_behind_the_whole_answer_takes_nothing_back():
    """curl resets a stream of which it has as many bytes as `content-length` says, before it reads END_STREAM."""
    pair = Pair(h2_resets_per_minute=20)
    for _ in range(100):
        stream = pair.asked(end=True)
        pair.ours.send_data(stream, b"x", end_stream=True)  # not read yet
        pair.client.reset_stream(stream, ErrorCodes.STREAM_CLOSED)
        pair.move()
    for _ in range(2000):
        pair.client._prepare_for_sending([frames.RstStreamFrame(stream)])
    with pytest.raises(Flood, match="without content"):
        pair.move()


def test_a_reset_before_the_end_of_the_answer_takes_a_request_back():
    pair = Pair(h2_resets_per_minute=20)
    for _ in range(20):
        pair.client.reset_stream(pair.asked(end=True), ErrorCodes.CANCEL)
        pair.move()
    pair.client.reset_stream(pair.asked(end=True), ErrorCodes.CANCEL)
    with pytest.raises(Flood, match="rapid reset"):
        pair.move()


def test_a_head_that_unfolds_without_end():
    """HPACK: a value is sent once and named 4,000 times, one byte each (CVE-2016-6581)."""
    pair = Pair()
    pair.client.send_headers(1, [*HEAD, *[("x-bomb", "v" * 3000)] * 4000])
    with pytest.raises(ProtocolError) as raised:
        pair.move()
    assert raised.value.error_code is ErrorCodes.ENHANCE_YOUR_CALM


def test_a_head_somewhat_too_large_is_read_so_that_it_can_be_answered():
    pair = Pair()
    pair.ask([*HEAD, *[(f"x-{number}", "v" * 1000) for number in range(100)]])
    assert [type(event) for event in pair.move()] == [events.RequestReceived]


def test_a_head_that_goes_on_and_on():
    pair = Pair()
    first = frames.HeadersFrame(1, pair.client.encoder.encode(HEAD))
    more = frames.ContinuationFrame(1, pair.client.encoder.encode([("x", "y" * 100)]))
    with pytest.raises(ProtocolError):
        pair.ours.receive_data(raw(first, *[more] * 100))


def test_a_head_in_large_pieces_is_not_kept_without_end():
    pair = Pair()
    first = frames.HeadersFrame(1, pair.client.encoder.encode(HEAD))
    more = frames.ContinuationFrame(1, b"x" * 60_000)
    with pytest.raises(ProtocolError):
        pair.ours.receive_data(raw(first, *[more] * 10))


def test_who_leaves_politely_gets_its_answers():
    pair = Pair()
    stream = pair.asked(end=True)
    happened = pair.ours.receive_data(raw(frames.GoAwayFrame(0, last_stream_id=0)))
    assert [type(event) for event in happened] == [Leaving]
    pair.ours.send_data(stream, b"the answer", end_stream=True)
    pair.move()
    assert pair.body(stream) == b"the answer"
    assert pair.ours.idle


def test_we_leave_politely():
    pair = Pair()
    stream = pair.asked(end=True)
    pair.ours.leave()
    on_its_way = pair.ask(end=True)  # sent before the client has read a word of it
    assert pair.ours.receive_data(pair.client.data_to_send())
    said = pair.ours.data_to_send()
    assert said.endswith(b"\x07\0\0\0\0\0" + (2**31 - 1).to_bytes(4) + bytes(4))
    pair.ours.leave()
    assert pair.ours.data_to_send().endswith(on_its_way.to_bytes(4) + bytes(4))
    pair.ours.leave()
    assert not pair.ours.data_to_send()
    late = pair.ask(end=True)
    pair.ours.receive_data(pair.client.data_to_send())
    assert [event.error_code for event in pair.client.receive_data(pair.ours.data_to_send())] == [
        ErrorCodes.REFUSED_STREAM
    ]
    assert late > stream
    pair.ours.send_data(stream, b"the answer", end_stream=True)
    pair.move()
    assert pair.body(stream) == b"the answer"


def test_a_push_is_refused():
    """RFC 9113, section 8.4: it was announced that none is taken."""
    ours = BoundedConnection(Limits(), H2Configuration(client_side=True))
    ours.local_settings.enable_push = 0
    ours.local_settings.acknowledge()
    ours.initiate_connection()
    ours.send_headers(1, HEAD, end_stream=True)
    origin = H2Connection(H2Configuration(client_side=False))
    origin.initiate_connection()
    origin.receive_data(ours.data_to_send())
    push = frames.PushPromiseFrame(1, promised_stream_id=2, data=origin.encoder.encode(HEAD), flags=["END_HEADERS"])
    with pytest.raises(ProtocolError, match="pushed"):
        ours.receive_data(origin.data_to_send() + push.serialize())
