"""Figures of whether predicted risks are true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteo_epi.figures._drawing import drawing
from osteo_epi.figures._picture import describe
from osteo_epi.figures._style import GRID, INK, OTHERS, SMALL, WIDTH, dress, own_axes, under
from osteo_epi.figures._words import TIE, limits_said, listed
from osteo_epi.language import said, word
from osteo_epi.risk import RiskCalibration
from osteo_epi.rounding import count, level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HISTOGRAM = 0.14
"""Share of the axes' height that the histogram of risks takes, below the curve."""


@drawing
def calibration_chart(
    result: RiskCalibration, ax: Axes | None = None, *, title: str = "", note: str = ""
) -> Axes:
    """Draw observed over predicted risk: groups with limits, curve with band, and who has which.

    Parameters
    ----------
    result
        Of `risk.risk_calibration`.
    ax
        Axes to draw into; of its own by default.
    title, note
        Words above the axes, and under them.

    Returns
    -------
    Axes
        The dotted line is of risks that are true. The histogram below says how many people have
        which risk; its height has no scale.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.risk import risk_calibration
    >>> people = pl.DataFrame({
    ...     "risk": [0.05, 0.1, 0.3, 0.6, 0.1, 0.2, 0.4, 0.7],
    ...     "fracture": [False, True, False, True, False, False, True, False],
    ... })
    >>> axes = calibration_chart(risk_calibration(people, risk="risk", outcome="fracture"))
    >>> axes.get_xlabel().splitlines()[0]
    'Predicted risk [%]'
    """
    axes = ax or own_axes(WIDTH, WIDTH + 0.6, result._summary())
    top = _top(result)
    axes.plot([0, top], [0, top], color=INK, lw=0.9, ls=":", label=said("risks that are true"))
    _draw_curve(axes, result)
    _draw_groups(axes, result)
    _draw_histogram(axes, result, top)
    axes.set_xlim(0, top)
    axes.set_ylim(-HISTOGRAM * top * 1.15, top)
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= top])
    axes.set_aspect("equal")
    heading = title or said("Calibration of {risk}", risk=word(result.risk))
    dress(axes, title=heading, x=said("Predicted risk [%]"), y=said("Observed risk [%]"))
    axes.legend(loc="upper left", fontsize=SMALL, frameon=False)
    told = [f"{name} {shown}".replace(" ", TIE) for name, shown in _measures(result)]
    people = said("{n} people, {events} with {outcome}; limits: {confidence}", n=count(result.n),
                  events=count(result.n_events), outcome=word(result.outcome),
                  confidence=level(result.confidence))  # fmt: skip
    under(axes, listed(told), people, note=note)
    parts = listed(text.replace(TIE, " ") for text in told)
    describe(axes, said("{heading}: {parts}.", heading=heading, parts=parts))
    return axes


def _measures(result: RiskCalibration) -> list[tuple[str, str]]:
    """The measures that there are, with their names."""
    names = {
        "observed_expected": said("O/E"),
        "intercept": said("Intercept"),
        "slope": said("Slope"),
        "ici": said("ICI"),
    }
    return [(name, limits_said(result.measures[key].rounded(3))) for key, name in names.items()
            if key in result.measures]  # fmt: skip


def _top(result: RiskCalibration) -> float:
    """End of both axes [%]: what the groups' limits and the risks reach, in steps of five."""
    reached = [result.distribution["risk_to"].max(), *result.groups["upper"].drop_nulls()]
    highest = 100 * max(float(value) for value in reached if value is not None)  # type: ignore[arg-type]
    return min(100.0, 5.0 * (1 + highest // 5))


def _draw_curve(axes: Axes, result: RiskCalibration) -> None:
    if result.curve.is_empty():
        return
    style = OTHERS[0]
    risk, observed = (100 * result.curve[name].to_numpy() for name in ("risk", "observed"))
    axes.plot(risk, observed, color=style.colour, lw=1.6, label=said("curve"))
    if result.curve["lower"].null_count() == 0:
        lower, upper = (100 * result.curve[name].to_numpy() for name in ("lower", "upper"))
        axes.fill_between(risk, lower, upper, color=style.colour, alpha=0.15, lw=0)


def _draw_groups(axes: Axes, result: RiskCalibration) -> None:
    style = OTHERS[1]
    columns = ("mean_risk", "observed", "lower", "upper")
    mean, middle, lower, upper = (100 * result.groups[name].to_numpy() for name in columns)
    axes.vlines(mean, lower, upper, color=style.colour, lw=1.1)
    axes.plot(mean, middle, ls="", marker=style.marker, ms=5, color=style.colour,
              label=said("{n} groups by risk", n=len(mean)))  # fmt: skip


def _draw_histogram(axes: Axes, result: RiskCalibration, top: float) -> None:
    bins, floor = result.distribution, -HISTOGRAM * top * 1.15
    left, right = (100 * bins[name].to_numpy() for name in ("risk_from", "risk_to"))
    share = bins["share"].to_numpy()
    axes.axhline(0, color=GRID, lw=0.8)
    axes.bar(left, HISTOGRAM * top * share / share.max(), right - left, floor, align="edge",
             color=INK, alpha=0.35, lw=0)  # fmt: skip
