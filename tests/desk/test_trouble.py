"""What may go wrong around a batch: the desk dies, an answer is lost, a bug, a lock that is not given, a ring of waits.

A request that was sent has one outcome, however often it is sent again under its key; or its sender is told by name
that the outcome is not known.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from lotse.domains.orders.contracts import NumberTaken, Placed
from lotse.domains.pools.contracts import ClaimRequest, Held, NotEnough
from lotse.kernel import runtime
from lotse.kernel.desk import socket as desk_socket
from lotse.kernel.desk.batch import Asked
from lotse.kernel.desk.desk import OutcomeUnknown, running
from lotse.kernel.desk.kinds import Draft, Kind, Registry, registry
from lotse.kernel.desk.socket import DeskClient, serve
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings
from tests.desk.desks import AT, answer, asked, balances, connected, holding, moving, new_key, ordering, sold, stocked


async def orders_of(db: Any, *numbers: str) -> int:
    async with db.reading() as conn:
        return await conn.raw.fetchval("select count(*) from orders.orders where number = any ($1)", list(numbers))


async def until_a_desk_waits(connection: asyncpg.Connection) -> None:
    """For the row that we have locked. A desk that is a process of its own must start first, on a busy machine."""
    async with asyncio.timeout(120):
        while not await connection.fetchval(
            "select exists (select from pg_locks join pg_stat_activity using (pid) where not granted"
            " and application_name = 'lotse desk' and datname = current_database())"
        ):
            # In a transaction the list of backends is as it was first asked for, and the desk may start later.
            await connection.execute("select pg_stat_clear_snapshot()")


@asynccontextmanager
async def holding_pool(dsn: str, pool_id: int) -> AsyncIterator[asyncpg.Connection]:
    """Somebody has locked the pool until the block ends."""
    connection = await asyncpg.connect(dsn)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select from pools.pools where id = $1 for update", pool_id)
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


# -- the desk's death, a lost answer


@pytest.fixture
def home() -> Iterator[Path]:
    """Not pytest's tmp_path: the path of a Unix socket may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="lotse-desk-") as folder:
        yield Path(folder)


