"""The work on parts: each is made once, kept from run to run, and all are put in place together.

Each part passes through the door that a file passes through, by one definition for all of them.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort import (
    AS_GIVEN,
    Cohort,
    Faults,
    NoRowsError,
    codebook,
    files_named,
    is_simulated,
    long_numbers,
    without_identity,
)
from osteo_epi.diagnosis import Definition, classify
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Findings
from osteo_epi.progress import with_progress
from osteo_epi.report._analysis import label_of, people_of
from osteo_epi.report.choices import Choices
from osteo_epi.report.in_parts._columns import aligned, columns_of_all, packed, unpacked
from osteo_epi.report.in_parts._numbers import numbers_of
from osteo_epi.report.in_parts._place import (
    MANIFEST,
    Place,
    as_json,
    digest_there,
    written,
)
from osteo_epi.report.in_parts._plan import Part, key_of
from osteo_epi.report.in_parts._result import ClassifiedParts, manifest_of
from osteo_epi.report.in_parts._sums import as_told, flow_of
from osteo_epi.report.in_parts._whole import Whole, for_all_to_judge, read_by, refuse
from osteo_epi.visible import csv_bytes

WRITING: dict[str, Any] = {
    "compression": "zstd", "compression_level": 3, "row_group_size": 250_000, "statistics": True,
}  # fmt: skip
"""How every part is written: the same people are the same bytes."""
TOLD_ROWS = 1_000_000
"""After how many rows it is said how many are done."""
MOST_FAULTS = 10
"""Parts with a fault after which no further one is looked at."""
_REASONS = {
    "osteo_epi": "another version", "polars": "another version of polars",
    "definition": "another definition", "options": "other options",
}  # fmt: skip


_FAULT_OF_DISK = re.compile(r"os error (\d+)")


@dataclass(frozen=True)
class Work:
    """Parts, and what each of them is made by."""

    chosen: Choices
    definition: Definition
    made: dict[str, Any]

    def done(self, place: Place, parts: list[Part], noticed: list[Finding]) -> ClassifiedParts:
        """Make what lacks, put all in place."""
        again: Counter[str] = Counter()
        lacking = []
        for part in parts:
            reason = self.lacks(place, part)
            if reason is not None:
                lacking.append(part)
                again[reason] += 1
        self.make(place, lacking, sum(part.size for part in parts))
        entries = {part.title: place.entry(part.number) for part in parts}
        if not any(entry["rows"] for entry in entries.values()):
            raise SchemaError(f"no file has a row of data: {files_named(list(entries))}")
        findings, renamed = self.findings(Whole(place, parts, list(entries.values())), noticed)
        if renamed:
            self.align(place, parts, renamed)
        entries = {part.title: place.entry(part.number) for part in parts}
        self.tell(place, parts, entries, findings)
        place.settle()
        reasons = tuple((why, n) for why, n in sorted(again.items()) if why)
        there = self.there(place.out, parts, len(parts) - len(lacking), reasons)
        assert there is not None, "what was just written is there"
        return there

    @contextmanager
    def kept(self, place: Place, parts: Sequence[Part]) -> Iterator[None]:
        """Say with what stops the work that what is made is kept."""
        try:
            yield
        except SchemaError as error:
            keys = {part.number: key_of(part, self.made) for part in parts}
            n = sum(place.entry(number).get("key") == key for number, key in keys.items())
            if not n:
                raise
            note = (
                f"{n:,} of {len(parts):,} parts are made and kept: where the files are mended, the "
                "same command makes the rest; other options of reading or of the definition make "
                "all of them again"
            )
            first, *more = error.args
            words = (f"{first} ({note})", *more) if more else (f"{first}; {note}",)
            raise SchemaError(*words) from error

    def lacks(self, place: Place, part: Part) -> str | None:
        """Why a part has to be made: "" where none is there; None where the right one is."""
        entry = place.entry(part.number)
        if not entry:
            return ""
        if entry["key"] != key_of(part, self.made):
            before = entry["made_by"]
            return next(
                (why for name, why in _REASONS.items() if before.get(name) != self.made[name]),
                "another file",
            )
        if not self.chosen.accept_errors and _errors(entry):
            return ""
        if entry["rows"] and digest_there(place.whole / part.output) != entry["sha256"]:
            return "damaged"
        files = {place.numbers(part.number, kind): n for kind, n in entry["numbers"].items() if n}
        if any(digest_there(file) != sha256 for file, sha256 in files.items()):
            return "damaged"
        return None

    def make(self, place: Place, parts: list[Part], of: float) -> None:
        """Make these parts; what is wrong with some of them is said of all at once."""
        own: dict[str, Faults] = {}
        rows = 0

        def told(done: int) -> str:
            whole = rows - rows % TOLD_ROWS  # a log has a line each time
            return f"classifying, {whole:,} rows done" if whole else "classifying"

        sizes = [of - sum(part.size for part in parts), *(part.size for part in parts)]
        steps = with_progress([None, *parts], "classifying", sizes=sizes, told=told)
        for part in steps:
            if part is None:
                continue
            own[part.title] = Faults()
            with own[part.title]:
                rows += self.one(place, part)
            if sum(map(bool, own.values())) == MOST_FAULTS:
                break
        faults = Faults()
        faults.of_files({n: noticed for n, noticed in own.items() if noticed}, files_named)
        faults.refuse()

    def one(self, place: Place, part: Part) -> int:
        """Make one part, and say that it is there."""
        try:
            people = people_of(self.chosen, data=part.file)
        except NoRowsError:
            entry = {"rows": 0, "sha256": "", "numbers": {}, "findings": [], "flow": []}
            self.keep(place, part, entry | {"classes": {}, "columns": "", "label": ""})
            return 0
        finally:
            part.refuse_changed()
        classified = classify(people, self.definition, **self.chosen.arguments("classify"))
        frame, left_out = without_identity(classified.frame, keep=self.chosen.keep)
        if any(finding.code == "identity_number_replaced" for finding in left_out):
            frame = frame.with_columns(person_id=f"{part.number}-" + pl.col("person_id"))
        numbers = {
            kind: written(place.numbers(part.number, kind), n.tofile) if len(n) else ""
            for kind, n in numbers_of(people.frame, place.salt).items()
        }
        counts = frame["bone_class"].cast(pl.String).value_counts().sort("bone_class")
        judged = _judged(people.frame, frame)
        findings = [f for f in (*classified.findings, *left_out) if not for_all_to_judge(f, judged)]
        label = label_of(classified) if is_simulated(classified) else classified.source.label
        entry = {
            "rows": len(frame),
            "sha256": written(place.whole / part.output, partial(self.write, frame, label)),
            "numbers": numbers,
            "classes": dict(counts.iter_rows()),
            "columns": packed(frame),
            "long": long_numbers(frame),
            "judged": judged,
            "label": label,
            **_read_as(people),
            "findings": as_told(findings),
            "flow": classified.flow.to_polars().to_dicts(),
        }
        self.keep(place, part, entry)
        return len(frame)

    def keep(self, place: Place, part: Part, entry: dict[str, Any]) -> None:
        place.keep(
            part.number, {"key": key_of(part, self.made), "made_by": self.made, **entry}
        )  # fmt: skip

    def write(self, frame: pl.DataFrame, label: str, path: Path) -> None:
        """Write classified people, each time in the same bytes."""
        told = {
            "osteo_epi": version("osteo-epi"),
            "definition": self.definition.label,
            "label": label,
        }
        try:
            frame.write_parquet(path, metadata=told, **WRITING)
        except pl.exceptions.PolarsError as error:
            fault = _FAULT_OF_DISK.search(str(error))
            if fault is None:
                raise
            raise OSError(int(fault[1]), os.strerror(int(fault[1]))) from error

    def align(
        self, place: Place, parts: list[Part], renamed: Mapping[str, str] | None = None
    ) -> list[str]:
        """Give all parts the same columns in the same types, so that they can be read as one."""
        entries, renamed = [place.entry(part.number) for part in parts], dict(renamed or {})
        held = [entry for entry in entries if entry["rows"]]
        long = {name for entry in held for name in entry["long"]}
        whole = columns_of_all([unpacked(entry["columns"]).schema for entry in held], long)
        schema = pl.Schema({renamed.get(name, name): kind for name, kind in whole.items()})
        for part, entry in zip(parts, entries, strict=True):
            if not entry["rows"]:
                continue
            path = place.whole / part.output
            if list(pl.read_parquet_schema(path).items()) == list(schema.items()):
                continue
            before = {new: name for name, new in entry.get("renamed", {}).items()}
            frame = pl.read_parquet(path).rename(before, strict=False)
            frame = aligned(frame.rename(renamed, strict=False), schema)
            entry["sha256"] = written(path, partial(self.write, frame, entry["label"]))
            self.keep(place, part, entry | {"renamed": renamed})
        return list(schema)

    def findings(self, whole: Whole, noticed: list[Finding]) -> tuple[Findings, dict[str, str]]:
        """What is found of all parts; an error of the whole stops, unless it is accepted.

        Returns
        -------
        tuple
            The findings; columns that the definition does not read and that hold errors, with the
            names under which they are left out.
        """
        found = whole.of_persons()
        if not self.chosen.accept_errors:
            refuse(found)
        found += whole.of_files()
        columns = self.align(whole.place, list(whole.parts))
        judged, renamed = read_by(self.definition, columns, whole.of_people())
        if not self.chosen.accept_errors:
            refuse(judged)
        return Findings((*found, *noticed, *whole.of_parts(), *judged)), renamed

    def tell(
        self,
        place: Place,
        parts: list[Part],
        entries: dict[str, dict[str, Any]],
        findings: Findings,
    ) -> None:
        """Write what is said of all parts beside them."""
        held = [(part, e) for part, e in zip(parts, entries.values(), strict=True) if e["rows"]]
        files = list(dict.fromkeys(part.file.name for part, _ in held))
        flow = flow_of([e["flow"] for _, e in held], f"rows of {files_named(files)}")
        outputs = {
            name: written(place.whole / name, partial(_put, csv_bytes(table)))
            for name, table in (("findings.csv", findings.to_polars()), ("flow.csv", flow))
        }
        classes: Counter[str] = Counter()
        for _, entry in held:
            classes.update(entry["classes"])
        manifest = {
            **self.made,
            "label": next((e["label"] for _, e in held if e["label"]), ""),
            "origin": _origin([entry for _, entry in held]),
            "definition": {"label": self.definition.label, "sha256": self.definition.sha256},
            "rows": sum(entry["rows"] for _, entry in held),
            "classes": dict(sorted(classes.items())),
            "parts": [
                {
                    "part": part.output if entry["rows"] else None,
                    "rows": entry["rows"],
                    "sha256": entry["sha256"],
                    "input": part.input,
                    "key": entry["key"],
                }
                for part, entry in zip(parts, entries.values(), strict=True)
            ],
            "outputs": outputs,
            "findings": as_told(findings),
            "flow": flow.to_dicts(),
        }
        written(place.whole / MANIFEST, partial(_put, as_json(manifest)))

    def there(
        self,
        out: Path,
        parts: list[Part],
        n_kept: int | None = None,
        made_again: tuple[tuple[str, int], ...] = (),
    ) -> ClassifiedParts | None:
        """The parts in a folder, where they are these, made by this, and whole."""
        manifest = manifest_of(out)
        held = manifest.get("parts", [])
        if [one["key"] for one in held] != [key_of(part, self.made) for part in parts]:
            return None
        is_open = any(one["severity"] == "error" for one in manifest["findings"])
        if is_open and not self.chosen.accept_errors:
            return None
        if n_kept is None:
            sums = {one["part"]: one["sha256"] for one in held if one["part"]}
            if any(digest_there(out / name) != sha256 for name, sha256 in sums.items()):
                return None
        kept = len(held) if n_kept is None else n_kept
        return ClassifiedParts.of_manifest(
            out, manifest, self.definition, n_kept=kept, made_again=made_again
        )


def _origin(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By which readers the files were read, and by which headings; of several the first counts."""
    origins = [entry["origin"] for entry in entries]
    design: dict[str, str] = {}
    headings: dict[str, str] = {}
    for entry in reversed(entries):
        design, headings = design | entry["origin"]["design"], headings | entry["headings"]
    return {
        "reader": ", ".join(dict.fromkeys(origin["reader"] for origin in origins)),
        "encoding": ", ".join(dict.fromkeys(o["encoding"] for o in origins if o["encoding"])),
        "design": design,
        "headings": headings,
    }


def _errors(entry: dict[str, Any]) -> bool:
    return any(finding["severity"] == "error" for finding in entry["findings"])


def _judged(read: pl.DataFrame, made: pl.DataFrame) -> list[str]:
    """Columns that were read and are written as they were: by these all people are judged."""
    return [
        name
        for name in read.columns
        if (name in codebook() or name.removesuffix(AS_GIVEN) in codebook())
        and name in made.columns
        and made[name].equals(read[name])
    ]


def _read_as(people: Cohort) -> dict[str, Any]:
    """How a part was read, and what looks like another unit in it."""
    source = people.source
    errors = [f for f in people.findings.of("unit_suspected") if f.severity == "error"]
    return {
        "suspected": {f.column: f.message.rpartition(":")[0] for f in errors},
        "headings": dict(source.headings),
        "origin": {
            "reader": source.reader, "encoding": source.encoding, "design": dict(source.design)
        },
    }  # fmt: skip


def _put(data: bytes, path: Path) -> None:
    path.write_bytes(data)
