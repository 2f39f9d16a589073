from __future__ import annotations

from datetime import UTC, datetime, timedelta

from config.revisions import Revisions
from proxy.list_ages import stale_limits, stale_limits_in_force
from tests.proxy.doctor_district import district
from tests.proxy.policy import settings

LISTS = """
lists:
  - {name: daily, format: domains, url: "https://lists.test/d", category: gambling, stale_after: 2d}
  - {name: weekly, format: domains, url: "https://lists.test/w", category: gambling}
  - {name: ours, format: domains, path: ours.txt, category: gambling}
  - {name: kept, format: domains, path: kept.txt, category: gambling, stale_after: 365d}
"""


def test_a_list_from_the_web_has_a_limit_and_a_file_has_one_where_it_is_set():
    found = stale_limits(settings(LISTS))
    assert found == {"daily": timedelta(days=2), "weekly": timedelta(days=14), "kept": timedelta(days=365)}


def test_the_settings_in_force_count_and_before_the_first_those_of_the_file(tmp_path):
    config = district(tmp_path)
    text = config.read_text()
    config.write_text(text + LISTS)
    assert stale_limits_in_force(config) == {}
    Revisions(tmp_path / "state").apply(config, "ann", "lists", datetime.now(UTC))
    assert set(stale_limits_in_force(config)) == {"daily", "weekly", "kept"}
    fresh = tmp_path / "fresh.yaml"
    fresh.write_text(text.replace("state_dir: state", "state_dir: other") + LISTS)
    assert set(stale_limits_in_force(fresh)) == {"daily", "weekly", "kept"}
