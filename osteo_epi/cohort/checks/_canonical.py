"""Whether a frame that no reader took in is in the codebook's types, words and units."""

from __future__ import annotations

import polars as pl
from polars import selectors as cs

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort.checks._values import AT_LEAST, SHARE, unit_findings
from osteo_epi.engines import FIRST, first_rows
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Severity
from osteo_epi.frames import Frame
from osteo_epi.questions import Asking, People, asked, together

CODES = ("wrong_type", "not_canonical")
_TEXT = (pl.String, pl.Categorical, pl.Enum)
_MOST_CODES = 5
_ROWS = FIRST
_HELD = {
    "quantity": "numbers",
    "boolean": "true and false",
    "category": "words",
    "date": "dates",
    "label": "texts",
    "id": "texts or whole numbers",
}


def canonical_errors(frame: Frame) -> list[Finding]:
    """What would make a result wrong, and a look at a frame can tell.

    Parameters
    ----------
    frame
        Columns of the codebook (and others, which are no matter here). Types and words are looked
        at in all rows; units in 100,000 evenly spaced ones first, and in all where these are not
        sound. A lazy frame may be of any size: its first 100,000 rows are looked at, and
        `with_sound_sex` looks at the words of sex in the others.

    Returns
    -------
    list
        Findings of the level "error" alone: other types and words than the codebook's, values that
        are plausible in another unit, or in number in none.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [61.0, 70.0], "sex": ["F", "M"]})
    >>> print(canonical_errors(frame)[0])
    error: not_canonical [sex] values other than female, male: 2 of 2 rows; they would count as
    not stated. To do: take the frame in by osteo_epi.read(frame), which reads such words
    """
    known = frame.select(cs.by_name(list(codebook().variables), require_all=False))
    rows = known if isinstance(known, pl.DataFrame) else first_rows(known, _ROWS)
    schema, sample = rows.schema, rows.gather_every(max(1, rows.height // _ROWS))
    variables = [codebook()[name] for name in schema]
    findings = _strangers(rows, variables)
    ranged = [v for v in variables if v.range and v.kind == "quantity" and _fits(schema, v)]
    counts = list(map(_values, ranged))
    found = sample.select(counts).row(0, named=True) if counts else {}
    suspects = [v.name for v in ranged if _is_suspect(found[v.name])]
    if suspects:
        people = People.of(rows.select(pl.col(suspects).cast(pl.Float64).fill_nan(None)))
        findings += people.answer(unit_findings(people))
    return [finding for finding in findings if finding.severity == "error"]


def with_sound_sex(frame: Frame) -> Frame:
    """A lazy frame whose rows are looked at when they come, see `cohort.watched`."""
    dtype = frame.collect_schema().get("sex")
    if dtype is None or not isinstance(frame, pl.LazyFrame) or not _may_differ(dtype, _sex()):
        return frame
    checked = pl.col("sex").map_batches(_sound_sex, return_dtype=dtype, is_elementwise=True)
    return frame.with_columns(checked)


def _sound_sex(sex: pl.Series) -> pl.Series:
    other = pl.all_horizontal(pl.col("sex") != word for word in _sex().categories)
    rows = sex.to_frame("sex")
    if rows.select(other.any()).item():
        told = "; ".join(f.told().removeprefix("error: ") for f in _strangers(rows, [_sex()]))
        raise SchemaError(told)
    return sex


def _sex() -> Variable:
    return codebook()["sex"]


def foreign_columns(people: People) -> Asking[list[Finding]]:
    """Columns of other types than the codebook's, and categories in other words."""
    variables = [codebook()[name] for name in people.columns if name in codebook()]
    found = yield from together(_stranger(people, variable) for variable in variables)
    return [finding for finding in found if finding]


def wrong_types(schema: pl.Schema) -> list[str]:
    """Columns of the codebook whose type cannot hold their variable."""
    return [name for name in schema if name in codebook() and not _fits(schema, codebook()[name])]


def _may_differ(dtype: pl.DataType, variable: Variable) -> bool:
    """Whether the type alone leaves open what words there are."""
    known = isinstance(dtype, pl.Enum) and set(dtype.categories) <= set(variable.categories)
    return dtype != pl.Null and not known


def _values(variable: Variable) -> pl.Expr:
    """How many values a quantity has, how many are implausible, and usual in another unit."""
    column = pl.col(variable.name).cast(pl.Float64).fill_nan(None)
    low, high = variable.range or (0, 0)
    bands = [column.is_between(*b) & (column != 0) for b in variable.lookalikes.values()]
    alike = pl.any_horizontal(bands).sum() if bands else pl.lit(0)
    outside = (~column.is_between(low, high)).sum()
    zeros = (column == 0).sum()
    counts = pl.struct(of=column.count(), zeros=zeros, outside=outside, alike=alike)
    return counts.alias(variable.name)


def _is_suspect(found: dict[str, int]) -> bool:
    """Whether so many values are implausible, or usual elsewhere, that it may be an error.

    One value alone is never: it is a slip of the pen, and its person is not classifiable.
    """
    outside, alike = found["outside"], found["alike"]
    many = outside >= AT_LEAST and outside > SHARE * found["of"]
    return many or (alike >= AT_LEAST and alike > SHARE * (found["of"] - found["zeros"]))


def _strangers(frame: pl.DataFrame, variables: list[Variable]) -> list[Finding]:
    people = People.of(frame)
    found = people.answer(together(_stranger(people, variable) for variable in variables))
    return [finding for finding in found if finding]


def _stranger(people: People, variable: Variable) -> Asking[Finding | None]:
    """What is foreign in a column: its type, or some of its words."""
    name, dtype = variable.name, people.schema[variable.name]
    column, fits = pl.col(name), _fits(people.schema, variable)
    if fits and not (variable.kind == "category" and _may_differ(dtype, variable)):
        return None
    other = column.is_not_null()
    if fits:
        other = pl.all_horizontal(column != word for word in variable.categories)
    counts = yield from asked(sums={"n": other.sum(), "of": column.count()})
    if fits and not counts["n"]:
        return None
    severity: Severity = "warning" if variable.covariate else "error"
    n, fix = counts["n"], _way_in(people, dtype, variable)
    if not fits:
        message = f"the column holds {dtype}, not {_HELD[variable.kind]}: {n} rows"
        return Finding("wrong_type", severity, name, n, message, fix)
    message = (
        f"values other than {', '.join(variable.categories)}: {n} of "
        f"{counts['of']} rows; they would count as not stated"
    )
    where = ~column.cast(pl.String).is_in(list(variable.categories))
    return Finding("not_canonical", severity, name, n, message, fix, where)


def _fits(schema: pl.Schema, variable: Variable) -> bool:
    """Whether a column has a type that the variable can have."""
    dtype = schema[variable.name]
    if dtype == pl.Null:
        return True
    if variable.kind == "quantity":
        return dtype.is_numeric()
    if variable.kind == "boolean":
        return dtype == pl.Boolean
    if variable.kind == "date":
        return dtype in (pl.Date, pl.Datetime)
    if variable.kind == "category":
        return dtype in _TEXT
    return not (dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Duration))


def _way_in(people: People, dtype: pl.DataType, variable: Variable) -> str:
    """The call that brings such a column in."""
    if variable.name == "sex" and (codes := _codes(people, dtype)):
        coding = ", ".join(f'{code}: "…"' for code in codes)
        return (
            f"take the frame in by osteo_epi.read(frame, sex_coding={{{coding}}}), with female or "
            "male for each code"
        )
    if variable.kind == "category":
        return "take the frame in by osteo_epi.read(frame), which reads such words"
    return "take the frame in by osteo_epi.read(frame), which brings columns to their types"


def _codes(people: People, dtype: pl.DataType) -> list[str]:
    """The codes in which sex stands, if it stands in any."""
    if not (dtype in _TEXT or dtype.is_numeric()):
        return []
    distinct = pl.col("sex").cast(pl.String).str.strip_suffix(".0").unique().sort()
    codes = people.look(lambda query: query.select(distinct)).to_series()
    return codes.filter(codes.str.contains(r"^\d$").fill_null(False)).to_list()[:_MOST_CODES]
