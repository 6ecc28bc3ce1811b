"""The command line: thin, it reads options and calls the library.

Heavy imports stand inside the commands, so that --help answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from osteo_epi.cli._console import (
    OneLine,
    bar,
    broken,
    columns,
    progress,
    say,
    say_findings,
    say_notes,
    show,
    show_frame,
)
from osteo_epi.cli._files import check_target, write_frame
from osteo_epi.cli._options import DOCX, OVERWRITE, PDF, Sectioned, choices
from osteo_epi.cli._reference import reference
from osteo_epi.cli._thresholds import thresholds
from osteo_epi.cli._variables import variables
from osteo_epi.language import said, speaking
from osteo_epi.report import Choices


@click.group(cls=OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="osteo-epi")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """From a densitometry export to an osteoporosis prevalence that can be defended.

    What is wrong is said at once, a line for each fault with what to do, with exit code 2.
    """


@main.command(cls=Sectioned, short_help="Classify people, estimate the prevalence, write a report.")
@click.argument("files", nargs=-1, metavar="[FILE]…")
@choices("definition", "classify", "prevalence", "read", "design", "simulate", "report", "run")
@click.option("--out", default="out", show_default=True, metavar="DIR", help="Where to write.")
@OVERWRITE
@click.option("--no-report", is_flag=True, help="Tables only, without report.html.")
@PDF
@DOCX
@click.option("--quiet", is_flag=True, help="No progress, no table.")
def run(
    files: tuple[str, ...],
    out: str,
    overwrite: bool,
    no_report: bool,
    pdf: bool,
    docx: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Read people, classify them, estimate the prevalence, and write tables and a report.

    FILE is a table (CSV, Excel, Parquet, SAS, Stata, SPSS) or a folder of NHANES tables. Several
    files, a folder of them or a pattern of names, as 'data/**/*.parquet', become one table. Without
    a FILE, the embedded cohort is taken: 75,321 SIMULATED people.

    \b
    osteo-epi run
    osteo-epi run clinic.csv --reference zhang_2007 --standard china_2010 \\
        --out results
    osteo-epi run nhanes/2017-2018 --source nhanes --definition nchs_bone_2021 \\
        --standard us_2000_bone --out results
    """
    from osteo_epi.cli._terminal import prevalence_table
    from osteo_epi.report import run as job

    with bar(quiet=quiet, tongue=str(options["language"])):
        result = job(
            files, out=out, overwrite=overwrite, report=not no_report, pdf=pdf, docx=docx, **options
        )
    with speaking(result.language):
        if not quiet:
            show(prevalence_table(result, width=columns()))
            if result.analysis is not None:
                say_findings(result.analysis.people.findings, Path(out) / "findings.csv")
            say_notes(result.notes)
        page = said("Report: {path}", path=Path(out) / "report.html")
        click.echo(said("Tables: {path}", path=out) if no_report else page)


