"""People in parts: whatever the number of parts, the same bits as people in one frame."""

from __future__ import annotations

import pickle
import threading
from dataclasses import replace

import polars as pl
import pytest
from engine_people import QUERIES, people, replicates
from in_parts import InParts
from polars.testing import assert_frame_equal

import osteo_epi as oe
from osteo_epi.engines import Elsewhere, Plan, first_rows, merged, partial, totals, typed
from osteo_epi.errors import EngineError, SchemaError
from osteo_epi.frames import as_polars
from osteo_epi.survey import ReplicateDesign, SurveyDesign

PARTS = [1, 7, 30]


@pytest.fixture(scope="module")
def cohort() -> pl.DataFrame:
    return people(1500)


@pytest.fixture(scope="module")
def rules() -> oe.Definition:
    return oe.definition("china_2020", reference="nhanes3_white_female")


@pytest.mark.parametrize("n", PARTS)
def test_classes_are_the_same_bits(cohort: pl.DataFrame, rules: oe.Definition, n: int) -> None:
    few = cohort.head(200)
    here = oe.classify(few, rules).sort("person_id")
    there = oe.classify(InParts(few, n), rules).sort("person_id")
    assert_frame_equal(there, here, check_exact=True)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("n", [1, 7])
def test_a_prevalence_is_the_same_bits(
    cohort: pl.DataFrame, rules: oe.Definition, query: str, n: int
) -> None:
    here = oe.prevalence(cohort, rules, **QUERIES[query])
    there = oe.prevalence(InParts(cohort, n), rules, **QUERIES[query])
    assert_frame_equal(there.to_polars(), here.to_polars(), check_exact=True)
    assert there.meta["n_domain"] == here.meta["n_domain"]


def test_of_parts_without_people_as_well(cohort: pl.DataFrame, rules: oe.Definition) -> None:
    few = cohort.head(40)
    here, there = (oe.prevalence(f, rules).to_polars() for f in (few, InParts(few, 43)))
    assert_frame_equal(there, here, check_exact=True)


def test_only_the_columns_that_are_read_travel(cohort: pl.DataFrame, rules: oe.Definition) -> None:
    parts = InParts(cohort, 2)
    oe.prevalence(parts, rules, by="sex")
    read = set().union(*parts.reads)
    assert {"age", "sex", "survey_weight", "abmd_total_hip"} <= read
    assert not {"person_id", "bmi", "seen_at", "abmd_radius_33", "device"} & read
    # The first rows are looked at for their types and words: those of the codebook's columns.
    assert "seen_at" not in set().union(*parts.looks)


def test_replicate_weights(cohort: pl.DataFrame, rules: oe.Definition) -> None:
    frame = replicates(cohort)
    design = ReplicateDesign("survey_weight", "rw", kind="BRR", df=7)
    here, there = (
        oe.prevalence(f, rules, design=design, by="sex").to_polars()
        for f in (frame, InParts(frame, 3))
    )
    assert_frame_equal(there, here, check_exact=True)
    open_df = replace(design, df=None)
    with pytest.raises(EngineError, match=r"df=…\) \(--df\)"):
        oe.prevalence(InParts(frame, 3), rules, design=open_df)
    negative = InParts(frame.with_columns(rw1=-pl.col("rw1")), 3)
    with pytest.raises(oe.DesignError, match="negative"):
        oe.prevalence(negative, rules, design=design)


def test_several_definitions_and_a_trend(cohort: pl.DataFrame, rules: oe.Definition) -> None:
    listed = {f"{k}": rules for k in range(6)}  # more than one plan holds
    listed["who"] = oe.definition("who_1994", reference="nhanes3_white_female")
    parts = InParts(cohort, 3)
    here, there = (oe.definition_grid(f, listed).to_polars() for f in (cohort, parts))
    assert_frame_equal(there, here, check_exact=True)
    here, there = (
        oe.prevalence_trend(f, rules, over="exam_year").to_polars() for f in (cohort, parts)
    )
    assert_frame_equal(there, here, check_exact=True)


ONE_SITE = ["person_id", "age", "sex", "postmenopausal", "abmd_femoral_neck"]
DESIGNS = {
    "units": (["survey_weight", "stratum", "psu"], None),
    "drawn one by one": ([], None),
    "strata alone": (
        ["survey_weight", "stratum"],
        SurveyDesign(weight="survey_weight", stratum="stratum"),
    ),
}


