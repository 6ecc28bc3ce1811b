"""Two references side by side: cut-offs, classes, who moves, what the prevalence becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from osteo_epi.agreement import BlandAltman
from osteo_epi.arguments import confidence_level
from osteo_epi.cohort import Cohort, is_simulated
from osteo_epi.diagnosis import Definition, suitability_findings
from osteo_epi.errors import DefinitionError
from osteo_epi.findings import Findings
from osteo_epi.frames import as_polars, in_callers_kind
from osteo_epi.norms import StandardPopulation
from osteo_epi.population import DefinitionGrid
from osteo_epi.reference.comparison._lines import criterion_line, limit_notes, t_lines, z_lines
from osteo_epi.reference.comparison._people import (
    CLASSES,
    Target,
    WeightedKappa,
    crossed,
    factors,
    score_differences,
    weighted_kappa,
)
from osteo_epi.reference.comparison._sides import (
    CRITERION,
    Side,
    common_rois,
    definitions,
    read_sides,
)
from osteo_epi.results import Result
from osteo_epi.rounding import count, counted
from osteo_epi.survey import Design

ALL_AGES = "[0, inf)"
SIMULATED = "SIMULATED"
BY_T, BY_Z = "osteoporosis", "below_expected_range"


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Two references compared.

    Made by `compare`; see there. Differences are the second less the first.

    Attributes
    ----------
    first, second
        Names of the references.
    titles
        The same for people.
    rois
        Regions compared.
    cut_offs
        By sex, region and T-score: density under each [g/cm²], difference, limits; of young adults.
    by_age
        By sex, region, age and Z-score (0: the median): the same, of people of the same age.
    prevalence
        By sex: prevalence in the target under each reference, difference and limits. Empty without
        a target, as the following are.
    reclassification
        Class under the first by class under the second: n, share (0 to 1) and limits.
    kappa
        By sex and of all ("all"): `WeightedKappa` with limits by the design; None where all are in
        one class.
    movers
        By sex, age, body mass index and further columns: shares moved into and out of the class.
    scores
        By score, region and sex: bias and limits of agreement of the two scores.
    agreement
        By score and region: the `BlandAltman` of both sexes together.
    definitions
        The two definitions compared in the target.
    grid
        Prevalences as `population.definition_grid` gives them; None without a target.
    findings
        Where a reference contradicts what the target says of its densities.
    bone_class
        The class that is counted.
    confidence
        Level of all limits.
    notes
        What has to be known of it.
    """

    first: str
    second: str
    titles: tuple[str, str] = field(repr=False)
    rois: tuple[str, ...]
    cut_offs: pl.DataFrame
    by_age: pl.DataFrame
    prevalence: pl.DataFrame
    reclassification: pl.DataFrame
    kappa: Mapping[str, WeightedKappa | None]
    movers: pl.DataFrame
    scores: pl.DataFrame
    agreement: Mapping[tuple[str, str], BlandAltman] = field(repr=False)
    definitions: Mapping[str, Definition] = field(repr=False)
    grid: DefinitionGrid | None = field(repr=False)
    findings: Findings = field(repr=False)
    bone_class: str
    confidence: float
    notes: tuple[str, ...] = field(repr=False)

    def to_polars(self) -> pl.DataFrame:
        """The prevalences where there is a target, else the cut-offs, else the lines by age."""
        for frame in (self.prevalence, self.cut_offs):
            if frame.height:
                return frame
        return self.by_age

    def _summary(self) -> str:
        parts = [f"{self.second} against {self.first}", ", ".join(self.rois)]
        if self.grid is not None:
            parts.append(f"{count(self.grid.meta['n_common'])} people classified by both")
        parts += [counted(len(self.findings), "finding")] if self.findings else []
        return "; ".join(parts)


