from config.difference import NEEDS_RESTART, difference
from config.outline import names_at
from tests.config.district import APPROVED, settings

HOST = "proxy: {{passthrough: [{{host: {}, " + APPROVED + "}}]}}\n"


def test_the_same_settings_do_not_differ() -> None:
    assert difference(settings(), settings()) == ()


def test_every_key_that_differs_is_named_once() -> None:
    old = settings("categories: {games: block}\nproxy: {workers: 2}\nschools: {a: [10.1.0.0/16]}\n")
    new = settings("categories: {games: allow}\nproxy: {workers: 3, allow_ports: [443]}\n")
    assert [(c.key, c.before, c.after, c.needs_restart) for c in difference(old, new)] == [
        ("categories.games.action", "block", "allow", False),
        ("proxy.workers", 2, 3, True),
        ("proxy.allow_ports", [80, 443], [443], False),
        ("schools.a", ["10.1.0.0/16"], None, False),
    ]


def test_items_with_a_name_go_by_it() -> None:
    changes = difference(settings(HOST.format("a.example.com")), settings(HOST.format("b.example.com")))
    assert {change.key for change in changes} == {
        f"proxy.passthrough[{host}.example.com].{key}" for host in "ab" for key in ("host", "owner", "reason", "since")
    }


def test_the_first_settings_show_what_they_set() -> None:
    keys = [change.key for change in difference(None, settings("proxy: {workers: 2}\n"))]
    assert "proxy.workers" in keys
    assert "proxy.allow_ports" not in keys


def test_keys_that_need_a_restart_exist() -> None:
    assert [place for place in NEEDS_RESTART if place[-1] not in names_at(place[:-1])] == []


def test_limits_that_are_read_live_need_no_restart() -> None:
    names = [place[-1] for place in NEEDS_RESTART if place[:2] == ("proxy", "limits")]
    assert names == ["dns_seconds", "spool_bytes"]
    new = settings("proxy: {limits: {head_seconds: 9, dns_seconds: 9}}\n")
    assert {change.key: change.needs_restart for change in difference(settings(), new)} == {
        "proxy.limits.head_seconds": False,
        "proxy.limits.dns_seconds": True,
    }
