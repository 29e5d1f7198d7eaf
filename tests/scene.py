"""A small shop to test in: one legal entity in Germany, one shop, two locations, some products that sell."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.commands import put_products
from lotse.domains.catalog.contracts import PutProduct, PutVariant, StoredProduct, Text
from lotse.domains.inventory.commands import put_locations, serve_shop
from lotse.domains.inventory.contracts import PutLocation
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import Offer, PutOffer
from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import shop as find_shop
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.kernel.db import Transaction

if TYPE_CHECKING:
    from lotse.testing import Fresh

# When everything here was made; tests go on from there.
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BY = "staff:test"


class Place(Struct, frozen=True):
    """`host` owns the shop and its stock; `warehouse` is preferred over `store`."""

    host: UUID
    shop: Shop
    warehouse: UUID
    store: UUID


async def open_shop(tx: Transaction, fresh: "Fresh", *, currency: str = "EUR", gross: bool = True) -> Place:
    """A shop that two locations serve."""
    host = await put_party(tx, kind="organisation", name="Test GmbH", by=BY, at=AT)
    entity = await put_legal_entity(
        tx,
        code=fresh.text("entity"),
        party_id=host,
        name="Test GmbH",
        country="DE",
        currency=currency,
        timezone="Europe/Berlin",
        by=BY,
        at=AT,
    )
    shop_id = await put_shop(
        tx,
        code=fresh.text("shop"),
        name="Test",
        legal_entity_id=entity,
        owner_party_id=host,
        languages=["de", "en"],
        currency=currency,
        country="DE",
        gross=gross,
        timezone="Europe/Berlin",
        by=BY,
        at=AT,
    )
    shop = await find_shop(tx, shop_id=shop_id)
    assert shop
    warehouse, store = fresh.text("warehouse"), fresh.text("store")
    ids = await put_locations(
        tx,
        [
            PutLocation(code=warehouse, kind="warehouse", name="Warehouse", country="DE", timezone="Europe/Berlin"),
            PutLocation(code=store, kind="store", name="Store", country="DE", timezone="Europe/Berlin"),
        ],
        by=BY,
        at=AT,
    )
    await serve_shop(tx, shop_id=shop_id, location_ids=[ids[warehouse], ids[store]], by=BY, at=AT)
    return Place(host, shop, ids[warehouse], ids[store])


async def put_one(tx: Transaction, fresh: "Fresh", *, variants: int = 1, name: str = "Laufschuh") -> StoredProduct:
    """A product that is shown, with some sizes."""
    slug = fresh.text("product")
    [stored] = await put_products(
        tx,
        [
            PutProduct(
                slug=slug,
                brand="Kranich",
                texts=(Text("de", name), Text("en", f"{name} (en)")),
                variants=tuple(
                    PutVariant(sku=f"{slug}-{size}", options={"size": str(size)}) for size in range(variants)
                ),
            )
        ],
        by=BY,
        at=AT,
    )
    return stored


async def offer(tx: Transaction, place: Place, variant_ids: Sequence[UUID]) -> list[Offer]:
    """The host's offers of variants."""
    wanted = [PutOffer(shop_id=place.shop.id, variant_id=id, seller_party_id=place.host) for id in variant_ids]
    return await put_offers(tx, wanted, by=BY, at=AT)


async def price(tx: Transaction, place: Place, variant_ids: Sequence[UUID], amount: str = "19.99") -> None:
    """The same price for each variant, for everybody, from `AT` on."""
    wanted = [
        SetPrice(shop_id=place.shop.id, variant_id=id, currency=place.shop.currency, unit_price=Decimal(amount))
        for id in variant_ids
    ]
    await set_prices(tx, wanted, by=BY, at=AT)
