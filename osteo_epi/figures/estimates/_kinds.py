"""Which parts of its table each kind of result is drawn by."""

from __future__ import annotations

from osteo_epi import population
from osteo_epi.accuracy import (
    Accuracy,
    AccuracyComparison,
    AccuracyTable,
    CorrectedPrevalence,
    PairedShares,
    ROCComparison,
    VerifiedAccuracy,
)
from osteo_epi.agreement import (
    BlandAltman,
    Concordance,
    Correlation,
    Equivalence,
    ErrorRatio,
    Intraclass,
    Kappa,
    Prediction,
    Raters,
)
from osteo_epi.calibration import (
    BeforeAfter,
    Correction,
    CrossDeviceLSC,
    CrossValidation,
    PrecisionCheck,
    PrecisionError,
    PrecisionTable,
    Steps,
    VarianceComponents,
)
from osteo_epi.figures.estimates._parts import Part, Series
from osteo_epi.figures.estimates._turned import (
    against_expected,
    by_ages,
    coefficient,
    first,
    in_rows,
    in_years,
    is_equivalent,
    less,
    likely_powers,
    margin_and_p,
    measure,
    of_events,
    of_people,
    p_of,
    pair,
    passes,
    per,
    second,
    share_or_rate,
    unit,
    without_intercept,
)
from osteo_epi.language import said
from osteo_epi.reference import FractionalPowers, HeightAdjustment, WeightedKappa
from osteo_epi.results import Result
from osteo_epi.risk import (
    BrierScore,
    ConcordanceComparison,
    CurveComparison,
    HorizonComparison,
    PersonYears,
    Reclassification,
    TimeDependentAUC,
    TwoByTwo,
    Validation,
)
from osteo_epi.risk import Concordance as RiskConcordance
from osteo_epi.survey import Estimate, Quantiles, Regression

rates = population.rates
CV = "rms_cv_percent"
DIFFERENCE = ("difference", "lower", "upper")
SHARES = ("sensitivity", "specificity", "ppv", "npv", "proportion_correct", "prevalence")
TESTED = ("sensitivity", "specificity", "ppv", "npv")
RATIOS = ("risk_ratio", "odds_ratio")
NRI = ("nri", "nri_events", "nri_nonevents", "category_nri", "category_nri_events",
       "category_nri_nonevents")  # fmt: skip
IDI = ("idi", "idi_events", "idi_nonevents")


def _ends(stem: str) -> tuple[str, str, str]:
    """An estimate's column and those of its limits, called by it."""
    return stem, f"{stem}_lower", f"{stem}_upper"


