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


# ---- groupings within groupings, text with counts, size


def bands(width: int, counts: list[int], column: str = "age") -> pl.DataFrame:
    """Counts of five-year bands from 50, joined to bands of a width."""
    step = width // 5
    joined = [sum(counts[i : i + step]) for i in range(0, len(counts), step)]
    names = [f"{50 + width * i}-{49 + width * (i + 1)}" for i in range(len(joined))]
    return pl.DataFrame({column: names, "n": joined})


def nested_bounds(tables: tuple[pl.DataFrame, ...], size: int) -> dict[str, tuple[int, int]]:
    """What the published tables of bands leave possible, worked out from five-year cells."""
    equations, values, wanted = [], [], {}
    for table in tables:
        for name, n, _ in table.iter_rows():
            low, high = (int(end) for end in name.split("-"))
            match = np.array([low <= 50 + 5 * i <= high for i in range(size)], float)
            if n is None:
                wanted[name] = match
            else:
                equations.append(match)
                values.append(n)
    known = LinearConstraint(np.array(equations), values, values) if equations else None
    box, whole = Bounds(0, sum(values) + 1000.0), np.ones(size)
    return {
        name: tuple(
            round(s * milp(s * match, integrality=whole, bounds=box, constraints=known).fun)
            for s in (1, -1)
        )
        for name, match in wanted.items()
    }


def test_ten_year_bands_do_not_give_a_five_year_band_back():
    """182 - 180 = 2: the bands stand in two tables, and the audit said 0 to 17."""
    counts = [180, 2, 15, 40]
    result = suppress_counts([bands(5, counts), bands(10, counts)], by=["age"], rule=10)
    low, high = nested_bounds(result.tables, 4)["55-59"]
    assert high - low >= 10
    stated = result.audit.filter(cell="age=55-59").row(0, named=True)
    assert (stated["lowest"], stated["highest"]) == (low, high)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([0, 1, 2, 4, 9, 10, 15, 40, 180]), min_size=8, max_size=8),
    st.sampled_from([(5, 10), (5, 20), (5, 10, 20), (5, 10, 40)]),
)
def test_bands_of_several_widths_protect_each_other(counts, widths):
    tables = [bands(width, counts) for width in widths]
    result = suppress_counts(tables, by=["age"], rule=10)
    bounds = nested_bounds(result.tables, 8)
    true = {name: n for table in tables for name, n in table.iter_rows()}
    stated = {row["cell"]: row for row in result.audit.iter_rows(named=True)}
    for name, n in true.items():
        assert name in bounds or not 0 < n < 10
        if name in bounds:
            low, high = bounds[name]
            assert low <= n <= high
            assert high - low >= 10 or not 0 < n < 10
            assert stated[f"age={name}"]["lowest"] == low
            assert stated[f"age={name}"]["highest"] in (high, None)


def test_a_declared_hierarchy_is_one_system_with_its_parts_and_the_total():
    parts = pl.DataFrame({"region": ["a", "b", "c"], "sex": ["f"] * 3, "n": [180, 2, 40]})
    wholes = pl.DataFrame({"region": ["north", "all"], "sex": ["f", "f"], "n": [182, 222]})
    nested = {"region": {"north": ["a", "b"]}}
    result = suppress_counts([parts, wholes], by=["region", "sex"], rule=10, nested=nested)
    shown = {r: n for t in result.tables for r, n in zip(t["region"], t["n"], strict=True)}
    assert shown["b"] is None
    assert shown["a"] is None or shown["north"] is None
    alone = suppress_counts([parts, wholes[:1]], by=["region", "sex"], rule=10)
    assert alone.tables[0]["n"].to_list() == [180, None, 40]  # nobody said so
    with pytest.raises(SchemaError, match=r"nested names 1 level\(s\) of region"):
        suppress_counts(parts, by=["region", "sex"], rule=10, nested={"region": {"south": ["a"]}})
    with pytest.raises(SchemaError, match="not among by="):
        suppress_counts(parts, by=["region", "sex"], rule=10, nested={"place": {}})


