"""Locations, stock lines and what a shop can sell of them."""

import asyncio
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.inventory.commands import ensure_stock, put_locations, serve_shop
from lotse.domains.inventory.contracts import PutLocation, StockKey, UnknownLocation
from lotse.domains.inventory.pages.stock import POOLS, STOCK
from lotse.domains.inventory.queries import (
    READS,
    availability,
    location_by_code,
    locations,
    locations_of_shop,
    pools_for,
    pools_for_offers,
    stock_of_pools,
    stock_of_variants,
)
from lotse.domains.inventory.rules import LOW, stock_state
from lotse.domains.offers.commands import change_state
from lotse.domains.parties.commands import put_party
from lotse.domains.parties.contracts import UnknownParty, UnknownShop
from lotse.kernel.auth.principal import Grant, Principal
from lotse.kernel.pages import query
from lotse.kernel.pages.table import Scope
from lotse.kernel.refusals import Invalid
from tests.scene import AT, BY, offer, open_shop, put_one


@pytest.fixture
async def place(tx, fresh):
    return await open_shop(tx, fresh)


@pytest.fixture
async def variants(tx, fresh):
    return (await put_one(tx, fresh, variants=3)).variant_ids


async def fill(tx, pool_id: int, on_hand: int, held: int = 0) -> None:
    """Put pieces into a pool; how they get there is the pools' and the desk's business."""
    await tx.raw.execute("update pools.pools set on_hand = $2, held = $3 where id = $1", pool_id, on_hand, held)


def test_states():
    assert [stock_state(n) for n in (-1, 0, 1, LOW, LOW + 1)] == ["out", "out", "low", "low", "in_stock"]


@given(st.integers(), st.integers())
def test_more_is_never_less(one: int, other: int):
    order = ["out", "low", "in_stock"]
    assert order.index(stock_state(min(one, other))) <= order.index(stock_state(max(one, other)))


# -- locations


@pytest.fixture
def shed(fresh):
    return PutLocation(
        code=fresh.text("shed"),
        kind="warehouse",
        name="Shed",
        country="DE",
        timezone="Europe/Berlin",
        latitude=53.55,
        longitude=10.0,
        opening_hours={"mon": [["09:00", "12:00"], ["13:00", "18:30"]]},
    )


async def test_a_location_is_put_by_code(tx, shed):
    first = await put_locations(tx, [shed], by=BY, at=AT)
    assert await put_locations(tx, [shed], by=BY, at=AT) == first
    assert await put_locations(tx, [msgspec.structs.replace(shed, name="Barn")], by=BY, at=AT) == first
    found = await location_by_code(tx, code=shed.code)
    assert found
    assert (found.name, found.latitude, found.opening_hours) == ("Barn", 53.55, shed.opening_hours)
    told = await tx.raw.fetchval(
        "select count(*) from kernel.audit where subject = $1", f"inventory.location:{shed.code}"
    )
    assert told == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "locations[0].name"),
        ({"country": "GER"}, "locations[0].country"),
        ({"timezone": "CET+1"}, "locations[0].timezone"),
        ({"latitude": None}, "locations[0].latitude"),
        ({"latitude": 91.0}, "locations[0].latitude"),
        ({"longitude": -181.0}, "locations[0].longitude"),
        ({"opening_hours": {"monday": []}}, "locations[0].opening_hours"),
        ({"opening_hours": {"mon": [["18:00", "09:00"]]}}, "locations[0].opening_hours"),
        ({"opening_hours": {"mon": [["nine", "ten"]]}}, "locations[0].opening_hours"),
        ({"code": "No Code"}, "locations.code"),
    ],
)
async def test_what_is_no_location(tx, shed, change, field):
    with pytest.raises(Invalid) as refused:
        await put_locations(tx, [msgspec.structs.replace(shed, **change)], by=BY, at=AT)
    assert refused.value.field == field


async def test_locations_page_by_code(tx, place):
    first = await locations(tx, limit=1)
    second = await locations(tx, limit=1, cursor=first.next)
    assert first.items[0].code < second.items[0].code


