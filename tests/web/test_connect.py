"""The API between Lotse and other systems: the feed, webhooks, imports, masters and differences."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from msgspec import Struct

from lotse.kernel import clock, relay
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.ids import uuid7
from lotse.kernel.imports import runs
from lotse.kernel.outbox import emit
from lotse.kernel.webhooks.rules import Answer
from lotse.kernel.webhooks.sender import Message, Sender
from lotse.testing import Fresh
from lotse.web.connect.api import _HEAD  # pyright: ignore[reportPrivateUsage]
from tests.scene import Place, open_shop
from tests.web.conftest import at_origin

AT = datetime(2026, 3, 1, tzinfo=UTC)


class Ticked(Struct, frozen=True, tag="trialweb.Ticked"):
    version: ClassVar[int] = 1
    number: int
    key: str = "tick"


class Tocked(Struct, frozen=True, tag="trialweb.Tocked"):
    version: ClassVar[int] = 1
    key: str = "tock"


@pytest.fixture
async def place(db: Database, fresh: Fresh) -> Place:
    async with db.transaction() as tx:
        return await open_shop(tx, fresh)


@pytest.fixture
async def client(whole_api: Litestar, place: Place, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with db.transaction() as tx:
        scopes = ["events.read", "webhooks.read", "webhooks.write", "imports.read", "imports.write", "masters.write"]
        made = await tokens.make(tx, name="erp", scopes=scopes, days=1, actor="system", at=clock.now())
    whole_api.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as client:
        client.headers["Authorization"] = f"Bearer {made.secret}"
        yield client


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid7())}


async def happen(db: Database, *events: Struct) -> None:
    async with db.transaction() as tx:
        await emit(tx, *events, at=AT)
    async with db.reading() as conn:
        await relay.move_all(conn)


# -- the feed


async def test_the_feed_tells_everything_once(client: httpx.AsyncClient, db: Database):
    begin = (await client.get("/api/v1/events/head")).json()
    await happen(db, *(Ticked(n) for n in range(7)), Tocked())
    told: list[int] = []
    after, page = begin, {"head": begin}
    for _ in range(10):
        asked = {"after": after, "types": ["trialweb.Ticked"], "limit": 3}
        page = (await client.get("/api/v1/events", params=asked)).json()
        told += [event["payload"]["number"] for event in page["items"]]
        assert page["next"] >= after
        after = page["next"]
    assert told == list(range(7))
    assert after == page["head"], "events of other types are passed over"
    whole = (await client.get("/api/v1/events", params={"after": begin, "limit": 100})).json()
    positions = [event["position"] for event in whole["items"]]
    assert positions == list(range(begin + 1, begin + 1 + len(positions)))


async def test_who_waits_is_told_at_once(client: httpx.AsyncClient, db: Database):
    begin = (await client.get("/api/v1/events/head")).json()
    asked = {"after": begin, "types": ["trialweb.Ticked"], "wait": 20}
    waiting = asyncio.create_task(client.get("/api/v1/events", params=asked))
    while not _HEAD.waiting:  # noqa: ASYNC110 - the request is on its way through the framework
        await asyncio.sleep(0)
    await happen(db, Tocked())
    await happen(db, Ticked(1))
    found = (await waiting).json()
    assert [event["payload"]["number"] for event in found["items"]] == [1]
    begin = found["next"]
    empty = (await client.get("/api/v1/events", params={"after": begin, "types": ["trialweb.Ticked"]})).json()
    assert empty["items"] == []


@pytest.mark.parametrize("asked", [{"after": -1}, {"limit": 0}, {"limit": 5_000}, {"wait": 60}, {"after": "x"}])
async def test_what_the_feed_does_not_take(client: httpx.AsyncClient, asked: dict[str, Any]):
    assert (await client.get("/api/v1/events", params=asked)).status_code in (400, 422)


# -- webhooks


async def test_an_endpoint_from_begin_to_end(client: httpx.AsyncClient, db: Database, place: Place):
    body = {"name": "ERP", "url": "https://erp.example.org/hooks", "types": ["trialweb.Ticked"], "shops": []}
    headers = key()
    made = await client.post("/api/v1/webhooks", json=body, headers=headers)
    assert made.status_code == 201, made.text
    assert (await client.post("/api/v1/webhooks", json=body, headers=headers)).json() == made.json()
    path = f"/api/v1/webhooks/{made.json()['endpoint']['id']}"
    assert "secret" not in (await client.get(path)).json()
    changed = await client.put(path, json={**body, "shops": [place.shop.code]}, headers=key())
    assert changed.json()["shop_ids"] == [str(place.shop.id)]
    assert (await client.put(path, json={**body, "shops": ["nowhere"]}, headers=key())).status_code == 404
    refused = await client.post("/api/v1/webhooks", json={**body, "url": "https://10.0.0.1/x"}, headers=key())
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:lotse:refusal:address-not-allowed")
    rotated = (await client.post(f"{path}/rotate", json={"keep_hours": 1}, headers=key())).json()
    assert rotated["secret"].startswith("whsec_") and rotated["secret"] != made.json()["secret"]

    await happen(db, Ticked(1))
    pinged = (await client.post(f"{path}/ping", headers=key())).json()["delivery_id"]
    sent: list[Message] = []

    async def take(message: Message) -> Answer:
        sent.append(message)
        return Answer(500 if len(sent) == 1 else 204, None, {}, "no" if len(sent) == 1 else "")

    sender = Sender(db, take)
    await sender.gather(clock.now())
    await sender.serve(UUID(path.rsplit("/", 1)[1]), clock.now())
    deliveries = (await client.get(f"{path}/deliveries")).json()["items"]
    assert sorted(one["state"] for one in deliveries) == ["delivered", "waiting"]
    one = (await client.get(f"{path}/deliveries/{pinged}")).json()
    assert len(one["attempts"]) == 1
    assert (await client.get(f"{path}/deliveries", params={"status": "failed"})).json()["items"] == []
    [ticked] = [each for each in deliveries if each["type"] == "trialweb.Ticked"]
    assert (await client.post(f"{path}/deliveries/{ticked['id']}/skip", headers=key())).json() == {"count": 1}
    assert (await client.post(f"{path}/deliveries/{ticked['id']}/again", headers=key())).json() == {"count": 1}
    replayed = await client.post(f"{path}/replay", json={"first": ticked["position"]}, headers=key())
    assert replayed.status_code == 201, replayed.text
    off = await client.post(f"{path}/switch", json={"state": "off"}, headers=key())
    assert off.json()["state"] == "off"
    assert (await client.post(f"{path}/ping", headers=key())).status_code == 409
    assert (await client.get(f"/api/v1/webhooks/{uuid7()}")).status_code == 404


# -- imports


async def test_a_file_is_taken_in_and_told_of(
    client: httpx.AsyncClient, db: Database, desk: Desk, place: Place, fresh: Fresh
):
    sku = fresh.text("SKU").upper()
    text = f"sku,name,brand\n{sku},Kappe,Fjord\n,Namenlos,\n"
    headers = key()
    asked = {"source": "lotse", "in": "de", "name": "articles.csv"}
    sent = await client.post("/api/v1/imports/articles", params=asked, content=text, headers=headers)
    assert sent.status_code == 202, sent.text
    assert (sent.json()["state"], sent.json()["options"]) == ("waiting", {"language": "de"})
    again = await client.post("/api/v1/imports/articles", params=asked, content=text, headers=headers)
    assert again.json()["id"] == sent.json()["id"]
    other = await client.post("/api/v1/imports/articles", params=asked, content=text + "x", headers=headers)
    assert (other.status_code, other.json()["type"]) == (409, "urn:lotse:refusal:key-reused")
    path = f"/api/v1/imports/{sent.json()['id']}"
    await runs.run(db, desk, import_id=UUID(sent.json()["id"]), at=clock.now())
    done = (await client.get(path)).json()
    assert (done["state"], done["created"], done["refused"]) == ("done", 1, 1)
    [row] = (await client.get(f"{path}/refused")).json()["items"]
    assert (row["line"], row["field"], row["row"]) == (3, "sku", {"name": "Namenlos"})
    assert (await client.post(f"{path}/cancel", headers=key())).status_code == 409
    assert (await client.get("/api/v1/imports", params={"kind": "articles"})).json()["items"][0]["id"] == done["id"]
    for kind, content, status in (("nonsense", "a", 422), ("articles", "", 422)):
        refused = await client.post(f"/api/v1/imports/{kind}", content=content, headers=key())
        assert refused.status_code == status, refused.text

    # Another system says another name: a difference, until somebody decides.
    theirs = f"sku,name\n{sku},Mütze\n"
    sent = await client.post(
        "/api/v1/imports/articles", params={"source": "erp", "in": "de"}, content=theirs, headers=key()
    )
    await runs.run(db, desk, import_id=UUID(sent.json()["id"]), at=clock.now())
    assert (await client.get(f"/api/v1/imports/{sent.json()['id']}")).json()["held"] == 1
    found = (await client.get("/api/v1/differences", params={"source": "erp"})).json()["items"]
    [difference] = [one for one in found if one["key"] == sku]
    assert (difference["field"], difference["ours"], difference["theirs"]) == ("name", "Kappe", "Mütze")
    decided = await client.post(
        "/api/v1/differences/decide", json={"ids": [difference["id"]], "take": "ours"}, headers=key()
    )
    assert decided.json() == {"count": 1}


async def test_masters_are_set_by_name(client: httpx.AsyncClient):
    body = {"kind": "customers", "field": "phone", "master": "crm"}
    assert (await client.put("/api/v1/masters", json=body, headers=key())).status_code == 200
    assert ("customers", "phone", "crm") in {
        (one["kind"], one["field"], one["master"]) for one in (await client.get("/api/v1/masters")).json()
    }
    assert (await client.put("/api/v1/masters", json={**body, "field": "shoe"}, headers=key())).status_code == 422
    assert (await client.put("/api/v1/masters", json={**body, "kind": "shoes"}, headers=key())).status_code == 422
    assert (await client.put("/api/v1/masters", json={**body, "master": None}, headers=key())).status_code == 200
