"""A reference database: a curve for each sex and region, and the young adults beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.arguments import distinct_words, is_a
from osteo_epi.calibration import Correction
from osteo_epi.cohort import AS_GIVEN, EQUAL, IMPLAUSIBLE, Cohort, is_simulated, recognised_design
from osteo_epi.diagnosis import MAKERS, areal_density, find_spine_rule, stated_makers
from osteo_epi.errors import DefinitionError, SchemaError
from osteo_epi.findings import Findings
from osteo_epi.frames import as_polars, in_callers_kind, refuse_words
from osteo_epi.norms import (
    DERIVED,
    SEXES,
    AgeCurve,
    AgeReference,
    AnyCurve,
    Citation,
    CurveEntry,
    Derivation,
    DistributionCurve,
    Entry,
    Interval,
    YoungAdultReference,
)
from osteo_epi.reference._devices import CORRECTED, DEVICES, calibrated, measured, sound_people
from osteo_epi.reference._peaks import Peak
from osteo_epi.reference._provenance import derivation, exclusions_of
from osteo_epi.reference._scanners import Scanners
from osteo_epi.reference._table import journal_rows
from osteo_epi.reference._young import Youth, mean_sd
from osteo_epi.reference._young_ages import DECADE, WAYS
from osteo_epi.reference.curves import Curve, Term, fit_curve
from osteo_epi.reference.curves._curve import checked_family
from osteo_epi.reference.people import Selection, check_reference_people
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted

ROIS = ("lumbar_spine", "femoral_neck", "total_hip")
LEAST = 50
VERTEBRAE = ("l1", "l2", "l3", "l4")
NAME = "reference_of_these_people"
UNKNOWN = "unknown"
Key = tuple[str, str]


@dataclass(frozen=True, repr=False)
class Reference(Result):
    """Curves by age and young adults of a set of reference people.

    Made by `fit_reference`; see there.

    Attributes
    ----------
    curves
        By sex and region.
    young
        Young adults by sex and region; empty where none were wanted.
    rows
        The table that journals print, see `to_frame`.
    people
        Everybody as fitted, all columns: the densities of the regions are those that may be used,
        and whoever was left out has none. Nothing of it is published.
    design
        The survey design.
    by_sex
        People of each sex with a density at some region.
    provenance
        Digest of the data, exclusions, model, design, software, date, and what an age means:
        completed years where all ages are whole numbers, else exact.
    notes
        What has to be known of it.
    findings
        What was noticed about the people, see `check_reference_people`.
    labels
        "derived", and "simulation" where the people are simulated.
    makers
        Of the densitometers, of those that the data name: "hologic", "lunar", "norland".
    scanners
        Whose scale the densities are of: scanners, and the correction that they went through.
    exclusions_zh
        The exclusions in Chinese, as far as the rules have Chinese reasons.
    """

    curves: Mapping[Key, Curve]
    young: Mapping[Key, Peak]
    rows: pl.DataFrame
    people: pl.DataFrame = field(repr=False)
    design: Any
    by_sex: Mapping[str, int]
    provenance: Derivation
    notes: tuple[str, ...] = field(repr=False)
    findings: Findings = field(repr=False)
    labels: tuple[str, ...] = (DERIVED,)
    makers: tuple[str, ...] = ()
    scanners: Scanners = field(default_factory=Scanners, repr=False)
    exclusions_zh: tuple[str, ...] = field(default=(), repr=False)

    @property
    def n(self) -> int:
        """People behind it."""
        return self.provenance.people

    @property
    def maker(self) -> str:
        """Maker of the densitometers, "unknown" where the data name none or several."""
        return self.makers[0] if len(self.makers) == 1 else UNKNOWN

    def people_of(self, sex: str) -> pl.DataFrame:
        """Everybody as fitted, the densities of the other sex set to missing.

        That is what `diagnose` takes with a curve of this sex: who is not judged stays a sampling
        unit.

        Examples
        --------
        >>> from osteo_epi.datasets import survey
        >>> reference = fit_reference(survey(), rois=["femoral_neck"])
        >>> women = reference.people_of("female")
        >>> women.drop_nulls("abmd_femoral_neck")["sex"].unique().to_list()
        ['female']
        """
        rois = dict.fromkeys(roi for _, roi in self.curves)
        mine = pl.col("sex").cast(pl.String) == sex
        return self.people.with_columns(
            pl.when(mine).then(pl.col(f"abmd_{roi}")).alias(f"abmd_{roi}") for roi in rois
        )

    @property
    def young_adult(self) -> YoungAdultReference:
        """Mean and SD of the young adults, as T-scores take them.

        Raises
        ------
        DefinitionError
            If no young adults were wanted, or none could be taken.
        """
        if not self.young:
            raise DefinitionError(
                "this reference holds no young adults, so it has no T-scores: fit it with "
                "young= one of " + ", ".join(WAYS)
            )
        entries = tuple(Entry(sex, roi, mean_sd(peak)) for (sex, roi), peak in self.young.items())
        return YoungAdultReference(**self._head("Young adults"), entries=entries)

    @property
    def by_age(self) -> AgeReference:
        """The curves at whole years, linear between, as Z-scores take them."""
        entries = tuple(
            CurveEntry(sex, roi, at_whole_years(curve)) for (sex, roi), curve in self.curves.items()
        )
        return AgeReference(**self._head("People of the same age"), curves=entries)

    def _head(self, who: str) -> dict[str, Any]:
        return {
            "id": NAME,
            "title": f"{who} among these reference people",
            "citation": Citation("Not published."),
            "verification": DERIVED,
            "labels": self.labels,
            "notes": "\n".join(self.notes),
            "derivation": self.provenance,
            "population": "the reference people at hand",
            "maker": self.maker,
        }

    def to_polars(self) -> pl.DataFrame:
        """The table that journals print, a row for each sex, region and five years of age.

        Returns
        -------
        DataFrame
            sex, roi, ages (completed years), age (at which the curve is read) [years], n, mean and
            sd of these people [g/cm²] (weighted where the curve is), l, m, s (and tau) of the
            curve, p3 … p97 [g/cm²], of_peak [% of the highest median], loss [g/cm² a year] and
            loss_percent [% of the median a year].
        """
        return self.rows

    def _summary(self) -> str:
        rois = ", ".join(dict.fromkeys(roi for _, roi in self.curves))
        sexes = " and ".join(dict.fromkeys(sex for sex, _ in self.curves))
        return f"{rois}; {sexes}; {count(self.n)} people; {self.provenance.model}"


@in_callers_kind
def fit_reference(
    people: Any,
    *,
    rois: Sequence[str] = ROIS,
    family: str = "bccg",
    mu: Term | None = None,
    sigma: Term | None = None,
    nu: Term | None = None,
    tau: Term | None = None,
    young: str | None = DECADE,
    sexes: Sequence[str] | None = None,
    weight: str | None = None,
    design: Any = None,
    spine_rule: str = "at_least_two",
    calibration: Correction | None = None,
    date: dt.date | None = None,
    accept_errors: bool = False,
) -> Reference:
    """Fit a reference database: curves by age for each sex and region, and young adults.

    Parameters
    ----------
    people
        Any frame of reference people with `age` [years], `sex` and areal densities [g/cm²], or
        what `select` gives: its exclusions are then recorded, and those left out stay sampling
        units of the design.
    rois
        Regions of interest, e.g. "femoral_neck", "lumbar_spine", single vertebrae ("l1").
    family, mu, sigma, nu, tau
        Distribution and how its parameters change with age, see `fit_curve`.
    young
        Who the young adults are: "20–29 years", "20–39 years", "peak ± 5 years", "best five
        years" or "maximum of the curve", see `peaks`; None for none, as for children.
    sexes
        Sexes that must be there; by default those that are.
    weight
        Column of weights in place of the design's.
    design
        Survey design; by default the one that the columns state.
    spine_rule
        Rule of the lumbar spine.
    calibration
        Correction of the densities of several scanners to one scale; its error is then in the
        standard errors of the young adults. A selection brings its own.
    date
        Of the computation, as the norm file states it; today by default.
    accept_errors
        Go on although a cohort carries errors, or densities of several scanners stand together.

    Returns
    -------
    Reference

    Raises
    ------
    SchemaError
        If a column is absent, a required sex has nobody, no sex and region has people enough, or
        densities of several scanners stand together without a calibration.
    DefinitionError
        If the family, or the way to choose young adults, is unknown.

    Notes
    -----
    A sex and region of fewer than 50 people has no curve, and a note says so. In the norm the
    curves are read at whole years and are linear between: see `at_whole_years` for what that
    changes.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import Constant, Polynomial
    >>> reference = fit_reference(
    ...     simulate(9_000, seed=1), rois=["femoral_neck"], mu=Polynomial(3), sigma=Constant()
    ... )
    >>> sorted(reference.curves)
    [('female', 'femoral_neck'), ('male', 'femoral_neck')]
    >>> reference.by_age.curve("female", "femoral_neck").score([0.7], [60.5]).shape
    (1,)
    """
    check_choices(
        rois=rois, family=family, mu=mu, sigma=sigma, nu=nu, tau=tau, young=young, sexes=sexes,
        spine_rule=spine_rule,
    )  # fmt: skip
    if date is not None:
        is_a(date, "date", dt.date, "a datetime.date, e.g. date=datetime.date(2026, 1, 31)")
    exclusions = [exclusions_of(people, chinese=zh) for zh in (False, True)]
    people, frame, calibration, seen = _reference_people(people, calibration, accept_errors)
    drawn = recognised_design(frame, design, weight=weight)
    fitted = _as_fitted(frame, rois, spine_rule, drawn.design.weight)
    table = _table(fitted, rois, drawn.design.weight)
    scanned = fitted.filter(measured(fitted.select(f"abmd_{roi}" for roi in rois)))
    makers, scanners = stated_makers(scanned), Scanners.of(scanned, calibration)
    notes = [*drawn.notes, *_sexes(table, sexes), *_several(makers), *scanners.sentences()]
    notes += [f"{f.column}: {f.message}" for f in seen if f.code in IMPLAUSIBLE]
    counted_people = _counting(people, fitted, drawn.design.weight)
    findings = seen + _checked(counted_people, calibration, accept_errors)
    terms = {"mu": mu, "sigma": sigma, "nu": nu, "tau": tau}
    curves = dict(_curves(table, rois, family, terms, drawn.design.weight, notes))
    if not curves:
        raise SchemaError(_too_few(frame, rois, spine_rule))
    youth = Youth(frame, young, drawn.design, spine_rule, calibration)
    simulated = is_simulated(people if isinstance(people, Cohort) else frame)
    return Reference(
        curves=MappingProxyType(curves),
        young=MappingProxyType(dict(youth.values(curves, notes))),
        people=fitted,
        design=drawn.design,
        rows=journal_rows(table, curves, drawn.design.weight),
        by_sex={sex: int((table["sex"] == sex).sum()) for sex in SEXES if sex in table["sex"]},
        provenance=derivation(
            table, curves, exclusions=exclusions[0], design=str(drawn.design), date=date
        ),
        notes=tuple(dict.fromkeys(notes)),
        findings=findings,
        labels=(DERIVED, "simulation") if simulated else (DERIVED,),
        makers=makers,
        scanners=scanners,
        exclusions_zh=exclusions[1],
    )


def at_whole_years(curve: Curve) -> AnyCurve:
    """A fitted curve as a norm file holds it: its parameters at whole years, linear between.

    Parameters
    ----------
    curve
        As fitted.

    Returns
    -------
    AgeCurve or DistributionCurve
        Mean and SD of the normal distribution, else the family and its parameters. It stands for
        the completed years of age that the people had; within the first and the last of them the
        curve is read no further than the youngest and the oldest person.

    Notes
    -----
    Between whole years a score differs from that of the smooth curve by the bend of the curve
    within a year: by at most 0.002 SD in adults (all families, Z from −3 to 3, 20,000 simulated
    people), by up to 0.06 SD where growth turns sharpest, at 10 to 16 years.

    Examples
    --------
    >>> from osteo_epi.cohort import simulate
    >>> from osteo_epi.reference import fit_curve
    >>> men = simulate(9_000, seed=1).frame.filter(pl.col("sex") == "male")
    >>> norm = at_whole_years(fit_curve(men, "abmd_femoral_neck"))
    >>> type(norm).__name__, norm.family
    ('DistributionCurve', 'bccg')
    """
    low, high = curve.ages
    years = np.arange(np.floor(low), np.ceil(high) + 1)
    at = {
        name: tuple(values.tolist())
        for name, values in curve.parameters(np.clip(years, low, high)).items()
    }
    age = tuple(years.tolist())
    ages = Interval(float(np.floor(low)), float(np.floor(high) + 1), True, False)
    if curve.family.name == "normal":
        return AgeCurve(age, at["mu"], at["sigma"], ages, DERIVED)
    # bccgo and bccg are one distribution, fitted by other sums.
    family = curve.family.name.removesuffix("o")
    return DistributionCurve(
        age, family, at["mu"], at["sigma"], at.get("nu"), at.get("tau"), ages, DERIVED
    )


def check_choices(
    *,
    rois: Sequence[str] = ROIS,
    family: str = "bccg",
    mu: Term | None = None,
    sigma: Term | None = None,
    nu: Term | None = None,
    tau: Term | None = None,
    young: str | None = DECADE,
    sexes: Sequence[str] | None = None,
    spine_rule: str = "at_least_two",
) -> None:
    """Refuse what `fit_reference` would refuse whoever the people are, before they are read.

    Parameters
    ----------
    rois, family, mu, sigma, nu, tau, young, sexes, spine_rule
        As `fit_reference`.

    Raises
    ------
    DefinitionError
        As `fit_reference`.

    Examples
    --------
    >>> from osteo_epi.reference import Constant
    >>> check_choices(rois=["femoral_neck"], family="normal", nu=Constant())
    Traceback (most recent call last):
    ...
    osteo_epi.errors.DefinitionError: family 'normal' has no nu; its parameters are mu, sigma
    """
    _refuse_words(rois, young, sexes)
    checked_family(family, {"mu": mu, "sigma": sigma, "nu": nu, "tau": tau})
    find_spine_rule(spine_rule)


def _refuse_words(rois: Sequence[str], young: str | None, sexes: Sequence[str] | None) -> None:
    distinct_words(rois, "rois (--roi)", "rois=['femoral_neck']", of="regions")
    if young is not None and young not in WAYS:
        raise DefinitionError(f"young={young!r}; expected None or one of {', '.join(WAYS)}")
    unknown = [sex for sex in sexes or () if sex not in SEXES]
    if unknown or isinstance(sexes, str) or (sexes is not None and not sexes):
        raise DefinitionError(f"sexes={sexes!r}; expected a list of {' and '.join(SEXES)}")


def _reference_people(
    people: Any, calibration: Correction | None, accept_errors: bool
) -> tuple[Any, pl.DataFrame, Correction | None, Findings]:
    """Those who stay; everybody, those left out without readings; the correction; what was seen."""
    if isinstance(people, Selection):
        if calibration is not None:
            raise DefinitionError(
                "these people were selected already: give calibration= to select, not here"
            )
        return people.people, people.domain, people.calibration, people.findings
    people, seen = sound_people(people, accept_errors=accept_errors)
    people = calibrated(people, calibration)
    return people, as_polars(people)[0].lazy().collect(), calibration, seen


def _counting(people: Any, fitted: pl.DataFrame, weight: str | None) -> Any:
    """The people without those of weight 0: they are nobody's reference."""
    return people if weight is None else fitted.filter(_counts(fitted, weight))


