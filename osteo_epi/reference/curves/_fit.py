"""The fit: penalised likelihood, the parameters in turn from afar and together near the end.

Ages repeat, so the people are summed to their distinct ages: what grows with people is one pass of
the likelihood a step. Where ages do not repeat, a P-spline costs four columns an age, not all, see
`_basis`. In turn, a step is steered by a rough information of one parameter; together, it is
Newton's, by the expected information of all. Steps are halved until the penalised likelihood rises;
where they end, its exact derivatives are zero. Many people are first fitted in classes, to begin
near the end. Smoothness is chosen by the working values of each parameter as in Rigby &
Stasinopoulos 2005, doi:10.1111/j.1467-9876.2005.00510.x.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from osteo_epi.norms import Family
from osteo_epi.reference.curves._basis import Basis
from osteo_epi.reference.curves._decline import decline_limits, directions, falling, rises
from osteo_epi.reference.curves._likelihood import (
    Likelihood,
    Sample,
    information_at_knots,
    likelihood,
)
from osteo_epi.reference.curves._terms import PSpline, Term

Array = NDArray[np.float64]
CYCLES = 200
HALVINGS = 12
SMOOTHEST, ROUGHEST = 1e10, 1e-7
# Change of the deviance between two cycles, of its size: far below what anybody reports. Where
# smoothness is chosen, it moves the deviance a little at each cycle, as the choice is local.
CLOSE, CLOSE_CHOSEN = 1e-11, 1e-7
# Of the deviance itself, however large it is.
STILL = 1e-2
# Pairs of age and measurement from which the fit begins with classes of them.
MANY = 100_000
# Degrees of freedom beyond a straight line under which a smoother is one, but for rounding.
STRAIGHT = 5e-3
# Of the information of a person: of a shape that the people tell next to nothing of.
LEAST = 1e-8
# Change of the deviance in a cycle, by people, from which the end is near.
NEAR = 1e-5
# Of the logarithm of a shape, in one cycle.
FAR = 2.0
# Cycles after which Newton's steps are tried wherever it stands, and half of them too; after which
# a smoothness only grows; and after which a shape waits no longer.
SLOW, SWINGING, PATIENCE = 20, 40, 60


@dataclass
class Part:
    """One parameter while it is fitted."""

    name: str
    basis: Basis
    penalty: Array | None
    term: Term
    coefficients: Array
    smoothing: float = 10.0
    df: float = 0.0
    swings: bool = False
    """Whether the choice of its smoothness went to and fro."""
    limits: Array | None = None
    """That may not rise, see `_decline`; None while nothing is held."""

    @property
    def predictor(self) -> Array:
        """(m,) the sum by age."""
        return self.basis.sums(self.coefficients)

    def roughness(self) -> float:
        """What the penalty takes from twice the log-likelihood."""
        if self.penalty is None:
            return 0.0
        size, direction = np.linalg.eigh(self.penalty)
        # Not c'Pc: of a straight line under a large penalty that is the rounding of its terms.
        bend = np.sqrt(np.maximum(size, 0.0)) * (direction.T @ self.coefficients)
        return float(self.smoothing * bend @ bend)


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
        Rounds of the whole sample.
    gradient
        Largest derivative of the penalised log-likelihood at the end, by coefficient and √n.
    converged
        Whether the deviance stood still.
    swinging
        Parameters whose choice of smoothness went to and fro, and the smoother was taken.
    joint
        (p, p) covariance of the coefficients of all parameters, in their order: the inverse of
        expected information and penalty together, which holds the bias of smoothing (Wahba 1983,
        doi:10.1111/j.2517-6161.1983.tb01239.x). For people drawn independently.
    """

    coefficients: Mapping[str, Array]
    df: Mapping[str, float]
    smoothing: Mapping[str, float]
    deviance: float
    cycles: int
    gradient: float
    converged: bool
    joint: Array = field(default_factory=lambda: np.zeros((0, 0)), repr=False)
    history: tuple[float, ...] = field(default=(), repr=False)
    swinging: tuple[str, ...] = ()

    @property
    def places(self) -> dict[str, slice]:
        """Where each parameter's coefficients stand among all."""
        ends = np.cumsum([len(each) for each in self.coefficients.values()]).tolist()
        starts = [0, *ends[:-1]]
        return {n: slice(a, b) for n, a, b in zip(self.coefficients, starts, ends, strict=True)}

    @property
    def covariance(self) -> dict[str, Array]:
        """By parameter, of its coefficients, the others fitted with them."""
        return {name: self.joint[place, place] for name, place in self.places.items()}


