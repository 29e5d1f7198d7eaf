"""The desk: batches, refusals, idempotency across desks, and what happens when something fails that is no refusal."""

import asyncio
from datetime import UTC, datetime
from typing import TypeVar

import asyncpg
import pytest
from msgspec import Struct

from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import desk as desk_module
from lotse.kernel.desk.batch import Asked, Batches
from lotse.kernel.desk.desk import InProcessDesk, OutcomeUnknown
from lotse.kernel.desk.kinds import Draft, Kind, Lock, Registry, registry
from lotse.kernel.desk.socket import DeskClient, serve
from lotse.kernel.idempotency import Key, KeyReused, decode, key_for, once, recall, take
from lotse.kernel.refusals import Refusal
from lotse.kernel.rows import Writer
from lotse.kernel.sql import parse

A = TypeVar("A", bound=Struct)
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
TALLY = parse(
    "test",
    """
-- name: lock
select id, left_over from tallies where id = any (:ids::bigint[]) order by id for no key update
-- name: write
update tallies set left_over = given.left_over from unnest(:id::bigint[], :left_over::bigint[]) as given (id, left_over)
where tallies.id = given.id
""",
)


class TallyGone(Refusal, status=409, title="Nothing left"):
    left: int


class Take(Struct, frozen=True):
    id: int
    quantity: int


class Left(Struct, frozen=True):
    left: int


class TallyRow(Struct, frozen=True):
    id: int
    left_over: int


def _writer() -> Writer[TallyRow]:
    writer = object.__new__(Writer)
    writer.statement, writer.row, writer.fields = TALLY["write"], TallyRow, ("id", "left_over")
    writer.composite = False
    return writer


TALLIES = Lock("tallies", TALLY["lock"], TallyRow)
WRITE = _writer()


def _take(draft: Draft, request: Take) -> Left:
    row = draft.get(TALLIES, request.id)
    assert row is not None
    if request.quantity == 666:
        raise ZeroDivisionError("a bug in a decision")
    if row.left_over < request.quantity:
        raise TallyGone(left=row.left_over)
    left = row.left_over - request.quantity
    draft.put(TALLIES, request.id, TallyRow(request.id, left))
    draft.add(WRITE, TallyRow(request.id, left))
    return Left(left)


TAKE = Kind("take", Take, Left, locks=lambda request: {TALLIES: (request.id,)}, decide=_take)
KNOWN = Registry({"take": TAKE}, (TALLIES,), ())


