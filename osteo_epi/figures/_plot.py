"""Which figure a result has: what `Result.plot` asks."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from osteo_epi.accuracy import (
    ROC,
    AdjustedROC,
    CutPoints,
    ROCBand,
    ROCComparison,
    SmoothROC,
    StardFlow,
    StudySize,
    ThresholdComparison,
    Transport,
)
from osteo_epi.agreement import BlandAltman, Line, MethodEquivalence, Transitions
from osteo_epi.calibration import Differences, MixedLine, PhantomLines, Signals
from osteo_epi.cohort import Cohort, Flow
from osteo_epi.errors import SchemaError
from osteo_epi.figures._definitions import (
    difference_by_choice,
    prevalence_by_definition,
    prevalence_over,
)
from osteo_epi.figures._drawing import drawing
from osteo_epi.figures.accuracy import (
    band_chart,
    cut_point_panel,
    roc_comparison,
    roc_curve,
    stard_diagram,
    study_size_chart,
    threshold_chart,
    transport_chart,
)
from osteo_epi.figures.agreement import bland_altman, method_comparison, transitions
from osteo_epi.figures.calibration import (
    differences_between,
    phantom_deviations,
    signal_chart,
)
from osteo_epi.figures.estimates import ESTIMATES, interval_chart
from osteo_epi.figures.people import (
    balance_chart,
    outlier_chart,
    rule_shifts,
    sample_size_chart,
)
from osteo_epi.figures.prevalence import flow_diagram, prevalence_by_age
from osteo_epi.figures.reference import (
    centile_chart,
    peak_chooser,
    reference_chart,
    reference_comparison,
    smoothed_mean,
    worm_plot,
)
from osteo_epi.figures.risk import (
    calibration_chart,
    decision_chart,
    forest_plot,
    incidence_chart,
    marker_chart,
    risk_distribution,
    screening_chart,
    survival_chart,
)
from osteo_epi.population import Decomposition, DefinitionGrid, Prevalence, Trend
from osteo_epi.reference import (
    Balance,
    Bands,
    Comparison,
    Curve,
    Diagnostics,
    LocalPolynomial,
    Outliers,
    Peaks,
    Quantiles,
    Reference,
    SampleSize,
    Selection,
    Sensitivity,
)
from osteo_epi.results import Result
from osteo_epi.risk import (
    Association,
    BoneAssociation,
    CumulativeIncidence,
    DecisionCurve,
    GradientComparison,
    PredictedRisk,
    RiskCalibration,
    ScreeningComparison,
    SurvivalCurve,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@singledispatch
def plot(result: Any, ax: Axes | None = None, **options: Any) -> Axes:
    """Draw a result by the figure of its kind; `result.plot()` is the same.

    Parameters
    ----------
    result
        Any result.
    ax
        Axes to draw into; of its own by default, which Jupyter shows.
    **options
        What the figure takes beside the result.

    Returns
    -------
    Axes

    Raises
    ------
    SchemaError
        If there is no figure of such a result: it is a list of words, say, or a test with one
        statistic. The message says what there is instead.

    Examples
    --------
    >>> import polars as pl
    >>> from osteo_epi.datasets import survey
    >>> from osteo_epi.reference import fit_curve
    >>> women = survey().frame.filter(pl.col("sex") == "female")
    >>> plot(fit_curve(women, "abmd_total_hip"), people=women).get_ylabel()
    'Areal BMD [g/cm²]'
    """
    if not isinstance(result, Result):
        raise SchemaError(f"{type(result).__name__} is no result of osteo_epi: nothing to draw")
    kind, instead = type(result).__name__, result.no_figure
    if instead:
        raise SchemaError(f"{kind} {instead}")
    columns = ", ".join(result.to_polars().columns)
    raise SchemaError(
        f"there is no figure of the kind {kind}; its numbers are in to_frame(), columns {columns}"
    )


def _over(form: type[Result], draw: Callable[..., Axes]) -> None:
    """Register a figure that takes people beside the result, before the axes."""

    def drawn(result: Any, ax: Axes | None = None, **options: Any) -> Axes:
        return draw(result, ax=ax, **options)

    plot.register(form, drawn)


def _part(form: type[Result], name: str, draw: Callable[..., Axes]) -> None:
    """Register the figure of a part of a result, which is what one looks at first."""

    @drawing
    def drawn(result: Any, ax: Axes | None = None, *, note: str = "", **options: Any) -> Axes:
        return draw(getattr(result, name), ax=ax, note=note, **options)

    plot.register(form, drawn)


_over(Bands, centile_chart)
_over(Curve, centile_chart)
_over(Quantiles, centile_chart)
_over(LocalPolynomial, smoothed_mean)
_over(Reference, reference_chart)
_over(Line, method_comparison)
_over(PhantomLines, phantom_deviations)
plot.register(Balance, balance_chart)
plot.register(Decomposition, difference_by_choice)
plot.register(Cohort, flow_diagram)
plot.register(DefinitionGrid, prevalence_by_definition)
plot.register(Differences, differences_between)
plot.register(Flow, flow_diagram)
plot.register(Prevalence, prevalence_by_age)
plot.register(Transitions, transitions)
plot.register(Trend, prevalence_over)
plot.register(Comparison, reference_comparison)
plot.register(Diagnostics, worm_plot)
plot.register(Outliers, outlier_chart)
plot.register(Peaks, peak_chooser)
plot.register(SampleSize, sample_size_chart)
plot.register(Sensitivity, rule_shifts)
plot.register(ROC, roc_curve)
plot.register(Association, forest_plot)
plot.register(BoneAssociation, marker_chart)
plot.register(GradientComparison, forest_plot)
plot.register(DecisionCurve, decision_chart)
plot.register(RiskCalibration, calibration_chart)
plot.register(CutPoints, cut_point_panel)
plot.register(SmoothROC, roc_curve)
plot.register(AdjustedROC, roc_curve)
plot.register(ROCBand, band_chart)
plot.register(StardFlow, stard_diagram)
plot.register(Transport, transport_chart)
plot.register(ThresholdComparison, threshold_chart)
plot.register(ScreeningComparison, screening_chart)
plot.register(SurvivalCurve, survival_chart)
plot.register(CumulativeIncidence, incidence_chart)
plot.register(PredictedRisk, risk_distribution)
plot.register(Signals, signal_chart)
plot.register(StudySize, study_size_chart)
for _form in ESTIMATES:
    plot.register(_form, interval_chart)
# These are rows only where they keep nothing better to draw.
plot.register(BlandAltman, bland_altman)
plot.register(ROCComparison, roc_comparison)
_part(MethodEquivalence, "limits", bland_altman)
_part(MixedLine, "line", method_comparison)
_part(Selection, "flow", flow_diagram)
