"""The command line: thin, it reads options and calls the library.

Heavy imports stand inside the commands, so that --help answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from osteo_epi.cli._console import OneLine, progress, say_findings, show
from osteo_epi.cli._options import DEFINING, OVERWRITE, READING, edges_of, names_of
from osteo_epi.errors import SchemaError


@click.group(cls=OneLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="osteo-epi")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """From a densitometry export to an osteoporosis prevalence that can be defended.

    Every error is one line that says what to do, with exit code 2.
    """


@main.command()
@click.argument("files", nargs=-1, metavar="[FILE]…")
@DEFINING
@click.option(
    "--standard",
    metavar="ID",
    help="Standard population: china_2010, china_2020, who_2000, us_2000_bone, …",
)
@click.option(
    "--by",
    multiple=True,
    default=("sex",),
    show_default=True,
    callback=names_of,
    metavar="COLUMN",
    help="Break down by a column. Repeatable, or with commas.",
)
@READING
@click.option("--ages", metavar="INTERVAL", help='Ages of the prevalence, e.g. "[50, inf)".')
@click.option("--age-bands", callback=edges_of, metavar="AGES", help="Edges, e.g. 50,65,inf.")
@click.option(
    "--interval",
    default="beta",
    show_default=True,
    help="Kind of interval: beta (Korn-Graubard), logit, wilson, …",
)
@click.option(
    "--confidence", default=0.95, show_default=True, type=float, help="Level of the intervals."
)
@click.option("--weight", metavar="COLUMN", help="Survey weights [default: survey_weight].")
@click.option("--stratum", metavar="COLUMN", help="Strata [default: stratum].")
@click.option("--psu", metavar="COLUMN", help="Primary sampling units [default: psu].")
@click.option("--no-design", is_flag=True, help="Take the people as a simple random sample.")
@click.option(
    "--lonely",
    default="fail",
    show_default=True,
    help="A stratum with one unit: fail, certainty, adjust, average, remove.",
)
@click.option("--accept-errors", is_flag=True, help="Go on although the data have errors.")
@click.option("--out", default="out", show_default=True, metavar="DIR", help="Where to write.")
@OVERWRITE
@click.option("--no-report", is_flag=True, help="Tables only, without report.html.")
@click.option("--n", default=75_321, show_default=True, help="Size of the embedded cohort.")
@click.option("--seed", default=2010, show_default=True, help="Seed of the embedded cohort.")
@click.option("--quiet", is_flag=True, help="No progress, no table.")
def run(files: tuple[str, ...], out: str, no_report: bool, no_design: bool, quiet: bool,
        map_: dict, norms_folder: str | None, **options: Any) -> None:  # fmt: skip
    """Read people, classify them, estimate the prevalence, and write tables and a report.

    FILE is a table (CSV, Excel, Parquet, SAS, Stata, SPSS) or a folder of NHANES tables. Without
    one, the embedded cohort is taken: 75,321 SIMULATED people.

    \b
    osteo-epi run
    osteo-epi run clinic.csv --reference zhang_2007 --standard china_2010 --out results
    osteo-epi run nhanes/2017-2018 --source nhanes --definition nchs_bone_2021 \\
        --standard us_2000_bone --out results
    """
    from osteo_epi.cli._terminal import prevalence_table
    from osteo_epi.report import STAGES
    from osteo_epi.report import run as job

    path = (files[0] if len(files) == 1 else list(files)) if files else None
    with progress(STAGES[:-1] if no_report else STAGES, quiet=quiet) as begin:
        result = job(path, out=out, report=not no_report, use_design=not no_design, map=map_,
                     norms=norms_folder, progress=begin, **options)  # fmt: skip
    if not quiet:
        show(prevalence_table(result))
        say_findings(result.findings)
    click.echo(f"Tables: {out}" if no_report else f"Report: {Path(out) / 'report.html'}")


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@DEFINING
@READING
@click.option("--out", required=True, metavar="FILE", help="Where to write: .parquet or .csv.")
@OVERWRITE
def classify(files: tuple[str, ...], out: str, overwrite: bool, norms_folder: str | None,
             definition: str, reference: str | None, age_reference: str | None,
             **reading: Any) -> None:  # fmt: skip
    """Classify people and write them with class, rule, region and reason."""
    from osteo_epi.cli._terminal import frame_table
    from osteo_epi.diagnosis import classify as classified
    from osteo_epi.diagnosis import definition as define
    from osteo_epi.report import check_target, write_frame

    check_target(out, overwrite)
    people = _read(files, reading)
    rules = define(definition, reference=reference, age_reference=age_reference,
                   norms_folder=norms_folder, people=people.frame)  # fmt: skip
    result = classified(people, rules)
    write_frame(result.frame, out, label=rules.label)
    counts = result["bone_class"].value_counts(sort=True, name="n")
    show(frame_table(counts, title=f"Classes by {rules.label}"))
    say_findings(result.findings)
    click.echo(f"Written: {out}")


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@READING
@click.option("--out", metavar="FILE", help="Write the findings as CSV as well.")
@OVERWRITE
def check(files: tuple[str, ...], out: str | None, overwrite: bool, **reading: Any) -> None:
    """Say what is noticed about the data; exit code 2 where results would be wrong."""
    from osteo_epi.cli._terminal import frame_table
    from osteo_epi.report import check_target, write_frame

    if out is not None:
        check_target(out, overwrite, endings=(".csv",))
    people = _read(files, reading)
    table = people.findings.to_frame()
    if out is not None:
        write_frame(table, out, label="")
    show(frame_table(people.flow.to_frame().select("step", "reason", "n_in", "n_out")))
    if len(table):
        show(frame_table(table.select("severity", "code", "column", "n", "message", "fix")))
    click.echo(f"{len(people):,} people, {len(table)} findings")
    if people.findings.errors:
        raise SchemaError(_first(people.findings.errors))


@main.group()
def norms() -> None:
    """Published numbers: what there is, what is in it, how to cite it."""


@norms.command("list")
@click.argument("kind", required=False)
@click.option("--norms", "folder", metavar="DIR", help="A folder of your own norms.")
def list_norms(kind: str | None, folder: str | None) -> None:
    """List the norms, all or of one KIND (criteria, young_adult, standard_population, …)."""
    from osteo_epi.cli._terminal import frame_table
    from osteo_epi.norms import available

    show(frame_table(available(kind, folder=folder).to_frame()))


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


@main.command()
@click.option("--n", default=75_321, show_default=True, help="How many people.")
@click.option("--seed", required=True, type=int, help="The same seed gives the same people.")
@click.option("--profile", default="china_2010", show_default=True, help="Simulation norm.")
@click.option("--devices", default="one", show_default=True, help="one or seven_centres.")
@click.option("--out", required=True, metavar="FILE", help="Where to write: .parquet or .csv.")
@OVERWRITE
def simulate(n: int, seed: int, profile: str, devices: str, out: str, overwrite: bool) -> None:
    """Draw SIMULATED people, calibrated to two published prevalences."""
    from osteo_epi.cohort import simulate as draw
    from osteo_epi.report import check_target, write_frame

    check_target(out, overwrite)
    people = draw(n, seed=seed, profile=profile, devices=devices)
    write_frame(people.frame, out, label=people.source.label)
    click.echo(people.source.label)
    click.echo(f"Written: {out}")


@main.command()
@click.argument("folder")
def report(folder: str) -> None:
    """Make report.html again from the run in FOLDER."""
    from osteo_epi.report import make_page

    with progress(("report",), quiet=False) as begin:
        begin("report")
        make_page(folder)
    click.echo(f"Report: {Path(folder) / 'report.html'}")


def _read(files: tuple[str, ...], reading: dict[str, Any]) -> Any:
    from osteo_epi.cohort import read

    reading["map"] = reading.pop("map_")
    for name in ("sex_coding", "sentinels"):
        reading[name] = reading[name] or None
    return read(files[0] if len(files) == 1 else list(files), **reading)


def _first(errors: Any) -> str:
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return str(errors[0]).removeprefix("error: ") + more
