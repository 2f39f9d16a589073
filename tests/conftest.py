"""What every test has in common."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A busy machine must not fail a property; a failing one must fail the same way for everybody in CI.
settings.register_profile("breakwater", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("breakwater"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "breakwater")
