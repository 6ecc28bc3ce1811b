"""Table 1: who was studied, in numbers that other software and the hand agree with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy import stats

from osteo_epi.cohort import read
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import DesignError, SchemaError
from osteo_epi.language import speaking
from osteo_epi.survey import SurveyDesign, contrast, domain_means
from osteo_epi.tables import characteristics_table, table_one

GOLDEN = Path(__file__).parent / "golden"
DESIGN = SurveyDesign(weight="w", psu="psu")
R_DESIGN = SurveyDesign(weight="wt", stratum="strata", psu="psu")


def cohort(n: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(7)
    people = {
        "age": rng.uniform(50, 90, n),
        "bmi": rng.normal(25, 4, n),
        "sex": rng.choice(["female", "male"], n),
        "region": rng.choice(["north", "south", "west"], n),
        "fracture": rng.random(n) < 0.2,
        "w": rng.uniform(1, 5, n),
        "psu": rng.integers(0, 40, n),
    }
    known = pl.Series(rng.random(n) > 0.1)
    return pl.DataFrame(people).with_columns(
        pl.when(known).then("age").alias("age"),
        pl.when(known).then("fracture").alias("fracture"),
        pl.col("sex").cast(pl.Enum(["female", "male"])),
    )


@pytest.fixture(scope="module")
def osteo() -> pl.DataFrame:
    return pl.read_csv(GOLDEN / "data" / "osteo_survey.csv", infer_schema_length=None)


@pytest.fixture(scope="module")
def records() -> dict:
    return json.loads((GOLDEN / "a_survey.json").read_text())


def value(table, variable, level, group, what="estimate", weighting=None):
    """A number behind a cell: of a level, or of a statistic."""
    values = table.values
    if weighting:
        values = values.filter(pl.col("weighting") == weighting)
    row = values.row(
        by_predicate=pl.col("variable").eq_missing(variable)
        & (pl.col("level").eq_missing(level) | (pl.col("statistic") == level))
        & pl.col("group").eq_missing(group),
        named=True,
    )
    return row[what]


def compared(table, variable, statistic):
    return value(table, variable, statistic, None)


def test_counts_are_unweighted_and_percentages_weighted_among_those_measured():
    frame = cohort()
    table = table_one(frame, variables=["fracture"], by="sex", design=DESIGN)
    women = frame.filter((pl.col("sex") == "female") & pl.col("fracture").is_not_null())
    assert value(table, "fracture", "true", "female", "n") == women["fracture"].sum()
    share = (women["fracture"] * women["w"]).sum() / women["w"].sum()
    assert value(table, "fracture", "true", "female") == pytest.approx(share, rel=1e-12)
    assert value(table, None, "count", "all", "n") == 400


def test_missing_values_have_a_line_of_their_own_and_add_up():
    frame = cohort()
    table = table_one(frame, variables=["age", "fracture", "region"], by="sex", design=DESIGN)
    for name in ("age", "fracture"):
        missing = value(table, name, "missing", "all", "n")
        assert missing == frame[name].null_count() > 0
    measured = [value(table, "fracture", level, "male", "n") for level in ("true", "false")]
    people = value(table, None, "count", "male", "n")
    assert sum(measured) + value(table, "fracture", "missing", "male", "n") == people
    of_region = table.values.filter(pl.col("variable") == "region")
    assert "missing" not in of_region["statistic"].to_list()


def test_means_spreads_and_errors_are_those_of_r_survey(osteo, records):
    """svymean, svyvar and its standard error, through the frame."""
    table = table_one(
        osteo, variables=["bmi", "age", "bmd"], design=R_DESIGN, statistics=["mean_sd", "mean_se"]
    )
    for record, names in (("osteo.mean2", ("bmi", "age")), ("osteo.mean.bmd", ("bmd",))):
        result = records[record]["result"]
        for name in names:
            for what in ("estimate", "se"):
                found = value(table, name, "mean_se", "all", what)
                assert found == pytest.approx(result[what][name], rel=1e-8)
            assert value(table, name, "mean_sd", "all", "se") is None, "it is not shown there"
    variance = records["osteo.var.bmd"]["result"]["estimate"]
    assert value(table, "bmd", "mean_sd", "all", "sd") ** 2 == pytest.approx(variance, rel=1e-8)


def test_shares_are_tested_as_r_survey_does(osteo, records):
    """svychisq(statistic = "F"), of two groups and of several."""
    for name, by, record in (
        ("priorfx", "sex", "osteo.svychisq2x2.F"),
        ("osteo", "agegrp", "osteo.svychisq.F"),
    ):
        people = osteo.with_columns(pl.col("sex", "priorfx", "osteo").cast(pl.String))
        table = table_one(people, variables=[name], by=by, design=R_DESIGN, p=True)
        expected = records[record]["result"]["p"]
        assert compared(table, name, "p_shares") == pytest.approx(expected, rel=1e-8)


def test_means_of_two_groups_are_tested_by_their_difference(osteo):
    people = osteo.with_columns(pl.col("sex").cast(pl.String))
    table = table_one(people, variables=["bmi"], by="sex", design=R_DESIGN, p=True)
    design = R_DESIGN.arrays(people)
    values = people["bmi"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    sexes = people["sex"].cast(int).to_numpy()
    gap = contrast(domain_means(values, sexes, design), np.array([1.0, -1.0]))
    # R's svyttest has one degree of freedom less than the design, for the slope.
    expected = 2 * stats.t.sf(abs(gap.value[0] / gap.se[0]), gap.df - 1)
    assert compared(table, "bmi", "p_means") == pytest.approx(expected, rel=1e-8)


def test_tied_ranks_do_not_hang_on_the_order_of_the_file():
    """Weights within a tie were added up in the order of the rows, and p went with it."""
    people = cohort().with_columns(pl.col("bmi").round(0))

    def p_of(frame):
        options = {"by": "sex", "statistics": "median_iqr", "p": True, "design": DESIGN}
        return compared(table_one(frame, variables=["bmi"], **options), "bmi", "p_ranks")

    assert p_of(people) == p_of(people.reverse()) == p_of(people.sample(400, shuffle=True, seed=1))


def test_ranks_know_the_order_only():
    frame = cohort().with_columns(stretched=(pl.col("bmi") / 4).exp())
    how = {"by": "region", "design": DESIGN, "p": True, "statistics": "median_iqr"}
    table = table_one(frame, variables=["bmi", "stretched"], **how)
    p = [compared(table, name, "p_ranks") for name in ("bmi", "stretched")]
    assert p[0] == pytest.approx(p[1], rel=1e-10)
    by_means = table_one(frame, variables=["bmi"], by="region", design=DESIGN, p=True)
    assert compared(by_means, "bmi", "p_means") != pytest.approx(p[0], rel=1e-3)


def test_the_median_is_the_middle_of_two_and_quartiles_alike():
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 10.0, None]})
    (label, cell), missing = table_one(frame, variables=["x"], statistics="median_iqr").rows
    assert (label, cell, missing) == ("x, median (quartiles)", "2.5 (1.5–6.5)", ("Missing", "1"))


def test_the_standardised_difference_worked_by_hand():
    """Means 1 and 2 with variance 2: 1/√2. Shares 0.5 and 0.25: 0.25/√((0.25 + 0.1875)/2)."""
    frame = pl.DataFrame(
        {
            "group": ["a"] * 4 + ["b"] * 4,
            "x": [0.0, 2.0, None, None, 1.0, 3.0, None, None],
            "yes": [True, True, False, False, True, False, False, False],
            "kind": ["u", "v", "v", "w", "u", "u", "u", "w"],
        }
    )
    table = table_one(frame, variables=["x", "yes", "kind"], by="group", smd=True)
    assert compared(table, "x", "smd") == pytest.approx(1 / np.sqrt(2))
    assert compared(table, "yes", "smd") == pytest.approx(0.25 / np.sqrt(0.4375 / 2))
    # Yang and Dalton: differences (0.5, 0) of v and w over the mean of their covariances.
    first, second = np.array([[0.25, -0.125], [-0.125, 0.1875]]), np.diag([0.0, 0.1875])
    spread = (first + second) / 2
    gap = np.array([0.5, 0.0])
    expected = np.sqrt(gap @ np.linalg.inv(spread) @ gap)
    assert compared(table, "kind", "smd") == pytest.approx(expected)
    assert table.columns[-1] == "SMD"


def test_the_note_says_of_how_many_pairs_a_difference_is():
    how = {"variables": ["bmi"], "by": "region", "design": DESIGN, "smd": True}
    for overall in (True, False):
        notes = table_one(cohort(), overall=overall, **how).notes
        assert any(note.endswith("the mean over all pairs.") for note in notes)
    of_two = table_one(cohort(), variables=["bmi"], by="sex", design=DESIGN, smd=True).notes
    assert "SMD: absolute standardised mean difference." in of_two


def test_the_design_is_told_by_the_survey_s_own_names(tmp_path):
    file = tmp_path / "survey.csv"
    people = cohort(60).select("age", "sex", WTMEC2YR="w", SDMVPSU=pl.col("psu") % 4)
    people.with_columns(SDMVSTRA=pl.lit(1), person_id=pl.int_range(60)).write_csv(file)
    table = table_one(read(file), variables=["age"], accept_errors=True)
    assert "Survey design: weights WTMEC2YR; strata SDMVSTRA; units SDMVPSU." in table.notes


def test_groups_that_cannot_be_compared_have_a_dash_and_no_number():
    frame = pl.DataFrame({"group": ["a", "a", "b", "b"], "x": [1.0, 1.0, 1.0, 1.0],
                          "yes": [True, True, False, False]})  # fmt: skip
    table = table_one(frame, variables=["x", "yes"], by="group", p=True, smd=True)
    assert table.rows[0][-2:] == ("–", "–")
    assert compared(table, "yes", "smd") is None, "an infinite difference is no number"
    alone = table_one(frame, variables=["x"], by="group", domain=pl.col("yes"), p=True)
    assert alone.rows[0][-1] == "–"


def test_several_statistics_stand_below_their_variable_one_beside_it():
    table = table_one(
        cohort(), variables=["age", "bmi", "region", "fracture"], by="sex", design=DESIGN,
        statistics={"age": ["mean_sd", "median_iqr"]}, p=True,
    )  # fmt: skip
    labels = [row[0] for row in table.rows]
    assert labels == [
        *("Age [years]", "Mean ± SD", "Median (quartiles)", "Missing"),
        "Body mass index [kg/m²], mean ± SD",
        *("region, n (%)", "north", "south", "west", "fracture, n (%)", "Missing"),
    ]
    assert table.indents == (0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1)
    assert [bool(row[-1]) for row in table.rows] == [indent == 0 for indent in table.indents]


def test_weighted_and_unweighted_stand_side_by_side():
    frame = cohort()
    table = table_one(frame, variables=["bmi"], by="sex", design=DESIGN, weighting="both")
    assert table.spanners[1][1] == 2
    assert table.columns[1:] == ("Weighted", "Unweighted") * 3
    women = frame.filter(pl.col("sex") == "female")["bmi"]
    assert table.rows[0][4] == f"{women.mean():.1f} ± {women.std():.1f}"
    means = [value(table, "bmi", "mean_sd", "female", weighting=w)
             for w in ("weighted", "unweighted")]  # fmt: skip
    assert means[0] != pytest.approx(means[1], rel=1e-4)
    assert means[1] == pytest.approx(women.mean(), rel=1e-12)


def test_a_domain_is_a_mask_and_equals_zero_weights():
    frame = cohort()
    masked = table_one(frame, variables=["age"], design=DESIGN, domain=pl.col("age") >= 65)
    zeroed = frame.with_columns(w=pl.when(pl.col("age") >= 65).then("w").otherwise(0.0))
    weightless = table_one(zeroed, variables=["age"], design=DESIGN)
    assert_frame_equal(masked.values, weightless.values)
    by_series = table_one(frame, variables=["age"], design=DESIGN, domain=frame["age"] >= 65)
    assert_frame_equal(masked.values, by_series.values)
    without = table_one(zeroed, variables=["age"], design=DESIGN, weighting="unweighted")
    assert value(without, "age", "mean_sd", "all", "n") == (frame["age"] >= 65).sum()


def test_people_of_unknown_group_are_in_all_and_in_no_group():
    frame = pl.DataFrame({"sex": ["female", "male", None], "age": [50.0, 60.0, 70.0]})
    table = table_one(frame, variables=["age"], by="sex")
    assert [value(table, None, "count", g, "n") for g in ("all", "female", "male")] == [3, 1, 1]
    assert "1 people of no known group are counted under all." in table.notes
    assert len(table_one(frame, variables=["age"], by="sex", overall=False).columns) == 3


def test_no_man_lacks_a_menopause():
    frame = pl.DataFrame(
        {"sex": ["female", "female", "male"], "postmenopausal": [True, None, None]}
    )
    rows = table_one(frame, variables=["postmenopausal"], by="sex").rows
    assert rows == (
        ("Postmenopausal (women), n (%)", "1 (100.0)", "1 (100.0)", ""),
        ("Missing", "1", "1", ""),
    )


def test_the_spine_is_the_one_that_was_classified():
    """The file's total is missing where a vertebra is: those people have a class all the same."""
    people = pl.DataFrame(
        {
            "age": [66.0, 67.0, 68.0],
            "sex": ["female"] * 3,
            **{f"abmd_l{i}": [0.9, 0.95, 1.0] for i in (1, 2, 3)},
            "abmd_l4": [0.9, None, 1.0],
            "abmd_lumbar_spine": [0.9, None, 1.0],
            "abmd_femoral_neck": [0.7] * 3,
            "abmd_total_hip": [0.8] * 3,
        }
    )
    classified = classify(people, definition("china_2020", reference="nhanes3_white"))
    table = table_one(classified, variables=["abmd_lumbar_spine"])
    assert value(table, "abmd_lumbar_spine_by_rule", "mean_sd", "all", "n") == 3
    assert table.rows == (("Areal BMD, lumbar spine [g/cm²], mean ± SD", "0.950 ± 0.050"),)
    assert "Densities are those that were classified." in table.notes
    raw = table_one(people, variables=["abmd_lumbar_spine"])
    assert value(raw, "abmd_lumbar_spine", "mean_sd", "all", "n") == 2


