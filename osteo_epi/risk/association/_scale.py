"""By how much an exposure differs between people compared: the standard deviation, and whose.

A ratio per standard deviation means nothing without saying whose deviation it is. It comes from
the people of the model, from the population that they were drawn from, from the young adults of a
reference (by sex, as a T-score), or it is a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from osteo_epi import norms
from osteo_epi.accuracy import People
from osteo_epi.arguments import number
from osteo_epi.errors import DesignError, NormError, SchemaError
from osteo_epi.rounding import number as written
from osteo_epi.survey import Array, Mask

PerSD = str | float | norms.YoungAdultReference | None
"""Whose standard deviation: "sample", "population", a reference or its id, or a number."""
AREAL = "abmd_"


@dataclass(frozen=True)
class Deviation:
    """A standard deviation that people gave: (n,) values, who they are, and their weights."""

    values: Array
    rows: Mask
    weight: Array

    def linear(self) -> Array:
        """(n,) weighted linearised deviation over itself; 0 of who did not give it."""
        x, w = self.values[self.rows], self.weight[self.rows]
        square = (x - np.average(x, weights=w)) ** 2
        out = np.zeros(len(self.rows))
        out[self.rows] = w * (square / np.average(square, weights=w) - 1) / (2 * w.sum())
        return out

    def changed(self, factor: Array) -> float:
        """The deviation over itself where weights are (n,) times what they were."""
        x, w = self.values[self.rows], self.weight[self.rows]

        def square(weight: Array) -> float:
            mean = np.average(x, weights=weight)
            return float(np.average((x - mean) ** 2, weights=weight))

        return float(np.sqrt(square(w * factor[self.rows]) / square(w)))


@dataclass(frozen=True)
class Scale:
    """(n,) step between people compared [unit of the exposure], what it is, and where from.

    `sd` is the one deviation, None where it differs by sex or there is none; `estimated` what it
    was estimated from, None where it is known.
    """

    step: Array
    words: str
    source: str
    sd: float | None
    estimated: Deviation | None = None


def scale_of(
    people: People,
    exposure: str,
    per_sd: PerSD | Mapping[str, PerSD],
    *,
    decrease: bool,
    rows: Mask,
    population: Mask,
    weight: Array,
) -> Scale:
    """The step of one exposure.

    Parameters
    ----------
    people, exposure
        The frame, and the column.
    per_sd
        Whose standard deviation, for all exposures or by the name of each.
    decrease
        Whether people with less are compared to people with more.
    rows, population
        (n,) people of the model; people of the domain, followed or not.
    weight
        (n,) sampling weights.

    Raises
    ------
    DesignError, NormError, SchemaError
        If there is no such standard deviation.
    """
    way = "decrease" if decrease else "increase"
    asked = per_sd.get(exposure) if isinstance(per_sd, Mapping) else per_sd
    values = people.numbers(exposure, "exposures")
    if asked is None:
        return Scale(np.ones(len(values)), f"per unit {way}", "one unit of the column", None)
    words = f"per SD {way}"
    if isinstance(asked, norms.YoungAdultReference):
        return _of_reference(people, exposure, asked, words, rows)
    if not isinstance(asked, str):
        number(asked, "per_sd", above=0)
        return Scale(np.full(len(values), float(asked)), words, "as stated", float(asked))
    if asked in ("sample", "population"):
        there = rows if asked == "sample" else population & ~np.isnan(values)
        own = np.ones(len(values)) if asked == "sample" else weight
        sd = deviation(values[there], own[there], exposure)
        source = "people of the model" if asked == "sample" else "population, by the weights"
        estimated = Deviation(values, there, own)
        return Scale(np.full(len(values), sd), words, source, sd, estimated)
    return _of_reference(people, exposure, _reference(asked), words, rows)


def _reference(id: str) -> norms.YoungAdultReference:
    try:
        return norms.load("young_adult", id)
    except NormError as error:
        raise NormError(
            f'per_sd={id!r} is neither "sample" nor "population" nor a reference: {error}'
        ) from error


def deviation(values: Array, weight: Array, exposure: str) -> float:
    mean = np.average(values, weights=weight)
    square = float(np.average((values - mean) ** 2, weights=weight))
    sd = float(np.sqrt(square * len(values) / max(len(values) - 1, 1)))
    if not sd > 1e-12 * max(abs(float(mean)), 1e-300):
        raise SchemaError(
            f"exposure {exposure} is the same in everybody: it has no standard deviation and "
            "tells nobody apart; leave it out, or take a larger domain"
        )
    return sd


def _of_reference(
    people: People, exposure: str, reference: norms.YoungAdultReference, words: str, rows: Mask
) -> Scale:
    """Each person by the deviation of the own sex."""
    if not exposure.startswith(AREAL):
        raise DesignError(
            f"exposure {exposure}: a reference has standard deviations of areal densities only, "
            'columns that begin with abmd_; take per_sd="population", "sample" or a number for it, '
            'as in per_sd={"' + exposure + '": "population"}'
        )
    if "sex" not in people.frame.columns:
        raise SchemaError(
            f"{reference.id} is read by sex, and the data have no column sex (female, male): add "
            'it, or take per_sd="population"'
        )
    sex = people.column("sex", "by").cast(str).to_numpy()
    step, said, values = np.full(len(sex), np.nan), [], set()
    for own in sorted(set(sex[rows]) - {None}):
        entry = reference.mean_sd(str(own), exposure.removeprefix(AREAL))
        if entry is None:
            raise NormError(
                f"{reference.id} has no standard deviation of {exposure} for sex {own}; take "
                'another reference, a domain of the other sex, or per_sd="population"'
            )
        step[sex == own] = entry.sd
        said.append(f"{own} {written(entry.sd)}")
        values.add(entry.sd)
    if np.isnan(step[rows]).any():
        raise SchemaError(
            "people of the model lack their sex, by which the reference is read: leave them out "
            "by domain="
        )
    source = f"{reference.id} ({', '.join(said)} g/cm²)"
    return Scale(step, words, source, values.pop() if len(values) == 1 else None)