_DIFFERENCE = (Series(columns=DIFFERENCE),)
_EITHER = (Series(first, ("first",)), Series(second, ("second",)))
_PRECISION = (
    Part(
        lambda _: said("Precision error, RMS-CV [%]"),
        series=(Series(columns=_ends(CV)),),
        natural=True,
    ),
    Part(
        lambda _: said("Least significant change"),
        in_unit=True,
        series=(Series(columns=_ends("lsc")),),
        natural=True,
    ),
)
_COMPARED = (
    Part(lambda _: said("Share of people"), ("measure",), series=_EITHER),
    Part(less, ("measure",), series=_DIFFERENCE, line=0),
)
_ACCURACY: dict[type[Result], tuple[Part, ...]] = {
    Accuracy: (
        Part(lambda _: said("Share of people"), ("measure", "at_prevalence"), ("measure", SHARES)),
    ),
    AccuracyComparison: _COMPARED,
    PairedShares: _COMPARED,
    AccuracyTable: (
        Part(
            lambda _: said("Share of people"),
            ("measure", "at_prevalence"),
            ("measure", TESTED),
            by="test",
        ),
    ),
    CorrectedPrevalence: (
        Part(
            lambda _: said("Prevalence"),
            ("measure",),
            ("measure", ("uncorrected", "prevalence")),
            words=lambda: {
                "prevalence": said("corrected for the test's errors"),
                "uncorrected": said("positive by the test"),
            },
        ),
    ),
    ROCComparison: (
        Part(
            lambda _: said("Area under the curve"), ("of",), table=pair("auc_first", "auc_second")
        ),
        Part(less, series=_DIFFERENCE, line=0, foot=p_of),
    ),
    VerifiedAccuracy: (
        Part(
            lambda _: said("Share of people"),
            ("measure",),
            ("measure", TESTED),
            series=(
                Series(lambda _: said("corrected for who was verified")),
                Series(lambda _: said("of those verified alone"), ("verified_only",)),
            ),
        ),
    ),
}
_AGREEMENT: dict[type[Result], tuple[Part, ...]] = {
    BlandAltman: (Part(lambda _: said("Difference, y − x"), ("statistic",), in_unit=True, line=0),),
    Concordance: (Part(lambda _: said("Concordance correlation coefficient")),),
    Correlation: (
        Part(lambda _: said("Correlation: association, not agreement"), ("statistic",)),
    ),
    Equivalence: (
        Part(
            lambda _: said("Mean difference, y − x"), in_unit=True, line=0,
            dashed=("margin_lower", "margin_upper"), foot=margin_and_p, finding=is_equivalent,
        ),
    ),
    ErrorRatio: (
        Part(
            lambda _: said("SD of repeated readings"), in_unit=True, line=0,
            table=in_rows({"first": "sd_x", "second": "sd_y"}),
            words=lambda: {"first": said("Method x"), "second": said("Method y")},
        ),
    ),
    Intraclass: (Part(lambda _: said("Intraclass correlation"), ("form", "meaning")),),
    Kappa: (
        Part(
            lambda _: said("Agreement beyond chance"), ("statistic",),
            ("statistic", ("kappa", "pabak")), line=0,
        ),
    ),
    Prediction: (
        Part(
            lambda _: said("Predicted reading on y"), ("x",), in_unit=True, over="x", few=2,
            along=lambda: said("Reading on x"),
        ),
    ),
    Raters: (
        Part(
            lambda _: said("Agreement beyond chance"), ("statistic",),
            ("statistic", ("fleiss", "krippendorff_nominal", "krippendorff_ordinal")), line=0,
        ),
    ),
    WeightedKappa: (Part(lambda _: said("Weighted kappa"), line=0),),
}  # fmt: skip
_CALIBRATION: dict[type[Result], tuple[Part, ...]] = {
    BeforeAfter: (
        Part(
            lambda r: said("Mean reading [{unit}]", unit=unit(r)), natural=True,
            series=(
                Series(lambda _: said("before"), ("mean_before",)),
                Series(lambda _: said("after"), ("mean_after",)),
            ),
        ),
        Part(
            lambda r: said("Change of the mean [{unit}]", unit=unit(r)),
            series=(Series(columns=("change", "lower", "upper")),), line=0, natural=True,
        ),
    ),
    Correction: (
        Part(
            lambda _: said("Factor"), series=(Series(columns=_ends("factor")),), line=1,
            natural=True,
        ),
        Part(
            lambda r: said("Shift [{unit}]", unit=unit(r)),
            series=(Series(columns=_ends("shift")),), line=0, natural=True,
        ),
    ),
    CrossDeviceLSC: (
        Part(
            lambda _: said("Least significant change"), in_unit=True, line=0,
            table=in_rows({"lsc": "lsc", "precision": "from_precision"}),
            words=lambda: {
                "lsc": said("between the devices"), "precision": said("from their precision alone"),
            },
        ),
    ),
    CrossValidation: (
        Part(
            lambda _: said("Root mean square error in people left out"), in_unit=True, line=0,
            table=in_rows(
                {"without": "rmse_uncorrected", "shift": "rmse_shift", "line": "rmse"}
            ),
            words=lambda: {
                "without": said("uncorrected"), "shift": said("a shift alone"),
                "line": said("the line"),
            },
        ),
        Part(
            lambda _: said("Mean error in people left out"), in_unit=True, line=0,
            table=in_rows({"without": "bias_uncorrected", "line": "bias"}),
            words=lambda: {"without": said("uncorrected"), "line": said("the line")},
        ),
    ),
    PrecisionCheck: (
        Part(
            lambda _: said("Precision error, RMS-CV [%]"),
            series=(Series(columns=(CV, "lower", "upper")),), dashed=("minimum_percent",),
            natural=True, foot=lambda _: said("Dashed: the most that is allowed"), finding=passes,
        ),
    ),
    PrecisionError: _PRECISION,
    PrecisionTable: _PRECISION,
    Steps: (Part(lambda _: said("Change of the mean reading"), ("at",), in_unit=True, line=0),),
    VarianceComponents: (
        Part(
            lambda _: said("SD of readings"), in_unit=True, line=0,
            table=in_rows({"between": "sd_between", "within": "sd_within"}),
            words=lambda: {
                "between": said("between people"), "within": said("within a person"),
            },
        ),
    ),
}  # fmt: skip
_POPULATION: dict[type[Result], tuple[Part, ...]] = {
    rates.DirectRate: (Part(per, ("of",), table=of_events("cases", "person_years", in_years)),),
    rates.IndirectRates: (
        Part(
            lambda _: said("Observed over expected"), ratio=True, line=1,
            series=(Series(columns=_ends("ratio")),),
        ),
    ),
    rates.Proportion: (
        Part(
            lambda _: said("Share of people"), ("of",), table=of_events("events", "n", of_people)
        ),
    ),
    rates.ProportionDifference: (Part(lambda _: said("Difference of two shares"), line=0),),
    rates.Rate: (Part(per, ("of",), table=of_events("cases", "person_years", in_years)),),
    rates.RateRatio: (Part(lambda _: said("Rate ratio"), ratio=True, line=1),),
    rates.Smr: (
        Part(
            lambda _: said("Observed over expected"), ("of",), ratio=True, line=1,
            table=of_events("observed", "expected", against_expected),
        ),
    ),
    rates.Standardised: (Part(share_or_rate, by="statistic"),),
}  # fmt: skip
_REFERENCE: dict[type[Result], tuple[Part, ...]] = {
    FractionalPowers: (
        Part(
            lambda _: said("Deviance above that of the best powers"),
            ("powers",),
            series=(Series(columns=("above",)),),
            line=0,
            table=likely_powers,
        ),
    ),
    HeightAdjustment: (
        Part(
            lambda _: said("Rise of the Z-score with one of height"),
            ("ages",),
            series=(Series(columns=("slope",)),),
            line=0,
            table=by_ages,
        ),
        Part(
            lambda _: said("Correlation of the adjusted Z-score with height's"),
            ("ages",),
            series=(Series(columns=("correlation_left",)),),
            line=0,
            table=by_ages,
        ),
    ),
}
_RISK: dict[type[Result], tuple[Part, ...]] = {
    BrierScore: (
        Part(
            lambda _: said("Brier score"), ("at",), ("measure", ("brier", "null_brier")),
            by="measure", over="at", along=lambda: said("Time"),
        ),
        Part(
            lambda _: said("Index of prediction accuracy"), ("at",), ("measure", ("ipa",)), line=0,
            over="at", along=lambda: said("Time"),
        ),
    ),
    ConcordanceComparison: (
        Part(lambda _: said("Concordance"), ("of",), table=pair("c_first", "c_second"), line=0.5),
        Part(less, series=_DIFFERENCE, line=0, foot=p_of),
    ),
    CurveComparison: (
        Part(
            lambda _: said("Events"), ("group",), foot=p_of,
            series=(
                Series(lambda _: said("observed"), ("observed",)),
                Series(lambda _: said("expected if groups did not differ"), ("expected",)),
            ),
        ),
    ),
    HorizonComparison: (
        Part(measure, ("at",), series=_EITHER, over="at", along=lambda: said("Time")),
        Part(less, ("at",), series=_DIFFERENCE, line=0, over="at", along=lambda: said("Time")),
    ),
    PersonYears: (Part(lambda _: said("Events in the person-time")),),
    Reclassification: (
        Part(
            lambda _: said("Net benefit, second less first"), ("threshold",),
            ("measure", ("net_benefit_difference",)), line=0,
        ),
        Part(
            lambda _: said("Net reclassification"), ("measure",), ("measure", NRI), line=0
        ),
        Part(
            lambda _: said("Integrated discrimination improvement"), ("measure",),
            ("measure", IDI), line=0,
        ),
    ),
    RiskConcordance: (Part(lambda _: said("Concordance"), line=0.5),),
    TimeDependentAUC: (
        Part(
            lambda _: said("Area under the curve"), ("at",), line=0.5, over="at",
            along=lambda: said("Time"),
        ),
    ),
    TwoByTwo: (
        Part(
            lambda _: said("Risk"), ("measure",), ("measure", ("risk_exposed", "risk_unexposed"))
        ),
        Part(
            lambda _: said("Ratio"), ("measure",), ("measure", RATIOS), by="adjusted", ratio=True,
            line=1, words=lambda: {
                "adjusted=True": said("adjusted"), "adjusted=False": said("crude"),
            },
        ),
        Part(
            lambda _: said("Risk difference"), ("adjusted",),
            ("measure", ("risk_difference",)), line=0, words=lambda: {
                "adjusted=True": said("adjusted"), "adjusted=False": said("crude"),
            },
        ),
    ),
    Validation: (
        Part(
            lambda _: said("Value of the measure"), ("measure", "at"),
            series=(
                Series(lambda _: said("in the people of the fit"), ("apparent",)),
                Series(lambda _: said("corrected for optimism"), ("corrected",)),
            ),
        ),
    ),
}  # fmt: skip
_SURVEY: dict[type[Result], tuple[Part, ...]] = {
    Estimate: (Part(lambda _: said("Estimate"), ("of",)),),
    Quantiles: (Part(lambda _: said("Quantile"), ("probability",)),),
    Regression: (Part(coefficient, ("term",), line=0, table=without_intercept),),
}
ESTIMATES = _ACCURACY | _AGREEMENT | _CALIBRATION | _POPULATION | _REFERENCE | _RISK | _SURVEY
"""Results that `interval_chart` draws, and by which parts of their tables."""
