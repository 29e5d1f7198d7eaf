"""What the desk decides in batches is what one clerk decides one by one: answers, refusals, balances, movements.

Hypothesis draws requests of all kinds that take or give quantities, groups them into batches, lets time pass between
them, and sends some under a key that was used before. Every outcome is compared with `naive`, and so is the database
at the end; then `lotse check` must agree with itself.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lotse.domains.inventory.contracts import Moved
from lotse.domains.orders.contracts import OutOfStock, Placed
from lotse.domains.pools import desk as pools_desk
from lotse.domains.pools.commands import open_pools, sweep
from lotse.domains.pools.contracts import ClaimRequest, Held, Limits, ReleaseRequest, SecureRequest
from lotse.domains.pools.queries import hold as read_hold
from lotse.kernel import check
from lotse.kernel.desk.batch import Asked
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal
from tests.desk.desks import AT, answer, asked, connected, holding, moving, ordering, sold
from tests.desk.naive import Naive

# Small, so that sequences of a dozen requests meet them; and out of the way, where something else is looked for.
SMALL = Limits(holds=3, units=12, share_percent=50, floor=4)
WIDE = Limits(holds=20, units=200, share_percent=100, floor=20)
UNKNOWN_POOL = 2**60

quantity = st.integers(1, 4)
# Three pools; the fourth does not exist.
pool = st.sampled_from([0, 0, 0, 1, 1, 2, 2, 3]) | st.integers(0, 2)
sources = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True)
wants = st.lists(st.tuples(quantity, sources), min_size=1, max_size=3)
which = st.integers(0, 5)
minutes = st.integers(1, 4)
# What breaks holds takes much at a time.
much = st.integers(1, 9)
losses = st.lists(st.tuples(st.integers(0, 2), much.map(lambda n: -n)), min_size=1, max_size=2)
changes = st.lists(st.tuples(st.integers(0, 2), st.integers(-4, -1) | quantity), min_size=1, max_size=3)
sale = st.lists(st.tuples(much, sources), min_size=1, max_size=3)
guests = st.tuples(
    st.just("hold"), st.sampled_from("ab"), st.sampled_from(["", "", "o"]), st.booleans(), minutes, wants
)
customers = st.tuples(st.just("hold"), st.sampled_from("abc"), st.just(""), st.just(False), minutes, wants)
operation = st.one_of(
    guests,
    customers,
    st.tuples(st.just("secure"), which, minutes),
    st.tuples(st.just("claim"), which),
    st.tuples(st.just("claim"), which),
    st.tuples(st.just("release"), which),
    st.tuples(st.just("place"), wants),
    st.tuples(st.just("sell"), sale),
    st.tuples(st.just("receive"), st.lists(st.tuples(pool, quantity), min_size=1, max_size=2)),
    st.tuples(st.just("adjust"), changes | losses),
    st.tuples(st.just("transfer"), st.integers(0, 2), quantity, st.integers(0, 2)),
)


def keyed(operation: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """With a key of its own, or an earlier request's: with its body (asked again) or with this one (a mistake)."""
    return st.tuples(operation, st.sampled_from(["own"] * 8 + ["again", "other"]), st.integers(0, 11))


