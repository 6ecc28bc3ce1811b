"""Screening by hand, what is refused, and how well it finds those whom a definition diagnoses."""

from __future__ import annotations

import polars as pl
import pytest

import osteo_epi as oe
from osteo_epi.errors import DefinitionError, NormError, SchemaError
from osteo_epi.risk import compare_screening, with_answers_counted, with_screening

WOMEN = pl.DataFrame(
    {
        "age": [55.0, 64.9, 65.0, 75.0, 54.9, 70.0, None],
        "weight": [70.0, 60.0, 59.9, 50.0, 80.0, None, 60.0],
        "oestrogen_current": [True, False, False, False, True, False, False],
        "oestrogen_ever": [True, False, True, False, True, False, False],
        "rheumatoid_arthritis": [False, True, False, False, False, False, False],
        "n_fractures_after_45": [0, 1, 2, 5, 0, 0, 0],
        "race_ethnicity": ["Black", "Asian", "Asian", "Asian", "Black", "Asian", "Asian"],
    }
)


def test_osta_by_hand():
    osta = with_screening(WOMEN, index="osta")
    assert osta["osta"].round(3).to_list() == [3.0, -0.98, -1.02, -5.0, 5.02, None, None]
    assert osta["osta_class"].to_list() == [
        "low", "low", "intermediate", "high", "low", None, None,
    ]  # fmt: skip


def test_an_index_of_exactly_minus_one_and_minus_four_is_intermediate():
    edge = pl.DataFrame({"age": [65.0, 80.0, 65.3], "weight": [60.0, 60.0, 60.3]})
    assert with_screening(edge, index="osta")["osta_class"].to_list() == ["intermediate"] * 3


def test_truncation_is_a_choice():
    people = pl.DataFrame({"age": [64.0, 70.0], "weight": [55.5, 46.0]})
    plain = with_screening(people, index="osta")
    whole = with_screening(people, index="osta", truncate=True)
    assert plain["osta"].round(2).to_list() == [-1.7, -4.8]
    assert whole["osta"].to_list() == [-1.0, -4.0]
    assert [*plain["osta_class"], *whole["osta_class"]] == [
        "intermediate", "high", "intermediate", "intermediate",
    ]  # fmt: skip


def test_orai_by_hand():
    orai = with_screening(WOMEN, index="orai")
    assert orai["orai"].to_list() == [5, 5 + 3 + 2, 9 + 9 + 2, 15 + 9 + 2, 0, None, None]
    assert orai["orai_class"].to_list() == [
        "no_test", "test", "test", "test", "no_test", None, None,
    ]  # fmt: skip


def test_score_by_hand():
    """Pounds: 154.3, 132.3, 132.1, 110.2, 176.4."""
    score = with_screening(WOMEN, index="score", black="Black")
    by_hand = [
        3 * 5 - 15,
        5 + 4 + 4 + 3 * 6 - 13 + 1,
        5 + 8 + 3 * 6 - 13,
        5 + 12 + 3 * 7 - 11 + 1,
        3 * 5 - 17,
        None,
        None,
    ]
    assert score["score"].to_list() == by_hand
    nobody = with_screening(WOMEN.drop("race_ethnicity"), index="score", black=[])
    assert nobody["score"][0] == by_hand[0] + 5


def test_score_asks_who_is_black():
    with pytest.raises(SchemaError, match=r"black=\[\] where nobody is"):
        with_screening(WOMEN, index="score")


def test_several_in_any_frame_give_it_back():
    pandas = with_screening(WOMEN.to_pandas(), index=["osta", "orai"])
    assert type(pandas).__module__.startswith("pandas")
    assert {"osta", "osta_class", "orai", "orai_class"} <= set(pandas.columns)


