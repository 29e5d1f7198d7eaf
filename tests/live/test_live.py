"""The live page of the demo over HTTP: its stream resumes and is bounded, its buttons keep what they promise."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec import Struct

from lotse.kernel import check, clock
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database, opened
from lotse.web.live.hub import MOST_WATCHERS
from tests.live.conftest import Demo

pytestmark = pytest.mark.anyio

# As many as come up anew and answer on two busy cores.
PATIENCE = 120.0


class Frame(Struct, frozen=True):
    """A server-sent event."""

    event: str
    id: int | None
    said: Any


@pytest.fixture(scope="module")
async def database(anyio_backend: Any, demo: Demo) -> AsyncIterator[Database]:
    async with opened(demo.dsn, role="test live", connections=2) as database:
        yield database


@pytest.fixture(scope="module")
async def client(anyio_backend: Any, demo: Demo, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may watch and press."""
    async with database.transaction() as tx:
        made = await tokens.make(
            tx, name="live", scopes=["live.read", "demo.act"], days=1, actor="system", at=clock.now()
        )
    limits = httpx.Limits(max_connections=MOST_WATCHERS + 10)
    headers = {"Authorization": f"Bearer {made.secret}"}
    async with httpx.AsyncClient(base_url=demo.up.url, headers=headers, timeout=60, limits=limits) as client:
        yield client


@asynccontextmanager
async def watching(client: httpx.AsyncClient, after: int | None = None) -> AsyncIterator[AsyncIterator[Frame]]:
    headers = {"Last-Event-ID": str(after)} if after is not None else {}
    async with client.stream("GET", "/api/v1/live/events", headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield frames(response)


async def frames(response: httpx.Response) -> AsyncIterator[Frame]:
    event, id, said = "", None, ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            event = line[7:]
        elif line.startswith("id: "):
            id = int(line[4:])
        elif line.startswith("data: "):
            said = line[6:]
        elif not line and event:
            yield Frame(event, id, json.loads(said))
            event, id, said = "", None, ""


async def first(found: AsyncIterator[Frame], event: str, fits: Callable[[Any], bool] = lambda said: True) -> Frame:
    async with asyncio.timeout(PATIENCE):
        async for frame in found:
            if frame.event == event and fits(frame.said):
                return frame
    raise AssertionError(f"the stream ended without {event}")


async def act(client: httpx.AsyncClient, name: str, **body: Any) -> httpx.Response:
    return await client.post(f"/api/v1/demo/{name}", json=body, headers={"Idempotency-Key": str(uuid4())})


async def buy(client: httpx.AsyncClient, piece: dict[str, Any]) -> httpx.Response:
    asked = {
        "contact": piece["contact"],
        "method": "invoice",
        "total_minor": piece["total_minor"],
        "lines": [{"offer_id": piece["offer_id"], "quantity": 1}],
    }
    # A guest's, as everybody's.
    async with httpx.AsyncClient(base_url=client.base_url, timeout=60) as guest:
        return await guest.post("/api/v1/orders", json=asked, headers={"Idempotency-Key": str(uuid4())})


async def test_only_who_may_watch_and_press(demo: Demo) -> None:
    async with httpx.AsyncClient(base_url=demo.up.url) as guest:
        assert (await guest.get("/api/v1/live/events")).status_code == 401
        assert (await act(guest, "flash-sale")).status_code == 401
        assert "signin" in (await guest.get("/office/live")).headers["location"]


async def test_the_last_piece_goes_to_one_of_two_windows_and_the_stream_tells_of_it(client: httpx.AsyncClient) -> None:
    piece = (await act(client, "last-piece")).json()
    async with watching(client) as found:
        snapshot = await first(found, "snapshot")
        assert snapshot.id is not None and snapshot.said["currency"] == "EUR"
        answers = await asyncio.gather(buy(client, piece), buy(client, piece))
        assert sorted(answer.status_code for answer in answers) == [201, 409]
        [refused] = [answer.json() for answer in answers if answer.status_code == 409]
        assert refused["type"] == "urn:lotse:refusal:out-of-stock"
        [number] = [answer.json()["order"]["number"] for answer in answers if answer.status_code == 201]
        told = await first(found, "sales", lambda said: any(sale["number"] == number for sale in said["sales"]))
        before, after = snapshot.said["day"]["whole"], told.said["day"]["whole"]
        assert after["orders"] == before["orders"] + 1
        assert after["gross_minor"] == before["gross_minor"] + piece["total_minor"]
        assert told.said["pulses"] == {"lager": 1}


async def test_who_comes_back_is_told_what_was_missed_and_nothing_twice(client: httpx.AsyncClient) -> None:
    piece = (await act(client, "last-piece")).json()
    async with watching(client) as found:
        left_at = (await first(found, "snapshot")).id
    assert left_at is not None
    answer = await buy(client, piece)
    number = answer.json()["order"]["number"]
    async with watching(client) as found:  # somebody else, who gets it with what stands or as it comes
        async with asyncio.timeout(PATIENCE):
            async for frame in found:
                if any(sale["number"] == number for sale in frame.said.get("sales", ())):
                    break
    async with watching(client, left_at) as found:
        missed = await first(found, "sales")
        assert [sale["number"] for sale in missed.said["sales"]] == [number]
        told_until = missed.id
    async with watching(client, told_until) as found:
        # Nothing is missing: what comes first is how the machinery stands, not the order again.
        async for frame in found:
            assert frame.event != "sales" and frame.event != "snapshot"
            break
    async with watching(client, 2**62) as found:  # a position of another database
        assert (await first(found, "snapshot")).id


async def test_watchers_are_bounded_and_the_one_too_many_is_told(client: httpx.AsyncClient) -> None:
    async def watch(begun: asyncio.Event, stop: asyncio.Event) -> None:
        async with watching(client) as found:
            await first(found, "snapshot")
            begun.set()
            await stop.wait()

    async with watching(client) as found:
        # Whoever watched before is gone: their end is noticed with the next thing that they are told.
        await first(found, "figures", lambda said: said["watchers"] == 1)
        stop = asyncio.Event()
        begun = [asyncio.Event() for _ in range(MOST_WATCHERS - 1)]
        tasks = [asyncio.create_task(watch(one, stop)) for one in begun]
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(one.wait() for one in begun))
        refused = await client.get("/api/v1/live/events")
    assert refused.status_code == 503 and refused.headers["retry-after"]
    assert refused.json()["type"] == "urn:lotse:refusal:too-many-watchers"
    stop.set()
    await asyncio.gather(*tasks)
    # Who leaves makes room.
    await until(lambda: _answers(client))


