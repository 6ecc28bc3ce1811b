"""How many people of each sex and age a reference needs, for the errors that are wished."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import number, true_or_false
from osteo_epi.errors import DefinitionError
from osteo_epi.norms import SEXES
from osteo_epi.reference.curves import Polynomial, PSpline, Term
from osteo_epi.reference.curves._terms import refuse_other_terms
from osteo_epi.reference.planning._errors import (
    centile_error,
    people_for_prevalence,
    people_for_score,
    prevalence_error,
    score_error,
    score_of,
    smooth_centile_error,
)
from osteo_epi.reference.planning._plan import (
    CENTILE,
    CUT_OFF,
    PREVALENCE,
    Ages,
    Aim,
    Plan,
    T,
)
from osteo_epi.reference.planning._protocol import paragraph
from osteo_epi.results import Result
from osteo_epi.rounding import count

MOST = 0.5
FEWEST_AGES = 5
"""[years] Below which no curve is fitted, as `fit_curve` has it."""
TERMS = (PSpline(df=3), Polynomial(1))
_SCHEMA = {
    "sex": pl.String, "ages": pl.String, "n": pl.Int64, "invited": pl.Int64, "decides": pl.String,
    "cut_off_n": pl.Int64, "centile_n": pl.Int64, "prevalence_n": pl.Int64, "band_se": pl.Float64,
    "curve_se": pl.Float64,
}  # fmt: skip
BySex = float | Mapping[str, float]


@dataclass(frozen=True, repr=False)
class SampleSize(Result):
    """People to measure.

    Attributes
    ----------
    rows
        By sex and band of age, see `to_frame`.
    aims
        What each aim takes.
    plan
        What was wished.
    """

    rows: pl.DataFrame
    aims: tuple[Aim, ...]
    plan: Plan = field(repr=False)

    @property
    def n(self) -> int:
        """People to measure, all together."""
        return int(self.rows["n"].sum())

    def to_polars(self) -> pl.DataFrame:
        """People by sex and age.

        Returns
        -------
        DataFrame
            sex, ages (completed years), n (the largest of the aims'), invited (n by the response),
            decides (the aim that takes most), what each aim takes (cut_off_n, centile_n,
            prevalence_n), and the standard errors of the centile that these people give [SD]:
            band_se of the band by itself, curve_se of the smooth curve in the middle of the band.
        """
        return self.rows

    def to_aims(self) -> pl.DataFrame:
        """One row an aim: aim, sex, first, last [years], wished and reached error, n."""
        return pl.DataFrame(
            [
                {
                    "aim": aim.aim, "sex": aim.sex, "first": aim.ages[0], "last": aim.ages[1],
                    "wished": aim.wished, "reached": aim.reached, "n": aim.n,
                }
                for aim in self.aims
            ]
        )  # fmt: skip

    def protocol(self, language: str = "en") -> str:
        """The sample-size paragraph of a study protocol.

        Parameters
        ----------
        language
            "en" or "zh".

        Raises
        ------
        DefinitionError
            If the language is another.

        Examples
        --------
        >>> from osteo_epi.reference import sample_size
        >>> print(sample_size(cut_off_se=0.1).protocol("zh").partition("：")[0])
        为确定T值，需20~39岁女性、男性各414人
        """
        return paragraph(self.rows, self.aims, self.plan, language)

    def _summary(self) -> str:
        aims = ", ".join(dict.fromkeys(aim.aim for aim in self.aims))
        return f"{count(self.n)} people, {' and '.join(self.plan.sexes)}: {aims}"


def sample_size(
    *,
    cut_off_se: float | None = None,
    centile_se: float | None = None,
    prevalence_se: float | None = None,
    young: Ages = (20, 39),
    ages: Ages = (20, 89),
    old: Ages = (50, 89),
    band: int = 10,
    percent: float = 3.0,
    smooth: bool = True,
    terms: Sequence[Term] = TERMS,
    prevalence: BySex | None = None,
    sd: BySex | None = None,
    sexes: Sequence[str] = SEXES,
    design_effect: float = 1.0,
    response: float = 1.0,
) -> SampleSize:
    """Say how many people of each sex and age a reference needs.

    Parameters
    ----------
    cut_off_se
        [SD] Wished standard error of the density at T = −2.5; None for no T-scores.
    centile_se
        [SD] Wished standard error of a centile by age; None for no curve.
    prevalence_se
        Wished standard error of a prevalence (0.02 for two percentage points); None for none.
    young, ages, old
        First and last completed year of the young adults, of the curve, of those whose prevalence
        is estimated [years].
    band
        [years] Width of the bands of the table, and of those of a raw centile.
    percent
        The centile, of people below.
    smooth
        Whether the centile is that of a smooth curve, on average over the ages; else that of each
        band by itself.
    terms
        How mean and SD (and the power, for LMS) change with age, as `fit_curve` takes them; a
        P-spline with its df.
    prevalence
        Expected (0 to 1), by sex or one for both.
    sd
        [g/cm²] Of young adults, by sex or one for both; to say the cut-off's error in g/cm².
    sexes
        Who is measured.
    design_effect
        Of the sample: how many times the variance is that of a simple random sample. It counts for
        all aims.
    response
        Share of those invited who are measured and stay after the exclusions.

    Returns
    -------
    SampleSize

    Raises
    ------
    DefinitionError
        If nothing is wished, a prevalence is wished without one expected, or a number is out of
        range.

    Notes
    -----
    Each aim spreads its people evenly over its ages; a band takes the largest of the aims' numbers,
    for one person serves all. The error of the cut-off is SD·√(1/n + 2.5²/(2(n − 1))), for normal
    densities. That of a smooth curve is ours, see `smooth_centile_error`; Cole TJ, Stat Methods Med
    Res 2021, doi:10.1177/0962280220958438, found by simulation that smoothing is worth two to three
    times the people, and 0.041 SD at the median, 0.066 at centiles 2 and 98, of 6,878 boys. Whether
    the people are those that the reference is to stand for, no number of them tells.

    Examples
    --------
    >>> need = sample_size(cut_off_se=0.1, centile_se=0.07, prevalence_se=0.02, prevalence=0.29)
    >>> need
    SampleSize(3,486 people, female and male: cut-off, centile, prevalence)
    >>> need.to_frame().select("ages", "n", "decides").row(0)
    ('20–29', 249, 'centile')
    >>> print(need.protocol().partition(":")[0])
    For T-scores, 414 women and as many men of 20 to 39 years are needed
    """
    true_or_false(smooth=smooth)
    if cut_off_se is None and centile_se is None and prevalence_se is None:
        raise DefinitionError(
            "nothing is wished: give cut_off_se= or centile_se= [SD], or prevalence_se= with "
            "prevalence="
        )
    if prevalence_se is not None and prevalence is None:
        raise DefinitionError("prevalence_se= needs the prevalence= that is expected, 0 to 1")
    if prevalence_se is not None and not prevalence_se < MOST:
        raise DefinitionError(
            f"prevalence_se={prevalence_se}; expected a share, 0.02 for two percentage points"
        )
    for name, se in {
        "cut_off_se": cut_off_se, "centile_se": centile_se, "prevalence_se": prevalence_se
    }.items():  # fmt: skip
        if se is not None:
            number(se, name, above=0)
    sexes = (sexes,) if isinstance(sexes, str) else tuple(sexes)
    terms = _terms(terms)
    plan = Plan(
        young, ages, old, band, percent, smooth, tuple(terms), _by_sex(prevalence, sexes),
        _by_sex(sd, sexes), sexes, design_effect, response,
    )  # fmt: skip
    aims = [
        aim
        for sex in sexes
        for aim in (
            _cut_off(plan, sex, cut_off_se),
            _centile(plan, sex, centile_se),
            _prevalence(plan, sex, prevalence_se),
        )
        if aim is not None
    ]
    rows = [row for sex in sexes for row in _bands(plan, sex, [a for a in aims if a.sex == sex])]
    return SampleSize(pl.DataFrame(rows, schema=_SCHEMA), tuple(aims), plan)


def _terms(terms: Any) -> tuple[Term, ...]:
    given = tuple(terms) if isinstance(terms, (list, tuple)) else (terms,)
    refuse_other_terms({f"terms[{place}]": term or "" for place, term in enumerate(given)})
    return given


def _by_sex(value: BySex | None, sexes: Sequence[str]) -> dict[str, float]:
    if value is None:
        return {}
    return dict(value) if isinstance(value, Mapping) else dict.fromkeys(sexes, value)


def _cut_off(plan: Plan, sex: str, se: float | None) -> Aim | None:
    if se is None:
        return None
    n = people_for_score(se, T, design_effect=plan.design_effect)
    reached = float(score_error(n, T, design_effect=plan.design_effect))
    return Aim(CUT_OFF, sex, plan.young, se, n, reached)


def _centile(plan: Plan, sex: str, se: float | None) -> Aim | None:
    """A smooth curve's mean error over the ages, or that of each band by itself."""
    if se is None:
        return None
    if not plan.smooth:
        n = people_for_score(se, score_of(plan.percent), design_effect=plan.design_effect)
        bands = _edges(plan.ages, plan.band)
        years = plan.ages[1] - plan.ages[0] + 1
        # The narrowest band has them as well.
        whole = max(math.ceil(n * years / (last - first + 1)) for first, last in bands)
        share = min(last - first + 1 for first, last in bands) / years
        error = centile_error(whole * share, plan.percent, design_effect=plan.design_effect)
        return Aim(CENTILE, sex, plan.ages, se, whole, float(error))
    if len({*range(plan.ages[0], plan.ages[1] + 1)}) < FEWEST_AGES:
        raise DefinitionError(
            f"ages={plan.ages}: a smooth curve needs {FEWEST_AGES} years of age at least; give "
            "more ages=, or smooth=False for a raw centile"
        )
    alone = _curve_error(plan, _evenly(plan.ages, 1.0))
    n = math.ceil(float((alone**2).mean()) / se**2 * len(alone) - 1e-6)
    error = _curve_error(plan, _evenly(plan.ages, n / len(alone)))
    return Aim(CENTILE, sex, plan.ages, se, n, float(np.sqrt((error**2).mean())))


def _prevalence(plan: Plan, sex: str, se: float | None) -> Aim | None:
    if se is None:
        return None
    share = plan.prevalence[sex]
    n = people_for_prevalence(se, share, design_effect=plan.design_effect)
    reached = prevalence_error(n, share, design_effect=plan.design_effect)
    return Aim(PREVALENCE, sex, plan.old, se, n, reached)


def _evenly(ages: Ages, each: float) -> dict[float, float]:
    """So many people of each completed year, at its middle."""
    return {year + 0.5: each for year in range(ages[0], ages[1] + 1)}


def _curve_error(plan: Plan, people: Mapping[float, float]) -> Any:
    return smooth_centile_error(people, plan.percent, plan.terms, design_effect=plan.design_effect)


def _edges(ages: Ages, band: int) -> list[Ages]:
    starts = range(ages[0] // band * band, ages[1] + 1, band)
    return [(max(start, ages[0]), min(start + band - 1, ages[1])) for start in starts]


def _bands(plan: Plan, sex: str, aims: Sequence[Aim]) -> list[dict[str, Any]]:
    """The largest number that an aim takes of each band, and what errors they give."""
    reach = (min(aim.ages[0] for aim in aims), max(aim.ages[1] for aim in aims))
    rows = list[dict[str, Any]]()
    for first, last in _edges(reach, plan.band):
        takes = {
            aim.aim: math.ceil(aim.n * share - 1e-6)
            for aim in aims
            if (share := _overlap((first, last), aim.ages)) > 0
        }
        decides = max(takes, key=lambda name: takes[name]) if takes else None
        n = takes[decides] if decides else 0
        rows.append(
            {
                "sex": sex, "ages": f"{first}–{last}", "n": n,
                "invited": math.ceil(n / plan.response - 1e-9), "decides": decides,
                "cut_off_n": takes.get(CUT_OFF), "centile_n": takes.get(CENTILE),
                "prevalence_n": takes.get(PREVALENCE), "_first": first, "_last": last,
            }
        )  # fmt: skip
    _add_errors(plan, rows, any(aim.aim == CENTILE for aim in aims))
    return [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]


def _add_errors(plan: Plan, rows: list[dict[str, Any]], curve: bool) -> None:
    """Errors of the centile with all people of the plan, also those taken for other aims."""
    people = {
        year + 0.5: row["n"] / (row["_last"] - row["_first"] + 1)
        for row in rows
        for year in range(row["_first"], row["_last"] + 1)
        if plan.ages[0] <= year <= plan.ages[1]
    }
    for row in rows:
        middle = (row["_first"] + row["_last"] + 1) / 2
        inside = curve and plan.ages[0] <= middle <= plan.ages[1] + 1
        effect = plan.design_effect
        row["band_se"] = row["curve_se"] = None
        if inside and row["n"] > 1:
            row["band_se"] = float(centile_error(row["n"], plan.percent, design_effect=effect))
            row["curve_se"] = float(
                smooth_centile_error(
                    people, plan.percent, plan.terms, at=[middle], design_effect=effect
                )[0]
            )


def _overlap(one: Ages, whole: Ages) -> float:
    """The share of some years that lies in a band."""
    years = min(one[1], whole[1]) - max(one[0], whole[0]) + 1
    return max(years, 0) / (whole[1] - whole[0] + 1)
