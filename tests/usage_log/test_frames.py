from __future__ import annotations

import struct
import tracemalloc
import zlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage_log.records import record
from usage_log.frames import HEADER, MAGIC, MAX_PAYLOAD, BadFrame, Stamped, decode, encode, next_frame


def stamped(seq: int = 1, **changes: object) -> Stamped:
    return Stamped("node-1", 0, 1_795_000_000_000_000, seq, record(**changes))


def framed(payload: bytes) -> bytes:
    return HEADER.pack(MAGIC, len(payload), zlib.crc32(payload)) + payload


def test_a_record_comes_back_as_it_went_in() -> None:
    sent = stamped(user=None, path="/ñ/日本", detail="x")
    frame = encode(sent)
    assert decode(frame) == (sent, len(frame))


def test_a_record_of_the_version_before_has_no_search_terms() -> None:
    sent = stamped(search_terms=None)
    older = framed(msgpack.packb(list(sent)[:-1]))
    assert decode(older) == (sent, len(older))
    with pytest.raises(BadFrame, match="fields of a record"):
        decode(framed(msgpack.packb(list(sent)[:-2])))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("/\udcff", "/\\udcff"),  # bytes of the client that are no UTF-8
        ("/" + "a" * 5000, "/" + "a" * 4094 + "…"),
        ("/\x00\x1b[2J", "/\x00\x1b[2J"),
    ],
)
def test_hostile_text_is_kept_within_bounds_and_never_refused(sent: str, kept: str) -> None:
    assert decode(encode(stamped(path=sent)))[0].record.path == kept


_TEXT = st.text(st.characters(), max_size=8).map(lambda text: text * 80) | st.text(max_size=600)


@given(st.fixed_dictionaries(dict.fromkeys(("host", "path", "page", "detail", "user", "search_terms"), _TEXT)))
def test_each_text_is_kept_whole_up_to_its_own_length_and_cut_beyond(texts: dict[str, str]) -> None:
    got = decode(encode(stamped(**texts)))[0].record
    for name, text in texts.items():
        cap = {"path": 4096, "detail": 512}.get(name, 256)
        assert getattr(got, name) == (text if len(text) <= cap else text[: cap - 1] + "…")


@pytest.mark.parametrize("length", [255, 256, 257, 512, 513])
def test_a_text_is_cut_where_its_length_begins_to_matter(length: int) -> None:
    got = decode(encode(stamped(path="/", detail="d" * length, page="p" * length)))[0].record
    assert (len(got.detail or ""), len(got.page or "")) == (min(length, 512), min(length, 256))


@pytest.mark.parametrize(
    ("event", "path", "kept"), [("lists", "", 4096), ("lists", "/", 512), ("decision", "", 512), ("end", "", 512)]
)
def test_only_an_act_which_has_no_path_may_say_more(event: str, path: str, kept: int) -> None:
    got = decode(encode(stamped(event=event, path=path, detail="d" * 5000)))[0].record
    assert len(got.detail or "") == kept


def test_the_longest_act_is_one_that_the_reader_takes() -> None:
    worst = "\udcff" * 10_000
    others = ("user", "identity", "client", "school", "device", "method", "scheme", "host", "category", "action")
    more = ("reason", "basis", "list", "list_version", "unblock", "intent", "page", "outcome", "detail", "id")
    frame = encode(stamped(**dict.fromkeys(others + more, worst), event="lists", path=""))
    assert len(frame) <= MAX_PAYLOAD
    decode(frame)


def test_the_longest_frame_is_one_that_the_reader_takes() -> None:
    worst = "\udcff" * 10_000
    texts = ("user", "identity", "client", "school", "device", "method", "scheme", "host", "path", "category", "action")
    more = ("reason", "basis", "list", "list_version", "unblock", "intent", "page", "outcome", "detail", "id", "event")
    frame = encode(stamped(**dict.fromkeys(texts + more, worst)))
    assert len(frame) <= MAX_PAYLOAD
    decode(frame)


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_frame_or_a_clean_error(data: bytes) -> None:
    for candidate in (data, framed(data), MAGIC + data):
        try:
            decode(candidate)
        except BadFrame:
            continue
    assert next_frame(data, 0) is None or MAGIC in data


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20) | st.binary(),
    lambda inner: st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=60,
)


@given(_VALUES)
def test_any_msgpack_under_a_right_checksum_is_a_frame_or_a_clean_error(value: object) -> None:
    with pytest.raises(BadFrame):
        decode(framed(msgpack.packb(value)))


@given(st.integers(0, 32), _VALUES)
def test_a_record_with_one_wrong_field_is_refused_or_well_typed(position: int, value: object) -> None:
    values = msgpack.unpackb(encode(stamped())[HEADER.size :])
    values[position] = value
    try:
        got, _ = decode(framed(msgpack.packb(values)))
    except BadFrame:
        return
    assert type(got.seq) is int
    assert type(got.record.host) is str
    assert 0 <= got.record.time <= 253_402_300_799_000_000


@pytest.mark.parametrize(
    "claim", [b"\xdd\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff"]
)
def test_a_payload_that_claims_4_gib_costs_no_memory(claim: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(BadFrame):
        decode(framed(claim))
    with pytest.raises(BadFrame):
        decode(struct.pack(">4sII", MAGIC, 0xFFFF_FFFF, 0))
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@given(st.data())
def test_one_flipped_bit_costs_that_frame_and_no_other(data: st.DataObject) -> None:
    first, second = encode(stamped(1)), encode(stamped(2))
    bit = data.draw(st.integers(0, len(first) * 8 - 1))
    damaged = bytearray(first + second)
    damaged[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(BadFrame):
        decode(bytes(damaged))
    assert next_frame(bytes(damaged), 1) == len(first)


def test_every_cut_of_a_frame_is_noticed() -> None:
    frame = encode(stamped())
    for length in range(len(frame)):
        with pytest.raises(BadFrame):
            decode(frame[:length])
