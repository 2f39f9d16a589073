import pytest

from config.error_text import dotted
from tests.config.district import SOUND, refused

SAID = [
    (
        "a missing key",
        "identity: {}\n",
        SOUND.replace(", cases: 90d", ""),
        "retention.cases",
        "is missing; it has no default",
    ),
    ("an empty key", "schools:\n", "", "schools", "is empty; give a value, or remove the key"),
    ("an empty key below", "proxy: {limits: }\n", "", "proxy.limits", "is empty; give a value, or remove the key"),
    ("a number for text", "groups: {a: {users: [7]}}\n", "", "groups.a.users[0]", 'in quotes: "7"'),
    ("yes for text", "groups: {a: {users: [true]}}\n", "", "groups.a.users[0]", 'in quotes: "true"'),
    (
        "text for yes",
        "proxy: {allow_plain_basic: yes}\n",
        "",
        "proxy.allow_plain_basic",
        'write true or false, not "yes"',
    ),
    (
        "an octal number",
        "proxy: {allow_ports: [0443]}\n",
        "",
        "proxy.allow_ports[0]",
        'write a whole number, not "0443"',
    ),
    (
        "a fraction of a port",
        "proxy: {allow_ports: [80.5]}\n",
        "",
        "proxy.allow_ports[0]",
        "write a whole number, not 80.5",
    ),
    ("text for a list", "proxy: {allow_ports: all}\n", "", "proxy.allow_ports", 'write a list ([…]), not "all"'),
    ("a list for keys", "proxy: [1]\n", "", "proxy", "write keys and values, not a list"),
    ("a number for keys", "schools: 5\n", "", "schools", "write keys and values, not 5"),
    (
        "too few",
        "proxy: {limits: {connections_per_client: 0}}\n",
        "",
        "proxy.limits.connections_per_client",
        "at least 1",
    ),
    ("too many", "proxy: {limits: {head_bytes: 2MiB}}\n", "", "proxy.limits.head_bytes", "at most 1048576"),
    (
        "a size in another unit",
        "proxy: {limits: {body_bytes: 1TiB}}\n",
        "",
        "proxy.limits.body_bytes",
        "KiB, MiB or GiB",
    ),
    ("no time at all", "proxy: {limits: {dns_seconds: 0}}\n", "", "proxy.limits.dns_seconds", "at least 0.1"),
    ("a name that is none", "groups: {'a b': {}}\n", "", "groups.a b", "small letters"),
    ("an unknown key that is called [key]", "district2: {}\n'[key]': 1\n", "", "[key]", "unknown key"),
    ("a key of 900 letters", f"{'k' * 900}: 1\n", "", "k" * 60 + "…", "unknown key"),
    ("a key that moves the cursor", '"\\e[2J": 1\n', "", "", "control character"),
    ("a key that runs backwards", '"\\u202ex": 1\n', "", "\\u202ex", "unknown key"),
]


@pytest.mark.parametrize(("more", "start", "key", "said"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_what_is_said(more: str, start: str, key: str, said: str) -> None:
    problems = refused((start or SOUND) + more, start="")
    assert any(problem.key == key and said in problem.message for problem in problems), problems
    assert all(str(problem).isprintable() for problem in problems)


def test_places_as_people_write_them() -> None:
    assert dotted(()) == ""
    assert dotted(("proxy", "listen", 0, "tls")) == "proxy.listen[0].tls"
    assert dotted(("proxy", "passthrough", "[a.example]", "host")) == "proxy.passthrough[a.example].host"
