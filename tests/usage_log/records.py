"""Records for the tests of this folder: made-up people, made-up hosts."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from usage_log.record import DecisionRecord, new_id


def record(**changes: Any) -> DecisionRecord:
    """Return an allowed page view; `changes` replace its fields."""
    plain = DecisionRecord(
        id=new_id(),
        event="decision",
        time=time.time_ns() // 1000,
        user="jane.roe",
        identity="local",
        client="10.1.2.3",
        school="lincoln",
        device=None,
        method="GET",
        scheme="https",
        host="www.example.test",
        port=443,
        path="/private/letter",
        category=None,
        action="allow",
        reason="default",
        basis=None,
        list=None,
        list_version=None,
        unblock=None,
        policy_revision=1,
        status=200,
        bytes_in=10,
        bytes_out=1000,
        duration_ms=12,
        intent="navigate",
        page=None,
        outcome="ok",
        detail=None,
    )
    return replace(plain, **changes)