@in_callers_kind
def compare(
    first: Any,
    second: Any,
    target: Any = None,
    *,
    rois: str | Sequence[str] | None = None,
    definition: str | Definition = CRITERION,
    by: Sequence[str] = (),
    bone_class: str | None = None,
    standard: str | StandardPopulation | None = None,
    design: Design | str | None = None,
    prevalence_ages: Any = None,
    age_bands: Sequence[float] | None = None,
    bmi_bands: Sequence[float] | None = None,
    ages: Sequence[float] | None = None,
    confidence: float = 0.95,
    norms_folder: Any = None,
    accept_errors: bool = False,
    **choices: Any,
) -> Comparison:
    """Compare two references: their cut-offs, and what each makes of the same people.

    Parameters
    ----------
    first, second
        Each a norm's name, a `YoungAdultReference`, an `AgeReference`, or what `fit_reference`
        gave. A name of both young adults and people of the same age stands for both.
    target
        Any frame of a population with densities [g/cm²], age [years] and sex, as `definition_grid`
        takes it; None compares the references alone.
    rois
        Regions; by default those of spine, femoral neck and total hip that both have.
    definition
        A criterion's name, or a definition, in which the two references take turns: all its other
        rules (regions, substitutes, fractures, menopause) are the same. A definition keeps its own
        regions, whatever `rois`.
    by
        Further columns by which movers are shown.
    bone_class
        The class that is counted; by default "osteoporosis", or "below_expected_range" where
        only people of the same age are compared.
    standard, design
        Of the prevalence, see `definition_grid`.
    prevalence_ages
        Ages that the prevalence refers to, e.g. (50, inf); by default those of the criterion, and
        all where people of the same age alone are compared.
    age_bands, bmi_bands
        [years], [kg/m²] Edges of the bands of movers; by default 50, 60, 70, 80 and those of the
        World Health Organization, Technical Report Series 894 (2000): 18.5, 25, 30.
    ages
        [years] At which curves by age are compared; every fifth year by default.
    confidence
        Level of all limits.
    norms_folder
        A folder of your own norms.
    accept_errors
        Go on although a reference contradicts the target (another maker's scale), or a cohort
        carries errors; the contradictions are then in `findings`.
    **choices
        Further choices of `diagnosis.definition`, where `definition` is a name.

    Returns
    -------
    Comparison

    Raises
    ------
    NormError
        If there is no norm of a name.
    DefinitionError
        If the references have no kind or region in common, or the definition lacks young adults.
    SchemaError
        If the target lacks columns, or a reference contradicts it.

    Notes
    -----
    Limits of cut-offs: SE = SD √(1/n + T²/(2(n − 1))) of the `n_effective` that a norm states,
    else of its n, as of a simple random sample, which a note says; by the design for a reference
    fitted here. The difference has those of two separate samples: people whom both hold are not
    taken into account, and where all are the same it has none.

    Prevalences, their difference and the classes are those of `definition_grid`: both references
    read the same people, and the limits hold their covariance, not the error of the references.
    Shares moved have Korn and Graubard's interval. Kappa is linearised over the design, or taken
    anew under each replicate weight. Limits of agreement count people alike; a difference of two
    T-scores is a straight line in density, so that the limits show how far it changes over these
    people.

    Examples
    --------
    >>> found = compare("nhanes3_white", "zhang_2007", rois=["femoral_neck"])
    >>> found.cut_offs.filter(pl.col("sex") == "female", pl.col("t") == -2.5)["difference"].round(3)
    shape: (1,)
    Series: 'difference' [f64]
    [
            0.069
    ]
    >>> from osteo_epi.cohort import simulate
    >>> found = compare("nhanes3_white", "zhang_2007", simulate(3_000, seed=1), rois="femoral_neck")
    >>> found.kappa["female"].kappa.estimate < 1
    True
    """
    confidence_level(confidence)
    sides = read_sides(first, second, norms_folder)
    regions = common_rois(sides, rois)
    young = sides[0].young is not None
    chosen = dict[str, Definition]()
    if young or target is not None:
        chosen = definitions(sides, definition, regions, choices)
    lines: dict[str, Any] = {
        "first": sides[0].name,
        "second": sides[1].name,
        "titles": _titles(sides),
        "cut_offs": t_lines(sides, regions, chosen if young else {}, confidence),
        "by_age": z_lines(sides, regions, criterion_line(chosen), ages, confidence),
        "definitions": chosen,
        "bone_class": bone_class or (BY_T if young else BY_Z),
        "confidence": confidence,
    }
    notes = (*_notes(sides, chosen), *limit_notes(sides, lines["cut_offs"], lines["by_age"]))
    if target is None:
        _refuse_nothing(sides, lines)
        return Comparison(rois=regions, notes=notes, **lines, **_nothing())
    options = {"standard": standard, "design": design, "confidence": confidence,
               "accept_errors": accept_errors,
               "ages": prevalence_ages or (None if young else ALL_AGES)}  # fmt: skip
    aimed = Target(target, chosen, lines["bone_class"], options, sides[0].scores)
    shown = factors(target, by, age_bands, bmi_bands)
    parts = _in_people(aimed, regions, shown, confidence, accept_errors=accept_errors)
    grid = parts["grid"]
    return Comparison(
        rois=regions,
        notes=(*notes, *_simulated(target), *grid.notes),
        findings=_findings(target, chosen),
        **lines,
        **parts,
    )