async def test_the_list_of_a_shop_is_replaced_as_a_whole(tx, fresh, place):
    async def serving() -> list:
        return [location.id for location in await locations_of_shop(tx, shop_id=place.shop.id)]

    assert await serving() == [place.warehouse, place.store]
    await serve_shop(tx, shop_id=place.shop.id, location_ids=[place.store, place.warehouse], by=BY, at=AT)
    assert await serving() == [place.store, place.warehouse]
    await serve_shop(tx, shop_id=place.shop.id, location_ids=[place.store], by=BY, at=AT)
    assert await serving() == [place.store]
    for refusal, wanted in (
        (Invalid, {"shop_id": place.shop.id, "location_ids": [place.store, place.store]}),
        (UnknownShop, {"shop_id": fresh.id(), "location_ids": [place.store]}),
        (UnknownLocation, {"shop_id": place.shop.id, "location_ids": [fresh.id()]}),
    ):
        with pytest.raises(refusal):
            async with tx.raw.transaction():
                await serve_shop(tx, **wanted, by=BY, at=AT)


# -- stock


async def test_a_thing_is_counted_by_one_pool(tx, place, variants):
    keys = [StockKey(id, at, place.host) for id in variants for at in (place.warehouse, place.store)]
    pools = await ensure_stock(tx, keys, at=AT)
    assert len(set(pools)) == 6
    assert await ensure_stock(tx, keys[::-1], at=AT) == pools[::-1]
    more = [keys[0], StockKey(variants[0], place.store, place.host, "used"), keys[0], keys[5]]
    again = await ensure_stock(tx, more, at=AT)
    assert [again[0], again[2], again[3]] == [pools[0], pools[0], pools[5]]
    assert again[1] not in pools
    lines = await stock_of_pools(tx, pool_ids=[pools[3]])
    assert [(line.variant_id, line.location_id, line.on_hand) for line in lines] == [(variants[1], place.store, 0)]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"variant_id": None}, UnknownVariant),
        ({"location_id": None}, UnknownLocation),
        ({"owner_party_id": None}, UnknownParty),
        ({"lot": "x" * 65}, Invalid),
    ],
)
async def test_stock_of_what_is_not_there(tx, fresh, place, variants, change, refusal):
    change = {name: fresh.id() if value is None else value for name, value in change.items()}
    with pytest.raises(refusal):
        await ensure_stock(
            tx, [msgspec.structs.replace(StockKey(variants[0], place.store, place.host), **change)], at=AT
        )


async def test_two_receipts_of_new_stock_open_one_pool(db, fresh):
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        variants = (await put_one(tx, fresh, variants=5)).variant_ids
    keys = [StockKey(id, place.store, place.host) for id in variants]
    before = await _count(db)

    async def open_them(order: list[StockKey]) -> set[int]:
        async with db.transaction() as tx:
            return set(await ensure_stock(tx, order, at=AT))

    found = await asyncio.gather(open_them(keys), open_them(keys[::-1]), open_them(keys), open_them(keys[::-1]))
    assert all(pools == found[0] for pools in found)
    assert await _count(db) == before + 5  # and no pool that nothing uses


async def _count(db) -> int:
    async with db.reading() as conn:
        return await conn.raw.fetchval("select count(*) from pools.pools")


# -- what a shop can sell


async def test_availability(tx, fresh, place, variants):
    """Stock counts where an active offer of the shop stands for it and a location of the shop holds it."""
    many, few, none = variants
    seller = await put_party(tx, name="Seller", roles=["seller"], by=BY, at=AT)
    elsewhere = await open_shop(tx, fresh)
    made = await offer(tx, place, variants)
    pools = await ensure_stock(
        tx,
        [
            StockKey(many, place.warehouse, place.host),
            StockKey(many, place.store, place.host),
            StockKey(few, place.store, place.host),
            StockKey(none, place.store, place.host),
            # None of these may count: another owner, another condition, a location that does not serve the shop.
            StockKey(none, place.store, seller),
            StockKey(none, place.store, place.host, "used"),
            StockKey(none, elsewhere.store, place.host),
        ],
        at=AT,
    )
    for pool_id, on_hand, held in zip(pools, (9, 3, 5, 2, 50, 50, 50), (1, 0, 2, 2, 0, 0, 0), strict=True):
        await fill(tx, pool_id, on_hand, held)

    found = await availability(tx, shop_id=place.shop.id, variant_ids=[none, many, few])
    assert [(one.variant_id, one.state, one.available) for one in found] == [
        (none, "out", 0),
        (many, "in_stock", 11),
        (few, "low", 3),
    ]
    assert [(at.location_id, at.available) for at in found[1].by_location] == [(place.warehouse, 8), (place.store, 3)]

    await change_state(tx, offer_ids=[made[0].id], state="paused", by=BY, at=AT)
    [paused] = await availability(tx, shop_id=place.shop.id, variant_ids=[many])
    assert paused.state == "out"


