from typing import get_args

import pytest

from config.rewriting_settings import SafeSearch
from proxy.rewriting.safe_search import ENGINES, rules
from tests.proxy.policy import settings


@pytest.mark.parametrize("engine", sorted(set(SafeSearch.model_fields) - {"youtube"}))
def test_every_grade_of_the_settings_forces_something(engine: str) -> None:
    grades = set(get_args(SafeSearch.model_fields[engine].annotation)) - {"off"}
    assert set(ENGINES[engine]) == grades
    assert len({repr(forced) for forced in ENGINES[engine].values()}) == len(grades)


def test_an_engine_that_is_off_is_left_alone() -> None:
    assert len(list(rules(settings("").safe_search))) == len(ENGINES)
    assert len(list(rules(settings("safe_search: {bing: 'off'}").safe_search))) == len(ENGINES) - 1
