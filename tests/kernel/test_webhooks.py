"""Webhooks: every event reaches every endpoint that wants it, in the order of its key, under one id; whoever fails.

The clock is the test's: it moves to when the sender has something to do, so days pass in a second. Signatures are
verified by the receivers' own library.
"""

import asyncio
import base64
import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import UUID

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lotse.kernel import relay
from lotse.kernel.db import Database, opened
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.refusals import Invalid
from lotse.kernel.webhooks import commands, queries, rules
from lotse.kernel.webhooks.contracts import (
    AddressNotAllowed,
    EndpointOff,
    NewEndpoint,
    TooManyEndpoints,
    UnknownDelivery,
    UnknownEndpoint,
)
from lotse.kernel.webhooks.rules import Answer
from lotse.kernel.webhooks.sender import Message, Sender, over_http
from lotse.kernel.webhooks.shops import ShopFinder, shops_of
from lotse.testing import Databases

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://erp.example.org/hooks"


class Happened(Struct, frozen=True, tag="trial.Happened"):
    version: ClassVar[int] = 1
    thing: str
    number: int

    @property
    def key(self) -> str:
        return self.thing


class InShop(Struct, frozen=True, tag="trial.InShop"):
    version: ClassVar[int] = 1
    shop_id: UUID
    key: str = "s"


class OfOrder(Struct, frozen=True, tag="trial.OfOrder"):
    version: ClassVar[int] = 1
    order_id: UUID
    key: str = "o"


class Receiver:
    """The other side: verifies, and takes or fails as told."""

    def __init__(self) -> None:
        self.secret = ""
        self.said: Answer | None = None
        self.bad: set[str] = set()
        self.tries: list[tuple[str, dict[str, object]]] = []
        self.taken: list[dict[str, object]] = []
        self.ids: list[str] = []
        self.bodies: defaultdict[str, set[bytes]] = defaultdict(set)

    async def __call__(self, message: Message) -> Answer:
        await asyncio.sleep(0)
        data = json.loads(message.body)
        self.tries.append((message.headers["webhook-id"], data))
        self.bodies[message.headers["webhook-id"]].add(message.body)
        if self.said is not None:
            return self.said
        if data.get("key") in self.bad:
            return Answer(422, None, {}, "we do not like this one")
        self.taken.append(data)
        self.ids.append(message.headers["webhook-id"])
        return Answer(204)

    def numbers(self, key: str) -> list[object]:
        return [one["data"]["number"] for one in self.taken if one["key"] == key]  # type: ignore[index]


@pytest.fixture(scope="module")
async def own(databases: Databases) -> AsyncIterator[Database]:
    """A log of its own: endpoints want all types of events here."""
    async with opened(databases.migrated(), role="test webhooks") as database:
        yield database


@pytest.fixture
async def db(own: Database) -> AsyncIterator[Database]:
    yield own
    async with own.transaction() as tx:  # each test begins with no endpoint that listens
        for one in await queries.endpoints(tx):
            await commands.switch(tx, endpoint_id=one.id, state="off", by="test", at=AT)


async def endpoint(db: Database, **given: object) -> NewEndpoint:
    async with db.transaction() as tx:
        return await commands.add_endpoint(tx, **{"name": "ERP", "url": URL, "by": "test", "at": AT, **given})  # type: ignore[arg-type]


async def happen(db: Database, *events: Struct, at: datetime = AT) -> None:
    async with db.transaction() as tx:
        await emit(tx, *events, at=at)
    async with db.reading() as conn:
        await relay.move_all(conn)


async def run(sender: Sender, at: datetime, until: datetime) -> datetime:
    """Let time pass as the worker would, from one thing to do to the next."""
    while True:
        await sender.gather(at)
        while await sender.round(at):
            continue
        due = await sender.next_due()
        if due is None or due > until:
            return until
        at = max(due, at + timedelta(milliseconds=1))


def sending(db: Database, receiver: Receiver) -> Sender:
    return Sender(db, receiver, draw=random.Random(7).random)


# -- the promise


