"""The pages about other systems: each renders, each of its posts does what it says."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from lotse.domains.catalog.queries import variant_ids_by_sku, variants_by_ids
from lotse.kernel import clock, masters
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.imports import runs
from lotse.kernel.paging import cursor
from lotse.kernel.sql import Statement
from lotse.kernel.webhooks import queries
from lotse.kernel.webhooks.rules import Answer
from lotse.kernel.webhooks.sender import Message, Sender
from lotse.testing import Fresh
from lotse.web.connect.differences import DifferenceRow
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


async def filed(pages: httpx.AsyncClient, path: str, **query: Any) -> list[str]:
    """The lines of a table's file."""
    answer = await pages.get(f"{path}/export.csv", params={"language": "en", **query})
    assert answer.status_code == 200, answer.text[:2_000]
    return answer.text.splitlines()


async def changed(pages: httpx.AsyncClient, path: str, action: str, ids: list[str], **typed: str) -> str:
    """Many rows, looked at and changed: the page of the change, with what became of it."""
    planned = await pages.post(f"{path}/change", data={"bulk": action, "go": "yes", "selected": ids, **typed})
    assert planned.status_code == 303, planned.text[:2_000]
    change = planned.headers["location"].partition("?")[0]
    assert (await pages.post(f"{change}/apply")).status_code == 303
    return change


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
    await shown(pages, "/office/webhooks", name, q="erp.example")
    await shown(pages, "/office/webhooks", "Nothing fits", q=name, state="off")
    assert any(name in line for line in await filed(pages, "/office/webhooks", q=name))
    change = await changed(pages, "/office/webhooks", "state", [str(endpoint.id)], state="paused", reason="ERP moves")
    await shown(pages, path, "ERP moves", "Paused")
    assert (await pages.post(f"{change}/undo")).status_code == 303
    assert "Paused" not in await shown(pages, path)
    await happen(db, Ticked(1), Ticked(2))
    await posted(posts, f"{path}/ping")

    async def take(message: Message) -> Answer:
        return Answer(500, None, {"content-type": "text/plain"}, "<b>no</b>", 12)

    sender = Sender(db, take)
    await sender.gather(clock.now())
    await sender.serve(endpoint.id, clock.now())
    await shown(pages, path, "trialweb.Ticked", "lotse.Ping")
    await shown(pages, "/office/deliveries", "trialweb.Ticked", name, endpoint=str(endpoint.id), state="waiting")
    await shown(pages, "/office/deliveries", "Nothing fits", endpoint="none")
    await shown(pages, path, "All deliveries", f"/office/deliveries?endpoint={endpoint.id}")
    async with db.reading() as conn:
        page = await queries.deliveries(conn, endpoint_id=endpoint.id)
    for one in page.items:
        text = await shown(pages, f"{path}/deliveries/{one.id}", one.type)
        assert "<b>no</b>" not in text
    ticked = next(one for one in page.items if one.type == "trialweb.Ticked")
    assert (await posted(posts, f"{path}/deliveries/{ticked.id}/skip")).startswith(f"{path}/deliveries/")
    await posted(posts, f"{path}/deliveries/{ticked.id}/again")
    # Found by the message and by the thing that it is about; many are given up, and sent again, for good.
    for words in (f"msg_{ticked.event_id.hex}", ticked.key):
        await shown(pages, "/office/deliveries", str(ticked.id), q=words, endpoint=str(endpoint.id))
    assert len(await filed(pages, "/office/deliveries", endpoint=str(endpoint.id))) == 1 + len(page.items)
    change = await changed(pages, "/office/deliveries", "skip", [str(ticked.id)], reason="no longer wanted")
    assert "Undo" not in await shown(pages, change, "1 row is changed.")
    # Who posts the way back nevertheless is sent back, and nothing changes.
    assert (await pages.post(f"{change}/undo")).status_code == 303
    await shown(pages, "/office/deliveries", str(ticked.id), state="skipped", endpoint=str(endpoint.id))
    await changed(pages, "/office/deliveries", "again", [str(ticked.id)])
    await shown(pages, "/office/deliveries", str(ticked.id), state="waiting", endpoint=str(endpoint.id))
    for action in ("pause", "resume"):
        await posted(posts, f"{path}/{action}")
    await posted(posts, f"{path}/replay", first=str(ticked.position), last="")
    rotated = await pages.post(f"{path}/secret")
    assert "whsec_" in rotated.text
    await posted(posts, f"{path}/off")
    await shown(pages, path, "Resume")
    await posted(posts, f"{path}/deliveries/{ticked.id}/skip")
    change = await changed(pages, "/office/deliveries", "again", [str(ticked.id)])
    await shown(pages, change, "Its endpoint is switched off.")
    assert (await posted(posts, f"{path}/replay", first="x")).startswith("/office/webhooks")
    assert (await pages.get("/office/webhooks/01985a00-0000-7000-8000-000000000001")).status_code == 404