def test_classes_among_many_words_of_ones_own(cohort: pl.DataFrame, rules: oe.Definition) -> None:
    """The code of a word takes as many bits as there are words, and none of the next column's."""
    classified = oe.classify(cohort, rules)
    here = oe.prevalence(classified, rules, by="sex").to_polars()
    words = pl.Enum([*map(str, range(300)), *classified.schema["bone_class"].categories])
    other = classified.with_columns(pl.col("bone_class").cast(pl.String).cast(words))
    there = oe.prevalence(other, rules, by="sex").to_polars()
    assert_frame_equal(there, here, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("design", [*DESIGNS, "replicates"])
def test_an_own_reference_and_its_error(cohort: pl.DataFrame, design: str) -> None:
    """The reference to the bit; its error is of other sums than here, so to the last digits."""
    if design == "replicates":
        frame = replicates(cohort).select(*ONE_SITE, "survey_weight", pl.col("^rw.*$"))
        chosen = ReplicateDesign("survey_weight", "rw", kind="BRR", df=7)
    else:
        columns, chosen = DESIGNS[design]
        frame = cohort.select(*ONE_SITE, *columns)
    results = []
    for one in (frame, InParts(frame, 3)):
        own = oe.young_adult_reference(one)
        rules = oe.definition("china_2020", reference=own, sites=["femoral_neck"])
        results.append((own.sha256, oe.prevalence(one, rules, by="sex", design=chosen).to_polars()))
    (here, here_rows), (there, there_rows) = results
    assert there == here
    assert here_rows["method"].str.contains("own young adults added").all()
    assert_frame_equal(there_rows, here_rows, rel_tol=1e-12, abs_tol=1e-14)


def test_a_reference_of_other_people_is_noticed(cohort: pl.DataFrame) -> None:
    own = oe.young_adult_reference(InParts(cohort.select(ONE_SITE), 2))
    rules = oe.definition("china_2020", reference=own, sites=["femoral_neck"])
    others = InParts(cohort.select(ONE_SITE).filter(pl.col("age") != 31), 2)
    assert any("taken as known" in note for note in oe.prevalence(others, rules).meta["notes"])


def test_sums_need_no_more_digits_than_there_are() -> None:
    """A count of a part is a number of 32 bits; that of all people is not."""
    parts, _ = as_polars(InParts(pl.DataFrame({"age": [61.0, 70.0]}), 2))
    table = totals(parts, sums=[pl.len().alias("n")])
    assert table.schema == {"n": pl.Int64}


def test_no_person_comes_here_unasked(cohort: pl.DataFrame, rules: oe.Definition) -> None:
    parts = InParts(cohort, 2)
    lazy = oe.classify(cohort.lazy().head(1), oe.definition("who_1994", reference="zhang_2007"))
    assert lazy.collect().height == 1  # a lazy frame of Polars is as it was
    with pytest.raises(Elsewhere, match=r"stand in parts: .* parts\.frame, or ask"):
        oe.population.bmd_by_age(parts, rules)
    with pytest.raises(
        EngineError, match=r"osteo_epi\.read\(frame\.limit\(100000\)\.toArrow\(\)\)"
    ):
        oe.read(parts)
    assert first_rows(as_polars(parts)[0], 3).height == 3


def test_a_plan_of_another_version_is_refused(cohort: pl.DataFrame) -> None:
    plan = Plan.of(cohort.lazy().select("age"))
    old = replace(plan, written_by=("osteo-epi 0.0.1", "polars 1.0.0"))
    with pytest.raises(
        EngineError, match=r"an executor has osteo-epi .* by osteo-epi 0\.0\.1, polars 1"
    ):
        partial(old, old, [], cohort.head(0))
    with pytest.raises(EngineError, match="changed on its way"):
        merged(replace(plan, digest="0"), [])
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_what_cannot_travel_is_said(cohort: pl.DataFrame, rules: oe.Definition) -> None:
    lock = threading.Lock()
    own = pl.col("age").map_elements(lambda age: lock.locked(), return_dtype=pl.Boolean)
    with pytest.raises(EngineError, match="cannot be pickled"):
        oe.prevalence(InParts(cohort, 2), rules, domain=own)


age = pl.col("age")
TOGETHER = [
    age > age.mean(), age >= age.nan_max(), age == age.get(0), age.is_in(age.implode()),
    age > pl.len() / 20, pl.int_range(pl.len()) < 500, (age > 90).any(), age > age.null_count(),
    age > age.max().over("sex"), age > age.skew(), age > pl.corr("age", "bmi"),
    age.bin_ranks(2, labels=False) == 0,
]  # fmt: skip


@pytest.mark.parametrize("domain", TOGETHER, ids=str)
def test_what_takes_people_together_is_refused(cohort: pl.DataFrame, domain: pl.Expr) -> None:
    """A mean of everybody, or a place among them, is another one in each part."""
    people, _ = as_polars(InParts(cohort, 2))
    with pytest.raises(EngineError, match="takes several rows together"):
        totals(people.filter(domain), sums=[pl.len()])


def test_a_part_unlike_the_others_is_said(cohort: pl.DataFrame) -> None:
    schema = pl.Schema({"age": pl.Float64, "sex": pl.String})
    text = pl.DataFrame({"age": ["61", "old"], "sex": ["female", "male"]})
    with pytest.raises(EngineError, match=r"age \(String for Float64\).* cast them"):
        typed(text, schema)
    with pytest.raises(EngineError, match=r"lacks the column\(s\) sex"):
        typed(text.select("age"), schema)
    whole = pl.DataFrame({"sex": ["female"], "age": [61]})
    assert typed(whole, schema).rows() == [(61.0, "female")]
    centres = pl.DataFrame({"centre": [1.0, 2.5, None]})  # null among whole numbers, as pandas has
    assert typed(centres, pl.Schema({"centre": pl.String})).rows() == [("1",), ("2.5",), (None,)]


def test_words_are_refused_where_they_stand(cohort: pl.DataFrame, rules: oe.Definition) -> None:
    """The first rows are looked at here; a word in a later one is refused there."""
    late = InParts(pl.concat([cohort, cohort.head(1).with_columns(sex=pl.lit("F"))]), 1)
    late.head = lambda n, columns: cohort.head(n).select(columns)  # type: ignore[method-assign]
    with pytest.raises(SchemaError, match="not_canonical"):
        oe.prevalence(late, rules)
