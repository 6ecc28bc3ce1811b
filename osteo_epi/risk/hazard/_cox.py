"""Cox's proportional hazards: the fit, and what is read off it; on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from osteo_epi.errors import DesignError
from osteo_epi.risk.hazard._exact import ExactLikelihood
from osteo_epi.risk.hazard._newton import Quadratic, climb, refuse_repeats
from osteo_epi.risk.hazard._partial import Likelihood, PartialLikelihood
from osteo_epi.risk.hazard._risk_sets import RiskSets, same_times
from osteo_epi.risk.survival._steps import Step
from osteo_epi.survey import Array, Codes, Mask

TIES = ("efron", "breslow", "exact")


@dataclass(frozen=True)
class CoxFit:
    """A fitted model of n people and p covariates.

    Attributes
    ----------
    coefficients
        (p,) log hazard ratio per unit of each covariate.
    information, covariance
        (p, p) observed information and its inverse.
    loglik
        Log partial likelihood without covariates, and of the model.
    score_test
        Chi-square of the score without covariates, p degrees of freedom.
    ties
        "efron", "breslow" or "exact".
    rows
        (n,) people of weight above 0, on whom it rests.
    n_events
        People of them with the event.
    """

    coefficients: Array
    information: Array
    covariance: Array
    loglik: tuple[float, float]
    score_test: float
    ties: str
    rows: Mask
    n_events: int
    _model: PartialLikelihood = field(repr=False)
    _centre: Array = field(repr=False)
    _strata: Codes = field(repr=False)

    @property
    def se(self) -> Array:
        """(p,) standard errors of independent people."""
        return np.sqrt(np.diag(self.covariance))

    @cached_property
    def likelihood(self) -> Likelihood:
        """What residuals and hazards are made of, for the `rows`, covariates centred."""
        if self.ties == "exact":
            raise DesignError(
                'ties="exact" gives coefficients and their errors only; take ties="efron" for '
                "residuals, clusters, a survey design, the test of proportional hazards and risks"
            )
        return self._model.at(self.coefficients)

    @property
    def event(self) -> Mask:
        """(n,) people of the `rows` with the event."""
        return self._filled(self._model.sets.event.astype(float), empty=0.0) == 1

    def martingale(self) -> Array:
        """(n,) events less those expected by the model; NaN of people of weight 0."""
        return self._filled(self._model.sets.event - self.likelihood.expected)

    def deviance(self) -> Array:
        """(n,) martingale residuals, made symmetric around 0."""
        event, expected = self._model.sets.event, self.likelihood.expected
        logs = np.where(event, np.log(np.where(event, expected, 1.0)), 0.0)
        rest = event - expected
        return self._filled(np.sign(rest) * np.sqrt(np.maximum(-2 * (rest + logs), 0.0)))

    def score_residuals(self) -> Array:
        """(n, p) what each person adds to the score, without the weight; 0 at weight 0.

        Times the weights they sum to 0; times weights and covariance they are the linearised
        coefficients, which a survey design sums to its units.
        """
        return self._filled(self.likelihood.score_residuals(), empty=0.0)

    def dfbeta(self) -> Array:
        """(n, p) change of the coefficients, nearly, by a weight more of 1 of each person."""
        change: Array = self.score_residuals() @ self.covariance
        return change

    def schoenfeld(self) -> Array:
        """(n, p) covariates at the event less their mean over the risk set; NaN without event."""
        rest = np.where(self._model.sets.event[:, None], self.likelihood.gain, np.nan)
        return self._filled(rest)

    def robust_covariance(self, cluster: Codes | None = None) -> Array:
        """(p, p) covariance by score residuals, summed to what is independent of each other.

        Parameters
        ----------
        cluster
            (n,) codes 0 …; None where people are independent.

        Notes
        -----
        Lin and Wei 1989, doi 10.1080/01621459.1989.10478874, without a correction for few
        clusters.
        """
        parts = self._filled(self._model.weight, empty=0.0)[:, None] * self.dfbeta()
        if cluster is not None:
            parts = np.column_stack([np.bincount(cluster, column) for column in parts.T])
        robust: Array = parts.T @ parts
        return robust

    def baseline(self, stratum: int = 0) -> Step:
        """Cumulative hazard of people whose covariates are all 0.

        Parameters
        ----------
        stratum
            Its code as it was given; 0 where there are no strata.
        """
        hazard = self._cumulated(self.likelihood.hazards()[0], stratum)
        by = float(np.exp(-self._centre @ self.coefficients))
        return Step(hazard.times, hazard.values * by, 0.0)

    def cumulative_hazard(self, x: Array, times: Array, *, stratum: int = 0) -> tuple[Array, Array]:
        """Cumulative hazard of people of given covariates, with its standard error.

        Parameters
        ----------
        x
            (m, p) covariates.
        times
            (q,) times.
        stratum
            Code of the stratum that they are of.

        Returns
        -------
        hazard, se
            (m, q) each. Survival is exp(−hazard), its standard error survival × se (Tsiatis 1981,
            doi 10.1214/aos/1176345335); people are taken as independent.
        """
        away = np.atleast_2d(x) - self._centre
        risk = np.exp(away @ self.coefficients)[:, None]
        own, variance, means = self.likelihood.hazards()
        hazard, variance, *columns = (
            self._cumulated(part, stratum).at(times) for part in (own, variance, *means.T)
        )
        mean = np.column_stack(columns)
        slope = away[:, None, :] * hazard[:, None] - mean
        spread = np.einsum("mqa,ab,mqb->mq", slope, self.covariance, slope)
        return risk * hazard, risk * np.sqrt(variance + spread)

    def _cumulated(self, value: Array, stratum: int) -> Step:
        if stratum not in self._strata:
            raise DesignError(f"no stratum of code {stratum} in the fit")
        sets = self._model.sets
        own = sets.stratum == np.searchsorted(self._strata, stratum)
        return Step(sets.times[own], np.cumsum(value[own]), 0.0)

    def _filled(self, value: Array, *, empty: float = np.nan) -> Array:
        out = np.full((len(self.rows), *value.shape[1:]), empty, float)
        out[self.rows] = value
        return out


def fit_cox(
    time: Array,
    event: Mask,
    x: Array,
    *,
    entry: Array | None = None,
    weight: Array | None = None,
    stratum: Codes | None = None,
    ties: str = "efron",
    names: Sequence[str] | None = None,
) -> CoxFit:
    """Fit Cox's model.

    Parameters
    ----------
    time, event
        (n,) time of leaving, and whether by the event.
    x
        (n, p) covariates, without an intercept.
    entry
        (n,) time of coming under observation; who enters at a time is not yet at risk then.
    weight
        (n,) weights; people of weight 0 are not in the fit. 1 unless given.
    stratum
        (n,) integer codes of strata, each with a baseline hazard of its own.
    ties
        "efron", "breslow", or "exact" (time is discrete; weights must be equal).
    names
        (p,) what an error calls the covariates.

    Returns
    -------
    CoxFit

    Raises
    ------
    SchemaError
        If a covariate is constant among those at risk, repeats others, or tells those with the
        event from all others (its hazard ratio is then without bound).
    DesignError
        If `ties` is unknown, or "exact" is asked of unequal weights.

    Notes
    -----
    Efron 1977, doi 10.1080/01621459.1977.10480613; Breslow 1974, doi 10.2307/2529620; Cox 1972,
    doi 10.1111/j.2517-6161.1972.tb00899.x. Times that differ by rounding only are one time.

    Examples
    --------
    >>> time = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    >>> event = np.array([True, True, False, True, True, False, True, False])
    >>> x = np.array([[2.0], [0], [1], [1], [2], [0], [0], [1]])
    >>> fit_cox(time, event, x).coefficients.round(4)
    array([0.5073])
    """
    if ties not in TIES:
        raise DesignError(f"unknown ties {ties!r}; choose one of {', '.join(TIES)}")
    w = np.ones(len(time)) if weight is None else np.asarray(weight, float)
    rows = w > 0
    times = same_times(time[rows], *(() if entry is None else (entry[rows],)))
    given = np.zeros(len(time), int) if stratum is None else stratum
    strata, code = np.unique(given[rows], return_inverse=True)
    start = None if entry is None else times[1]
    sets = RiskSets.of(times[0], event[rows].astype(bool), w[rows], code, start)
    centre = np.asarray(np.average(x[rows], axis=0, weights=w[rows]), float)
    model = PartialLikelihood.of(sets, x[rows] - centre, w[rows], ties=ties)
    called = tuple(names) if names is not None else tuple(f"x{j}" for j in range(x.shape[1]))
    likelihood = _exact(model) if ties == "exact" else _partial(model)
    null = likelihood(np.zeros(x.shape[1]))
    # The second part: what rounding leaves of a constant is no variation.
    scale = (np.square(model.x) + 1e-16 * np.square(x[rows])).T @ model.weight
    refuse_repeats(null[2], called, scale)
    beta, final = climb(likelihood, null, called, np.ptp(x[rows], axis=0))
    covariance = np.linalg.inv(final[2]).astype(float)
    score = float(null[1] @ np.linalg.solve(null[2], null[1]))
    return CoxFit(
        beta, final[2], covariance, (null[0], final[0]), score, ties, rows,
        int(sets.event.sum()), model, centre, strata,
    )  # fmt: skip


def _partial(model: PartialLikelihood) -> Callable[[Array], Quadratic]:
    def at(beta: Array) -> Quadratic:
        here = model.at(beta)
        with np.errstate(invalid="ignore", over="ignore"):
            return here.loglik, here.score(), here.information()

    return at


def _exact(model: PartialLikelihood) -> Callable[[Array], Quadratic]:
    if np.ptp(model.weight) > 0:
        raise DesignError('ties="exact" counts people: it takes no weights; take ties="efron"')
    return ExactLikelihood(model.sets, model.x).at
