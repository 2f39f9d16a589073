import pytest

from proxy.rewriting.youtube import FIELD, rules
from tests.proxy.policy import settings


@pytest.mark.parametrize(("grade", "value"), [("strict", b"Strict"), ("moderate", b"Moderate")])
def test_a_grade_is_a_field(grade: str, value: bytes) -> None:
    [(_, forced)] = rules(settings(f"safe_search: {{youtube: {grade}}}").safe_search)
    assert forced.fields == ((FIELD, value),)


def test_off_forces_nothing() -> None:
    assert list(rules(settings("safe_search: {youtube: off}").safe_search)) == []
