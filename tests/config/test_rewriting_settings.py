import pytest

from tests.config.district import check_refused, settings

ID = "11111111-2222-3333-4444-555555555555"

REFUSED = [
    ("a value that is no grade", "safe_search: {bing: on}  # <-\n", "safe_search.bing", "strict"),
    ("a yes", "safe_search: {youtube: true}  # <-\n", "safe_search.youtube", "strict"),
    ("a domain that is a pattern", "tenants: {google: ['*']}  # <-\n", "tenants.google[0]", "not allowed"),
    ("two domains in one", "tenants: {google: ['a.test,b.test']}  # <-\n", "tenants.google[0]", "one domain"),
    ("a team with a line break", 'tenants: {dropbox: ["a\\nx: y"]}  # <-\n', "tenants.dropbox[0]", "letters"),
    ("a directory that is a name", "tenants: {microsoft: {context: district.test}}  # <-\n", "context", "8-4-4-4-12"),
    ("a service nobody knows", "tenants: {gogle: []}  # <-\n", "tenants.gogle", 'did you mean "google"?'),
]


@pytest.mark.parametrize(("more", "key", "why"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(more: str, key: str, why: str) -> None:
    check_refused(more, key, why)


def test_safe_search_is_on_where_nobody_says_anything() -> None:
    said = settings().safe_search.model_dump()
    assert said.pop("youtube") == "moderate"
    assert set(said.values()) == {"strict"}


def test_no_tenant_is_asked_for_where_nobody_says_anything() -> None:
    tenants = settings().tenants
    assert (tenants.google, tenants.dropbox, tenants.microsoft.tenants, tenants.slack.workspaces) == ((), (), (), ())
    assert tenants.microsoft.personal_accounts


def test_tenants() -> None:
    said = settings(f"tenants: {{google: [District.TEST], microsoft: {{tenants: [a.test], context: {ID}}}}}\n").tenants
    assert (said.google, said.microsoft.tenants, said.microsoft.context) == (("district.test",), ("a.test",), ID)