async def test_a_receiver_that_is_down_for_a_day_gets_every_event_in_order(db: Database):
    receiver = Receiver()
    await endpoint(db)
    sender, keys = sending(db, receiver), [f"thing-{n}" for n in range(20)]
    receiver.said = Answer(None, "ConnectionRefusedError")
    at, number = AT, 0
    for hour in range(24):  # events go on happening while it is down
        events = [Happened(key, number + place) for place, key in enumerate(keys)]
        number += len(keys)
        await happen(db, *events, at=at)
        at = await run(sender, at, AT + timedelta(hours=hour + 1))
    assert not receiver.taken
    down = len(receiver.tries)
    assert down < 200, "a receiver that is down is probed, not stormed"
    receiver.said = None
    at = await run(sender, at, at + timedelta(hours=1))
    assert len(receiver.taken) == 24 * len(keys), "everything within an hour of its return, longest rest and all"
    for place, key in enumerate(keys):
        assert receiver.numbers(key) == [hour * len(keys) + place for hour in range(24)]
    assert len(set(receiver.ids)) == len(receiver.ids), "none twice"
    names = {name: data["position"] for name, data in receiver.tries}
    assert len(set(names.values())) == len(names), "the same id on every try of an event, another for another event"
    assert all(len(bodies) == 1 for bodies in receiver.bodies.values()), "and the same body"


async def test_a_sender_that_dies_between_answer_and_note_sends_again_under_the_same_id(db: Database):
    receiver = Receiver()
    await endpoint(db)
    await happen(db, Happened("a", 1), Happened("a", 2))

    class Died(Exception):
        pass

    async def dying(message: Message) -> Answer:
        await receiver(message)
        raise Died

    sender = Sender(db, dying)
    await sender.gather(AT)
    with pytest.raises(Died):
        await sender.round(AT)
    await run(sending(db, receiver), AT, AT)
    assert receiver.numbers("a") == [1, 1, 2]
    assert receiver.ids[0] == receiver.ids[1] != receiver.ids[2]


async def test_the_official_library_verifies_what_we_sign_also_while_a_secret_is_rotated(db: Database):
    made = await endpoint(db)
    now = datetime.now(UTC).replace(microsecond=0)  # the library asks the wall clock
    sent: list[Message] = []

    async def take(message: Message) -> Answer:
        sent.append(message)
        return Answer(200)

    sender = Sender(db, take)
    await happen(db, Happened("ä€", 1), at=now)
    await run(sender, now, now)
    assert Webhook(made.secret).verify(sent[0].body, sent[0].headers)["data"] == {"thing": "ä€", "number": 1}
    async with db.transaction() as tx:
        rotated = await commands.rotate(tx, endpoint_id=made.endpoint.id, by="test", at=now)
    assert rotated.secret != made.secret
    await happen(db, Happened("b", 2), at=now)
    await run(sender, now, now)
    for secret in (made.secret, rotated.secret):
        assert Webhook(secret).verify(sent[1].body, sent[1].headers)["key"] == "b"
    await happen(db, Happened("b", 3), at=now)
    await run(sender, now + rules.ROTATION, now + rules.ROTATION)
    assert sent[2].headers["webhook-signature"].count("v1,") == 1
    with pytest.raises(WebhookVerificationError):
        Webhook(rotated.secret).verify(sent[1].body + b" ", sent[1].headers)


# -- who fails how


async def test_an_event_that_is_not_taken_holds_up_its_own_key_and_no_other(db: Database):
    receiver = Receiver()
    made = await endpoint(db)
    sender = sending(db, receiver)
    receiver.bad = {"bad"}
    await happen(db, Happened("bad", 1), Happened("bad", 2), Happened("good", 1), Happened("good", 2))
    at = await run(sender, AT, AT + timedelta(minutes=1))
    assert receiver.numbers("good") == [1, 2]
    for day in range(5):  # others go well, so that it is the event and not the endpoint that is ill
        for quarter in range(24):
            await happen(db, Happened("good", 10 + day * 24 + quarter), at=at)
            at = await run(sender, at, at + timedelta(hours=1))
    tried = [data for _, data in receiver.tries if data["key"] == "bad"]
    assert len(tried) == rules.MOST_TRIES
    assert {data["data"]["number"] for data in tried} == {1}  # type: ignore[index]
    async with db.reading() as conn:
        page = await queries.deliveries(conn, endpoint_id=made.endpoint.id, text="bad")
        assert [(one.state, one.status, one.due_at) for one in page.items] == [
            ("waiting", None, None),
            ("failed", 422, None),
        ]
        failed, tries = await queries.delivery(conn, endpoint_id=made.endpoint.id, delivery_id=page.items[1].id)
        assert failed.tries == len(tries) == rules.MOST_TRIES
        assert tries[0].response_body == "we do not like this one"
        assert "webhook-signature" not in tries[0].request_headers
    receiver.bad = set()
    async with db.transaction() as tx:  # a person sends it again: it is tried, and what waits behind it follows
        assert await commands.send_again(tx, endpoint_id=made.endpoint.id, delivery_ids=[failed.id], at=at) == 1
    await run(sender, at, at)
    assert receiver.numbers("bad") == [1, 2]


