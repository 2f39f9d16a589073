from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from config.fields import AbsolutePath, Bytes, Day, Host, Seconds, SocketAddress, Text, Url, UserName, socket_address

READ: list[tuple[str, Any, object, object]] = [
    ("text loses blanks around it", Text, "  a b ", "a b"),
    ("a host in capitals with a dot", Host, "EXAMPLE.com.", "example.com"),
    ("a host in Unicode", Host, "bücher.example", "xn--bcher-kva.example"),
    ("an account in capitals", UserName, "Comms.Officer", "comms.officer"),
    ("IPv6 in one spelling", SocketAddress, "[0:0::1]:80", "[::1]:80"),
    ("a size in units", Bytes, "20GiB", 20 * 1024**3),
    ("a size with a blank", Bytes, "64 KiB", 65_536),
    ("a size in bytes", Bytes, 65_536, 65_536),
    ("whole seconds", Seconds, 5, 5.0),
    ("a date", Day, "2026-11-01", date(2026, 11, 1)),
    ("an https address", Url, "https://a.example/x?y=1", "https://a.example/x?y=1"),
]
REFUSED: list[tuple[str, Any, object]] = [
    ("a bell", Text, "a\x07b"),
    ("two lines", Text, "a\nb"),
    ("text that runs backwards", Text, "a\u202eb"),
    ("too long", Text, "x" * 501),
    ("blank", Text, "\u3000"),
    ("a host with a port", Host, "a.example:443"),
    ("a host with a star", Host, "a*.example"),
    ("a star of another width that becomes one", Host, "\uff0a.example"),
    ("seconds that are no number", Seconds, "5"),
    ("yes is no number", Seconds, True),
    ("no seconds", Seconds, 0),
    ("more than a day", Seconds, 86_401),
    ("no number", Seconds, float("nan")),
    ("a size without end", Bytes, "9" * 30 + "GiB"),
    ("a size of nothing", Bytes, "0GiB"),
    ("a size in another unit", Bytes, "20GB"),
    ("a negative size", Bytes, -1),
    ("a time is no date", Day, datetime(2026, 11, 1, tzinfo=UTC)),
    ("a number is no date", Day, 20261101),
    ("a day that never was", Day, "2026-02-30"),
    ("digits of another script", Day, "٢٠٢٦-11-01"),
    ("IPv4 in brackets", SocketAddress, "[127.0.0.1]:80"),
    ("IPv6 without brackets", SocketAddress, "::1:80"),
    ("a zone", SocketAddress, "[fe80::1%eth0]:80"),
    ("a port with a zero in front", SocketAddress, "127.0.0.1:080"),
    ("a port of another script", SocketAddress, "127.0.0.1:٨٠"),
    ("an odd form of an address", SocketAddress, "127.1:80"),
    ("an account in the address", Url, "https://user:pw@a.example/"),
    ("a script for the block page", Url, "javascript:alert(1)"),
    ("an address with a blank", Url, "https://a.example/ x"),
    ("no address", Url, "a.example"),
    ("WebSocket", Url, "wss://a.example/"),
    ("a path from home", AbsolutePath, "~/x"),
    ("a path with a NUL", AbsolutePath, "/a\0b"),
    ("no path", AbsolutePath, " "),
    ("a path from nowhere", AbsolutePath, "x/y"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "written", "meant"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_read(kind: Any, written: object, meant: object) -> None:
    assert TypeAdapter(kind).validate_python(written) == meant


@pytest.mark.parametrize(("kind", "written"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(kind: Any, written: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(written)


@given(st.ip_addresses(), st.integers(0, 65_535))
def test_every_address_and_port_comes_back(address: Any, port: int) -> None:
    text = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    assert socket_address(text) == (address, port)


@given(st.text(max_size=80))
def test_any_text_is_a_host_or_refused(text: str) -> None:
    adapter = TypeAdapter(Host)
    try:
        host = adapter.validate_python(text)
    except ValidationError:
        return
    assert host.isascii()
    assert "*" not in host
    assert adapter.validate_python(host) == host


@given(st.text(max_size=80))
def test_any_path_stays_below_its_folder_or_says_where_it_goes(text: str) -> None:
    try:
        path = TypeAdapter(AbsolutePath).validate_python(text, context={"base": Path("/base/folder")})
    except ValidationError:
        return
    assert path.is_absolute()
    assert ".." not in path.parts
