"""Columns of codes and of dates brought to the codebook's form."""

from __future__ import annotations

import re
from collections.abc import Collection

import polars as pl

from osteo_epi.cohort._codebook import Variable, codebook
from osteo_epi.cohort.conform._headings import as_map, normalise
from osteo_epi.cohort.conform._numbers import half_width, is_missing_word
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding, Severity

_MOST_DIGITS = 1e18  # above it a whole number has no digits that 64 bits hold
_MANY = 0.5  # distinct values a row, above which a table of them saves nothing
_SHORT_CODE = 3  # signs of a code; a longer answer may be a person's own words, and is not shown
_MOST_CODES = 5  # of an example
_BRACKET = re.compile(r"[(（\[【:：]")
_EXCEL_EPOCH = pl.date(1899, 12, 30)
_SERIAL = (5_000, 60_000)  # 1913 to 2064
_MOST = 0.5
_AND = re.compile(r"[\s,，、;；/+&\-~～至和及]|\band\b|\bto\b")
HOUR = r"[ T:]\d{1,2}:\d{2}.*$"
"""What follows the day where a moment is written."""
_FORMATS = ("%Y-%m-%d", "%Y%m%d")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_WRITTEN = (
    r"^(?<d>\d{1,2})[-\s]*(?<m>[A-Za-z]{3,9})[-\s,]*(?<y>\d{4}|\d{2})$",
    r"^(?<m>[A-Za-z]{3,9})[-\s]*(?<d>\d{1,2})[-\s,]+(?<y>\d{4})$",
    r"^(?<y>\d{4})[-\s]*(?<m>[A-Za-z]{3,9})[-\s]*(?<d>\d{1,2})$",
)
"""30DEC2019 and 30DEC19 of SAS, 30 December 2019, Dec 30, 2019, 2019-Dec-30."""
_SHORT_MONTHS = "|".join(name[:3] for name in _MONTHS)
_LATEST = 2040  # no person is born or scanned later, by two digits of a year
_ORDERS = ("%d-%m-%Y", "%m-%d-%Y")


def texts(column: pl.Series, keep: Collection[str] = ()) -> pl.Series:
    """Any column as trimmed text: whole numbers without a point, missing words as null.

    `keep` are words (normalised) that mean something here though they mean missing elsewhere,
    such as "none" for a trauma. Each distinct value is worked on once.
    """
    if column.dtype.is_float():
        column = column.fill_nan(None)
        whole = ((column == column.round(0)) & (column.abs() < _MOST_DIGITS)).fill_null(True).all()
        column = column.cast(pl.Int64) if whole else column
    cells = column.cast(pl.String)
    if column.dtype.is_integer() or _are_digits(cells):
        return cells  # no word, and plain as it is
    if cells.hash().n_unique() > _MANY * len(cells):
        return _plain(cells, keep)
    distinct = cells.unique().drop_nulls()
    plain = _plain(distinct, keep)
    if plain.equals(distinct):
        return cells
    return cells.replace_strict(distinct, plain, return_dtype=pl.String)


def _are_digits(cells: pl.Series) -> bool:
    """Whether every cell is a whole number as it stands, which is soon told of a million.

    >>> _are_digits(pl.Series(["007", None, "12"])), _are_digits(pl.Series(["7 ", "12"]))
    (True, False)
    """
    return cells.cast(pl.Int64, strict=False).null_count() == cells.null_count()


def _plain(distinct: pl.Series, keep: Collection[str]) -> pl.Series:
    plain = half_width(distinct)
    if plain.str.contains(".0", literal=True).any():
        plain = plain.str.replace(r"^(-?\d+)\.0+$", "${1}")
    missing = is_missing_word(plain).fill_null(False)
    if keep and missing.any():
        meaningful = [normalise(text) in keep for text in plain.filter(missing)]
        missing = missing.scatter(missing.arg_true(), [not k for k in meaningful])
    return plain.set(missing, None)


