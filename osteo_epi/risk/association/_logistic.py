"""Logistic regression on arrays: the fit, its linearised form, and limits by the likelihood.

The likelihood is climbed as Cox's is, so what cannot be fitted is named the same way; limits by
the profile and replicate weights fit it many times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from osteo_epi.risk.hazard import INTERCEPT, Quadratic, climb, refuse_repeats
from osteo_epi.survey import Array, Mask

FARTHEST = 60
"""Doublings of the distance [standard errors] within which an end of the profile is sought."""


@dataclass(frozen=True)
class LogisticFit:
    """A fitted model, the intercept first.

    Attributes
    ----------
    coefficients, covariance
        (1 + p,) log odds ratios and (1 + p, 1 + p) inverse information.
    loglik
        Log-likelihood of the model.
    influence
        (n, 1 + p) weighted linearised coefficients, 0 outside the fit.
    """

    coefficients: Array
    covariance: Array
    loglik: float
    influence: Array


@dataclass(frozen=True)
class _Likelihood:
    """(m, q) columns, (m,) outcomes, weights and offset."""

    x: Array
    yes: Array
    weight: Array
    offset: Array

    def at(self, beta: Array) -> Quadratic:
        eta = self.x @ beta + self.offset
        share = special.expit(eta)
        loglik = float(self.weight @ (self.yes * eta - np.logaddexp(0.0, eta)))
        score = self.x.T @ (self.weight * (self.yes - share))
        information = (self.x.T * (self.weight * share * (1 - share))) @ self.x
        return loglik, score, information


def fit_logistic(yes: Mask, x: Array, *, weight: Array, names: Sequence[str]) -> LogisticFit:
    """Fit a logistic regression with an intercept.

    Parameters
    ----------
    yes
        (n,) who has the event.
    x
        (n, p) covariates, without an intercept.
    weight
        (n,) weights; people of weight 0 are not in the fit.
    names
        (p,) what an error calls the covariates.

    Raises
    ------
    SchemaError
        As `hazard.fit_cox`.
    """
    rows = weight > 0
    w, centre = weight[rows], np.average(x[rows], axis=0, weights=weight[rows])
    centred = x[rows] - centre
    model = _Likelihood(
        np.column_stack([np.ones(len(w)), centred]), yes[rows].astype(float), w, np.zeros(len(w))
    )
    start = model.at(np.zeros(x.shape[1] + 1))
    scale = (np.square(centred) + 1e-16 * np.square(x[rows])).T @ w
    refuse_repeats(start[2][1:, 1:], names, scale)
    reach = np.concatenate([[1.0], np.ptp(x[rows], axis=0)])
    beta, top = climb(model.at, start, (INTERCEPT, *names), reach)
    # From the centre back to the covariates' own origin.
    back = np.eye(len(beta))
    back[0, 1:] = -centre
    covariance = back @ np.linalg.inv(top[2]) @ back.T
    value = back @ beta
    own = np.column_stack([np.ones(len(w)), x[rows]])
    influence = np.zeros((len(rows), len(beta)))
    gap = w * (model.yes - special.expit(model.x @ beta))
    influence[rows] = (own * gap[:, None]) @ covariance
    return LogisticFit(value, covariance, top[0], influence)


def profile_limits(
    fit: LogisticFit, yes: Mask, x: Array, *, rows: Mask, place: int, fall: float
) -> tuple[float, float]:
    """Limits of one coefficient where the likelihood, at its best, is lower by so much.

    Parameters
    ----------
    fit
        Of the same people, each of weight 1.
    yes, x, rows
        (n,) outcome, (n, p) covariates and people.
    place
        Of the coefficient among the covariates.
    fall
        Half of the chi-square quantile of the level, 1 degree of freedom.

    Returns
    -------
    tuple
        Lower and upper; infinite where the likelihood does not fall so far.
    """
    columns = np.column_stack([np.ones(rows.sum()), np.delete(x[rows], place, axis=1)])
    own, given = x[rows, place], yes[rows].astype(float)
    weight, start = np.ones(len(own)), np.delete(fit.coefficients, place + 1)
    middle = float(fit.coefficients[place + 1])
    se = float(np.sqrt(fit.covariance[place + 1, place + 1]))

    def rest(value: float) -> float:
        model = _Likelihood(columns, given, weight, own * value)
        return fit.loglik - _best(model, start) - fall

    def end(way: float) -> float:
        step = se * np.sqrt(2 * fall)
        for _ in range(FARTHEST):
            if rest(middle + way * step) > 0:
                ends = (middle, middle + way * step)
                return float(optimize.brentq(rest, *ends, xtol=1e-12 * se, rtol=1e-14))
            step *= 1.5
        return way * np.inf

    return end(-1.0), end(1.0)


def _best(model: _Likelihood, start: Array) -> float:
    """Highest log-likelihood, from coefficients near it."""
    beta, here = start, model.at(start)
    for _ in range(FARTHEST):
        step = np.linalg.lstsq(here[2], here[1], rcond=None)[0]
        there = model.at(beta + step)
        while there[0] < here[0] - 1e-12 * abs(here[0]) and np.abs(step).max() > 1e-12:
            step = step / 2
            there = model.at(beta + step)
        beta, gain, here = beta + step, float(here[1] @ step), there
        if gain < 1e-14:
            break
    return here[0]
