"""The survey design: which columns carry weights, strata, sampling units and population sizes.

With what a design may hide: faults that stop an estimate, and signs that it says what it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Protocol, cast

import numpy as np
import polars as pl

from osteo_epi import arguments
from osteo_epi.engines import totals
from osteo_epi.errors import DesignError
from osteo_epi.findings import Finding, Findings, Severity
from osteo_epi.frames import (
    Frame,
    P,
    R,
    as_polars,
    in_callers_kind,
    in_place_of,
    is_frame,
    refuse_other_rows,
    refuse_words,
)
from osteo_epi.html import html_table
from osteo_epi.survey._arrays import (
    LONELY,
    Array,
    Codes,
    DesignArrays,
    Stage,
    levels,
    mask_of,
    refuse_names_alone,
)


class _Declared(Protocol):
    """Any design, of units or of replicate weights, as far as its faults go."""

    @property
    def weight(self) -> str | None:
        """The column of weights."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the design names."""

    def checked(self, frame: Frame) -> tuple[Array, tuple[Stage, ...]]:
        """Weights (n,) and stages of a frame."""


DESCRIBING = 2.0
"""Mean weight at which weights count people of a population.

Weights divided by their mean have one of 1, and of 1.02 or 0.98 after calibration or where some
people are left out. Below 2 the sample would be more than half of the population that it stands
for, as no survey of adults is; with a finite population correction the size is stated, and nothing
is judged by the weights.
"""


LARGEST_WEIGHT = 1e100
"""Above it squares of weights have no exact sums; the Earth has 1e10 people."""


@dataclass(frozen=True)
class WeightSpan:
    """What has to be known of weights before their sums can be made in any order.

    Parameters
    ----------
    largest
        The largest weight.
    n
        Rows.
    whole
        Whether every weight is a whole number.
    """

    largest: float = 1.0
    n: int = 0
    whole: bool = True


def refuse_faults(design: _Declared, frame: Frame) -> WeightSpan:
    """Raise DesignError for absent columns, missing values and impossible weights, with counts.

    Returns the span of the weights, which the same pass over the data gives.
    """
    schema = frame.collect_schema()
    absent = [c for c in design.columns if c not in schema]
    if absent:
        raise DesignError(
            f"the design names column(s) {', '.join(absent)}, which the data do not have; "
            "name the right ones with weight=, stratum= and psu=, or leave them out "
            f"({arguments.columns_near(absent[0], schema.names())})"
        )
    if design.weight is not None and not schema[design.weight].is_numeric():
        raise DesignError(
            f"weights {design.weight} are {schema[design.weight]}; expected numbers: convert them"
        )
    if not design.columns:
        return WeightSpan()
    counts = _counts(design, frame)
    _refuse_counts(design, counts)
    if design.weight is None:
        return WeightSpan()
    return WeightSpan(counts["largest"], counts["rows"], not counts["fractions"])


def _counts(design: _Declared, frame: Frame) -> dict[str, Any]:
    """One pass over the data."""
    schema = frame.collect_schema()
    counts, largest = {}, []
    for column in design.columns:
        gaps = pl.col(column).is_null()
        counts[f"gaps {column}"] = (
            gaps | pl.col(column).is_nan() if schema[column].is_float() else gaps
        ).sum()
    if design.weight is not None:
        weight = pl.col(design.weight).cast(pl.Float64)
        counts["negative"] = (weight < 0).sum()
        counts["infinite"] = weight.is_infinite().sum()
        counts["positive"] = (weight > 0).sum()
        counts["rows"] = pl.len()
        counts["fractions"] = (weight != weight.floor()).sum()
        largest.append(weight.max().alias("largest"))
    sums = [count.alias(name) for name, count in counts.items()]
    return totals(frame, sums=sums, largest=largest).row(0, named=True)


def _refuse_counts(design: _Declared, counts: dict[str, Any]) -> None:
    for column in design.columns:
        if counts[f"gaps {column}"]:
            raise DesignError(
                f"column {column} of the design is missing in {counts[f'gaps {column}']} row(s); "
                "every row needs it: leave out people who were not sampled, and give those "
                "sampled but not examined their unit and weight 0"
            )
    if design.weight is None:
        return
    if counts["negative"] or counts["infinite"]:
        raise DesignError(
            f"weights {design.weight}: {counts['negative']} negative and {counts['infinite']} "
            "infinite; a weight is the number of people represented, zero at least: correct "
            "them, or set them to 0 to leave those rows out of the sample"
        )
    if (counts["largest"] or 0) > LARGEST_WEIGHT:
        raise DesignError(
            f"weights {design.weight}: the largest is above {LARGEST_WEIGHT:g}, and no person "
            "stands for so many: see whether it is a code for missing, or in which unit they are"
        )
    if not counts["positive"]:
        raise DesignError(
            f"weights {design.weight} are all zero or absent: nobody is in the sample; name the "
            "column that holds the weights"
        )


