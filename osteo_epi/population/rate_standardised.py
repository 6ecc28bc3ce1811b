"""Crude and standardised rates of a table of strata, joined to its standard by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.population.rate_direct import direct_rate
from osteo_epi.population.rate_strata import (
    WEIGHT,
    Standardised,
    finite,
    groups,
    standard_frame,
    sum_strata,
)
from osteo_epi.population.rates import rate


def standardised_rate(
    data: Any,
    *,
    cases: str,
    person_years: str,
    stratum: str | Sequence[str],
    standard: Any,
    by: str | Sequence[str] = (),
    method: str = "fay_feuer",
    mid_p: bool = False,
    confidence: float = 0.95,
    per: float = 1.0,
    empty: str = "error",
) -> Standardised:
    """Crude and directly standardised rates of a table, strata joined to the standard by name.

    Parameters
    ----------
    data
        Any frame with a row (or several, which are added up) for each group and stratum.
    cases, person_years
        Columns of events and of time at risk [years].
    stratum
        Column, or columns, that name the strata, e.g. "age_band" or ("age_band", "sex").
    standard
        Id of a standard population, a StandardPopulation, a mapping from stratum to weight, or a
        frame with the stratum columns and one of weights. Kinds of dashes in names are the same.
    by
        Columns that form the groups.
    method, mid_p, confidence, per
        As in `direct_rate`; the crude rate has the exact interval.
    empty
        "error" where a group has nobody in a stratum of the standard; "restrict" to standardise
        over the other strata, which the row's flag names.

    Returns
    -------
    Standardised

    Raises
    ------
    SchemaError
        If strata lack a standard population, or people; the message names them.

    Examples
    --------
    >>> table = pl.DataFrame(
    ...     {"age": ["50-64", "65+"], "hip": [5, 77], "years": [19_876.0, 6_020.0]}
    ... )
    >>> found = standardised_rate(table, cases="hip", person_years="years", stratum="age",
    ...                           standard={"65+": 2_500, "50-64": 6_500}, per=100_000)
    >>> found.to_frame().select("statistic", pl.col("estimate").round(1)).rows()
    [('crude', 316.7), ('standardised', 373.5)]
    """
    strata = [stratum] if isinstance(stratum, str) else list(stratum)
    by = [by] if isinstance(by, str) else list(by)
    counts = sum_strata(data, sums=(cases, person_years), stratum=strata, by=by)
    weights, name = standard_frame(standard, strata)
    rows = []
    for group in groups(counts, weights, stratum=strata, by=by, people=person_years, empty=empty):
        x, time = group.strata[cases].to_numpy(), group.strata[person_years].to_numpy()
        crude = rate(x.sum(), time.sum(), confidence=confidence, per=per)
        direct = direct_rate(
            x,
            time,
            group.strata[WEIGHT].to_numpy(),
            method=method,
            mid_p=mid_p,
            confidence=confidence,
            per=per,
        )
        rows += [
            _row(group.key, "crude", crude, np.sqrt(x.sum()) / time.sum() * per, "", group.flag),
            _row(group.key, "standardised", direct, direct.se, name, group.flag),
        ]
    return Standardised(pl.DataFrame(rows, infer_schema_length=None))


def _row(key: dict, statistic: str, found: Any, se: Any, standard: str, flag: str) -> dict:
    limits = {a: finite(float(getattr(found, a))) for a in ("lower", "upper")}
    return {
        **key,
        "statistic": statistic,
        "estimate": float(found.estimate),
        "se": float(se),
        **limits,
        "confidence": found.confidence,
        "cases": float(found.cases),
        "person_years": float(found.person_years),
        "per": found.per,
        "method": found.method,
        "standard": standard or None,
        "flag": flag,
    }