class Bench:
    """Desks over one table of tallies. One request per batch and tally: the writer takes each row once."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    async def connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.dsn)

    async def batches(self) -> Batches:
        return Batches(await self.connect(), KNOWN)


@pytest.fixture(scope="module")
async def bench(databases, anyio_backend) -> Bench:
    bench = Bench(databases.migrated())
    connection = await bench.connect()
    await connection.execute("create table tallies (id bigint primary key, left_over bigint check (left_over >= 0))")
    await connection.execute("insert into tallies select n, 10 from generate_series(1, 100) as n")
    await connection.close()
    return bench


def _asked(id: int, quantity: int, key: Key) -> Asked:
    return Asked(TAKE, Take(id, quantity), key, AT)


def _key(fresh, body: object = "x", *, natural: bool = False) -> Key:
    return key_for("test", fresh.text(), body, natural=natural)


def _answer(asked: Asked, answer: type[A]) -> A:
    assert asked.kept is not None
    return decode(asked.kept, answer)


async def _left(bench: Bench, id: int) -> int:
    connection = await bench.connect()
    try:
        return await connection.fetchval("select left_over from tallies where id = $1", id)
    finally:
        await connection.close()


async def test_a_refusal_costs_its_neighbours_nothing(bench, fresh):
    batch = [_asked(1, 3, _key(fresh)), _asked(2, 11, _key(fresh)), _asked(3, 4, _key(fresh))]
    await (await bench.batches()).commit(batch, AT)
    assert _answer(batch[0], Left) == Left(7)
    with pytest.raises(TallyGone) as refused:
        _answer(batch[1], Left)
    assert refused.value.left == 10
    assert _answer(batch[2], Left) == Left(6)
    assert [await _left(bench, id) for id in (1, 2, 3)] == [7, 10, 6]


async def test_requests_are_decided_in_arrival_order_over_each_other(bench, fresh):
    """The second of two takes sees what the first left, and a refused one leaves nothing for the third."""
    keys = [_key(fresh) for _ in range(3)]
    batches = await bench.batches()
    await batches.commit([_asked(4, 6, keys[0])], AT)
    later = [_asked(4, 5, keys[1]), _asked(4, 4, keys[2])]
    await batches.commit(later, AT)
    with pytest.raises(TallyGone):
        _answer(later[0], Left)
    assert _answer(later[1], Left) == Left(0)


async def test_the_same_key_answers_the_same_again(bench, fresh):
    key = _key(fresh)
    first, again = _asked(5, 2, key), _asked(5, 2, key)
    batches = await bench.batches()
    await batches.commit([first], AT)
    await batches.commit([again], AT)
    assert _answer(first, Left) == _answer(again, Left) == Left(8)
    assert await _left(bench, 5) == 8


async def test_a_refusal_is_remembered_like_an_answer(bench, fresh):
    key = _key(fresh)
    batches = await bench.batches()
    for quantity in (50, 50):
        asked = _asked(6, quantity, key)
        await batches.commit([asked], AT)
        with pytest.raises(TallyGone):
            _answer(asked, Left)


async def test_a_natural_key_survives_a_refusal(bench, fresh):
    """The paid till sale that was refused must get in once its stock is mended."""
    key = _key(fresh, natural=True)
    batches = await bench.batches()
    refused = _asked(7, 50, key)
    await batches.commit([refused], AT)
    with pytest.raises(TallyGone):
        _answer(refused, Left)
    accepted = _asked(7, 5, key)
    await batches.commit([accepted], AT)
    assert _answer(accepted, Left) == Left(5)


async def test_the_same_key_with_another_body_is_refused_and_keeps_its_answer(bench, fresh):
    name = fresh.text()
    batches = await bench.batches()
    first = _asked(8, 1, key_for("test", name, "one"))
    other = _asked(8, 2, key_for("test", name, "two"))
    await batches.commit([first], AT)
    await batches.commit([other], AT)
    with pytest.raises(KeyReused):
        _answer(other, Left)
    again = _asked(8, 1, key_for("test", name, "one"))
    await batches.commit([again], AT)
    assert _answer(again, Left) == Left(9)


@pytest.mark.parametrize(("second_body", "refused"), [("one", False), ("two", True)])
async def test_one_key_twice_in_one_batch(bench, fresh, second_body, refused):
    id, name = (9, fresh.text()) if refused else (10, fresh.text())
    pair = [_asked(id, 1, key_for("test", name, "one")), _asked(id, 1, key_for("test", name, second_body))]
    await (await bench.batches()).commit(pair, AT)
    assert _answer(pair[0], Left) == Left(9)
    if refused:
        with pytest.raises(KeyReused):
            _answer(pair[1], Left)
    else:
        assert _answer(pair[1], Left) == Left(9)
    assert await _left(bench, id) == 9
    again = _asked(id, 1, key_for("test", name, "one"))
    await (await bench.batches()).commit([again], AT)
    assert _answer(again, Left) == Left(9)  # the key is kept with the body that was done


async def test_one_key_with_two_bodies_after_its_answer(bench, fresh):
    """Two requests of one batch find a key that was answered before: each is judged by its own body."""
    name = fresh.text()
    batches = await bench.batches()
    await batches.commit([_asked(60, 1, key_for("test", name, "one"))], AT)
    pair = [_asked(60, 1, key_for("test", name, "one")), _asked(60, 1, key_for("test", name, "two"))]
    for order in (pair, pair[::-1]):
        await batches.commit(order, AT)
        assert _answer(pair[0], Left) == Left(9)
        with pytest.raises(KeyReused):
            _answer(pair[1], Left)


async def test_one_key_in_two_concurrent_batches_is_done_once(bench, fresh):
    """The control shows that both batches are under way at once: the second waits for the first one's key."""
    key = _key(fresh)
    holder = await bench.connect()
    async with holder.transaction():
        ours = await take(Transaction(holder), [key], at=AT)
        assert ours == {}  # the first batch has the key and has not committed
        second = _asked(11, 1, key)
        waiting = asyncio.create_task((await bench.batches()).commit([second], AT))
        await _until_somebody_waits(bench)
        assert not waiting.done()
        await holder.execute(
            "update kernel.idempotency set answer = $1 where key = $2", b"\x92\xc3\x81\xa4left\x2a", key.key
        )
    await waiting
    assert _answer(second, Left) == Left(42)
    assert await _left(bench, 11) == 10
    await holder.close()


