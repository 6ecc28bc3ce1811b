"""People known without a density: an established fracture, or a score that makes no class.

R survey: `svycontrast` on the four totals of every band, tests/golden/R/08_fracture_part.R.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from survey_records import BANDS, OSTEO, STANDARD, table
from survey_records_models import jackknife

from osteo_epi import norms
from osteo_epi.diagnosis import classify, definition
from osteo_epi.errors import DesignError
from osteo_epi.norms import AgeBand
from osteo_epi.population import (
    decompose_difference,
    definition_grid,
    prevalence,
    prevalence_trend,
)
from osteo_epi.report import run
from osteo_epi.survey import ReplicateDesign

INF = float("inf")
EDGES = (50, 60, 70, 80, INF)
TAKING: Any = SimpleNamespace(
    label="golden",
    class_limits=lambda **_: "",
    sha256="0",
    reference=None,
    evidence=frozenset({"dxa", "fracture"}),
    fracture_open="not_established",
    criterion=SimpleNamespace(prevalence_ages="[50, inf)", z_score=None),
)
CLASSES = ("osteoporosis", "low_bone_mass")


# ---- against R survey


def golden_people() -> pl.DataFrame:
    """The golden survey: of every 17th person nothing is recorded about fractures."""
    broken = pl.col("priorfx") == 1
    return table("osteo_survey").with_columns(
        pl.col("age").cast(pl.Float64),
        sex=pl.when(sex=1).then(pl.lit("female")).otherwise(pl.lit("male")),
        sites_complete=pl.col("osteo").is_not_null(),
        score_applied=pl.lit("t"),
        fragility_fracture=pl.when(pl.col("id") % 17 != 0).then(broken),
        fracture_open_record=pl.lit(False),
        bone_class=pl.when((broken & (pl.col("id") % 17 != 0)) | (pl.col("osteo") == 1))
        .then(pl.lit("osteoporosis"))
        .when(pl.col("lowbm") == 1)
        .then(pl.lit("low_bone_mass"))
        .when(pl.col("lowbm") == 0)
        .then(pl.lit("normal"))
        .otherwise(pl.lit("not_classifiable")),
    )


def golden_standard() -> norms.StandardPopulation:
    bands = tuple(AgeBand.of(low, high) for low, high in itertools.pairwise(EDGES))
    table_of = {"both": {b.name: STANDARD[name] for b, name in zip(bands, BANDS, strict=True)}}
    return replace(norms.load("standard_population", "us_2000"), bands=bands, table=table_of)


def against_r(frame: pl.DataFrame, design: Any, **how: Any) -> dict[tuple[str, str], dict]:
    rows = prevalence(
        frame, TAKING, classes=CLASSES, standard=golden_standard(), age_bands=EDGES,
        design=design, **how,
    ).to_frame()  # fmt: skip
    names = {"crude": "crude", "age_standardised": "standardised"}
    bands = dict(zip((b.name for b in golden_standard().bands), BANDS, strict=True))
    return {
        (row["class"], names.get(row["statistic"], bands.get(row["age_band"]))): row
        for row in rows.iter_rows(named=True)
    }


@pytest.mark.parametrize(("name", "domain"), [("all", None), ("women", pl.col("sex") == "female")])
def test_both_parts_equal_svycontrast(name: str, domain: Any, golden: Any) -> None:
    records = golden("i_fracture_part.json")
    rows = against_r(golden_people(), OSTEO, domain=domain)
    assert len(rows) == 12
    for (bone_class, what), row in rows.items():
        theirs = records[f"{name}.{bone_class}.{what}"]["result"]
        assert row["estimate"] == pytest.approx(theirs["estimate"], rel=1e-8)
        assert row["se"] == pytest.approx(theirs["se"], rel=1e-8)
        assert row["df"] == theirs["df"]


@pytest.mark.parametrize(("name", "domain"), [("all", None), ("women", pl.col("sex") == "female")])
def test_both_parts_in_every_replicate_equal_withreplicates(
    name: str, domain: Any, golden: Any
) -> None:
    records = golden("i_fracture_part.json")
    people = golden_people()
    drawn = jackknife(OSTEO.arrays(people))
    weights = pl.DataFrame(drawn, schema=[f"rw{r}" for r in range(drawn.shape[1])])
    design = ReplicateDesign("wt", "rw", "JKn", rscales=tuple(records["rscales"]["result"]))
    rows = against_r(pl.concat([people, weights], how="horizontal"), design, domain=domain)
    for (bone_class, what), row in rows.items():
        theirs = records[f"{name}.{bone_class}.{what}.JKn"]["result"]
        assert row["estimate"] == pytest.approx(theirs["estimate"], rel=1e-8)
        assert row["se"] == pytest.approx(theirs["se"], rel=1e-8)


# ---- an established fracture without a density

Y = replace(
    norms.load("young_adult", "zhang_2007"),
    entries=tuple(
        norms.Entry(sex, roi, norms.MeanSD(1.0, 0.1))
        for sex in ("female", "male")
        for roi in ("lumbar_spine", "femoral_neck", "total_hip")
    ),
)
RULES = definition("china_2020", reference=Y)
ROIS = ("lumbar_spine", "femoral_neck", "total_hip")


def women(n: int, density: float | None, **more: Any) -> pl.DataFrame:
    columns = {
        "age": 66.0, "sex": "female", "postmenopausal": True,
        "fracture_trauma": None, "fracture_imaging_evidence": None,
        "secondary_causes_excluded": None, "fracture_site": None,
    } | {f"abmd_{roi}": density for roi in ROIS}  # fmt: skip
    kinds = {
        "postmenopausal": pl.Boolean, "fracture_trauma": pl.String,
        "fracture_imaging_evidence": pl.Boolean, "secondary_causes_excluded": pl.Boolean,
        "fracture_site": pl.String, **{f"abmd_{roi}": pl.Float64 for roi in ROIS},
    }  # fmt: skip
    values = columns | more
    return pl.DataFrame(
        {name: [value] * n for name, value in values.items()}, schema_overrides=kinds
    )


BROKEN: dict[str, Any] = {
    "fracture_trauma": "minor", "fracture_imaging_evidence": True,
    "secondary_causes_excluded": True, "fracture_site": "hip",
}  # fmt: skip
WHOLE = {"fracture_imaging_evidence": False}


def hospital() -> pl.DataFrame:
    """60 hip fractures without DXA; 140 without a fracture, all with normal density."""
    return pl.concat([women(60, None, **BROKEN), women(140, 1.0, **WHOLE)])


def crude(people: pl.DataFrame, rules: Any = RULES, bone_class: str = "osteoporosis", **how: Any):
    result = prevalence(people, rules, classes=[bone_class], **how)
    return result.to_frame().filter(statistic="crude").row(0, named=True), result.notes


def test_sixty_hip_fractures_do_not_vanish() -> None:
    row, notes = crude(hospital())
    assert row["estimate"] == pytest.approx(0.3)
    assert (row["n"], row["n_missing"]) == (200, 0)
    assert (row["n_fracture"], row["n_density"]) == (200, 140)
    assert (row["n_fracture_missing"], row["n_density_missing"]) == (0, 0)
    assert row["lowest_possible"] is None
    assert "f + (1 - f) q" in row["method"]
    assert any("60 have one, 60 of them without complete sites" in note for note in notes)


def test_exclude_is_the_estimate_of_those_measured_and_says_whom_it_leaves_out() -> None:
    row, notes = crude(hospital(), incomplete="exclude")
    assert (row["estimate"], row["n"], row["n_missing"]) == (0.0, 140, 60)
    assert (row["lowest_possible"], row["highest_possible"]) == (0.0, 0.3)
    assert row["n_fracture"] is None
    assert any("sites: 60, left out" in note and "--incomplete exclude" in note for note in notes)


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(DesignError, match="--incomplete"):
        prevalence(hospital(), RULES, incomplete="somehow")


def test_q_is_of_those_known_to_be_without_a_fracture() -> None:
    """f = 60 / 200; of 140 without one 100 were measured, 25 of them below the cut-off."""
    people = pl.concat(
        [
            women(60, None, **BROKEN),
            women(25, 0.7, **WHOLE),
            women(75, 1.0, **WHOLE),
            women(40, None, **WHOLE),
        ]
    )
    row, _ = crude(people)
    assert row["estimate"] == pytest.approx(0.3 + 0.7 * 0.25)
    assert (row["n"], row["n_missing"]) == (160, 40)
    assert (row["n_fracture"], row["n_density"], row["n_density_missing"]) == (200, 100, 40)
    assert row["lowest_possible"] == pytest.approx(85 / 200)
    assert row["highest_possible"] == pytest.approx(125 / 200)
    normal, _ = crude(people, bone_class="normal")
    assert normal["estimate"] == pytest.approx(0.7 * 0.75)


def test_nothing_recorded_is_no_fracture_where_measured_and_unknown_where_not() -> None:
    people = pl.concat([women(10, None, **BROKEN), women(30, 1.0), women(60, None)])
    row, notes = crude(people)
    assert row["estimate"] == pytest.approx(10 / 40)
    assert (row["n_fracture"], row["n_fracture_missing"]) == (40, 60)
    assert (row["lowest_possible"], row["highest_possible"]) == pytest.approx((0.1, 0.7))
    assert any(note.startswith("30 of whom nothing is recorded") for note in notes)


def test_a_fracture_in_a_young_person_makes_no_class() -> None:
    young = women(50, None, **BROKEN).with_columns(postmenopausal=pl.lit(False))
    row, _ = crude(pl.concat([hospital(), young]))
    assert row["estimate"] == pytest.approx(60 / 250)


def test_where_all_have_a_fracture_nobody_need_be_measured() -> None:
    people = pl.concat([hospital(), women(20, None, **BROKEN).with_columns(age=pl.lit(85.0))])
    rows = prevalence(people, RULES, classes=["osteoporosis"], age_bands=(50, 80, INF)).to_frame()
    oldest = rows.filter(age_band="80+").row(0, named=True)
    assert (oldest["estimate"], oldest["n"]) == (1.0, 20)


def test_nobody_measured_and_somebody_unknown_is_no_estimate() -> None:
    people = pl.concat([women(10, None, **BROKEN), women(30, None)])
    row, _ = crude(people)
    assert row["estimate"] is None
    assert "nobody classifiable by density" in row["flag"]


def test_one_sex_measured_is_not_the_figure_of_both() -> None:
    men = women(40, None, **BROKEN).with_columns(sex=pl.lit("male"))
    unknown = women(40, None).with_columns(sex=pl.lit("male"))
    result = prevalence(pl.concat([hospital(), men, unknown]), RULES, by="sex")
    rows = result.to_frame().filter(statistic="crude")
    assert rows.filter(sex="all")["estimate"].null_count() == 2
    assert rows.filter(sex="male")["estimate"].null_count() == 2


def test_without_an_established_fracture_nothing_changes() -> None:
    people = pl.concat([women(25, 0.7, **WHOLE), women(75, 1.0, **WHOLE), women(40, None, **WHOLE)])
    plain = people.drop(c for c in people.columns if c.startswith(("fracture", "secondary")))
    assert crude(people)[0] == crude(plain)[0]
    assert crude(people)[0]["n_fracture"] is None


# ---- the other estimates say the same


def mixed() -> pl.DataFrame:
    """Fractures and densities that depend on age, some of each not known."""
    parts = [
        women(60, None, **BROKEN),
        women(25, 0.7, **WHOLE),
        women(75, 1.0, **WHOLE),
        women(40, None, **WHOLE),
        women(30, 0.8),
        women(20, None),
    ]
    people = pl.concat(parts).with_row_index("id")
    return people.with_columns(
        age=55.0 + pl.col("id") % 30,
        cycle=pl.when(pl.col("id") % 2 == 0).then(2010).otherwise(2014),
    )


def test_a_grid_gives_each_definition_on_its_own_people_as_prevalence_does() -> None:
    without = definition("china_2020", reference=Y, evidence=["dxa"])
    grid = definition_grid(mixed(), {"with": RULES, "without": without})
    own = grid.prevalence.filter(set="own")
    for name, rules in (("with", RULES), ("without", without)):
        theirs = prevalence(mixed(), rules, classes=["osteoporosis"]).to_frame()
        mine = own.filter(definition=name)
        for column in ("estimate", "se", "lower", "upper", "n", "n_missing", "n_fracture"):
            ours = mine[column].fill_null(-1).to_list()
            assert ours == pytest.approx(theirs[column].fill_null(-1).to_list(), rel=1e-12)
    common = grid.prevalence.filter(set="common", statistic="crude")
    assert common["n"].unique().to_list() == [130]
    assert any("the people of all definitions are those measured" in note for note in grid.notes)


def test_a_trend_and_a_decomposition_end_in_the_prevalences() -> None:
    trend = prevalence_trend(mixed(), RULES, over="cycle")
    at = trend.levels.filter(statistic="crude").sort("score")["estimate"].to_list()
    for cycle, estimate in zip((2010, 2014), at, strict=True):
        row, _ = crude(mixed(), domain=pl.col("cycle") == cycle)
        assert estimate == pytest.approx(row["estimate"], rel=1e-12)
    contrasts = trend.to_frame().filter(statistic="crude", contrast="last - first")
    assert contrasts["estimate"].item() == pytest.approx(at[1] - at[0], rel=1e-12)
    without = definition("china_2020", reference=Y, evidence=["dxa"])
    split = decompose_difference(mixed(), RULES, without)
    total = split.to_frame().filter(statistic="crude", kind="total")["estimate"].item()
    ends = [crude(mixed(), rules)[0]["estimate"] for rules in (without, RULES)]
    assert total == pytest.approx(ends[0] - ends[1], rel=1e-12)
    assert any("f + (1 - f) q" in note for note in split.notes)


# ---- a score that makes no class


def test_a_premenopausal_woman_is_known_to_be_no_case() -> None:
    young = women(10, None).with_columns(age=pl.lit(51.0), postmenopausal=pl.lit(False))
    people = pl.concat([women(25, 0.7), women(65, 1.0), young])
    row, notes = crude(people)
    assert row["estimate"] == pytest.approx(0.25)
    assert (row["n"], row["n_missing"]) == (100, 0)
    assert any(note.startswith("10 without a class are judged by the Z-score") for note in notes)
    low, _ = crude(people, bone_class="low_bone_mass")
    assert low["n"] == 100
    z, _ = crude(people, bone_class="within_expected_range")
    assert (z["n"], z["n_missing"]) == (90, 10)


def test_those_of_the_z_score_alone_are_no_estimate_of_a_sex_nobody_measured() -> None:
    men = women(30, None).with_columns(sex=pl.lit("male"), age=pl.lit(40.0))
    old = men.with_columns(age=pl.lit(70.0))
    people = pl.concat([women(25, 0.7), women(75, 1.0), men, old])
    rows = prevalence(people, RULES, by="sex", ages=(30, INF)).to_frame().filter(statistic="crude")
    assert rows.filter(sex="male")["estimate"].null_count() == 2
    assert rows.filter(sex="all")["estimate"].null_count() == 2
    only_young = pl.concat([women(25, 0.7), women(75, 1.0), men])
    rows = prevalence(only_young, RULES, by="sex", ages=(30, INF)).to_frame()
    row = rows.filter(pl.col("class") == "osteoporosis", statistic="crude", sex="male")
    assert row["estimate"].item() is None
    assert row["flag"].item() == "nobody of these ages is judged by T-scores"


def test_how_many_were_taken_as_postmenopausal_by_age() -> None:
    unstated = women(30, 1.0).with_columns(postmenopausal=pl.lit(None, dtype=pl.Boolean))
    _, notes = crude(pl.concat([women(25, 0.7), unstated, unstated.with_columns(age=pl.lit(30.0))]))
    begin = "women whose menopause is not stated, taken as postmenopausal by their age alone: 30;"
    assert any(note.startswith(begin) for note in notes)
    assert any("--menopause-unknown" in note for note in notes)


# ---- open records


def with_open() -> pl.DataFrame:
    graded = women(271, 1.0).with_columns(genant_grade=pl.lit(1))
    rest = women(729, 1.0).with_columns(genant_grade=pl.lit(0))
    low = pl.int_range(pl.len()) < 200
    return pl.concat([graded, rest]).with_columns(
        pl.when(low).then(0.7).otherwise(pl.col(f"abmd_{roi}")).alias(f"abmd_{roi}") for roi in ROIS
    )


def open_note(notes: tuple[str, ...]) -> str:
    (note,) = (note for note in notes if "fracture records are open" in note)
    assert "--fracture-open" in note
    return note


def test_open_records_give_both_figures() -> None:
    row, notes = crude(with_open())
    assert row["estimate"] == pytest.approx(0.2)
    note = open_note(notes)
    assert note.startswith("271 fracture records are open")
    assert "crude osteoporosis 20.0 %, and 27.1 % if all were established" in note
    rules = definition("china_2020", reference=Y, fracture_open="established")
    row, notes = crude(with_open(), rules)
    assert row["estimate"] == pytest.approx(0.271)
    assert "taken as established" in open_note(notes)


def test_an_unknown_record_is_missing_and_the_figure_if_established_is_the_same() -> None:
    rules = definition("china_2020", reference=Y, fracture_open="unknown")
    row, notes = crude(with_open(), rules)
    assert "27.1 % if all were established" in open_note(notes)
    assert row["lowest_possible"] is not None
    assert "27.1 % if all" in open_note(crude(with_open(), incomplete="exclude")[1])


def test_an_unknown_record_does_not_count_only_where_the_density_is_low() -> None:
    """250 of 1,000 records are unknown; a fifth of these and of the others has a low density."""
    rows = pl.int_range(pl.len())
    low = pl.when(rows % 5 == 0).then(0.7).otherwise(1.0)
    people = women(1000, 1.0).with_columns(
        genant_grade=pl.when(rows % 4 == 0).then(1).otherwise(0),
        **{f"abmd_{roi}": low for roi in ROIS},
    )
    rules = definition("china_2020", reference=Y, fracture_open="unknown")
    row, _ = crude(people, rules)
    assert row["estimate"] == pytest.approx(0.2)
    assert (row["n_fracture"], row["n_density"]) == (750, 750)
    # The 50 with a low density are known cases, and in neither share.
    assert (row["n"], row["n_missing"]) == (800, 200)
    assert (row["lowest_possible"], row["highest_possible"]) == pytest.approx((0.2, 0.4))
    # A single established fracture takes the same way.
    one = people.with_columns(fragility_fracture=pl.when(rows == 1).then(True))
    assert crude(one, rules)[0]["estimate"] == pytest.approx(1 / 750 + 749 / 750 * 150 / 749)


def test_classified_people_are_taken_as_they_are() -> None:
    people = classify(mixed(), RULES)
    mine, theirs = (prevalence(p, RULES).to_frame() for p in (people, mixed()))
    numbers = pl.selectors.numeric()
    assert np.allclose(
        mine.select(numbers).fill_null(-1).to_numpy().astype(float),
        theirs.select(numbers).fill_null(-1).to_numpy().astype(float),
        rtol=1e-12,
    )


@pytest.mark.parametrize(("incomplete", "estimate", "n"), [(None, 0.3, 200), ("exclude", 0.0, 140)])
def test_a_run_takes_the_choice_and_its_flow_ends_at_the_same_people(
    tmp_path: Path, incomplete: str | None, estimate: float, n: int
) -> None:
    path = tmp_path / "hospital.csv"
    hospital().with_row_index("person_id").write_csv(path)
    made = run(path, reference="zhang_2007", incomplete=incomplete)
    row = made.prevalence.filter(statistic="crude", sex="all").row(0, named=True)
    assert (row["estimate"], row["n"]) == (pytest.approx(estimate), n)
    assert made.flow["n_out"].to_list()[-1] == n
    assert ("--incomplete exclude" in made.manifest["command"]) is (incomplete == "exclude")
