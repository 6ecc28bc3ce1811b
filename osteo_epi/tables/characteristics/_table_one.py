"""Table 1: the people of a study by group, as journals print it.

Counts are unweighted; percentages, means and quartiles are weighted where the people hold weights,
with what the design says of their errors; missing values have a line of their own. Rounding happens
in the layout, once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import polars as pl

from osteo_epi.arguments import as_typed, is_among, true_or_false
from osteo_epi.cohort import (
    RecognisedDesign,
    codebook,
    recognised_design,
    refuse_errors,
    refuse_foreign,
    says_simulated,
)
from osteo_epi.diagnosis import explain, reason_words
from osteo_epi.errors import DesignError, SchemaError, did_you_mean
from osteo_epi.frames import as_polars, of_queries, refuse_other_rows
from osteo_epi.language import design_words, said
from osteo_epi.survey import DesignArrays, SurveyDesign, mask_of, rows_in
from osteo_epi.tables._journal import JournalTable, mark_of
from osteo_epi.tables.characteristics._comparison import p_of, smd_of
from osteo_epi.tables.characteristics._labels import BY_RULE
from osteo_epi.tables.characteristics._layout import characteristics_table
from osteo_epi.tables.characteristics._statistics import (
    COUNT,
    MEAN_SD,
    NUMBERS,
    SMD,
    UNWEIGHTED,
    VALUES,
    WEIGHTED,
    Group,
    Mask,
    People,
    Row,
    Variable,
    Weighting,
    described,
    people_of,
    variable_of,
)

DESCRIBED = (
    *("age", "sex", "race_ethnicity", "height", "weight", "bmi", "postmenopausal"),
    *("abmd_lumbar_spine", "abmd_femoral_neck", "abmd_total_hip", "abmd_radius_33"),
    *("abmd_femoral_neck_ctxa", "abmd_total_hip_ctxa", "vbmd_lumbar_spine"),
    *("t_score_min", "z_score_min", "fragility_fracture", "bone_class"),
)
"""What is described where nothing is named: those of these columns that hold a value."""
BOTH = "both"
BY_NAME = "survey design recognised"
"""How the note on a recognised design begins."""
Statistics = str | Sequence[str]


@of_queries
def table_one(
    people: Any,
    *,
    variables: Sequence[str] | Mapping[str, str] | None = None,
    by: str | None = None,
    statistics: Statistics | Mapping[str, Statistics] = MEAN_SD,
    weighting: Literal["weighted", "unweighted", "both"] | None = None,
    p: bool = False,
    smd: bool = False,
    overall: bool = True,
    design: SurveyDesign | str | None = None,
    domain: Any = None,
    decimals: Mapping[str, int] | None = None,
    title: str | None = None,
    accept_errors: bool = False,
) -> JournalTable:
    """Table 1: who was studied.

    Parameters
    ----------
    people
        Any frame with everybody who was sampled: a domain is a mask, never a filter.
    variables
        Columns to describe, or column to label; by default those of age, sex, body, densities and
        class that hold a value. Labels are the codebook's in the language spoken. Text, Enum and
        Boolean columns are counted by their levels. Where people are classified, a density is the
        one that was classified (`abmd_lumbar_spine_by_rule`), not the file's own total.
    by
        Column whose levels are set side by side, after a column for all; not a number of many
        values, such as an age.
    statistics
        Of numbers: "mean_sd", "median_iqr", "mean_se", or several; or variable to these, "mean_sd"
        for the others.
    weighting
        "weighted" or "unweighted" percentages and means, or "both" side by side; by default
        weighted where there is a design.
    p
        Whether the groups are tested for a difference, by the sampling design: means by a Wald
        test, numbers whose first statistic is the median by ranks, levels by the Rao-Scott test.
        Of unweighted numbers alone as of a simple random sample. None where a group's numbers are
        of one person or one sampling unit.
    smd
        Whether the absolute standardised mean difference of the groups stands there; of more than
        two groups the mean over all pairs.
    overall
        Whether there is a column for all beside the groups.
    design
        Survey design; by default that of the columns survey_weight, stratum and psu where they
        hold values, else every person counts alike. "srs" for that whatever the columns.
    domain
        The people that the table is about: a column or expression that is true or false of each,
        or the answers themselves.
    decimals
        Decimals of a number's mean and SD; three for areal BMD, two for a score, one otherwise.
    title
        What stands above the table.
    accept_errors
        Describe the people although the cohort carries errors, see `cohort.refuse_errors`.

    Returns
    -------
    JournalTable
        For each group n (%) of each level, and mean ± SD or median (quartiles) of each number.
        Percentages are of the people measured; those missing have a line of their own. `values`
        has a row for each number printed.

    Raises
    ------
    SchemaError
        If a column is absent or of a kind that has neither a mean nor levels, groups are to be
        compared and there are none or more than can be read side by side, a statistic is unknown,
        or a cohort carries errors that nobody accepted.
    DesignError
        If the people hold half a survey design, or the design is one of replicate weights.

    Notes
    -----
    The median and the quartiles are the middle of two values where they fall between two people.
    Variables of women only, as postmenopausal, count no man as missing.

    Examples
    --------
    >>> people = pl.DataFrame({"age": [52.0, 61.0, None], "sex": ["female", "male", "female"]})
    >>> for row in table_one(people).to_text().rows():
    ...     print(row)
    ('Age [years], mean ± SD', '56.5 ± 6.4')
    ('Missing', '1')
    ('Sex, n (%)', '')
    ('Women', '2 (66.7)')
    ('Men', '1 (33.3)')
    """
    true_or_false(p=p, smd=smd, overall=overall, accept_errors=accept_errors)
    _refuse_weighting(weighting)
    frame, _ = as_polars(refuse_errors(people, accept_errors=accept_errors))
    table: pl.DataFrame = frame.lazy().collect()
    labels = _labels(table, variables, by)
    if not accept_errors:
        refuse_foreign(people, _quantities(labels))
    asked = {name: _asked(name, statistics) for name in labels}
    _refuse(table, [*labels, *([by] if by else [])], asked)
    if (p or smd) and by is None:
        raise SchemaError('p and SMD compare groups: name their column with by="…"')
    chosen = recognised_design(table, design)
    designs = _designs(table, chosen, weighting)
    inside = rows_in(next(iter(designs.values())), _mask(people, table, domain))
    held = people_of(inside, table[by] if by else None)
    weightings = {
        name: Weighting(design.weight[held.place], design) for name, design in designs.items()
    }
    shown = [*([held.everybody] if overall or by is None else []), *held.groups]
    rows = _counted(shown)
    for name, of_number in asked.items():
        variable = variable_of(table, name, held)
        rows += described(variable, held, shown, weightings, of_number)
        rows += _compared(variable, held, weightings, of_number, p=p, smd=smd)
    return characteristics_table(
        pl.DataFrame(rows, schema=VALUES, orient="row"),
        title=title,
        labels={name: label for name, label in labels.items() if label},
        decimals=decimals,
        notes=_notes(people, labels, chosen, designs, held.n_ungrouped if by else 0),
    )


def _quantities(names: Iterable[str]) -> list[str]:
    """Those with a unit in their labels; groups may be called as they like."""
    known = codebook().variables
    return [name for name in names if name in known and known[name].kind == "quantity"]


def _labels(
    table: pl.DataFrame, variables: Sequence[str] | Mapping[str, str] | None, by: str | None
) -> dict[str, str]:
    """The columns to describe with the label given, "" for the codebook's."""
    if variables is None:
        held = [name for name in DESCRIBED if name != by and _holds(table, name)]
        if not held:
            raise SchemaError(f"none of {', '.join(DESCRIBED)} holds a value; name variables=[…]")
        variables = held
    given = variables if isinstance(variables, Mapping) else dict.fromkeys(variables, "")
    return {as_classified(name, table.columns): label for name, label in given.items()}


