"""The codebook: every variable's name, unit, meaning, plausible range and other names."""

from __future__ import annotations

import tomllib
import unicodedata
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import polars as pl

from osteo_epi.cohort._listing import headings_of, is_about, listing
from osteo_epi.html import html_table
from osteo_epi.results import Result
from osteo_epi.rounding import counted

Kind = Literal["quantity", "boolean", "category", "label", "id", "date"]
_YES = (
    *(
        "1",
        "true",
        "t",
        "yes",
        "y",
        "oui",
        "sí",
        "si",
        "sì",
        "sim",
        "ja",
        "是",
        "有",
        "已",
        "阳性",
        "positive",
    ),
    *("wahr", "vrai", "verdadero", "vero", "예", "유", "はい", "あり"),
)
SIDES = ("left", "right", "mean")
_NO = (
    *(
        "0",
        "false",
        "f",
        "no",
        "n",
        "non",
        "não",
        "nao",
        "nein",
        "否",
        "无",
        "未",
        "阴性",
        "negative",
    ),
    *("falsch", "faux", "falso", "아니오", "아니요", "무", "いいえ", "なし"),
)

_AROUND = " \t\r\n\u00a0\u3000。．.,，;；!！"
"""Blanks and the stop around an answer."""


@dataclass(frozen=True)
class Variable:
    """One canonical variable.

    `range` is where a value of a living person can lie, in `unit`; `lookalikes` are bands inside
    it in which a value is given in another unit rather than true. `decides` marks what a diagnosis
    or an estimate rests on, `strict` what among it is not read with text among its numbers.
    `factors` lead from other units to `unit` for this substance alone, as from mass to amount.
    `covariate` marks what nothing but an association reads: its faults are warnings, and stop
    nobody.
    `letters` are answers that mean one thing beside some words and another beside others (M).
    `ignored` are words that add nothing to an answer, such as "fracture" to its site. `roi` is the
    region of interest of a reading. `label` is what a table of people calls the variable.
    """

    name: str
    meaning: str
    meaning_zh: str
    kind: Kind
    unit: str | None = None
    range: tuple[float, float] | None = None
    strict: bool = False
    decides: bool = False
    covariate: bool = False
    lookalikes: dict[str, tuple[float, float]] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    no_codes: bool = False
    missing_words: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    label: str = ""
    label_zh: str = ""
    categories: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    declared: dict[str, dict[str, str]] = field(default_factory=dict)
    letters: dict[str, dict[str, Any]] = field(default_factory=dict)
    roi: str | None = None

    @property
    def stops(self) -> bool:
        """Whether a fault in its column stops the reading: a diagnosis or an estimate rests on it.

        A column of another variable that cannot be read is left out, with a warning.
        """
        return self.decides or self.kind == "id" or self.name == "sex"

    def says_nothing(self, text: Any) -> Any:
        """Of texts, which say that there is nothing to say (a reason of 未见异常。, a blank, nan).

        What reads a file takes blanks and words for missing away; a frame of the caller's has them.
        """
        words = [*self.missing_words, *sorted(codebook().missing_words)]
        return text.str.strip_chars(_AROUND).str.to_lowercase().is_in(words)

    @property
    def side(self) -> str | None:
        """Which hip a reading is of, `left` or `right`, or `mean` of both; None: it names none."""
        return side_of(self.roi or "")

    @property
    def whole(self) -> str | None:
        """For a reading of one hip, the variable of the region that names no side."""
        return self.name.replace(f"_{self.side}", "") if self.side else None

    @property
    def dtype(self) -> pl.DataType:
        """Type of the column after the door."""
        types: dict[str, pl.DataType] = {
            "quantity": pl.Float64(),
            "boolean": pl.Boolean(),
            "date": pl.Date(),
            "label": pl.String(),
            "id": pl.String(),
        }
        return pl.Enum(self.categories) if self.kind == "category" else types[self.kind]


