"""A fitted reference curve: the distribution of one measurement by age, in one group of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.arguments import percents_of_people
from osteo_epi.cohort import EQUAL, codebook, recognised_weight
from osteo_epi.errors import DefinitionError, PrecisionWarning, SchemaError
from osteo_epi.frames import as_polars, in_callers_kind, refuse_words
from osteo_epi.norms import PARAMETERS, Family, find_family
from osteo_epi.reference.curves._fit import Array, Fit, Fitting
from osteo_epi.reference.curves._likelihood import Sample
from osteo_epi.reference.curves._people import mixed_people
from osteo_epi.reference.curves._terms import Constant, PSpline, Term, refuse_other_terms
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted

CENTILES = (3.0, 10.0, 25.0, 50.0, 75.0, 90.0, 97.0)
LEAST = 50
"""People below which no distribution by age is fitted."""
SAME = 1e-6
"""Of the deviance, to which people are taken for those of the fit."""
CUT = 1.0
"""[%] Of a law past its end, from which a reader is told."""
CROWDED = 0.7
"""Of a P-spline's columns, from which the choice of its smoothness may have had no room."""


@dataclass(frozen=True, repr=False)
class Curve(Result):
    """The distribution of a measurement by age.

    Made by `fit_curve`; see there.

    Attributes
    ----------
    column
        What was measured, e.g. "abmd_femoral_neck".
    family
        The distribution.
    terms
        How each parameter changes with age.
    ages
        [years] First and last age of the people; outside nothing is said.
    n
        People.
    fit
        Coefficients, degrees of freedom, deviance, and how the fit ended.
    weight
        Column of weights; None for equal ones.
    """

    column: str
    family: Family
    terms: Mapping[str, Term]
    ages: tuple[float, float]
    n: int
    fit: Fit
    weight: str | None = None
    notes: tuple[str, ...] = field(default=(), repr=False)

    def parameters(self, age: npt.ArrayLike) -> dict[str, Array]:
        """Median, spread, power and shape at some ages.

        Parameters
        ----------
        age
            (m,) [years]

        Returns
        -------
        dict of ndarray
            (m,) mu, sigma and, where the family has them, nu and tau; NaN outside the ages of the
            people: a curve is never drawn on.
        """
        years = np.atleast_1d(np.asarray(age, dtype=np.float64))
        inside = (years >= self.ages[0]) & (years <= self.ages[1])
        safe = np.where(inside, years, self.ages[0])
        values = {}
        for name in self.family.parameters:
            basis = self.terms[name].basis(safe, self.ages)
            value = self.family.links[name].value(basis @ self.fit.coefficients[name])
            values[name] = np.where(inside, value, np.nan)
        return values

    def quantile(self, age: npt.ArrayLike, share: npt.ArrayLike) -> Array:
        """The value below which a share of people of an age lies.

        Parameters
        ----------
        age, share
            (m,) [years]; (m,) or one, between 0 and 1.

        Returns
        -------
        ndarray
            (m,) in the measurement's unit; NaN outside the ages of the people.

        Examples
        --------
        >>> from osteo_epi.cohort import simulate
        >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
        >>> fit_curve(women, "abmd_femoral_neck").quantile([30, 60], 0.5).round(2).tolist()
        [0.84, 0.64]
        """
        at = self.parameters(age)
        shares = _as_long(share, at["mu"], "share")
        if ((shares < 0) | (shares > 1)).any():
            raise DefinitionError(
                "a share lies outside 0 to 1; expected a part of the people, 0.5 for the median"
            )
        return self.family.quantile(shares, at)

    def z(self, age: npt.ArrayLike, value: npt.ArrayLike) -> Array:
        """Z-score [SD] of values at ages; NaN outside the ages of the people.

        Examples
        --------
        >>> from osteo_epi.cohort import simulate
        >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
        >>> curve = fit_curve(women, "abmd_femoral_neck")
        >>> median = curve.quantile([60.0], 0.5)
        >>> bool(abs(curve.z([60.0], median)[0]) < 1e-9)
        True
        """
        at = self.parameters(age)
        y = _as_long(value, at["mu"], "value")
        positive = np.where(y > 0, y, np.nan) if self.family.name != "normal" else y
        with np.errstate(invalid="ignore"):
            return self.family.normal_score(positive, at)

    def value(self, age: npt.ArrayLike, z: npt.ArrayLike) -> Array:
        """The value at a Z-score: the inverse of `z`.

        Parameters
        ----------
        age, z
            (m,) [years]; (m,) or one [SD].

        Returns
        -------
        ndarray
            (m,) in the measurement's unit; NaN outside the ages of the people.

        Examples
        --------
        >>> from osteo_epi.cohort import simulate
        >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
        >>> fit_curve(women, "abmd_femoral_neck").value([60, 60], [-2, 0]).round(2).tolist()
        [0.41, 0.64]
        """
        from scipy.special import ndtr

        return self.quantile(age, ndtr(np.asarray(z, dtype=np.float64)))

    def penalty(self) -> Array:
        """(p, p) roughness of all coefficients, times the smoothness of their parameters."""
        size = sum(len(each) for each in self.fit.coefficients.values())
        whole = np.zeros((size, size))
        for name, place in self.fit.places.items():
            own = self.terms[name].penalty(len(self.fit.coefficients[name]))
            if own is not None:
                whole[place, place] = self.fit.smoothing[name] * own
        return whole

    def parameter_errors(self, age: npt.ArrayLike, name: str) -> Array:
        """(m,) Standard error of a parameter at some ages, the other parameters fitted with it.

        By the delta method on the scale of its link; people are taken as drawn independently.
        """
        years = np.atleast_1d(np.asarray(age, dtype=np.float64))
        inside = (years >= self.ages[0]) & (years <= self.ages[1])
        basis = self.terms[name].basis(np.where(inside, years, self.ages[0]), self.ages)
        variance = np.einsum("ij,jk,ik->i", basis, self.fit.covariance[name], basis)
        slope = self.family.links[name].slope(self.parameters(years)[name])
        return np.where(inside, np.sqrt(variance) * np.abs(slope), np.nan)

    def centiles(
        self, age: npt.ArrayLike | None = None, *, percents: Sequence[float] = CENTILES
    ) -> pl.DataFrame:
        """The table that journals print: age, parameters, centiles.

        Parameters
        ----------
        age
            (m,) [years]; whole years by default.
        percents
            Of people below.

        Examples
        --------
        >>> from osteo_epi.cohort import simulate
        >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
        >>> curve = fit_curve(women, "abmd_femoral_neck")
        >>> curve.centiles([30, 60], percents=[3, 50]).select("age", pl.col("p50").round(2)).rows()
        [(30.0, 0.84), (60.0, 0.64)]
        """
        percents_of_people(percents)
        years = self._years() if age is None else np.atleast_1d(np.asarray(age, dtype=float))
        columns: dict[str, Array] = {"age": years, **self.parameters(years)}
        columns |= {f"p{p:g}": self.quantile(years, p / 100) for p in percents}
        return pl.DataFrame(columns).fill_nan(None)

    def _years(self) -> Array:
        low, high = np.ceil(self.ages[0]), np.floor(self.ages[1])
        return np.arange(low, high + 1)

    @property
    def df(self) -> float:
        """Degrees of freedom of all parameters together."""
        return float(sum(self.fit.df.values()))

    def gaic(self, k: float = 2.0) -> float:
        """Deviance plus k for each degree of freedom: 2 is Akaike's, log(n) Schwarz's criterion."""
        return self.fit.deviance + k * self.df

    def to_polars(self) -> pl.DataFrame:
        """Centiles and parameters at whole years."""
        return self.centiles()

    def _summary(self) -> str:
        ended = "" if self.fit.converged else ", NOT CONVERGED"
        return (
            f"{self.column}, {self.family.title}, {count(self.n)} people of "
            f"{self.ages[0]:g}–{self.ages[1]:g} years, {self.df:.1f} df, deviance "
            f"{self.fit.deviance:.2f}{ended}"
        )


