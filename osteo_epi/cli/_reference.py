"""The command that makes a reference database: read, select, fit, write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from osteo_epi.cli._console import broken, progress, say_findings, say_notes, show_frame
from osteo_epi.cli._files import write_frame
from osteo_epi.cli._options import OVERWRITE, GroupedOption, Sectioned, choices, design_of
from osteo_epi.errors import DefinitionError
from osteo_epi.report import Choices

STAGES = ("read", "select", "fit", "diagnose", "write")
CARD, NOTICED = "card.csv", "findings.csv"
BY_AGE = "_by_age.csv"
# The ways to choose young adults as a keyboard has them, by the library's words.
YOUNG = {
    "20-29": "20–29 years",
    "20-39": "20–39 years",
    "peak": "peak ± 5 years",
    "best": "best five years",
    "maximum": "maximum of the curve",
    "none": None,
}
TERMS = "constant, polynomial:3, fractional:1,2, pspline (smoothness chosen) or pspline:4 (df)"


def _term(ctx: click.Context, param: click.Parameter, given: str | None) -> Any:
    """Read how a parameter changes with age."""
    from osteo_epi.reference import Constant, FractionalPolynomial, Polynomial, PSpline

    name, _, setting = (given or "").partition(":")
    try:
        if given is None:
            return None
        if name == "constant" and not setting:
            return Constant()
        if name == "pspline":
            return PSpline(df=float(setting)) if setting else PSpline()
        if name == "polynomial":
            return Polynomial(int(setting or 3))
        if name == "fractional":
            return FractionalPolynomial(tuple(float(power) for power in setting.split(",")))
    except ValueError:
        pass
    except DefinitionError as error:
        raise click.BadParameter(str(error)) from None
    raise click.BadParameter(f"expected {TERMS}, got {given!r}")


def _folds(ctx: click.Context, param: click.Parameter, given: int) -> int:
    """None, or two at least."""
    if given < 0 or given == 1:
        raise click.BadParameter(f"expected 0 for none, or 2 at least, got {given}")
    return given


def _some_words(ctx: click.Context, param: click.Parameter, given: str | None) -> str | None:
    """One line that is not empty."""
    if given is not None and (not given.strip() or "\n" in given):
        raise click.BadParameter("expected a few words, on one line")
    return given


def _option(*names: str, **more: Any) -> Any:
    return click.option(*names, cls=GroupedOption, group="run", **more)


def _curve_options(command: Any) -> Any:
    """How the curves are fitted."""
    options = [
        _option(
            "--roi", "rois", multiple=True, metavar="ROI",
            default=("lumbar_spine", "femoral_neck", "total_hip"), show_default=True,
            help="A region of interest; repeatable.",
        ),
        _option(
            "--exclusions", metavar="FILE",
            help="Who is left out: a TOML file of [[rule]] tables, each with name, column, a "
            "condition (exclude, only, outside, stated) and missing (keep or exclude).",
        ),
        _option(
            "--family", default="bccg", show_default=True,
            help="Distribution: normal, log_normal, bccg (LMS), bct, bcpe.",
        ),
        *(
            _option(f"--{name}", metavar="TERM", callback=_term, help=f"{text}: {TERMS}.")
            for name, text in {
                "mu": "How the median changes with age", "sigma": "The spread",
                "nu": "The skewness", "tau": "The tails",
            }.items()
        ),
        _option(
            "--young", type=click.Choice(list(YOUNG)), default="20-29", show_default=True,
            help="Who the young adults are; none for children.",
        ),
        _option(
            "--spine-rule", default="at_least_two", show_default=True, metavar="RULE",
            help="at_least_two, all_four or given_total.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _check_options(command: Any) -> Any:
    """How the people and the curves are judged."""
    options = [
        _option(
            "--folds", default=5, show_default=True, metavar="N", callback=_folds,
            help="Parts of the people that are left out in turn to judge the curves; 0 for none.",
        ),
        _option(
            "--against", metavar="ID",
            help="A published reference to which this one is compared: nhanes_2005_2010_derived.",
        ),
        _option("--norms", "folder", metavar="DIR", help="A folder of your own norms."),
        _option("--accept-errors", is_flag=True, help="Go on although the check found errors."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def _norm_options(command: Any) -> Any:
    """What the norm is called."""
    options = [
        _option("--out", required=True, metavar="DIR", help="A folder of norms."),
        _option(
            "--id", "id", default="own_reference", show_default=True, metavar="ID",
            help="Name by which the norm is loaded.",
        ),
        _option(
            "--title", default="Own reference", show_default=True, callback=_some_words,
            help="Its name.",
        ),
        _option("--title-zh", default="", help="Its name in Chinese."),
        _option(
            "--population", default="the people of the file", show_default=True,
            callback=_some_words,
            help="Who the people are.",
        ),
        _option(
            "--maker", callback=_some_words,
            help="Of the densitometer: hologic, lunar, norland, …; by default the one that the "
            "data name, in calibrated_to, device_maker or device.",
        ),
        _option(
            "--smallest", default=10, show_default=True, metavar="PEOPLE",
            type=click.IntRange(min=0),
            help="Of a band of fewer, the tables show neither n nor mean and SD.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command(cls=Sectioned, short_help="Make a reference database of normal people.")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@_curve_options
@_check_options
@choices("read", "design")
@_norm_options
@OVERWRITE
@_option("--quiet", is_flag=True, help="No progress, no table.")
def reference(
    files: tuple[str, ...],
    rois: tuple[str, ...],
    exclusions: str | None,
    family: str,
    young: str,
    spine_rule: str,
    folds: int,
    against: str | None,
    folder: str | None,
    accept_errors: bool,
    out: str,
    overwrite: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Make a reference database of a sample of normal people: Z- and T-scores of your own.

    Writes norm files that --norms DIR --age-reference ID --reference ID take, the tables that
    journals print, LMS for other software, and a methods paragraph in English and Chinese.

    \b
    osteo-epi reference healthy.csv --roi femoral_neck --roi total_hip \\
        --family bccg --id our_county_2026 --title "Our county" \\
        --maker hologic --out norms
    """
    from osteo_epi.cohort import read
    from osteo_epi.norms import cite
    from osteo_epi.reference import check_place, fit_reference, publish, select

    terms = {name: options.pop(name) for name in ("mu", "sigma", "nu", "tau")}
    names = ("id", "title", "title_zh", "population", "maker", "smallest")
    head = {name: options.pop(name) for name in names}
    chosen = Choices.of(files, options)
    if against is not None:
        cite(against, folder=folder)  # an unknown name fails here, with the nearest ones
    check_place(out, id=head["id"], overwrite=overwrite)
    fit = {"rois": rois, "family": family, **terms, "young": YOUNG[young], "spine_rule": spine_rule}
    rules = _checked(fit, chosen, exclusions)
    with progress(STAGES, quiet=quiet) as begin:
        begin("read")
        people = read(chosen.path, **chosen.arguments("read"))
        begin("select")
        stay: Any = people
        if rules is not None:
            stay = select(people, rules, accept_errors=accept_errors)
        begin("fit")
        result = fit_reference(
            stay, **fit, design=design_of(people, chosen), accept_errors=accept_errors,
        )  # fmt: skip
        begin("diagnose")
        ours = _on_scale(result, head["maker"])
        compared, refused = _compared(against, ours, rois=rois, norms_folder=folder)
        tables = {CARD: _card(result, folds)} | (_against(against, compared) if compared else {})
        begin("write")
        publication = publish(result, out, **head, overwrite=overwrite)
        noticed, own = people.findings + result.findings, Path(out) / head["id"]
        for name, table in (tables | {NOTICED: noticed.to_polars()}).items():
            write_frame(table, str(own / name), label="")
    if not quiet:
        _say(stay.flow, result, tables, own)
        say_findings(noticed, own / NOTICED)
        say_notes([*publication.notes, *(compared.notes if compared else ())])
    click.echo(f"Norms and tables: {out}; osteo-epi norms show {head['id']} --norms {Path(out)}")
    if refused is not None:
        raise DefinitionError(f"the reference is written, and not compared: {refused}")


