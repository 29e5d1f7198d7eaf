"""What a table of the back office is: one description, of which everything on its page follows.

    PRICES = Table(
        name="pricing.prices", path="/office/prices", title=N_("Prices"), right="pricing.read", where="shop",
        statement=READS.price_table, row=PriceRow, key="variant_id",
        columns=(
            Column("sku", N_("Article number"), kind="code", sort=True, link=True),
            Column("unit_price", N_("Price"), kind="price", sort="coalesce(t.unit_price, -1)", filter="range"),
        ),
        order="variant_id",
    )
    routes = (*table_routes(PRICES), ...)
    tables = (PRICES,)

Nothing here runs. `query` makes the statement of a page, `listing` the page, `export` and `intake` the files, `bulk`
the changes of many rows. README.md beside this file shows the whole.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, field

from lotse.kernel.auth.principal import DIMENSIONS, Dimension, Principal, Within
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.sql import Statement

# How a value is shown, typed, exported and compared. A `price` is a unit price in major units (Decimal), `money` an
# amount in minor units (int); both are in the row's `currency`. `template` cells show what they like.
Kind = Literal["text", "code", "number", "money", "price", "percent", "day", "moment", "choice", "flag"]
# begins: the text begins so, in small or capital letters; the rest says itself.
Filter = Literal["begins", "equals", "range", "choice", "flag"]
Tone = Literal["", "good", "warn", "bad", "beacon"]

# What a value of a kind is in Python: cursors and filters are read as this.
PYTHON: Mapping[str, type[Any]] = {
    "text": str,
    "code": str,
    "choice": str,
    "number": int,
    "money": int,
    "price": Decimal,
    "percent": Decimal,
    "day": date,
    "moment": datetime,
    "flag": bool,
}


class Option(Struct, frozen=True):
    """A value of a `choice`: how it is called (a message id) and how it looks."""

    label: str
    tone: Tone = ""


class Column(Struct, frozen=True):
    """One column. `name` is the row's field; `label` a message id.

    `sort`: True, or an SQL expression over the statement's columns (`t.…`) that an index serves and that is never null.
    `filter` needs an index too if the table is large; `sql` is what it compares where that is not `t.<name>`, and
    `condition` stands in for the whole comparison: `:value`, or `:since` and `:until` for a range (null: open).
    """

    name: str
    label: str
    kind: Kind = "text"
    sort: bool | str = False
    filter: Filter | None = None
    sql: str = ""
    condition: str = ""
    options: Mapping[str, Option] = {}
    # Of a `choice` whose values are data: read for the page. Such a filter is not checked against them, so `condition`
    # must bear any text where the column is none.
    choices: "Choices | None" = None
    # Part of the table until somebody chooses otherwise.
    shown: bool = True
    # Leads to the row's own page.
    link: bool = False
    # A template for the cell: gets `row`, `given` (the value), `column`.
    template: str = ""
    # Asked for once per page with the keys of all rows and shown as slots are, before the cell's own value.
    slot: str = ""
    # What an empty cell says (a message id), and how that looks.
    empty: str = ""
    empty_tone: Tone = ""
    # On a phone: the card's heading, a line of it, or left out.
    phone: Literal["title", "line", "none"] = "line"
    # Goes into files.
    exported: bool = True
    hint: str = ""

    @property
    def is_right(self) -> bool:
        """Figures stand to the right, so that they can be compared."""
        return self.kind in ("number", "money", "price", "percent")

    @property
    def expression(self) -> str:
        """What a filter compares."""
        return self.sql or f"t.{self.name}"

    @property
    def ordering(self) -> str:
        """What `order by` sorts by."""
        return self.sort if isinstance(self.sort, str) else f"t.{self.name}"


class Scope(Struct, frozen=True):
    """Who looks, where and when: what every statement and change of a table may need."""

    shop: UUID
    currency: str
    language: str
    zone: str
    at: datetime
    principal: Principal
    # For which right the table is read: to look at it, or to change it.
    right: str = ""

    @property
    def by(self) -> str:
        """The actor, as records of changes name them."""
        return str(self.principal)

    def within(self, *, by: Iterable[Dimension] = DIMENSIONS, free: Iterable[Dimension] = ()) -> Within:
        """What this person sees of the table: for the `params` of one that is `narrowed`."""
        return self.principal.within(self.right, by=by, free=free)


Choices = Callable[[Connection, Scope], Awaitable[Mapping[str, Option]]]


class Search(Struct, frozen=True):
    """What the search field means: a condition over `t`, and its parameters made of what was typed."""

    condition: str
    params: Callable[[str], Mapping[str, Any]]
    placeholder: str


class Preset(Struct, frozen=True):
    """A view that comes with the table: a name (message id) and the query of its address."""

    label: str
    query: str


class Change(Struct, frozen=True, kw_only=True):
    """What becomes of one row. `label` is how people call it; `old` and `new` are values by column; `refused` is a
    message id that says why it stays as it is, `said` fills it in."""

    id: UUID
    label: str
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    refused: str = ""
    said: dict[str, str] = {}
    # Of a file.
    line: int | None = None


class No(Struct, frozen=True):
    """A refusal of one row: a message id and what stands in it."""

    message: str
    said: dict[str, str] = {}


class Work(Struct, frozen=True):
    """A bulk change on its way: for whom, when, what was typed into its form, and when that was."""

    scope: Scope
    typed: Any
    reason: str
    begun_at: datetime
    database: Database
    # What moves goods commits there, and not in the transaction of `write`. None while it is only worked out.
    desk: Desk | None = None


class Field(Struct, frozen=True):
    """A field of a form: `name` is the Struct's. The rules come from the Struct, only the words stand here."""

    name: str
    label: str
    kind: Literal["text", "number", "amount", "day", "choice", "flag", "long", "hidden"] = "text"
    options: Mapping[str, str] = {}
    hint: str = ""
    value: str = ""
    required: bool = True
    max_length: int = 300

    @property
    def attributes(self) -> dict[str, Any]:
        """What the browser checks before anything is sent."""
        found: dict[str, Any] = {"autocomplete": "off"}
        if self.kind in ("text", "amount"):
            found["maxlength"] = self.max_length
        if self.kind == "amount":
            found["inputmode"] = "decimal"
        return found


