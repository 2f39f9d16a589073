from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.problems import SettingsRefused
from config.revisions import RevisionTampered
from proxy.doctor_subject import subject_of
from tests.proxy.doctor_district import district

NOW = datetime.now(UTC)


def test_the_settings_are_those_in_force_not_those_of_the_file(tmp_path):
    config = district(tmp_path)
    config.write_text(config.read_text().replace("Example Unified", "Edited"))
    found = subject_of(config, NOW)
    assert found.settings.district.name == "Example Unified"
    assert found.applied.revision == 1


def test_before_the_first_apply_they_are_those_of_the_file(tmp_path):
    config = district(tmp_path)
    for path in sorted((tmp_path / "state" / "config").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    found = subject_of(config, NOW)
    assert found.applied is None
    assert found.state_dir == tmp_path / "state"


def test_a_missing_file_and_a_changed_revision_are_refused(tmp_path):
    with pytest.raises(SettingsRefused):
        subject_of(tmp_path / "none.yaml", NOW)
    config = district(tmp_path)
    revision = tmp_path / "state" / "config" / "revisions" / "000001.yaml"
    revision.chmod(0o600)
    revision.write_text(revision.read_text() + "# by hand\n")
    with pytest.raises(RevisionTampered):
        subject_of(config, NOW)
