"""Figures of a prevalence: BMD by age, prevalence by age, sites; frames in, none computes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi import rounding
from osteo_epi.figures._style import GRID, INK, add_legend, canvas, dress, nothing, signed, style_of
from osteo_epi.figures._words import drawing, legible
from osteo_epi.labels import SEPARATOR, SIMULATED, group_label, word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@drawing
def bmd_by_age(
    curve: pl.DataFrame, *, reference: pl.DataFrame | None = None, note: str = ""
) -> Figure:
    """Draw mean BMD by age and sex, a panel for each site, with the young-adult reference.

    Parameters
    ----------
    curve
        Columns roi, sex, age [years], mean and sd [g/cm²].
    reference
        Columns roi, sex, mean, cut_off [g/cm²]: the reference's mean and the BMD at the
        criterion's cut-off, drawn as level lines.
    note
        A line under the figure, such as the label of a simulated cohort.

    Returns
    -------
    Figure
        One panel a site, one line a sex, a band of one standard deviation around it.
    """
    if curve.is_empty():
        return nothing("No age band holds enough people with a BMD.", note)
    rois = curve["roi"].unique(maintain_order=True).to_list()
    figure = canvas(max(4.6, 3.3 * len(rois)), 4.3)
    panels = figure.subplots(1, len(rois), sharey=True, squeeze=False)[0]
    for axes, roi in zip(panels, rois, strict=True):
        _draw_curves(axes, curve.filter(pl.col("roi") == roi))
        if reference is not None:
            _draw_levels(axes, reference.filter(pl.col("roi") == roi))
        dress(axes, title=word(roi), x="Age [years]")
    panels[0].set_ylabel("Areal BMD [g/cm²]")
    add_legend(figure, panels[0], extra=_level_keys(reference))
    return signed(figure, note)


@drawing
def prevalence_by_age(
    prevalence: pl.DataFrame, *, bone_class: str = "osteoporosis", note: str = ""
) -> Figure:
    """Draw the prevalence of a class by age band with its intervals, a series for each group.

    Parameters
    ----------
    prevalence
        The frame of a prevalence result with rows of the statistic "age_band".
    bone_class
        The class to show.
    note
        A line under the figure.

    Returns
    -------
    Figure
        Points with intervals; an estimate that carries a flag is drawn hollow.
    """
    rows = prevalence.filter(
        (pl.col("statistic") == "age_band") & (pl.col("class") == bone_class)
    ).with_columns(group_label(prevalence).alias("group"))
    if rows.is_empty():
        return nothing("There are no rows by age.", note)
    bands = sorted(rows["age_band"].unique().to_list(), key=_lower_age)
    groups = rows["group"].unique(maintain_order=True).to_list()
    figure = canvas(7.6, 4.4)
    axes = figure.subplots()
    for order, group in enumerate(groups):
        shift = (order - (len(groups) - 1) / 2) * min(0.16, 0.03 * len(bands))
        _draw_points(axes, rows.filter(pl.col("group") == group), bands, shift, group, order)
    axes.set_xticks(range(len(bands)), [legible(band, letters=12) for band in bands])
    axes.set_xlim(-0.6, len(bands) - 0.4)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: f"{rounding.percent(value, decimals=0)}%")
    dress(axes, title=f"{word(bone_class)} by age", x="Age [years]", y="Prevalence [%]")
    add_legend(figure, axes)
    return signed(figure, note)


@drawing
def site_overlap(overlap: pl.DataFrame, *, largest: int = 12, note: str = "") -> Figure:
    """Draw which evidence of osteoporosis occurs together: a column for each combination.

    Parameters
    ----------
    overlap
        Boolean columns, one for each kind of evidence, and n; one row a combination.
    largest
        How many combinations to show, the commonest first; the rest is summed in words.
    note
        A line under the figure.

    Returns
    -------
    Figure
        Columns of counts above a matrix of dots.
    """
    if overlap.is_empty():
        return nothing("Nobody was found to have osteoporosis.", note)
    evidence = [name for name, kind in overlap.schema.items() if kind == pl.Boolean]
    ranked = overlap.sort(["n", *evidence], descending=True)
    shown, others = ranked.head(largest), ranked.slice(largest)
    evidence = [name for name in evidence if shown[name].any()]
    height = 3.0 + 0.36 * len(evidence)
    figure = canvas(max(6.4, 1.9 + 0.62 * shown.height), height)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 0.42 * len(evidence) + 0.3])
    _draw_counts(top, shown["n"].to_list())
    _draw_matrix(bottom, shown.select(evidence))
    if others.height:
        rarer = f"Not drawn: {rounding.count(int(others['n'].sum()))} people of rarer combinations."
        note = f"{note}. {rarer}" if note else rarer
    return signed(figure, note)


def _lower_age(band: str) -> float:
    digits = "".join(c if c.isdigit() or c == "." else " " for c in band).split()
    return float(digits[0]) if digits else 0.0


def _draw_curves(axes: Axes, curve: pl.DataFrame) -> None:
    for order, (sex, rows) in enumerate(_by(curve, "sex")):
        style = style_of(sex, order=order)
        age, mean, sd = (rows[c].to_numpy() for c in ("age", "mean", "sd"))
        axes.fill_between(age, mean - sd, mean + sd, color=style.colour, alpha=0.13, lw=0)
        axes.plot(age, mean, style.line, color=style.colour, marker=style.marker, ms=4,
                  label=legible(word(sex)))  # fmt: skip


def _draw_levels(axes: Axes, reference: pl.DataFrame) -> None:
    shared = reference["mean"].n_unique() == 1 and reference.height > 1
    for row in reference.iter_rows(named=True):
        colour = INK if shared else style_of(row["sex"]).colour
        axes.axhline(row["mean"], color=colour, lw=0.9, ls=(0, (6, 3)), zorder=1)
        axes.axhline(row["cut_off"], color=colour, lw=1.1, ls=(0, (1, 2)), zorder=1)


def _level_keys(reference: pl.DataFrame | None) -> list[Any]:
    from matplotlib.lines import Line2D

    if reference is None or reference.is_empty():
        return []
    return [
        Line2D([], [], color=INK, lw=0.9, ls=(0, (6, 3)), label="Young-adult reference mean"),
        Line2D([], [], color=INK, lw=1.1, ls=(0, (1, 2)), label="BMD at the cut-off"),
    ]


def _draw_points(
    axes: Axes, rows: pl.DataFrame, bands: list[str], shift: float, group: str, order: int
) -> None:
    style = style_of(group, order=order)
    rows = rows.drop_nulls("estimate")
    x = [bands.index(band) + shift for band in rows["age_band"]]
    y = rows["estimate"].to_numpy()
    below = (rows["estimate"] - rows["lower"]).clip(0).fill_null(0).to_numpy()
    above = (rows["upper"] - rows["estimate"]).clip(0).fill_null(0).to_numpy()
    axes.errorbar(x, y, yerr=[below, above], fmt="none", ecolor=style.colour, elinewidth=1.2)
    axes.plot(x, y, style.line, color=style.colour, lw=0.8, alpha=0.6)
    flags = rows["flag"].cast(pl.String).fill_null("").str.split("; ").to_list()
    faces = ["white" if set(f) - {"", SIMULATED} else style.colour for f in flags]
    label = SEPARATOR.join(word(part) for part in group.split(SEPARATOR))
    axes.scatter(
        x, y, marker=style.marker, s=30, facecolors=faces, edgecolors=style.colour, zorder=3
    )
    axes.plot([], [], style.marker, color=style.colour, label=legible(label))


def _draw_counts(axes: Axes, counts: list[int]) -> None:
    from matplotlib.ticker import MaxNLocator

    bars = axes.bar(range(len(counts)), counts, color="#0072B2", width=0.62)
    axes.bar_label(bars, labels=list(map(rounding.count, counts)), padding=2, fontsize=8, color=INK)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.margins(y=0.14)
    dress(axes, title="Which evidence of osteoporosis occurs together", y="People [n]")
    axes.tick_params(bottom=False)


def _draw_matrix(axes: Axes, membership: pl.DataFrame) -> None:
    names = membership.columns
    for x, row in enumerate(membership.iter_rows()):
        held = [y for y, member in enumerate(row) if member]
        axes.scatter([x] * len(names), range(len(names)), s=42, color=GRID, zorder=1)
        axes.plot([x] * len(held), held, "-o", color=INK, ms=6.5, lw=1.6, zorder=2)
    axes.set_yticks(range(len(names)), [legible(word(name)) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xticks([])
    axes.tick_params(left=False, labelsize=9)
    for side in axes.spines.values():
        side.set_visible(False)


def _by(frame: pl.DataFrame, column: str) -> Iterable[tuple[str, pl.DataFrame]]:
    for key in frame[column].unique(maintain_order=True).to_list():
        yield str(key), frame.filter(pl.col(column) == key)
