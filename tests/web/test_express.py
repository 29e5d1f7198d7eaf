"""The express lane answers as the ordinary one: the same requests through both, one after the other."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from lotse.kernel.db import Database
from lotse.testing import Fresh
from lotse.web import app as web
from tests.scene import open_shop
from tests.web.conftest import at_origin

BUYER = {
    "email": "ada@example.org",
    "billing": {"name": "Ada Lovelace", "street": "Ring 1", "postcode": "20457", "city": "Hamburg", "country": "DE"},
}


def order() -> bytes:
    wanted: dict[str, Any] = {"lines": [{"offer_id": str(uuid4()), "quantity": 1}], "contact": BUYER}
    return json.dumps(wanted | {"method": "invoice", "total_minor": 1}).encode()


@pytest.fixture
async def lanes(whole_api: Litestar, db: Database, fresh: Fresh) -> AsyncIterator[tuple[httpx.AsyncClient, ...]]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
    whole_api.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as one, at_origin(web.express(whole_api)) as other:
        yield one, other


def test_which_handlers_take_it(whole_api: Litestar) -> None:
    assert set(web.express(whole_api).lanes) == {("POST", "/api/v1/orders")}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b'{"lines":[]}', {}, id="a rule of the body"),
        pytest.param(b'{"lines":[{"offer_id":1}]}', {}, id="a type"),
        pytest.param(b"{", {}, id="no JSON"),
        pytest.param(b"\xff", {}, id="no UTF-8"),
        pytest.param(b"", {}, id="no body"),
        pytest.param(None, {}, id="an offer that is none"),
        pytest.param(None, {"Idempotency-Key": " "}, id="no key"),
        pytest.param(None, {"Idempotency-Key": "k" * 300}, id="a key that is too long"),
        pytest.param(None, {"Content-Type": "text/plain"}, id="another type"),
        pytest.param(None, {"Content-Type": "application/json; charset=utf-8"}, id="with its charset"),
        pytest.param(None, {"Authorization": "Bearer nonsense"}, id="a token that is none"),
        pytest.param(b" " * 2_000_000, {}, id="too large"),
        pytest.param(b'{"total_minor": 99999999999999999999}', {}, id="a number that no column holds"),
    ],
)
async def test_same_answers(lanes: tuple[httpx.AsyncClient, ...], body: bytes | None, headers: dict[str, str]) -> None:
    sent = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4()), **headers}
    content = order() if body is None else body
    answers = [await lane.post("/api/v1/orders", content=content, headers=sent) for lane in lanes]
    said = [
        (answer.status_code, answer.headers["content-type"], {**answer.json(), "request_id": ""}) for answer in answers
    ]
    assert said[0] == said[1]
    assert said[0][0] >= 400


async def test_a_query_takes_the_ordinary_lane(lanes: tuple[httpx.AsyncClient, ...]) -> None:
    sent = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
    refused = await lanes[1].post("/api/v1/orders?language=1", content=order(), headers=sent)
    assert refused.status_code == 422
    assert refused.json()["field"] == "language"
