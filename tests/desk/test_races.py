"""Several desks and buyers who want the same: nothing is sold twice, and it is the locks that see to it.

Each lock has its control: the same two batches at the same moment, once as Lotse locks and once with the lock taken out
of its statement. A gate (an advisory lock that the test holds) stands between reading a row and deciding on it, so that
both batches have read before either decides, if the lock lets them. Without the lock both sell the last piece.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from lotse.domains.orders.contracts import OutOfStock, Placed
from lotse.domains.pools import desk as pools_desk
from lotse.domains.pools.commands import POOLS
from lotse.domains.pools.contracts import (
    ClaimRequest,
    Held,
    HoldEnded,
    HoldExpired,
    NotEnough,
    ReleaseRequest,
    SecureRequest,
    TooManyHolds,
)
from lotse.kernel import check, clock
from lotse.kernel.db import Database, opened
from lotse.kernel.desk.desk import running
from lotse.kernel.desk.kinds import Lock, registry
from lotse.kernel.refusals import Refusal
from lotse.kernel.sql import Statement
from tests.desk.desks import (
    AT,
    SOON,
    answer,
    asked,
    balances,
    connected,
    holding,
    moving,
    new_key,
    ordering,
    sold,
    stocked,
)

GATE = 0x6C6F747365
# What holds back a batch between its lock and its decision, in the place of the lock's second statement.
SHUT = {
    "pools.pools": "select id from unnest($1::bigint[]) as id where pg_advisory_xact_lock_shared(%d) is not null",
    "pools.holds": "select id from unnest($1::uuid[]) as id where pg_advisory_xact_lock_shared(%d) is not null",
    "pools.holders": "select id, open from pools.holders where id = any ($1::text[])"
    " and pg_advisory_xact_lock_shared(%d) is not null",
}  # fmt: skip


def unlocked(lock: Lock[Any]) -> Statement:
    """A lock's statement that reads and does not lock."""
    if lock is pools_desk.HOLDERS:
        return Statement("test", "unlocked", "select id from unnest(:ids::text[]) as id")
    without = re.sub(r"for no key update\s*$", "", lock.statement.sql)
    assert without != lock.statement.sql
    found = Statement("test", "unlocked", without)
    found.params = lock.statement.params
    return found


def gated(lock: Lock[Any]) -> Statement:
    found = Statement("test", "gated", SHUT[lock.name] % GATE)
    found.params = ("ids",)
    return found


