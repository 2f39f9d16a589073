from __future__ import annotations

import pytest

from proxy import reasons
from proxy.identity.identified import Problem


@pytest.mark.parametrize("problem", list(Problem))
def test_every_problem_is_a_reason_with_a_title(problem):
    assert reasons.REASONS[f"identity.{problem}"]


def test_reasons_names_the_same_problems():
    assert set(reasons.IDENTITY_PROBLEMS) == {problem.value for problem in Problem}
