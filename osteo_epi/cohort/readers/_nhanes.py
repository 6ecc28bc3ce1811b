"""NHANES: its cycles and files, and its codes brought to the codebook's variables.

Files first (`read_nhanes` and what it reads with), then one cycle's columns (`_with_canonical`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort.readers._binary import read_statistical
from osteo_epi.cohort.readers._raw import Raw
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

_VERTEBRAE = ("l1", "l2", "l3", "l4")
_UNSURE: dict[str, dict[str, tuple[int, ...]]] = {
    "postmenopausal": {"RHQ031": (7, 9), "RHD042": (77, 99), "RHD043": (77, 99)},
    "ovaries_removed": {"RHQ305": (7, 9), "RHQ300": (7, 9), "RHQ310": (7, 9)},
    "pregnant": {"RIDEXPRG": (3,)},
}
_NAME = re.compile(r"^(?:P_)?([A-Z]+)(?:_[A-Z])?\.XPT$", flags=re.IGNORECASE)


def is_nhanes(paths: Sequence[Path]) -> bool:
    """Whether folders hold NHANES tables."""
    return any(_tables(p) or any(map(_tables, _folders(p))) for p in paths if p.is_dir())


def read_nhanes(paths: Sequence[Path], cycles: Sequence[str] | None = None) -> Raw:
    """Read one cycle or several.

    Parameters
    ----------
    paths
        Folders that hold a cycle's XPT files, or folders of such folders.
    cycles
        Names of the cycle folders to take, e.g. ["2005-2006", "2007-2008"]; None takes all.

    Returns
    -------
    Raw
        Canonical columns, and the tables' others under their own names.

    Raises
    ------
    SchemaError
        If no demographic table is there, or files overlap in time.

    Notes
    -----
    k two-year cycles are combined with WTMEC2YR / k, as the NHANES analytic guidelines do.
    """
    chosen = _chosen([c for path in paths for c in _cycles(path)], cycles)
    read = [_read_cycle(cycle) for cycle in chosen]
    labels = [frame["cycle"][0] for frame, _ in read]
    _refuse_overlap(labels)
    frame = pl.concat([f for f, _ in read], how="diagonal_relaxed")
    k = len(chosen)
    frame = frame.with_columns(pl.col("survey_weight") / k)
    paths_read = tuple(path for cycle in chosen for path in cycle.tables.values())
    findings = _summed([f for _, findings in read for f in findings])
    findings.append(_age_finding(len(frame)))
    if k > 1:
        message = f"{k} cycles combined ({', '.join(labels)}); weights divided by {k}"
        findings.append(Finding("cycles_combined", "note", "survey_weight", len(frame), message))
    label = f"{_dictionary()['label']}, {', '.join(labels)}"
    return Raw(
        frame, paths_read, "nhanes", findings=tuple(findings), label=label,
        design=_design_names(labels),
    )  # fmt: skip


def _design_names(labels: Sequence[str]) -> dict[str, str]:
    """NHANES' own names of weight, stratum and unit."""
    two_years, before_pandemic = _dictionary()["weights"]
    weight = before_pandemic if "2017-2020" in labels else two_years
    columns = {name: own for own, name in _dictionary()["columns"].items()}
    divided = f"{weight}/{len(labels)}" if len(labels) > 1 else weight
    return {"survey_weight": divided} | {name: columns[name] for name in ("stratum", "psu")}


@dataclass(frozen=True)
class _Cycle:
    """The files of one cycle, by table."""

    folder: Path
    tables: dict[str, Path]


