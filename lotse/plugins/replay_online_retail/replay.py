"""Sends the facts of Online Retail through Lotse's own commands, month after month, and proves that nothing is lost.

Resuming needs no file of its own: every command has a natural key, the keys of a month are looked up in one go, and
only what has no answer yet is sent. A second run therefore reads, finds everything answered, and changes nothing.

Money is measured twice: the report's sums are read back from the ledger, the difference is theirs to the sum over the
files (`source.total_minor`), which knows nothing of the mapping.
"""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from lotse.domains.inventory.contracts import Moved
from lotse.domains.ledger.commands import post
from lotse.domains.ledger.queries import entries_of
from lotse.domains.orders.contracts import Amended, Placed
from lotse.kernel import check, clock, idempotency, relay
from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, KeyReused
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings
from lotse.plugins.replay_online_retail import source
from lotse.plugins.replay_online_retail.facts import Fact, Month, Unmapped
from lotse.plugins.replay_online_retail.house import (
    Article,
    House,
    natural_key,
    opened_house,
    with_articles,
    with_customers,
)
from lotse.plugins.replay_online_retail.mapping import Mapper, tally, unmapped
from lotse.plugins.replay_online_retail.steps import (
    SUSPENSE,
    Adjust,
    Book,
    CreditFreely,
    Deliver,
    Place,
    PlacedSale,
    Posted,
    Step,
    Stepper,
    TakeBackFrom,
    adjust_request,
    credit_request,
    deliveries,
    delivery_request,
    entry_set,
    place_request,
    return_request,
)

# Three of the desk's batches: one commits, one waits, one is being written here. More only takes memory.
IN_FLIGHT: Final = 768
# Entries are transactions of their own; the pool has six connections and the desk is busy meanwhile.
ENTRIES_IN_FLIGHT: Final = 4
# Sets of postings read back at a time.
READ_SETS: Final = 2_000
PROGRESS_SECONDS: Final = 1.0
# More objects than one batch of the desk makes; the default is 700.
GARBAGE_THRESHOLD: Final = 200_000
# Lines shown at the end; all of them are in the file.
SHOWN: Final = 20

A = TypeVar("A", bound=Struct)
T = TypeVar("T")


class SourceChanged(Refusal, status=409, title="The source says something else now than when it was replayed"):
    """An invoice, or what must have been delivered for a month, differs from what was booked under its key.

    Months may be added to a source, not changed: replay the new files into a fresh LOTSE_HOME.
    """

    key: str


class Report(Struct, frozen=True):
    """What a replay holds now. Amounts are pence, read back from the ledger.

    `turnover_minor - refunds_minor + entries_minor` is the sum over all source lines, or `difference_minor` says how
    much it is off. `returns` and `credits` count credit notes, `unmapped` source lines; `changed` counts the commands
    that this run carried out.
    """

    orders: int
    lines: int
    returns: int
    credits: int
    adjustments: int
    unmapped: int
    customers: int
    articles: int
    turnover_minor: int
    refunds_minor: int
    entries_minor: int
    difference_minor: int
    seconds: float
    check: str
    changed: int


class Refused(Struct, frozen=True):
    """A step that Lotse said no to: its lines cannot be mapped, their amount waits on the suspense account."""

    step: Step
    reason: str
    lines: tuple[source.SourceLine, ...]


async def replay(database: Database, desk: Desk, folder: Path, *, progress: Callable[..., None]) -> Report:
    """Replay a folder; what was replayed before is left as it is.

    Refusals: those of `source.opened`, `SourceChanged`.
    """
    began = monotonic()
    progress("reading", folder.name)
    with _seldom_collected(), source.opened(folder) as files:
        mapper = Mapper(files.survey())
        run = _Run(database, desk, files.rows, progress, began)
        for month in mapper.months(files.lines()):
            await run.month(month)
    expected = source.total_minor(folder)
    progress("reading the ledger back")
    turnover, refunds, entries = await run.booked()
    if run.changed:
        progress(f"{run.changed:,} commands carried out, {run.known:,} were known from before")
    else:
        progress(f"nothing changed: all {run.known:,} commands were carried out before")
    for name, invoices in mapper.unknown_countries.most_common():
        progress(f"no country is called {name!r}: {invoices:,} invoices are booked to ZZ (not known)")
    _list(run.unmapped, progress)
    progress("checking")
    check = await _check(database, progress)
    return Report(
        orders=run.count["orders"],
        lines=files.rows,
        returns=run.count["returns"],
        credits=run.count["credits"],
        adjustments=run.count["adjustments"],
        unmapped=len(run.unmapped),
        customers=run.count["customers"],
        articles=len(run.articles),
        turnover_minor=turnover,
        refunds_minor=refunds,
        entries_minor=entries,
        difference_minor=turnover - refunds + entries - expected,
        seconds=round(monotonic() - began, 1),
        check=check,
        changed=run.changed,
    )


