"""Lotse and an ERP that delays, repeats, reorders and fails: after the storm both sides agree, or it is on the list."""

import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from lotse.domains.catalog.queries import product_by_slug, variant_ids_by_sku
from lotse.domains.inventory.commands import move_goods
from lotse.domains.inventory.contracts import MoveRequest, StockChange
from lotse.domains.inventory.queries import stock_of_variants
from lotse.domains.orders.contracts import OrderPlaced
from lotse.domains.parties.queries import shop_by_code
from lotse.domains.pricing.queries import prices_at
from lotse.kernel import masters, relay
from lotse.kernel.db import Database, opened
from lotse.kernel.desk import Desk
from lotse.kernel.desk.desk import running
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.imports import runs
from lotse.kernel.outbox import emit
from lotse.kernel.webhooks import commands
from lotse.kernel.webhooks.rules import Answer
from lotse.kernel.webhooks.sender import Message, Sender
from lotse.plugins.erp_simulated.book import Book, Faults, FaultsUnreadable, File, Wire, parsed
from lotse.testing import Databases

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)
SKUS = [f"ART-{n}" for n in range(6)]
STORM = Faults(repeat=0.3, reorder=0.3, delay=0.3, lose=0.2, fail=0.2, forget=0.2)


class Storm:
    """A day of both, minute by minute."""

    def __init__(self, db: Database, desk: Desk, seed: int) -> None:
        self.db, self.desk = db, desk
        self.book, self.wire = Book(), Wire(STORM, seed)
        self.random = random.Random(seed)
        self.at = AT
        self.sold: Counter[str] = Counter()
        self.sender = Sender(db, self.hook, draw=self.random.random)

    async def take(self, file: File) -> None:
        async def body() -> AsyncIterator[bytes]:
            yield file.body()

        id = await runs.receive(
            self.db, body(), kind=file.kind, name=file.key, format="jsonl", source="erp", by="token:erp", at=self.at,
            options={"language": "de"}, queue=False,
            # Now and then it does not know its own key any more and sends the same as another file.
            request_key=None if self.wire.rolls("repeat") else f"erp\n{file.key}",
        )  # fmt: skip
        await runs.run(self.db, self.desk, import_id=id, at=self.at)

    async def hook(self, message: Message) -> Answer:
        if self.wire.rolls("fail"):
            return Answer(500)
        self.book.hear(message.headers["webhook-id"], json.loads(message.body))
        return Answer(500 if self.wire.rolls("forget") else 204)

    async def sell(self, sku: str, shop_id: UUID) -> None:
        """An order in Lotse: goods leave the shelf, an event goes out."""
        async with self.db.reading() as conn:
            ids = await variant_ids_by_sku(conn, skus=[sku])
            lines = await stock_of_variants(conn, variant_ids=list(ids.values()))
        if not lines or lines[0].available < 1 or self.book.on_shelf(sku, self.at) < 1:
            return
        request = MoveRequest(
            document_id=uuid7(),
            kind="adjustment",
            changes=(StockChange(lines[0].pool_id, -1),),
            actor="till",
            occurred_at=self.at,
        )
        await move_goods(self.desk, request=request, key=key_for("till", str(request.document_id), request))
        self.book.shelve(sku, -1, self.at)
        self.sold[str(ids[sku])] += 1
        placed = OrderPlaced(
            order_id=uuid7(), number=str(request.document_id), shop_id=shop_id, channel="till", customer_id=None,
            currency="EUR", gross_minor=100, released=True, variants={str(ids[sku]): 1},
        )  # fmt: skip
        async with self.db.transaction() as tx:
            await emit(tx, placed, at=self.at)

    async def minute(self, shop_id: UUID, *, quiet: bool = False) -> None:
        self.at += timedelta(minutes=1)
        if not quiet:
            sku = self.random.choice(SKUS)
            change = self.random.randrange(5)
            if change == 0:
                self.wire.send(self.book.change_article(sku, self.at, name=f"{sku} {self.random.randrange(100)}"))
            elif change == 1:
                self.wire.send(self.book.change_article(sku, self.at, brand=f"Marke {self.random.randrange(3)}"))
            elif change == 2:
                self.wire.send(self.book.change_price(sku, f"{self.random.randrange(1, 99)}.90", self.at))
            elif change == 3:
                self.book.shelve(sku, self.random.randrange(1, 9), self.at)
                self.wire.send(self.book.count(sku, "lager", self.at))
            await self.sell(self.random.choice(SKUS), shop_id)
        for file in self.wire.due():
            self.at += timedelta(milliseconds=1)
            await self.take(file)
        async with self.db.reading() as conn:
            await relay.move_all(conn)
        await self.sender.gather(self.at)
        await self.sender.round(self.at)


