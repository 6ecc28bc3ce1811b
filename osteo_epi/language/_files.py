"""Which files a finding is about, said in another language than that of its sentence.

A finding of several files names them in its English sentence, which `findings.csv` keeps; another
language says what was seen by its code, and takes the names from there.
"""

from __future__ import annotations

import re

from osteo_epi.language._language import said

_SHARE = r"in (?P<k>[\d,]+) of (?P<n>[\d,]+) (?P<what>files|parts)"
_OF_FILES = re.compile(rf" \({_SHARE}: (?P<names>.+)\)$", re.DOTALL)
_AS_IN = re.compile(rf" \(so in (?P<names>.+); [\d,]+ rows? {_SHARE}\)$", re.DOTALL)
"""How a finding ends that some of several files have, or each of them in words of its own."""
_AFTER = re.compile(r", in (?P<names>.+?)(?:: [\d,]+)?(?:; copies\?)?$", re.DOTALL)
_GROUP = re.compile(
    r"""(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|.+?) in (?P<names>.+)""", re.DOTALL
)
_MANY = re.compile(r"(?P<n>[\d,]+) files?")
_MORE = re.compile(r"(?P<listed>.+) and (?P<n>[\d,]+) more", re.DOTALL)
_ROWS = re.compile(r" \(rows (?P<first>[\d,]+) to (?P<last>[\d,]+)\)$")
_READ_AS = re.compile(r"; read as (?P<kind>[a-z ]+)$")
_CODES = "codes "
_LISTING = ("files_joined", "files_passed_over", "empty_files", "drift_column")
"""Findings whose sentence ends with the names of files, after a colon."""
_GROUPING = ("drift_heading", "drift_unit", "drift_type", "drift_coding")
"""Those whose sentence ends with what each group of files has."""
_IN_PARTS = ("identical_rows", "near_identical_rows")


def files_of_finding(code: str, message: str) -> str:
    """What of a sentence names files, in the language spoken; "" where none is named.

    Parameters
    ----------
    code
        Of the finding.
    message
        Its sentence in English.

    Examples
    --------
    >>> from osteo_epi.language import speaking
    >>> with speaking("zh"):
    ...     files_of_finding("drift_coding", "sex is coded otherwise: words in a.csv; numbers in "
    ...         "2 files")
    ...     files_of_finding("incomplete", "people without age: 4 (in 1 of 3 files: c.csv)")
    '：a.csv为文字；2个文件为数字'
    '；见于3个文件中的1个：c.csv'
    """
    _, _, after = message.partition(": ")
    if code in _LISTING:
        return said(": ") + _names(after) if after else ""
    if code in _GROUPING:
        return said(": ") + _groups(after) if after else ""
    if code == "identical_files":
        return said(": ") + said("; ").join(map(_copies, after.split("; "))) if after else ""
    if code in _IN_PARTS and (found := _AFTER.search(message)):
        return said("; in {names}", names=_names(found["names"]))
    return _share(message)


def _share(message: str) -> str:
    some, each = _OF_FILES.search(message), _AS_IN.search(message)
    found = some or each
    if found is None:
        return ""
    told = {"k": found["k"], "n": found["n"], "names": _names(found["names"])}
    if found["what"] == "files":
        return (
            said("; in {k} of {n} files: {names}", **told)
            if some
            else said("; in {k} of {n} files, as in {names}", **told)
        )
    return (
        said("; in {k} of {n} parts: {names}", **told)
        if some
        else said("; in {k} of {n} parts, as in {names}", **told)
    )


def _names(text: str) -> str:
    """Names of files as a sentence lists them, and how many there are beside them."""
    if many := _MANY.fullmatch(text):
        return said("{n} files", n=many["n"])
    more = _MORE.fullmatch(text)
    names = (more["listed"] if more else text).split(", ")
    if not all("." in name for name in names):  # a comma that is of a name
        names = [", ".join(names)]
    listed = said(", ").join(map(_part, names))
    return said("{names} and {n} more", names=listed, n=more["n"]) if more else listed


def _part(name: str) -> str:
    """A file, or the rows of it that are a part."""
    rows = _ROWS.search(name)
    if rows is None:
        return name
    file = name[: rows.start()]
    return said("{file} (rows {first} to {last})", file=file, **rows.groupdict())


def _groups(text: str) -> str:
    """What each group of files has; as it stands where that cannot be taken apart."""
    read_as = _READ_AS.search(text)
    groups = text[: read_as.start()] if read_as else text
    told = []
    for one in groups.split("; "):
        group, rest = _GROUP.fullmatch(one), re.fullmatch(r"and ([\d,]+) more", one)
        if group:
            names = _names(group["names"])
            told.append(said("{value} in {names}", value=_value(group["value"]), names=names))
        elif rest:
            told.append(said("and {n} more", n=rest[1]))
        else:
            return text
    if read_as:
        told.append(said("read as {kind}", kind=_value(read_as["kind"])))
    return said("; ").join(told)


def _value(text: str) -> str:
    if text.startswith(_CODES):
        return said("codes {codes}", codes=text.removeprefix(_CODES))
    kinds = {
        "numbers": said("numbers"),
        "words": said("words"),
        "text": said("text"),
        "dates": said("dates"),
        "true or false": said("true or false"),
        "yes or no": said("yes or no"),
        "classes": said("classes"),
    }
    return kinds.get(text, text)


def _copies(text: str) -> str:
    first, is_one, copies = text.partition(" is ")
    return said("{first} is {copies}", first=first, copies=_names(copies)) if is_one else text