def to_categories(
    column: pl.Series, variable: Variable, *, heading: str, coding: dict[str, str] | None = None
) -> tuple[pl.Series, list[Finding]]:
    """Read a column of words or declared codes.

    Parameters
    ----------
    column
        The file's column.
    variable
        A category or a boolean of the codebook.
    heading
        The file's heading, for the messages.
    coding
        Code → word, where it was declared.

    Returns
    -------
    tuple
        The column in the variable's type, and findings.

    Raises
    ------
    SchemaError
        If codes need a declaration, or nothing is understood.

    Examples
    --------
    >>> from osteo_epi.cohort import codebook
    >>> sex = codebook()["sex"]
    >>> to_categories(pl.Series(["男", "女士", "F", None]), sex, heading="性别")[0].to_list()
    ['male', 'female', 'female', None]
    >>> to_categories(pl.Series([1, 2]), sex, heading="性别")
    Traceback (most recent call last):
    ...
    osteo_epi.errors.SchemaError: column '性别': codes 1, 2 do not say which is which; ...
    """
    cells = column.cast(pl.String) if column.dtype == pl.Boolean else column
    words = {normalise(word): value for word, value in variable.words.items()}
    words |= {normalise(category): category for category in variable.categories}
    plain = texts(cells, words).alias(variable.name)
    words |= _letters(plain, variable, heading, coding or {})
    table = _table(plain, words, variable, heading, coding or {})
    dtype = pl.String if variable.kind == "boolean" else variable.dtype
    result = plain.replace_strict(table, default=None, return_dtype=dtype)
    lost = plain.filter(result.is_null()).drop_nulls()
    if len(lost) and len(lost) == plain.count():
        raise SchemaError(
            f"column {heading!r}: none of its {len(lost)} values is understood as {variable.name} "
            f"({_expected(variable)}); correct the file{_declare(variable)}, or leave the column "
            f"out with {as_map(heading)}"
        )
    values = result == "true" if variable.kind == "boolean" else result
    return values, _lost(variable, heading, lost, plain)


def _declare(variable: Variable) -> str:
    """Words of sex can be declared, as codes can."""
    if variable.name != "sex":
        return ""
    return (
        ', or declare its words with sex_coding={"WORD": "female", …} (--sex-coding WORD=female,…)'
    )


def _table(
    plain: pl.Series,
    words: dict[str, str],
    variable: Variable,
    heading: str,
    coding: dict[str, str],
) -> dict[str, str]:
    """What each distinct text of the column means, the declared codes first."""
    declared = {code: _word(word, words, variable, heading) for code, word in coding.items()}
    distinct = plain.unique().drop_nulls().to_list()
    meanings = {
        t: declared.get(t) or declared.get(t.casefold()) or _meaning(t, words, variable)
        for t in distinct
    }
    codes = sorted(t for t in distinct if t.lstrip("-").isdigit() and meanings[t] is None)
    ambiguous = [c for c in codes if c in ("0", "1", "2")]
    if ambiguous and not coding:
        raise SchemaError(_ask(variable, heading, sorted(t for t in distinct if t.isdigit())))
    if variable.kind == "boolean" and not coding and {"1", "2"} <= set(distinct):
        raise SchemaError(_ask(variable, heading, ["1", "2"]))
    return {text: value for text, value in meanings.items() if value is not None}


def _letters(
    plain: pl.Series, variable: Variable, heading: str, coding: dict[str, str]
) -> dict[str, str]:
    """What a letter means beside the other answers: M beside F or H (hombre); refuse a riddle."""
    distinct = set(plain.unique().drop_nulls())
    answers = {normalise(t) for t in distinct if t not in coding}
    # A code that nobody has, as the CODE of an example, tells nothing of a letter.
    answers |= {normalise(word) for code, word in coding.items() if code in distinct}
    told, name = {}, normalise(_BRACKET.split(heading)[0])
    for letter in answers & set(variable.letters):
        beside = dict(variable.letters[letter])
        unless = name in beside.pop("unless", [])
        under = dict(beside.pop("under", {})).get(name)
        near = {value for value, words in beside.items() if answers & {*map(normalise, words)}}
        meant = [under] if under else sorted(near)
        if len(meant) > 1 or (unless and not meant):
            others = ", ".join(
                sorted(a.upper() for a in answers - {letter} if len(a) <= _SHORT_CODE)
            )
            raise SchemaError(
                f"column {heading!r}: {letter.upper()} beside {others or 'no other answer'} may "
                f"stand for {' or for '.join(beside)}; {_how_to_declare(plain)}"
            )
        if meant:
            told[letter] = meant[0]
    return told