@in_callers_kind
def fit_curve(
    people: Any,
    column: str,
    *,
    family: str = "bccg",
    mu: Term | None = None,
    sigma: Term | None = None,
    nu: Term | None = None,
    tau: Term | None = None,
    weight: str | None = None,
    age: str = "age",
) -> Curve:
    """Fit the distribution of a measurement by age.

    Parameters
    ----------
    people
        Any frame of reference people of one group (one sex), with their age [years].
    column
        The measurement, e.g. "abmd_femoral_neck" [g/cm²]; above 0.
    family
        "normal", "log_normal", "bccg" (LMS), "bct" or "bcpe"; "bccgo", "bcto" and "bcpeo" are
        the same distributions, with a term of mu that adds up to the logarithm of the median.
    mu, sigma, nu, tau
        How each parameter changes with age: `Constant()`, `Polynomial(3)`,
        `FractionalPolynomial((1, 2))`, `NaturalSpline()`, `PSpline(df=4)`, or `PSpline()`, whose
        smoothness is chosen by local maximum likelihood; `PSpline(choice="gaic", k=2)` and
        `PSpline(choice="gcv")` choose it so. With `decline_from=50` a P-spline never rises past
        that age. By default P-splines for mu and sigma, constants for the rest.
    weight
        Column of weights, scaled to sum to the number of people; by default survey_weight where
        it holds values, "equal" for equal ones whatever the columns. Standard errors of a survey
        come from replicates, never from these weights.
    age
        Column of ages [years].

    Returns
    -------
    Curve

    Raises
    ------
    SchemaError
        If a column is absent, no number, or not above 0 somewhere, if a weight is negative, or
        if there are too few people or ages.
    DefinitionError
        If the family is unknown.
    DesignError
        If the people hold half a survey design, see `cohort.recognised_design`.

    Warns
    -----
    PrecisionWarning
        If the fit did not converge.

    Notes
    -----
    Maximum penalised likelihood; equals R `gamlss` 5.5 with the same terms to 1e-6 in deviance
    where nothing is smoothed (to 0.001 where the tails of a t law are normal: R lets tau run past
    the bound that it has here), to 0.01 in deviance and degrees of freedom with P-splines.
    Cole & Green 1992, doi:10.1002/sim.4780111005; Rigby & Stasinopoulos 2005,
    doi:10.1111/j.1467-9876.2005.00510.x.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> women = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "female")
    >>> from osteo_epi.reference import Polynomial
    >>> curve = fit_curve(women, "abmd_femoral_neck", mu=Polynomial(3), sigma=Constant())
    >>> curve.centiles([30, 60, 75], percents=[3, 50, 97]).columns
    ['age', 'mu', 'sigma', 'nu', 'p3', 'p50', 'p97']
    """
    given = {"mu": mu, "sigma": sigma, "nu": nu, "tau": tau}
    chosen = checked_family(family, given)
    usual: dict[str, Term] = {
        "mu": PSpline(),
        "sigma": PSpline(),
        "nu": Constant(),
        "tau": Constant(),
    }
    terms = {name: given[name] or usual[name] for name in chosen.parameters}
    weight = recognised_weight(people, weight)
    sample, left_out = sample_of(people, column, age, weight)
    fit = Fitting.start(chosen, sample, terms).run()
    notes = (*left_out, *_said(fit, column), *_crowded(fit, terms))
    curve = Curve(column, chosen, terms, sample.ages, sample.n, fit, weight, notes)
    return replace(curve, notes=(*notes, *_cut_off(curve)))