class _Kept(Struct, frozen=True):
    principal: str
    key: str
    body_hash: bytes
    answer: bytes | None


class _Run:
    """One replay: what it has learned of this database, and what it has done."""

    def __init__(self, database: Database, desk: Desk, rows: int, progress: Callable[..., None], began: float) -> None:
        self._database = database
        self._desk = desk
        self._rows = rows
        self._progress = progress
        self._began = self._told = began
        self._house: House | None = None
        self._stepper = Stepper()
        self._customers: dict[str, UUID] = {}
        self._sales: dict[str, PlacedSale] = {}
        self._sets: dict[str, list[UUID]] = {"sale": [], "refund": [], "entry": []}
        self._done_lines = 0
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._entry_slots = asyncio.Semaphore(ENTRIES_IN_FLIGHT)
        self.articles: dict[str, Article] = {}
        self.unmapped: list[Unmapped] = []
        self.count: Counter[str] = Counter()
        self.changed = 0
        self.known = 0

    # -- a month

    async def month(self, month: Month) -> None:
        """Everything of a month. The next one may count on what came back in this one, so nothing stays open."""
        self._tell(month.name)
        if self._house is None:
            self._house = await opened_house(self._database, at=month.begins)
        self.articles |= await with_articles(self._database, self._house, month.articles)
        self._customers |= await with_customers(self._database, self._house, month.customers)
        self.count["customers"] += sum(customer.first for customer in month.customers)
        await self._deliver(list(deliveries(month)))
        await self._facts(month)
        await self._relay()
        self._tell(month.name)

    async def _relay(self) -> None:
        """Move the month's events into the log: no worker may be running, it comes with the shop."""
        try:
            async with self._database.reading() as conn:
                await relay.move_all(conn)
        except asyncpg.LockNotAvailableError:
            pass  # a worker's relay is at it

    async def _deliver(self, steps: list[Deliver]) -> None:
        kept = await self._answers([step.key for step in steps])
        fresh = [step for step in steps if step.key.key not in kept]
        self.known += len(steps) - len(fresh)
        await _together(self._receive(step) for step in fresh)

    async def _receive(self, step: Deliver) -> None:
        request = delivery_request(step, self.articles)
        await self._submit("receive", request, Moved, key=step.key, at=step.at)
        self.changed += 1

    async def _facts(self, month: Month) -> None:
        facts = list(self._stepper.of(month.facts, month.begins))
        kept = await self._answers([step.key for _, steps in facts for step in steps])
        refused_before = await self._answers_to_refused(facts, kept)
        placing: dict[str, asyncio.Task[None]] = {}
        refused: list[Refused] = []
        async with _all_or_first_failure() as group:
            for fact, steps in facts:
                if isinstance(fact, Unmapped):
                    self.unmapped.append(fact)
                for step in steps:
                    if (answer := kept.get(step.key.key)) is not None:
                        self.known += 1
                        self._remember(step, answer)
                    elif (answer := refused_before.get(_refused_key(step).key)) is not None:
                        self.known += 1
                        self._sets["entry"].append(idempotency.decode(answer, Posted).set_id)
                        refused.append(Refused(step, "refused before", lines_of(step)))
                    else:
                        slots = self._entry_slots if isinstance(step, Book) else self._slots
                        await slots.acquire()
                        task = group.create_task(self._do(step, placing, refused, slots))
                        if isinstance(step, Place):
                            placing[step.sale.invoice] = task
                self._done_lines += _lines_in(fact)
                self._tell(month.name)
        self._count(month.facts, refused)
        for step in refused:
            await self._suspend(step)

    def _count(self, facts: Iterable[Fact], refused: Sequence[Refused]) -> None:
        totals = tally(facts)
        lost = Counter(type(one.step) for one in refused)
        self.count["orders"] += totals.orders - lost[Place]
        self.count["returns"] += totals.returns - lost[TakeBackFrom]
        self.count["credits"] += totals.credits - lost[CreditFreely]
        self.count["adjustments"] += totals.adjustments - lost[Adjust]

    # -- a step

    async def _do(
        self, step: Step, placing: dict[str, asyncio.Task[None]], refused: list[Refused], slots: asyncio.Semaphore
    ) -> None:
        try:
            if isinstance(step, TakeBackFrom) and step.sale in placing:
                await placing[step.sale]
            answer = await self._carry_out(step)
        except Refusal as refusal:
            # Busy, unreachable or changed is no answer to this line; it ends the run, which can be resumed.
            if refusal.status >= 500 or isinstance(refusal, (KeyReused, SourceChanged)):
                raise
            refused.append(Refused(step, str(refusal), lines_of(step)))
        else:
            self.changed += 1
            self._remember(step, answer)
        finally:
            slots.release()

    async def _carry_out(self, step: Step) -> Struct:
        house = self._opened()
        match step:
            case Place():
                sale = step.sale
                request = place_request(sale, house, self.articles, self._customer(sale.customer))
                return await self._submit("place", request, Placed, key=step.key, at=sale.at)
            case TakeBackFrom():
                sold = self._sales.get(step.sale)
                if sold is None:
                    raise SaleRefused(invoice=step.sale)
                note = step.note
                request = return_request(step, sold, house, self.articles, self._customer(note.customer))
                return await self._submit("amend", request, Amended, key=step.key, at=note.at)
            case CreditFreely():
                credit = step.credit
                request = credit_request(credit, house, self.articles, self._customer(credit.customer))
                return await self._submit("credit", request, Amended, key=step.key, at=credit.at)
            case Adjust():
                request = adjust_request(step.adjustment, self.articles)
                return await self._submit("adjust", request, Moved, key=step.key, at=step.adjustment.at)
            case Book():
                return await self._book(step, house)

    async def _submit(self, kind: str, request: Struct, answer: type[A], *, key: Key, at: datetime) -> A:
        try:
            return await self._desk.submit(kind, request, answer, key=key, at=at)
        except KeyReused as reused:
            raise SourceChanged(key=reused.key) from reused

    async def _book(self, step: Book, house: House) -> Posted:
        async def run(tx: Transaction) -> Posted:
            fact = entry_set(step, house)
            await post(tx, fact=fact, at=clock.now())
            return Posted(fact.set_id)

        return await idempotency.once(self._database, step.key, Posted, run, at=clock.now())

    def _remember(self, step: Step, answer: Struct | bytes) -> None:
        """Keep what later steps and the report need of an answer, fresh or kept."""
        match step:
            case Place():
                placed = _as(answer, Placed)
                self._sales[step.sale.invoice] = PlacedSale(placed.order_id, placed.payment_id, len(step.sale.lines))
                self._sets["sale"].append(placed.order_id)
            case TakeBackFrom() | CreditFreely():
                self._sets["refund"].append(_as(answer, Amended).amendment_id)
            case Book():
                self._sets["entry"].append(_as(answer, Posted).set_id)
            case Adjust():
                pass

    async def _suspend(self, refused: Refused) -> None:
        """Nothing is dropped: the lines are listed, their amount waits to be cleared."""
        for line in refused.lines:
            self.unmapped.append(unmapped(line, refused.reason))
        amount = amount_of(refused.step)
        if not amount or refused.reason == "refused before":
            return
        key = _refused_key(refused.step)
        at = refused.lines[0].at
        book = Book(key, at, amount, SUSPENSE, f"{refused.reason}: {refused.step.key.key}"[:200])
        self._sets["entry"].append((await self._book(book, self._opened())).set_id)
        self.changed += 1

    def _opened(self) -> House:
        if self._house is None:
            raise RuntimeError("a month begins by opening the house")
        return self._house

    def _customer(self, number: str | None) -> UUID | None:
        return self._customers[number] if number is not None else None

    # -- what is known

    async def _answers(self, keys: Sequence[Key]) -> dict[str, bytes]:
        """The answers that this database has for keys. Refusal: `SourceChanged`."""
        if not keys:
            return {}
        async with self._database.reading() as conn:
            rows = await conn.many(
                idempotency.SQL.read_answers,
                _Kept,
                principals=[key.principal for key in keys],
                keys=[key.key for key in keys],
            )
        hashes = {key.key: key.body_hash for key in keys}
        for row in rows:
            if row.body_hash != hashes[row.key]:
                raise SourceChanged(key=row.key)
        return {row.key: row.answer for row in rows if row.answer is not None}

    async def _answers_to_refused(
        self, facts: Iterable[tuple[Fact, tuple[Step, ...]]], kept: dict[str, bytes]
    ) -> dict[str, bytes]:
        """Of steps that have no answer: those refused in an earlier run, whose amount was booked to be cleared."""
        open_steps = [step for _, steps in facts for step in steps if step.key.key not in kept]
        return await self._answers([_refused_key(step) for step in open_steps if amount_of(step)])

    async def booked(self) -> tuple[int, int, int]:
        """Turnover, refunds and entries of this source as the ledger holds them."""
        sums: dict[str, int] = {}
        sides = {"sale": "receivables", "refund": "receivables", "entry": "bank"}
        for name, set_ids in self._sets.items():
            sums[name] = 0
            for some in _chunks(set_ids, READ_SETS):
                async with self._database.reading() as conn:
                    found = await entries_of(conn, set_ids=some)
                sums[name] += sum(entry.amount_minor for entry in found if entry.account == sides[name])
        return sums["sale"], -sums["refund"], sums["entry"]

    def _tell(self, month: str) -> None:
        now = monotonic()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            rate = self._done_lines / (now - self._began)
            self._progress(f"{month}: {self._done_lines:,} of {self._rows:,} lines, {rate:,.0f} a second")


