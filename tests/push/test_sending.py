"""News reach a device through a real push service, once, whatever the service answers on the way."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from aiohttp import web
from msgspec import Struct

from lotse.kernel.auth.links import Links
from lotse.kernel.db import Connection, Database
from lotse.kernel.mail.contracts import Ways
from lotse.kernel.push import post, rules, sender
from lotse.kernel.push.contracts import Device, News, Push, Subscription, SubscriptionInvalid, TooManyDevices
from lotse.kernel.push.post import SendPush
from lotse.kernel.webhooks.sender import Transport, over_http
from lotse.testing import Fresh
from tests.push.conftest import AT, Browser, PushService

pytestmark = pytest.mark.anyio
SIGNER = rules.Signer(b"s" * 32, "mailto:shop@example.org")
WAYS = Ways("https://shop.example", Links(b"x" * 32))


class About(Struct, frozen=True):
    """What the trial news are about."""

    number: str


async def _gather(conn: Connection, about: About, device: Device, ways: Ways) -> News | None:
    if about.number == "silent":
        return None
    return News("Order %(number)s", f"for {device.language}", "/order/x", {"number": about.number}, "order-1")


TRIAL = Push("trial.news", About, _gather, "high")


@pytest.fixture(autouse=True)
def trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "installed", lambda: {TRIAL.name: TRIAL})


@pytest.fixture
async def wire() -> AsyncIterator[Transport]:
    async with over_http(private=True, answer_seconds=5) as transport:
        yield transport


class Desk:
    """What a test does to one subject."""

    def __init__(self, db: Database, wire: Transport, service: PushService, fresh: Fresh) -> None:
        self.db, self.wire, self.service = db, wire, service
        self.about, self.event_id = fresh.text("about"), fresh.id()

    async def subscribe(self, subscription: Subscription, *, about: str | None = None, language: str = "de") -> None:
        async with self.db.transaction() as tx:
            await post.subscribe(
                tx, subscription, about=about or self.about, language=language, shop_id=None, private=True, at=AT
            )

    async def browser(self, **more: str) -> Browser:
        made = self.service.new()
        await self.subscribe(made.subscription(self.service.url), **more)
        return made

    async def tell(self, number: str = "1", *, about: tuple[str, ...] = (), event_id: UUID | None = None) -> int:
        async with self.db.transaction() as tx:
            return await post.enqueue(
                tx, TRIAL, About(number), about=[self.about, *about], event_id=event_id or self.event_id, at=AT
            )

    async def messages(self) -> list[post.Message]:
        async with self.db.reading() as conn:
            return await post.messages(conn, event_id=self.event_id)

    async def send(self, at: datetime = AT) -> list[str]:
        for one in await self.messages():
            await sender.deliver(
                self.db, SendPush(one.id), self.wire, SIGNER, WAYS, at=at, draw=lambda: 0.5
            )  # fmt: skip
        return [one.state for one in await self.messages()]

    async def jobs(self) -> list[timedelta]:
        """How far off the jobs are that would send this subject's messages."""
        ids = [str(one.id) for one in await self.messages()]
        async with self.db.reading() as conn:
            rows = await conn.raw.fetch(
                "select execute_after - created as wait from pgqueuer.pgqueuer where entrypoint = $1"
                " and convert_from(payload, 'utf8')::jsonb ->> 'message_id' = any ($2::text[]) order by id",
                post.SEND, ids,
            )  # fmt: skip
        return [row["wait"] for row in rows]


@pytest.fixture
def desk_of_news(db: Database, wire: Transport, service: PushService, fresh: Fresh) -> Desk:
    return Desk(db, wire, service, fresh)


