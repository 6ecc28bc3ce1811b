"""List every number of R that the tests hold and osteo-epi does not give to 1e-8, with the reason.

    python reports/against_other_software.py

reads the reasons where the tests keep them (a reason that is no longer met fails a test) and
writes against_other_software.md beside this file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
TESTS = HERE.parent / "tests"
sys.path.insert(0, str(TESTS))

import agreement_golden  # noqa: E402
import test_rates  # noqa: E402
import test_survey_golden  # noqa: E402

HEAD = """# Against other software

Made by `python reports/against_other_software.py` from the reasons that the tests keep: a reason
that is no longer met fails a test. Records are results of R on known data
(`tests/golden/*.json`, made by the scripts in `tests/golden/R`); a number agrees when it is equal
to 1e-8 relative. Numbers of a record that are not listed here agree.
"""


def records(name: str) -> int:
    """How many records a golden file holds."""
    return len(json.loads((TESTS / "golden" / name).read_text()))


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in x)} |" for x in lines)


def survey() -> str:
    """Survey estimates."""
    pending = [(f"`{k}`", why) for k, why in test_survey_golden.PENDING.items()]
    looser = [(f"`{k}`", f"{v:g}") for k, v in test_survey_golden.LOOSER.items()]
    return "\n\n".join(
        [
            f"## Survey estimates: R survey, {records('a_survey.json')} records",
            f"{len(test_survey_golden.ALL)} are matched. Not matched:",
            table(("record", "reason"), pending),
            "Matched less closely, because R's own iteration stops short (reasons beside the "
            "bounds in `tests/test_survey_golden.py`):",
            table(("part of the record's name", "relative bound"), looser),
        ]
    )


def rates() -> str:
    """Rates and intervals of a proportion."""
    near = [(f"`{k}`", f"{bound:g}", why) for k, (bound, why) in test_rates.NOT_MATCHED.items()]
    elsewhere = [(f"`{k}`", why) for k, why in test_rates.ELSEWHERE.items()]
    return "\n\n".join(
        [
            "## Rates and proportions: epitools, epiR, asht, DescTools, PHEindicatormethods …, "
            f"{records('b_rates.json')} records",
            table(("beginning of the record's name", "relative bound", "reason"), near),
            "Of rooms that do not exist yet:",
            table(("record", "room"), elsewhere),
        ]
    )


def methods() -> str:
    """Method comparison and agreement."""
    rows = [(f"`{k}`", why) for k, why in agreement_golden.DIFFERENT.items()]
    return "\n\n".join(
        [
            "## Method comparison and agreement: mcr, deming, blandr, SimplyAgree, psych, irr …, "
            f"{records('c_methods.json')} records",
            table(("record and number (pattern)", "reason"), rows),
        ]
    )


def main() -> None:
    """Write the page."""
    page = "\n\n".join([HEAD.strip(), survey(), rates(), methods()]) + "\n"
    (HERE / "against_other_software.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
