"""Stock found to be less than is held breaks holds; soft holds are limited per holder; what is over is forgotten.

Times are the test's own: each batch is committed at a moment that it names.
"""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from structlog.testing import capture_logs

from lotse.domains.pools.commands import sweep
from lotse.domains.pools.contracts import (
    ClaimRequest,
    Held,
    HoldEnded,
    HoldUnknown,
    NotEnough,
    ReleaseRequest,
    SecureRequest,
    TooManyHolds,
)
from lotse.domains.pools.desk import limits
from lotse.domains.pools.jobs import forget
from lotse.domains.pools.queries import READS
from lotse.domains.pools.queries import hold as read_hold
from lotse.domains.pools.rules import ORIGIN_HOLDS, for_origin, origin_of
from lotse.kernel import clock
from lotse.kernel.ids import uuid7, uuid7_floor
from tests.desk.desks import AT, SOON, answer, asked, balances, connected, holding, moving, ordering, sold, stocked

LATER = AT + timedelta(days=1)


@pytest.fixture
async def commit(anyio_backend, dsn):
    """Requests (kind, request) in one batch; their answers and refusals."""
    async with connected(dsn) as hand:

        async def together(*requests, now=AT):
            batch = [asked(kind, request) for kind, request in requests]
            await hand.commit(batch, now)
            return [answer(one) for one in batch]

        yield together


async def state(db, hold_id: UUID) -> str:
    async with db.reading() as conn:
        found = await read_hold(conn, hold_id=hold_id)
    assert found is not None
    return found.state


async def told(db, *hold_ids: UUID) -> dict[UUID, int]:
    """How much of each hold was reported as broken."""
    async with db.reading() as conn:
        rows = await conn.raw.fetch(
            "select payload from kernel.events where type = 'pools.HoldBroken' and key = any ($1)",
            [str(id) for id in hold_ids],
        )
    return {UUID(row["payload"]["hold_id"]): row["payload"]["quantity"] for row in rows}


# -- breaking


async def test_the_newest_soft_holds_break_first_and_hard_ones_last(db, desk, commit):
    [pool_id] = await stocked(db, desk, 8)
    oldest, hard, newest = (holding((2, [pool_id]), hard=n == 1) for n in range(3))
    last = holding((2, [pool_id]), hard=True)
    await commit(*(("hold", one) for one in (oldest, hard, newest, last)))
    holds = [one.hold_id for one in (oldest, hard, newest, last)]
    for loss, broken in ((1, {newest}), (2, {newest, oldest}), (2, {newest, oldest, last})):
        await commit(("adjust", moving("adjustment", (pool_id, -loss))))
        assert set(await told(db, *holds)) == {one.hold_id for one in broken}
    assert await balances(db, [pool_id]) == [(3, 2)]
    assert [await state(db, id) for id in holds] == ["broken", "held", "broken", "broken"]


async def test_no_more_breaks_than_must(db, desk, commit):
    [pool_id] = await stocked(db, desk, 8)
    first, second = holding((3, [pool_id])), holding((3, [pool_id]))
    await commit(("hold", first), ("hold", second))
    await commit(("adjust", moving("adjustment", (pool_id, -2))))
    assert await told(db, first.hold_id, second.hold_id) == {}
    assert await balances(db, [pool_id]) == [(6, 6)]


async def test_the_rest_of_a_broken_hold_stays_held(db, desk, commit):
    """Only the line is broken whose pool has less; the others are still the holder's, who may claim in time."""
    here, there = await stocked(db, desk, 2, 2)
    one = holding((2, [here]), (2, [there]))
    await commit(("hold", one), ("adjust", moving("adjustment", (here, -1))))
    assert await balances(db, [here, there]) == [(1, 0), (2, 2)]
    assert await told(db, one.hold_id) == {one.hold_id: 2}
    assert await state(db, one.hold_id) == "broken"
    [refused] = await commit(("claim", ClaimRequest(one.hold_id, sold())))
    assert refused == HoldEnded(hold_id=one.hold_id, state="broken")
    found, claimed = await commit(
        ("receive", moving("receipt", (here, 1))), ("claim", ClaimRequest(one.hold_id, sold()))
    )
    assert isinstance(claimed, Held), found
    assert await balances(db, [here, there]) == [(0, 0), (0, 0)]
    assert await state(db, one.hold_id) == "claimed"


async def test_a_broken_hold_can_be_given_back(db, desk, commit):
    here, there = await stocked(db, desk, 2, 2)
    one = holding((2, [here]), (2, [there]))
    await commit(("hold", one), ("adjust", moving("adjustment", (here, -2))))
    await commit(("release", ReleaseRequest(one.hold_id)))
    assert await balances(db, [here, there]) == [(0, 0), (2, 0)]
    assert await state(db, one.hold_id) == "released"