@dataclass(frozen=True, repr=False)
class Codebook(Result):
    """All variables, the units and the words that headings are made of.

    Examples
    --------
    >>> book = codebook()
    >>> book["abmd_femoral_neck"].unit, book["abmd_femoral_neck"].range
    ('g/cm2', (0.1, 2.2))
    >>> book["abmd_femoral_neck"].meaning, book["abmd_femoral_neck"].meaning_zh
    ('Areal bone mineral density by DXA, femoral neck', '股骨颈面积骨密度（DXA）')
    >>> book.factor("mg/cm2", "g/cm2")
    0.001
    >>> book.headings("abmd_femoral_neck")[:3]
    ('femoralneck bmd', 'fn bmd', '股骨颈骨密度')
    >>> print(book.search("tube voltage"))
    tube_voltage [kV]
        ...
    """

    no_figure = "is a list of variables: read it in to_frame()"

    variables: dict[str, Variable]
    units: dict[str, str]
    factors: dict[str, dict[str, float]]
    missing_codes: tuple[float, ...]
    missing_words: frozenset[str]
    summaries: dict[str, tuple[str, ...]]
    words: dict[str, dict[str, str]]
    quantities: dict[str, str]
    vague_means: dict[str, tuple[str, ...]]
    elsewhere: tuple[str, ...]
    identifying: dict[str, tuple[str, ...]]
    nhanes: dict[str, str]
    articles: frozenset[str] = frozenset()
    owners: tuple[str, ...] = ()
    personal: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    bare_weights: frozenset[str] = frozenset()
    visits: frozenset[str] = frozenset()
    first_visits: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> Variable:
        return self.variables[name]

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def unit(self, spelling: str) -> str | None:
        """The unit that a spelling means, or None."""
        return self.units.get(unicodedata.normalize("NFKC", spelling).strip().casefold())

    def factor(self, source: str, canonical: str) -> float | None:
        """What a value in `source` is multiplied by to be in `canonical`; None: not convertible."""
        return 1.0 if source == canonical else self.factors.get(canonical, {}).get(source)

    def convertible(self, variable: Variable) -> dict[str, float]:
        """Other units that a variable may have been given in, with their factors."""
        return self.factors.get(variable.unit or "", {}) | variable.factors

    def headings(self, name: str) -> tuple[str, ...]:
        """Headings that are read as a variable; others of the same words are too, in any order."""
        return headings_of(self[name], self.words, self.nhanes)

    def search(self, text: str) -> Codebook:
        """The variables of which each word of a text tells, in name, meaning or heading.

        Parameters
        ----------
        text
            Words in English or Chinese, such as "neck" or "股骨颈 T值".

        Returns
        -------
        Codebook
            With these variables alone; printed, it lists them.
        """
        about = {
            name: v for name, v in self.variables.items() if is_about(v, self.headings(name), text)
        }
        return replace(self, variables=about)

    def to_polars(self) -> pl.DataFrame:
        """One row a variable: name, kind, unit, low, high, meaning, meaning_zh, headings."""
        text = pl.String
        types = {"name": text, "kind": text, "unit": text, "low": pl.Float64, "high": pl.Float64}
        rows = [
            (
                *(v.name, v.kind, v.unit, *(v.range or (None, None)), v.meaning, v.meaning_zh),
                ", ".join(self.headings(v.name)),
            )
            for v in self.variables.values()
        ]
        schema = types | dict.fromkeys(("meaning", "meaning_zh", "headings"), text)
        return pl.DataFrame(rows, schema=schema, orient="row")

    def listed(self, width: int = 100) -> str:
        """Name, unit, meaning and headings of each variable, in lines of a width in cells."""
        return listing(((v, self.headings(v.name)) for v in self.variables.values()), width)

    def __str__(self) -> str:
        return self.listed()

    def _repr_html_(self) -> str:
        """All variables, folded: a notebook shows one line until it is opened."""
        table = html_table(self.to_polars())
        box = f'<div style="max-height: 30em; overflow: auto">{table}</div>'
        return f"<details><summary>{self._summary()}</summary>{box}</details>"

    def _summary(self) -> str:
        n = counted(len(self.variables), "variable")
        return f"{n}; print(codebook) lists them, codebook.search(word) finds some"


