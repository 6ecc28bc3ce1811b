"""The prevalence of one population under several definitions: how much is only definition?

Reviews of osteoporosis prevalence find nearly all spread between studies unexplained. Much of it
is definition: sites, reference, sex rule, vertebra rule, cut-off. A grid keeps the people and
changes nothing but those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import polars as pl

from osteo_epi.diagnosis import Definition
from osteo_epi.errors import DefinitionError, DesignError
from osteo_epi.norms.populations import StandardPopulation
from osteo_epi.population.age_bands import Ages
from osteo_epi.population.design import SurveyDesign
from osteo_epi.population.grid_axes import named
from osteo_epi.population.grid_moves import MOVES, TRANSITIONS, moves, transitions
from osteo_epi.population.grid_people import Asked, People
from osteo_epi.population.grid_result import COMMON, DIFFERENCES, OWN, DefinitionGrid, table
from osteo_epi.population.grid_sample import WALD, Shares
from osteo_epi.population.intervals import METHODS
from osteo_epi.population.prevalence import MEASURED, prevalence


def definition_grid(
    people: Any,
    definitions: Sequence[Definition] | Mapping[str, Definition],
    *,
    base: str | None = None,
    bone_class: str = "osteoporosis",
    by: str | Sequence[str] = (),
    standard: str | StandardPopulation | None = None,
    design: SurveyDesign | None = None,
    ages: Ages | None = None,
    age_bands: Sequence[float] | None = None,
    domain: str | pl.Expr | None = None,
    interval: str = "beta",
    confidence: float = 0.95,
) -> DefinitionGrid:
    """Prevalence of one population under each of several definitions, compared with a base.

    Parameters
    ----------
    people
        Any frame of everybody sampled, with the measurements that the definitions read. They are
        classified anew by each; a `bone_class` that is there already is not used.
    definitions
        The definitions, or a mapping from your names to them; see `definition_axes`. Without
        names, each is called by what tells it from the others.
    base
        Name of the definition to compare with; the first by default.
    bone_class
        The class that is counted.
    by
        Columns to break down by; each gets a row a level and one for `all`.
    standard
        Standard population (or its identifier) for the age-standardised rows.
    design
        Survey design; simple random sampling without one.
    ages
        Ages the prevalence refers to; by default those of the base's criterion, for all.
    age_bands
        Edges of the age bands [years].
    domain
        Boolean column or expression: the population that the rates are about.
    interval
        Kind of the prevalences' limits, see `prevalence`.
    confidence
        Level of all limits.

    Returns
    -------
    DefinitionGrid
        Every prevalence twice: in the set `common`, the people whom all definitions classify, and
        in the set `own`, those whom that one definition classifies. Differences from the base,
        moves into and out of the class, the full transition table and kappa.

    Raises
    ------
    DefinitionError
        If a definition is given twice, `base` is none of them, or nobody is classifiable under
        all.
    SchemaError, DesignError, NormError
        As `prevalence`.

    Notes
    -----
    A difference is between two classifications of the same people, so its standard error holds
    their covariance: on the common set the linearised value of the difference of two indicators,
    on the own sets that of the difference of two domain means. On the common set only the rule
    differs; on the own sets also who could be measured for it.

    Equals `svycontrast` on `svymean(~y1 + y2)` (common) and on `svytotal` of numerators and
    denominators (own) of R survey 4.1.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "age": [61.0, 72.0, 55.0, 68.0, 81.0], "sex": ["female"] * 5,
    ...     "abmd_femoral_neck": [0.50, 0.70, 0.80, 0.54, 0.55],
    ...     "abmd_lumbar_spine": [0.70, 0.70, 0.90, 0.95, None],
    ... })
    >>> from osteo_epi.population.grid_axes import definition_axes
    >>> grid = definition_grid(people, definition_axes(sites=["femoral_neck", "lumbar_spine"]),
    ...                        age_bands=(50, 90))
    >>> rows = grid.to_frame().filter(pl.col("statistic") == "crude")
    >>> rows.select("definition", "set", "estimate", "n", "difference").rows()
    [('femoral_neck', 'common', 0.5, 4, 0.0), ('femoral_neck', 'own', 0.6, 5, 0.0),
     ('lumbar_spine', 'common', 0.5, 4, 0.0),
     ('lumbar_spine', 'own', 0.5, 4, -0.0999...)]
    """
    chosen = named(definitions)
    names = list(chosen)
    start = _base(base, names)
    _refuse(bone_class, interval, confidence)
    asked = Asked.of(by, standard, design, ages, age_bands, domain)
    edges = asked.edges(chosen[start])
    classified = People.of(people, chosen.values(), asked, edges)
    classified.check(names)
    how = asked.how() | {"age_bands": edges, "interval": interval, "confidence": confidence}
    at = names.index(start)
    shown = list(_prevalences(classified, chosen, bone_class, how))
    pairs = [(name, j) for j, name in enumerate(names) if j != at]
    grid: dict[str, Any] = {"people": classified, "base": at}
    limits: dict[str, Any] = {"bone_class": bone_class, "confidence": confidence}
    return DefinitionGrid(
        prevalence=pl.concat(shown),
        differences=table(_differences(names=names, **grid, **limits), asked.by, DIFFERENCES),
        reclassification=table(_moves(pairs, interval=interval, **grid, **limits), asked.by, MOVES),
        transitions=table(_transitions(pairs, **grid), asked.by, TRANSITIONS),
        definitions=chosen,
        base=start,
        bone_class=bone_class,
        design=str(asked.design),
        standard=None if asked.standard is None else f"{asked.standard.id}: {asked.standard.title}",
        by=asked.by,
        meta=_meta(people, chosen, classified, edges),
    )


def _base(base: str | None, names: list[str]) -> str:
    if base is not None and base not in names:
        raise DefinitionError(f"base {base!r} is no definition of the grid: {', '.join(names)}")
    return names[0] if base is None else base


def _refuse(bone_class: str, interval: str, confidence: float) -> None:
    if bone_class not in MEASURED:
        raise DesignError(f"bone_class must be one of {', '.join(MEASURED)}, not {bone_class!r}")
    if interval not in METHODS:
        raise DesignError(f"unknown interval {interval!r}: choose one of {', '.join(METHODS)}")
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")


def _prevalences(
    people: People, chosen: Mapping[str, Definition], bone_class: str, how: dict[str, Any]
) -> Iterator[pl.DataFrame]:
    common = people.common
    for j, (name, definition) in enumerate(chosen.items()):
        for which, among in ((COMMON, common), (OWN, None)):
            classified = people.classified(j, among=among)
            found = prevalence(classified, definition, classes=[bone_class], **how).to_frame()
            first = [pl.lit(name).alias("definition"), pl.lit(which).alias("set")]
            yield found.select(*first, pl.exclude("definition"))


def _differences(
    *,
    people: People,
    names: list[str],
    base: int,
    bone_class: str,
    confidence: float,
) -> Iterator[dict[str, Any]]:
    """Each prevalence less the base's, in every group and statistic and on both sets."""
    held, sample = people.holds(bone_class), people.sample
    together = people.measured & people.common[:, None]
    for cut in sample.slices():
        for which, measured in ((COMMON, together), (OWN, people.measured)):
            shares = Shares.of(cut, held, measured, sample.design)
            for j, name in enumerate(names):
                found = shares.combine([(j, 1.0), (base, -1.0)])
                row = {"definition": name, "base": names[base], "set": which, **cut.keys}
                extra = {"n": found.n, "df": found.df, "confidence": confidence, "method": WALD}
                yield row | found.limits(confidence) | extra