async def _answers(client: httpx.AsyncClient) -> bool:
    async with client.stream("GET", "/api/v1/live/events") as response:
        return response.status_code == 200


async def test_a_killed_desk_comes_back_and_nothing_is_lost(client: httpx.AsyncClient, demo: Demo) -> None:
    before = demo.up.pids()["desk"]
    begun = await act(client, "kill", role="desk")
    assert begun.status_code == 200 and begun.json()["pid"] == before
    # The page is told every now and then, and may yet be told of the process that was killed before this one.
    kill = await done(client, "kill", lambda kill: kill["pid"] == before)
    assert kill["new_pid"] == demo.up.pids()["desk"] != before
    assert kill["answered"] > 0 and kill["lost"] == 0 and kill["in_books"] == kill["answered"]


async def test_what_cannot_be_done_is_refused_by_name(client: httpx.AsyncClient) -> None:
    answer = await act(client, "kill", role="postgres")
    assert answer.status_code == 409 and answer.json()["type"] == "urn:lotse:refusal:act-refused"
    assert (await act(client, "format-disk")).status_code in (400, 404, 422)


async def test_buyers_come_at_the_pace_that_is_chosen_and_the_books_agree_afterwards(
    client: httpx.AsyncClient, database: Database
) -> None:
    assert (await act(client, "pace", pace="busy")).json()["pace"] == "busy"
    async with watching(client) as found:
        told = {"till": 0, "web": 0, "api": 0, "marketplace": 0}
        async with asyncio.timeout(PATIENCE):
            async for frame in found:
                for sale in frame.said["sales"] if frame.event == "sales" else ():
                    told[sale["channel"] or "web"] += 1
                if told["till"] and told["api"] and told["marketplace"]:
                    break
    assert (await act(client, "pace", pace="pause")).json()["pace"] == "pause"

    async def agrees() -> bool:
        return not await check.run(database)

    await until(agrees)  # the relay has some moments to move what was sold last


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - other processes: there is no event to wait for
            await asyncio.sleep(0.1)


async def done(
    client: httpx.AsyncClient, name: str, fits: Callable[[Any], bool] = lambda shown: True
) -> dict[str, Any]:
    """How an act ended, as the page is told."""
    while True:
        async with watching(client) as found:
            async for frame in found:
                if frame.event != "figures" or not frame.said["demo"]:
                    continue
                shown = frame.said["demo"][name]
                if shown["phase"] in ("done", "failed") and fits(shown):
                    assert shown["phase"] == "done", shown
                    return shown


def test_the_map_shows_every_store(demo: Demo) -> None:
    with httpx.Client(
        base_url=demo.up.url, headers={"Origin": demo.up.url}, follow_redirects=True, timeout=60
    ) as browser:
        browser.get("/signin")
        page = browser.post("/signin?next=/office/live", data={"login": demo.login, "password": demo.password})
        if "dot-lager" not in page.text:
            page = browser.get("/office/live")
    assert page.status_code == 200
    assert page.text.count('class="spot store"') == 30 and page.text.count('class="spot warehouse"') == 1
    assert 'id="flash"' in page.text and 'id="kill"' in page.text and 'id="last"' in page.text