class Bulk(Struct, frozen=True):
    """A change of many rows at once.

    `form` is what is typed for it, `change` says for one row what becomes of its values (by column), purely:
    the same values mean that nothing changes, `No` that it may not be.
    """

    name: str
    label: str
    form: type[Struct]
    fields: tuple[Field, ...]
    change: Callable[[Work, Mapping[str, Any]], "Mapping[str, Any] | No"]
    # Says the mistakes of the form that a type cannot: by field, a message id.
    check: Callable[[Scope, Any], Mapping[str, str]] | None = None
    danger: bool = False
    # What it does has no way back (a message was sent, somebody else's word was taken): nothing offers to undo it.
    final: bool = False


Now = Callable[[Connection, Work, Sequence[UUID]], Awaitable[Mapping[UUID, Mapping[str, Any]]]]
Write = Callable[[Transaction, Work, Sequence[Change]], Awaitable[Mapping[UUID, No]]]


class Edit(Struct, frozen=True):
    """What may be changed in many rows at once, by a form or by a file.

    `now` reads what is there, by id: the values of `columns`. `write` makes `new` of it and answers which rows were
    refused; rows that are no longer `old` were taken out before. `undo` makes `old` again; without one, `write` is
    given the changes the other way round. `hold` takes the locks under which what `now` reads stays true until `write`.
    """

    right: str
    columns: tuple[str, ...]
    now: Now
    write: Write
    bulks: tuple[Bulk, ...] = ()
    undo: Write | None = None
    hold: Callable[[Transaction, Work, Sequence[UUID]], Awaitable[None]] | None = None
    # Of columns that other systems may have the say over: kind and field, as imports call them. Their rows are refused.
    masters: Mapping[str, tuple[str, str]] = {}
    # What is typed beside a file (from when on, why). None: no file is taken.
    intake: Bulk | None = None
    # Finds rows by how people call them, for files that somebody else made.
    ids: Callable[[Connection, Scope, Sequence[str]], Awaitable[Mapping[str, UUID]]] | None = None


class Action(Struct, frozen=True):
    """A link or button above the table."""

    label: str
    path: str
    right: str
    icon: str = ""
    # Whoever holds the right in one shop or place only would be refused.
    everywhere: bool = False

    def is_for(self, principal: Principal) -> bool:
        """Whether it leads somewhere."""
        return principal.may_everywhere(self.right) if self.everywhere else principal.may(self.right)


class Nothing(Struct, frozen=True):
    """What an empty table says, and where one goes from there (message ids)."""

    title: str
    text: str
    action: Action | None = None


Fill = Callable[[Connection, Scope, list[Any]], Awaitable[list[Any]]]


