"""Which encoding a text is in: by its mark, by UTF-8's strictness, else by the headings it gives.

GB18030 and Latin-1 decode almost any bytes, so that no error tells a wrong one. What tells is
whether the text then says something: the candidate under which most headings are known is taken,
GB18030 first among equals. Where no heading tells (they are all ASCII), single accented letters
between ASCII ones are Western European, and Japanese is told by its kana.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from pathlib import Path

from osteo_epi.cohort.readers._layout import ROWS, known
from osteo_epi.cohort.readers._raw import READERS, Form
from osteo_epi.errors import SchemaError
from osteo_epi.findings import Finding

CANDIDATES = ("gb18030", "big5hkscs", "cp932", "cp949", "cp1252")
RARE = ("euc_jp", "cp850")
"""Taken only where more headings are known under them: they decode what is in other encodings."""
_NAMES = {
    "gb18030": "GB18030 (Chinese)",
    "big5hkscs": "Big5 (traditional Chinese)",
    "cp932": "Shift-JIS (Japanese)",
    "cp949": "EUC-KR (Korean)",
    "cp1252": "Latin-1 (Western European)",
    "euc_jp": "EUC-JP (Japanese)",
    "cp850": "DOS 850 (Western European)",
}
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROLS = bytes({*range(0x20)} - {*b"\t\n\x0c\r\x1a"})
_CONTROL = re.compile(b"[" + re.escape(_CONTROLS) + b"]")
_ALONE = re.compile(rb"(?<![\x80-\xff])[\xc0-\xff](?![\x80-\xff])")
_KANA = re.compile("[\u3040-\u30ff]")
_UNASSIGNED = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
"""What Python makes of the bytes that Shift-JIS does not use."""
_HIGH = re.compile(rb"[\x80-\xff]+")
_SAMPLE = 1 << 16
_MOST, _EXPANSION = 1 << 28, 100
_CHUNK = 1 << 22
_STRAY = 0.01  # share of a text's bytes; a terminal leaves a few, what is no text has many
_TOP = 1 << 18  # [bytes] even, so that no sign of UTF-16 is cut
GZIP = b"\x1f\x8b"


def first_lines(path: Path) -> bytes:
    """The whole lines at the beginning of a file, or of what is compressed in it.

    Raises
    ------
    SchemaError
        If it is a damaged archive.
    """
    with path.open("rb") as file:
        is_packed = file.read(2) == GZIP
    try:
        with gzip.open(path) if is_packed else path.open("rb") as stream:
            data = stream.read(_TOP)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SchemaError(f"{path.name} is a damaged gzip archive") from error
    if len(data) < _TOP or b"\0" in data:  # two bytes a sign: half a line does no harm
        return data
    return data[: data.rfind(b"\n") + 1] or data


def unpacked(path: Path) -> bytes:
    """The bytes of a file; those inside where it is compressed with gzip.

    Raises
    ------
    SchemaError
        If it is damaged, or would grow beyond any table (100 times its size, and 256 MB).
    """
    data = path.read_bytes()
    if data[:2] != GZIP:
        return data
    if READERS.get(Path(path.stem).suffix.casefold(), "csv") != "csv":
        raise SchemaError(
            f"{path.name}: only text tables are read compressed; unpack it with gunzip"
        )
    most, parts, size = max(_MOST, _EXPANSION * len(data)), [], 0
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise SchemaError(
                        f"{path.name} unpacks to more than {most // 1_000_000:,} MB, over "
                        f"{_EXPANSION} times its size; unpack it before it is read"
                    )
                parts.append(chunk)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SchemaError(
            f"{path.name} is a damaged gzip archive; unpack it, or export the data again"
        ) from error
    return b"".join(parts)


def decoded(data: bytes, form: Form, file: str) -> tuple[bytes, str, tuple[Finding, ...]]:
    """A text in UTF-8, the encoding that it had, and what there is to say of it.

    Raises
    ------
    SchemaError
        If it is no text, or not in the encoding that the caller names.
    """
    findings: tuple[Finding, ...] = ()
    if form.encoding is not None:
        encoding, text = _as_declared(data, form.encoding, file)
        body = text.encode()
    elif _is_utf8(data):  # not decoded: a text of ten million rows is held once
        encoding, body = "utf-8-sig", data
    else:
        encoding, text, findings = _by_evidence(data, form, file)
        body = text.encode()
    body = body.removeprefix(codecs.BOM_UTF8)
    if b"\n" not in body:  # as a Macintosh wrote before 2001
        body = body.replace(b"\r", b"\n")
    if sign := _first_control(body):
        if b"\0" in body:
            raise SchemaError(f"{file} is binary, not text; export the data as CSV (UTF-8)")
        body, told = _without_controls(body, sign, file)
        findings = (*findings, told)
    return body, encoding, findings


def _without_controls(body: bytes, first: re.Match[bytes], file: str) -> tuple[bytes, Finding]:
    """A text with U+FFFD for its few control characters, as a terminal or a scanner leaves them."""
    n, line = len(_CONTROL.findall(body)), body.count(b"\n", 0, first.start()) + 1
    what = f"U+{ord(first[0]):04X} (the first in line {line})"
    if n > _STRAY * len(body):
        raise SchemaError(
            f"{file} holds {n:,} control characters such as {what}, more than a text table has; "
            "delete them in an editor, or export the data as CSV (UTF-8)"
        )
    message = f"control characters, such as {what}, now shown as U+FFFD: {n}"
    fix = "a cell of numbers or words that holds one is not understood: delete them in the file"
    body = _CONTROL.sub("\ufffd".encode(), body)
    return body, Finding("control_characters", "warning", "", n, message, fix)


def _is_utf8(data: bytes) -> bool:
    """Whether it is UTF-8, and not UTF-16 that happens to be; looked at in pieces."""
    if data[:2] in _MARKS or _without_mark(data):
        return False
    if data.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), _CHUNK):
            decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data))
    except UnicodeDecodeError:
        return False
    return True


def _first_control(body: bytes) -> re.Match[bytes] | None:
    """The first control character; most pieces are shown to have none without a search."""
    for start in range(0, len(body), _CHUNK):
        piece = body[start : start + _CHUNK]
        if len(piece.translate(None, _CONTROLS)) < len(piece):
            return _CONTROL.search(body, start)
    return None


def _as_declared(data: bytes, encoding: str, file: str) -> tuple[str, str]:
    try:
        name = codecs.lookup(encoding).name
        return name, data.decode(encoding)
    except (LookupError, ValueError) as error:
        kind = "is not known" if isinstance(error, LookupError) else "does not fit it"
        raise SchemaError(
            f"{file}: encoding={encoding!r} (--encoding) {kind}; one of utf-8, utf-16, gb18030, "
            "big5, shift_jis, euc_kr, cp1252, …, or leave it out"
        ) from error


def _by_evidence(data: bytes, form: Form, file: str) -> tuple[str, str, tuple[Finding, ...]]:
    if wide := "utf-16" if data[:2] in _MARKS else _without_mark(data):
        if (text := _text(data, wide)) is not None:
            return wide, text, (_note(wide.upper()),)
        raise SchemaError(f"{file} begins as {wide.upper()} and is none; save it as CSV UTF-8")
    ways = {name: text for name in CANDIDATES if (text := _text(data, name)) is not None}
    if not ways:
        named = ", ".join(_NAMES[name] for name in CANDIDATES)
        raise SchemaError(
            f"{file} is neither UTF-8 nor text in {named}; save it as CSV UTF-8, or name its "
            "encoding= (--encoding)"
        )
    scores = {name: _headings(text, form) for name, text in ways.items()}
    for name in RARE:
        text = _text(data, name)
        if text is not None and (score := _headings(text, form)) > max(scores.values()):
            ways, scores = ways | {name: text}, scores | {name: score}
    most = max(scores.values())
    told = [name for name, score in scores.items() if score == most]
    if most and len(told) < len(ways):
        return told[0], ways[told[0]], (_note(_NAMES[told[0]], headings=most),)
    name = _by_bytes(data, ways)
    return name, ways[name], (_doubt(_NAMES[name]),)


def _text(data: bytes, encoding: str) -> str | None:
    """The text, None where it is not in this encoding."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if encoding == "cp932" and _UNASSIGNED.search(text) else text


