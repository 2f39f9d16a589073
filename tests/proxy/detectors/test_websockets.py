from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.detectors.websockets import message
from proxy.evaluate import evaluate_later
from proxy.facts import Carrier
from tests.proxy.detectors.techniques import POLICY, is_match, streamed

ANNOUNCE = {"action": "announce", "info_hash": "a" * 20, "peer_id": "-WW0000-abcdefghijkl", "numwant": 5}
BARE = {"type": "connect", "remote": "wss://adult.test/", "protocols": [], "headers": {}, "forwardHeaders": []}


def wisp(host=b"adult.test", stream=1, kind=1, port=443):
    return struct.pack("<BIBH", 1, stream, kind, port) + host


def reason(said=b"", **opening):
    verdict = evaluate_later(streamed(message=said, **opening), POLICY)
    return verdict.reason if verdict else None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (wisp(), "bypass.websocket-tunnel"),
        (wisp(b"2001:db8::1", kind=2, port=53), "bypass.websocket-tunnel"),
        (wisp(b"203.0.113.9"), "bypass.websocket-tunnel"),
        (wisp(b"two words"), None),
        (wisp(port=0), None),
        (wisp(kind=3), None),
        (wisp(b"adult.test\0"), None),
        (wisp(b"x"), None),
        (json.dumps(ANNOUNCE).encode(), "p2p.bittorrent"),
        (json.dumps({**ANNOUNCE, "offers": [{"offer": {"sdp": "v=0" * 3000}}]}).encode()[:8192], "p2p.bittorrent"),
        (b'{"action":"announce","interval":120,"info_hash":"\\u0000\\u00ff abc"}', "p2p.bittorrent"),
        (b'{"\\u0061ction":"announce","inf\\u006f_hash":"x","peer_id":"y"}', "p2p.bittorrent"),
        (b'{"action":"announce","channel":"school news"}', None),
        (json.dumps({"text": json.dumps(ANNOUNCE)}).encode(), None),
        (b'{"action":"scrape","info_hash":"x"}', None),
        (json.dumps(BARE).encode(), "bypass.websocket-tunnel"),
        (b'{"type":"connect","remote":"camera-4","token":"x"}', None),
        (b'42["connect",{"remote":"x","forwardHeaders":1}]', None),
        (b'{"type":"message","text":"hello, who is there?"}', None),
        (b"\x0a\x05hello\x10\x01", None),
        (bytes(range(200)), None),
        (b"\1\0\0\0\0", None),
        (b"", None),
    ],
    ids=["wisp", "wisp to an IPv6 address, UDP", "wisp to an address", "wisp to no host", "wisp to port 0",
         "wisp of an unknown kind", "wisp with a zero behind the host", "wisp to a word", "a WebTorrent announce",
         "one whose end is cut off", "a tracker's answer", "names with escapes", "an announcement in a chat",
         "an announce that is quoted", "a scrape", "a bare server's connect", "another connect", "socket.io", "a chat",
         "protobuf", "random bytes", "the beginning of wisp", "nothing"],
)  # fmt: skip
def test_a_message(said, expected):
    assert reason(said) == expected


@pytest.mark.parametrize("side", ["client", "server"])
def test_chisel_by_its_own_version_of_ssh(side):
    assert reason(**{side: b"SSH-chisel-v3-client\r\n"}) == "bypass.websocket-tunnel"


def test_messages_are_no_matter_of_tunnels():
    assert message(streamed(Carrier.TLS, message=wisp()), POLICY) is None


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda data: b'{"info_hash":"' + data)))
def test_nothing_raises(said):
    assert is_match(message(streamed(message=said, client=said[:512], server=said[::-1][:512]), POLICY))