@dataclass
class Fitting:
    """A fit under way.

    Parameters
    ----------
    family, sample, parts
        What is fitted, to whom, and the parameters in their order.
    near
        Whether it stands close to its end.
    settled
        Whether it ever did, or not for long.
    cycle
        Which one it is.
    """

    family: Family
    sample: Sample
    parts: dict[str, Part]
    near: bool = False
    settled: bool = False
    cycle: int = 0

    @classmethod
    def start(cls, family: Family, sample: Sample, terms: Mapping[str, Term]) -> Fitting:
        """Begin at the median, the spread of the logarithms, and a normal shape.

        Where there are many people, where the fit of classes of them ends.
        """
        fitting = cls.at_start(family, sample, terms)
        if len(sample.y) > MANY:
            fitting.begin_at(cls.at_start(family, sample.coarse(), terms).run())
        return fitting

    @classmethod
    def at_start(cls, family: Family, sample: Sample, terms: Mapping[str, Term]) -> Fitting:
        """Begin afar, however many people there are."""
        parts = {}
        for name in family.parameters:
            term = terms[name]
            basis = Basis.of(term, sample.age, sample.ages)
            beginning = np.full(len(sample.age), _beginning(family, name, sample))
            level = family.links[name].predictor(beginning)
            penalty = term.penalty(basis.columns)
            parts[name] = Part(name, basis, penalty, term, basis.nearest(level))
        return cls(family, sample, parts)

    def again(self, sample: Sample, fit: Fit) -> Fitting:
        """The same terms for the same people under other weights, begun where a fit ended."""
        fitting = Fitting(self.family, sample, {n: replace(p) for n, p in self.parts.items()})
        fitting.begin_at(fit)
        return fitting

    def begin_at(self, fit: Fit) -> None:
        """Take coefficients and smoothness of another fit with the same terms."""
        for name, part in self.parts.items():
            part.coefficients = fit.coefficients[name]
            part.smoothing = fit.smoothing[name]
        self.near = self.settled = True

    def values(self) -> dict[str, Array]:
        """(m,) each parameter by age."""
        return {
            name: self.family.links[name].value(part.predictor) for name, part in self.parts.items()
        }

    def likelihood(self) -> Likelihood:
        """Of the people as things stand."""
        return likelihood(self.family, self.sample, self.values())

    def roughness(self) -> float:
        """What the penalties take from twice the log-likelihood."""
        return sum(part.roughness() for part in self.parts.values())

    def run(self) -> Fit:
        """Cycle until the deviance stands still; where a curve then rises that may not, again."""
        fit = self._cycles()
        return self._cycles() if self._hold() else fit

    def _hold(self) -> bool:
        """Let curves fall that have to and rise; whether there are any."""
        ages, now = self.sample.ages, None
        for k, part in enumerate(self.parts.values()):
            if not isinstance(part.term, PSpline):
                continue
            limits = decline_limits(part.term, ages)
            if rises(part.term, ages, part.coefficients):
                now = now or self.likelihood()
                part.limits = limits
                part.coefficients = self._local(k, part, now).solution(part.smoothing)[0]
        return now is not None

    def _free(self) -> Array:
        """(p, f) directions in which the coefficients of all parameters are free."""
        from scipy.linalg import block_diag

        return np.asarray(
            block_diag(
                *(
                    np.eye(len(part.coefficients))
                    if part.limits is None
                    else directions(part.limits, part.coefficients)
                    for part in self.parts.values()
                )
            )
        )

    def _cycles(self) -> Fit:
        now = self.likelihood()
        history, terms = [now.deviance], [part.term for part in self.parts.values()]
        chooses = any(isinstance(term, PSpline) and term.df is None for term in terms)
        close, converged = CLOSE_CHOSEN if chooses else CLOSE, False
        while not converged and len(history) <= CYCLES:
            self.cycle = len(history)
            self.settled = self.settled or self.cycle > PATIENCE
            waits = "tau" in self.parts and not self.settled
            now = self._cycle(now)
            history.append(now.deviance)
            change = abs(history[-2] - history[-1])
            converged = change < min(close * (1 + abs(history[-1])), STILL) and not waits
        free = self._free()
        return Fit(
            coefficients={name: part.coefficients for name, part in self.parts.items()},
            df={name: part.df for name, part in self.parts.items()},
            smoothing={name: part.smoothing for name, part in self.parts.items()},
            deviance=history[-1],
            cycles=len(history) - 1,
            gradient=float(np.abs(free.T @ self._gradient(now)).max()) / np.sqrt(self.sample.n),
            converged=bool(converged),
            joint=free @ inverse(free.T @ self._information() @ free) @ free.T,
            history=tuple(history),
            swinging=tuple(name for name, part in self.parts.items() if part.swings),
        )

    def _smooth(self, part: Part, local: Local) -> None:
        """Choose a smoothness; where the choice goes to and fro, keep to the smoother one.

        Of a stated df, whose smoothness turns with the information by next to nothing, keep it.
        """
        chosen, before = local.chosen_smoothing(), part.smoothing
        if self.cycle > SWINGING and isinstance(part.term, PSpline):
            if part.term.df is None:
                part.swings = part.swings or chosen < 0.99 * before
                chosen = max(chosen, before)
            elif abs(chosen - before) < 1e-3 * before:
                chosen = before
        part.smoothing = chosen

    def _cycle(self, now: Likelihood) -> Likelihood:
        """A round of all parameters: in turn from afar, together where the end is near."""
        held = any(part.limits is not None for part in self.parts.values())
        if (self.near or self.cycle > SLOW) and self.settled and not held:
            now, share = self._together(now)
            if share == 1.0:
                return now
        new = self._in_turn(now)
        self.near = abs(now.deviance - new.deviance) < NEAR * self.sample.n
        self.settled = self.settled or self.near
        return new

    def _in_turn(self, now: Likelihood) -> Likelihood:
        """Move each parameter, the others held: sure from afar, slow near the end.

        About a curve that does not lie yet, tails look light however heavy they are, and a shape
        that runs off to the normal one has nothing to bring it back: it waits.
        """
        for k, part in enumerate(self.parts.values()):
            if part.name == "tau" and not self.settled:
                continue
            local = self._local(k, part, now)
            self._smooth(part, local)
            new, part.df = local.solution(part.smoothing)
            now = self._moved(now, {part.name: new - part.coefficients})[0]
        return now

    def _together(self, now: Likelihood) -> tuple[Likelihood, float]:
        """Choose the smoothness of each parameter, then move all; the share of the step taken."""
        for k, part in enumerate(self.parts.values()):
            local = self._local(k, part, now)
            self._smooth(part, local)
            part.df = local.solution(part.smoothing)[1]
        step, start, steps = self._step(self._information(), self._gradient(now)), 0, {}
        for name, part in self.parts.items():
            steps[name] = step[start : start + len(part.coefficients)]
            start += len(part.coefficients)
        return self._moved(now, steps)

    def _moved(self, now: Likelihood, steps: Mapping[str, Array]) -> tuple[Likelihood, float]:
        """Add steps to the coefficients, halved until the penalised likelihood rises."""
        before, share = now.deviance + self.roughness(), 1.0
        old = {name: self.parts[name].coefficients for name in steps}
        for _ in range(HALVINGS):
            for name, step in steps.items():
                self.parts[name].coefficients = old[name] + share * step
            new = self.likelihood()
            if new.deviance + self.roughness() <= before + 1e-10 * abs(before):
                return self._shorter(new, old, steps, share)
            share /= 2
        for name in steps:
            self.parts[name].coefficients = old[name]
        return now, 0.0

    def _shorter(
        self, now: Likelihood, old: Mapping[str, Array], steps: Mapping[str, Array], share: float
    ) -> tuple[Likelihood, float]:
        """After many cycles, half a step where it is better: Newton's may go to and fro."""
        if self.cycle <= SLOW:
            return now, share
        whole = {name: self.parts[name].coefficients for name in steps}
        reached = now.deviance + self.roughness()
        for name, step in steps.items():
            self.parts[name].coefficients = old[name] + share / 2 * step
        new = self.likelihood()
        if new.deviance + self.roughness() < reached:
            return new, share
        for name in steps:
            self.parts[name].coefficients = whole[name]
        return now, share

    def _step(self, information: Array, gradient: Array) -> Array:
        """(p,) Newton step; a shape that people tell little of does not run off in one."""
        step = solution(information, gradient)
        if "tau" not in self.parts:
            return step
        part, rest = self.parts["tau"], len(step) - len(self.parts["tau"].coefficients)
        change = float(np.abs(part.basis.sums(step[rest:])).max())
        if change <= FAR:
            return step
        own = step[rest:] * FAR / change
        others = gradient[:rest] - information[:rest, rest:] @ own
        return np.append(solution(information[:rest, :rest], others), own)

    def _scale(self, name: str, value: Array) -> Array:
        """(m,) derivative of a parameter by its predictor; 0 where it stands at its bound."""
        link = self.family.links[name]
        return np.where(value < link.most, link.slope(value), 0.0)

    def _local(self, k: int, part: Part, now: Likelihood) -> Local:
        """The working values of one parameter, the others held."""
        at, weight = self.values(), self.sample.by_age
        scale = self._scale(part.name, at[part.name])
        slope, square = now.slopes[k] * scale, now.squares[k] * scale**2
        rough = self.family.information(at).get(part.name)
        if rough is None:
            each = np.full(len(slope), max(float(square.sum() / weight.sum()), LEAST))
        else:
            each = rough * scale**2
        return Local(part, each * weight, slope, float(np.sum(square / each)), self.sample.n)

    def _information(self) -> Array:
        """(p, p) expected information of all coefficients, with the penalties."""
        at, parts = self.values(), list(self.parts.values())
        knots, table = information_at_knots(self.family, at, self.sample.age)
        scales = [self._scale(name, value) for name, value in at.items()]
        blocks = [[np.zeros((0, 0))] * len(parts) for _ in parts]
        for a, one in enumerate(parts):
            for b, other in enumerate(parts[: a + 1]):
                each = np.interp(self.sample.age, knots, table[a, b]) * scales[a] * scales[b]
                each = (np.maximum(each, LEAST) if a == b else each) * self.sample.by_age
                blocks[a][b] = one.basis.cross(each, other.basis)
                blocks[b][a] = blocks[a][b].T
            if one.penalty is not None:
                blocks[a][a] = blocks[a][a] + one.smoothing * one.penalty
        return np.block(blocks)

    def _gradient(self, now: Likelihood) -> Array:
        """(p,) derivatives of the penalised log-likelihood by the coefficients."""
        at, slopes = self.values(), []
        for k, part in enumerate(self.parts.values()):
            slope = part.basis.pull(now.slopes[k] * self._scale(part.name, at[part.name]))
            if part.penalty is not None:
                slope = slope - part.smoothing * part.penalty @ part.coefficients
            slopes.append(slope)
        return np.concatenate(slopes)


