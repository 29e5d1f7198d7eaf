"""The pages about other systems: each renders, each of its posts does what it says."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from lotse.kernel import clock, masters
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.imports import runs
from lotse.kernel.webhooks import queries
from lotse.kernel.webhooks.rules import Answer
from lotse.kernel.webhooks.sender import Message, Sender
from lotse.testing import Fresh
from tests.scene import Place, open_shop
from tests.web.conftest import ORIGIN, at_origin
from tests.web.test_connect import Ticked, happen


@pytest.fixture
async def place(db: Database, fresh: Fresh) -> Place:
    async with db.transaction() as tx:
        return await open_shop(tx, fresh)


@pytest.fixture
async def secret(db: Database) -> str:
    async with db.transaction() as tx:
        return (await tokens.make(tx, name="all", scopes=["*"], days=1, actor="system", at=clock.now())).secret


@pytest.fixture
async def pages(whole_pages: Litestar, place: Place, secret: str) -> AsyncIterator[httpx.AsyncClient]:
    whole_pages.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_pages) as client:
        client.headers.update({"Authorization": f"Bearer {secret}", "Origin": ORIGIN})
        yield client


@pytest.fixture
async def posts(whole_api: Litestar, place: Place, secret: str) -> AsyncIterator[httpx.AsyncClient]:
    whole_api.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_api) as client:
        client.headers.update({"Authorization": f"Bearer {secret}", "Origin": ORIGIN})
        yield client


async def shown(pages: httpx.AsyncClient, path: str, *words: str, **query: Any) -> str:
    answer = await pages.get(path, params={"language": "en", **query})
    assert answer.status_code == 200, answer.text[:2_000]
    for word in words:
        assert word in answer.text, f"{word} is not on {path}"
    return answer.text


async def posted(posts: httpx.AsyncClient, path: str, **form: Any) -> str:
    answer = await posts.post(path, data=form)
    assert answer.status_code == 303, answer.text[:2_000]
    return answer.headers["location"]


async def test_webhooks(pages: httpx.AsyncClient, posts: httpx.AsyncClient, db: Database, fresh: Fresh):
    await shown(pages, "/office/webhooks")
    await shown(pages, "/office/webhooks/new", "New endpoint")
    name = fresh.text("erp")
    made = await pages.post(
        "/office/webhooks",
        data={"name": name, "url": "https://erp.example.org/hooks", "types": "trialweb.Ticked\n"},
    )
    assert made.status_code in (200, 201) and "whsec_" in made.text, made.text[:2_000]
    async with db.reading() as conn:
        [endpoint] = [one for one in await queries.endpoints(conn) if one.name == name]
    path = f"/office/webhooks/{endpoint.id}"
    await shown(pages, "/office/webhooks", name)
    await happen(db, Ticked(1), Ticked(2))
    await posted(posts, f"{path}/ping")

    async def take(message: Message) -> Answer:
        return Answer(500, None, {"content-type": "text/plain"}, "<b>no</b>", 12)

    sender = Sender(db, take)
    await sender.gather(clock.now())
    await sender.serve(endpoint.id, clock.now())
    await shown(pages, path, "trialweb.Ticked", "lotse.Ping")
    await shown(pages, path, status="failed")
    async with db.reading() as conn:
        page = await queries.deliveries(conn, endpoint_id=endpoint.id)
    for one in page.items:
        text = await shown(pages, f"{path}/deliveries/{one.id}", one.type)
        assert "<b>no</b>" not in text
    ticked = next(one for one in page.items if one.type == "trialweb.Ticked")
    assert (await posted(posts, f"{path}/deliveries/{ticked.id}/skip")).startswith(f"{path}/deliveries/")
    await posted(posts, f"{path}/deliveries/{ticked.id}/again")
    for action in ("pause", "resume"):
        await posted(posts, f"{path}/{action}")
    await posted(posts, f"{path}/replay", first=str(ticked.position), last="")
    rotated = await pages.post(f"{path}/secret")
    assert "whsec_" in rotated.text
    await posted(posts, f"{path}/off")
    await shown(pages, path, "Resume")
    assert (await posted(posts, f"{path}/replay", first="x")).startswith("/office/webhooks")
    assert (await pages.get("/office/webhooks/01985a00-0000-7000-8000-000000000001")).status_code == 404


async def test_events(pages: httpx.AsyncClient, db: Database):
    await happen(db, Ticked(7))
    async with db.reading() as conn:
        head = await queries.head(conn)
    await shown(pages, "/office/events", "trialweb.Ticked", type="trialweb.Ticked", q="tick")
    await shown(pages, f"/office/events/{head}", "trialweb.Ticked", "&#34;number&#34;: 7")
    for path in ("/office/events/999999999", "/office/events/0"):
        assert (await pages.get(path)).status_code == 404


async def test_imports_and_differences(
    pages: httpx.AsyncClient, posts: httpx.AsyncClient, db: Database, desk: Desk, fresh: Fresh
):
    sku = fresh.text("SKU").upper()
    await shown(pages, "/office/imports")
    await shown(pages, "/office/imports/new", "Send a file")
    body = f"sku,name\n{sku},Kappe\n,=cmd\n".encode()
    answer = await posts.post(
        "/office/imports", files={"file": ("articles-1.csv", body)}, data={"kind": "", "language": "de"}
    )
    assert answer.status_code == 303, answer.text
    path = answer.headers["location"]
    await shown(pages, path, "articles-1.csv")
    await runs.run(db, desk, import_id=UUID(path.rsplit("/", 1)[1]), at=clock.now())
    await shown(pages, path, "required")
    file = await pages.get(f"{path}/refused.csv")
    assert file.text.splitlines() == ["name,refused_line,refused_field,refused_reason", "'=cmd,3,sku,required"]
    assert (await posted(posts, f"{path}/cancel")).startswith("/office/imports")
    no_file = await posts.post("/office/imports", files={"file": ("notes.txt", b"x")}, data={"kind": ""})
    assert no_file.headers["location"].startswith("/office/imports")

    async def theirs() -> AsyncIterator[bytes]:
        yield f"sku,name\n{sku},Mütze\n".encode()

    id = await runs.receive(
        db, theirs(), kind="articles", name="x", format="csv", source="erp", options={"language": "de"}, by="test",
        at=clock.now(),
    )  # fmt: skip
    await runs.run(db, desk, import_id=id, at=clock.now())
    await shown(pages, "/office/differences", sku, "Mütze", "Kappe", kind="articles", source="erp")
    async with db.reading() as conn:
        found = [one for one in (await masters.differences(conn, source="erp")).items if one.key == sku]
    await posted(posts, "/office/differences/decide", selected=str(found[0].id), take="ours")
    async with db.reading() as conn:
        assert sku not in {one.key for one in (await masters.differences(conn, source="erp")).items}
    await posted(posts, "/office/differences/masters", kind="customers", field="email", master="crm")
    await shown(pages, "/office/differences", "crm")
    await posted(posts, "/office/differences/masters", kind="customers", field="email", master="")


async def test_jobs(pages: httpx.AsyncClient, posts: httpx.AsyncClient):
    await shown(pages, "/office/jobs", "Timetable")
    assert (await posts.post("/office/jobs/999999999/again")).status_code in (303, 404)


async def test_an_endpoint_that_may_not_be_is_said_beside_the_form(pages: httpx.AsyncClient):
    answer = await pages.post("/office/webhooks", data={"name": "x", "url": "https://10.0.0.1/hooks"})
    assert answer.status_code == 303 and answer.headers["location"].startswith("/office/webhooks/new")
