"""How a parameter may change with age: constant, polynomial, fractional polynomial, P-spline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from osteo_epi.arguments import ages_between, number, numbers
from osteo_epi.errors import DefinitionError

Array = NDArray[np.float64]
POWERS = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)
CHOICES = ("ml", "gaic", "gcv")
# Of the range of ages, beyond which the knots reach on either side.
MARGIN = 0.01


class Term(Protocol):
    """What a fit needs of a term."""

    @property
    def label(self) -> str:
        """The term in a word or two."""

    def basis(self, age: Array, ages: tuple[float, float]) -> Array:
        """(m, p) columns at (m,) ages [years], for a fit over the given range of ages."""

    def penalty(self, columns: int) -> Array | None:
        """(p, p) roughness of the coefficients; None where nothing is smoothed."""


def refuse_other_terms(given: Mapping[str, Any]) -> None:
    """Refuse what is no term, by the parameter for which it stands.

    Raises
    ------
    DefinitionError
        If a value is neither None nor a term.
    """
    for name, term in given.items():
        known = term is None or (not isinstance(term, type) and hasattr(term, "basis"))
        if not known:
            raise DefinitionError(
                f"{name}={term!r}; expected a term: Constant(), Polynomial(3), "
                "FractionalPolynomial((1, 2)), NaturalSpline(), PSpline() or PSpline(df=4)"
            )


@dataclass(frozen=True)
class Constant:
    """The same at every age."""

    @property
    def label(self) -> str:
        """In a word."""
        return "constant"

    def basis(self, age: Array, ages: tuple[float, float]) -> Array:
        """One column of ones."""
        return np.ones((len(age), 1))

    def penalty(self, columns: int) -> None:
        """Nothing is smoothed."""
        return


@dataclass(frozen=True)
class Polynomial:
    """A polynomial in age, by Chebyshev's on the range of ages: the same curve, better digits."""

    degree: int = 3

    def __post_init__(self) -> None:
        number(self.degree, "degree of a polynomial", least=1, whole=True)

    @property
    def label(self) -> str:
        """In a word or two."""
        return f"polynomial of degree {self.degree}"

    def basis(self, age: Array, ages: tuple[float, float]) -> Array:
        """degree + 1 columns."""
        low, high = ages
        scaled = 2 * (age - low) / (high - low) - 1
        return np.asarray(np.polynomial.chebyshev.chebvander(scaled, self.degree), dtype=float)

    def penalty(self, columns: int) -> None:
        """Nothing is smoothed."""
        return


@dataclass(frozen=True)
class FractionalPolynomial:
    """Powers of age (Royston & Altman 1994, doi:10.2307/2986270); a repeated one times log(age)."""

    powers: tuple[float, ...] = (1.0, 2.0)

    def __post_init__(self) -> None:
        if isinstance(self.powers, (int, float)):
            object.__setattr__(self, "powers", (float(self.powers),))
        unknown = [power for power in self.powers if power not in POWERS]
        if unknown or not self.powers:
            raise DefinitionError(
                f"powers={self.powers} of a fractional polynomial; expected some of "
                f"{', '.join(f'{power:g}' for power in POWERS)}"
            )

    @property
    def label(self) -> str:
        """In a word or two."""
        powers = ", ".join(f"{power:g}" for power in self.powers)
        return f"fractional polynomial ({powers})"

    def basis(self, age: Array, ages: tuple[float, float]) -> Array:
        """One column of ones, and one a power."""
        if ages[0] <= 0:
            raise DefinitionError(
                f"a fractional polynomial takes ages above 0; the youngest is {ages[0]:g} years"
            )
        scaled = age / ages[1]
        columns, before = [np.ones_like(age)], float("nan")
        for power in sorted(self.powers):
            column = np.log(scaled) if power == 0 else scaled**power
            columns.append(columns[-1] * np.log(scaled) if power == before else column)
            before = power
        return np.column_stack(columns)

    def penalty(self, columns: int) -> None:
        """Nothing is smoothed."""
        return