async def test_a_hold_that_expired_goes_back_and_is_not_broken(db, desk, commit):
    """Nobody is told that something broke which was over anyway."""
    [pool_id] = await stocked(db, desk, 4)
    over, still = holding((2, [pool_id])), holding((2, [pool_id]), expires_at=LATER + SOON)
    await commit(("hold", still), ("hold", over))
    await commit(("adjust", moving("adjustment", (pool_id, -2))), now=LATER)
    assert await balances(db, [pool_id]) == [(2, 2)]
    assert await told(db, over.hold_id, still.hold_id) == {}
    assert [await state(db, one.hold_id) for one in (over, still)] == ["expired", "held"]


async def test_a_secured_hold_is_hard_and_lasts(db, desk, commit):
    """Paid for: it breaks after those that are not, and lives on when its first time is over."""
    [pool_id] = await stocked(db, desk, 4)
    paid, other = holding((2, [pool_id])), holding((2, [pool_id]), expires_at=LATER + SOON)
    await commit(("hold", other), ("hold", paid))
    [kept] = await commit(("secure", SecureRequest(paid.hold_id, LATER + SOON)))
    assert (kept.state, kept.expires_at) == ("held", LATER + SOON)
    await commit(("adjust", moving("adjustment", (pool_id, -1))), now=LATER)
    assert [await state(db, one.hold_id) for one in (other, paid)] == ["broken", "held"]
    assert await balances(db, [pool_id]) == [(3, 2)]


async def test_securing_late_holds_again_what_is_still_there(db, desk, commit):
    [pool_id] = await stocked(db, desk, 3)
    late, other = holding((2, [pool_id])), holding((2, [pool_id]), expires_at=LATER + SOON)
    await commit(("hold", late))
    [again] = await commit(("secure", SecureRequest(late.hold_id, LATER + SOON)), now=LATER)
    assert again.state == "held"
    assert await balances(db, [pool_id]) == [(3, 2)]
    [refused] = await commit(("hold", other), now=LATER)
    assert isinstance(refused, NotEnough)


async def test_who_comes_first_in_a_batch_that_breaks(db, desk, commit):
    """A claim before the loss has its goods; after it, it is told that its hold broke."""
    [pool_id] = await stocked(db, desk, 2)
    one = holding((2, [pool_id]))
    await commit(("hold", one))
    claim, loss = ("claim", ClaimRequest(one.hold_id, sold())), ("adjust", moving("adjustment", (pool_id, -2)))
    refused = await commit(loss, claim)
    assert refused[1] == HoldEnded(hold_id=one.hold_id, state="broken")
    await commit(("receive", moving("receipt", (pool_id, 2))))
    claimed, short = await commit(claim, ("adjust", moving("adjustment", (pool_id, -2))))
    assert isinstance(claimed, Held)
    assert isinstance(short, NotEnough)
    assert await balances(db, [pool_id]) == [(0, 0)]


async def test_a_claim_that_takes_what_was_read_to_break(db, desk, commit, said):
    """The one line that was read to break is claimed first: the batch is replayed, and the next newest breaks."""
    [pool_id] = await stocked(db, desk, 2)
    older, newer = holding((1, [pool_id])), holding((1, [pool_id]))
    await commit(("hold", older), ("hold", newer))
    answers = await commit(
        ("claim", ClaimRequest(newer.hold_id, sold())), ("adjust", moving("adjustment", (pool_id, -1)))
    )
    assert [type(one).__name__ for one in answers] == ["Held", "Moved"]
    assert await told(db, older.hold_id, newer.hold_id) == {older.hold_id: 1}
    assert await balances(db, [pool_id]) == [(0, 0)]
    assert any("replaying" in line["event"] for line in said)


async def test_a_hold_of_the_same_batch_does_not_break_before_older_soft_ones(db, desk, commit, said):
    """When the batch began there was enough for its losses, so no line was read; a hard hold came in between."""
    [pool_id] = await stocked(db, desk, 8)
    soft, hard = [holding((1, [pool_id])) for _ in range(4)], holding((2, [pool_id]), hard=True)
    await commit(*(("hold", one) for one in soft))
    losses = [("adjust", moving("adjustment", (pool_id, -2))) for _ in range(2)]
    await commit(losses[0], ("hold", hard), losses[1])
    assert await told(db, hard.hold_id, *(one.hold_id for one in soft)) == {one.hold_id: 1 for one in soft[2:]}
    assert await balances(db, [pool_id]) == [(4, 4)]
    assert any("replaying" in line["event"] for line in said)


@pytest.fixture
def said():
    with capture_logs() as lines:
        yield lines


# -- expired holds


