"""BMD by age, a panel a site, with the young adults it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import (
    INK,
    above_titles,
    align,
    legend_under_title,
    nothing,
    own_axes,
    small_multiples,
    style_of,
    under,
)
from osteo_epi.figures._words import fitted, legible, listed
from osteo_epi.frames import as_polars
from osteo_epi.language import said, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
RISE = 0.02
"""[g/cm²] From this rise of the mean after `OLD` years on, degeneration is spoken of: half as much
again as its standard error where seven bands hold 150 people each. It chooses a sentence alone."""
OLD = 50
"""[years] From which on women and men lose bone, so that a spine that rises has another cause."""


@drawing
def bmd_by_age(
    curve: Any,
    ax: Axes | None = None,
    *,
    reference: Any = None,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw mean BMD by age and sex, a panel for each site, with the young-adult reference.

    Parameters
    ----------
    curve
        Of `population.bmd_by_age`: a frame of any kind with roi, sex, age [years], mean and sd
        [g/cm²].
    ax
        Axes to divide into panels; of its own by default.
    reference
        A frame with roi, sex, mean, cut_off [g/cm²]: the reference's mean and the BMD at the
        criterion's cut-off, drawn as level lines.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`: one line a sex, a band of one standard
        deviation around it. Where the mean of the spine rises with age, a line below says why
        that is no gain of bone.

    Raises
    ------
    SchemaError
        If a column is absent, as where people are given and not their curve.

    Examples
    --------
    >>> import osteo_epi as oe
    >>> rules = oe.definition("china_2020", reference="zhang_2007")
    >>> axes = bmd_by_age(oe.population.bmd_by_age(oe.datasets.survey().frame, rules))
    >>> [panel.get_title(loc="left") for panel in axes.child_axes]
    ['Lumbar spine', 'Femoral neck', 'Total hip']
    """
    rows = as_polars(curve)[0].lazy().collect()
    absent = [name for name in ("roi", "sex", "age", "mean", "sd") if name not in rows.columns]
    if absent:
        raise SchemaError(
            f"columns {absent} are not in the frame; pass the result of population.bmd_by_age()"
        )
    if rows.is_empty():
        return nothing(said("No age band holds enough people with a BMD."), note, ax)
    levels = None if reference is None else as_polars(reference)[0].lazy().collect()
    rois = rows["roi"].unique(maintain_order=True).to_list()
    columns = min(COLUMNS, len(rois))
    size = (0.9 + 2.3 * columns, 1.5 + 2.5 * -(-len(rois) // columns))
    axes = ax or own_axes(*size, said("Areal BMD by age"))
    panels = small_multiples(axes, [legible(word(roi), letters=24) for roi in rois],
                             columns=columns)  # fmt: skip
    for panel, roi in zip(panels, rois, strict=True):
        _curves(panel, rows.filter(pl.col("roi") == roi))
        if levels is not None:
            _levels(panel, levels.filter(pl.col("roi") == roi))
    foot = align(axes, panels, columns, x=said("Age [years]"), y=said("Areal BMD [g/cm²]"))
    axes.set_title(fitted(title), fontsize=11, color=INK, loc="left")
    handles = panels[0].get_legend_handles_labels()[0]
    legend_under_title(
        axes, handles=[*handles, *_keys(levels)], gap=0.5, above=above_titles(panels)
    )
    band = said("Lines: means; bands: ± 1 SD")
    under(foot, band, _degeneration(rows), note=note)
    describe(axes, _alt(rows))
    return axes


def _curves(axes: Axes, rows: pl.DataFrame) -> None:
    for order, sex in enumerate(rows["sex"].unique(maintain_order=True)):
        style = style_of(str(sex), order=order)
        one = rows.filter(pl.col("sex") == sex)
        age, mean, sd = (one[c].to_numpy() for c in ("age", "mean", "sd"))
        axes.fill_between(age, mean - sd, mean + sd, color=style.colour, alpha=0.13, lw=0)
        axes.plot(age, mean, style.line, color=style.colour, marker=style.marker, ms=4,
                  label=legible(word(sex)))  # fmt: skip


def _levels(axes: Axes, reference: pl.DataFrame) -> None:
    shared = reference["mean"].n_unique() == 1 and reference.height > 1
    for row in reference.iter_rows(named=True):
        colour = INK if shared else style_of(row["sex"]).colour
        axes.axhline(row["mean"], color=colour, lw=0.9, ls=(0, (6, 3)), zorder=1)
        axes.axhline(row["cut_off"], color=colour, lw=1.1, ls=(0, (1, 2)), zorder=1)


def _keys(reference: pl.DataFrame | None) -> list[Any]:
    from matplotlib.lines import Line2D

    if reference is None or reference.is_empty():
        return []
    return [
        Line2D([], [], color=INK, lw=0.9, ls=(0, (6, 3)), label=said("Young-adult reference mean")),
        Line2D([], [], color=INK, lw=1.1, ls=(0, (1, 2)), label=said("BMD at the cut-off")),
    ]


def _rising(rows: pl.DataFrame) -> list[str]:
    """The sexes whose mean of the spine rises after `OLD` years, by the line through the means.

    A line, since the mean of a few old people wavers by more than `RISE` without a trend.
    """
    old = rows.filter(pl.col("roi") == "lumbar_spine", pl.col("age") >= OLD)
    n = pl.col("n").fill_null(1) if "n" in rows.columns else pl.lit(1)
    weight = n / n.sum()
    age, mean = (pl.col(name) - (pl.col(name) * weight).sum() for name in ("age", "mean"))
    slope = (weight * age * mean).sum() / (weight * age**2).sum()
    rises = old.group_by("sex", maintain_order=True).agg(
        rise=slope * (pl.col("age").max() - pl.col("age").min()), bands=pl.len()
    )
    return [str(sex) for sex, rise, bands in rises.iter_rows() if bands > 2 and rise >= RISE]


def _degeneration(rows: pl.DataFrame) -> str:
    sexes = _rising(rows)
    if not sexes:
        return ""
    return said(
        "{sexes}: BMD of the lumbar spine rises with age, as degenerative changes and aortic "
        "calcification make it; it is no gain of bone.",
        sexes=said(", ").join(word(sex) for sex in sexes),
    )


def _alt(rows: pl.DataFrame) -> str:
    """First and last mean of each site and sex."""
    parts = []
    for roi, sex in rows.select("roi", "sex").unique(maintain_order=True).iter_rows():
        one = rows.filter(pl.col("roi") == roi, pl.col("sex") == sex).sort("age")
        ends = [rounding.density(one["mean"][place]) for place in (0, -1)]
        ages = [f"{one['age'][place]:g}" for place in (0, -1)]
        parts.append(
            said("{roi}, {sex}: {first} at {young} years, {last} at {old}", roi=word(roi),
                 sex=word(sex), first=ends[0], last=ends[1], young=ages[0], old=ages[1])
        )  # fmt: skip
    return said("Mean BMD [g/cm²] by age. {parts}.", parts=listed(parts))
