"""A list that nobody renewed: it keeps blocking, and everything that can alarm does."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import TYPE_CHECKING

from tests.e2e.product import wait_for
from tests.e2e.raw import Client, credentials

if TYPE_CHECKING:
    from tests.e2e.network import Network
    from tests.e2e.product import Product

OLD = 20 * 86_400


def test_a_stale_floor_list_keeps_blocking_and_is_loud(
    product: Product, stopped_product: Product, network: Network
) -> None:
    stale = stopped_product
    product.lend_accounts(stale)
    stale.settings["lists"][0]["stale_after"] = "14d"
    stale.settings["lists"][1]["stale_after"] = "30d"
    stale.write()
    for path in (*(stale.folder / "lists").rglob("*.txt"), *(stale.folder / "lists").rglob("domains")):
        os.utime(path, (time.time() - OLD,) * 2)
    os.utime(stale.folder / "lists" / "ut1" / "adult" / "urls", (time.time() - OLD,) * 2)
    with stale.running(), Client(stale) as client:
        line = "list floor (pornography) is stale: 20 days old, its limit is 14; it keeps blocking"
        wait_for(lambda: line in stale.output, 15, "the alarm", lambda: stale.output)
        assert client.get(network.plain_url("blocked.test"), credentials("ana")).status == 403
        assert stale.output.count("is stale") == 1
        _figures_say_so(stale)
        _doctor_says_so(stale)
        told = {one["name"]: one["stale"] for one in json.loads(stale.done("lists", "status", "--json"))["lists"]}
        assert told == {"starter": False, "floor": True, "ours": False}
        assert "stale" in stale.done("lists", "status")


def _figures_say_so(stale: Product) -> None:
    def scraped() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{stale.metrics_port}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
        return text

    wait_for(lambda: 'breakwater_list_stale{floor="true",list="floor"} 1.0' in scraped(), 15, "the figures", scraped)
    text = scraped()
    assert 'breakwater_list_stale{floor="false",list="ours"} 0.0' in text
    assert 'breakwater_list_entries{category="pornography",list="floor"} 3.0' in text
    age = next(line for line in text.splitlines() if line.startswith('breakwater_list_age_seconds{list="floor"}'))
    assert OLD <= float(age.split()[1]) < OLD + 600
    assert (stale.state / "lists" / "current").read_text().strip() in text


def _doctor_says_so(stale: Product) -> None:
    result = stale.command("doctor", "--json")
    assert result.returncode == 1
    found = {one["name"]: one for one in json.loads(result.stdout)["findings"]}
    assert found["list floor"]["level"] == "red"
    assert "stale, its limit is 14; it keeps blocking" in found["list floor"]["what"]
    assert found["list ours"]["level"] == "ok"
