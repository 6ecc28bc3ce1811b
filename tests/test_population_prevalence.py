"""Prevalence from real microdata equals R survey; small cases are worked by hand."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from osteo_epi import norms
from osteo_epi.cohort import read, simulate
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import DesignError, NormError, SchemaError
from osteo_epi.language import flags_of, phrase
from osteo_epi.population import (
    definition_grid,
    people_in_populations,
    presentation,
    prevalence,
    prevalence_trend,
)
from osteo_epi.survey import SurveyDesign

GOLDEN = Path(__file__).parent / "golden" / "nhanes_prevalence.csv"
CYCLES = ("2005-2006", "2007-2008", "2009-2010", "2017-2018")
DESIGN = SurveyDesign(weight="survey_weight", stratum="stratum", psu="psu")
SEXES = {"all": "all", "women": "female", "men": "male"}
INF = float("inf")


@pytest.fixture(scope="module")
def nhanes(shared: Path) -> Any:
    """Read, classify and estimate one cycle, each once."""
    chosen = definition("nchs_bone_2021")
    made: dict[tuple[str, str], pl.DataFrame] = {}

    def of(cycle: str, interval: str) -> pl.DataFrame:
        if (cycle, interval) not in made:
            people = classify(read(shared / "data" / "nhanes" / cycle, source="nhanes"), chosen)
            for method in ("beta", "logit"):
                result = prevalence(
                    people,
                    chosen,
                    by="sex",
                    standard="us_2000_bone",
                    design=DESIGN,
                    interval=method,
                )
                made[cycle, method] = result.to_frame()
        return made[cycle, interval]

    return of


NOBODY_BY_T = "nobody of these ages is judged by T-scores"


def test_a_class_that_no_z_score_makes_has_no_share_of_those_judged_by_z_alone() -> None:
    """It was 0 %, as if young men had been looked at for osteoporosis and none found."""
    rules = definition("iscd_2019", age_reference="nhanes_2005_2010_derived")
    people = simulate(3_000, seed=3).frame.with_columns(
        year=pl.when(pl.int_range(pl.len()) % 2 == 0).then(2010).otherwise(2015)
    )
    young = pl.col("age").is_between(40, 49.99) & (pl.col("sex") == "male")
    men = people.filter(young)
    made = prevalence(men, rules, standard="who_2000", ages=(40, 50))
    rows = made.to_frame()
    by_t = pl.col("class").is_in(["osteoporosis", "low_bone_mass"])
    assert rows.filter(by_t)["estimate"].null_count() == rows.filter(by_t).height > 0
    assert set(rows.filter(by_t)["flag"]) == {NOBODY_BY_T}
    below = rows.filter(pl.col("class") == "below_expected_range")
    assert below["estimate"].null_count() == 0
    assert sum("cannot occur" in note for note in made.meta["notes"]) == 1
    # Nor has a class of Z-scores a share of those judged by T-scores, which is not the same.
    old = people.filter(pl.col("age") >= 60)
    below = prevalence(old, rules, ages=(60, 90), classes=["below_expected_range"]).to_frame()
    assert below["estimate"].null_count() == below.height
    measured = below.filter(pl.col("n") > 0)
    assert set(measured["flag"]) == {NOBODY_BY_T.replace("T-scores", "Z-scores")}
    # With women after menopause beside them only their own rows have none.
    both = prevalence(people, rules, by="sex", ages=(40, 80)).to_frame()
    lost = both.filter(pl.col("estimate").is_null()).select("sex", "statistic", "age_band")
    assert set(lost.iter_rows()) == {("male", "age_band", "40-49")}
    trend = prevalence_trend(men, rules, over="year", ages=(40, 50))
    assert trend.to_frame()["estimate"].null_count() == trend.to_frame().height
    assert any("below_expected_range" in note for note in trend.notes)
    at_hip = definition("iscd_2019", age_reference="nhanes_2005_2010_derived", sites="total_hip")
    grid = definition_grid(men, {"all": rules, "hip": at_hip}, ages=(40, 50)).to_frame()
    assert grid["estimate"].null_count() == grid["difference"].null_count() == grid.height


@pytest.mark.parametrize(
    "row",
    pl.read_csv(GOLDEN).to_dicts(),
    ids=lambda r: "-".join((r["cycle"], r["sex"], r["class"])),
)
def test_nhanes_equals_r_survey(row: dict[str, Any], nhanes: Any) -> None:
    crude, standardised = (
        _row(nhanes(row["cycle"], "beta"), row, s) for s in ("crude", "age_standardised")
    )
    logit = _row(nhanes(row["cycle"], "logit"), row, "crude")
    assert (crude["n"], crude["df"]) == (row["n"], row["df"])
    pairs = {
        "crude": crude["estimate"],
        "crude_se": crude["se"],
        "beta_lo": crude["lower"],
        "beta_hi": crude["upper"],
        "deff": crude["deff"],
        "age_std": standardised["estimate"],
        "age_std_se": standardised["se"],
    }
    for name, obtained in pairs.items():
        assert obtained == pytest.approx(row[name], rel=1e-8), name
    # R's logit limits come from a fit that ends at 1e-8: absolute, not relative.
    assert logit["lower"] == pytest.approx(row["logit_lo"], abs=1e-8)
    assert logit["upper"] == pytest.approx(row["logit_hi"], abs=1e-8)


def _row(frame: pl.DataFrame, row: dict[str, Any], statistic: str) -> dict[str, Any]:
    asked = (pl.col("class") == row["class"]) & (pl.col("sex") == SEXES[row["sex"]])
    return frame.filter(asked & (pl.col("statistic") == statistic)).row(0, named=True)


# ---- small cases, without microdata ----

DISEASE = SimpleNamespace(
    label="by hand",
    class_limits=lambda **_: "",
    sha256="0",
    reference=None,
    criterion=SimpleNamespace(prevalence_ages="[50, inf)"),
)


def test_a_column_that_tells_persons_apart_is_no_grouping() -> None:
    frame = simulate(2_000, seed=4).frame
    rules = definition("china_2020", reference="zhang_2007")
    rng = np.random.default_rng(1)
    frame = frame.with_columns(
        person_id=pl.int_range(pl.len()),
        scan_date=pl.lit(date(2020, 1, 1)),
        income=pl.Series(rng.lognormal(10, 1, frame.height)),
        code=pl.int_range(pl.len()).cast(pl.String),
        pair=pl.int_range(pl.len()) // 2,
        county=pl.int_range(pl.len()) % 150,
    )
    for column in ("person_id", "scan_date"):
        with pytest.raises(DesignError, match=f"by \\(--by\\) names {column}, which"):
            prevalence(frame, rules, by=["sex", column])
    for column in ("income", "code", "pair"):
        with pytest.raises(DesignError, match=f"column {column} has [\\d,]+ levels for .* bands"):
            prevalence(frame, rules, by=column)
    many = prevalence(frame, rules, by="county", classes=["osteoporosis"])
    assert any(re.match(r"county has 1\d\d levels", note) for note in many.notes)


def people(**columns: list) -> pl.DataFrame:
    """Eight people, two strata of two units, one of them younger."""
    base: dict[str, list] = {
        "age": [52.0, 63.0, 58.0, 71.0, 66.0, 55.0, 81.0, 44.0],
        "sex": ["female", "female", "male", "male", "female", "male", "female", "male"],
        "w": [2.0, 1.0, 3.0, 1.0, 2.0, 2.0, 1.0, 5.0],
        "s": [1, 1, 1, 1, 2, 2, 2, 2],
        "p": [1, 1, 2, 2, 1, 1, 2, 2],
        "bone_class": [
            "osteoporosis",
            "normal",
            "low_bone_mass",
            "osteoporosis",
            "normal",
            "not_classifiable",
            "low_bone_mass",
            "osteoporosis",
        ],
    }
    return pl.DataFrame(base | columns)


def estimates(data: Any, **how: Any) -> pl.DataFrame:
    how = {"design": SurveyDesign("w", "s", "p"), "classes": ["osteoporosis"]} | how
    return prevalence(data, DISEASE, **how).to_polars()


def test_crude_by_hand() -> None:
    row = estimates(people()).row(0, named=True)
    # Weights 2 1 3 1 2 1 of the measured; events 2 and 1.
    assert row["estimate"] == pytest.approx(3 / 10)
    assert (row["n"], row["n_missing"], row["df"]) == (6, 1, 2)
    # Unit totals of w (y - p) / W: (2·.7 - .3)/10, (.7 - .9)/10; (-.6)/10, (-.3)/10.
    strata = [(0.11, -0.02), (-0.06, -0.03)]
    variance = sum((a - b) ** 2 for a, b in strata)
    assert row["se"] == pytest.approx(np.sqrt(variance))
    assert row["n_effective"] == pytest.approx(0.21 / variance)


def test_missing_is_never_healthy() -> None:
    unknown = people().with_columns(
        bone_class=pl.when(pl.col("bone_class") == "normal").then(None).otherwise("bone_class")
    )
    row = estimates(unknown).row(0, named=True)
    assert row["estimate"] == pytest.approx(3 / 7)
    assert (row["n"], row["n_missing"]) == (4, 3)


def test_incomplete_sites_are_missing_even_when_osteoporotic() -> None:
    row = estimates(people(sites_complete=[False] + [True] * 7)).row(0, named=True)
    assert row["estimate"] == pytest.approx(1 / 8)
    assert row["n_missing"] == 2


def test_rows_and_columns_in_order() -> None:
    frame = estimates(people(), by=["sex"], age_bands=[50, 65, INF])
    assert frame.columns == [
        "definition", "class", "sex", "statistic", "age_band", "estimate", "se", "lower", "upper",
        "confidence", "n", "n_missing", "n_fracture", "n_fracture_missing", "n_density",
        "n_density_missing", "lowest_possible", "highest_possible", "n_effective",
        "df", "deff", "people_affected",
        "people_affected_se", "people_affected_lower", "people_affected_upper",
        "people_affected_of", "method", "flag", "verdict", "verdict_reason", "verdict_rule",
    ]  # fmt: skip
    assert frame["sex"].to_list() == ["female"] * 3 + ["male"] * 3 + ["all"] * 3
    assert frame["statistic"].to_list() == ["crude", "age_band", "age_band"] * 3
    assert frame["age_band"].to_list() == ["50+", "50-64", "65+"] * 3
    assert set(frame["method"].drop_nulls()) == {
        "Taylor linearisation; interval: Korn-Graubard (beta)"
    }


def test_standardised_by_hand_over_age_and_sex() -> None:
    """With sexes in the standard, `all` weighs the four cells by their own counts."""
    china = norms.load("standard_population", "china_2010")
    edges = [50, 65, INF]
    data = pl.concat([people(), people(bone_class=["osteoporosis", "normal"] * 4)])
    how = {"by": "sex", "age_bands": edges, "people_affected": "standard"}
    frame = estimates(data, standard=china, **how)
    counts = china.collapse(edges)
    cells = {}
    for sex in ("female", "male"):
        for band in ("50-64", "65+"):
            row = frame.row(
                by_predicate=(pl.col("sex") == sex) & (pl.col("age_band") == band), named=True
            )
            cells[sex, band] = (counts.counts(sex)[band], row["estimate"], row["people_affected"])
    affected = sum(n * p for n, p, _ in cells.values())
    joint = frame.row(
        by_predicate=(pl.col("sex") == "all") & (pl.col("statistic") == "age_standardised"),
        named=True,
    )
    assert joint["estimate"] == pytest.approx(affected / sum(n for n, _, _ in cells.values()))
    assert joint["people_affected"] == pytest.approx(affected)
    assert sum(people for _, _, people in cells.values()) == pytest.approx(affected)
    assert joint["people_affected_lower"] == pytest.approx(
        joint["lower"] * sum(n for n, _, _ in cells.values())
    )


def test_the_census_gives_the_published_number_of_people() -> None:
    """6.46 % of 168,486,133 men and 29.13 % of 169,173,952 women: 10.88 and 49.28 million."""
    rates = {"male": 646, "female": 2913}
    data = pl.concat(
        pl.DataFrame({
            "age": [50.0 + 5 * band] * 10000, "sex": [sex] * 10000,
            "bone_class": ["osteoporosis"] * events + ["normal"] * (10000 - events),
        })
        for sex, events in rates.items() for band in range(7)
    )  # fmt: skip
    how: dict[str, Any] = {"by": "sex", "standard": "china_2010", "design": None}
    # 140,000 people of no survey are no population until somebody says whose they are.
    assert estimates(data, **how)["people_affected"].count() == 0
    frame = estimates(data, people_affected="standard", **how)
    assert set(frame["people_affected_of"].drop_nulls()) == {
        "the population of China, population census 2010"
    }
    affected = dict(
        frame.filter(statistic="age_standardised").select("sex", "people_affected").rows()
    )
    assert affected["male"] / 1e6 == pytest.approx(10.88, abs=0.005)
    assert affected["female"] / 1e6 == pytest.approx(49.28, abs=0.005)
    assert affected["all"] == pytest.approx(affected["male"] + affected["female"])


def test_simple_random_sample_is_the_textbook() -> None:
    row = estimates(people(), design=None).row(0, named=True)
    p, n, everyone = 2 / 6, 6, 8
    within = n * p * (1 - p)
    assert row["estimate"] == pytest.approx(p)
    assert row["se"] == pytest.approx(np.sqrt(everyone / (everyone - 1) * within) / n)
    assert row["df"] == n - 1


def test_people_one_by_one_equal_units_of_one_person() -> None:
    """The sums of squares of an element design give what a unit a person gives."""
    named = people(person=list(range(8)))
    each = estimates(named, design=SurveyDesign("w", "s", "person"), by="sex")
    summed = estimates(named, design=SurveyDesign("w", "s"), by="sex")
    for column in ("estimate", "se", "df", "n"):
        assert each[column].to_list() == pytest.approx(summed[column].to_list(), nan_ok=True), (
            column
        )


def test_a_band_without_people_costs_the_rows_that_rest_on_it() -> None:
    some = people().filter(~((pl.col("sex") == "male") & (pl.col("age") > 65)))
    rows = estimates(some, by="sex", standard="us_2000_bone").filter(statistic="age_standardised")
    flags = dict(rows.select("sex", "flag").unique().iter_rows())
    assert flags["male"].startswith("not standardised: nobody measured at 65+")
    assert rows.filter(pl.col("sex") != "female")["estimate"].null_count() > 0
    assert rows.filter(sex="female")["estimate"].null_count() == 0


@pytest.mark.parametrize(
    ("ages", "meant"),
    [("[60, 80]", r"\[60, 81\)"), ("(59, 80)", r"\[60, 80\)"), ("(-inf, 80]", r"\(-inf, 81\)")],
)
def test_ages_whose_ends_are_not_those_of_bands_are_refused(ages: str, meant: str) -> None:
    """People of 80 were left out of [60, 80], and those of 59 taken into (59, 80)."""
    with pytest.raises(DesignError, match=f"in completed years it is {meant}"):
        estimates(people(), ages=ages)


def test_a_band_without_people_is_named_where_no_row_is_left() -> None:
    with pytest.raises(DesignError, match=r"65\+.*leave out standard="):
        estimates(people().filter(pl.col("age") < 65), by="sex", standard="us_2000_bone")


def test_a_sex_that_nobody_measured_leaves_its_rows_and_the_joint_one_without_a_figure() -> None:
    women_only = people().with_columns(
        bone_class=pl.when(pl.col("sex") == "female")
        .then("bone_class")
        .otherwise(pl.lit("not_classifiable"))
    )
    how = {"by": ["sex"], "standard": "china_2010", "age_bands": [50, INF], "design": None}
    frame = estimates(women_only, **how).filter(statistic="age_standardised")
    row = {sex: frame.row(by_predicate=pl.col("sex") == sex, named=True) for sex in frame["sex"]}
    assert row["female"]["estimate"] == pytest.approx(1 / 4)
    assert (row["male"]["estimate"], row["male"]["flag"]) == (None, "nobody classifiable")
    assert (row["all"]["estimate"], row["all"]["n"]) == (None, 4)
    assert "sex male: nobody classifiable" in row["all"]["flag"]


def test_who_has_nobody_says_so_once_and_not_for_each_level() -> None:
    women_only = people().with_columns(
        pl.when(pl.col("sex") == "female")
        .then("bone_class")
        .otherwise(pl.lit("not_classifiable"))
        .alias("bone_class"),
        (pl.int_range(pl.len()) % 2).cast(pl.String).alias("district & town"),
    )
    how = {"by": ["sex", "district & town"], "age_bands": [50, INF], "design": None}
    men = estimates(women_only, **how).filter(statistic="crude", sex="male")
    assert men.height > 1
    assert set(men["flag"]) == {"nobody classifiable"}


@pytest.mark.parametrize("by", [["sex"], []])
@pytest.mark.parametrize("standard", ["china_2010", None])
def test_a_figure_of_one_sex_is_none_for_both(by: list[str], standard: str | None) -> None:
    """A reference without men: neither crude nor by age nor standardised is there an "all"."""
    measured = people().with_columns(
        bone_class=pl.when(pl.col("sex") == "female")
        .then("bone_class")
        .otherwise(pl.lit("not_classifiable"))
    )
    how: dict[str, Any] = {"standard": standard, "age_bands": [50, 65, INF], "design": None}
    frame = presentation(estimates(measured, by=by, **how))
    both = frame.filter(sex="all") if by else frame
    assert set(both["estimate"]) == {None}
    assert set(both["verdict"]) == {"suppress"}
    crude = both.filter(statistic="crude").row(0, named=True)
    assert crude["flag"] == "withheld: the figure of one sex alone; sex male: nobody classifiable"
    assert crude["n"] == 4
    women = estimates(measured, domain=pl.col("sex") == "female", **how)
    assert women.filter(statistic="crude")["estimate"].item() == 1 / 4


def test_people_who_could_not_be_measured_are_in_no_row_and_the_rates_stand_for_them() -> None:
    how = {"standard": "china_2010", "age_bands": [50, INF], "people_affected": "standard"}
    how["design"] = None
    examined = people(examined=[True] * 6 + [False] * 2)
    row = estimates(examined, eligible="examined", **how).row(1, named=True)
    part = estimates(examined, domain="examined", **how).row(1, named=True)
    assert (row["estimate"], row["n"], row["n_missing"]) == (2 / 5, 5, 1)
    assert row["people_affected"] == pytest.approx(2 / 5 * (168_486_133 + 169_173_952))
    assert (part["estimate"], part["people_affected"]) == (row["estimate"], None)


def test_a_domain_is_a_mask() -> None:
    kept = pl.col("sex") == "female"
    masked = estimates(people(), domain=kept).row(0, named=True)
    by_sex = estimates(people(), by="sex").row(0, named=True)
    zero = people().with_columns(w=pl.when(kept).then("w").otherwise(0.0))
    weightless = estimates(zero).row(0, named=True)
    for name in ("estimate", "se", "lower", "upper", "n", "df"):
        assert masked[name] == by_sex[name] == pytest.approx(weightless[name])


def test_missing_levels_are_counted_in_the_all_row() -> None:
    frame = estimates(people(sex=["female", None, "male", "male"] * 2), by="sex")
    flags = dict(frame.filter(statistic="crude").select("sex", "flag").rows())
    assert "sex missing: 2" in flags["all"]
    assert frame.filter(sex="all", statistic="crude")["n"][0] == 6


def test_missing_ages_are_noted() -> None:
    result = prevalence(people(age=[None] + [60.0] * 7), DISEASE)
    assert any("1 of unknown age" in note for note in result.notes)


def test_no_events_are_flagged_and_keep_an_upper_limit() -> None:
    row = estimates(people(bone_class=["normal"] * 8)).row(0, named=True)
    assert (row["estimate"], row["lower"]) == (0, 0)
    assert 0 < row["upper"] < 1
    assert row["flag"].startswith("no events")
    assert row["n_effective"] is None


def test_every_frame_gives_the_same_bits() -> None:
    frame = people()
    expected = estimates(frame, by="sex")
    for other in (frame.lazy(), frame.to_pandas(), frame.to_arrow()):
        assert estimates(other, by="sex").equals(expected)


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ({"by": "region"}, SchemaError, "region"),
        ({"interval": "normal"}, DesignError, "korn|beta"),
        ({"classes": "osteoporosis"}, DesignError, "list"),
        ({"classes": ["osteopenia"]}, DesignError, "low_bone_mass"),
        ({"confidence": 95}, DesignError, "between 0 and 1"),
        ({"domain": "age"}, SchemaError, "true or false"),
        ({"domain": "nobody"}, SchemaError, "not in the data"),
        ({"standard": "atlantis"}, NormError, "atlantis"),
        ({"age_bands": [65, 50]}, DesignError, "ascending"),
        ({"ages": ("fifty", None)}, DesignError, "two ascending numbers"),
        ({"standard": "us_2000_bone", "age_bands": [50, 60, INF]}, NormError, "50-59"),
    ],
)
def test_wrong_questions_say_what_to_do(how: dict, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        estimates(people(), **how)


def test_a_class_that_nobody_knows_is_not_taken_for_healthy() -> None:
    with pytest.raises(SchemaError, match="1 class name"):
        estimates(people(bone_class=["Osteoporosis"] * 8))


def test_people_in_several_populations() -> None:
    frame = people_in_populations(
        people(), DISEASE, populations=["us_2000_bone", "who_2000"], age_bands=(50, 65, INF),
        classes=["osteoporosis"], design=SurveyDesign("w", "s", "p"),
    )  # fmt: skip
    assert frame["population"].to_list() == ["us_2000_bone", "who_2000"]
    # The second only weighs ages: it has nobody to be affected.
    assert frame["people_affected"].is_null().to_list() == [False, True]
    with pytest.raises(DesignError, match="list"):
        people_in_populations(people(), DISEASE, populations="who_2000")


def test_html_states_the_definition_and_escapes_the_data() -> None:
    result = prevalence(people(sex=["<b>"] * 8), DISEASE, by="sex")
    html = result._repr_html_()
    assert "Definition: by hand" in html
    assert "<b>" not in html
    assert "&lt;b&gt;" in html


def test_a_person_in_several_rows_is_said_of_any_frame():
    people = pl.DataFrame({
        "person_id": ["a", "a", "a", "b"], "age": [61.0, 61.0, 61.0, 70.0],
        "bone_class": ["osteoporosis"] * 3 + ["normal"], "sites_complete": [True] * 4,
    })  # fmt: skip
    chosen = definition("nchs_bone_2021")
    (note,) = (n for n in prevalence(people, chosen).notes if "person_id" in n)
    assert "(person_id): 2," in note
    once = people.unique("person_id")
    assert not [n for n in prevalence(once, chosen).notes if "person_id" in n]


def test_a_flag_of_a_secondary_cause_says_who_has_none_or_is_a_group():
    people = pl.DataFrame(
        {
            "age": [61.0, 72.0, 55.0, 68.0, 70.0],
            "bone_class": ["osteoporosis", "normal", "normal", "osteoporosis", "normal"],
            "sites_complete": [True] * 5,
            "secondary_cause": [True, False, None, None, False],
        }
    )
    rules = definition("china_2020", reference="zhang_2007")

    def crude(frame):
        result = prevalence(frame, rules, by="secondary_cause", classes=["osteoporosis"])
        rows = result.to_frame().filter(pl.col("statistic") == "crude")
        return {row["secondary_cause"]: row for row in rows.iter_rows(named=True)}

    rows = crude(people)
    assert {level: row["n"] for level, row in rows.items()} == {"false": 2, "true": 1, "all": 5}
    assert "secondary_cause missing: 2" in rows["all"]["flag"]
    own = pl.col("secondary_cause").cast(pl.String).fill_null("unknown")
    rows = crude(people.with_columns(own))
    assert rows["unknown"]["n"] == 2
    assert rows["unknown"]["estimate"] == 0.5
    assert "missing" not in rows["all"]["flag"]


def test_levels_follow_each_other_as_they_are_counted() -> None:
    """Sorted as text, centre 10 stood before centre 2."""
    sites = people().with_columns(centre=(9 + pl.int_range(pl.len()) % 2).cast(pl.String))
    frame = estimates(sites, by=["centre"], design=None)
    assert frame["centre"].unique(maintain_order=True).to_list() == ["9", "10", "all"]


def test_a_level_with_a_semicolon_leaves_its_flag_in_one_piece() -> None:
    """Flags are told apart by semicolons."""
    wards = people().with_columns(
        bone_class=pl.when(pl.col("sex") == "female")
        .then("bone_class")
        .otherwise(pl.lit("not_classifiable")),
        ward=pl.when(pl.col("sex") == "female").then(pl.lit("a")).otherwise(pl.lit("low; or so")),
    )
    frame = estimates(wards, by=["ward"], design=None).filter(ward="all", statistic="crude")
    flags = [phrase(flag) for flag in flags_of(frame["flag"][0])]
    assert "low, or so: nobody classifiable" in flags


def test_columns_of_the_callers_may_be_called_as_ours() -> None:
    people = simulate(400, seed=2).frame
    named = people.with_columns(
        pl.lit("x").alias(n) for n in ("_weight", "_band", "_by_age", "_sum", "_rows", "_raw")
    )
    rules = definition("china_2020", reference="nhanes3_white_female")
    theirs = prevalence(named, rules, by="_band").to_polars().rename({"_band": "b"})
    plain = prevalence(people.with_columns(b=pl.lit("x")), rules, by="b").to_polars()
    assert_frame_equal(theirs, plain)
    assert_frame_equal(prevalence(named, rules).to_polars(), prevalence(people, rules).to_polars())


@pytest.mark.parametrize("huge", [1e150, 1e300, 1.7e308])
def test_a_weight_that_is_no_number_of_people_is_refused(huge: float) -> None:
    people = simulate(50, seed=2).frame.with_columns(survey_weight=pl.lit(1.0))
    odd = people.with_columns(
        pl.when(pl.int_range(pl.len()) == 3).then(huge).otherwise(1.0).alias("survey_weight")
    )
    with pytest.raises(DesignError, match="no person stands for so many"):
        prevalence(odd, definition("china_2020", reference="nhanes3_white_female"))


def test_who_could_not_be_measured_is_said_and_not_only_left_out():
    people = pl.DataFrame(
        {"age": [60.0, 61.0, 62.0, 51.0, 30.0], "sex": ["female"] * 5,
         "abmd_femoral_neck": [0.9, 0.5, 0.6, 0.8, 0.9],
         "examined": [True, False, None, True, False], "pregnant": [None, True, False, True, True]}
    )  # fmt: skip
    rules = definition("who_1994", reference="zhang_2007", sites=["femoral_neck"])
    notes = prevalence(people, rules).notes
    assert [note.partition(";")[0] for note in notes if "left out" in note] == [
        "not examined, and so left out: 1", "pregnant, and so left out: 1",
    ]  # fmt: skip
    everybody = prevalence(people, rules, eligible=pl.lit(True))
    assert not any("left out" in note for note in everybody.notes)


def test_a_table_of_nobody_says_why_it_is_empty():
    people = pl.DataFrame({"age": [60.0, 61.0]}).with_columns(
        sex=pl.lit("female"), abmd_femoral_neck=pl.lit(0.9)
    )
    rules = definition("who_1994", reference="zhang_2007", sites=["femoral_neck"])
    nobody = prevalence(people, rules, domain=pl.col("age") > 70)
    assert nobody.frame.is_empty()
    assert nobody.notes[0].startswith("no rows: nobody aged 50+ is among those")
    assert not any("no rows" in note for note in prevalence(people, rules).notes)
