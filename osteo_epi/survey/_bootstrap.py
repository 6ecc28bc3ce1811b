"""People drawn anew, for a bootstrap of whole estimates with all that is made of the people."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from osteo_epi.errors import DesignError
from osteo_epi.survey._design import SurveyDesign

WEIGHT = "_resampled_weight"


def resamples(
    design: SurveyDesign, frame: pl.DataFrame, *, replicates: int, seed: int
) -> Iterator[pl.DataFrame]:
    """Draw people anew by the design, as rows: a reference made of them is drawn as well.

    Parameters
    ----------
    design
        The design; people are the units where it names none.
    frame
        The people.
    replicates, seed
        How many, and from which seed.

    Yields
    ------
    DataFrame
        People as often as they were drawn, with their weight in `_resampled_weight`.

    Raises
    ------
    DesignError
        If a stratum has one unit: it cannot be drawn anew.

    Notes
    -----
    n − 1 of the n first-stage units of each stratum with replacement, weights n/(n − 1) (Rao and
    Wu 1988). Rows of a unit stay together; lower stages go with it.
    """
    arrays = design.arrays(frame)
    stage = arrays.stages[0]
    alone = int((stage.sampled < 2).sum())
    if alone:
        raise DesignError(
            f"{alone} strata have one sampling unit: a bootstrap cannot draw from them; merge them "
            "with their neighbours, or use uncertainty='delta'"
        )
    unit = np.arange(len(arrays.weight)) if stage.unit is None else stage.unit
    whole = (stage.sampled / (stage.sampled - 1))[stage.stratum][unit]
    strata = [np.flatnonzero(stage.stratum == h) for h in range(len(stage.sampled))]
    rng = np.random.default_rng([0, seed])
    for _ in range(replicates):
        times = np.zeros(len(stage.stratum), dtype=int)
        for units in strata:
            drawn = rng.integers(0, len(units), len(units) - 1)
            times[units] = np.bincount(drawn, minlength=len(units))
        rows = np.repeat(np.arange(len(unit)), times[unit])
        yield frame[rows].with_columns(pl.Series(WEIGHT, (arrays.weight * whole)[rows]))