def test_what_holds_a_value_is_described_where_nothing_is_named():
    table = table_one(cohort().drop("w", "psu"), by="sex")
    assert [row[0] for row in table.rows] == [
        *("Age [years], mean ± SD", "Missing", "Body mass index [kg/m²], mean ± SD"),
    ]
    with pytest.raises(SchemaError, match="holds a value; name variables="):
        table_one(pl.DataFrame({"x": [1.0]}))


def test_it_speaks_the_language_and_the_numbers_behind_it_none():
    with speaking("zh"):
        table = table_one(cohort(), variables=["age", "fracture"], by="sex", design=DESIGN, p=True)
    texts = " ".join((table.title, *table.columns, *(row[0] for row in table.rows), *table.notes))
    words = {word for word in texts.split() if word.isascii() and word.isalpha()}
    assert not words - {"fracture"}
    assert "年龄（岁），均值±标准差" in texts
    english = table_one(cohort(), variables=["age", "fracture"], by="sex", design=DESIGN, p=True)
    assert_frame_equal(table.values, english.values)


def test_the_table_of_the_numbers_alone_is_the_same_table():
    """A run keeps the numbers in a file and lays them out when it is read back."""
    table = table_one(cohort(), by="sex", design=DESIGN, p=True, smd=True)
    again = characteristics_table(table.values)
    assert (again.rows, again.columns, again.indents) == (table.rows, table.columns, table.indents)
    withheld = table.values.with_columns(
        n=pl.when(pl.col("n") > 200).then("n"), estimate=pl.when(pl.col("n") > 200).then("estimate")
    )
    cells = {cell for row in characteristics_table(withheld).rows for cell in row[1:]}
    assert "*" in cells


