"""Prevalence of corrected readings, with the uncertainty of the correction in its interval.

The design's standard error treats corrected densities as if the correction were known. It is
estimated from a few scans of a phantom, and all people of a device share its error: more people do
not take it away. Here the variance of the estimate is the sum of the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osteo_epi.calibration import Correction, check_devices, chosen_columns, with_corrected
from osteo_epi.cohort import EQUAL, acceptance_notes
from osteo_epi.diagnosis import (
    Definition,
    OwnReference,
    refuse_unsuitable,
    young_adult_reference,
)
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.frames import Frame, as_polars, in_callers_kind
from osteo_epi.population._presentation import presentation
from osteo_epi.population._prevalence import estimated, source_of
from osteo_epi.population._propagated import Draws, propagated
from osteo_epi.population._query import Query
from osteo_epi.population._result import KEYS, Prevalence
from osteo_epi.progress import with_progress
from osteo_epi.survey import WEIGHT, Design, SurveyDesign, resamples

METHODS = ("delta", "bootstrap", "none")
STEP = 3.0
"""Standard errors to either side over which differences are taken: people cross a cut-off one by
one, and the noise of that in a derivative falls with the step; over so much a prevalence is still
close to straight."""
LEAST = 20
SAME = 1e-9


@in_callers_kind
def calibrated_prevalence(
    people: Any,
    correction: Correction,
    definition: Definition,
    *,
    uncertainty: str = "delta",
    replicates: int = 200,
    seed: int | None = None,
    accept_errors: bool = False,
    **options: Any,
) -> Prevalence:
    """Prevalence after a correction, the uncertainty of the correction carried through.

    Parameters
    ----------
    people
        The readings as they were made (not corrected), a frame of any kind.
    correction
        From `PhantomLines.correction` or `correction_between`.
    definition
        What the disease is. Where its reference was made of these people, corrected or not
        (`young_adult_reference`), it is made anew of the corrected ones, under each correction: a
        shift that all devices share then cancels. Any other reference stands as it is.
    uncertainty
        "delta" (default): variance of the design plus that of the calibration, the latter from the
        change of the estimate along each independent direction of the coefficients. "bootstrap":
        `replicates` draws of coefficients and people together, percentile limits; slower, and it
        assumes neither that the two add up nor that limits are symmetric. "none": the design's
        alone, as `prevalence` of corrected people.
    replicates, seed
        Of the bootstrap; it needs a seed.
    accept_errors
        Estimate although the cohort carries errors, see `cohort.refuse_errors`.
    options
        Handed on to `prevalence`: by, classes, standard, design, ages, age_bands, interval,
        confidence, domain, …

    Returns
    -------
    Prevalence
        As `prevalence` gives it, with se, lower, upper, df, n_effective and people affected of
        both uncertainties together; `method` says so. Columns more: `se_design`,
        `se_calibration` (null with the bootstrap, which does not take the two apart),
        `lower_design`, `upper_design`.

    Raises
    ------
    SchemaError
        As when the correction is applied, or if a cohort carries errors that nobody accepted.
    DesignError
        For an unknown `uncertainty`, or a bootstrap without a seed or with fewer than 20 draws.

    Notes
    -----
    A prevalence changes by steps as single people cross a cut-off: derivatives at a point do not
    exist, and differences are taken over three standard errors to either side. Degrees of freedom
    by Satterthwaite. The bootstrap draws coefficients from their normal distribution, and n − 1 of
    n units of each stratum with replacement (Rao and Wu 1988).
    """
    if uncertainty not in METHODS:
        raise DesignError(f"unknown uncertainty {uncertainty!r}: one of {', '.join(METHODS)}")
    if uncertainty == "bootstrap" and (seed is None or replicates < LEAST):
        raise DesignError(f"a bootstrap needs seed= and at least {LEAST} replicates; 200 is usual")
    frame, _ = as_polars(people)
    columns = chosen_columns(frame, correction, None)
    check_devices(frame, correction, columns)
    corrected = with_corrected(frame, correction, columns)
    people = refuse_unsuitable(people, corrected, [definition], accept_errors=accept_errors)
    own = _is_of(definition.reference, frame) or _is_of(definition.reference, corrected)
    carried = options.pop("reference_error", True)
    query = Query.of(definition, frame, **options)
    study = _Study(frame, correction, tuple(columns), definition, own, query)
    result = study.prevalence(frame, correction, reference_error=carried)
    # A draw without any fracture is put together as the others are.
    study = replace(study, query=replace(query, incomplete=result.meta["incomplete"]))
    result = replace(result, meta=_meta(result.meta, people, correction, uncertainty))
    if uncertainty == "none":
        return replace(result, frame=presentation(result.frame))
    drawn = study.sides() if uncertainty == "delta" else study.drawn(replicates, seed or 0)
    rows = propagated(
        result.frame,
        drawn,
        df=correction.df,
        interval=query.interval,
        keys=["class", *query.by, *KEYS],
        step=STEP,
    )
    return replace(result, frame=presentation(rows))


@dataclass(frozen=True)
class _Study:
    """One question about one set of people, asked again under other corrections."""

    frame: Frame
    correction: Correction
    columns: tuple[str, ...]
    definition: Definition
    own: bool
    query: Query

    def prevalence(
        self,
        frame: Frame,
        correction: Correction,
        *,
        design: Design | None = None,
        reference_error: bool = False,
    ) -> Prevalence:
        """The prevalence among these people under this correction, whatever their class was."""
        corrected = with_corrected(frame, correction, self.columns)
        chosen = self.definition
        if self.own:
            chosen = replace(chosen, reference=_anew(chosen.reference, corrected))
        query = self.query if design is None else replace(self.query, design=design)
        people = corrected.lazy().drop("bone_class", "sites_complete", strict=False)
        return estimated(people, chosen, query, reference_error=reference_error)

    def sides(self) -> Draws:
        """Estimates on both sides of each axis of the covariance of the coefficients."""
        pairs = []
        axes = self.correction.axes()
        for axis in with_progress(axes, "calibrated prevalence", total=len(axes)):
            moved = (self.correction.moved(sign * STEP * axis) for sign in (1, -1))
            pairs.append(tuple(self.prevalence(self.frame, one).frame for one in moved))
        return Draws("delta", tuple(pairs))

    def drawn(self, replicates: int, seed: int) -> Draws:
        """Estimates with coefficients and people drawn together."""
        rng, axes = np.random.default_rng([1, seed]), self.correction.axes()
        whole = self.frame.lazy().collect()
        design = self.query.design
        if not isinstance(design, SurveyDesign):
            raise DesignError("replicate weights cannot be drawn anew: use uncertainty='delta'")
        weighted = SurveyDesign(weight=WEIGHT)
        frames = []
        samples = resamples(design, whole, replicates=replicates, seed=seed)
        for people in with_progress(samples, "calibrated prevalence", total=replicates):
            moved = self.correction.moved(rng.standard_normal(len(axes)) @ axes)
            frames.append((self.prevalence(people, moved, design=weighted).frame,))
        return Draws("bootstrap", tuple(frames))


def _anew(reference: Any, people: Frame) -> OwnReference:
    """The same reference made of other people: same ages, weight, spine rule and regions."""
    return young_adult_reference(
        people,
        ages=(int(reference.years.lower), int(reference.years.upper) - 1),
        weight=reference.weight or EQUAL,
        spine_rule=reference.spine_rule,
        hip_side=reference.hip_side,
        rois=tuple(dict.fromkeys(entry.roi for entry in reference.entries)),
        least=2,
    )


def _is_of(reference: Any, people: Frame) -> bool:
    """Whether a reference was made of these people: made anew, it has the same numbers."""
    if not isinstance(reference, OwnReference):
        return False
    try:
        other = _anew(reference, people)
    except SchemaError:
        return False
    numbers = [
        {(e.sex, e.roi): (e.value.mean, e.value.sd) for e in one.entries}
        for one in (reference, other)
    ]
    return all(
        np.allclose(value, numbers[1].get(key, np.nan), rtol=SAME, atol=0)
        for key, value in numbers[0].items()
    )


def _meta(
    meta: Mapping[str, Any], people: Any, correction: Correction, uncertainty: str
) -> Mapping[str, Any]:
    note = f"readings {correction}; uncertainty of the calibration: {uncertainty}"
    source = source_of(people)
    return {
        **meta,
        "data_sha256": source["data_sha256"],
        "label": source["label"] or correction.label,
        "notes": (*acceptance_notes(people), *meta.get("notes", ()), note),
    }
