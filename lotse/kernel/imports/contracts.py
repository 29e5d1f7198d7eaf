"""What crosses the border of imports: what a domain brings, what an import is, what became of its rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.refusals import Refusal

Format = Literal["csv", "jsonl"]
ImportState = Literal["receiving", "waiting", "running", "done", "failed", "cancelled"]
# What is there of a thing, by field, as JSON says it; None: there is no such thing.
Current = Mapping[str, Any] | None


class Context(Struct, frozen=True):
    """What holds for a whole batch. `received_at` is when the file came, the same in every run of it; `options` are
    the import's: `shop`, `language`; `dry`: nothing may leave the transaction, which is rolled back. The desk and the
    database are for kinds that move goods."""

    by: str
    at: datetime
    received_at: datetime
    source: str
    options: Mapping[str, str]
    dry: bool
    database: Database
    desk: Desk


class Importer(Protocol):
    """A kind of rows. A domain's `imports.py` exports `imports`, a sequence of these.

    `row` is a frozen Struct whose fields without default name the thing, and whose others are `UNSET` where a row does
    not say them: then they stay. Names of columns are names of fields; a dictionary's entries are columns `field.name`.
    `order`: lower ones first when a folder is imported; `fields`: those that masters know; `batch`: rows per
    transaction.
    """

    kind: str
    row: type[Any]
    fields: tuple[str, ...]
    order: int
    batch: int

    def key(self, row: Any, context: Context) -> str:
        """The natural name of the thing that a row is about; rows with the same key are about the same thing."""
        ...

    async def current(self, tx: Transaction, rows: Sequence[Any], context: Context) -> Sequence[Current]:
        """What is there, row by row. Refusals: what the rows name and does not exist."""
        ...

    async def apply(self, tx: Transaction, rows: Sequence[Any], found: Sequence[Current], context: Context) -> None:
        """Put rows, of which each is about another thing and changes something. Refusals: those of the commands."""
        ...

    def wanted(self, row: Any, found: Current, context: Context) -> Mapping[str, Any]:
        """What the row says of the fields, comparable with `current`; only what it says."""
        ...


class Import(Struct, frozen=True):
    """A file on its way in, and how far it is. Counts are of rows; `held` ones said something that another has the say
    over. `line` is where the next row begins; `reason` says why it failed."""

    id: UUID
    kind: str
    name: str
    format: Format
    source: str
    options: dict[str, str]
    dry_run: bool
    state: ImportState
    reason: str
    bytes_total: int
    bytes_done: int
    line: int
    columns: list[str] | None
    created: int
    changed: int
    unchanged: int
    held: int
    refused: int
    actor: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def rows(self) -> int:
        return self.created + self.changed + self.unchanged + self.held + self.refused

    @property
    def percent(self) -> int:
        return 100 if self.state == "done" else self.bytes_done * 100 // max(self.bytes_total, 1)


class RefusedRow(Struct, frozen=True):
    """A row that was not taken: its line in the file, the field and the rule it broke, and the row as it came."""

    line: int
    key: str
    field: str
    code: str
    reason: str
    row: dict[str, Any]


class UnknownImport(Refusal, status=404, title="There is no such import"):
    """No import has this id."""

    import_id: UUID


class UnknownImportKind(Refusal, status=422, title="There is no such kind of import"):
    """`known` are those that there are."""

    kind: str
    known: list[str]


class FileNotTaken(Refusal, status=422, title="This file cannot be imported"):
    """`rule` says what is expected of it as a whole; single rows are refused one by one."""

    rule: str


class ImportNotOpen(Refusal, status=409, title="The import is not in a state for this"):
    """What has ended cannot be cancelled; only what failed or was cancelled can be resumed."""

    state: str


class RowRefused(Refusal, status=422, title="The row cannot be taken"):
    """For importers: a row that breaks a rule of its own."""

    field: str
    rule: str