@dataclass(frozen=True)
class NaturalSpline:
    """A cubic spline that is straight at both edges, without a penalty, as `ns()` of R.

    Parameters
    ----------
    knots
        [years] Between the edges; or their number, at equal distances.
    edges
        [years] Where it turns straight; the first and last age of the people by default, and
        never within them.
    """

    knots: tuple[float, ...] | int = 3
    edges: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.knots, (list, tuple)):
            numbers(self.knots, "knots of a natural spline")
        else:
            number(self.knots, "knots of a natural spline", least=1, whole=True)
        if self.edges is not None:
            ages_between(self.edges, "edges", whole=False)

    @property
    def label(self) -> str:
        """In a word or two."""
        return f"natural spline of {self.columns} coefficients"

    @property
    def columns(self) -> int:
        """Of its basis, and so its coefficients."""
        return 2 + (self.knots if isinstance(self.knots, int) else len(self.knots))

    def basis(self, age: Array, ages: tuple[float, float]) -> Array:
        """knots + 2 columns."""
        from scipy.interpolate import BSpline

        low, high = self.edges or ages
        inner = self._inner(low, high)
        if low > ages[0] or high < ages[1] or min(inner) <= low or max(inner) >= high:
            raise DefinitionError(
                f"a natural spline with knots {', '.join(f'{k:g}' for k in inner)} and edges "
                f"{low:g}, {high:g} [years]; expected knots between the edges, and everybody's age "
                f"too ({ages[0]:g}–{ages[1]:g})"
            )
        places = np.concatenate([[low] * 4, inner, [high] * 4])
        full = BSpline(places, np.eye(len(inner) + 4), 3)
        bent = full.derivative(2)(np.array([low, high]))
        straight = np.linalg.qr(bent.T, mode="complete")[0][:, 2:]
        return np.asarray(full(age) @ straight)

    def _inner(self, low: float, high: float) -> list[float]:
        if not isinstance(self.knots, int):
            return sorted(self.knots)
        return [float(place) for place in np.linspace(low, high, self.knots + 2)[1:-1]]

    def penalty(self, columns: int) -> None:
        """Nothing is smoothed."""
        return