def test_refusals_say_what_to_do():
    with pytest.raises(SchemaError, match=r"columns \['weight_kg'\] are not in the frame"):
        table_one(cohort(), variables=["weight_kg"])
    with pytest.raises(SchemaError, match="hold lists"):
        table_one(pl.DataFrame({"x": [[1]]}), variables=["x"])
    with pytest.raises(SchemaError, match="name their column with by="):
        table_one(cohort(), design=DESIGN, p=True)
    with pytest.raises(SchemaError, match="did you mean median_iqr"):
        table_one(cohort(), design=DESIGN, statistics="median_iqrs")
    with pytest.raises(SchemaError, match="weighting must be one of weighted, unweighted, both"):
        table_one(cohort(), design=DESIGN, weighting="none")
    with pytest.raises(SchemaError, match=r"age has \d+ levels, .* and 12 can be .* make one of"):
        table_one(cohort(), design=DESIGN, by="age")


def test_the_domain_is_true_or_false_of_each_row():
    """A column coded 1 and 2 was true of everybody."""
    people = pd.DataFrame({"age": [52.0, 61.0, 70.0], "has_fallen": [1, 2, 2]})
    old = people["age"] > 60
    for domain in (old, old.to_list(), pl.Series([None, True, True])):
        assert table_one(people, variables=["age"], domain=domain).values["n"][0] == 2
    with pytest.raises(DesignError, match="domain is Int64; expected true or false"):
        table_one(people, variables=["age"], domain="has_fallen")
    with pytest.raises(SchemaError, match="people and domain are of pandas and their indices"):
        table_one(people, variables=["age"], domain=old[::-1])
    with pytest.raises(SchemaError, match="not in the frame"):
        table_one(people, variables=["age"], domain="fallen")


