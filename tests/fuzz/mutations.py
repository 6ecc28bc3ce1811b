"""Broken files out of sound ones: bytes turned, cut, put in, doubled, spliced; cells exchanged."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
from collections.abc import Callable, Sequence

from seeds import zipped

_SIZES = [0, 1, 2, 8, 127, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**40]
_WIDE = [*_SIZES, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
_CELLS = [
    b"", b" ", b"NA", b"nan", b"-nan", b"inf", b"-inf", b"1e20", b"-1e20", b"1e308", b"1e400", b"0",
    b"-9", b"99", b"999", b"9999999999999999999999", b"0x1F", b"1_000", b"1,5", b"1.234,5", b"true",
    b"2019-13-45", b"0000-00-00", b"99999999", b"1/2/3", b"262143-12-31", b"-262144-01-01",
    b"43530", b"1e9", b"male", b"female", b"F", b"\xe5\xa5\xb3", b"\xef\xbc\x96\xef\xbc\x91",
    b'"', b'""', b'"a', b"a\"b", b"a\nb", b"\r", b"\n", b"\r\n", b"\x00", b"\x1a", b"\x1b[31m",
    b",", b";", b"\t", b"|", b"=1+1", b"@x", b"$x$", b"<b>", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"a" * 70_000, b"9" * 400, b"," * 300, b"-", b"--", b".",
    b"1" * 30 + b"e" + b"9" * 30, b"age", b"sex", b"age (file)", b"age_as_given", b"abmd_l1",
    b"t_score", b"0.7 g/cm2", b"unnamed_1", b"L1-L4 BMD", b"female,male", b"*", b"^(", b"\\", b"{}",
]  # fmt: skip


def broken(data: bytes, form: str, others: Sequence[bytes], rng: random.Random) -> bytes:
    """One broken file of a format, from a sound one and others to splice with."""
    if form in ("csv", "tsv"):
        return _several(data, others, rng, _TEXT)
    if form == "csv.gz":
        if rng.random() < 0.7:
            inner = _several(gzip.decompress(data), [data], rng, _TEXT)
            return gzip.compress(inner, mtime=0)
    elif form in ("xlsx", "ods") and rng.random() < 0.8:
        return _part_broken(data, rng)
    elif form == "por" and rng.random() < 0.3:
        return _several(data, others, rng, _TEXT)
    return _several(data, others, rng, _BYTES)


def _part_broken(data: bytes, rng: random.Random) -> bytes:
    """An archive with one part broken: broken bytes of the archive itself fail its checksums."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    names = [n for n in parts if "sheet1" in n or "content" in n or "Strings" in n] or list(parts)
    name = rng.choice(names if rng.random() < 0.8 else list(parts))
    if rng.random() < 0.05:
        del parts[name]
    else:
        kinds = _TEXT if rng.random() < 0.5 else _XML
        parts[name] = _several(bytes(parts[name]), [bytes(parts[name])], rng, kinds)
    return zipped(parts)


Change = Callable[[bytes, Sequence[bytes], random.Random], bytes]


def _several(
    data: bytes, others: Sequence[bytes], rng: random.Random, kinds: Sequence[Change]
) -> bytes:
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if data:
            data = rng.choice(kinds)(data, others, rng)
    return data


def _place(data: bytes, rng: random.Random) -> int:
    """A position, mostly in the first or last bytes or where bytes are not zero."""
    kind = rng.random()
    if kind < 0.25:
        return rng.randrange(min(len(data), 512))
    if kind < 0.45:
        return len(data) - 1 - rng.randrange(min(len(data), 512))
    for _ in range(20):
        at = rng.randrange(len(data))
        if data[at]:
            return at
    return rng.randrange(len(data))


