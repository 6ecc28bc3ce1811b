"""NHANES' codes in plain values: who was examined, what is valid and why not, menopause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from osteo_epi.cohort.findings import Finding
from osteo_epi.errors import SchemaError

_VERTEBRAE = ("l1", "l2", "l3", "l4")
_UNSURE: dict[str, dict[str, tuple[int, ...]]] = {
    "postmenopausal": {"RHQ031": (7, 9), "RHD042": (77, 99), "RHD043": (77, 99)},
    "ovaries_removed": {"RHQ305": (7, 9), "RHQ300": (7, 9), "RHQ310": (7, 9)},
    "pregnant": {"RIDEXPRG": (3,)},
}


def with_canonical(
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
    lacking = {c for c in _wanted() if c not in people.columns}
    filled = people.with_columns(pl.lit(None, dtype=pl.Float64).alias(c) for c in sorted(lacking))
    found = _unsure(filled)
    out = filled.with_columns(
        _coded("RIAGENDR", dictionary["sex"]).alias("sex"),
        _coded("RIDRETH1", dictionary["race_ethnicity"]).alias("race_ethnicity"),
        _coded("SDDSRVYR", dictionary["cycles"]).alias("cycle"),
        (pl.col("RIDSTATR") == 2).alias("examined"),
        pl.col(weight).alias("survey_weight"),
        pregnant().alias("pregnant"),
        ovaries_removed().alias("ovaries_removed"),
        *_spine(dictionary),
        *_hip(dictionary),
    )
    out = out.with_columns(postmenopausal().alias("postmenopausal")).drop(lacking)
    names = {k: v for k, v in dictionary["columns"].items() if k in out.columns}
    return out.rename(names).drop(weight), found


def _wanted() -> list[str]:
    spine = [f"DXX{v.upper()}BCC" for v in _VERTEBRAE]
    women = ["RHQ031", "RHD042", "RHD043", "RHD280", "RHQ300", "RHQ305", "RHQ310"]
    return [*spine, *women, "RIDEXPRG", "DXXOSBCC", "DXASPNST", "DXXFMBCC", "DXAFMRST"]


def _coded(column: str, codes: Mapping[str, str]) -> pl.Expr:
    table = {float(code): word for code, word in codes.items()}
    return pl.col(column).replace_strict(table, default=None, return_dtype=pl.String)


def pregnant() -> pl.Expr:
    """Pregnant at the examination (RIDEXPRG 1); men are not, code 3 is not known."""
    women = pl.when(pl.col("RIDEXPRG").is_between(1, 2)).then(pl.col("RIDEXPRG") == 1)
    return pl.when(pl.col("RIAGENDR") == 1).then(pl.lit(False)).otherwise(women)


def ovaries_removed() -> pl.Expr:
    """Both ovaries removed: asked at once (RHQ305), or in two steps until 2006 (RHQ300, RHQ310)."""
    once = pl.when(pl.col("RHQ305").is_between(1, 2)).then(pl.col("RHQ305") == 1)
    both = pl.when(pl.col("RHQ310").is_between(1, 2)).then(pl.col("RHQ310") == 1)
    none = pl.when(pl.col("RHQ300") == 2).then(pl.lit(False))
    return pl.coalesce(once, both, none)


def postmenopausal() -> pl.Expr:
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
    none_left = pl.all_horizontal([(pl.col(c) != 0).fill_null(False) for c in codes.values()])
    told = pl.concat_list(list(reasons.values())).list.unique().list.sort().list.join("; ")
    unusable = pl.coalesce(
        _coded("DXASPNST", dictionary["not_scanned"]),
        pl.when(none_left).then(pl.lit("no usable vertebra: ") + told),
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


def _unsure(people: pl.DataFrame) -> list[Finding]:
    """Refused, not known, not to be determined: counted by canonical column."""
    out = []
    for column, codes in _UNSURE.items():
        said = [
            pl.col(c).is_in([float(code) for code in many]).fill_null(False)
            for c, many in codes.items()
        ]
        n = int(people.select(pl.any_horizontal(said).sum()).item())
        if n:
            message = "answers refused, not known or not determinable, now null"
            out.append(Finding("not_known", "note", column, n, message))
    return out
