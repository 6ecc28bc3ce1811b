"""A young-adult reference from the people at hand, as the Chinese surveys make it.

It stands here and not with the norms because it needs the spine rule: the lumbar spine of the
young must be made of the same vertebrae as that of the old. Mean and SD are themselves estimates,
and every T-score of the study shares their error: `OwnReference` says how to find it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from osteo_epi.arguments import ages_between, is_a, names_in, number, true_or_false
from osteo_epi.cohort import WORKING, Cohort, recognised_weight, refuse_errors
from osteo_epi.diagnosis._columns import Columns, measured
from osteo_epi.diagnosis._definition import SWITCHES, one_of
from osteo_epi.diagnosis._regions import DIAGNOSTIC
from osteo_epi.diagnosis.measurements._areal import Areal
from osteo_epi.diagnosis.measurements._spine import find_spine_rule
from osteo_epi.diagnosis.own_reference._moments import Moments, linear_in, moments_of
from osteo_epi.diagnosis.suitability._readings import Readings
from osteo_epi.engines import here, totals
from osteo_epi.errors import DefinitionError, PrecisionWarning, SchemaError
from osteo_epi.frames import Frame, as_polars, of_queries
from osteo_epi.norms import (
    CTXA,
    OWN_DATA,
    SEXES,
    Citation,
    Entry,
    Interval,
    MeanSD,
    YoungAdultReference,
)
from osteo_epi.summation import Addend

YOUNG = (20, 39)
OWN_REFERENCE = "own_young_adults"
CTXA_ROIS = (f"femoral_neck{CTXA}", f"total_hip{CTXA}")
REGIONS = (*DIAGNOSTIC, "radius_33", *CTXA_ROIS)
LEAST = 30
MOVE = f"{WORKING} move"
"""Column of the number of a change, where people meet several."""

Array = npt.NDArray[np.float64]


class LinearSums(NamedTuple):
    """People as a query, with what is added up over them: name of a column → its addends."""

    young: pl.LazyFrame
    addends: dict[str, Addend]


@dataclass(frozen=True, kw_only=True, repr=False)
class OwnReference(YoungAdultReference):
    """Young adults of the study itself: estimates, with the people they were made of.

    Attributes
    ----------
    years
        [years] Ages of the young adults.
    weight
        Column of survey weights, None without.
    spine_rule
        Rule of the lumbar spine.
    hip_side
        Which hip counts where both were measured.
    """

    years: Interval
    weight: str | None
    spine_rule: str
    hip_side: str

    def mean_sd(self, sex: str, roi: str) -> MeanSD | None:
        """Mean and SD of one sex and region, or None.

        Hips by QCT need young adults by QCT: they read lower than hips by DXA, and with the means
        of the latter most would look osteoporotic (Cheng 2014, doi
        10.3760/cma.j.issn.0366-6999.20132915).
        """
        values = {(entry.sex, entry.roi): entry.value for entry in self.entries}
        return values.get((sex, roi))

    def linearised(self, people: Any) -> Array:
        """Linearised means and SDs of the entries over the people they were made of.

        Parameters
        ----------
        people
            The frame that the reference was made of.

        Returns
        -------
        ndarray
            (n, 2k) [g/cm²]; the columns of an entry are its mean and its SD, and sum to zero. Their
            covariance over the survey design is that of the entries.

        Raises
        ------
        SchemaError
            If the reference was not made of these people.
        """
        young, addends = self.with_linear_sums(people)
        return young.select(one.values.alias(n) for n, one in addends.items()).collect().to_numpy()

    def with_linear_sums(self, people: Any, keys: Sequence[str] = ()) -> LinearSums:
        """The same as what is to be added up over people, wherever they stand.

        Parameters
        ----------
        people
            The frame that the reference was made of.
        keys
            Columns that are kept beside, as ``_key <name>``.

        Raises
        ------
        SchemaError
            If the reference was not made of these people.
        """
        frame, _ = as_polars(people)
        columns = Columns.of(frame)
        rois = tuple(dict.fromkeys(entry.roi for entry in self.entries))
        densities = _densities(
            Areal(columns, find_spine_rule(self.spine_rule), self.hip_side), rois
        )
        lost = [roi for roi in rois if roi not in densities]
        if lost:
            raise SchemaError(
                f"the data no longer hold the densities of {', '.join(lost)}, of which the "
                f"young-adult reference was made; keep their columns"
            )
        years, weight = self.years, self.weight
        young = _young(frame, columns, densities, years, weight, everybody=True, keys=keys)
        moments = {(m.sex, m.roi): m for m in moments_of(young, rois)}
        addends: dict[str, Addend] = {}
        for entry in self.entries:
            addends |= linear_in(entry, moments.get((entry.sex, entry.roi)))
        return LinearSums(young, addends)

    def moving(self, changes: Array) -> tuple[MovingReference, pl.DataFrame]:
        """The reference under many changes at once: people meet each as a row of a table.

        Parameters
        ----------
        changes
            (m, 2k) changes of means and SDs [g/cm²], in the order of `linearised`.

        Returns
        -------
        MovingReference
            Whose scores need the columns of the table beside each person.
        DataFrame
            (m rows) `MOVE`, the number of the change, and the means and SDs under it.
        """
        steps = np.asarray(changes, dtype=float).reshape(len(changes), len(self.entries), 2)
        columns: dict[str, Any] = {MOVE: np.arange(len(steps))}
        for place, entry in enumerate(self.entries):
            mean, scale = MovingReference.columns_of(entry.sex, entry.roi)
            columns[mean] = entry.value.mean + steps[:, place, 0]
            columns[scale] = 1.0 / (entry.value.sd + steps[:, place, 1])
        parts = {each.name: getattr(self, each.name) for each in fields(self)}
        return MovingReference(**parts), pl.DataFrame(columns)


@dataclass(frozen=True, kw_only=True, repr=False)
class MovingReference(OwnReference):
    """Own young adults whose means and SDs stand in columns beside each person."""

    @staticmethod
    def columns_of(sex: str, roi: str) -> tuple[str, str]:
        """Columns of the mean and of the reciprocal of the SD; words that are nobody's headings."""
        return f"{WORKING} {sex} {roi} mean", f"{WORKING} {sex} {roi} scale"

    def standardised(self, value: pl.Expr, sex: str, roi: str) -> pl.Expr | None:
        """As of the reference itself, with the mean and SD that a person meets."""
        if self.mean_sd(sex, roi) is None:
            return None
        mean, scale = map(pl.col, self.columns_of(sex, roi))
        return (value - mean) * scale


