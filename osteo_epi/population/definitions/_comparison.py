"""The result of a definition grid, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from osteo_epi.diagnosis import CLASSES, Definition
from osteo_epi.errors import DefinitionError, DesignError
from osteo_epi.norms import StandardPopulation
from osteo_epi.population._age_bands import Ages
from osteo_epi.population._prevalence import MEASURED, prevalence
from osteo_epi.population.definitions._axes import named
from osteo_epi.population.definitions._sample import WALD, Asked, People, Shares
from osteo_epi.survey import INTERVAL_METHODS, Mask, SurveyDesign, kappa, mean, survey_interval

COMMON, OWN = "common", "own"
NO_BREAK = "\N{NO-BREAK SPACE}"
DIFFERENCES: dict[str, Any] = {
    "base": pl.String,
    "set": pl.String,
    "statistic": pl.String,
    "age_band": pl.String,
    "estimate": pl.Float64,
    "se": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "confidence": pl.Float64,
    "n": pl.Int64,
    "df": pl.Int64,
    "method": pl.String,
}


@dataclass(frozen=True)
class DefinitionGrid:
    """Prevalences of one population under several definitions.

    Parameters
    ----------
    prevalence
        Rows of `prevalence`, with the definition's short name and the set: `common` (people whom
        all definitions classify) or `own` (whom that one classifies).
    differences
        Each prevalence less the base's [proportion], with design-based standard error and limits.
        `n` counts the people that either of the two rests on.
    reclassification
        On the common set, by definition and group: people moved into and out of the class, as
        counts, unweighted shares and shares of the population, and kappa of having the class.
    transitions
        On the common set: every pair of classes under the base and under the definition.
    definitions
        By short name.
    base
        Short name of the base.
    bone_class
        The class that is counted.
    design, standard
        In one line.
    by
        Columns broken down by.
    meta
        Version, digests, label of the data, counts, notes.
    """

    prevalence: pl.DataFrame
    differences: pl.DataFrame
    reclassification: pl.DataFrame
    transitions: pl.DataFrame
    definitions: Mapping[str, Definition] = field(repr=False)
    base: str
    bone_class: str
    design: str
    standard: str | None
    by: tuple[str, ...]
    meta: Mapping[str, Any]

    def to_frame(self) -> pl.DataFrame:
        """Each prevalence with its difference from the base.

        Columns as those of a prevalence with `set` after the definition, then base, difference,
        difference_se, difference_lower, difference_upper, difference_method.
        """
        keys = ["definition", "set", *self.by, "statistic", "age_band"]
        columns = {"estimate": "", "se": "_se", "lower": "_lower", "upper": "_upper"}
        beside = self.differences.select(
            *keys,
            "base",
            *(pl.col(name).alias(f"difference{end}") for name, end in columns.items()),
            pl.col("method").alias("difference_method"),
        )
        return self.prevalence.join(
            beside, on=keys, how="left", maintain_order="left", validate="1:1"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader has to know beyond the rows."""
        return tuple(self.meta.get("notes", ()))

    def labels(self) -> pl.DataFrame:
        """The definitions in full: short name, label, digest."""
        rows = [(name, d.label, d.sha256) for name, d in self.definitions.items()]
        return pl.DataFrame(rows, schema=["definition", "label", "sha256"], orient="row")

    def _repr_html_(self) -> str:
        statistic = "crude" if self.standard is None else "age_standardised"
        rows = self.to_frame().filter(pl.col("statistic") == statistic)
        keys = ["definition", *self.by]
        own = rows.filter(pl.col("set") == OWN)
        both = rows.filter(pl.col("set") == COMMON).join(own, on=keys, suffix="_own")
        head = ["common people [%]", "difference [points]", "n"]
        head += ["own people [%]", "difference [points]", "n", "n_missing"]
        head += ["flag"] if (both["flag_own"] != "").any() else []
        width = len(keys) + len(head)
        body = "".join(_line(self._texts(row)[:width]) for row in both.to_dicts())
        return _table(self._caption(statistic), [*keys, *head], body) + self._moved()

    def _texts(self, row: dict[str, Any]) -> list[Any]:
        texts = [row["definition"], *(row[column] for column in self.by)]
        for end in ("", "_own"):
            texts += [span(row, end=end)]
            is_base = row["definition"] == self.base
            texts += ["base" if is_base else span(row, "difference", "difference_", end, sign="+")]
            texts += [row[f"n{end}"]]
        return [*texts, row["n_missing_own"], row["flag_own"]]

    def _moved(self) -> str:
        shown = ["definition", *self.by, "n", "into: n", "into [%]", "out of: n", "out of [%]"]
        body = "".join(_line(_moves(row, self.by)) for row in self.reclassification.to_dicts())
        title = f"Moved into and out of {self.bone_class} against {self.base}, common set"
        return _table(escape(title), [*shown, "kappa (SE)"], body) if body else ""

    def _caption(self, statistic: str) -> str:
        parts = [f"Prevalence of {self.bone_class} by definition, {statistic}"]
        parts += [f"Design: {self.design}"]
        parts += [f"Standard population: {self.standard}"] if self.standard else []
        parts += [f"Label: {self.meta['label']}"] if self.meta.get("label") else []
        parts += [
            "common people: whom all definitions classify; own people: whom that one classifies",
            f"Differences are from {self.base}",
        ]
        return "<br>".join(escape(part) for part in (*parts, *self.notes))


