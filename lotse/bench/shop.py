"""The shop that is measured: one warehouse, articles at one price, plenty of stock, free delivery.

Made by the same commands as any shop. Articles are products with one variant each and one pool each; the pools' ids
are consecutive, so that a pgbench script can draw them.
"""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.commands import put_products
from lotse.domains.catalog.contracts import PutProduct, PutVariant, Text
from lotse.domains.checkout.commands import put_shipping
from lotse.domains.inventory.commands import ensure_stock, move_goods, put_locations, serve_shop
from lotse.domains.inventory.contracts import DocumentKind, MoveRequest, PutLocation, StockChange, StockKey
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.parties.commands import put_legal_entity, put_parties, put_shop
from lotse.domains.parties.contracts import PostalAddress, PutParty
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.kernel import clock
from lotse.kernel.db import Database
from lotse.kernel.desk.desk import running
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7

ACTOR = "bench"
# With 19 % of tax in it: 10.00 + 1.90.
PRICE_MINOR = 1190
PLENTY = 1_000_000_000
# A receipt takes as many positions as inventory allows.
_AT_ONCE = 5_000


class Shop(Struct, frozen=True):
    """What load profiles and scripts must know. Offer i is of pool `first_pool + i`."""

    shop_id: UUID
    location_id: UUID
    offers: list[UUID]
    first_pool: int

    @property
    def last_pool(self) -> int:
        return self.first_pool + len(self.offers) - 1


async def opened(database: Database, *, articles: int) -> Shop:
    """A shop with this many articles in an empty database; 5,000 take a few seconds."""
    at = clock.now()
    async with database.transaction() as tx:
        (party_id,) = await put_parties(
            tx, [PutParty(kind="organisation", name="Messhaus", roles=("seller",))], by=ACTOR, at=at
        )
        entity_id = await put_legal_entity(
            tx,
            code="bench",
            party_id=party_id,
            name="Messhaus GmbH",
            country="DE",
            currency="EUR",
            timezone="Europe/Berlin",
            by=ACTOR,
            at=at,
        )
        shop_id = await put_shop(
            tx,
            code="bench",
            name="Messhaus",
            legal_entity_id=entity_id,
            owner_party_id=party_id,
            languages=("de", "en"),
            currency="EUR",
            country="DE",
            timezone="Europe/Berlin",
            by=ACTOR,
            at=at,
        )
        address = PostalAddress(street="Messweg 1", postcode="20457", city="Hamburg", country="DE")
        places = await put_locations(
            tx,
            [
                PutLocation(
                    code="lager",
                    kind="warehouse",
                    name="Lager",
                    address=address,
                    country="DE",
                    timezone="Europe/Berlin",
                )
            ],
            by=ACTOR,
            at=at,
        )
        location_id = places["lager"]
        await serve_shop(tx, shop_id=shop_id, location_ids=[location_id], by=ACTOR, at=at)
        await put_shipping(
            tx, shop_id=shop_id, country="DE", price_minor=0, free_from_minor=None, valid_from=at, by=ACTOR, at=at
        )
    offers: list[UUID] = []
    pools: list[int] = []
    for begin in range(0, articles, _AT_ONCE):
        numbers = range(begin + 1, min(begin + _AT_ONCE, articles) + 1)
        async with database.transaction() as tx:
            stored = await put_products(tx, [_product(number) for number in numbers], by=ACTOR, at=at)
            variants = [product.variant_ids[0] for product in stored]
            made = await put_offers(
                tx,
                [PutOffer(shop_id=shop_id, variant_id=id, seller_party_id=party_id) for id in variants],
                by=ACTOR,
                at=at,
            )
            offers += [offer.id for offer in made]
            price = Decimal(PRICE_MINOR) / 100
            await set_prices(
                tx,
                [SetPrice(shop_id=shop_id, variant_id=id, currency="EUR", unit_price=price) for id in variants],
                by=ACTOR,
                at=at,
            )
            pools += await ensure_stock(tx, [StockKey(id, location_id, party_id) for id in variants], at=at)
    if pools != list(range(pools[0], pools[0] + len(pools))):
        raise AssertionError("the pools of an empty database have consecutive ids")
    await stock(database, "receipt", [(pool, PLENTY) for pool in pools])
    return Shop(shop_id, location_id, offers, pools[0])


async def stock(database: Database, kind: DocumentKind, changes: Sequence[tuple[int, int]]) -> None:
    """Goods that come in or are counted, by a desk of our own in this process."""
    at = clock.now()
    async with running(database.dsn) as desk:
        for begin in range(0, len(changes), _AT_ONCE):
            request = MoveRequest(
                document_id=uuid7(),
                kind=kind,
                changes=tuple(StockChange(pool, delta) for pool, delta in changes[begin : begin + _AT_ONCE]),
                actor=ACTOR,
                occurred_at=at,
            )
            await move_goods(desk, request=request, key=key_for(ACTOR, str(request.document_id), request))


def _product(number: int) -> PutProduct:
    return PutProduct(
        slug=f"messartikel-{number}",
        brand="Messhaus",
        texts=(
            Text("de", f"Messartikel {number:05}", "Zum Messen", "Ein Artikel, an dem gemessen wird."),
            Text("en", f"Benchmark article {number:05}", "To measure", "An article to measure with."),
        ),
        variants=(PutVariant(sku=f"MESS-{number:05}", options={"Farbe": "blau", "Größe": "M"}),),
    )


def buyer() -> dict[str, object]:
    """The body of a guest's order but for its lines (see `POST /api/v1/orders`)."""
    address = {
        "name": "Erika Mustermann",
        "street": "Heidestraße 17",
        "postcode": "51147",
        "city": "Köln",
        "country": "DE",
    }
    contact = {"email": "erika.mustermann@post.example", "phone": "+49 221 4710 815", "billing": address}
    return {"contact": contact, "method": "invoice"}
