"""Figures of a reference: centiles by age, the ways to choose young adults.

Each takes a result, draws into the axes given or into its own, and gives them back; none computes
more than where its lines lie. Above `CROWD` people a hexagonal count stands for the points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from osteo_epi import rounding
from osteo_epi.agreement import critical_value
from osteo_epi.cohort import codebook
from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._points import CROWD
from osteo_epi.figures._style import (
    INK,
    SMALL,
    STYLES,
    WIDTH,
    dress,
    legend_under_title,
    own_axes,
    panels_in,
    spread,
    style_of,
    under,
)
from osteo_epi.figures._words import fitted, legible
from osteo_epi.frames import as_polars
from osteo_epi.labels import word
from osteo_epi.reference import CENTILES, Bands, Curve, LocalPolynomial, Peaks, Quantiles, Reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = 200
# From the median outwards, the same on both sides.
LINES: tuple[Any, ...] = ("-", "--", "-.", ":")
QUANTITIES = {
    "abmd": "Areal BMD",
    "bmc": "Bone mineral content",
    "area": "Bone area",
    "vbmd": "Volumetric BMD",
    "bmad": "Apparent volumetric BMD",
}
UNITS = {"g/cm2": "g/cm²", "mg/cm3": "mg/cm³", "cm2": "cm²", "g/cm3": "g/cm³"}


@dataclass(frozen=True)
class _Band:
    """Limits of the median by age, and whose they are."""

    age: Any
    lower: Any
    upper: Any
    words: str


@drawing
def centile_chart(
    curve: Curve | Quantiles | Bands,
    people: Any = None,
    ax: Axes | None = None,
    *,
    percents: Sequence[float] | None = None,
    confidence: float = 0.95,
    sex: str = "",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw the centiles of a curve by age, named at their right ends, with the people under them.

    Parameters
    ----------
    curve
        Of `reference.fit_curve`; of `reference.bands`, whose limits of the median are drawn, of
        the peak's age and of the density at the T-score too; or of `reference.fit_quantiles`,
        which has no band.
    people
        The people of the curve, to be shown as points; above `CROWD` of them as a count.
    ax
        Axes to draw into; of its own by default.
    percents
        Of people below each line; of bands and quantiles, those that they hold by default.
    confidence
        Level of the band about the median of a curve: people taken as drawn independently (see
        `Curve.parameter_errors`). Bands have their own.
    sex
        "female" or "male", for colour and title; by default that of `people` where it is one.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes

    Raises
    ------
    SchemaError
        If `people` lacks the columns of the curve.

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.reference import fit_curve
    >>> women = survey().frame.filter(pl.col("sex") == "female")
    >>> axes = centile_chart(fit_curve(women, "abmd_total_hip"), people=women)
    >>> [text.get_text() for text in axes.texts]
    ['3rd', '10th', '25th', '50th', '75th', '90th', '97th', 'SIMULATED people']
    """
    band, limits = _band_of(curve, confidence), curve
    if isinstance(curve, Bands):
        percents = percents or curve.centiles["percent"].unique().to_list()
        curve = curve.curve
    sex = sex or _one_sex(people)
    points = None if people is None else _points_of(people, curve, sex)
    heading = title or heading_of(curve.column, sex)
    axes = ax or own_axes(WIDTH, 4.4, f"{heading}: centiles by age, {curve._summary()}")
    if isinstance(limits, Bands):
        _draw_peak(axes, limits)
    _draw_centiles(axes, curve, band, points, sex, percents)
    dress(axes, title=heading, x="Age [years]", y=_named(curve.column))
    under(axes, _told(curve, band, points), note=note)
    return axes


