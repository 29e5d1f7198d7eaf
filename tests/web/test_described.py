"""What pages say of themselves to search engines (JSON-LD), read back and held against the properties that Google's
guides to merchant listings, product variants, shipping and return policies ask for."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from lotse.domains.catalog.commands import put_products
from lotse.domains.catalog.contracts import PutProduct, PutVariant, Text
from lotse.domains.checkout.commands import put_shipping
from lotse.domains.checkout.tests import conftest as checkout
from lotse.domains.content.commands import add_page, publish, put_draft
from lotse.domains.content.contracts import TextBlock, Written
from lotse.domains.inventory.commands import put_locations, serve_shop
from lotse.domains.inventory.contracts import PutLocation
from lotse.domains.inventory.rules import holiday
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.parties.commands import put_legal_entity, put_party
from lotse.domains.parties.contracts import PostalAddress
from lotse.domains.parties.queries import legal_entity
from lotse.kernel import clock
from lotse.testing import Databases, Fresh
from tests.web.conftest import Whole, at_origin
from tests.web.running import Running, running_demo

store = checkout.store  # a fixture
SCHEMA = "https://schema.org/"
# What each type needs, and with it what its guide recommends and a shop always knows.
NEEDED: dict[str, set[str]] = {
    "Product": {"name", "sku", "url"},
    "ProductGroup": {"name", "url", "productGroupID", "hasVariant"},
    "Offer": {
        "price", "priceCurrency", "availability", "itemCondition", "url", "seller", "hasMerchantReturnPolicy",
        "shippingDetails",
    },
    "UnitPriceSpecification": {"price", "priceCurrency", "valueAddedTaxIncluded"},
    "QuantitativeValue": {"unitCode"},
    "OfferShippingDetails": {"shippingRate", "shippingDestination"},
    "MonetaryAmount": {"value", "currency"},
    "DefinedRegion": {"addressCountry"},
    "ShippingDeliveryTime": {"handlingTime", "transitTime"},
    "MerchantReturnPolicy": {
        "applicableCountry", "returnPolicyCategory", "merchantReturnDays", "returnMethod", "returnFees", "refundType",
        "merchantReturnLink",
    },
    "OnlineStore": {"name", "url"},
    "PostalAddress": {"addressCountry"},
    "ContactPoint": {"contactType"},
    "Store": {"name", "url", "address", "openingHoursSpecification", "parentOrganization"},
    "OpeningHoursSpecification": {"opens", "closes"},
    "GeoCoordinates": {"latitude", "longitude"},
    "WebSite": {"name", "url", "potentialAction"},
    "Brand": {"name"},
    "BreadcrumbList": {"itemListElement"},
    "ListItem": {"position", "name", "item"},
}  # fmt: skip


def read(page: str) -> list[dict[str, Any]]:
    """Everything that a page says of itself, with what is written once put where it is mentioned."""
    graph: list[dict[str, Any]] = []
    for script in re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL):
        said = json.loads(script)
        assert said["@context"] == "https://schema.org"
        graph += said.get("@graph", [said])
    known = {node["@id"]: node for node in _nodes(graph) if "@id" in node and len(node) > 1}

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"@id"}:
                return whole(known[value["@id"]])
            return {name: whole(one) for name, one in value.items()}
        return [whole(one) for one in value] if isinstance(value, list) else value

    return whole(graph)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _nodes(one)


def check(graph: list[dict[str, Any]]) -> None:
    """Every node has what its type needs, and no property is empty."""
    for node in _nodes(graph):
        missing = NEEDED.get(node["@type"], set()) - set(node)
        assert not missing, f"{node['@type']} {node.get('name', '')} lacks {missing}"
        empty = [name for name, value in node.items() if value in (None, "", [], {})]
        assert not empty, f"{node['@type']} has nothing to say in {empty}"


def offers_of(thing: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["offers"] for one in thing.get("hasVariant", [thing]) if "offers" in one]


class Shelf:
    """Puts products on the shelves of a small shop and reads what their pages say."""

    page = ""

    def __init__(self, store: checkout.Store, pages: httpx.AsyncClient, fresh: Fresh) -> None:
        self.store, self._pages, self._fresh = store, pages, fresh

    async def product(self, *variants: dict[str, str], **more: Any) -> list[Any]:
        """Its slug, and the ids of its variants."""
        slug = self._fresh.text("ball")
        put = PutProduct(
            slug=slug,
            texts=(Text("en", "Ball", summary="Round."), Text("de", "Ball", summary="Rund.")),
            variants=tuple(PutVariant(sku=f"{slug}-{n}".upper(), options=one) for n, one in enumerate(variants)),
            **more,
        )
        async with self.store.db.transaction() as tx:
            [stored] = await put_products(tx, [put], by="test", at=checkout.AT)
            owner = self.store.shop.owner_party_id
            made = [
                PutOffer(shop_id=self.store.shop.id, variant_id=id, seller_party_id=owner) for id in stored.variant_ids
            ]
            await put_offers(tx, made, by="test", at=checkout.AT)
        return [slug, *stored.variant_ids]

    async def price(self, variant_id: Any, *prices: str) -> None:
        """What it cost, one price a day, the last from now on."""
        async with self.store.db.transaction() as tx:
            for days, price in enumerate(reversed(prices)):
                await self.store.price(tx, variant_id, price, at=clock.now() - timedelta(days=days))

    async def opens(self, path: str) -> list[dict[str, Any]]:
        """What a page says of itself."""
        answer = await self._pages.get(path)
        assert answer.status_code == 200, answer.text[:1_000]
        self.page = answer.text
        graph = read(answer.text)
        check(graph)
        return graph

    async def sees(self, slug: str, language: str = "en") -> dict[str, Any]:
        thing, crumbs = await self.opens(f"/{language}/p/{slug}")
        assert [one["position"] for one in crumbs["itemListElement"]] == [1, 2]
        return thing


@pytest.fixture
async def shelf(whole_with_desk: Whole, store: checkout.Store, fresh: Fresh) -> AsyncIterator[Shelf]:
    whole_with_desk.pages.state.shop = (float("inf"), store.shop)
    async with at_origin(whole_with_desk.pages) as client:
        yield Shelf(store, client, fresh)


async def test_an_offer_says_what_it_costs_to_have_it_and_to_send_it_back(shelf: Shelf) -> None:
    slug, id = await shelf.product({"colour": "Royal blue"})
    await shelf.price(id, "11.90")
    await shelf.store.stock(id, 50)
    thing = await shelf.sees(slug)
    [offer] = offers_of(thing)
    assert (thing["@type"], thing["color"], offer["price"]) == ("Product", "Royal blue", "11.90")
    assert "image" not in thing and "brand" not in thing and "gtin" not in thing, "what is not known is not said"
    assert "priceSpecification" not in offer and "priceValidUntil" not in offer
    assert offer["availability"] == f"{SCHEMA}InStock" and offer["itemCondition"] == f"{SCHEMA}NewCondition"
    austria, germany = offer["shippingDetails"]
    assert [one["shippingDestination"]["addressCountry"] for one in (austria, germany)] == ["AT", "DE"]
    assert [one["shippingRate"]["value"] for one in (austria, germany)] == ["9.90", "4.95"]
    assert germany["deliveryTime"]["transitTime"]["maxValue"] == 2
    assert austria["deliveryTime"]["transitTime"]["minValue"] == 2, "each country has its own days"
    back = offer["hasMerchantReturnPolicy"]
    assert (back["merchantReturnDays"], back["applicableCountry"]) == (14, "DE")
    assert back["returnFees"] == f"{SCHEMA}FreeReturn" and back["returnMethod"] == f"{SCHEMA}ReturnByMail"


async def test_delivery_is_free_from_the_value_on_that_the_shop_says(shelf: Shelf) -> None:
    slug, *ids = await shelf.product({"size": "S"}, {"size": "M"})
    for id, price in zip(ids, ("49.99", "50.00"), strict=True):
        await shelf.price(id, price)
        await shelf.store.stock(id, 5)
    small, large = offers_of(await shelf.sees(slug))
    said = [[one["shippingRate"]["value"] for one in offer["shippingDetails"]] for offer in (small, large)]
    assert said == [["9.90", "4.95"], ["9.90", "0.00"]]
    async with shelf.store.db.transaction() as tx:
        now = clock.now()
        await put_shipping(
            tx, shop_id=shelf.store.shop.id, country="DE", price_minor=500, free_from_minor=None, valid_from=now,
            by="test", at=now,
        )  # fmt: skip
    small, _ = offers_of(await shelf.sees(slug))
    assert small["shippingDetails"][1]["shippingRate"]["value"] == "5.00"


async def test_a_reduction_says_the_lowest_price_before(shelf: Shelf) -> None:
    slug, id = await shelf.product({"colour": "Royal blue"}, attributes={"content_ml": 750})
    await shelf.price(id, "20.00", "18.00", "15.00")
    await shelf.store.stock(id, 5)
    [offer] = offers_of(await shelf.sees(slug))
    now, former = offer["priceSpecification"]
    assert (offer["price"], now["price"], former["price"]) == ("15.00", "15.00", "18.00"), "s. 11 PAngV: the lowest"
    assert "priceType" not in now and former["priceType"] == f"{SCHEMA}StrikethroughPrice"
    per = now["referenceQuantity"]
    assert (per["value"], per["unitCode"], per["valueReference"]["value"]) == ("0.75", "LTR", "1")


async def test_variants_are_said_in_the_language_of_the_page(shelf: Shelf) -> None:
    slug, *ids = await shelf.product(
        {"colour": "Royal blue", "size": "S"}, {"colour": "Wine red", "size": "M"}, brand="Tolvaro"
    )
    for id in ids:
        await shelf.price(id, "9.00")
    await shelf.store.stock(ids[0], 5)
    group = await shelf.sees(slug, "de")
    assert group["@type"] == "ProductGroup" and group["productGroupID"] == slug
    assert group["variesBy"] == [f"{SCHEMA}size", f"{SCHEMA}color"] and group["brand"]["name"] == "Tolvaro"
    blue, red = group["hasVariant"]
    assert (blue["color"], red["color"], red["size"]) == ("Königsblau", "Weinrot", "M")
    assert blue["name"] == "Ball, S, Königsblau" and blue["inProductGroupWithID"] == slug
    assert blue["url"] == blue["offers"]["url"] and blue["url"].endswith(f"/de/p/{slug}?sku={blue['sku']}")
    assert red["offers"]["availability"] == f"{SCHEMA}OutOfStock"
    assert all("deliveryTime" not in one for one in red["offers"]["shippingDetails"]), "nobody can say when"
    english = (await shelf.sees(slug))["hasVariant"]
    assert [one["color"] for one in english] == ["Royal blue", "Wine red"]


async def test_without_a_price_there_is_no_offer(shelf: Shelf) -> None:
    slug, one, other = await shelf.product({"size": "S"}, {"size": "M"})
    await shelf.price(one, "9.00")
    thing = await shelf.sees(slug)
    assert ["offers" in variant for variant in thing["hasVariant"]] == [True, False]
    slug, _ = await shelf.product({})
    assert "offers" not in await shelf.sees(slug)
    assert other


async def test_the_first_page_says_who_sells(shelf: Shelf) -> None:
    shop, db = shelf.store.shop, shelf.store.db
    store, site = await shelf.opens("/en")
    assert (store["@type"], store["name"], store["legalName"]) == ("OnlineStore", shop.name, "Sports house")
    assert store["address"] == {"@type": "PostalAddress", "addressCountry": "DE"}, "what is not known is not said"
    assert not {"vatID", "email", "telephone", "contactPoint", "sameAs"} & set(store)
    assert store["hasMerchantReturnPolicy"]["merchantReturnLink"].endswith("/en/withdrawal")
    assert site["@type"] == "WebSite"
    async with db.transaction() as tx:
        entity = await legal_entity(tx, legal_entity_id=shop.legal_entity_id)
        assert entity
        await put_party(
            tx, id=entity.party_id, kind="organisation", name="Sports house", email="hello@example.org",
            phone="+49 40 1", by="test", at=checkout.AT,
        )  # fmt: skip
        await put_legal_entity(
            tx, code=entity.code, party_id=entity.party_id, name="Sports house Ltd", country="DE", currency="EUR",
            timezone="Europe/Berlin", vat_id="DE136695976", by="test", at=checkout.AT,
            address=PostalAddress(street="Ring 1", postcode="20457", city="Hamburg", country="DE"),
        )  # fmt: skip
    store, _ = await shelf.opens("/en")
    assert (store["vatID"], store["legalName"]) == ("DE136695976", "Sports house Ltd")
    assert (store["email"], store["contactPoint"]["telephone"]) == ("hello@example.org", "+49 40 1")
    address = store["address"]
    assert (address["streetAddress"], address["addressLocality"], address["postalCode"]) == (
        "Ring 1",
        "Hamburg",
        "20457",
    )


async def test_stores_say_when_they_are_open(shelf: Shelf) -> None:
    shop = shelf.store.shop
    hours = {"mon": [["10:00", "20:00"]], "tue": [["10:00", "20:00"]], "sat": [["10:00", "14:00"], ["15:00", "18:00"]]}
    put = PutLocation(
        code=f"{shop.code}-elbe", kind="store", name="Elbe", country="DE", timezone="Europe/Berlin",
        address=PostalAddress(street="Ring 1", postcode="20457", city="Hamburg"), latitude=53.5, longitude=10.0,
        opening_hours=hours,
    )  # fmt: skip
    async with shelf.store.db.transaction() as tx:
        places = await put_locations(tx, [put], by="test", at=checkout.AT)
        await serve_shop(tx, shop_id=shop.id, location_ids=list(places.values()), by="test", at=checkout.AT)
    [store] = await shelf.opens("/en/stores")
    assert (store["@type"], store["name"], store["geo"]["latitude"]) == ("Store", "Elbe", 53.5)
    assert store["parentOrganization"]["name"] == shop.name
    weekly = [one for one in store["openingHoursSpecification"] if "dayOfWeek" in one]
    assert [(one["opens"], one["closes"], len(one["dayOfWeek"])) for one in weekly] == [
        ("10:00", "20:00", 2),
        ("10:00", "14:00", 1),
        ("15:00", "18:00", 1),
    ]
    special = [one for one in store["openingHoursSpecification"] if "dayOfWeek" not in one]
    today = clock.now().astimezone(ZoneInfo("Europe/Berlin")).date()
    free = [day for ahead in range(60) if holiday("DE", "HH", day := today + timedelta(days=ahead))]
    assert [one["validFrom"] for one in special] == [day.isoformat() for day in free]
    assert all(one["opens"] == one["closes"] == "00:00" for one in special), "closed"
    assert 'content="Stores of Sports house in Hamburg: addresses' in shelf.page


@pytest.mark.parametrize("path", ["/stores", "/delivery", "/withdrawal", "/privacy", "/info/care"])
async def test_every_page_says_in_a_sentence_what_it_is(shelf: Shelf, path: str) -> None:
    shop, db = shelf.store.shop, shelf.store.db
    async with db.transaction() as tx:
        now = clock.now()
        page_id = await add_page(tx, shop_id=shop.id, slug="care", by="test", at=now)
        care = "Wash it **cold** & <slowly>, then let it dry in the shade for a day. " + "Never iron it. " * 20
        written = Written("Care", "", [TextBlock(f"# Care\n\n{care}")])
        await put_draft(tx, page_id=page_id, language="en", written=written, by="test", at=now)
        await publish(tx, page_id=page_id, language="en", by="test", at=now)
    await shelf.opens(f"/en{path}")
    [said] = re.findall('<meta name="description" content="([^"]*)">', shelf.page)
    assert re.findall('<meta property="og:description" content="([^"]*)">', shelf.page) == [said]
    assert 30 < len(unescape(said)) <= 155 and unescape(said).endswith((".", "…")), said
    if path == "/info/care":
        assert unescape(said).startswith("Wash it cold & <slowly>, then") and unescape(said).endswith("Never iron it.")


@pytest.fixture(scope="module")
def up(env: dict[str, str], databases: Databases) -> Iterator[Running]:
    """With a database of its own: the demo's shop must not become the main shop of other tests."""
    with running_demo(env, databases) as one:
        yield one


def test_the_demos_products_say_all_that_is_asked(up: Running) -> None:
    with httpx.Client(base_url=up.url, follow_redirects=True, timeout=30) as browser:
        parts = re.findall(r"<loc>[^<]*?(/sitemap/[0-9]+)</loc>", browser.get("/sitemap.xml").text)
        paths = [
            path for part in parts for path in re.findall(r"<loc>[^<]*?(/de/p/[^<]+)</loc>", browser.get(part).text)
        ]
        assert len(paths) > 100
        seen = 0
        for path in paths[:: len(paths) // 25]:
            thing, _ = graph = read(browser.get(path).text)
            check(graph)
            for variant in thing.get("hasVariant", [thing]):
                assert variant["image"] and variant["gtin"] and variant["offers"]["availability"].startswith(SCHEMA)
                seen += 1
        assert seen > 50
