"""What a reader has to know of those who were known without a density, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from osteo_epi.errors import DesignError
from osteo_epi.population._query import BELOW, BY_Z, MEASURED, Query
from osteo_epi.population._shares import BROKEN, NO_T_SCORE, Outcomes, Sample, Shares, Slice
from osteo_epi.population.cells import Cells
from osteo_epi.population.status._person import ESTABLISHED, EXCLUDE, NO_RECORD
from osteo_epi.rounding import percent

ONLY_BELOW = (
    "the classes osteoporosis and low bone mass cannot occur, and what is estimated is the share "
    "of densities below the expected range for age (Z-score)"
)
ASK_BELOW = (
    "the classes osteoporosis and low bone mass cannot occur; what can be estimated is the class "
    "below_expected_range (Z-score)"
)
FORMULA = "p = f + (1 - f) q"


def status_notes(sample: Sample) -> Iterator[str]:
    """Who counts without a density, who by an assumption, and what the assumption is worth.

    Parameters
    ----------
    sample
        People under one definition.
    """
    cells, query = sample.cells, sample.query
    yield from _by_score(cells, query)
    outcomes = Outcomes.of(cells, [(0, BROKEN)], query.incomplete)
    yield from _by_fracture(cells, query, outcomes)
    yield from _open_records(sample, outcomes)


def comparison_notes(
    cells: Cells, bone_class: str, own: Outcomes, names: Sequence[str]
) -> Iterator[str]:
    """Who counts without a density where definitions are compared.

    Parameters
    ----------
    cells
        People under every definition.
    bone_class
        The class that is counted.
    own
        The share of each definition on its own people.
    names
        What the definitions are called.
    """
    if cells.by_z_alone and MEASURED.index(bone_class) not in BY_Z:
        yield f"{NO_T_SCORE}: {ASK_BELOW}"
        return
    spared = cells.known(bone_class) & ~cells.measured
    n = cells.count(np.logical_or.reduce(spared, axis=1))
    if n:
        yield (
            f"{n:,} without a class are judged by the Z-score, which makes no "
            f"{bone_class.replace('_', ' ')}, and count as without it"
        )
    apart = [name for name, part in zip(names, own.fractures, strict=True) if part is not None]
    if apart:
        yield (
            f"on their own people {', '.join(apart)} estimate fragility fractures and densities "
            f"apart, {FORMULA}; the people of all definitions are those measured at complete "
            "sites, and an established fracture of anybody else is not among them"
        )


def _by_score(cells: Cells, query: Query) -> Iterator[str]:
    spared = [name for name in query.classes if name not in cells.rules[0].z_classes]
    n = cells.count(cells.z_only[:, 0])
    if cells.by_z_alone and BELOW in query.classes:
        yield f"{NO_T_SCORE}: {ONLY_BELOW}"
    elif cells.by_z_alone:
        yield f"{NO_T_SCORE}: {ASK_BELOW}"
    elif n and spared:
        named = " or ".join(name.replace("_", " ") for name in spared)
        yield (
            f"{n:,} without a class are judged by the Z-score (women before menopause, younger "
            f"men): no Z-score makes {named}, and they count as without it"
        )
    if cells.by_age:
        yield (
            "women whose menopause is not stated, taken as postmenopausal by their age alone: "
            f"{cells.by_age:,}; menopause_unknown='unknown' (--menopause-unknown unknown) leaves "
            "them unclassified"
        )


def _by_fracture(cells: Cells, query: Query, outcomes: Outcomes) -> Iterator[str]:
    broken = cells.fracture(ESTABLISHED)[:, 0]
    unmeasured = cells.count(broken & ~cells.measured[:, 0])
    (part,) = outcomes.fractures
    if part is None:
        if unmeasured and query.incomplete == EXCLUDE:
            yield (
                "people with an established fragility fracture and without complete sites: "
                f"{unmeasured:,}, left out as incomplete={EXCLUDE!r} (--incomplete {EXCLUDE}) says"
            )
        return
    yield (
        f"fragility fractures and densities are estimated apart, {FORMULA}: f is the share with "
        f"an established fracture among {cells.count(part.known):,} of whom that is known "
        f"({cells.count(broken):,} have one, {unmeasured:,} of them without complete sites), q "
        f"the share by density among {cells.count(outcomes.measured[:, 0]):,} without one"
    )
    assumed = cells.count(cells.fracture(NO_RECORD)[:, 0])
    if assumed:
        yield (
            f"{assumed:,} of whom nothing is recorded about fractures count as without one: they "
            "were classified on complete sites"
        )


def _open_records(sample: Sample, outcomes: Outcomes) -> Iterator[str]:
    """How many records are open, and the figure if each were an established fracture."""
    cells, query = sample.cells, sample.query
    n = cells.count(cells.opened[:, 0])
    if not n:
        return
    taken = cells.rules[0].definition.fracture_open
    option = "fracture_open= (--fracture-open)"
    begin = (
        f"{n:,} fracture records are open (trauma, imaging or secondary causes not all stated) "
        f"and taken as {taken.replace('_', ' ')}"
    )
    if taken == "established":
        yield f"{begin}; choose with {option}"
        return
    other = Outcomes.of(cells, [(0, BROKEN)], query.incomplete, opened=True)
    both = Outcomes.joined([outcomes, other])
    figures = list(filter(None, (_figures(cells, cut, both) for cut in sample.whole())))
    yield "; ".join([begin, *figures, f"choose with {option}"])


def _figures(cells: Cells, cut: Slice, outcomes: Outcomes) -> str:
    """The prevalence as chosen, and with every open record taken as established."""
    try:
        chosen, established = Shares.of(cells, cut, outcomes).value
    except DesignError:  # a band that holds nobody without a fracture
        return ""
    if not chosen <= 1 or not established <= 1:
        return ""
    as_chosen, if_all = (percent(share, decimals=1) for share in (chosen, established))
    kind = cut.statistic.replace("_", "-")
    return f"{kind} {BROKEN} {as_chosen} %, and {if_all} % if all were established"