def _how_to_declare(plain: pl.Series) -> str:
    codes = sorted(t for t in plain.unique().drop_nulls() if len(t) <= _SHORT_CODE)[:_MOST_CODES]
    typed = ",".join(f"{code}=…" for code in codes)
    stated = ", ".join(f'"{code}": "…"' for code in codes)
    return (
        f"declare them with sex_coding={{{stated}}} (--sex-coding {typed}), female or male in "
        "place of each …, as the file's own description says"
    )


def _meaning(text: str, words: dict[str, str], variable: Variable) -> str | None:
    """What one answer means: in a known word, or in several that all mean the same (L1, T12)."""
    whole = words.get(normalise(text)) or words.get(_bare(text, variable.ignored))
    if whole is not None or not variable.ignored:
        return whole
    parts = [_bare(part, variable.ignored) for part in _AND.split(text)]
    meanings = {words.get(part) for part in parts if part and not part.isdigit()}
    return meanings.pop() if len(meanings) == 1 else None


def _bare(text: str, ignored: tuple[str, ...]) -> str:
    """An answer without the words that add nothing to it, "hip fracture" as "hip"."""
    if not ignored:
        return normalise(text)
    spaced = re.sub(r"[\W_]+", " ", text.casefold())
    for word in sorted(ignored, key=len, reverse=True):
        pattern = rf"(?<![a-z]){word}(?![a-z])" if word.isascii() else word
        spaced = re.sub(pattern, " ", spaced)
    return normalise(spaced)


def _word(word: str, words: dict[str, str], variable: Variable, heading: str) -> str:
    value = words.get(normalise(word))
    if value is None:
        raise SchemaError(
            f"column {heading!r}: its declared coding names {word!r}, which is not understood as "
            f"{variable.name} ({_expected(variable)}); declare the coding in these words"
        )
    return value


def _expected(variable: Variable) -> str:
    return ", ".join(variable.categories) if variable.categories else "yes, no"


def _ask(variable: Variable, heading: str, codes: list[str]) -> str:
    """Which codes are without a word; the answer is the caller's, and no example leans to one."""
    shown = ", ".join(code for code in codes if len(code) == 1)
    if variable.name == "sex":
        how = _how_to_declare(pl.Series(codes, dtype=pl.String))
    else:
        how = (
            f"write them in words ({_expected(variable)}) or {_in_the_heading(variable, heading)}, "
            f"or leave the column out with {as_map(heading)}"
        )
    return f"column {heading!r}: codes {shown} do not say which is which; {how}"


def _in_the_heading(variable: Variable, heading: str) -> str:
    """A coding beside the name, in two of the variable's own words."""
    first, second = (word.replace("_", " ") for word in _expected(variable).split(", ")[:2])
    return f"state them in the heading, e.g. {heading}(1={first},2={second})"


def _lost(variable: Variable, heading: str, lost: pl.Series, plain: pl.Series) -> list[Finding]:
    if not len(lost):
        return []
    name, n = variable.name, len(lost)
    if name != "sex":
        fix = f", or as codes, and {_in_the_heading(variable, heading)}"
        if variable.decides:
            fix += (
                f"; a word that says neither is declared with missing={{{name!r}: [WORD]}} "
                f"(--missing {name}=WORD)"
            )
    elif lost.str.contains(r"^-?\d+$").any():
        how = _how_to_declare(plain)
        fix = f", or {how}; a code for missing by missing={{{name!r}: [CODE]}} (--missing sex=CODE)"
    else:
        fix = _declare(variable)
    severity: Severity = "error" if variable.stops else "warning"
    message = f"values not understood as {name}, now null: {n}"
    fix = f"write them as {_expected(variable)}{fix}"
    return [Finding("not_understood", severity, name, n, message, fix)]