def table(
    rows: Iterable[dict[str, Any]], by: tuple[str, ...], columns: dict[str, Any]
) -> pl.DataFrame:
    """Rows as a frame whose columns do not depend on what the rows hold."""
    first = dict.fromkeys(("definition", *by), pl.String)
    keys = {c: kind for c, kind in columns.items() if c in ("base", "set")}
    frame = pl.DataFrame(list(rows), schema={"definition": pl.String, **keys, **first, **columns})
    return frame.with_columns(pl.selectors.float().fill_nan(None))


def span(
    row: Mapping[str, Any],
    stem: str = "estimate",
    ends: str = "",
    end: str = "",
    *,
    sign: str = "",
    decimals: int = 1,
) -> str:
    """A share with its limits, in percent, the limits on one line; a dash where there is none.

    Examples
    --------
    >>> span({"estimate": 0.125, "lower": 0.1, "upper": 0.15}).replace(NO_BREAK, " ")
    '12.5 (10.0 to 15.0)'
    """
    form = f"{sign}.{decimals}f"
    value, low, high = row[stem + end], row[f"{ends}lower{end}"], row[f"{ends}upper{end}"]
    if value is None:
        return "–"
    middle = f"{100 * value:{form}}"
    if low is None or high is None:
        return middle
    limits = NO_BREAK.join([f"({100 * low:{form}}", "to", f"{100 * high:{form}})"])
    return f"{middle} {limits}"


def _moves(row: dict[str, Any], by: tuple[str, ...]) -> list[Any]:
    kappa = "–" if row["kappa"] is None else f"{row['kappa']:.3f}{NO_BREAK}({row['kappa_se']:.3f})"
    into, out_of = span(row, "into", "into_"), span(row, "out_of", "out_of_")
    keys = [row["definition"], *(row[c] for c in by)]
    return [*keys, row["n"], row["n_into"], into, row["n_out_of"], out_of, kappa]


def _line(texts: Iterable[Any]) -> str:
    cells = (f"{t:,}" if isinstance(t, int) else escape(str(t or "")) for t in texts)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _table(caption: str, head: Iterable[str], body: str) -> str:
    titles = "".join(f"<th>{escape(name)}</th>" for name in head)
    return (
        f'<div style="overflow-x:auto"><table><caption>{caption}</caption><thead>'
        f"<tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
    )


MOVES: dict[str, Any] = {
    "n": pl.Int64,
    "n_into": pl.Int64,
    "n_out_of": pl.Int64,
    "into_unweighted": pl.Float64,
    "out_of_unweighted": pl.Float64,
    "into": pl.Float64,
    "into_se": pl.Float64,
    "into_lower": pl.Float64,
    "into_upper": pl.Float64,
    "out_of": pl.Float64,
    "out_of_se": pl.Float64,
    "out_of_lower": pl.Float64,
    "out_of_upper": pl.Float64,
    "kappa": pl.Float64,
    "kappa_se": pl.Float64,
}
TRANSITIONS: dict[str, Any] = {
    "base_class": pl.String,
    "class": pl.String,
    "n": pl.Int64,
    "share_unweighted": pl.Float64,
    "share": pl.Float64,
    "se": pl.Float64,
}


