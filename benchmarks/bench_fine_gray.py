"""Fine and Gray's model: seconds and memory at 1e4, 1e5 and 1e6 people, beside cmprsk's crr.

    python benchmarks/bench_fine_gray.py [cmprsk]

The floor is one sort of the times. With "cmprsk", R's crr is timed at 2,000 people, where Rscript
finds it: its time grows with the square of the people, ours nearly in proportion.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import numpy as np

from osteo_epi.risk import fit_fine_gray

R = """
d <- as.matrix(read.csv("{file}", header = FALSE)); suppressMessages(library(cmprsk))
s <- system.time(m <- crr(d[, 1], d[, 2], d[, -(1:2)], gtol = 1e-10))
cat(s[["elapsed"]], m$coef)
"""


def people(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times of three kinds of leaving, and four covariates."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 4))
    return rng.exponential(np.exp(-0.4 * x[:, 0])), rng.choice(3, n, p=[0.4, 0.4, 0.2]), x


def seconds(call, repeats: int = 3) -> float:
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return float(best)


def megabytes(call) -> float:
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def crr(n: int) -> tuple[float, np.ndarray]:
    """Seconds of R, and its coefficients."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "people.csv"
        at, status, x = people(n)
        np.savetxt(file, np.column_stack([at, status, x]), delimiter=",", fmt="%.17g")
        command = ["Rscript", "-e", R.format(file=file)]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    took, *b = map(float, out.split())
    return took, np.array(b)


def main() -> None:
    for n in (10_000, 100_000, 1_000_000):
        at, status, x = people(n)
        floor = seconds(lambda at=at: np.argsort(at))
        took = seconds(lambda a=(at, status, x): fit_fine_gray(*a))
        peak, data = megabytes(lambda a=(at, status, x): fit_fine_gray(*a)), x.nbytes / 1e6
        print(
            f"{n:>9,} people: {took:7.3f} s, {took / floor:5.0f} sorts of the times; "
            f"{peak:6.0f} MB, {peak / data:4.1f} times the covariates"
        )
    if "cmprsk" in sys.argv[1:]:
        n = 2_000
        took, b = crr(n)
        ours = seconds(lambda: fit_fine_gray(*people(n)))
        gap = np.abs(fit_fine_gray(*people(n)).coefficients / b - 1).max()
        print(f"{n:>9,} people: crr {took:.2f} s, {took / ours:.0f} times ours; apart by {gap:.0e}")


if __name__ == "__main__":
    main()