@cache
def codebook() -> Codebook:
    """Every variable's unit, meaning in two languages, plausible range and other names.

    Returns
    -------
    Codebook
        Read once from ``codebook.toml`` beside this module.

    Examples
    --------
    >>> codebook()["height"].unit
    'cm'
    """
    text = (files("osteo_epi.cohort") / "codebook.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return Codebook(
        variables={
            v.name: v
            for key, entry in data["variables"].items()
            for v in _read(key, _with_words(entry, data["variables"]), data["regions"])
        },
        units={s.casefold(): unit for unit, names in data["units"].items() for s in (unit, *names)},
        factors=data["factors"],
        missing_codes=tuple(data["missing"]["codes"]),
        missing_words=frozenset(data["missing"]["words"]),
        summaries={kind: tuple(words) for kind, words in data["summaries"].items()},
        words={
            part: {word: meaning for meaning, words in group.items() for word in words}
            for part, group in data["words"].items()
            if part not in ("vague_means", "elsewhere")
        },
        quantities=data["quantities"],
        vague_means={key: tuple(sites) for key, sites in data["words"]["vague_means"].items()},
        elsewhere=tuple(data["words"]["elsewhere"]["elsewhere"]),
        identifying={part: tuple(words) for part, words in data["identifying"].items()},
        nhanes=data["nhanes"],
        articles=frozenset(data["articles"]["words"]),
        owners=tuple(sorted(data["owners"]["words"], key=len, reverse=True)),
        personal=frozenset(data["identifiers"]["personal"]),
        bare_weights=frozenset(data["weights"]["bare"]),
        visits=frozenset(data["visits"]["headings"]),
        first_visits=frozenset(data["visits"]["first"]),
        written=frozenset(_of_regions(data["written"]["names"], data["regions"])),
    )


def _of_regions(names: list[str], regions: dict[str, Any]) -> list[str]:
    """Names, those with {} once for every region."""
    return [name.format(roi) for name in names for roi in (regions if "{}" in name else [""])]


def _with_words(entry: dict[str, Any], entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An entry that answers in another's words, with those words."""
    other = entry.get("words_of")
    return entry | {"words": entries[other]["words"]} if other else entry


def _read(key: str, entry: dict[str, Any], regions: dict[str, dict[str, str]]) -> list[Variable]:
    """One entry of the file: one variable, or one for each region that it names."""
    if "each" not in entry:
        return [_variable(key, {"en": "", "zh": ""}, entry)]
    return [
        _variable(key.replace("{}", r), regions[r], entry | _of_region(entry, r))
        for r in entry["each"]
    ]


def _of_region(entry: dict[str, Any], region: str) -> dict[str, Any]:
    """The region itself, and its range where the entry has one for each; a side has the same."""
    limits, own = entry.get("range"), {"roi": region}
    if not isinstance(limits, dict):
        return own
    side = side_of(region)
    return own | {"range": limits[region.removesuffix(f"_{side}")]}


def _variable(name: str, region: dict[str, str], entry: dict[str, Any]) -> Variable:
    words = {word: value for value, many in entry.get("words", {}).items() for word in many}
    if entry["kind"] == "boolean":
        plain = dict.fromkeys(_YES, "true") | dict.fromkeys(_NO, "false")
        words = plain | words
    meaning, meaning_zh = entry["meaning"], entry["meaning_zh"]
    return Variable(
        name=name,
        meaning=meaning.replace("{}", region["en"]),
        meaning_zh=meaning_zh.replace("{}", region["zh"]),
        label=entry.get("label", meaning.partition(";")[0]).replace("{}", region["en"]),
        label_zh=entry.get("label_zh", meaning_zh.partition("；")[0]).replace("{}", region["zh"]),
        kind=entry["kind"],
        unit=entry.get("unit"),
        range=tuple(map(float, entry["range"])) if "range" in entry else None,  # type: ignore[arg-type]
        strict=entry.get("strict", False),
        decides=entry.get("decides", entry.get("strict", False)),
        covariate=entry.get("covariate", False),
        factors=entry.get("factors", {}),
        lookalikes={unit: (low, high) for unit, (low, high) in entry.get("lookalikes", {}).items()},
        no_codes=entry.get("no_codes", False),
        missing_words=tuple(entry.get("missing_words", ())),
        ignored=tuple(entry.get("ignored", ())),
        categories=tuple(entry.get("categories", ())),
        aliases=tuple(a.format(**region) for a in entry.get("aliases", ())),
        words=words,
        declared=entry.get("declared", {}),
        letters=entry.get("letters", {}),
        roi=entry.get("roi"),
    )


def side_of(region: str) -> str | None:
    """Which side the name of a region ends in; None where it names none."""
    return next((side for side in SIDES if region.endswith(f"_{side}")), None)
