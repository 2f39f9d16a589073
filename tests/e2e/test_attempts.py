"""Repeated attempts through the running filter: pages of a browser count, retries once; an alert names no place."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.e2e.product import wait_for
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.network import Network
    from tests.e2e.product import Product

PAGE = "Accept: text/html\r\n"


@pytest.fixture(scope="module")
def district(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    other = product.beside(tmp_path_factory.mktemp("attempts"))
    other.settings["attempts"] = {"count": 4, "minutes": 10}
    other.write()
    with other.running():
        yield other


def visit(district: Product, network: Network, zone: str, path: str, user: str, head: str = PAGE) -> int:
    with Client(district) as client:
        return client.get(network.plain_url(zone, path), credentials(user) + head).status


def alerts(district: Product) -> list[dict[str, object]]:
    return district.audit("--reason", "attempts")


def figure(district: Product) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{district.metrics_port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    [line] = [line for line in lines if line.startswith("breakwater_attempt_alerts_total ")]
    return float(line.split()[1])


def test_many_blocked_pages_raise_one_alert(district: Product, network: Network) -> None:
    zone = network.fresh("blocked.test")
    for path in ("/1", "/2", "/2", "/2", "/3"):
        assert visit(district, network, zone, path, "ana") == 403
    for path in ("/4.png", "/5.png", "/6.png"):  # pictures, and a program: nobody went there
        assert visit(district, network, zone, path, "ana", "Sec-Fetch-Dest: image\r\n") == 403
    for path in ("/a", "/b"):  # somebody else
        assert visit(district, network, zone, path, "ben") == 403
    district.recorded(10, host=zone)
    assert alerts(district) == []
    for path in ("/7", "/8", "/9"):
        assert visit(district, network, zone, path, "ana") == 403
    wait_for(lambda: alerts(district) != [], 15, "an alert", lambda: district.output)
    [alert] = alerts(district)
    told = json.loads(str(alert["detail"]))
    assert (told["attempts"], told["minutes"], len(told["records"])) == (4, 10, 4)
    pages = [row["path"] for row in district.records(host=zone) if row["id"] in told["records"]]
    assert {"/1", "/2", "/3"} < set(pages) < {"/1", "/2", "/3", "/7", "/8", "/9"}  # which worker is read first is open
    assert (alert["event"], alert["host"], alert["path"], alert["client"], alert["action"]) == (
        "attempts",
        "",
        "",
        "",
        "",
    )
    [block] = district.audit("--id", told["records"][0])
    assert (block["action"], block["user"]) == ("block", None)
    everybodys = {row["user"] for row in district.audit("--host", zone)}
    assert alert["user"] in everybodys
    assert figure(district) == 1
    [line] = [line for line in district.output.splitlines() if "repeated attempts" in line]
    assert str(alert["user"]) in line
    assert zone not in line
    assert "ana" not in line.replace(str(alert["user"]), "")


def test_a_restart_neither_forgets_nor_repeats(district: Product, network: Network) -> None:
    before = alerts(district)
    zone = network.fresh("blocked.test")
    for path in ("/c", "/d"):  # ben's third is the one after the restart
        assert visit(district, network, zone, path, "ana") == 403
    assert visit(district, network, zone, "/c", "ben") == 403
    district.recorded(3, host=zone)
    district.stop()
    district.start()
    assert visit(district, network, zone, "/e", "ben") == 403
    assert visit(district, network, zone, "/f", "ana") == 403
    wait_for(lambda: len(alerts(district)) > len(before), 15, "ben's alert", lambda: district.output)
    district.recorded(2, event="attempts")
    assert {row["user"] for row in district.records(event="attempts")} == {"ana", "ben"}


def test_it_is_in_the_summary_and_is_no_request(district: Product) -> None:
    said = json.loads(district.done("audit", "summary", "--json"))
    assert said["attempt_alerts"] == 2
    table = district.done("audit", "summary")
    assert "2 alerts about repeated attempts" in table
    assert "blocked pages within 10 minutes" in district.done("audit", "log", "--reason", "attempts")
    assert "attempts" not in {cell["value"] for cell in said["by_reason"]}