@contextmanager
def desk_process(env: dict[str, str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A desk as a process of its own, killed when the block ends."""
    environment = {**env, "LOTSE_HOME": str(home), "LOTSE_LOG_LEVEL": "error"}
    process = subprocess.Popen([sys.executable, "-m", "lotse", "role", "desk"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_desk_that_is_killed_in_its_batch(env, dsn, db, desk, home, monkeypatch):
    """It dies while it waits for a lock; the next one answers the same request, and there is one order."""
    monkeypatch.setattr(desk_socket, "PATIENCE_SECONDS", 120.0)  # a process starts on a busy machine
    [pool_id] = await stocked(db, desk, 5)
    number = f"K-{new_key().key}"
    path = runtime.desk_socket(Settings.load({**env, "LOTSE_HOME": str(home)}))
    client = DeskClient(path)
    with desk_process(env, home) as first:
        async with holding_pool(dsn, pool_id) as blocker:
            request = ordering((2, [pool_id]), number=number)
            asking = asyncio.create_task(client.submit("place", request, Placed, key=new_key(), at=AT))
            await until_a_desk_waits(blocker)
            os.kill(first.pid, signal.SIGKILL)
    async with running(dsn) as second:
        serving = asyncio.create_task(serve(second, path))
        placed = await asking
        await client.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert placed.number == number
    assert await orders_of(db, number) == 1
    assert await balances(db, [pool_id]) == [(3, 0)]


class Lossy:
    """A socket in front of the desk's that cuts the line once, when the answer is on its way."""

    def __init__(self, desk: Path) -> None:
        self._desk = desk
        self.cut = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        desk_reader, desk_writer = await asyncio.open_unix_connection(self._desk)
        towards = asyncio.create_task(self._carry(reader, desk_writer))
        try:
            while data := await desk_reader.read(65536):
                if not self.cut:
                    self.cut += 1
                    break
                writer.write(data)
                await writer.drain()
        finally:
            towards.cancel()
            writer.close()
            desk_writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


async def test_an_answer_that_is_lost_is_given_again(db, dsn, home):
    """The order is committed, the line is cut before its answer; the client asks again by itself and gets it."""
    lossy = Lossy(home / "desk.sock")
    async with running(dsn) as desk:
        [pool_id] = await stocked(db, desk, 5)
        serving = asyncio.create_task(serve(desk, home / "desk.sock"))
        front = await asyncio.start_unix_server(lossy, path=home / "front.sock")
        client = DeskClient(home / "front.sock")
        number = f"L-{new_key().key}"
        placed = await client.submit("place", ordering((2, [pool_id]), number=number), Placed, key=new_key(), at=AT)
        await client.close()
        front.close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert lossy.cut == 1
    assert placed.number == number
    assert await orders_of(db, number) == 1
    assert await balances(db, [pool_id]) == [(3, 0)]


async def test_nobody_at_the_desk_is_an_unknown_outcome(home, monkeypatch):
    """Whoever asks is told so by name, with the key to ask again with."""
    monkeypatch.setattr(desk_socket, "PATIENCE_SECONDS", 0.0)
    client, key = DeskClient(home / "desk.sock"), new_key()
    with pytest.raises(OutcomeUnknown) as unknown:
        await client.submit("place", ordering((1, [1])), Placed, key=key, at=AT)
    assert (unknown.value.key, unknown.value.status) == (key.key, 503)
    await client.close()


async def test_a_connection_that_is_cut_at_the_commit_is_an_unknown_outcome(db, dsn, home):
    """Committed or not, the desk cannot know; with the same key it learns it, and there is one order."""
    async with running(dsn) as desk:
        [pool_id] = await stocked(db, desk, 5)
        request, key = ordering((1, [pool_id])), new_key()
        async with holding_pool(dsn, pool_id) as blocker:
            asking = asyncio.create_task(desk.submit("place", request, Placed, key=key, at=AT))
            await until_a_desk_waits(blocker)
            await blocker.execute(
                "select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid) where not granted"
                " and application_name = 'lotse desk' and datname = current_database()"
            )
            with pytest.raises(OutcomeUnknown) as unknown:
                await asking
        assert unknown.value.key == key.key
        placed = [await desk.submit("place", request, Placed, key=key, at=AT) for _ in range(2)]
    assert placed[0] == placed[1]
    assert await balances(db, [pool_id]) == [(4, 0)]


# -- a bug


def with_a_bug(kind: str) -> Registry:
    """The real kinds, one of which divides by zero where somebody orders 13 pieces."""
    real = registry().kinds[kind]

    def decide(draft: Draft, request: Any) -> Any:
        found = real.decide(draft, request)
        if request.lines[0].quantity == 13:
            raise ZeroDivisionError("a bug, after its rows were written into the draft")
        return found

    spoilt = Kind(kind, real.request, real.answer, locks=real.locks, decide=decide, draws=real.draws)
    return structs.replace(registry(), kinds={**registry().kinds, kind: spoilt})


@pytest.mark.parametrize("bug", ["in a decision", "in what it writes"])
async def test_only_the_guilty_one_fails(db, desk, dsn, bug):
    """The batch is replayed one by one: neighbours of all kinds get what they would have got without it."""
    first, second = await stocked(db, desk, 20, 3)
    known = with_a_bug("place") if bug == "in a decision" else registry()
    guilty = ordering((13, [first]))
    async with connected(dsn, known) as hand:
        if bug == "in what it writes":  # an order of this id is there already, which no decision looks at
            await hand.commit([Asked(known.kinds["place"], guilty, new_key(), AT)], AT)
            guilty = structs.replace(guilty, lines=ordering((2, [first])).lines)
        hold = holding((2, [second]))
        requests = [
            ("hold", hold),
            ("place", ordering((1, [first]))),
            ("place", guilty),
            ("place", ordering((2, [second]))),
            ("claim", ClaimRequest(hold.hold_id, sold())),
        ]
        batch = [Asked(known.kinds[kind], request, new_key(), AT) for kind, request in requests]
        before = await balances(db, [first])
        await hand.commit(batch, AT)
    assert isinstance(batch[2].failed, (ZeroDivisionError, asyncpg.UniqueViolationError))
    rest = [type(answer(one)).__name__ for one in batch if one is not batch[2]]
    assert rest == ["Held", "Placed", "OutOfStock", "Held"]
    assert await balances(db, [first, second]) == [(before[0][0] - 1, 0), (1, 0)]


async def test_a_refusal_by_a_constraint_costs_nobody(db, desk, dsn):
    """Two orders of one number in a batch: the second is refused by name, the others are placed."""
    [pool_id] = await stocked(db, desk, 9)
    number = f"C-{new_key().key}"
    numbers = [number, None, number, None]
    batch = [asked("place", ordering((1, [pool_id]), number=one)) for one in numbers]
    async with connected(dsn) as hand:
        await hand.commit(batch, AT)
    assert [type(answer(one)) for one in batch] == [Placed, Placed, NumberTaken, Placed]
    assert await balances(db, [pool_id]) == [(6, 0)]


# -- locks that are not given


TIMEOUTS = {
    "lock": ({"lock_timeout": 300, "statement_timeout": 20_000}, asyncpg.LockNotAvailableError),
    "statement": ({"lock_timeout": 20_000, "statement_timeout": 500}, asyncpg.QueryCanceledError),
}


@pytest.mark.parametrize(("limits", "error"), TIMEOUTS.values(), ids=TIMEOUTS)
async def test_a_lock_that_is_not_given_in_time(db, desk, dsn, limits, error):
    """Somebody sits on a pool: who needs it fails in time and may ask again; who does not need it is served."""
    taken, free = await stocked(db, desk, 5, 5)
    keys = [new_key(), new_key()]

    def batch() -> list[Asked]:
        return [asked("place", ordering((1, [pool])), key) for pool, key in zip((taken, free), keys, strict=True)]

    async with connected(dsn) as hand:
        await hand.commit([asked("place", ordering((1, [free])))], AT)  # what is learnt once has no place in the limit
        for name, milliseconds in limits.items():
            await hand._raw.execute(f"set {name} = {milliseconds}")  # pyright: ignore[reportPrivateUsage]
        async with holding_pool(dsn, taken):
            hindered = batch()
            await hand.commit(hindered, AT)
            assert isinstance(hindered[0].failed, error)
            assert isinstance(answer(hindered[1]), Placed)
        again = batch()
        await hand.commit(again, AT)
    assert isinstance(answer(again[0]), Placed)
    assert again[1].kept == hindered[1].kept
    assert await balances(db, [taken, free]) == [(4, 0), (3, 0)]


async def test_a_desk_says_that_it_does_not_know_when_a_lock_is_not_given(db, dsn, monkeypatch):
    """Over the desk it is a refusal with a name and the key, no bug."""
    monkeypatch.setattr("lotse.kernel.desk.desk.LOCK_TIMEOUT_MS", 200)
    async with running(dsn) as desk:
        [pool_id] = await stocked(db, desk, 5)
        key = new_key()
        async with holding_pool(dsn, pool_id):
            with pytest.raises(OutcomeUnknown):
                await desk.submit("place", ordering((1, [pool_id])), Placed, key=key, at=AT)
        assert isinstance(await desk.submit("place", ordering((1, [pool_id])), Placed, key=key, at=AT), Placed)
    assert await balances(db, [pool_id]) == [(4, 0)]


async def test_a_deadlock_with_somebody_else_is_tried_again(db, desk, dsn):
    """Desks cannot wait in a ring; somebody's SQL that locks pools the other way round can make one. It costs nothing
    but time: the desk notices it first (that is what its short deadlock_timeout is for here), and tries again."""
    low, high = await stocked(db, desk, 5, 5)
    batch = [asked("place", ordering((1, [low]), (1, [high]))), asked("hold", holding((1, [high]), (1, [low])))]
    async with connected(dsn, deadlock_timeout="1s", lock_timeout="60000") as hand:
        async with holding_pool(dsn, high) as other:
            # PostgreSQL looks once, this long after the wait began: the ring must be closed by then, and the other
            # must not look before the desk does.
            await other.execute("set deadlock_timeout = '30s'")
            committing = asyncio.create_task(hand.commit(batch, AT))
            await until_a_desk_waits(other)
            rings = asyncio.create_task(other.execute("select from pools.pools where id = $1 for update", low))
            await rings
        await committing
    assert [type(answer(one)) for one in batch] == [Placed, Held]
    assert await balances(db, [low, high]) == [(4, 1), (4, 1)]


async def test_a_natural_key_is_not_used_up_by_a_refusal(db, desk, dsn):
    """The same sale under its natural key gets in once its reason is mended; after that it is answered, for ever."""
    [pool_id] = await stocked(db, desk, 1)
    key = new_key(natural=True)
    async with connected(dsn) as hand:
        outcomes: list[Any] = []
        for _ in range(3):
            one = asked("hold", holding((2, [pool_id]), hard=True), key)
            await hand.commit([one], AT)
            outcomes.append(answer(one))
            if isinstance(outcomes[-1], Refusal):
                await stocked_more(desk, pool_id)
    assert isinstance(outcomes[0], NotEnough)
    assert isinstance(outcomes[1], Held)
    assert outcomes[2] == outcomes[1]


async def stocked_more(desk: Any, pool_id: int) -> None:
    receive = registry().kinds["receive"]
    await desk.submit("receive", moving("receipt", (pool_id, 5)), receive.answer, key=new_key(), at=AT)
