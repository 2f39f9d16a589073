"""A regular expression of a list blocks through the real proxy, and everybody says which one it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.network import Network
    from tests.e2e.product import Product

EXPRESSIONS = "# of a tree\n(unclosed\n(^|[-/?=])(kennwort|marker[0-9]+)([-/.]|$)\n"


@pytest.fixture(scope="module")
def district(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    folder: Path = tmp_path_factory.mktemp("expressions")
    own = product.beside(folder)
    tree = folder / "lists" / "tree" / "games"
    tree.mkdir(parents=True)
    (tree / "domains").write_text("\n".join(f"listed{number}.test" for number in range(200)))
    (tree / "expressions").write_text(EXPRESSIONS)
    source = {"name": "tree", "format": "ut1", "path": "lists/tree", "map": {"games": "games"}, "expressions": True}
    own.settings["lists"].append(source)
    own.settings["categories"]["games"] = "block"
    own.write()
    with own.running():
        yield own


def inside(product: Product, network: Network, host: str, path: str) -> int:
    """Status of a request inside a tunnel that is opened: its CONNECT is answered 200 whatever is decided."""
    authority = f"{host}:{network.tls_port}"
    with Client(product) as client:
        assert client.connect(authority, credentials("ana")).status == 200
        client.start_tls(host, trust=product.authority)
        return client.inside(authority, path).status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/page", 200),
        ("/page?word=kennwortet", 200),
        ("/kennwort", 403),
        ("/KennWort/x", 403),
        ("/a%2Fkennwort%2Fb", 403),
        ("/x?y=%6Dark%65r77", 403),
    ],
)
def test_a_request_inside_a_tunnel(district: Product, network: Network, path: str, status: int) -> None:
    host = network.fresh("allowed.test")
    assert inside(district, network, host, path) == status
    row = district.recorded(host=host)[0]
    blocked = ("block", "category.games", "games", "tree")
    assert (row["action"], row["reason"], row["category"], row["list"]) == (
        blocked if status == 403 else ("allow", "default", None, None)
    )


def test_a_request_without_tls_is_recorded_with_the_list_and_its_version(district: Product, network: Network) -> None:
    host = network.fresh("allowed.test")
    with Client(district) as client:
        assert client.get(network.plain_url(host, "/marker12"), credentials("ana")).status == 403
    row = district.recorded(host=host)[0]
    lists = json.loads(district.done("lists", "status", "--json"))["lists"]
    version = next(each["version"] for each in lists if each["name"] == "tree")
    assert (row["list"], row["list_version"], row["basis"]) == ("tree", version, "district policy")


def test_explain_names_list_file_and_line(district: Product) -> None:
    said = json.loads(district.done("explain", "https://allowed.test/kennwort", "--json"))
    (match,) = said["matches"]
    assert (said["action"], said["reason"]) == ("block", "category.games")
    assert (match["list"], match["file"], match["line"]) == ("tree", "games/expressions", 3)
    assert match["entry"] == "(^|[-/?=])(kennwort|marker[0-9]+)([-/.]|$)"
    assert f"{match['entry']} in tree" in district.done("explain", "https://allowed.test/kennwort")


def test_status_shows_the_line_that_is_no_expression(district: Product) -> None:
    lists = json.loads(district.done("lists", "status", "--json"))["lists"]
    tree = next(each for each in lists if each["name"] == "tree")
    assert (tree["entries"], tree["rejected"], tree["unsupported"]) == (201, 1, 0)
    assert tree["examples"] == ["games/expressions:2: a ( without its )"]


def test_lookup_shows_what_an_expression_covers(district: Product) -> None:
    (entry,) = json.loads(district.done("lists", "lookup", "https://allowed.test/kennwort", "--json"))["entries"]
    assert (entry["covers"], entry["line"]) == ("expression", 3)
