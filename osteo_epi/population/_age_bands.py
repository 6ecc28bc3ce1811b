"""Which ages a prevalence refers to, and the bands between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from osteo_epi.errors import DesignError
from osteo_epi.norms import AgeBand, Interval, StandardPopulation

# Without a standard population to say otherwise: decades, open where surveys top-code ages.
DECADE = 10.0
OPEN_FROM = 80.0

Ages = Interval | str | Sequence[float]


def age_range(ages: Ages) -> tuple[float, float]:
    """Lower and upper age [years], the upper one not reached.

    Examples
    --------
    >>> age_range("[50, inf)"), age_range((40, 80))
    ((50.0, inf), (40.0, 80.0))
    """
    if isinstance(ages, str):
        ages = Interval.parse(ages)
    if isinstance(ages, Interval):
        ages = (ages.lower, ages.upper)
    pair = tuple(float(age) for age in ages)
    if len(pair) != 2 or not pair[0] < pair[1]:
        raise DesignError(f"ages must be two ascending numbers, such as (50, inf); got {pair}")
    return pair[0], pair[1]


def band_edges(
    ages: tuple[float, float],
    standard: StandardPopulation | None,
    asked: Sequence[float] | None,
) -> tuple[float, ...]:
    """Ascending edges [years] of the age bands.

    Parameters
    ----------
    ages
        The range of ages, used where no edges are asked for.
    standard
        Its bands, joined to one open band at the top, are the default; None for decades.
    asked
        Edges asked for; they then decide the range too.

    Examples
    --------
    >>> band_edges((50.0, float("inf")), None, None)
    (50.0, 60.0, 70.0, 80.0, inf)
    """
    if asked is not None:
        return _checked(asked)
    if standard is None:
        inner = np.arange(DECADE * math.floor(ages[0] / DECADE + 1), OPEN_FROM + 1, DECADE)
        inner_edges = tuple(float(edge) for edge in inner)
    else:
        usual = standard.default_edges
        lower = tuple(band.lower for band in standard.bands if band.lower < usual[0])
        inner_edges = (*lower, *usual)
    kept = tuple(edge for edge in inner_edges if ages[0] < edge < ages[1])
    return _checked((ages[0], *kept, ages[1]))


def _checked(edges: Sequence[float]) -> tuple[float, ...]:
    pairs = tuple(float(edge) for edge in edges)
    if len(pairs) < 2 or any(low >= high for low, high in itertools.pairwise(pairs)):
        raise DesignError(
            f"age_bands must be ascending edges, two at least, such as (50, 65, inf); got {pairs}"
        )
    return pairs


def bands_between(edges: Sequence[float]) -> tuple[AgeBand, ...]:
    """The bands between edges, named as the standard populations name theirs."""
    return tuple(AgeBand.of(low, high) for low, high in itertools.pairwise(edges))