@of_queries
def young_adult_reference(
    people: Any,
    *,
    ages: tuple[int, int] = YOUNG,
    weight: str | None = None,
    spine_rule: str = "at_least_two",
    hip_side: str = "lowest",
    rois: tuple[str, ...] | None = None,
    least: int = LEAST,
    accept_errors: bool = False,
) -> OwnReference:
    """Take mean and SD of each sex and region from the people's own young adults.

    Parameters
    ----------
    people
        Any frame with `age` [years], `sex` and areal densities [g/cm²]. Leave out beforehand who
        is not normal (bone disease, drugs); readings stated invalid are left out here.
    ages
        First and last completed year of age [years]; 20–39 as in Wang 2021 and Zhang 2007. Which
        years count as the peak is a choice that changes every T-score.
    weight
        Column of survey weights; by default `survey_weight` where it holds values. SDs then are
        as R's `svyvar`, with n/(n − 1). "equal" for equal weights whatever the columns.
    spine_rule
        Rule of the lumbar spine; take the same in the definition.
    hip_side
        Which hip counts where both were measured: `lowest`, `left`, `right` or `mean`; take the
        same in the definition.
    rois
        Regions wanted; by default all that the frame holds in enough young adults.
    least
        People of one sex that a region needs; fewer are an error. Ours, not published: with n
        people the cut-off at T = −2.5 has a standard error of SD √(1/n + 2.5²/(2(n − 1))).
    accept_errors
        Go on although the cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    OwnReference
        With id "own_young_adults", labelled derived. A sex without any young adult is absent.

    Raises
    ------
    SchemaError
        If a column is missing, or a sex has some young adults at a region of `rois` and too few;
        if a cohort carries errors that nobody accepted.
    DesignError
        If the people hold half a survey design, see `recognised_design`.

    Warns
    -----
    PrecisionWarning
        If a region that was not asked for by name has too few: it is left out.

    Examples
    --------
    >>> import polars as pl
    >>> people = pl.DataFrame({
    ...     "age": [25.0, 31.0, 39.9, 40.0], "sex": ["female"] * 4,
    ...     "abmd_femoral_neck": [0.8, 0.9, 1.0, 0.2],
    ... })
    >>> own = young_adult_reference(people, least=3)
    >>> value = own.mean_sd("female", "femoral_neck")
    >>> round(value.mean, 12), round(value.sd, 12), value.n
    (0.9, 0.1, 3)
    """
    true_or_false(accept_errors=accept_errors)
    _check_choices(ages, least, hip_side)
    rois = None if rois is None else tuple(names_in(rois, "rois", "a list of regions"))
    is_a(weight, "weight", (str, type(None)), "the name of one column")
    frame, _ = as_polars(people)
    regions = tuple(roi.removesuffix(CTXA) for roi in rois or REGIONS)
    readings = Readings(regions, ("dxa", "ctxa"), reported_t=False, reported_z=False)
    read = frame.select(c for c in frame.collect_schema().names() if readings.takes(c))
    people = refuse_errors(people, accept_errors=accept_errors, frame=read)
    weight = recognised_weight(frame, weight)
    columns = Columns.of(frame)
    wanted = ("age", "sex") if weight is None else ("age", "sex", weight)
    columns.require(wanted, purpose="a young-adult reference")
    areal = Areal(columns, find_spine_rule(spine_rule), hip_side)
    densities = _densities(areal, REGIONS if rois is None else rois)
    _check_regions(densities, rois)
    years = Interval(ages[0], ages[1] + 1, True, False)
    young = _young(frame, columns, densities, years, weight)
    entries = tuple(
        Entry(moments.sex, moments.roi, moments.mean_sd(years))
        for moments in moments_of(young, tuple(densities))
        if _are_enough(moments, least, named=rois is not None)
    )
    if not entries:
        raise SchemaError(
            f"nobody of {ages[0]}–{ages[1]} years has a density; give other ages=, or a published "
            f"reference in the definition"
        )
    return _reference(people, entries, years, weight, areal)


