"""What a phantom's readings are regressed on: nominal densities, or a reference device's means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osteo_epi.calibration.correction import Key, spoken
from osteo_epi.errors import SchemaError
from osteo_epi.frames import enter
from osteo_epi.norms.library import load

Floats = NDArray[np.float64]


def with_nominal(
    scans: Any, *, insert: str = "insert", quantity: str = "abmd", norm: str = "esp_nominal"
) -> Any:
    """Add the nominal density of each phantom insert.

    Parameters
    ----------
    scans
        A frame of any kind, one row an insert and scan.
    insert
        Column of the inserts' names ("l1", "l2", "l3" of the European Spine Phantom).
    quantity
        "abmd" [g/cm²] or "vbmd" [mg/cm³].
    norm
        File of kind `published` with the nominal values; give your phantom's own certificate.

    Returns
    -------
    frame
        With `nominal`.

    Raises
    ------
    SchemaError
        If an insert has no nominal value of this quantity.

    Examples
    --------
    >>> with_nominal(pl.DataFrame({"insert": ["l1", "l3"]}))["nominal"].to_list()
    [0.5, 1.5]
    """
    frame, leave = enter(scans)
    rows = load("published", norm).estimates
    known = {row["insert"]: float(row["value"]) for row in rows if row["quantity"] == quantity}
    names = frame.lazy().select(pl.col(insert).cast(pl.String).unique()).collect()[insert]
    unknown = sorted(str(name) for name in names if name not in known)
    if unknown:
        raise SchemaError(
            f"{norm} has no nominal {quantity} for the inserts {unknown}; it has {sorted(known)}"
        )
    values = pl.col(insert).cast(pl.String).replace_strict(known, return_dtype=pl.Float64)
    return leave(frame.with_columns(values.alias("nominal")))


def with_reference_means(
    table: pl.DataFrame, *, by: Sequence[str], insert: str, value: str, wanted: Key
) -> pl.DataFrame:
    """Add `_nominal`: the mean reading of each insert on the reference device."""
    groups = dict(table.group_by(by))
    own = groups.get(wanted)
    if own is None:
        there = ", ".join(sorted(spoken(by, key) for key in groups))
        raise SchemaError(
            f"without nominal densities give reference=, one of the devices scanned: {there}"
        )
    means = own.group_by(insert).agg(pl.col(value).mean().alias("_nominal"))
    joined = table.join(means, on=insert, how="left", maintain_order="left")
    lost = joined["_nominal"].null_count()
    if lost:
        raise SchemaError(
            f"{lost} readings are of inserts that the reference, {spoken(by, wanted)}, did "
            "not scan; leave them out"
        )
    return joined


def shared_error(
    nominal: Mapping[Key, Floats], slopes: Mapping[Key, float], *, wanted: Key, sd: float
) -> Floats:
    """Covariance that the error of the reference's means puts into all lines at once.

    Parameters
    ----------
    nominal
        Device to its (n,) values of x, one a reading.
    slopes
        Device to its slope.
    wanted
        The reference.
    sd
        Scatter of the reference's repeats.

    Returns
    -------
    ndarray
        (2D, 2D), in the order of `nominal`; zero for the reference itself.

    Notes
    -----
    To first order an error d of x acts on a line as −slope · d acts in y.
    """
    levels, repeats = np.unique(nominal[wanted], return_counts=True)
    maps = []
    for key, x in nominal.items():
        counts = (x[:, None] == levels).sum(axis=0)
        design = np.column_stack([np.ones(len(levels)), levels])
        hat = np.linalg.solve((design.T * counts) @ design, design.T * counts)
        maps.append(0 * hat if key == wanted else slopes[key] * hat)
    stacked = np.vstack(maps)
    return stacked @ np.diag(sd**2 / repeats) @ stacked.T
