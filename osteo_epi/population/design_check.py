"""What a design may hide: faults that stop an estimate, and signs that it says what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl

from osteo_epi.cohort.findings import Finding, Findings, Severity
from osteo_epi.errors import DesignError
from osteo_epi.frames import Frame, enter

if TYPE_CHECKING:
    from osteo_epi.population.design import SurveyDesign
    from osteo_epi.population.replicate_design import Design

# A mean weight this close to 1 is that of weights divided by their mean.
NORMALISED = 0.01


def refuse_faults(design: Design, frame: Frame) -> None:
    """Raise DesignError for absent columns, missing values and impossible weights, with counts."""
    schema = frame.collect_schema()
    absent = [c for c in design.columns if c not in schema]
    if absent:
        raise DesignError(
            f"the design names column(s) {', '.join(absent)}, which the data do not have; name "
            "the right ones in SurveyDesign(...), or leave them out"
        )
    if design.weight is not None and not schema[design.weight].is_numeric():
        raise DesignError(
            f"weights {design.weight} are {schema[design.weight]}; expected numbers: convert them"
        )
    if design.columns:
        _refuse_counts(design, _counts(design, frame))


def _counts(design: Design, frame: Frame) -> dict[str, int]:
    """One pass over the data."""
    schema = frame.collect_schema()
    asked = {}
    for column in design.columns:
        gaps = pl.col(column).is_null()
        asked[f"gaps {column}"] = (
            gaps | pl.col(column).is_nan() if schema[column].is_float() else gaps
        ).sum()
    if design.weight is not None:
        weight = pl.col(design.weight).cast(pl.Float64)
        asked["negative"] = (weight < 0).sum()
        asked["infinite"] = weight.is_infinite().sum()
        asked["positive"] = (weight > 0).sum()
    return frame.lazy().select(**asked).collect(engine="streaming").row(0, named=True)


def _refuse_counts(design: Design, counts: dict[str, int]) -> None:
    for column in design.columns:
        if counts[f"gaps {column}"]:
            raise DesignError(
                f"column {column} of the design is missing in {counts[f'gaps {column}']} row(s); "
                "every row needs it: leave out people who were not sampled, and give those "
                "sampled but not examined their unit and weight 0"
            )
    if design.weight is None:
        return
    if counts["negative"] or counts["infinite"]:
        raise DesignError(
            f"weights {design.weight}: {counts['negative']} negative and {counts['infinite']} "
            "infinite; a weight is the number of people represented, zero at least: correct "
            "them, or set them to 0 to leave those rows out of the sample"
        )
    if not counts["positive"]:
        raise DesignError(
            f"weights {design.weight} are all zero or absent: nobody is in the sample; name the "
            "column that holds the weights"
        )


def check_design(people: Any, design: Design) -> Findings:
    """Look a design over before estimating with it.

    Parameters
    ----------
    people
        Any frame with the design's columns.
    design
        The design.

    Returns
    -------
    Findings
        Faults as errors (the message of the DesignError that an estimate would raise), strata
        with one unit, weights of zero, and weights that look normalised.

    Examples
    --------
    >>> from osteo_epi.population import SurveyDesign
    >>> people = pl.DataFrame({"w": [0.8, 1.2, 0.9, 1.1], "psu": [1, 2, 3, 4]})
    >>> print(check_design(people, SurveyDesign(weight="w", psu="psu")))
    note: normalised_weights [w] these look like normalised weights (mean 1): totals will be
    wrong. To do: ...
    """
    frame, _ = enter(people)
    if not design.columns:
        return Findings()
    try:
        refuse_faults(design, frame)
        weight, stages = design.checked(frame)
    except DesignError as error:
        columns = ", ".join(design.columns)
        return Findings((Finding("design_fault", "error", columns, 0, str(error)),))
    found = [*_of_weights(design, weight)] if design.weight else []
    for stage in stages:
        alone = np.flatnonzero((stage.sampled == 1) & (stage.left_out > 0) & (stage.share > 0))
        if len(alone):
            # Replicate weights have no stages.
            named = [stage.names[i] for i in alone]
            found.append(_of_lonely(cast("SurveyDesign", design), named))
    return Findings(tuple(found))


def _of_weights(design: Design, weight: np.ndarray) -> list[Finding]:
    column = design.weight or ""
    found = []
    zero = int((weight == 0).sum())
    if zero:
        text = f"{zero} row(s) have weight 0: out of the sample, kept in the design"
        fix = "nothing, if they were sampled but not examined; else give them their weight"
        found.append(Finding("zero_weight", "note", column, zero, text, fix))
    carried = weight[weight > 0]
    if abs(carried.mean() - 1) < NORMALISED and carried.std() > 0:
        text = "these look like normalised weights (mean 1): totals will be wrong"
        fix = "use the weights before normalisation for totals; proportions are unaffected"
        found.append(Finding("normalised_weights", "note", column, len(carried), text, fix))
    return found


def _of_lonely(design: SurveyDesign, names: list[str]) -> Finding:
    text = f"one sampling unit in {', '.join(names[:5])}" + (" and more" if names[5:] else "")
    fix = 'merge the stratum with a neighbour, or choose SurveyDesign(lonely="adjust")'
    severity: Severity = "error" if design.lonely == "fail" else "note"
    return Finding("single_unit", severity, design.stratum or "", len(names), text, fix)
