"""Tables as files: CSV and XLSX of everything that fits, and such a file read again.

Rows are read in keyset chunks, each a statement of its own, so that a slow download holds no transaction open and a
table of a million rows needs the memory of one chunk. XLSX is written by XlsxWriter in its constant-memory mode (rows
go to a temporary file at once) and read by calamine: openpyxl does both and takes several times as long.

A file carries the key of each row and, for every column that a file may change, what it was when the file was made. So
what somebody else changed since is seen, and what nobody touched in the file changes nothing (`intake`).
"""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
import xlsxwriter  # pyright: ignore[reportMissingTypeStubs]
from litestar import Request, get
from litestar.response import Stream

from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Database
from lotse.kernel.money import minor_digits
from lotse.kernel.pages import query
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import Column, Scope, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Refusal

# One statement and one piece of the file; some hundred kilobytes.
CHUNK = 2_000
# What a sheet holds, by the format (1,048,576 with its head).
MOST_ROWS_OF_A_SHEET = 1_000_000
# The column of keys, and the mark of what a value was.
KEY = "id"
AS_EXPORTED = N_("%(column)s (as saved)")

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# A text that begins so would be run as a formula by a spreadsheet (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class TooManyRows(Refusal, status=409, title="A sheet cannot hold that many rows"):
    """Narrow the table with a filter, or save it as CSV."""

    limit: int


def routes(table: Table) -> tuple[Any, ...]:
    """`export.csv` and `export.xlsx` below the table's path, of what the address asks for."""

    def made(kind: Literal["csv", "xlsx"]) -> Any:
        @get(
            f"{table.path}/export.{kind}", guards=[needs(table.right, table.where)], name=f"export {kind} {table.name}"
        )
        async def export(
            view: View, request: Request[Any, Any, Any], database: Database, principal: Principal
        ) -> Stream:
            from lotse.kernel.pages.listing import scope_of

            scope = scope_of(view, principal, table.right)
            wanted = query.asked(table, list(request.query_params.multi_items()))
            table.params(scope)  # narrowed now: what is streamed is read when the answer has begun
            if kind == "xlsx":
                async with database.reading() as conn:
                    most = MOST_ROWS_OF_A_SHEET
                    if await query.count(conn, table, scope, wanted, most=most) > most:
                        raise TooManyRows(limit=most)
            pieces = (_csv if kind == "csv" else _xlsx)(table, view, database, scope, wanted)
            name = f"{table.path.rpartition('/')[2]}-{scope.at.astimezone(ZoneInfo(scope.zone)):%Y-%m-%d-%H%M}.{kind}"
            headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
            return Stream(pieces, media_type=TYPES[kind], headers=headers)

        return export

    return made("csv"), made("xlsx")


async def chunks(database: Database, table: Table, scope: Scope, wanted: query.Asked) -> AsyncIterator[list[Any]]:
    """Everything that fits, chunk by chunk, in the table's order."""
    mark: str | None = None
    while True:
        here = msgspec.structs.replace(wanted, after=mark, before=None)
        async with database.reading() as conn:
            found, _ = await query.page(conn, table, scope, here, size=CHUNK)
            rows = await table.fill(conn, scope, found.items) if table.fill and found.items else found.items
        if rows:
            yield rows
        mark = found.after
        if mark is None:
            return


def columns_of(table: Table) -> list[Column]:
    """The columns of a file: those that a row has a value for."""
    fields = set(table.row.__struct_fields__)
    return [column for column in table.columns if column.exported and column.name in fields]


def head(table: Table, view: View) -> list[str]:
    """The first line."""
    labels = [view.text(column.label) for column in columns_of(table)]
    edited = [table.column(name) for name in table.edit.columns] if table.edit and table.edit.intake else []
    return [KEY, *labels, *(view.text(AS_EXPORTED, column=view.text(column.label)) for column in edited)]


def cells(table: Table, scope: Scope, row: Any) -> list[Any]:
    """A row's values as plain Python: text, number, Decimal, date, datetime without zone, True, None."""
    shown = [_cell(column, scope, row) for column in columns_of(table)]
    edited = [table.column(name) for name in table.edit.columns] if table.edit and table.edit.intake else []
    return [str(table.id(row)), *shown, *(_cell(column, scope, row) for column in edited)]