async def test_events(pages: httpx.AsyncClient, db: Database):
    await happen(db, Ticked(7))
    async with db.reading() as conn:
        head = await queries.head(conn)
    text = await shown(pages, "/office/events", "trialweb.Ticked", "data-live", type="trialweb.Ticked", q="tick")
    assert f"/office/events/{head}" in text and "Who reacts" in text
    # What renews itself is this much and no more; a page further back stands still.
    part = await shown(pages, "/office/events", f'data-row="{head}"', "Who reacts", part="rows")
    assert "<html" not in part and "Save view" not in part
    assert "data-live" not in await shown(pages, "/office/events", after=cursor(head + 1))
    await shown(pages, "/office/events", f'data-row="{head}"', q=str(head))
    await shown(pages, "/office/events", "Nothing fits", q="nothing of this name")
    lines = await filed(pages, "/office/events", q=str(head))
    assert len(lines) == 2 and "trialweb.Ticked" in lines[1]
    await shown(pages, f"/office/events/{head}", "trialweb.Ticked", "&#34;number&#34;: 7")
    for path in ("/office/events/999999999", "/office/events/0"):
        assert (await pages.get(path)).status_code == 404


async def test_an_event_that_is_parked_is_found(pages: httpx.AsyncClient, db: Database, fresh: Fresh):
    await happen(db, Ticked(8))
    async with db.transaction() as tx:
        head = await queries.head(tx)
        event = await queries.event(tx, position=head)
        assert event
        consumer = fresh.text("consumer")
        await tx.execute(queries.EVENTS.add_consumer, name=consumer)
        await tx.execute(
            queries.EVENTS.park,
            consumer=consumer,
            position=head,
            id=event.id,
            key=event.key,
            error="no such tick",
            attempts=8,
            at=clock.now(),
        )
    await shown(pages, "/office/events", f'data-row="{head}"', "parked", parked="failed", q=str(head))
    await shown(pages, "/office/events", "Nothing fits", parked="behind", q=str(head))
    assert any(consumer in line for line in await filed(pages, "/office/events", q=str(head)))


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
    await posted(posts, f"/office/differences/{found[0].id}/ours")
    async with db.reading() as conn:
        assert sku not in {one.key for one in (await masters.differences(conn, source="erp")).items}
    # It opens with what is open; what was decided is behind its tab, and everything behind All.
    await shown(pages, "/office/differences", "Nothing fits", q=sku, state="open")
    for query in ({"state": "kept"}, {"all": "yes"}):
        await shown(pages, "/office/differences", sku, q=sku, **query)
    await posted(posts, "/office/differences/masters", kind="customers", field="email", master="crm")
    await shown(pages, "/office/differences", "crm")
    await posted(posts, "/office/differences/masters", kind="customers", field="email", master="")


