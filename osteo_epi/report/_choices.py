"""The options of the main job, each once.

The options of the command line, the keywords of `run()` and their text, the command that makes a
run again and the manifest's list are all made from the fields of `Choices`. A new option is one
field: its value goes to the function of the library that its group is named after.
"""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cache
from inspect import Parameter
from pathlib import Path
from typing import Any

GROUPS = {
    "definition": "What counts as osteoporosis",
    "classify": "What is doubtful",
    "prevalence": "The estimate",
    "read": "How the file is read",
    "design": "The survey design",
    "simulate": "The embedded cohort",
    "run": "The run",
}
"""Groups of options by the function that takes them, with their heading in the help."""
_WIDTH = 92
EVERY = "*"
"""The column for which a code for missing is declared that is of all."""


@dataclass(frozen=True)
class Kind:
    """How one sort of option is held, read from the words of a command, and written as words.

    Parameters
    ----------
    annotation
        What a value may be in Python.
    read
        Words to a value; a ValueError says what was expected.
    write
        A value to words.
    hold
        What is made of a value given in Python.
    repeated
        Whether the option may be given several times, a word each.
    note
        What the help of the command line adds.
    """

    annotation: str
    read: Callable[[Sequence[str]], Any]
    write: Callable[[Any], list[str]]
    hold: Callable[[Any], Any] = lambda value: value
    repeated: bool = False
    note: str = ""


@dataclass(frozen=True)
class Option:
    """One option: what it is called, holds, means, and where it goes.

    Parameters
    ----------
    kind
        See `Kind`.
    group
        One of `GROUPS`.
    help
        One or two sentences, for both the command line and Python.
    metavar
        What stands for the value in the help.
    spelling
        Its name on the command line; that of the field, with hyphens, by default.
    argument
        What the group's function calls it, where the name is another; None where the run itself
        looks after it.
    example
        A value, shown in the way of the command line and of Python.
    embedded
        What the embedded cohort takes where nothing is given.
    stated
        Whether the manifest states it at its default too.
    name, default
        Of the field.
    """

    kind: Kind
    group: str
    help: str
    metavar: str = ""
    spelling: str = ""
    argument: str | None = ""
    example: Any = None
    embedded: Any = None
    stated: bool = True
    name: str = ""
    default: Any = None

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return f"--{self.spelling or self.name.replace('_', '-')}"

    @property
    def typed_help(self) -> str:
        """The help text of the command line."""
        shown = "" if self.example is None else f"E.g. {shlex.join(self.kind.write(self.example))}."
        return " ".join(filter(None, [self.help, shown, self.kind.note]))

    @property
    def parameter(self) -> Parameter:
        """The option as a keyword of `run()`."""
        default = None if self.default == {} else self.default
        return Parameter(
            self.name, Parameter.KEYWORD_ONLY, default=default, annotation=self.kind.annotation
        )

    @property
    def docstring(self) -> str:
        """The option in a list of parameters."""
        shown = "" if self.example is None else f" E.g. {self.example!r}."
        text = textwrap.fill(self.help + shown, _WIDTH, break_on_hyphens=False)
        return f"{self.name}\n{textwrap.indent(text, '    ')}"


def _pairs(words: Sequence[str]) -> dict[str, str]:
    """Read NAME=VALUE."""
    pairs = {}
    for word in filter(None, words):
        name, equals, value = word.rpartition("=")
        if not (name.strip() and equals and value.strip()):
            raise ValueError(f"expected NAME=VALUE, got {word!r}")
        pairs[name.strip()] = value.strip()
    return pairs


def _variables(words: Sequence[str]) -> dict[str, str | None]:
    """Read COLUMN=VARIABLE; "none" leaves a column as it is."""
    return {name: None if to.lower() == "none" else to for name, to in _pairs(words).items()}


def _codes(words: Sequence[str]) -> dict[str, list[str | float]]:
    """Read COLUMN=CODE, several a column, or a CODE of all; a number where it is one."""
    codes: dict[str, list[str | float]] = {}
    for word in filter(None, words):
        for column, code in _pairs([word if "=" in word else f"{EVERY}={word}"]).items():
            codes.setdefault(column, []).append(_code(code))
    return codes


