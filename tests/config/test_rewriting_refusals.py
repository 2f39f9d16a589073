from datetime import date

import pytest

from categories.starter import starter_passthrough
from config.approvals import ApprovedTunnel, PassthroughHost
from config.recheck import recheck
from config.rewriting_refusals import passthrough
from config.rewriting_settings import SafeSearch, Tenants
from tests.config.district import APPROVED, TODAY, check_refused, settings

MICROSOFT = "{tenants: [a.test], context: 11111111-2222-3333-4444-555555555555}"
#: Host that is passed through, the other settings, why not; None where it may be.
ROWS = [
    ("google.com", "", "safe_search.google"),
    ("www.google.de", "", "safe_search.google"),
    ("google.de", "safe_search: {google: 'off'}", None),
    ("dl.google.com", "", None),
    ("th.bing.com", "", "safe_search.bing"),
    ("yahoo.com", "", "safe_search.yahoo"),
    ("mail.yahoo.com", "", None),
    ("youtube.com", "", "safe_search.youtube"),
    ("youtube.com", "safe_search: {youtube: 'off'}", None),
    ("youtubei.googleapis.com", "", "safe_search.youtube"),
    ("accounts.google.com", "", None),
    ("accounts.google.com", "tenants: {google: [district.test]}", "tenants.google"),
    ("meet.google.com", "tenants: {google: [district.test]}", None),
    ("microsoftonline.com", "", None),
    ("microsoftonline.com", f"tenants: {{microsoft: {MICROSOFT}}}", "tenants.microsoft"),
    ("login.live.com", "tenants: {microsoft: {personal_accounts: false}}", "tenants.microsoft"),
    ("slack.com", "tenants: {slack: {requester: T1, workspaces: [T1]}}", "tenants.slack"),
    ("dropbox.com", "tenants: {dropbox: [a]}", "tenants.dropbox"),
    ("bank.test", "", None),
]


def named(row: tuple[str, str, str | None]) -> str:
    return " ".join(filter(None, row[:2]))


@pytest.mark.parametrize(("host", "more", "why"), ROWS, ids=map(named, ROWS))
def test_what_has_to_be_rewritten_is_not_passed_through(host: str, more: str, why: str | None) -> None:
    text = f"{more}\nproxy:\n  passthrough: [{{host: {host}, {APPROVED}}}]  # <-\n"
    if why is None:
        assert settings(text)
    else:
        check_refused(text, "proxy.passthrough[0].host", f"rewritten for {why}; what is not opened is not")


#: Host of an approved TLS tunnel, which covers that host alone; the other settings, why not.
TUNNELS = [
    ("www.google.com", "", "safe_search.google"),
    ("www.youtube.com", "", "safe_search.youtube"),
    ("www.youtube.com", "safe_search: {youtube: 'off'}", None),
    ("mail.yahoo.com", "", None),
    ("accounts.google.com", "", None),
    ("accounts.google.com", "tenants: {google: [district.test]}", "tenants.google"),
    ("meet.google.com", "tenants: {google: [district.test]}", None),
    ("microsoftonline.com", f"tenants: {{microsoft: {MICROSOFT}}}", None),
    ("login.microsoftonline.com", f"tenants: {{microsoft: {MICROSOFT}}}", "tenants.microsoft"),
    ("login.live.com", "tenants: {microsoft: {personal_accounts: false}}", "tenants.microsoft"),
    ("bank.test", "", None),
]


@pytest.mark.parametrize(("host", "more", "why"), TUNNELS, ids=map(named, TUNNELS))
def test_what_has_to_be_rewritten_is_not_in_a_tls_tunnel(host: str, more: str, why: str | None) -> None:
    tunnel = f"{{host: {host}, port: 443, protocol: tls, {APPROVED}}}"
    text = f"{more}\nproxy:\n  approved_tunnels: [{tunnel}]  # <-\n"
    if why is None:
        assert settings(text)
    else:
        check_refused(text, "proxy.approved_tunnels[0].host", f"rewritten for {why}; what is not opened is not")


def test_another_protocol_is_no_web_traffic() -> None:
    assert settings(f"proxy: {{approved_tunnels: [{{host: www.google.com, port: 22, protocol: ssh, {APPROVED}}}]}}\n")


@pytest.mark.parametrize(
    ("more", "key", "why"),
    [
        ("tenants: {microsoft: {tenants: [a.test]}}  # <-\n", "tenants.microsoft", "go together"),
        ("tenants: {slack: {workspaces: [T1]}}  # <-\n", "tenants.slack", "go together"),
        ("tenants: {slack: {requester: T1}}  # <-\n", "tenants.slack", "go together"),
    ],
)
def test_half_of_what_a_service_asks_for(more: str, key: str, why: str) -> None:
    check_refused(more, key, why)


def test_no_application_of_the_starter_list_is_rewritten() -> None:
    hosts = [
        PassthroughHost(host=one.host, owner=one.owner, reason=one.reason, since=one.since)
        for one in starter_passthrough()
    ]
    named = Tenants.model_validate(
        {
            "google": ["a.test"],
            "microsoft": {"tenants": ["a.test"], "context": "11111111-2222-3333-4444-555555555555",
                          "personal_accounts": False},
            "dropbox": ["a"],
            "slack": {"requester": "T1", "workspaces": ["T1"]},
        }
    )  # fmt: skip
    assert list(passthrough(hosts, SafeSearch(), named)) == []


def test_a_policy_is_checked_again() -> None:
    sound = settings()
    why = {"owner": "a", "reason": "b", "since": date(2026, 11, 1)}
    host = PassthroughHost.model_construct(host="google.de", **why)
    tunnel = ApprovedTunnel.model_construct(host="www.google.de", port=443, protocol="tls", **why)
    proxy = sound.proxy.model_copy(update={"passthrough": (host,), "approved_tunnels": (tunnel,)})
    found = recheck(sound.model_copy(update={"proxy": proxy}), TODAY)
    assert [refusal.at for refusal in found] == [
        ("proxy", "passthrough", 0, "host"),
        ("proxy", "approved_tunnels", 0, "host"),
    ]