async def test_a_sale_among_ten_thousand_expired_holds(db, desk, commit):
    """It gives back as many as a batch has requests, not all, and finds what it needs; the job does the rest."""
    [pool_id] = await stocked(db, desk, 10_000)
    async with db.transaction() as tx:
        await tx.raw.execute(
            """
            with made as (
                insert into pools.holds (id, holder, pool_ids, state, expires_at, created_at, changed_at)
                select uuidv7(), 'basket:' || n, array[$1::bigint], 'held', $2, $2, $2
                from generate_series(1, 10000) as n
                returning id
            )
            insert into pools.hold_lines (pool_id, hold_id, quantity, expires_at, live)
            select $1, id, 1, $2, true from made
            """,
            pool_id,
            AT - SOON,
        )
        await tx.raw.execute("update pools.pools set held = 10000 where id = $1", pool_id)
    seconds: list[float] = []
    for number in range(1, 6):
        began = clock.now()
        [placed] = await commit(("place", ordering((1, [pool_id]))))
        seconds.append((clock.now() - began).total_seconds())
        assert type(placed).__name__ == "Placed"
        assert await balances(db, [pool_id]) == [(10_000 - number, 10_000 - 256 * number)]
    # Milliseconds on a quiet machine; a sale that gave all back took seconds there.
    assert min(seconds) < 0.5
    async with db.reading() as conn:
        plan = "\n".join(
            row[0]
            for row in await conn.raw.fetch(
                "explain (analyze, costs off) select hold_id from pools.hold_lines"
                " where pool_id = $1 and live and expires_at <= $2 order by expires_at limit 256",
                pool_id,
                AT,
            )
        )
    assert "Index Scan using hold_lines_" in plan and "Sort" not in plan, plan  # either index has them in order
    given_back = 0
    while True:
        async with db.transaction() as tx:
            part = await sweep(tx, pool_ids=[pool_id], at=AT)
        assert part <= 256
        given_back += part
        if not part:
            break
    assert given_back == 10_000 - 5 * 256
    assert await balances(db, [pool_id]) == [(9_995, 0)]


# -- limits


async def test_a_holder_may_have_so_many_holds(db, desk, commit):
    """Ended, secured and expired ones count no more."""
    [pool_id] = await stocked(db, desk, 1_000)
    most = limits().holds
    holder = f"customer:{uuid7()}"
    mine = [holding((1, [pool_id]), holder=holder) for _ in range(most)]
    await commit(*(("hold", one) for one in mine))

    async def one_more(now=AT):
        one = holding((1, [pool_id]), holder=holder, expires_at=now + SOON)
        [found] = await commit(("hold", one), now=now)
        if isinstance(found, Held):
            await commit(("release", ReleaseRequest(one.hold_id)), now=now)
        return found

    refused = await one_more()
    assert refused == TooManyHolds(limit="holds", most=most, frees_at=AT + SOON)
    [other] = await commit(("hold", holding((1, [pool_id]))))
    assert isinstance(other, Held), "the limit is each holder's own"
    [hard] = await commit(("hold", holding((1, [pool_id]), holder=holder, hard=True)))
    assert isinstance(hard, Held), "what is paid is not limited"
    ends = [
        ("claim", ClaimRequest(mine[0].hold_id, sold())),
        ("release", ReleaseRequest(mine[1].hold_id)),
        ("secure", SecureRequest(mine[2].hold_id, AT + SOON)),
    ]
    for end in ends:
        await commit(end)
        assert isinstance(await one_more(), Held)
        [found] = await commit(("hold", holding((1, [pool_id]), holder=holder)))
        assert isinstance(found, Held)
        assert isinstance(await one_more(), TooManyHolds)
    assert isinstance(await one_more(LATER), Held), "what has expired frees the limit, swept or not"


async def test_a_holder_may_hold_so_much(db, desk, commit):
    pools = await stocked(db, desk, 1_000_000, 40)
    most = limits()
    holder = f"customer:{uuid7()}"
    units, share, floor = await commit(
        ("hold", holding((most.units + 1, pools[:1]), holder=holder)),
        ("hold", holding((11, pools[1:]), holder=holder)),
        ("hold", holding((10, pools[1:]), holder=holder)),
    )
    assert units == TooManyHolds(limit="units", most=most.units, frees_at=None)
    assert share == TooManyHolds(limit="share", most=most.share_percent, frees_at=None)
    assert isinstance(floor, Held)
    short, again = await commit(
        ("hold", holding((41, pools[1:]), holder=holder)), ("hold", holding((1, pools[1:]), holder=holder))
    )
    assert isinstance(short, NotEnough), "what is not there is told before what one may not have"
    assert again == TooManyHolds(limit="share", most=most.share_percent, frees_at=AT + SOON)