def _compared(against: str | None, ours: Any, **options: Any) -> tuple[Any, DefinitionError | None]:
    """The comparison, or why there is none: what was fitted is written all the same."""
    from osteo_epi.reference import compare

    if against is None:
        return None, None
    try:
        return compare(against, ours, **options), None
    except DefinitionError as error:
        return None, error


def _checked(fit: dict[str, Any], chosen: Choices, exclusions: str | None) -> Any:
    """Refuse, before the file is read, what would be refused after; the rules of exclusions."""
    from osteo_epi.reference import check_choices, read_rules
    from osteo_epi.survey import SurveyDesign

    check_choices(**fit)
    SurveyDesign(lonely=chosen.lonely)
    return None if exclusions is None else read_rules(exclusions)


def _on_scale(result: Any, maker: str | None) -> Any:
    """The reference on the scale of the maker that was named, where the data name none."""
    from osteo_epi.diagnosis import maker_in

    named = maker_in(maker or "")
    return result if result.makers or not named else replace(result, makers=(named,))


def _against(name: str | None, compared: Any) -> dict[str, Any]:
    """The tables of a comparison by their files: young adults, and lines by age."""
    files = {f"against_{name}.csv": compared.cut_offs, f"against_{name}{BY_AGE}": compared.by_age}
    return {file: table for file, table in files.items() if table.height}


