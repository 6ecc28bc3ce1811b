"""TRIPOD+AI: what the data answer is true of them, and what only the author knows is left empty."""

from __future__ import annotations

import polars as pl
import pytest
from test_risk_model import ASKED, BESIDE, sample

from osteo_epi.errors import DefinitionError
from osteo_epi.risk import (
    concordance,
    fit_risk_model,
    prediction_sample_size,
    tripod_items,
    validate_risk_model,
)
from osteo_epi.survey import SurveyDesign

ALONE = {"nothing_competes": True, "at": (5, 10)}
PEOPLE = sample().with_columns(
    age=pl.when(pl.col("unit") == 3).then(None).otherwise("age"), old=pl.col("age") > 60
)


def test_every_answer_is_of_the_model_and_its_people():
    model = fit_risk_model(PEOPLE, **ASKED, **ALONE, design="srs", domain="old")
    validation = validate_risk_model(model, replicates=5, seed=2)
    items = tripod_items(model, validation)
    assert f"of {PEOPLE['old'].sum()} people lacked age 8;" in items["11"].answer
    assert items["21"].answer.startswith(f"{model.n} people, {model.n_events} with the event")
    assert "sex: male against female" in items["12b"].answer
    assert "age: Age at the scan [years]" in items["9b"].answer
    assert "5 bootstrap replicates" in items["12c"].answer
    assert "seed 2" in items["12c"].answer
    risk = model.predict(PEOPLE).to_frame()
    c = concordance(risk, risk="risk_10", time="years", event="event", event_positive=1, horizon=10,
                    design="srs", domain=pl.col("old") & pl.col("age").is_not_null()).c  # fmt: skip
    assert f"C by 10 {c.rounded(3)}" in items["23a"].answer
    corrected = validation.corrected("concordance", 10)
    assert f"corrected for optimism by 10: C {corrected:.3f}" in items["23a"].answer
    slope = model.to_frame()["coefficient"][0]
    assert f"age {slope:.4g}"[:8] in items["22"].answer


def test_the_size_is_set_against_riley_at_the_models_own_r_squared():
    model = fit_risk_model(PEOPLE, **ASKED, **ALONE, design="srs")
    answer = tripod_items(model)["10"].answer
    explained = float(answer.split("own R² of ")[1].split(" ")[0])
    size = prediction_sample_size(
        parameters=2, r_squared=explained, rate=model.n_events / model.people.time.sum(),
        horizon=10, mean_follow_up=float(model.people.time.mean()),
    )  # fmt: skip
    asked = int(answer.split("shrinkage ")[1].split(",")[0])
    assert size.needs[0].n == pytest.approx(asked, rel=0.02)
    assert f"risk at the horizon {size.needs[2].n} people" in answer


def test_what_only_the_author_knows_is_empty():
    items = tripod_items(fit_risk_model(PEOPLE, **ASKED, **ALONE, design="srs"))
    assert "of 400 people lacked age 10; complete cases: 10 left out" in items["11"].answer
    for one in items.items:
        assert (one.answer is None) == (one.answered_by == "author"), one.item
    assert {"1", "6b", "17", "25", "8a"} <= set(items.open)
    assert "21" not in items.open
    assert "no internal validation" in items["12c"].answer
    frame = items.to_frame()
    assert frame.filter(pl.col("answered_by") == "author")["answer"].null_count() == 34
    assert frame["topic_zh"].null_count() == 0


def test_without_a_model_every_item_is_open():
    items = tripod_items()
    assert len(items.open) == len(items.items) == 52
    assert len({one.item for one in items.items}) == 52


@pytest.mark.parametrize("kind", ["cause_specific", "fine_gray"])
def test_competing_events_are_in_the_answers(kind):
    model = fit_risk_model(PEOPLE, **ASKED, **BESIDE, model=kind, at=(5, 10), design="srs")
    items = tripod_items(model)
    assert f"{model.n_competing} with the competing one" in items["21"].answer
    assert ("of the competing event" in items["22"].answer) == (kind == "cause_specific")


def test_a_survey_says_its_design_and_is_not_set_against_riley():
    model = fit_risk_model(PEOPLE, **ASKED, **ALONE, design=SurveyDesign(weight="w", psu="unit"))
    items = tripod_items(model)
    assert "units unit" in items["12d"].answer
    assert "not applied" in items["10"].answer


def test_a_validation_of_another_model_is_refused():
    model = fit_risk_model(PEOPLE, **ASKED, **ALONE, design="srs")
    other = validate_risk_model(
        fit_risk_model(PEOPLE, **ASKED, **ALONE, design="srs", domain="old"), replicates=3
    )
    for given in ((None, other), (model, other)):
        with pytest.raises(DefinitionError, match="not of this model"):
            tripod_items(*given)
    with pytest.raises(DefinitionError, match="result of fit_risk_model"):
        tripod_items(PEOPLE)
    with pytest.raises(DefinitionError, match="result of validate_risk_model"):
        tripod_items(model, PEOPLE)
    with pytest.raises(DefinitionError, match="confidence"):
        tripod_items(model, confidence=95)