class SaleRefused(Refusal, status=409, title="The sale that is taken back was refused"):
    invoice: str


def lines_of(step: Step) -> tuple[source.SourceLine, ...]:
    """The source lines of a step; a line that takes back of two sales stands with each."""
    match step:
        case Place():
            return (*step.sale.lines, *step.sale.charges)
        case TakeBackFrom():
            return tuple(returned.line for returned, _ in step.parts)
        case CreditFreely():
            return (*step.credit.lines, *step.credit.charges)
        case Adjust():
            return (step.adjustment.line,)
        case Book():
            return ()


def amount_of(step: Step) -> int:
    """What a step adds to the source's total."""
    match step:
        case Place():
            return step.sale.total_minor
        case TakeBackFrom():
            return -sum(part.amount_minor for _, part in step.parts)
        case CreditFreely():
            return -step.credit.total_minor
        case Adjust():
            return 0
        case Book():
            return step.amount_minor


def _refused_key(step: Step) -> Key:
    return natural_key(f"{step.key.key.partition(':')[2]}:refused", step.key.body_hash)


def _lines_in(fact: Fact) -> int:
    return tally((fact,)).lines


def _as(answer: Struct | bytes, wanted: type[A]) -> A:
    if isinstance(answer, bytes):
        return idempotency.decode(answer, wanted)
    if not isinstance(answer, wanted):
        raise TypeError(f"{type(answer).__name__} answers where {wanted.__name__} was meant")
    return answer


