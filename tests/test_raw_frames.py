"""A frame that no reader took in is refused where it is not the codebook's, with the way in."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from osteo_epi.cohort import Cohort, check, is_simulated, read, simulate
from osteo_epi.diagnosis import classify, definition, young_adult_reference
from osteo_epi.errors import DesignError, OsteoEpiWarning, SchemaError
from osteo_epi.population import prevalence

RULES = definition("iscd_2019")
N = 400


@pytest.fixture(scope="module")
def people():
    """Canonical people, as a frame that carries no findings."""
    frame = simulate(N, seed=3).frame
    return frame.select("age", "sex", "^abmd_(lumbar_spine|femoral_neck|total_hip)$").with_columns(
        pl.col("sex").cast(pl.String)
    )


SEX = pl.col("sex")
MONTHS = pl.col("age") * 12
BMD = pl.selectors.starts_with("abmd")
FOREIGN = {
    "F and M": (SEX.replace({"female": "F", "male": "M"}), "sex", N, "read(frame), which reads"),
    "女": (SEX.replace({"female": "女", "male": "男"}), "sex", N, "read(frame), which reads"),
    "codes": (
        SEX.replace_strict({"female": 2, "male": 1}),
        "sex",
        N,
        r'read(frame, sex_coding={1: "…", 2: "…"}), with female or male',
    ),
    "codes as text": (SEX.replace({"female": "2", "male": "1"}), "sex", N, "sex_coding={1:"),
    "categories": (
        SEX.replace({"female": "F", "male": "M"}).cast(pl.Categorical),
        "sex",
        N,
        "read(frame)",
    ),
    "a quarter": (
        pl.when(pl.int_range(pl.len()) < 100).then(SEX.str.slice(0, 1)).otherwise(SEX),
        "sex",
        100,
        "100 of 400 rows",
    ),
    "months": (MONTHS, "age", None, 'units={"age": "months"}'),
    "mg/cm2": (BMD * 1000, "abmd_lumbar_spine", None, 'units={"abmd_lumbar_spine": "mg/cm2"}'),
    "ages as text": (pl.col("age").cast(pl.String), "age", N, "brings columns to their types"),
    "yes in words": (pl.lit("是").alias("postmenopausal"), "postmenopausal", N, "read(frame)"),
    "dates as text": (pl.lit("2019-03-05").alias("scan_date"), "scan_date", N, "read(frame)"),
    "nested": (pl.concat_list("age").alias("age"), "age", N, "holds List(Float64), not numbers"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_the_codebooks_is_an_error_with_the_way_in(people, kind):
    change, column, n, words = FOREIGN[kind]
    frame = people.with_columns(change)
    (finding,) = [f for f in check(frame).errors if f.column == column]
    assert n in (None, finding.n)
    assert words in str(finding)
    kinds = [frame, frame.lazy(), frame.to_pandas()]
    for raw in kinds if kind == "nested" else [*kinds, Cohort.from_frame(frame)]:
        with pytest.raises(SchemaError, match=rf"\[{column}\].*osteo_epi.read\(frame"):
            classify(raw, RULES)
        with pytest.raises(SchemaError, match=rf"\[{column}\].*osteo_epi.read\(frame"):
            prevalence(raw, RULES)
    with pytest.raises(SchemaError, match=rf"\[{column}\]"):
        young_adult_reference(frame)


@pytest.mark.parametrize("kind", ["F and M", "女", "categories", "ages as text", "a quarter"])
def test_the_way_in_leads_to_the_same_classes(people, kind):
    wanted = classify(people, RULES)["bone_class"]
    taken_in = read(people.with_columns(FOREIGN[kind][0]))
    assert classify(taken_in, RULES)["bone_class"].to_list() == wanted.to_list()


def test_the_arguments_that_are_named_lead_to_the_same_classes(people):
    wanted = classify(people, RULES)["bone_class"].to_list()
    coded = people.with_columns(FOREIGN["codes"][0], MONTHS, BMD * 1000)
    units = dict.fromkeys([c for c in people.columns if c.startswith("abmd")], "mg/cm2")
    taken_in = read(coded, sex_coding={1: "male", 2: "female"}, units=units | {"age": "months"})
    assert classify(taken_in, RULES)["bone_class"].to_list() == wanted


@pytest.mark.parametrize("kind", ["F and M", "codes", "ages as text"])
def test_no_message_leads_to_everybody_not_classifiable(people, kind):
    with pytest.raises(SchemaError) as refused:
        classify(people.with_columns(FOREIGN[kind][0]), RULES)
    assert "accept" not in str(refused.value)


def test_of_a_frame_no_option_of_the_command_line_is_named(people):
    with pytest.raises(SchemaError, match=r"accept_errors=True\. A frame") as refused:
        classify(people.with_columns(MONTHS), RULES)
    assert "--accept" not in str(refused.value)


def test_errors_may_be_accepted_and_are_said(people):
    raw = people.with_columns(FOREIGN["a quarter"][0])
    words = r"\(not_canonical in sex\): .* 100 of 400 rows; they would count as not stated"
    with pytest.warns(OsteoEpiWarning, match=words):
        classes = classify(raw, RULES, accept_errors=True)["bone_class"]
    assert (classes == "not_classifiable").sum() >= 100
    with pytest.warns(OsteoEpiWarning, match=words):
        lazy = classify(raw.lazy(), RULES, accept_errors=True)
    assert lazy.collect()["bone_class"].equals(classes)


@pytest.mark.parametrize("nothing", ["", " ", "nan", "N/A"])
def test_a_blank_is_no_reason_why_a_site_cannot_be_used(people, nothing):
    """A blank of pandas' fillna, or its nan as text, made the spine of everybody unusable."""
    blank = people.with_columns(spine_unusable_reason=pl.lit(nothing))
    assert classify(blank, RULES)["bone_class"].equals(classify(people, RULES)["bone_class"])


