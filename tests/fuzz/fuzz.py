"""Broken files of every format, and frames of any types: nothing but an error of ours may come out.

    python tests/fuzz/fuzz.py --inputs 10000 [--formats csv,parquet] [--log run.jsonl]
    python tests/fuzz/fuzz.py --counted run.jsonl [--write]

Input number k of a format is the same wherever it is made. Every one goes through `oe.read`: the
guarded reader, the conforming of its columns, the checks, and the text of what they say. Each
twentieth goes through the whole door: `check` again, and `classify`. Counted for each format:
inputs, how many of them went through the whole door, files read, files refused, exceptions that are
not ours, foreign warnings and lines on the standard error, messages that hold a participant's
value, and workers that died or did not end. The inputs with faults are kept in `--keep`. `--log`
keeps the counts of each part that was ended, so that a run may be stopped at any time and taken up
with the same words; `--counted` adds them up, and `--write` puts that table into README.md.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typed
from mutations import broken
from seeds import FORMATS as FILES
from seeds import MARKS, seeds

import osteo_epi as oe
from osteo_epi.cohort.readers import _guard

FRAME = "frame"
COUNTS = ("read", "refused", "foreign", "noise", "leak", "dead")
LONGEST = 600  # seconds for one input, on a machine that has other work too
PART = 2000  # inputs that one worker judges
WHOLE = 20  # each so many-th input goes through the whole door
LIMITS = {"_LEAST_MEMORY": 1 << 29, "_LEAST_SECONDS": 2, "_IDLE": 3.0}
"""What the process that reads may use for one file: less than a user's, for many inputs end there
(a chain of sectors that bites its tail), and it is the limit that makes them slow."""
SHARE = {"csv": 6, "parquet": 6, "tsv": 4, "csv.gz": 4, "xpt": 3, "xlsx": 3, FRAME: 3, "por": 2}
"""Of the inputs, where every other format has 1: a library that dies takes 0.3 s to start again."""
FORMATS = (*FILES, FRAME)
DEFINITION = ("china_2020", "reported")


def make(form: str, number: int) -> bytes:
    """Input `number` of a format."""
    rng = random.Random(f"{form} {number}")
    sound = seeds(form)
    return broken(rng.choice(sound), form, sound, rng)


def judge(data: Any, definition: Any | None, headings_whole: bool) -> tuple[str, str]:
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


def _outcome(data: Any, definition: Any | None, said: list[str]) -> str:
    """Whether it is read; `said` takes every message. Without a definition nothing more is done."""
    if definition is not None and not isinstance(
        data, Path
    ):  # a frame of canonical names may be given without reading
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
    said += [str(people.findings), repr(people.flow)]
    if definition is None:
        return "read"
    said.append(str(oe.check(people)))
    try:
        oe.classify(people, definition, accept_errors=True)
    except oe.OsteoEpiError as error:
        said.append(str(error))
    return "read"


def whole(data: bytes, form: str) -> bool:
    """Whether the headings stand as they were: a value in their place is a heading."""
    if form in ("csv", "tsv"):
        for sound in seeds(form):
            wide = sound[:2] == b"\xff\xfe"
            end = sound.index(b"\n\x00" if wide else b"\n") + 1 + wide
            if data.startswith(sound[:end]):
                return True
        return False
    return form != "csv.gz"


def work(form: str, first: int, last: int, folder: Path) -> None:
    """Judge inputs `first` to `last` - 1; the counts go into a file, the faults beside."""
    logging.getLogger().addHandler(logging.StreamHandler())
    for name, least in LIMITS.items():
        setattr(_guard, name, least)
    definition = oe.definition(DEFINITION[0], reference=DEFINITION[1])
    path = folder / f"clinic.{form}"
    for number in range(first, last):
        (folder / "now").write_text(str(number))
        start = time.monotonic()
        rules = None if number % WHOLE else definition
        if form == FRAME:
            outcome, detail = judge(typed.frame(number), rules, True)
        else:
            data = make(form, number)
            path.write_bytes(data)
            outcome, detail = judge(path, rules, whole(data, form))
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
    """How many of the inputs each format gets; what is cheap to judge gets more."""
    weights = {form: SHARE.get(form, 1) for form in forms}
    return {form: -(-inputs * w // sum(weights.values())) for form, w in weights.items()}


def counted(results: list[tuple[int, str, str]]) -> Counter[str]:
    """How often each outcome came, and how many inputs went through the whole door."""
    count = Counter(outcome for _, outcome, _ in results)
    count["whole"] = sum(number % WHOLE == 0 for number, _, _ in results)
    return count


def table(counts: dict[str, Counter[str]]) -> str:
    """The counts of each format, and of all."""
    total: Counter[str] = sum(counts.values(), Counter())
    lines = [
        "| format | inputs | through the whole door | read | refused | foreign exceptions "
        "| foreign noise | participants' values | dead or endless |",
        "|---|" + "---:|" * 8,
    ]
    for form, count in [*counts.items(), ("all", total)]:
        inputs = sum(count[outcome] for outcome in COUNTS)
        cells = [f"{n:,}" for n in (inputs, count["whole"], *(count[c] for c in COUNTS))]
        lines.append(f"| {form} | {' | '.join(cells)} |")
    return "\n".join(lines)


def logged(log: Path | None) -> dict[tuple[str, int], Counter[str]]:
    """Counts of the parts that a log holds, by format and first input."""
    if log is None or not log.exists():
        return {}
    lines = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return {(line["format"], line["first"]): Counter(line["counts"]) for line in lines}


def main() -> int:
    options = _options()
    if options.work:
        form, first, last, folder = options.work
        work(form, int(first), int(last), Path(folder))
        return 0
    done = logged(options.counted or options.log)
    if not options.counted:
        for form, first, last in _parts(options):
            if (form, first) not in done:
                done[form, first] = counted(run(form, first, last, options.keep))
                if options.log:
                    _log(options.log, form, first, done[form, first])
    counts = {form: Counter[str]() for form in FORMATS if any(form == f for f, _ in done)}
    for (form, _), count in done.items():
        counts[form].update(count)
    print(table(counts))
    if options.write:
        _write(table(counts))
    return int(any(count[c] for count in counts.values() for c in COUNTS[2:]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--log", type=Path, help="where the counts of each part are kept")
    parser.add_argument("--counted", type=Path, help="count no more than what this log holds")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "fuzz")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    return parser.parse_args()


def _parts(options: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    """Format, first and last input of each part; all formats grow together."""
    numbers = shares(options.inputs, options.formats.split(","))
    for start in range(0, max(numbers.values()), PART):
        for form, n in numbers.items():
            if start < n:
                yield form, options.first + start, options.first + min(n, start + PART)


def _log(log: Path, form: str, first: int, count: Counter[str]) -> None:
    with log.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"format": form, "first": first, "counts": count}) + "\n")


def _write(text: str) -> None:
    path = Path(__file__).with_name("README.md")
    before = path.read_text(encoding="utf-8").partition("\n| format")[0]
    path.write_text(f"{before}\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
