"""The main job, from a file of people to a folder with a prevalence and its report."""

from __future__ import annotations

import hashlib
import os
import shutil
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from osteo_epi.arguments import true_or_false
from osteo_epi.cohort import without_identity
from osteo_epi.errors import OsteoEpiError, OsteoEpiWarning, OutputError
from osteo_epi.progress import stages
from osteo_epi.report._analysis import Analysis, analyse
from osteo_epi.report._folder import (
    CLASSIFIED,
    MANIFEST,
    PARTS_FOLDER,
    REPORT,
    as_file,
    check_free,
    staged,
)
from osteo_epi.report._manifest import describe
from osteo_epi.report._page import make_page
from osteo_epi.report._run import TABLES, Run, as_stored
from osteo_epi.report._size import is_too_large
from osteo_epi.report._study import study_of
from osteo_epi.report.choices import Choices
from osteo_epi.report.disclosure import Shield
from osteo_epi.report.document import check_papers
from osteo_epi.report.in_parts import StreamedAnalysis, analyse_parts, parts_of_run
from osteo_epi.visible import csv_bytes

SHARES = {
    "reading people": 0.05,
    "checking": 0.02,
    "classifying": 0.08,
    "estimating": 0.35,
    "writing tables": 0.02,
    "report": 0.48,
}
"""The stages of a run, and the share of the time that each usually takes."""
IN_PARTS = {"classifying": 0.75, "estimating": 0.15, "writing tables": 0.02, "report": 0.08}
"""The stages of a run whose people are in parts: they are read where they are classified."""
STAGES = tuple(SHARES)
"""The stages of a run, in their order."""
Progress = Callable[[str], None]


def run(
    path: str | Path | Sequence[str | Path] | None = None,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    report: bool = True,
    pdf: bool = False,
    docx: bool = False,
    progress: Progress | None = None,
    **choices: Any,
) -> Run:
    """Read people, classify them, estimate the prevalence, and write tables and a report.

    Parameters
    ----------
    path
        File, or folder of NHANES tables, or several such folders; several files, a folder of them
        or a pattern of names, as ``"data/**/*.parquet"``, see `read`. Without one, the embedded
        SIMULATED cohort.
    out
        Folder for the results; None writes nothing. Files whose people are more than the memory
        holds are gone through part by part then, see `parts`: a run that was killed is begun again
        by the same call, and makes the parts that lack.
    overwrite
        Whether an earlier run in that folder may be replaced.
    report
        Whether report.html is made, and each figure and table of it as files: SVG and PNG in
        `figures`, CSV and XLSX in `tables`. It takes most of the time.
    pdf, docx
        Whether the report is written as report.pdf and report.docx as well.
    progress
        Called with the name of each stage as it begins, see `STAGES`. Without it a bar says how
        far the run is, on a terminal and in a notebook that somebody reads.
    {choices}

    Returns
    -------
    Run
        All results; the same input and version give the same bytes in every CSV file.

    Raises
    ------
    TypeError
        If there is no option of a name.
    SchemaError
        If the data cannot be read, or the check finds errors that are not accepted.
    NormError, DefinitionError, DesignError
        If a norm, the definition or the survey design does not hold.
    OutputError
        If `out` holds a run already or cannot be written to; or if the report could not be made
        or lacks a figure: the tables are written then, `load_run` reads them.

    Examples
    --------
    >>> result = run(n=9000, seed=1)
    >>> result
    Run(china_2020, 9,000 SIMULATED people, 54 estimates)
    >>> result.to_frame()["statistic"].unique().sort().to_list()
    ['age_band', 'age_standardised', 'crude']
    """
    true_or_false(overwrite=overwrite, report=report, pdf=pdf, docx=docx)
    chosen = Choices.of(path, choices)
    folder = None if out is None else Path(out)
    papers = [name for name, is_wanted in (("pdf", pdf), ("docx", docx)) if is_wanted]
    if folder is not None:
        check_free(folder, overwrite=overwrite)
    has_report = report and folder is not None
    _refuse_papers(papers, chosen.language, has_report=has_report)
    if folder is not None and (chosen.parts or is_too_large(chosen)):
        return _streamed(
            replace(chosen, parts=True), folder, report=report, papers=papers,
            overwrite=overwrite, progress=progress,
        )  # fmt: skip
    if chosen.parts:
        raise OutputError("parts=True (--parts) writes classified people: name a folder with out=")
    wanted = {name: share for name, share in SHARES.items() if has_report or name != "report"}
    with _stages(progress, wanted) as begin:
        analysis, notes = _with_notes(partial(analyse, chosen, begin))
        if folder is None:
            return _result(analysis, chosen, notes)
        with staged(folder, overwrite=overwrite) as stage:
            begin("writing tables")
            result = _written(analysis, chosen, notes, stage)
            fault = None
            if report:
                begin("report")
                fault = _fault_of(stage, papers)
    if fault is not None:
        raise OutputError(f"the tables are written to {folder.name}; {fault}") from fault
    return replace(result, folder=folder)