def test_a_canonical_frame_passes_as_it_came(people):
    assert not check(people).errors
    typed = people.with_columns(SEX.cast(pl.Enum(["female", "male"])))
    for raw in (people, typed, people.with_columns(SEX.cast(pl.Categorical))):
        assert classify(raw, RULES)["bone_class"].equals(classify(people, RULES)["bone_class"])
    assert isinstance(classify(people.lazy(), RULES), pl.LazyFrame)
    assert isinstance(classify(people.to_pandas(), RULES), pd.DataFrame)


@pytest.mark.parametrize("kind", [lambda frame: frame, pl.DataFrame.lazy, pl.DataFrame.to_pandas])
def test_a_heading_that_means_a_fracture_is_not_passed_over(people, kind):
    """Nobody had a fracture then, and those with one and a good density were normal."""
    raw = people.with_columns(pl.lit(True).alias("Fragility fracture"), village=pl.lit("a"))
    with_fractures = definition("china_2020", reference="nhanes3_white_female")
    words = (
        r"heading_not_canonical \[Fragility fracture\].* give the column the name fragility_fract"
    )
    for call in (classify, prevalence):
        with pytest.raises(SchemaError, match=words):
            call(kind(raw), with_fractures)
    beside = raw.with_columns(fragility_fracture=pl.lit(False))
    assert len(classify(beside, with_fractures)) == N
    assert len(classify(raw, RULES)) == N  # reads no fracture


def test_one_slip_of_the_pen_stops_nobody(people):
    slip = pl.when(pl.int_range(pl.len()) == 7).then(700.0).otherwise("abmd_total_hip")
    raw = people.with_columns(slip.alias("abmd_total_hip"))
    assert len(classify(raw, RULES)) == N
    assert classify(raw[7:8], RULES)["bone_class"].to_list() == ["not_classifiable"]


