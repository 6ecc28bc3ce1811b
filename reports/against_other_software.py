"""List every number of R that the tests hold and osteo-epi does not give to 1e-8, with the reason.

    python reports/against_other_software.py

reads the reasons where the tests keep them, with the folder of microdata beside the project, and
writes against_other_software.md beside this file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
sys.path.insert(0, str(TESTS))

import accuracy_golden  # noqa: E402
import agreement_golden  # noqa: E402
import cox_golden  # noqa: E402
import cutpoint_golden  # noqa: E402
import differences  # noqa: E402
import discrimination_golden  # noqa: E402
import incidence_golden  # noqa: E402
import performance_golden  # noqa: E402
import risk_model_golden  # noqa: E402
import roc_golden  # noqa: E402
import test_rates  # noqa: E402
import test_survey_golden  # noqa: E402
import test_two_by_two  # noqa: E402

HEAD = """# Against other software

Made by `python reports/against_other_software.py` from what the tests keep: a bound that is not
needed, or a number listed that no record has, fails a test. Records are results of R on known data
(`tests/golden/*.json`, made by the scripts in `tests/golden/R`); a number agrees when it is equal
to 1e-8 relative. Listed here are the numbers that do not agree so, those that the tests leave out,
and those that they adapt before they compare; the other numbers of a record agree. Text is never
compared, and the labels of rows and columns are not. Each reason is R's or the toolkit's rule and
holds for any data; each bound, and each largest difference, was met on the data of the record and
is no promise for others.
"""
ADAPTED = ("number (pattern of record and name)", "what the test does", "reason")


def records(name: str) -> int:
    """How many records a golden file holds."""
    return len(json.loads((TESTS / "golden" / name).read_text()))


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in x)} |" for x in lines)


def adapted(*files: str) -> str:
    """What the tests of these golden files adapt before they compare."""
    rows = [(f"`{a.numbers}`", a.done, a.reason) for a in differences.ADAPTED if a.file in files]
    return "Adapted by the tests before they compare:\n\n" + table(ADAPTED, rows)


def survey() -> str:
    """Survey estimates."""
    pending = [(f"`{k}`", why) for k, why in test_survey_golden.PENDING.items()]
    golden = json.loads((TESTS / "golden" / "a_survey.json").read_text())
    largest = test_survey_golden.off(golden)
    looser = [
        (f"`{k}`", f"{bound:g}", f"{largest[k]:.1g}", why)
        for k, (bound, why) in test_survey_golden.LOOSER.items()
    ]
    head = ("part of the record's name", "relative bound", "largest difference", "reason")
    return "\n\n".join(
        [
            f"## Survey estimates: R survey 4.5, {records('a_survey.json')} records",
            f"{len(test_survey_golden.ALL)} are matched. Not matched:",
            table(("record", "reason"), pending),
            "Matched less closely:",
            table(head, looser),
            adapted("a_survey"),
            f"Of domains that leave strata and units out {records('e_domain.json')} more records "
            "(R survey 4.1) agree. R survey 4.1 has another centre for lonely units than 4.5, "
            "which the toolkit follows. Of prevalences of fracture and density together "
            f"{records('i_fracture_part.json') - 1} records (`svycontrast` on totals, "
            "`withReplicates`; R survey 4.1) agree.",
        ]
    )


def rates() -> str:
    """Rates and intervals of a proportion."""
    near = [(f"`{k}`", f"{bound:g}", why) for k, (bound, why) in test_rates.NOT_MATCHED.items()]
    skipped = [(f"`{k}`", why) for k, why in test_rates.UNASKED.items() if why != "a label"]
    labels = ", ".join(f"`{k}`" for k, why in test_rates.UNASKED.items() if why == "a label")
    elsewhere = [(f"`{k}`", why) for k, why in test_rates.ELSEWHERE.items()]
    return "\n\n".join(
        [
            "## Rates and proportions: epitools, epiR, asht, DescTools, PHEindicatormethods …, "
            f"{records('b_rates.json')} records",
            table(("beginning of the record's name", "relative bound", "reason"), near),
            f"Left out, where the toolkit has no field of that name (and the labels {labels}):",
            table(("field", "reason"), skipped),
            adapted("b_rates"),
            "Compared elsewhere, or not offered:",
            table(("record", "where, or why not"), elsewhere),
            "Of the 2 × 2 measures not given as those records have them; exact and mid-p limits "
            "agree to 2e-4, where R's search ends:",
            table(("numbers", "reason"), list(test_two_by_two.DIFFERENT.items())),
        ]
    )


def methods() -> str:
    """Method comparison and agreement."""
    rows = [(f"`{k}`", why) for k, why in agreement_golden.DIFFERENT.items()]
    count = records("c_methods.json") + records("d_diag_kappa.json")
    return "\n\n".join(
        [
            "## Method comparison and agreement: mcr, deming, blandr, SimplyAgree, psych, irr …, "
            f"{count} records",
            "Left out:",
            table(("record and number (pattern)", "reason"), rows),
            adapted("c_methods", "d_diag_kappa"),
        ]
    )


def thresholds() -> str:
    """Accuracy of a test, ROC, and cut-points."""
    left_out = accuracy_golden.DIFFERENT | roc_golden.DIFFERENT | cutpoint_golden.DIFFERENT
    count = sum(records(f"d_diag_{part}.json") for part in ("accuracy", "roc", "cutpoints"))
    return "\n\n".join(
        [
            "## Accuracy of a test, ROC, cut-points: epiR, pROC, OptimalCutpoints, cutpointr …, "
            f"{count} records",
            "Left out:",
            table(
                ("record and number (pattern)", "reason"),
                [(f"`{k}`", why) for k, why in left_out.items()],
            ),
            adapted("d_diag_cutpoints"),
        ]
    )


def performance() -> str:
    """Net benefit, calibration and reclassification."""
    rows = [(f"`{k}`", why) for k, why in performance_golden.DIFFERENT.items()]
    return "\n\n".join(
        [
            "## Net benefit, calibration of risks, reclassification: dcurves, rms, Hmisc, nricens, "
            f"R stats, {len(performance_golden.RECORDS)} records",
            "Left out:",
            table(("record and number (pattern)", "reason"), rows),
        ]
    )


def associations() -> str:
    """Cox's model, logistic regression, and rates."""
    rows = [(f"`{k}`", why) for k, why in cox_golden.DIFFERENT.items()]
    return "\n\n".join(
        [
            "## Hazard and odds ratios: survival 3.5, R stats, Hmisc, "
            f"{records('f_cox.json')} records; survey 4.5, `cohort.svycoxph`",
            "Left out:",
            table(("record and number (pattern)", "reason"), rows),
        ]
    )


