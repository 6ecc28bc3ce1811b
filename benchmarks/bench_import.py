"""How long a user waits for the first answer: the import, and the first prevalence.

    python benchmarks/bench_import.py

Each number is the least processor time of several fresh interpreters: the first one reads from
disk, and a busy machine makes everybody wait. The import stands beside that of polars, on which
every call rests: a ratio travels between machines, seconds do not. The first prevalence is timed
with all that it loads on the way.
"""

from __future__ import annotations

import subprocess
import sys

REPEATS = 5
IMPORT_OSTEO_EPI = "import osteo_epi"
IMPORT_POLARS = "import polars"
PREPARE = """
import osteo_epi as oe
people = oe.simulate(2_000, seed=1).frame
definition = oe.definition("china_2020", reference="nhanes3_white")
"""
PREVALENCE = """oe.prevalence(people, definition, by="sex", standard="china_2010",
              age_bands=(50, 60, 70, float("inf")))"""
TIMED = """
import time
{prepare}
start = time.process_time()
{call}
print(time.process_time() - start)
"""


def seconds(call: str, prepare: str = "") -> float:
    """Least processor time of a call in a fresh interpreter [s]."""
    code = TIMED.format(prepare=prepare, call=call)
    runs = (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(REPEATS)
    )
    return min(float(run.stdout) for run in runs)


def main() -> None:
    """Print both times, and the time of polars as a yardstick."""
    polars = seconds(IMPORT_POLARS)
    osteo_epi = seconds(IMPORT_OSTEO_EPI)
    print(f"import polars     {polars:.3f} s")
    print(f"import osteo_epi  {osteo_epi:.3f} s, {osteo_epi / polars:.2f} times polars")
    print(f"first prevalence  {seconds(PREVALENCE, PREPARE):.3f} s, 2,000 people")


if __name__ == "__main__":
    main()
