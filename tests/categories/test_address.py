from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from categories.address import (
    PATH_CAP,
    Address,
    MalformedAddress,
    canonical_host,
    display_host,
    is_public_suffix,
    literal,
    parse,
    parse_authority,
)
from categories.suffixes import below_private_suffix

# reference/index.md, section 3: an independent WHATWG implementation's answers; trailing dots are stripped by us.
WHATWG_HOSTS = [
    ("http://example.com../", "example.com"),
    ("http://good.com\\@evil.com/", "good.com"),
    ("http://evil.com\\.good.com/", "evil.com"),
    ("http:\\\\evil.com\\a", "evil.com"),
    ("http:/evil.com/", "evil.com"),
    ("http:evil.com", "evil.com"),
    ("http:///evil.com/", "evil.com"),
    ("//evil.com/", None),
    ("  http://evil.com/ ", "evil.com"),
    ("ht\ttp://evil.com/", "evil.com"),
    ("http://ev\til.com/", "evil.com"),
    ("http://evil.com\n/a", "evil.com"),
    ("http://%65vil.com/", "evil.com"),
    ("http://evil%2ecom/", "evil.com"),
    ("http://evil.com%00.good.com/", None),
    ("http://ev%E3%80%82il.com/", "ev.il.com"),
    ("http://evil。com/", "evil.com"),
    ("http://ｅｖｉｌ．ｃｏｍ/", "evil.com"),
    ("http://１２７.０.０.１/", "127.0.0.1"),
    ("http://0x7f.1/", "127.0.0.1"),
    ("http://2130706433/", "127.0.0.1"),
    ("http://0177.0.0.1/", "127.0.0.1"),
    ("http://127.1/", "127.0.0.1"),
    ("http://0x7f000001./", "127.0.0.1"),
    ("http://256.256.256.256/", None),
    ("http://1.2.3.08/", None),
    ("http://[::1]/", "::1"),
    ("http://[::ffff:127.0.0.1]/", "::ffff:7f00:1"),
    ("http://[0:0:0:0:0:0:0:1]:80/", "::1"),
    ("http://[fe80::1%25eth0]/", None),
    ("http://münchen.de/", "xn--mnchen-3ya.de"),
    ("http://straße.de/", "xn--strae-oqa.de"),
    ("http://аррӏе.com/", "xn--80ak6aa92e.com"),
    ("http://xn--a/", None),
    ("http://faß.de/", "xn--fa-hia.de"),
    ("http://a_b.example.com/", "a_b.example.com"),
    ("http://exam ple.com/", None),
    ("http://ex\xadample.com/", "example.com"),
    ("http://evil\u200b.com/", "evil.com"),
    ("http://\u212a.com/", "k.com"),
    ("http://example.com:99999/", None),
    ("http://e%C3%A9.com/", "xn--e-bga.com"),
    # ours
    ("http://user:password@evil.com/", "evil.com"),
    ("http://good.com@evil.com:80/", "evil.com"),
    ("http://1.2.3.4../", "1.2.3.4"),
    ("http://256.256.256.256../", None),
    ("http://.../", None),
    ("http://a..b/", None),
    ("http://.a/", None),
    ("http://evil.com:0/", None),
    ("http://" + "a" * 64 + ".com/", None),
    ("http://" + "a." * 130 + "com/", None),
    ("http://\ud800.com/", None),
    ("http:///", None),
    ("javascript:alert(1)", None),
    ("ftp://evil.com/", None),
    ("data:text/html,x", None),
    ("evil.com/", None),
    ("", None),
    ("http://evil.com/" + "a" * 70_000, None),
]


@pytest.mark.parametrize(("url", "host"), WHATWG_HOSTS)
def test_the_host_is_the_one_a_browser_connects_to(url: str, host: str | None) -> None:
    if host is None:
        with pytest.raises(MalformedAddress) as refusal:
            parse(url)
        assert "\n" not in str(refusal.value)
    else:
        assert parse(url).host == host


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("HTTPS://Example.COM", Address("https", "example.com", 443)),
        ("https://example.com:443/", Address("https", "example.com", 443)),
        ("https://example.com:8443/?", Address("https", "example.com", 8443)),
        ("wss://example.com/chat?a=b#top", Address("wss", "example.com", 443, "/chat", "a=b")),
        ("http://0x7f.1:81/", Address("http", "127.0.0.1", 81, ip=IPv4Address("127.0.0.1"))),
        ("http://[::FFFF:1.2.3.4]/", Address("http", "::ffff:102:304", 80, ip=IPv6Address("::ffff:1.2.3.4"))),
    ],
)
def test_every_part_of_an_address(url: str, address: Address) -> None:
    assert parse(url) == address


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/%61dult", "/adult"),
        ("/%7euser/", "/~user/"),
        ("//a///b", "/a/b"),
        ("/a\\b", "/a/b"),
        ("/a/./b/../c", "/a/c"),
        ("/a/%2e%2E/c", "/c"),
        ("/../../a", "/a"),
        ("/%2541", "/%2541"),
        ("/%e9%zz", "/%E9%25zz"),
        ("/%%34%31", "/%2541"),
        ("/é", "/%C3%A9"),
        ("/a%2fb", "/a%2Fb"),
        ("/%00", "/%00"),
        ("/a b", "/a%20b"),
        ("/A/b", "/A/b"),
        ("/" + "a" * 5000, "/" + "a" * (PATH_CAP - 1)),
        ("/" + "a" * (PATH_CAP - 3) + "/%41", "/" + "a" * (PATH_CAP - 3) + "/A"),
        ("/" + "a" * (PATH_CAP - 3) + "%2Fb", "/" + "a" * (PATH_CAP - 3)),
    ],
)
def test_a_path_has_one_spelling(raw: str, path: str) -> None:
    assert parse(f"http://example.com{raw}").path == path