def _moves(
    pairs: list[tuple[str, int]],
    *,
    people: People,
    base: int,
    interval: str,
    **asked: Any,
) -> Iterator[dict[str, Any]]:
    for name, j in pairs:
        for group in people.sample.groups():
            mask = people.sample.mask(group) & people.common
            if mask.any():
                found = moves(people, mask, base=base, other=j, interval=interval, **asked)
                yield {"definition": name, **group, **found}


def _transitions(
    pairs: list[tuple[str, int]], *, people: People, base: int
) -> Iterator[dict[str, Any]]:
    for name, j in pairs:
        for group in people.sample.groups():
            mask = people.sample.mask(group) & people.common
            if mask.any():
                for row in transitions(people, mask, base=base, other=j):
                    yield {"definition": name, **group, **row}


def _meta(
    people: Any, chosen: Mapping[str, Definition], classified: People, edges: tuple[float, ...]
) -> dict[str, Any]:
    source = getattr(people, "source", None)
    inside = classified.sample.inside
    own = (classified.measured & inside[:, None]).sum(axis=0)
    return {
        "version": version("osteo-epi"),
        "definition_sha256": {name: definition.sha256 for name, definition in chosen.items()},
        "data_sha256": getattr(source, "sha256", None),
        "label": getattr(source, "label", ""),
        "ages": (edges[0], edges[-1]),
        "n_domain": int(inside.sum()),
        "n_common": int((inside & classified.common).sum()),
        "n_own": dict(zip(chosen, own.tolist(), strict=True)),
        "notes": tuple(_notes(chosen, classified)),
    }


def _notes(chosen: Mapping[str, Definition], people: People) -> Iterator[str]:
    """Say who is lost: a definition that classifies none of a group takes it off the common set."""
    sample = people.sample
    n = int((sample.inside & people.common).sum())
    yield f"{n:,} of {int(sample.inside.sum()):,} people are classifiable under all definitions"
    lost = [(j, {"sex": sex}) for j, sex in people.losses()]
    lost += [
        (j, group)
        for j in range(len(chosen))
        for group in sample.groups()
        if not people.measured[sample.mask(group), j].any()
    ]
    for told in dict.fromkeys((j, _told(group)) for j, group in lost):
        yield f"{list(chosen)[told[0]]} classifies nobody of {told[1]}: the common set holds none"
    differing = {str(d.criterion.prevalence_ages) for d in chosen.values()}
    if len(differing) > 1:
        yield f"the criteria are for different ages ({', '.join(sorted(differing))}); one is used"


def _told(group: Mapping[str, str]) -> str:
    return ", ".join(f"{column} {level}" for column, level in group.items()) or "all"
