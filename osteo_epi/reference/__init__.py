"""Reference databases: curves by age, how good they are, and the norm file they become."""

from osteo_epi.reference.curves import (
    CENTILES,
    FAMILIES,
    Constant,
    Curve,
    FractionalPolynomial,
    Polynomial,
    PSpline,
    fit_curve,
)

__all__ = [
    "CENTILES",
    "FAMILIES",
    "Constant",
    "Curve",
    "FractionalPolynomial",
    "PSpline",
    "Polynomial",
    "fit_curve",
]
