"""An answer of ours: status, headers, body. Every header that our pages send is made here."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.pages.ask import Ask

_UNSAFE = re.compile(r"[^\x20-\x7e]")
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client, as bytes on the wire."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def answer_to(ask: Ask, status: int, fields: Mapping[str, str], body: bytes) -> Answer:
    """Frame a body. HEAD gets the same headers, its length included (RFC 9110, 8.6), and no body."""
    headers = [*_DISCIPLINE, *fields.items(), ("Content-Length", str(len(body)))]
    lines = tuple((name.encode("ascii"), _line(value)) for name, value in headers)
    return Answer(status, lines, b"" if ask.method == "HEAD" else body)


#: On every answer: nothing is stored, sniffed, referred to or reachable from the opener.
_DISCIPLINE = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Vary", "Accept, Accept-Language, Sec-Fetch-Dest, Sec-Fetch-Mode, Sec-Purpose"),
)


def _line(value: str) -> bytes:
    """A header value that cannot end its line: whatever is not printable ASCII becomes a question mark."""
    return _UNSAFE.sub("?", value).encode("ascii")


#: A page is served under the blocked site's own origin. `sandbox` without allow-same-origin gives it an opaque one, so
#: that a script on a partly blocked site cannot read it; links and mail still open (reference/interface.md 1.3).
SANDBOX = "; sandbox allow-popups allow-popups-to-escape-sandbox"
UNFRAMED = "; frame-ancestors 'none'"


def content_policy(style: str = "", also: str = "") -> str:
    """A Content-Security-Policy that allows one inline style sheet, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    styles = f"; style-src 'sha256-{digest}'" if style else ""
    return f"default-src 'none'{styles}; base-uri 'none'; form-action 'none'{also}"


def proxy_status(node: str, error: str, details: str) -> str:
    """A Proxy-Status member (RFC 9209): which node refused, by which error type."""
    name = node if _TOKEN.fullmatch(node) else _string(node)
    return f"{name}; error={error}; details={_string(details)}"


def _string(value: str) -> str:
    """A structured-field string (RFC 8941, 3.3.3)."""
    return '"' + _UNSAFE.sub("?", value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def basic_challenge(realm: str) -> str:
    """A Proxy-Authenticate value for Basic, with the password's character set named (RFC 7617)."""
    return f'Basic realm={_string(realm)}, charset="UTF-8"'