async def test_news_arrive_encrypted_and_signed(desk_of_news: Desk):
    browser = await desk_of_news.browser()
    assert await desk_of_news.tell() == 1
    assert await desk_of_news.send() == ["sent"]
    [arrived] = desk_of_news.service.arrived
    assert arrived.browser is browser
    assert arrived.news == {
        "title": "Bestellung 1", "body": "for de", "address": "/order/x", "tag": "order-1", "language": "de",
    }  # fmt: skip
    assert arrived.headers["urgency"] == "high" and arrived.headers["ttl"] == str(3 * 86_400)
    assert arrived.claims["sub"] == "mailto:shop@example.org" and arrived.size <= 4_096
    # Once more is nothing more.
    assert await desk_of_news.send() == ["sent"] and desk_of_news.service.asked == 1


async def test_once_per_event_and_device(desk_of_news: Desk, fresh: Fresh):
    other = fresh.text("customer")
    browser = await desk_of_news.browser()
    # The same device wants to hear of the customer's orders as well.
    await desk_of_news.subscribe(browser.subscription(desk_of_news.service.url), about=other)
    second = await desk_of_news.browser(language="en")
    assert await desk_of_news.tell(about=(other,)) == 2
    assert await desk_of_news.tell(about=(other,)) == 0  # the event was replayed
    await desk_of_news.send()
    told = {one.browser.name: one.news["body"] for one in desk_of_news.service.arrived}
    assert told == {browser.name: "for de", second.name: "for en"} and desk_of_news.service.asked == 2


@pytest.mark.parametrize(
    ("status", "headers", "state", "wait"),
    [
        (404, {}, "gone", None),
        (410, {}, "gone", None),
        (400, {}, "failed", None),
        (403, {}, "failed", None),
        (413, {}, "failed", None),
        (302, {"Location": "http://127.0.0.1:1/"}, "failed", None),
        (429, {"Retry-After": "90"}, "waiting", 90),
        (429, {"Retry-After": "999999"}, "waiting", 86_400),
        (429, {}, "waiting", 10.5),
        (500, {}, "waiting", 10.5),
        (503, {"Retry-After": "1"}, "waiting", 10.5),
    ],
)
async def test_what_a_fault_leads_to(
    desk_of_news: Desk, status: int, headers: dict[str, str], state: str, wait: float | None
):
    browser = await desk_of_news.browser()
    await desk_of_news.tell()
    assert await desk_of_news.jobs() == [timedelta(0)]
    desk_of_news.service.faults.append(web.Response(status=status, headers=headers, text="no"))
    assert await desk_of_news.send() == [state]
    [message] = await desk_of_news.messages()
    assert message.tries == 1 and str(status) in message.error
    later = (await desk_of_news.jobs())[1:]
    assert [round(one.total_seconds(), 1) for one in later] == ([] if wait is None else [wait])
    about = [desk_of_news.about]
    async with desk_of_news.db.reading() as conn:
        endpoint = browser.subscription(desk_of_news.service.url).endpoint
        assert await post.is_told(conn, endpoint=endpoint, about=about) is (state != "gone")
    if state == "waiting":
        assert await desk_of_news.send(AT + one_more(wait)) == ["sent"]
        assert desk_of_news.service.arrived[0].headers["ttl"] == str(int(3 * 86_400 - (wait or 0)))


def one_more(wait: float | None) -> timedelta:
    return timedelta(seconds=wait or 0)


async def test_a_service_that_is_down_is_asked_until_nobody_cares(desk_of_news: Desk):
    await desk_of_news.browser()
    await desk_of_news.tell()
    at, pauses = AT, list[float]()
    while (await desk_of_news.messages())[0].state == "waiting":
        desk_of_news.service.faults = [web.Response(status=502)]
        before = len(await desk_of_news.jobs())
        await desk_of_news.send(at)
        later = (await desk_of_news.jobs())[before:]
        if later:
            pauses.append(later[0].total_seconds())
            at += later[0]
    [message] = await desk_of_news.messages()
    assert message.state == "expired" and "502" in message.error
    # From seconds to hours, for three days, and then no more; each pause at least as long as the one before.
    assert pauses == sorted(pauses) and 15 <= len(pauses) <= 30 and timedelta(days=2.8) < at - AT < rules.KEPT
    assert await desk_of_news.send(at + timedelta(days=30)) == ["expired"]