def _streamed(
    chosen: Choices,
    folder: Path,
    *,
    report: bool,
    papers: list[str],
    overwrite: bool,
    progress: Progress | None,
) -> Run:
    """The run of people in parts, which wait in a hidden folder beside until the run is whole."""
    waiting = folder.resolve().with_name(f".{folder.resolve().name}.run-in-parts")
    shares = {name: share for name, share in IN_PARTS.items() if report or name != "report"}
    fault = None
    with _stages(progress, shares) as begin:
        begin("classifying")
        made = parts_of_run(chosen, waiting / PARTS_FOLDER, folder / PARTS_FOLDER)
        with staged(folder, overwrite=overwrite) as stage:
            parts = replace(made, folder=_linked(made.folder, stage / PARTS_FOLDER))
            analysis, notes = _with_notes(partial(analyse_parts, parts, chosen, begin))
            begin("writing tables")
            result = _result(analysis, chosen, notes)
            _write(result, stage)
            if report:
                begin("report")
                fault = _fault_of(stage, papers)
    shutil.rmtree(waiting, ignore_errors=True)
    if fault is not None:
        raise OutputError(f"the tables are written to {folder.name}; {fault}") from fault
    assert isinstance(analysis, StreamedAnalysis)
    parts = replace(parts, folder=folder / PARTS_FOLDER)
    return replace(result, folder=folder, analysis=replace(analysis, parts=parts))


def _linked(waiting: Path, target: Path) -> Path:
    """Put parts that wait among the files of a run: by second names, so that a kill costs none."""
    target.mkdir()
    for path in sorted(waiting.iterdir()):
        try:
            os.link(path, target / path.name)
        except OSError:  # a file system without second names
            os.replace(path, target / path.name)
    return target


@contextmanager
def _stages(progress: Progress | None, shares: Mapping[str, float]) -> Iterator[Progress]:
    """Whoever is told of the stages: the caller's own, else a bar where somebody waits."""
    with stages(shares) as shown:
        yield progress or shown


def _refuse_papers(papers: list[str], language: str, *, has_report: bool) -> None:
    """Refuse a form of the report that cannot be made, before any work is spent."""
    if papers and not has_report:
        raise OutputError(
            "pdf=True (--pdf) and docx=True (--docx) are forms of the report: name a folder with "
            "out= (--out), and leave out report=False (--no-report)"
        )
    check_papers(papers, language)


def _written(analysis: Analysis, chosen: Choices, notes: list[str], stage: Path) -> Run:
    """The run of an analysis whose tables are written, with what was noticed while writing."""
    people, said = without_identity(analysis.people.frame, keep=chosen.keep)
    analysis = replace(analysis, people=analysis.people.with_findings(said))
    result = _result(analysis, chosen, notes)
    _write(result, stage)
    people.write_parquet(
        stage / CLASSIFIED,
        metadata={
            "osteo_epi": version("osteo-epi"),
            "definition": analysis.definition.label,
            "label": analysis.label,
        },
    )
    return result


def _with_options(function: Any) -> None:
    """Let help and signature of the job show each option, although it takes them as they come."""
    options = Choices.catalogue().values()
    listed = textwrap.indent("\n".join(choice.docstring for choice in options), "    ")
    function.__doc__ = (function.__doc__ or "").replace("    {choices}", listed)
    own = signature(function)
    kept = [p for p in own.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
    parameters = [*kept, *(choice.parameter for choice in options)]
    function.__signature__ = own.replace(parameters=parameters)


_with_options(run)


def _result(analysis: Analysis, choices: Choices, notes: list[str]) -> Run:
    """Put tables and manifest together; the digests are those of the files to be written."""
    made, shield = analysis.tables(), None
    least = choices.least_shown()
    if least is not None:
        shield = Shield(least)
        made = shield.tables(made, analysis)
    tables: dict[str, Any] = {name: as_stored(name, table) for name, table in made.items()}
    outputs = {
        f"{name}.csv": hashlib.sha256(csv_bytes(tables[name])).hexdigest()
        for name in sorted(TABLES)
    }
    study = study_of(analysis, choices)
    if shield is not None:
        study = shield.study(study, made["flow"])
    manifest = describe(analysis, choices, study, notes=notes, outputs=outputs)
    if shield is not None:
        manifest |= {name: shield.notes(manifest[name]) for name in ("notes", "estimate_notes")}
    return Run(**tables, manifest=manifest, analysis=analysis)


def _write(run: Run, stage: Path) -> None:
    for name in TABLES:
        (stage / f"{name}.csv").write_bytes(csv_bytes(getattr(run, name)))
    (stage / MANIFEST).write_bytes(as_file(run.manifest))


def _fault_of(stage: Path, papers: list[str]) -> OutputError | None:
    """Make the report; what fails there is no reason to throw the tables away."""
    try:
        make_page(stage, papers=papers)
    except Exception as error:
        if (stage / REPORT).is_file() and isinstance(error, OutputError):
            return error
        reason = str(error) if isinstance(error, OsteoEpiError) else type(error).__name__
        fault = OutputError(f"the report could not be made: {reason}")
        fault.__cause__ = error
        return fault
    return None


def _with_notes(work: Callable[[], Analysis]) -> tuple[Analysis, list[str]]:
    """Do the work and keep what it warned of, which is warned of all the same."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OsteoEpiWarning)
        analysis = work()
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    notes = [str(w.message) for w in caught if issubclass(w.category, OsteoEpiWarning)]
    return analysis, list(dict.fromkeys(notes))