@in_callers_kind
def check_design(people: Any, design: _Declared) -> Findings:
    """Look a design over before estimating with it.

    Parameters
    ----------
    people
        Any frame with the design's columns.
    design
        The design.

    Returns
    -------
    Findings
        Faults as errors (the message of the DesignError that an estimate would raise), strata
        with one unit, weights of zero, and weights that look normalised.

    Examples
    --------
    >>> from osteo_epi.survey import SurveyDesign
    >>> people = pl.DataFrame({"w": [0.8, 1.2, 0.9, 1.1], "psu": [1, 2, 3, 4]})
    >>> print(check_design(people, SurveyDesign(weight="w", psu="psu")))
    note: normalised_weights [w] these look like normalised weights (mean 1): totals will be
    wrong. To do: ...
    """
    frame, _ = as_polars(people)
    if not design.columns:
        return Findings()
    try:
        refuse_faults(design, frame)
        weight, stages = design.checked(frame)
    except DesignError as error:
        columns = ", ".join(design.columns)
        return Findings((Finding("design_fault", "error", columns, 0, str(error)),))
    findings = _of_weights(design, weight) if design.weight else []
    for stage in stages:
        alone = np.flatnonzero((stage.sampled == 1) & (stage.left_out > 0) & (stage.share > 0))
        if len(alone):
            # Replicate weights have no stages.
            named = [stage.names[i] for i in alone]
            findings.append(_of_lonely(cast("SurveyDesign", design), named))
    return Findings(tuple(findings))


def _of_weights(design: _Declared, weight: np.ndarray) -> list[Finding]:
    column = design.weight or ""
    findings = []
    zero = int((weight == 0).sum())
    if zero:
        text = f"{zero} row(s) have weight 0: out of the sample, kept in the design"
        fix = "nothing, if they were sampled but not examined; else give them their weight"
        findings.append(Finding("zero_weight", "note", column, zero, text, fix))
    carried = weight[weight > 0]
    if carried.mean() < DESCRIBING and carried.std() > 0:
        text = (
            f"these look like normalised weights (mean {carried.mean():.3g}): totals will be wrong"
        )
        fix = (
            "use the weights before normalisation for totals; proportions and their errors are "
            "unaffected, and of the two design effects read that with replacement"
        )
        findings.append(Finding("normalised_weights", "note", column, len(carried), text, fix))
    return findings


def _of_lonely(design: SurveyDesign, names: list[str]) -> Finding:
    text = f"one sampling unit in {', '.join(names[:5])}" + (" and more" if names[5:] else "")
    fix = 'merge the stratum with a neighbour, or choose SurveyDesign(lonely="adjust")'
    severity: Severity = "error" if design.lonely == "fail" else "note"
    return Finding("single_unit", severity, design.stratum or "", len(names), text, fix)


