from __future__ import annotations

from typing import TYPE_CHECKING

from categories.act import Act
from categories.attempts import attempt_noted
from categories.past import past_json, past_lines, past_of
from categories.switch import rollback
from categories.update import compile_generation

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_in_force_when_and_by_whom_the_last_first(tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    first = compile_generation((), lists, Act("ann", "the first")).id
    second = compile_generation((), lists, Act("ben", "the second")).id
    rollback((), lists, Act("eve", "back"))
    with attempt_noted(lists) as said:
        said.append("nothing is new")
    past = past_of(lists)
    assert [(each.generation, each.author) for each in past.applied] == [(first, "eve"), (second, "ben")]
    lines = list(past_lines(past))
    assert lines[0].startswith(f"{first}  in force  rollback ")
    assert lines[1].startswith(f"{second}  kept      compile ")
    assert lines[2].endswith("nothing is new")
    said_json = past_json(past)
    assert [each["in_force"] for each in said_json["generations"]] == [True, False]
    assert said_json["held"] is None
    assert said_json["last_update"]["says"] == "nothing is new"
