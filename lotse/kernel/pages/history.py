"""The history of a thing for its page: who changed what, when, from what to what, and why (`kit/history.html`)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from msgspec import Struct

from lotse.kernel import audit
from lotse.kernel.auth.names import names_of
from lotse.kernel.db import Connection

# Enough for a page; the audit log has the rest.
SHOWN = 50


class Difference(Struct, frozen=True):
    """One value that changed."""

    name: str
    old: Any
    new: Any


class Past(Struct, frozen=True):
    """One change as people read it. `kind`: made, changed or gone."""

    kind: str
    who: str
    at: datetime
    reason: str
    differences: list[Difference]


async def history_of(conn: Connection, *subjects: str, limit: int = SHOWN) -> list[Past]:
    """The changes of things (a location and its hours are one page), the newest first."""
    found = [change for subject in subjects for change in await audit.history(conn, subject=subject, limit=limit)]
    found.sort(key=lambda change: change.id, reverse=True)
    names = await names_of(conn, (change.actor for change in found))
    return [
        Past(_kind(change), names[change.actor], change.recorded_at, change.reason or "", differences(change))
        for change in found[:limit]
    ]


def differences(change: audit.Change) -> list[Difference]:
    """What differs between old and new, field by field; a plain value is one difference."""
    old, new = change.old, change.new
    if not isinstance(old, dict) and not isinstance(new, dict):
        return [Difference("", old, new)]
    before = cast("Mapping[str, Any]", old if isinstance(old, dict) else {})
    after = cast("Mapping[str, Any]", new if isinstance(new, dict) else {})
    return [
        Difference(name, before.get(name), after.get(name))
        for name in _names(before, after)
        if before.get(name) != after.get(name)
    ]


def _names(*values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for mapping in values for name in mapping))


def _kind(change: audit.Change) -> str:
    return "made" if change.old is None else "gone" if change.new is None else "changed"