def _check_choices(ages: tuple[int, int], least: int, hip_side: str) -> None:
    ages_between(ages, "ages")
    one_of("hip_side", hip_side, SWITCHES["hip_side"])
    try:
        number(least, "least", least=2, whole=True)
    except DefinitionError as error:
        raise DefinitionError(f"{error}: an SD needs at least 2 people") from None


def _check_regions(densities: dict[str, pl.Expr], rois: tuple[str, ...] | None) -> None:
    missing = [roi for roi in rois or () if roi not in densities]
    if missing or not densities:
        needed = ", ".join(f"abmd_{roi}" for roi in missing or REGIONS)
        raise SchemaError(f"a young-adult reference needs the column(s) {needed}")


def reference_of_people(
    people: Any,
    *,
    required: Sequence[str],
    spine_rule: str,
    weight: str | None,
    hip_side: str = "lowest",
) -> tuple[OwnReference, tuple[str, ...]]:
    """Take the reference from the young adults of a cohort, as far as they are enough.

    Parameters
    ----------
    people
        As for `young_adult_reference`. Who is pregnant is left out: her bone is not that of a
        young reference.
    required
        Regions that the definition rests on: too few young adults there are an error.
    spine_rule, weight, hip_side
        As for `young_adult_reference`.

    Returns
    -------
    tuple
        The reference, and the regions that it had to leave out.

    Raises
    ------
    SchemaError
        If a required region has too few young adults of a sex.

    Warns
    -----
    PrecisionWarning
        If another region has: it is left out.
    """
    frame = _not_pregnant(people)
    columns = Columns.of(frame)
    columns.require(("age", "sex"), purpose="a young-adult reference")
    densities = _densities(Areal(columns, find_spine_rule(spine_rule), hip_side), REGIONS)
    counts = _counts(frame, densities)
    few = tuple(roi for roi in densities if roi not in required and _too_few(counts, roi))
    if few:
        warnings.warn(
            f"fewer than {LEAST} young adults of a sex have {', '.join(few)}: left out of the "
            "reference and of the definition; name a published reference to keep it",
            PrecisionWarning,
            stacklevel=3,
        )
    rois = tuple(roi for roi in densities if roi not in few) or None
    reference = young_adult_reference(
        frame, weight=weight, spine_rule=spine_rule, hip_side=hip_side, rois=rois
    )
    return reference, few


def young_rois(people: Frame) -> tuple[str, ...]:
    """Regions of which the people's own young adults are enough, of each sex that has them.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [25.0] * 30, "sex": ["male"] * 30,
    ...                        "abmd_femoral_neck": [0.9] * 30,
    ...                        "abmd_total_hip": [None] + [1.0] * 29})
    >>> young_rois(people)
    ('femoral_neck',)
    """
    if not {"age", "sex"} <= set(people.collect_schema()):
        return ()
    areal = Areal(Columns.of(people), find_spine_rule("at_least_two"))
    densities = _densities(areal, (*DIAGNOSTIC, "radius_33"))
    counts = _counts(people, densities)
    return tuple(roi for roi in densities if counts[roi].sum() and not _too_few(counts, roi))