@dataclass(frozen=True)
class SurveyDesign:
    """The columns that say how people were sampled; without any, simple random sampling.

    Parameters
    ----------
    weight
        Column of sampling weights [people represented]; None for equal weights, or for the
        inverse sampling fractions where `fpc` gives them.
    stratum
        Column of first-stage strata; None for a single stratum.
    psu
        Column of primary sampling units, or a tuple (primary, secondary) for two stages; None
        where people were drawn one by one.
    fpc
        Column (a tuple, one a stage) with the number of units in the population of the stratum,
        or the fraction of it that was sampled (values up to 1); None for sampling with
        replacement.
    nest
        True where unit labels start again in each stratum (NHANES); False where a label stands
        for one unit everywhere, which is then checked.
    lonely
        What a stratum with one unit contributes: "fail", "certainty", "adjust", "average" or
        "remove", as `options(survey.lonely.psu=)` of R survey.
    lonely_domains
        Whether "adjust" and "average" also hold where only the domain leaves one unit in a
        stratum.

    Notes
    -----
    A weight of zero is allowed: the row is out of the sample (n does not count it) and its unit
    stays in the design, as for people interviewed but not examined. Weights of several NHANES
    cycles together have to be divided by the number of cycles first.

    Examples
    --------
    >>> design = SurveyDesign(weight="w", stratum="s", psu="p")
    >>> frame = pl.DataFrame({"w": [1.0, 2, 3, 4], "s": [1, 1, 2, 2], "p": [1, 2, 1, 2]})
    >>> design.arrays(frame).stages[0].sampled
    array([2., 2.])
    """

    weight: str | None = None
    stratum: str | None = None
    psu: str | tuple[str, ...] | None = None
    fpc: str | tuple[str, ...] | None = None
    nest: bool = True
    lonely: str = "fail"
    lonely_domains: bool = False

    def __post_init__(self) -> None:
        if not arguments.is_among(self.lonely, LONELY):
            raise DesignError(
                f"lonely must be one of {', '.join(LONELY)}, not {arguments.as_typed(self.lonely)}"
            )
        arguments.true_or_false(nest=self.nest, lonely_domains=self.lonely_domains)
        for name in ("weight", "stratum"):
            expected = "the name of one column"
            arguments.is_a(getattr(self, name), name, (str, type(None)), expected)
        if self.fpc is not None and len(self.fpcs) != max(1, len(self.units)):
            raise DesignError(
                f"fpc names {len(self.fpcs)} column(s) for {max(1, len(self.units))} stage(s) of "
                "sampling; give one a stage, as in psu=('psu', 'household'), fpc=('n1', 'n2')"
            )

    @property
    def units(self) -> tuple[str, ...]:
        """Columns of sampling units, first stage first."""
        return _names(self.psu)

    @property
    def fpcs(self) -> tuple[str, ...]:
        """Columns of finite population corrections, first stage first."""
        return _names(self.fpc)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the design names, each once."""
        named = (self.weight, self.stratum, *self.units, *self.fpcs)
        return tuple(dict.fromkeys(c for c in named if c is not None))

    @property
    def is_simple(self) -> bool:
        """Whether people were drawn independently, each with the same chance."""
        return not self.columns

    def _repr_html_(self) -> str:
        if self.is_simple:
            return html_table(pl.DataFrame(), caption="Survey design: simple random sample")
        said = {
            "weights": self.weight or "equal",
            "strata": self.stratum or "none",
            "sampling units": " within ".join(reversed(self.units)) or "people, one by one",
            "finite population": ", ".join(self.fpcs) or "drawn with replacement",
            "strata of one unit": self.lonely,
        }
        table = pl.DataFrame({"part": list(said), "column or rule": list(said.values())})
        return html_table(table, caption="Survey design")

    def __str__(self) -> str:
        if self.is_simple:
            return "simple random sample"
        parts = [f"weights {self.weight}"] if self.weight else ["equal weights"]
        parts += [f"strata {self.stratum}"] if self.stratum else []
        parts += [f"units {' within '.join(reversed(self.units))}"] if self.units else []
        parts += [f"fpc {', '.join(self.fpcs)}"] if self.fpcs else []
        # Where a stratum of one unit is an error, there is none in what was estimated.
        parts += [f"single units: {self.lonely}"] if self.lonely != "fail" else []
        return "; ".join(parts)

    def arrays(self, data: Any, *, people: Array | None = None) -> DesignArrays:
        """Read the design from a frame.

        Parameters
        ----------
        data
            Any frame with the design's columns.
        people
            (n,) people that a row stands for, where rows are sums over people drawn one by one.

        Returns
        -------
        DesignArrays
            Weights (n,) and stages.

        Raises
        ------
        DesignError
            For columns that are absent or hold missing values; weights that are negative,
            infinite or all zero; a unit in two strata although nest=False; a finite population
            correction that varies in a stratum or is smaller than the sample.
        """
        frame = _eager(data)
        refuse_faults(self, frame)
        stages = _stages(self, frame, people)
        weight = self._weights(frame, stages)
        return DesignArrays(weight, stages, self.lonely, self.lonely_domains)

    def checked(self, frame: Frame) -> tuple[Array, tuple[Stage, ...]]:
        """Weights (n,) and stages of a frame, whose other columns are not read."""
        if not self.columns:
            return np.ones(0), ()
        arrays = self.arrays(frame.lazy().select(self.columns).collect())
        return arrays.weight, arrays.stages

    def _weights(self, frame: pl.DataFrame, stages: tuple[Stage, ...]) -> Array:
        if self.weight is None:
            return _inverse_fractions(frame.height, stages)
        return frame[self.weight].cast(pl.Float64).to_numpy()


def _names(given: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if given is None else tuple(arguments.names_in(given, "one of the design's columns"))


def _eager(data: Any) -> pl.DataFrame:
    frame, _ = as_polars(data)
    return frame.collect() if isinstance(frame, pl.LazyFrame) else frame


def _codes(frame: pl.DataFrame, columns: list[str]) -> tuple[Codes, pl.DataFrame]:
    """(n,) code of each row's combination of labels, and the combinations in their order."""
    labels = frame.select(columns).unique().sort(columns).with_row_index("_code")
    coded = frame.select(columns).join(labels, on=columns, how="left", maintain_order="left")
    return coded["_code"].cast(pl.Int64).to_numpy(), labels.drop("_code")


