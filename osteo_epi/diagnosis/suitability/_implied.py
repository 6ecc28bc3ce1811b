"""The file's own T-scores against those that the chosen reference will give.

Where a file has T-scores beside densities, the line of one on the other is the reference that the
scanner used. Whether it is the chosen one is told where it matters: at the density that the chosen
reference scores as osteoporosis.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from osteo_epi.diagnosis._definition import Definition
from osteo_epi.diagnosis.measurements._densities import Densities
from osteo_epi.engines import totals
from osteo_epi.findings import Finding
from osteo_epi.frames import Frame

CODE = "reference_implied"
APART = 0.3
"""[SD] Difference of T at the cut-off from which two references are not the same. Ours: rounding
of T and of densities leaves 0.1, the references in use lie up to 1 apart."""
ENOUGH = 30
_SAME = 1e-12
"""[g²/cm⁴] Variance of densities that are all one value, but for rounding."""


def implied_findings(
    frame: Frame, definition: Definition, densities: Densities
) -> Iterator[Finding]:
    """Compare the reference behind the file's own T-scores with the one of the definition."""
    entries = definition.cut_offs() if "sex" in frame.collect_schema() else []
    pairs = _pairs(densities, [entry["roi"] for entry in entries])
    if not pairs:
        return
    cut = definition.criterion.t_score["osteoporosis"].upper
    lines = _lines(frame, pairs, {entry["roi"]: (entry["cut_off"], cut) for entry in entries})
    gaps: list[tuple[Mapping[str, Any], float, int]] = [
        (entry, t, lines[entry["sex"], entry["roi"]]["n"])
        for entry in entries
        if (t := _t_at(lines.get((entry["sex"], entry["roi"])), entry["cut_off"], cut)) is not None
    ]
    if gaps:
        yield _contradiction(definition, gaps, cut)


def _pairs(densities: Densities, rois: list[str]) -> dict[str, tuple[pl.Expr, pl.Expr]]:
    """Density and reported T-score of each region that has both; null where a person lacks one."""
    pairs: dict[str, tuple[pl.Expr, pl.Expr]] = {}
    for roi in dict.fromkeys(rois):
        density, t_score = densities.areal.density(roi), densities.reported(roi, "t")
        if density is not None and t_score is not None:
            both = density.is_not_null() & t_score.is_not_null()
            pairs[roi] = pl.when(both).then(density), pl.when(both).then(t_score)
    return pairs


def _lines(
    frame: Frame,
    pairs: Mapping[str, tuple[pl.Expr, pl.Expr]],
    origins: Mapping[str, tuple[float, float]],
) -> dict[tuple[str, str], dict[str, Any]]:
    """Moments of density (x) and T-score (y) by sex and region, in one pass over the people.

    They are made of sums about an origin near the people, by which squares lose no digits.
    """
    columns = [
        (value - origin).alias(f"{name} {roi}")
        for roi, pair in pairs.items()
        for name, value, origin in zip("xy", pair, origins[roi], strict=True)
    ]
    people = frame.lazy().select(pl.col("sex").cast(pl.String), *columns)
    sums = [each.alias(f"{name} {roi}") for roi in pairs for name, each in _sums(roi).items()]
    table = totals(people, ["sex"], sums=sums)
    names = list(_sums(""))
    return {
        (row["sex"], roi): _moments({name: row[f"{name} {roi}"] for name in names}, origins[roi])
        for row in table.to_dicts()
        for roi in pairs
    }


def _sums(roi: str) -> dict[str, pl.Expr]:
    x, y = pl.col(f"x {roi}"), pl.col(f"y {roi}")
    squares = {"xx": (x * x).sum(), "yy": (y * y).sum(), "xy": (x * y).sum()}
    return {"n": x.count(), "x": x.sum(), "y": y.sum(), **squares}


def _moments(sums: Mapping[str, Any], origin: tuple[float, float]) -> dict[str, Any]:
    """Means, variances and covariance of n pairs; few tell nothing."""
    n = sums["n"]
    if n < ENOUGH:
        return {"n": n}
    x, y = sums["x"] / n, sums["y"] / n
    products = {"xx": x * x, "yy": y * y, "xy": x * y}
    spread = {name: (sums[name] - n * each) / (n - 1) for name, each in products.items()}
    return {"n": n, "x": x + origin[0], "y": y + origin[1], **spread}


def _t_at(line: Mapping[str, Any] | None, density: float, cut: float) -> float | None:
    """T that the file gives at a density; None where it is the chosen one's, or not known.

    A line whose points scatter by more than the difference in question cannot tell; nor can one
    whose standard error there leaves it open.
    """
    if line is None or line["n"] < ENOUGH or line["xx"] <= _SAME or not line["xy"]:
        return None
    slope = line["xy"] / line["xx"]
    scatter = max(line["yy"] - slope * line["xy"], 0.0) ** 0.5
    t = line["y"] + slope * (density - line["x"])
    se = scatter * (1 / line["n"] + (density - line["x"]) ** 2 / (line["n"] * line["xx"])) ** 0.5
    known = slope > 0 and scatter <= APART and abs(t - cut) - 2 * se > APART
    return float(t) if known else None


def _contradiction(
    definition: Definition, gaps: list[tuple[Mapping[str, Any], float, int]], cut: float
) -> Finding:
    reference = definition.reference.id
    where = "; ".join(
        f"{entry['sex']} {entry['roi']} at {entry['cut_off']:.3f} g/cm²: {_signed(t)}"
        for entry, t, _ in gaps
    )
    message = (
        f"the file's own T-scores rest on another reference than {reference}: where {reference} "
        f"gives T = {_signed(cut)}, the line through the file's gives {where}"
    )
    fix = (
        "choose with reference= (--reference) the one that the scanner used, or reported for the "
        "file's own T-scores, or own_young_adults; where the densities are of another maker than "
        "the reference, bring them to its scale in Python with "
        "osteo_epi.calibration.with_maker_scale (equations calibration/sbmd_hui_1997)"
    )
    columns = dict.fromkeys(f"t_score_{entry['roi']}_reported" for entry, _, _ in gaps)
    n = max(n for _, _, n in gaps)
    return Finding(CODE, "error", ", ".join(columns), n, message, fix, None, reference)


def _signed(t: float) -> str:
    return f"{t:.1f}".replace("-", "−")