def _chunks(things: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(things)
    while some := list(islice(rest, size)):
        yield some


async def _together(work: Iterable[Any]) -> None:
    async with _all_or_first_failure() as group:
        for one in work:
            group.create_task(one)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Rows, requests and facts are trees and die by their reference counts; looking for rings among them was seen to
    take a sixth of the processor."""
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@asynccontextmanager
async def _all_or_first_failure() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises what failed first as itself: a refusal stays one line for whoever asked."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as several:
        first: BaseException = several
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from several


async def _check(database: Database, progress: Callable[..., None]) -> str:
    """`lotse check` over everything; "ok" or how many differences there are."""
    differences = await check.run(database)
    for difference in differences[:SHOWN]:
        progress(str(difference))
    return "ok" if not differences else f"{len(differences)} differences"


def _list(lines: Sequence[Unmapped], progress: Callable[..., None]) -> None:
    """Say what could not be mapped: every line in a file, counts by reason and the first lines here."""
    if not lines:
        return
    folder = Settings.load().home / "replay"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "online-retail-unmapped.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    progress(f"{len(lines):,} lines could not be mapped; all of them are in {path}")
    for reason, count in Counter(line.reason for line in lines).most_common():
        progress(f"  {count:,} x {reason}")
    for line in lines[:SHOWN]:
        progress(f"  {line.file} row {line.row}: {line.reason}: {line.raw}")