@main.command(cls=Sectioned, short_help="Classify people and write them, with rule and reason.")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@choices("definition", "classify", "read")
@click.option(
    "--out",
    required=True,
    metavar="FILE|DIR",
    help="Where to write: .parquet or .csv, or a folder of parts.",
)
@click.option(
    "--part-rows",
    type=int,
    metavar="ROWS",
    help="Most rows of a part of a Parquet file, where a folder is written; by default as many as "
    "12,000,000 cells have (2,000,000 of 6 columns, 200,000 of 60).",
)
@OVERWRITE
@click.option("--quiet", is_flag=True, help="No progress.")
def classify(
    files: tuple[str, ...],
    out: str,
    overwrite: bool,
    part_rows: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Classify people and write them with class, rule, region and reason.

    Where --out has no ending it is a folder of parts: each file, and each range of rows of a large
    Parquet file, is read, classified and written by itself, so that more people can be classified
    than the memory holds. The folder is put in place when all parts are there; a command that was
    killed is given again and makes what lacks.

    \b
    osteo-epi classify clinic.csv --reference zhang_2007 --out classified.parquet
    osteo-epi classify 'data/**/*.parquet' --reference zhang_2007 --out classified
    """
    from osteo_epi.cohort import without_identity
    from osteo_epi.diagnosis import classify as classified
    from osteo_epi.diagnosis import definition as define
    from osteo_epi.report import people_of

    is_folder = not Path(out).suffix or Path(out).is_dir()
    if part_rows is not None and not is_folder:
        raise click.UsageError(
            "--part-rows is of a folder of parts: name a folder without an ending with --out, or "
            "leave --part-rows out."
        )
    if is_folder:
        options |= {"part_rows": part_rows, "overwrite": overwrite}
        _classify_parts(files, out, quiet=quiet, **options)
        return
    check_target(out, overwrite)
    # Whoever is there is classified: the ages of a prevalence stop nobody here.
    chosen = Choices.of(files, options | {"ages": "[0, inf)"})
    people = people_of(chosen)
    rules = define(**chosen.arguments("definition"), people=people.frame)
    result = classified(people, rules, **chosen.arguments("classify"))
    written, left_out = without_identity(result.frame, keep=chosen.keep)
    write_frame(written, out, label=rules.label)
    counts = result["bone_class"].value_counts(sort=True, name="n")
    show_frame(counts, title=f"Classes by {rules.label}")
    say_findings(result.findings + left_out)
    click.echo(f"Written: {out}")


def _classify_parts(files: tuple[str, ...], out: str, *, quiet: bool, **options: Any) -> None:
    """Write a folder of classified parts, and say what was kept and why parts were made again."""
    import polars as pl

    from osteo_epi.report import classify_parts

    with bar(quiet=quiet):
        result = classify_parts(files, out=out, **options)
    order = sorted(result.classes.items(), key=lambda one: (-one[1], one[0]))
    counts = pl.DataFrame(order, schema=["bone_class", "n"], orient="row")
    show_frame(counts, title=f"Classes by {result.definition.label}")
    say_findings(result.findings, Path(out) / "findings.csv")
    made = len(result.parts) - result.n_kept
    say(f"Parts: {result.n_kept:,} kept, {made:,} made")
    for why, n in result.made_again:
        say(f"Made again: {n:,} parts ({why})")
    click.echo(f"Written: {out}")


@main.command(cls=Sectioned, short_help="Say what is noticed about the data; propose the run.")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@choices("read")
@click.option("--out", metavar="FILE", help="Write the findings as CSV as well.")
@OVERWRITE
def check(files: tuple[str, ...], out: str | None, overwrite: bool, **options: Any) -> None:
    """Say what is noticed about the data, and propose the command of the run.

    Several files, a folder of them or a pattern of names, as 'data/**/*.parquet', are looked at as
    one table. Exit code 2 where results would be wrong, or where nothing that was measured is
    recognised.
    """
    from osteo_epi.cohort import Faults
    from osteo_epi.report import checked

    if out is not None:
        check_target(out, overwrite, endings=(".csv",))
    faults = Faults()
    answer = checked(Choices.of(files, options), files, faults)
    if answer is not None:
        people, proposal = answer
        _show_checked(people, out)
        _say_proposal(proposal)
    faults.refuse()


def _show_checked(people: Any, out: str | None) -> None:
    """The flow and the findings, on the terminal and where they are asked for as a file."""
    table = people.findings.to_polars()
    if out is not None:
        write_frame(table, out, label="")
    show_frame(people.flow.to_polars().select("step", "reason", "n_in", "n_out"))
    say_findings(people.findings, err=False)
    say(f"{people.counted}, {len(table)} {'finding' if len(table) == 1 else 'findings'}")


def _say_proposal(proposal: Any) -> None:
    for note in proposal.notes:
        click.echo(broken(f"- {' '.join(note.split())}"))
    if proposal.words:
        say("Proposed command:")
        say(proposal.command)


main.add_command(reference)
main.add_command(thresholds)
main.add_command(variables)


@main.group(short_help="Published numbers: what there is, and how to cite it.")
def norms() -> None:
    """Published numbers: what there is, what is in it, how to cite it."""


@norms.command("list", short_help="List the norms, all or of one KIND.")
@click.argument("kind", required=False)
@click.option("--norms", "folder", metavar="DIR", help="A folder of your own norms.")
def list_norms(kind: str | None, folder: str | None) -> None:
    """List the norms, all or of one KIND (criteria, young_adult, standard_population, …).

    Each comes with the grade of its numbers in brackets: A read at the source, B in a secondary
    copy, C common knowledge, or derived from data.
    """
    from osteo_epi.norms import available

    before = kind
    for norm in available(kind, folder=folder).to_polars().iter_rows(named=True):
        if norm["kind"] != before:
            before = norm["kind"]
            click.echo(f"{before}:")
        grade = ", ".join(dict.fromkeys([norm["verification"], *norm["labels"].split(", ")]))
        say(broken(f"{norm['id']} [{grade.removesuffix(', ')}] {norm['title']}"))


@norms.command("show")
@click.argument("norm")
@click.option("--kind", help="Where one name stands for several norms.")
@click.option("--norms", "folder", metavar="DIR", help="A folder of your own norms.")
def show_norm(norm: str, kind: str | None, folder: str | None) -> None:
    """Print the file of NORM, comments and all."""
    import os

    from osteo_epi.norms import ENVIRONMENT, KINDS, cite, shelf

    cite(norm, kind=kind, folder=folder)  # an unknown name fails here, with the nearest ones
    own = [folder or "", *os.environ.get(ENVIRONMENT, "").split(os.pathsep)]
    for root in [shelf(), *map(Path, filter(None, own))]:
        for name in [kind] if kind else KINDS:
            path = root / name / f"{norm}.toml"
            if path.is_file():
                click.echo(path.read_text(encoding="utf-8").rstrip())


@norms.command("cite")
@click.argument("norm")
@click.option("--kind", help="Where one name stands for several norms.")
@click.option("--norms", "folder", metavar="DIR", help="A folder of your own norms.")
def cite_norm(norm: str, kind: str | None, folder: str | None) -> None:
    """Cite NORM, with the grade of its numbers."""
    from osteo_epi.norms import cite

    click.echo(cite(norm, kind=kind, folder=folder))


@main.command(short_help="Draw SIMULATED people, by published prevalences.")
@click.option("--n", default=75_321, show_default=True, help="How many people.")
@click.option("--seed", required=True, type=int, help="The same seed gives the same people.")
@click.option("--profile", default="china_2010", show_default=True, help="Simulation norm.")
@click.option("--devices", default="one", show_default=True, help="one or seven_centres.")
@click.option("--out", required=True, metavar="FILE", help="Where to write: .parquet or .csv.")
@OVERWRITE
def simulate(n: int, seed: int, profile: str, devices: str, out: str, overwrite: bool) -> None:
    """Draw SIMULATED people, calibrated to two published prevalences."""
    from osteo_epi.cohort import simulate as draw

    check_target(out, overwrite)
    people = draw(n, seed=seed, profile=profile, devices=devices)
    write_frame(people.frame, out, label=people.source.label)
    click.echo(people.source.label)
    click.echo(f"Written: {out}")


@main.command(short_help="Make the report again from the run in a folder.")
@click.argument("folder")
@click.option("--language", metavar="CODE", help="Another language of the report: en or zh.")
@click.option("--title", metavar="TEXT", help="Another title.")
@click.option("--author", metavar="TEXT", help="Another author.")
@PDF
@DOCX
def report(
    folder: str,
    pdf: bool,
    docx: bool,
    language: str | None,
    title: str | None,
    author: str | None,
) -> None:
    """Make report.html again from the run in FOLDER, with its figures and tables as files.

    No number moves: what is to be estimated anew is a new run.
    """
    from osteo_epi.report import make_page

    facts = {"language": language, "title": title, "author": author}
    with progress(("report",), quiet=False) as begin:
        begin("report")
        make_page(folder, papers=[*["pdf"] * pdf, *["docx"] * docx], **facts)
    click.echo(f"Report: {Path(folder) / 'report.html'}")