def discrimination() -> str:
    """Absolute risk, C-index, time-dependent AUC and Brier score."""
    left_out = discrimination_golden.DIFFERENT | risk_model_golden.DIFFERENT
    rows = [(f"`{k}`", why) for k, why in left_out.items()]
    count = records("f_discrimination.json") + records("f_risk_model.json")
    return "\n\n".join(
        [
            "## Absolute risk and its discrimination: survival 3.5, survC1, Hmisc, timeROC 0.4, "
            f"riskRegression 2022.11, {count} records",
            "Left out:",
            table(("record and number (pattern)", "reason"), rows),
            adapted("f_discrimination"),
        ]
    )


def incidence() -> str:
    """Curves over time, their tests, and the subdistribution hazard."""
    rows = [(f"`{k}`", why) for k, why in incidence_golden.DIFFERENT.items()]
    return "\n\n".join(
        [
            "## Survival, cumulative incidence, Fine and Gray: survival 3.5, cmprsk 2.2, prodlim "
            f"2019.11, R survey 4.1 and 4.5, {records('f_incidence.json')} records",
            "Left out:",
            table(("record and number (pattern)", "reason"), rows),
            adapted("f_incidence"),
        ]
    )


def others() -> str:
    """Definitions side by side, curves by age, and what is in no record."""
    return "\n\n".join(
        [
            "## Definitions side by side: R survey 4.1, "
            f"{records('g_definition_grid.json')} records",
            adapted("g_definition_grid"),
            "## Curves by age: gamlss 5.5, quantreg 5.94, VGAM 1.1, sitar 1.3, "
            f"{records('h_centiles.json')} records",
            adapted("h_centiles"),
            "## Mean by age by local polynomials: R survey 4.1, KernSmooth 2.23, "
            f"{records('j_local_polynomial.json')} records",
            adapted("j_local_polynomial"),
            "## Not offered, or seen to differ outside the records",
            table(("in R", "in the toolkit"), list(differences.NOT_OFFERED)),
        ]
    )


def main() -> None:
    """Write the page."""
    parts = [survey(), rates(), methods(), thresholds(), associations(), discrimination()]
    parts += [performance(), incidence(), others()]
    page = "\n\n".join([HEAD.strip(), *parts]) + "\n"
    (HERE / "against_other_software.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
