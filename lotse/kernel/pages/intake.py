"""A table's file read again: which rows it names, and what it wants of them. What does not parse is named by its line.

CSV is read in UTF-8 (or Windows-1252, which older spreadsheets write) with whatever separates its cells; XLSX by
calamine. Columns are found by their heading, in any language that the pages know, so neither their order nor columns
that somebody added or left out matter.
"""

import csv
import io
import zipfile
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from python_calamine import CalamineError, CalamineWorkbook

from lotse.kernel.money import to_minor
from lotse.kernel.pages.bulk import MOST_ROWS, BulkRow, TooManyChosen, stored
from lotse.kernel.pages.export import AS_EXPORTED, KEY, columns_of, lines
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.query import number_of
from lotse.kernel.pages.table import Column, Scope, Table
from lotse.kernel.refusals import Refusal

# What an archive may unpack to: a sheet of 200,000 rows and twenty columns has half of it.
MOST_BYTES_UNPACKED = 300 * 1024 * 1024

NO_ROW = N_("There is no row “%(row)s”.")
NAMES_NONE = N_("The line names no row.")
TWICE = N_("The row stands in line %(line)s already.")
NOT_READ = N_("“%(typed)s” in “%(column)s” cannot be read.")


class FileUnreadable(Refusal, status=422, title="This file cannot be read"):
    """`rule` says what is expected."""

    rule: str


class NothingToChange(Refusal, status=422, title="The file has no column that can be changed"):
    """Its first line names the columns."""

    columns: list[str]


class Line(Struct):
    """A line of a file: what it names, what it wants, what its values were when it was saved."""

    line: int
    id: UUID | None = None
    label: str = ""
    new: dict[str, Any] = {}
    was: dict[str, Any] = {}
    refusal: str = ""
    said: dict[str, str] = {}


def read(table: Table, scope: Scope, name: str, content: bytes, texts: Sequence[Callable[..., str]]) -> list[Line]:
    """The lines of a file. `texts` translate headings, one per language. Refusals: `FileUnreadable`,
    `NothingToChange`, `TooManyChosen`. Takes seconds for a large file: call it in a thread."""
    rows = _sheet(content) if name.lower().endswith(".xlsx") or content[:2] == b"PK" else _table(content)
    found = list(lines(rows))
    if not found:
        raise FileUnreadable(rule="a first line with the names of the columns")
    if len(found) - 1 > MOST_ROWS:
        raise TooManyChosen(limit=MOST_ROWS)
    heads = _heads(table, texts)
    places = {heads[key]: number for number, cell in enumerate(found[0][1]) if (key := _plain(cell)) in heads}
    edited = [table.column(column) for column in table.editing.columns]
    if not any(("new", column.name) in places for column in edited):
        raise NothingToChange(columns=[texts[0](column.label) for column in edited])
    read_lines = [_line(table, scope, edited, places, number, row) for number, row in found[1:]]
    _refuse_twice(read_lines)
    return read_lines


def rows_of(table: Table, found: Sequence[Line], ids: Mapping[str, UUID], known: Collection[UUID]) -> list[BulkRow]:
    """The lines as rows of a change. `ids` are those of lines that name their row by its label; `known` are the rows
    that this person sees, and there are no others."""
    rows: list[BulkRow] = []
    seen: dict[UUID, int] = {}
    for position, line in enumerate(found):
        id = line.id or ids.get(line.label)
        refusal, said = line.refusal, line.said
        if not refusal and (id is None or id not in known):
            named = line.label or str(line.id or "")
            refusal, said = (NO_ROW, {"row": named[:100]}) if named else (NAMES_NONE, {})
            id = None
        if id is not None:
            first = seen.setdefault(id, line.line)
            if not refusal and first != line.line:
                refusal, said = TWICE, {"line": str(first)}
        rows.append(
            BulkRow(
                position,
                id,
                line.label,
                stored(line.was),
                stored(line.new),
                line.line,
                "refused" if refusal else "given",
                refusal or None,
                said or None,
            )
        )
    return rows


# -- lines


