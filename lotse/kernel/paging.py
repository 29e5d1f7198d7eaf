"""Paging by opaque cursors: a list is bounded, and its next page begins after the last row that was shown.

A cursor is the sort key of a row, as base64url of MessagePack. Callers pass it back unchanged; what is inside may
change with any version. It is no secret and grants nothing: the query that reads it checks rights as on the first page.
"""

import base64
import binascii
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from lotse.kernel.refusals import Refusal

T = TypeVar("T")

# More rows than this are no page for anybody; exports have jobs of their own.
MAX_PAGE_SIZE = 200
PAGE_SIZE = 50
# The longest honest sort key is a name and an id.
_MAX_CURSOR = 1_000


class BadCursor(Refusal, status=400, title="This cursor cannot be read"):
    """Cursors come from `next` of the page before, unchanged, for the same list."""

    field: str = "cursor"
    rule: str = "the value of `next` of the page before"


class Page(Struct, Generic[T], frozen=True):
    """One page of a list. `next` is the cursor of the following page; null on the last one."""

    items: list[T]
    next: str | None = None


def cursor(*key: object) -> str:
    """The cursor that stands after the row with this sort key (texts, numbers, times, UUIDs)."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(key)).rstrip(b"=").decode("ascii")


def after(text: str | None, shape: type[T]) -> T | None:
    """The sort key in a cursor, e.g. `after(cursor, tuple[datetime, UUID])`; None without one. Refusal: `BadCursor`."""
    if text is None:
        return None
    if not text or len(text) > _MAX_CURSOR:
        raise BadCursor()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=shape)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise BadCursor() from None


def paged(rows: list[T], size: int, key: "list[str] | tuple[str, ...]") -> Page[T]:
    """A page out of `size + 1` rows that a query returned; the extra row only says that there is a next page.

    `key` names the fields of the sort key, in the order of the query's `order by`.
    """
    shown = rows[:size]
    if len(rows) <= size:
        return Page(shown)
    return Page(shown, cursor(*(getattr(shown[-1], name) for name in key)))
