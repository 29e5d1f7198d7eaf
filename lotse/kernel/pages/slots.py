"""Slots: a page names places, domains answer them with data. No domain knows the page, no page knows the domains.

A page asks once per slot with all ids it shows; all answerers run at the same time, each on a connection of its own
and within its budget. One that is late or fails is left out, counted and logged: the page still answers. An answer is
a Struct per id, and the same Struct feeds the template, JSON-LD (`offer_properties`), the API and feeds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Any, Protocol, TypeVar, runtime_checkable
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from prometheus_client import Counter, Histogram

from lotse.kernel.db import Connection

_log = structlog.get_logger(__name__)
_answers = Counter("lotse_slot_answers_total", "Answers to slots", ["slot", "name", "outcome"])
_seconds = Histogram(
    "lotse_slot_seconds",
    "Time an answerer took",
    ["slot", "name"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)

# A page shows a list of at most fifty things, and a product has seldom more than four hundred variants.
MAX_IDS = 20_000


class Ask(Struct, frozen=True):
    """The question to a slot: for which shop, how it is shown, which ids, at what moment."""

    shop: UUID
    language: str
    currency: str
    customer_group: str
    ids: tuple[UUID, ...]
    at: datetime


class Standing(Struct, frozen=True):
    """How long an answer stands, for pages that are kept (`lotse.kernel.pages.kept`).

    `tags` are of single things, `types` of any event of that type; `until` is when it ends by itself. `signs` are what
    no event tells, by key, as they were before the answer was made.
    """

    tags: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    until: datetime | None = None
    signs: Mapping[Any, Any] = {}


Look = Callable[[Connection, Sequence[Any]], Awaitable[Mapping[Any, Any]]]


class Keeping:
    """What is learnt about a page while it is made: whether and how long it may be kept."""

    def __init__(self) -> None:
        self.tags: set[str] = set()
        self.types: set[str] = set()
        self.until: datetime | None = None
        self.signs: dict[Look, dict[Any, Any]] = {}
        self._shows = False
        self._refused = False

    @property
    def is_whole(self) -> bool:
        """Whether everything on the page is accounted for."""
        return self._shows and not self._refused

    def shows(self, tags: Iterable[str], types: Iterable[str]) -> None:
        self._shows = True
        self.tags.update(tags)
        self.types.update(types)

    def add(self, standing: Standing, look: Look | None) -> None:
        """An answer's part."""
        self.tags.update(standing.tags)
        self.types.update(standing.types)
        if standing.until is not None:
            self.until = min(self.until or standing.until, standing.until)
        if look is not None:
            self.signs.setdefault(look, {}).update(standing.signs)

    def refuse(self) -> None:
        """Something on the page is nobody else's, or missing."""
        self._refused = True


class Answerer(Struct, frozen=True):
    """Who answers a slot. `template` renders what was said about the ids of one place on the page: `answers`, a list.

    A card stands for several variants (a price "from"), a product page for the one that is chosen.

    `standing` is asked before the answer when the page may be kept; a page with an answer that lacks it is not kept.
    `look` gives the present signs of those keys.

    `gist` says what those answers come to, if that is all that the template shows: it is given `gist` and nothing of
    the page, of the frame or of the visitor, so the same gist is rendered once per language. For what lists show dozens
    of times. Gists that are equal must read the same.
    """

    slot: str
    name: str
    template: str
    budget_ms: int
    answer: Callable[[Connection, Ask], Awaitable[Mapping[UUID, Any]]]
    standing: Callable[[Connection, Ask], Awaitable[Standing]] | None = None
    look: Look | None = None
    gist: Callable[[Sequence[Any]], Hashable] | None = None


@runtime_checkable
class Described(Protocol):
    """An answer that also describes the offer to machines. What follows from what others say of it (an offer for this
    much is delivered free) is told by `offer_after(offer)`, a method of the same kind, which any answer may have."""

    def offer_properties(self) -> dict[str, Any]:
        """Properties of a schema.org `Offer`."""
        ...


@runtime_checkable
class _DescribedAfter(Protocol):
    def offer_after(self, offer: Mapping[str, Any]) -> dict[str, Any]: ...


@cache  # asking a protocol costs ten microseconds, and a product page asks for each of its variants
def _describes(kind: type[Any], protocol: type[Any]) -> bool:
    return issubclass(kind, protocol)


Read = TypeVar("Read")


class _Together:
    """What the answerers of one question read together, while it is asked. A task that they began and that outlives
    the question inherits this; it must not find what was read long ago."""

    def __init__(self) -> None:
        self.known: dict[Hashable, asyncio.Future[Any]] = {}
        self.open = True


_together: ContextVar[_Together | None] = ContextVar("together", default=None)


async def together(key: Hashable, read: Callable[[], Awaitable[Read]]) -> Read:
    """What several answerers of one page want to know of the same things is read once: the first to come reads, the
    others wait for it. Outside of a page's question, everybody reads. Not for what is kept longer than the page.

    Signs come before answers as everywhere: no answerer asks for its answer before all its signs are there.
    """
    reads = _together.get()
    if reads is None or not reads.open:
        return await read()
    while (under_way := reads.known.get(key)) is not None:
        try:
            # Shielded: others wait for the same.
            return await asyncio.shield(under_way)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not under_way.cancelled() or (task is not None and task.cancelling()):
                raise
            # Whoever read was too late and is gone: somebody reads anew.
            if reads.known.get(key) is under_way:
                del reads.known[key]
    reads.known[key] = found = asyncio.get_running_loop().create_future()
    try:
        answer = await read()
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            found.cancel()
        else:
            found.set_exception(error)
            found.exception()  # perhaps nobody waits
        raise
    found.set_result(answer)
    return answer


