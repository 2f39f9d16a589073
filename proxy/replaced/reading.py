"""What stock reads of a head again and again: the usual case in one look, and stock's own way for everything else."""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hyperframe.frame import Frame
from mitmproxy.connection import Connection
from mitmproxy.flow import Flow
from mitmproxy.net.http import http1
from mitmproxy.net.http.http1 import read
from mitmproxy.proxy.layers import http as layers

from proxy.replaced.part import Part

if TYPE_CHECKING:
    from mitmproxy.connection import Client, Server
    from mitmproxy.http import Message, Request, Response

    RequestLine = tuple[str, int, bytes, bytes, bytes, bytes, bytes]

_VERSIONS = frozenset({b"HTTP/1.1", b"HTTP/1.0"})

#: An absolute target in plain ASCII, its authority no longer than any name with a port.
_ABSOLUTE = re.compile(rb"(https?)://([!-.0-~]{1,300})(/[!-~]*)?")

_NAMES = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+(?:\n[!#$%&'*+\-.^_`|~0-9a-z]+)*")
#: Longer ones are stock's to read: Python converts no more than 4,300 digits.
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,17}")

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})

#: Answers that never have a body, and methods whose answers may have none (RFC 9112, section 6.3).
_BODILESS = frozenset({204, 304})
_ODD = frozenset({b"HEAD", b"CONNECT"})


def parts() -> tuple[Part, ...]:
    """Give what is replaced here."""
    return (
        _part(
            read,
            "_read_request_line",
            "f212df4b4badf61bac39dfe445799724f77fb9413328a8daae5924c9a3d764ab",
            _read_request_line,
        ),
        _part(
            read,
            "raise_if_http_version_unknown",
            "e1159a2812bbb30c7532c0302cae721343562e3bdd083af9adfbbee502d647b7",
            _raise_if_unknown,
        ),
        _part(
            http1,
            "expected_http_body_size",
            "bf258f07286cf770c6fa0b4c3e4b14588f90937a853c771f1aa42b7662c73294",
            expected_size,
        ),
        _part(layers, "validate_headers", "e7647a94704363e70ef4ebf60dd52e0001ed73c088df683fd0227eea2ab123e3", validate),
        _part(Flow, "__init__", "7c7b602cfb75bf18528fe995fee4336bcfb44199093d8dadb0a71a6334625107", _flow),
        _part(
            Connection,
            "__hash__",
            "034412630892678ee6a9518900d1250d8e86a2b7ee948dec78daa0572769bd1e",
            object.__hash__,
        ),
        _part(Connection, "__eq__", "04776846f3cf761c6ff9e563bddf30bdac6253d9937cb4f295c82e506b0e3c2d", object.__eq__),
        _part(Frame, "__repr__", "15cc92e42b05b3c6fb92dade2a38a7f938360467e5a0013774d9fdf4fb51e3ca", object.__repr__),
    )


def _part(owner: Any, name: str, digest: str, new: object) -> Part:
    return Part(owner, name, digest, new, lever="reading")


_original_request_line = read._read_request_line


def _read_request_line(line: bytes) -> RequestLine:
    """Read a request line. Stock parses an absolute target three times, two of them for its host alone.

    Raises ValueError.
    """
    words = line.split()
    if len(words) == 3 and words[2] in _VERSIONS and words[0] != b"CONNECT":
        method, target, version = words
        if target[:1] == b"/":
            return "", 0, method, b"", b"", target, version
        found = _ABSOLUTE.fullmatch(target)
        if found is not None:
            host, port = _place(found[1], found[2])
            return host, port, method, found[1], found[2], found[3] or b"/", version
    return _original_request_line(line)


@lru_cache(maxsize=4096)
def _place(scheme: bytes, authority: bytes) -> tuple[str, int]:
    """Give host and port as stock reads them; what follows them in a target of plain ASCII changes nothing.

    Raises ValueError.
    """
    host, port, *_ = _original_request_line(b"GET %s://%s/ HTTP/1.1" % (scheme, authority))
    return host, port


_original_raise = read.raise_if_http_version_unknown


def _raise_if_unknown(version: bytes) -> None:
    """Look up the two versions that there are."""
    if version not in _VERSIONS:
        _original_raise(version)


_original_expected_size = read.expected_http_body_size


def expected_size(request: Request, response: Response | None = None) -> int | None:
    """Give the length of a body as stock does, which looks through the fields twice for each of its six questions.

    Raises ValueError.
    """
    message = request if response is None else response
    framing = [field for field in message.data.headers.fields if field[0].lower() in _FRAMING]
    if response is None:
        usual = True
    else:
        code = response.data.status_code
        usual = code >= 200 and code not in _BODILESS and request.data.method.upper() not in _ODD
    if usual and not framing:
        return 0 if response is None else -1
    if usual and len(framing) == 1 and _is_length(*framing[0]):
        return int(framing[0][1])
    return _original_expected_size(request, response)


_original_validate = layers.validate_headers


def validate(message: Message) -> None:
    """Look at all names at once; what frames a body oddly is stock's to refuse.

    Raises ValueError.
    """
    fields = message.data.headers.fields
    lines = b"\n".join([name for name, _ in fields]).lower()
    plain = not fields or (_NAMES.fullmatch(lines) is not None and lines.count(b"\n") == len(fields) - 1)
    framing = [field for field in fields if field[0].lower() in _FRAMING]
    if not (plain and (not framing or (len(framing) == 1 and _is_length(*framing[0])))):
        _original_validate(message)


def _is_length(name: bytes, value: bytes) -> bool:
    return name.lower() == b"content-length" and _LENGTH.fullmatch(value) is not None


def _flow(self: Any, client_conn: Client, server_conn: Server, live: bool = False) -> None:
    """Make a flow with an id of as many random bits, in hexadecimal: stock formats a UUID that nobody reads."""
    self.id = os.urandom(16).hex()
    self.client_conn = client_conn
    self.server_conn = server_conn
    self.live = live
    self.timestamp_created = time.time()
    self.intercepted = False
    self._resume_event = self._backup = self.is_replay = None
    self.marked = self.comment = ""
    self.metadata = {}