def moves(
    people: People,
    mask: Mask,
    *,
    base: int,
    other: int,
    bone_class: str,
    interval: str,
    confidence: float,
) -> dict[str, Any]:
    """Moves into and out of a class among the (n,) masked people, and kappa of having it.

    Shares are of all people compared, so that into less out of is the difference of prevalences.
    """
    held = people.holds(bone_class)
    into = (~held[:, base] & held[:, other]).astype(float)
    out_of = (held[:, base] & ~held[:, other]).astype(float)
    found = mean(np.column_stack([into, out_of]), people.sample.design, domain=mask)
    lower, upper = survey_interval(
        found.value, found.se, n=found.n, df=found.df, method=interval, confidence=confidence
    )
    n = int(mask.sum())
    row: dict[str, Any] = {"n": n}
    for j, (name, moved) in enumerate((("into", into), ("out_of", out_of))):
        count = int(moved[mask].sum())
        row |= {f"n_{name}": count, f"{name}_unweighted": count / n, name: found.value[j]}
        row |= {f"{name}_se": found.se[j], f"{name}_lower": lower[j], f"{name}_upper": upper[j]}
    return row | _kappa(people, mask, held[:, base], held[:, other])


def _kappa(people: People, mask: Mask, first: Mask, second: Mask) -> dict[str, float | None]:
    """Nothing where all have, or all lack, the class: chance alone would agree fully."""
    if len(np.unique(first[mask])) < 2 and len(np.unique(second[mask])) < 2:
        return {"kappa": None, "kappa_se": None}
    if np.array_equal(first[mask], second[mask]):
        return {"kappa": 1.0, "kappa_se": 0.0}
    codes = (first.astype(np.int64), second.astype(np.int64))
    found = kappa(*codes, people.sample.design, domain=mask)
    return {"kappa": float(found.value[0]), "kappa_se": float(found.se[0])}


