"""The judge on real rows: a shop in which all is well, and then one row of it is spoilt."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct, to_builtins

from lotse.bench.faults import facts, scene
from lotse.bench.faults.history import Answered, Asked, Case
from lotse.bench.faults.judge import Finding, judge
from lotse.bench.faults.listener import PLAIN, STUMBLING, WRITES, Everything
from lotse.bench.faults.load import MAIL
from lotse.bench.faults.scene import Scene
from lotse.domains.customers.contracts import Address
from lotse.domains.orders.commands import place
from lotse.domains.orders.contracts import Contact, PlaceLine, PlaceRequest, Source
from lotse.domains.parties.queries import legal_entity
from lotse.domains.payments.contracts import NewPayment
from lotse.domains.pools.contracts import Held, HoldRequest, Want
from lotse.kernel import clock, consumers
from lotse.kernel.db import Connection, Database, opened
from lotse.kernel.desk import Desk
from lotse.kernel.desk.desk import running
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.testing import Databases

AT = clock.now()


class Judged(Struct):
    """The shop, and what its one client asked."""

    database: Database
    scene: Scene
    cases: list[Case]

    async def judged(self, conn: Connection, *, later: timedelta = timedelta()) -> list[Finding]:
        return judge(self.cases, await facts.gather(conn, at=AT + later), self.scene.began)


@pytest.fixture(scope="module")
async def shop(anyio_backend: Any, databases: Databases) -> AsyncIterator[Judged]:
    dsn = databases.migrated()
    async with opened(dsn, connections=3) as database, running(dsn) as desk:
        async with database.reading() as conn:
            await conn.raw.execute(WRITES.make_schema.sql)
        goods = await scene.build(database, desk, AT)
        cases = [await ordered(database, desk, goods), await held(desk, goods)]
        # It stumbles at random; here every event shall arrive.
        await consumers.settle(database, Steady())
        yield Judged(database, goods, cases)


class Steady(Everything):
    def __init__(self) -> None:
        super().__init__()
        self._random.random = lambda: 1.0  # type: ignore[method-assign]


async def ordered(database: Database, desk: Desk, goods: Scene) -> Case:
    article = goods.articles[1]
    async with database.reading() as conn:
        entity = await legal_entity(conn, legal_entity_id=goods.shop.legal_entity_id)
    assert entity
    id, order_id = "r1-c1-1", uuid7()
    line = PlaceLine(
        offer_id=article.offer_id,
        sku=article.sku,
        text=article.sku,
        quantity=2,
        unit_price=Decimal(article.price_minor) / 100,
        net_minor=2 * article.price_minor,
        tax_minor=0,
        gross_minor=2 * article.price_minor,
        tax_code="none",
        tax_rate=Decimal(0),
        tax_country="DE",
        sources=(Source(article.pools[0], uuid7()),),
    )
    payment = NewPayment(uuid7(), "order", order_id, "invoice", entity.id, entity.timezone, "EUR", line.gross_minor, AT)
    request = PlaceRequest(
        order_id=order_id,
        shop_id=goods.shop.id,
        channel="api",
        legal_entity_id=entity.id,
        zone=entity.timezone,
        currency="EUR",
        language="de",
        gross=True,
        lines=(line,),
        contact=Contact(email=f"{id}@{MAIL}", billing=Address(name="Ada", country="DE")),
        payment=payment,
        released=True,
        actor="test",
        placed_at=AT,
    )
    placed = await place(desk, request=request, key=key_for("test", id, request))
    asked = Asked(id=id, op="order", address="desk place", body=None, key=id, wants={str(article.offer_id): 2})
    answer = {"order": to_builtins(placed)}
    return Case(asked, [Answered(id=id, outcome="acknowledged", status=201, answer=answer)])


async def held(desk: Desk, goods: Scene) -> Case:
    id, hold_id = "r1-c1-2", uuid7()
    request = HoldRequest(
        hold_id=hold_id,
        holder="bench:c1",
        wants=(Want(3, goods.articles[2].pools),),
        expires_at=AT + timedelta(minutes=10),
    )
    answer = await desk.submit("hold", request, Held, key=key_for("test", id, request), at=AT)
    asked = Asked(id=id, op="hold", address="desk hold", body=None, key=id, subject=str(hold_id))
    return Case(asked, [Answered(id=id, outcome="acknowledged", status=200, answer=to_builtins(answer))])


async def test_a_sound_database_has_no_finding(shop: Judged):
    async with shop.database.snapshot() as conn:
        assert await shop.judged(conn) == []
        assert await facts.unrest(conn) == []


SECOND_ORDER = """
with copied as (
    insert into orders.orders
    select gen_random_uuid(), number || 'b', shop_id, channel, legal_entity_id, zone, customer_id, payment_id, currency,
           language, gross, net_minor, tax_minor, gross_minor, actor, placed_at, recorded_at
    from orders.orders returning id
)
insert into orders.contacts (order_id, email, phone, billing)
select copied.id, email, phone, billing from copied, orders.contacts
"""
MOVEMENT = "from pools.movements where ref_kind = 'order'"

# What spoils the rows, and a finding that must come of it: its kind and the beginning of its words.
SPOILT: list[tuple[str, str, str]] = [
    ("delete from orders.orders", "lost", "an acknowledged order"),
    ("delete from orders.orders", "doubled", "a part without its whole"),
    (SECOND_ORDER, "doubled", "one request, several orders"),
    ("delete from orders.contacts", "doubled", "an order that nobody asked for"),
    ("delete from orders.lines", "lost", "the order's lines"),
    ("update orders.lines set quantity = 3", "lost", "the order's lines"),
    ("update orders.orders set number = '7'", "lost", "the order as it was answered"),
    (f"delete {MOVEMENT}", "lost", "part of an order: movements"),
    (
        f"insert into pools.movements select gen_random_uuid(), pool_id, delta, reason, ref_kind, ref_id, actor, note, "
        f"occurred_at, recorded_at {MOVEMENT}",
        "doubled",
        "part of an order: movements",
    ),
    ("delete from ledger.entries where account = 'receivables'", "lost", "part of an order: receivables"),
    ("delete from payments.payments", "lost", "part of an order: the payment"),
    ("delete from kernel.event_log where type = 'orders.Placed'", "lost", "part of an order: events"),
    ("delete from kernel.event_log where position = 3", "misordered", "positions of the log"),
    ("update pools.pools set on_hand = on_hand + 1", "oversold", "pieces"),
    ("update pools.pools set on_hand = on_hand - 1 where on_hand > 0", "lost", "pieces"),
    ("update pools.pools set held = 0", "oversold", "what is held"),
    ("delete from pools.holds", "lost", "an acknowledged hold"),
    ("delete from pools.hold_lines", "lost", "the hold as it was answered"),
    ("update pools.holds set state = 'claimed'", "lost", "part of a claim: movements"),
    ("update kernel.idempotency set answer = null", "doubled", "a part without its whole"),
    (f"delete from bench_faults.seen where consumer = '{PLAIN}' and position = 3", "misordered", "an event that was"),
    (f"insert into bench_faults.seen values ('{STUMBLING}', default, 3)", "misordered", "deliveries of an event"),
]


@pytest.mark.parametrize(
    ("spoil", "kind", "what"), SPOILT, ids=[f"{number}: {row[2]}" for number, row in enumerate(SPOILT)]
)
async def test_a_spoilt_row_is_found(shop: Judged, spoil: str, kind: str, what: str):
    async with shop.database.reading() as conn:
        spoiling = conn.raw.transaction()
        await spoiling.start()
        try:
            # Constraints and triggers would refuse most of it.
            await conn.raw.execute("set local session_replication_role = replica")
            await conn.raw.execute(spoil)
            found = await shop.judged(conn)
        finally:
            await spoiling.rollback()
    assert [one for one in found if one.kind == kind and one.what.startswith(what)], found


async def test_a_hold_that_is_over_must_be_given_back(shop: Judged):
    async with shop.database.snapshot() as conn:
        [found] = await shop.judged(conn, later=timedelta(minutes=11))
    assert (found.kind, found.what, found.found) == ("stuck", "holds that are over and not given back", "3")


async def test_unrest_is_named(shop: Judged):
    async with shop.database.reading() as conn:
        waiting = conn.raw.transaction()
        await waiting.start()
        try:
            await conn.raw.execute("update kernel.consumers set position = 0 where name = $1", PLAIN)
            assert [one.what for one in await facts.unrest(conn)] == [f"consumer {PLAIN}"]
        finally:
            await waiting.rollback()
