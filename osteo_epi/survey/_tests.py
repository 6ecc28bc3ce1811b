"""Two classifications of the same people: are they independent, and how far do they agree?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from osteo_epi.errors import DesignError
from osteo_epi.results import Result
from osteo_epi.rounding import count, number
from osteo_epi.survey._arrays import (
    Array,
    Codes,
    DesignArrays,
    Mask,
    degrees_of_freedom,
    refuse_nobody,
    rows_in,
)
from osteo_epi.survey._design import of_people
from osteo_epi.survey._estimates import Estimate, mean


@dataclass(frozen=True, repr=False)
class RaoScott(Result):
    """F of a test of independence, its two degrees of freedom, p value and rows."""

    no_figure = "is a test with one p: its numbers are in to_frame()"

    statistic: float
    df: tuple[float, float]
    p: float
    n: int

    def to_polars(self) -> pl.DataFrame:
        """One row: F, df_1, df_2, p, n."""
        first, second = self.df
        row = {"F": self.statistic, "df_1": first, "df_2": second, "p": self.p, "n": self.n}
        return pl.DataFrame([row])

    def _summary(self) -> str:
        f, p = (number(value, digits=3) for value in (self.statistic, self.p))
        return f"F {f}, p {p}, n {count(self.n)}"


@of_people("row", "column", groups=("row", "column"))
def rao_scott_test(
    row: Codes,
    column: Codes,
    design: DesignArrays,
    *,
    domain: Mask | None = None,
) -> RaoScott:
    """Test whether two classifications are independent in the population.

    Parameters
    ----------
    row, column
        (n,) classes 0 …; −1 where missing, which leaves the test. Or a frame first, and the names
        of its columns.
    design, domain
        The design over the n rows and the (n,) mask of the population.

    Returns
    -------
    RaoScott
        The second-order corrected chi square, referred to F as R's `svychisq` does by default;
        its denominator has the degrees of freedom of the domain.

    Raises
    ------
    DesignError
        If nobody of the domain has both classes, or one classification has a single class.

    Notes
    -----
    Rao and Scott 1984, doi 10.1214/aos/1176346391.

    Examples
    --------
    >>> from osteo_epi.survey import SurveyDesign
    >>> people = pl.DataFrame({"w": [1.0, 2, 1, 2, 1, 3], "fallen": [0, 0, 1, 1, 0, 1],
    ...                        "broken": [0, 0, 1, 1, 1, 0]})
    >>> design = SurveyDesign(weight="w").arrays(people)
    >>> test = rao_scott_test(people["fallen"].to_numpy(), people["broken"].to_numpy(), design)
    >>> f"F = {test.statistic:.2f}, p = {test.p:.2f}"
    'F = 0.33, p = 0.59'
    """
    rows = rows_in(design, domain) & (row >= 0) & (column >= 0)
    refuse_nobody(rows)
    (row, held), (column, beside) = _dense(row, rows), _dense(column, rows)
    shape = (held, beside)
    _refuse_single_class(shape)
    cell = np.where(rows, row * shape[1] + column, -1)
    share = mean((cell[:, None] == np.arange(shape[0] * shape[1])).astype(float), design,
                 domain=rows)  # fmt: skip
    table = share.value.reshape(shape)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    # The number of people scales the chi square and the design effects alike: F has none.
    pearson = float(np.sum((table - expected) ** 2 / expected))
    effects = np.linalg.eigvals(_design_effects(share, shape)).real.astype(float)
    df = float(effects.sum() ** 2 / (effects**2).sum())
    # Units whose members all lack a class stay, as in R: they are of the population asked about.
    rest = df * degrees_of_freedom(design, domain)
    statistic = float(pearson / effects.sum())
    return RaoScott(statistic, (df, rest), float(special.fdtrc(df, rest, statistic)), share.n)


def _dense(codes: Codes, rows: Mask) -> tuple[Codes, int]:
    """Codes 0, 1, … of the classes that the rows hold, and how many those are."""
    classes = np.unique(codes[rows])
    return np.searchsorted(classes, codes), len(classes)


def _refuse_single_class(shape: tuple[int, int]) -> None:
    if min(shape) < 2:
        raise DesignError(
            f"{shape[0]} by {shape[1]} classes in the domain: a test of independence needs two "
            "at least of each; take a larger domain, or other classes"
        )


def _design_effects(share: Estimate, shape: tuple[int, int]) -> Array:
    """(d, d) covariance of the interactions over that of one person drawn at random."""
    p = share.value
    inverse = np.diag(np.divide(1.0, p, out=np.zeros(len(p)), where=p > 0))
    contrasts = _interactions(shape)
    simple = contrasts.T @ inverse @ contrasts
    designed = contrasts.T @ inverse @ share.covariance @ inverse @ contrasts
    return np.linalg.solve(simple, designed)


def _interactions(shape: tuple[int, int]) -> Array:
    """(r·c, (r − 1)(c − 1)) interaction columns, free of the main effects."""
    rows, columns = np.divmod(np.arange(shape[0] * shape[1]), shape[1])
    first = (rows[:, None] == np.arange(1, shape[0])).astype(float)
    second = (columns[:, None] == np.arange(1, shape[1])).astype(float)
    main = np.column_stack([np.ones(len(rows)), first, second])
    both = (first[:, :, None] * second[:, None, :]).reshape(len(rows), -1)
    return both - main @ np.linalg.lstsq(main, both, rcond=None)[0]
