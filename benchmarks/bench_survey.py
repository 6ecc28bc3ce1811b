"""Proportions by 18 domains and bootstrap weights, beside R survey and svy, in one run.

Run from the project's folder: python benchmarks/bench_survey.py [--largest 10000000]
Needs svy (PyPI) and, for its rows, Rscript with survey. People are simulated from a seed into a
temporary folder; all read the same file. Every measurement is a process of its own: CPU time from
the read file to the last standard error, design included; memory is the peak of the whole process
as the system counts it. Estimates and standard errors must agree to 1e-8, or the run ends. Prints
Markdown; `survey.md` holds one run and what it shows.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SEED = 7
STRATA, UNITS, DOMAINS = 100, 10, 18
BOOTSTRAPS, OF_R, GIVEN = 1000, 20, 50
REPEATS = 3
R_LARGEST = 1_000_000
HERE = Path(__file__).parent


def simulate(path: str, n: int) -> None:
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(SEED)
    stratum, unit = rng.integers(0, STRATA, n), rng.integers(0, UNITS, n)
    domain = rng.integers(0, DOMAINS, n)
    log_odds = -2.2 + 0.08 * domain + rng.normal(0, 0.3, (STRATA, UNITS))[stratum, unit]
    frame = pl.DataFrame(
        {
            "stratum": stratum,
            "psu": stratum * UNITS + unit,
            "survey_weight": np.round(rng.lognormal(5, 0.6, n), 2),
            "domain": np.char.add("d", (domain + 101).astype(str)),
            "age": np.round(rng.uniform(50, 90, n), 1),
            "y": (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(np.int8),
        }
    )
    disease = pl.when(y=1).then(pl.lit("osteoporosis")).otherwise(pl.lit("normal"))
    frame.with_columns(bone_class=disease).write_csv(path)


# ---- the children: each reads, says go(), and gives (values, standard errors) ----

Go = Callable[[], None]
Found = tuple[list[float], list[float]]
MADE: list[float] = []


def by_prevalence(data: Any, design: Any) -> Found:
    import polars as pl

    from osteo_epi.diagnosis import definition
    from osteo_epi.population import prevalence

    chosen = definition("china_2020", reference="zhang_2007")
    rows = prevalence(
        data, chosen, by="domain", classes=["osteoporosis"], design=design,
        age_bands=(50, float("inf")), interval="logit",
    ).to_frame()  # fmt: skip
    crude = rows.filter((pl.col("statistic") == "crude") & (pl.col("domain") != "all"))
    return crude["estimate"].to_list(), crude["se"].to_list()


def drawn() -> Any:
    from osteo_epi.survey import SurveyDesign

    return SurveyDesign("survey_weight", "stratum", "psu")


READ = ["stratum", "psu", "survey_weight", "domain"]


def frame(path: str, *more: str) -> Any:
    import polars as pl

    return pl.read_csv(path, columns=[*READ, *more])


def ours(path: str, size: int, go: Go) -> Found:
    data, design = frame(path, "age", "bone_class"), drawn()
    go()
    return by_prevalence(data, design)


def ours_scanned(path: str, size: int, go: Go) -> Found:
    import polars as pl

    data, design = pl.scan_csv(path), drawn()
    go()
    return by_prevalence(data, design)


def arrays(data: Any) -> tuple[Any, Any]:
    import polars as pl

    code = data["domain"].str.slice(1).cast(pl.Int64) - 101
    return data["y"].cast(pl.Float64).to_numpy(), code.to_numpy()


def ours_arrays(path: str, size: int, go: Go) -> Found:
    from osteo_epi.survey import domain_means

    data, design = frame(path, "y"), drawn()
    go()
    found = domain_means(*arrays(data), design.arrays(data))
    return found.value.tolist(), found.se.tolist()


def ours_bootstrap(path: str, size: int, go: Go, *, columns: bool = False) -> Found:
    from osteo_epi.survey import bootstrap_replicates, replicate_mean

    data, design = frame(path, "y"), drawn()
    go()
    sample = bootstrap_replicates(design.arrays(data), n_replicates=size, seed=SEED)
    kept = sample.to_frame("rw") if columns else None
    MADE.append(time.process_time())
    y, code = arrays(data)
    found = [replicate_mean(y, sample, domain=code == k) for k in range(DOMAINS)]
    assert kept is None or kept.shape == (len(y), size)
    return [f.value[0] for f in found], [f.se[0] for f in found]


def ours_columns(path: str, size: int, go: Go) -> Found:
    return ours_bootstrap(path, size, go, columns=True)


def ours_given(path: str, size: int, go: Go) -> Found:
    import polars as pl

    from osteo_epi.survey import ReplicateDesign

    data = pl.read_csv(path)
    go()
    return by_prevalence(data, ReplicateDesign("survey_weight", "rw", "bootstrap", scale=1 / size))


def by_svy(sample: Any, **how: Any) -> Found:
    rows = sample.estimation.mean("y", by="domain", **how).estimates
    rows = sorted(rows, key=lambda row: row.by_level)
    return [row.est for row in rows], [row.se for row in rows]


def svy_sample(data: Any, **how: Any) -> Any:
    import svy

    return svy.Sample(data, svy.Design(wgt="survey_weight", stratum="stratum", psu="psu", **how))


def svy_domains(path: str, size: int, go: Go) -> Found:
    data = frame(path, "y")
    go()
    return by_svy(svy_sample(data))


def svy_bootstrap(path: str, size: int, go: Go) -> Found:
    data = frame(path, "y")
    go()
    sample = svy_sample(data).weighting.create_bs_wgts(size, rep_prefix="rw", rstate=SEED)
    MADE.append(time.process_time())
    return by_svy(sample, method="replication")


def svy_given(path: str, size: int, go: Go) -> Found:
    """Makes the weights that the others are given."""
    import polars as pl

    data = pl.read_csv(path)
    go()
    sample = svy_sample(data).weighting.create_bs_wgts(size, rep_prefix="rw", rstate=SEED)
    sample.data.select(*data.columns, *(f"rw{r + 1}" for r in range(size))).write_csv(path)
    return by_svy(sample, method="replication")


def child(name: str, path: str, size: int) -> None:
    started: list[float] = []

    def go() -> None:
        started.extend((time.process_time(), time.perf_counter()))

    value, se = globals()[name](path, size, go)
    cpu, wall = time.process_time() - started[0], time.perf_counter() - started[1]
    made = MADE[0] - started[0] if MADE else None
    print(json.dumps({"cpu": cpu, "made": made, "wall": wall, "value": value, "se": se}))


# ---- the parent: starts them, compares, and prints ----


def measured(call: list[str]) -> dict[str, Any]:
    """One process: what it printed, with the peak memory that the system counted [MB]."""
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{call[-4:]} failed")
    found = json.loads(printed.splitlines()[-1]) if printed else {}
    return found | {"peak": usage.ru_maxrss / 1024}


def best(name: str, path: str, size: int = 0, repeats: int = REPEATS) -> dict[str, Any]:
    """The run with the least CPU time: others share the machine."""
    if name.startswith("R_"):
        call = ["Rscript", str(HERE / "bench_survey.R"), path, name[2:], str(size)]
    else:
        call = [sys.executable, __file__, "--child", name, path, str(size)]
    return min((measured(call) for _ in range(repeats)), key=lambda run: run["cpu"])


def agree(runs: dict[str, dict[str, Any]], keys: tuple[str, ...]) -> float:
    """Largest relative difference from the first run; ends the benchmark above 1e-8."""
    first = next(iter(runs.values()))
    largest = max(
        abs(a / b - 1)
        for run in runs.values()
        for key in keys
        for a, b in zip(run[key], first[key], strict=True)
    )
    if largest > 1e-8:
        raise SystemExit(f"{', '.join(runs)} differ by {largest:.1e}")
    return largest


def show(title: str, runs: dict[str, dict[str, Any]], difference: float, of: str) -> None:
    base = next(iter(runs.values()))
    print(f"\n{title}; {of} agree to {difference:.0e}\n")
    print("| | CPU, ratio to first | peak memory, ratio | CPU s | weights made s | MB |")
    print("|---|---|---|---|---|---|")
    for name, run in runs.items():
        made = "" if run.get("made") is None else f"{run['made']:.2f}"
        print(
            f"| {name} | {run['cpu'] / base['cpu']:.1f} | {run['peak'] / base['peak']:.2f} | "
            f"{run['cpu']:.2f} | {made} | {run['peak']:.0f} |",
            flush=True,
        )


def domains(folder: Path, n: int, with_r: bool) -> None:
    path = str(folder / f"{n}.csv")
    measured([sys.executable, __file__, "--child", "simulate", path, str(n)])
    names = ["ours", "ours_scanned", "ours_arrays", "svy_domains"]
    runs = {x: best(x, path, repeats=REPEATS if n <= R_LARGEST else 1) for x in names}
    if with_r and n <= R_LARGEST:
        runs["R_domains"] = best("R_domains", path, repeats=1)
    show(f"{n:,} rows, 18 domains", runs, agree(runs, ("value", "se")), "estimates and SEs")


def bootstraps(folder: Path, with_r: bool) -> None:
    path = str(folder / "100000.csv")
    names = ["ours_bootstrap", "ours_columns", "svy_bootstrap"]
    runs = {x: best(x, path, BOOTSTRAPS) for x in names}
    if with_r:
        runs[f"R, only {OF_R} replicates"] = best("R_bootstrap", path, OF_R, repeats=1)
    title = f"100,000 rows, {BOOTSTRAPS} bootstrap weights (each draws its own)"
    show(title, runs, agree(runs, ("value",)), "estimates")
    path = str(folder / "given.csv")
    measured([sys.executable, __file__, "--child", "simulate", path, "10000"])
    given = {x: best(x, path, GIVEN, repeats=1) for x in ("svy_given", "ours_given")}
    if with_r:
        given["R_given"] = best("R_given", path, GIVEN, repeats=1)
    difference = agree(given, ("value", "se"))
    print(f"\n{GIVEN} bootstrap weights of svy's at 10,000 rows, given to all: SEs agree to "
          f"{difference:.0e}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--child", nargs=3)
    parser.add_argument("--largest", type=int, default=10_000_000)
    options = parser.parse_args()
    if options.child:
        name, path, size = options.child
        simulate(path, int(size)) if name == "simulate" else child(name, path, int(size))
        return
    with_r = shutil.which("Rscript") is not None
    print("R and survey are there" if with_r else "R is not there: its rows are skipped")
    with tempfile.TemporaryDirectory() as folder:
        for n in (100_000, 1_000_000, 10_000_000):
            if n <= options.largest:
                domains(Path(folder), n, with_r)
        bootstraps(Path(folder), with_r)


if __name__ == "__main__":
    main()