def _strata(design: SurveyDesign, frame: pl.DataFrame) -> tuple[Codes, tuple[str, ...]]:
    if design.stratum is None:
        return np.zeros(frame.height, dtype=np.int64), ("the whole sample",)
    codes, labels = _codes(frame, [design.stratum])
    return codes, tuple(f"{design.stratum} {label}" for label in labels[design.stratum])


def _stages(design: SurveyDesign, frame: pl.DataFrame, people: Array | None) -> tuple[Stage, ...]:
    """Strata of a further stage are the units of the stage above it."""
    row_stratum, names = _strata(design, frame)
    if not design.units:
        return (_element_stage(design, frame, row_stratum, names, people),)
    share = np.ones(len(names))
    stages: list[Stage] = []
    prefix = [design.stratum] if design.stratum else []
    for depth in range(len(design.units)):
        labelled = _labels(design, prefix, depth)
        unit, _ = _codes(frame, labelled)
        stratum = np.zeros(int(unit.max(initial=-1)) + 1, dtype=np.int64)
        stratum[unit] = row_stratum
        _check_nesting(design, depth, unit, row_stratum, stratum)
        sampled = np.bincount(stratum, minlength=len(names)).astype(float)
        population = _population(design, depth, frame, row_stratum, sampled)
        stages.append(Stage(unit, stratum, sampled, population, share, names))
        share = (share * sampled / population)[stratum]
        row_stratum = unit
        names = tuple(f"{design.units[depth]} {i + 1}" for i in range(len(stratum)))
    return tuple(stages)


def _labels(design: SurveyDesign, prefix: list[str], depth: int) -> list[str]:
    """Nested labels need the stratum (and the units above) to stand for one unit."""
    above = list(design.units[:depth])
    own = design.units[depth]
    return list(dict.fromkeys([*(prefix if design.nest else []), *above, own]))


def _element_stage(
    design: SurveyDesign,
    frame: pl.DataFrame,
    row_stratum: Codes,
    names: tuple[str, ...],
    people: Array | None,
) -> Stage:
    # People are whole numbers: their sums are exact.
    sampled = np.bincount(row_stratum, weights=people, minlength=len(names)).astype(float)
    population = _population(design, 0, frame, row_stratum, sampled)
    return Stage(None, row_stratum, sampled, population, np.ones(len(names)), names)


def _check_nesting(
    design: SurveyDesign, depth: int, unit: Codes, row_stratum: Codes, stratum: Codes
) -> None:
    """With nest=False one label is one unit; rows of it in another stratum are a fault."""
    strayed = len(np.unique(unit[stratum[unit] != row_stratum]))
    if strayed:
        raise DesignError(
            f"{strayed} unit(s) of column {design.units[depth]} lie in more than one stratum; "
            "use SurveyDesign(nest=True) if the labels start again in each stratum, else correct "
            "the strata"
        )


def _population(
    design: SurveyDesign, depth: int, frame: pl.DataFrame, row_stratum: Codes, sampled: Array
) -> Array:
    """(S,) units in the population of each stratum, from sizes or from sampling fractions."""
    if not design.fpcs:
        return np.full(len(sampled), np.inf)
    column = design.fpcs[depth]
    refuse_words(frame.schema, [column], purpose="a finite population (fpc)")
    given = frame[column].cast(pl.Float64).to_numpy()
    size = np.zeros(len(sampled))
    size[row_stratum] = given
    varied = len(np.unique(row_stratum[size[row_stratum] != given]))
    if varied or (given <= 0).any():
        raise DesignError(
            f"fpc {column}: {varied} stratum/strata with more than one value, "
            f"{int((given <= 0).sum())} value(s) not above zero; one positive size or fraction a "
            "stratum is needed"
        )
    size = np.where(size <= 1, sampled / size, size)
    if (size < sampled * (1 - 1e-9)).any():
        raise DesignError(
            f"fpc {column} is smaller than the number of units sampled in "
            f"{int((size < sampled).sum())} stratum/strata; it has to be the population's number "
            "of units, or a fraction up to 1"
        )
    return size


