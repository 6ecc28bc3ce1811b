"""Harrell's C with its standard error: processor time and memory, beside R and a floor.

Run from the project's folder:

    python benchmarks/bench_concordance.py [--largest 1000000] [--repeats 3]

Exponential times of three decimals (ties), a fifth with the event, normal risks. The floor is
`np.lexsort` of risk and time, which every way that is not quadratic has to pay. Each run is a
process of its own that has done the job on 2,000 people before it is timed; the least processor
time of the repeats; "rise" is the peak of the memory over what the process held before. R's
survival is run where Rscript has it. Prints a Markdown table; README.md holds one run. Never a
test.
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
import polars as pl

SEED, WARM = 7, 2000
# Another machine [s].
RECORDED = {("survival", 100_000): 1.2, ("scikit-survival", 100_000): 23.0}
R = """
suppressMessages(library(survival)); d <- read.csv(commandArgs(TRUE)[1])
best <- Inf
for (k in seq_len(as.integer(commandArgs(TRUE)[2]))) {
  t <- system.time(c1 <- concordance(Surv(years, event) ~ risk, d, reverse = TRUE))
  best <- min(best, t[[1]] + t[[2]]) }
cat(sprintf('{"cpu": %.6f, "c": %.15g, "se": %.15g}', best, c1$concordance, sqrt(c1$var)))
"""


def people(n: int) -> pl.DataFrame:
    """People with a risk that tells something."""
    rng = np.random.default_rng(SEED)
    risk = rng.normal(size=n)
    years = np.round(rng.exponential(10 * np.exp(-0.5 * risk)), 3) + 0.001
    end = np.round(rng.uniform(0, 5, n), 3) + 0.001
    columns = {"risk": risk, "years": np.minimum(years, end), "event": (years <= end).astype(int)}
    return pl.DataFrame(columns)


def memory(name: str) -> float:
    """[MiB] of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(name))
    return int(line.split()[1]) / 1024


def measure(path: str, repeats: int) -> None:
    """In the child: ours and the floor, as JSON."""
    from osteo_epi.risk import concordance

    frame = pl.read_parquet(path)
    asked = {"risk": "risk", "direction": "high", "time": "years", "event": "event"}
    concordance(frame.head(WARM), **asked)
    held, best, floor = memory("VmRSS"), np.inf, np.inf
    for _ in range(repeats):
        start = time.process_time()
        result = concordance(frame, **asked)
        best = min(best, time.process_time() - start)
    rise = memory("VmHWM") - held
    x, t = frame["risk"].to_numpy(), frame["years"].to_numpy()
    for _ in range(repeats):
        start = time.process_time()
        np.lexsort((x, t))
        floor = min(floor, time.process_time() - start)
    row = {"cpu": best, "floor": floor, "rise": rise, "c": result.c.estimate, "se": result.c.se}
    print(json.dumps(row))


def of_r(frame: pl.DataFrame, folder: str, repeats: int) -> dict[str, float] | None:
    """R's survival on the same people; None where it is not installed."""
    if shutil.which("Rscript") is None:
        return None
    file, script = Path(folder) / "people.csv", Path(folder) / "run.R"
    frame.write_csv(file)
    script.write_text(R)
    call = ["Rscript", str(script), str(file), str(repeats)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child")
    given = parser.parse_args()
    if given.child:
        measure(given.child, given.repeats)
        return
    print("| people | way | s | × floor | rise [MiB] | C | SE |")
    print("|---|---|---|---|---|---|---|")
    for n in (10_000, 100_000, 1_000_000):
        if n > given.largest:
            continue
        frame = people(n)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "people.parquet")
            frame.write_parquet(path)
            call = [sys.executable, __file__, "--child", path, "--repeats", str(given.repeats)]
            ours = json.loads(subprocess.run(call, capture_output=True, text=True,
                                             check=True).stdout)  # fmt: skip
            theirs = of_r(frame, folder, 1 if n > 100_000 else given.repeats)
        floor = ours["floor"]
        print(f"| {n:,} | floor, np.lexsort | {floor:.3f} | 1 | | | |")
        print(
            f"| {n:,} | osteo-epi | {ours['cpu']:.3f} | {ours['cpu'] / floor:.1f} | "
            f"{ours['rise']:.0f} | {ours['c']:.12f} | {ours['se']:.10f} |"
        )
        if theirs is not None:
            print(
                f"| {n:,} | R survival | {theirs['cpu']:.3f} | {theirs['cpu'] / floor:.1f} | | "
                f"{theirs['c']:.12f} | {theirs['se']:.10f} |"
            )
        for (way, size), seconds in RECORDED.items():
            if size == n:
                print(f"| {n:,} | {way}, recorded on another machine | {seconds:.1f} | | | | |")


if __name__ == "__main__":
    main()
