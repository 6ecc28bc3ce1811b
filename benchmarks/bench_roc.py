"""Two paired areas by DeLong, and the bootstrap of one: processor time, memory, and other software.

Run from the project's folder:

    python benchmarks/bench_roc.py [--largest 1000000] [--pauc PYTHON] [--repeats 3]

Normal scores of a fifth diseased people, as they come or of one decimal (ties); the same file for
all. Each way runs in a process of its own that has read the file and done the job on 2,000 people
before it is timed; the least processor time of the repeats. "rise" is the peak of the memory over
what the process held before. The floor is NumPy alone: midranks of both scores among all and among
their own class (four sorts), the two areas and their covariance from them; for the bootstrap, a
Mann–Whitney sum of each draw in a loop. pROC is run where Rscript has it, pauc where `--pauc` names
a Python that has it; "recorded on another machine" stands for what is not run here. Prints a
Markdown table; README.md holds one run. Never a test.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

# pROC 1.19, another machine [s].
RECORDED = {("paired", 100_000): 0.03, ("bootstrap", 1500): 1.06}
REPLICATES = 1000
WARM = 2000


def memory(name: str) -> float:
    """[MiB] of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(name))
    return int(line.split()[1]) / 1024


def people(n: int, decimals: int | None) -> np.ndarray:
    """(n, 3) truth and two scores that go together."""
    rng = np.random.default_rng(n)
    y = (rng.random(n) < 0.2).astype(float)
    common = rng.normal(size=n)
    scores = [common + rng.normal(size=n) + y * shift for shift in (1.2, 1.1)]
    return np.column_stack([y, *(s if decimals is None else np.round(s, decimals) for s in scores)])


def floor_paired(table: np.ndarray) -> list[float]:
    """DeLong by midranks and no more."""
    from scipy.stats import rankdata

    sick = table[:, 0] == 1
    parts = []
    for score in table.T[1:]:
        whole = rankdata(score)
        up = (whole[sick] - rankdata(score[sick])) / (~sick).sum()
        down = 1 - (whole[~sick] - rankdata(score[~sick])) / sick.sum()
        parts.append((up, down))
    areas = [up.mean() for up, _ in parts]
    covariance = sum(np.cov([p[k] for p in parts]) / len(parts[0][k]) for k in (0, 1))
    error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    return [*areas, (areas[0] - areas[1]) / error]


def floor_bootstrap(table: np.ndarray, replicates: int) -> list[float]:
    """A Mann–Whitney sum of each draw."""
    sick, well = (table[table[:, 0] == k, 1] for k in (1, 0))
    rng = np.random.default_rng(1)

    def area(a: np.ndarray, b: np.ndarray) -> float:
        b = np.sort(b)
        wins = np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")
        return wins.sum() / (2 * len(a) * len(b))

    drawn = [area(rng.choice(sick, len(sick)), rng.choice(well, len(well)))
             for _ in range(replicates)]  # fmt: skip
    return [area(sick, well), *np.quantile(drawn, [0.025, 0.975])]


def ours(table: np.ndarray, job: str, replicates: int) -> list[float]:
    """The toolkit, from a frame to its result."""
    import polars as pl

    from osteo_epi.accuracy import compare_roc, roc

    frame = pl.DataFrame({"y": table[:, 0], "first": table[:, 1], "second": table[:, 2]})
    if job == "bootstrap":
        auc = roc(frame, score="first", truth="y", direction="high", uncertainty="bootstrap",
                  replicates=replicates).auc  # fmt: skip
        return [auc.estimate, auc.lower, auc.upper]
    both = compare_roc(frame, first="first", first_direction="high", second="second",
                       second_direction="high", truth="y")  # fmt: skip
    return [both.auc_first, both.auc_second, both.statistic]


