"""From the address of a table's page to one statement: what is asked for (`Asked`), and the rows that answer it.

The domain's statement stands in the middle, unchanged; around it come conditions, order and limit that are made of the
table's own expressions. Whatever a person typed is a parameter, never text of a statement. Pages begin after the last
row of the page before (keyset), never at a number: page 20,000 costs what the first one costs.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from lotse.kernel.db import Connection
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import PYTHON, Column, Scope, Table
from lotse.kernel.paging import PAGE_SIZE, after, cursor
from lotse.kernel.sql import Statement

# Longer than any name that somebody types, shorter than what would be a book.
MAX_TEXT = 200
# More values of one choice than this nobody ticks.
_MAX_VALUES = 50
# More is said as "more than": counting on would cost more than the number is worth.
COUNTED = 100_000

NOT_A_NUMBER = N_("%(field)s: please enter a number.")
NOT_A_DAY = N_("%(field)s: please enter a day.")
NOT_A_CHOICE = N_("%(field)s: there is no such choice.")

# What an address may ask besides filters; and which parts of one say nothing of which rows are wanted.
_WISHES = frozenset({"q", "sort", "after", "before", "columns", "view", "all"})
_NO_WISHES = frozenset({"part"})
_NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,6})?")


class Wrong(Struct, frozen=True):
    """A filter that cannot be read: it is left out, and the page says so."""

    message: str
    field: str


class Asked(Struct, frozen=True):
    """What an address asks of a table. `filters` are what was typed, by parameter; `columns` those to show."""

    words: str
    filters: dict[str, list[str]]
    sort: str
    columns: tuple[str, ...]
    after: str | None = None
    before: str | None = None
    view: str = ""

    @property
    def is_filtered(self) -> bool:
        return bool(self.words or self.filters)

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def sorted_by(self) -> str:
        return self.sort.lstrip("-")

    def query(self, table: Table, **changes: Any) -> str:
        """The query of an address: this one with some things changed (None: left out); it begins anew."""
        parts: dict[str, Any] = {"q": self.words, **self.filters}
        if self.sort != table.order:
            parts["sort"] = self.sort
        if self.columns != chosen_columns(table):
            parts["columns"] = ",".join(self.columns)
        if self.view:
            parts["view"] = self.view
        parts.update(changes)
        kept = {name: value for name, value in parts.items() if value not in (None, "", [])}
        # An address that asks nothing is the view that the table opens with.
        if table.begin and not kept.keys() - _NO_WISHES:
            kept = {"all": "yes", **kept}
        return urlencode(kept, doseq=True)


class Rows(Struct, frozen=True):
    """One page of rows and the cursors to its neighbours."""

    items: list[Any]
    before: str | None
    after: str | None


class Reading:
    """A statement as it grows: text and the values of its parameters."""

    def __init__(self, base: Statement, params: Mapping[str, Any]) -> None:
        self._base = base
        self._params = dict(params)
        self._conditions: list[str] = []

    def where(self, condition: str, **values: Any) -> None:
        """One more condition; its parameters get names of their own."""
        mark = f"_{len(self._conditions)}"
        for name in values:
            condition = re.sub(rf"(?<!:):{name}\b", f":{name}{mark}", condition)
        self._conditions.append(f"({condition})")
        self._params.update({name + mark: value for name, value in values.items()})

    def statement(self, select: str, tail: str = "", **values: Any) -> tuple[str, list[Any]]:
        """The whole, as asyncpg takes it."""
        params = {**self._params, **values}
        where = " and ".join(self._conditions) or "true"
        around = Statement(self._base.source, self._base.name, f"where {where} {tail}")
        shift = len(self._base.params)
        rest = re.sub(r"\$(\d+)", lambda match: f"${int(match[1]) + shift}", around.sql)
        arguments = [params[name] for name in (*self._base.params, *around.params)]
        # Expressions of the table's own description around the domain's statement; what was typed is a parameter.
        return f"select {select} from (\n{self._base.sql}\n) as t {rest}", arguments  # noqa: S608


def chosen_columns(table: Table) -> tuple[str, ...]:
    """The columns that show unless somebody chose others."""
    return tuple(column.name for column in table.columns if column.shown)


def asked(table: Table, given: Sequence[tuple[str, str]]) -> Asked:
    """Read an address. What the table does not know is passed over: old links must not break."""
    if table.begin and not any(name in _WISHES or _filter_of(table, name) for name, value in given if value):
        given = [*parse_qsl(table.begin), *given]
    one = {name: value.strip()[:MAX_TEXT] for name, value in given}
    filters: dict[str, list[str]] = {}
    for name, value in given:
        text = value.strip()[:MAX_TEXT]
        if text and _filter_of(table, name) is not None and len(filters.get(name, ())) < _MAX_VALUES:
            filters.setdefault(name, []).append(text)
    sort = one.get("sort", table.order)
    by = sort.lstrip("-")
    if by != table.keys[0] and not (table.has(by) and table.column(by).sort):
        sort = table.order
    # One parameter with all names (a link), or one per name (a form without scripts).
    named = [part for name, value in given if name == "columns" for part in value.split(",") if table.has(part)]
    # Cursors are longer than words.
    cursors = dict(given)
    return Asked(
        words=one.get("q", ""),
        filters=filters,
        sort=sort,
        columns=tuple(dict.fromkeys(named)) or chosen_columns(table),
        after=cursors.get("after") or None,
        before=cursors.get("before") or None,
        view=one.get("view", ""),
    )


def reading(table: Table, scope: Scope, wanted: Asked) -> tuple[Reading, list[Wrong]]:
    """The statement of everything that fits, and the filters that could not be read."""
    found = Reading(table.statement, table.params(scope))
    wrong: list[Wrong] = []
    for column in table.columns:
        if column.filter is None:
            continue
        try:
            _narrow(found, column, scope, wanted.filters)
        except _Unreadable as unreadable:
            wrong.append(Wrong(unreadable.message, column.label))
    if wanted.words and table.search is not None:
        params = table.search.params(wanted.words)
        found.where(table.search.condition, **params)
    return found, wrong


async def page(
    conn: Connection, table: Table, scope: Scope, wanted: Asked, *, size: int = PAGE_SIZE
) -> tuple[Rows, list[Wrong]]:
    """One page of rows. Refusal: `BadCursor`."""
    found, wrong = reading(table, scope, wanted)
    rows = await _page(conn, table, found, wanted, size)
    return rows, wrong


async def count(conn: Connection, table: Table, scope: Scope, wanted: Asked, *, most: int = COUNTED) -> int:
    """How many rows fit; `most + 1` if there are more."""
    found, _ = reading(table, scope, wanted)
    text, arguments = found.statement("1", "limit :most", most=most + 1)
    return await conn.raw.fetchval(f"select count(*) from ({text}) as c", *arguments)  # noqa: S608 - as above


async def keys(conn: Connection, table: Table, scope: Scope, wanted: Asked, *, most: int) -> list[UUID]:
    """The keys of everything that fits, in the table's order; `most + 1` of them if there are more."""
    found, _ = reading(table, scope, wanted)
    order = _order(table, wanted)
    tail = f"{_by(order, wanted.descending)} limit :most"
    text, arguments = found.statement(f"t.{table.keys[0]}", tail, most=most + 1)
    return [row[0] for row in await conn.raw.fetch(text, *arguments)]


