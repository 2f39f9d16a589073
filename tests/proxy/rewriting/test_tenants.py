from config.rewritten_hosts import tenant_hosts
from proxy.rewriting.tenants import FIELDS, rules
from tests.proxy.policy import settings, table

ALL = settings(table("rewriting.yaml")["district"]).tenants


def test_nothing_is_forced_where_no_tenant_is_named() -> None:
    assert list(rules(settings("").tenants)) == []


def test_every_service_and_every_field_is_used() -> None:
    found = list(rules(ALL))
    assert {id(hosts) for hosts, _ in found} == {id(hosts) for hosts in tenant_hosts().values()}
    assert {name for _, forced in found for name, _ in forced.fields} == FIELDS


def test_no_value_can_end_its_field() -> None:
    for _, forced in rules(ALL):
        assert not any(byte in value for _, value in forced.fields for byte in b"\r\n\0")