async def test_one_key_at_two_desks_many_times(bench, fresh):
    """Thirty requests of one key on three desks: one is decided, all get its answer."""
    key = _key(fresh)
    desks = [await bench.batches() for _ in range(3)]
    asked = [_asked(12, 1, key) for _ in range(30)]
    groups = [asked[n::3] for n in range(3)]
    await asyncio.gather(*(desk.commit(group, AT) for desk, group in zip(desks, groups, strict=True)))
    assert {_answer(one, Left) for one in asked} == {Left(9)}
    assert await _left(bench, 12) == 9


async def test_a_bug_is_replayed_alone_and_takes_nobody_with_it(bench, fresh):
    batch = [_asked(13, 1, _key(fresh)), _asked(14, 666, _key(fresh)), _asked(15, 1, _key(fresh))]
    await (await bench.batches()).commit(batch, AT)
    assert _answer(batch[0], Left) == Left(9)
    assert isinstance(batch[1].failed, ZeroDivisionError)
    assert batch[1].kept is None
    assert _answer(batch[2], Left) == Left(9)
    assert [await _left(bench, id) for id in (13, 14, 15)] == [9, 10, 9]


async def test_answers_after_the_commit(bench, fresh):
    """While the batch waits for a lock nobody has an answer; once it is committed everybody can see it."""
    blocker = await bench.connect()
    await blocker.execute("begin; select from tallies where id = 16 for update")
    desk = InProcessDesk(bench.dsn, KNOWN)
    running = asyncio.create_task(desk.run())
    answer = asyncio.create_task(desk.submit("take", Take(16, 1), Left, key=_key(fresh), at=AT))
    await _until_somebody_waits(bench)
    assert not answer.done()
    await blocker.execute("rollback")
    assert await answer == Left(9)
    assert await _left(bench, 16) == 9
    running.cancel()
    await blocker.close()


async def test_a_desk_whose_connection_is_cut_says_that_it_does_not_know_and_goes_on(bench, fresh):
    desk = InProcessDesk(bench.dsn, KNOWN)
    running = asyncio.create_task(desk.run())
    blocker = await bench.connect()
    await blocker.execute("begin; select from tallies where id = 17 for update")
    key = _key(fresh)
    answer = asyncio.create_task(desk.submit("take", Take(17, 1), Left, key=key, at=AT))
    await _until_somebody_waits(bench)
    await blocker.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'lotse desk' and datname = current_database()"
    )
    with pytest.raises(OutcomeUnknown) as unknown:
        await answer
    assert unknown.value.key == key.key
    await blocker.execute("rollback")
    assert await desk.submit("take", Take(17, 1), Left, key=key, at=AT) == Left(9)
    running.cancel()
    await blocker.close()


