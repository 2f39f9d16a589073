"""A day in ten minutes: pages, downloads, WebSockets, changing lists, kills. Nothing lost, nothing kept.

    .venv/bin/python -m tests.endurance.soak [--minutes 10]

Kills end after six tenths of the time, so that the slope of memory is one of workers that live.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.network import Network
from tests.e2e.product import Product
from tests.endurance.activities import ALL, Day, kills
from tests.endurance.ledger import Balance, Ledger
from tests.endurance.measure import Sample, grown, sample, slope, workers

if TYPE_CHECKING:
    from collections.abc import Callable

KILLED_SHARE = 0.6
SAMPLE_SECONDS = 2.0
DESCRIPTORS = 400  # that a worker may hold besides, with all activities under way: some tens are usual


@dataclass
class Outcome:
    """What a soak has shown."""

    balance: Balance
    samples: list[Sample]
    counts: dict[str, int]
    wrong: list[str] = field(default_factory=list)


def soak(folder: Path, seconds: float, kill_seconds: float = 20.0, enough: tuple[str, ...] = ()) -> Outcome:
    """Run everything at once for so long, or until each of `enough` has happened; then stop, and read the log."""
    network = Network.create(folder)
    product = Product.create(folder / "district", network)
    network.also["swapped.test"] = "127.0.0.75"  # nothing listens there: 502 where it is allowed
    network.fresh("allowed.test")  # so that the new name is written down
    for name in ("ana", "ben"):
        product.open_accounts(name)
    try:
        product.start()
        day = Day(product, network, Ledger(), threading.Event(), kill_seconds)
        return _soaked(day, seconds, enough)
    finally:
        product.kill()
        network.close()


def _soaked(day: Day, seconds: float, enough: tuple[str, ...]) -> Outcome:
    calm = threading.Event()
    wrong: list[str] = []
    killing = replace(day, over=calm)
    threads = [
        threading.Thread(target=_guarded, args=(each, killing if each is kills else day, wrong), name=each.__name__)
        for each in ALL
    ]
    for thread in threads:
        thread.start()
    samples: list[Sample] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end and not wrong and not (enough and all(day.ledger.counts[each] for each in enough)):
        if time.monotonic() > end - seconds * (1 - KILLED_SHARE):
            calm.set()
        samples += sample(workers(day.product))
        time.sleep(SAMPLE_SECONDS)
    for over in (calm, day.over):
        over.set()
    for thread in threads:
        thread.join(120)
    wrong += [f"{thread.name} has not ended" for thread in threads if thread.is_alive()]
    wrong += grown(samples, DESCRIPTORS)
    return _settled(day, samples, wrong)


def _guarded(activity: Callable[[Day], None], day: Day, wrong: list[str]) -> None:
    try:
        activity(day)
    except Exception:  # a thread's failure is the soak's finding
        wrong.append(f"{activity.__name__}: {traceback.format_exc()}")


def _settled(day: Day, samples: list[Sample], wrong: list[str]) -> Outcome:
    product = day.product
    product.terminate()
    if (code := product.ended(90)) != 0:
        wrong.append(f"ended with {code}: {product.output[-3000:]}")
    if "Traceback" in product.output:
        wrong.append(product.output[-5000:])
    balance = day.ledger.balance(product.records())
    if balance.lost or balance.doubled:
        wrong.append(f"lost {len(balance.lost)}: {balance.lost[:20]}; doubled {balance.doubled[:20]}")
    unexpected = {what: count for what, count in day.ledger.counts.items() if what.startswith("status ")}
    if unexpected:
        wrong.append(f"unexpected answers: {unexpected}")
    return Outcome(balance, samples, dict(day.ledger.counts), wrong)


def report(outcome: Outcome) -> None:
    """Print the figures: for each worker its life, memory, slope and descriptors."""
    print(f"{outcome.balance.answered} requests answered, {len(outcome.balance.lost)} records lost, ", end="")
    print(f"{len(outcome.balance.doubled)} doubled")
    for what, count in sorted(outcome.counts.items()):
        print(f"{count:8d}  {what}")
    print("worker       life s   first MiB   last MiB   MiB/hour, last half   descriptors first/last/most")
    for pid in sorted({each.pid for each in outcome.samples}):
        life = [each for each in outcome.samples if each.pid == pid]
        half = [(each.at, each.resident / 2**20) for each in life[len(life) // 2 :]]
        held = [each.descriptors for each in life]
        print(
            f"{pid:<10} {life[-1].at - life[0].at:8.0f} {life[0].resident / 2**20:11.1f} "
            f"{life[-1].resident / 2**20:10.1f} {slope(half):21.1f}   {held[0]}/{held[-1]}/{max(held)}"
        )
    for wrong in outcome.wrong:
        print(f"FOUND: {wrong}")
    print("nothing found" if not outcome.wrong else f"{len(outcome.wrong)} findings")


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = soak(Path(folder), arguments.minutes * 60)
    report(outcome)
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
