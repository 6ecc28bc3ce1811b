"""How every function of people is called: a frame and names, or values; and what comes back."""

from __future__ import annotations

import importlib
import inspect

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import osteo_epi as oe
from osteo_epi import accuracy, agreement, calibration, risk
from osteo_epi.errors import SchemaError
from osteo_epi.frames import series_given, series_of
from osteo_epi.results import Result

RNG = np.random.default_rng(12)
N = 240
DXA = RNG.normal(0.85, 0.13, N)
PEOPLE = pl.DataFrame(
    {
        "dxa": DXA,
        "qct": 1.05 * DXA + RNG.normal(0, 0.02, N),
        "low_dxa": DXA < 0.75,
        "low_qct": DXA + RNG.normal(0, 0.05, N) < 0.75,
        "years": RNG.exponential(6.0, N) + 0.01,
        "fracture": RNG.random(N) < 0.4,
        "village": [f"v{i % 12}" for i in range(N)],
        "risk": np.clip(0.9 - 0.6 * DXA, 0.02, 0.98),
        "other_risk": np.clip(0.8 - 0.5 * DXA, 0.02, 0.98),
    }
)
TWO = {
    agreement.bland_altman: {},
    agreement.concordance: {},
    agreement.correlation: {},
    agreement.deming: {},
    agreement.equivalence: {"margin": 0.1},
    agreement.least_squares: {},
    agreement.passing_bablok: {},
    agreement.theil_sen: {},
    agreement.weighted_deming: {},
    calibration.cross_validate: {"method": "deming"},
    calibration.fit_line: {"method": "deming"},
    calibration.recommend: {},
}
NAMED = {
    accuracy.accuracy: ({"test": "low_qct", "truth": "low_dxa", "cluster": "village"}, {}),
    accuracy.roc: ({"score": "qct", "truth": "low_dxa"}, {"direction": "low"}),
    accuracy.compare_tests: ({"first": "low_qct", "second": "fracture", "truth": "low_dxa"}, {}),
    accuracy.stard_flow: ({"test": "low_qct", "truth": "low_dxa"}, {}),
    risk.two_by_two: ({"exposure": "low_dxa", "outcome": "fracture"}, {}),
    risk.person_years: ({"time": "years", "event": "fracture"}, {}),
    risk.survival_curve: ({"time": "years", "event": "fracture", "by": "village"}, {"at": [2.0]}),
    risk.concordance: ({"risk": "risk", "time": "years", "event": "fracture"}, {}),
    risk.risk_calibration: ({"risk": "risk", "outcome": "fracture"}, {"groups": 5}),
    risk.reclassification: (
        {"first": "risk", "second": "other_risk", "outcome": "fracture"},
        {"cut_offs": [0.4]},
    ),
    calibration.precision: ({"person": "village", "value": "dxa"}, {}),
}


def numbers(result: Result) -> list[object]:
    """The numbers of a result, whatever its columns are called."""
    frame = result.to_polars()
    return [v for row in frame.rows() for v in row if isinstance(v, float | int)]


@pytest.mark.parametrize("call", TWO, ids=lambda call: call.__name__)
def test_two_series_come_first_or_by_name_or_as_columns(call):
    options = TWO[call]
    x, y = PEOPLE["dxa"], PEOPLE["qct"]
    wanted = numbers(call(x.to_numpy(), y.to_numpy(), **options))
    assert len(wanted) > 1 or call is calibration.recommend
    assert numbers(call(x=x.to_list(), y=y, **options)) == wanted
    assert numbers(call(PEOPLE, x="dxa", y="qct", **options)) == wanted
    assert numbers(call(PEOPLE.lazy(), x="dxa", y=y, **options)) == wanted
    assert numbers(call(PEOPLE.to_pandas(), x="dxa", y="qct", **options)) == wanted


@pytest.mark.parametrize("call", NAMED, ids=lambda call: call.__name__)
def test_values_stand_in_the_place_of_names(call):
    columns, options = NAMED[call]
    wanted = numbers(call(PEOPLE, **columns, **options))
    values = {argument: PEOPLE[name].to_list() for argument, name in columns.items()}
    assert numbers(call(**values, **options)) == wanted
    first = next(iter(columns))
    mixed = {**columns, first: PEOPLE[columns[first]].to_numpy()}
    assert numbers(call(PEOPLE.drop(columns[first]), **mixed, **options)) == wanted


def test_a_mask_stands_in_the_place_of_a_domain():
    old = PEOPLE["years"] > 3
    by_name = accuracy.accuracy(PEOPLE.with_columns(old=old), test="low_qct", truth="low_dxa",
                                domain="old")  # fmt: skip
    by_value = accuracy.accuracy(PEOPLE, test="low_qct", truth="low_dxa", domain=old.to_numpy())
    assert numbers(by_value) == numbers(by_name)


