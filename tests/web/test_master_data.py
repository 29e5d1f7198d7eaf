"""Browsing and setting prices over HTTP, in this process, with the domains as they are."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from lotse.domains.catalog.contracts import StoredProduct
from lotse.kernel import clock
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.kernel.ids import uuid7
from lotse.testing import Fresh
from tests.scene import Place, offer, open_shop, price, put_one
from tests.web.conftest import at_origin


@pytest.fixture
async def place(db: Database, fresh: Fresh) -> Place:
    async with db.transaction() as tx:
        return await open_shop(tx, fresh)


@pytest.fixture
async def product(db: Database, fresh: Fresh, place: Place) -> StoredProduct:
    async with db.transaction() as tx:
        stored = await put_one(tx, fresh, variants=2, name=fresh.text("Laufschuh"))
        await offer(tx, place, stored.variant_ids)
        await price(tx, place, stored.variant_ids, "12.90")
    return stored


@pytest.fixture
async def client(whole_api: Litestar, place: Place) -> AsyncIterator[httpx.AsyncClient]:
    whole_api.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as client:
        yield client


@pytest.fixture
async def writer(db: Database) -> dict[str, str]:
    async with db.transaction() as tx:
        made = await tokens.make(tx, name="test", scopes=["pricing.write"], days=1, actor="system", at=clock.now())
    return {"Authorization": f"Bearer {made.secret}"}


async def test_browsing(client: httpx.AsyncClient, db: Database, fresh: Fresh, product: StoredProduct):
    async with db.transaction() as tx:
        await put_one(tx, fresh)
    page = (await client.get(f"/api/v1/products/{product.slug}", params={"language": "de-AT"})).json()
    assert (page["id"], page["language"], len(page["variants"])) == (str(product.id), "de", 2)
    found = (await client.get("/api/v1/products", params={"text": page["variants"][1]["sku"]})).json()
    assert [card["id"] for card in found["items"]] == [str(product.id)]
    variants = (
        await client.get("/api/v1/variants", params={"variant": [str(id) for id in product.variant_ids]})
    ).json()
    assert [variant["id"] for variant in variants] == [str(id) for id in product.variant_ids]
    assert (await client.get("/api/v1/categories")).status_code == 200
    first = (await client.get("/api/v1/products", params={"limit": 1})).json()
    second = (await client.get("/api/v1/products", params={"limit": 1, "cursor": first["next"]})).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]


@pytest.mark.parametrize(
    ("path", "status", "refusal"),
    [
        ("/products/there-is-no-such", 404, "unknown-product"),
        ("/categories/there-is-no-such", 404, "unknown-category"),
        ("/categories/there-is-no-such/products", 404, "unknown-category"),
        ("/products?cursor=rubbish", 400, "bad-cursor"),
        ("/products?limit=0", 422, "invalid"),
        ("/products?limit=201", 422, "invalid"),
        ("/products?language=x;y", 422, "invalid"),
        ("/prices?variant=1", 422, "invalid"),
        ("/prices", 422, "invalid"),
    ],
)
async def test_what_cannot_be_browsed(client: httpx.AsyncClient, path: str, status: int, refusal: str):
    answer = await client.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:lotse:refusal:{refusal}")


async def test_a_price_is_changed_once_per_key(
    client: httpx.AsyncClient, product: StoredProduct, writer: dict[str, str]
):
    body = {"currency": "EUR", "prices": [{"sku": f"{product.slug}-0", "unit_price": "9.90"}], "reason": "sale"}
    key = {"Idempotency-Key": str(uuid7()), **writer}
    first = await client.post("/api/v1/prices", json=body, headers=key)
    again = await client.post("/api/v1/prices", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    other = await client.post("/api/v1/prices", json={**body, "reason": "other"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (409, "urn:lotse:refusal:key-reused")

    ask = {"variant": [str(id) for id in product.variant_ids]}
    assert [row["unit_price"] for row in (await client.get("/api/v1/prices", params=ask)).json()] == ["9.9", "12.9"]
    [reduced] = (await client.get("/api/v1/prices/reductions", params=ask)).json()
    assert (reduced["variant_id"], reduced["unit_price"], reduced["lowest"]) == (ask["variant"][0], "9.9", "12.9")


@pytest.mark.parametrize(
    ("change", "status", "refusal"),
    [
        ({"sku": "there is no such"}, 404, "unknown-variant"),
        ({"unit_price": "-1"}, 422, "invalid-price"),
        ({"unit_price": "1e400000000"}, 422, None),
        ({"unit_price": "NaN"}, 422, "invalid-price"),
        ({"unit_price": True}, 422, "invalid"),
        ({"min_quantity": 0}, 422, "invalid"),
        ({"customer_group": "No Group"}, 422, "invalid-price"),
        ({"valid_from": (clock.now() - timedelta(days=1)).isoformat()}, 422, "price-in-the-past"),
        ({"valid_from": "2200-01-01T00:00:00Z"}, 422, "invalid-price"),
        ({"valid_from": "tomorrow"}, 422, "invalid"),
        ({"valid_from": "2199-01-01T00:00:00"}, 422, "invalid"),
        ({"currency": "XXY"}, 422, "unknown-currency"),
        ({"currency": "USD"}, 422, "currency-not-of-shop"),
    ],
)
async def test_what_is_no_price_change(
    client: httpx.AsyncClient,
    product: StoredProduct,
    writer: dict[str, str],
    change: dict[str, Any],
    status: int,
    refusal: str | None,
):
    currency = change.get("currency", "EUR")
    entry = {"sku": f"{product.slug}-0", "unit_price": "9.90", **change}
    entry.pop("currency", None)
    answer = await client.post(
        "/api/v1/prices",
        json={"currency": currency, "prices": [entry]},
        headers={"Idempotency-Key": str(uuid7()), **writer},
    )
    assert answer.status_code == status, answer.text
    if refusal:
        assert answer.json()["type"] == f"urn:lotse:refusal:{refusal}"


async def test_who_may_change_prices(client: httpx.AsyncClient, product: StoredProduct):
    body = {"currency": "EUR", "prices": [{"sku": f"{product.slug}-0", "unit_price": "9.90"}]}
    answer = await client.post("/api/v1/prices", json=body, headers={"Idempotency-Key": str(uuid7())})
    assert answer.status_code == 401
