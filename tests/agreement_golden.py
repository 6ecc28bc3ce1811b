"""How the agreement tests read results of other software, and what is known to differ and why."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "golden"
RELATIVE = 1e-8

# Record and number (as a pattern) → why the toolkit does not give that number.
DIFFERENT = {
    r"epi\.kappa/(watson|altman|cohen)\..*": (
        "estimates and indices are those of the part fleiss; the standard error takes the "
        "agreement by chance as known; the toolkit gives that of Fleiss, Cohen and Everitt"
    ),
    r"fleiss/(exact|light)": (
        "kappa of several raters by Conger (exact) and Light are not offered; Fleiss's is, and "
        "Krippendorff's alpha"
    ),
    r".*\.pbreg1/ci\..*|.*\.paba\.analytical\.tangent/.*": (
        "mcr counts slopes of −1 by half and does not round ranks, deming takes the correction for "
        "ties from the standard deviation of S instead of its variance; the toolkit keeps the rule "
        "of 1983. test_passing_bablok_of_others_is_ours_by_their_rules gets theirs"
    ),
    r".*\.SimplyAgree\.mover/loa\.(lower|upper)\.ci\.[12]": (
        "SimplyAgree 0.1.2 has z where z² belongs in the variance of a limit (mended later)"
    ),
    r".*\.SimplyAgree\.mover/shieh_test\..*": "Shieh's exact test is not offered",
    r".*\.SimplyAgree\.mover/loa\.ci\.level\..*": "a setting, not a result",
    r"kappa\.psych/varw|kappa\.psych/ci\.values\.1\..*": (
        "psych 2.2.9 returns a variance of zero for quadratic weights"
    ),
    r"epi\.kappa/\w+\.(p|b)index\.(se|lower|upper)": (
        "epiR takes two cells of one table as independent samples"
    ),
    r"fleiss/kripp_(nom|ord)": "irr::kripp.alpha does not divide by raters − 1",
    r"fleiss/detail\..*": (
        "irr rounds to three digits; test_kappa_by_class_of_irr_is_ours_rounded holds them"
    ),
    r"kappa2\.\w+/p|fleiss/p": "irr takes 1 − Φ(z), which is zero in floating point beyond z = 8",
    r"icc\.DescTools/p-val\..*": "DescTools rounds p to zero",
    r".*\.bootBCa/.*": "bootstrap: compared within Monte-Carlo error",
}


def records(name: str) -> dict[str, dict[str, Any]]:
    """Records of a file: id to what was called, data, package and result."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def columns(name: str) -> dict[str, np.ndarray]:
    """A data file's columns."""
    with (FOLDER / "data" / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}


def table(name: str) -> np.ndarray:
    """A data file without its first column, the identifier; shape (people, columns)."""
    return np.column_stack(list(columns(name).values())[1:])


def pairs(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Readings of the two methods of a comparison."""
    data = columns(name)
    keys = ("old.lot", "new.lot") if "old.lot" in data else ("x", "y")
    return data[keys[0]], data[keys[1]]


def numbers(result: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a result with its path."""
    if isinstance(result, dict):
        for key, value in result.items():
            yield from numbers(value, f"{path}.{key}" if path else key)
    elif isinstance(result, list | tuple | np.ndarray):
        for place, value in enumerate(result):
            yield from numbers(value, f"{path}.{place}" if path else str(place))
    elif result is not None and not isinstance(result, str | bool):
        yield path, float(result)


def why_different(record: str, path: str) -> str | None:
    """Reason why a number is not compared, None if it is."""
    key = f"{record}/{path}"
    return next((why for pattern, why in DIFFERENT.items() if re.fullmatch(pattern, key)), None)


def compare(record: str, expected: Any, ours: dict[str, Any]) -> tuple[int, list[str]]:
    """Number of values compared, and those that are absent or differ by more than 1e-8."""
    mine = dict(numbers(ours))
    compared, faults = 0, []
    for path, value in numbers(expected):
        if why_different(record, path):
            continue
        if path not in mine:
            faults.append(f"{record}/{path}: not computed")
            continue
        compared += 1
        if abs(mine[path] - value) > RELATIVE * max(abs(value), 1e-300):
            faults.append(f"{record}/{path}: {mine[path]!r} against {value!r}")
    return compared, faults