def _say(flow: Any, result: Any, tables: dict[str, Any], folder: Path) -> None:
    """Who stays, the densities at the cut-offs, how well the curves fit, and what differs."""
    show_frame(flow.to_polars().select("step", "reason", "n_in", "n_out"))
    warned = " of SIMULATED people" if "simulation" in result.labels else ""
    if result.young:
        title = f"Young adults{warned}: mean, SD and cut-offs [g/cm²] (SE)"
        show_frame(_cut_offs(result), title=title)
    for name, table in tables.items():
        if name == CARD:
            failed = bool(table.height) and "fail" in table["verdict"]
            to_do = f"; what to do stands in {folder / CARD}" if failed else ""
            shown, title = _verdicts(table), f"Fit of the curves{warned}{to_do}"
        elif name.endswith(BY_AGE) and len(tables) > 2:
            click.echo(broken(f"Differences of the lines by age: see {folder / name}"))
            continue
        else:
            shown = _differences(table)
            title = f"This reference{warned} less the published one [g/cm²] (95 % limits)"
        show_frame(shown, title=title)


def _cut_offs(result: Any) -> Any:
    """One row a sex and region: mean, SD, and the densities at T = −1 and T = −2.5."""
    import polars as pl

    from osteo_epi.reference import T_LOW_BONE_MASS, T_OSTEOPOROSIS
    from osteo_epi.rounding import count, density

    def at(peak: Any, t: float) -> str:
        value, se = peak.at(t)
        return f"{density(value)} ({density(se)})"

    rows = [
        {
            "sex": sex, "region": roi, "n": count(peak.n), "mean": density(peak.mean),
            "SD": density(peak.sd), "T = −1": at(peak, T_LOW_BONE_MASS),
            "T = −2.5": at(peak, T_OSTEOPOROSIS),
        }
        for (sex, roi), peak in result.young.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=["sex", "region", "n", "mean", "SD", "T = −1", "T = −2.5"])


def _card(result: Any, folds: int) -> Any:
    """The cards of all curves, one under the other."""
    import polars as pl

    from osteo_epi.reference import diagnose

    cards = []
    for (sex, roi), curve in result.curves.items():
        judged = diagnose(curve, result.people_of(sex), folds=folds, design=result.design)
        cards.append(judged.card.select(pl.lit(sex).alias("sex"), pl.lit(roi).alias("roi"), "*"))
    return pl.concat(cards)


def _verdicts(card: Any) -> Any:
    """One row a sex and region: passed, or the criteria that fail, and those not judged."""
    import polars as pl

    failed = pl.col("verdict") == "fail"
    rows = card.group_by("sex", "roi", maintain_order=True).agg(
        pl.when(failed.any()).then(pl.lit("FAILED")).otherwise(pl.lit("passed")).alias("verdict"),
        *(
            pl.col("criterion").filter(pl.col("verdict") == verdict)
            .unique(maintain_order=True).str.join(", ").alias(name)
            for name, verdict in {"fails": "fail", "not judged": "not judged"}.items()
        ),
    )  # fmt: skip
    return rows.rename({"roi": "region"})


def _differences(compared: Any) -> Any:
    """Densities under both references, and their difference with its limits where known."""
    import polars as pl

    from osteo_epi.rounding import density, fixed

    def limits(row: dict[str, Any]) -> str:
        parts = [row[f"difference{end}"] for end in ("", "_lower", "_upper")]
        value, *ends = (fixed(part, decimals=3, sign="+") for part in parts)
        return value if None in parts else f"{value} ({' to '.join(ends)})"

    kept = [name for name in ("sex", "roi", "age", "t", "z") if name in compared.columns]
    rows = [
        {name: str(row[name]) for name in kept}
        | {"theirs": density(row["first"]), "this": density(row["second"])}
        | {"difference": limits(row)}
        for row in compared.iter_rows(named=True)
    ]
    return pl.DataFrame(rows)
