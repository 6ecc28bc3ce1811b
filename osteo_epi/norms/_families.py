"""Distributions of a measurement at one age: normal, log-normal, and the Box–Cox three.

All are one form. A measurement y > 0 with median μ becomes z = ((y/μ)^ν − 1)/(νσ) (log(y/μ)/σ
where ν is 0), and z has a standard law: normal (BCCG, which is LMS), Student's t (BCT) or power
exponential (BCPE). z ends at −1/(νσ) on one side, and the law is divided by what lies within. The
name with an o at its end (gamlss: "original scale") has the same law; log(μ), not μ, is the sum.

Box & Cox 1964; Cole & Green 1992, doi:10.1002/sim.4780111005; Rigby & Stasinopoulos 2004,
doi:10.1002/sim.1861, and 2006, doi:10.1191/1471082X06st122oa.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from osteo_epi.errors import DefinitionError

Array = NDArray[np.float64]
Parameters = Mapping[str, Array]
PARAMETERS = ("mu", "sigma", "nu", "tau")
# Below this |ν| the power is a logarithm to the last digit, and dividing by ν loses digits.
FLAT = 1e-7
ALMOST_FLAT = 1e-5
SMALL = 1e-300


@dataclass(frozen=True)
class Link:
    """How a parameter stands on the scale on which it is added up.

    Parameters
    ----------
    name
        "identity" or "log".
    most
        Largest value, where more changes nothing that can be computed.
    """

    name: str
    most: float = np.inf

    def predictor(self, value: Array) -> Array:
        """From the parameter to the sum."""
        return np.log(value) if self.name == "log" else value

    def value(self, predictor: Array) -> Array:
        """From the sum to the parameter."""
        if self.name != "log":
            return predictor
        return np.exp(np.clip(predictor, -30.0, np.log(min(self.most, 1e13))))

    def slope(self, value: Array) -> Array:
        """Derivative of the parameter by the sum."""
        return value if self.name == "log" else np.ones_like(value)


@dataclass(frozen=True)
class Law:
    """A standard law of z, with what its likelihood and its centiles need."""

    log_density: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    shape_slope: Callable[[Array, Array], Array] | None
    below: Callable[[Array, Array], Array]
    quantile: Callable[[Array, Array], Array]
    shape: float = np.inf
    """At which a fit begins."""


@dataclass(frozen=True)
class Family:
    """A distribution by age.

    Parameters
    ----------
    name
        "normal", "log_normal", "bccg" (LMS), "bct", "bcpe"; "bccgo", "bcto", "bcpeo".
    title
        In words.
    parameters
        Some of mu, sigma, nu, tau, in this order.
    links
        One a parameter.
    law
        The standard law of z.
    """

    name: str
    title: str
    parameters: tuple[str, ...]
    links: Mapping[str, Link]
    law: Law

    @property
    def has_power(self) -> bool:
        """Whether the Box–Cox power is a parameter."""
        return "nu" in self.parameters

    def score(self, y: Array, at: Parameters) -> Array:
        """z before it is made normal; see `normal_score`."""
        if self.name == "normal":
            return np.asarray((y - at["mu"]) / at["sigma"])
        if self.name == "log_normal":
            return np.asarray((np.log(y) - at["mu"]) / at["sigma"])
        ratio, power = np.log(y / at["mu"]), at["nu"]
        flat = np.abs(power) < FLAT
        safe = np.where(flat, 1.0, power)
        raised = np.expm1(safe * ratio) / safe
        return np.asarray(np.where(flat, ratio, raised) / at["sigma"])

    def log_density(self, y: Array, at: Parameters) -> Array:
        """Logarithm of the density of y."""
        z, shape = self.score(y, at), self._shape(at)
        jacobian = -np.log(at["sigma"])
        if self.name == "log_normal":
            jacobian = jacobian - np.log(y)
        if self.has_power:
            jacobian = jacobian - np.log(y) + at["nu"] * np.log(y / at["mu"])
        inside = np.log(self.within(at)) if self.has_power else 0.0
        return np.asarray(jacobian + self.law.log_density(z, shape) - inside)

    def below(self, y: Array, at: Parameters) -> Array:
        """Share of people below y."""
        z, shape = self.score(y, at), self._shape(at)
        share = self.law.below(z, shape)
        if not self.has_power:
            return share
        low = np.where(at["nu"] > 0, self.law.below(-self._end(at), shape), 0.0)
        return np.asarray((share - low) / self.within(at))

    def normal_score(self, y: Array, at: Parameters) -> Array:
        """Z-score of y: the normal quantile of the share below it."""
        from scipy.special import ndtri

        z = self.score(y, at)
        if not self.has_power:
            return z
        # By the tail on its own side: from the other one, a share near 1 has no digits left.
        shape, end, power = self._shape(at), self._end(at), at["nu"]
        cut = np.where(np.where(z > 0, power < 0, power > 0), self.law.below(-end, shape), 0.0)
        tail = (self.law.below(-np.abs(z), shape) - cut) / self.within(at)
        return np.asarray(np.where(z > 0, -1.0, 1.0) * ndtri(tail))

    def quantile(self, share: Array, at: Parameters) -> Array:
        """The y below which a share of people lies."""
        shape = self._shape(at)
        if not self.has_power:
            z = self.law.quantile(np.asarray(share), shape)
            y = at["mu"] + at["sigma"] * z
            return np.asarray(np.exp(y) if self.name == "log_normal" else y)
        low = np.where(at["nu"] > 0, self.law.below(-self._end(at), shape), 0.0)
        z = self.law.quantile(low + share * self.within(at), shape)
        power, sigma = at["nu"], at["sigma"]
        flat = np.abs(power) < FLAT
        safe = np.where(flat, 1.0, power)
        raised = np.exp(np.log1p(np.maximum(safe * sigma * z, -1 + 1e-15)) / safe)
        return np.asarray(at["mu"] * np.where(flat, np.exp(sigma * z), raised))

    def slope(self, name: str, y: Array, at: Parameters) -> Array:
        """Derivative of the log density by one parameter."""
        z, shape = self.score(y, at), self._shape(at)
        if name == "tau":
            return self._shape_slope(z, shape, at)
        pull = self.law.slope(z, shape)
        if self.has_power:
            return self._power_slope(name, y, at, z, pull)
        return np.asarray(-pull / at["sigma"] if name == "mu" else -(1 + pull * z) / at["sigma"])

    def _power_slope(self, name: str, y: Array, at: Parameters, z: Array, pull: Array) -> Array:
        """By μ, σ or ν, with the part of the law that the end of z cuts off."""
        power, sigma = at["nu"], at["sigma"]
        if name == "mu":
            raised = 1 + power * sigma * z
            return np.asarray(-(power + pull * raised / sigma) / at["mu"])
        cut = self._cut(at, self.within(at))
        if name == "sigma":
            return np.asarray((cut - 1 - pull * z) / sigma)
        ratio = np.log(y / at["mu"])
        flat = np.abs(power) < ALMOST_FLAT
        safe = np.where(flat, 1.0, power)
        series = ratio**2 * (0.5 + power * ratio / 3) / sigma
        by_power = np.where(flat, series, ((1 / sigma + power * z) * ratio - z) / safe)
        return np.asarray(ratio + pull * by_power + np.where(flat, 0.0, cut / safe))

    def _cut(self, at: Parameters, within: Array) -> Array:
        """Derivative of log(within) by log(end), of which that by σ and by ν is made."""
        end = self._end(at)
        reach = np.where(np.isfinite(end), end, 0.0)
        hazard = np.exp(self.law.log_density(end, self._one_shape(at))) / within
        return np.where(reach > 0, hazard * reach, 0.0)

    def at_middle(self, at: Parameters) -> tuple[Array, Array]:
        """(K, m) slopes at z = 0, and (m,) there log density plus log(y), but for the normal law.

        Equal to `slope` and `log_density` at μ; what they share is computed once.
        """
        sigma, shape, zero = at["sigma"], self._one_shape(at), np.zeros(1)
        start = np.zeros((len(self.parameters), len(sigma)))
        start[1] = -1 / sigma
        level = self.law.log_density(zero, shape) - np.log(sigma)
        if not self.has_power:
            return start, level
        power, within = at["nu"], self.within(at)
        cut, flat = self._cut(at, within), np.abs(power) < ALMOST_FLAT
        start[0] = -power / at["mu"]
        start[1] = (cut - 1) / sigma
        start[2] = np.where(flat, 0.0, cut / np.where(flat, 1.0, power))
        if "tau" in self.parameters:
            start[3] = self._shape_slope(zero, shape, at)
        return start, level - np.log(within)

    def _one_shape(self, at: Parameters) -> Array:
        """The shape, one number where it is the same at all ages: gamma functions cost."""
        shape = self._shape(at)
        alike = np.ndim(shape) == 1 and len(shape) > 0 and (shape == shape[0]).all()
        return shape[:1] if alike else shape

    def _shape_slope(self, z: Array, shape: Array, at: Parameters) -> Array:
        """By τ; what the end of z cuts off has no closed derivative and is next to nothing."""
        slope = self.law.shape_slope(z, shape) if self.law.shape_slope else np.zeros_like(z)
        end, step = self._end(at), 1e-5 * shape
        upper, lower = (np.log(self.law.below(end, shape + h)) for h in (step, -step))
        return np.asarray(slope - (upper - lower) / (2 * step))

    def information(self, at: Parameters) -> dict[str, Array]:
        """Rough expected information of μ, σ and ν by person; it steers steps, not the result."""
        sigma, shape = at["sigma"], self._shape(at)
        heavy = (shape + 1) / (shape + 3) if self.law is STUDENT else np.ones_like(sigma)
        spread = shape / (shape + 3) if self.law is STUDENT else np.ones_like(sigma)
        if not self.has_power:
            return {"mu": heavy / sigma**2, "sigma": 2 * spread / sigma**2}
        power, mu = at["nu"], at["mu"]
        if self.law is EXPONENTIAL:
            spread = shape / 2
        return {
            "mu": heavy * (1 + 2 * (power * sigma) ** 2) / (mu * sigma) ** 2,
            "sigma": 2 * spread / sigma**2,
            "nu": 1.75 * sigma**2 * np.ones_like(mu),
        }

    def _shape(self, at: Parameters) -> Array:
        return at["tau"] if "tau" in self.parameters else np.full_like(at["sigma"], np.inf)

    def _end(self, at: Parameters) -> Array:
        """Where z ends, without its sign."""
        with np.errstate(divide="ignore"):
            return np.asarray(1 / (at["sigma"] * np.abs(at["nu"])))

    def within(self, at: Parameters) -> Array:
        """Share of the standard law on this side of the end; from 1 on down, μ is no median."""
        return self.law.below(self._end(at), self._shape(at))


def _normal_log_density(z: Array, _: Array) -> Array:
    return np.asarray(-0.5 * z**2 - 0.5 * np.log(2 * np.pi))


def _normal_below(z: Array, _: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def _normal_quantile(share: Array, _: Array) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri(share))


def _t_log_density(z: Array, tau: Array) -> Array:
    from scipy.special import gammaln

    half = (tau + 1) / 2
    constant = gammaln(half) - gammaln(tau / 2) - 0.5 * np.log(tau * np.pi)
    return np.asarray(constant - half * np.log1p(z**2 / tau))


def _t_slope(z: Array, tau: Array) -> Array:
    return np.asarray(-(tau + 1) * z / (tau + z**2))


def _t_shape_slope(z: Array, tau: Array) -> Array:
    from scipy.special import digamma

    weight = (tau + 1) / (tau + z**2)
    return np.asarray(
        0.5 * (digamma((tau + 1) / 2) - digamma(tau / 2) - np.log1p(z**2 / tau))
        + 0.5 * (weight * z**2 - 1) / tau
    )


def _t_below(z: Array, tau: Array) -> Array:
    from scipy.special import stdtr

    return np.asarray(stdtr(tau, z))


def _t_quantile(share: Array, tau: Array) -> Array:
    from scipy.special import stdtrit

    return np.asarray(stdtrit(tau, share))


def _scale(tau: Array) -> Array:
    """What gives the power exponential law the variance 1."""
    from scipy.special import gammaln

    logarithm = 0.5 * (-(2 / tau) * np.log(2) + gammaln(1 / tau) - gammaln(3 / tau))
    return np.asarray(np.exp(logarithm))


def _exponential_log_density(z: Array, tau: Array) -> Array:
    from scipy.special import gammaln

    scale = _scale(tau)
    constant = np.log(tau) - np.log(scale) - (1 + 1 / tau) * np.log(2) - gammaln(1 / tau)
    return np.asarray(constant - 0.5 * np.abs(z / scale) ** tau)


def _exponential_slope(z: Array, tau: Array) -> Array:
    scale = _scale(tau)
    size = np.maximum(np.abs(z / scale), SMALL)
    return np.asarray(-0.5 * tau / scale * size ** (tau - 1) * np.sign(z))


def _exponential_shape_slope(z: Array, tau: Array) -> Array:
    from scipy.special import digamma

    scale = _scale(tau)
    by_scale = (2 * np.log(2) - digamma(1 / tau) + 3 * digamma(3 / tau)) / (2 * tau**2)
    size = np.maximum(np.abs(z / scale), SMALL)
    raised = size**tau
    return np.asarray(
        1 / tau
        - by_scale
        + (np.log(2) + digamma(1 / tau)) / tau**2
        - 0.5 * raised * (np.log(size) - tau * by_scale)
    )


def _exponential_below(z: Array, tau: Array) -> Array:
    from scipy.special import gammaincc

    # Of nearly flat tails the power is past all numbers, and nobody beyond.
    with np.errstate(over="ignore"):
        power = np.abs(z / _scale(tau)) ** tau
    beyond = 0.5 * gammaincc(1 / tau, 0.5 * power)
    return np.asarray(np.where(z > 0, 1 - beyond, beyond))


def _exponential_quantile(share: Array, tau: Array) -> Array:
    from scipy.special import gammaincinv

    side = np.sign(share - 0.5)
    reach = gammaincinv(1 / tau, np.abs(2 * share - 1))
    return np.asarray(side * _scale(tau) * (2 * reach) ** (1 / tau))


NORMAL = Law(_normal_log_density, lambda z, _: -z, None, _normal_below, _normal_quantile)
STUDENT = Law(_t_log_density, _t_slope, _t_shape_slope, _t_below, _t_quantile, shape=10.0)
EXPONENTIAL = Law(
    _exponential_log_density,
    _exponential_slope,
    _exponential_shape_slope,
    _exponential_below,
    _exponential_quantile,
    shape=2.0,
)
PLAIN, LOG = Link("identity"), Link("log")
# From here Student's t is normal to nine digits, and its constant loses them.
TAILS = Link("log", most=1e5)


def _box_cox(law: Law, name: str, title: str, tau: Link | None = None) -> tuple[Family, Family]:
    """A Box–Cox family by its median, and by the logarithm of its median."""
    links = {"mu": PLAIN, "sigma": LOG, "nu": PLAIN} | ({"tau": tau} if tau else {})
    return (
        Family(name, title, tuple(links), links, law),
        Family(f"{name}o", f"{title}, log(median)", tuple(links), links | {"mu": LOG}, law),
    )


FAMILIES = {
    family.name: family
    for family in (
        Family("normal", "normal", PARAMETERS[:2], {"mu": PLAIN, "sigma": LOG}, NORMAL),
        Family("log_normal", "log-normal", PARAMETERS[:2], {"mu": PLAIN, "sigma": LOG}, NORMAL),
        *_box_cox(NORMAL, "bccg", "Box–Cox Cole–Green (LMS)"),
        *_box_cox(STUDENT, "bct", "Box–Cox t", TAILS),
        *_box_cox(EXPONENTIAL, "bcpe", "Box–Cox power exponential", LOG),
    )
}


def find_family(name: str) -> Family:
    """Look a distribution up by its name.

    Raises
    ------
    DefinitionError
        If there is none of that name.

    Examples
    --------
    >>> find_family("bccg").title
    'Box–Cox Cole–Green (LMS)'
    """
    if name not in FAMILIES:
        raise DefinitionError(f"unknown family {name!r}; there are {', '.join(FAMILIES)}")
    return FAMILIES[name]
