"""Rows out of the bytes of a file, from any place at which a row begins. Pure.

CSV as RFC 4180 has it, with a heading; cells are separated by a comma, a semicolon or a tab (whichever the heading has
most of). An empty cell says nothing about its field. JSON lines: an object per line. UTF-8, with or without a byte
order mark; `encoding=windows-1252` for what older spreadsheets write.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from lotse.kernel.imports.contracts import FileNotTaken, Format, RowRefused
from lotse.kernel.problems import invalid

# A row longer than this is no row: a quote was not closed.
MAX_ROW_BYTES = 256 * 1024
MAX_COLUMNS = 500
ENCODINGS = ("utf-8", "windows-1252")
_DELIMITERS = ",;\t"
_BOM = b"\xef\xbb\xbf"


class Record(Struct, frozen=True):
    """A row as it stands in the file: the line where it begins, the bytes and lines it takes, what it says or why it
    cannot be read."""

    line: int
    size: int
    lines: int
    row: dict[str, Any]
    problem: RowRefused | None = None


def heading(body: bytes, encoding: str = "utf-8") -> tuple[list[str], int, int]:
    """The columns of a CSV file, and how many bytes and lines the heading takes. Refusal: `FileNotTaken`."""
    begin = len(_BOM) if body.startswith(_BOM) else 0
    raw, lines = _record(body, begin, quotes=True, last=True)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise FileNotTaken(rule="a heading in UTF-8; for others give the option encoding") from None
    columns = [cell.strip() for cell in _cells(text, delimiter_of(text))]
    if not any(columns) or len(columns) > MAX_COLUMNS:
        raise FileNotTaken(rule=f"a heading with 1 to {MAX_COLUMNS} columns in the first line")
    named = [column for column in columns if column]
    if len(set(named)) != len(named):
        raise FileNotTaken(rule="each column once in the heading")
    return columns, begin + len(raw), lines


def delimiter_of(heading_text: str) -> str:
    """What separates the cells."""
    return max(_DELIMITERS, key=heading_text.count)


def records(
    body: bytes, *, format: Format, columns: Sequence[str], delimiter: str, encoding: str, line: int, last: bool
) -> Iterator[Record]:
    """The rows in a piece of the file that begins with a row; what is cut off at its end is left, unless it is the
    last piece. Empty lines are passed over: they are part of the row after them, or of nothing."""
    at = len(_BOM) if format == "jsonl" and line == 1 and body.startswith(_BOM) else 0
    begin, first = 0, line
    while at < len(body):
        raw, lines = _record(body, at, quotes=format == "csv", last=last)
        if not raw:
            return
        at += len(raw)
        if raw.strip():
            row, problem = _read(raw, format, columns, delimiter, encoding)
            yield Record(line, at - begin, line + lines - first, row, problem)
            begin, first = at, line + lines
        line += lines
    if last and at > begin:
        yield Record(line, at - begin, line - first, {})  # only empty lines


def converted(row: dict[str, Any], kind: type[Any], *, text: bool) -> Any:
    """A row as its Struct. `text`: its values are cells, so that "5" is a number and "field.name" an entry.

    Refusal: `RowRefused`, by field and rule.
    """
    plain = _nested(row, kind) if text else row
    try:
        return msgspec.convert(plain, kind, strict=not text)
    except msgspec.ValidationError as error:
        refusal = invalid(error)
        raise RowRefused(field=refusal.field, rule=refusal.rule) from None


def _nested(row: dict[str, str], kind: type[Any]) -> dict[str, Any]:
    """Cells by column as fields: `options.size` is an entry of `options`."""
    known = set(kind.__struct_encode_fields__)
    found: dict[str, Any] = {}
    for column, cell in row.items():
        field, dot, name = column.partition(".")
        if dot and field in known:
            found.setdefault(field, {})[name] = cell
        else:
            found[column] = cell
    return found


def _read(
    raw: bytes, format: Format, columns: Sequence[str], delimiter: str, encoding: str
) -> tuple[dict[str, Any], RowRefused | None]:
    if len(raw) > MAX_ROW_BYTES:
        return {}, RowRefused(field="row", rule=f"at most {MAX_ROW_BYTES // 1024} KiB; is a quote left open?")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return {}, RowRefused(field="row", rule=f"text in {encoding}")
    if "\0" in text:
        return {}, RowRefused(field="row", rule="text without NUL characters")
    if format == "jsonl":
        try:
            found: Any = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            return {}, RowRefused(field="row", rule=f"a JSON object: {error}"[:300])
        if not isinstance(found, Mapping):
            return {}, RowRefused(field="row", rule="a JSON object")
        return dict(found), None  # pyright: ignore[reportUnknownArgumentType] - its keys are texts, it is JSON
    cells = _cells(text, delimiter)
    row = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if column and cell.strip()}
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        return row, RowRefused(
            field="row", rule=f"at most {len(columns)} cells, as the heading has; it has {len(cells)}"
        )
    return row, None


def _cells(text: str, delimiter: str) -> list[str]:
    return next(csv.reader([text], delimiter=delimiter), list[str]())


def _record(body: bytes, at: int, *, quotes: bool, last: bool) -> tuple[bytes, int]:
    """The bytes of one record and how many lines it has; nothing if it is cut off.

    A CSV record ends at the first line end at which all quotes are closed: doubled quotes keep the count even.
    """
    end, lines = at, 0
    while True:
        found = body.find(b"\n", end)
        if found < 0:
            # Too long to be a row: taken as one, to be refused, rather than reading on for ever.
            if last or len(body) - at > MAX_ROW_BYTES:
                return body[at:], lines + 1
            return b"", 0
        end, lines = found + 1, lines + 1
        if not quotes or body.count(b'"', at, end) % 2 == 0 or end - at > MAX_ROW_BYTES:
            return body[at:end], lines
