from __future__ import annotations

import json
from dataclasses import asdict

from proxy.finding import Finding, Level


def test_a_finding_is_plain_json_and_has_nothing_to_do_unless_it_says_so():
    told = json.dumps(asdict(Finding("disk", Level.OK, "half full")))
    assert json.loads(told) == {"name": "disk", "level": "ok", "what": "half full", "todo": ""}