def to_dates(column: pl.Series, variable: Variable) -> tuple[pl.Series, list[Finding]]:
    """Read a column as dates.

    Text is read as year, month, day with any signs (2019年3月5日, 2019/3/5, 20190305). A day before
    or after its month (05/03/2019) is read only if the column holds a day above 12 that decides
    it for all. A month in English letters is read beside its day and year (30DEC2019); a year of
    two digits there, if for each cell of the column one century alone is plausible. Numbers are
    read as Excel's day count from 1899-12-30.

    Returns
    -------
    tuple
        The dates, and findings.

    Examples
    --------
    >>> from osteo_epi.cohort import codebook
    >>> scan = codebook()["scan_date"]
    >>> dates, findings = to_dates(pl.Series(["2019年3月5日", "2019/03/06", "43530"]), scan)
    >>> [str(d) for d in dates], [f.code for f in findings]
    (['2019-03-05', '2019-03-06', '2019-03-06'], ['excel_dates'])
    """
    if column.dtype in (pl.Date, pl.Datetime):
        dates = _within(column.dt.date(), variable)
        return dates, _findings(variable.name, 0, 0, dates.null_count() - column.null_count())
    if column.dtype.is_numeric():
        numbers = column.cast(pl.Float64).fill_nan(None).clip(-_MOST_DIGITS, _MOST_DIGITS)
        column = numbers.cast(pl.Int64).cast(pl.String)
    plain = texts(column)
    body = _plain_signs(plain)
    parsed = coalesced([body.str.to_date(f, strict=False) for f in _FORMATS])
    parsed = coalesced([parsed, _written_months(body.set(parsed.is_not_null(), None), variable)])
    parsed, ambiguous = _day_or_month_first(body, parsed)
    serials = _serials(body.set(parsed.is_not_null(), None))
    dates = _within(coalesced([parsed, serials]), variable)
    lost = int((plain.is_not_null() & dates.is_null()).sum())
    return dates, _findings(variable.name, int(serials.is_not_null().sum()), ambiguous, lost)


def _plain_signs(plain: pl.Series) -> pl.Series:
    """2019年3月5日 10:20, 2019/3/5, 2019.3.5 → 2019-3-5."""
    body = plain.str.replace(HOUR, "")
    body = body.str.replace_all(r"[年月/.]", "-").str.replace("日", "").str.strip_chars("- ")
    return body.str.replace(r"^(\d{4})-(\d{1,2})$", "${1}-${2}-1")


def _written_months(body: pl.Series, variable: Variable) -> pl.Series:
    """Days whose month is written in letters.

    >>> scan, birth = codebook()["scan_date"], codebook()["birth_date"]
    >>> [str(day) for day in _written_months(pl.Series(["30DEC2019", "5 March 2019"]), scan)]
    ['2019-12-30', '2019-03-05']
    >>> [str(day) for day in _written_months(pl.Series(["30DEC19", "05MAR20"]), scan)]
    ['2019-12-30', '2020-03-05']
    >>> _written_months(pl.Series(["30DEC19", "05MAR45"]), birth).to_list()
    [None, None]
    """
    none = pl.repeat(None, len(body), dtype=pl.Date, eager=True)
    if not body.str.contains(r"[A-Za-z]{3}").any():
        return none
    days = none
    for form in _WRITTEN:
        parts = body.str.extract_groups(form).struct.unnest()
        word = parts["m"].str.to_lowercase()
        month = word.str.head(3).replace_strict(
            [name[:3] for name in _MONTHS], list(range(1, 13)), default=None, return_dtype=pl.Int8
        )
        known = {name[:n] for name in _MONTHS for n in (3, len(name))} | {"sept"}
        month = month.set(~word.is_in(sorted(known)).fill_null(False), None)
        year = _full_years(parts["y"].set(month.is_null(), None), variable)
        text = pl.DataFrame({"y": year, "m": month, "d": parts["d"]})
        joined = text.select(pl.concat_str("y", "m", "d", separator="-")).to_series()
        days = coalesced([days, joined.str.to_date("%Y-%m-%d", strict=False)])
    return days


