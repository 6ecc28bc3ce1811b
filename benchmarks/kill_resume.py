"""Classify in parts, killed at random moments and begun again: the same bytes, time and memory.

People are made up in several Parquet files. One run is not disturbed, and its peak of memory is
shown; another is killed (SIGKILL) at moments drawn from a seed, each time after the work on
parts has begun, and begun again until it ends by itself. Both folders must hold the same bytes.

    python benchmarks/kill_resume.py --rows 2000000 --files 8 --kills 10 --seed 1
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

ROIS = {"lumbar_spine": 1.047, "femoral_neck": 0.858, "total_hip": 0.942}
WORK = "import sys; from osteo_epi.cli import main; main()"


def write(folder: Path, rows: int, files: int) -> None:
    """Made-up people, in as many files."""
    rng = np.random.default_rng(1)
    for year in range(files):
        n = rows // files
        age = np.floor(rng.uniform(50, 90, n))
        common = rng.normal(0, 0.8, n) - 0.03 * (age - 50)
        columns = {
            "person_id": np.arange(year * n, (year + 1) * n).astype(str),
            "age": age,
            "sex": np.where(rng.random(n) < 0.45, "male", "female"),
        }
        for roi, mean in ROIS.items():
            columns[f"abmd_{roi}"] = np.round(mean + 0.12 * (common + rng.normal(0, 0.6, n)), 3)
        pl.DataFrame(columns).write_parquet(folder / f"{2000 + year}.parquet")


def begun(data: Path, out: Path, part_rows: int) -> subprocess.Popen[bytes]:
    """The command."""
    words = ["classify", str(data), "--reference", "nhanes3_white_female", "--sex-rule", "female"]
    words += ["--out", str(out), "--part-rows", str(part_rows), "--quiet", "--accept-errors"]
    return subprocess.Popen([sys.executable, "-c", WORK, *words], stdout=subprocess.DEVNULL)


def digest(folder: Path) -> str:
    """SHA-256 of all names and bytes of a folder."""
    whole = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        whole.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def main() -> None:
    """Run both, compare, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--part-rows", type=int, default=25_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as root:
        data, plain, out = (Path(root, name) for name in ("data", "plain", "out"))
        data.mkdir()
        write(data, given.rows, given.files)
        start = time.perf_counter()
        assert begun(data, plain, given.part_rows).wait() == 0
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"undisturbed: {seconds:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU, peak "
            f"{used.ru_maxrss / 1024:.0f} MiB, {len(list(plain.glob('part-*')))} parts"
        )
        for kill in range(1, given.kills + 1):
            hidden, lock = (out.with_name(f".{out.name}.parts{end}") for end in ("", "-lock"))
            lock.unlink(missing_ok=True)  # of the process that was killed
            process = begun(data, out, given.part_rows)
            while process.poll() is None and not lock.exists():
                time.sleep(0.005)
            time.sleep(draw.uniform(0.0, 1.6) * seconds / given.kills)
            process.send_signal(signal.SIGKILL)
            ended = process.wait()
            kept = len(list(hidden.glob("entries/*.json")))
            print(f"kill {kill}: {'killed' if ended else 'had ended'}, {kept} parts kept")
        assert begun(data, out, given.part_rows).wait() == 0
        same = digest(out) == digest(plain)
        print("the same bytes" if same else "OTHER BYTES", sorted(os.listdir(root)))
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
