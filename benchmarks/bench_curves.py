"""LMS and Box–Cox t curves of 7,040, 1e5 and 1e6 people: processor time, peak memory, floor.

Run from the project's folder: python benchmarks/bench_curves.py [--largest 1000000]
Ages of 8–85 years in whole years, in hundredths or as they come, measurements of three decimals or
as they come; the fit is `fit_curve` with its defaults (P-splines for median and spread, smoothness
by local maximum likelihood). Each measurement is a process of its own, so that its peak memory is
its own. The floor, in the same process, is one pass of `Family.log_density` over the people times
the cycles that the fit took of them. Prints a Markdown table; README.md holds one run. Never a
test.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import polars as pl

SEED = 9
# R gamlss 5.5 with pb(), timings of the golden record, another machine [s].
RECORD = {("bccg", 7040): 8.9, ("bccg", 100_000): 40.0, ("bct", 7040): 16.0}
WHOLE, HUNDREDTHS, ANY = "whole years", "two decimals", "as they come"


def people(n: int, family: str, *, ages: str, decimals: int | None) -> pl.DataFrame:
    """Skewed, and for BCT heavy-tailed, measurements that rise, peak and fall with age."""
    rng = np.random.default_rng(SEED)
    age = rng.uniform(8, 85, n)
    age = age if ages == ANY else np.round(age, 2)
    age = np.floor(age) if ages == WHOLE else age
    median = 0.55 + 0.4 * np.minimum(age, 25) / 25 - 0.0035 * np.maximum(age - 35, 0)
    spread, power = 0.12 + 0.0005 * age, 0.4
    z = rng.standard_t(8, n) if family == "bct" else rng.standard_normal(n)
    y = median * np.maximum(1 + power * spread * z, 0.05) ** (1 / power)
    return pl.DataFrame({"age": age, "y": y if decimals is None else np.round(y, decimals)})


def measure(n: int, family: str, *, ages: str, decimals: int | None) -> None:
    """In the child: one fit, as JSON; imports and a first small fit are not counted."""
    from osteo_epi.reference import fit_curve

    frame = people(n, family, ages=ages, decimals=decimals)
    fit_curve(frame.head(2000), "y", family=family)
    wall, cpu = time.perf_counter(), time.process_time()
    curve = fit_curve(frame, "y", family=family)
    row = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    at, y = curve.parameters(frame["age"]), frame["y"].to_numpy()
    times = max(1, 500_000 // n)
    cpu = time.process_time()
    for _ in range(times):
        curve.family.log_density(y, at)
    floor = (time.process_time() - cpu) / times * curve.fit.cycles
    row |= {"peak": peak, "floor": floor, "cycles": curve.fit.cycles, "df": curve.df}
    print(json.dumps(row | {"converged": curve.fit.converged}))


def child(n: int, family: str, ages: str, decimals: int | None) -> dict:
    call = [sys.executable, __file__, "--child", family, "--n", str(n), "--ages", ages]
    call += [] if decimals is None else ["--decimals", str(decimals)]
    return json.loads(subprocess.run(call, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--child")
    parser.add_argument("--n", type=int)
    parser.add_argument("--ages", choices=(WHOLE, HUNDREDTHS, ANY))
    parser.add_argument("--decimals", type=int)
    parser.add_argument("--largest", type=int, default=1_000_000)
    options = parser.parse_args()
    if options.child:
        measure(options.n, options.child, ages=options.ages, decimals=options.decimals)
        return
    print(
        "| family | people | ages | readings | CPU s | floor s | ratio | peak MB | R's record s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    plan = [(n, HUNDREDTHS, 3) for n in (7040, 100_000)]
    plan += [
        (options.largest, ages, decimals)
        for ages, decimals in ((WHOLE, 3), (HUNDREDTHS, 3), (HUNDREDTHS, None), (ANY, None))
    ]
    for family in ("bccg", "bct"):
        for n, ages, decimals in plan:
            row = child(n, family, ages, decimals)
            kind = "continuous" if decimals is None else f"{decimals} decimals"
            record = RECORD.get((family, n))
            against = f"{record:g} ({record / row['cpu']:.0f} ×)" if record else "–"
            print(
                f"| {family} | {n:,} | {ages} | {kind} | {row['cpu']:.2f} | {row['floor']:.2f} | "
                f"{row['cpu'] / row['floor']:.1f} | {row['peak']:.0f} | {against} |"
                + ("" if row["converged"] else " NOT CONVERGED"),
                flush=True,
            )


if __name__ == "__main__":
    main()
