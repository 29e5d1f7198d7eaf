"""What changes is on the next page view within a second, in every `pages` process: price, text, stock."""

import asyncio
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from lotse.domains.catalog.commands import change_products
from lotse.domains.catalog.contracts import ChangeProduct
from lotse.kernel import clock
from lotse.kernel.db import opened
from lotse.scaffold.trial import PATIENCE, free_port
from tests.journeys.conftest import Open
from tests.journeys.test_http import PATIENCE_SECONDS, Browser
from tests.journeys.test_kept_pages import sku_of

# What no other test of this folder buys.
BALL = "/p/bolzplan-bolzer-street-football"
PROMISED_SECONDS = 1.0
# Each of so many changes is seen, and in the middle in time: what is measured is Lotse, and not a moment in which the
# machine was busy with other tests.
CHANGES = 3


@pytest.fixture
def second(shop: Open) -> Iterator[httpx.Client]:
    """A second process that renders, with kept pages of its own, as another host has it."""
    port = free_port()
    environment = {**shop.up.environment, "LOTSE_PAGES_LISTEN": f"127.0.0.1:{port}"}
    process = subprocess.Popen([sys.executable, "-m", "lotse", "role", "pages"], env=environment)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, headers={"Accept-Language": "en"})
    try:
        until = time.monotonic() + PATIENCE
        while not _answers(client):
            assert process.poll() is None and time.monotonic() < until
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def staff(shop: Open) -> Iterator[Browser]:
    made = Browser(shop)
    made.open("/signin")
    made.follow(made.fill("/signin", {"login": shop.login, "password": shop.password}))
    yield made
    made.client.close()


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get(BALL).status_code == 200
    except httpx.TransportError:
        time.sleep(0.1)  # its imports take seconds, and nothing tells when it listens
        return False


def test_a_change_is_seen_in_both_within_a_second(shop: Open, second: httpx.Client, staff: Browser) -> None:
    with httpx.Client(base_url=shop.url, timeout=30, headers={"Accept-Language": "en"}) as first:
        both = (first, second)
        page = first.get(BALL).text
        variant = f"{BALL}?sku={sku_of(page)}"
        prices = f"/office/prices?q={sku_of(page)}"

        def price(number: int) -> Callable[[str], bool]:
            staff.open(prices)
            action = staff.link(r"/office/prices/[0-9a-f-]{36}")
            staff.open(action)
            assert staff.fill(action, {"price": f"{60 + number},66", "reason": "Seen in time"}).status_code == 303
            return lambda page: f"€{60 + number}.66" in page

        def text(number: int) -> Callable[[str], bool]:
            asyncio.run(_rename(shop.up.environment["LOTSE_DATABASE_URL"], f"Brand {number}"))
            return lambda page: f"Brand {number}" in page

        staff.open(f"/office/stock?q={sku_of(page)}")
        listed = staff.open(staff.link(r"/office/stock/articles/[0-9a-f-]{36}"))
        pools = sorted(set(re.findall(r'"(/office/stock/pools/\d+)"', listed)))
        for pool in pools[1:]:
            staff.open(pool)
            staff.follow(staff.fill(f"{pool}/count", {"amount": "0", "note": "All in one place"}))

        def stock(number: int) -> Callable[[str], bool]:
            staff.open(pools[0])
            amount = "0" if number % 2 else "3"
            assert staff.fill(f"{pools[0]}/count", {"amount": amount, "note": "Counted"}).status_code == 303
            return lambda page: ("Sold out right now" if number % 2 else "Only 3 left") in page

        for change in (price, text, stock):
            took: list[float] = []
            while len(took) < CHANGES:
                # Kept by both, and sent at once from now on.
                for client in (*both, *both):
                    assert client.get(variant).status_code == 200
                is_right = change(len(took) + 1)
                began = time.monotonic()
                took.append(_seen(both, variant, is_right, until=began + PATIENCE_SECONDS) - began)
            assert statistics.median(took) <= PROMISED_SECONDS, (change.__name__, took)


def _seen(clients: tuple[httpx.Client, ...], path: str, is_right: Callable[[str], bool], *, until: float) -> float:
    """Look until each shows it; each look is a request, so this does not spin. When somebody asked for the first page
    view in each that shows it: how long that takes to draw is another promise."""
    asked = 0.0
    for client in clients:
        while True:
            asked = time.monotonic()
            if is_right(client.get(path).text):
                break
            assert asked < until, (client.base_url, path)
    return asked


async def _rename(dsn: str, brand: str) -> None:
    async with opened(dsn, role="test", connections=1) as database, database.transaction() as tx:
        row = await tx.raw.fetchrow("select id, tax_class from catalog.products where slug = $1", BALL[3:])
        assert row is not None
        await change_products(tx, [ChangeProduct(row["id"], brand, row["tax_class"])], by="test", at=clock.now())