def _full_years(year: pl.Series, variable: Variable) -> pl.Series:
    """Years of four digits; of those of two only where one century is plausible in every cell."""
    number = year.cast(pl.Int32, strict=False)
    short = (year.str.len_chars() == 2).fill_null(False)
    low, high = variable.range or (1, 9999)
    last, this = number + 1900, number + 2000
    in_last, in_this = (y.is_between(int(low), min(int(high), _LATEST)) for y in (last, this))
    if not (in_last ^ in_this).filter(short).all():
        return number.set(short, None)
    return this.zip_with(in_this, last).zip_with(short, number)


def coalesced(columns: list[pl.Series]) -> pl.Series:
    """The first value that is there in each row, in the order of the columns."""
    if len(columns) == 1:
        return columns[0]
    named = [c.alias(str(i)) for i, c in enumerate(columns)]
    return pl.DataFrame(named).select(pl.coalesce(pl.all())).to_series()


def _day_or_month_first(body: pl.Series, parsed: pl.Series) -> tuple[pl.Series, int]:
    """Choose the order that fits every cell, if only one does."""
    unparsed = body.set(parsed.is_not_null(), None)
    unparsed = unparsed.set(
        ~unparsed.str.contains(r"^\d{1,2}-\d{1,2}-\d{4}$").fill_null(False), None
    )
    n = int(unparsed.is_not_null().sum())
    if not n:
        return parsed, 0
    tried = [unparsed.str.to_date(order, strict=False) for order in _ORDERS]
    fits = [t for t in tried if int(t.is_not_null().sum()) == n]
    return (coalesced([parsed, fits[0]]), 0) if len(fits) == 1 else (parsed, n)


def _serials(body: pl.Series) -> pl.Series:
    number = body.cast(pl.Float64, strict=False)
    days = number.set(~number.is_between(*_SERIAL).fill_null(False), None).cast(pl.Int64)
    frame = pl.DataFrame({"days": days})
    return frame.select(_EXCEL_EPOCH + pl.duration(days="days")).to_series().cast(pl.Date)


def _within(dates: pl.Series, variable: Variable) -> pl.Series:
    low, high = variable.range or (1, 9999)
    return dates.set(~dates.dt.year().is_between(int(low), int(high)).fill_null(False), None)


def _findings(name: str, serials: int, ambiguous: int, lost: int) -> list[Finding]:
    findings = []
    if serials:
        message = f"numbers read as Excel's day count from 1899-12-30: {serials}"
        fix = "check that the file was not made by Excel for Mac before 2011 (day count from 1904)"
        findings.append(Finding("excel_dates", "note", name, serials, message, fix))
    if ambiguous:
        message = f"dates that do not tell the day from the month, now null: {ambiguous}"
        findings.append(
            Finding(
                "ambiguous_dates", "error", name, ambiguous, message, "write them as 2019-03-05"
            )
        )
    if lost > ambiguous:
        message = f"cells that are no dates in a plausible year, now null: {lost - ambiguous}"
        fix = "write them as 2019-03-05"
        findings.append(Finding("not_dates", "warning", name, lost - ambiguous, message, fix))
    return findings


