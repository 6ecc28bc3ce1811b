"""The folder of a study: tables, figures and the page, written whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osteo_epi.errors import OutputError
from osteo_epi.figures import Picture
from osteo_epi.findings import Findings
from osteo_epi.report._folder import check_free, staged
from osteo_epi.report.laboratory._page import page, pictures
from osteo_epi.report.laboratory._question import MOST_RISKS
from osteo_epi.report.laboratory._study import ThresholdStudy
from osteo_epi.report.laboratory._tables import study_tables
from osteo_epi.visible import csv_bytes, visible

PAGE = "thresholds.html"
POINTS, BAND = "roc_points.csv", "roc_band.csv"
STUDY_FINDINGS = "threshold_findings.csv"
TABLES = ("accuracy", "cut_points", "stard", "association", "incidence", "decision", "calibration")
FIGURES = (
    *("stard", "roc", "cut_points", "incidence", "decision"),
    *(f"calibration_{k}" for k in range(1, MOST_RISKS + 1)),
)
FORMATS = ("docx", "xlsx", "tex", "html")
DRAWN = ("png", "svg")
DOTS_PER_INCH = 200
ARTEFACTS = (
    *(f"{name}.{ending}" for name in TABLES for ending in ("csv", *FORMATS)),
    *(f"{name}.{ending}" for name in FIGURES for ending in DRAWN),
    *(POINTS, BAND, STUDY_FINDINGS, PAGE),
)


def check_study_folder(
    out: str | Path, *, overwrite: bool = False, formats: Sequence[str] = ()
) -> None:
    """Refuse a folder, or a format of tables, before any work is spent.

    Raises
    ------
    OutputError
        If the folder holds a study and may not be overwritten, is no folder, or a format is
        unknown.
    """
    for name in formats:
        if name not in FORMATS:
            raise OutputError(f"tables as {name!r}; expected one of {', '.join(FORMATS)}")
    check_free(Path(out), overwrite=overwrite, artefacts=ARTEFACTS, what="a study of a cut-off")


def write_study(
    study: ThresholdStudy,
    out: str | Path,
    *,
    findings: Findings | None = None,
    formats: Sequence[str] = (),
    command: str = "",
    source: str = "",
    overwrite: bool = False,
) -> Path:
    """Write tables, figures and the page of a study.

    Parameters
    ----------
    study
        Of `threshold_study`.
    out
        Folder; what else is in it stays.
    findings
        What was noticed about the data: all in a file, errors and warnings on the page.
    formats
        Beside CSV: "docx", "xlsx", "tex", "html".
    command, source
        What makes the study again, and where the people come from, for the page.
    overwrite
        Whether an earlier study in the folder may be replaced.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    OutputError
        As `check_study_folder`, or if the folder cannot be written to; or if a figure or the page
        could not be made: the tables are written then.
    """
    check_study_folder(out, overwrite=overwrite, formats=formats)
    folder = Path(out)
    with staged(folder, overwrite=overwrite, artefacts=ARTEFACTS) as stage:
        for name, table in study_tables(study).items():
            (stage / f"{name}.csv").write_bytes(csv_bytes(table.values))
            for ending in formats:
                table.save(stage / f"{name}.{ending}")
        _numbers(study, stage, findings)
        drawn = pictures(study)
        faults = _drawn(drawn, stage)
        try:
            text = page(study, drawn, command=command, source=source, findings=findings or ())
            (stage / PAGE).write_text(visible(text), encoding="utf-8")
        except Exception as error:
            faults.append(f"{PAGE} ({type(error).__name__})")
    if faults:
        raise OutputError(
            f"the tables are written to {folder.name}; these could not be made: {', '.join(faults)}"
        )
    return folder / PAGE


def _drawn(drawn: dict[str, Picture], stage: Path) -> list[str]:
    """Write the figures; the names of those that could not be drawn, with the reason."""
    faults = [f"{name} ({picture.fault})" for name, picture in drawn.items() if picture.fault]
    for name, picture in drawn.items():
        if picture.figure is not None:
            _draw(picture.figure, stage, name)
    return faults


def _numbers(study: ThresholdStudy, stage: Path, findings: Findings | None) -> None:
    """Curves are no tables for a journal; their numbers are for other software."""
    import polars as pl

    said = [pl.lit(study.label).alias("label")] if study.label else []
    (stage / POINTS).write_bytes(csv_bytes(study.roc.points().with_columns(said)))
    (stage / BAND).write_bytes(csv_bytes(study.band.to_polars().with_columns(said)))
    if findings is not None:
        (stage / STUDY_FINDINGS).write_bytes(csv_bytes(findings.to_polars()))


def _draw(figure: Any, stage: Path, name: str) -> None:
    import matplotlib as mpl

    figure.savefig(stage / f"{name}.png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    with mpl.rc_context({"svg.hashsalt": "osteo-epi", "svg.fonttype": "path"}):
        figure.savefig(stage / f"{name}.svg", metadata={"Date": None, "Creator": None})