@drawing
def smoothed_mean(
    smooth: LocalPolynomial,
    people: Any = None,
    ax: Axes | None = None,
    *,
    confidence: float = 0.95,
    sex: str = "",
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw mean and SD by age as local polynomials give them, with the people under them.

    Parameters
    ----------
    smooth
        Of `reference.fit_local_polynomial`.
    people, ax, confidence, sex, title, note
        As in `centile_chart`; the band is that of the mean, over the survey design.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.reference import fit_local_polynomial
    >>> women = survey().frame.filter(pl.col("sex") == "female")
    >>> axes = smoothed_mean(fit_local_polynomial(women, "abmd_total_hip"), people=women)
    >>> [text.get_text() for text in axes.texts]
    ['−1 SD', 'mean', '+1 SD', 'SIMULATED people']
    """
    sex = sex or _one_sex(people)
    heading = title or heading_of(smooth.column, sex)
    axes = ax or own_axes(WIDTH, 4.4, f"{heading}: mean and SD by age, {smooth._summary()}")
    colour = style_of(sex or "all").colour
    if people is not None:
        _draw_people(axes, *_points_of(people, smooth, sex))
    age, mean, se, sd = (smooth.rows[c].to_numpy() for c in ("age", "mean", "mean_se", "sd"))
    reach = critical_value(confidence) * se
    axes.fill_between(age, mean - reach, mean + reach, color=colour, alpha=0.3, lw=0, zorder=2.5)
    lines = {"−1 SD": mean - sd, "mean": mean, "+1 SD": mean + sd}
    for name, line in lines.items():
        middle = name == "mean"
        axes.plot(
            age, line, ls="-" if middle else "--", color=colour, lw=2.0 if middle else 1.1, zorder=3
        )
    _name_lines(axes, {name: float(line[-1]) for name, line in lines.items()}, float(age[-1]))
    dress(axes, title=heading, x="Age [years]", y=_named(smooth.column))
    band = f"band: {rounding.level(confidence)} interval of the mean"
    under(axes, f"local polynomial, bandwidth {smooth.bandwidth:.3g} years; {band}", note=note)
    return axes


@drawing
def reference_chart(
    reference: Reference,
    people: Any = None,
    ax: Axes | None = None,
    *,
    percents: Sequence[float] | None = None,
    confidence: float = 0.95,
    title: str = "",
    note: str = "",
) -> Axes:
    """Draw the centiles of a whole reference: a panel for each region and sex.

    Parameters
    ----------
    reference
        Of `reference.fit_reference`.
    people
        To be shown as points or, above `CROWD` in a panel, as a count; by default those that the
        reference was fitted to.
    ax
        Axes to divide into panels; of its own by default.
    percents, confidence
        As in `centile_chart`.
    title, note
        Words above the axes, and under them. Simulated people are named as such in any case.

    Returns
    -------
    Axes
        Those divided; the panels are its `child_axes`, a row a region, women first.

    Examples
    --------
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.reference import fit_reference
    >>> chart = reference_chart(fit_reference(survey(), rois=["femoral_neck", "total_hip"]))
    >>> [panel.get_title(loc="left") for panel in chart.child_axes]
    ['Femoral neck, Women', 'Femoral neck, Men', 'Total hip, Women', 'Total hip, Men']
    """
    rois = list(dict.fromkeys(roi for _, roi in reference.curves))
    sexes = list(dict.fromkeys(sex for sex, _ in reference.curves))
    heading = title or "Centiles by age"
    size = (WIDTH * (1.35 if len(sexes) > 1 else 1), 0.7 + 2.6 * len(rois))
    axes = ax or own_axes(*size, f"{heading}: {reference._summary()}")
    panels = panels_in(axes, len(rois), len(sexes), gap=(0.2, 0.42 / (1 + 1.4 * len(rois))))
    for place, panel in enumerate(panels):
        roi, sex = rois[place // len(sexes)], sexes[place % len(sexes)]
        curve = reference.curves.get((sex, roi))
        panel.set_visible(curve is not None)
        if curve is not None:
            points = _points_of(reference.people if people is None else people, curve, sex)
            _draw_centiles(panel, curve, _band_of(curve, confidence), points, sex, percents)
            below = place // len(sexes) == len(rois) - 1
            name = _named(curve.column) if place % len(sexes) == 0 else ""
            words = f"{word(roi)}, {word(sex)}"
            dress(panel, title=words, x="Age [years]" if below else "", y=name)
    axes.set_title(fitted(title), fontsize=11, color=INK, loc="left", pad=20)
    simulated = "SIMULATED people" if "simulation" in reference.labels else ""
    under(panels[-len(sexes)], simulated, note=note)
    return axes


@drawing
def peak_chooser(peaks: Peaks, ax: Axes | None = None, *, title: str = "", note: str = "") -> Axes:
    """Draw the cut-off that each way to choose young adults gives, and the prevalence it implies.

    Parameters
    ----------
    peaks
        Of `reference.peaks`; with its `target`, a second panel shows the prevalences.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        A row a way, from the first down; marks are cut-offs (T = −2.5) with their intervals, and
        beside them stand ages and number of people.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import peaks
    >>> axes = peak_chooser(peaks(simulate(9_000, seed=1), roi="femoral_neck"))
    >>> [label.get_text() for label in axes.get_yticklabels()][0]
    '20–29 years'
    """
    rows = peaks.to_polars()
    heading = title or f"{word(peaks.roi)}: ways to choose young adults"
    prevalence = "prevalence" in rows.columns
    ways = rows["way"].unique(maintain_order=True).to_list()
    height = 1.5 + (0.62 * len(ways)) * (2.15 if prevalence else 1)
    axes = ax or own_axes(WIDTH, height, f"{heading}: BMD at T = −2.5 with intervals")
    panels = panels_in(axes, 2, 1, gap=(0, 0.17)) if prevalence else [axes]
    _draw_cuts(panels[0], rows, ways)
    dress(panels[0], title=fill(heading, 48), x="BMD at T = −2.5 [g/cm²]", grid="x")
    if prevalence:
        _draw_shares(panels[1], rows, ways)
        first = ways[0]
        dress(
            panels[1],
            x=f"Prevalence in the target, 50 years and over [%]; {first} hollow",
            grid="x",
        )
    legend_under_title(panels[0], columns=2)
    under(panels[-1], "", note=note)
    return axes


def _quantity(column: str) -> tuple[str, str]:
    """Name and unit of what a column holds."""
    name = QUANTITIES.get(column.partition("_")[0], column)
    book = codebook()
    unit = (book[column].unit if column in book else None) or ""
    if not unit and column.startswith("abmd_"):
        unit = "g/cm2"
    return name, UNITS.get(unit, unit)


def heading_of(column: str, sex: str = "") -> str:
    """Region and sex in words."""
    kind, _, region = column.partition("_")
    name = word(region) if kind in QUANTITIES else column
    return f"{name}, {word(sex)}" if sex else name


def _named(column: str) -> str:
    """A column's quantity with its unit."""
    name, unit = _quantity(column)
    return f"{name} [{unit}]" if unit else name


def _draw_centiles(
    axes: Axes,
    curve: Curve | Quantiles,
    band: _Band | None,
    points: tuple[Any, Any] | None,
    sex: str,
    percents: Sequence[float] | None,
) -> None:
    """Points, the band of the median, the lines and their names."""
    colour = style_of(sex or "all").colour
    if points is not None:
        _draw_people(axes, *points)
    ages = np.linspace(*curve.ages, STEPS)
    if band is not None:
        axes.fill_between(
            band.age, band.lower, band.upper, color=colour, alpha=0.3, lw=0, zorder=2.5
        )
    lines = _lines(curve, ages, percents)
    middle = (len(lines) - 1) // 2
    for place, (percent, line) in enumerate(lines.items()):
        style = LINES[min(abs(place - middle), len(LINES) - 1)]
        width = 2.0 if percent == 50 else 1.1
        axes.plot(ages, line, ls=style, color=colour, lw=width, zorder=3)
    _name_lines(axes, {_ordinal(p): float(line[-1]) for p, line in lines.items()}, curve.ages[1])


def _lines(curve: Curve | Quantiles, ages: Any, percents: Sequence[float] | None) -> dict:
    """Each percent's line, ascending."""
    if isinstance(curve, Quantiles):
        return {p: curve.quantile(ages, p) for p in sorted(percents or curve.percents)}
    return {p: curve.quantile(ages, p / 100) for p in sorted(percents or CENTILES)}


def _points_of(
    people: Any, curve: Curve | Quantiles | LocalPolynomial, sex: str
) -> tuple[Any, Any]:
    """Ages and measurements of the people; of one sex where it is named and they state it."""
    frame = as_polars(people)[0].lazy().collect()
    absent = [name for name in ("age", curve.column) if name not in frame.columns]
    if absent:
        raise SchemaError(
            f"column(s) {', '.join(absent)} are not in people=; give the people that the curve "
            "was fitted to, or leave people= out"
        )
    if sex and "sex" in frame.columns:
        frame = frame.filter(pl.col("sex").cast(pl.String) == sex)
    both = frame.select(pl.col("age", curve.column).cast(pl.Float64)).drop_nulls()
    return both["age"].to_numpy(), both[curve.column].to_numpy()


def _one_sex(people: Any) -> str:
    """The sex of people who are of one."""
    if people is None:
        return ""
    frame = as_polars(people)[0].lazy()
    if "sex" not in frame.collect_schema():
        return ""
    sexes = frame.select(pl.col("sex").cast(pl.String).unique()).collect()["sex"].to_list()
    return str(sexes[0]) if len(sexes) == 1 and sexes[0] in STYLES else ""


def _draw_people(axes: Axes, age: Any, value: Any) -> None:
    if len(age) > CROWD:
        # As an image: thousands of hexagons make a page of megabytes.
        axes.hexbin(
            age, value, gridsize=40, mincnt=1, bins="log", cmap="Greys", alpha=0.55, lw=0,
            rasterized=True,
        )  # fmt: skip
    else:
        axes.plot(age, value, ".", color="#8A8A8A", ms=2.6, alpha=0.6, mew=0, zorder=1)


def _band_of(curve: Curve | Quantiles | Bands, confidence: float) -> _Band | None:
    """The limits of the median, where there are any."""
    if isinstance(curve, Quantiles):
        return None
    if isinstance(curve, Curve):
        return _median_band(curve, confidence)
    rows = curve.centiles.filter(pl.col("percent") == 50).drop_nulls("lower")
    if rows.is_empty():
        return None
    words = f"{rounding.level(curve.confidence)} limits by {curve.method}, {curve.design}"
    age, lower, upper = (rows[name].to_numpy() for name in ("age", "lower", "upper"))
    return _Band(age, lower, upper, words)


def _median_band(curve: Curve, confidence: float) -> _Band:
    ages = np.linspace(*curve.ages, STEPS)
    reach = critical_value(confidence) * curve.parameter_errors(ages, "mu")
    at = curve.parameters(ages)
    half = np.full_like(ages, 0.5)
    low, high = (
        curve.family.quantile(half, {**at, "mu": at["mu"] + side * reach}) for side in (-1, 1)
    )
    return _Band(ages, low, high, f"{rounding.level(confidence)} interval of the median")


def _draw_peak(axes: Axes, limits: Bands) -> None:
    """The density at the T-score as a level line with its limits, and the peak with its age's."""
    level, low, high = limits.line
    axes.axhspan(low, high, color=INK, alpha=0.12, lw=0, zorder=1.5)
    axes.axhline(level, color=INK, lw=1.1, ls=(0, (1, 2)), zorder=1.6)
    name = f"T = {limits.t:g}".replace("-", "−")
    axes.annotate(
        name,
        (0.015, high),
        xycoords=("axes fraction", "data"),
        va="bottom",
        bbox={"fc": "white", "ec": "none", "pad": 0.6, "alpha": 0.7},
        fontsize=SMALL,
        color=INK,
    )
    rows = {row["quantity"]: row for row in limits.peak.to_dicts()}
    age, mean = rows["peak age"], rows["peak mean"]["estimate"]
    # A peak at the edge of the ages searched has no limits by the delta method.
    ends = None
    if age["lower"] is not None:
        ends = [[max(age["estimate"] - age["lower"], 0)], [max(age["upper"] - age["estimate"], 0)]]
    axes.errorbar(
        age["estimate"], mean, xerr=ends, fmt="D", ms=5, color=INK, mfc="white",
        capsize=3, lw=1.2, zorder=4,
    )  # fmt: skip


def _name_lines(axes: Axes, ends: dict[str, float], last: float) -> None:
    """Write each line's name at its right end, apart enough to be read."""
    axes.set_xlim(right=last)
    low, high = axes.get_ylim()
    places = spread(list(ends.values()), 0.045 * (high - low))
    for text, place, end in zip(ends, places, ends.values(), strict=True):
        axes.annotate(
            text,
            (last, end),
            xytext=(1.02, place),
            textcoords=("axes fraction", "data"),
            va="center",
            fontsize=SMALL,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": INK, "lw": 0.4, "alpha": 0.5},
        )


def _ordinal(percent: float) -> str:
    """A centile as it is named: 3rd, 97th, 2.5th."""
    whole = int(percent)
    endings = {1: "st", 2: "nd", 3: "rd"}
    teen = whole % 100 in (11, 12, 13)
    ending = "th" if teen or whole != percent else endings.get(whole % 10, "th")
    return f"{percent:g}{ending}"


def _told(curve: Curve | Quantiles, band: _Band | None, points: tuple[Any, Any] | None) -> str:
    """What has to be known of the lines."""
    model = (
        curve.family.title
        if isinstance(curve, Curve)
        else f"quantile regression, {curve.term.label}"
    )
    parts = [f"{model}, n = {rounding.count(curve.n)}"]
    if band is not None:
        parts.append(f"band: {band.words}")
    if points is not None and len(points[0]) > CROWD:
        parts.append("darker: more people")
    if isinstance(curve, Curve) and not curve.fit.converged:
        parts.append("THE FIT DID NOT CONVERGE")
    return "; ".join(parts)


def _draw_cuts(axes: Axes, rows: pl.DataFrame, ways: list[str]) -> None:
    for order, (y, row) in _placed(rows, ways):
        style = style_of(row["sex"], order=order)
        ends = [row["cut_off_lower"], row["cut_off_upper"]]
        axes.plot(ends, [y, y], color=style.colour, lw=1.4, solid_capstyle="butt")
        axes.plot(row["cut_off"], y, style.marker, color=style.colour, ms=6, label=None)
        ages = f"{row['first']:.3g}" + f"–{row['last']:.3g}" * (row["last"] != row["first"])
        axes.annotate(
            f"{ages} y, n {rounding.count(row['n'])}",
            (1.01, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=SMALL - 1,
            color=style.colour,
        )
    for order, sex in enumerate(rows["sex"].unique(maintain_order=True)):
        style = style_of(sex, order=order)
        axes.plot([], [], style.marker, color=style.colour, label=word(sex))
    _name_ways(axes, ways)


def _draw_shares(axes: Axes, rows: pl.DataFrame, ways: list[str]) -> None:
    """Prevalences; the interval is that of the difference from the first way."""
    for order, (y, row) in _placed(rows.drop_nulls("prevalence"), ways):
        style = style_of(row["sex"], order=order)
        share, first = row["prevalence"], row["prevalence"] - (row["difference"] or 0.0)
        if row["difference_lower"] is not None:
            ends = [100 * (first + row[f"difference_{end}"]) for end in ("lower", "upper")]
            axes.plot(ends, [y, y], color=style.colour, lw=1.4, solid_capstyle="butt")
        face = "white" if row["way"] == ways[0] else style.colour
        axes.plot(100 * share, y, style.marker, color=style.colour, mfc=face, ms=6)
        axes.annotate(
            f"{rounding.percent(share, decimals=1)}%",
            (1.01, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=SMALL - 1,
            color=style.colour,
        )
    _name_ways(axes, ways)


def _placed(rows: pl.DataFrame, ways: list[str]) -> Any:
    """The order of each row's sex, where it is drawn, and the row."""
    sexes = rows["sex"].unique(maintain_order=True).to_list()
    for row in rows.to_dicts():
        order = sexes.index(row["sex"])
        yield order, (ways.index(row["way"]) + (order - (len(sexes) - 1) / 2) * 0.34, row)


def _name_ways(axes: Axes, ways: list[str]) -> None:
    axes.set_yticks(range(len(ways)), [legible(way, letters=14) for way in ways])
    axes.set_ylim(len(ways) - 0.5, -0.5)
