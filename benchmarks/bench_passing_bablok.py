"""Passing–Bablok against scipy.stats.theilslopes (and mcr where R has it), in one run.

Run from the project's folder: python benchmarks/bench_passing_bablok.py [--largest 1000000]
Each measurement is a process of its own, so that its peak memory is its own. Prints a Markdown
table; `passing_bablok.md` holds one run and what it shows.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time

import numpy as np

SEED = 20


def readings(n: int, decimals: int | None) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(SEED)
    true = rng.normal(1.0, 0.15, n)
    x = true + rng.normal(0, 0.015, n)
    y = 1.05 * true - 0.02 + rng.normal(0, 0.015, n)
    return (x, y) if decimals is None else (np.round(x, decimals), np.round(y, decimals))


def ours(x: np.ndarray, y: np.ndarray) -> list[float]:
    from osteo_epi.agreement import passing_bablok

    line = passing_bablok(x, y)
    return [line.slope.estimate, line.slope.lower, line.slope.upper]


def theilslopes(x: np.ndarray, y: np.ndarray) -> list[float]:
    from scipy import stats

    found = stats.theilslopes(y, x)
    return [float(found.slope), float(found.low_slope), float(found.high_slope)]


def theil_sen(x: np.ndarray, y: np.ndarray) -> list[float]:
    from osteo_epi.agreement import theil_sen as fit

    line = fit(x, y)
    return [line.slope.estimate, line.slope.lower, line.slope.upper]


METHODS = {"ours": ours, "ours, Theil–Sen": theil_sen, "theilslopes": theilslopes}


def measure(method: str, n: int, decimals: int | None) -> None:
    """In the child: one run, as JSON; the import is not counted."""
    x, y = readings(n, decimals)
    METHODS[method](*readings(50, None))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    slopes = METHODS[method](x, y)
    row = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps(row | {"slopes": slopes, "added": (peak - before) / 1024}))


def child(method: str, n: int, decimals: int | None) -> dict:
    call = [sys.executable, __file__, "--child", method, "--n", str(n)]
    call += [] if decimals is None else ["--decimals", str(decimals)]
    return json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)


def mcr_seconds(n: int) -> float | None:
    """Seconds that mcr takes, None without R or mcr."""
    if shutil.which("Rscript") is None:
        return None
    code = (
        f"suppressMessages(library(mcr)); set.seed({SEED}); t <- rnorm({n}, 1, .15); "
        f"x <- t + rnorm({n}, 0, .015); y <- 1.05 * t - .02 + rnorm({n}, 0, .015); "
        "cat(system.time(mcreg(x, y, method.reg='PaBa', method.ci='analytical'))[['elapsed']])"
    )
    run = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False)
    return float(run.stdout) if run.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--child")
    parser.add_argument("--n", type=int)
    parser.add_argument("--decimals", type=int)
    parser.add_argument("--largest", type=int, default=1_000_000)
    options = parser.parse_args()
    if options.child:
        measure(options.child, options.n, options.decimals)
        return
    print("| n | readings | method | CPU s | wall s | memory added MB | slope (interval) |")
    print("|---|---|---|---|---|---|---|")
    cpu: dict[tuple[str, int], float] = {}
    plan = [(n, None, m) for n in (5_000, 10_000) for m in METHODS]
    plan += [(n, d, "ours") for n in (100_000, options.largest) for d in (None, 3)]
    for n, decimals, method in plan:
        row = child(method, n, decimals)
        cpu.setdefault((method, n), row["cpu"])
        kind = "continuous" if decimals is None else f"{decimals} decimals"
        slopes = "{:.7f} ({:.7f} to {:.7f})".format(*row["slopes"])
        print(
            f"| {n} | {kind} | {method} | {row['cpu']:.2f} | {row['wall']:.2f} | "
            f"{row['added']:.0f} | {slopes} |"
        )
    print()
    for n in (5_000, 10_000):
        ratio = cpu["theilslopes", n] / cpu["ours", n]
        print(f"theilslopes / ours at {n}: {ratio:.0f} times the CPU time")
    seconds = mcr_seconds(5_000)
    print("mcr at 5000: " + ("R with mcr is not there" if seconds is None else f"{seconds:.2f} s"))


if __name__ == "__main__":
    main()