def test_a_peripheral_method_screens_by_a_stated_cut_and_writes_no_class():
    people = pl.DataFrame({"qus_t_score": [-2.5, -1.8, 0.3, None]})
    done = with_screening(people, cut_offs={"qus_t_score": "(-inf, -1.8]"})
    assert done["qus_t_score_screen"].to_list() == [
        "screen_positive", "screen_positive", "screen_negative", None,
    ]  # fmt: skip
    assert set(done.columns) == {"qus_t_score", "qus_t_score_screen"}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: with_screening(WOMEN), DefinitionError, "say what screens"),
        (lambda: with_screening(WOMEN, index="ost"), NormError, "osta"),
        (lambda: with_screening(WOMEN, index="genant"), NormError, "no index that screens"),
        (
            lambda: with_screening(WOMEN.drop("weight"), index="osta"),
            SchemaError,
            r"not there: weight \(Body weight\)",
        ),
        (
            lambda: with_screening(WOMEN.with_columns(weight=pl.lit("60")), index="osta"),
            SchemaError,
            r"\[weight\] the column holds String",
        ),
        (
            lambda: with_screening(WOMEN.with_columns(oestrogen_current=1), index="orai"),
            SchemaError,
            "expected true or false",
        ),
        (
            lambda: with_screening(WOMEN, cut_offs={"t_score_femoral_neck": "(-inf, -2.5]"}),
            SchemaError,
            "osteo_epi.classify",
        ),
        (
            lambda: with_screening(WOMEN, cut_offs={"qus_t_score": "(-inf, -2.5]"}),
            SchemaError,
            "not in the data",
        ),
        (
            lambda: with_screening(
                pl.DataFrame({"frax_hip": [3.0]}), cut_offs={"frax_hip": "over 3"}
            ),
            NormError,
            "cut_offs, frax_hip",
        ),
        (lambda: with_answers_counted(WOMEN, answers=["zz"]), SchemaError, "zz"),
        (lambda: with_answers_counted(WOMEN, answers=["age"]), SchemaError, "true or false"),
        (lambda: with_answers_counted(WOMEN, answers="age"), DefinitionError, "list of columns"),
    ],
)
def test_what_cannot_screen_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_answers_are_counted_and_a_missing_one_is_not_no():
    people = pl.DataFrame({"a": [True, False, None, None], "b": [True, False, False, True]})
    done = with_answers_counted(people, answers=["a", "b"])
    assert done["iof_one_minute_yes"].to_list() == [2, 0, 0, 1]
    assert done["iof_one_minute_answered"].to_list() == [2, 2, 1, 1]
    assert done["iof_one_minute"].to_list() == [True, False, None, True]


@pytest.fixture(scope="module")
def classed():
    """Simulated people, classed by the consensus, with an ultrasound that knows a little."""
    people = oe.simulate(3_000, seed=2)
    sites = ["lumbar_spine", "femoral_neck", "total_hip"]
    young = oe.young_adult_reference(people, ages=(20, 39), rois=sites)
    done = oe.classify(people, oe.definition("china_2020", reference=young))
    frame = done.frame.with_columns(
        qus_t_score=pl.when(pl.col("age") < 80).then((pl.col("abmd_total_hip") - 0.95) / 0.12)
    )
    return done.with_frame(frame)


def test_screens_are_judged_in_the_same_people(classed):
    old = {"domain": pl.col("age") >= 50, "cut_offs": {"qus_t_score": "(-inf, -1.5]"}}
    table = compare_screening(classed, index="osta", **old).to_frame()
    assert table["screen"].to_list() == ["osta", "osta", "qus_t_score"]
    assert table["positive"].to_list() == ["high", "high or intermediate", "(-inf, -1.5]"]
    assert table["n"].n_unique() == 1
    own = compare_screening(classed, index="osta", common=False, **old).to_frame()
    assert own["n"].n_unique() == 2
    assert table["sensitivity"][0] < table["sensitivity"][1]
    assert table["specificity"][0] > table["specificity"][1]
    assert table["auc"][0] == table["auc"][1] > 0.5
    assert table["source"][2] == "stated by the user"


