"""Masters of fields against real PostgreSQL: what another system has the say over is refused by name."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.catalog.commands import (
    change_products,
    change_state,
    change_variant_state,
    put_categories,
    put_products,
    put_texts,
    rename,
    set_successor,
)
from lotse.domains.catalog.contracts import (
    CategoryText,
    ChangeProduct,
    PutCategory,
    PutProduct,
    PutVariant,
    StoredProduct,
    Text,
)
from lotse.domains.customers.commands import edit_address, edit_customer, put_address, put_customers
from lotse.domains.customers.contracts import Address, EditCustomer, PutCustomer, StoredCustomer
from lotse.domains.inventory.commands import put_locations, serve_shop
from lotse.domains.inventory.contracts import PutLocation
from lotse.domains.pricing.commands import set_prices, withdraw_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.domains.pricing.pages import PRICES
from lotse.kernel.auth.principal import ALL, Principal, holding
from lotse.kernel.db import Database, Transaction
from lotse.kernel.masters import EVERYTHING, LOTSE, NotTheMaster, set_master
from lotse.kernel.pages import bulk
from lotse.kernel.pages.table import Scope
from lotse.testing import Fresh
from tests.scene import AT, BY, Place, open_shop

HOME = Address(name="Ada Example", street="Weg 1", postcode="20095", city="Hamburg", country="DE")
NEXT_WEEK = AT + timedelta(days=7)


class House(Struct, frozen=True):
    """One thing of each kind, as it was first put."""

    place: Place
    product: StoredProduct
    put: PutProduct
    customer: StoredCustomer
    person: PutCustomer
    shed: PutLocation
    price: UUID


Command = Callable[[Transaction, House, str | None], Awaitable[Any]]


@pytest.fixture
async def house(tx: Transaction, fresh: Fresh) -> House:
    place = await open_shop(tx, fresh)
    category = fresh.text("category")
    await put_categories(tx, [PutCategory(slug=category, texts=(CategoryText("de", "Schuhe"),))], by=BY, at=AT)
    slug = fresh.text("product")
    put = PutProduct(
        slug=slug,
        brand="Kranich",
        attributes={"sport": "running"},
        texts=(Text("de", "Laufschuh", "Leicht", "Für lange Strecken"),),
        variants=(PutVariant(sku=f"{slug}-42", gtin=fresh.gtin(), options={"size": "42"}),),
        categories=(category,),
    )
    [product] = await put_products(tx, [put], by=BY, at=AT)
    person = PutCustomer(
        number=fresh.text("N"),
        shop_id=place.shop.id,
        name="Ada Example",
        email=fresh.email(),
        addresses=(("billing", HOME),),
    )
    [customer] = await put_customers(tx, [person], by=BY, at=AT)
    shed = PutLocation(code=fresh.text("shed"), kind="store", name="Shed", country="DE", timezone="Europe/Berlin")
    await put_locations(tx, [shed], by=BY, at=AT)
    costs = SetPrice(
        shop_id=place.shop.id,
        variant_id=product.variant_ids[0],
        currency="EUR",
        unit_price=Decimal("59.95"),
        valid_from=NEXT_WEEK,
    )
    [price] = await set_prices(tx, [costs], by=BY, at=AT)
    return House(place, product, put, customer, person, shed, price)


def article(**changes: Any) -> Command:
    async def run(tx: Transaction, house: House, source: str | None) -> Any:
        return await put_products(tx, [replace(house.put, **changes)], by=BY, at=AT, source=source)

    return run


def variant(**changes: Any) -> Command:
    async def run(tx: Transaction, house: House, source: str | None) -> Any:
        puts = (replace(house.put.variants[0], **changes),)
        return await put_products(tx, [replace(house.put, variants=puts)], by=BY, at=AT, source=source)

    return run


def words(**changes: Any) -> Command:
    async def run(tx: Transaction, house: House, source: str | None) -> Any:
        texts = [replace(house.put.texts[0], **changes)]
        return await put_texts(tx, product_id=house.product.id, texts=texts, by=BY, at=AT, source=source)

    return run


def changed(**changes: Any) -> Command:
    async def run(tx: Transaction, house: House, source: str | None) -> Any:
        now = ChangeProduct(house.product.id, house.put.brand, house.put.tax_class, None)
        return await change_products(tx, [replace(now, **changes)], by=BY, at=AT, source=source)

    return run


def person(**changes: Any) -> Command:
    async def run(tx: Transaction, house: House, source: str | None) -> Any:
        return await put_customers(tx, [replace(house.person, **changes)], by=BY, at=AT, source=source)

    return run


def shed(**changes: Any) -> Command:
    async def run(tx: Transaction, house: House, source: str | None) -> Any:
        return await put_locations(tx, [replace(house.shed, **changes)], by=BY, at=AT, source=source)

    return run


async def archive(tx: Transaction, house: House, source: str | None) -> None:
    await change_state(tx, product_ids=[house.product.id], state="archived", by=BY, at=AT, source=source)


async def rename_article(tx: Transaction, house: House, source: str | None) -> None:
    await rename(tx, product_id=house.product.id, slug="another-address", by=BY, at=AT, source=source)


async def succeed(tx: Transaction, house: House, source: str | None) -> None:
    [other] = await put_products(tx, [PutProduct(slug="follower", state="draft")], by=BY, at=AT, source=None)
    await set_successor(tx, product_id=house.product.id, successor_id=other.id, by=BY, at=AT, source=source)


async def archive_size(tx: Transaction, house: House, source: str | None) -> None:
    ids = house.product.variant_ids
    await change_variant_state(tx, variant_ids=ids, state="archived", by=BY, at=AT, source=source)


async def move_house(tx: Transaction, house: House, source: str | None) -> None:
    there = replace(HOME, street="Weg 2")
    await put_address(tx, customer_id=house.customer.id, kind="billing", address=there, at=AT, source=source)


async def reprice(tx: Transaction, house: House, source: str | None) -> None:
    cheaper = SetPrice(
        shop_id=house.place.shop.id,
        variant_id=house.product.variant_ids[0],
        currency="EUR",
        unit_price=Decimal("49.95"),
    )
    await set_prices(tx, [cheaper], by=BY, at=AT, source=source)


async def withdraw(tx: Transaction, house: House, source: str | None) -> None:
    await withdraw_prices(tx, [house.price], by=BY, at=AT, source=source)


async def serve(tx: Transaction, house: House, source: str | None) -> None:
    ids = [house.place.store]
    await serve_shop(tx, shop_id=house.place.shop.id, location_ids=ids, by=BY, at=AT, source=source)


# Each command with the field that it changes, as imports call it.
COMMANDS: list[tuple[str, str, Command]] = [
    ("articles", "brand", article(brand="Möwe")),
    ("articles", "tax_class", article(tax_class="reduced")),
    ("articles", "attributes", article(attributes={"sport": "hiking"})),
    ("articles", "category", article(categories=())),
    ("articles", "name", article(texts=(Text("de", "Schuh", "Leicht", "Für lange Strecken"),))),
    ("articles", EVERYTHING, article(slug="another-one", state="draft", variants=())),
    ("articles", EVERYTHING, variant(sku="another-size", gtin=None)),
    ("articles", "gtin", variant(gtin=None)),
    ("articles", "options", variant(options={"size": "43"})),
    ("articles", "unit", variant(unit="g")),
    ("articles", "name", words(name="Schuh")),
    ("articles", "summary", words(summary="Leichter")),
    ("articles", "description", words(description="")),
    ("articles", "name", words(language="fr", summary="", description="")),
    ("articles", "brand", changed(brand="Möwe")),
    ("articles", "tax_class", changed(tax_class="reduced")),
    ("articles", "state", archive),
    ("articles", "slug", rename_article),
    ("articles", "successor", succeed),
    ("articles", "state", archive_size),
    ("prices", "price", reprice),
    ("prices", "price", withdraw),
    ("customers", "name", person(name="Ada Otherwise")),
    ("customers", "email", person(email="other@post.example")),
    ("customers", "phone", person(phone="040 1")),
    ("customers", "customer_group", person(customer_group="club")),
    ("customers", "street", person(addresses=(("billing", replace(HOME, street="Weg 2")),))),
    ("customers", "street", move_house),
    ("customers", EVERYTHING, person(number=None)),
    ("locations", "name", shed(name="Barn")),
    ("locations", "city", shed(address=replace(PutLocation(
        code="x", kind="store", name="x", country="DE", timezone="UTC").address, city="Kiel"))),
    ("locations", EVERYTHING, shed(code="another-shed")),
    ("locations", "shops", serve),
]  # fmt: skip


@asynccontextmanager
async def taken_back(tx: Transaction) -> AsyncIterator[None]:
    """What is done in the block has not happened: one house serves the whole table."""
    point = tx.raw.transaction()
    await point.start()
    try:
        yield
    finally:
        await point.rollback()


async def test_each_command_asks_who_has_the_say(tx: Transaction, house: House) -> None:
    for kind, field, command in COMMANDS:
        async with taken_back(tx):
            await set_master(tx, kind=kind, field=field, master="erp", by=BY, at=AT)
            async with taken_back(tx):
                with pytest.raises(NotTheMaster) as refused:
                    await command(tx, house, LOTSE)
            assert (refused.value.kind, refused.value.field, refused.value.master) == (kind, field, "erp")
            if field == EVERYTHING:
                continue
            # Given back, while the rest is the other's.
            await set_master(tx, kind=kind, field=EVERYTHING, master="erp", by=BY, at=AT)
            await set_master(tx, kind=kind, field=field, master=LOTSE, by=BY, at=AT)
            async with taken_back(tx):
                with pytest.raises(NotTheMaster):
                    await command(tx, house, "erp")
            await command(tx, house, LOTSE)


async def test_the_master_itself_and_who_asked_before_are_not_refused(tx: Transaction, house: House) -> None:
    for kind, _, command in COMMANDS:
        async with taken_back(tx):
            await set_master(tx, kind=kind, field=EVERYTHING, master="erp", by=BY, at=AT)
            async with taken_back(tx):
                await command(tx, house, "erp")
            await command(tx, house, None)


async def test_what_changes_nothing_is_nobodys_to_refuse(tx: Transaction, house: House) -> None:
    for kind in ("articles", "customers", "locations"):
        await set_master(tx, kind=kind, field=EVERYTHING, master="erp", by=BY, at=AT)
    for same in (article(), words(), changed(), person(), shed()):
        await same(tx, house, LOTSE)
    await change_state(tx, product_ids=[house.product.id], state="active", by=BY, at=AT)
    parcels = replace(HOME, street="Packstation 1")  # no system but the shop knows where parcels go
    await put_address(tx, customer_id=house.customer.id, kind="delivery", address=parcels, at=AT)


async def test_where_bills_go_is_not_edited_past_its_master(tx: Transaction, house: House) -> None:
    await set_master(tx, kind="customers", field="city", master="erp", by=BY, at=AT)
    id = house.customer.id
    there = await put_address(tx, customer_id=id, kind="billing", address=HOME, at=AT, source="erp")
    await edit_address(tx, customer_id=id, address_id=there, address=replace(HOME, street="Weg 9"), at=AT)
    with pytest.raises(NotTheMaster) as refused:
        await edit_address(tx, customer_id=id, address_id=there, address=replace(HOME, city="Ulm"), at=AT)
    assert refused.value.field == "city"


async def test_a_system_without_a_say_is_refused_too(tx: Transaction, house: House) -> None:
    with pytest.raises(NotTheMaster) as refused:
        await article(brand="Möwe")(tx, house, "erp")
    assert refused.value.master == LOTSE


async def test_an_edit_by_hand_is_refused_by_its_field(tx: Transaction, house: House) -> None:
    await set_master(tx, kind="customers", field="email", master="crm", by=BY, at=AT)
    edited = EditCustomer("Ada Otherwise", house.person.email)
    await edit_customer(tx, customer_id=house.customer.id, edited=edited, by=BY, reason="married", at=AT)
    with pytest.raises(NotTheMaster) as refused:
        other = EditCustomer("Ada Otherwise", "other@post.example")
        await edit_customer(tx, customer_id=house.customer.id, edited=other, by=BY, reason="moved", at=AT)
    assert (refused.value.field, refused.value.master) == ("email", "crm")


async def test_a_change_of_many_prices_names_whose_say_it_is(db: Database, fresh: Fresh) -> None:
    """At the preview, and again when somebody gave the field away since."""
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        slug = fresh.text("product")
        put = PutProduct(slug=slug, texts=(Text("de", "Ball"),), variants=(PutVariant(sku=f"{slug}-1"),))
        [stored] = await put_products(tx, [put], by=BY, at=AT)
        first = SetPrice(
            shop_id=place.shop.id, variant_id=stored.variant_ids[0], currency="EUR", unit_price=Decimal(10)
        )
        await set_prices(tx, [first], by=BY, at=AT)
    later = AT + timedelta(hours=1)
    kim = Principal("staff", str(fresh.id()), "Kim", holding(ALL))
    scope = Scope(place.shop.id, "EUR", "en", "Europe/Berlin", later, kim, "pricing.write")
    action = bulk.action_of(PRICES, "change")
    typed = action.form(how="percent", amount="-10", rounding="to_cent", reason="sale")

    async def planned() -> bulk.BulkChange:
        async with db.transaction() as tx:
            id = await bulk.begin(tx, PRICES, action, scope, typed=typed, rows=bulk.given(stored.variant_ids))
        return await bulk.run(db, id, at=later)

    async def give(master: str | None) -> None:
        async with db.transaction() as tx:
            await set_master(tx, kind="prices", field="price", master=master, by=BY, at=AT)

    before = await planned()
    assert (before.changes, before.refused) == (1, 0)
    await give("erp")
    try:
        refused = await planned()
        assert (refused.changes, refused.refused) == (0, 1)
        async with db.reading() as conn:
            [row] = await bulk.some(conn, refused.id, "refused", 10)
        assert (row.refusal, row.said) == (bulk.NOT_OURS, {"master": "erp"})
        async with db.transaction() as tx:
            await bulk.move(tx, before.id, from_state="planned", to_state="applying", by=str(kim), at=later)
        applied = await bulk.run(db, before.id, at=later)
        assert (applied.done, applied.failed) == (0, 1)
    finally:
        await give(None)
