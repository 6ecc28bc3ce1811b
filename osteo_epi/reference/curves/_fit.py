"""The fit: each parameter in turn, a weighted penalised least squares of its working values.

Ages repeat, so the people are summed to their distinct ages: what grows with people is one pass of
the derivatives. The steps are steered by a rough information and halved until the penalised
likelihood rises; where they end, its exact derivatives are zero. Rigby & Stasinopoulos 2005,
doi:10.1111/j.1467-9876.2005.00510.x.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from osteo_epi.norms import Family
from osteo_epi.reference.curves._terms import PSpline, Term

Array = NDArray[np.float64]
CYCLES = 200
HALVINGS = 12
SMOOTHEST, ROUGHEST = 1e10, 1e-7
# Change of the deviance between two cycles, of its size: far below what anybody reports. Where
# smoothness is chosen, it moves the deviance a little at each cycle, as the choice is local.
CLOSE, CLOSE_CHOSEN = 1e-10, 1e-7
# Degrees of freedom beyond a straight line under which a smoother is one, but for rounding.
STRAIGHT = 5e-3


@dataclass(frozen=True)
class Sample:
    """People summed to their distinct ages.

    Parameters
    ----------
    y, weight
        (n,) measurements and weights; weights sum to n.
    age
        (m,) distinct ages [years], ascending.
    place
        (n,) which of them each person has.
    """

    y: Array
    weight: Array
    age: Array
    place: NDArray[np.int64]

    @classmethod
    def of(cls, age: Array, y: Array, weight: Array) -> Sample:
        """Sort people to their ages."""
        distinct, place = np.unique(age, return_inverse=True)
        return cls(y, weight, distinct, place)

    def total(self, values: Array) -> Array:
        """(m,) weighted sums by age of (n,) values."""
        sums = np.bincount(self.place, self.weight * values, minlength=len(self.age))
        return np.asarray(sums, dtype=np.float64)

    @property
    def ages(self) -> tuple[float, float]:
        """[years] The range."""
        return float(self.age[0]), float(self.age[-1])


@dataclass
class Part:
    """One parameter while it is fitted."""

    name: str
    basis: Array
    penalty: Array | None
    term: Term
    coefficients: Array
    smoothing: float = 10.0
    df: float = 0.0

    @property
    def predictor(self) -> Array:
        """(m,) the sum by age."""
        return np.asarray(self.basis @ self.coefficients)

    def roughness(self) -> float:
        """What the penalty takes from twice the log-likelihood."""
        if self.penalty is None:
            return 0.0
        return float(self.smoothing * self.coefficients @ self.penalty @ self.coefficients)


@dataclass(frozen=True)
class Fit:
    """Coefficients, with what the fit says of itself.

    Parameters
    ----------
    coefficients, df, smoothing
        By parameter.
    deviance
        Minus twice the log-likelihood.
    cycles
        Rounds through the parameters.
    gradient
        Largest derivative of the penalised log-likelihood at the end, by coefficient and √n.
    converged
        Whether the deviance stood still.
    covariance
        By parameter, of its coefficients, the other parameters held: the inverse of information
        and penalty together, which holds the bias of smoothing (Wahba 1983). Of the normal law
        mean and SD are independent; of the others this leaves their correlation out.
    """

    coefficients: Mapping[str, Array]
    df: Mapping[str, float]
    smoothing: Mapping[str, float]
    deviance: float
    cycles: int
    gradient: float
    converged: bool
    covariance: Mapping[str, Array] = field(default_factory=dict, repr=False)
    history: tuple[float, ...] = field(default=(), repr=False)


@dataclass
class Fitting:
    """A fit under way."""

    family: Family
    sample: Sample
    parts: dict[str, Part]

    @classmethod
    def start(cls, family: Family, sample: Sample, terms: Mapping[str, Term]) -> Fitting:
        """Begin at the median, the spread of the logarithms, and a normal shape."""
        parts = {}
        for name in family.parameters:
            term = terms[name]
            basis = term.basis(sample.age, sample.ages)
            beginning = np.full(len(sample.age), _beginning(family, name, sample))
            level = family.links[name].predictor(beginning)
            coefficients = np.asarray(np.linalg.lstsq(basis, level, rcond=None)[0], dtype=float)
            penalty = term.penalty(basis.shape[1])
            parts[name] = Part(name, basis, penalty, term, coefficients)
        return cls(family, sample, parts)

    def values(self) -> dict[str, Array]:
        """(n,) each parameter of each person."""
        return {
            name: self.family.links[name].value(part.predictor)[self.sample.place]
            for name, part in self.parts.items()
        }

    def deviance(self) -> float:
        """Minus twice the weighted log-likelihood; infinite where it is not defined."""
        with np.errstate(all="ignore"):
            each = self.family.log_density(self.sample.y, self.values())
            total = -2 * float(self.sample.weight @ each)
        return total if np.isfinite(total) else np.inf

    def run(self) -> Fit:
        """Cycle until the deviance stands still."""
        history = [self.deviance()]
        chooses = any(
            isinstance(p.term, PSpline) and p.term.df is None for p in self.parts.values()
        )
        close, converged = CLOSE_CHOSEN if chooses else CLOSE, False
        while not converged and len(history) <= CYCLES:
            for name in self.parts:
                self._step(name)
            history.append(self.deviance())
            change = abs(history[-2] - history[-1])
            converged = change < close * (1 + abs(history[-1])) and np.isfinite(history[-1])
        return Fit(
            coefficients={name: part.coefficients for name, part in self.parts.items()},
            df={name: part.df for name, part in self.parts.items()},
            smoothing={name: part.smoothing for name, part in self.parts.items()},
            deviance=history[-1],
            cycles=len(history) - 1,
            gradient=max(self._gradient(name) for name in self.parts) / np.sqrt(len(self.sample.y)),
            converged=converged,
            covariance={name: self._covariance(name) for name in self.parts},
            history=tuple(history),
        )

    def _step(self, name: str) -> None:
        """Move one parameter towards its maximum, the others held."""
        part = self.parts[name]
        slope, information, spread = self._working(name)
        target = information * part.predictor + slope
        local = Local(part, information, target, spread, float(np.sum(self.sample.weight)))
        part.smoothing = local.chosen_smoothing()
        before, old = self.deviance() + part.roughness(), part.coefficients
        new, part.df = local.solution(part.smoothing)
        for _ in range(HALVINGS):
            part.coefficients = new
            if self.deviance() + part.roughness() <= before + 1e-10 * abs(before):
                return
            new = (new + old) / 2
        part.coefficients = old

    def _working(self, name: str) -> tuple[Array, Array, float]:
        """(m,) slopes and information by age, and the sum of squared slopes over information."""
        at = self.values()
        scale = self.family.links[name].slope(at[name])
        slope = self.family.slope(name, self.sample.y, at) * scale
        rough = self.family.information(at).get(name)
        if rough is None:
            mean = float(self.sample.weight @ slope**2 / np.sum(self.sample.weight))
            information = np.full(len(slope), max(mean, 1e-8))
        else:
            information = rough * scale**2
        spread = float(self.sample.weight @ (slope**2 / information))
        return self.sample.total(slope), self.sample.total(information), spread

    def _covariance(self, name: str) -> Array:
        part = self.parts[name]
        information = self._working(name)[1]
        full = part.basis.T @ (information[:, None] * part.basis)
        if part.penalty is not None:
            full = full + part.smoothing * part.penalty
        return np.asarray(np.linalg.pinv(full, hermitian=True))

    def _gradient(self, name: str) -> float:
        """Largest derivative of the penalised log-likelihood by a coefficient."""
        part = self.parts[name]
        slope = part.basis.T @ self._working(name)[0]
        if part.penalty is not None:
            slope = slope - part.smoothing * part.penalty @ part.coefficients
        return float(np.abs(slope).max())


@dataclass(frozen=True)
class Local:
    """The weighted penalised least squares of one step."""

    part: Part
    information: Array
    target: Array
    spread: float
    n: float

    @property
    def _cross(self) -> Array:
        return np.asarray(self.part.basis.T @ (self.information[:, None] * self.part.basis))

    def solution(self, smoothing: float) -> tuple[Array, float]:
        """Coefficients and degrees of freedom."""
        cross = self._cross
        full = cross if self.part.penalty is None else cross + smoothing * self.part.penalty
        ridge = full + 1e-12 * np.trace(full) / len(full) * np.eye(len(full))
        right = self.part.basis.T @ self.target
        coefficients = np.linalg.solve(ridge, right)
        return coefficients, float(np.trace(np.linalg.solve(ridge, cross)))

    def chosen_smoothing(self) -> float:
        """Of the df stated, or as the term chooses it."""
        term, penalty = self.part.term, self.part.penalty
        if penalty is None or not isinstance(term, PSpline):
            return self.part.smoothing
        if term.df is not None:
            return self._smoothing_of(term.df + term.order)
        if term.choice != "ml":
            return self._least(term)
        return self._likely_smoothing(term.order)

    def residual(self, coefficients: Array) -> float:
        """Weighted squares of the working values about a curve."""
        shift = self.part.basis @ (coefficients - self.part.coefficients)
        slope = self.target - self.information * self.part.predictor
        return float(self.spread - 2 * shift @ slope + shift @ (self.information * shift))

    def _least(self, term: PSpline) -> float:
        """Where the criterion of the working values is least: a coarse search, then a fine one."""
        from scipy.optimize import minimize_scalar

        def criterion(logarithm: float) -> float:
            coefficients, df = self.solution(float(np.exp(logarithm)))
            return term.criterion(self.residual(coefficients), df, self.n)

        places = np.linspace(np.log(ROUGHEST), np.log(SMOOTHEST), 41)
        least = int(np.argmin([criterion(place) for place in places]))
        if least == len(places) - 1:
            return SMOOTHEST
        around = places[max(least - 1, 0)], places[least + 1]
        best = minimize_scalar(criterion, bounds=around, method="bounded", options={"xatol": 1e-8})
        return float(np.exp(best.x))

    def _smoothing_of(self, df: float) -> float:
        from scipy.optimize import brentq

        def excess(logarithm: float) -> float:
            return self.solution(float(np.exp(logarithm)))[1] - df

        ends = np.log(ROUGHEST), np.log(SMOOTHEST)
        if excess(ends[0]) * excess(ends[1]) > 0:
            return self.part.smoothing
        return float(np.exp(brentq(excess, *ends, xtol=1e-10)))

    def _likely_smoothing(self, order: int) -> float:
        """Variance of the working values over that of the differences, until they agree."""
        smoothing, penalty = self.part.smoothing, self.part.penalty
        assert penalty is not None, "a P-spline has a penalty"
        for _ in range(50):
            coefficients, df = self.solution(smoothing)
            if df - order < STRAIGHT:
                return smoothing
            noise = self.residual(coefficients) / (self.n - df)
            signal = float(coefficients @ penalty @ coefficients) / max(df - order, 1e-8)
            new = float(np.clip(noise / max(signal, 1e-300), ROUGHEST, SMOOTHEST))
            if abs(new - smoothing) < 1e-7 * max(smoothing, 1) or new == SMOOTHEST:
                return new
            smoothing = new
        return smoothing


def _beginning(family: Family, name: str, sample: Sample) -> float:
    if name == "mu":
        middle = float(np.median(sample.y))
        return float(np.log(middle)) if family.name == "log_normal" else middle
    if name == "sigma":
        scale = sample.y if family.name == "normal" else np.log(sample.y)
        return max(float(np.std(scale)), 1e-6)
    return 0.5 if name == "nu" else family.law.shape