@pytest.mark.parametrize("text", ["( -inf, -1.5]", "(-Inf, -1.5]", "(−inf, −1.5]", "(-∞, -1.5]"])
def test_direction_is_of_the_interval_however_it_is_spelt(classed, text):
    asked = {"domain": pl.col("age") >= 50}
    usual, other = (
        compare_screening(classed, cut_offs={"qus_t_score": own}, **asked).to_frame()
        for own in ("(-inf, -1.5]", text)
    )
    assert other["auc"][0] == usual["auc"][0] > 0.5


def test_people_must_be_classed_first():
    with pytest.raises(SchemaError, match="class them first"):
        compare_screening(oe.simulate(100, seed=1), index="osta")


def test_screening_is_said_to_diagnose_nobody(classed):
    notes = compare_screening(classed, index="osta", domain=pl.col("age") >= 50).notes
    assert any("never diagnose" in note for note in notes)
    assert not any("FRAX" in note or "ultrasound" in note for note in notes)


def test_the_limits_of_frax_and_of_peripheral_methods_are_said(classed):
    people = classed.with_frame(classed.frame.with_columns(frax_hip=pl.col("age") / 20))
    cuts = {"qus_t_score": "(-inf, -1.5]", "frax_hip": "[3, inf)"}
    notes = compare_screening(people, cut_offs=cuts, domain=pl.col("age") >= 50).notes
    assert any("ultrasound measures no bone mineral density" in note for note in notes)
    assert any("never recomputed" in note and "those of China" in note for note in notes)


def test_the_chart_has_a_row_a_cut_with_limits_and_people(classed):
    result = compare_screening(
        classed, index="osta", cut_offs={"qus_t_score": "(-inf, -1.5]"}, domain=pl.col("age") >= 50
    )
    axes = result.plot()
    labels = [text.get_text().replace("\n", " ") for text in axes.get_yticklabels()]
    assert [label.split(", n ")[0] for label in labels] == [
        "OSTA, high", "OSTA, high or intermediate", "Ultrasound T-score ≤ −1.5",
    ]  # fmt: skip
    points = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "None"]
    table = result.to_frame()
    shown = [*table["sensitivity"], *table["specificity"]]
    assert points == pytest.approx([100 * value for value in shown])
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["Sensitivity", "Specificity"]
    assert "no diagnosis" in axes.get_xlabel()


@pytest.mark.parametrize("text", ["[-1.8, 2]", "(-inf, inf)"])
def test_a_cut_off_open_to_no_side_has_no_direction(text):
    people = pl.DataFrame({"qus_t_score": [-2.0, -1, 0, 1], "truth": [1, 0, 1, 0]})
    with pytest.raises(DefinitionError, match="says not whether low or high values are the risk"):
        compare_screening(people, cut_offs={"qus_t_score": text}, truth="truth")


def test_screens_that_are_none_are_refused():
    people = pl.DataFrame({"age": [70.0], "weight": [50.0], "q1": [True]})
    with pytest.raises(DefinitionError, match="osta stand twice"):
        with_screening(people, index=["osta", "osta"])
    with pytest.raises(DefinitionError, match="cut_offs is a list"):
        with_screening(people, cut_offs=["qus_t_score"])
    with pytest.raises(DefinitionError, match="would write over the answer q1"):
        with_answers_counted(people, answers=["q1"], name="q1")


@pytest.mark.parametrize("text", ["[0.2, inf)", "(-inf, 1]"])
def test_a_share_is_no_cut_off_of_a_column_in_percent(text):
    people = pl.DataFrame({"frax_major": [3.0, 25.0]})
    with pytest.raises(DefinitionError, match=r"frax_major: .* is for shares"):
        with_screening(people, cut_offs={"frax_major": text})
    named = people.rename({"frax_major": "frax_major_percent"})
    assert with_screening(named, cut_offs={"frax_major_percent": text}).width == 2
