"""Indirect standardisation: observed against expected cases (SMR, SIR), and the rate they imply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from osteo_epi.errors import SchemaError
from osteo_epi.frames import in_callers_kind
from osteo_epi.population.rates._poisson import exact_value, mid_p_value, poisson_limits
from osteo_epi.population.rates._strata import WEIGHT, finite, names_of, sum_strata
from osteo_epi.results import Result
from osteo_epi.rounding import number


@dataclass(frozen=True, repr=False)
class Smr(Result):
    """Ratio of observed to expected cases.

    Attributes
    ----------
    observed, expected
        Cases; the expected ones are taken as known without error.
    estimate, lower, upper
        The ratio and its interval.
    p_value
        Two-sided against a ratio of 1: exact, or mid-p with the mid-p interval.
    """

    observed: float
    expected: float
    estimate: float
    lower: float
    upper: float
    p_value: float
    confidence: float
    method: str

    def to_polars(self) -> pl.DataFrame:
        """One row."""
        return pl.DataFrame([self.__dict__])

    def _summary(self) -> str:
        ends = " to ".join(number(end, digits=3) for end in (self.lower, self.upper))
        return f"{number(self.estimate, digits=3)} ({ends}), {self.method}"


@dataclass(frozen=True, repr=False)
class IndirectRates(Result):
    """SMR and indirectly standardised rate of each group; `frame` holds the rows."""

    frame: pl.DataFrame

    def to_polars(self) -> pl.DataFrame:
        """The rows: by columns, observed, expected, ratio, rate, …, method."""
        return self.frame


@in_callers_kind
def smr(
    observed: float, expected: float, *, method: str = "exact", confidence: float = 0.95
) -> Smr:
    """Standardised mortality (or morbidity) ratio with its interval.

    Parameters
    ----------
    observed
        Cases that happened.
    expected
        Cases expected at the reference rates; above 0.
    method
        As in `poisson_limits`; "mid_p" brings the mid-p value with it.
    confidence
        Two-sided level, between 0 and 1.

    Returns
    -------
    Smr

    Raises
    ------
    SchemaError
        If nothing is expected, or the observed count is negative or missing.

    Examples
    --------
    >>> smr(4, 3.2, method="mid_p")
    Smr(1.25 (0.397 to 3.02), mid_p)
    """
    if not expected > 0:
        raise SchemaError(
            "no cases are expected at the reference rates: the ratio does not exist; "
            "check the person-years and the reference"
        )
    lower, upper = poisson_limits(observed, method=method, confidence=confidence)
    value = mid_p_value if method == "mid_p" else exact_value
    return Smr(
        observed=float(observed),
        expected=float(expected),
        estimate=observed / expected,
        lower=float(lower) / expected,
        upper=float(upper) / expected,
        p_value=value(observed, expected),
        confidence=confidence,
        method=method,
    )


@in_callers_kind
def indirect_rate(
    data: Any,
    *,
    cases: str,
    person_years: str,
    stratum: str | Sequence[str],
    reference: Any,
    by: str | Sequence[str] = (),
    method: str = "exact",
    confidence: float = 0.95,
    per: float = 1.0,
) -> IndirectRates:
    """SMR and indirectly standardised rate, strata joined to the reference by name.

    Parameters
    ----------
    data
        Any frame with a row (or several) for each group and stratum.
    cases, person_years
        Columns of events and of time at risk [years], in `data` and in `reference`.
    stratum
        Column, or columns, that name the strata.
    reference
        Frame of the reference population: the strata, its cases and its person-years.
    by
        Columns that form the groups.
    method, confidence
        As in `smr`.
    per
        Person-years that the rates are given for.

    Returns
    -------
    IndirectRates
        `ratio` = observed / expected, and `rate` = ratio × crude reference rate, each with limits.

    Raises
    ------
    SchemaError
        If a stratum of the data is not in the reference, or nobody was at risk there; the message
        names it.

    Examples
    --------
    >>> north = pl.DataFrame({"age": ["50-64", "65+"], "hip": [3, 60], "years": [9e3, 5e3]})
    >>> nation = pl.DataFrame({"age": ["65+", "50-64"], "hip": [900, 40], "years": [1e5, 1e5]})
    >>> result = indirect_rate(north, cases="hip", person_years="years", stratum="age",
    ...                        reference=nation)
    >>> result.to_frame().select(pl.col("expected", "ratio").round(3)).row(0)
    (48.6, 1.296)
    """
    strata = [stratum] if isinstance(stratum, str) else list(stratum)
    by = [by] if isinstance(by, str) else list(by)
    counts = sum_strata(data, sums=(cases, person_years), stratum=strata, by=by)
    rates, crude = _reference_rates(reference, cases, person_years, strata)
    _check_reference(counts.filter(pl.col(person_years) > 0), rates, strata)
    rows = []
    for part in counts.partition_by(by, maintain_order=True) if by else [counts]:
        joined = part.join(rates, on=strata, how="left")
        expected = float((joined[person_years] * joined[WEIGHT]).sum())
        ratio = smr(float(joined[cases].sum()), expected, method=method, confidence=confidence)
        key = part.select(by).row(0, named=True) if by else {}
        rows.append(_row(key, ratio, crude * per, float(joined[person_years].sum()), per))
    return IndirectRates(pl.DataFrame(rows, infer_schema_length=None))


def _reference_rates(
    reference: Any, cases: str, person_years: str, strata: list[str]
) -> tuple[pl.DataFrame, float]:
    table = sum_strata(reference, sums=(cases, person_years), stratum=strata, by=())
    idle = table.filter(pl.col(person_years) <= 0)
    if idle.height:
        raise SchemaError(
            f"the reference has no person-years in: {names_of(idle, strata)}; join these strata "
            f"with neighbours on both sides"
        )
    rates = table.select(*strata, (pl.col(cases) / pl.col(person_years)).alias(WEIGHT))
    return rates, float(table[cases].sum()) / float(table[person_years].sum())


def _check_reference(counts: pl.DataFrame, rates: pl.DataFrame, strata: list[str]) -> None:
    unknown = counts.join(rates, on=strata, how="anti")
    if unknown.height:
        raise SchemaError(
            f"strata without a reference rate: {names_of(unknown, strata)}; the reference has "
            f"{names_of(rates, strata)}"
        )


def _row(key: dict, ratio: Smr, crude: float, time: float, per: float) -> dict:
    limits = {a: finite(getattr(ratio, a)) for a in ("lower", "upper")}
    return {
        **key,
        "observed": ratio.observed,
        "expected": ratio.expected,
        "person_years": float(time),
        "ratio": ratio.estimate,
        **{f"ratio_{a}": v for a, v in limits.items()},
        "p_value": ratio.p_value,
        "rate": ratio.estimate * crude,
        **{f"rate_{a}": None if v is None else v * crude for a, v in limits.items()},
        "reference_rate": crude,
        "per": per,
        "confidence": ratio.confidence,
        "method": ratio.method,
    }