async def test_a_person_may_skip_an_event(db: Database):
    receiver = Receiver()
    made = await endpoint(db)
    sender = sending(db, receiver)
    receiver.bad = {"bad"}
    await happen(db, Happened("bad", 1), Happened("bad", 2))
    await run(sender, AT, AT)
    receiver.bad = set()
    async with db.transaction() as tx:
        first = (await queries.deliveries(tx, endpoint_id=made.endpoint.id)).items[-1]
        await commands.skip(tx, endpoint_id=made.endpoint.id, delivery_id=first.id, by="test", at=AT)
        with pytest.raises(UnknownDelivery):
            await commands.skip(tx, endpoint_id=made.endpoint.id, delivery_id=uuid7(), by="test", at=AT)
    await run(sender, AT, AT)
    assert receiver.numbers("bad") == [2]


async def test_nothing_for_days_pauses_the_endpoint_and_nothing_is_lost(db: Database):
    receiver = Receiver()
    made = await endpoint(db)
    sender = sending(db, receiver)
    receiver.said = Answer(500)
    await happen(db, Happened("a", 1))
    at = await run(sender, AT, AT + 6 * DAY)
    async with db.reading() as conn:
        paused = await queries.endpoint(conn, endpoint_id=made.endpoint.id)
    assert paused.state == "paused" and "5 days" in paused.reason
    tries = len(receiver.tries)
    await happen(db, Happened("a", 2), at=at)
    await run(sender, at, at + DAY)
    assert len(receiver.tries) == tries
    receiver.said = None
    async with db.transaction() as tx:
        await commands.switch(tx, endpoint_id=made.endpoint.id, state="active", by="test", at=at)
    await run(sender, at, at)
    assert receiver.numbers("a") == [1, 2]


async def test_gone_switches_off(db: Database):
    receiver = Receiver()
    made = await endpoint(db)
    sender = sending(db, receiver)
    receiver.said = Answer(410)
    await happen(db, Happened("a", 1), Happened("b", 1))
    at = await run(sender, AT, AT + DAY)
    assert len(receiver.tries) <= 2
    async with db.transaction() as tx:
        gone = await queries.endpoint(tx, endpoint_id=made.endpoint.id)
        assert (gone.state, "410" in gone.reason) == ("off", True)
        with pytest.raises(EndpointOff):
            await commands.ping(tx, endpoint_id=gone.id, at=at)
    await happen(db, Happened("a", 2))
    assert len(receiver.tries) <= 2


async def test_retry_after_is_respected(db: Database):
    receiver = Receiver()
    await endpoint(db)
    sender = sending(db, receiver)
    receiver.said = Answer(503, None, {"retry-after": "7200"})
    await happen(db, Happened("a", 1))
    await run(sender, AT, AT + timedelta(hours=1, minutes=59))
    assert len(receiver.tries) == 1
    receiver.said = None
    await run(sender, AT + timedelta(hours=2), AT + timedelta(hours=2, minutes=1))
    assert receiver.numbers("a") == [1]


# -- who wants what