def _counts(people: pl.DataFrame, weight: str | None) -> pl.Expr:
    """Whose weight counts; everybody's where none does, for the fit says what is wrong then."""
    weighted = weight is not None and (people[weight] > 0).any()
    return pl.col(str(weight)) > 0 if weighted else pl.lit(True)


def _checked(people: Any, calibration: Correction | None, accept_errors: bool) -> Findings:
    """What of the people would make a reference wrong; errors stop here."""
    findings = check_reference_people(people, calibration=calibration)
    if findings.errors and not accept_errors:
        raise SchemaError(
            f"{str(findings.errors[0]).removeprefix('error: ')}; or go on in spite of it with "
            "accept_errors=True (--accept-errors)"
        )
    return findings


def _too_few(frame: pl.DataFrame, rois: Sequence[str], spine_rule: str) -> str:
    """Why there is no curve at all, as far as the columns tell it, and what to do."""
    reasons = []
    for roi in rois:
        aside = f"abmd_{roi}{AS_GIVEN}"
        if n := frame[aside].count() if aside in frame.columns else 0:
            reasons.append(
                f"abmd_{roi}: {counted(n, 'value')} {'is' if n == 1 else 'are'} implausible and "
                "count as missing; bring the column to g/cm²"
            )
    parts = [name for name in VERTEBRAE if f"abmd_{name}" in frame.columns]
    if "lumbar_spine" in rois and parts and "abmd_lumbar_spine" not in frame.columns:
        reasons.append(
            f"lumbar_spine: made of {', '.join(parts)} by spine_rule={spine_rule!r} "
            f"(--spine-rule); name a vertebra as a region (--roi {parts[0]}) if too few have the "
            "others"
        )
    ways = "; ".join(reasons) or "name other regions with rois= (--roi), or take fewer exclusions"
    return (
        f"no sex has {LEAST} people with a density at {' or '.join(rois)}, which a curve needs: "
        f"{ways}"
    )