def is_of(curve: Curve, age: Array, y: Array, weight: Array) -> bool:
    """Whether a curve was fitted to these people: as many, of its ages and of its deviance."""
    low, high = curve.ages
    if len(y) != curve.n or not ((age >= low) & (age <= high)).all():
        return False
    given = weight if curve.weight else np.ones(curve.n)
    density = curve.family.log_density(y, curve.parameters(age))
    deviance = -2 * float(given @ density) * curve.n / given.sum()
    return bool(np.isclose(deviance, curve.fit.deviance, rtol=SAME, atol=SAME))


def _as_long(values: npt.ArrayLike, like: Array, name: str) -> Array:
    """(m,) One value for each age, or one for all."""
    given = np.asarray(values, dtype=np.float64)
    if given.size not in (1, like.size):
        raise DefinitionError(
            f"{name} holds {given.size} numbers for {like.size} ages; expected one for each age, "
            "or one for all"
        )
    return np.broadcast_to(given, like.shape)


def checked_family(family: str, given: Mapping[str, Any]) -> Family:
    """The family by its name, if it has all parameters that a term is given for.

    Raises
    ------
    DefinitionError
        If it is unknown, has no such parameter, or a term is no term of a curve.
    """
    chosen = find_family(family)
    refuse_other_terms(given)
    _refuse_extra(chosen, given)
    return chosen


def _refuse_extra(family: Family, given: Mapping[str, Term | None]) -> None:
    extra = [
        name for name in PARAMETERS if given[name] is not None and name not in family.parameters
    ]
    if extra:
        raise DefinitionError(
            f"family {family.name!r} has no {', '.join(extra)}; its parameters are "
            f"{', '.join(family.parameters)}"
        )


def sample_of(
    people: Any, column: str, age: str, weight: str | None
) -> tuple[Sample, tuple[str, ...]]:
    """Read the columns; a missing measurement, age or weight leaves a person out.

    A weight of 0 does so too, and is told of; so are both sexes, and several scanners, together.

    Raises
    ------
    SchemaError
        As `fit_curve`.
    """
    frame, _ = as_polars(people)
    names = [column, age, *([weight] if weight else [])]
    absent = [name for name in names if name not in frame.collect_schema()]
    if absent:
        raise SchemaError(f"column(s) {', '.join(absent)} are not in the data")
    refuse_words(frame.collect_schema(), names, purpose="a curve")
    table = (
        frame.lazy().select(pl.col(names).cast(pl.Float64)).fill_nan(None).drop_nulls().collect()
    )
    weights = table[weight] if weight else pl.repeat(1.0, len(table), eager=True)
    if ((weights < 0) | weights.is_infinite()).any():
        raise SchemaError(f"column {weight} holds negative weights, or infinite ones")
    if len(weights) and not (weights > 0).any():
        raise SchemaError(
            f"column {weight} is 0 in all {count(len(weights))} row(s) that have {column}: name "
            f'another column of weights, or weight="{EQUAL}" for equal ones'
        )
    zero = int((weights == 0).sum())
    left_out = (f"{counted(zero, 'row')} of weight 0 ({weight}) left out",) if zero else ()
    table, weights = table.filter(weights > 0), weights.filter(weights > 0)
    notes = (*left_out, *_of_few(weights, weight))
    refuse_people(table, column, age)
    notes = (*notes, *mixed_people(frame, column))
    scaled = weights.to_numpy() * (len(table) / weights.sum())
    return Sample.of(table[age].to_numpy(), table[column].to_numpy(), scaled), notes