def _holds(table: pl.DataFrame, name: str) -> bool:
    name = as_classified(name, table.columns)
    return name in table.columns and table[name].count() > 0


def as_classified(name: str, columns: Sequence[str]) -> str:
    """The density that the classes rest on, where people are classified."""
    return f"{name}{BY_RULE}" if f"{name}{BY_RULE}" in columns else name


def _asked(name: str, statistics: Statistics | Mapping[str, Statistics]) -> tuple[str, ...]:
    """The statistics of a number."""
    if isinstance(statistics, Mapping):
        plain = name.removesuffix(BY_RULE)
        statistics = statistics.get(name, statistics.get(plain, MEAN_SD))
    return (statistics,) if isinstance(statistics, str) else tuple(statistics)


def _refuse(
    table: pl.DataFrame, names: Sequence[str], asked: Mapping[str, tuple[str, ...]]
) -> None:
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise SchemaError(f"columns {absent} are not in the frame; it has {table.columns}")
    nested = [name for name in names if table.schema[name].is_nested()]
    if nested:
        raise SchemaError(f"columns {nested} hold lists or structs: neither a mean nor levels")
    for statistic in dict.fromkeys(one for several in asked.values() for one in several):
        if statistic not in NUMBERS:
            raise SchemaError(
                f"unknown statistic {statistic!r}{did_you_mean(statistic, NUMBERS)}; there are "
                f"{', '.join(NUMBERS)}"
            )


