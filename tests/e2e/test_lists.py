"""`breakwater lists …` beside a running filter: updates from a real server, held, in force, rolled back, recorded."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.categories.server import Answer, Published, body, serving
from tests.e2e.product import wait_for
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

HOSTS = tuple(f"casino{number}.test" for number in range(50))


def says(*hosts: str) -> Answer:
    return body("".join(f"{host}\n" for host in hosts).encode())


@pytest.fixture
def served(own_product: Product) -> Iterator[dict[str, Answer]]:
    """The running filter subscribes to `moving`, of category games, which it blocks; give what its server answers."""
    answers = {"/moving": says(*HOSTS)}
    with serving(answers) as url:
        own_product.settings["lists"].append(
            {"name": "moving", "format": "domains", "url": f"{url}/moving", "category": "games"}
        )
        own_product.settings["categories"] = {**own_product.settings.get("categories", {}), "games": "block"}
        own_product.write()
        own_product.done("config", "apply", "--reason", "another list")
        yield answers


def status_of(product: Product, network: Network, host: str) -> int:
    with Client(product) as client:
        return client.get(f"http://{host}:{network.plain_port}/", credentials("ana")).status


def acts(product: Product) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in product.done("audit", "log", "--since", "1h", "--json").splitlines()]
    return [row for row in rows if row["event"] == "lists"]


def wait_for_acts(product: Product, count: int) -> list[dict[str, Any]]:
    wait_for(lambda: len(acts(product)) >= count, 30, f"{count} rows of lists in the log", lambda: product.output)
    found = acts(product)
    assert len(found) == count
    return found


def test_an_update_is_in_force_and_recorded(own_product: Product, network: Network, served: dict[str, Answer]) -> None:
    before = len(wait_for_acts(own_product, 2))  # the first start, and the settings
    assert status_of(own_product, network, "allowed.test") == 200
    served["/moving"] = says(*HOSTS, "allowed.test")
    result = own_product.command("lists", "update", "--reason", "Monday")
    assert result.returncode == 0, result.stderr
    assert "list moving, games: +1 -0 entries" in result.stderr
    assert "in force" in result.stderr
    assert result.stdout == ""
    assert status_of(own_product, network, "allowed.test") == 403
    row = wait_for_acts(own_product, before + 1)[-1]
    said = json.loads(row["detail"])
    assert (row["reason"], row["user"], row["client"]) == ("lists.update", None, "")
    assert (said["why"], said["changes"]) == ("Monday", {"games": [1, 0]})
    status = json.loads(own_product.done("lists", "status", "--json"))
    assert said["generation"] == status["generation"]
    assert status["last_update"]["failed"] is False


def test_nothing_new_is_said_and_makes_no_generation(own_product: Product, served: dict[str, Answer]) -> None:
    before = json.loads(own_product.done("lists", "status", "--json"))["generation"]
    result = own_product.command("lists", "update")
    assert result.returncode == 0, result.stderr
    assert f"nothing is new; generation {before} stays in force" in result.stderr


def test_an_update_that_touches_a_crisis_line_waits_for_a_person(
    own_product: Product, network: Network, served: dict[str, Answer]
) -> None:
    served["/moving"] = says(*HOSTS, "allowed.test", "988lifeline.org")
    result = own_product.command("lists", "update")
    assert result.returncode == 1
    assert (
        "held: touches the review-first set (crisis), newly listed as games by moving: 988lifeline.org" in result.stderr
    )
    assert status_of(own_product, network, "allowed.test") == 200
    shown = own_product.command("lists", "diff")
    assert shown.returncode == 1
    assert "  + 988lifeline.org, allowed.test" in shown.stdout or "  + allowed.test, 988lifeline.org" in shown.stdout
    said = json.loads(own_product.command("lists", "diff", "--json").stdout)
    assert (said["waits"], said["author"] != "") == (True, True)
    assert "held update" in own_product.command("doctor").stdout
    assert own_product.command("lists", "apply", said["generation"]).returncode == 2  # without a reason
    assert own_product.command("lists", "apply", "000001-0000000000000000", "--reason", "x").returncode == 4
    own_product.done("lists", "apply", said["generation"], "--reason", "looked at it")
    assert status_of(own_product, network, "allowed.test") == 403
    assert own_product.command("lists", "diff").returncode == 0
    assert own_product.command("lists", "apply", said["generation"], "--reason", "again").returncode == 4


def test_a_rollback_takes_effect_in_seconds(own_product: Product, network: Network, served: dict[str, Answer]) -> None:
    served["/moving"] = says(*HOSTS, "allowed.test")
    own_product.done("lists", "update")
    assert status_of(own_product, network, "allowed.test") == 403
    began = time.monotonic()
    own_product.done("lists", "rollback", "--reason", "ours")
    assert status_of(own_product, network, "allowed.test") == 200
    assert time.monotonic() - began < 15  # measured: 1.5 s, of which the command's own start is most
    held = own_product.command("lists", "update")
    assert held.returncode == 1
    assert "the lists were rolled back on" in held.stderr
    assert own_product.command("lists", "rollback", "--reason", "x", "77").returncode == 4


BAD = {
    "500": (body(b"", 500), 3, "list moving: "),
    "web page": (body(b"<html>we have moved</html>"), 4, "is a web page, not a list"),
    "no list": (body(b"a b\n" * 100), 4, "100 of 100 lines are no entries"),
}


def test_a_bad_list_changes_nothing_and_says_why(own_product: Product, served: dict[str, Answer]) -> None:
    before = own_product.done("lists", "lookup", HOSTS[0])
    for answer, code, words in BAD.values():
        served["/moving"] = answer
        result = own_product.command("lists", "update")
        assert result.returncode == code
        assert words in result.stderr
        assert result.stderr.count("\n") == 1
    assert own_product.done("lists", "lookup", HOSTS[0]) == before
    status = json.loads(own_product.done("lists", "status", "--json"))
    assert status["last_update"]["failed"] is True
    assert words in status["last_update"]["says"]
    assert words in own_product.command("doctor", "--json").stdout


def visit(product: Product, network: Network, *people: tuple[str, str | None]) -> None:
    """Each of them opens a page of allowed.test; every worker looks once a second for new accounts."""
    before = len(visits(product))
    for name, password in people:
        wait_for(lambda n=name, p=password: opens(product, network, n, p), 10, "an open door", lambda: product.output)
    wait_for(lambda: len(visits(product)) >= before + len(people), 30, "the visits in the log", lambda: product.output)


def opens(product: Product, network: Network, name: str, password: str | None) -> bool:
    with Client(product) as client:
        url = f"http://allowed.test:{network.plain_port}/"
        return client.get(url, credentials(name, password)).status == 200


def visits(product: Product) -> list[str]:
    rows = map(json.loads, product.done("audit", "log", "--since", "1h", "--json").splitlines())
    return [row["user"] for row in rows if row["host"] == "allowed.test"]


def test_hosts_that_three_people_visited_are_shown_where_their_verdict_changes(
    own_product: Product, network: Network, served: dict[str, Answer]
) -> None:
    """A host that two people visited is never named."""
    visit(own_product, network, ("ana", None), ("ben", None))
    served["/moving"] = says(*HOSTS, "allowed.test", "988lifeline.org")
    result = own_product.command("lists", "update")
    assert "that change verdict: 0" in result.stderr
    password = "kelp:forest-12-otter"
    own_product.done("users", "add", "cat", "--password-stdin", text=f"{password}\n")
    visit(own_product, network, ("cat", password))
    served["/moving"] = says(*HOSTS, "allowed.test", "988lifeline.org", "poker.test")
    result = own_product.command("lists", "update")
    assert "  allowed.test: allow default -> block category.games (3 people)" in result.stderr


def test_a_list_is_fetched_only_when_it_has_changed_and_goes_on_where_it_was_cut_off(
    own_product: Product, network: Network, served: dict[str, Answer]
) -> None:
    hosts = [*HOSTS, "allowed.test"]
    server = Published("".join(f"{host}\n" for host in hosts).encode(), cut=400)
    served["/moving"] = server
    cut_off = own_product.command("lists", "update")
    assert cut_off.returncode == 3
    assert "list moving: the download broke off" in cut_off.stderr
    assert "what came is kept, and the next update goes on from there" in cut_off.stderr
    assert status_of(own_product, network, "allowed.test") == 200
    server.cut = None
    result = own_product.command("lists", "update")
    assert "400 of them from the download that was cut off" in result.stderr
    assert status_of(own_product, network, "allowed.test") == 403
    assert "list moving: not modified since 2026-11-01" in own_product.command("lists", "update").stderr
    assert server.answered == [200, 206, 304]
