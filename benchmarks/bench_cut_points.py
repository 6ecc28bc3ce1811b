"""Limits of a cut-point from 1,000 samples of 1,500 people: processor time, and other software.

    python benchmarks/bench_cut_points.py [--repeats 5]

Normal scores, three in ten diseased. The floor is NumPy alone in a loop: draw the people of both
classes, sort them, and take the highest sensitivity + specificity; nothing is judged again. pROC
(`ci.coords`) is run where Rscript has it. Least processor time of the repeats, after one that is
not counted. Prints a Markdown table; never a test.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from osteo_epi.accuracy import cut_points

PEOPLE, SAMPLES = 1500, 1000


def people() -> pl.DataFrame:
    """Score x and truth y."""
    rng = np.random.default_rng(1)
    y = rng.random(PEOPLE) < 0.3
    return pl.DataFrame({"x": rng.normal(size=PEOPLE) + 1.2 * y, "y": y.astype(int)})


def floor(frame: pl.DataFrame) -> None:
    """Youden's cut-point of one sample after the other."""
    x, y = frame["x"].to_numpy(), frame["y"].to_numpy()
    rng, classes = np.random.default_rng(1), [x[y == 1], x[y == 0]]
    cuts = []
    for _ in range(SAMPLES):
        sick, well = (kind[rng.integers(0, len(kind), len(kind))] for kind in classes)
        values = np.unique(np.concatenate([sick, well]))
        cut = (values[1:] + values[:-1]) / 2
        below = [np.searchsorted(np.sort(kind), cut) / len(kind) for kind in (sick, well)]
        cuts.append(cut[np.argmax(below[1] - below[0])])
    np.quantile(cuts, [0.025, 0.975])


def toolkit(frame: pl.DataFrame, **options: object) -> None:
    """The table of the toolkit."""
    cut_points(frame, score="x", truth="y", direction="high", replicates=SAMPLES, **options)


def least(job: Callable[[], object], repeats: int) -> float:
    """Processor time [s]."""
    job()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        job()
        times.append(time.process_time() - start)
    return min(times)


def proc(frame: pl.DataFrame, repeats: int) -> float | None:
    """Of pROC; None where there is none."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        frame.write_csv(path)
        command = [program, str(Path(__file__).with_suffix(".R")), str(path)]
        runs = [subprocess.run(command, capture_output=True, text=True, check=False)
                for _ in range(repeats)]  # fmt: skip
    times = [float(run.stdout) for run in runs if run.returncode == 0]
    return min(times, default=None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats, frame = parser.parse_args().repeats, people()
    youden = {"criteria": ("youden",), "correction": "bootstrap"}
    rows = {
        "floor: Youden in a loop of NumPy": least(lambda: floor(frame), repeats),
        "Youden, bootstrap and its optimism": least(lambda: toolkit(frame, **youden), repeats),
        "Youden, bootstrap and cross-validation": least(
            lambda: toolkit(frame, criteria=("youden",)), repeats
        ),
        "five criteria, bootstrap and cross-validation": least(lambda: toolkit(frame), repeats),
        "pROC, ci.coords of Youden": proc(frame, repeats),
    }
    first = rows["floor: Youden in a loop of NumPy"]
    print("| way | CPU s | ratio to floor |\n|---|---|---|")
    for name, seconds in rows.items():
        if seconds is not None:
            print(f"| {name} | {seconds:.3f} | {seconds / first:.2f} |")


if __name__ == "__main__":
    main()
