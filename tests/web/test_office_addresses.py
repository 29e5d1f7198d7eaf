"""Addresses of articles and categories, typed in the back office."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from lotse.domains.catalog.commands import change_state, put_categories, put_texts
from lotse.domains.catalog.contracts import (
    CategoryText,
    EditedCategory,
    EditedProduct,
    PutCategory,
    StoredProduct,
    Text,
)
from lotse.domains.catalog.queries import categories_for_edit, product_cards, product_for_edit, variants_by_ids
from lotse.kernel import clock
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.testing import Fresh
from tests.scene import AT, BY, open_shop, put_one
from tests.web.conftest import ORIGIN, at_origin


@pytest.fixture
async def client(whole_api: Litestar, db: Database, fresh: Fresh) -> AsyncIterator[httpx.AsyncClient]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        made = await tokens.make(tx, name="test", scopes=["catalog.write"], days=1, actor="system", at=clock.now())
    whole_api.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as client:
        client.headers.update({"Authorization": f"Bearer {made.secret}", "Origin": ORIGIN})
        yield client


@pytest.fixture
async def product(db: Database, fresh: Fresh) -> StoredProduct:
    async with db.transaction() as tx:
        return await put_one(tx, fresh)


async def edited(db: Database, product: StoredProduct) -> EditedProduct:
    async with db.reading() as conn:
        found = await product_for_edit(conn, product_id=product.id)
    assert found
    return found


async def category(db: Database, slug: str) -> EditedCategory | None:
    async with db.reading() as conn:
        return next((one for one in await categories_for_edit(conn) if one.slug == slug), None)


async def test_an_article_gets_another_address(
    client: httpx.AsyncClient, db: Database, fresh: Fresh, product: StoredProduct
) -> None:
    async with db.transaction() as tx:
        other = await put_one(tx, fresh)
    address = fresh.text("address")
    for slug, done in (("", False), ("Not An Address", False), (other.slug, False), (address, True)):
        seen = (await edited(db, product)).changed_at.isoformat()
        form = {"seen": seen, "slug": slug, "brand": "", "tax_class": "standard"}
        answer = await client.post(f"/office/products/{product.id}", data=form)
        assert ("done=" in answer.headers["location"]) == done, slug
    now = await edited(db, product)
    assert (now.slug, now.former_slugs) == (address, [product.slug])


async def test_an_article_gets_a_successor(
    client: httpx.AsyncClient, db: Database, fresh: Fresh, product: StoredProduct
) -> None:
    async with db.transaction() as tx:
        other = await put_one(tx, fresh)
        number = (await product_cards(tx, product_ids=[other.id], language="de"))[0].variant_ids[0]
        [card] = await variants_by_ids(tx, variant_ids=[number], language="de")
        text = Text("de", other.slug + " Läufer", f"A quick {other.slug}.")
        await put_texts(tx, product_id=other.id, texts=[text], by=BY, at=AT)
    for said, follows in (
        (card.sku, other.id),
        ("", None),
        (f"https://shop.example/de/p/{other.slug}?x=1", other.id),
        (product.slug, other.id),  # itself: refused
        ("", None),
        (f"quick {other.slug}", None),  # words of its summary are not its name
        (f"{other.slug} läufer", other.id),
    ):
        seen = (await edited(db, product)).changed_at.isoformat()
        await client.post(f"/office/products/{product.id}/successor", data={"seen": seen, "successor": said})
        assert (await edited(db, product)).successor_id == follows, said
    async with db.transaction() as tx:
        await change_state(tx, product_ids=[product.id], state="archived", by=BY, at=clock.now())
    gone = await client.get(f"/api/v1/products/{product.slug}")
    assert (gone.status_code, gone.json()["successor"]) == (410, other.slug)


async def test_a_category_gets_another_address_and_a_new_one_takes_nobodys(
    client: httpx.AsyncClient, db: Database, fresh: Fresh
) -> None:
    first, second, other = (fresh.text("category") for _ in range(3))
    async with db.transaction() as tx:
        puts = [PutCategory(slug=slug, texts=(CategoryText("en", slug, "Words."),)) for slug in (first, other)]
        ids = await put_categories(tx, puts, by=BY, at=AT)
    for slug, id, done in (
        (other, str(ids[first]), False),
        ("Not An Address", str(ids[first]), False),
        (other, "", False),
        (second, str(ids[first]), True),
    ):
        form = {"category_id": id, "slug": slug, "parent": "", "position": "3", "name.en": "Renamed"}
        answer = await client.post("/office/categories", data=form)
        assert ("done=" in answer.headers["location"]) == done, slug
    now = await category(db, second)
    assert now and (now.id, now.former_slugs, now.position) == (ids[first], [first], 3)
    assert now.texts == [CategoryText("en", "Renamed", "Words.")]
    untouched = await category(db, other)
    assert untouched and untouched.texts[0].name == other