def _cell(column: Column, scope: Scope, row: Any) -> Any:
    value = getattr(row, column.name)
    if value is None:
        return None
    if column.kind == "money":
        return Decimal(value).scaleb(-minor_digits(row.currency))
    if isinstance(value, datetime):
        # Spreadsheets know no zones: the table's own clock.
        return value.astimezone(ZoneInfo(scope.zone)).replace(tzinfo=None, microsecond=0)
    if isinstance(value, (str, int, Decimal, date, float)):
        return value
    return str(value)


# -- CSV


async def _csv(table: Table, view: View, database: Database, scope: Scope, wanted: query.Asked) -> AsyncIterator[bytes]:
    """As the spreadsheets of the language expect it: a comma for decimals asks for semicolons between cells."""
    comma = view.locale.number_symbols["latn"]["decimal"] == ","
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if comma else ",")
    writer.writerow(head(table, view))
    # The byte order mark tells Excel that this is UTF-8.
    yield "\ufeff".encode()
    async for rows in chunks(database, table, scope, wanted):
        writer.writerows([_said(cell, comma=comma) for cell in cells(table, scope, row)] for row in rows)
        yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()


def _said(cell: Any, *, comma: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, Decimal):
        text = f"{cell.normalize():f}"
        return text.replace(".", ",") if comma else text
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    text = str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA) else text


# -- XLSX


async def _xlsx(
    table: Table, view: View, database: Database, scope: Scope, wanted: query.Asked
) -> AsyncIterator[bytes]:
    """The sheet is a zip archive that is known only at its end, so it is written to a temporary file first."""
    with tempfile.TemporaryFile() as file:
        sheet = _Sheet(file, table, view)
        async for rows in chunks(database, table, scope, wanted):
            # In a thread: a chunk takes tens of milliseconds, and other pages are rendered meanwhile.
            await asyncio.to_thread(sheet.write, [cells(table, scope, row) for row in rows])
        await asyncio.to_thread(sheet.close)
        file.seek(0)
        while piece := file.read(256 * 1024):
            yield piece


class _Sheet:
    """One worksheet with a head that stays and a filter."""

    def __init__(self, file: IO[bytes], table: Table, view: View) -> None:
        # Its stubs know nothing, so nothing of it leaves this class.
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book: Any = xlsxwriter.Workbook(file, options)
        self._sheet: Any = self._book.add_worksheet(view.text(table.title)[:31].translate(_NOT_IN_A_NAME))
        bold: Any = self._book.add_format({"bold": True, "bottom": 1})
        grey: Any = self._book.add_format({"font_color": "#8a8f94"})
        moment: Any = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        day: Any = self._book.add_format({"num_format": "yyyy-mm-dd"})
        amount: Any = self._book.add_format({"num_format": "#,##0.00####"})
        titles = head(table, view)
        self._formats: list[Any] = [grey]
        for column in columns_of(table):
            kinds = {"moment": moment, "day": day, "money": amount, "price": amount}
            self._formats.append(kinds.get(column.kind))
        self._formats += [grey] * (len(titles) - len(self._formats))
        for number, title in enumerate(titles):
            is_aside = number == 0 or number > len(columns_of(table))
            self._sheet.set_column(number, number, 10 if is_aside else max(12, min(40, len(title) + 4)))
        self._sheet.freeze_panes(1, 0)
        for number, title in enumerate(titles):
            self._sheet.write_string(0, number, title, bold)
        self._line = 0
        self._width = len(titles)

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            self._line += 1
            for number, cell in enumerate(row):
                self._one(number, cell)

    def _one(self, number: int, cell: Any) -> None:
        style = self._formats[number]
        if cell is None:
            return
        if isinstance(cell, bool):
            self._sheet.write_boolean(self._line, number, cell, style)
        elif isinstance(cell, (int, Decimal, float)):
            self._sheet.write_number(self._line, number, float(cell), style)
        elif isinstance(cell, (datetime, date)):
            self._sheet.write_datetime(self._line, number, cell, style)
        else:
            self._sheet.write_string(self._line, number, str(cell), style)

    def close(self) -> None:
        self._sheet.autofilter(0, 0, max(self._line, 1), self._width - 1)
        self._book.close()


# Excel allows these nowhere in the name of a sheet.
_NOT_IN_A_NAME = str.maketrans(dict.fromkeys("[]:*?/\\", " "))


def lines(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[int, Sequence[Any]]]:
    """Rows with their line numbers as a spreadsheet shows them, without empty ones."""
    for number, row in enumerate(rows, start=1):
        if any(cell not in (None, "") for cell in row):
            yield number, row
