"""Estimates with their limits, a row each: what a table of few numbers looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from osteo_epi.accuracy import Accuracy
from osteo_epi.agreement import Concordance, Correlation, Intraclass, Kappa
from osteo_epi.calibration import PrecisionError, PrecisionTable, Steps
from osteo_epi.errors import SchemaError
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._rows import Rows, beside
from osteo_epi.figures._style import INK, STYLES, dress, nothing, own_axes, under
from osteo_epi.figures._words import joined, listed, with_limits
from osteo_epi.language import said, word
from osteo_epi.results import Result
from osteo_epi.risk import PersonYears, TimeDependentAUC
from osteo_epi.rounding import level, number, percent
from osteo_epi.survey import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LIMITS = ("estimate", "lower", "upper")
DIGITS = 3
CV = "rms_cv_percent"
SHARES = ("sensitivity", "specificity", "ppv", "npv", "proportion_correct", "prevalence")


@dataclass(frozen=True)
class _Kind:
    """How the table of one kind of result is read.

    `heading` says what is drawn; `labels` are the columns that name a row, `rows` the values of the
    first of them that are drawn (all, if none are named); `columns` are estimate and limits; `line`
    is where a dotted line stands.
    """

    heading: Callable[[], str]
    labels: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = LIMITS
    line: float | None = None


_PRECISION = _Kind(
    lambda: said("Precision error, RMS-CV [%]"), columns=(CV, f"{CV}_lower", f"{CV}_upper")
)
ESTIMATES: dict[type[Result], _Kind] = {
    Accuracy: _Kind(lambda: said("Share of people"), ("measure", "at_prevalence"), SHARES),
    Concordance: _Kind(lambda: said("Concordance correlation coefficient")),
    Correlation: _Kind(lambda: said("Correlation: association, not agreement"), ("statistic",)),
    Estimate: _Kind(lambda: said("Estimate"), ("of",)),
    Intraclass: _Kind(lambda: said("Intraclass correlation"), ("form", "meaning")),
    Kappa: _Kind(
        lambda: said("Agreement beyond chance"), ("statistic",), ("kappa", "pabak"), line=0
    ),
    PersonYears: _Kind(lambda: said("Events in the person-time")),
    PrecisionError: _PRECISION,
    PrecisionTable: _PRECISION,
    Steps: _Kind(lambda: said("Change of the mean reading"), ("at",), line=0),
    TimeDependentAUC: _Kind(lambda: said("Area under the curve"), ("at",), line=0.5),
}
"""Results that `interval_chart` draws."""


@drawing
def interval_chart(
    result: Result, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw estimates with their limits, a row each, the numbers at the right.

    Parameters
    ----------
    result
        Of a kind in `ESTIMATES`: precision errors, steps of a phantom, shares of a test, kappa,
        correlations, survey estimates, rates, areas under a curve.
    ax
        Axes to draw into; of its own by default, as high as there are rows.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes

    Raises
    ------
    SchemaError
        If the result is of another kind.

    Examples
    --------
    >>> from osteo_epi.calibration import precision_of
    >>> axes = interval_chart(precision_of([[0.90, 0.91], [1.00, 0.98], [0.85, 0.85]]))
    >>> axes.get_xlabel().splitlines()[0], axes.texts[0].get_text()
    ('Precision error, RMS-CV [%]', '0.94 (0.533 to 3.51)')
    """
    kind = next((ESTIMATES[form] for form in type(result).__mro__ if form in ESTIMATES), None)
    if kind is None:
        known = ", ".join(form.__name__ for form in ESTIMATES)
        raise SchemaError(f"{type(result).__name__} is none of {known}")
    rows = _rows(result, kind)
    if not rows:
        return nothing(said("There is no estimate of this kind."), note, ax)
    lines = Rows.of([label for label, *_ in rows])
    axes = ax or own_axes(6.0, 1.3 + lines.height, result._summary())
    if kind.line is not None:
        axes.axvline(kind.line, color=INK, lw=0.8, ls=":")
    for (_, *values), place in zip(rows, lines.places, strict=True):
        _draw(axes, values, place)
    lines.name(axes)
    dress(axes, title=title, x=kind.heading(), grid="x")
    stated = result._level()
    limits = "" if stated is None else said("Limits: {level}", level=level(stated))
    under(axes, limits, note=note)
    told = listed(f"{label} {_written(values)}".strip() for label, *values in rows)
    describe(axes, said("{heading}. {parts}.", heading=kind.heading(), parts=told))
    return axes


def _rows(result: Result, kind: _Kind) -> list[tuple[str, float, float | None, float | None]]:
    """Label, estimate and limits of each row that has an estimate."""
    frame = result.to_polars()
    labels = [name for name in kind.labels if name in frame.columns]
    labels = labels or [name for name, dtype in frame.schema.items() if _names(name, dtype, frame)]
    if kind.rows:
        frame = frame.filter(pl.col(labels[0]).is_in(kind.rows))
    return [
        (_label({name: row[name] for name in labels}), *(row[name] for name in kind.columns))
        for row in frame.drop_nulls(kind.columns[0]).iter_rows(named=True)
    ]


def _names(name: str, dtype: pl.DataType, frame: pl.DataFrame) -> bool:
    """Whether a column tells rows apart: text that is not the same in all of several."""
    return dtype == pl.String and name != "method" and frame[name].n_unique() > 1


def _label(names: Mapping[str, Any]) -> str:
    words = [_said(column, name) for column, name in names.items() if name is not None]
    return joined(*words) if words else word("all")


def _said(column: str, name: Any) -> str:
    """What a column says of a row, in words."""
    if column == "at_prevalence":
        return said("at a prevalence of {share}%", share=percent(name, decimals=1))
    words = {
        "sensitivity": said("Sensitivity"),
        "specificity": said("Specificity"),
        "ppv": said("Positive predictive value"),
        "npv": said("Negative predictive value"),
        "proportion_correct": said("Classified as the truth is"),
        "prevalence": said("With the condition by the truth"),
    }
    return words.get(str(name)) or word(name)


def _draw(axes: Axes, values: list[Any], place: float) -> None:
    style = STYLES["male"]
    estimate, lower, upper = values
    if lower is not None and upper is not None:
        axes.plot([lower, upper], [place, place], color=style.colour, lw=1.6)
    axes.plot([estimate], [place], marker=style.marker, ms=5, color=style.colour, ls="")
    beside(axes, place, _written(values))


def _written(values: list[float | None]) -> str:
    return with_limits(*(number(value, digits=DIGITS) for value in values))