async def test_types_and_shops_choose(db: Database):
    receiver, all_types = Receiver(), Receiver()
    mine, other, order, foreign = uuid7(), uuid7(), uuid7(), uuid7()
    await endpoint(db, types=["trial.InShop", "trial.OfOrder", "trial.Happened"], shop_ids=[mine])

    async def find(conn: object, ids: object) -> dict[UUID, UUID]:
        return {order: mine}

    from lotse.kernel.webhooks import shops

    shops.installed.cache_clear()
    finders = (ShopFinder(("order_id",), find),)
    await happen(
        db, InShop(mine), InShop(other), OfOrder(order), OfOrder(foreign), Happened("none", 1), Happened("none", 2)
    )
    real = shops.installed
    try:
        shops.installed = lambda: finders  # type: ignore[assignment]
        await run(sending(db, receiver), AT, AT)
    finally:
        shops.installed = real
    told = [(one["type"], one["data"]) for one in receiver.taken]
    assert sorted(told, key=str) == sorted(
        [
            ("trial.InShop", {"shop_id": str(mine), "key": "s"}),
            ("trial.OfOrder", {"order_id": str(order), "key": "o"}),
            ("trial.Happened", {"thing": "none", "number": 1}),
            ("trial.Happened", {"thing": "none", "number": 2}),
        ],
        key=str,
    )
    assert not all_types.taken


async def test_an_order_belongs_to_its_shop():
    """The seam that the orders fill is there."""
    from lotse.kernel.webhooks import shops

    shops.installed.cache_clear()
    assert any("order_id" in finder.fields for finder in shops.installed())
    assert await shops_of(None, []) == []  # type: ignore[arg-type]


# -- again


async def test_replays(db: Database):
    receiver = Receiver()
    await happen(db, Happened("old", 1), Happened("old", 2))  # before the endpoint was made
    async with db.reading() as conn:
        end = await queries.head(conn)
    made = await endpoint(db)
    sender = sending(db, receiver)
    await happen(db, Happened("new", 3))
    await run(sender, AT, AT)
    assert receiver.numbers("old") == [] and receiver.numbers("new") == [3]
    done = await commands.replay(db, endpoint_id=made.endpoint.id, first=end - 1, by="test", at=AT)
    assert (done.again, done.first) == (1, 2)
    await run(sender, AT, AT)
    assert receiver.numbers("old") == [1, 2] and receiver.numbers("new") == [3, 3]
    assert len(set(receiver.ids)) == 3, "a replay keeps the ids"
    with pytest.raises(Invalid):
        await commands.replay(db, endpoint_id=made.endpoint.id, first=0, by="test", at=AT)
    with pytest.raises(UnknownEndpoint):
        await commands.replay(db, endpoint_id=uuid7(), first=1, by="test", at=AT)


async def test_a_ping_waits_behind_nothing(db: Database):
    receiver = Receiver()
    made = await endpoint(db)
    async with db.transaction() as tx:
        id = await commands.ping(tx, endpoint_id=made.endpoint.id, at=AT)
    await run(sending(db, receiver), AT, AT)
    assert receiver.taken[0]["type"] == "lotse.Ping"
    async with db.reading() as conn:
        sent, _ = await queries.delivery(conn, endpoint_id=made.endpoint.id, delivery_id=id)
        assert sent.state == "delivered"


# -- what may be asked for


@pytest.mark.parametrize(
    ("url", "private", "fine"),
    [
        ("https://erp.example.org/hooks?x=1", False, True),
        ("http://erp.example.org/hooks", False, False),
        ("http://10.0.0.7:8080/hooks", True, True),
        ("https://10.0.0.7/hooks", False, False),
        ("https://127.0.0.1/hooks", False, False),
        ("https://169.254.169.254/latest/meta-data", False, False),
        ("https://[::1]/", False, False),
        ("https://[::ffff:10.0.0.1]/", False, False),
        ("https://[64:ff9b::a00:1]/", False, False),
        ("https://100.64.0.1/", False, False),
        ("https://localhost/hooks", False, False),
        ("https://db.internal/hooks", False, False),
        ("https://user:secret@example.org/", False, False),
        ("https://example.org/#part", False, False),
        ("https://example.org:25/", False, False),
        ("ftp://example.org/", True, False),
        ("https://", False, False),
        ("https://exa mple.org/", False, False),
        ("https://example.org:notaport/", False, False),
    ],
)
def test_addresses(url: str, private: bool, fine: bool):
    if fine:
        rules.check_url(url, private=private)
    else:
        with pytest.raises(AddressNotAllowed):
            rules.check_url(url, private=private)