def _of_few(weights: pl.Series, name: str | None) -> tuple[str, ...]:
    """Weights that so few people hold that these are the curve."""
    n, share = len(weights), weights / weights.sum()
    effective = 1 / float((share**2).sum()) if n else 0.0
    if effective >= max(LEAST, n / 10) or effective >= n / 2:
        return ()
    return (
        f"few people hold most of the weight ({name}): {count(n)} people count as "
        f"{count(round(effective))} (Kish's effective number), and a curve needs {LEAST}; look at "
        "the largest weights",
    )


def refuse_people(table: pl.DataFrame, column: str, age: str) -> None:
    """Refuse impossible measurements, and too few people or ages.

    Raises
    ------
    SchemaError
        As `fit_curve`.
    """
    wrong = int((table[column] <= 0).sum())
    if wrong:
        raise SchemaError(
            f"column {column} is 0 or below in {wrong:,} row(s); a density, mass, area or height "
            "is above 0: set what was not measured to missing"
        )
    for name in (column, age):
        _refuse_implausible(table[name])
    if len(table) and table[column].n_unique() == 1:
        raise SchemaError(
            f"column {column} is the same in all {count(len(table))} row(s); a curve needs people "
            "who differ"
        )
    if len(table) < LEAST or table[age].n_unique() < 5:
        raise SchemaError(
            f"{len(table):,} people at {table[age].n_unique():,} ages have {column}; a curve needs "
            f"{LEAST} people and 5 ages at least"
        )


def _refuse_implausible(values: pl.Series) -> None:
    """Refuse what no living person has, as the codebook says; of any other column, infinity."""
    variable = codebook().variables.get(values.name)
    low, high = (variable and variable.range) or (-np.inf, np.inf)
    wrong = int((~values.is_between(low, high) | values.is_infinite()).sum())
    if wrong:
        unit = variable.unit if variable else ""
        plain = f"outside {low:g} to {high:g} {unit}" if np.isfinite(low) else "infinite"
        raise SchemaError(
            f"column {values.name} is {plain} in {wrong:,} row(s), which no person can be: "
            "correct them, convert the unit, or set them to missing; osteo_epi.read(data) does "
            "so for a file"
        )


def _cut_off(curve: Curve) -> tuple[str, ...]:
    """A Box–Cox law that ends where people of it would be: its mu is no median there."""
    if not curve.family.has_power:
        return ()
    cut = 100 * (
        1 - float(np.min(curve.family.within(curve.parameters(np.linspace(*curve.ages, 101)))))
    )
    if cut < CUT:
        return ()
    return (
        f"{cut:.0f} % of the {curve.family.title} law of {curve.column} lie past its end, so that "
        "mu is not the median: the people may be of two kinds, or another family suits them",
    )


def _crowded(fit: Fit, terms: Mapping[str, Term]) -> tuple[str, ...]:
    """P-splines whose chosen smoothness nearly has no room left between the knots."""
    return tuple(
        f"{name} takes {fit.df[name]:.1f} of the {term.columns} degrees of freedom that its "
        f"P-spline has: the knots may be too far apart for it; give "
        f"PSpline(intervals={2 * term.intervals})"
        for name, term in terms.items()
        if isinstance(term, PSpline) and term.df is None and fit.df[name] > CROWDED * term.columns
    )


def _said(fit: Fit, column: str) -> tuple[str, ...]:
    """What has to be known of the end of a fit; warned of as well."""
    import warnings

    swung = tuple(
        f"the choice of the smoothness of {name} went to and fro between two curves; the smoother "
        f"one, of {fit.df[name]:.1f} df, is given: state df= to decide it"
        for name in fit.swinging
    )
    if fit.converged:
        return swung
    text = (
        f"the fit of {column} did not converge in {counted(fit.cycles, 'cycle')}: take fewer "
        "degrees of freedom, or a family with fewer parameters"
    )
    warnings.warn(text, PrecisionWarning, stacklevel=3)
    return (text, *swung)