def _as_fitted(
    frame: pl.DataFrame, rois: Sequence[str], spine_rule: str, weight: str | None
) -> pl.DataFrame:
    """The people, each region's density replaced by the one that may be used."""
    if weight and weight not in frame.columns:
        raise SchemaError(
            f"column {weight} of weights is not in the data: name the column that holds them with "
            f'weight= (--weight), or weight="{EQUAL}" for equal ones'
        )
    absent = [name for name in ("age", "sex") if name not in frame.columns]
    densities = {roi: areal_density(frame, roi, spine_rule=spine_rule) for roi in rois}
    absent += [f"abmd_{roi}" for roi, density in densities.items() if density is None]
    if absent:
        raise SchemaError(
            f"column(s) {', '.join(absent)} are not in the data; map yours onto them, or name "
            "the regions that there are with rois="
        )
    numbers = ["age", *([weight] if weight else [])]
    refuse_words(frame.schema, numbers, purpose="a reference")
    return frame.with_columns(
        pl.col(numbers).cast(pl.Float64),
        *(d.cast(pl.Float64).alias(f"abmd_{roi}") for roi, d in densities.items() if d is not None),
    )


def _table(people: pl.DataFrame, rois: Sequence[str], weight: str | None) -> pl.DataFrame:
    """Age, sex, weight and densities, of people of known age and sex whose weight counts."""
    columns = [f"abmd_{roi}" for roi in rois]
    known = pl.col("sex").is_in(SEXES) & pl.col("age").is_finite()
    measured = pl.any_horizontal(pl.col(columns).is_not_null())
    counts = _counts(people, weight)
    kept = ["age", "sex", *([weight] if weight else []), *columns]
    whole = people.select(kept).with_columns(pl.col("sex").cast(pl.String))
    return whole.filter(known & measured & counts)