def transitions(people: People, mask: Mask, *, base: int, other: int) -> list[dict[str, Any]]:
    """One row a pair of classes that occur among the (n,) masked people."""
    pair = people.codes[:, base] * len(CLASSES) + people.codes[:, other]
    occurring = np.unique(pair[mask])
    cells = (pair[:, None] == occurring).astype(float)
    found = mean(cells, people.sample.design, domain=mask)
    n = int(mask.sum())
    counts = cells[mask].sum(axis=0)
    return [
        {
            "base_class": CLASSES[code // len(CLASSES)],
            "class": CLASSES[code % len(CLASSES)],
            "n": int(count),
            "share_unweighted": count / n,
            "share": share,
            "se": se,
        }
        for code, count, share, se in zip(occurring, counts, found.value, found.se, strict=True)
    ]


def definition_grid(
    people: Any,
    definitions: Sequence[Definition] | Mapping[str, Definition],
    *,
    base: str | None = None,
    bone_class: str = "osteoporosis",
    by: str | Sequence[str] = (),
    standard: str | StandardPopulation | None = None,
    design: SurveyDesign | None = None,
    ages: Ages | None = None,
    age_bands: Sequence[float] | None = None,
    domain: str | pl.Expr | None = None,
    interval: str = "beta",
    confidence: float = 0.95,
) -> DefinitionGrid:
    """Prevalence of one population under each of several definitions, compared with a base.

    Parameters
    ----------
    people
        Any frame of everybody sampled, with the measurements that the definitions read. They are
        classified anew by each; a `bone_class` that is there already is not used.
    definitions
        The definitions, or a mapping from your names to them; see `definition_axes`. Without
        names, each is called by what tells it from the others.
    base
        Name of the definition to compare with; the first by default.
    bone_class
        The class that is counted.
    by
        Columns to break down by; each gets a row a level and one for `all`.
    standard
        Standard population (or its identifier) for the age-standardised rows.
    design
        Survey design; simple random sampling without one.
    ages
        Ages the prevalence refers to; by default those of the base's criterion, for all.
    age_bands
        Edges of the age bands [years].
    domain
        Boolean column or expression: the population that the rates are about.
    interval
        Kind of the prevalences' limits, see `prevalence`.
    confidence
        Level of all limits.

    Returns
    -------
    DefinitionGrid
        Every prevalence twice: in the set `common`, the people whom all definitions classify, and
        in the set `own`, those whom that one definition classifies. Differences from the base,
        moves into and out of the class, the full transition table and kappa.

    Raises
    ------
    DefinitionError
        If a definition is given twice, `base` is none of them, or nobody is classifiable under
        all.
    SchemaError, DesignError, NormError
        As `prevalence`.

    Notes
    -----
    A difference is between two classifications of the same people, so its standard error holds
    their covariance: on the common set the linearised value of the difference of two indicators,
    on the own sets that of the difference of two domain means. On the common set only the rule
    differs; on the own sets also who could be measured for it.

    Equals `svycontrast` on `svymean(~y1 + y2)` (common) and on `svytotal` of numerators and
    denominators (own) of R survey 4.1.

    Examples
    --------
    >>> people = pl.DataFrame({
    ...     "age": [61.0, 72.0, 55.0, 68.0, 81.0], "sex": ["female"] * 5,
    ...     "abmd_femoral_neck": [0.50, 0.70, 0.80, 0.54, 0.55],
    ...     "abmd_lumbar_spine": [0.70, 0.70, 0.90, 0.95, None],
    ... })
    >>> from osteo_epi.population import definition_axes
    >>> grid = definition_grid(people, definition_axes(sites=["femoral_neck", "lumbar_spine"]),
    ...                        age_bands=(50, 90))
    >>> rows = grid.to_frame().filter(pl.col("statistic") == "crude")
    >>> rows.select("definition", "set", "estimate", "n", "difference").rows()
    [('femoral_neck', 'common', 0.5, 4, 0.0), ('femoral_neck', 'own', 0.6, 5, 0.0),
     ('lumbar_spine', 'common', 0.5, 4, 0.0),
     ('lumbar_spine', 'own', 0.5, 4, -0.0999...)]
    """
    chosen = named(definitions)
    names = list(chosen)
    start = _base(base, names)
    _refuse(bone_class, interval, confidence)
    asked = Asked.of(by, standard, design, ages, age_bands, domain)
    edges = asked.edges(chosen[start])
    classified = People.of(people, chosen.values(), asked, edges)
    classified.check(names)
    how = asked.how() | {"age_bands": edges, "interval": interval, "confidence": confidence}
    at = names.index(start)
    shown = list(_prevalences(classified, chosen, bone_class, how))
    pairs = [(name, j) for j, name in enumerate(names) if j != at]
    grid: dict[str, Any] = {"people": classified, "base": at}
    limits: dict[str, Any] = {"bone_class": bone_class, "confidence": confidence}
    return DefinitionGrid(
        prevalence=pl.concat(shown),
        differences=table(_differences(names=names, **grid, **limits), asked.by, DIFFERENCES),
        reclassification=table(
            _all_moves(pairs, interval=interval, **grid, **limits), asked.by, MOVES
        ),
        transitions=table(_transitions(pairs, **grid), asked.by, TRANSITIONS),
        definitions=chosen,
        base=start,
        bone_class=bone_class,
        design=str(asked.design),
        standard=None if asked.standard is None else f"{asked.standard.id}: {asked.standard.title}",
        by=asked.by,
        meta=_meta(people, chosen, classified, edges),
    )


def _base(base: str | None, names: list[str]) -> str:
    if base is not None and base not in names:
        raise DefinitionError(f"base {base!r} is no definition of the grid: {', '.join(names)}")
    return names[0] if base is None else base


def _refuse(bone_class: str, interval: str, confidence: float) -> None:
    if bone_class not in MEASURED:
        raise DesignError(f"bone_class must be one of {', '.join(MEASURED)}, not {bone_class!r}")
    if interval not in INTERVAL_METHODS:
        raise DesignError(
            f"unknown interval {interval!r}: choose one of {', '.join(INTERVAL_METHODS)}"
        )
    if not 0 < confidence < 1:
        raise DesignError(f"confidence must lie between 0 and 1, got {confidence}")


def _prevalences(
    people: People, chosen: Mapping[str, Definition], bone_class: str, how: dict[str, Any]
) -> Iterator[pl.DataFrame]:
    common = people.common
    for j, (name, definition) in enumerate(chosen.items()):
        for which, among in ((COMMON, common), (OWN, None)):
            classified = people.classified(j, among=among)
            found = prevalence(classified, definition, classes=[bone_class], **how).to_frame()
            first = [pl.lit(name).alias("definition"), pl.lit(which).alias("set")]
            yield found.select(*first, pl.exclude("definition"))


def _differences(
    *,
    people: People,
    names: list[str],
    base: int,
    bone_class: str,
    confidence: float,
) -> Iterator[dict[str, Any]]:
    """Each prevalence less the base's, in every group and statistic and on both sets."""
    held, sample = people.holds(bone_class), people.sample
    together = people.measured & people.common[:, None]
    for cut in sample.slices():
        for which, measured in ((COMMON, together), (OWN, people.measured)):
            shares = Shares.of(cut, held, measured, sample.design)
            for j, name in enumerate(names):
                found = shares.combine([(j, 1.0), (base, -1.0)])
                row = {"definition": name, "base": names[base], "set": which, **cut.keys}
                extra = {"n": found.n, "df": found.df, "confidence": confidence, "method": WALD}
                yield row | found.limits(confidence) | extra


def _all_moves(
    pairs: list[tuple[str, int]],
    *,
    people: People,
    base: int,
    interval: str,
    **asked: Any,
) -> Iterator[dict[str, Any]]:
    for name, j in pairs:
        for group in people.sample.groups():
            mask = people.sample.mask(group) & people.common
            if mask.any():
                found = moves(people, mask, base=base, other=j, interval=interval, **asked)
                yield {"definition": name, **group, **found}


def _transitions(
    pairs: list[tuple[str, int]], *, people: People, base: int
) -> Iterator[dict[str, Any]]:
    for name, j in pairs:
        for group in people.sample.groups():
            mask = people.sample.mask(group) & people.common
            if mask.any():
                for row in transitions(people, mask, base=base, other=j):
                    yield {"definition": name, **group, **row}


def _meta(
    people: Any, chosen: Mapping[str, Definition], classified: People, edges: tuple[float, ...]
) -> dict[str, Any]:
    source = getattr(people, "source", None)
    inside = classified.sample.inside
    own = (classified.measured & inside[:, None]).sum(axis=0)
    return {
        "version": version("osteo-epi"),
        "definition_sha256": {name: definition.sha256 for name, definition in chosen.items()},
        "data_sha256": getattr(source, "sha256", None),
        "label": getattr(source, "label", ""),
        "ages": (edges[0], edges[-1]),
        "n_domain": int(inside.sum()),
        "n_common": int((inside & classified.common).sum()),
        "n_own": dict(zip(chosen, own.tolist(), strict=True)),
        "notes": tuple(_notes(chosen, classified)),
    }


def _notes(chosen: Mapping[str, Definition], people: People) -> Iterator[str]:
    """Say who is lost: a definition that classifies none of a group takes it off the common set."""
    sample = people.sample
    n = int((sample.inside & people.common).sum())
    yield f"{n:,} of {int(sample.inside.sum()):,} people are classifiable under all definitions"
    lost = [(j, {"sex": sex}) for j, sex in people.losses()]
    lost += [
        (j, group)
        for j in range(len(chosen))
        for group in sample.groups()
        if not people.measured[sample.mask(group), j].any()
    ]
    for told in dict.fromkeys((j, _told(group)) for j, group in lost):
        yield f"{list(chosen)[told[0]]} classifies nobody of {told[1]}: the common set holds none"
    differing = {str(d.criterion.prevalence_ages) for d in chosen.values()}
    if len(differing) > 1:
        yield f"the criteria are for different ages ({', '.join(sorted(differing))}); one is used"


def _told(group: Mapping[str, str]) -> str:
    return ", ".join(f"{column} {level}" for column, level in group.items()) or "all"