def test_classes_of_two_rules_come_as_all_else():
    rules = pl.DataFrame({"own": ["low", "low", "normal", "low"], "us": ["low", "normal"] * 2})
    table = agreement.transitions(rules, first="own", second="us")
    assert (table.first, table.second) == ("own", "us")
    assert (agreement.transitions(rules["own"], rules["us"]).counts == table.counts).all()
    plain = agreement.transitions(rules["own"].to_list(), rules["us"].to_list())
    assert (plain.first, plain.second) == ("first", "second")
    by_name = agreement.kappa(rules.to_pandas(), first="own", second="us")
    assert by_name.kappa.estimate == agreement.kappa(rules["own"], rules["us"]).kappa.estimate


def test_ratings_are_a_table_or_columns_of_a_frame():
    table = [[9, 2, 5], [6, 1, 3], [8, 4, 6], [7, 1, 2], [10, 5, 6]]
    frame = pd.DataFrame(table, columns=["a", "b", "c"]).assign(person=list("vwxyz"))
    columns = ["a", "b", "c"]
    for call in (agreement.intraclass, calibration.precision_of, calibration.variance_components):
        assert numbers(call(frame, columns=columns)) == numbers(call(table))
    with pytest.raises(SchemaError, match="columns names the column d, which the data do not"):
        agreement.intraclass(frame, columns=["a", "d"])


def test_a_series_in_time_has_its_dates_beside_it():
    readings = pl.DataFrame({"bmd": [1.0, 1.01, 0.99, 1.03, 1.02, 1.04], "day": range(6)})
    by_name = calibration.steps_at_events(readings, values="bmd", at="day", events=[3])
    by_value = calibration.steps_at_events(readings["bmd"], at=range(6), events=[3])
    assert by_name.to_polars().equals(by_value.to_polars())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: agreement.bland_altman(DXA), "nothing says what y is"),
        (lambda: agreement.bland_altman(PEOPLE, x="dxa"), "nothing says what y is"),
        (lambda: agreement.bland_altman(x="dxa", y="qct"), "x and y names a column, and no frame"),
        (lambda: agreement.bland_altman(DXA, DXA, DXA), "3 series came first; expected x, y"),
        (lambda: agreement.bland_altman(DXA, DXA, x=DXA), "x came first and by name"),
        (lambda: agreement.bland_altman(PEOPLE, x="dxa", y="qtc"), "did you mean qct"),
        (lambda: accuracy.accuracy(test="a", truth="b"), "no people: give a frame"),
        (lambda: accuracy.accuracy(test=[True], truth=[True, False]), "1 of test, 2 of truth"),
        (lambda: accuracy.accuracy(PEOPLE, test=[True], truth="low_dxa"), "240 of people"),
        (lambda: accuracy.accuracy(test=np.eye(2), truth=[True, False]), "test has 2 dimensions"),
        (lambda: series_of([1, "a"], "truth"), "truth holds values of several kinds"),
    ],
)
def test_what_is_missing_or_doubled_is_said(call, words):
    with pytest.raises(SchemaError, match=words):
        call()


def test_a_cohort_with_open_errors_is_refused_until_they_are_accepted():
    error = oe.Finding("sex_unknown", "error", "sex", 2, "2 rows have no sex", "fill it in")
    frame = PEOPLE.with_columns(sex=pl.lit(None, pl.String))
    people = oe.Cohort.from_frame(frame, findings=[error])
    with pytest.raises(SchemaError, match="sex_unknown"):
        agreement.bland_altman(people, x="dxa", y="qct")
    accepted = agreement.bland_altman(people.with_errors_accepted(), x="dxa", y="qct")
    assert accepted.n == N


def test_optional_series_may_be_absent():
    assert series_given(([1.0],), values=None, at=None, optional=("at",)) == ([1.0], None)


# No data, or none of people: sizes of studies, published numbers, and tables of counts.
PLAIN = {"published_range", "published_equations", "kappa_of_table", "threshold",
         "correction_between"}  # fmt: skip


@pytest.mark.parametrize("room", ["agreement", "calibration", "accuracy", "risk", "population"])
def test_every_result_of_data_knows_its_callers_kind(room):
    door = importlib.import_module(f"osteo_epi.{room}")
    for name in door.__all__:
        call = getattr(door, name)
        given = inspect.signature(call).parameters.values() if inspect.isfunction(call) else ()
        returned = call.__annotations__.get("return") if given else None
        made = inspect.unwrap(call).__globals__.get(str(returned)) if given else None
        is_result = inspect.isclass(made) and issubclass(made, Result)
        takes_data = any(p.kind is not p.KEYWORD_ONLY for p in given)
        if is_result and takes_data and name not in PLAIN | {"participants"}:
            assert hasattr(call, "__wrapped__"), f"{room}.{name} gives a frame of Polars to all"


