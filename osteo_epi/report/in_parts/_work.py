"""The work on parts: each is made once, kept from run to run, and all are put in place together.

Each part passes through the door that a file passes through, by one definition for all of them.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
    has_identifiers,
    is_simulated,
    long_numbers,
    without_identity,
)
from osteo_epi.diagnosis import Definition, classify
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.findings import Finding, Findings
from osteo_epi.progress import tell, with_progress
from osteo_epi.report._analysis import label_of, people_of
from osteo_epi.report.choices import Choices
from osteo_epi.report.in_parts._columns import (
    Headings,
    aligned,
    as_made,
    columns_of_all,
    packed,
    refuse_strangers,
    unpacked,
)
from osteo_epi.report.in_parts._numbers import numbers_of
from osteo_epi.report.in_parts._place import (
    MANIFEST,
    Place,
    as_json,
    digest_there,
    second_name,
    written,
)
from osteo_epi.report.in_parts._plan import Part, key_of
from osteo_epi.report.in_parts._result import ClassifiedParts, manifest_of
from osteo_epi.report.in_parts._sums import as_told, flow_of
from osteo_epi.report.in_parts._whole import Whole, for_all_to_judge, read_by, refuse
from osteo_epi.report.proposal import unjudged
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


_SAID = ("key", "made_by", "input", "rows", "sha256", "numbers")
"""What of an entry the manifest says elsewhere, or nowhere: numbers of persons."""
_NOBODY = {
    "rows": 0, "sha256": "", "numbers": {}, "replaced": 0, "judged": [], "unwritten": [],
    "classes": {}, "columns": "", "label": "", "findings": [], "flow": [],
}  # fmt: skip
"""Of a part without a row."""
_FAULT_OF_DISK = re.compile(r"os error (\d+)")


@dataclass(frozen=True)
class Work:
    """Parts, and what each of them is made by."""

    chosen: Choices
    definition: Definition
    made: dict[str, Any]

    def done(
        self, place: Place, parts: list[Part], noticed: list[Finding], before: Sequence[Path]
    ) -> ClassifiedParts:
        """Take what stands in folders of before, make what lacks, put all in place."""
        keys = {self.key(part): part for part in parts}
        earlier = {_of_what(entry["input"]): entry for entry in place.others(keys)}
        place.forget_others(keys)
        for folder in before:
            self.take(place, keys, folder)
        again: Counter[str] = Counter()
        lacking, others = [], Headings(self.chosen, parts)
        for part in parts:
            reason = self.lacks(place, part, earlier, others)
            if reason is not None:
                lacking.append(part)
                again[reason] += 1
        self.make(place, lacking, parts, others)
        whole = Whole(place, parts, [place.entry(key) for key in keys])
        if not whole.held:
            raise SchemaError(f"no file has a row of data: {files_named([p.title for p in parts])}")
        refuse_strangers([entry.get("strangers", []) for _, entry in whole.held])
        if all(entry.get("unjudged") for _, entry in whole.held):
            part, entry = whole.held[0]
            raise DefinitionError(f"{part.title}: {entry['unjudged']}")
        findings, renamed = self.findings(whole, noticed)
        self.tell(place, self.number(whole, renamed), findings)
        place.settle()
        reasons = tuple((why, n) for why, n in sorted(again.items()) if why)
        there = self.there(place.out, parts, len(parts) - len(lacking), reasons)
        assert there is not None, "what was just written is there"
        return there

    def key(self, part: Part) -> str:
        """What the part is kept under."""
        return key_of(part, self.made)

    @contextmanager
    def kept(self, place: Place, parts: Sequence[Part]) -> Iterator[None]:
        """Say with what stops the work that what is made is kept."""
        try:
            yield
        except SchemaError as error:
            n = sum(bool(place.entry(self.key(part))) for part in parts)
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

    def take(self, place: Place, keys: Mapping[str, Part], folder: Path) -> None:
        """Let parts of a folder that is there wait with the others, as far as they are these."""
        manifest = manifest_of(folder)
        for one in manifest.get("parts", ()):
            key, read = one["key"], dict(one.get("read", {}))
            # Of what was read and is not written nothing is known any more.
            is_gone = read and (read["replaced"] or read.get("unwritten"))
            if key not in keys or place.entry(key) or not read or is_gone:
                continue
            read["columns"] = manifest["columns"][read["columns"]] if one["rows"] else ""
            numbers: dict[str, str] = {}
            if one["rows"]:
                path = folder / one["part"]
                if digest_there(path) != one["sha256"]:
                    continue
                frame = as_made(pl.read_parquet(path), read)
                if frame is None:
                    continue
                second_name(path, place.part(key))
                numbers = _kept_numbers(place, key, frame.select(_naming(read["judged"], frame)))
            told = {name: one[name] for name in ("rows", "sha256")}
            self.keep(place, keys[key], read | told | {"numbers": numbers})

    def lacks(
        self,
        place: Place,
        part: Part,
        earlier: Mapping[str, Mapping[str, Any]],
        others: Headings,
    ) -> str | None:
        """Why a part has to be made: "" where none is there; None where the right one is."""
        key = self.key(part)
        entry = place.entry(key)
        if not entry:
            before = earlier.get(_of_what(part.input), {}).get("made_by")
            if before is None:
                return ""
            return next(
                (why for name, why in _REASONS.items() if before.get(name) != self.made[name]),
                "another file",
            )
        if not self.chosen.accept_errors and _errors(entry):
            return ""
        if (named := entry.get("lacking")) and named != others.named(self.definition):
            return "other columns in the other files"
        if entry["rows"] and digest_there(place.part(key)) != entry["sha256"]:
            return "damaged"
        files = {place.numbers(key, kind): n for kind, n in entry["numbers"].items() if n}
        if any(digest_there(file) != sha256 for file, sha256 in files.items()):
            return "damaged"
        return None

    def make(self, place: Place, parts: list[Part], of: Sequence[Part], others: Headings) -> None:
        """Make these parts of all; what is wrong with some of them is said of all at once."""
        if parts:
            others.refuse_strangers()
        own: dict[str, Faults] = {}
        rows, is_told = 0, False

        def told(done: int) -> str:
            whole = rows - rows % TOLD_ROWS  # a log has a line each time
            return f"classifying, {whole:,} rows done" if whole else "classifying"

        sizes = [part.size for part in parts]
        sizes.insert(0, sum(part.size for part in of) - sum(sizes))
        steps = with_progress([None, *parts], "classifying", sizes=sizes, told=told)
        for part in steps:
            if part is None:
                continue
            own[part.title] = Faults()
            with own[part.title]:
                rows += self.one(place, part, others)
            if rows and not is_told:
                is_told = True
                self.foretell(place, part, of, others)
            if sum(map(bool, own.values())) == MOST_FAULTS:
                break
        faults = Faults()
        faults.of_files({n: noticed for n, noticed in own.items() if noticed}, files_named)
        faults.refuse()

    def foretell(self, place: Place, part: Part, of: Sequence[Part], others: Headings) -> None:
        """Say of the first part what will stop the work at its end, if all of them are like it."""
        if len(of) == 1:
            return
        entry = place.entry(self.key(part))
        told = []
        if said := entry.get("strangers"):
            made = [place.entry(self.key(one)) for one in of if one is not part]
            told = others.unseen(
                said, [one.get("strangers", []) for one in made if one.get("rows")]
            )
        if not self.chosen.accept_errors:
            whole = Whole(place, [part], [entry])
            found = read_by(self.definition, whole.columns, whole.of_people())[0]
            errors = Findings(tuple(found)).errors
            told += [" ".join(f.told().split()).removeprefix("error: ") for f in errors]
        for words in told:
            tell(f"warning: {part.title}: {words}")
        if told:
            tell(
                "warning: if the other parts are like this one, that stops the work when all are "
                "made; to stop it now: Ctrl+C"
            )

    def one(self, place: Place, part: Part, others: Headings) -> int:
        """Make one part, and say that it is there."""
        try:
            strangers: list[str] = []
            people = people_of(self.chosen, data=part.file, strangers=strangers)
        except NoRowsError:
            self.keep(place, part, _NOBODY)
            return 0
        finally:
            part.refuse_changed()
        lacking = others.of_regions(people.columns, self.definition)
        filled = people.with_frame(people.frame.with_columns(lacking))
        classified = classify(filled, self.definition, **self.chosen.arguments("classify"))
        keep = others.to_keep(classified.frame.columns, strangers)
        frame, left_out = without_identity(classified.frame, keep=keep)
        replaced = any(finding.code == "identity_number_replaced" for finding in left_out)
        if replaced:
            frame = frame.with_columns(person_id=f"{part.number}-" + pl.col("person_id"))
        counts = frame["bone_class"].cast(pl.String).value_counts().sort("bone_class")
        judged = _judged(people.frame, frame)
        findings = [f for f in (*classified.findings, *left_out) if not for_all_to_judge(f, judged)]
        label = label_of(classified) if is_simulated(classified) else classified.source.label
        entry = {
            "rows": len(frame),
            "sha256": written(place.part(self.key(part)), partial(self.write, frame, label)),
            "numbers": _kept_numbers(place, self.key(part), people.frame),
            "replaced": part.number if replaced else 0,
            "renamed": {},
            "classes": dict(counts.iter_rows()),
            "columns": packed(frame),
            "long": long_numbers(frame),
            "judged": judged,
            "unwritten": _unwritten(people.frame, judged),
            "unjudged": unjudged(people, self.chosen, self.definition.criterion),
            "lacking": [column.meta.output_name() for column in lacking],
            "label": label,
            **_read_as(people, strangers),
            "findings": as_told(findings),
            "flow": classified.flow.to_polars().to_dicts(),
        }
        self.keep(place, part, entry)
        return len(frame)

    def keep(self, place: Place, part: Part, entry: Mapping[str, Any]) -> None:
        key = self.key(part)
        place.keep(key, {"key": key, "made_by": self.made, "input": part.input, **entry})

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

    def number(self, whole: Whole, renamed: Mapping[str, str]) -> Whole:
        """Give each part its number, and all the same columns, so that they are read as one."""
        held = [entry for _, entry in whole.held]
        long = {name for entry in held for name in entry["long"]}
        columns = columns_of_all([unpacked(entry["columns"]).schema for entry in held], long)
        schema = pl.Schema({renamed.get(name, name): kind for name, kind in columns.items()})
        entries = []
        for part, given in zip(whole.parts, whole.entries, strict=True):
            entry = dict(given)
            entries.append(entry)
            if not entry["rows"]:
                continue
            path, target = whole.place.part(entry["key"]), whole.place.whole / part.output
            is_first = entry["replaced"] in (0, part.number)
            there = list(pl.read_parquet_schema(path).items())
            if is_first and there == list(schema.items()) and entry["renamed"] == renamed:
                second_name(path, target)
                continue
            frame = as_made(pl.read_parquet(path), entry)
            assert frame is not None, "a part that waits is as it was made"
            if not is_first:
                name = pl.col("person_id").str.strip_prefix(f"{entry['replaced']}-")
                frame = frame.with_columns(person_id=f"{part.number}-" + name)
            frame = aligned(frame.rename(dict(renamed), strict=False), schema)
            entry["sha256"] = written(target, partial(self.write, frame, entry["label"]))
            replaced = part.number if entry["replaced"] else 0
            entry |= {"renamed": dict(renamed), "replaced": replaced}
        return replace(whole, entries=entries)

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
        judged, renamed = read_by(self.definition, whole.columns, whole.of_people())
        if not self.chosen.accept_errors:
            refuse(judged)
        return Findings((*found, *noticed, *whole.of_parts(), *judged)), renamed

    def tell(self, place: Place, whole: Whole, findings: Findings) -> None:
        """Write what is said of all parts beside them."""
        held = whole.held
        columns = sorted({entry["columns"] for _, entry in held})
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
                    "read": _read(entry, columns),
                }
                for part, entry in zip(whole.parts, whole.entries, strict=True)
            ],
            "columns": columns,
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


def _origin(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
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


def _unwritten(read: pl.DataFrame, judged: Sequence[str]) -> list[str]:
    """Columns that tell rows apart where nobody has an identifier, and are not written."""
    if has_identifiers(read):
        return []
    told = [name for name in read.columns if name in codebook() and name not in judged]
    return [name for name in told if read[name].count()]


def _naming(judged: Sequence[str], frame: pl.DataFrame) -> list[str]:
    """The columns by which persons and rows are told."""
    return [name for name in frame.columns if name in judged or name == "person_id"]


def _kept_numbers(place: Place, key: str, people: pl.DataFrame) -> dict[str, str]:
    """Write the numbers of a part; SHA-256 of each kind."""
    return {
        kind: written(place.numbers(key, kind), numbers.tofile) if len(numbers) else ""
        for kind, numbers in numbers_of(people, place.salt).items()
    }


def _of_what(stated: Mapping[str, Any]) -> str:
    """File and rows that a part was made of, whatever the bytes were."""
    return json.dumps([stated["file"], stated["rows"]])


def _read(entry: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """What a manifest says of a part for whoever takes it into another folder."""
    told = {name: value for name, value in entry.items() if name not in _SAID}
    return told | {"columns": columns.index(entry["columns"]) if entry["rows"] else None}


def _read_as(people: Cohort, strangers: list[str]) -> dict[str, Any]:
    """How a part was read, which declared columns it lacks, and what looks like another unit."""
    source = people.source
    errors = [f for f in people.findings.of("unit_suspected") if f.severity == "error"]
    return {
        "suspected": {f.column: f.message.rpartition(":")[0] for f in errors},
        "strangers": strangers,
        "headings": dict(source.headings),
        "codes_of_sex": list(source.codes_of_sex),
        "origin": {
            "reader": source.reader, "encoding": source.encoding, "design": dict(source.design)
        },
    }  # fmt: skip


def _put(data: bytes, path: Path) -> None:
    path.write_bytes(data)