def _code(word: str) -> str | float:
    try:
        return float(word)
    except ValueError:
        return word


def _held_codes(codes: Any) -> dict[str, list[str | float]]:
    """Codes as they are given in Python; a list of them is of all columns."""
    if isinstance(codes, Mapping):
        return {column: list(listed) for column, listed in codes.items()}
    return {EVERY: [codes] if isinstance(codes, str | float | int) else list(codes)}


def _typed_codes(codes: Mapping[str, Sequence[str | float]]) -> list[str]:
    return [
        ("" if column == EVERY else f"{column}=")
        + (code if isinstance(code, str) else _plain(code))
        for column, listed in codes.items()
        for code in listed
    ]


def _edges(words: Sequence[str]) -> tuple[float, ...]:
    """Read ages; inf is the open end."""
    try:
        return tuple(float(edge) for edge in words[0].split(","))
    except ValueError:
        raise ValueError("expected ages separated by commas, such as 50,65,inf") from None


def _limits(words: Sequence[str]) -> tuple[float | None, ...]:
    """Read two limits; an empty one is none."""
    parts = words[0].split(",")
    try:
        limits = tuple(float(part) if part.strip() else None for part in parts)
    except ValueError:
        limits = ()
    if len(limits) != 2:
        raise ValueError("expected two numbers separated by a comma, such as 18.5,35 or ,35")
    return limits


def _limit(limit: float | None) -> str:
    return "" if limit is None else _plain(limit)


def _number(kind: type[int] | type[float], what: str) -> Callable[[Sequence[str]], Any]:
    def read(words: Sequence[str]) -> Any:
        try:
            return kind(words[0])
        except ValueError:
            raise ValueError(f"expected {what}, got {words[0]!r}") from None

    return read


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _written(pairs: Mapping[str, str | None]) -> list[str]:
    return [f"{name}={value or 'none'}" for name, value in pairs.items()]


def _plain(number: float) -> str:
    return f"{number:.15g}"


TEXT = Kind("str", lambda words: words[0], lambda value: [str(value)])
NORM = Kind("str or a norm", TEXT.read, lambda norm: [getattr(norm, "id", norm)])
WHOLE = Kind("int", _number(int, "a whole number"), lambda value: [str(value)])
NUMBER = Kind("float", _number(float, "a number"), lambda value: [_plain(value)])
SWITCH = Kind("bool", lambda words: bool(words), lambda value: [])
# A command holds no folder of the machine that ran it.
FOLDER = Kind("path", lambda words: Path(words[0]), lambda path: [path.name], Path)
NAMES = Kind(
    "str or list of str",
    lambda words: tuple(name.strip() for w in words for name in w.split(",") if name.strip()),
    lambda names: list(names) or [""],
    _names,
    repeated=True,
    note="Repeatable, or with commas.",
)
PAIRS = Kind("dict", _pairs, _written, dict, repeated=True, note="Repeatable.")
VARIABLES = replace(PAIRS, read=_variables)
CODES = replace(
    PAIRS,
    annotation="dict or list",
    read=_codes,
    write=_typed_codes,
    hold=_held_codes,
)
CODING = Kind(
    "dict", lambda words: _pairs(words[0].split(",")) if words else {},
    lambda coding: [",".join(_written(coding))], dict,
)  # fmt: skip
EDGES = Kind(
    "list of float", _edges, lambda edges: [",".join(_plain(edge) for edge in edges)], tuple
)


LIMITS = Kind("(low, high)", _limits, lambda limits: [",".join(map(_limit, limits))], tuple)