def _inverse_fractions(n_rows: int, stages: tuple[Stage, ...]) -> Array:
    weight = np.ones(n_rows)
    for stage in stages:
        if np.isinf(stage.population).any():
            return np.ones(n_rows)
        row_stratum = stage.stratum if stage.unit is None else stage.stratum[stage.unit]
        weight *= (stage.population / stage.sampled)[row_stratum]
    return weight


def of_people(
    *columns: str, groups: Sequence[str] = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function of arrays take a frame first, the names of its columns, and its design.

    Parameters
    ----------
    *columns
        The arrays, in the order of the function.
    groups
        Which of them are groups: of any kind in the frame, numbers from 0 in the array.

    Examples
    --------
    >>> @of_people("values")
    ... def largest(values, design, *, domain=None):
    ...     return float(values[domain].max())
    >>> people = pl.DataFrame({"age": [44.0, 61.0, 70.0], "is_old": [True, True, False]})
    >>> largest(people, values="age", design=SurveyDesign(), domain="is_old")
    61.0
    >>> largest(people, "age", SurveyDesign(), domain="is_old")
    61.0
    """

    enter = _entered

    def wrapped(function: Callable[P, R]) -> Callable[P, R]:
        def called(*args: Any, **options: Any) -> Any:
            return enter(function, args, options, columns, groups)

        return in_callers_kind(in_place_of(function, called))

    return wrapped


def _entered(
    function: Callable[..., Any],
    args: Sequence[Any],
    options: dict[str, Any],
    columns: Sequence[str],
    groups: Sequence[str],
) -> Any:
    """What a function gives of arrays, or of a frame's columns: these then by their names."""
    if not (args and is_frame(args[0])):
        refuse_names_alone(function, args, options, columns)
        return function(*args, **options)
    # As without a frame, what follows it stands in the function's own order.
    given = signature(function).bind_partial(*args[1:], **options).arguments
    arrays, names = _read_columns(args[0], given, columns, groups)
    result = function(**(given | arrays))
    named = hasattr(result, "names") and names and len(names) == len(result.value)
    return replace(result, names=names) if named else result


def _read_columns(
    people: Any, given: Mapping[str, Any], columns: Sequence[str], groups: Sequence[str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Arrays of a frame: its columns, its design and its domain; and what estimates are called."""
    frame: pl.DataFrame = _eager(people)
    design: Any = given.get("design")
    if not hasattr(design, "arrays"):
        raise DesignError(
            "say how the people of the frame were sampled, design=SurveyDesign(weight=…), or "
            "design=SurveyDesign() for a simple random sample; replicate weights are read by "
            "replicate_mean(values, design.sample(people))"
        )
    refuse_other_rows({"the frame": people, "domain": given.get("domain")})
    arrays: dict[str, Any] = {"design": design.arrays(frame)}
    names: tuple[str, ...] = ()
    for column in columns:
        wanted = [given[column]] if isinstance(given.get(column), str) else given.get(column)
        if not (isinstance(wanted, list | tuple) and all(isinstance(n, str) for n in wanted)):
            raise DesignError(f"{column} names a column of the frame, or a list of them")
        absent = [name for name in wanted if name not in frame.columns]
        if absent:
            near = arguments.columns_near(absent[0], frame.columns)
            raise DesignError(f"{column} names {absent[0]}, which the data do not have; {near}")
        if column in groups:
            arrays[column], names = levels(frame[wanted[0]])
        else:
            refuse_words(frame.schema, wanted, purpose="an estimate")
            table = frame.select(pl.col(wanted).cast(pl.Float64)).fill_null(float("nan")).to_numpy()
            arrays[column] = table[:, 0] if isinstance(given[column], str) else table
            names = names or tuple(wanted)
    if isinstance(given.get("domain"), str | pl.Expr):
        domain = given["domain"]
        mask = frame.select(pl.col(domain) if isinstance(domain, str) else domain).to_series()
        arrays["domain"] = mask_of(mask, frame.height)
    return arrays, names
