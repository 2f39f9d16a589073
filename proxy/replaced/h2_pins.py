"""What is overridden or asked of h2 that is not its public face, pinned like the parts of mitmproxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from h2 import connection
from h2.connection import H2Connection
from h2.frame_buffer import FrameBuffer
from h2.stream import H2Stream

if TYPE_CHECKING:
    from collections.abc import Callable

#: A function, and SHA-256 of its source, read in h2 4.3.0.
RELIED_UPON: tuple[tuple[Callable[..., Any], str], ...] = (
    (H2Connection.receive_data, "23c10edc87abe72de18f8166c63c8e017ec8060eb2881575050c1260da55bf09"),
    (H2Connection._receive_frame, "39b2e16b4fd74ed014ca144a0c6e388aef3dc51f116d6f0a874b70d92bd92873"),
    (H2Connection._receive_headers_frame, "4a014e7d795a15a583ef2172f88dc19a9bac01edff850fd91eb69c5611b19fa5"),
    (H2Connection._receive_data_frame, "09803eef3f564140481608e07cfdf626cdff9896090ecdc091ef7a8b8cfe6848"),
    (H2Connection._receive_goaway_frame, "de018f94938e1001aba69f172c473f7a8d3f9cbc7e0170ba8f4d1348a662c516"),
    (H2Connection._open_streams, "28d9501144f0cee70c51d8dc974e2a4b5b2187009a4a6796b1bffc81e0a9eda6"),
    (H2Connection._handle_data_on_closed_stream, "c24bc43847fcac200e870a6f8bc40092b5ced5e084d7a8015bad3fded925e05f"),
    (H2Stream._initialize_content_length, "f8735c1f4f06f118d184c57c0a3a74fe8af18b63e3138b5e76f9cd129e28094a"),
    (H2Stream._track_content_length, "a4580a2f3c858963d38d18e7b7db099570e2afa2275cd757d3186244b62007aa"),
    (FrameBuffer._update_header_buffer, "754ab91814882ca9c0460b94d50e19a53ac6f9053b3f002cb12d7f8d2628842c"),
    (connection._decode_headers, "ee1b71503327698a66c61ea6c66898b5d9c973de637aeebe7abfbd6e7c292e7e"),
)
