"""Dates out of text, Excel's serial numbers and dates; ages that are dates of birth."""

from __future__ import annotations

import polars as pl

from osteo_epi.cohort.codebook import Variable
from osteo_epi.cohort.coding import texts
from osteo_epi.cohort.findings import Finding
from osteo_epi.cohort.missing import share

_EXCEL_EPOCH = pl.date(1899, 12, 30)
_SERIAL = (5_000, 60_000)  # 1913 to 2064
_MOST = 0.5
_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%d-%b-%Y")
_ORDERS = ("%d-%m-%Y", "%m-%d-%Y")


def to_dates(column: pl.Series, variable: Variable) -> tuple[pl.Series, list[Finding]]:
    """Read a column as dates.

    Text is read as year, month, day with any signs (2019年3月5日, 2019/3/5, 20190305). A day before
    or after its month (05/03/2019) is read only if the column holds a day above 12 that decides
    it for all. Numbers are read as Excel's day count from 1899-12-30.

    Returns
    -------
    tuple
        The dates, and findings.

    Examples
    --------
    >>> from osteo_epi.cohort.codebook import codebook
    >>> scan = codebook()["scan_date"]
    >>> dates, found = to_dates(pl.Series(["2019年3月5日", "2019/03/06", "43530"]), scan)
    >>> [str(d) for d in dates], [f.code for f in found]
    (['2019-03-05', '2019-03-06', '2019-03-06'], ['excel_dates'])
    """
    if column.dtype in (pl.Date, pl.Datetime):
        return column.cast(pl.Date), []
    if column.dtype.is_numeric():
        column = column.cast(pl.Float64).fill_nan(None).cast(pl.Int64).cast(pl.String)
    plain = texts(column)
    body = _plain_signs(plain)
    parsed = _first([body.str.to_date(f, strict=False) for f in _FORMATS])
    parsed, ambiguous = _day_or_month_first(body, parsed)
    serials = _serials(body.set(parsed.is_not_null(), None))
    dates = _within(_first([parsed, serials]), variable)
    lost = int((plain.is_not_null() & dates.is_null()).sum())
    return dates, _findings(variable.name, int(serials.is_not_null().sum()), ambiguous, lost)


def _plain_signs(plain: pl.Series) -> pl.Series:
    """2019年3月5日 10:20, 2019/3/5, 2019.3.5 → 2019-3-5."""
    body = plain.str.replace(r"[ T]\d{1,2}:\d{2}.*$", "")
    body = body.str.replace_all(r"[年月/.]", "-").str.replace("日", "").str.strip_chars("- ")
    return body.str.replace(r"^(\d{4})-(\d{1,2})$", "${1}-${2}-1")


def _first(columns: list[pl.Series]) -> pl.Series:
    named = [c.alias(str(i)) for i, c in enumerate(columns)]
    return pl.DataFrame(named).select(pl.coalesce(pl.all())).to_series()


def _day_or_month_first(body: pl.Series, parsed: pl.Series) -> tuple[pl.Series, int]:
    """Choose the order that fits every cell, if only one does."""
    rest = body.set(parsed.is_not_null(), None)
    rest = rest.set(~rest.str.contains(r"^\d{1,2}-\d{1,2}-\d{4}$").fill_null(False), None)
    n = int(rest.is_not_null().sum())
    if not n:
        return parsed, 0
    tried = [rest.str.to_date(order, strict=False) for order in _ORDERS]
    fits = [t for t in tried if int(t.is_not_null().sum()) == n]
    return (_first([parsed, fits[0]]), 0) if len(fits) == 1 else (parsed, n)


def _serials(body: pl.Series) -> pl.Series:
    number = body.cast(pl.Float64, strict=False)
    days = number.set(~number.is_between(*_SERIAL).fill_null(False), None).cast(pl.Int64)
    frame = pl.DataFrame({"days": days})
    return frame.select(_EXCEL_EPOCH + pl.duration(days="days")).to_series().cast(pl.Date)


def _within(dates: pl.Series, variable: Variable) -> pl.Series:
    low, high = variable.range or (1, 9999)
    return dates.set(~dates.dt.year().is_between(int(low), int(high)).fill_null(False), None)


def _findings(name: str, serials: int, ambiguous: int, lost: int) -> list[Finding]:
    found = []
    if serials:
        message = f"numbers read as Excel's day count from 1899-12-30: {serials}"
        fix = "check that the file was not made by Excel for Mac before 2011 (day count from 1904)"
        found.append(Finding("excel_dates", "note", name, serials, message, fix))
    if ambiguous:
        message = f"dates that do not tell the day from the month, now null: {ambiguous}"
        found.append(
            Finding(
                "ambiguous_dates", "error", name, ambiguous, message, "write them as 2019-03-05"
            )
        )
    if lost > ambiguous:
        message = f"cells that are no dates in a plausible year, now null: {lost - ambiguous}"
        fix = "write them as 2019-03-05"
        found.append(Finding("not_dates", "warning", name, lost - ambiguous, message, fix))
    return found


def looks_like_dates(column: pl.Series) -> str | None:
    """What an age column holds instead of ages: "dates", "Excel dates", "years of birth" or None.

    >>> looks_like_dates(pl.Series(["1953-02-11", "1960-11-30"]))
    'dates'
    >>> looks_like_dates(pl.Series([61.0, 70.0]))
    """
    if column.dtype in (pl.Date, pl.Datetime):
        return "dates"
    text = texts(column).drop_nulls()
    body = _plain_signs(text.str.replace(r"\.0+$", ""))
    if not len(body):
        return None
    number = body.cast(pl.Float64, strict=False)
    kinds = {
        "dates": body.str.contains(
            r"^(\d{4}-\d{1,2}-\d{1,2}|(18|19|20)\d{6}|\d{1,2}-\d{1,2}-\d{4})$"
        ),
        "years of birth": number.is_between(1880, 2030),
        "Excel dates": number.is_between(*_SERIAL),
    }
    return next((k for k, hit in kinds.items() if share(hit.fill_null(False)) > _MOST), None)


def completed_years(birth: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Whole years of age on a day: exact on birthdays, which days divided by 365.25 are not."""
    before = (day.dt.month() * 100 + day.dt.day()) < (birth.dt.month() * 100 + birth.dt.day())
    return (day.dt.year() - birth.dt.year() - before.cast(pl.Int32)).cast(pl.Float64)
