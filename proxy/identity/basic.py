"""Reading a `Proxy-Authorization: Basic` field (RFC 7617).

The field comes from a stranger: it is capped, and read strictly, so that one pair of name and password has exactly
one spelling.
"""

from __future__ import annotations

import base64
import binascii
import unicodedata
from dataclasses import dataclass, field

#: Bytes. Room for 64 bytes of name and 128 characters of password in base 64, and the scheme.
FIELD_CAP = 1024


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody claims to be. The password is never part of a repr."""

    name: str
    password: str = field(repr=False)


def parse_basic(value: bytes) -> Credentials | None:
    """The name and password in a field value, or None where it is not well-formed Basic.

    Two fields joined by a comma are not well-formed, so no reader can take the one and another the other.
    """
    if len(value) > FIELD_CAP:
        return None
    scheme, _, token = value.strip(b" \t").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    text = _decoded(token.lstrip(b" "))
    if text is None or any(unicodedata.category(sign) == "Cc" for sign in text):
        return None
    name, colon, password = text.partition(":")
    return Credentials(name, password) if colon and name else None


def _decoded(token: bytes) -> str | None:
    """UTF-8 text from base 64 with its padding (RFC 4648, 4), no stray bits, no stray signs."""
    try:
        content = binascii.a2b_base64(token, strict_mode=True)
        text = content.decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if base64.b64encode(content) == token else None