def _scaled(matrix: Array) -> tuple[Array, Array]:
    """Symmetric, with ones on the diagonal and a ridge of rounding, and the scale."""
    scale = 1 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    return matrix * np.outer(scale, scale) + 1e-13 * np.eye(len(matrix)), scale


def solution(matrix: Array, right: Array) -> Array:
    """Solve a symmetric system whose parts may be of very different size."""
    scaled, scale = _scaled(matrix)
    return np.asarray(np.linalg.solve(scaled, right * scale) * scale)


def inverse(matrix: Array) -> Array:
    """Invert a symmetric matrix whose parts may be of very different size."""
    scaled, scale = _scaled(matrix)
    return np.asarray(np.linalg.pinv(scaled, hermitian=True) * np.outer(scale, scale))


@dataclass(frozen=True)
class Local:
    """The weighted penalised least squares of one parameter.

    Parameters
    ----------
    part
        The parameter.
    information, slope
        (m,) by age, of the predictor.
    spread
        Sum of squared slopes over information: of the working values about the predictor.
    n
        People.
    """

    part: Part
    information: Array
    slope: Array
    spread: float
    n: int

    @cached_property
    def _cross(self) -> Array:
        return self.part.basis.cross(self.information, self.part.basis)

    @cached_property
    def _pull(self) -> Array:
        return self.part.basis.pull(self.slope)

    def solution(self, smoothing: float) -> tuple[Array, float]:
        """Coefficients and degrees of freedom."""
        if self.part.limits is None:
            return self._solution(smoothing)
        new, free = falling(self._matrix(smoothing), self._right, self.part.limits)
        inside = free.T @ self._matrix(smoothing) @ free
        return new, float(np.trace(np.linalg.solve(inside, free.T @ self._cross @ free)))

    def _solution(self, smoothing: float) -> tuple[Array, float]:
        """Coefficients and degrees of freedom of a curve that nothing holds."""
        right = np.column_stack([self._right, self._cross])
        both = np.linalg.solve(self._matrix(smoothing), right)
        return np.asarray(both[:, 0], dtype=np.float64), float(np.trace(both[:, 1:]))

    @property
    def _right(self) -> Array:
        return np.asarray(self._cross @ self.part.coefficients + self._pull)

    def _matrix(self, smoothing: float) -> Array:
        penalty = self.part.penalty
        full = self._cross if penalty is None else self._cross + smoothing * penalty
        return np.asarray(full + 1e-12 * np.trace(full) / len(full) * np.eye(len(full)))

    def chosen_smoothing(self) -> float:
        """Of the df stated, or as the term chooses it."""
        term, penalty = self.part.term, self.part.penalty
        if penalty is None or not isinstance(term, PSpline):
            return self.part.smoothing
        if term.df is not None:
            return self._smoothing_of(term.df + term.order)
        if term.choice != "ml":
            return self._least(term)
        return self._likely_smoothing(term)

    def residual(self, coefficients: Array) -> float:
        """Weighted squares of the working values about a curve."""
        shift = coefficients - self.part.coefficients
        return float(self.spread - 2 * shift @ self._pull + shift @ self._cross @ shift)

    def _least(self, term: PSpline) -> float:
        """Where the criterion of the working values is least: a coarse search, then a fine one."""
        from scipy.optimize import minimize_scalar

        people = term.people(self.n)

        def criterion(logarithm: float) -> float:
            coefficients, df = self.solution(float(np.exp(logarithm)))
            return term.criterion(self.residual(coefficients) * people / self.n, df, people)

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
            return self._solution(float(np.exp(logarithm)))[1] - df

        ends = np.log(ROUGHEST), np.log(SMOOTHEST)
        if excess(ends[0]) * excess(ends[1]) > 0:
            return self.part.smoothing
        return float(np.exp(brentq(excess, *ends, xtol=1e-10)))

    def _likely_smoothing(self, term: PSpline) -> float:
        """Variance of the working values over that of the differences, until they agree.

        Fewer people would tell less, and stand against a smaller penalty: of the weights scaled
        to them, only the divisor of the variance is left.
        """
        order, people, smoothing = term.order, term.people(self.n), self.part.smoothing
        tried = self._tried_apart(order) if self.part.limits is None else self._tried
        for _ in range(50):
            residual, df, bend = tried(smoothing)
            if df - order < STRAIGHT:
                return smoothing
            noise, signal = residual / (people - df), bend / max(df - order, 1e-8)
            new = float(np.clip(noise / max(signal, 1e-300), ROUGHEST, SMOOTHEST))
            if abs(new - smoothing) < 1e-7 * max(smoothing, 1) or new == SMOOTHEST:
                return new
            smoothing = new
        return smoothing

    def _tried(self, smoothing: float) -> tuple[float, float, float]:
        """Residual, degrees of freedom and bend of the solution."""
        coefficients, df = self.solution(smoothing)
        penalty = self.part.penalty
        assert penalty is not None, "a P-spline has a penalty"
        bend = float(coefficients @ penalty @ coefficients)
        return self.residual(coefficients), df, bend

    def _tried_apart(self, order: int) -> Callable[[float], tuple[float, float, float]]:
        """The same in coordinates in which information and penalty have no cross-terms.

        The first `order` directions are those that the penalty leaves alone.
        """
        from scipy.linalg import eigh, solve_triangular

        penalty = self.part.penalty
        assert penalty is not None, "a P-spline has a penalty"
        even = float(np.trace(self._cross) / np.trace(penalty))
        root = np.linalg.cholesky(self._cross + even * penalty)
        inner = solve_triangular(root, solve_triangular(root, penalty, lower=True).T, lower=True)
        bends, turn = eigh((inner + inner.T) / 2)
        bends = np.clip(bends, 0.0, 1 / even)
        bends[:order] = 0.0
        told = 1 - even * bends
        here = turn.T @ (root.T @ self.part.coefficients)
        pull = turn.T @ solve_triangular(root, self._pull, lower=True)
        right = told * here + pull

        def tried(smoothing: float) -> tuple[float, float, float]:
            full = told + smoothing * bends
            there = right / full
            shift = there - here
            residual = float(self.spread - 2 * shift @ pull + shift @ (told * shift))
            return residual, float(np.sum(told / full)), float(there @ (bends * there))

        return tried


def _beginning(family: Family, name: str, sample: Sample) -> float:
    if name == "mu":
        middle = sample.median()
        return float(np.log(middle)) if family.name == "log_normal" else middle
    if name == "sigma":
        scale = sample.y if family.name == "normal" else sample.log_y
        return max(float(np.sqrt(np.cov(scale, aweights=sample.weight))), 1e-6)
    return 0.5 if name == "nu" else family.law.shape
