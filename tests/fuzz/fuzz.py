"""Broken files of every format, and frames of any types: nothing but an error of ours may come out.

    python tests/fuzz/fuzz.py --inputs 10000 [--formats csv,parquet] [--seed 0] [--write]

Input number k of a format is the same wherever it is made. Each worker reads a part of them, then
checks and classifies what was read. Counted for each format: inputs, files read, files refused,
exceptions that are not ours, foreign warnings and lines on the standard error, messages that hold
a participant's value, and workers that died or did not end. The inputs with faults are kept in
`--keep`. `--write` puts the table into README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import typed
from mutations import broken
from seeds import MARKS, seeds

import osteo_epi as oe

FRAME = "frame"
COUNTS = ("read", "refused", "foreign", "noise", "leak", "dead")
LONGEST = 600  # seconds for one input, on a machine that has other work too
PART = 250  # inputs that one worker judges
SHARE = {"csv": 10, "tsv": 2, FRAME: 4}  # of the inputs, where every other format has 1
FORMATS = (*seeds(), FRAME)
DEFINITION = ("china_2020", "reported")


def make(form: str, number: int) -> bytes:
    """Input `number` of a format."""
    rng = random.Random(f"{form} {number}")
    sound = seeds()[form]
    return broken(rng.choice(sound), form, sound, rng)


def judge(data: Any, definition: Any, headings_whole: bool) -> tuple[str, str]:
    """What became of a file or frame: one of `COUNTS` and what is to be known of it."""
    said: list[str] = []
    before = os.fstat(2).st_size
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            outcome = _outcome(data, definition, said)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return "foreign", f"{type(error).__name__}\n{traceback.format_exc()[-1500:]}"
    alien = [w for w in warned if not str(w.category.__module__).startswith("osteo_epi")]
    if alien:
        return "noise", str(alien[0].message)
    if os.fstat(2).st_size != before:
        return "noise", "standard error"
    said += [str(w.message) for w in warned]
    hit = next((s for s in said if any(mark in s for mark in MARKS)), None)
    if hit and headings_whole:
        return "leak", hit[:800]
    return outcome, ""


def _outcome(data: Any, definition: Any, said: list[str]) -> str:
    """Whether it is read; `said` takes every message."""
    if not isinstance(data, Path):  # a frame of canonical names may be given without reading
        for call in (oe.check, lambda people: oe.classify(people, definition, accept_errors=True)):
            try:
                said.append(str(getattr(call(data), "findings", "")))
            except oe.OsteoEpiError as error:
                said.append(str(error))
    try:
        people = oe.read(data)
    except oe.OsteoEpiError as error:
        said.append(str(error))
        return "refused"
    if any(mark in name for name in people.frame.columns for mark in MARKS):
        return "read"  # a cell that the broken file has in the place of a heading is a heading
    said += [str(people.findings), repr(people.flow), str(oe.check(people))]
    try:
        oe.classify(people, definition, accept_errors=True)
    except oe.OsteoEpiError as error:
        said.append(str(error))
    return "read"


def whole(data: bytes, form: str) -> bool:
    """Whether the headings stand as they were: a value in their place is a heading."""
    if form in ("csv", "tsv"):
        for sound in seeds()[form]:
            wide = sound[:2] == b"\xff\xfe"
            end = sound.index(b"\n\x00" if wide else b"\n") + 1 + wide
            if data.startswith(sound[:end]):
                return True
        return False
    return form != "csv.gz"


def work(form: str, first: int, last: int, folder: Path) -> None:
    """Judge inputs `first` to `last` - 1; the counts go into a file, the faults beside."""
    logging.getLogger().addHandler(logging.StreamHandler())
    definition = oe.definition(DEFINITION[0], reference=DEFINITION[1])
    path = folder / f"clinic.{form}"
    for number in range(first, last):
        (folder / "now").write_text(str(number))
        start = time.monotonic()
        if form == FRAME:
            outcome, detail = judge(typed.frame(number), definition, True)
        else:
            data = make(form, number)
            path.write_bytes(data)
            outcome, detail = judge(path, definition, whole(data, form))
        took = round(time.monotonic() - start, 2)
        with (folder / "done").open("a") as done:
            done.write(json.dumps([number, outcome, detail, took]) + "\n")


def run(form: str, first: int, last: int, keep: Path | None = None) -> list[tuple[int, str, str]]:
    """Number, outcome and detail of each input, judged in worker processes."""
    results: list[tuple[int, str, str]] = []
    while first < last:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            code = _worker(form, first, last, folder)
            lines = (folder / "done").read_text().splitlines() if (folder / "done").exists() else []
            results += [tuple(json.loads(line)[:3]) for line in lines]
            first += len(lines)
            if first < last:
                errors = (folder / "errors").read_text(errors="replace")[-800:]
                results.append((first, "dead", f"exit {code}\n{errors}"))
                first += 1
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        for number, outcome, detail in results:
            if outcome in COUNTS[2:]:
                if form != FRAME:
                    (keep / f"{number}.{outcome}.{form}").write_bytes(make(form, number))
                (keep / f"{number}.{outcome}.{form}.txt").write_text(detail)
    return results


def _worker(form: str, first: int, last: int, folder: Path) -> int | None:
    """Run one worker to its end, or until one input takes too long."""
    command = [sys.executable, __file__, "--work", form, str(first), str(last), str(folder)]
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, stdin=subprocess.DEVNULL)
        now, since = "", time.monotonic()
        while process.poll() is None:
            time.sleep(0.2)
            mark = (folder / "now").read_text() if (folder / "now").exists() else ""
            if mark != now:
                now, since = mark, time.monotonic()
            elif time.monotonic() - since > LONGEST:
                process.kill()
                process.wait()
                return None
    return process.returncode


def shares(inputs: int, forms: list[str]) -> dict[str, int]:
    """How many of the inputs each format gets; text is cheap to make and gets more."""
    weights = {form: SHARE.get(form, 1) for form in forms}
    return {form: -(-inputs * w // sum(weights.values())) for form, w in weights.items()}


def table(counts: dict[str, Counter[str]]) -> str:
    """The counts of each format, and of all."""
    total: Counter[str] = sum(counts.values(), Counter())
    lines = [
        "| format | inputs | read | refused | foreign exceptions | foreign noise "
        "| participants' values | dead or endless |",
        "|---|" + "---:|" * 7,
    ]
    for form, count in [*counts.items(), ("all", total)]:
        cells = [f"{n:,}" for n in (count.total(), *(count[c] for c in COUNTS))]
        lines.append(f"| {form} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no part after these")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "fuzz")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        form, first, last, folder = options.work
        work(form, int(first), int(last), Path(folder))
        return 0
    start, counts = time.monotonic(), {form: Counter[str]() for form in options.formats.split(",")}
    parts = {form: range(0, n, PART) for form, n in shares(options.inputs, list(counts)).items()}
    for k in range(max(map(len, parts.values()))):  # all formats grow together
        for form, n in shares(options.inputs, list(counts)).items():
            if k < len(parts[form]) and time.monotonic() - start < 60 * options.minutes:
                first = options.first + k * PART
                results = run(form, first, options.first + min(n, (k + 1) * PART), options.keep)
                counts[form].update(outcome for _, outcome, _ in results)
        print(f"\n{table(counts)}\n", flush=True)
    if options.write:
        _write(table(counts))
    return int(any(count[c] for count in counts.values() for c in COUNTS[2:]))


def _write(text: str) -> None:
    path = Path(__file__).with_name("README.md")
    before = path.read_text(encoding="utf-8").partition("\n| format")[0]
    path.write_text(f"{before}\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
