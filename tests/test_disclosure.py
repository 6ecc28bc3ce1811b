"""Disclosure control, tested by attack: a solver of its own against what is published."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from osteo_epi import norms
from osteo_epi.errors import OutputError, SchemaError
from osteo_epi.tables import round_counts, suppress_counts

RULES = {
    "disclosure_below_5_local": 5,
    "disclosure_below_10_ons": 10,
    "disclosure_below_10_wa_doh": 10,
    "disclosure_below_11_cms": 11,
}


def cube(counts: np.ndarray, names: str = "abc") -> pl.DataFrame:
    """All cells and all margins of an array of counts, a row each."""
    rows = []
    for index in product(*(range(size + 1) for size in counts.shape)):
        margin = [i == size for i, size in zip(index, counts.shape, strict=True)]
        part = tuple(slice(None) if m else i for i, m in zip(index, margin, strict=True))
        levels = ["all" if m else str(i) for i, m in zip(index, margin, strict=True)]
        rows.append([*levels, int(counts[part].sum())])
    return pl.DataFrame(rows, schema=[*names[: counts.ndim], "n"], orient="row")


def attack(tables: list[pl.DataFrame], by: list[str]) -> dict[tuple, tuple[float, float]]:
    """Bounds of every hidden count from the published tables alone.

    Unknowns are the finest cells of the full cross of all levels, whether printed or not; every
    printed number is the sum of those that match it. No part of the package is used.
    """
    levels = {d: sorted({v for t in tables if d in t.columns for v in t[d]} - {"all"}) for d in by}
    finest = list(product(*(levels[d] for d in by)))
    equations, values, wanted = [], [], {}
    for table in tables:
        for row in table.iter_rows(named=True):
            key = tuple(row.get(d, "all") for d in by)
            match = [all(k in ("all", v) for k, v in zip(key, f, strict=True)) for f in finest]
            if row["n"] is None:
                wanted[key] = np.array(match, float)
            else:
                equations.append(np.array(match, float))
                values.append(row["n"])
    known = LinearConstraint(np.array(equations), values, values) if equations else None
    cap = sum(values) + 1000.0
    bounds = {}
    for key, match in wanted.items():
        ends = []
        for sign in (1, -1):
            found = milp(
                sign * match,
                integrality=np.ones(len(finest)),
                bounds=Bounds(0, cap),
                constraints=known,
            )
            assert found.success
            ends.append(round(sign * found.fun))
        bounds[key] = tuple(ends)
    return bounds


def truth(tables: list[pl.DataFrame], by: list[str]) -> dict[tuple, int]:
    return {
        tuple(row.get(d, "all") for d in by): row["n"]
        for table in tables
        for row in table.iter_rows(named=True)
    }


def assert_safe(tables: list[pl.DataFrame], by: list[str], threshold: int) -> None:
    result = suppress_counts(tables, by=by, rule=threshold)
    bounds = attack(list(result.tables), by)
    true = truth(tables, by)
    assert result.audit.height >= len(bounds)
    for key, (low, high) in bounds.items():
        assert low <= true[key] <= high
        if 0 < true[key] < threshold:
            assert high - low >= threshold, (key, low, high)
    for key, value in true.items():
        assert key in bounds or not 0 < value < threshold


small_tables = st.lists(
    st.sampled_from([0, 1, 2, 3, 4, 7, 9, 10, 11, 15, 40, 200]), min_size=12, max_size=12
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(small_tables, st.sampled_from([5, 10, 11]), st.sampled_from([(3, 4), (2, 6), (12,)]))
def test_no_small_count_comes_back_from_a_table_with_its_margins(values, threshold, shape):
    counts = np.array(values).reshape(shape)
    by = list("abc"[: counts.ndim])
    assert_safe([cube(counts)], by, threshold)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(small_tables, st.sampled_from([5, 10]))
def test_no_small_count_comes_back_from_a_table_of_three_dimensions(values, threshold):
    assert_safe([cube(np.array(values).reshape(2, 3, 2))], list("abc"), threshold)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(small_tables, st.sampled_from([5, 11]))
def test_tables_that_share_a_margin_do_not_undo_each_other(values, threshold):
    counts = np.array(values).reshape(2, 3, 2)
    by_age, by_region = cube(counts.sum(axis=2), "ab"), cube(counts.sum(axis=1), "ac")
    assert_safe([by_age, by_region], list("abc"), threshold)


def test_exhaustive_enumeration_agrees_that_a_two_by_two_table_is_safe():
    shown = suppress_counts(cube(np.array([[3, 6], [7, 9]])), by=["a", "b"], rule=5).tables[0]
    axis = np.arange(26)
    cells = np.stack(np.meshgrid(axis, axis, axis, axis), axis=-1).reshape(-1, 2, 2)
    fits = np.ones(len(cells), dtype=bool)
    for a, b, n, _ in shown.iter_rows():
        part = cells[:, *(slice(None) if v == "all" else int(v) for v in (a, b))]
        if n is not None:
            fits &= part.reshape(len(cells), -1).sum(axis=1) == n
    possible = cells[fits, 0, 0]
    assert possible.max() - possible.min() >= 5


def test_primary_suppression_alone_would_fail_the_attack():
    table = cube(np.array([[40, 60], [3, 57]])).with_columns(
        pl.when(pl.col("n") != 3).then(pl.col("n"))
    )
    assert attack([table], ["a", "b"])["1", "0"] == (3, 3)


@pytest.mark.parametrize(("rule", "threshold"), RULES.items())
def test_each_preset_shows_its_threshold_and_hides_one_less(rule, threshold):
    table = pl.DataFrame({"a": ["x", "y"], "n": [threshold, threshold - 1]})
    result = suppress_counts(table, by=["a"], rule=rule)
    assert result.tables[0]["n"].to_list() == [threshold, None]
    assert result.threshold == threshold
    norm = norms.load("presentation", rule)
    assert f"grade {norm.verification}" in result.rule


def test_zero_is_shown_and_a_table_without_small_counts_is_left_alone():
    table = cube(np.array([[0, 30], [20, 40]]))
    result = suppress_counts(table, by=["a", "b"], rule=10)
    assert result.tables[0]["n"].to_list() == table["n"].to_list()
    assert result.audit.height == 0


def test_an_unlisted_remainder_is_a_small_count_too():
    """60 + 37 of 100: three people of unknown sex stand in no row, and anybody can count them."""
    table = pl.DataFrame({"sex": ["female", "male", "all"], "n": [60, 37, 100]})
    result = suppress_counts(table, by=["sex"], rule=10)
    assert result.tables[0]["n"].null_count() >= 1
    assert "unlisted part of total" in result.audit["cell"].to_list()


def test_derived_numbers_go_with_their_count_and_words_stay():
    table = pl.DataFrame(
        {"sex": ["female", "male"], "n": [40, 3], "percent": [12.0, 33.3], "note": ["a", "b"]}
    )
    shown = suppress_counts(table, by=["sex"], rule=10).tables[0]
    assert shown.row(1) == ("male", None, None, "b", "hidden")
    assert shown.row(0) == ("female", 40, 12.0, "a", "shown")


def test_a_percentage_of_a_hidden_denominator_is_hidden_too():
    """Row y totals 6: hidden. Its empty cell is shown as 0, but 0 % or 100 % of 6 must not be."""
    table = cube(np.array([[50, 60], [6, 0]])).with_columns(row_percent=pl.lit(50.0))
    shown = suppress_counts(table, by=["a", "b"], rule=10, within={"row_percent": "b"}).tables[0]
    hidden_rows = shown.filter((pl.col("b") == "all") & pl.col("n").is_null())["a"].to_list()
    assert "1" in hidden_rows
    assert shown.filter(pl.col("a").is_in(hidden_rows))["row_percent"].null_count() == 3 * len(
        hidden_rows
    )


def test_the_published_table_does_not_tell_small_counts_from_complements():
    result = suppress_counts(cube(np.array([[40, 60], [3, 57]])), by=["a", "b"], rule=10)
    assert set(result.tables[0]["disclosure"]) == {"shown", "hidden"}
    assert set(result.audit["reason"]) == {"below the threshold", "complement"}
    assert "n" not in result.audit.columns


def test_the_audit_states_what_the_attack_finds():
    table = cube(np.array([[40, 60, 8], [3, 57, 30]]))
    result = suppress_counts(table, by=["a", "b"], rule=10)
    bounds = attack(list(result.tables), ["a", "b"])
    stated = {
        row["cell"]: (row["lowest"], row["highest"]) for row in result.audit.iter_rows(named=True)
    }
    assert stated == {
        ", ".join(f"{d}={v}" for d, v in zip("ab", key, strict=True) if v != "all"): ends
        for key, ends in bounds.items()
    }


def test_totals_that_are_known_anyway_stay_or_the_error_says_why_not():
    table = cube(np.array([[40, 60], [3, 57]]))
    margins = (pl.col("a") == "all") | (pl.col("b") == "all")
    kept = suppress_counts(table, by=["a", "b"], rule=10, keep=margins).tables[0]
    assert kept.filter(margins)["n"].null_count() == 0
    one_row = pl.DataFrame({"a": ["x", "y", "all"], "n": [3, 4, 7]})
    with pytest.raises(OutputError, match="below the threshold themselves: total"):
        suppress_counts(one_row, by=["a"], rule=5 + 5, keep=pl.col("a") == "all")
    lone = pl.DataFrame({"a": ["x", "y", "all"], "n": [3, 40, 43]})
    with pytest.raises(OutputError, match="a=x comes back"):
        suppress_counts(lone, by=["a"], rule=10, keep=pl.col("a") != "x")


def test_complements_are_few_and_cheap():
    """A 2 × 2 block suffices for one small inner cell; a total is not taken where cells do."""
    counts = np.array([[400, 600, 900], [3, 570, 80], [700, 800, 900]])
    result = suppress_counts(cube(counts), by=["a", "b"], rule=10)
    hidden = result.tables[0].filter(pl.col("n").is_null())
    assert hidden.height == 4
    assert "all" not in {*hidden["a"], *hidden["b"]}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pl.DataFrame({"a": ["x", "x"], "n": [1, 2]}), "2 rows share their levels"),
        (pl.DataFrame({"a": ["x"], "n": [1.5]}), "1 of 1 rows"),
        (pl.DataFrame({"a": ["x"], "n": [None]}, schema={"a": pl.String, "n": pl.Int64}), "1 of 1"),
        (pl.DataFrame({"a": ["x", "all"], "n": [9, 5]}), "exceed it, along"),
        (pl.DataFrame({"b": ["x"], "n": [1]}), "needs the column"),
    ],
)
def test_a_table_that_is_no_table_of_counts_is_refused(table, message):
    with pytest.raises(SchemaError, match=message):
        suppress_counts(table, by=["a"], rule=10)


def test_tables_that_disagree_on_a_shared_margin_are_refused():
    one = pl.DataFrame({"a": ["x", "all"], "n": [30, 30]})
    two = pl.DataFrame({"b": ["y", "all"], "n": [31, 31]})
    with pytest.raises(SchemaError, match="table 2 has another 'n'"):
        suppress_counts([one, two], by=["a", "b"], rule=10)


def test_a_rule_that_is_none_is_refused():
    table = pl.DataFrame({"a": ["x"], "n": [1]})
    with pytest.raises(OutputError, match="no disclosure rule"):
        suppress_counts(table, by=["a"], rule="nchs_count")
    with pytest.raises(OutputError, match="hides nothing"):
        suppress_counts(table, by=["a"], rule=1)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(small_tables, st.sampled_from([5, 10]), st.sampled_from([(3, 4), (2, 3, 2)]))
def test_rounded_tables_add_up_and_leave_zero_or_the_base_possible(values, base, shape):
    table = cube(np.array(values).reshape(shape))
    by = list("abc"[: len(shape)])
    result = round_counts(table, by=by, base=base)
    rounded = result.tables[0]
    assert (rounded["n"] % base == 0).all()
    assert ((rounded["n"] - table["n"]).abs() < result.steps * base).all()
    inner = rounded.filter(pl.all_horizontal(pl.col(by) != "all"))
    again = cube(inner["n"].to_numpy().reshape(shape))
    assert again.sort(by)["n"].to_list() == rounded.sort(by)["n"].to_list()


def test_rounding_drops_exact_percentages_and_refuses_a_base_of_one():
    table = pl.DataFrame({"a": ["x", "y"], "n": [12, 13], "percent": [48.0, 52.0], "note": "ok"})
    assert round_counts(table, by=["a"], base=5).tables[0].columns == ["a", "n", "note"]
    with pytest.raises(OutputError, match="changes nothing"):
        round_counts(table, by=["a"], base=1)


def test_names_are_escaped_in_html():
    table = pl.DataFrame({"a": ["<script>alert(1)</script>", "y"], "n": [12, 3]})
    for result in (
        suppress_counts(table, by=["a"], rule=10),
        round_counts(table, by=["a"], base=5),
    ):
        assert "<script>" not in result._repr_html_()
