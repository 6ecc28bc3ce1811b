"""The methods paragraph of a reference: facts of the fit in sentences, in two languages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from osteo_epi.cohort import codebook
from osteo_epi.diagnosis import MAKERS
from osteo_epi.reference._reference import UNKNOWN, Reference
from osteo_epi.reference._young_ages import facts, place
from osteo_epi.reference.curves import Curve, PSpline
from osteo_epi.rounding import count, density, number
from osteo_epi.survey import ReplicateDesign

LANGUAGES = ("en", "zh")


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("methods.toml").read_text(encoding="utf-8"))


def methods_paragraph(reference: Reference, *, maker: str, smallest: int, language: str) -> str:
    """Say how a reference was made, as a paper does.

    Parameters
    ----------
    reference
        As fitted.
    maker
        Of the densitometer; "unknown" where the data name none, or several.
    smallest
        Fewest people whose n, mean and SD the table shows.
    language
        "en" or "zh".
    """
    writer = Writer(reference, maker, smallest, _texts()[language], language)
    return writer.words["space"].join(writer.sentences()) + "\n"


@dataclass(frozen=True)
class Writer:
    """One reference in one language."""

    reference: Reference
    maker: str
    smallest: int
    words: dict[str, Any]
    language: str

    def sentences(self) -> Iterator[str]:
        """In the order in which a paper has them."""
        words, facts = self.words, self.reference.provenance
        if "simulation" in self.reference.labels:
            yield words["simulated"]
        yield self._people()
        if facts.ages:
            yield words["ages"][facts.ages]
        chinese = self.language == "zh" and self.reference.exclusions_zh
        exclusions = words["semicolon"].join(chinese or facts.exclusions)
        yield words["exclusions" if exclusions else "no_exclusions"].format(exclusions=exclusions)
        yield self._maker()
        yield from self.reference.scanners.sentences(self.language)
        yield from self._models()
        yield from self._splines()
        yield self._design()
        yield words["score"]
        yield self._young()
        yield from self._young_ages()
        if self.smallest:
            yield words["smallest"].format(smallest=self.smallest)
        yield from self._not_converged()
        yield words["date"].format(date=facts.date, software=facts.software, data=facts.data_sha256)
        yield words["sources"].format(sources=words["semicolon"].join(self._sources()))

    def _maker(self) -> str:
        makers = self.reference.makers if self.maker == UNKNOWN else (self.maker,)
        if not makers:
            return str(self.words["no_maker"])
        names = self.words["join"].join(MAKERS.get(maker, maker) for maker in makers)
        return str(self.words["maker"].format(maker=names))

    def _people(self) -> str:
        words, curves = self.words, self.reference.curves.values()
        by_sex = [
            words["by_sex"].format(n=count(n), sex=words[sex])
            for sex, n in self.reference.by_sex.items()
        ]
        return str(
            words["people"].format(
                n=count(self.reference.n),
                by_sex=words["join"].join(by_sex),
                first=f"{min(curve.ages[0] for curve in curves):g}",
                last=f"{max(curve.ages[1] for curve in curves):g}",
            )
        )

    def _models(self) -> Iterator[str]:
        """One sentence for each set of regions that were fitted alike."""
        alike = dict[Any, list[tuple[str, Curve]]]()
        for (_, roi), curve in self.reference.curves.items():
            form = curve.family.name, tuple(curve.terms.items())
            alike.setdefault(form, []).append((roi, curve))
        for of_form in alike.values():
            rois = dict.fromkeys(self._roi(roi) for roi, _ in of_form)
            curves = [curve for _, curve in of_form]
            yield self.words["fit"].format(
                rois=_listed(list(rois), self.words),
                family=self.words["families"][curves[0].family.name.removesuffix("o")],
                terms=self.words["semicolon"].join(self._terms(curves)),
                fitting=self.words["penalised" if _splines(curves) else "likelihood"],
                software=self.reference.provenance.software,
            )

    def _splines(self) -> Iterator[str]:
        """How P-splines are made, once for all that are alike."""
        terms = dict.fromkeys(
            (term.intervals, term.choice) for term in _splines(self.reference.curves.values())
        )
        for intervals, choice in terms:
            yield self.words["splines"].format(
                intervals=intervals, choice=self.words[f"chosen_{choice}"]
            )

    def _sources(self) -> list[str]:
        """Of the methods that these curves used, each once."""
        curves = self.reference.curves.values()
        names = [curve.family.name.removesuffix("o") for curve in curves]
        names += ["splines"] if _splines(curves) else []
        texts, supports = _texts()["sources"], self.words["supports"]
        used = [name for name in dict.fromkeys([*names, "fitting"]) if name in texts]
        return [supports[name] + texts[name] for name in used]

    def _terms(self, curves: list[Curve]) -> Iterator[str]:
        for name, term in curves[0].terms.items():
            label = term.label
            for pattern, words in self.words.get("terms", {}).items():
                label = re.sub(pattern, words, label)
            yield self.words["term"].format(
                parameter=self.words["parameters"][name],
                term=label,
                df=_range((curve.fit.df[name] for curve in curves), self.words["to"]),
            )

    def _design(self) -> str:
        weights = [curve.weight for curve in self.reference.curves.values() if curve.weight]
        parts = self.words["design"]
        design = parts["join"].join(_design_parts(self.reference.design, parts))
        sentence = self.words["weighted" if weights else "unweighted"]
        return str(sentence.format(weight=weights[0] if weights else "", design=design))

    def _young(self) -> str:
        words, young = self.words, self.reference.young
        if not young:
            return str(words["no_young"])
        values = [
            words["young_value"].format(
                roi=self._roi(roi), sex=words[sex], mean=density(peak.mean), sd=density(peak.sd),
                n=count(peak.n),
            )
            for (sex, roi), peak in young.items()
        ]  # fmt: skip
        way = next(iter(young.values())).way
        return str(
            words["young"].format(
                way=words.get("ways", {}).get(way, way), values=words["semicolon"].join(values)
            )
        )

    def _young_ages(self) -> Iterator[str]:
        """Of young adults at an end of the people's ages, or past it."""
        for (sex, roi), peak in self.reference.young.items():
            curve = self.reference.curves[sex, roi]
            code = place(peak.way, peak.first, curve)
            if code is not None:
                named = {"roi": self._roi(roi), "sex": self.words[sex]}
                yield self.words["young_ages"][code].format(**named, **facts(peak.way, curve))

    def _not_converged(self) -> Iterator[str]:
        curves = [
            self.words["curve"].format(roi=self._roi(roi), sex=self.words[sex])
            for (sex, roi), curve in self.reference.curves.items()
            if not curve.fit.converged
        ]
        if curves:
            yield self.words["not_converged"].format(curves=self.words["join"].join(curves))

    def _roi(self, roi: str) -> str:
        """A region as the codebook says it."""
        name, book = f"abmd_{roi}", codebook()
        if name not in book:
            return roi
        if self.language == "zh":
            return book[name].meaning_zh.removesuffix("（DXA）").removesuffix("面积骨密度")
        return book[name].meaning.rpartition(", ")[2]


