"""News of orders: by the events of the mails, in the language of the device; and the button's addresses over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec import structs

from lotse.domains.messages import queries, reactions
from lotse.domains.messages.commands import tell_device
from lotse.domains.messages.contracts import AboutAmendment, AboutMoney, AboutOrder
from lotse.domains.messages.rules import customer_subject, order_subject, subjects_of
from lotse.domains.orders.commands import cancel
from lotse.domains.orders.contracts import ORDER_LINK, OrderPlaced, OrderUnknown
from lotse.kernel import clock
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.mail.writing import templates
from lotse.kernel.push import post, rules, sender
from lotse.kernel.push.contracts import Device, Push, SubscriptionInvalid
from lotse.testing import Fresh
from tests.messages.test_messages import LANGUAGES, WAYS, Sold, sold
from tests.push.conftest import AT, Browser
from tests.web import conftest as web
from tests.web import test_shopper
from tests.web.conftest import ORIGIN
from tests.web.test_shopper import ADDRESS, Shopper, hidden

pytestmark = pytest.mark.anyio
# Fixtures.
shopper, store = test_shopper.shopper, test_shopper.store
whole_with_desk, made_with_desk = web.whole_with_desk, web.made_with_desk
SERVICE = "https://push.example.com"


def device(language: str) -> Device:
    return Device(UUID(int=1), SERVICE, b"", b"", b"", "", None, None, language)


async def said(conn: Connection, push: Push, about: object, language: str) -> dict[str, Any]:
    """What a device would show."""
    news = await push.gather(conn, about, device(language), WAYS)
    assert news is not None
    return structs.asdict(
        structs.replace(
            news,
            title=templates().gettext(language)(news.title, **news.values),
            body=templates().gettext(language)(news.body, **news.values),
        )
    )


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_news_say(db: Database, desk: Desk, fresh: Fresh, language: str):
    sale = await sold(db, desk, fresh, method="prepayment")
    german = language == "de"
    async with db.reading() as conn:
        placed = await said(conn, queries.NEWS_OF_ORDER, AboutOrder(sale.id), language)
        assert "erhalten" in placed["title"] if german else placed["title"].startswith("We have received order ")
        assert placed["path"] == f"{'' if german else '/en'}/order/{WAYS.links.sign(ORDER_LINK, sale.id)}"
        paid = AboutMoney(sale.id, sale.request.payment.id, 3998, 0)
        received = await said(conn, queries.NEWS_OF_MONEY, paid, language)
        assert ("39,98" if german else "39.98") in received["body"]
        part = await said(conn, queries.NEWS_OF_MONEY, structs.replace(paid, open_minor=998), language)
        assert ("9,98" if german else "9.98") in part["body"] and part["title"] != received["title"]
        failed = await said(conn, queries.NEWS_OF_CHARGE, AboutOrder(sale.id), language)
        done = await cancel(
            desk, conn, order_id=sale.id, reason="x", actor="test", key=key_for("test", fresh.text(), b""),
            at=clock.now(),
        )  # fmt: skip
        about = AboutAmendment(sale.id, done.amendment_id)
        gone = await said(conn, queries.NEWS_OF_TAKEN_BACK, about, language)
        assert ("storniert" if german else "cancelled") in gone["title"]
        # One notice per order on a screen, and nothing personal on it.
        told = (placed, received, part, failed, gone)
        assert len({one["tag"] for one in told}) == 1 and "Anna" not in str(told) and "Hafen" not in str(told)
        # Nothing is open any more: a payment that failed is no news.
        assert await queries.NEWS_OF_CHARGE.gather(conn, AboutOrder(sale.id), device(language), WAYS) is None
        assert await queries.NEWS_OF_ORDER.gather(conn, AboutOrder(fresh.id()), device(language), WAYS) is None


async def tell(
    db: Database, sale: Sold, browser: Browser, *, customer_id: UUID | None = None, service: str = SERVICE
) -> None:
    async with db.transaction() as tx:
        await tell_device(
            tx, browser.subscription(service), order_id=sale.id, customer_id=customer_id, language="de", at=AT
        )


async def test_a_device_hears_of_the_events_that_mails_tell_of_once(db: Database, desk: Desk, fresh: Fresh):
    """Also where the buyer has no address that could be reached: the device is."""
    sale, event_id = await sold(db, desk, fresh, email="anna@post.example"), fresh.id()
    await tell(db, sale, Browser())
    event = OrderPlaced(sale.id, "1", sale.place.shop.id, "web", None, "EUR", 3998, True, {})
    for _ in range(2):
        async with db.transaction() as tx:
            await reactions.on_placed(tx, event, at=clock.now(), event_id=event_id)
    async with db.reading() as conn:
        assert [one.push for one in await post.messages(conn, event_id=event_id)] == ["messages.order_placed"]
    old = fresh.id()
    async with db.transaction() as tx:
        await reactions.on_placed(tx, event, at=clock.now() - timedelta(days=3), event_id=old)
        assert await post.messages(tx, event_id=old) == []


async def test_refusals_of_tell_device_in_their_order(db: Database, desk: Desk, fresh: Fresh):
    sale = await sold(db, desk, fresh)
    nobodys = Sold(sale.place, structs.replace(sale.request, order_id=fresh.id()))
    with pytest.raises(OrderUnknown):
        await tell(db, nobodys, Browser(), service="http://10.0.0.1")
    with pytest.raises(SubscriptionInvalid):
        await tell(db, sale, Browser(), service="http://10.0.0.1")


async def test_only_its_buyer_hears_of_all_orders(db: Database, desk: Desk, fresh: Fresh):
    """Whoever was handed the link of an order hears of that one, whoever is signed in there."""
    sale, browser, stranger = await sold(db, desk, fresh), Browser(), fresh.id()
    await tell(db, sale, browser, customer_id=stranger)
    async with db.reading() as conn:
        endpoint = browser.subscription(SERVICE).endpoint
        assert await post.is_told(conn, endpoint=endpoint, about=[order_subject(sale.id)])
        assert not await post.is_told(conn, endpoint=endpoint, about=[customer_subject(stranger)])
    assert len(subjects_of(sale.id, None)) == 1 and len(subjects_of(sale.id, stranger)) == 2


def test_every_push_stands_for_a_domains_name():
    assert {name.partition(".")[0] for name in sender.installed()} == {"messages"}
    assert sender.installed()["messages.payment_failed"].urgency == "high"


async def posted(shopper: Shopper, path: str, *, origin: str = ORIGIN, **typed: str) -> httpx.Response:
    """What the button's script sends, with its answer as it is."""
    return await shopper._posts.post(path, data=typed, headers={"Origin": origin})  # pyright: ignore[reportPrivateUsage]


