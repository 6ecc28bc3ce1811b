"""The error of own young adults in a prevalence: all changes of the reference at once, one by one.

Run from the project's folder: python benchmarks/bench_own_reference.py [--people 4000 75000]
A frame in memory asks for many changes at once, people who are not in memory meet one after the
other. The floor is the same prevalence with the reference taken as known. Ways take turns in one
process; least CPU time.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

REPEATS = 3


def least(ways: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Least CPU seconds of each way, which take turns."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(REPEATS):
        for name, way in ways.items():
            start = time.process_time()
            way()
            best[name] = min(best[name], time.process_time() - start)
    return best


def row(n: int) -> str:
    """A line of the table."""
    import osteo_epi as oe

    people = oe.simulate(n, seed=20).frame
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rules = oe.definition("china_2020", reference=oe.young_adult_reference(people))
    asked: dict[str, Any] = {"by": ["sex"], "standard": "china_2010"}
    ways: dict[str, Callable[[], Any]] = {
        "known": lambda: oe.prevalence(people, rules, reference_error=False, **asked),
        "at once": lambda: oe.prevalence(people, rules, **asked),
        "one by one": lambda: oe.prevalence(people.lazy(), rules, **asked),
    }
    seconds = least(ways)
    floor = seconds.pop("known")
    return " | ".join([f"{n:,}", f"{floor:.2f}", *(f"{s / floor:.1f}" for s in seconds.values())])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[4_000, 75_000, 300_000])
    print("| people | known (floor), s | all at once, × | one by one, × |\n|---|---|---|---|")
    for n in parser.parse_args().people:
        print(f"| {row(n)} |")


if __name__ == "__main__":
    main()