@cache
def _dictionary() -> dict[str, Any]:
    """NHANES' own names and codes."""
    text = (files("osteo_epi.cohort.readers") / "nhanes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []


def _tables(folder: Path) -> dict[str, Path]:
    names = _dictionary()["tables"]
    tables: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = _NAME.match(path.name)
        if name and (table := name.group(1).upper()) in names:
            if table in tables:
                raise SchemaError(
                    f"folder {folder.name} holds {tables[table].name} and {path.name}; put each "
                    "cycle's tables in a folder of its own, and give the folder that holds them"
                )
            tables[table] = path
    return {table: tables[table] for table in names if table in tables}


def _cycles(path: Path) -> list[_Cycle]:
    if not path.is_dir():
        raise SchemaError(f"NHANES is read from folders of XPT files; {path.name} is no folder")
    own = _tables(path)
    cycles = (
        [_Cycle(path, own)] if own else [_Cycle(p, t) for p in _folders(path) if (t := _tables(p))]
    )
    if not cycles:
        raise SchemaError(
            f"folder {path.name} holds no NHANES tables; it needs DEMO_*.XPT and DXXFEM_*.XPT or "
            "DXXSPN_*.XPT of one cycle, or one such folder a cycle"
        )
    return cycles


def _chosen(available: list[_Cycle], cycles: Sequence[str] | None) -> list[_Cycle]:
    by_name = {cycle.folder.name: cycle for cycle in available}
    unknown = [name for name in cycles or () if name not in by_name]
    if unknown:
        raise SchemaError(
            f"cycles: no folder {', '.join(unknown)}; there are {', '.join(sorted(by_name))}"
        )
    chosen = [by_name[name] for name in cycles] if cycles else available
    for cycle in chosen:
        if "DEMO" not in cycle.tables or not {"DXXFEM", "DXXSPN"} & set(cycle.tables):
            raise SchemaError(
                f"folder {cycle.folder.name} needs the NHANES tables DEMO and DXXFEM or DXXSPN; "
                f"it holds {', '.join(cycle.tables)}"
            )
    return chosen


def _read_cycle(cycle: _Cycle) -> tuple[pl.DataFrame, list[Finding]]:
    frames = {t: read_statistical(p, reader="xport").frame for t, p in cycle.tables.items()}
    people = frames.pop("DEMO")
    for table, frame in frames.items():
        if frame["SEQN"].is_duplicated().any():
            raise SchemaError(
                f"{cycle.tables[table].name}: SEQN occurs more than once; the table must hold one "
                "row a person"
            )
        shared = [c for c in frame.columns if c in people.columns and c != "SEQN"]
        people = people.join(frame.drop(shared), on="SEQN", how="left", validate="1:1")
    return _with_canonical(people, _dictionary())


def _refuse_overlap(labels: list[str]) -> None:
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise SchemaError(f"cycle {', '.join(twice)} is given more than once; name each once")
    if "2017-2020" in labels and len(labels) > 1:
        raise SchemaError(
            "the pre-pandemic file 2017-March 2020 carries weights of its own and cannot be "
            "combined with two-year cycles; read it alone"
        )


def _summed(findings: list[Finding]) -> list[Finding]:
    """One finding a code and column over all cycles."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.column), []).append(finding)
    return [
        Finding(f.code, f.severity, f.column, n, f"{f.message}: {n}", f.fix)
        for (f, *_), n in ((many, sum(x.n for x in many)) for many in groups.values())
    ]


def _age_finding(n: int) -> Finding:
    message = "age is that at the screening interview; the scan followed within weeks"
    return Finding("age_at_interview", "note", "age", n, message)


def _with_canonical(
    people: pl.DataFrame, dictionary: Mapping[str, Any]
) -> tuple[pl.DataFrame, list[Finding]]:
    """Add canonical columns to one cycle's joined tables; those taken as they are, are renamed.

    Parameters
    ----------
    people
        DEMO with the other tables joined on SEQN.
    dictionary
        The contents of ``nhanes.toml``.

    Returns
    -------
    tuple
        The frame, and findings whose messages go on from their counts.
    """
    weight = next((w for w in dictionary["weights"] if w in people.columns), None)
    if weight is None or "SDMVPSU" not in people.columns or "SDMVSTRA" not in people.columns:
        raise SchemaError(
            "the NHANES table DEMO lacks the examination weight (WTMEC2YR), SDMVSTRA or SDMVPSU; "
            "take the public demographic file of the cycle"
        )
    lacking = {c for c in _raw_columns() if c not in people.columns}
    filled = people.with_columns(pl.lit(None, dtype=pl.Float64).alias(c) for c in sorted(lacking))
    findings = _unsure(filled)
    out = filled.with_columns(
        _coded("RIAGENDR", dictionary["sex"]).alias("sex"),
        _coded("RIDRETH1", dictionary["race_ethnicity"]).alias("race_ethnicity"),
        _coded("SDDSRVYR", dictionary["cycles"]).alias("cycle"),
        (pl.col("RIDSTATR") == 2).alias("examined"),
        pl.col(weight).alias("survey_weight"),
        _pregnant().alias("pregnant"),
        _ovaries_removed().alias("ovaries_removed"),
        *_spine(dictionary),
        *_hip(dictionary),
        *_frax(people.columns),
    )
    out = out.with_columns(_postmenopausal().alias("postmenopausal")).drop(lacking)
    names = {k: v for k, v in dictionary["columns"].items() if k in out.columns}
    return out.rename(names).drop(weight), findings


def _raw_columns() -> list[str]:
    spine = [f"DXX{v.upper()}BCC" for v in _VERTEBRAE]
    women = ["RHQ031", "RHD042", "RHD043", "RHD280", "RHQ300", "RHQ305", "RHQ310"]
    return [*spine, *women, "RIDEXPRG", "DXXOSBCC", "DXASPNST", "DXXFMBCC", "DXAFMRST"]


def _coded(column: str, codes: Mapping[str, str]) -> pl.Expr:
    table = {float(code): word for code, word in codes.items()}
    return pl.col(column).replace_strict(table, default=None, return_dtype=pl.String)


def _pregnant() -> pl.Expr:
    """Pregnant at the examination (RIDEXPRG 1); men are not, code 3 is not known."""
    women = pl.when(pl.col("RIDEXPRG").is_between(1, 2)).then(pl.col("RIDEXPRG") == 1)
    return pl.when(pl.col("RIAGENDR") == 1).then(pl.lit(False)).otherwise(women)


def _ovaries_removed() -> pl.Expr:
    """Both ovaries removed: asked at once (RHQ305), or in two steps until 2006 (RHQ300, RHQ310)."""
    once = pl.when(pl.col("RHQ305").is_between(1, 2)).then(pl.col("RHQ305") == 1)
    both = pl.when(pl.col("RHQ310").is_between(1, 2)).then(pl.col("RHQ310") == 1)
    none = pl.when(pl.col("RHQ300") == 2).then(pl.lit(False))
    return pl.coalesce(once, both, none)


def _postmenopausal() -> pl.Expr:
    """Menopause from the reproductive history; needs the column ovaries_removed.

    A period within twelve months: no. Both ovaries removed: yes. No period because of pregnancy
    or breast feeding: no; because of the menopause: yes. After hysterectomy the end of periods
    tells nothing about the ovaries: not known, unless they were removed (until 2010 the answer
    "menopause/hysterectomy" was one, and RHD280 tells them apart).
    """
    periods, uterus = pl.col("RHQ031"), pl.col("RHD280")
    early, late = pl.col("RHD042"), pl.col("RHD043")
    natural = (late == 7) | ((early == 7) & (uterus == 2))
    nursing = early.is_between(1, 2) | late.is_between(1, 2)
    return (
        pl.when(pl.col("ovaries_removed"))
        .then(True)
        .when(periods == 1)
        .then(False)
        .when((periods == 2) & natural.fill_null(False))
        .then(True)
        .when((periods == 2) & nursing.fill_null(False))
        .then(False)
    )


def _valid(code: str) -> pl.Expr:
    return pl.when(pl.col(code).is_not_null()).then(pl.col(code) == 0)


def _spine(dictionary: Mapping[str, Any]) -> list[pl.Expr]:
    codes = {v: f"DXX{v.upper()}BCC" for v in _VERTEBRAE}
    reasons = {v: _coded(c, dictionary["vertebra_reasons"]) for v, c in codes.items()}
    no_vertebra = pl.all_horizontal([(pl.col(c) != 0).fill_null(False) for c in codes.values()])
    vertebra_reasons = (
        pl.concat_list(list(reasons.values())).list.unique().list.sort().list.join("; ")
    )
    unusable = pl.coalesce(
        _coded("DXASPNST", dictionary["not_scanned"]),
        pl.when(no_vertebra).then(pl.lit("no usable vertebra: ") + vertebra_reasons),
    )
    return [
        *[_valid(c).alias(f"valid_{v}") for v, c in codes.items()],
        *[r.alias(f"invalid_reason_{v}") for v, r in reasons.items()],
        _valid("DXXOSBCC").alias("valid_lumbar_spine"),
        unusable.alias("spine_unusable_reason"),
    ]


def _hip(dictionary: Mapping[str, Any]) -> list[pl.Expr]:
    """One code holds for the whole femur scan."""
    reason = pl.coalesce(
        _coded("DXAFMRST", dictionary["not_scanned"]),
        _coded("DXXFMBCC", dictionary["hip_reasons"]),
    )
    scanned = pl.col("DXAFMRST").is_between(1, 2) | pl.col("DXASPNST").is_between(1, 2)
    return [
        _valid("DXXFMBCC").alias("valid_femoral_neck"),
        _valid("DXXFMBCC").alias("valid_total_hip"),
        reason.alias("hip_unusable_reason"),
        pl.when(scanned).then(pl.lit("hologic")).alias("device_maker"),
    ]


def _frax(columns: Sequence[str]) -> list[pl.Expr]:
    """FRAX as NHANES gives it, by whether a fracture after 20 is reported (DXXPRVFX 1, else 2)."""
    if not {"DXXPRVFX", "DXXFRAX1", "DXXFRAX2", "DXXFRAX3", "DXXFRAX4"} <= set(columns):
        return []
    had = pl.col("DXXPRVFX")

    def output(with_fracture: str, without: str) -> pl.Expr:
        return pl.when(had == 1).then(with_fracture).when(had == 2).then(without)

    return [
        output("DXXFRAX1", "DXXFRAX3").alias("frax_hip"),
        output("DXXFRAX2", "DXXFRAX4").alias("frax_major"),
    ]


def _unsure(people: pl.DataFrame) -> list[Finding]:
    """Refused, not known, not to be determined: counted by canonical column."""
    out = []
    for column, codes in _UNSURE.items():
        unsure = [
            pl.col(c).is_in([float(code) for code in many]).fill_null(False)
            for c, many in codes.items()
        ]
        n = int(people.select(pl.any_horizontal(unsure).sum()).item())
        if n:
            message = "answers refused, not known or not determinable, now null"
            out.append(Finding("not_known", "note", column, n, message))
    return out