@pytest.fixture
async def both(databases: Databases) -> AsyncIterator[tuple[Database, Desk]]:
    dsn = databases.migrated()
    async with opened(dsn, role="test storm") as database, running(dsn) as desk:
        yield database, desk


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_after_the_storm_both_agree_or_it_is_on_the_list(both: tuple[Database, Desk], seed: int):
    db, desk = both
    storm = Storm(db, desk, seed)
    for kind, text in (
        (
            "shops",
            '{"code":"haus","name":"Haus","currency":"EUR","country":"DE","timezone":"Europe/Berlin","languages":"de"}',
        ),
        ("locations", '{"code":"lager","country":"DE","shops":"haus"}'),
    ):
        await begin(storm, kind, text)
    async with db.transaction() as tx:
        # The ERP has the say over what there is, names, prices and stock; the brand is Lotse's.
        for kind in ("articles", "prices", "stock"):
            await masters.set_master(tx, kind=kind, field="*", master="erp", by="test", at=AT)
        await masters.set_master(tx, kind="articles", field="brand", master="lotse", by="test", at=AT)
        await commands.add_endpoint(
            tx, name="ERP", url="https://erp.example.org/hooks", types=["orders.Placed"], by="test", at=AT
        )
        shop = await shop_by_code(tx, code="haus")
        assert shop
    for sku in SKUS:
        await storm.take(storm.book.change_article(sku, storm.at, name=sku, brand="Marke 0"))
        await storm.take(storm.book.change_price(sku, "10.00", storm.at))
        storm.book.shelve(sku, 10, storm.at)
        await storm.take(storm.book.count(sku, "lager", storm.at))

    for _ in range(60):
        await storm.minute(shop.id)
    for sku in SKUS:  # as every evening
        storm.at += timedelta(seconds=1)
        storm.wire.send(storm.book.count(sku, "lager", storm.at))
    for _ in range(400):
        await storm.minute(shop.id, quiet=True)
        if storm.wire.is_empty and await storm.sender.next_due() is None:
            break

    assert sum(storm.sold.values()) > 10
    assert storm.book.sold == storm.sold, "every order reached the ERP, none counts twice"
    async with db.reading() as conn:
        listed = {(one.key, one.field): one for one in (await masters.differences(conn, limit=200)).items}
        ids = await variant_ids_by_sku(conn, skus=SKUS)
        prices = await prices_at(conn, shop_id=shop.id, variant_ids=list(ids.values()), at=storm.at)
        price = {one.variant_id: one.unit_price for one in prices}
        for sku in SKUS:
            slug = f"{sku}-{sku}".lower()
            page = await product_by_slug(conn, slug=slug, language="de")
            assert page
            said = storm.book.articles[sku]
            assert page.name == said["name"]
            assert price[ids[sku]] == Decimal(storm.book.prices[sku])
            [line] = await stock_of_variants(conn, variant_ids=[ids[sku]])
            assert line.on_hand == storm.book.on_shelf(sku, storm.at)
            difference = listed.pop((sku, "brand"), None)
            if page.brand == said["brand"]:
                assert difference is None
            else:
                assert difference and (difference.ours, difference.theirs) == (page.brand, said["brand"])
    assert not listed


async def begin(storm: Storm, kind: str, text: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield text.encode()

    id = await runs.receive(storm.db, body(), kind=kind, name=kind, format="jsonl", by="test", at=AT, queue=False)
    done = await runs.run(storm.db, storm.desk, import_id=id, at=AT)
    assert (done.state, done.created) == ("done", 1)


def test_faults_are_read_or_refused():
    assert parsed("repeat=0.2, lose") == Faults(repeat=0.2, lose=1.0)
    for text in ("repeat=2", "repeat=x", "explode=0.1"):
        with pytest.raises(FaultsUnreadable):
            parsed(text)
