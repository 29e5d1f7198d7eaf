"""The shop of a fault run: small, so that its pools are fought for, and known to the piece."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.commands import put_products
from lotse.domains.catalog.contracts import PutProduct, PutVariant, Text
from lotse.domains.checkout.commands import put_shipping
from lotse.domains.inventory.commands import ensure_stock, move_goods, put_locations, serve_shop
from lotse.domains.inventory.contracts import MoveRequest, PutLocation, StockChange, StockKey
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import shop as find_shop
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7

BY = "system:bench"
ARTICLES = 40
# Every fifth article is scarce: it runs out in the run and comes back with a delivery.
SCARCE_EVERY = 5
STOCK = (5_000, 400)
SCARCE_STOCK = (12, 3)
SHIPPING_MINOR = 490
FREE_FROM_MINOR = 10_000


class Article(Struct, frozen=True):
    """What can be bought, for how much, and the pools that it lies in, the preferred one first."""

    sku: str
    offer_id: UUID
    price_minor: int
    pools: tuple[int, int]


class Scene(Struct, frozen=True):
    """The shop, its articles, and the pieces that every pool began with. `hot` is received anew in every round."""

    shop: Shop
    locations: tuple[str, str]
    articles: tuple[Article, ...]
    hot: Article
    began: dict[int, int]
    token: str

    def total(self, wants: dict[str, int]) -> int:
        """What an order of these offers costs, delivery included."""
        prices = {str(article.offer_id): article.price_minor for article in (*self.articles, self.hot)}
        goods = sum(prices[offer] * pieces for offer, pieces in wants.items())
        return goods if goods >= FREE_FROM_MINOR else goods + SHIPPING_MINOR


async def build(database: Database, desk: Desk, at: datetime) -> Scene:
    """Open the shop in an empty database and stock it."""
    async with database.transaction() as tx:
        shop = await _shop(tx, at)
        articles, locations = await _articles(tx, shop, at)
        token = await tokens.make(
            tx,
            name="fault run",
            scopes=["inventory.write", "orders.read", "orders.write", "sales.write"],
            days=2,
            actor=BY,
            at=at,
        )
    began: dict[int, int] = {}
    for number, article in enumerate(articles[:-1]):
        began.update(zip(article.pools, SCARCE_STOCK if number % SCARCE_EVERY == 0 else STOCK, strict=True))
    request = MoveRequest(
        document_id=uuid7(),
        kind="receipt",
        changes=tuple(StockChange(pool, pieces) for pool, pieces in began.items()),
        reference="opening",
        actor=BY,
        occurred_at=at,
    )
    await move_goods(desk, request=request, key=key_for(BY, "opening", request))
    began.update(dict.fromkeys(articles[-1].pools, 0))
    return Scene(shop, locations, tuple(articles[:-1]), articles[-1], began, token.secret)


async def _shop(tx: Transaction, at: datetime) -> Shop:
    host = await put_party(tx, kind="organisation", name="Störfall GmbH", by=BY, at=at)
    entity = await put_legal_entity(
        tx,
        code="faults",
        party_id=host,
        name="Störfall GmbH",
        country="DE",
        currency="EUR",
        timezone="Europe/Berlin",
        by=BY,
        at=at,
    )
    shop_id = await put_shop(
        tx,
        code="faults",
        name="Störfall",
        legal_entity_id=entity,
        owner_party_id=host,
        languages=["de", "en"],
        currency="EUR",
        country="DE",
        gross=True,
        timezone="Europe/Berlin",
        by=BY,
        at=at,
    )
    await put_shipping(
        tx,
        shop_id=shop_id,
        country="DE",
        price_minor=SHIPPING_MINOR,
        free_from_minor=FREE_FROM_MINOR,
        valid_from=at,
        by=BY,
        at=at,
    )
    shop = await find_shop(tx, shop_id=shop_id)
    if shop is None:
        raise LookupError("the shop that was just opened is not there")
    return shop


async def _articles(tx: Transaction, shop: Shop, at: datetime) -> tuple[list[Article], tuple[str, str]]:
    codes = ("faults-warehouse", "faults-store")
    kinds = ("warehouse", "store")
    ids = await put_locations(
        tx,
        [
            PutLocation(code=code, kind=kind, name=code, country="DE", timezone="Europe/Berlin")
            for code, kind in zip(codes, kinds, strict=True)
        ],
        by=BY,
        at=at,
    )
    places = [ids[code] for code in codes]
    await serve_shop(tx, shop_id=shop.id, location_ids=places, by=BY, at=at)
    names = [f"fault-{number:02}" for number in range(ARTICLES)] + ["fault-hot"]
    stored = await put_products(
        tx,
        [
            PutProduct(slug=name, brand="Kranich", texts=(Text("de", name),), variants=(PutVariant(sku=name),))
            for name in names
        ],
        by=BY,
        at=at,
    )
    variants = {product.slug: product.variant_ids[0] for product in stored}
    offers = await put_offers(
        tx,
        [PutOffer(shop_id=shop.id, variant_id=variants[n], seller_party_id=shop.owner_party_id) for n in names],
        by=BY,
        at=at,
    )
    of_variant = {offer.variant_id: offer.id for offer in offers}
    prices = {name: 990 + 210 * number for number, name in enumerate(names)}
    await set_prices(
        tx,
        [
            SetPrice(shop_id=shop.id, variant_id=variants[n], currency="EUR", unit_price=Decimal(prices[n]) / 100)
            for n in names
        ],
        by=BY,
        at=at,
    )
    pools = await ensure_stock(
        tx, [StockKey(variants[name], place, shop.owner_party_id) for name in names for place in places], at=at
    )
    articles = [
        Article(name, of_variant[variants[name]], prices[name], (pools[2 * number], pools[2 * number + 1]))
        for number, name in enumerate(names)
    ]
    return articles, codes