def _without_mark(data: bytes) -> str | None:
    """UTF-16 without its mark: every second byte of its ASCII signs is empty."""
    head = data[:_SAMPLE]
    for name, empty in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
        if len(head) > 4 and empty.count(0) * 4 > len(empty) and _text(data, name) is not None:
            return name
    return None


def _headings(text: str, form: Form) -> int:
    """How many cells of the first rows are known that are not ASCII, and so depend on it."""
    lines = text[:_SAMPLE].splitlines()[:ROWS]
    separator = max(",\t;|", key=text[:_SAMPLE].count)
    try:
        rows = list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return 0
    cells = {cell for row in rows for cell in row if not cell.isascii()}
    return known(sorted(cells), form.wanted)


def _by_bytes(data: bytes, ways: dict[str, str]) -> str:
    """Without a heading that tells: what single letters and kana look like."""
    high = len(_HIGH.findall(data[:_SAMPLE]))
    alone = len(_ALONE.findall(data[:_SAMPLE]))
    if "cp1252" in ways and alone * 2 > high:
        return "cp1252"
    if "cp932" in ways and len(_KANA.findall(ways["cp932"][:_SAMPLE])) * 4 > high:
        return "cp932"
    return next(iter(ways))


def _note(name: str, headings: int = 0) -> Finding:
    known_ones = f", under which {headings} of its headings are known" if headings else ""
    message = f"the file is not UTF-8; it was read as {name}{known_ones}"
    fix = "if letters are wrong, name the encoding= (--encoding); save as CSV UTF-8 to be certain"
    return Finding("encoding", "note", "", 0, message, fix)


def _doubt(name: str) -> Finding:
    message = f"the file is not UTF-8, and no heading tells its encoding; it was read as {name}"
    fix = "check the letters; if they are wrong, name the encoding= (--encoding)"
    return Finding("encoding", "warning", "", 0, message, fix)