async def test_pools_come_in_the_order_of_preference(tx, place, variants):
    keys = [
        StockKey(variants[0], place.store, place.host),
        StockKey(variants[0], place.warehouse, place.host, "new", "lot-b"),
        StockKey(variants[0], place.warehouse, place.host, "new", "lot-a"),
        StockKey(variants[1], place.store, place.host),
    ]
    store, lot_b, lot_a, other = await ensure_stock(tx, keys, at=AT)
    found = await pools_for(tx, shop_id=place.shop.id, variant_ids=[variants[1], variants[0]])
    assert [choice.pool_id for choice in found] == [other, lot_a, lot_b, store]
    offers = await offer(tx, place, variants)
    served = await pools_for_offers(tx, offer_ids=[one.id for one in offers])
    assert [(choice.offer_id, choice.pool_id) for choice in served] == [
        (offers[0].id, lot_a),
        (offers[0].id, lot_b),
        (offers[0].id, store),
        (offers[1].id, other),
    ]


def _scope(*grants: Grant) -> Scope:
    return Scope(UUID(int=0), "EUR", "en", "UTC", AT, Principal("staff", "1", grants=grants), "inventory.read")


async def test_the_table_of_goods_by_place(tx, fresh, place):
    product = await put_one(tx, fresh, variants=3)
    keys = [StockKey(id, at, place.host) for id in product.variant_ids for at in (place.warehouse, place.store)]
    opened = await ensure_stock(tx, keys, at=AT)
    bound = _scope(Grant("inventory.read", location_id=place.store))
    found, _ = await query.page(tx, POOLS, bound, query.asked(POOLS, [("q", product.slug)]))
    assert [row.pool_id for row in found.items] == opened[1::2], "who is bound to a store sees its goods"
    everywhere, _ = await query.page(
        tx, POOLS, _scope(Grant("inventory.read")), query.asked(POOLS, [("q", f"{product.slug}-2")])
    )
    assert [row.pool_id for row in everywhere.items] == opened[4:]
    assert {line.pool_id for line in await stock_of_variants(tx, variant_ids=product.variant_ids[:1])} == set(
        opened[:2]
    )


async def test_the_table_of_stock_adds_up_what_somebody_sees(tx, fresh, place):
    product = await put_one(tx, fresh, variants=1)
    [id] = product.variant_ids
    [warehouse, store] = await ensure_stock(
        tx, [StockKey(id, at, place.host) for at in (place.warehouse, place.store)], at=AT
    )
    await tx.raw.execute("update pools.pools set on_hand = 5, held = 2 where id = $1", warehouse)
    await tx.raw.execute("update pools.pools set on_hand = 3 where id = $1", store)
    seen: dict[str, tuple[int, int, int, int]] = {}
    for name, grant in (
        ("all", Grant("inventory.read")),
        ("store", Grant("inventory.read", location_id=place.store)),
        ("nobody's", Grant("inventory.read", location_id=fresh.id())),
        ("another right", Grant("orders.read")),
    ):
        found, _ = await query.page(tx, STOCK, _scope(grant), query.asked(STOCK, [("q", product.slug)]))
        for row in found.items:
            seen[name] = (row.on_hand, row.held, row.available, row.places)
    assert seen == {"all": (8, 2, 6, 2), "store": (3, 0, 3, 1)}
    low, _ = await query.page(
        tx, STOCK, _scope(Grant("inventory.read")), query.asked(STOCK, [("q", product.slug), ("available.to", "5")])
    )
    assert low.items == []


async def test_a_stock_line_without_its_pool_is_found(tx, place, variants):
    [pool_id] = await ensure_stock(tx, [StockKey(variants[0], place.store, place.host)], at=AT)
    assert not [
        row for row in await tx.raw.fetch(READS.check_stock_pools.sql) if row["subject"].endswith(f":{pool_id}")
    ]
    await tx.raw.execute("delete from pools.pools where id = $1", pool_id)
    assert [row for row in await tx.raw.fetch(READS.check_stock_pools.sql) if row["subject"].endswith(f":{pool_id}")]