def test_groups_follow_each_other_as_they_are_counted_and_simulated_people_are_marked():
    sites = cohort().with_columns(
        site=(9 + pl.int_range(pl.len()) % 2).cast(pl.String), synthetic=pl.lit(True)
    )
    table = table_one(sites, by="site", variables=["age"], design=DESIGN)
    assert [name.split(" (")[0] for name in table.columns[2:]] == ["9", "10"]
    assert any(note.startswith("SIMULATED people") for note in table.notes)


@pytest.mark.parametrize("statistics", ["mean_sd", "median_iqr"])
@pytest.mark.parametrize("psu", [None, "psu"])
def test_a_group_of_one_unit_is_not_known_without_error(statistics, psu):
    """One man among 400 women, or a region that is one village: p was 1e-60, and told nothing."""
    people = cohort().with_columns(
        alone=pl.when(pl.col("psu") == 3 if psu else pl.int_range(pl.len()) == 3)
        .then(pl.lit("a"))
        .otherwise(pl.lit("b"))
    )
    how = {"statistics": statistics, "p": True, "design": SurveyDesign(weight="w", psu=psu)}
    table = table_one(people, variables=["bmi"], by="alone", **how)
    test = "p_means" if statistics == "mean_sd" else "p_ranks"
    assert compared(table, "bmi", test) is None
    others = table_one(people, variables=["bmi"], by="sex", **how)
    assert 0 < compared(others, "bmi", test) < 1


def test_numbers_of_groups_are_the_levels_of_a_prevalence():
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "village": [1.0, float("nan"), 10.0, 2.0]})
    counts = table_one(frame, variables=["x"], by="village").values
    assert counts["group"].unique(maintain_order=True).to_list() == ["all", "1", "2", "10"]