def in_batches(operation: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Batches of requests, each so many minutes after the one before."""
    return st.lists(
        st.tuples(st.integers(0, 2), st.lists(keyed(operation), min_size=1, max_size=6)), min_size=1, max_size=5
    )


def opened_with(operation: st.SearchStrategy[Any], least: int) -> st.SearchStrategy[Any]:
    """Most of what can go wrong needs holds to go wrong with."""
    return st.lists(st.tuples(operation, st.just("own"), st.just(0)), min_size=least, max_size=6)


# Many small holds of one pool or two, and stock that turns out to be less.
small_wants = st.lists(st.tuples(st.integers(1, 2), st.sampled_from([[0], [0], [1]])), min_size=1, max_size=2)
small_hold = st.tuples(
    st.just("hold"), st.sampled_from("ab"), st.just(""), st.booleans(), st.integers(1, 9), small_wants
)
small_loss = st.lists(st.tuples(st.sampled_from([0, 0, 1]), st.integers(-4, -1)), min_size=1, max_size=1)
breaking = st.one_of(
    st.tuples(st.just("adjust"), small_loss),
    st.tuples(
        st.just("sell"), st.lists(st.tuples(st.integers(1, 4), st.sampled_from([[0], [1]])), min_size=1, max_size=2)
    ),
    small_hold,
    st.tuples(st.just("claim"), which),
    st.tuples(st.just("secure"), which, minutes),
    st.tuples(st.just("receive"), st.lists(st.tuples(st.integers(0, 1), st.integers(1, 2)), min_size=1, max_size=1)),
)
# Few holders who hold and end and hold again.
greedy = st.tuples(
    st.just("hold"),
    st.just("a"),
    st.sampled_from(["", "o"]),
    st.just(False),
    minutes,
    st.lists(st.tuples(quantity, st.just([0, 1])), min_size=1, max_size=1),
)
ending = st.one_of(
    greedy,
    greedy,
    st.tuples(st.sampled_from(["claim", "release"]), which),
    st.tuples(st.just("secure"), which, minutes),
)


class World:
    """The same requests for both sides."""

    def __init__(self, pools: list[int], limits: Limits) -> None:
        self.pools = [*pools, UNKNOWN_POOL]
        self.naive = Naive(AT, limits.holds, limits.units, limits.share_percent, limits.floor)
        self.naive.open(pools)
        self.now = AT
        self.holds: list[UUID] = []
        self.sent: list[tuple[str, str, Asked, Any]] = []
        # Holders and origins of this example only: the limits of others are none of its business.
        self.run = str(uuid7())

    def request(self, operation: tuple[Any, ...]) -> tuple[Asked, Any]:
        """A request for the desk, and what the naive clerk does for it."""
        kind, *told = operation
        make = getattr(self, f"_{kind}")
        request, decide = make(*told)
        return asked(kind, request), decide

    def _named(self, wants: list[tuple[int, list[int]]]) -> list[tuple[int, list[int]]]:
        return [(quantity, [self.pools[index] for index in indexes]) for quantity, indexes in wants]

    def _which(self, index: int) -> UUID:
        return self.holds[index % len(self.holds)] if self.holds else UUID(int=7)

    def _hold(self, holder: str, origin: str, hard: bool, minutes: int, wants: Any):
        named, until = self._named(wants), self.now + timedelta(minutes=minutes)
        holder, origin = f"{self.run}:{holder}", origin and f"{self.run}:{origin}"
        request = holding(*named, holder=holder, origin=origin, hard=hard, expires_at=until)
        self.holds.append(request.hold_id)
        return request, lambda: self.naive.hold(request.hold_id, holder, origin, hard, until, named)

    def _secure(self, index: int, minutes: int):
        id, until = self._which(index), self.now + timedelta(minutes=minutes)
        return SecureRequest(id, until), lambda: self.naive.secure(id, until)

    def _claim(self, index: int):
        id = self._which(index)
        return ClaimRequest(id, sold()), lambda: self.naive.claim(id)

    def _release(self, index: int):
        id = self._which(index)
        return ReleaseRequest(id), lambda: self.naive.release(id)

    def _place(self, wants: Any):
        named = self._named(wants)
        return ordering(*named), lambda: self.naive.place(named)

    def _sell(self, wants: Any):
        named = self._named(wants)
        return ordering(*named, settled="till"), lambda: self.naive.sell(named)

    def _receive(self, changes: Any):
        named = [(self.pools[index], delta) for index, delta in changes]
        return moving("receipt", *named), lambda: self.naive.receive(named)

    def _adjust(self, changes: Any):
        named = [(self.pools[index], delta) for index, delta in changes]
        return moving("adjustment", *named), lambda: self.naive.adjust(named)

    def _transfer(self, source: int, quantity: int, target: int):
        named = [(self.pools[source], -quantity), (self.pools[target], quantity)]
        return moving("transfer", *named), lambda: self.naive.transfer(named)


def outcome(given: Any) -> Any:
    """An answer or a refusal in the words of the naive model."""
    match given:
        case Held():
            return ("ok", given.state, tuple(sorted((line.pool_id, line.quantity, line.live) for line in given.lines)))
        case Placed():
            return ("ok", given.gross_minor)
        case Moved():
            return ("ok", given.on_hand)
        case OutOfStock():
            return (given.code, {"lines": [(line.position, line.wanted, line.available) for line in given.lines]})
        case Refusal():
            return (given.code, given.facts())
    raise AssertionError(given)


def plain(expected: Any) -> Any:
    """The model's facts as a refusal tells them: times as text."""
    if expected[0] == "ok":
        return expected
    facts = {
        name: value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value
        for name, value in expected[1].items()
    }
    return (expected[0], facts)


@pytest.fixture(scope="module")
async def batches_on(anyio_backend, dsn):
    async with connected(dsn) as batches:
        yield batches


MANY = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
stock_of_three = st.lists(st.integers(0, 12), min_size=3, max_size=3)


@MANY
@given(initial=stock_of_three, opening=opened_with(guests | customers, 0), drawn=in_batches(operation))
async def test_anything_is_decided_as_one_clerk_would(db, batches_on, monkeypatch, initial, opening, drawn):
    await _decide_both(db, batches_on, monkeypatch, SMALL, initial, opening, drawn)


@MANY
@given(opening=opened_with(small_hold, 4), drawn=in_batches(breaking))
async def test_holds_break_as_one_clerk_would_break_them(db, batches_on, monkeypatch, opening, drawn):
    await _decide_both(db, batches_on, monkeypatch, WIDE, [9, 6, 0], opening, drawn)


@MANY
@given(opening=opened_with(greedy, 2), drawn=in_batches(ending))
async def test_limits_are_kept_as_one_clerk_would_keep_them(db, batches_on, monkeypatch, opening, drawn):
    await _decide_both(db, batches_on, monkeypatch, SMALL, [30, 12, 0], opening, drawn)


async def _decide_both(db, batches_on, monkeypatch, limits, initial, opening, drawn) -> None:
    monkeypatch.setattr(pools_desk, "limits", lambda: limits)
    async with db.transaction() as tx:
        world = World(await open_pools(tx, count=3), limits)
    stock = [(index, units) for index, units in enumerate(initial) if units]
    first = [(("receive", stock), "own", 0)] if stock else []
    for advance, requests in [(0, first), (0, opening), *drawn]:
        world.now += timedelta(minutes=advance)
        world.naive.pass_time(world.now)
        batch, expected = [], []
        for operation, keyed_as, index in requests:
            one, decide = world.request(operation)
            name, body = one.key.key, "own"
            if keyed_as != "own" and world.sent:
                name, body, before, decide_before = world.sent[index % len(world.sent)]
                if keyed_as == "again":
                    one, decide = before, decide_before
                else:
                    body = str(uuid7())
            else:
                world.sent.append((name, body, one, decide))
            batch.append(Asked(one.kind, one.request, key_for("test", name, body), one.at))
            expected.append(plain(world.naive.ask(name, body, decide)))
        if batch:
            await batches_on.commit(batch, world.now)
        found = [outcome(answer(one)) for one in batch]
        assert found == expected
        for one in found:
            event(str(one[0]))
    if world.naive.broken:
        event("holds broke")
    await _compare(db, world)


async def _compare(db, world: World) -> None:
    pools = world.pools[:3]
    naive = world.naive
    async with db.transaction() as tx:
        await sweep(tx, pool_ids=pools, at=world.now)
    async with db.reading() as conn:
        balances = await conn.raw.fetch("select id, on_hand, held from pools.pools where id = any ($1)", pools)
        moved = await conn.raw.fetch(
            "select pool_id, reason, delta from pools.movements where pool_id = any ($1) order by id", pools
        )
        told = await conn.raw.fetch(
            "select payload from kernel.events where type = 'pools.HoldBroken' and key = any ($1)",
            [str(id) for id in naive.holds],
        )
        holds = {id: await read_hold(conn, hold_id=id) for id in world.holds}
    assert {row["id"]: (row["on_hand"], row["held"]) for row in balances} == {
        pool: (naive.on_hand[pool], naive.held()[pool]) for pool in pools
    }
    movements: dict[int, list[tuple[str, int]]] = {pool: [] for pool in pools}
    for row in moved:
        movements[row["pool_id"]].append((row["reason"], row["delta"]))
    assert movements == naive.movements
    broken = [(UUID(p["hold_id"]), p["pool_id"], p["quantity"]) for p in (row["payload"] for row in told)]
    assert sorted(broken) == sorted(naive.broken)
    assert {id: hold and (hold.state, hold.firmness) for id, hold in holds.items()} == {
        id: (naive.holds[id].told(), "hard" if naive.holds[id].hard else "soft") if id in naive.holds else None
        for id in world.holds
    }


async def test_what_is_kept_twice_agrees(db):
    """After all these sequences: balances, holds, limits, orders, payments, ledger and events agree."""
    found = [one for one in await check.run(db) if one.domain in ("pools", "orders", "payments", "ledger")]
    # These sequences record at a time of their own, which lies behind what a minute's job of another test has summed.
    assert [str(one) for one in found if (one.domain, one.check) != ("ledger", "sums")] == []
