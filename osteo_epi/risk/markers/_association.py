"""Bone density by markers of bone: marrow fat, turnover, hormones; association only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from scipy import special

from osteo_epi.accuracy import Measure, People, Sample
from osteo_epi.agreement import critical_value
from osteo_epi.arguments import confidence_level
from osteo_epi.cohort import codebook
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.frames import Column, on_people
from osteo_epi.risk.association._exposures import Columns, Question, columns_of
from osteo_epi.risk.association._scale import deviation
from osteo_epi.risk.markers._effects import BoneAssociation, BoneEffect
from osteo_epi.risk.markers._linear import LinearFit, fit_linear, unexplained
from osteo_epi.rounding import count, people_who
from osteo_epi.survey import Array, Mask

PER = ("sd", "unit")
ASSOCIATION = (
    "an association at one time, which tells no cause and from which nobody is diagnosed: "
    "biochemistry and marrow fat are no criteria (Chinese imaging consensus 2020, rules 24 and 26)"
)
MARROW_FAT = "marrow_fat_fraction"
SIGNAL = (
    "the MR signal is not standardised: fat fractions of several scanners, or of several ways to "
    "measure them, are not on one scale; take the device into adjust="
)


@on_people("density", "domain")
def bone_association(
    people: Any = None,
    *,
    exposures: str | Sequence[str],
    density: Column = "abmd_total_hip",
    adjust: str | Sequence[str] = (),
    per: str = "sd",
    log: str | Sequence[str] = (),
    categories: str | Sequence[str] = (),
    splines: Mapping[str, int] | None = None,
    reference_levels: Mapping[str, str] | None = None,
    design: Any = None,
    domain: Column = None,
    confidence: float = 0.95,
    accept_errors: bool = False,
) -> BoneAssociation:
    """How a density differs with markers, each in a model of its own, crude and adjusted.

    Parameters
    ----------
    people
        A frame of any kind, one row a person.
    exposures
        Columns, one or several: markers (`ctx`, `p1np`, `pth`, `marrow_fat_fraction` …), flags
        (`secondary_cause`) or classes. Each is in a model of its own, of the people who have it.
    density
        Column of a density or of its T-score: the outcome [g/cm², mg/cm³, SD].
    adjust
        Columns that the adjusted rows hold equal, as age, sex, weight; the crude rows are of the
        same people.
    per
        "sd": between people a standard deviation of the marker apart; "unit": one unit of its
        column apart.
    log
        Columns whose logarithm to the base 2 is taken, as of CTX: their unit is a doubling.
    categories, splines, reference_levels
        As in `hazard_ratios`; splines of adjustments only.
    design, domain, confidence, accept_errors
        As in `accuracy.accuracy`.

    Returns
    -------
    BoneAssociation
        Differences of the mean density with limits, per SD or unit and standardised, p, partial
        R², people used and left out.

    Raises
    ------
    SchemaError
        If a column is absent or of the wrong kind, constant, not above 0 where a logarithm is
        taken, or nobody has all of a model.
    DefinitionError
        If `per` is unknown, or a column is named twice.
    DesignError
        If columns follow from each other, or there are fewer people than columns.

    Notes
    -----
    Markers are covariates: rules 24 and 26 of the Chinese imaging consensus 2020, doi
    10.21037/qims-2020-16. People drawn one by one: least squares. A survey: weighted, with errors
    of the design (Binder 1983, doi 10.2307/1402588) on its degrees of freedom less a covariate, as
    `svyglm`. Standard deviations are taken as known.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> age, ctx = rng.uniform(50, 80, 400), rng.lognormal(-1, 0.5, 400)
    >>> hip = 1.1 - 0.005 * age - 0.03 * np.log2(ctx) + rng.normal(0, 0.1, 400)
    >>> women = pl.DataFrame({"age": age, "ctx": ctx, "abmd_total_hip": hip})
    >>> result = bone_association(women, exposures="ctx", adjust="age", log="ctx", per="unit")
    >>> result["ctx"].contrast, result["ctx"].effect.rounded(2)
    ('per doubling', '-0.036 (-0.05 to -0.022)')
    """
    confidence_level(confidence)
    if per not in PER:
        raise DefinitionError(f"unknown per={per!r}; choose one of {', '.join(PER)}")
    question = Question.of(exposures, adjust, None, "population", False, False, categories,
                           splines, reference_levels)  # fmt: skip
    logged = (log,) if isinstance(log, str) else tuple(log)
    _refuse_names(question, density, logged)
    known = People.of(people, accept_errors=accept_errors).with_classes(question.columns)
    sample = Sample.of(known.frame, design)
    inside = known.domain(domain) & (sample.weight > 0)
    known = _with_logs(known, logged, inside)
    asked = _Asked(known, sample, inside, known.numbers(density, "density"), density, per, logged,
                   confidence)  # fmt: skip
    effects, notes = list[BoneEffect](), [ASSOCIATION]
    notes += [SIGNAL] if MARROW_FAT in question.exposures else []
    for exposure in question.exposures:
        own = replace(question, exposures=(exposure,), reference_levels=_of(exposure, question))
        found, said = _one(asked, own)
        effects += found
        notes += said
    unit = codebook()[density].unit if density in codebook() else None
    return BoneAssociation(
        tuple(effects), density, unit or "", question.adjust, str(sample.design), confidence,
        tuple(dict.fromkeys((*known.notes, *sample.notes, *notes))),
    )  # fmt: skip


@dataclass(frozen=True)
class _Asked:
    """What all models share; `outcome` is (n,), NaN where missing."""

    people: People
    sample: Sample
    inside: Mask
    outcome: Array
    density: str
    per: str
    logged: tuple[str, ...]
    confidence: float


def _refuse_names(question: Question, density: str, logged: tuple[str, ...]) -> None:
    if density in question.columns:
        raise DefinitionError(f"{density} is the density, and named as exposure or adjust= too")
    for name in logged:
        if name not in question.columns or name in question.categories:
            raise DefinitionError(
                f"log: {name} is no exposure and in no adjust=, or is classes; name it there too, "
                "or leave it out of log="
            )


def _of(exposure: str, question: Question) -> dict[str, str]:
    return {name: level for name, level in question.reference_levels.items()
            if name == exposure or name in question.adjust}  # fmt: skip


def _with_logs(people: People, logged: Sequence[str], inside: Mask) -> People:
    """The frame with logarithms to the base 2 in place of columns."""
    frame = people.frame
    for name in logged:
        values = people.numbers(name, "log")
        low = int((inside & (values <= 0)).sum())
        if low:
            raise SchemaError(
                f"log: {people_who(low, 'have')} {name} of 0 or less, of which there is no "
                "logarithm; give values below detection the value that they stand for, make them "
                "missing, or leave these people out by domain="
            )
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = pl.Series(name, np.log2(values)).fill_nan(None)
        frame = frame.with_columns(logs)
    return replace(people, frame=frame)


def _one(asked: _Asked, question: Question) -> tuple[list[BoneEffect], list[str]]:
    """One exposure, crude and adjusted, in the people who have all of both models."""
    gaps = {asked.density: np.isnan(asked.outcome)} | {
        name: asked.people.column(name, role).is_null().to_numpy()
        for name, role in question.columns.items()
    }
    rows = asked.inside & ~np.any(list(gaps.values()), axis=0)
    (exposure,) = question.exposures
    if not rows.any():
        raise SchemaError(
            f"nobody has {asked.density}, {exposure} and every adjustment: look where they are "
            "missing"
        )
    effects = list[BoneEffect]()
    notes = [f"{exposure}: {line}" for line in _lost(gaps, asked.inside)]
    own_level = {k: v for k, v in question.reference_levels.items() if k == exposure}
    plain = replace(question, adjust=(), splines={}, reference_levels=own_level)
    for model, one in (("crude", plain), ("adjusted", question)):
        if model == "adjusted" and not question.adjust:
            continue
        (columns,), said = columns_of(
            asked.people, one, rows=rows, population=rows, weight=asked.sample.weight
        )
        notes += said
        effects += _effects(asked, columns, rows, model)
    return effects, notes


def _lost(gaps: dict[str, Mask], inside: Mask) -> Iterator[str]:
    total = count(int(inside.sum()))
    for name, gap in gaps.items():
        n = int((gap & inside).sum())
        if n:
            yield f"{count(n)} of {total} people lack {name} and are left out"


def _effects(asked: _Asked, columns: Columns, rows: Mask, model: str) -> Iterator[BoneEffect]:
    weight = asked.sample.weight
    fit = fit_linear(asked.sample, asked.outcome, columns.x, rows=rows, names=columns.names)
    (block,) = columns.blocks
    rest = np.delete(columns.x, block.places, axis=1)
    before = unexplained(asked.outcome, rest, rows=rows, weight=weight)
    explained = 1 - fit.squares / before
    spread = deviation(asked.outcome[rows], weight[rows], asked.density)
    sd = None if block.scale is None else block.scale.sd
    logged, n = block.exposure in asked.logged, int(rows.sum())
    for place, contrast in zip(block.places, block.contrasts, strict=True):
        own = _measure(fit, int(place), asked.confidence, n)
        unit = None if sd is None else _scaled(own, 1 / sd)
        effect = unit if unit is not None and asked.per == "unit" else own
        words = _words(asked.per, logged) if sd is not None else contrast
        yield BoneEffect(
            block.exposure, words, model, effect, unit, _scaled(own, 1 / spread),
            _p(fit, int(place)), explained, sd, int(asked.inside.sum()) - n,
        )  # fmt: skip


def _words(per: str, logged: bool) -> str:
    if per == "sd":
        return "per SD increase" + (" of its logarithm" if logged else "")
    return "per doubling" if logged else "per unit increase"


def _measure(fit: LinearFit, place: int, confidence: float, n: int) -> Measure:
    value, se = float(fit.value[place]), math.sqrt(fit.covariance[place, place])
    if not fit.df > 0:
        return Measure(value, se, None, None, n, fit.method)
    reach = critical_value(confidence, fit.df) * se
    return Measure(value, se, value - reach, value + reach, n, fit.method)


def _scaled(one: Measure, factor: float) -> Measure:
    scaled = [None if v is None else v * factor for v in (one.se, one.lower, one.upper)]
    return replace(one, estimate=one.estimate * factor, se=scaled[0], lower=scaled[1],
                   upper=scaled[2])  # fmt: skip


def _p(fit: LinearFit, place: int) -> float:
    """Two-sided, by Student's t."""
    if not fit.df > 0:
        return math.nan
    t = fit.value[place] / math.sqrt(fit.covariance[place, place])
    return float(2 * special.stdtr(fit.df, -abs(t)))
