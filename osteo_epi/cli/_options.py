"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import click


def several(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """One decorator of several options, in the order in which the help shows them."""
    return lambda command: reduce(lambda made, option: option(made), reversed(options), command)


def pairs_of(ctx: click.Context, param: click.Parameter, given: Any) -> dict[str, str]:
    """Read NAME=VALUE, repeated or separated by commas."""
    texts = given if isinstance(given, tuple) else (given or "").split(",")
    pairs = {}
    for text in filter(None, texts):
        name, equals, value = text.rpartition("=")
        if not (name.strip() and equals and value.strip()):
            raise click.BadParameter(f"expected NAME=VALUE, got {text!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def mapping_of(ctx: click.Context, param: click.Parameter, given: Any) -> dict[str, str | None]:
    """Read COLUMN=VARIABLE; "none" leaves a column as it is."""
    pairs = pairs_of(ctx, param, given)
    return {column: None if to.lower() == "none" else to for column, to in pairs.items()}


def codes_of(
    ctx: click.Context, param: click.Parameter, given: tuple[str, ...]
) -> dict[str, list[str | float]]:
    """Read COLUMN=CODE, several a column; a code that is a number is taken as one."""
    codes: dict[str, list[str | float]] = {}
    for text in given:
        for column, code in pairs_of(ctx, param, (text,)).items():
            codes.setdefault(column, []).append(_number_or_word(code))
    return codes


def _number_or_word(code: str) -> str | float:
    try:
        return float(code)
    except ValueError:
        return code


def names_of(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Read names, repeated or separated by commas."""
    return tuple(part.strip() for text in given for part in text.split(",") if part.strip())


def edges_of(ctx: click.Context, param: click.Parameter, given: str | None) -> list[float] | None:
    """Read ages separated by commas; inf is the open end."""
    try:
        return None if given is None else [float(edge) for edge in given.split(",")]
    except ValueError:
        raise click.BadParameter("expected ages separated by commas, such as 50,65,inf") from None


READING = several(
    click.option("--source", default="auto", show_default=True, metavar="READER",
                 help="auto goes by the file's bytes; nhanes, csv, excel, parquet, xport, stata, "
                 "spss, sas."),
    click.option("--map", "map_", multiple=True, callback=mapping_of, metavar="COLUMN=VARIABLE",
                 help="What a column of the file is, e.g. my_column=abmd_femoral_neck. "
                 "none leaves a column as it is. Repeatable."),
    click.option("--sex-coding", callback=pairs_of, metavar="CODE=SEX,…",
                 help="How sex is coded, e.g. 1=male,2=female."),
    click.option("--units", multiple=True, callback=pairs_of, metavar="COLUMN=UNIT",
                 help="Unit in which a column is given, e.g. abmd_femoral_neck=mg/cm2. "
                 "Repeatable."),
    click.option(
        "--missing",
        "sentinels",
        multiple=True,
        callback=codes_of,
        metavar="COLUMN=CODE",
        help="A code or word that means missing, e.g. abmd_l1=999. Repeatable.",
    ),
    click.option("--sheet", metavar="NAME", help="Sheet of a workbook; the first by default."),
)  # fmt: skip
DEFINING = several(
    click.option("--definition", default="china_2020", show_default=True, metavar="ID",
                 help="Criterion: china_2020, who_1994, iscd_2019, nchs_bone_2021, or your own."),
    click.option("--reference", metavar="ID",
                 help="Young adults behind the T-score: zhang_2007, nhanes3_white_female, …; "
                 "own_young_adults for the people's own 20-39-year-olds; reported for the file's "
                 "own scores."),
    click.option("--age-reference", metavar="ID", help="People behind the Z-score."),
    click.option("--norms", "norms_folder", metavar="DIR", help="A folder of your own norms."),
)  # fmt: skip
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace what is there.")