KINDS = {
    "pandas": (pl.DataFrame.to_pandas, pd.DataFrame),
    "arrow": (pl.DataFrame.to_arrow, pa.Table),
    "lazy": (pl.DataFrame.lazy, pl.DataFrame),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_comes_in_the_kind_of_the_people(kind):
    make, wanted = KINDS[kind]
    people = make(oe.datasets.survey().frame)
    definition = oe.definition("china_2020", reference="zhang_2007")
    result = oe.prevalence(people, definition, by="sex", classes=["osteoporosis"])
    assert isinstance(result.to_frame(), wanted)
    assert isinstance(result.to_polars(), pl.DataFrame)
    curve = accuracy.roc(make(PEOPLE), score="qct", truth="low_dxa", direction="low")
    assert isinstance(curve.to_frame(), wanted)
    assert isinstance(oe.read(people).to_frame(), wanted)


def test_values_and_results_tell_their_kind_too():
    dxa, qct = pd.Series(DXA), PEOPLE["qct"].to_pandas()
    assert isinstance(agreement.bland_altman(dxa, qct).to_frame(), pd.DataFrame)
    assert isinstance(
        accuracy.roc(score=qct, truth=dxa < 0.75, direction="low").to_frame(), pd.DataFrame
    )
    line = agreement.deming(dxa, qct)
    lsc = calibration.cross_device_lsc(line, x_error=0.01, y_error=0.01)
    assert isinstance(lsc.to_frame(), pd.DataFrame)
    assert isinstance(line.predict([0.8]).to_frame(), pd.DataFrame)
    curve = accuracy.roc(PEOPLE.to_pandas(), score="qct", truth="low_dxa", direction="low")
    assert isinstance(curve.band().to_frame(), pd.DataFrame)
    assert isinstance(agreement.bland_altman(DXA, qct.to_numpy()).to_frame(), pl.DataFrame)


def test_people_of_pandas_stay_so_through_a_cohort():
    clinic = pd.DataFrame({"Sex": ["F", "M"], "Age": [61, 70], "neck BMD": [0.558, 0.812]})
    people = oe.read(clinic)
    classified = oe.classify(people, oe.definition("china_2020", reference="zhang_2007",
                                                   sites=["femoral_neck"]))  # fmt: skip
    assert isinstance(people.to_frame(), pd.DataFrame)
    assert isinstance(classified.findings.to_frame(), pd.DataFrame)
    assert isinstance(classified.flow.to_frame(), pd.DataFrame)
    assert isinstance(oe.check(people.to_pandas()).to_frame(), pd.DataFrame)
    assert classified.to_frame()["bone_class"].tolist()[0] == "osteoporosis"


def test_classes_sexes_and_age_bands_follow_in_their_order():
    survey = oe.datasets.survey()
    definition = oe.definition("china_2020", reference="zhang_2007")
    result = oe.prevalence(survey, definition, by="sex", standard="china_2010")
    table = result.to_pandas()
    for name in ("class", "sex", "age_band"):
        assert table[name].dtype.ordered, name
    assert list(table["sex"].cat.categories) == ["female", "male", "all"]
    assert table["class"].cat.categories[0] == "osteoporosis"
    bands = list(table["age_band"].cat.categories)
    assert bands[:2] == ["50+", "50-54"]
    assert bands[-1] == "80+"
    assert result.to_frame().schema["sex"] == pl.Enum(["female", "male", "all"])


def test_series_whose_indices_differ_are_refused():
    """Sorted by itself, a series of pandas keeps whose its values are; the order does not."""
    people = pd.DataFrame({"dxa": [0.8, 0.9, 1.0, 1.1], "qct": [0.86, 0.91, 1.02, 1.13]})
    low = people < 1
    away = people["qct"][::-1]
    differ = "are of pandas and their indices differ"
    for given in ((people["dxa"], away), (people, "dxa", away)):
        x, y = given[-2:]
        with pytest.raises(SchemaError, match=differ):
            agreement.bland_altman(*given[:-2], x=x, y=y)
    with pytest.raises(SchemaError, match=f"test and truth {differ}"):
        accuracy.accuracy(test=low["dxa"], truth=low["qct"][::-1])
    with pytest.raises(SchemaError, match=f"people and truth {differ}"):
        accuracy.accuracy(low, test="dxa", truth=low["qct"][::-1])
    stated = accuracy.accuracy(test=low["dxa"], truth=low["qct"][::-1].to_numpy())
    assert stated.measures["sensitivity"].estimate == 0
    same = accuracy.accuracy(low.iloc[::-1], test="dxa", truth=low["qct"][::-1])
    assert same.measures["sensitivity"].estimate == 1


RULES = oe.definition("nchs_bone_2021")


@pytest.mark.parametrize("kind", [list, pl.Series, pd.Series, np.array])
def test_a_domain_of_values_is_told_to_become_a_column(kind):
    people = oe.classify(oe.datasets.survey(), RULES)
    with pytest.raises(SchemaError, match="expected the name of a column that is true or false"):
        oe.prevalence(people, RULES, domain=kind([True, False]))
