"""The main job, from a file of people to a folder with a prevalence and its report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from osteo_epi.cohort import Cohort, Flow
from osteo_epi.diagnosis import Definition
from osteo_epi.errors import OsteoEpiWarning
from osteo_epi.findings import Findings
from osteo_epi.population import Prevalence
from osteo_epi.report import _artefacts as artefacts
from osteo_epi.report._choices import (
    EMBEDDED_N,
    EMBEDDED_SEED,
    EMBEDDED_STANDARD,
    OWN,
    Choices,
    as_paths,
    as_tuple,
)
from osteo_epi.report._estimating import estimate
from osteo_epi.report._folder import check_free

STAGES = ("reading people", "checking", "classifying", "estimating", "writing tables", "report")
Progress = Callable[[str], None]


@dataclass(frozen=True)
class RunResult:
    """What a run found, and where it was written.

    Parameters
    ----------
    people
        The classified cohort.
    definition
        What counted as osteoporosis.
    prevalence
        The estimates.
    flow
        Who is in and who is out of them.
    findings
        What was noticed about the data.
    manifest
        All that is needed to make the run again.
    folder
        Where the files are; None where none were asked for.
    """

    people: Cohort
    definition: Definition
    prevalence: Prevalence
    flow: Flow
    findings: Findings
    manifest: Mapping[str, Any]
    folder: Path | None = None

    def to_frame(self) -> pl.DataFrame:
        """The prevalence, one row an estimate."""
        return self.prevalence.to_frame()

    def _repr_html_(self) -> str:
        return self.prevalence._repr_html_()


def run(
    path: str | Path | Sequence[str | Path] | None = None,
    *,
    source: str = "auto",
    definition: str = "china_2020",
    reference: Any = None,
    age_reference: Any = None,
    standard: str | None = None,
    by: str | Sequence[str] = ("sex",),
    out: str | Path | None = None,
    overwrite: bool = False,
    report: bool = True,
    map: Mapping[str, str | None] | None = None,
    sex_coding: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    sentinels: Mapping[str, Sequence[str | float]] | None = None,
    sheet: str | int | None = None,
    ages: str | None = None,
    age_bands: Sequence[float] | None = None,
    interval: str = "beta",
    confidence: float = 0.95,
    weight: str | None = None,
    stratum: str | None = None,
    psu: str | None = None,
    use_design: bool = True,
    lonely: str = "fail",
    accept_errors: bool = False,
    norms: str | Path | None = None,
    n: int = EMBEDDED_N,
    seed: int = EMBEDDED_SEED,
    progress: Progress | None = None,
) -> RunResult:
    """Read people, classify them, estimate the prevalence, and write tables and a report.

    Parameters
    ----------
    path
        File, or folder of NHANES tables, or several such folders; without one, the embedded
        SIMULATED cohort.
    source
        Reader, "auto" by the file's ending; "nhanes" for its tables.
    definition
        Criterion: "china_2020", "who_1994", "iscd_2019", "nchs_bone_2021" or your own.
    reference
        Young adults behind the T-score: a norm's name, "own_young_adults" for the people's own
        20–39-year-olds, "reported", or a `YoungAdultReference`. The embedded cohort takes its own.
    age_reference
        People of the same age behind the Z-score.
    standard
        Standard population; the embedded cohort takes "china_2010", a file none.
    by
        Columns to break the prevalence down by.
    out
        Folder for the results; None writes nothing.
    overwrite
        Whether an earlier run in that folder may be replaced.
    report
        Whether report.html is made, which takes most of the time.
    map, sex_coding, units, sentinels
        How to read the file: {"heading": "canonical column"}, {"1": "male"}, {"column": "unit"},
        {"column": [999]}.
    sheet
        Sheet of a workbook.
    ages
        [years] Ages of the prevalence as "[50, inf)"; the criterion's by default.
    age_bands
        [years] Edges of the age bands.
    interval, confidence
        Kind and level of the intervals.
    weight, stratum, psu
        Columns of the survey design; the canonical ones by default where the data have them.
    use_design
        False treats the people as a simple random sample.
    lonely
        What a stratum with one sampling unit does, see `SurveyDesign`.
    accept_errors
        Whether to go on although the check of the data found errors.
    norms
        A folder of your own norms.
    n, seed
        Size and seed of the embedded cohort.
    progress
        Called with the name of each stage as it begins, see `STAGES`.

    Returns
    -------
    RunResult
        All results; the same input and version give the same bytes in every CSV file.

    Raises
    ------
    SchemaError
        If the data cannot be read, or the check finds errors that are not accepted.
    NormError, DefinitionError, DesignError
        If a norm, the definition or the survey design does not hold.
    OutputError
        If `out` holds a run already or cannot be written to.

    Examples
    --------
    >>> result = run(n=9000, seed=1)
    >>> result.to_frame()["statistic"].unique().sort().to_list()
    ['age_band', 'age_standardised', 'crude']
    """
    choices = Choices(
        paths=as_paths(path),
        source=source,
        definition=definition,
        reference=reference if path is not None or reference is not None else OWN,
        age_reference=age_reference,
        standard=standard if path is not None or standard is not None else EMBEDDED_STANDARD,
        by=as_tuple(by),
        map=dict(map or {}),
        sex_coding=sex_coding,
        units=dict(units or {}),
        sentinels=dict(sentinels or {}),
        sheet=sheet,
        ages=ages,
        age_bands=None if age_bands is None else tuple(age_bands),
        interval=interval,
        confidence=confidence,
        weight=weight,
        stratum=stratum,
        psu=psu,
        use_design=use_design,
        lonely=lonely,
        accept_errors=accept_errors,
        norms=None if norms is None else Path(norms),
        n=n,
        seed=seed,
    )
    if out is not None:
        check_free(Path(out), overwrite=overwrite)
    begin = progress or _silent
    made, notes = _with_notes(partial(estimate, choices, begin))
    folder = None if out is None else Path(out)
    written = artefacts.write(
        made, choices, notes, folder, overwrite=overwrite, report=report, progress=begin
    )
    return _result(written)


def _result(written: artefacts.Written) -> RunResult:
    return RunResult(
        people=written.made.people,
        definition=written.made.definition,
        prevalence=written.prevalence,
        flow=written.flow,
        findings=written.made.people.findings,
        manifest=written.manifest,
        folder=written.folder,
    )


def _with_notes(work: Callable[[], artefacts.Made]) -> tuple[artefacts.Made, list[str]]:
    """Do the work and keep what it warned of, which is warned of all the same."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OsteoEpiWarning)
        made = work()
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    told = [str(w.message) for w in caught if issubclass(w.category, OsteoEpiWarning)]
    return made, list(dict.fromkeys(told))


def _silent(stage: str) -> None:
    """Tell nobody."""


__all__ = ["STAGES", "Progress", "RunResult", "run"]