async def test_refusals_in_their_order(db: Database):
    with pytest.raises(Invalid):
        await endpoint(db, name="", url="ftp://x")
    with pytest.raises(AddressNotAllowed):
        await endpoint(db, url="http://127.0.0.1/")
    async with db.transaction() as tx:
        with pytest.raises(UnknownEndpoint):
            await commands.rotate(tx, endpoint_id=uuid7(), by="test", at=AT)
        with pytest.raises(Invalid):
            await commands.rotate(tx, endpoint_id=uuid7(), keep=400 * DAY, by="test", at=AT)
    for number in range(commands.MOST_ENDPOINTS):
        await endpoint(db, name=f"n{number}")
    with pytest.raises(TooManyEndpoints):
        await endpoint(db)


# -- rules


@given(st.integers(1, rules.MOST_TRIES + 3), st.floats(0, 1))
def test_pauses_grow_and_end(tries: int, draw: float):
    found = rules.pause(tries, draw)
    assert (found is None) == (tries >= rules.MOST_TRIES)
    if found is not None and tries > 1:
        before = rules.pause(tries - 1, draw)
        assert before is not None and before < found


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_rest_is_bounded(failures: int, draw: float):
    found = rules.rest(failures, draw)
    assert (found is None) == (failures < rules.RESTS_AFTER)
    assert found is None or timedelta(seconds=9) <= found <= rules.LONGEST_REST * 1.2


@given(st.binary(max_size=300), st.uuids(), st.integers(0, 2**32))
def test_signatures_are_those_of_the_official_library(body: bytes, id: UUID, seconds: int):
    at, secret = datetime.fromtimestamp(seconds, UTC), rules.new_secret()
    text = base64.b64encode(body).decode()  # the library signs texts
    assert rules.signature(secret, f"msg_{id.hex}", at, text.encode()) == Webhook(secret).sign(
        f"msg_{id.hex}", at, text
    )


@given(st.text(max_size=40))
def test_any_retry_after_is_read_or_ignored(text: str):
    found = rules.wanted_wait(text, AT)
    assert found is None or timedelta(0) <= found <= rules.LONGEST_WISH


def test_a_date_as_retry_after():
    assert rules.wanted_wait("Sun, 01 Mar 2026 12:02:00 GMT", AT) == timedelta(minutes=2)


# -- over HTTP


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A small server that answers in awkward ways."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        kind = request.match_info["kind"]
        if kind == "moved":
            raise web.HTTPFound("/ok")
        if kind == "slow":
            await asyncio.Event().wait()
        if kind == "endless":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65_536)
        return web.Response(text="fine\0", headers={"Set-Cookie": "a=b", "X-Kept": "1"})

    app = web.Application()
    app.router.add_post("/{kind}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://127.0.0.1:{port}", asked
    await runner.cleanup()


async def test_answers_are_bounded_and_redirects_not_followed(address: tuple[str, list[web.Request]]):
    base, asked = address
    async with over_http(private=True, answer_seconds=2) as send:
        fine = await send(Message(f"{base}/ok", {"webhook-id": "1"}, b"{}"))
        assert (fine.status, fine.body, fine.headers["x-kept"]) == (200, "fine\ufffd", "1")
        assert "set-cookie" not in fine.headers
        assert (await send(Message(f"{base}/moved", {}, b"{}"))).status == 302
        endless = await send(Message(f"{base}/endless", {}, b"{}"))
        assert endless.status == 200 and len(endless.body) == 4_096
    assert len(asked) == 3
    async with over_http(private=True, answer_seconds=0.2) as send:
        assert "no answer within" in str((await send(Message(f"{base}/slow", {}, b"{}"))).error)


async def test_a_private_address_is_not_reached_even_by_name(address: tuple[str, list[web.Request]]):
    base, asked = address
    port = base.rsplit(":", 1)[1]
    async with over_http(private=False) as send:
        for url in (base + "/ok", f"https://localhost:{port}/ok"):
            assert "not allowed" in str((await send(Message(url, {}, b"{}"))).error)

    from lotse.kernel.webhooks.sender import _Guarded  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(AddressNotAllowed):
        await _Guarded(private=False).resolve("localhost", 443)
    assert not asked