async def test_a_connection_that_could_not_be_prepared_is_not_kept(bench, fresh, monkeypatch):
    """Kept, it would answer every later batch from the connection before it, which is closed."""
    desk = InProcessDesk(bench.dsn, KNOWN)
    running = asyncio.create_task(desk.run())
    prepare, failures = desk_module.prepare_connection, [asyncpg.QueryCanceledError("too slow")]

    async def prepared(raw: asyncpg.Connection) -> None:
        if failures:
            raise failures.pop()
        await prepare(raw)

    monkeypatch.setattr(desk_module, "prepare_connection", prepared)
    key = _key(fresh)
    with pytest.raises(OutcomeUnknown):
        await desk.submit("take", Take(18, 1), Left, key=key, at=AT)
    assert await desk.submit("take", Take(18, 1), Left, key=key, at=AT) == Left(9)
    running.cancel()


async def test_over_the_socket(bench, fresh, tmp_path):
    """Many at once, refusals with their facts, and a client that outlives the desk's restart with its key."""
    path = tmp_path / "desk.sock"
    desk = InProcessDesk(bench.dsn, KNOWN)
    running, serving = asyncio.create_task(desk.run()), asyncio.create_task(serve(desk, path))
    client = DeskClient(path)
    answers = await asyncio.gather(
        *(client.submit("take", Take(id, 1), Left, key=_key(fresh), at=AT) for id in range(20, 60))
    )
    assert set(answers) == {Left(9)}
    with pytest.raises(TallyGone) as refused:
        await client.submit("take", Take(20, 50), Left, key=_key(fresh), at=AT)
    assert refused.value.left == 9
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        await client.submit("take", Take(21, 666), Left, key=_key(fresh), at=AT)

    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    path.unlink(missing_ok=True)
    later = asyncio.create_task(client.submit("take", Take(22, 1), Left, key=_key(fresh), at=AT))
    serving = asyncio.create_task(serve(desk, path))
    assert await later == Left(8)
    await client.close()
    serving.cancel()
    running.cancel()


async def test_once_does_a_command_once_and_remembers_its_refusal(db: Database, fresh):
    runs: list[int] = []

    async def run(tx: Transaction) -> Left:
        runs.append(1)
        return Left(1)

    async def refuse(tx: Transaction) -> Left:
        runs.append(1)
        raise TallyGone(left=0)

    key = _key(fresh)
    assert await once(db, key, Left, run, at=AT) == await once(db, key, Left, run, at=AT) == Left(1)
    assert len(runs) == 1
    with pytest.raises(KeyReused):
        await once(db, key_for("test", key.key, "other"), Left, run, at=AT)
    refused = _key(fresh)
    for _ in range(2):
        with pytest.raises(TallyGone):
            await once(db, refused, Left, refuse, at=AT)
    assert len(runs) == 2
    async with db.reading() as conn:
        assert await recall(conn, key, Left) == Left(1)
        assert await recall(conn, _key(fresh), Left) is None


async def test_a_key_is_forgotten_after_a_week_unless_it_is_natural(db: Database, fresh):
    late = datetime(2026, 11, 29, tzinfo=UTC)
    for natural, runs_again in ((False, True), (True, False)):
        runs: list[int] = []

        async def run(tx: Transaction, runs: list[int] = runs) -> Left:
            runs.append(1)
            return Left(len(runs))

        key = _key(fresh, natural=natural)
        await once(db, key, Left, run, at=AT)
        await once(db, key, Left, run, at=late)
        assert (len(runs) == 2) is runs_again


def test_every_domain_registers_its_kinds():
    assert {"hold", "claim", "release", "place", "amend", "credit", "receive", "adjust", "transfer", "checkout"} <= set(
        registry().kinds
    )
    names = [lock.name for lock in registry().locks]
    assert names.index("checkout.baskets") < names.index("orders.orders") < names.index("pools.pools")


async def _until_somebody_waits(bench: Bench) -> None:
    watcher = await bench.connect()
    try:
        async with asyncio.timeout(10):
            while not await watcher.fetchval(
                "select exists (select from pg_locks as l join pg_stat_activity as a using (pid)"
                " where not l.granted and a.datname = current_database())"
            ):
                pass  # the question itself gives the others their turn
    finally:
        await watcher.close()