def _titles(sides: tuple[Side, Side]) -> tuple[str, str]:
    one, two = (side.title for side in sides)
    return (one, two) if one != two else (f"{one}, first", f"{two}, second")


def _nothing() -> dict[str, Any]:
    """What there is without a target."""
    frames = ("prevalence", "reclassification", "movers", "scores")
    empty: dict[str, Any] = dict.fromkeys(frames, pl.DataFrame())
    return empty | {
        "kappa": {}, "agreement": {}, "grid": None, "findings": Findings(),
    }  # fmt: skip


def _in_people(
    target: Target, rois: Sequence[str], levels: Mapping[str, pl.Expr], confidence: float, *,
    accept_errors: bool,
) -> dict[str, Any]:  # fmt: skip
    grid = target.grid(["sex"])
    classes = crossed(grid, confidence)
    scores, agreement = score_differences(target, rois, confidence, accept_errors=accept_errors)
    judged = CLASSES if target.bone_class != BY_Z else (BY_Z, "within_expected_range")
    return {
        "prevalence": grid.to_polars(),
        "reclassification": classes,
        "kappa": weighted_kappa(grid, judged),
        "movers": target.movers(levels),
        "scores": scores,
        "agreement": agreement,
        "grid": grid,
    }


def _findings(target: Any, chosen: Mapping[str, Definition]) -> Findings:
    frame = as_polars(target)[0].lazy().collect()
    each = (finding for one in chosen.values() for finding in suitability_findings(frame, one))
    return Findings(tuple(dict.fromkeys(each)))


def _simulated(target: Any) -> Iterator[str]:
    whole = target if isinstance(target, Cohort) else as_polars(target)[0].lazy().collect()
    if is_simulated(whole):
        yield f"the people of the target are {SIMULATED}"


def _refuse_nothing(sides: Sequence[Side], lines: Mapping[str, Any]) -> None:
    """Refuse two references that have neither a cut-off nor an age in common."""
    if not lines["cut_offs"].height and not lines["by_age"].height:
        raise DefinitionError(
            f"{sides[0].name} and {sides[1].name} have no age in common at which curves could be "
            "compared; name ages= that both hold, take references of the same ages, or give a "
            "target of people"
        )


def _notes(sides: tuple[Side, Side], chosen: Mapping[str, Definition]) -> Iterator[str]:
    """What a difference of the two holds beside the people behind them."""
    makers = [side.maker for side in sides]
    if all(makers) and makers[0] != makers[1]:
        yield (
            f"{sides[0].name} is on the scale of {makers[0]} and {sides[1].name} on that of "
            f"{makers[1]}: a difference in g/cm² holds that of the makers as well"
        )
    unstated = [side.name for side, maker in zip(sides, makers, strict=True) if not maker]
    if unstated:
        yield f"maker not known of {', '.join(unstated)}: the scales may differ"
    for side in sides:
        labels = dict.fromkeys(label for part in side.parts for label in part.labels)
        if labels:
            people = f": its people are {SIMULATED}" if "simulation" in labels else ""
            yield f"{side.name} is labelled {', '.join(labels)}{people}"
    rules = {one.sex_rule for one in chosen.values()}
    if rules == {"female"}:
        yield "men are compared with women, as the definition has it"
