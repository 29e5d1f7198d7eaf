"""Rows to write, gathered first and written in one statement.

A domain's `sql/desk.sql` holds one set-based statement per kind of row; a `Writer` ties it to the Struct of one row.
The statement takes its rows in one of two forms:

- `insert … select … from unnest(:rows::orders.line[])`: an array of a composite type that has the Struct's fields in
  their order. For what every order writes.
- `… from unnest(:id::uuid[], :quantity::bigint[], …)`: an array per field. For the rest; needs no type.

Measured for a line of 21 fields, 64 at a time: arrays per field 14 µs in Python and 6 in PostgreSQL, composites 7 and
5, JSON (`json_to_recordset`) 3 and 12. Arrays cost so much because asyncpg asks of every single element whether it is
an array itself.

`Rows` collects Structs for any number of writers and sends them as **one** merged statement: measured at 32 orders per
batch, one merged statement costs 98 µs per order, eight statements 127-157 µs, COPY 165 µs. The desk commits this way,
and so does every command that writes more than one kind of row.

The writers of one statement see the same snapshot and run in no order, so no two may touch the same row.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import astuple

from lotse.kernel.db import Transaction
from lotse.kernel.sql import Statement, statements

R = TypeVar("R", bound=msgspec.Struct)


class Writer(Generic[R]):
    """A set-based statement and the Struct of one of its rows."""

    __slots__ = ("composite", "fields", "row", "statement")

    def __init__(self, package: str, name: str, row: type[R]) -> None:
        self.statement: Statement = getattr(statements(package, "desk"), name)
        self.row = row
        self.fields = row.__struct_fields__
        self.composite = self.statement.params == ("rows",)
        if not self.composite and set(self.statement.params) != set(self.fields):
            differ = sorted(set(self.statement.params) ^ set(self.fields))
            raise TypeError(f"{self.statement} and {row.__name__} differ in {', '.join(differ)}")

    def __str__(self) -> str:
        return str(self.statement)


class Rows:
    """Rows for several writers, in the order they were added."""

    __slots__ = ("_by_writer",)

    def __init__(self) -> None:
        self._by_writer: dict[Writer[Any], list[Any]] = {}

    def add(self, writer: Writer[R], row: R) -> None:
        """One more row for a writer."""
        rows = self._by_writer.get(writer)
        if rows is None:
            self._by_writer[writer] = [row]
        else:
            rows.append(row)

    def extend(self, writer: Writer[R], rows: Iterable[R]) -> None:
        """Several rows for a writer."""
        self._by_writer.setdefault(writer, []).extend(rows)

    def lengths(self) -> "dict[Writer[Any], int]":
        """How many rows there are for each writer."""
        return {writer: len(rows) for writer, rows in self._by_writer.items()}

    def shorten(self, lengths: "Mapping[Writer[Any], int]") -> None:
        """Forget the rows that came after `lengths`."""
        for writer, rows in self._by_writer.items():
            del rows[lengths.get(writer, 0) :]

    def of(self, writer: Writer[R]) -> list[R]:
        """What is gathered for a writer."""
        return self._by_writer.get(writer, [])

    def __bool__(self) -> bool:
        return any(self._by_writer.values())

    async def write(self, tx: Transaction) -> None:
        """Write everything in one round trip."""
        used = tuple(writer for writer, rows in self._by_writer.items() if rows)
        if not used:
            return
        arguments: list[Any] = []
        for writer in used:
            rows = self._by_writer[writer]
            if writer.composite:
                arguments.append([astuple(row) for row in rows])
                continue
            # A column at a time: PostgreSQL takes arrays, unnest makes rows of them again.
            for param in writer.statement.params:
                arguments.append([getattr(row, param) for row in rows])
        await tx.raw.fetch(_merged(used), *arguments)


@cache  # a handful of combinations occur, and the text is the key of asyncpg's statement cache
def _merged(writers: tuple[Writer[Any], ...]) -> str:
    parts: list[str] = []
    shift = 0
    for number, writer in enumerate(writers):
        text = re.sub(r"\$(\d+)", lambda match, by=shift: f"${int(match[1]) + by}", writer.statement.sql)
        parts.append(f"w{number} as (\n{text}\n)")
        shift += len(writer.statement.params)
    return "with " + ",\n".join(parts) + "\nselect 1"
