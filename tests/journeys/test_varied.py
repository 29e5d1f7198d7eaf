"""What an experiment decides is what the running shop shows and sells; whoever chooses otherwise gets that."""

import re
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from lotse.domains.experiments.commands import put_experiment, start, stop
from lotse.domains.experiments.contracts import Arm
from lotse.kernel import clock
from lotse.kernel.db import Database, opened
from tests.journeys.conftest import Open
from tests.journeys.test_behaviour import awaited
from tests.journeys.test_http import ADDRESS, SHOE, Browser, text_of
from tests.journeys.test_paying import CARD, go_to_provider, press

pytestmark = pytest.mark.anyio

# €54.95: delivery is free at what a variation says, not at what is set. Other files change other articles' prices.
GLOVES = "/p/bolzplan-strafraum-goalkeeper-gloves"


@pytest.fixture
async def database(shop: Open) -> AsyncIterator[Database]:
    async with opened(shop.up.environment["LOTSE_DATABASE_URL"], role="lotse test", connections=1) as database:
        yield database


async def everybody(database: Database, point: str, alternative: str) -> str:
    """An experiment of hours, in each of which it decides the same; its key."""
    key = f"test-{uuid4().hex[:8]}"
    arms = [Arm(name, chooses=alternative) for name in ("a", "b")]
    async with database.transaction() as tx:
        await put_experiment(tx, key=key, variants=arms, point=point, unit="hour", by="test", at=clock.now())
        await start(tx, key=key, by="test", at=clock.now())
    return key


async def ended(database: Database, key: str) -> None:
    async with database.transaction() as tx:
        await stop(tx, key=key, by="test", at=clock.now())


def order_of(page: str) -> str:
    """What the list says that it is sorted by; nothing while the index is being built."""
    found = re.search(r'class="found-sort">\s*<summary>([^<]+)<', page)
    return found[1] if found else ""


@pytest.mark.parametrize(
    ("point", "path"), [("category.order", "/en/c/running"), ("search.order", "/en/search?q=shoe")]
)
async def test_a_list_stands_as_decided_until_somebody_chooses(
    shop: Open, database: Database, point: str, path: str
) -> None:
    browser = Browser(shop)
    browser.shows(path, lambda page: order_of(page) == "Best match")
    key = await everybody(database, point, "price")
    try:
        page = browser.shows(path, lambda page: order_of(page) == "Price: low to high")
        # The way back to another order says which, for an address without one has the decided order.
        [best] = re.findall(r'href="([^"]+)"[^>]*>Best match<', page)
        assert "sort=relevance" in best
        chosen = browser.open(best.replace("&amp;", "&"))
        assert order_of(chosen) == "Best match"
        assert re.search(r'<input type="hidden" name="sort" value="relevance">', chosen), "facets keep the choice"
    finally:
        await ended(database, key)
    browser.shows(path, lambda page: order_of(page) == "Best match")


async def test_delivery_is_free_as_decided_from_the_basket_to_the_order(shop: Open, database: Database) -> None:
    key = await everybody(database, "delivery.free_from", "higher")
    try:
        browser = Browser(shop)
        browser.client.post("/consent", data={"choice": "all", "language": "en"}, headers={"Origin": shop.url})
        browser.shows("/delivery", lambda page: "free from €72.00" in text_of(page))
        browser.open(SHOE)
        browser.follow(browser.fill("/basket/lines"))
        page = browser.open("/checkout")
        assert 'name="free_from"' in page
        order = browser.follow(browser.fill("/checkout", ADDRESS))
        assert "We have received order" in text_of(order)
        # What came of it stands in the log under the same number as what was shown.
        told = awaited(
            shop,
            "select body ->> 'pieces', body ->> 'order_id' from behaviour.events"
            " where visitor = %s and kind = 'ordered'",
            browser.client.cookies["lotse_visitor"],
        )
        assert [pieces for pieces, _ in told] == ["1"]
    finally:
        await ended(database, key)


async def test_who_tries_again_to_pay_does_so_by_what_was_told(shop: Open, database: Database) -> None:
    key = await everybody(database, "delivery.free_from", "lower")
    try:
        browser = Browser(shop)
        browser.shows("/delivery", lambda page: "free from €48.00" in text_of(page))
        browser.open(GLOVES)
        browser.follow(browser.fill("/basket/lines"))
        assert "Delivery to Germany free Total €54.95" in text_of(browser.open("/checkout"))
        page = go_to_provider(browser, browser.fill("/checkout", CARD))
    finally:
        await ended(database, key)
    failed = press(page, "decline").removeprefix(shop.url)
    browser.shows("/delivery", lambda page: "free from €60.00" in text_of(page))
    assert "Order and pay · €54.95" in text_of(browser.open(failed))
    page = go_to_provider(browser, browser.fill(f"{failed}/again", {"payment": "card_test"}))
    assert "We have received order" in text_of(browser.open(press(page, "approve")))