async def test_the_button_over_http(shopper: Shopper, store: Any, fresh: Fresh, db: Database):
    article = await store.article(5)
    await shopper.sends("/basket/lines", offer_id=str(article.offer_id), quantity="1")
    form = hidden(await shopper.sees("/checkout"))
    order = {**form, **ADDRESS, "email": f"{fresh.text()}@example.org", "payment": "invoice"}
    page = await shopper.sends("/checkout", "We have received order", "Tell me on this device", **order)
    # Hidden until the script knows that the browser can.
    assert "data-device" in page and page.partition("data-device")[2].partition(">")[0].rstrip().endswith("hidden")
    path = shopper.path.partition("?")[0].removeprefix("/en") + "/device"
    subscription = Browser().subscription(SERVICE)
    endpoint = {"endpoint": subscription.endpoint}
    asked = await posted(shopper, path, endpoint="")
    assert asked.status_code == 200 and asked.headers["cache-control"] == "private, no-store"
    assert len(asked.json()["key"]) == 87 and asked.json()["covers"] == "order" and asked.json()["told"] is False
    fields = {**endpoint, "p256dh": subscription.keys.p256dh, "auth": subscription.keys.auth, "language": "en"}
    assert (await posted(shopper, f"{path}/on", **fields)).status_code == 204
    assert (await posted(shopper, path, **endpoint)).json()["told"] is True
    # The key stays: a browser that subscribed yesterday is reached today.
    assert (await posted(shopper, path, **endpoint)).json()["key"] == asked.json()["key"]
    moved = Browser().subscription(SERVICE)
    renewed = {"former": subscription.endpoint, "endpoint": moved.endpoint, "p256dh": moved.keys.p256dh}
    assert (await posted(shopper, "/device/renew", **renewed, auth=moved.keys.auth)).status_code == 204
    assert (await posted(shopper, path, **endpoint)).json()["told"] is False
    assert (await posted(shopper, f"{path}/off", endpoint=moved.endpoint)).json() == {"left": 0}
    # Refused: sent back to a page, as every form; nothing is kept of it.
    refused = [
        {**fields, "endpoint": "https://10.0.0.1/x"},
        {**fields, "endpoint": "http://push.example.com/x"},
        {**fields, "endpoint": "https://push.example.com/" + "x" * 2_000},
        {**fields, "endpoint": ""},
        {**fields, "p256dh": "<script>"},
        {**fields, "auth": ""},
        {},
    ]
    for one in refused:
        assert (await posted(shopper, f"{path}/on", **one)).status_code == 303, one
        async with db.reading() as conn:
            mark = rules.mark_of(one.get("endpoint", ""))
            found = await conn.raw.fetch("select 1 from kernel.push_devices where endpoint_mark = $1", mark)
            assert found == []
    # Of another site, and with a link that leads nowhere: the same.
    await posted(shopper, f"{path}/on", origin="https://evil.example", **fields)
    assert (await posted(shopper, path, **endpoint)).json()["told"] is False
    assert (await posted(shopper, "/order/no-such-token/device/on", **fields)).status_code in (303, 404)
    wrong = Links(b"y" * 32).sign(ORDER_LINK, fresh.id())
    assert (await posted(shopper, f"/order/{wrong}/device/on", **fields)).status_code in (303, 404)