async def test_a_message_that_comes_too_late_is_not_sent(desk_of_news: Desk):
    await desk_of_news.browser()
    await desk_of_news.tell()
    assert await desk_of_news.send(AT + rules.KEPT) == ["expired"] and desk_of_news.service.asked == 0


async def test_nothing_left_to_say(desk_of_news: Desk):
    await desk_of_news.browser()
    await desk_of_news.tell("silent")
    assert await desk_of_news.send() == ["cancelled"] and desk_of_news.service.asked == 0


async def test_switched_off_meanwhile(desk_of_news: Desk, db: Database):
    browser = await desk_of_news.browser()
    await desk_of_news.tell()
    endpoint = browser.subscription(desk_of_news.service.url).endpoint
    async with db.transaction() as tx:
        assert await post.unsubscribe(tx, endpoint=endpoint, about=[desk_of_news.about]) == 0
    assert await desk_of_news.send() == ["gone"] and desk_of_news.service.asked == 0


async def test_a_private_address_is_never_connected_to(desk_of_news: Desk):
    """A row that came from before a rule, or a name that leads elsewhere by now: the wire looks again."""
    await desk_of_news.browser()
    await desk_of_news.tell()
    [message] = await desk_of_news.messages()
    async with over_http(private=False) as guarded:
        await sender.deliver(desk_of_news.db, SendPush(message.id), guarded, SIGNER, WAYS, at=AT, draw=lambda: 0.5)
    [message] = await desk_of_news.messages()
    assert "not allowed" in message.error and desk_of_news.service.asked == 0


async def test_a_browser_that_was_moved_is_told_at_its_new_address(desk_of_news: Desk, db: Database):
    service = desk_of_news.service
    browser, moved = await desk_of_news.browser(), service.new()
    former = browser.subscription(service.url).endpoint
    async with db.transaction() as tx:
        fresh = moved.subscription(service.url)
        assert await post.renew(tx, former=former, subscription=fresh, private=True, at=AT) == 1
        assert await post.renew(tx, former="https://nobody.example/x", subscription=fresh, private=True, at=AT) == 0
    await desk_of_news.tell()
    await desk_of_news.send()
    assert [one.browser for one in service.arrived] == [moved]


async def test_refusals_in_their_order(desk_of_news: Desk):
    """Invalid, then too many; the same device once more is never too many."""
    service = desk_of_news.service
    browsers = [await desk_of_news.browser() for _ in range(post.MOST_DEVICES)]
    with pytest.raises(TooManyDevices):
        await desk_of_news.browser()
    await desk_of_news.subscribe(browsers[0].subscription(service.url), language="en")
    with pytest.raises(SubscriptionInvalid):
        await desk_of_news.subscribe(service.new().subscription("ftp://x"))


async def test_export_and_erasure(db: Database, service: PushService, fresh: Fresh):
    party = fresh.id()
    async with db.transaction() as tx:
        await post.subscribe(
            tx, service.new().subscription(service.url), about=fresh.text(), language="de", shop_id=None,
            party_id=party, private=True, at=AT,
        )  # fmt: skip
        [told] = await post.export_party(tx, party_id=party)
        # Whose service, but not the address: it is the device's secret.
        assert told["push_service"] == "127.0.0.1" and service.url not in str(told)
        assert await post.erase_party(tx, party_id=party) == 1
        assert await post.export_party(tx, party_id=party) == []


async def test_what_is_old_is_swept(desk_of_news: Desk, db: Database):
    browser = await desk_of_news.browser()
    await desk_of_news.tell()
    await desk_of_news.send()
    endpoint = browser.subscription(desk_of_news.service.url).endpoint
    await sender.sweep(db, at=AT + sender.DEVICES_KEPT)
    async with db.reading() as conn:
        assert await post.is_told(conn, endpoint=endpoint, about=[desk_of_news.about])
    await sender.sweep(db, at=AT + sender.DEVICES_KEPT + timedelta(seconds=1))
    async with db.reading() as conn:
        assert not await post.is_told(conn, endpoint=endpoint, about=[desk_of_news.about])
