"""What there is to say about a cohort: codes, counts and fixes; nothing is deleted."""

from __future__ import annotations

from typing import Any

import polars as pl
from polars import selectors as cs

from osteo_epi.cohort._codebook import codebook
from osteo_epi.cohort._people import Cohort
from osteo_epi.cohort.checks import _canonical as check_canonical
from osteo_epi.cohort.checks import _devices as check_devices
from osteo_epi.cohort.checks import _grains as check_grains
from osteo_epi.cohort.checks import _people as check_people
from osteo_epi.cohort.checks import _repeats as check_repeats
from osteo_epi.cohort.checks import _scores as check_scores
from osteo_epi.cohort.checks import _sexes as check_sexes
from osteo_epi.cohort.checks import _spine as check_spine
from osteo_epi.cohort.checks import _values as check_values
from osteo_epi.cohort.conform._plausible import AS_GIVEN, without_implausible
from osteo_epi.findings import Finding, Findings
from osteo_epi.frames import as_polars, in_callers_kind

_MODULES = (
    check_canonical,
    check_devices,
    check_grains,
    check_people,
    check_repeats,
    check_scores,
    check_sexes,
    check_spine,
    check_values,
)
_RECOMPUTED = frozenset(code for module in _MODULES for code in module.CODES)


@in_callers_kind
def check(people: Any) -> Findings:
    """Check a cohort, or any frame of canonical columns.

    Parameters
    ----------
    people
        A `Cohort`, or a frame (polars, pandas, pyarrow) in canonical columns; what is not the
        codebook's is told as an error, for `read` takes any frame in.

    Returns
    -------
    Findings
        What was noticed when the file was read, and what is true of the frame as it is now.

    Notes
    -----
    A value outside its plausible range counts as missing. Where that concerns more than 5 % of the
    values of a column on which a class or an estimate rests, and more than one, it is an error;
    else a warning. People who occur more than once, exchanged sexes and scores without a sign are
    errors too, for each gives a wrong number.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [61.0, 70.0], "sex": ["female", "male"],
    ...                       "abmd_femoral_neck": [858.0, 901.0]})
    >>> print(check(frame)[0])
    error: unit_suspected [abmd_femoral_neck] values implausible in g/cm2, and plausible in
    mg/cm2: 2. To do: if so, read with units={"abmd_femoral_neck": "mg/cm2"}; it is then converted
    """
    data, _ = as_polars(people)
    frame, foreign = _typed(data.lazy())
    findings = check_values.check_values(frame)
    frame = without_implausible(frame)
    findings += [
        *check_spine.check_spine(frame),
        *check_scores.check_scores(frame),
        *check_grains.check_grains(frame),
        *check_people.check_people(frame),
        *check_repeats.check_repeats(frame),
        *check_sexes.check_sexes(frame),
        *check_devices.check_devices(frame),
    ]
    # A column of a wrong type is not one that is lacking.
    wrong = {finding.column for finding in foreign}
    findings = [f for f in findings if f.code != "incomplete" or f.column not in wrong]
    findings = [*foreign, *findings]
    earlier = people.findings if isinstance(people, Cohort) else Findings()
    return Findings(tuple(f for f in earlier if f.code not in _RECOMPUTED)) + findings


def _typed(frame: pl.LazyFrame) -> tuple[pl.DataFrame, list[Finding]]:
    """The canonical columns in their types; one that has another type is told and left out."""
    known = [name for name in frame.collect_schema() if name in codebook()]
    rows = frame.select(
        cs.by_name(*known, *(f"{name}{AS_GIVEN}" for name in known), require_all=False)
    ).collect()
    foreign = check_canonical.foreign_columns(rows)
    rows = rows.drop(f.column for f in foreign if f.code == "wrong_type")
    numbers = [n for n in rows.columns if n in codebook() and codebook()[n].kind == "quantity"]
    untyped = [n for n in rows.columns if n in codebook() and rows.schema[n] == pl.Null]
    rows = rows.with_columns(pl.col(name).cast(codebook()[name].dtype) for name in untyped)
    others = [name for name in numbers if rows.schema[name] != pl.Float64]
    return rows.with_columns(pl.col(others).cast(pl.Float64)), foreign