def _refuse_weighting(weighting: Any) -> None:
    kinds = (WEIGHTED, UNWEIGHTED, BOTH)
    if weighting is not None and not is_among(weighting, kinds):
        told = as_typed(weighting)
        raise SchemaError(f"weighting must be one of {', '.join(kinds)}, not {told}")


def _designs(
    table: pl.DataFrame, chosen: RecognisedDesign, weighting: str | None
) -> dict[str, DesignArrays]:
    """The designs in the order of the columns; tests and SMD are by the first."""
    if not isinstance(chosen.design, SurveyDesign):
        raise DesignError("Table 1 takes a SurveyDesign; replicate weights have none of its sums")
    arrays = chosen.design.arrays(table)
    if chosen.design.is_simple:
        return {UNWEIGHTED: arrays}
    # Who carries no weight is not of the sample, whatever is counted.
    alike = table.select(in_sample=pl.Series((arrays.weight > 0).astype(float)))
    plain = SurveyDesign(weight="in_sample").arrays(alike)
    both = {WEIGHTED: arrays, UNWEIGHTED: plain}
    return both if weighting == BOTH else {(name := weighting or WEIGHTED): both[name]}


def _mask(people: Any, table: pl.DataFrame, domain: Any) -> Mask | None:
    if domain is None:
        return None
    refuse_other_rows({"people": people, "domain": domain})
    if isinstance(domain, str):
        _refuse(table, [domain], {})
    answers = table.select(domain).to_series() if isinstance(domain, str | pl.Expr) else domain
    return mask_of(answers, table.height)


def _counted(groups: Sequence[Group]) -> list[Row]:
    sizes = {group.name: group.people.stop - group.people.start for group in groups}
    return [{"group": name, "statistic": COUNT, "n": n} for name, n in sizes.items()]


def _compared(
    variable: Variable,
    people: People,
    weightings: Mapping[str, Weighting],
    statistics: Sequence[str],
    *,
    p: bool,
    smd: bool,
) -> Iterator[Row]:
    first = next(iter(weightings.values()))
    if p:
        test, value = p_of(variable, people, first.design, statistics)
        yield {"variable": variable.name, "statistic": test, "estimate": value}
    if smd:
        gap = smd_of(variable, people, first.weight)
        yield {"variable": variable.name, "statistic": SMD, "estimate": gap}


def _notes(
    people: Any,
    labels: Mapping[str, str],
    chosen: RecognisedDesign,
    designs: Mapping[str, DesignArrays],
    n_ungrouped: int,
) -> list[str]:
    notes = [*mark_of(is_simulated=says_simulated(people))]
    if any(name.endswith(BY_RULE) for name in labels):
        notes.append(said("Densities are those that were classified."))
    if n_ungrouped:
        notes.append(said("{n} people of no known group are counted under all.", n=n_ungrouped))
    if any(name.startswith("frax_") for name in labels):
        notes.append(said("{sentence}.", sentence=reason_words(explain("frax_limited_in_china"))))
    if WEIGHTED in designs:
        names = getattr(getattr(people, "source", None), "design", None)
        words = design_words(str(chosen.design), names=names)
        notes.append(said("Survey design: {design}.", design=words))
    # That the columns were known by their names is for the author, not for the table's readers.
    return notes + [f"{note}." for note in chosen.notes if not note.startswith(BY_NAME)]
