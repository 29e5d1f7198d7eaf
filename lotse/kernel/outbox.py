"""The outbox: facts are written in the transaction that made them true.

An event is a frozen Struct in its domain's `contracts.py`:

    class Placed(Struct, frozen=True, tag="orders.Placed"):
        version: ClassVar[int] = 1
        order_id: UUID

        @property
        def key(self) -> str:
            return str(self.order_id)

Its tag names the domain and the fact, its version counts from one, fields are only ever added, each with a default.
Events with the same `key` reach every consumer in the order in which they became true. That holds because a command
emits *after* it has locked the row that the key names (or inserted it: nobody else can see it then): the id of the
outbox row is drawn under that lock, so of two transactions with the same key the one that comes second draws its ids
after the first has committed. A command that emits before it locks breaks the promise.

What happens next is not this file's business: `relay` moves the rows on, `consumers` react.
"""

import re
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from lotse.kernel.db import Transaction
from lotse.kernel.rows import Rows, Writer

# The same form as the constraint outbox_type_form: found here, before a transaction is spoilt.
_TAG = re.compile(r"[a-z][a-z0-9_]*\.[A-Z][A-Za-z0-9]*")


class Row(Struct, frozen=True):
    """An event on its way into `kernel.outbox`; `payload` is JSON and holds the tag as its field `type`."""

    type: str
    version: int
    key: str
    payload: str
    occurred_at: datetime


# What the desk merges into its one statement, and what `emit` uses.
OUTBOX = Writer("lotse.kernel", "outbox", Row)


async def emit(tx: Transaction, *events: Struct, at: datetime, key: str | None = None) -> None:
    """Report what this transaction made true, in this order. Call it after the row that the key names is locked.

    `at` is when it happened. `key` is for events that have no `key` of their own.
    """
    rows = Rows()
    rows.extend(OUTBOX, [encode(event, at, key=key) for event in events])
    await rows.write(tx)


def encode(event: Struct, at: datetime, *, key: str | None = None) -> Row:
    """An event as a row for the desk: `rows.add(OUTBOX, encode(event, at))`. `TypeError` if it is not made as above."""
    name, version = described(type(event))
    ordered_by = key or str(getattr(event, "key", None) or "")
    if not ordered_by:
        raise TypeError(f"{name} has no key: give it a property `key`, or emit it with one")
    return Row(name, version, ordered_by, msgspec.json.encode(event).decode(), at)


@cache  # asked for every event
def described(event: type[Struct]) -> tuple[str, int]:
    """The name and version of an event's type. `TypeError` says what it lacks."""
    tag = event.__struct_config__.tag
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise TypeError(f'{event.__qualname__} needs a tag like "orders.Placed" to be an event, not {tag!r}')
    if event.__struct_config__.tag_field != "type":
        raise TypeError(f"{tag}: the name of an event stands in its field `type`")
    version: Any = getattr(event, "version", None)
    if "version" in event.__struct_fields__ or not isinstance(version, int) or version < 1:
        raise TypeError(f"{tag} needs `version: ClassVar[int] = 1`")
    return tag, version


def decode(event: type[Any], payload: str | bytes) -> Any:
    """An event again, of whatever version it was written.

    Fields that a newer version added are left out, fields that an older one lacked get their default.
    """
    return msgspec.json.decode(payload, type=event)