def _line(
    table: Table,
    scope: Scope,
    edited: Sequence[Column],
    places: Mapping[tuple[str, str], int],
    number: int,
    row: Sequence[Any],
) -> Line:
    line = Line(number)

    def cell(role: str, name: str) -> Any:
        place = places.get((role, name))
        content = row[place] if place is not None and place < len(row) else None
        return content.strip() if isinstance(content, str) else content

    if table.label:
        line.label = _text(cell("new", table.label))
    try:
        line.id = UUID(str(cell("new", KEY))) if cell("new", KEY) else None
    except ValueError:
        line.refusal, line.said = NO_ROW, {"row": str(cell("new", KEY))[:100]}
    for column in edited:
        for role, into in (("new", line.new), ("was", line.was)):
            if (role, column.name) not in places:
                continue
            content = cell(role, column.name)
            try:
                into[column.name] = _value(column, scope, content)
            except ValueError:
                if role == "new" and not line.refusal:
                    line.refusal = NOT_READ
                    line.said = {"typed": str(content)[:100], "column": column.label}
        if line.was.get(column.name, "") is None and line.new.get(column.name) is not None:
            del line.was[column.name]  # nobody filled it in: a file that somebody else made
    return line


def _refuse_twice(found: Sequence[Line]) -> None:
    seen: dict[UUID, int] = {}
    for line in found:
        if line.id is None or line.refusal:
            continue
        if line.id in seen:
            line.refusal, line.said = TWICE, {"line": str(seen[line.id])}
        seen.setdefault(line.id, line.line)


def _value(column: Column, scope: Scope, content: Any) -> Any:
    """A cell as the column's values are. `ValueError` if it is none."""
    if content is None or content == "":
        return None
    if column.kind in ("text", "code", "choice"):
        text = _text(content)
        if column.kind == "choice" and text not in column.options:
            raise ValueError(text)
        return text
    if column.kind == "flag":
        known = {"1": True, "0": False, "true": True, "false": False, "1.0": True, "0.0": False}
        return known[str(content).lower()] if str(content).lower() in known else _never(content)
    if column.kind == "day":
        return content if type(content) is date else date.fromisoformat(str(content)[:10])
    if column.kind == "moment":
        moment = content if isinstance(content, datetime) else datetime.fromisoformat(str(content))
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(scope.zone))).astimezone(UTC)
    amount = _amount(content)
    if column.kind == "money":
        return to_minor(amount, scope.currency)
    if column.kind == "number":
        return int(amount) if amount == amount.to_integral_value() else _never(content)
    return amount


def _amount(content: Any) -> Decimal:
    if isinstance(content, bool):
        raise ValueError(content)
    if isinstance(content, (int, float)):
        # A spreadsheet's number is a binary float; six places are all that a price has.
        return Decimal(str(round(content, 6)))
    found = number_of(str(content))
    return found if found is not None else _never(content)


def _never(content: Any) -> Any:
    raise ValueError(content)


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, float) and content.is_integer():
        return str(int(content))  # an article number that a spreadsheet took for a number
    text = str(content).strip()
    # Written so that no spreadsheet runs it as a formula, see `export`.
    return text[1:] if text[:2] in ("'=", "'+", "'-", "'@") else text


def _heads(table: Table, texts: Sequence[Callable[..., str]]) -> dict[str, tuple[str, str]]:
    """What a heading means, in every language and by the column's own name."""
    found: dict[str, tuple[str, str]] = {KEY: ("new", KEY)}
    for column in columns_of(table):
        found[_plain(column.name)] = ("new", column.name)
        for text in texts:
            label = text(column.label)
            found[_plain(label)] = ("new", column.name)
            found[_plain(text(AS_EXPORTED, column=label))] = ("was", column.name)
    return found


def _plain(cell: Any) -> str:
    return " ".join(str(cell or "").casefold().split())


# -- formats


def _table(content: bytes) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    first = text.partition("\n")[0]
    delimiter = max(";,\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise FileUnreadable(rule=f"CSV: {error}") from None


def _sheet(content: bytes) -> list[list[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES_UNPACKED:
                raise FileUnreadable(rule="a sheet of ordinary size")
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (zipfile.BadZipFile, CalamineError, IndexError) as error:
        raise FileUnreadable(rule=f"CSV, or XLSX as spreadsheets save it ({error})") from None
