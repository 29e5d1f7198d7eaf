"""Loading the demo into a real database: whole after a run that was cut off, and unchanged by one more."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.inventory.queries import stock_of_variants
from lotse.domains.parties.queries import shop_by_code
from lotse.domains.pricing.queries import lowest_30_days, prices_at
from lotse.kernel import check
from lotse.kernel.db import Database, opened
from lotse.kernel.desk import Desk
from lotse.kernel.desk.desk import running
from lotse.kernel.seams import retailers
from lotse.plugins.demo_sports import retailer
from lotse.plugins.demo_sports.assortment import assortment
from lotse.plugins.demo_sports.people import PEOPLE
from lotse.plugins.demo_sports.season import season
from lotse.testing import Databases

pytestmark = pytest.mark.anyio

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SEED = 3
ORDERS = 400
# What a run may leave rows in.
COUNTED = (
    "kernel.audit", "parties.parties", "parties.shops", "catalog.products", "catalog.variants", "catalog.categories",
    "catalog.pictures", "offers.offers", "pricing.prices", "pools.pools", "pools.movements", "inventory.documents",
    "inventory.locations", "customers.customers", "customers.addresses", "orders.orders", "orders.amendments",
    "payments.receipts", "payments.refunds", "ledger.entries",
)  # fmt: skip


class CutOff(Exception):
    """Stands for the kill."""


@pytest.fixture(scope="module")
async def fresh_db(anyio_backend: Any, databases: Databases) -> AsyncIterator[tuple[Database, Desk]]:
    dsn = databases.migrated()
    async with opened(dsn, role="test demo") as db, running(dsn) as desk:
        yield db, desk


async def counts(db: Database) -> dict[str, int]:
    async with db.reading() as conn:
        return {table: await conn.raw.fetchval(f"select count(*) from {table}") for table in COUNTED}


async def test_a_cut_run_goes_on_and_a_further_one_changes_nothing(
    fresh_db: tuple[Database, Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LOTSE_HOME", str(tmp_path))
    db, desk = fresh_db
    steps: list[str] = []

    def cut(*parts: object) -> None:
        steps.append(" ".join(map(str, parts)))
        if "delivery 3" in steps[-1]:
            raise CutOff

    monkeypatch.setenv("LOTSE_DEMO_ORDERS", str(ORDERS))
    load = retailers["demo"]
    with pytest.raises(CutOff):
        await load(db, desk, seed=SEED, at=AT, progress=cut)
    assert len(steps) == 4
    await load(db, desk, seed=SEED, at=AT + timedelta(minutes=1), progress=lambda *parts: None)
    first = await counts(db)
    await load(db, desk, seed=SEED, at=AT + timedelta(days=45), progress=lambda *parts: None)
    assert await counts(db) == first

    goods = assortment(SEED)
    variants = {variant.sku: variant for product in goods.products for variant in product.variants}
    assert first["catalog.products"] == len(goods.products)
    assert first["catalog.variants"] == first["offers.offers"] == len(variants)
    assert first["catalog.categories"] == len(goods.categories)
    assert first["inventory.locations"] == len(retailer.PLACES)
    assert first["customers.customers"] == len(retailer.CUSTOMERS) + len(PEOPLE)
    assert first["parties.shops"] == 2 + 30
    past = season(goods, SEED, AT, ORDERS)
    assert first["orders.orders"] == sum(1 for _ in past.sales)
    assert first["orders.amendments"] == sum(one.what != "paid" for sale in past.sales for one in sale.later)

    async with db.reading() as conn:
        shop = await shop_by_code(conn, code=retailer.CODE)
        assert shop is not None
        ids = await variant_ids_by_sku(conn, skus=list(variants))
        skus = {id: sku for sku, id in ids.items()}
        now = AT + timedelta(hours=1)
        prices = await prices_at(conn, shop_id=shop.id, variant_ids=list(skus), at=now)
        assert {skus[price.variant_id]: price.unit_price for price in prices} == {
            sku: variant.price for sku, variant in variants.items()
        }
        # What is reduced says what it cost before, as the law wants it.
        reduced = [ids[sku] for sku, variant in variants.items() if variant.regular is not None]
        prior = await lowest_30_days(conn, shop=shop, variant_ids=list(skus), at=now)
        assert {one.variant_id for one in prior} == set(reduced)
        assert all(one.lowest == variants[skus[one.variant_id]].regular for one in prior)
        lines = await stock_of_variants(conn, variant_ids=list(skus))
        found = {(skus[line.variant_id], line.location_code): line.on_hand for line in lines if line.on_hand}
        expected = {(sku, one.location): one.quantity for sku, variant in variants.items() for one in variant.stock}
        for key, quantity in past.returned().items():
            expected[key] = expected.get(key, 0) + quantity
        assert found == expected
        pictures = await conn.raw.fetch("select distinct media from catalog.pictures")
        for row in pictures:
            assert (tmp_path / "media" / row["media"][:2] / row["media"]).is_file()
    chosen = msgspec.json.decode((tmp_path / "brand.json").read_bytes())
    assert set(chosen) == {"logo", "logo_dark", "hero"}


async def test_everything_agrees_afterwards(fresh_db: tuple[Database, Desk]):
    db, _ = fresh_db
    # The relay is not running here, so events still wait in the outbox.
    assert [one for one in await check.run(db) if not one.check.startswith("outbox")] == []
