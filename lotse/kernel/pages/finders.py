"""Finders: what the command palette asks. A domain's `pages.py` exports `finders`; each finds its own things by what
somebody typed, on a connection of its own and within its budget. One that is late or fails is left out and counted,
as with slots; nobody is asked for what the person may not see.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog
from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import Counter

from lotse.kernel.db import Connection
from lotse.kernel.pages.slots import Connecting
from lotse.kernel.pages.table import Scope

_log = structlog.get_logger(__name__)
_answers = Counter("lotse_finder_answers_total", "Answers of finders to the command palette", ["finder", "outcome"])

# A palette of more is a list to read, and that is what tables are for.
MOST_EACH = 6
# Who types one letter wants a page of the navigation.
SHORTEST = 2
# Longer than any name or number.
LONGEST = 100


class Found(Struct, frozen=True):
    """Something found: what it is called, a second line, where it is."""

    title: str
    href: str
    sub: str = ""


class Finder(Struct, frozen=True):
    """Who finds things of one kind. `label` is the heading above them (a message id)."""

    name: str
    label: str
    icon: str
    right: str
    find: Callable[[Connection, Scope, str], Awaitable[Sequence[Found]]]
    budget_ms: int = 150


class Group(Struct, frozen=True):
    """What one finder found."""

    name: str
    label: str
    icon: str
    items: Sequence[Found]


async def find(database: Connecting, finders: Iterable[Finder], scope: Scope, typed: str) -> list[Group]:
    """What all finders found at once that this person may ask, in the order of the finders."""
    words = typed.strip()[:LONGEST]
    if len(words) < SHORTEST:
        return []
    asked = [finder for finder in finders if scope.principal.may(finder.right)]
    found = await asyncio.gather(*(_asked(database, finder, scope, words) for finder in asked))
    return [
        Group(finder.name, finder.label, finder.icon, items[:MOST_EACH])
        for finder, items in zip(asked, found, strict=True)
        if items
    ]


async def _asked(database: Connecting, finder: Finder, scope: Scope, words: str) -> Sequence[Found]:
    outcome = "failed"
    try:
        async with asyncio.timeout(finder.budget_ms / 1000), database.reading() as conn:
            found = await finder.find(conn, replace(scope, right=finder.right), words)
        outcome = "answered"
        return found
    except TimeoutError:
        outcome = "late"
        _log.warning("finder left out", finder=finder.name, why=outcome, budget_ms=finder.budget_ms)
        return ()
    except Exception:  # a broken finder must not close the palette; it is logged with its trace and counted
        _log.exception("finder left out", finder=finder.name, why=outcome)
        return ()
    finally:
        _answers.labels(finder.name, outcome).inc()