def _sexes(table: pl.DataFrame, required: Sequence[str] | None) -> Iterator[str]:
    """Say which sex is missing; refuse where it was required."""
    there = set(table["sex"].unique())
    lost = [sex for sex in required or () if sex not in there]
    if lost:
        raise SchemaError(
            f"column sex: nobody with a density is {' or '.join(lost)}, which sexes= requires; "
            "check how the sexes are coded, or leave sexes= out"
        )
    for sex in SEXES:
        if there and sex not in there:
            yield f"nobody with a density is {sex}: the reference holds no {sex} curve"


def _several(makers: Sequence[str]) -> Iterator[str]:
    """Say of densities of several makers that the reference is of none."""
    if len(makers) > 1:
        names = " and ".join(MAKERS[maker] for maker in makers)
        yield f"densities of {names} stand together: the reference names no maker"


def _curves(
    table: pl.DataFrame,
    rois: Sequence[str],
    family: str,
    terms: Mapping[str, Any],
    weight: str | None,
    notes: list[str],
) -> Iterator[tuple[Key, Curve]]:
    for sex in SEXES:
        # Of the scanners the reference speaks itself, once.
        own = table.filter(pl.col("sex") == sex).drop(*DEVICES, CORRECTED, strict=False)
        for roi in rois:
            column = f"abmd_{roi}"
            n = own[column].count()
            if n >= LEAST:
                curve = fit_curve(own, column, family=family, weight=weight or EQUAL, **terms)
                notes += [f"{sex}: {note}" for note in curve.notes]
                yield (sex, roi), curve
            elif own.height:
                notes.append(
                    f"{roi}, {sex}: {count(n)} measured, of {LEAST} that a curve needs at "
                    "least: no curve"
                )
