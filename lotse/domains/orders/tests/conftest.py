"""Orders without a catalogue: pools with pieces in them, and requests as a checkout would make them."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from lotse.domains.customers.contracts import Address
from lotse.domains.orders.contracts import Contact, PlaceLine, PlaceRequest, Source
from lotse.domains.payments.contracts import NewPayment
from lotse.domains.pools.commands import open_pools
from lotse.kernel.idempotency import Key, key_for

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADDRESS = Address(name="Anna Muster", street="Hafenstraße 1", postcode="20457", city="Hamburg", country="DE")


class Counter:
    """A place where orders are made."""

    def __init__(self, db, fresh) -> None:
        self._db = db
        self._fresh = fresh

    async def pool(self, on_hand: int) -> int:
        """A pool with pieces in it and the movement that explains them."""
        async with self._db.transaction() as tx:
            [pool_id] = await open_pools(tx, count=1)
            if on_hand:
                await tx.raw.execute("update pools.pools set on_hand = $2 where id = $1", pool_id, on_hand)
                await tx.raw.execute(
                    "insert into pools.movements"
                    " (id, pool_id, delta, reason, ref_kind, ref_id, actor, occurred_at, recorded_at)"
                    " values ($1, $2, $3, 'received', 'receipt', $1, 'test', $4, $4)",
                    self._fresh.id(),
                    pool_id,
                    on_hand,
                    AT,
                )
        return pool_id

    def goods(self, *pool_ids: int, quantity: int = 1, gross_minor: int = 1190) -> PlaceLine:
        """A line of goods at 19 %."""
        net = round(gross_minor / Decimal("1.19"))
        return PlaceLine(
            variant_id=self._fresh.id(),
            offer_id=self._fresh.id(),
            seller_party_id=self._fresh.id(),
            sku=self._fresh.text("sku"),
            text="Ball, blue",
            quantity=quantity,
            unit_price=Decimal(gross_minor) / quantity / 100,
            net_minor=net,
            tax_minor=gross_minor - net,
            gross_minor=gross_minor,
            tax_code="DE-19",
            tax_rate=Decimal("0.19"),
            tax_country="DE",
            rule_ids=("list",),
            sources=tuple(Source(pool_id, self._fresh.id()) for pool_id in pool_ids),
        )

    def shipping(self, gross_minor: int = 495) -> PlaceLine:
        """The delivery charge."""
        net = round(gross_minor / Decimal("1.19"))
        return PlaceLine(
            kind="shipping",
            sku="",
            text="Delivery",
            quantity=1,
            unit_price=Decimal(gross_minor) / 100,
            net_minor=net,
            tax_minor=gross_minor - net,
            gross_minor=gross_minor,
            tax_code="DE-19",
            tax_rate=Decimal("0.19"),
            tax_country="DE",
        )

    def request(
        self, *lines: PlaceLine, number: str | None = None, settled: str | None = None, method: str = "invoice"
    ) -> PlaceRequest:
        """An order of a guest."""
        order_id, entity_id = self._fresh.id(), self._fresh.id()
        payment = NewPayment(
            self._fresh.id(), "order", order_id, method, entity_id, "Europe/Berlin", "EUR", 0, AT, settled
        )
        return PlaceRequest(
            order_id=order_id,
            number=number,
            shop_id=self._fresh.id(),
            channel="web",
            legal_entity_id=entity_id,
            zone="Europe/Berlin",
            currency="EUR",
            language="de",
            gross=True,
            lines=lines,
            contact=Contact(email=self._fresh.email(), billing=ADDRESS),
            payment=payment,
            released=method == "invoice",
            actor="test",
            placed_at=AT,
        )

    def key(self, body: object = b"") -> Key:
        """A key that nobody has used."""
        return key_for("test", self._fresh.text(), body)

    def id(self) -> UUID:
        return self._fresh.id()


@pytest.fixture
def counter(db, fresh) -> Counter:
    return Counter(db, fresh)
