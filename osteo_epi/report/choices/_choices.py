"""The options of the main job, each once.

The options of the command line, the keywords of `run()` and their text, the command that makes a
run again and the manifest's list are all made from the fields of `Choices`. A new option is one
field: its value goes to the function of the library that its group is named after.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from difflib import get_close_matches
from functools import cache
from glob import has_magic
from pathlib import Path
from typing import Any

from osteo_epi.errors import SchemaError
from osteo_epi.report.choices._kinds import (
    CODES,
    CODING,
    EDGES,
    FOLDER,
    LIMITS,
    NAMES,
    NORM,
    NUMBER,
    PAIRS,
    SWITCH,
    TEXT,
    VARIABLES,
    WHOLE,
)
from osteo_epi.report.choices._option import GROUPS, Option, option


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

    title: str | None = option(
        None, TEXT, "report", "What the report is called.", metavar="TEXT", argument=None
    )
    author: str | None = option(
        None, TEXT, "report", "Who signs the report.", metavar="TEXT", argument=None
    )
    language: str = option(
        "en", TEXT, "report", metavar="en|zh", argument=None, stated=False,
        help="Language of the report, its figures and tables: en, or zh for Chinese.",
    )  # fmt: skip
    show_unreliable: bool = option(
        False, SWITCH, "report", argument=None,
        help="Show, with their marks, the estimates that are too imprecise to be published: for "
        "the author, not for print.",
    )  # fmt: skip
    disclosure: str | None = option(
        None, TEXT, "report", metavar="RULE", argument=None, example="below_10_ons",
        help="Hide small counts in every table, and the further ones that would give them back: "
        "below_10_ons, below_5_local, below_11_cms, below_10_wa_doh, or your own rule.",
    )  # fmt: skip

    parts: bool = option(
        False, SWITCH, "run", argument=None,
        help="Read and classify files part by part, as is done without being told where the people "
        "in them are more than the memory holds; the folder then holds classified/ with a file a "
        "part, and Table 1 has no medians.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        from osteo_epi.arguments import (
            true_or_false,
        )  # brings NumPy, for which --help does not wait

        object.__setattr__(self, "paths", _paths(self.paths))
        for name, choice in self.catalogue().items():
            value = getattr(self, name)
            if choice.kind is SWITCH:
                true_or_false(**{name: value})
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

    def least_shown(self) -> int | None:
        """The smallest count that is shown; None where none is hidden.

        Raises
        ------
        NormError
            If there is no such rule of disclosure.
        """
        from osteo_epi.norms import load  # the help of the command line needs no norm

        if self.disclosure is None:
            return None
        name = f"disclosure_{self.disclosure.removeprefix('disclosure_')}"
        return int(load("presentation", name, folder=self.norms).data["threshold"])

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
        words = ["osteo-epi", "run", *map(_named, self.paths)]
        for name, value in self.options().items():
            for word in value if isinstance(value, list) else [value]:
                words += [f"--{name}"] if word is True else [f"--{name}", word]
        return shlex.join(words)


def _paths(given: Any) -> tuple[Path, ...]:
    """One path, several or none; a run reads files, since it states by which bytes it was made."""
    named = given if isinstance(given, list | tuple) else [given]
    if any(isinstance(name, str) and not name for name in named):
        # A variable of the shell that is not set; as a path it would be the folder one is in.
        raise SchemaError("a file is named by an empty text; name it, or leave it out")
    if given is None or isinstance(given, str | Path):
        return () if given is None else (Path(given),)
    if isinstance(given, Sequence) and all(isinstance(path, str | Path) for path in given):
        return tuple(map(Path, given))
    raise SchemaError(
        f"run() reads files, and was given a {type(given).__name__}: people in memory go through "
        "people = osteo_epi.read(frame), classify(people, definition) and prevalence(people, "
        "definition); or write them to a file first, and run that"
    )


def _named(path: Path) -> str:
    """A file or folder by its name; a pattern of names from its first sign on."""
    first = next((i for i, part in enumerate(path.parts) if has_magic(part)), len(path.parts))
    return path.name if path.exists() else "/".join(path.parts[first:]) or path.name


def _unknown(name: str, catalogue: Mapping[str, Option]) -> str:
    spelt = {choice.flag.removeprefix("--").replace("-", "_"): n for n, choice in catalogue.items()}
    near = get_close_matches(name.lower(), [*catalogue, *spelt], n=3, cutoff=0.5)
    named = dict.fromkeys(spelt.get(n, n) for n in near)
    mean = f"did you mean {' or '.join(named)}? " if named else ""
    return f"run() has no option {name!r}; {mean}There are {', '.join(catalogue)}"
