"""Our gradients of risk beside published ones: is a standard deviation worth as much here?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from scipy import special

from osteo_epi import norms
from osteo_epi.agreement import critical_value
from osteo_epi.arguments import distinct_words, is_a
from osteo_epi.errors import DefinitionError, DesignError, NormError
from osteo_epi.frames import in_callers_kind
from osteo_epi.results import Result
from osteo_epi.risk.association._association import Association, Ratio
from osteo_epi.rounding import counted

ANY, ALL = "any", "all"
# What a publication that says "hip" measured or may have measured.
HIP = ("hip", "total_hip", "femoral_neck", "femoral_neck_ctxa", "total_hip_ctxa")
PUBLISHED_LEVEL = 0.95


@dataclass(frozen=True)
class Gradient:
    """A ratio per standard deviation decrease, ours or published.

    Attributes
    ----------
    source
        "this study", or the id of the norm.
    measured_at, fracture, group
        Where density was measured, what broke, and in whom ("all", "female", "male" …).
    age
        Age that it holds at [years], where the publication says one.
    estimate, lower, upper
        The ratio and its limits.
    n, n_events
        People and events; None where the publication's norm says none.
    grade
        A, B or C of a published one, see `norms`; empty of ours.
    """

    source: str
    measured_at: str
    fracture: str
    group: str
    age: float | None
    estimate: float
    lower: float | None
    upper: float | None
    n: int | None = None
    n_events: int | None = None
    grade: str = ""

    @property
    def is_published(self) -> bool:
        """Whether it comes from a norm."""
        return bool(self.grade)


@dataclass(frozen=True)
class Heterogeneity:
    """Our gradient over a published one.

    Attributes
    ----------
    ours, published
        The two.
    ratio, lower, upper
        Ours over published, with limits.
    z, p
        Of the two being one.
    """

    ours: Gradient
    published: Gradient
    ratio: float
    lower: float
    upper: float
    z: float
    p: float


@dataclass(frozen=True, repr=False)
class GradientComparison(Result):
    """Our gradients beside published ones.

    Attributes
    ----------
    gradients
        Ours, then those published.
    differences
        One a pair that was measured at one place, of one fracture, in one sex.
    measure
        What ours are: "hazard ratio" …
    confidence, notes
        The level of our limits (published ones are of 95 %), and what a reader must know.
    """

    gradients: tuple[Gradient, ...]
    differences: tuple[Heterogeneity, ...]
    measure: str
    confidence: float
    notes: tuple[str, ...]

    def to_polars(self) -> pl.DataFrame:
        """One row a gradient.

        Returns
        -------
        polars.DataFrame
            source, measured_at, fracture, group, age, estimate, lower, upper, n, n_events, grade.
        """
        numbers = dict.fromkeys(("age", "estimate", "lower", "upper"), pl.Float64)
        kinds = {**numbers, **dict.fromkeys(("n", "n_events"), pl.Int64)}
        return pl.DataFrame([vars(one) for one in self.gradients], schema_overrides=kinds)

    @property
    def heterogeneity(self) -> pl.DataFrame:
        """One row a pair: measured_at, group, published, ratio, lower, upper, z, p."""
        schema = {
            "measured_at": pl.String, "group": pl.String, "published": pl.String,
            "ratio": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "z": pl.Float64,
            "p": pl.Float64,
        }  # fmt: skip
        rows = [(d.ours.measured_at, d.ours.group, d.published.source, d.ratio, d.lower, d.upper,
                 d.z, d.p) for d in self.differences]  # fmt: skip
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _summary(self) -> str:
        ours = sum(not one.is_published for one in self.gradients)
        return (
            f"{self.measure}, {counted(ours, 'gradient')} of ours beside "
            f"{len(self.gradients) - ours} published, "
            f"{counted(len(self.differences), 'pair')} compared"
        )


@in_callers_kind
def compare_gradients(
    association: Association,
    *,
    fracture: str,
    measured_at: Mapping[str, str] | None = None,
    published: str | Sequence[str] = ("marshall_1996", "johnell_2005"),
) -> GradientComparison:
    """Set our ratios per standard deviation decrease beside published ones.

    Parameters
    ----------
    association
        Of `hazard_ratios` or `odds_ratios` with `per_sd`; exposures that have no standard
        deviation are left out.
    fracture
        What broke, in the publications' words: "any", "vertebral" or "hip".
    measured_at
        Exposure to the place of its measurement, in the publications' words ("lumbar_spine",
        "hip", "femoral_neck"); by default the region of a column `abmd_…`. Volumetric density has
        no published counterpart unless one is named here.
    published
        Ids of norms of kind "risk".

    Returns
    -------
    GradientComparison

    Raises
    ------
    DesignError
        If no ratio is per standard deviation decrease.
    DefinitionError, NormError
        If the fracture is in no publication, or a norm is unknown.

    Notes
    -----
    z = (log ours − log published) / √(se² + se²), the published standard error from its limits.
    Marshall, Johnell and Wedel (1996, doi 10.1136/bmj.312.7041.1254) pool relative risks of
    women adjusted for age, Johnell and others (2005, doi 10.1359/jbmr.050304) give hazard ratios
    at an age: a difference may come from the age of people, the length of follow-up, the measure,
    or whose standard deviation ours is.

    Examples
    --------
    >>> import numpy as np
    >>> from osteo_epi.risk import hazard_ratios
    >>> rng = np.random.default_rng(5)
    >>> hip = rng.normal(0.85, 0.12, 2000)
    >>> years = rng.exponential(40 * np.exp((hip - 0.85) / 0.12 * np.log(2.6)))
    >>> people = pl.DataFrame({"abmd_total_hip": hip, "years": np.minimum(years, 10),
    ...                        "hip_fracture": years < 10})
    >>> ours = hazard_ratios(people, time="years", event="hip_fracture",
    ...                      exposures="abmd_total_hip", per_sd="sample")
    >>> compare_gradients(ours, fracture="hip").heterogeneity["published"].to_list()
    ['marshall_1996']
    """
    is_a(association, "association", Association, "the result of hazard_ratios or odds_ratios")
    places = dict(measured_at or {})
    strange = [name for name in places if name not in {one.exposure for one in association.ratios}]
    if strange:
        raise DefinitionError(
            f"measured_at names {', '.join(strange)}; the exposures are "
            f"{', '.join(dict.fromkeys(one.exposure for one in association.ratios))}"
        )
    ids = [published] if isinstance(published, str) else published
    distinct_words(ids, "published", '["marshall_1996"]', of="ids")
    printed = [one for id in ids for one in _printed(id)]
    known = sorted({one.fracture for one in printed})
    if fracture not in known:
        raise DefinitionError(
            f"fracture={fracture!r}; the publications have gradients of {', '.join(known)}"
        )
    own = [ratio for ratio in association.ratios if ratio.contrast == "per SD decrease"]
    if not own:
        raise DesignError(
            "no ratio is per standard deviation decrease, as published gradients are: ask for it "
            'by per_sd=, as in per_sd="population", with decrease=True'
        )
    ours = [_ours(ratio, association, fracture, places) for ratio in own]
    shown = [one for one in printed if one.fracture == fracture]
    pairs = [(mine, ratio.log_se, theirs) for mine, ratio in zip(ours, own, strict=True)
             for theirs in shown if _same(mine, theirs)]  # fmt: skip
    differences = [_difference(*pair, association.confidence) for pair in pairs]
    return GradientComparison(
        (*ours, *shown), tuple(differences), association.measure, association.confidence,
        (*association.notes, *_cautions(own, ours, differences)),
    )  # fmt: skip


def _printed(id: str) -> list[Gradient]:
    norm = norms.load("risk", id)
    tables: list[dict[str, Any]] = norm.data.get("gradient", [])
    if not tables:
        raise NormError(f"{id} holds no gradients (tables [[gradient]])")
    return [
        Gradient(
            id, one["measured_at"], one["fracture"], one.get("sex", ALL), one.get("age"),
            float(one["relative_risk"]), float(one["lower"]), float(one["upper"]),
            grade=norm.verification,
        )
        for one in tables
    ]  # fmt: skip


def _ours(
    ratio: Ratio, association: Association, fracture: str, measured_at: Mapping[str, str]
) -> Gradient:
    region = ratio.exposure.removeprefix("abmd_")
    place = measured_at.get(ratio.exposure, region)
    number = ratio.ratio
    return Gradient(
        "this study", place, fracture, ratio.group, None, number.estimate, number.lower,
        number.upper, association.n, association.n_events,
    )  # fmt: skip


def _same(mine: Gradient, theirs: Gradient) -> bool:
    if theirs.group not in (ALL, mine.group):
        return False
    if theirs.measured_at == "hip":
        return mine.measured_at in HIP
    return theirs.measured_at in (ANY, mine.measured_at)


def _difference(mine: Gradient, se: float, theirs: Gradient, confidence: float) -> Heterogeneity:
    assert theirs.lower is not None
    assert theirs.upper is not None
    published = math.log(theirs.upper / theirs.lower) / (2 * critical_value(PUBLISHED_LEVEL))
    gap, spread = math.log(mine.estimate / theirs.estimate), math.hypot(se, published)
    reach = critical_value(confidence) * spread
    z = gap / spread
    p = float(2 * special.ndtr(-abs(z)))
    ends = math.exp(gap - reach), math.exp(gap + reach)
    return Heterogeneity(mine, theirs, math.exp(gap), *ends, z, p)


def _cautions(
    own: Sequence[Ratio], ours: Sequence[Gradient], pairs: Sequence[Heterogeneity]
) -> list[str]:
    sources = list(dict.fromkeys(ratio.sd_source for ratio in own))
    notes = [
        f"our standard deviations: {'; '.join(sources)}; a published gradient is per standard "
        "deviation of the people of its studies, or of young adults"
    ]
    alone = [one.measured_at for one in ours if all(d.ours is not one for d in pairs)]
    if alone:
        notes.append(
            f"{', '.join(dict.fromkeys(alone))}: no published gradient of that place, fracture and "
            "sex, so nothing is compared"
        )
    return notes
