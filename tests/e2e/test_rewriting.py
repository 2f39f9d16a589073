"""What search engines and shared services really receive: the origin says what came, over HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.e2e.certificates import server_context
from tests.e2e.http2_peer import peer
from tests.e2e.product import wait_for
from tests.e2e.raw import Client, credentials, tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.origins import Origin
    from tests.e2e.pages import Seen
    from tests.e2e.product import Product

ADDRESS = "127.0.0.80"
NAMES = ("www.google.com", "images.google.co.uk", "www.bing.com", "duckduckgo.com", "www.youtube.com",
         "login.microsoftonline.com", "login.live.com", "accounts.google.com", "site.example.test")  # fmt: skip
DIRECTORY = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def engines(network: Network) -> Iterator[Origin]:
    """One origin that has the names of all of them."""
    pem = network.authority.leaf(*NAMES)
    network.runner.listen(ADDRESS, network.plain_port)
    network.also.update(dict.fromkeys(NAMES, ADDRESS))
    network.fresh("allowed.test")  # writes the names
    yield network.runner.listen(ADDRESS, network.tls_port, server_context(pem, "h2", "http/1.1"))
    for name in NAMES:
        del network.also[name]


@pytest.fixture(scope="module")
def district(product: Product, engines: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    other = product.beside(tmp_path_factory.mktemp("rewriting"))
    approved = other.settings["proxy"]["private_networks"]["allow"]
    approved.append(approved[0] | {"network": f"{ADDRESS}/32"})
    other.settings["tenants"] = {
        "google": ["district.test"],
        "microsoft": {"tenants": ["district.test"], "context": DIRECTORY, "personal_accounts": False},
    }
    other.write()
    with other.running():
        yield other


def received(district: Product, network: Network, engines: Origin, protocol: str, host: str, path: str, *more) -> Seen:
    """Asks over one protocol; what the origin then says it received."""
    before = len(engines.requests)
    if protocol == "h2":
        with peer(district, network, host) as client:
            stream = client.ask(path, "GET", *[(name.lower(), value) for name, value in more])
            client.until(lambda: client.streams[stream].ended)
            assert client.streams[stream].status == 200
    else:
        with Client(district) as client:
            authority = tunnel(client, network, host)
            head = "".join(f"{name}: {value}\r\n" for name, value in more)
            assert client.inside(authority, path, head).status == 200
    [seen] = engines.requests[before:]
    return seen


PROTOCOLS = pytest.mark.parametrize("protocol", ["http/1.1", "h2"])


@PROTOCOLS
@pytest.mark.parametrize(
    ("host", "asked", "sent"),
    [
        ("www.google.com", "/page?q=cats&safe=off", "/page?q=cats&safe=active&ssui=on"),
        ("images.google.co.uk", "/page?%73AFE=images;q=%zz", "/page?q=%zz&safe=active&ssui=on"),
        ("www.bing.com", "/page?adlt=off&q=a+b", "/page?q=a+b&adlt=strict"),
        ("duckduckgo.com", "/page?q=cats&kp=-2&kp=-2", "/page?q=cats&kp=1"),
        ("www.youtube.com", "/page?safe=off", "/page?safe=off"),
        ("site.example.test", "/page?safe=off&adlt=off", "/page?safe=off&adlt=off"),
    ],
)
def test_a_search_is_made_safe(
    district: Product, network: Network, engines: Origin, protocol: str, host: str, asked: str, sent: str
) -> None:
    seen = received(district, network, engines, protocol, host, asked)
    assert (seen.protocol, seen.target) == (protocol, sent)


@PROTOCOLS
def test_cookies_that_opt_out_are_undone(district: Product, network: Network, engines: Origin, protocol: str) -> None:
    cookie = ("Cookie", "MUID=1; SRCHHPGUSR=SRCHLANG=en&ADLT=OFF; x=y")
    seen = received(district, network, engines, protocol, "www.bing.com", "/page", cookie)
    assert cookies(seen) == "MUID=1; SRCHHPGUSR=SRCHLANG=en&ADLT=STRICT; x=y"
    seen = received(district, network, engines, protocol, "duckduckgo.com", "/page", ("Cookie", "ae=d; p=-2"))
    assert cookies(seen) == "ae=d; p=1"
    assert cookies(received(district, network, engines, protocol, "duckduckgo.com", "/page")) == "p=1"


@PROTOCOLS
@pytest.mark.parametrize(
    ("host", "fields"),
    [
        ("www.youtube.com", {"youtube-restrict": "Moderate"}),
        ("www.google.com", {"x-googapps-allowed-domains": "district.test"}),
        ("accounts.google.com", {"x-googapps-allowed-domains": "district.test"}),
        (
            "login.microsoftonline.com",
            {"restrict-access-to-tenants": "district.test", "restrict-access-context": DIRECTORY},
        ),
        ("login.live.com", {"sec-restrict-tenant-access-policy": "restrict-msa"}),
        ("site.example.test", {}),
    ],
)
def test_the_districts_fields_are_the_districts(
    district: Product, network: Network, engines: Origin, protocol: str, host: str, fields: dict[str, str]
) -> None:
    claimed = [
        ("YouTube-Restrict", "none"),
        ("X-GoogApps-Allowed-Domains", "gmail.com"),
        ("Restrict-Access-To-Tenants", "stranger.test"),
        ("RESTRICT-ACCESS-CONTEXT", "1"),
        ("sec-Restrict-Tenant-Access-Policy", "none"),
        ("X-Dropbox-allowed-Team-Ids", "1"),
    ]
    seen = received(district, network, engines, protocol, host, "/page", *claimed)
    named = {name.lower() for name, _ in claimed}
    assert sorted((name, value) for name, value in lowered(seen) if name in named) == sorted(fields.items())


def test_a_client_cannot_have_a_field_dropped(district: Product, network: Network, engines: Origin) -> None:
    named = ("Connection", "youtube-restrict, cookie")
    seen = received(district, network, engines, "http/1.1", "www.youtube.com", "/page", named)
    assert ("youtube-restrict", "Moderate") in lowered(seen)


def test_a_search_in_the_open_is_made_safe_and_recorded_as_it_was_asked(
    district: Product, network: Network, engines: Origin
) -> None:
    with Client(district) as client:
        url = network.plain_url("www.google.com", "/search?q=marker%2Dword&safe=off")
        assert client.get(url, credentials("ana")).text.endswith("/search")
    [row] = district.recorded(host="www.google.com", path="/search")
    assert (row["action"], row["scheme"]) == ("allow", "http")
    assert "marker" not in str(row)


def test_search_terms_are_recorded_once_the_settings_say_so_and_shown_to_nobody(
    district: Product, network: Network, engines: Origin
) -> None:
    page = "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"
    district.settings["record_search_terms"] = True
    district.write()
    district.done("config", "apply", "--reason", "the board has decided so")

    def search(host: str, path: str, fields: str = page) -> None:
        with Client(district) as client:
            assert client.inside(tunnel(client, network, host), path, fields).status == 200

    def kept() -> set[str]:
        return {row["search_terms"] for row in district.records() if row["search_terms"]}

    def recorded() -> bool:
        search("www.bing.com", "/search?q=marker+first&adlt=off")
        return bool(kept())

    wait_for(recorded, 30, "the settings to be in force in a worker")
    for _ in range(4):  # whichever worker takes it
        search("images.google.co.uk", "/search?safe=off&q=marker%20second")
    search("www.google.com", "/complete/search?q=mark", "Sec-Fetch-Dest: empty\r\n")
    search("site.example.test", "/search?q=marker+elsewhere")
    wait_for(lambda: kept() == {"marker first", "marker second"}, 15, "both searches", kept)
    shown = district.audit()
    assert {row["search_terms"] for row in shown} == {None}
    with urllib.request.urlopen(f"http://127.0.0.1:{district.metrics_port}/metrics") as answer:
        figures = answer.read().decode()
    for said in (json.dumps(shown), district.output, figures, district.done("audit", "summary")):
        assert "marker" not in said


def lowered(seen: Seen) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in seen.headers]


def cookies(seen: Seen) -> str:
    return "; ".join(value for name, value in lowered(seen) if name == "cookie")
