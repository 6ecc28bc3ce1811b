"""The one place where numbers are rounded, always on the way to a reader's eye.

The forms follow ISCD's nomenclature: BMD with three decimals, percentages with one or two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from osteo_epi.language import language

MISSING = "–"
FEW_PEOPLE = 100_000
"""People affected below which a number in millions would say nothing."""


def percent(value: float | None, *, decimals: int = 2, sign: str = "") -> str:
    """Write a proportion as a percentage; `sign="+"` also where it is above zero.

    Examples
    --------
    >>> percent(0.29126), percent(None)
    ('29.13', '–')
    """
    return MISSING if value is None or math.isnan(value) else f"{100 * value:{sign}.{decimals}f}"


NARROW = 0.02
"""Width of an interval, ±1 percentage point, up to which a second decimal says something."""


def percent_interval(
    estimate: float | None,
    lower: float | None,
    upper: float | None,
    *,
    decimals: int | None = None,
    signed: bool = False,
) -> str:
    """Write a proportion with its interval; a difference, `signed`, in percentage points.

    Without `decimals` the digits follow the interval: one decimal where it is wider than ±1 point
    or there is none, two where it is not.

    Examples
    --------
    >>> percent_interval(0.0646, 0.0612, 0.068), percent_interval(0.287, 0.271, 0.304)
    ('6.46 (6.12–6.80)', '28.7 (27.1–30.4)')
    >>> percent_interval(0.0646, 0.0612, 0.068, decimals=1)
    '6.5 (6.1–6.8)'
    >>> percent_interval(0.012, -0.003, 0.027, decimals=1, signed=True)
    '+1.2 (-0.3 to +2.7)'
    """
    sign, between = ("+", " to ") if signed else ("", "–")
    if decimals is None:
        decimals = interval_decimals(lower, upper)
    parts = [percent(part, decimals=decimals, sign=sign) for part in (estimate, lower, upper)]
    return _with_limits(parts, between)


def interval_decimals(lower: float | None, upper: float | None) -> int:
    """Decimals that an interval of a proportion bears as percentages.

    Examples
    --------
    >>> interval_decimals(0.0612, 0.068), interval_decimals(0.27, 0.31), interval_decimals(None, 1)
    (2, 1, 1)
    """
    if lower is None or upper is None or math.isnan(upper - lower):
        return 1
    # Widths are differences of binary fractions: 0.30 - 0.28 is a little over 0.02.
    return 2 if upper - lower <= NARROW + 1e-12 else 1


def column_decimals(ends: Iterable[tuple[float | None, float | None]]) -> int:
    """Decimals that every interval of a column bears, so that it is of one form; 1 without any.

    Examples
    --------
    >>> column_decimals([(0.0612, 0.068), (0.27, 0.31)]), column_decimals([(0.0612, 0.068)])
    (1, 2)
    """
    return min((interval_decimals(*pair) for pair in ends), default=1)


def p_value(p: float | None) -> str:
    """Write a p-value: three decimals below 0.1 and two above, never 0 and never 1.

    Examples
    --------
    >>> [p_value(p) for p in (0.00004, 0.0023, 0.0495, 0.314, 0.9991, None)]
    ['<0.001', '0.002', '0.050', '0.31', '>0.99', '–']
    """
    if p is None or math.isnan(p):
        return MISSING
    if p < 0.001:
        return "<0.001"
    return ">0.99" if p > 0.99 else f"{p:.{3 if p < 0.1 else 2}f}"


def are_many(people: Iterable[float | None]) -> bool:
    """Whether people are counted in millions, in Chinese in 万: the largest number decides for all.

    So a report has one unit, in its table, its figures and its headline.

    Examples
    --------
    >>> are_many([4_150, 12_300_000, None]), are_many([4_150]), are_many([])
    (True, False, False)
    """
    return max((n for n in people if n is not None), default=0) >= FEW_PEOPLE


def people_interval(
    estimate: float | None,
    lower: float | None = None,
    upper: float | None = None,
    *,
    many: bool = True,
) -> str:
    """Write a number of people with its interval where there is one: in full, or `many` of them.

    Of many in millions with two decimals, from 100 million on with one; in Chinese in 万 without
    any. Where that would say nothing, as many decimals as show two digits of the estimate.

    Examples
    --------
    >>> people_interval(10_884_203.2, 10_300_000, 11_460_000)
    '10.88 (10.30–11.46)'
    >>> people_interval(4_150, 3_630, 4_700), people_interval(4_150, 3_630, 4_700, many=False)
    ('0.0042 (0.0036–0.0047)', '4,150 (3,630–4,700)')
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     people_interval(10_884_203.2, 10_300_000, 11_460_000), people_interval(4_200)
    ('1,088 (1,030–1,146)', '0.42')
    """
    return _with_limits(people_texts(estimate, lower, upper, many=many))


def people_texts(
    estimate: float | None, lower: float | None, upper: float | None, *, many: bool
) -> list[str]:
    """The three numbers of `people_interval`, each as it is written there."""
    people = (estimate, lower, upper)
    if not many:
        return [count(n) for n in people]
    size, decimals = _UNITS.get(language(), _MILLIONS)
    if decimals and max(estimate or 0, upper or 0) >= 1e8:
        decimals -= 1
    if estimate is not None and estimate >= 1:
        decimals = max(decimals, 1 - math.floor(math.log10(estimate / size)))
    return [_in_unit(n, size, decimals) for n in people]


_MILLIONS = (1e6, 2)
_UNITS = {"zh": (1e4, 0)}
"""The unit in which many people are counted in a language, and its decimals; millions elsewhere."""


def _in_unit(people: float | None, size: float, decimals: int) -> str:
    return MISSING if people is None or math.isnan(people) else f"{people / size:,.{decimals}f}"


def counted(n: int, noun: str) -> str:
    """Write how many of something there are.

    Examples
    --------
    >>> counted(1, "finding"), counted(2400, "row")
    ('1 finding', '2,400 rows')
    """
    return f"{count(n)} {noun}" + ("" if n == 1 else "s")


_OF_ONE = {"have": "has", "are": "is", "were": "was", "lack": "lacks", "leave": "leaves"}


def people_who(n: int, verb: str) -> str:
    """Write how many people have, are or lack something: one person has it.

    Parameters
    ----------
    n
        How many.
    verb
        Of several: "have", "are", "were", "lack" or "leave".

    Examples
    --------
    >>> people_who(1, "have"), people_who(2400, "are")
    ('1 person has', '2,400 people are')
    """
    return f"1 person {_OF_ONE[verb]}" if n == 1 else f"{count(n)} people {verb}"


def count(n: int | float | None) -> str:
    """Write a number of people.

    Examples
    --------
    >>> count(75321), count(None)
    ('75,321', '–')
    """
    return MISSING if n is None or math.isnan(n) else f"{n:,.0f}"


def count_interval(
    estimate: float | None, lower: float | None = None, upper: float | None = None
) -> str:
    """Write a number of people with its interval where there is one.

    Examples
    --------
    >>> count_interval(3517.3, 2484.7, 4549.8), count_interval(None)
    ('3,517 (2,485–4,550)', '–')
    """
    return _with_limits([count(people) for people in (estimate, lower, upper)])


def _with_limits(parts: list[str], between: str = "–") -> str:
    """An estimate and its limits; alone where a limit is missing."""
    middle, *ends = parts
    return middle if MISSING in parts else f"{middle} ({between.join(ends)})"


def level(confidence: float) -> str:
    """Write a level of confidence; in Chinese without a blank.

    Examples
    --------
    >>> level(0.95), level(0.999)
    ('95 %', '99.9 %')
    """
    return f"{100 * confidence:g}{' ' if language() == 'en' else ''}%"


def number(value: int | float | None, *, digits: int = 5, sign: str = "") -> str:
    """Write a number that has no form of its own, with so many significant digits.

    What has them all before the point is written in full, with separators; a year is shorter and
    stays as it is.

    Examples
    --------
    >>> number(0.1234567), number(-1.5), number(2018), number(10_884_203.2), number(None)
    ('0.12346', '-1.5', '2018', '10,884,203', '–')
    """
    if value is None or math.isnan(value):
        return MISSING
    if abs(value) >= 10 ** (digits - 1) and math.isfinite(value):
        return f"{value:{sign},.0f}"
    return f"{value:{sign}}" if isinstance(value, int) else f"{value:{sign}.{digits}g}"


def density(value: float | None) -> str:
    """Write a BMD [g/cm²].

    Examples
    --------
    >>> density(0.8575)
    '0.858'
    """
    if value is None or math.isnan(value):
        return MISSING
    # Half up on the decimal that is read, as a densitometer prints; not half to even.
    return f"{math.floor(value * 1000 + 0.5 + 1e-9) / 1000:.3f}"


def fixed(value: float | None, *, decimals: int, sign: str = "") -> str:
    """Write a number of a column, with so many decimals and a minus that is one.

    With `sign="+"` also what is above zero has its sign.

    Examples
    --------
    >>> fixed(92.0, decimals=1), fixed(-0.00056, decimals=4), fixed(-0.00001, decimals=4)
    ('92.0', '−0.0006', '0.0000')
    >>> fixed(0.0154, decimals=3, sign="+"), fixed(0.0001, decimals=3, sign="+")
    ('+0.015', '0.000')
    """
    if value is None or math.isnan(value):
        return MISSING
    text = f"{value:{sign}.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", "−")
