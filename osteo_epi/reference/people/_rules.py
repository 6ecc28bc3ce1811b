"""A rule says who is no reference person: a column, what of it leaves a person out, and why.

Missing is never "no": each rule says what becomes of those whose answer is not known.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort import codebook
from osteo_epi.errors import DefinitionError, NormError, SchemaError
from osteo_epi.norms import Interval

KEEP, EXCLUDE = "keep", "exclude"
CONDITIONS = ("exclude", "only", "outside", "stated")
KEYS = ("name", "column", *CONDITIONS, "missing", "unknown", "among", "reason", "reason_zh")
SHOWN, ENOUGH = 12, 5
"""So many values of a column are named, each held by so many people: a message names nobody."""
_FORM = (
    'a rule has name, column, one of exclude = [values], only = [values], outside = "[18.5, 30)" '
    'or stated = true, and missing = "keep" or "exclude"; it may have unknown, among, reason, '
    "reason_zh"
)


@dataclass(frozen=True)
class Rule:
    """One exclusion.

    Parameters
    ----------
    name
        Short name; the flow's step.
    column
        Of the codebook, or the file's own.
    missing
        What becomes of people whose answer is missing: "keep" or "exclude".
    exclude, only
        Values that leave a person out; values that alone let a person stay.
    outside
        Interval outside which a person is left out.
    stated
        Whoever has an entry at all is left out, as of a column that holds reasons.
    unknown
        Values that stand for a missing answer, beside the codebook's words.
    among
        Whom the rule asks, by column: values, or an interval; others stay whatever their answer.
    reason, reason_zh
        Why, in English and in Chinese; by default the codebook's meaning of the column.

    Raises
    ------
    DefinitionError
        If there is no condition or more than one, a part has another form than it should, or a
        value is named both as an answer and as none.

    Notes
    -----
    A value that the rule names is an answer, even a word that elsewhere says nothing ("不详").

    Examples
    --------
    >>> rule = Rule("bmi", "bmi", "keep", outside=Interval.parse("[18.5, 30)"))
    >>> rule.reason, rule.reason_zh
    ('Body mass index outside [18.5, 30)', '体质量指数不在[18.5, 30)之内')
    """

    name: str
    column: str
    missing: str
    exclude: tuple[Any, ...] = ()
    only: tuple[Any, ...] = ()
    outside: Interval | None = None
    stated: bool = False
    unknown: tuple[Any, ...] = ()
    among: Mapping[str, tuple[Any, ...] | Interval] = field(default_factory=dict)
    reason: str = ""
    reason_zh: str = ""

    def __post_init__(self) -> None:
        head = f"rule {self.name!r}" if self.name else "a rule without a name"
        _refuse_form(self, head)
        parts: dict[str, Any] = {
            name: _values(getattr(self, name), head) for name in ("exclude", "only", "unknown")
        }
        parts["among"] = _among(self.among, head)
        if self.outside is not None:
            parts["outside"] = _interval(self.outside, head)
        for key, value in parts.items():
            object.__setattr__(self, key, value)
        _refuse_contradiction(self, head)
        for key, text in zip(("reason", "reason_zh"), self._usual_reasons(), strict=True):
            if not getattr(self, key):
                object.__setattr__(self, key, text)

    def _usual_reasons(self) -> tuple[str, str]:
        book = codebook()
        known = self.column in book
        english = book[self.column].meaning if known else self.column
        chinese = book[self.column].meaning_zh if known else self.column
        if self.outside is not None:
            return f"{english} outside {self.outside}", f"{chinese}不在{self.outside}之内"
        if self.stated:
            return f"{english}: stated", f"{chinese}：有记录"
        if self.exclude == (True,):
            return english, chinese
        values = self.exclude or self.only
        listed = [("yes" if v else "no") if isinstance(v, bool) else str(v) for v in values]
        listed_zh = [("是" if v else "否") if isinstance(v, bool) else str(v) for v in values]
        besides, besides_zh = ("other than ", "非") if self.only else ("", "")
        return (
            f"{english}: {besides}{', '.join(listed)}",
            f"{chinese}：{besides_zh}{'、'.join(listed_zh)}",
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """What the rule reads."""
        return tuple(dict.fromkeys((self.column, *self.among)))

    def answer(self, frame: pl.DataFrame) -> pl.Expr:
        """Whether a person meets the condition; null where it is not known.

        False of those whom the rule does not ask.
        """
        met = self._met(frame)
        asked = pl.lit(True)
        for column, values in self.among.items():
            asked = asked & _within(frame, column, values)
        # Three-valued: whoever is not asked is False, whether or not the answer is known.
        return asked & met

    def leaves_out(self, frame: pl.DataFrame) -> pl.Expr:
        """Whether the rule leaves a person out: the answer, missing decided as the rule says."""
        return self.answer(frame).fill_null(self.missing == EXCLUDE)

    def _met(self, frame: pl.DataFrame) -> pl.Expr:
        named = (*self.exclude, *self.only)
        value = pl.when(~_blank(frame, self.column, self.unknown, named)).then(pl.col(self.column))
        if self.stated:
            return value.is_not_null()
        if self.outside is not None:
            return ~self.outside.expression(value.cast(pl.Float64))
        met = _among_values(value, frame.schema[self.column], named)
        return ~met if self.only else met


def _among_values(value: pl.Expr, kind: pl.DataType, values: Iterable[Any]) -> pl.Expr:
    """Whether a value is one of several: a category by its text, a number whatever its type."""
    if kind.is_numeric():
        return value.cast(pl.Float64).is_in([float(one) for one in values])
    texts = isinstance(kind, pl.Categorical | pl.Enum)
    return (value.cast(pl.String) if texts else value).is_in(list(values))


def _within(frame: pl.DataFrame, column: str, values: tuple[Any, ...] | Interval) -> pl.Expr:
    if isinstance(values, Interval):
        return values.expression(pl.col(column).cast(pl.Float64))
    known = pl.when(~_blank(frame, column, (), values)).then(pl.col(column))
    return _among_values(known, frame.schema[column], values)


def _blank(
    frame: pl.DataFrame, column: str, unknown: Sequence[Any], named: Sequence[Any]
) -> pl.Expr:
    """Whether nothing is known: null, NaN, a word that says so, or a value that stands for it.

    A word that the rule names is an answer.
    """
    value, kind = pl.col(column), frame.schema[column]
    blank = value.is_null()
    if kind.is_float():
        blank = blank | value.is_nan()
    if isinstance(kind, pl.String | pl.Categorical | pl.Enum):
        text = value.cast(pl.String)
        own = codebook()[column].missing_words if column in codebook() else ()
        words = [*codebook().missing_words, *own]
        says_nothing = text.str.strip_chars().str.to_lowercase().is_in(words)
        blank = blank | (says_nothing & ~text.is_in([str(value) for value in named]))
    if unknown:
        blank = blank | _among_values(value, kind, unknown)
    return blank.fill_null(True)


def read_rules(rules: Any) -> tuple[Rule, ...]:
    """Take rules from a TOML file, a mapping of the same form, or rules in a list.

    Parameters
    ----------
    rules
        A path to a file of `[[rule]]` tables, `{"rule": [{…}, …]}`, a list of such tables, or
        rules.

    Returns
    -------
    tuple of Rule

    Raises
    ------
    DefinitionError
        If a rule has a key too many or too few, two have one name, or there is none.

    Examples
    --------
    >>> rules = read_rules([
    ...     {"name": "weight", "column": "bmi", "outside": "[18.5, 30)", "missing": "keep"},
    ... ])
    >>> rules[0].outside.upper
    30.0
    """
    if isinstance(rules, str | Path):
        path = Path(rules)
        try:
            rules = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise DefinitionError(f"rules {path.name} cannot be read: {error}") from None
    if isinstance(rules, Mapping):
        extra = [key for key in rules if key != "rule"]
        if extra or not isinstance(rules.get("rule"), Sequence):
            raise DefinitionError(
                f"rules hold {', '.join(map(repr, rules)) or 'nothing'}; expected tables [[rule]] "
                f"and nothing else: {_FORM}"
            )
        rules = rules["rule"]
    if not isinstance(rules, Iterable):
        raise DefinitionError(f"rules={rules!r}; expected a TOML file or a list of rules: {_FORM}")
    chosen = tuple(rule if isinstance(rule, Rule) else _read(rule) for rule in rules)
    if not chosen:
        raise DefinitionError(f"there is no rule: {_FORM}")
    names = [rule.name for rule in chosen]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise DefinitionError(
            f"several rules have the name {twice[0]!r}: each needs one of its own"
        )
    return chosen


def _read(table: Any) -> Rule:
    if not isinstance(table, Mapping):
        raise DefinitionError(f"rule {table!r} is no table: {_FORM}")
    name = table.get("name")
    head = f"rule {name!r}" if name else "a rule without a name"
    extra = [key for key in table if key not in KEYS]
    if extra:
        raise DefinitionError(
            f"{head} has the unknown key {extra[0]!r}; there are {', '.join(KEYS)}"
        )
    return Rule(**{"name": "", "column": "", "missing": "", **table})


def _refuse_form(rule: Rule, head: str) -> None:
    """Refuse a rule without one condition, a decision on missing answers, or texts."""
    lost = [key for key in ("name", "column", "missing") if not getattr(rule, key)]
    if lost:
        raise DefinitionError(f"{head} has no {' and no '.join(lost)}: {_FORM}")
    for key in ("name", "column", "reason", "reason_zh"):
        text = getattr(rule, key)
        if not isinstance(text, str):
            raise DefinitionError(f"{head} has {key} = {text!r}; expected a text")
    if not isinstance(rule.stated, bool):
        raise DefinitionError(f"{head} has stated = {rule.stated!r}; expected true")
    given = [key for key in CONDITIONS if _is_given(getattr(rule, key))]
    if len(given) != 1:
        raise DefinitionError(f"{head} has {' and '.join(given) or 'no condition'}: {_FORM}")
    if rule.missing not in (KEEP, EXCLUDE):
        raise DefinitionError(
            f'{head} has missing = {rule.missing!r}; expected "keep" (people whose answer is '
            'not known stay) or "exclude" (they leave)'
        )
    if rule.stated and rule.missing != KEEP:
        raise DefinitionError(
            f"{head} leaves out whoever has an entry, so without an entry people stay: write "
            'missing = "keep"'
        )


def _is_given(condition: Any) -> bool:
    empty = isinstance(condition, list | tuple) and not condition
    return not (condition is None or condition is False or empty)


def _refuse_contradiction(rule: Rule, head: str) -> None:
    """Refuse a value that is named as an answer and as none."""
    named = {(isinstance(value, bool), value) for value in (*rule.exclude, *rule.only)}
    both = [value for value in rule.unknown if (isinstance(value, bool), value) in named]
    if both:
        condition = "exclude" if rule.exclude else "only"
        raise DefinitionError(
            f"{head} names {both[0]!r} in {condition} and in unknown; a value is an answer or it "
            "stands for a missing one: take it out of one of them"
        )


def _among(asked: Any, head: str) -> dict[str, tuple[Any, ...] | Interval]:
    if not isinstance(asked, Mapping):
        raise DefinitionError(
            f"{head} has among = {asked!r}; expected values or an interval by column, such as "
            'among = { sex = ["female"], age = "[20, 50)" }'
        )
    return {
        column: _interval(values, head) if _is_interval(values) else _values(values, head)
        for column, values in asked.items()
    }


def _is_interval(values: Any) -> bool:
    text = isinstance(values, str) and values.strip().startswith(("[", "("))
    return text or isinstance(values, Interval)


def _values(values: Any, head: str) -> tuple[Any, ...]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise DefinitionError(f"{head}: {values!r} is no list of values; write [{values!r}]")
    plain = tuple(values)
    odd = [value for value in plain if not isinstance(value, bool | int | float | str)]
    if odd:
        raise DefinitionError(
            f"{head}: {odd[0]!r} is no value; expected true, false, number or text"
        )
    return plain


def _interval(text: Any, head: str) -> Interval:
    if isinstance(text, Interval):
        return text
    try:
        return Interval.parse(text)
    except NormError as error:
        raise DefinitionError(f"{head}: {error}") from None


def refuse_unknown(rules: Iterable[Rule], frame: pl.DataFrame) -> None:
    """Refuse a rule that reads what is not there: such a rule would leave out nobody, in silence.

    Raises
    ------
    SchemaError
        If a column is absent, is no number where an interval wants one, or holds no such value;
        the message lists what there is.
    """
    for rule in rules:
        absent = [name for name in rule.columns if name not in frame.columns]
        if absent:
            raise SchemaError(
                f"rule {rule.name!r} reads the column(s) {', '.join(absent)}, which the data do "
                f"not hold; there are {', '.join(frame.columns)}: map yours onto them, or take "
                f"the rule out{_bmi_hint(absent, frame)}"
            )
        asked = {rule.column: rule.outside or (*rule.exclude, *rule.only), **rule.among}
        for column, values in asked.items():
            _refuse_values(rule, frame, column, values)
        _refuse_values(rule, frame, rule.column, rule.unknown, there=False)


def _bmi_hint(absent: Sequence[str], frame: pl.DataFrame) -> str:
    if "bmi" not in absent or not {"height", "weight"} <= set(frame.columns):
        return ""
    return "; bmi is weight / (height / 100)², and both are there: add the column"


def _refuse_values(
    rule: Rule,
    frame: pl.DataFrame,
    column: str,
    values: tuple[Any, ...] | Interval,
    *,
    there: bool = True,
) -> None:
    kind = frame.schema[column]
    if isinstance(values, Interval):
        if not kind.is_numeric():
            raise SchemaError(
                f"rule {rule.name!r} has an interval of {column}, which holds no numbers ({kind})"
            )
        return
    if kind.is_temporal() and values:
        raise SchemaError(
            f"rule {rule.name!r} compares {column}, a date, with values: take exam_year, or a "
            "column of your own, with outside or exclude; stated = true only asks whether a "
            "date is there"
        )
    held = frame[column].drop_nulls().value_counts()
    known = {*held[column].to_list(), *_may_hold(column, kind)}
    strange = [
        value
        for value in values
        if not _fits(value, kind)
        or (there and value not in known and not _plausible(column, value))
    ]
    if strange:
        common = held.filter(pl.col("count") >= ENOUGH).sort("count", descending=True)
        named = [*_may_hold(column, kind), *common[column].to_list()]
        listed = ", ".join(map(repr, list(dict.fromkeys(named))[:SHOWN])) or "nothing"
        raise SchemaError(
            f"rule {rule.name!r}: the column {column} holds no {strange[0]!r}; it holds {listed} "
            f"(values of fewer than {ENOUGH} people are not listed): correct the value, or take "
            "it out of the rule"
        )


def _plausible(column: str, value: Any) -> bool:
    """Whether a quantity of the codebook may take a value: nobody need have that grade."""
    limits = codebook()[column].range if column in codebook() else None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return limits is not None and number and limits[0] <= value <= limits[1]


def _may_hold(column: str, kind: pl.DataType) -> tuple[Any, ...]:
    """Values that a column may hold although nobody has them."""
    if isinstance(kind, pl.Boolean):
        return True, False
    return codebook()[column].categories if column in codebook() else ()


def _fits(value: Any, kind: pl.DataType) -> bool:
    """Whether a value is of a column's kind: true is not 1, and "1" is not 1."""
    if isinstance(value, bool):
        return isinstance(kind, pl.Boolean)
    if isinstance(value, int | float):
        return kind.is_numeric()
    return not (kind.is_numeric() or isinstance(kind, pl.Boolean))