def _flip(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _byte(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _size(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """A size field: an interesting number of 2, 4 or 8 bytes."""
    at, form = _place(data, rng), rng.choice(["<H", ">H", "<I", ">I", "<Q", ">Q", "<d", ">d"])
    width = struct.calcsize(form)
    if form[1] == "d":
        return (
            data[:at]
            + struct.pack(form, rng.choice([1e300, 1e20, float("nan"), -1e9]))
            + (data[at + width :])
        )
    number = rng.choice(_WIDE) % (1 << (8 * width))
    return data[:at] + struct.pack(form, number) + data[at + width :]


def _varint(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """A number as Parquet's footer keeps it."""
    at, number, out = _place(data, rng), rng.choice(_WIDE), b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return data[:at] + out + bytes([number]) + data[at + rng.randrange(3) :]


def _cut(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] if rng.random() < 0.4 else data[:at] + data[at + rng.randrange(1, 64) :]


def _insert(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    at = _place(data, rng)
    new = rng.choice([b"\x00", b"\xff", bytes([rng.randrange(256)])]) * rng.randrange(1, 64)
    return data[:at] + new + data[at:]


def _double(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    at, n = _place(data, rng), rng.randrange(1, 400)
    return data[: at + n] + data[at : at + n] * rng.choice((1, 2, 50)) + data[at + n :]


def _splice(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    other = rng.choice(others)
    return data[: _place(data, rng)] + other[_place(other, rng) :]


def _cell(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """Another text between two separators."""
    marks = [i for i, b in enumerate(data) if b in b",;\t\n|<>"]
    if len(marks) < 2:
        return data + rng.choice(_CELLS)
    k = rng.randrange(len(marks) - 1)
    return data[: marks[k] + 1] + rng.choice(_CELLS) + data[marks[k + 1] :]


def _column(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """Another text in the same column of every row."""
    mark = max((b",", b";", b"\t"), key=data.count)
    rows = [row.split(mark) for row in data.split(b"\n")]
    k, new = rng.randrange(len(rows[0])), rng.choice(_CELLS)
    for row in rows[1:]:
        if len(row) > k:
            row[k] = new
    return b"\n".join(map(mark.join, rows))


def _heading(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    first, end, rest = data.partition(b"\n")
    mark = max((b",", b";", b"\t"), key=first.count)
    names = first.split(mark)
    names[rng.randrange(len(names))] = rng.choice([*_CELLS, rng.choice(names)])
    return mark.join(names) + end + rest


def _lines(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """Other ends of line, another separator or encoding throughout."""
    change = rng.randrange(6)
    if change == 0:
        return data.replace(b"\n", rng.choice([b"\r", b"\r\n", b"\n\n", b"\n\r", b"\x0b"]))
    if change == 1:
        old, new = rng.choice(b",;\t"), rng.choice([b",", b";", b"\t", b"|", b" ", b",,"])
        return data.replace(bytes([old]), new)
    if change == 2:
        text = data.decode(errors="replace")
        return text.encode(rng.choice(["utf-16", "utf-16-le", "utf-32", "gb18030"]), "replace")
    if change == 3:
        return rng.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x00"]) + data
    if change == 4:
        lines = data.split(b"\n")
        rng.shuffle(lines)
        return b"\n".join(lines)
    return data + rng.choice([b"\n", b"total,8\n", b"\x1a", b",\n" * 50, b'"', b"\x00" * 9])


def _number(data: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """Another number or word in an attribute of XML."""
    quotes = [i for i, b in enumerate(data) if b == ord('"')]
    if len(quotes) < 2:
        return data
    k = rng.randrange(len(quotes) - 1)
    new = rng.choice([b"A1048577", b"XFE1", b"ZZZZZ99999", b"1", b"-1", b"99999999999", b"1e300"])
    return data[: quotes[k] + 1] + rng.choice([new, rng.choice(_CELLS)]) + data[quotes[k + 1] :]


_BYTES: list[Change] = [_flip, _byte, _size, _size, _varint, _cut, _insert, _double, _splice]
_TEXT: list[Change] = [
    _cell, _cell, _cell, _column, _column, _heading, _lines, _flip, _byte, _cut, _insert, _double,
    _splice,
]  # fmt: skip
_XML: list[Change] = [_number, _number, _cell, _double, _cut, _byte]
