"""What both languages know of a study: a rule is stated where somebody was judged by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from osteo_epi.diagnosis import Definition
from osteo_epi.norms import CTXA, GRADE_MEANING
from osteo_epi.report._study import Study
from osteo_epi.rounding import percent

PARTS = {
    "weights": "weights ",
    "strata": "strata ",
    "units": "units ",
    "fpc": "fpc ",
    "lonely": "single units: ",
}
"""Parts of a survey design, as its text begins them."""
REPLICATES = re.compile(r"\S+ replicate weights \((.+)\)")
LIMIT = re.compile(r"(?P<name>[^:：;；]+)[:：] ?(?P<limit>[^;；]+)")


@dataclass(frozen=True)
class Paragraph:
    """The facts of a paragraph, in no language."""

    definition: Definition
    study: Study

    def cited(self, role: str) -> str:
        """The number of the source in a role, as " [2]"; "" where it is no publication."""
        number = self.study.sources.get(role)
        return f" [{number}]" if number else ""

    @property
    def by_dxa(self) -> bool:
        """Whether somebody was judged by DXA."""
        return "dxa" in self.study.measured

    @property
    def by_ctxa(self) -> bool:
        """Whether somebody was judged by the hip's areal density by QCT."""
        return "ctxa" in self.study.measured

    @property
    def by_qct(self) -> bool:
        """Whether somebody was judged by the density of vertebrae by QCT."""
        bands = self.definition.criterion.vbmd_lumbar_spine
        return "qct" in self.study.measured and bands is not None

    @property
    def by_score(self) -> bool:
        """Whether somebody was judged by a T-score."""
        return self.by_dxa or self.by_ctxa

    @property
    def is_reported(self) -> bool:
        """Whether the scores are the file's own."""
        return self.definition.reference.id == "reported"

    @property
    def is_own(self) -> bool:
        """Whether the study's own young adults are compared with."""
        return self.definition.reference.id == "own_young_adults"

    @property
    def says_n(self) -> bool:
        """Whether the sentence on the data says how many people there are."""
        return not (self.study.cycles or self.study.is_simulated)

    @property
    def n_of_age(self) -> int:
        """People of the ages of the estimate who could be measured."""
        return self.study.n + self.study.n_missing

    def share(self, n: int) -> str:
        """Percentage of the people of the ages of the estimate."""
        return percent(n / self.n_of_age, decimals=1) if self.n_of_age else ""

    def limits(self, scale: str, language: str) -> list[tuple[str, str]]:
        """The classes with their limits, of T-scores, Z-scores or vBMD."""
        kinds = {"t": {"dxa"}, "z": {"dxa", "z"}, "vbmd": {"qct"}}
        text = self.definition.class_limits(language=language, evidence=kinds[scale])
        found = [(m["name"].strip(), m["limit"].strip()) for m in LIMIT.finditer(text)]
        return [pair for pair in found if ("Z" in pair[1]) == (scale == "z")]

    def regions(self) -> list[str]:
        """Regions by DXA that are read, the one that stands in for another left out."""
        return [roi for roi in self.definition.rois if not roi.endswith(CTXA)]

    def grades(self) -> dict[str, list[tuple[str, str | None]]]:
        """Grade to regions of the reference; with the sex where its sexes differ."""
        found: dict[str, dict[str, str]] = {}
        for value in self.definition.cut_offs():
            is_used = self.by_ctxa if value["roi"].endswith(CTXA) else self.by_dxa
            if is_used and value["grade"] in GRADE_MEANING:
                found.setdefault(value["roi"], {})[value["sex"]] = value["grade"]
        groups: dict[str, list[tuple[str, str | None]]] = {}
        for roi, by_sex in found.items():
            if len(set(by_sex.values())) == 1:
                groups.setdefault(next(iter(by_sex.values())), []).append((roi, None))
            else:
                for sex, grade in by_sex.items():
                    groups.setdefault(grade, []).append((roi, sex))
        return dict(sorted(groups.items()))

    @property
    def by_age_alone(self) -> int:
        """Women taken as postmenopausal by age, where the state of menopause decides at all."""
        by_state = self.definition.criterion.applies.women == "postmenopausal"
        return self.study.n_menopause_by_age if by_state else 0

    def design(self) -> dict[str, str]:
        """Parts of the survey design to their columns, by the survey's own names."""
        return dict(self._parts())

    def _parts(self) -> Iterator[tuple[str, str]]:
        for text in self.study.design.split("; "):
            if found := REPLICATES.fullmatch(text):
                yield "replicates", found[1]
            for part, start in PARTS.items():
                if text.startswith(start):
                    yield part, text.removeprefix(start)