@pytest.mark.parametrize("raw", ["/x//../blocked", "/x%2f../../blocked", "/x/..;/../b", "/a\\\\..\\b", "/a//%2e%2e/b"])
def test_a_path_that_servers_read_differently_is_malformed(raw: str) -> None:
    with pytest.raises(MalformedAddress):
        parse(f"http://example.com{raw}")


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("example.com:443", None, ("example.com", 443)),
        ("EXAMPLE.com.:8443", None, ("example.com", 8443)),
        ("[::1]:443", None, ("::1", 443)),
        ("0x7f.1:80", None, ("127.0.0.1", 80)),
        ("example.com", 80, ("example.com", 80)),
        ("[2001:DB8::1]", 443, ("2001:db8::1", 443)),
        ("münchen.de", 80, ("xn--mnchen-3ya.de", 80)),
        ("example.com", None, None),
        ("example.com:", 80, None),
        ("example.com:0", None, None),
        ("example.com:65536", None, None),
        ("example.com:+80", None, None),
        ("example.com:８０", None, None),
        ("::1:443", None, None),
        ("::1", 443, None),
        ("user@example.com:443", None, None),
        ("example.com:443/path", None, None),
        ("example.com?x:443", None, None),
        ("example.com#x:443", None, None),
        ("example.com\\x:443", None, None),
        ("example.com\x00:443", None, None),
        ("example.com\n:443", None, None),
        (" example.com:443", None, None),
        ("a:b:443", None, None),
        (":443", None, None),
        ("", 80, None),
        ("...:80", None, None),
        ("%00:80", None, None),
        ("[::1%25eth0]:80", None, None),
    ],
)
def test_authorities_of_connect_and_host(text: str, default: int | None, expected: tuple[str, int] | None) -> None:
    if expected is None:
        with pytest.raises(MalformedAddress):
            parse_authority(text, default)
    else:
        assert parse_authority(text, default) == expected


@pytest.mark.parametrize(("text", "host"), [("::1", "::1"), ("[::1]", "::1"), ("Example.COM..", "example.com")])
def test_canonical_host(text: str, host: str) -> None:
    assert canonical_host(text) == host


@pytest.mark.parametrize("text", ["a.com:80", "a.com/b", "u@a.com", "[::1", "::1]", "[::1]:80", "a b", "a\tb", "", "."])
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(MalformedAddress):
        canonical_host(text)


@pytest.mark.parametrize(
    ("host", "public", "shared"),
    [
        ("com", True, False),
        ("co.uk", True, False),
        ("github.io", True, False),
        ("localhost", True, False),
        ("not-on-the-list", True, False),
        ("example.com", False, False),
        ("a.b.example.co.uk", False, False),
        ("foo.github.io", False, True),
        ("a.foo.github.io", False, True),
        ("x.ck", True, False),
        ("www.ck", False, False),
        ("1.2.3.4", False, False),
        ("::1", False, False),
    ],
)
def test_public_suffixes(host: str, public: bool, shared: bool) -> None:
    assert is_public_suffix(host) is public
    assert below_private_suffix(host) is shared


def test_people_see_unicode_with_the_ascii_form_beside_it() -> None:
    assert display_host("example.com") == "example.com"
    assert display_host("xn--80ak6aa92e.com") == "аррӏе.com (xn--80ak6aa92e.com)"


anything = st.text(st.characters(), max_size=60)
urls = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "https:", "wss:\\", "http:///", "HTTP://u:p@"]),
    st.text("aA0.xX-_%2e1。ſK[]:é\u200b", max_size=20),
    st.sampled_from(["", "/", ":80/", "\\", ":8080/", "?"]),
    st.text("aA/\\.%2eEfF5Cc;?#&= é\t", max_size=30),
)


@given(urls | anything)
@example("http://a.com/" + "/." * 3000)
@example("http://a.com/" + "a" * (PATH_CAP - 2) + "/..b")
def test_parsing_is_idempotent_and_refuses_in_one_way(url: str) -> None:
    try:
        address = parse(url)
    except MalformedAddress:
        return
    assert parse(address.url) == address
    assert canonical_host(address.host) == address.host
    assert literal(address.host) == address.ip
    assert address.host == address.host.lower()
    assert address.host.isascii()


@given(anything | st.text("aA0.1:[]%é", max_size=20))
def test_a_canonical_host_is_stable(text: str) -> None:
    try:
        host = canonical_host(text)
    except MalformedAddress:
        return
    assert canonical_host(host) == host
    assert display_host(host)
    is_public_suffix(host)


@given(anything | st.text("a.1:[]0x@", max_size=20), st.none() | st.integers(1, 65535))
def test_an_authority_is_refused_in_one_way(text: str, default: int | None) -> None:
    try:
        host, port = parse_authority(text, default)
    except MalformedAddress:
        return
    assert canonical_host(host) == host
    assert 0 < port < 65536