@dataclass(frozen=True)
class PSpline:
    """A cubic B-spline with a penalty on differences of its coefficients.

    Parameters
    ----------
    df
        Degrees of freedom beside the straight line that no penalty touches, as `pb(df=)` of
        gamlss; None to have them chosen.
    intervals
        Between knots at equal distances. From childhood to old age take 40: a knot every two years
        follows puberty, every four years it does not.
    order
        Of the differences.
    choice
        How: "ml", local maximum likelihood, as `pb()`; "gaic", the generalised criterion of
        Akaike; "gcv", generalised cross-validation.
    k
        What a degree of freedom costs under "gaic": 2 is Akaike's criterion, log(n) Schwarz's.
    n_effective
        People for whom the choice takes them; None for their number. Weighted people, or people
        drawn in clusters, tell less than their number, and a choice that takes them for as many
        follows their noise: `Diagnostics.n_effective` of a first curve is the number to give.
    decline_from
        [years] Age from which the curve never rises; None to let it. A curve that falls anyhow
        stays as it is. df is then that of the curve before it is held, and a held one has fewer.

    Raises
    ------
    DefinitionError
        If df is out of reach, or stated beside a choice or n_effective; if the choice is unknown, k
        not above 0, or n_effective not above the columns of the basis.

    Notes
    -----
    Eilers & Marx 1996, doi:10.1214/ss/1038425655. The choice is local (Rigby & Stasinopoulos 2014,
    doi:10.1177/0962280212473302): at each step the criterion is that of the working values of the
    parameter, the others held, which for S and a df is S + k·df, or n·S/(n − df)², with S their
    squares about the curve; with n_effective, those of so many people. `Curve.gaic` is of the whole
    fit; at its least, the df of one parameter may differ by a little.

    Examples
    --------
    >>> PSpline(choice="gaic", k=3).label
    'P-spline by GAIC(3)'
    """

    df: float | None = None
    intervals: int = 20
    order: int = 2
    degree: int = 3
    choice: str = "ml"
    k: float = 2.0
    decline_from: float | None = None
    n_effective: float | None = None

    def __post_init__(self) -> None:
        number(self.intervals, "intervals of a P-spline", least=1, whole=True)
        number(self.order, "order of a P-spline", least=1, whole=True)
        number(self.degree, "degree of a P-spline", least=1, whole=True)
        most = self.intervals + self.degree - self.order
        if self.df is not None:
            number(self.df, "df of a P-spline", above=0, below=most)
        if self.decline_from is not None:
            number(self.decline_from, "decline_from", least=0, unit="years")
        if self.choice not in CHOICES:
            raise DefinitionError(f"choice={self.choice!r}; expected one of {', '.join(CHOICES)}")
        if self.df is not None and self.choice != "ml":
            raise DefinitionError(f"df={self.df:g} is stated, so choice={self.choice!r} has no say")
        number(self.k, "k of a P-spline", above=0)
        if self.n_effective is not None:
            self._check_people(self.n_effective)

    def _check_people(self, n: float) -> None:
        # Fewer people than columns leave the variance about the curve no degrees of freedom.
        number(n, "n_effective of a P-spline", above=self.columns)
        if self.df is not None:
            raise DefinitionError(f"df={self.df:g} is stated, so n_effective={n:g} has no say")

    @property
    def label(self) -> str:
        """In a word or two."""
        chosen = {"ml": "", "gaic": f" by GAIC({self.k:g})", "gcv": " by GCV"}[self.choice]
        stated = "" if self.df is None else f" of {self.df:g} df"
        falls = "" if self.decline_from is None else f", falling from {self.decline_from:g} years"
        return f"P-spline{stated}{chosen}{falls}"

    @property
    def columns(self) -> int:
        """Of its basis: the degrees of freedom of a curve without a penalty."""
        return self.intervals + self.degree

    def criterion(self, squares: float, df: float, n: float) -> float:
        """What "gaic" and "gcv" make least; (squares about the curve, of n people)."""
        return squares + self.k * df if self.choice == "gaic" else n * squares / (n - df) ** 2

    def people(self, n: int) -> float:
        """For how many people the choice takes n of them."""
        return float(n) if self.n_effective is None else self.n_effective

    def basis(self, age: Array, ages: tuple[float, float]) -> Array:
        """Of `columns` columns."""
        from scipy.interpolate import BSpline

        if not len(age):
            return np.zeros((0, self.columns))
        return np.asarray(BSpline.design_matrix(age, self.knots(ages), self.degree).toarray())

    def local_basis(self, age: Array, ages: tuple[float, float]) -> tuple[Array, NDArray[np.int64]]:
        """(m, degree + 1) columns that are not 0 at an age; (m,) which one is the first of them."""
        from scipy.interpolate import BSpline

        few = BSpline.design_matrix(age, self.knots(ages), self.degree)
        shape = len(age), self.degree + 1
        first = few.indices.reshape(shape)[:, 0].astype(np.int64)
        return np.asarray(few.data.reshape(shape)), first

    def knots(self, ages: tuple[float, float]) -> Array:
        """[years] At equal distances, those past the edges too."""
        reach = MARGIN * (ages[1] - ages[0])
        low, high = ages[0] - reach, ages[1] + reach
        step = (high - low) / self.intervals
        return np.asarray(low + step * np.arange(-self.degree, self.intervals + self.degree + 1))

    def penalty(self, columns: int) -> Array:
        """Squared differences."""
        differences = np.diff(np.eye(columns), n=self.order, axis=0)
        return differences.T @ differences