async def test_many_differences_are_decided_at_once(
    pages: httpx.AsyncClient, db: Database, desk: Desk, place: Place, fresh: Fresh
):
    skus = [fresh.text("SKU").upper() for _ in range(3)]

    async def sent(source: str, name: str) -> None:
        async def rows() -> AsyncIterator[bytes]:
            yield ("sku,name\n" + "".join(f"{sku},{name}\n" for sku in skus)).encode()

        id = await runs.receive(
            db, rows(), kind="articles", name="x", format="csv", source=source, options={"language": "de"}, by="test",
            at=clock.now(),
        )  # fmt: skip
        await runs.run(db, desk, import_id=id, at=clock.now())

    async def states() -> list[str]:
        async with db.reading() as conn:
            now = await conn.many(masters.SQL.differences_now, DifferenceRow, ids=list(ids.values()))
        known = {one.key: one.state for one in now}
        return [known[sku] for sku in skus]

    await sent("lotse", "Kappe")
    await sent("erp", "Mütze")
    async with db.reading() as conn:
        found = [one for one in (await masters.differences(conn, source="erp")).items if one.key in skus]
    ids = {one.key: str(one.id) for one in found}
    assert sorted(ids) == sorted(skus)
    path = "/office/differences"
    assert len(await filed(pages, path, q=skus[0])) == 2
    change = await changed(pages, path, "ours", [ids[skus[0]], ids[skus[1]]])
    await shown(pages, change, skus[0], "ours kept", "Undo all of it")
    assert await states() == ["kept", "kept", "open"]
    assert (await pages.post(f"{change}/undo")).status_code == 303
    assert await states() == ["open", "open", "open"]
    # What theirs would make of it is shown before it is; then the article is called so, and there is no way back.
    change = await changed(pages, path, "theirs", list(ids.values()), reason="they know")
    assert "Undo" not in await shown(pages, change, "<del>Kappe</del>", "<ins>Mütze</ins>", "3 rows are changed.")
    assert await states() == ["taken", "taken", "taken"]
    async with db.reading() as conn:
        known = await variant_ids_by_sku(conn, skus=[skus[2]])
        [card] = await variants_by_ids(conn, variant_ids=list(known.values()), language="de")
    assert card.name == "Mütze"
    late = await pages.post(f"{path}/change", data={"bulk": "ours", "go": "yes", "selected": ids[skus[0]]})
    await shown(pages, late.headers["location"].partition("?")[0], "It was decided already.")


async def test_jobs(pages: httpx.AsyncClient, posts: httpx.AsyncClient, db: Database):
    await shown(pages, "/office/jobs", "Timetable")
    assert (await posts.post("/office/jobs/999999999/again")).status_code in (303, 404)
    put = Statement(
        "test",
        "put",
        "insert into pgqueuer.pgqueuer (priority, status, entrypoint, payload)"
        " values (0, 'failed', 'trialweb.tick', 'why') returning id",
    )
    async with db.transaction() as tx:
        ids = [await tx.value(put) for _ in range(3)]
    row = f'data-row="{ids[0]}"'
    await shown(pages, "/office/jobs", row, "failed for good", "Try again", "Try all of them again", q="trialweb")
    await shown(pages, "/office/jobs", "Nothing fits", q="trialweb", state="picked")
    lines = await filed(pages, "/office/jobs", q="trialweb.t", state="failed")
    assert len(lines) == 4 and "trialweb.tick" in lines[1]
    await posted(posts, f"/office/jobs/{ids[0]}/again")
    assert row not in await shown(pages, "/office/jobs", q="trialweb", state="failed")
    await posted(posts, "/office/jobs/again")
    await shown(pages, "/office/jobs", "Nothing fits", q="trialweb", state="failed")
    async with db.transaction() as tx:
        await tx.execute(Statement("test", "gone", "delete from pgqueuer.pgqueuer where entrypoint = 'trialweb.tick'"))


async def test_an_endpoint_that_may_not_be_is_said_beside_the_form(pages: httpx.AsyncClient):
    answer = await pages.post("/office/webhooks", data={"name": "x", "url": "https://10.0.0.1/hooks"})
    assert answer.status_code == 303 and answer.headers["location"].startswith("/office/webhooks/new")
