"""The command that asks what a cut-off is worth in a population, and what it predicts."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from osteo_epi.cli._console import broken, progress, say, say_findings, say_notes, show_frame
from osteo_epi.cli._options import OVERWRITE, WORDS, GroupedOption, Recorded, choices, design_of
from osteo_epi.report import Choices

STAGES = ("read", "estimate", "write")
EMBEDDED = "the simulated follow-up that comes with osteo-epi"


def _option(*names: str, **more: Any) -> Any:
    return click.option(*names, cls=GroupedOption, group=more.pop("group", "question"), **more)


def _names(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Words that are given several times, or with commas."""
    return tuple(name.strip() for word in given for name in word.split(",") if name.strip())


def _classes(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> Any:
    """One interval or class as it is, several as a list; none at all is nothing."""
    return given[0] if len(given) == 1 else (given or None)


def _columns(command: Any) -> Any:
    """Which columns are test and truth, and where the cut-off is."""
    options = [
        _option("--test", required=True, metavar="COLUMN", help="The test: a column of numbers."),
        _option(
            "--direction", metavar="low|high",
            help="Whether low or high values are positive; always to be said, never guessed.",
        ),
        _option(
            "--cut", metavar="NUMBER",
            help="The cut-off, or what is positive, as in \"(-inf, -2.5]\". A number: below it "
            "(low), at or above it (high); T- and Z-scores at or below. Without it, that of the "
            "Chinese consensus of 2020 where it has one for the column.",
        ),
        _option(
            "--truth", required=True, metavar="COLUMN", help="The truth (reference standard)."
        ),
        _option(
            "--truth-positive", multiple=True, metavar="WHAT", callback=_classes,
            help="What counts as diseased, where the column does not say yes or no: an interval, "
            "as in \"(-inf, -2.5]\", or a class. Repeatable.",
        ),
        _option(
            "--prevalence", multiple=True, type=float, metavar="SHARE",
            help="Predictive values also where this share of people has the condition; repeatable.",
        ),
        _option("--ages", metavar="INTERVAL", help="In people of these ages, as in \"[50, inf)\"."),
        _option("--sex", metavar="female|male",
                help="In people of this sex; all are, where no column says otherwise."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _beside(command: Any) -> Any:
    """Other cut-offs, and the bootstrap."""
    options = [
        _option(
            "--criteria", multiple=True, metavar="NAME", callback=_names, group="beside",
            help="Cut-points beside the one asked about: youden, closest, sensitivity, "
            "specificity, cost, prevalence, equipercentile, deming, risk; by default all whose "
            "inputs are given. Repeatable, or with commas.",
        ),
        _option(
            "--cost-ratio", type=float, metavar="NUMBER", group="beside",
            help="Cost of a false alarm over that of a missed person, as in 0.25, for cost.",
        ),
        _option(
            "--compare-with", metavar="COLUMN", group="beside",
            help="A test to which the cut-off is equated, such as a T-score by DXA.",
        ),
        _option(
            "--compare-positive", multiple=True, metavar="WHAT", callback=_classes, group="beside",
            help="What that test finds, as in \"(-inf, -2.5]\".",
        ),
        _option(
            "--error-ratio", type=float, metavar="NUMBER", group="beside",
            help="Variance of the errors of that test over that of --test, for deming.",
        ),
        _option(
            "--replicates", default=1000, show_default=True, type=click.IntRange(min=0),
            metavar="N", group="beside", help="Bootstrap samples; 0 for none.",
        ),
        _option(
            "--seed", default=0, show_default=True, type=click.IntRange(min=0), metavar="INTEGER",
            group="beside", help="Of the bootstrap.",
        ),
        _option(
            "--confidence", default=0.95, show_default=True, type=float, metavar="LEVEL",
            group="beside", help="Level of the limits.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _ahead(command: Any) -> Any:
    """What is to be predicted."""
    options = [
        _option(
            "--outcome", metavar="COLUMN", group="ahead",
            help="What is to be predicted, such as fracture.",
        ),
        _option(
            "--outcome-positive", multiple=True, metavar="WHAT", callback=_classes,
            group="ahead", help="What counts as one, as with --truth-positive.",
        ),
        _option(
            "--time", metavar="COLUMN", group="ahead",
            help="Time to the end of observation, where people were followed.",
        ),
        _option(
            "--at", type=float, metavar="TIME", group="ahead",
            help="Until when the outcome is counted, in the unit of --time.",
        ),
        _option(
            "--competing", metavar="COLUMN", group="ahead",
            help="What makes the outcome impossible, such as death.",
        ),
        _option(
            "--competing-positive", multiple=True, metavar="WHAT", callback=_classes,
            group="ahead", help="What counts as such.",
        ),
        _option("--nothing-competes", is_flag=True, group="ahead",
                help="Nothing makes the outcome impossible, though deaths are recorded."),
        _option(
            "--risk", "risks", multiple=True, metavar="COLUMN", callback=_names, group="ahead",
            help="Predicted risks of the outcome (0 to 1; FRAX in percent): decision curve and "
            "calibration. Repeatable.",
        ),
        _option(
            "--adjust", multiple=True, metavar="COLUMN", callback=_names, group="ahead",
            help="What the ratio per SD of the test is adjusted for. Repeatable.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _folder(command: Any) -> Any:
    """Where the study is written."""
    options = [
        _option(
            "--accept-errors", is_flag=True, group="read",
            help="Go on although the check of the data found errors.",
        ),
        _option("--out", required=True, metavar="DIR", group="run", help="Where to write."),
        _option(
            "--tables",
            "formats",
            multiple=True,
            metavar="FORMAT",
            callback=_names,
            group="run",
            help="Tables for a journal beside CSV: docx, xlsx, tex, html. Repeatable.",
        ),
        OVERWRITE,
        _option("--quiet", is_flag=True, group="run", help="No progress, no table."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command(cls=Recorded, short_help="Say what a cut-off is worth, and what it predicts.")
@click.argument("files", nargs=-1, metavar="[FILE]…")
@_columns
@_beside
@_ahead
@choices("read", "design", without=("sex",))
@_folder
def thresholds(
    files: tuple[str, ...], out: str, formats: tuple[str, ...], overwrite: bool, quiet: bool,
    accept_errors: bool, **options: Any,
) -> None:  # fmt: skip
    """What is this cut-off worth in these people, and what does it predict?

    Writes tables, figures and a report: accuracy at the cut-off, ROC curve, cut-points by other
    criteria side by side, who is in and who is out, and with an outcome what the cut-off and
    predicted risks say of it. Without a FILE, 2,000 SIMULATED people are taken.

    \b
    osteo-epi thresholds --test vbmd_lumbar_spine --direction low --cut 80 \\
        --truth dxa_osteoporosis --out thresholds
    osteo-epi thresholds --test vbmd_lumbar_spine --direction low \\
        --truth dxa_osteoporosis --compare-with t_score_femoral_neck \\
        --compare-positive "(-inf, -2.5]" --outcome fracture \\
        --time follow_up_years --at 10 --competing death \\
        --risk clinical_risk --adjust age,sex --out thresholds --overwrite
    """
    from osteo_epi.report import ThresholdQuestion, check_study_folder, threshold_study, write_study

    reading = {name: options.pop(name) for name in list(options) if name in Choices.catalogue()
               and name not in ThresholdQuestion.__dataclass_fields__}  # fmt: skip
    chosen = Choices.of(files, reading)
    asked = ThresholdQuestion(**options | {"criteria": options["criteria"] or None})
    check_study_folder(out, overwrite=overwrite, formats=formats)
    with progress(STAGES, quiet=quiet) as begin:
        begin("read")
        people = _people(chosen, asked.sex)
        begin("estimate")
        study = threshold_study(
            people, asked, design=design_of(people, chosen), accept_errors=accept_errors
        )
        begin("write")
        page = write_study(
            study, out, findings=people.findings, formats=formats,
            command=_command(*files, out), source=_source(people, chosen), overwrite=overwrite,
        )  # fmt: skip
    if not quiet:
        _say(study, people, out)
    click.echo(f"Report: {page}")


def _people(chosen: Choices, sex: str | None) -> Any:
    """The people; where no column says their sex, they are of the one that is asked about."""
    from osteo_epi.cohort import read
    from osteo_epi.datasets import follow_up

    if chosen.embedded:
        return follow_up()
    people = read(chosen.path, **chosen.arguments("read"))
    if sex is None or "sex" in people.columns:
        return people
    return read(chosen.path, **chosen.arguments("read") | {"sex": sex})


def _source(people: Any, chosen: Choices) -> str:
    return EMBEDDED if chosen.embedded else ", ".join(people.source.files)


def _command(*paths: str) -> str:
    """The command as it was given, without the folders of this machine."""
    words = click.get_current_context().meta[WORDS]
    plain = {path: Path(path).name for path in paths}
    plain |= {f"--out={path}": f"--out={name}" for path, name in plain.items()}
    return shlex.join(["osteo-epi", "thresholds", *(plain.get(word, word) for word in words)])


def _say(study: Any, people: Any, out: str) -> None:
    """What was found, in sentences, with the table of accuracy."""
    from osteo_epi.cohort import acceptance_notes
    from osteo_epi.report import STUDY_FINDINGS, study_tables, study_verdict

    if study.label:
        say(study.label)
    table = study_tables(study)["accuracy"]
    show_frame(table.to_text(), title=table.title)
    for line in study_verdict(study):
        click.echo(broken(line))
    say_findings(people.findings, Path(out) / STUDY_FINDINGS)
    accepted = acceptance_notes(people.with_errors_accepted())
    say_notes([note for note in study.notes if note not in accepted])
