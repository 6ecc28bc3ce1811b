"""The choices in a definition of osteoporosis, one by one: to vary, to name, to exchange.

A grid of definitions is a product of choices. A choice that cannot matter is not varied: a
definition that does not read the lumbar spine has no vertebra rule.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from osteo_epi.arguments import is_a, number
from osteo_epi.diagnosis import Definition, definition, find_spine_rule
from osteo_epi.errors import DefinitionError
from osteo_epi.norms import Bands, Criterion, YoungAdultReference

DISEASE = "osteoporosis"
SPINE = "lumbar_spine"
# A criterion with another cut-off is no longer the published one, and says so in its name.
CHANGED = " with T in "
FIELDS = {
    "reference": "reference",
    "age_reference": "age_reference",
    "sex_rule": "sex_rule",
    "regions": "sites",
    "spine_rule": "spine_rule",
    "evidence": "evidence",
    "genant_from": "genant_from",
    "endplate_rule": "endplate_rule",
    "rois_required": "rois_required",
    "substitute": "substitute_rule",
    "hip_side": "hip_side",
    "fracture_open": "fracture_open",
    "menopause_unknown": "menopause_unknown",
    "ctxa_reference": "ctxa_reference",
}
# What a criterion takes along where two differ: its rules for fractures, menopause and regions.
OF_CRITERION = (
    "criterion", "evidence", "genant_from", "endplate_rule", "rois_required", "fracture_open",
    "menopause_unknown",
)  # fmt: skip
AXES = ("criterion", "cut_off", *FIELDS)


def definition_axes(
    base: str = "nchs_bone_2021",
    *,
    sites: Sequence[Any] | None = None,
    reference: Sequence[str | YoungAdultReference] | None = None,
    sex_rule: Sequence[str] | None = None,
    spine_rule: Sequence[str] | None = None,
    cut_off: Sequence[float | None] | None = None,
    **fixed: Any,
) -> tuple[Definition, ...]:
    """Every combination of the choices given, as definitions.

    Parameters
    ----------
    base
        The criterion.
    sites
        What is read, each a site, a region, or a list of them ("femoral_neck",
        ["lumbar_spine", "femoral_neck"]).
    reference
        Young adults behind the T-score, each a norm's name or a `YoungAdultReference`.
    sex_rule
        Some of `own_sex`, `female`.
    spine_rule
        Some of `at_least_two`, `all_four`, `given_total`.
    cut_off
        [SD] T-scores at or below which osteoporosis begins; None for the criterion's own. The
        numbers are yours, and the criterion's name says so.
    **fixed
        What all definitions share: other keywords of `definition`.

    Returns
    -------
    tuple of Definition
        The first of each choice first: it serves as the base of a grid. Combinations that differ
        in nothing that counts stand once.

    Raises
    ------
    DefinitionError
        If a choice is unknown, or a cut-off leaves no room for low bone mass.

    Examples
    --------
    >>> grid = definition_axes(sites=["femoral_neck", "lumbar_spine"],
    ...                        spine_rule=["at_least_two", "all_four"])
    >>> [(d.rois, d.spine_rule.name) for d in grid]
    [(('femoral_neck',), 'at_least_two'), (('lumbar_spine',), 'at_least_two'),
     (('lumbar_spine',), 'all_four')]
    >>> definition_axes(cut_off=[None, -2.0])[1].criterion.t_score["osteoporosis"].upper
    -2.0
    """
    axes = [_options(axis) for axis in (sites, reference, sex_rule, spine_rule, cut_off)]
    distinct: dict[str, Definition] = {}
    for site, young, sexes, spine, cut in itertools.product(*axes):
        chosen = definition(
            base, sites=site, reference=young, sex_rule=sexes, spine_rule=spine, **fixed
        )
        if SPINE not in chosen.rois:
            chosen = replace(chosen, spine_rule=find_spine_rule(chosen.criterion.spine_rule))
        chosen = chosen if cut is None else with_cut_off(chosen, cut)
        distinct.setdefault(chosen.sha256, chosen)
    return tuple(distinct.values())


def _options(axis: Sequence[Any] | None) -> Sequence[Any]:
    if axis is None or isinstance(axis, str):
        return (axis,)
    is_a(axis, "an axis of the grid", Sequence, "a list of choices")
    return axis


def with_cut_off(chosen: Definition, cut: float) -> Definition:
    """The same definition with osteoporosis at and below another T-score [SD].

    Raises
    ------
    DefinitionError
        If the cut-off is not below the upper end of low bone mass.

    Examples
    --------
    >>> from osteo_epi.diagnosis import definition
    >>> with_cut_off(definition("nchs_bone_2021"), -3.0).criterion.id
    'nchs_bone_2021 with T in (-inf, -3]'
    """
    number(cut, "cut_off", unit="SD")
    bands = chosen.criterion.t_score
    at = bands.names.index(DISEASE)
    above = bands.intervals[at + 1]
    if not cut < above.upper:
        raise DefinitionError(
            f"a cut-off of {cut:g} leaves no room for {bands.names[at + 1]}, which ends at "
            f"{above.upper:g}: give T-scores below {above.upper:g}"
        )
    intervals = list(bands.intervals)
    intervals[at] = replace(intervals[at], upper=float(cut))
    intervals[at + 1] = replace(above, lower=float(cut))
    return replace(
        chosen, criterion=_with_bands(chosen.criterion, replace(bands, intervals=tuple(intervals)))
    )


def _with_bands(criterion: Criterion, bands: Bands) -> Criterion:
    if criterion.t_score == bands:
        return criterion
    mark = f"{CHANGED}{bands[DISEASE]}"
    name, title = (text.partition(CHANGED)[0] + mark for text in (criterion.id, criterion.title))
    labels = tuple(dict.fromkeys((*criterion.labels, "cut-off of the user")))
    return replace(criterion, t_score=bands, id=name, title=title, labels=labels, sha256="")


def choices(chosen: Definition) -> dict[str, str]:
    """What a definition chooses on each axis, in a word.

    Examples
    --------
    >>> from osteo_epi.diagnosis import definition
    >>> choices(definition("nchs_bone_2021"))["regions"]
    'lumbar_spine+femoral_neck'
    """
    reference, aged, ctxa = chosen.reference, chosen.age_reference, chosen.ctxa_reference
    return {
        "criterion": chosen.criterion.id.partition(CHANGED)[0],
        "cut_off": f"T in {chosen.criterion.t_score[DISEASE]}",
        "reference": reference.id,
        "age_reference": "no age reference" if aged is None else aged.id,
        "sex_rule": {"own_sex": "own sex", "female": "female for both"}[chosen.sex_rule],
        "regions": "+".join(chosen.rois),
        "spine_rule": chosen.spine_rule.name if SPINE in chosen.rois else "",
        "evidence": "+".join(chosen.evidence),
        "genant_from": f"Genant from {chosen.genant_from}",
        "endplate_rule": f"end-plates {chosen.endplate_rule}",
        "rois_required": f"regions required {chosen.rois_required}",
        "substitute": f"radius {chosen.substitute_rule}",
        "hip_side": f"hip side {chosen.hip_side}",
        "fracture_open": f"open fractures {chosen.fracture_open}",
        "menopause_unknown": f"menopause unknown {chosen.menopause_unknown}",
        "ctxa_reference": "" if ctxa is None else f"CTXA reference {ctxa.id}",
    }


def short_names(definitions: Iterable[Definition]) -> list[str]:
    """Name definitions by what tells them apart, and by nothing else.

    Raises
    ------
    DefinitionError
        If two of them are the same.
    """
    listed = list(definitions)
    digests = [chosen.sha256 for chosen in listed]
    if len(set(digests)) < len(digests):
        at = next(i for i, digest in enumerate(digests) if digest in digests[:i])
        raise DefinitionError(
            f"definitions {digests.index(digests[at]) + 1} and {at + 1} are the same: "
            f"{listed[at].label}; give each once"
        )
    rows = [choices(chosen) for chosen in listed]
    varying = [axis for axis in AXES if len({row[axis] for row in rows} - {""}) > 1]
    varying = varying or ["criterion"]
    names = ["; ".join(row[axis] for axis in varying if row[axis]) for row in rows]
    # Two references of one name (own young adults of two cohorts) differ in their numbers only.
    twice = {name for name in names if names.count(name) > 1}
    return [f"{n} [{d[:6]}]" if n in twice else n for n, d in zip(names, digests, strict=True)]


def differing(
    first: Definition, second: Definition, *, together: Iterable[Sequence[str]] = ()
) -> list[tuple[str, ...]]:
    """Axes on which two definitions differ, each alone or with those that only make sense with it.

    A criterion takes its rules for fractures, menopause and regions along; a vertebra rule goes
    with the regions where only one of the two reads the spine.

    Examples
    --------
    >>> from osteo_epi.diagnosis import definition
    >>> differing(definition("nchs_bone_2021"),
    ...           definition("nchs_bone_2021", sites=["femoral_neck"], sex_rule="own_sex"))
    [('sex_rule',), ('regions',)]
    """
    bound = _bound(together)
    if SPINE not in first.rois or SPINE not in second.rois:
        bound.append(("regions", "spine_rule"))
    if _differs(first, second, "criterion"):
        bound.append(OF_CRITERION)
    groups: list[set[str]] = [{axis} for axis in AXES if _differs(first, second, axis)]
    for pack in bound:
        joined = [group for group in groups if group & set(pack)]
        groups = [group for group in groups if group not in joined]
        groups += [set().union(*joined)] if joined else []
    ordered = [tuple(axis for axis in AXES if axis in group) for group in groups]
    return sorted(ordered, key=lambda group: AXES.index(group[0]))


def _bound(together: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    packs = [tuple(pack) for pack in together]
    unknown = sorted({axis for pack in packs for axis in pack} - set(AXES))
    if unknown:
        raise DefinitionError(f"unknown axis {', '.join(unknown)}; there are {', '.join(AXES)}")
    return list(packs)


def _differs(first: Definition, second: Definition, axis: str) -> bool:
    if axis == "criterion":
        names = [d.criterion.id.partition(CHANGED)[0] for d in (first, second)]
        return names[0] != names[1]
    if axis == "cut_off":
        return first.criterion.t_score != second.criterion.t_score
    if axis == "spine_rule" and SPINE not in first.rois and SPINE not in second.rois:
        return False
    return bool(getattr(first, FIELDS[axis]) != getattr(second, FIELDS[axis]))


def taking(onto: Definition, other: Definition, axes: Iterable[str]) -> Definition:
    """One definition with the choices of another on some axes."""
    for axis in axes:
        if axis == "criterion":
            kept = _with_bands(other.criterion, onto.criterion.t_score)
            onto = replace(onto, criterion=kept)
        elif axis == "cut_off":
            onto = replace(onto, criterion=_with_bands(onto.criterion, other.criterion.t_score))
        else:
            onto = replace(onto, **{FIELDS[axis]: getattr(other, FIELDS[axis])})
    return onto


def named(definitions: Any) -> Mapping[str, Definition]:
    """Definitions by name: those given, or what tells them apart."""
    by_name = isinstance(definitions, Mapping)
    if isinstance(definitions, Definition):
        definitions = [definitions]
    is_a(definitions, "definitions", Iterable, "a list of Definitions, or a mapping of names")
    listed = list(definitions.values() if by_name else definitions)
    for chosen in listed:
        is_a(chosen, "one of definitions", Definition, "what osteo_epi.definition(…) gives")
    if not listed:
        raise DefinitionError("no definition is given; expected one at least")
    if by_name:
        return dict(definitions)
    return dict(zip(short_names(listed), listed, strict=True))
