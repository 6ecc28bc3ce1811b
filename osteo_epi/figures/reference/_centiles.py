"""Figures of curves by age: centiles, smoothed means, and the curves of a whole reference.

Each takes a result, draws into the axes given or into its own, and gives them back; none computes
more than where its lines lie. Above `CROWD` people a hexagonal count stands for the points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from osteo_epi import rounding
from osteo_epi.agreement import critical_value
from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._points import CROWD
from osteo_epi.figures._style import (
    INK,
    SMALL,
    STYLES,
    WIDTH,
    dress,
    own_axes,
    panels_in,
    spread,
    style_of,
    under,
)
from osteo_epi.figures._words import fitted, joined, listed
from osteo_epi.figures.reference._names import heading_of, named
from osteo_epi.frames import as_polars
from osteo_epi.language import language, said, word
from osteo_epi.reference import CENTILES, Bands, Curve, LocalPolynomial, Quantiles, Reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = 200
# From the median outwards, the same on both sides.
LINES: tuple[Any, ...] = ("-", "--", "-.", ":")


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
        percents = percents or curve.centiles["percent"].unique().sort().to_list()
        curve = curve.curve
    sex = sex or _one_sex(people)
    points = None if people is None else _points_of(people, curve, sex)
    heading = title or heading_of(curve.column, sex)
    axes = ax or own_axes(
        WIDTH, 4.4, said("{heading}: centiles by age, {of}", heading=heading, of=curve._summary())
    )
    if isinstance(limits, Bands):
        _draw_peak(axes, limits)
    _draw_centiles(axes, curve, band, points, sex, percents)
    dress(axes, title=heading, x=said("Age [years]"), y=named(curve.column))
    under(axes, _told(curve, band, points), note=note)
    describe(axes, _alt(curve, heading))
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
    axes = ax or own_axes(
        WIDTH,
        4.4,
        said("{heading}: mean and SD by age, {of}", heading=heading, of=smooth._summary()),
    )
    colour = style_of(sex or "all").colour
    if people is not None:
        _draw_people(axes, *_points_of(people, smooth, sex))
    age, mean, se, sd = (smooth.rows[c].to_numpy() for c in ("age", "mean", "mean_se", "sd"))
    reach = critical_value(confidence) * se
    axes.fill_between(age, mean - reach, mean + reach, color=colour, alpha=0.3, lw=0, zorder=2.5)
    lines = {said("−1 SD"): mean - sd, said("mean"): mean, said("+1 SD"): mean + sd}
    for name, line in lines.items():
        middle = name == said("mean")
        axes.plot(
            age, line, ls="-" if middle else "--", color=colour, lw=2.0 if middle else 1.1, zorder=3
        )
    _name_lines(axes, {name: float(line[-1]) for name, line in lines.items()}, float(age[-1]))
    dress(axes, title=heading, x=said("Age [years]"), y=named(smooth.column))
    told = said(
        "local polynomial, bandwidth {width} years; band: {confidence} interval of the mean",
        width=f"{smooth.bandwidth:.3g}",
        confidence=rounding.level(confidence),
    )
    under(axes, told, note=note)
    text = said("{heading}. Mean {name}: {ends}.", heading=heading, name=named(smooth.column),
                ends=_at_ends(age, mean))  # fmt: skip
    describe(axes, text)
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
    heading = title or said("Centiles by age")
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
            name = named(curve.column) if place % len(sexes) == 0 else ""
            words = joined(word(roi), word(sex))
            dress(panel, title=words, x=said("Age [years]") if below else "", y=name)
    axes.set_title(fitted(title), fontsize=11, color=INK, loc="left", pad=20)
    under(panels[-len(sexes)], note=note)
    parts = [_alt(one, heading_of(one.column, sex)) for (sex, _), one in reference.curves.items()]
    describe(axes, " ".join(parts))
    return axes


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
    words = said("{confidence} limits by {method}, {design}", method=curve.method,
                 confidence=rounding.level(curve.confidence), design=curve.design)  # fmt: skip
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
    words = said("{confidence} interval of the median", confidence=rounding.level(confidence))
    return _Band(ages, low, high, words)


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
    if language() != "en":
        return f"P{percent:g}"
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
        else said("quantile regression, {term}", term=curve.term.label)
    )
    parts = [joined(model, f"n = {rounding.count(curve.n)}")]
    if band is not None:
        parts.append(said("band: {words}", words=band.words))
    if points is not None and len(points[0]) > CROWD:
        parts.append(said("darker: more people"))
    if isinstance(curve, Curve) and not curve.fit.converged:
        parts.append(said("THE FIT DID NOT CONVERGE"))
    return listed(parts)


def _alt(curve: Curve | Quantiles, heading: str) -> str:
    """The median at the first and the last age."""
    ages = np.array(curve.ages)
    half = curve.quantile(ages, 50 if isinstance(curve, Quantiles) else 0.5)
    return said("{heading}. Median {name}: {ends}.", heading=heading, name=named(curve.column),
                ends=_at_ends(ages, half))  # fmt: skip


def _at_ends(ages: Any, values: Any) -> str:
    parts = [
        said("{value} at {age} years", value=rounding.number(float(values[place]), digits=3),
             age=f"{ages[place]:g}")
        for place in (0, -1)
    ]  # fmt: skip
    return joined(*parts)