def test_overlapping_bands_and_nested_columns_are_refused_with_the_way_out():
    one = pl.DataFrame({"age": ["50-59", "60-69"], "n": [30, 40]})
    two = pl.DataFrame({"age": ["55-64"], "n": [33]})
    with pytest.raises(SchemaError, match=r"2 pair\(s\) of bands in age overlap"):
        suppress_counts([one, two], by=["age"], rule=10)
    counts = [180, 2, 15, 40]
    apart = [bands(5, counts), bands(10, counts, "decade")]
    with pytest.raises(SchemaError, match=r"age and decade look like .* one column of the same"):
        suppress_counts(apart, by=["age", "decade"], rule=10)
    kept = suppress_counts(apart, by=["age", "decade"], rule=10, nested={})
    assert kept.audit.height == 1


def test_bands_that_share_an_end_are_neighbours():
    table = pl.DataFrame({"age": ["50-60", "60-70", "70+", "all"], "n": [30, 40, 20, 90]})
    assert suppress_counts(table, by=["age"], rule=10).audit.height == 0


def test_text_with_counts_in_it_is_not_left_beside_protected_counts():
    table = pl.DataFrame({
        "sex": ["female", "male"], "n": [40, 3], "cell": ["40 (93%)", "3 (7%)"],
        "rule": ["T <= -2.5"] * 2, "note": ["a", "b"], "parts": [[20, 20], [1, 2]],
    })  # fmt: skip
    result = suppress_counts(table, by=["sex"], rule=10)
    assert result.tables[0].columns == ["sex", "n", "rule", "note", "disclosure"]
    assert result.left_out == ("cell", "parts")
    assert "left out, since their text holds numbers" in repr(result)
    named = suppress_counts(table, by=["sex"], rule=10, derived=["cell"]).tables[0]
    assert named["cell"].to_list() == ["40 (93%)", None]


def test_tables_too_large_for_the_search_are_refused_before_it_begins():
    counts = np.random.default_rng(0).negative_binomial(1, 0.03, size=(4, 4, 4, 5))
    with pytest.raises(OutputError, match=r"750 cells, .*round_counts"):
        suppress_counts(cube(counts, "abcd"), by=list("abcd"), rule=10)


def test_no_count_of_many_tables_comes_back():
    """Seeded tables of two ways with their margins, every hidden cell attacked: none of 425."""
    rng, attacked, got = np.random.default_rng(11), 0, []
    while attacked < 425:
        counts = rng.negative_binomial(1, 0.05, size=[(4, 4), (3, 6), (5, 4)][attacked % 3])
        result = suppress_counts(cube(counts), by=["a", "b"], rule=10)
        bounds = attack(list(result.tables), ["a", "b"])
        attacked += len(bounds)
        got += [cell for cell, (low, high) in bounds.items() if low == high]
    assert not got


def test_a_table_of_three_ways_with_many_small_cells_is_refused():
    counts = np.random.default_rng(0).negative_binomial(1, 0.05, size=(5, 5, 5))
    with pytest.raises(OutputError, match="more than can be protected in about a minute"):
        suppress_counts(cube(counts), by=list("abc"), rule=10)


def test_a_survey_by_sex_race_band_and_class_is_not_too_large():
    """As large as NHANES by sex and race, which takes 4 s; the refusal of `keep` comes later."""
    counts = np.random.default_rng(5).negative_binomial(2, 0.05, size=(2, 5, 2, 5))
    table = cube(counts, "abcd")
    assert table["n"].is_between(1, 9).sum() == 10
    with pytest.raises(OutputError, match="keep"):
        suppress_counts(table, by=list("abcd"), rule=10, keep=pl.col("n") > 0)


def test_the_solver_prints_nothing(capfd):
    suppress_counts(cube(np.array([[3, 6, 2], [7, 9, 1]])), by=["a", "b"], rule=10)
    assert capfd.readouterr() == ("", "")
