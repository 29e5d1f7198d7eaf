"""The assortment in the back office: the table's change of many offers and its files, the switch of an article."""

from uuid import UUID

import pytest
from litestar import Litestar

from lotse.domains.catalog.contracts import StoredProduct
from lotse.domains.offers.pages import OFFERS, Sold, ToState, slots
from lotse.domains.offers.queries import offers_for_variants
from lotse.kernel import clock
from lotse.kernel.auth import tokens
from lotse.kernel.auth.principal import ALL, Principal, holding
from lotse.kernel.db import Database, Transaction
from lotse.kernel.pages import bulk, query
from lotse.kernel.pages.slots import Ask
from lotse.kernel.pages.table import Scope
from lotse.testing import Fresh
from tests.scene import AT, Place, offer, open_shop, put_one
from tests.web.conftest import ORIGIN, at_origin

KIM = Principal("staff", "00000000-0000-7000-8000-000000000001", "Kim", holding(ALL))


def scope_of(place: Place) -> Scope:
    return Scope(place.shop.id, "EUR", "de", "Europe/Berlin", AT, KIM, "offers.write")


async def states(db: Database, place: Place, variant_ids: list[UUID]) -> list[str]:
    async with db.reading() as conn:
        found = await offers_for_variants(conn, shop_id=place.shop.id, variant_ids=variant_ids, active_only=False)
    return [one.state for one in found]


async def test_the_table_finds_and_names_a_shops_offers(tx: Transaction, fresh: Fresh) -> None:
    place, other = await open_shop(tx, fresh), await open_shop(tx, fresh)
    stored = await put_one(tx, fresh, variants=2, name=fresh.text("Laufschuh"))
    await offer(tx, place, stored.variant_ids)
    await offer(tx, other, stored.variant_ids)
    found, _ = await query.page(tx, OFFERS, scope_of(place), query.asked(OFFERS, []), size=5)
    assert OFFERS.fill is not None
    rows = await OFFERS.fill(tx, scope_of(place), found.items)
    assert {(row.sku, row.state, row.product_id) for row in rows} == {
        (f"{stored.slug}-{number}", "active", stored.id) for number in range(2)
    }
    assert all("Laufschuh" in row.name and row.seller for row in rows)


async def test_many_offers_are_paused_and_the_change_is_undone(db: Database, fresh: Fresh) -> None:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        stored = await put_one(tx, fresh, variants=3)
        made = await offer(tx, place, stored.variant_ids)
        [pausing] = OFFERS.editing.bulks
        rows = bulk.given(one.id for one in made[:2])
        id = await bulk.begin(tx, OFFERS, pausing, scope_of(place), typed=ToState("paused", "Recall"), rows=rows)
    assert (await bulk.run(db, id, at=AT)).state == "planned"
    assert await states(db, place, stored.variant_ids) == ["active"] * 3, "a preview changes nothing"
    async with db.transaction() as tx:
        await bulk.move(tx, id, from_state="planned", to_state="applying", by=str(KIM), at=AT)
    assert (await bulk.run(db, id, at=AT)).done == 2
    assert await states(db, place, stored.variant_ids) == ["paused", "paused", "active"]
    async with db.transaction() as tx:
        await bulk.move(tx, id, from_state="applied", to_state="undoing", by=str(KIM), at=AT)
    await bulk.run(db, id, at=AT)
    assert await states(db, place, stored.variant_ids) == ["active"] * 3


async def test_a_file_names_the_owners_own_goods(tx: Transaction, fresh: Fresh) -> None:
    place = await open_shop(tx, fresh)
    stored, bare = await put_one(tx, fresh), await put_one(tx, fresh)
    [own] = await offer(tx, place, stored.variant_ids)
    assert OFFERS.edit is not None and OFFERS.edit.ids is not None
    skus = [f"{stored.slug}-0", f"{bare.slug}-0", "there is no such"]
    assert await OFFERS.edit.ids(tx, scope_of(place), skus) == {skus[0]: own.id}


@pytest.fixture
async def product(db: Database, fresh: Fresh) -> StoredProduct:
    async with db.transaction() as tx:
        return await put_one(tx, fresh, variants=2)


async def test_an_article_is_sold_and_paused_from_its_page(
    whole_api: Litestar, db: Database, fresh: Fresh, product: StoredProduct
) -> None:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        made = await tokens.make(tx, name="test", scopes=["offers.write"], days=1, actor="system", at=clock.now())
    whole_api.state.shop = (float("inf"), place.shop)

    async def sold() -> Sold:
        async with db.reading() as conn:
            ask = Ask(place.shop.id, "de", "EUR", "", (product.id,), AT)
            return (await slots[0].answer(conn, ask))[product.id]

    assert (await sold()).active == 0
    async with at_origin(whole_api) as client:
        client.headers.update({"Authorization": f"Bearer {made.secret}", "Origin": ORIGIN})
        for state, done, active in (("active", True, 2), ("active", True, 2), ("sold", False, 2), ("paused", True, 0)):
            answer = await client.post(f"/office/products/{product.id}/offers", data={"state": state})
            assert ("done=offers" in answer.headers["location"], (await sold()).active) == (done, active), state
        gone = await client.post(f"/office/products/{place.shop.id}/offers", data={"state": "active"})
        assert gone.headers["location"] == f"/office/products/{place.shop.id}"
        del client.headers["Authorization"]
        await client.post(f"/office/products/{product.id}/offers", data={"state": "active"})
        assert (await sold()).active == 0, "nobody in particular"