async def seen(conn: Connection, table: Table, scope: Scope, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these keys are rows that this person sees: ids that somebody posts are not believed."""
    found = Reading(table.statement, table.params(scope))
    found.where(f"t.{table.keys[0]} = any(:ids::uuid[])", ids=list(ids))
    text, arguments = found.statement(f"t.{table.keys[0]}")
    return {row[0] for row in await conn.raw.fetch(text, *arguments)}


async def by_keys(conn: Connection, table: Table, scope: Scope, ids: Sequence[UUID]) -> list[Any]:
    """Rows by their keys, in that order; those that are gone are left out."""
    found = Reading(table.statement, table.params(scope))
    found.where(f"t.{table.keys[0]} = any(:ids::uuid[])", ids=list(ids))
    text, arguments = found.statement("t.*")
    rows = {record[table.keys[0]]: record for record in await conn.raw.fetch(text, *arguments)}
    return [msgspec.convert(dict(rows[id]), table.row) for id in ids if id in rows]


# -- a page


async def _page(conn: Connection, table: Table, found: Reading, wanted: Asked, size: int) -> Rows:
    order = _order(table, wanted)
    backwards = wanted.before is not None and wanted.after is None
    descending = wanted.descending != backwards
    begin = wanted.before if backwards else wanted.after
    if begin is not None:
        shape: Any = tuple[tuple(_types(table, wanted))]
        key = after(begin, shape) or ()
        names = [f"k{number}" for number in range(len(key))]
        sign = "<" if descending else ">"
        found.where(
            f"({', '.join(order)}) {sign} ({', '.join(f':{name}' for name in names)})",
            **dict(zip(names, key, strict=True)),
        )
    select = "t.*" + "".join(f", {expression} as _k{number}" for number, expression in enumerate(order))
    text, arguments = found.statement(select, f"{_by(order, descending)} limit :most", most=size + 1)
    records = await conn.raw.fetch(text, *arguments)
    more = len(records) > size
    records = records[:size]
    if backwards:
        records.reverse()
    marks = [cursor(*(record[f"_k{number}"] for number in range(len(order)))) for record in records]
    items = [msgspec.convert(_named(record, len(order)), table.row) for record in records]
    return Rows(
        items,
        before=marks[0] if marks and (more if backwards else begin is not None) else None,
        after=marks[-1] if marks and (backwards or more) else None,
    )


def _named(record: Any, keys: int) -> dict[str, Any]:
    values = dict(record)
    for number in range(keys):
        del values[f"_k{number}"]
    return values


def _order(table: Table, wanted: Asked) -> list[str]:
    """The expressions that sort, the key last: it makes every place in the list one of its own."""
    key = [f"t.{name}" for name in table.keys]
    return key if wanted.sorted_by == table.keys[0] else [table.column(wanted.sorted_by).ordering, *key]


def _by(order: list[str], descending: bool) -> str:
    way = "desc" if descending else "asc"
    return "order by " + ", ".join(f"{expression} {way}" for expression in order)


def _types(table: Table, wanted: Asked) -> list[Any]:
    types = {found.name: found.type for found in msgspec.structs.fields(table.row)}
    key = [types[name] for name in table.keys]
    return key if wanted.sorted_by == table.keys[0] else [PYTHON[table.column(wanted.sorted_by).kind], *key]


# -- filters


class _Unreadable(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _filter_of(table: Table, parameter: str) -> Column | None:
    """The column that a parameter of the address filters: `state`, `price.from`, `price.to`."""
    name, dot, end = parameter.partition(".")
    if not table.has(name):
        return None
    column = table.column(name)
    if column.filter is None:
        return None
    is_range = column.filter == "range"
    return column if (end in ("from", "to") if is_range and dot else not dot and not is_range) else None


def _narrow(found: Reading, column: Column, scope: Scope, filters: Mapping[str, list[str]]) -> None:
    if column.filter == "range":
        since = _typed(column, scope, filters.get(f"{column.name}.from", [""])[-1], until=False)
        until = _typed(column, scope, filters.get(f"{column.name}.to", [""])[-1], until=True)
        if column.condition and (since is not None or until is not None):
            found.where(column.condition, since=since, until=until)
            return
        if since is not None:
            found.where(f"{column.expression} >= :since", since=since)
        if until is not None:
            # A day and a moment end where the next day begins.
            sign = "<" if column.kind in ("day", "moment") else "<="
            found.where(f"{column.expression} {sign} :until", until=until)
        return
    typed = filters.get(column.name)
    if not typed:
        return
    if column.filter == "choice":
        if column.choices is None and any(value not in column.options for value in typed):
            raise _Unreadable(NOT_A_CHOICE)
        if column.condition or len(typed) > 1:
            found.where(column.condition or f"{column.expression} = any(:value::text[])", value=typed)
        else:
            # As one value, and not as one of several: then an index on column and key gives the order as well.
            found.where(f"{column.expression} = :value::text", value=typed[0])
    elif column.filter == "flag":
        found.where(column.condition or f"{column.expression} = :value", value=typed[-1] == "yes")
    elif column.filter == "begins":
        # As a range and not as `like`: an index on lower(…) serves it whatever plan is cached.
        begins = typed[-1].lower()
        condition = (
            f"lower({column.expression}) ~>=~ :value and lower({column.expression}) ~<~ (:value || chr(1114111))"
        )
        found.where(column.condition or condition, value=begins)
    else:
        found.where(
            column.condition or f"{column.expression} = :value", value=_typed(column, scope, typed[-1], until=False)
        )


def _typed(column: Column, scope: Scope, text: str, *, until: bool) -> Any:
    """What somebody typed, as the column's values are; None for nothing."""
    if not text:
        return None
    if column.kind in ("text", "code", "choice"):
        return text
    if column.kind in ("day", "moment"):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise _Unreadable(NOT_A_DAY) from None
        if not 1900 <= day.year <= 2200:
            raise _Unreadable(NOT_A_DAY)
        day += timedelta(days=1 if until else 0)
        return day if column.kind == "day" else datetime.combine(day, time.min, ZoneInfo(scope.zone)).astimezone(UTC)
    amount = number_of(text)
    if amount is None:
        raise _Unreadable(NOT_A_NUMBER)
    if column.kind == "money":
        from lotse.kernel.money import to_minor

        return to_minor(amount, scope.currency)
    if column.kind == "number":
        if amount != amount.to_integral_value():
            raise _Unreadable(NOT_A_NUMBER)
        return int(amount)
    return amount / 100 if column.kind == "percent" else amount


def number_of(text: str) -> Decimal | None:
    """A number as people type it, with a comma or a point for the decimals; None if it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
