"""Codes in words, and the labels that figures and tables share."""

from __future__ import annotations

import polars as pl

from osteo_epi.language import said

SIMULATED = "simulated"
OF = "people_affected_of"
"""Flag of every estimate that rests on simulated people."""
WORDS = {
    "female": "Women",
    "male": "Men",
    "all": "All",
    "osteoporosis": "Osteoporosis",
    "low_bone_mass": "Low bone mass",
    "normal": "Normal",
    "below_expected_range": "Below the expected range for age",
    "within_expected_range": "Within the expected range for age",
    "not_classifiable": "Not classifiable",
    "crude": "Crude",
    "age_standardised": "Age-standardised",
    "age_band": "By age",
    "lumbar_spine": "Lumbar spine",
    "femoral_neck": "Femoral neck",
    "total_hip": "Total hip",
    "radius_33": "Distal third of the radius",
    "femoral_neck_ctxa": "Femoral neck (CTXA)",
    "total_hip_ctxa": "Total hip (CTXA)",
    "vbmd_lumbar_spine": "Lumbar spine (QCT)",
    "fragility_fracture": "Fragility fracture",
    "secondary_cause": "Secondary cause",
    "osta": "OSTA",
    "orai": "ORAI",
    "score": "SCORE",
    "qus_t_score": "Ultrasound T-score",
    "qus_stiffness": "Ultrasound stiffness",
    "frax_major": "FRAX, major fracture",
    "frax_hip": "FRAX, hip fracture",
    "abmd_radius_pdxa": "Peripheral DXA, radius",
    "vbmd_radius_pqct": "Peripheral QCT, radius",
    "marrow_fat_fraction": "Marrow fat fraction",
    "ctx": "CTX",
    "p1np": "P1NP",
    "pth": "PTH",
    "vitamin_d_25oh": "25-hydroxyvitamin D",
    "alkaline_phosphatase": "Alkaline phosphatase",
    "serum_calcium": "Serum calcium",
    "serum_phosphate": "Serum phosphate",
}
SEPARATOR = " · "


def word(name: object) -> str:
    """Say a code in words; a code without words is given back as it stands.

    Examples
    --------
    >>> word("female"), word("rural_north")
    ('Women', 'rural_north')
    """
    return said(WORDS[str(name)]) if str(name) in WORDS else str(name)


def people_heading(rows: pl.DataFrame) -> str | None:
    """The heading of people affected, which says whose they are; None where no row has any.

    Examples
    --------
    >>> rows = {"people_affected": [4.9e7], "people_affected_of": ["the population of China"]}
    >>> people_heading(pl.DataFrame(rows))
    'People affected [million] in the population of China'
    """
    if "people_affected" not in rows.columns or not rows["people_affected"].count():
        return None
    of = next(iter(rows[OF].drop_nulls()), None) if OF in rows.columns else None
    return "People affected [million]" + (f" in {of}" if of else "")


def grouping(frame: pl.DataFrame) -> list[str]:
    """Name the columns by which a prevalence is broken down: those between class and statistic.

    Examples
    --------
    >>> grouping(pl.DataFrame(schema=["definition", "class", "sex", "centre", "statistic"]))
    ['sex', 'centre']
    """
    columns = frame.columns
    return columns[columns.index("class") + 1 : columns.index("statistic")]


def group_label(frame: pl.DataFrame, *, words: bool = False) -> pl.Expr:
    """Name the group of each row, in codes or in words; everybody is "all"."""
    columns = grouping(frame)
    parts = [pl.col(name).cast(pl.String).fill_null("not stated") for name in columns]
    if words:
        parts = [worded(part) for part in parts]
    return pl.concat_str(parts, separator=SEPARATOR) if parts else worded(pl.lit("all"))


def worded(codes: pl.Expr) -> pl.Expr:
    """Say codes in words, as `word` does, in the language spoken now."""
    return codes.cast(pl.String).replace({code: said(words) for code, words in WORDS.items()})