def test_of_a_long_lazy_frame_the_later_rows_are_looked_at_when_they_come(people):
    """The first rows are sound; that one word came later would else be seen in no place."""
    parts = [people.lazy()] * 260 + [people.with_columns(FOREIGN["F and M"][0]).lazy()]
    query = classify(pl.concat(parts), RULES)
    assert isinstance(query, pl.LazyFrame)
    with pytest.raises(SchemaError, match=r"not_canonical \[sex\] values other than female, male"):
        query.collect(engine="streaming")
    with pytest.raises(SchemaError, match=r"not_canonical \[sex\]"):
        prevalence(pl.concat(parts), RULES)


def test_units_are_told_in_a_long_frame_from_evenly_spaced_rows(people):
    long = pl.concat([people] * 600)
    part = pl.when(pl.int_range(pl.len()) < 60_000).then(BMD * 1000).otherwise(BMD)
    with pytest.raises(
        SchemaError, match=r"out_of_range \[abmd_lumbar_spine\].*: 5\d{4} of 2\d{5}; "
    ):
        classify(long.with_columns(part), RULES)


def test_people_who_are_classified_may_be_grouped_by_other_words(people):
    classified = classify(people, RULES).with_columns(FOREIGN["F and M"][0])
    result = prevalence(classified, RULES, by="sex", age_bands=(50, 200))
    assert set(result.to_frame()["sex"]) == {"F", "M", "all"}
    with pytest.raises(SchemaError, match=r"\[age\]"):
        prevalence(classified.with_columns(MONTHS), RULES)


def test_a_cohort_of_a_frame_that_no_text_can_hold_is_refused(people):
    with pytest.raises(SchemaError, match=r"column age holds List.*read\(frame\) takes such"):
        Cohort.from_frame(people.with_columns(pl.concat_list("age").alias("age")))


NO_TEXT = {
    "list": [["a"], ["b"]],
    "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
    "struct": [{"a": 1}, {"a": 2}],
    "bytes": [b"\xff\xfe", b"a"],
    "durations": [dt.timedelta(1), dt.timedelta(2)],
    "objects": pl.Series([object(), {1}], dtype=pl.Object),
}


@pytest.mark.parametrize("kind", NO_TEXT)
def test_columns_that_no_text_can_hold_are_refused_by_name(people, kind):
    column = pl.Series("sex", NO_TEXT[kind])
    frame = people.head(2).with_columns(column)
    with pytest.raises(SchemaError, match=r"wrong_type \[sex\] .*read\(frame\)"):
        classify(frame, RULES)
    assert check(frame).of("wrong_type")
    beside = people.head(2).with_columns(column.alias("hospital"))
    with pytest.raises(DesignError, match=r"hospital \(\w+\) hold no levels of a group"):
        prevalence(beside, RULES, by="hospital")


def test_people_who_were_classified_are_no_raw_frame() -> None:
    """The mean density that classifying writes was taken for a heading of somebody's, and the
    sampling error of the study's own young adults fell out of every interval."""
    rules = definition("china_2020", reference="zhang_2007")
    people = simulate(400, seed=2).frame
    once = classify(people, rules)
    assert "vbmd_lumbar_spine_mean" in once.columns
    assert classify(once, rules)["bone_class"].equals(once["bone_class"])


def test_classes_that_stand_in_a_frame_and_nobody_made_here_are_said(people):
    own = people.with_columns(bone_class=pl.lit("normal"))
    assert any("bone_class as it stands" in note for note in prevalence(own, RULES).notes)
    ours = prevalence(classify(people, RULES), RULES)
    assert not any("bone_class as it stands" in note for note in ours.notes)


def test_a_column_called_source_is_no_label() -> None:
    """Columns of pandas are attributes of the frame, and a cohort has a source too."""
    frame = pd.DataFrame({"source": ["a clinic"], "age": [61.0], "synthetic": [False]})
    assert not is_simulated(frame)