class Table(Struct, frozen=True, kw_only=True):
    """One table. `statement` gives rows of `row` without order and limit; its parameters come from `params`.

    It is read as `select t.* from (<statement>) as t where … order by … limit …`, so what stands in front must be plain
    enough for PostgreSQL to push conditions and order down to its indexes: joins and `left join lateral … limit 1` are,
    `distinct`, `group by` and window functions are not.
    """

    name: str
    path: str
    title: str
    right: str
    # For which things the right must be held, see `lotse.kernel.auth.rights`. `narrowed`: `params` ask `scope.within`.
    where: Literal["everywhere", "common", "shop", "narrowed"]
    statement: Statement
    row: type[Any]
    # The field that makes a row one of its own; two, the sorting one first, where only together they do. Such rows are
    # not changed in many at once.
    key: str | tuple[str, str]
    columns: tuple[Column, ...]
    order: str
    icon: str = "list"
    # Below the title (a message id).
    text: str = ""
    params: Callable[[Scope], Mapping[str, Any]] = lambda scope: {}
    # Of the row's own page; `{}` is the key. Empty: rows have none. A function of the row: where the key is not enough.
    row_path: str | Callable[[Any], str] = ""
    # How people call a row: a column.
    label: str = ""
    search: Search | None = None
    presets: tuple[Preset, ...] = ()
    # The query of the preset with which it opens, where everything is not what people come for: a work list opens with
    # what is open. Everything is then `?all=yes`.
    begin: str = ""
    # Every so many seconds the first page renews itself while somebody watches; 0: never. What is chosen, focused or
    # open stays so.
    live: int = 0
    # Adds what lower domains know to the rows of a page or of a chunk of a file.
    fill: Fill | None = None
    edit: Edit | None = None
    actions: tuple[Action, ...] = ()
    nothing: Nothing | None = None
    exports: bool = True
    # Templates with what stands between title and table (figures, a hint), and at its right side (on a phone below).
    # They get the page's values, and those that a page of its own (`table_routes(TABLE, page)`) gives to `show`.
    above: str = ""
    beside: str = ""
    _by_name: dict[str, Column] = field(default_factory=dict[str, Column])

    def __post_init__(self) -> None:
        """`ValueError` on a description that cannot work: found when its module is imported, not on the page."""
        self._by_name.update({column.name: column for column in self.columns})
        fields = set(self.row.__struct_fields__)
        for column in self.columns:
            if column.filter is not None and column.name in RESERVED:
                raise ValueError(f"{self.name}: {column.name} is a word of every table's address")
            if column.name not in fields and not column.template and not column.slot:
                raise ValueError(f"{self.name}: {self.row.__name__} has no field {column.name}")
            if column.filter == "choice" and not column.options and column.choices is None:
                raise ValueError(f"{self.name}: the choice {column.name} has no options")
        if missing := [key for key in self.keys if key not in fields]:
            raise ValueError(f"{self.name}: {self.row.__name__} has no field {', '.join(missing)}")
        if self.edit is not None and len(self.keys) > 1:
            raise ValueError(f"{self.name}: rows with two keys are not changed in many at once")
        if self.edit is not None and (unknown := set(self.edit.columns) - self._by_name.keys()):
            raise ValueError(f"{self.name}: no columns {', '.join(sorted(unknown))} to edit")
        if self.order.lstrip("-") != self.keys[0] and not self.column(self.order.lstrip("-")).sort:
            raise ValueError(f"{self.name}: it is not sorted by {self.order}")

    @property
    def aside(self) -> Literal["everywhere", "common", "shop"]:
        """For routes of the table that read none of its rows and therefore narrow nothing."""
        return "common" if self.where == "narrowed" else self.where

    @property
    def editing(self) -> Edit:
        """What may be changed in many rows at once. `LookupError` where nothing may."""
        if self.edit is None:
            raise LookupError(f"nothing of {self.name} is changed in many rows at once")
        return self.edit

    def column(self, name: str) -> Column:
        """`KeyError` if there is none of this name."""
        return self._by_name[name]

    def has(self, name: str) -> bool:
        return name in self._by_name

    @property
    def keys(self) -> Sequence[str]:
        """The fields of a row's key, the sorting one first."""
        return (self.key,) if isinstance(self.key, str) else self.key

    def id(self, row: Any) -> Any:
        """What a row is known by."""
        if isinstance(self.key, str):
            return getattr(row, self.key)
        return ".".join(str(getattr(row, key)) for key in self.key)

    def href(self, row: Any) -> str:
        """The address of a row's own page."""
        if callable(self.row_path):
            return self.row_path(row)
        return self.row_path.format(self.id(row)) if self.row_path else ""

    def called(self, row: Any) -> str:
        """How people call a row."""
        return str(getattr(row, self.label)) if self.label else str(self.id(row))


# Words of the address that are no filters.
RESERVED = frozenset(
    {"q", "sort", "after", "before", "columns", "view", "done", "language", "selected", "all", "count", "part", "key"}
)