@asynccontextmanager
async def shut(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Nobody passes the gate until the block ends."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("select pg_advisory_lock($1)", GATE)
    try:
        yield connection
    finally:
        await connection.close()


async def until_both_wait(connection: asyncpg.Connection) -> None:
    """At the gate, or for the other one's lock: either way neither can go on without us."""
    async with asyncio.timeout(20):
        while (
            await connection.fetchval(
                "select count(distinct pid) from pg_locks where not granted"
                " and (database is null or database = (select oid from pg_database where datname = current_database()))"
            )
            < 2
        ):
            pass  # the question itself gives the others their turn


async def race(dsn: str, *requests: Any) -> list[Any]:
    """Each request at a desk of its own, all at the same moment; what they are answered."""
    async with AsyncExitStack() as stack:
        hands = [await stack.enter_async_context(connected(dsn)) for _ in requests]
        async with shut(dsn) as gate:
            batches = [[request] for request in requests]
            tasks = [asyncio.create_task(hand.commit(batch, AT)) for hand, batch in zip(hands, batches, strict=True)]
            await until_both_wait(gate)
        await asyncio.gather(*tasks)
    return [answer(batch[0]) for batch in batches]


@pytest.fixture
def lock_of(monkeypatch):
    """Gate a lock; with `locks=False` take it out as well."""

    def prepare(lock: Lock[Any], locks: bool) -> None:
        monkeypatch.setattr(lock, "read", gated(lock))
        monkeypatch.setattr(lock, "reads", None)  # the gate is for everybody
        if not locks:
            monkeypatch.setattr(lock, "statement", unlocked(lock))

    return prepare


@pytest.mark.parametrize("locks", [True, False], ids=["locked", "control"])
async def test_the_last_piece(db, desk, dsn, lock_of, locks):
    [pool_id] = await stocked(db, desk, 1)
    lock_of(POOLS, locks)
    answers = await race(dsn, *(asked("place", ordering((1, [pool_id]))) for _ in range(2)))
    kinds = sorted(type(one).__name__ for one in answers)
    [(on_hand, _)] = await balances(db, [pool_id])
    moved = await _moved(db, pool_id)
    if locks:
        assert kinds == ["OutOfStock", "Placed"]
        assert (on_hand, moved) == (0, 0)
    else:
        assert kinds == ["Placed", "Placed"], "without the lock one piece is sold twice"
        assert (on_hand, moved) == (0, -1)
        await _forget(db, pool_id)


@pytest.mark.parametrize("locks", [True, False], ids=["locked", "control"])
async def test_the_last_hold_that_a_holder_may_have(db, desk, dsn, lock_of, locks):
    """Of different goods: no pool is locked by both."""
    pools = await stocked(db, desk, *[9] * 6)
    holder = str(holding((1, [1])).hold_id)
    async with connected(dsn) as hand:
        for pool_id in pools[:4]:
            await hand.commit([asked("hold", holding((1, [pool_id]), holder=holder))], AT)
    lock_of(pools_desk.HOLDERS, locks)
    racers = [asked("hold", holding((1, [pool_id]), holder=holder)) for pool_id in pools[4:]]
    answers = await race(dsn, *racers)
    assert sorted(type(one).__name__ for one in answers) == (["Held", "TooManyHolds"] if locks else ["Held", "Held"])
    if not locks:
        async with db.transaction() as tx:
            await tx.raw.execute("delete from pools.holders where id = $1", f"holder:{holder}")
            await tx.raw.execute("update pools.holds set firmness = 'hard' where holder = $1", holder)


@pytest.mark.parametrize("locks", [True, False], ids=["locked", "control"])
async def test_one_hold_claimed_twice(db, desk, dsn, lock_of, locks):
    """With two keys, as two tabs do. There is enough for both: only the hold's own row stands between them."""
    [pool_id] = await stocked(db, desk, 9)
    request = holding((2, [pool_id]))
    async with connected(dsn) as hand:
        await hand.commit([asked("hold", request)], AT)
    lock_of(pools_desk.HOLDS, locks)
    answers = await race(dsn, *(asked("claim", ClaimRequest(request.hold_id, sold())) for _ in range(2)))
    [(on_hand, held)] = await balances(db, [pool_id])
    if locks:
        assert sorted(type(one).__name__ for one in answers) == ["Held", "HoldEnded"]
        assert (on_hand, held) == (7, 0)
    else:
        assert [type(one).__name__ for one in answers] == ["Held", "Held"]
        assert (on_hand, held) == (5, 0), "without the lock a hold of two takes four"


async def _moved(db: Database, pool_id: int) -> int:
    async with db.reading() as conn:
        return await conn.raw.fetchval(
            "select coalesce(sum(delta), 0)::bigint from pools.movements where pool_id = $1", pool_id
        )


async def _forget(db: Database, pool_id: int) -> None:
    """What was oversold on purpose is no difference for the checks of other tests."""
    async with db.transaction() as tx:
        await tx.raw.execute("update pools.pools set on_hand = 0, held = 0 where id = $1", pool_id)
        await tx.raw.execute(
            "insert into pools.movements"
            " (id, pool_id, delta, reason, ref_kind, ref_id, actor, occurred_at, recorded_at)"
            " values (gen_random_uuid(), $1, 1, 'adjusted', 'test', gen_random_uuid(), 'test', now(), now())",
            pool_id,
        )


# -- one, two and four desks


class Market:
    """Buyers, tills and clerks at several desks of one database, all at once."""

    def __init__(self, desks: list[Any], pools: list[int], seed: int) -> None:
        self._desks = desks
        self._pools = pools
        self._random = random.Random(seed)
        self.outcomes: list[tuple[str, Any]] = []

    async def ask(self, kind: str, request: Any) -> Any:
        desk = self._random.choice(self._desks)
        try:
            found = await desk.submit(kind, request, registry().kinds[kind].answer, key=new_key(), at=clock.now())
        except Refusal as refusal:
            found = refusal
        self.outcomes.append((kind, found))
        return found

    def _some(self) -> list[int]:
        """Pools in any order: what deadlocks those who lock as they come."""
        return self._random.sample(self._pools, self._random.randint(1, len(self._pools)))

    async def buy(self) -> None:
        await self.ask("place", ordering((1, self._some()), (2, self._some())))

    async def hold_and_end(self) -> None:
        held = await self.ask("hold", holding((1, self._some()), (1, self._some()), expires_at=clock.now() + SOON))
        if isinstance(held, Refusal):
            return
        ends = [
            ("claim", ClaimRequest(held.hold_id, sold())),
            ("release", ReleaseRequest(held.hold_id)),
            ("secure", SecureRequest(held.hold_id, clock.now() + SOON)),
        ]
        # Two ends at once, at any two desks.
        await asyncio.gather(*(self.ask(*end) for end in self._random.sample(ends, 2)))

    async def till(self) -> None:
        await self.ask("sell", ordering((1, self._some()[:1]), (1, self._some()[:1]), settled="till"))

    async def count(self) -> None:
        await self.ask("adjust", moving("adjustment", *((pool_id, -1) for pool_id in self._some()[:2])))

    async def shift(self) -> None:
        source, target = self._random.sample(self._pools, 2)
        await self.ask("transfer", moving("transfer", (source, -1), (target, 1)))


@pytest.mark.parametrize("desks", [1, 2, 4])
async def test_any_number_of_desks(databases, desks):
    """Everything at once at one, two and four desks: the books agree, nothing failed, nobody waited in a ring."""
    dsn = databases.migrated()
    async with opened(dsn) as db:
        async with AsyncExitStack() as stack:
            started = [await stack.enter_async_context(running(dsn)) for _ in range(desks)]
            pools = await stocked(db, started[0], 30, 20, 15, 10, 5)
            market = Market(started, pools, seed=desks)
            acts = [market.buy, market.hold_and_end] * 50 + [market.till, market.count, market.shift] * 8
            await asyncio.gather(*(act() for act in acts))
        left = await balances(db, pools)
        differences = await check.run(db)
        async with db.reading() as conn:
            found = await conn.raw.fetchval(
                "select coalesce(sum(delta), 0)::bigint from pools.movements where reason = 'found'"
            )
            rings = await conn.raw.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    allowed = (OutOfStock, NotEnough, HoldEnded, HoldExpired, TooManyHolds)
    unexpected = [one for _, one in market.outcomes if isinstance(one, Refusal) and not isinstance(one, allowed)]
    assert [one for one in unexpected if one.code != "below-held"] == []
    assert any(isinstance(one, OutOfStock) for _, one in market.outcomes), "not enough was asked to sell out"
    assert all(0 <= held <= on_hand for on_hand, held in left)
    assert [str(one) for one in differences] == []
    assert rings == 0
    assert _accounted(market.outcomes, 80) + found == sum(on_hand for on_hand, _ in left)


def _accounted(outcomes: list[tuple[str, Any]], received: int) -> int:
    """What should be left by the answers alone."""
    left = received
    for kind, one in outcomes:
        match kind, one:
            case "place", Placed():
                left -= 3
            case "claim", Held():
                left -= sum(line.quantity for line in one.lines)
            case "adjust", found if not isinstance(found, Refusal):
                left -= len(found.on_hand)
            case "sell", Placed():
                left -= 2
            case _:
                pass
    return left


@pytest.mark.parametrize("desks", [1, 4])
async def test_forty_buyers_of_ten_pieces(databases, desks):
    dsn = databases.migrated()
    async with opened(dsn) as db, AsyncExitStack() as stack:
        started = [await stack.enter_async_context(running(dsn)) for _ in range(desks)]
        [pool_id] = await stocked(db, started[0], 10)
        market = Market(started, [pool_id], seed=1)
        await asyncio.gather(*(market.ask("place", ordering((1, [pool_id]))) for _ in range(40)))
        assert sum(isinstance(one, Placed) for _, one in market.outcomes) == 10
        assert sum(isinstance(one, OutOfStock) for _, one in market.outcomes) == 30
        assert await balances(db, [pool_id]) == [(0, 0)]
