"""What strangers who share the scope of guests may learn of each other through the API."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from lotse.kernel.db import Database
from lotse.kernel.ids import uuid7
from lotse.testing import Fresh
from tests.scene import open_shop
from tests.web.conftest import at_origin


@pytest.fixture
async def client(whole_api: Litestar, db: Database, fresh: Fresh) -> AsyncIterator[httpx.AsyncClient]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
    whole_api.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as client:
        yield client


async def test_a_guests_basket_is_given_to_nobody_else(client: httpx.AsyncClient) -> None:
    guessed = await client.post("/api/v1/baskets", headers={"Idempotency-Key": "1"})
    assert (guessed.status_code, guessed.json()["field"]) == (422, "Idempotency-Key")

    key = {"Idempotency-Key": str(uuid7())}
    mine = await client.post("/api/v1/baskets", headers=key)
    again = await client.post("/api/v1/baskets", headers=key)
    assert (mine.status_code, again.json()) == (201, mine.json())
    other = await client.post("/api/v1/baskets", headers={"Idempotency-Key": str(uuid7())})
    assert other.json() != mine.json()
