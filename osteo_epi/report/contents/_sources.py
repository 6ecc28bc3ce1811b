"""The sources of a run, numbered in the order in which the methods paragraph cites them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from osteo_epi.language import phrase, said
from osteo_epi.norms import citation_words, load
from osteo_epi.report._run import Run
from osteo_epi.report.document import Reference

DOI = re.compile(r"\s*doi:(10\.\S+?)(?=[\s)\]]|\.?$)")


def sources(run: Run) -> Iterator[Reference]:
    """The norms in use that the methods cite, then the rule by which estimates are shown."""
    cited = [
        (norm["role"], norm["citation"], norm["grade"], norm["id"])
        for norm in run.manifest["norms"]
        if norm["citation"] in run.methods.references
    ]
    for name in run.prevalence["verdict_rule"].drop_nulls().unique():
        rule = load("presentation", name)
        cited.append(("rule of presentation", rule.cite(), rule.verification, name))
    for number, (role, citation, grade, id) in enumerate(cited, start=1):
        found = DOI.search(citation)
        text = citation_words(DOI.sub("", citation), id)
        yield Reference(
            number,
            text,
            doi=found[1] if found else "",
            use=said("{role}; {grade}", role=phrase(role), grade=_graded(grade)),
            grade=grade,
        )


def _graded(grade: str) -> str:
    return said("grade {grade}", grade=grade) if len(grade) == 1 else phrase(grade)