def pauc(table: np.ndarray, job: str, replicates: int) -> list[float]:
    """The package pauc."""
    import pauc as package

    y = table[:, 0].astype(int)
    first = package.ROC(y, table[:, 1], direction="<")
    if job == "bootstrap":
        low, high = package.ci_auc(first, method="bootstrap", n_boot=replicates)[:2]
        return [first.auc, low, high]
    second = package.ROC(y, table[:, 2], direction="<")
    found = package.compare(first, second, method="delong")
    return [first.auc, second.auc, float(found.stat)]


def run(way: str, table: np.ndarray, job: str, replicates: int) -> list[float]:
    """One job."""
    if way == "floor":
        return floor_paired(table) if job == "paired" else floor_bootstrap(table, replicates)
    return (ours if way == "osteo-epi" else pauc)(table, job, replicates)


def child(path: str, way: str, job: str, replicates: int) -> None:
    """In a process of its own: one line of JSON."""
    table = np.load(path)
    run(way, table[:WARM], job, 2)
    before, start = memory("VmRSS"), time.process_time()
    found = run(way, table, job, replicates)
    cpu, peak = time.process_time() - start, memory("VmHWM")
    row = {"cpu": cpu, "peak": peak, "rise": peak - before, "found": [float(v) for v in found]}
    print(json.dumps(row))


def measured(command: list[str], repeats: int) -> dict | None:
    """The quickest of the repeats; None where it fails."""
    rows = []
    for _ in range(repeats):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(command[-3:], done.stderr[-300:], file=sys.stderr)
            return None
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return min(rows, key=lambda row: row["cpu"])


def ways(folder: Path, job: str, pauc_python: str | None) -> dict[str, list[str]]:
    """Commands by name."""
    tail = ["--child", str(folder / "people.npy")]
    script = str(Path(__file__))
    commands = {name: [sys.executable, script, *tail, name, job] for name in ("floor", "osteo-epi")}
    if pauc_python:
        commands["pauc"] = [pauc_python, script, *tail, "pauc", job]
    if shutil.which("Rscript"):
        r = str(Path(__file__).with_suffix(".R"))
        commands["pROC"] = ["Rscript", r, str(folder / "people.csv"), job, str(REPLICATES)]
    return commands


def main() -> None:
    """Make the people, run every way, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--pauc", help="a Python that has pauc")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", nargs=3)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child, REPLICATES)
        return
    jobs = [("paired", 100_000, None), ("paired", 100_000, 1), ("paired", 1_000_000, None),
            ("bootstrap", 1500, None), ("bootstrap", 1500, 1)]  # fmt: skip
    print("| job | people | scores | way | CPU s | to floor | peak MiB | rise MiB |")
    print("|---|---|---|---|---|---|---|---|")
    for job, n, decimals in jobs:
        if n > arguments.largest:
            continue
        with tempfile.TemporaryDirectory() as name:
            folder, table = Path(name), people(n, decimals)
            np.save(folder / "people.npy", table)
            np.savetxt(folder / "people.csv", table, delimiter=",", header="y,first,second",
                       comments="", fmt="%.17g")  # fmt: skip
            commands = ways(folder, job, arguments.pauc)
            rows = {way: measured(command, arguments.repeats) for way, command in commands.items()}
        kind = "as they come" if decimals is None else "1 decimal"
        floor = rows["floor"]
        for way, row in rows.items():
            if row is None:
                print(f"| {job} | {n:,} | {kind} | {way} | failed | – | – | – |")
                continue
            numbers = f"{row['cpu']:.3f} | {row['cpu'] / floor['cpu']:.2f} | {row['peak']:.0f}"
            print(f"| {job} | {n:,} | {kind} | {way} | {numbers} | {row['rise']:.0f} |")
            off = max(abs(a - b) for a, b in zip(row["found"], floor["found"], strict=True))
            if off > (1e-6 if job == "paired" else 5e-3):
                print(f"{way} differs by {off:.2g}: {row['found']}", file=sys.stderr)
        if (job, n) in RECORDED:
            print(f"| {job} | {n:,} | {kind} | pROC, recorded on another machine | "
                  f"{RECORDED[job, n]:.2f} | – | – | – |")  # fmt: skip


if __name__ == "__main__":
    main()
