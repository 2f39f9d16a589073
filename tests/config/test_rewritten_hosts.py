import pytest

from categories.address import canonical_host, is_public_suffix
from config.rewriting_settings import SafeSearch
from config.rewritten_hosts import search_hosts, tenant_hosts

ALL = {**search_hosts(), **{f"tenants of {name}": one for name, one in tenant_hosts().items()}}


@pytest.mark.parametrize("name", sorted(ALL))
def test_hosts_are_canonical_and_nobody_elses(name: str) -> None:
    for host in ALL[name].hosts | ALL[name].domains | ALL[name].sign_in:
        assert canonical_host(host) == host
        assert not is_public_suffix(host)


def test_every_engine_has_a_setting() -> None:
    assert set(search_hosts()) == set(SafeSearch.model_fields)


def test_every_national_google_is_there() -> None:
    hosts = search_hosts()["google"].hosts
    endings = {host.removeprefix("www.google.") for host in hosts if host.startswith("www.google.")}
    assert len(endings) == 194
    assert {"com", "de", "co.uk", "com.au", "no", "co.za", "cat"} <= endings
    for ending in endings:
        assert {f"google.{ending}", f"www.google.{ending}", f"images.google.{ending}"} <= hosts


@pytest.mark.parametrize(
    ("engine", "name", "found"),
    [
        ("google", "www.google.de", "www.google.de"),
        ("google", "google.co.uk", "google.co.uk"),
        ("google", "mail.google.com", None),
        ("google", "dl.google.com", None),
        ("bing", "bing.com", "bing.com"),
        ("bing", "th.bing.com", "th.bing.com"),
        ("yahoo", "yahoo.com", "search.yahoo.com"),
        ("yahoo", "mail.yahoo.com", None),
        ("youtube", "googleapis.com", "youtube.googleapis.com"),
        ("youtube", "notyoutube.com", None),
    ],
)
def test_what_a_name_covers_or_lies_below(engine: str, name: str, found: str | None) -> None:
    assert search_hosts()[engine].overlap(name) == found


def test_a_name_covers_where_accounts_are_let_in() -> None:
    google = tenant_hosts()["google"]
    assert google.signing_in.overlap("google.com") == "accounts.google.com"
    assert google.signing_in.overlap("accounts.google.com") == "accounts.google.com"
    assert google.signing_in.overlap("dl.google.com") is None
