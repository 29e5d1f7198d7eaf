"""What the table of articles asks upper domains: from what to what an article costs, how much of it can be sold."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from lotse.domains.catalog.commands import change_variant_state
from lotse.domains.inventory import pages as inventory
from lotse.domains.inventory.commands import ensure_stock
from lotse.domains.inventory.contracts import StockKey
from lotse.domains.inventory.pages.shown import ProductStock
from lotse.domains.pricing import pages as pricing
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.domains.pricing.pages import Span
from lotse.kernel.db import Transaction
from lotse.kernel.pages.slots import Ask
from lotse.testing import Fresh
from tests.scene import AT, BY, Place, offer, open_shop, put_one


async def asked(tx: Transaction, place: Place, slot: str, ids: tuple[UUID, ...]) -> Mapping[UUID, Any]:
    [answerer] = [one for one in (*pricing.slots, *inventory.slots) if one.slot == slot]
    return await answerer.answer(tx, Ask(place.shop.id, "de", "EUR", "", ids, AT))


async def test_a_page_of_articles_is_told_prices_and_stock_at_once(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    sized, bare = await put_one(tx, fresh, variants=4), await put_one(tx, fresh)
    small, large, unpriced, gone = sized.variant_ids
    costs = [(small, "49.95"), (large, "59.95"), (gone, "9.95")]
    prices = [
        SetPrice(shop_id=place.shop.id, variant_id=id, currency="EUR", unit_price=Decimal(price)) for id, price in costs
    ]
    await set_prices(tx, prices, by=BY, at=AT)
    await change_variant_state(tx, variant_ids=[gone], state="archived", by=BY, at=AT)
    await offer(tx, place, [small, large])
    keys = [StockKey(id, at, place.host) for id in (small, unpriced) for at in (place.warehouse, place.store)]
    pools = await ensure_stock(tx, keys, at=AT)
    await tx.raw.execute("update pools.pools set on_hand = 7, held = 2 where id = any($1)", pools)

    ids = (sized.id, bare.id)
    assert await asked(tx, place, "office.product.price", ids) == {
        sized.id: Span("EUR", Decimal("49.95"), Decimal("59.95"), 1),
        bare.id: Span("EUR", None, None, 1),
    }
    # What nobody offers in the shop is there, but cannot be sold.
    assert await asked(tx, place, "office.product.stock", ids) == {
        sized.id: ProductStock(10, 3, 2),
        bare.id: ProductStock(0, 1, 1),
    }
