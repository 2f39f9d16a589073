"""The table forgets nothing: a new hook, callback or coroutine must stand in it, or have its reason here."""

from __future__ import annotations

import functools
import importlib
import inspect
from types import FunctionType
from typing import TYPE_CHECKING

import pytest

from proxy import splice
from proxy.addon import Addon
from proxy.answers import WorkerAnswers
from proxy.front import Front
from proxy.recording import Recorder
from proxy.transparent import TransparentFront
from tests.faults.places import ASYNC, PLACES, TASKS, Kind, Way
from tests.proxy.workers import node

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What stands in no row, with the reason.
ELSEWHERE = {
    "proxy.front:Front._attempt": "the guard itself: a try around each step",
    "proxy.front:Front._handled": "the guard of the task: nothing but its outcome",
    "proxy.front:Front._fail": "what the guards call; _refuse_failed is the part of it that can fail",
    "proxy.front:Front._too_long": "calls _fail; every asynchronous hang of the front goes through it",
    "proxy.transparent:TransparentFront._too_slow": "the front's is a row; a guard of the same kind calls either",
    "proxy.front:Front.close": "a drain closes what is idle: no client asks for it, and no byte passes in it",
    "proxy.front:Front._establish": "Recorder.begin is the part of it that can fail",
    "proxy.transparent:TransparentFront._establish": "Recorder.begin is the part of it that can fail",
    "proxy.splice:_Side.eof_received": "a half-close: no byte passes in it",
    "proxy.splice:_Side.connection_lost": "the event loop closes, whatever happens in it",
    "proxy.splice:_Side.pause_writing": "backpressure: no byte passes in it",
    "proxy.splice:_Side.resume_writing": "backpressure: no byte passes in it",
    "proxy.answers:WorkerAnswers.cut": "an answer breaks off: fails in a layer, as response.stream does",
    "proxy.answers:WorkerAnswers.flooded": "fails in a layer, as refuse_head does, which follows it",
    "proxy.answers:WorkerAnswers.refuse_request": "fails in a layer, as refuse_head does",
    "proxy.answers:WorkerAnswers.reset": "a client that floods is reset: no byte passes in it",
    "proxy.answers:WorkerAnswers.room": "looks a connection up, in layers whose crash is a row",
    "proxy.recording:Recorder.decide": "Spool.append is the part of it that can fail",
    "proxy.recording:Recorder.moves": "response.stream is where it is called",
    "proxy.recording:Recorder.end_all": "the worker is going away: nothing is served any more",
}


def named(module: str, owner: type, functions: Iterable[str]) -> set[str]:
    return {f"{module}:{owner.__name__}.{name}" for name in functions}


def methods(owner: type) -> set[str]:
    return {name for name, value in vars(owner).items() if isinstance(value, FunctionType) and name != "__init__"}


def in_table() -> set[str]:
    return {place.name for place in PLACES}


def test_every_hook_is_in_the_table() -> None:
    hooks = set(Addon(node(), object())._table)
    assert hooks - {place.hook for place in PLACES} == set()


def test_every_step_of_the_front_is_in_the_table() -> None:
    steps = named("proxy.front", Front, methods(Front))
    assert steps - in_table() - set(ELSEWHERE) == set()


def test_every_step_of_a_redirected_connection_is_in_the_table() -> None:
    steps = named("proxy.transparent", TransparentFront, methods(TransparentFront))
    assert steps - in_table() - set(ELSEWHERE) == set()


def test_every_step_of_a_passed_through_tunnel_is_in_the_table() -> None:
    coroutines = {
        f"proxy.splice:{name}"
        for name, value in vars(splice).items()
        if inspect.iscoroutinefunction(value) and value.__module__ == "proxy.splice" and name != "splice"
    }
    callbacks = named("proxy.splice", splice._Side, methods(splice._Side) & set(dir(splice.asyncio.Protocol)))
    assert (coroutines | callbacks) - in_table() - set(ELSEWHERE) == set()


@pytest.mark.parametrize(("module", "owner"), [("proxy.recording", Recorder)])
def test_every_step_of_a_record_is_in_the_table(module: str, owner: type) -> None:
    steps = named(module, owner, (name for name in methods(owner) if not name.startswith("_")))
    assert steps - in_table() - set(ELSEWHERE) == set()


def test_what_the_replaced_parts_of_mitmproxy_ask_for_is_in_the_table() -> None:
    asked = named("proxy.answers", WorkerAnswers, (name for name in methods(WorkerAnswers) if name[0] != "_"))
    assert asked - in_table() - set(ELSEWHERE) == set()


def test_every_row_is_played() -> None:
    assert [place.name for place in PLACES if not place.kinds or (not place.ways and place not in TASKS)] == []


def test_every_row_names_a_reason_for_each_of_its_records() -> None:
    assert [place.name for place in PLACES if len(place.reasons) != place.records or not place.reason] == []


def test_every_reason_is_for_something_that_is_there() -> None:
    assert set(ELSEWHERE) & in_table() == set()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_stands_in_no_row_is_there_still(name: str) -> None:
    module, _, path = name.partition(":")
    found = functools.reduce(getattr, path.split("."), importlib.import_module(module))
    assert callable(found)


def test_every_way_and_every_kind_is_in_the_table() -> None:
    assert {way for place in PLACES for way in place.ways} == set(Way)
    assert {kind for place in PLACES for kind in place.kinds} == set(Kind) == set(ASYNC)