def option(default: Any, kind: Kind, group: str, help: str, **more: Any) -> Any:
    """A field of `Choices` with all that is known of it."""
    metadata = {"option": Option(kind, group, help, **more)}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Choices:
    """All choices of a run; the embedded cohort is taken without paths.

    Examples
    --------
    >>> chosen = Choices(["clinic.csv"], reference="zhang_2007", by=["sex", "site"])
    >>> chosen.command()[:66]
    'osteo-epi run clinic.csv --definition china_2020 --reference zhang'
    """

    paths: tuple[Path, ...] = ()
    definition: str = option(
        "china_2020", TEXT, "definition", metavar="ID", argument="name",
        help="Criterion: china_2020, who_1994, iscd_2019, nchs_bone_2021, or your own.",
    )  # fmt: skip
    reference: Any = option(
        None, NORM, "definition", metavar="ID", embedded="own_young_adults",
        help="Young adults behind the T-score: zhang_2007, nhanes3_white_female, …; "
        "own_young_adults for the people's own 20-39-year-olds, as the embedded cohort takes; "
        "reported for the file's own scores.",
    )  # fmt: skip
    age_reference: Any = option(
        None, NORM, "definition", metavar="ID",
        help="People of the same age behind the Z-score: nhanes_2005_2010_derived, …; by_maker "
        "for the embedded curves of the densities' maker; reported for the file's own Z-scores.",
    )  # fmt: skip
    sites: tuple[str, ...] | None = option(
        None, NAMES, "definition", metavar="SITE", example=("hip",),
        help="Sites (spine, hip) or regions (femoral_neck) read instead of the criterion's.",
    )  # fmt: skip
    rois_required: str | None = option(
        None, TEXT, "definition", metavar="all|any",
        help="Whether each region named has to be there (all) or one of a site is enough (any); "
        "the criterion's by default.",
    )  # fmt: skip
    evidence: tuple[str, ...] | None = option(
        None, NAMES, "definition", metavar="KIND", example=("dxa", "fracture"),
        help="Kinds of evidence: fracture, dxa, ctxa, qct; all that the criterion has by default.",
    )  # fmt: skip
    sex_rule: str | None = option(
        None, TEXT, "definition", metavar="own_sex|female",
        help="Young adults of the same sex, or women for both; the criterion's by default.",
    )  # fmt: skip
    spine_rule: str | None = option(
        None, TEXT, "definition", metavar="RULE",
        help="at_least_two, all_four or given_total; the criterion's by default.",
    )  # fmt: skip
    substitute: str = option(
        "when_unusable", TEXT, "definition", metavar="WHEN", stated=False,
        help="When the radius stands in for a site: when_unusable or when_missing.",
    )  # fmt: skip
    hip_side: str = option(
        "lowest", TEXT, "definition", metavar="SIDE", stated=False,
        help="Which of two hips counts: lowest, left, right or mean.",
    )  # fmt: skip
    genant_from: int | None = option(
        None, WHOLE, "definition", metavar="GRADE",
        help="Genant grade from which a vertebra is fractured; the criterion's by default.",
    )  # fmt: skip
    endplate_rule: str = option(
        "when_stated", TEXT, "definition", metavar="RULE", stated=False,
        help="What an end-plate or cortical fracture decides: when_stated, required or ignored.",
    )  # fmt: skip
    fracture_open: str = option(
        "not_established", TEXT, "definition", metavar="WHAT", stated=False,
        help="A fracture record that is not complete is not_established, established or unknown.",
    )  # fmt: skip
    menopause_unknown: str | None = option(
        None, TEXT, "definition", metavar="HOW",
        help="Women of unknown menopausal state: by_age or unknown; the criterion's by default.",
    )  # fmt: skip
    ctxa_reference: Any = option(
        None, NORM, "definition", "Young adults measured by CTXA (hip by QCT).", metavar="ID"
    )
    norms: Path | None = option(
        None, FOLDER, "definition", metavar="DIR", argument="norms_folder",
        help="A folder of your own norms.",
    )  # fmt: skip
    standard: Any = option(
        None, NORM, "prevalence", metavar="ID", argument=None, embedded="china_2010",
        help="Standard population: china_2010, china_2020, who_2000, us_2000_bone, …; nothing is "
        "age-standardised without one. The embedded cohort takes china_2010.",
    )  # fmt: skip
    by: tuple[str, ...] = option(
        ("sex",), NAMES, "prevalence", "Columns to break the prevalence down by.", metavar="COLUMN"
    )
    ages: str | None = option(
        None, TEXT, "prevalence", metavar="INTERVAL", example="[50, inf)",
        help="Ages of the prevalence [years]; the criterion's by default.",
    )  # fmt: skip
    age_bands: tuple[float, ...] | None = option(
        None, EDGES, "prevalence", metavar="AGES", example=(50, 65, 80),
        help="Edges of the age bands [years], inf for an open end; those of the standard "
        "population, or decades, by default.",
    )  # fmt: skip
    interval: str = option(
        "beta", TEXT, "prevalence", metavar="KIND",
        help="Kind of interval: beta (Korn-Graubard), logit, wilson, …",
    )  # fmt: skip
    people_affected: str | None = option(
        None, TEXT, "prevalence", metavar="WHOSE", embedded="standard",
        help="Whose people affected are counted: weights (those that the weights describe), "
        "standard (where the standard population is the target), none. The weights' by default "
        "where they describe a population; the embedded cohort takes the standard's.",
    )  # fmt: skip
    confidence: float = option(
        0.95, NUMBER, "prevalence", "Level of the intervals.", metavar="LEVEL"
    )
    incomplete: str | None = option(
        None, TEXT, "prevalence", metavar="HOW",
        help="People with an established fracture and no complete sites: by_fracture estimates "
        "fractures and densities apart, exclude leaves them out; by_fracture by default where "
        "somebody has such a fracture.",
    )  # fmt: skip
    bmi_limits: tuple[float | None, float | None] | None = option(
        None, LIMITS, "classify", metavar="LOW,HIGH", example=(18.5, 35),
        help="Body mass index [kg/m²] below and above which DXA is called doubtful.",
    )  # fmt: skip
    accept_errors: bool = option(
        False, SWITCH, "classify", "Go on although the check of the data found errors."
    )
    keep: tuple[str, ...] = option(
        (), NAMES, "classify", metavar="COLUMN", argument=None, stated=False,
        help="Columns with names, telephone or identity numbers of people to be written with the "
        "classified people all the same, or all; they are left out otherwise.",
    )  # fmt: skip
    source: str = option(
        "auto", TEXT, "read", metavar="READER", stated=False,
        help="auto goes by the file's bytes; nhanes, csv, excel, parquet, xport, stata, spss, sas.",
    )  # fmt: skip
    map: Mapping[str, str | None] = option(
        {}, VARIABLES, "read", metavar="COLUMN=VARIABLE",
        example={"my_column": "abmd_femoral_neck"},
        help="What a column of the file is; none leaves it as it is.",
    )  # fmt: skip
    sex_coding: Mapping[str, str] = option(
        {}, CODING, "read", metavar="CODE=SEX,…", example={"1": "male", "2": "female"},
        help="How sex is coded.",
    )  # fmt: skip
    sex: str | None = option(
        None, TEXT, "read", metavar="female|male",
        help="The sex of all people, where the file is of one sex and does not say so.",
    )  # fmt: skip
    units: Mapping[str, str] = option(
        {}, PAIRS, "read", metavar="COLUMN=UNIT", example={"abmd_femoral_neck": "mg/cm2"},
        help="Unit in which a column is given.",
    )  # fmt: skip
    missing: Mapping[str, Sequence[str | float]] = option(
        {}, CODES, "read", metavar="[COLUMN=]CODE", example={"abmd_l1": [999]},
        help="A code or word that means missing, of one column or, without one, of all.",
    )  # fmt: skip
    sheet: str | int | None = option(
        None, TEXT, "read", metavar="NAME",
        help="Sheet of a workbook, by name or number from 0; by default the one with most known "
        "headings.",
    )  # fmt: skip
    encoding: str | None = option(
        None, TEXT, "read", metavar="NAME", example="shift_jis",
        help="Encoding of a text file; found by its headings by default.",
    )  # fmt: skip
    skip_rows: int | None = option(
        None, WHOLE, "read", "Rows above the headings; found by default.", metavar="ROWS"
    )
    header_rows: int | None = option(
        None, WHOLE, "read", metavar="ROWS",
        help="Rows of headings; 0 where there are none, the columns are then column_1, column_2 …",
    )  # fmt: skip
    repeats: str = option(
        "error", TEXT, "read", metavar="first|last|mean|error", stated=False,
        help="Which row counts of a person who has several; error stops the run.",
    )  # fmt: skip
    weight: str | None = option(
        None, TEXT, "design", metavar="COLUMN",
        help="Survey weights; survey_weight by default, where the data have it.",
    )  # fmt: skip
    stratum: str | None = option(
        None, TEXT, "design", metavar="COLUMN",
        help="Strata; stratum by default, where the data have it.",
    )  # fmt: skip
    psu: str | None = option(
        None, TEXT, "design", metavar="COLUMN",
        help="Primary sampling units; psu by default, where the data have it.",
    )  # fmt: skip
    use_design: bool = option(
        True, SWITCH, "design", spelling="no-design",
        help="Without the design the people are taken as a simple random sample.",
    )  # fmt: skip
    lonely: str = option(
        "fail", TEXT, "design", metavar="RULE", stated=False,
        help="A stratum with one sampling unit: fail, certainty, adjust, average, remove.",
    )  # fmt: skip
    n: int = option(
        75_321, WHOLE, "simulate", "Size of the embedded cohort, of SIMULATED people.",
        metavar="PEOPLE",
    )  # fmt: skip
    seed: int = option(
        2010, WHOLE, "simulate", "The same seed gives the same people.", metavar="INTEGER"
    )

    def __post_init__(self) -> None:
        given: Any = self.paths
        paths = (given,) if isinstance(given, str | Path) else tuple(given or ())
        object.__setattr__(self, "paths", tuple(map(Path, paths)))
        for name, choice in self.catalogue().items():
            value = getattr(self, name)
            if value is None:
                value = choice.embedded if self.embedded and choice.embedded else choice.default
            object.__setattr__(self, name, None if value is None else choice.kind.hold(value))

    @classmethod
    def of(cls, path: Any, options: Mapping[str, Any]) -> Choices:
        """The choices that keywords name.

        Raises
        ------
        TypeError
            If there is no option of a name; the message lists the nearest ones.
        """
        for name in options:
            if name not in cls.catalogue():
                raise TypeError(_unknown(name, cls.catalogue()))
        return cls(path, **options)

    @classmethod
    @cache
    def catalogue(cls) -> dict[str, Option]:
        """Every option by its name, in the order of the help."""
        return {
            f.name: replace(
                f.metadata["option"],
                name=f.name,
                default={} if f.default is MISSING else f.default,
            )
            for f in fields(cls)
            if "option" in f.metadata
        }

    @staticmethod
    def groups() -> dict[str, str]:
        """Headings of the groups of options, in the order of the help."""
        return GROUPS

    @property
    def embedded(self) -> bool:
        """Whether the run takes the embedded, simulated cohort."""
        return not self.paths

    @property
    def path(self) -> Path | list[Path]:
        """The one path, or all of several."""
        return self.paths[0] if len(self.paths) == 1 else list(self.paths)

    def arguments(self, group: str) -> dict[str, Any]:
        """What the function of a group is given."""
        return {
            choice.argument or name: None if (value := getattr(self, name)) == {} else value
            for name, choice in self.catalogue().items()
            if choice.group == group and choice.argument is not None
        }

    def options(self) -> dict[str, Any]:
        """What the manifest states, by the names of the command line."""
        stated = {}
        for name, choice in self.catalogue().items():
            value, kind = getattr(self, name), choice.kind
            # An empty list instead of a default is a choice as well.
            is_default = value == choice.default
            if (choice.group == "simulate" and not self.embedded) or (
                is_default and (kind is SWITCH or not choice.stated or value in (None, {}))
            ):
                continue
            words = kind.write(value)
            one = words[0] if words else True
            stated[choice.flag.removeprefix("--")] = words if kind.repeated else one
        return stated

    def command(self) -> str:
        """Write the command that makes the run, without the folders of this machine."""
        words = ["osteo-epi", "run", *(path.name for path in self.paths)]
        for name, value in self.options().items():
            for word in value if isinstance(value, list) else [value]:
                words += [f"--{name}"] if word is True else [f"--{name}", word]
        return shlex.join(words)


def _unknown(name: str, catalogue: Mapping[str, Option]) -> str:
    spelt = {choice.flag.removeprefix("--").replace("-", "_"): n for n, choice in catalogue.items()}
    near = get_close_matches(name.lower(), [*catalogue, *spelt], n=3, cutoff=0.5)
    named = dict.fromkeys(spelt.get(n, n) for n in near)
    mean = f"did you mean {' or '.join(named)}? " if named else ""
    return f"run() has no option {name!r}; {mean}There are {', '.join(catalogue)}"
