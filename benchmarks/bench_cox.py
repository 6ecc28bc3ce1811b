"""Cox's model with four covariates: processor time, memory, and R's survival in the same run.

Run from the project's folder:

    python benchmarks/bench_cox.py [--largest 1000000] [--repeats 3]

Times of two decimals (ties), two fifths with the event; "late" people come under observation at
half of their time. The same file for all. Each way runs in a process of its own that has read the
file and fitted 2,000 people before it is timed; the least processor time of the repeats. "rise" is
the peak of the memory over what the process held before. The floor is one sort of the times and
one pass of the risks over the sorted people, times the steps of Newton's that the fit takes (5).
"fit" is the model, "fit and test" with the test of proportional hazards. R is run where Rscript
has survival. Coefficients must agree to 1e-8, or the run ends. Prints a Markdown table; README.md
holds one run. Never a test.
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

WARM, STEPS = 2000, 5
NAMES = ("x1", "x2", "x3", "x4")


def memory(name: str) -> float:
    """[MiB] of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(name))
    return int(line.split()[1]) / 1024


def people(n: int) -> np.ndarray:
    """(n, 7) entry, time, event and four covariates."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, 4))
    failure = rng.exponential(size=n) * np.exp(-x @ [0.3, 0.2, 0, -0.4]) * 10
    end = rng.uniform(0, 10, n)
    time_ = np.round(np.minimum(failure, end), 2) + 0.01
    return np.column_stack([np.round(time_ / 2, 3), time_, failure <= end, x])


def floor(table: np.ndarray) -> list[float]:
    """A sort, and a pass a step."""
    order = np.argsort(table[:, 1])
    x, beta = table[order, 3:], np.full(4, 0.1)
    for _ in range(STEPS):
        risk = np.exp(x @ beta)
        sums = np.cumsum(risk[::-1])[::-1]
        np.cumsum((risk[:, None] * x)[::-1], axis=0)
        (x.T * (risk / sums)) @ x
    return []


def ours(table: np.ndarray, late: bool, test: bool) -> list[float]:
    """The kernel, or from a frame to its result with the test."""
    if not test:
        from osteo_epi.risk import fit_cox

        entry = table[:, 0] if late else None
        fit = fit_cox(table[:, 1], table[:, 2] == 1, table[:, 3:], entry=entry)
        return fit.coefficients.tolist()
    import polars as pl

    from osteo_epi.risk import hazard_ratios

    frame = pl.DataFrame(table, schema=["entry", "time", "event", *NAMES])
    result = hazard_ratios(frame, time="time", event="event", entry="entry" if late else None,
                           exposures=list(NAMES), mutual=True, decrease=False)  # fmt: skip
    return result.coefficients["coefficient"].to_list()


def child(way: str, path: str, late: bool, test: bool) -> None:
    """One way in a process of its own; prints its numbers as a line of JSON."""
    table = np.load(path)

    def job(rows: np.ndarray) -> list[float]:
        return floor(rows) if way == "floor" else ours(rows, late, test)

    job(table[:WARM])
    before, start = memory("VmRSS"), time.process_time()
    found = job(table)
    used = time.process_time() - start
    shown = {"cpu": used, "rise": memory("VmHWM") - before, "found": found}
    print(json.dumps(shown))


def asked(command: list[str], repeats: int) -> dict:
    """The quickest of the repeats."""
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(repeats)]  # fmt: skip
    return min(runs, key=lambda run: run["cpu"])


def line(folder: Path, n: int, late: bool, test: bool, repeats: int) -> str:
    """All ways of one size and job, as a row of the table."""
    job = [*(["--late"] if late else []), *(["--test"] if test else [])]
    path = folder / f"{n}.npy"
    me = [sys.executable, __file__, "--file", str(path), *job, "--way"]
    low, mine = asked([*me, "floor"], repeats), asked([*me, "osteo-epi"], repeats)
    theirs = None
    if shutil.which("Rscript"):
        words = ["late" if late else "all", "test" if test else "fit"]
        script = str(Path(__file__).with_suffix(".R"))
        theirs = asked(["Rscript", script, str(path.with_suffix(".csv")), *words], repeats)
        assert np.allclose(mine["found"], theirs["found"], rtol=1e-8, atol=0)
    of_r = f"{theirs['cpu']:.2f} | {theirs['rise']:.0f}" if theirs else "– | –"
    times = f"{theirs['cpu'] / mine['cpu']:.1f}" if theirs else "–"
    kind = ("late, " if late else "") + ("fit and test" if test else "fit")
    return (
        f"| {n:,} | {kind} | {mine['cpu']:.2f} | {mine['rise']:.0f} | "
        f"{mine['cpu'] / low['cpu']:.1f} | {of_r} | {times} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--file")
    parser.add_argument("--way")
    parser.add_argument("--late", action="store_true")
    parser.add_argument("--test", action="store_true")
    given = parser.parse_args()
    if given.way:
        child(given.way, given.file, given.late, given.test)
        return
    print("| people | job | CPU s | rise MiB | times the floor | R s | R rise MiB | R / ours |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for n in (100_000, 1_000_000):
            if n > given.largest:
                continue
            table, path = people(n), Path(name) / f"{n}.npy"
            np.save(path, table)
            head = ",".join(("entry", "time", "event", *NAMES))
            np.savetxt(path.with_suffix(".csv"), table, "%.17g", ",", header=head, comments="")
            for late, test in ((False, False), (True, False), (False, True)):
                print(line(Path(name), n, late, test, given.repeats), flush=True)


if __name__ == "__main__":
    main()
