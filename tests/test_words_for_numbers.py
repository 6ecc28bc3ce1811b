"""Words where numbers are asked for: refused by name and type, and no value of a person is shown.

Polars and NumPy print the values that they cannot convert.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from osteo_epi import agreement, calibration, reference, survey
from osteo_epi.cohort import simulate
from osteo_epi.errors import OsteoEpiError
from osteo_epi.population import rates

N = 120
DESIGN = survey.SurveyDesign("weight_of")
_draw = np.random.default_rng(1)
PEOPLE = simulate(N, seed=1).frame.with_columns(
    words=pl.Series(["1.0"] * (N - 1) + ["SECRET"]),
    weight_of=pl.lit(1.0),
    a=pl.Series(_draw.normal(size=N)),
    time=pl.Series(_draw.random(N) + 0.1),
    twice=pl.Series([str(row // 2) for row in range(N)]),
    machine=pl.Series(["A", "B"] * (N // 2)),
)
WORDS = PEOPLE["words"]
CURVE = reference.fit_curve(PEOPLE, "abmd_femoral_neck", mu=reference.Constant())
CALLS: dict[str, Callable[[], Any]] = {
    "survey mean": lambda: survey.mean(PEOPLE, "words", DESIGN),
    "survey quantile": lambda: survey.survey_quantile(PEOPLE, "words", [0.5], DESIGN),
    "fpc": lambda: survey.SurveyDesign("weight_of", psu="twice", fpc="words").arrays(PEOPLE),
    "curve": lambda: reference.fit_curve(PEOPLE, "words"),
    "curve's weight": lambda: reference.fit_curve(PEOPLE, "abmd_femoral_neck", weight="words"),
    "quantiles": lambda: reference.fit_quantiles(PEOPLE, "words"),
    "local": lambda: reference.fit_local_polynomial(PEOPLE, "words"),
    "outliers": lambda: reference.outliers(CURVE, PEOPLE, column="words"),
    "ages of outliers": lambda: reference.outliers(CURVE, PEOPLE, age="words"),
    "diagnosis": lambda: reference.diagnose(CURVE, PEOPLE.with_columns(abmd_femoral_neck=WORDS)),
    "BMAD": lambda: reference.bmad(PEOPLE, bmc="words", area="a"),
    "height": lambda: reference.height_adjustment(CURVE, CURVE, PEOPLE, age="words"),
    "heaping": lambda: reference.whipple(WORDS),
    "rates of a table": lambda: rates.with_rates(PEOPLE, cases="words", person_years="time"),
    "rate": lambda: rates.rate(WORDS, PEOPLE["time"]),
    "proportions of a table": lambda: rates.with_proportion(PEOPLE, events="words", n="time"),
    "proportion": lambda: rates.proportion(WORDS, PEOPLE["time"]),
    "direct rate": lambda: rates.direct_rate(WORDS, PEOPLE["time"], PEOPLE["time"]),
    "Bland-Altman": lambda: agreement.bland_altman(PEOPLE, x="words", y="a"),
    "of lists": lambda: agreement.bland_altman(WORDS.to_list(), PEOPLE["a"]),
    "repeated": lambda: agreement.bland_altman_repeated(
        PEOPLE, x="words", y="a", person="twice", true_value="varies"
    ),
    "kappa": lambda: agreement.kappa(PEOPLE, first="words", second="a", weights="quadratic"),
    "intraclass": lambda: agreement.intraclass(PEOPLE, columns=["words", "a"]),
    "raters": lambda: agreement.kendall_w(PEOPLE, columns=["words", "a"]),
    "precision": lambda: calibration.precision(PEOPLE, value="words", person="twice"),
    "line": lambda: calibration.fit_line(PEOPLE, x="words", y="a", method="deming"),
    "chart": lambda: calibration.with_control_chart(PEOPLE, value="words"),
    "change": lambda: calibration.with_change(PEOPLE, value="words", lsc=0.1),
    "devices": lambda: calibration.between_devices(
        PEOPLE, column="words", reference="A", by=["machine"]
    ),
    "mixed line": lambda: calibration.mixed_line(
        PEOPLE, value="words", reference="A", person="twice", device="machine"
    ),
}


@pytest.mark.parametrize("asked", CALLS)
def test_words_are_refused_and_not_shown(asked: str) -> None:
    with pytest.raises(OsteoEpiError, match="number") as told:
        CALLS[asked]()
    assert "SECRET" not in str(told.value)
    assert told.value.__cause__ is None
