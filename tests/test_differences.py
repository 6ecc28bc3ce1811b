"""No adaptation of R's numbers or ours is listed that is not made, or made and not needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import survey_records_models as models
from differences import ADAPTED
from survey_records import arrays, cells, column
from test_survey_golden import LOOSER, TOLERANCE, off

from osteo_epi.survey import degrees_of_freedom, mean, survey_interval

GOLDEN = Path(__file__).parent / "golden"


def paths(result: Any, path: str) -> Iterator[str]:
    """Every number's path, with the separators of both readers of golden files."""
    if isinstance(result, dict):
        for key, value in result.items():
            yield from paths(value, f"{path}/{key}")
    elif isinstance(result, list):
        for i, value in enumerate(result):
            yield from paths(value, f"{path}/{i}")
    else:
        yield path
        head, _, tail = path.partition("/")
        yield f"{head}/{tail.replace('/', '.')}"


@pytest.mark.parametrize("one", ADAPTED, ids=lambda one: f"{one.file} {one.numbers}")
def test_an_adaptation_names_numbers_that_there_are(one: Any) -> None:
    records = json.loads((GOLDEN / f"{one.file}.json").read_text())
    named = [p for name, r in records.items() for p in paths(r["result"], name)]
    assert any(re.search(one.numbers, path) for path in named)


def test_the_dispersion_of_r_carries_the_scale_of_its_weights(golden: Any) -> None:
    theirs = golden("a_survey.json")["osteo.glm.gauss"]["result"]["dispersion"]
    ours, scale = models.gaussian().dispersion, models.scale_of_r("osteo_survey", "bmd")
    assert ours * scale == pytest.approx(theirs, rel=1e-8)
    assert ours != pytest.approx(theirs, rel=1e-5)


def test_r_counts_rows_without_an_outcome(golden: Any) -> None:
    theirs = golden("a_survey.json")["osteo.ciprop.osteo"]["result"]["beta"]
    d = arrays("osteo_survey")
    result = mean(column("osteo_survey", "osteo"), d)
    for n, same in ((d.n_rows, True), (result.n, False)):
        low, _ = survey_interval(
            result.value, result.se, n=n, df=degrees_of_freedom(d), method="beta"
        )
        assert bool(low[0] == pytest.approx(theirs["lo"], rel=1e-8)) is same


def test_r_has_no_limits_where_nobody_has_the_event(golden: Any) -> None:
    record = golden("a_survey.json")["osteo.svyby_ciprop_beta"]["result"]
    empty = record["osteo"].index(0)
    assert (record["ci_l"][empty], record["ci_u"][empty]) == (None, None)
    mask = cells()[empty][2]
    result = mean(column("osteo_survey", "osteo"), arrays("osteo_survey"), domain=mask)
    low, high = survey_interval(result.value, result.se, n=result.n, df=result.df, method="beta")
    assert low[0] == 0
    assert 0 < high[0] < 1


def test_r_takes_normal_limits_by_domain(golden: Any) -> None:
    record = golden("a_survey.json")["osteo.svyby"]["result"]
    result = mean(column("osteo_survey", "osteo"), arrays("osteo_survey"), domain=cells()[1][2])
    normal, student = (result.interval(df=df)[0][0] for df in (np.inf, None))
    assert normal == pytest.approx(record["ci_l"][1], rel=1e-8)
    assert student != pytest.approx(record["ci_l"][1], rel=1e-3)


def test_no_looser_bound_is_idle(golden: Any) -> None:
    largest = off(golden("a_survey.json"))
    assert {name for name, gap in largest.items() if gap > TOLERANCE} == set(LOOSER)
