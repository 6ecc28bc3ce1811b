"""What has to be known of a run, in sentences for a reader of its report.

Notes are made where the thing happens, in one English line with the options that change it. Here
they are read by their form and said again: without options, and in the language of the report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from osteo_epi.findings import finding_words
from osteo_epi.language import phrase, said, word
from osteo_epi.norms import population_words, reference_words
from osteo_epi.report._run import Run
from osteo_epi.report.choices import in_options

N = r"[\d,]+"
NOTES = {
    r"people were read and classified part by part: .*": (
        "People were read and classified part by part: Table 1 has no medians and quartiles, which "
        "no sums of parts give."
    ),
    r"survey design recognised by the columns' names \((?P<columns>.+?)\);.*": (
        "The survey design was recognised by the names of its columns ({columns})."
    ),
    rf"(?P<n>{N}) of (?P<all>{N}) not classified": ("{n} of {all} people could not be classified."),
    r"nobody of these ages is judged by T-scores: .*": (
        "Nobody of these ages is judged by T-scores: osteoporosis and low bone mass cannot occur, "
        "and the share of densities below the expected range for age was estimated."
    ),
    r"not standardised where nobody was measured in a band of ages .*": (
        "Not standardised where nobody was measured in an age band of the standard population."
    ),
    rf"(?P<n>{N}) of unknown age, in no row": "People of unknown age, who are in no estimate: {n}.",
    r"these look like normalised weights \(mean (?P<mean>[^)]+)\).*": (
        "The weights look normalised (mean {mean}): they describe no population."
    ),
    rf"(?P<column>.+) has (?P<n>{N}) levels, each with rows of its own.*": (
        "{column} has {n} levels; some of the groups hold few people."
    ),
    rf"(?P<column>.+) has levels that differ by blanks, width or case alone, .*"
    rf"\((?P<n>{N}) levels, (?P<plain>{N}) without these\).*": (
        "{column} has levels that differ by blanks, width or case alone, each counted by itself: "
        "{n} levels, {plain} without these differences."
    ),
    rf"(?P<n>{N}) without a class are judged by the Z-score \(.*": (
        "People without a class who are judged by the Z-score (women before menopause, younger "
        "men): {n}. No Z-score makes osteoporosis, and they count as without it."
    ),
    r"women whose menopause is not stated, taken as postmenopausal by their age alone: "
    rf"(?P<n>{N});.*": (
        "Women whose menopause is not stated, taken as postmenopausal by their age: {n}."
    ),
    rf"people with an established fragility fracture and without complete sites: (?P<n>{N}).*": (
        "People with an established fragility fracture and without complete sites, who were left "
        "out: {n}."
    ),
    r"fragility fractures and densities are estimated apart, p = f \+ \(1 - f\) q: .* among "
    rf"(?P<known>{N}) of .* \((?P<broken>{N}) have one, (?P<bare>{N}) of .*\), q .* among "
    rf"(?P<measured>{N}) without one": (
        "Fragility fractures and densities were estimated apart, p = f + (1 − f)·q: f is the "
        "share with an established fracture among {known} people of whom that is known ({broken} "
        "have one, {bare} of them without complete sites), q the share by density among "
        "{measured} people without one."
    ),
    rf"(?P<n>{N}) of whom nothing is recorded about fractures count as without one.*": (
        "People of whom nothing is recorded about fractures, who count as without one: {n}."
    ),
    rf"(?P<n>{N}) fracture records are open \(.*?\) and taken as (?P<taken>[a-z ]+); crude "
    r"osteoporosis (?P<crude>\S+) %, and (?P=crude) % if all were established"
    r"(?:; age-standardised osteoporosis (?P<rate>\S+) %, and (?P=rate) % if all.*|; choose.*|)": (
        "Incomplete fracture records, taken as {taken}: {n}. Were all established, "
        "the prevalence of osteoporosis would be the same to the digits shown."
    ),
    rf"(?P<n>{N}) fracture records are open \(.*?\) and taken as (?P<taken>[a-z ]+); crude "
    r"osteoporosis (?P<crude>\S+) %, and (?P<crude_all>\S+) % if all were established; "
    r"age-standardised osteoporosis (?P<rate>\S+) %, and (?P<rate_all>\S+) % if all.*": (
        "Incomplete fracture records, taken as {taken}: {n}. Were all established, "
        "crude osteoporosis would be {crude_all}% instead of {crude}%, age-standardised "
        "{rate_all}% instead of {rate}%."
    ),
    rf"(?P<n>{N}) fracture records are open \(.*?\) and taken as (?P<taken>[a-z ]+); crude "
    r"osteoporosis (?P<crude>\S+) %, and (?P<crude_all>\S+) % if all were established.*": (
        "Incomplete fracture records, taken as {taken}: {n}. Were all established, "
        "crude osteoporosis would be {crude_all}% instead of {crude}%."
    ),
    rf"(?P<n>{N}) fracture records are open \(.*?\) and taken as (?P<taken>[a-z ]+).*": (
        "Incomplete fracture records, taken as {taken}: {n}."
    ),
    rf"rows of a person who has another row \(person_id\): (?P<n>{N}), .*": (
        "{n} rows are of a person who has another row; each counts as a person."
    ),
    rf"not examined, and so left out: (?P<n>{N});.*": (
        "People of these ages who were not examined, and are left out: {n}."
    ),
    rf"pregnant, and so left out: (?P<n>{N});.*": (
        "Women of these ages who were pregnant, and are left out: {n}."
    ),
    r"people affected are those of the population that the weights describe: "
    rf"(?P<n>{N}) of .*": (
        "People affected are those of the population that the weights describe, {n} people of "
        "these ages; those not classified are taken to be like those classified."
    ),
    r"people affected are the rates put on (?P<population>the population of .+)": (
        "People affected are the rates put on {population}."
    ),
    r"people affected are not given: (?P<title>.+) holds shares.*": (
        "People affected are not given: {title} holds shares, and no counts of people."
    ),
    r"people affected are not given: no weights describe a population.*": (
        "People affected are not given: no weights describe a population."
    ),
    r"own young adults taken as known:.*": (
        "The study's own young adults are taken as known: their sampling error is not in the "
        "intervals."
    ),
    r"reference value of grade (?P<grade>\w): (?P<roi>\w+), (?P<sex>\w+) \((?P<reference>\w+)\)": (
        "Of grade {grade} only is the young-adult value of {roi}, {sex}, of “{reference}”."
    ),
    r"scores as reported.*": "Scores are those that the file reports.",
    r"the hip by CTXA is scored on young adults by DXA; CTXA read (?P<low>\d+) to (?P<high>\d+) % "
    r"lower than DXA in (?P<n>\d+) studies.*": (
        "The hip by CTXA is scored on young adults measured by DXA; in {n} studies CTXA read {low} "
        "to {high}% lower than DXA."
    ),
    r"(?P<reference>\w+) is labelled derived": (
        "“{reference}” was computed from data of individuals, and has not been published."
    ),
    r"(?P<reference>\w+) is labelled (?P<labels>.+)": "{reference}: {labels}.",
    r"(?:[a-z_ -]+) (?P<reference>\w+) lacks (?P<sex>\w+) (?P<roi>\w+(?:, \w+)*)": (
        "“{reference}” holds no values of {sex} for {roi}."
    ),
    r"(?P<columns>.+?) looks? like [a-z ]+, and nothing uses such a column until it is named.*": (
        "The data hold what looks like a part of a survey design ({columns}), and it was not used."
    ),
    r"in spite of an error in the data \((?P<code>\w+)\): (?P<seen>.+?)\.?": (
        "In spite of an error in the data ({code}): {seen}."
    ),
    r"in spite of an error in the data \((?P<code>\w+) in (?P<columns>.+?)\): (?P<seen>.+?)\.?": (
        "In spite of an error in the data ({code} in {columns}): {seen}."
    ),
}
"""Form of a note to what is said of it; a note of none of these forms is said as it stands."""


SILENT = ("own_young_adults is labelled derived",)
"""Notes that tell a reader nothing."""


def _small(codes: str) -> str:
    """Codes in words inside a sentence: "lumbar spine, total hip"."""
    words = map(word, codes.split(", "))
    return said(", ").join(w if w[1:2].isupper() else w[:1].lower() + w[1:] for w in words)


def _listed(columns: str) -> str:
    """Names of columns as the language strings them together."""
    names = columns.removesuffix(" and more")
    listed = said(", ").join(names.split(", "))
    return listed if names == columns else said("{columns} and more", columns=listed)


SAID: dict[str, Callable[[str], str]] = {
    "roi": _small,
    "sex": _small,
    "columns": _listed,
    "reference": reference_words,
    "title": reference_words,
    "population": population_words,
    "labels": phrase,
    "taken": phrase,
}
"""How the parts of a note are said; the others are numbers and names of columns."""


def note_words(text: str) -> str:
    """Say one note of a run as its report does, in the language spoken.

    Examples
    --------
    >>> note_words("858 of 2,898 not classified")
    '858 of 2,898 people could not be classified.'
    >>> note_words("my_county is labelled derived")
    '“my_county” was computed from data of individuals, and has not been published.'
    >>> note_words("a note of my own")
    'A note of my own.'
    """
    for form, words in NOTES.items():
        if match := re.fullmatch(form, text, re.DOTALL):
            parts = match.groupdict()
            if "seen" in parts:
                parts["seen"] = in_options(finding_words(parts["code"], parts["seen"], "")[0])
            return said(words, **{k: SAID.get(k, str)(value) for k, value in parts.items()})
    text = in_options(text)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "。")) else ".")


def notes_of(run: Run) -> Iterator[str]:
    """Every note of a run, once."""
    texts = [str(text) for text in run.manifest["notes"] if text not in SILENT]
    yield from dict.fromkeys(map(note_words, texts))
