"""Reference databases: curves by age, how good they are, and the norm file they become."""

from osteo_epi.reference._peaks import Peak, Peaks, peaks
from osteo_epi.reference._reference import ROIS, WAYS, Reference, at_whole_years, fit_reference
from osteo_epi.reference.curves import (
    CENTILES,
    FAMILIES,
    Constant,
    Curve,
    FractionalPolynomial,
    LocalPolynomial,
    NaturalSpline,
    Polynomial,
    PSpline,
    Quantiles,
    fit_curve,
    fit_local_polynomial,
    fit_quantiles,
)
from osteo_epi.reference.people import (
    Balance,
    Rule,
    Selection,
    balance,
    check_reference_people,
    read_rules,
    select,
    whipple,
)
from osteo_epi.reference.publication import Publication, publish
from osteo_epi.reference.uncertainty import Bands, bands

__all__ = [
    "CENTILES",
    "FAMILIES",
    "ROIS",
    "WAYS",
    "Balance",
    "Bands",
    "Constant",
    "Curve",
    "FractionalPolynomial",
    "LocalPolynomial",
    "NaturalSpline",
    "PSpline",
    "Peak",
    "Peaks",
    "Polynomial",
    "Publication",
    "Quantiles",
    "Reference",
    "Rule",
    "Selection",
    "at_whole_years",
    "balance",
    "bands",
    "check_reference_people",
    "fit_curve",
    "fit_local_polynomial",
    "fit_quantiles",
    "fit_reference",
    "peaks",
    "publish",
    "read_rules",
    "select",
    "whipple",
]