def _design_parts(design: Any, words: dict[str, Any]) -> Iterator[str]:
    """How people were sampled, part by part."""
    if isinstance(design, ReplicateDesign):
        yield words["replicates"].format(columns=design.named, kind=design.kind)
    elif not design.columns:
        yield words["random"]
    elif design.columns == (design.weight,):
        yield words["weights_alone"]
    else:
        lonely = words["lonely"].get(design.lonely) if design.stratum else None
        strata = [text for text in (design.stratum, lonely) if text]
        parts = {"stratum": words["with"].join(strata)}
        for part, columns in {"units": design.units, "fpc": design.fpcs}.items():
            parts[part] = words["columns"].join(columns)
        yield from (words[part].format(columns=text) for part, text in parts.items() if text)


def _splines(curves: Iterable[Curve]) -> list[PSpline]:
    """The P-splines among the terms."""
    return [term for curve in curves for term in curve.terms.values() if isinstance(term, PSpline)]


def _listed(texts: list[str], words: dict[str, Any]) -> str:
    """Texts as a sentence lists them: a, b and c."""
    *first, last = texts
    return str(words["join"].join(first) + words["and"] * bool(first) + last)


def _range(values: Iterable[float], to: str) -> str:
    numbers = sorted(values)
    low, high = (number(end, digits=2) for end in (numbers[0], numbers[-1]))
    return low if low == high else f"{low}{to}{high}"