def ctxa_reference_of_people(people: Any, *, weight: str | None, hip_side: str) -> OwnReference:
    """Take the reference of the hip by CTXA from the people's young adults, see above."""
    frame = _not_pregnant(people)
    areal = Areal(Columns.of(frame), find_spine_rule("at_least_two"), hip_side)
    rois = tuple(_densities(areal, CTXA_ROIS)) or CTXA_ROIS
    return young_adult_reference(frame, weight=weight, hip_side=hip_side, rois=rois)


def _not_pregnant(people: Any) -> Frame:
    frame, _ = as_polars(people)
    if "pregnant" in frame.collect_schema():
        frame = frame.filter(~pl.col("pregnant").fill_null(False))
    return frame


def _counts(people: Frame, densities: dict[str, pl.Expr]) -> pl.DataFrame:
    """By sex, how many have each region measured, and how many of them are young adults."""
    young = pl.col("age").cast(pl.Float64).floor().is_between(*YOUNG)
    has_column = "pregnant" in people.collect_schema()
    able = ~pl.col("pregnant").fill_null(False) if has_column else pl.lit(True)
    measured = {roi: density.is_not_null() & able for roi, density in densities.items()}
    counts = [
        *(has.sum().alias(roi) for roi, has in measured.items()),
        *((has & young).sum().alias(f"{roi} young") for roi, has in measured.items()),
    ]
    table = totals(people, ["sex"], sums=counts)
    return table.filter(pl.col("sex").cast(pl.String).is_in(SEXES))


def _too_few(counts: pl.DataFrame, roi: str) -> bool:
    """Whether a sex that has this region has too few young adults with it."""
    return bool((counts.filter(pl.col(roi) > 0)[f"{roi} young"] < LEAST).any())


def _densities(areal: Areal, rois: tuple[str, ...]) -> dict[str, pl.Expr]:
    return {roi: density for roi in rois if (density := areal.density(roi)) is not None}


def _young(
    frame: Frame,
    columns: Columns,
    densities: dict[str, pl.Expr],
    years: Interval,
    weight: str | None,
    *,
    everybody: bool = False,
    keys: Sequence[str] = (),
) -> pl.LazyFrame:
    """Read the young adults' densities, and nothing else; of everybody, the others' as null."""
    age = columns.quantity("age")
    weights = None if weight is None else columns.number(weight)
    assert age is not None, "age is required above"
    young = years.expression(age)
    lazy = frame.lazy() if everybody else frame.lazy().filter(young)
    query = lazy.select(
        pl.when(young).then(pl.col("sex").cast(pl.String)).alias("sex"),
        (pl.lit(1.0) if weights is None else measured(weights)).alias("weight"),
        *(density.alias(roi) for roi, density in densities.items()),
        *(pl.col(key).alias(f"_key {key}") for key in keys),
    )
    return here(query)


def _are_enough(moments: Moments, least: int, *, named: bool) -> bool:
    """Whether a sex has enough young adults at a region; an error if it was asked for by name."""
    if moments.n >= least:
        return True
    few = (
        f"only {moments.n} young adults ({moments.sex}) have a density at {moments.roi}, expected "
        f"at least {least}; widen ages=, name the regions wanted with rois=, or lower least="
    )
    if named:
        raise SchemaError(few)
    warnings.warn(f"{few}: the region is left out", PrecisionWarning, stacklevel=5)
    return False


def _reference(
    people: Any, entries: tuple[Entry, ...], years: Interval, weight: str | None, areal: Areal
) -> OwnReference:
    """Label the reference as derived, and with what its data are labelled."""
    label = people.source.label if isinstance(people, Cohort) else ""
    reference = OwnReference(
        id=OWN_REFERENCE,
        title=f"the study's own young adults, {years.lower:g}–{years.upper - 1:g} years",
        title_zh=f"本研究{years.lower:g}~{years.upper - 1:g}岁人群",
        citation=Citation("Derived from the data analysed here."),
        verification=OWN_DATA,
        labels=("derived", label) if label else ("derived",),
        population="the people analysed",
        maker="unknown",
        entries=entries,
        years=years,
        weight=weight,
        spine_rule=areal.spine_rule.name,
        hip_side=areal.hip_side,
    )
    return replace(reference, sha256=reference.digest)
