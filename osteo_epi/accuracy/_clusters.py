"""Several readings of one person: two hips, several vertebrae. The person is the sampling unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.rounding import count
from osteo_epi.survey import Design, ReplicateDesign


def clustered(frame: pl.DataFrame, design: Design, cluster: str) -> tuple[Design, tuple[str, ...]]:
    """The design of readings that lie in clusters, and what to say of them.

    Parameters
    ----------
    frame
        One row a reading.
    design
        How the clusters were drawn.
    cluster
        Column that says which readings belong together.

    Returns
    -------
    tuple
        The design, whose first sampling unit now holds whole clusters; notes.

    Raises
    ------
    SchemaError
        If the column is absent or has gaps.
    DesignError
        If there is one cluster, or a cluster lies in several units of the design.

    Notes
    -----
    The variance is that between the units drawn first (the ultimate cluster; Rao and Scott 1992,
    doi 10.2307/2532311, take it for clustered binary answers). A design that names units holds
    the clusters already if they lie within them.
    """
    _refuse_column(frame, cluster)
    n = frame[cluster].n_unique()
    if n < 2:
        raise DesignError(
            f"column {cluster}, named as cluster=, is one cluster: how much clusters differ cannot "
            "be seen; name the column that says whose reading a row is"
        )
    notes = (f"{count(frame.height)} readings of {count(n)} clusters ({cluster}): counts are of "
             "readings, errors are those between clusters",)  # fmt: skip
    if isinstance(design, ReplicateDesign):
        held = [design.weight, *design.replicate_columns(frame)]
        _refuse_crossing(frame, cluster, held, "values of the replicate weights")
        return design, notes
    above = [c for c in (design.stratum, *design.units) if c is not None and c != cluster]
    _refuse_crossing(frame, cluster, above, "strata or units of the design")
    return (design if design.units else replace(design, psu=cluster, nest=False)), notes


def _refuse_column(frame: pl.DataFrame, cluster: str) -> None:
    if not isinstance(cluster, str) or cluster not in frame.columns:
        raise SchemaError(
            f"column {cluster}, named as cluster=, is not in the data; name the column that says "
            "whose reading a row is"
        )
    gaps = frame[cluster].null_count()
    if gaps:
        raise SchemaError(
            f"column {cluster}, named as cluster=, is missing in {count(gaps)} rows: every "
            "reading needs its cluster; fill it in, or leave those rows out"
        )


def _refuse_crossing(frame: pl.DataFrame, cluster: str, above: Sequence[str], what: str) -> None:
    if not above:
        return
    places = frame.group_by(cluster).agg(pl.struct(above).n_unique().alias("n"))
    several = int((places["n"] > 1).sum())
    if several:
        raise DesignError(
            f"{count(several)} clusters ({cluster}) lie in more than one of the {what} "
            f"({', '.join(above[:3])}): readings of a person were drawn together; correct the "
            "columns, or name another cluster="
        )
