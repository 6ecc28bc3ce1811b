"""Forms of dates and of minus signs that can be read surely, and those that cannot."""

from __future__ import annotations

from datetime import date

import pytest

from osteo_epi.cohort import read
from osteo_epi.errors import SchemaError


def people(**columns):
    n = len(next(iter(columns.values())))
    named = {name.replace("_", " "): values for name, values in columns.items()}
    return read({"sex": ["F"] * n, "age": [66] * n} | named)


@pytest.mark.parametrize(
    "cell",
    [
        *("30DEC2019", "30DEC19", "30dec2019", "30-Dec-2019", "30-Dec-19", "30 December 2019"),
        *("30DEC2019:08:15:00", "30DEC2019 08:15", "Dec 30, 2019", "30/Dec/2019", "2019-Dec-30"),
    ],
)
def test_a_month_in_letters(cell):
    read_in = people(scan_date=[cell, "05MAR2019"])
    assert read_in["scan_date"].to_list() == [date(2019, 12, 30), date(2019, 3, 5)]
    assert "not_dates" not in read_in.findings.codes


@pytest.mark.parametrize("cell", ["30DEX2019", "30decade2019", "31FEB2019", "DEC2019", "30DEC219"])
def test_what_is_no_such_day_is_counted(cell):
    read_in = people(scan_date=[cell, "05MAR2019"])
    assert read_in["scan_date"].to_list() == [None, date(2019, 3, 5)]
    assert read_in.findings.of("not_dates")[0].n == 1


def test_a_year_of_birth_of_two_digits_that_may_be_of_two_centuries_leaves_all_unread():
    sure = people(date_of_birth=["05MAR45", "30DEC61"])["birth_date"]
    assert sure.to_list() == [date(1945, 3, 5), date(1961, 12, 30)]
    unsure = people(date_of_birth=["05MAR45", "30DEC19"])
    assert unsure["birth_date"].to_list() == [None, None]
    assert unsure.findings.of("not_dates")[0].n == 2


def test_ages_from_dates_of_sas():
    read_in = read({"sex": ["F"], "date of birth": ["30DEC1950"], "scan date": ["29DEC2019"]})
    assert read_in["age"].to_list() == [68.0]


@pytest.mark.parametrize("cell", ["– 2.5", "\u2212 2.5", "- 2.5", "— 2,5", "－ 2.5"])
def test_a_minus_and_a_blank(cell):
    read_in = people(FN_T_score=[cell, "0.3"])
    assert read_in["t_score_femoral_neck_reported"].to_list() == [-2.5, 0.3]
    with pytest.raises(SchemaError, match="text, not a number"):
        people(FN_BMD=["- 0.8", "- 0.7"])


def test_a_minus_behind_all_negative_numbers():
    read_in = people(FN_T_score=["2.5-", "1.0 -", "0.3"])
    assert read_in["t_score_femoral_neck_reported"].to_list() == [-2.5, -1.0, 0.3]
    (said,) = read_in.findings.of("minus_behind")
    assert (said.n, said.severity) == (2, "warning")


@pytest.mark.parametrize("others", [["-1.0"], ["- 1.0"]])
def test_a_minus_behind_some_is_refused(others):
    with pytest.raises(SchemaError, match="2 cells hold text, not a number"):
        people(FN_T_score=["2.5-", "1.0-", *others])
