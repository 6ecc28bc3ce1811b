"""Curves by age: distributions whose parameters are smooth in age, and their centiles."""

from osteo_epi.norms import FAMILIES, Family, find_family
from osteo_epi.reference.curves._basis import Basis
from osteo_epi.reference.curves._children import HeightAdjustment, bmad, height_adjustment
from osteo_epi.reference.curves._curve import CENTILES, Curve, fit_curve
from osteo_epi.reference.curves._fit import Fit, Fitting
from osteo_epi.reference.curves._likelihood import Sample, expected_information, likelihood
from osteo_epi.reference.curves._local import LocalPolynomial, fit_local_polynomial
from osteo_epi.reference.curves._powers import FractionalPowers, choose_powers
from osteo_epi.reference.curves._quantiles import Quantiles, fit_quantiles
from osteo_epi.reference.curves._terms import (
    Constant,
    FractionalPolynomial,
    NaturalSpline,
    Polynomial,
    PSpline,
    Term,
)

__all__ = [
    "CENTILES",
    "FAMILIES",
    "Basis",
    "Constant",
    "Curve",
    "Family",
    "Fit",
    "Fitting",
    "FractionalPolynomial",
    "FractionalPowers",
    "HeightAdjustment",
    "LocalPolynomial",
    "NaturalSpline",
    "PSpline",
    "Polynomial",
    "Quantiles",
    "Sample",
    "Term",
    "bmad",
    "choose_powers",
    "expected_information",
    "find_family",
    "fit_curve",
    "fit_local_polynomial",
    "fit_quantiles",
    "height_adjustment",
    "likelihood",
]
