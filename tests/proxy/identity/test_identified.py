from __future__ import annotations

import pytest

from proxy import reasons
from proxy.identity.identified import Problem


@pytest.mark.parametrize("problem", list(Problem))
def test_every_problem_is_a_reason_with_a_title(problem):
    assert reasons.REASONS[f"identity.{problem}"]


def test_no_other_reason_of_that_family_is_named():
    named = {code.removeprefix("identity.") for code in reasons.REASONS if code.startswith("identity.")}
    assert named == {problem.value for problem in Problem}
