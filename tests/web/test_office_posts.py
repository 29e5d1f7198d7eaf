"""Numbers that no page showed, posted to the back office: refused, and never a bug."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from lotse.kernel import clock, problems
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.kernel.ids import uuid7
from lotse.testing import Fresh
from tests.scene import open_shop
from tests.web.conftest import ORIGIN, at_origin


@pytest.fixture
async def client(whole_api: Litestar, db: Database, fresh: Fresh) -> AsyncIterator[httpx.AsyncClient]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        made = await tokens.make(tx, name="test", scopes=["inventory.write"], days=1, actor="system", at=clock.now())
    whole_api.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as client:
        client.headers.update({"Authorization": f"Bearer {made.secret}", "Origin": ORIGIN})
        yield client


@pytest.mark.parametrize(
    ("pool", "verb", "typed"),
    [
        ("1", "count", {"shown": "9" * 22}),
        ("1", "count", {"shown": str(2**63 - 1)}),
        ("1", "count", {"shown": str(1 - 2**63)}),
        ("1", "count", {"shown": ""}),
        ("1", "receive", {"amount": "9" * 22}),
        ("1", "receive", {"amount": "-1"}),
        ("1", "receive", {"note": ""}),
        ("9" * 22, "receive", {}),
        (str(2**63), "receive", {}),
        ("-1", "receive", {}),
    ],
)
async def test_stock(client: httpx.AsyncClient, pool: str, verb: str, typed: dict[str, str]) -> None:
    form = {"key": str(uuid7()), "amount": "5", "note": "n", "shown": "5", **typed}
    answer = await client.post(f"/office/stock/pools/{pool}/{verb}", data=form)
    assert answer.status_code in (303, 404, 422)
    assert "done=" not in answer.headers.get("location", "")


def test_a_number_that_no_message_holds_is_the_askers() -> None:
    assert problems.of(OverflowError("can't serialize ints < -2**63 or > 2**64 - 1")).status == 422
    assert problems.of(OverflowError("math range error")).status == 500