class Connecting(Protocol):
    """What the slots need of a `Database`."""

    def reading(self) -> AbstractAsyncContextManager[Connection]: ...


class Answers:
    """What all slots of a page were answered."""

    def __init__(
        self,
        given: Mapping[str, Sequence[tuple[Answerer, Mapping[UUID, Any]]]] | None = None,
        missing: Sequence[str] = (),
    ) -> None:
        self._given = given or {}
        # `slot/name` of those left out: such a page must not be cached as if it were whole.
        self.missing = tuple(missing)

    def of(self, slot: str, ids: Sequence[UUID]) -> Sequence[tuple[Answerer, list[Any]]]:
        """What each answerer said about these ids, the lowest domain's first, without those that had nothing to say."""
        found = [
            (answerer, [content[id] for id in ids if id in content]) for answerer, content in self._given.get(slot, ())
        ]
        return [(answerer, contents) for answerer, contents in found if contents]

    def content(self, slot: str, name: str, id: UUID) -> Any:
        """One answerer's Struct about one id, or None if it has nothing to say or was left out."""
        for answerer, contents in self.of(slot, (id,)):
            if answerer.name == name:
                return contents[0]
        return None

    def offer(self, id: UUID, *slots: str) -> dict[str, Any]:
        """The schema.org Offer that the answers of these slots make together; empty if nobody describes it."""
        merged: dict[str, Any] = {}
        said: list[Any] = [contents[0] for slot in slots for _, contents in self.of(slot, (id,))]
        for one in said:
            if _describes(one.__class__, Described):
                merged |= one.offer_properties()
        for one in said:
            if _describes(one.__class__, _DescribedAfter):
                merged |= one.offer_after(merged)
        return {"@type": "Offer", **merged} if merged else {}

    def joined(self, other: "Answers") -> "Answers":
        """Both; a page may ask again for what it only learned by asking."""
        return Answers({**self._given, **other._given}, (*self.missing, *other.missing))


class Slots:
    """The answerers of an installation, in the order in which their answers show."""

    def __init__(self, answerers: Iterable[Answerer]) -> None:
        self._answerers: dict[str, list[Answerer]] = {}
        for answerer in answerers:
            known = self._answerers.setdefault(answerer.slot, [])
            if any(other.name == answerer.name for other in known):
                raise ValueError(f"slot {answerer.slot} has two answerers named {answerer.name}")
            known.append(answerer)

    async def ask(
        self,
        database: Connecting,
        question: Ask,
        ids: Mapping[str, Sequence[UUID]],
        keeping: Keeping | None = None,
        *,
        patience_ms: int = 0,
    ) -> Answers:
        """Ask several slots at once; `ids` are those of each slot and stand in for `question.ids`. `keeping` is told
        how long the answers stand. `patience_ms`: every answer has at least this long, on pages where a gap misleads.

        `ValueError` for more ids than a page can show: that is a bug of the page.
        """
        asked: list[tuple[Answerer, Ask]] = []
        for slot, wanted in ids.items():
            # Once per id, in the page's order: two places that show the same thing do not ask twice.
            unique = tuple(dict.fromkeys(wanted))
            if len(unique) > MAX_IDS:
                raise ValueError(f"slot {slot} is asked for {len(unique)} ids, more than {MAX_IDS}")
            if unique:
                mine = msgspec.structs.replace(question, ids=unique)
                asked += [(answerer, mine) for answerer in self._answerers.get(slot, ())]
        # Two slots to which somebody has the same answer (what is in stock, and where) are one question.
        once: dict[tuple[str, Any, Ask], Answerer] = {}
        for answerer, mine in asked:
            once.setdefault((answerer.name, answerer.answer, mine), answerer)
        reads = _Together()
        token = _together.set(reads)  # the tasks of this question inherit it
        try:
            contents = await asyncio.gather(
                *(_answered(database, answerer, mine, keeping, patience_ms) for (_, _, mine), answerer in once.items())
            )
        finally:
            reads.open = False
            _together.reset(token)
        found = dict(zip(once, contents, strict=True))
        given: dict[str, list[tuple[Answerer, Mapping[UUID, Any]]]] = {}
        missing: list[str] = []
        for answerer, mine in asked:
            content = found[answerer.name, answerer.answer, mine]
            if content is None:
                missing.append(f"{answerer.slot}/{answerer.name}")
                if keeping is not None:
                    keeping.refuse()  # such a page is not whole
            else:
                given.setdefault(answerer.slot, []).append((answerer, content))
        return Answers(given, missing)


async def _answered(
    database: Connecting, answerer: Answerer, question: Ask, keeping: Keeping | None, patience_ms: int
) -> Mapping[UUID, Any] | None:
    """The answer, or None if it was late or failed: the outcome is counted and the reason logged."""
    outcome = "failed"
    budget_ms = max(answerer.budget_ms, patience_ms)
    with _seconds.labels(answerer.slot, answerer.name).time():
        try:
            # The wait for a connection is inside the budget: what the reader waits for is what counts.
            async with asyncio.timeout(budget_ms / 1000), database.reading() as connection:
                if keeping is not None:
                    if answerer.standing is None:
                        keeping.refuse()
                    else:
                        keeping.add(await answerer.standing(connection, question), answerer.look)
                content = await answerer.answer(connection, question)
            outcome = "answered"
            return content
        except TimeoutError:
            outcome = "late"
            _log.warning("slot left out", slot=answerer.slot, by=answerer.name, why=outcome, budget_ms=budget_ms)
            return None
        except Exception:  # a broken answerer must not break the page; it is logged with its trace and counted
            _log.exception("slot left out", slot=answerer.slot, by=answerer.name, why=outcome)
            return None
        finally:
            _answers.labels(answerer.slot, answerer.name, outcome).inc()