def looks_like_dates(column: pl.Series) -> str | None:
    """What an age column holds instead of ages: "dates", "Excel dates", "years of birth" or None.

    >>> looks_like_dates(pl.Series(["1953-02-11", "1960-11-30"]))
    'dates'
    >>> looks_like_dates(pl.Series([61.0, 70.0]))
    """
    if column.dtype in (pl.Date, pl.Datetime):
        return "dates"
    # Each distinct cell is looked at once, and counts as often as it stands.
    table = column.value_counts()
    text, rows = texts(table.to_series(0)), table.to_series(1)
    rows, text = rows.filter(text.is_not_null()), text.drop_nulls()
    body = _plain_signs(text.str.replace(r"\.0+$", ""))
    number = body.cast(pl.Float64, strict=False)
    kinds = {
        "dates": body.str.contains(
            r"^(\d{4}-\d{1,2}-\d{1,2}|(18|19|20)\d{6}|\d{1,2}-\d{1,2}-\d{4}"
            rf"|\d{{1,2}}[- ]*(?i:{_SHORT_MONTHS})[a-z]*[- ]*(\d{{4}}|\d{{2}}))$"
        ),
        "years of birth": number.is_between(1880, 2030),
        "Excel dates": number.is_between(*_SERIAL),
    }
    most = _MOST * int(rows.sum() or 0)
    return next((k for k, hit in kinds.items() if int(rows.filter(hit).sum() or 0) > most), None)


def completed_years(birth: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Whole years of age on a day: exact on birthdays, which days divided by 365.25 are not."""
    before = _day_of_year(day) < _day_of_year(birth)
    return (day.dt.year() - birth.dt.year() - before.cast(pl.Int32)).cast(pl.Float64)


def _day_of_year(date: pl.Expr) -> pl.Expr:
    """Month and day as one number, 229 for 29 February; a month of 8 bits would not hold it."""
    return date.dt.month().cast(pl.Int32) * 100 + date.dt.day()


def one_sex(word: str) -> str:
    """The sex that a word names.

    Raises
    ------
    SchemaError
        If it names none.

    Examples
    --------
    >>> one_sex("女"), one_sex("Female")
    ('female', 'female')
    """
    variable = codebook()["sex"]
    words = {normalise(w): value for w, value in variable.words.items()}
    words |= {name: name for name in variable.categories}
    meaning = words.get(normalise(str(word)))
    if meaning is None:
        raise SchemaError(
            f"sex={word!r} (--sex) is no sex; expected one of {', '.join(variable.categories)}"
        )
    return meaning


def one_code(column: pl.Series, declared: str | None) -> dict[str, str]:
    """The coding of a column that holds one number throughout, where the one sex is declared."""
    if declared is None:
        return {}
    codes = texts(column).drop_nulls().unique().to_list()
    return {codes[0]: one_sex(declared)} if len(codes) == 1 and codes[0].isdigit() else {}


def with_one_sex(
    columns: dict[str, pl.Series], declared: str | None, rows: int
) -> tuple[dict[str, pl.Series], list[Finding]]:
    """Give the people the sex that was declared for all of them.

    Parameters
    ----------
    columns
        Canonical columns by name.
    declared
        The sex of all; None leaves the columns as they are.
    rows
        How many rows the file has.

    Raises
    ------
    SchemaError
        If the word names no sex, or the file's own column says otherwise of somebody.

    Examples
    --------
    >>> with_one_sex({"age": pl.Series("age", [61.0])}, "female", 1)[0]["sex"].to_list()
    ['female']
    """
    if declared is None:
        return columns, []
    sex, variable = one_sex(declared), codebook()["sex"]
    alone = pl.Series("sex", [sex] * rows, dtype=variable.dtype)
    given = columns.get("sex")
    other = 0 if given is None else int((given != sex).fill_null(False).sum())
    if other:
        raise SchemaError(
            f"sex={sex!r} (--sex {sex}) says that all people are {sex}, and the column sex says "
            f"otherwise in {other:,} of {rows:,} rows: leave sex= (--sex) out, or correct the file"
        )
    n = rows if given is None else given.null_count()
    message = f"taken as {sex}, as declared for all people (the file does not say): {n:,} rows"
    findings = [Finding("sex_declared", "note", "sex", n, message)] if n else []
    return columns | {"sex": alone}, findings
