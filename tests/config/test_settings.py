import pytest

from tests.config.district import check_refused

ROWS = [
    ("a database nobody knows", "database: mysql  # <-\n", "database", "write sqlite"),
    ("an address in place of a network", "schools: {a: [10.1.0.0]}  # <-\n", "schools.a[0]", "write a network"),
    (
        "a method that is not built",
        "identity: {methods: [local, ldap]}  # <-\n",
        "identity.methods[1]",
        "not built yet",
    ),
    ("a method nobody knows", "identity: {methods: [magic]}  # <-\n", "identity.methods[0]", "no method"),
    ("PostgreSQL", "database: 'postgresql://u:geheim@db/log'  # <-\n", "database", "not built yet"),
    (
        "a grade that Google does not have",
        "safe_search: {google: moderate}  # <-\n",
        "safe_search.google",
        "strict or off",
    ),
    (
        "a search engine nobody knows",
        "safe_search: {gogle: off}  # <-\n",
        "gogle",
        'did you mean "google"?',
    ),
    ("the console", "console: {listen: '127.0.0.1:8081'}  # <-\n", "console", "not built yet"),
    ("groups from a directory", "groups:\n  a: {users: [b], ldap: 'cn=a'}  # <-\n", "groups.a.ldap", "not built yet"),
    ("a group of everybody", "groups: {everyone: {users: [a]}}  # <-\n", "groups.everyone", "everybody"),
    ("a user that is a pattern", "groups: {a: {users: ['*']}}  # <-\n", "groups.a.users[0]", "account name"),
    (
        "a letter that only looks like k",
        'groups: {a: {users: ["\\u212aate"]}}  # <-\n',
        "groups.a.users[0]",
        "account name",
    ),
    (
        "two schools on one network",
        "schools: {a: [10.1.0.0/16], b: [10.1.0.0/16]}  # <-\n",
        "schools.b[0]",
        "belongs to a",
    ),
    ("the root as state folder", "state_dir: /etc/..  # <-\n", "state_dir", "root"),
    ("hours of no day", "hours: {duty: 'Mo-Fr 07:30-16:00'}  # <-\n", "hours.duty", "no day"),
    ("an unknown key", "distrikt: {}  # <-\n", "distrikt", 'did you mean "district"?'),
    (
        "an unknown key below",
        "proxy: {limits: {head_byte: 1}}  # <-\n",
        "proxy.limits.head_byte",
        'did you mean "head_bytes"?',
    ),
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(more, key, why)
