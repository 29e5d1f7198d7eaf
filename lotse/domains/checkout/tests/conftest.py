"""A small shop made by real commands: articles in a store and a warehouse, delivery to Germany and Austria."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from msgspec import Struct

from lotse.domains.catalog.commands import put_products
from lotse.domains.catalog.contracts import PutProduct, PutVariant, Text
from lotse.domains.checkout.commands import create_basket, put_shipping, set_quantity
from lotse.domains.checkout.contracts import Purchase
from lotse.domains.checkout.queries import Assortment
from lotse.domains.customers.contracts import Address
from lotse.domains.inventory.commands import ensure_stock, move_goods, put_locations, serve_shop
from lotse.domains.inventory.contracts import MoveRequest, PutLocation, StockChange, StockKey
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.orders.contracts import Contact
from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import shop as read_shop
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.kernel.idempotency import Key, key_for
from lotse.kernel.tags import Tags

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY = "test"


class Article(Struct, frozen=True):
    """An article on offer."""

    variant_id: UUID
    offer_id: UUID
    pools: tuple[int, ...]


class Store:
    """A shop with locations; `article` puts something on its shelves."""

    def __init__(self, db, desk, fresh, shop: Shop, locations: tuple[UUID, ...]) -> None:
        self.db, self.desk, self.shop = db, desk, shop
        self.tags = Tags()
        self.assortment = Assortment(db, self.tags)
        self._fresh = fresh
        self._locations = locations

    async def article(
        self, *stock: int, price: str | None = "11.90", tax_class: str = "standard", name: str = "Ball"
    ) -> Article:
        """An article with stock per location, the preferred one first."""
        slug = self._fresh.text("ball")
        product = PutProduct(
            slug=slug,
            tax_class=tax_class,
            texts=(Text("en", name), Text("de", name)),
            variants=(PutVariant(sku=slug.upper(), options={"colour": "Royal blue"}),),
        )
        async with self.db.transaction() as tx:
            [stored] = await put_products(tx, [product], by=BY, at=AT)
            [variant_id] = stored.variant_ids
            owner = self.shop.owner_party_id
            offer = PutOffer(shop_id=self.shop.id, variant_id=variant_id, seller_party_id=owner)
            [made] = await put_offers(tx, [offer], by=BY, at=AT)
            if price is not None:
                await self.price(tx, variant_id, price)
        return Article(variant_id, made.id, await self.stock(variant_id, *stock))

    async def stock(self, variant_id: UUID, *stock: int) -> tuple[int, ...]:
        """Stock of a variant per location, the preferred one first: its pools."""
        keys = [StockKey(variant_id, place, self.shop.owner_party_id) for place in self._locations[: len(stock)]]
        async with self.db.transaction() as tx:
            pools = await ensure_stock(tx, keys, at=AT)
        for pool_id, quantity in zip(pools, stock, strict=True):
            if quantity:
                await self.receive(pool_id, quantity)
        return tuple(pools)

    async def price(self, tx, variant_id: UUID, price: str, *, at: datetime = AT) -> None:
        """Set what it costs from `at` on."""
        entry = SetPrice(
            shop_id=self.shop.id, variant_id=variant_id, currency="EUR", unit_price=Decimal(price), valid_from=at
        )
        await set_prices(tx, [entry], by=BY, at=at)

    async def receive(self, pool_id: int, quantity: int) -> None:
        """Goods came in."""
        change = StockChange(pool_id, quantity)
        request = MoveRequest(document_id=self._fresh.id(), kind="receipt", changes=(change,), actor=BY, occurred_at=AT)
        await move_goods(self.desk, request=request, key=self.key())

    async def basket(self, *wanted: tuple[Article, int]) -> UUID:
        """A basket with quantities of articles."""
        async with self.db.transaction() as tx:
            basket_id = await create_basket(tx, shop=self.shop, at=AT)
            for article, quantity in wanted:
                await set_quantity(
                    tx, shop=self.shop, basket_id=basket_id, offer_id=article.offer_id, quantity=quantity, at=AT
                )
        return basket_id

    def purchase(self, total_minor: int, *, method: str = "invoice", country: str = "DE", **address: str) -> Purchase:
        """What a buyer in Hamburg (or Vienna) says."""
        fields = {"name": "Anna Muster", "street": "Ring 1", "postcode": "20457", "city": "Hamburg"} | address
        contact = Contact(email="anna@example.org", billing=Address(country=country, **fields))
        return Purchase(contact=contact, method=method, total_minor=total_minor)

    def key(self, body: object = b"") -> Key:
        """A key that nobody has used."""
        return key_for("test", self._fresh.text(), body)


@pytest.fixture
async def store(db, desk, fresh) -> Store:
    code = fresh.text("shop")
    async with db.transaction() as tx:
        party = await put_party(tx, kind="organisation", name="Sports house", by=BY, at=AT)
        entity = await put_legal_entity(
            tx, code=code, party_id=party, name="Sports house", country="DE", currency="EUR",
            timezone="Europe/Berlin", by=BY, at=AT,
        )  # fmt: skip
        shop_id = await put_shop(
            tx, code=code, name="Sports house", legal_entity_id=entity, owner_party_id=party, languages=["de", "en"],
            currency="EUR", country="DE", timezone="Europe/Berlin", by=BY, at=AT,
        )  # fmt: skip
        places = [
            PutLocation(code=f"{code}-{kind}", kind=kind, name=kind, country="DE", timezone="Europe/Berlin")
            for kind in ("warehouse", "store")
        ]
        codes = await put_locations(tx, places, by=BY, at=AT)
        locations = tuple(codes[place.code] for place in places)
        await serve_shop(tx, shop_id=shop_id, location_ids=locations, by=BY, at=AT)
        for country, price, free_from in (("DE", 495, 5000), ("AT", 990, None)):
            await put_shipping(
                tx, shop_id=shop_id, country=country, price_minor=price, free_from_minor=free_from, valid_from=AT,
                by=BY, at=AT,
            )  # fmt: skip
        shop = await read_shop(tx, shop_id=shop_id)
    assert shop is not None
    return Store(db, desk, fresh, shop, locations)