async def test_guests_of_one_origin_share_a_limit(db, desk, commit):
    """A guest draws a new basket for nothing; where he comes from he cannot."""
    [pool_id] = await stocked(db, desk, 1_000_000)
    origin = origin_of("192.0.2.7", uuid7().bytes)
    most = limits().holds * ORIGIN_HOLDS
    found = await commit(*(("hold", holding((1, [pool_id]), origin=origin)) for _ in range(most + 1)))
    assert [type(one) for one in found] == [Held] * most + [TooManyHolds]
    assert found[-1].most == most
    [elsewhere] = await commit(("hold", holding((1, [pool_id]), origin=origin_of("192.0.2.8", b"s"))))
    assert isinstance(elsewhere, Held)
    [few] = await stocked(db, desk, 100)
    origin = origin_of("192.0.2.9", uuid7().bytes)
    crowd = await commit(*(("hold", holding((25, [few]), origin=origin)) for _ in range(3)))
    assert [type(one) for one in crowd] == [Held, Held, TooManyHolds]


def test_where_a_guest_comes_from():
    one = origin_of("2001:db8:1:2:aaaa::1", b"secret")
    assert one == origin_of("2001:db8:1:2:bbbb::2", b"secret"), "a household's network"
    assert one != origin_of("2001:db8:1:3:aaaa::1", b"secret")
    assert one != origin_of("2001:db8:1:2:aaaa::1", b"other")
    assert origin_of("192.0.2.7", b"s") != origin_of("192.0.2.8", b"s")
    assert origin_of("::ffff:192.0.2.7", b"s") == origin_of("192.0.2.7", b"s")
    assert origin_of("fe80::1%eth0", b"s") == origin_of("fe80::2", b"s")
    assert origin_of("", b"s") == origin_of("testclient", b"s") != origin_of("192.0.2.7", b"s")


@given(st.ip_addresses().map(str))
def test_an_origin_tells_no_address(address: str):
    found = origin_of(address, b"secret")
    assert len(found) == 24 and address not in found


def test_an_origin_may_more_than_a_party_but_never_all():
    most = for_origin(limits())
    assert most.holds > limits().holds and most.units > limits().units
    assert limits().share_percent <= most.share_percent < 100


# -- what is over


async def test_what_ended_long_ago_is_forgotten(db, desk, commit):
    """Ids carry the day they were made. Movements stay, and a claim of what is forgotten is refused by name."""
    [pool_id] = await stocked(db, desk, 9)
    long_ago, now = clock.now() - timedelta(days=40), clock.now()
    ended, over, held, young = (holding((1, [pool_id]), expires_at=now + SOON) for _ in range(4))
    ended, over, held = (
        structs.replace(one, hold_id=UUID(int=uuid7_floor(long_ago).int | one.hold_id.int % 2**62 | 2 << 62))
        for one in (ended, over, held)
    )
    ended, over = (structs.replace(one, expires_at=long_ago + SOON) for one in (ended, over))
    await commit(("hold", ended), ("hold", over), ("hold", held), ("hold", young), now=long_ago)
    await commit(("claim", ClaimRequest(ended.hold_id, sold())), now=long_ago)
    await commit(("claim", ClaimRequest(young.hold_id, sold())), now=now)
    await forget(db, at=now)
    async with db.reading() as conn:
        for one in (ended, over):
            assert await read_hold(conn, hold_id=one.hold_id) is None
            lines = "select count(*) from pools.hold_lines where hold_id = $1"
            assert await conn.raw.fetchval(lines, one.hold_id) == 0
            count = "select count(*) from pools.holders where id = $1"
            assert await conn.raw.fetchval(count, f"holder:{one.holder}") == 0
    assert await state(db, held.hold_id) == "held", "it lasts"
    assert await state(db, young.hold_id) == "claimed", "somebody may still ask"
    assert await balances(db, [pool_id]) == [(7, 1)]
    [refused] = await commit(("claim", ClaimRequest(ended.hold_id, sold())), now=now)
    assert refused == HoldUnknown(hold_id=ended.hold_id)


async def test_what_does_not_agree_is_found(tx, db, desk, commit):
    """The checks of holds and limits see a row that is spoilt."""
    [pool_id] = await stocked(db, desk, 9)
    one = holding((1, [pool_id]), expires_at=clock.now() + timedelta(days=1))
    await commit(("hold", one), now=clock.now())

    async def found(name: str) -> list[str]:
        return [
            row["subject"]
            for row in await tx.raw.fetch(getattr(READS, name).sql)
            if row["subject"] in (f"holder:{one.holder}", f"hold {one.hold_id}")
        ]

    assert await found("check_holders") == await found("check_live_lines") == []
    await tx.raw.execute("update pools.holders set open = '[]' where id = $1", f"holder:{one.holder}")
    assert await found("check_holders") == [f"holder:{one.holder}"]
    await tx.raw.execute("update pools.holds set state = 'released' where id = $1", one.hold_id)
    assert await found("check_holders") == []
    assert await found("check_live_lines") == [f"hold {one.hold_id}"]
