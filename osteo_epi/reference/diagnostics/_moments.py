"""Moments of the residuals, and the Q statistics that test them by age.

Royston & Wright 2000, doi:10.1002/1097-0258(20001115)19:21<2943::AID-SIM559>3.0.CO;2-5; the forms
are those of R gamlss `Q.stats`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.reference.curves import Curve
from osteo_epi.reference.diagnostics._residuals import Band, Residuals
from osteo_epi.reference.diagnostics._worms import positions
from osteo_epi.survey import Array

STATISTICS = ("mean", "spread", "skewness", "kurtosis")
# Variances times n of mean, log SD, skewness and excess kurtosis of a normal distribution.
CHANCE = {"mean": 1.0, "spread": 0.5, "skewness": 6.0, "kurtosis": 24.0}


@dataclass(frozen=True)
class Moments:
    """Weighted moments of residuals; divisors as in R gamlss (n, not n − 1)."""

    n: int
    effective: float
    mean: float
    variance: float
    skewness: float
    kurtosis: float
    filliben: float

    @classmethod
    def of(cls, z: Array, weight: Array, effective: float) -> Moments:
        """Of (n,) residuals; kurtosis is that over a normal distribution's 3."""
        from scipy.special import ndtri

        share = weight / weight.sum()
        mean = float(share @ z)
        about = z - mean
        second, third, fourth = (float(share @ about**k) for k in (2, 3, 4))
        order = np.argsort(z, kind="stable")
        expected = ndtri(positions(weight[order]))
        both = np.cov(z[order], expected, aweights=weight[order])
        filliben = float(both[0, 1] / np.sqrt(both[0, 0] * both[1, 1]))
        return cls(
            len(z), effective, mean, second, third / second**1.5, fourth / second**2 - 3, filliben
        )

    def z_scores(self) -> tuple[float, float, float, float]:
        """Z1 to Z4: standard normal where the residuals are."""
        n = self.effective
        shrink = 2 / (9 * n - 9)
        return (
            np.sqrt(n) * self.mean,
            (self.variance ** (1 / 3) - (1 - shrink)) / np.sqrt(shrink),
            _dagostino(self.skewness, n),
            _anscombe_glynn(self.kurtosis + 3, n),
        )

    def sizes(self) -> dict[str, float]:
        """How large each fault is, in units of its own."""
        return {
            "mean": self.mean,
            "spread": 0.5 * float(np.log(self.variance)),
            "skewness": self.skewness,
            "kurtosis": self.kurtosis,
        }


def _dagostino(skewness: float, n: float) -> float:
    """Skewness as a normal score; D'Agostino 1970, doi:10.1093/biomet/57.3.679."""
    scaled = skewness * np.sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    fourth = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3)
    fourth /= (n - 2) * (n + 5) * (n + 7) * (n + 9)
    square = np.sqrt(2 * (fourth - 1)) - 1
    scaled = scaled / np.sqrt(2 / (square - 1))
    return float(np.arcsinh(scaled) / np.sqrt(0.5 * np.log(square)))


def _anscombe_glynn(kurtosis: float, n: float) -> float:
    """Kurtosis as a normal score; Anscombe & Glynn 1983, doi:10.1093/biomet/70.1.227."""
    expected = 3 * (n - 1) / (n + 1)
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    scaled = (kurtosis - expected) / np.sqrt(variance)
    third = 6 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9))
    third *= np.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6 + 8 / third * (2 / third + np.sqrt(1 + 4 / third**2))
    root = np.cbrt((1 - 2 / a) / (1 + scaled * np.sqrt(2 / (a - 4))))
    return float((1 - 2 / (9 * a) - root) / np.sqrt(2 / (9 * a)))


def by_band(residuals: Residuals) -> list[tuple[Band, Moments]]:
    """The moments of each band."""
    return [
        (band, Moments.of(residuals.z[band.rows], residuals.weight[band.rows], size))
        for band, size in zip(residuals.bands, residuals.effective, strict=True)
    ]


def moments(residuals: Residuals, bands: list[tuple[Band, Moments]]) -> pl.DataFrame:
    """Moments of all people, then of each band.

    Returns
    -------
    DataFrame
        ages, first, last, n, n_effective, mean, variance, skewness, kurtosis (over 3), filliben
        (correlation of ordered residuals with normal quantiles).
    """
    whole = residuals.everybody
    rows = residuals.z[whole.rows], residuals.weight[whole.rows]
    everybody = (whole, Moments.of(*rows, sum(residuals.effective)))
    return pl.DataFrame([_row(*each) for each in (everybody, *bands)])


def _row(band: Band, of: Moments) -> dict[str, Any]:
    return band.columns | {
        "n": of.n, "n_effective": of.effective, "mean": of.mean, "variance": of.variance,
        "skewness": of.skewness, "kurtosis": of.kurtosis, "filliben": of.filliben,
    }  # fmt: skip


def q_statistics(bands: list[tuple[Band, Moments]]) -> pl.DataFrame:
    """Z1 to Z4 and D'Agostino's K² of each band."""
    rows = []
    for band, of in bands:
        z = of.z_scores()
        scores = {f"z{i + 1}": value for i, value in enumerate(z)}
        rows.append(band.columns | {"n": of.n, "n_effective": of.effective} | scores
                    | {"k2": z[2] ** 2 + z[3] ** 2})  # fmt: skip
    return pl.DataFrame(rows)


def q_totals(curve: Curve, bands: list[tuple[Band, Moments]], *, same: bool) -> pl.DataFrame:
    """Q1 to Q4 and K²: the sum of the squares over the bands, with its test.

    Returns
    -------
    DataFrame
        statistic, of (mean, spread, skewness, kurtosis; both shapes), q, df, p, and size: the root
        mean square of the fault over the bands, less chance. df is the number of bands less those
        of the model, as in R gamlss: of mu, (sigma + 1)/2, nu, tau; p is null where none is left.
    """
    scores = np.array([of.z_scores() for _, of in bands])
    q = (scores**2).sum(axis=0)
    df = len(bands) - np.array(_spent(curve, same=same))
    rows = [
        {"statistic": f"Q{i + 1}", "of": name, "q": float(q[i]), "df": float(df[i]),
         "p": _p(q[i], df[i]), "size": _size(bands, name, df[i])}
        for i, name in enumerate(STATISTICS)
    ]  # fmt: skip
    rows.append({"statistic": "K2", "of": "skewness and kurtosis", "q": float(q[2] + q[3]),
                 "df": float(df[2] + df[3]), "p": _p(q[2] + q[3], df[2] + df[3]),
                 "size": None})  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"p": pl.Float64, "size": pl.Float64})


def _spent(curve: Curve, *, same: bool) -> tuple[float, float, float, float]:
    if not same:
        return (0.0, 0.0, 0.0, 0.0)
    df = curve.fit.df
    return df["mu"], (df["sigma"] + 1) / 2, df.get("nu", 0.0), df.get("tau", 0.0)


def _p(q: float, df: float) -> float | None:
    from scipy.special import chdtrc

    return float(chdtrc(df, q)) if df > 0 else None


def _size(bands: list[tuple[Band, Moments]], name: str, df: float) -> float:
    """Root mean square over the bands; what chance gives is taken off."""
    n = np.array([of.effective for _, of in bands])
    value = np.array([of.sizes()[name] for _, of in bands])
    chance = CHANCE[name] * max(df, 0.0)
    return float(np.sqrt(max(n @ value**2 - chance, 0.0) / n.sum()))
