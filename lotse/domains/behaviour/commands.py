"""Write the log, keep consents and their proofs, forget what is withdrawn."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec
import structlog
from msgspec import Struct
from prometheus_client import Counter

from lotse.domains.behaviour.contracts import Consent, ConsentGiven, Event, Source, Visit
from lotse.domains.behaviour.queries import READS
from lotse.domains.behaviour.rules import TEXT_VERSION
from lotse.kernel import privacy
from lotse.kernel.copying import NULL, UUID_NEXT, begun, copy, integer, jsonb, moment, smallint, text
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.gathering import Gathering
from lotse.kernel.ids import many_uuid7, uuid7
from lotse.kernel.privacy import Erased
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.behaviour", "writes")
log = structlog.get_logger(__name__)
_refused = Counter("lotse_behaviour_refused_total", "Events that were not taken, by why", ["reason"])

COLUMNS = ("id", "kind", "version", "source", "visitor", "session", "view", "bot", "body", "at", "times")
# A row of the log, in the order of `COLUMNS`; it happened once.
Row = tuple[UUID, str, int, str, UUID | None, UUID | None, UUID | None, str, Struct, datetime]
# What waits in a process's memory for the database; twice what a fail-over takes.
_IN_MEMORY = timedelta(hours=1)


def rows(
    events: Iterable[tuple[Event, datetime]], visit: Visit, *, source: Source, view: UUID | None = None
) -> list[Row]:
    """Events with their moments as rows of the log."""
    return [
        (
            uuid7(),
            event.__struct_config__.tag,  # type: ignore[misc]
            event.version,
            source,
            visit.visitor,
            visit.session,
            view,
            visit.bot,
            event,
            at,
        )
        for event, at in events
    ]


class KeptView:
    """What a page that is kept for everybody tells each time that somebody sees it: all but ids, moment and bot.

    Such a page is sent thousands of times a second, and says the same each time: its rows are packed once, and again
    for each reason why somebody is no person. They are nobody's, and two of the same moment say no more than one that
    counts: what gathered is one row with `times`. Who agreed to carry a number is logged row by row.
    """

    __slots__ = ("_after", "_before", "_bodies", "gathered")

    def __init__(self, events: Sequence[Event]) -> None:
        nobody = NULL + NULL + UUID_NEXT
        self._before = [
            text(event.__struct_config__.tag)  # type: ignore[misc]
            + smallint(event.version)
            + text("server")
            + nobody
            for event in events
        ]
        self._bodies = [jsonb(msgspec.json.encode(event)) for event in events]
        self._after: dict[str, list[bytes]] = {}
        # Views that wait to be written, by why they are no person's: another one adds to them.
        self.gathered: dict[str, View] = {}

    def __len__(self) -> int:
        return len(self._before)

    def rows(self, ids: Iterator[bytes], bot: str, at: datetime, times: int) -> Iterator[bytes]:
        """The packed rows of so many views, the first of them at `at`. Takes an id for them and one for each event."""
        after = self._after.get(bot)
        if after is None:
            after = self._after[bot] = [text(bot) + body for body in self._bodies]
        view, when = next(ids), moment(at) + integer(times)
        for before, behind in zip(self._before, after, strict=True):
            yield b"".join((_BEGUN, next(ids), before, view, behind, when))


class View(Struct, gc=False, eq=False):
    """Somebody sees such a page: what it tells, why this is no person, when first and how often."""

    told: KeptView
    bot: str
    at: datetime
    times: int = 1


def see(gathering: Gathering[Row | View], told: KeptView, bot: str, at: Callable[[], datetime], times: int = 1) -> None:
    """Such a page was seen so often. All but the first of a write only count."""
    view = told.gathered.get(bot)
    if view is not None:
        view.times += times
        return
    view = View(told, bot, at(), times)
    if gathering.add(view):
        told.gathered[bot] = view


_BEGUN = begun(len(COLUMNS)) + UUID_NEXT
_ONCE = integer(1)


def appending(database: Database) -> Callable[[Sequence[Row | View]], Awaitable[None]]:
    """What writes what gathered, for `kernel.gathering`."""
    tried: Sequence[Row | View] | None = None
    packed: list[bytes] = []

    async def append_all(gathered: Sequence[Row | View]) -> None:
        nonlocal tried, packed
        # The same once more, because the database went away: with the same ids, for it may have been written.
        again = gathered is tried
        if not again:
            tried, packed = gathered, _packed(gathered)
        async with database.single() as conn:
            try:
                await _append(conn, packed)
            except asyncpg.UniqueViolationError:
                if not again:
                    raise
        tried, packed = None, []

    return append_all


async def append(conn: Connection, gathered: Sequence[Row | View]) -> None:
    """Append in one COPY: half of what an insert takes. A row that PostgreSQL cannot take is left out, logged and
    counted; its neighbours are written."""
    await _append(conn, _packed(gathered))


async def _append(conn: Connection, packed: Sequence[bytes]) -> None:
    try:
        await _copy(conn, packed)
    except asyncpg.DataError:
        for row in packed:
            try:
                await _copy(conn, [row])
            except asyncpg.DataError as error:
                _unstorable(error)


def _unstorable(error: Exception) -> None:
    refuse("unstorable")
    log.warning("an event cannot be stored", error=str(error))


async def _copy(conn: Connection, packed: Sequence[bytes]) -> None:
    await copy(conn, schema="behaviour", table="events", columns=COLUMNS, rows=packed)


def _packed(gathered: Sequence[Row | View]) -> list[bytes]:
    views: dict[tuple[KeptView, str], tuple[datetime, int]] = {}
    for thing in gathered:
        if isinstance(thing, View):
            # It is written now: whoever comes next counts anew.
            thing.told.gathered.pop(thing.bot, None)
            at, times = views.get((thing.told, thing.bot), (thing.at, 0))
            views[thing.told, thing.bot] = min(at, thing.at), times + thing.times
    ids = iter(many_uuid7(sum(1 + len(told) for told, _ in views)))
    packed = [row for (told, bot), (at, times) in views.items() for row in told.rows(ids, bot, at, times)]
    for thing in gathered:
        if not isinstance(thing, View):
            try:
                packed.append(_row(*thing))
            except UnicodeEncodeError as error:  # half a character, which is no text anywhere
                _unstorable(error)
    return packed


def _row(
    id: UUID,
    kind: str,
    version: int,
    source: str,
    visitor: UUID | None,
    session: UUID | None,
    view: UUID | None,
    bot: str,
    body: Struct,
    at: datetime,
) -> bytes:
    return b"".join(
        (
            *(_BEGUN, id.bytes, text(kind), smallint(version), text(source)),
            *(NULL if one is None else UUID_NEXT + one.bytes for one in (visitor, session, view)),
            *(text(bot), jsonb(msgspec.json.encode(body)), moment(at), _ONCE),
        )
    )


def refuse(reason: str, events: int = 1) -> None:
    """Count events that are not taken: nothing is dropped without a word."""
    _refused.labels(reason).inc(events)


async def choose(
    tx: Transaction,
    *,
    measurement: bool,
    marketing: bool,
    words: str,
    language: str,
    place: Literal["banner", "page"],
    before: Consent | None = None,
    visitor: UUID | None = None,
    at: datetime,
) -> Consent:
    """Keep what somebody chose, with the words that they were shown (`words`), and say what their cookie shall say.

    Who no longer agrees to measurement is forgotten: what any domain keeps under `visitor` is deleted.
    """
    proof = ConsentGiven(
        uuid7(), TEXT_VERSION, language, measurement, marketing, place, before.id if before else None, at
    )
    await tx.execute(WRITES.keep_text, text_version=TEXT_VERSION, language=language, words=words, at=at)
    await tx.execute(
        WRITES.keep_consent,
        id=proof.id,
        text_version=proof.text_version,
        language=proof.language,
        measurement=proof.measurement,
        marketing=proof.marketing,
        place=proof.place,
        replaces=proof.replaces,
        at=at,
    )
    if visitor is not None and not measurement:
        await privacy.forget_visitors(tx, visitors=[visitor], at=at)
    # Who refuses carries no number, not even that of the proof.
    return Consent(TEXT_VERSION, measurement, marketing, proof.id if measurement or marketing else None)


async def forget_visitors(tx: Transaction, *, visitors: Sequence[UUID], at: datetime) -> int:
    """Delete what is logged under these ids, now and what a process still has in memory; how many events."""
    for visitor in visitors:
        await tx.execute(WRITES.withdraw, visitor=visitor, at=at)
    await tx.execute(WRITES.delete_visitors, visitors=list(visitors))
    return await tx.execute(WRITES.delete_events, visitors=list(visitors))


async def forget_rest(tx: Transaction, *, at: datetime) -> int:
    """Forget what came in after its visitor had withdrawn; how many rows. Ids that nobody can carry any more are
    forgotten themselves."""
    since = at - 2 * _IN_MEMORY
    recent: list[UUID] = await tx.values(READS.withdrawn_since, since=since)
    # They withdrew no later by this.
    late = await privacy.forget_visitors(tx, visitors=recent, at=since) if recent else 0
    await tx.execute(WRITES.forget_withdrawn, before=at - timedelta(days=400))
    return late


async def link_party(tx: Transaction, *, visitor: UUID, party_id: UUID, at: datetime) -> None:
    """The person behind a visitor is known: they signed in and had agreed to measurement."""
    await tx.execute(WRITES.link, visitor=visitor, party_id=party_id, at=at)


async def drop_months(tx: Transaction, *, before: datetime) -> int:
    """Drop the months of the log that ended before a moment; how many."""
    return await tx.value(WRITES.drop_months, before=before)


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Delete what was logged of a person. The proofs of consent stay: they name nobody, and the law asks for them."""
    visitors: list[UUID] = await tx.values(READS.visitors_of, party_id=party_id)
    return Erased(await privacy.forget_visitors(tx, visitors=visitors, at=at) if visitors else 0)
