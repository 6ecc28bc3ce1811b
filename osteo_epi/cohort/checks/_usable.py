"""Whether what a column calls unusable can be so: not most of what was measured."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort._codebook import codebook
from osteo_epi.findings import Finding
from osteo_epi.questions import Asking, People, asked

CODES = ("mostly_unusable",)
SITES = {
    "spine_unusable_reason": ("lumbar_spine", "l1", "l2", "l3", "l4"),
    "hip_unusable_reason": ("femoral_neck", "total_hip"),
}
_OF_ROI = ("valid_", "invalid_reason_")
_FEWEST = 10  # readings of which a share is one


def check_usable(people: People) -> Asking[list[Finding]]:
    """Say where most readings of a site or region are declared unusable, as by a misread column."""
    refused = dict(_refused(people))
    counts = yield from asked(
        sums={
            f"{what}_{column}": expression.sum()
            for column, (unusable, measured) in refused.items()
            for what, expression in (("of", measured), ("n", unusable & measured))
        }
    )
    return [
        _said(column, counts[f"n_{column}"], counts[f"of_{column}"], unusable & measured)
        for column, (unusable, measured) in refused.items()
        if counts[f"of_{column}"] >= _FEWEST and counts[f"n_{column}"] * 2 > counts[f"of_{column}"]
    ]


def _refused(people: People) -> list[tuple[str, tuple[pl.Expr, pl.Expr]]]:
    """Columns that call readings unusable: which people they mean, and who has such a reading."""
    found = []
    for name, variable in codebook().variables.items():
        rois = SITES.get(name, (variable.roi,) if name.startswith(_OF_ROI) else ())
        names = [n for roi in rois for n in (f"abmd_{roi}", f"t_score_{roi}_reported")]
        names += [f"vbmd_{roi}" for roi in rois if name not in SITES]
        there = [pl.col(n).is_not_null() for n in names if people.has(n)]
        if not (people.has(name) and there):
            continue
        text = pl.col(name).cast(pl.String)
        unusable = ~variable.says_nothing(text) if "_reason" in name else ~pl.col(name)
        found.append((name, (unusable.fill_null(False), pl.any_horizontal(there))))
    return found


def _said(column: str, n: int, of: int, where: pl.Expr) -> Finding:
    message = f"readings that the column calls unusable: {n} of {of}; they do not count"
    fix = (
        "look whether its words say that the site can be used, or its yes and no are the other way "
        "round; correct them, or leave the column out with map={heading: None} (--map HEADING=none)"
    )
    return Finding("mostly_unusable", "warning", column, n, message, fix, where)
