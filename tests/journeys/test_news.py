"""News of an order on a device: the button in Chromium, and the notice that its worker shows. No push service of a
browser's maker is asked: what it would have given the page stands in its place."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import psycopg
import pytest
from playwright.async_api import Browser, expect

from tests.journeys.conftest import Open
from tests.journeys.test_browser import axe, problems_of
from tests.journeys.test_http import ADDRESS, buy
from tests.journeys.test_http import Browser as Visitor
from tests.push.conftest import Browser as Device

__all__ = ["axe"]  # a fixture

# A subscription as Chromium's push service would make it, kept for the page's life.
FAKE = """
(() => {
  const told = SUBSCRIPTION;
  let held = null;
  PushManager.prototype.getSubscription = async () => held;
  PushManager.prototype.subscribe = async (options) => {
    if (!options.userVisibleOnly || options.applicationServerKey.byteLength !== 65) throw new TypeError("key");
    held = {
      endpoint: told.endpoint,
      options: { applicationServerKey: options.applicationServerKey.buffer },
      toJSON: () => told,
      unsubscribe: async () => { held = null; return true; },
    };
    return held;
  };
})();
"""


@pytest.fixture
def order(shop: Open) -> Iterator[str]:
    """The address of an order that was just placed."""
    visitor = Visitor(shop)
    buy(visitor)
    visitor.open("/checkout")
    placed = visitor.fill("/checkout", {**ADDRESS, "email": "ada@news.example"})
    visitor.client.close()
    yield urljoin(shop.url, placed.headers["location"])


def devices(shop: Open, endpoint: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(shop.up.environment["LOTSE_DATABASE_URL"]) as conn:
        return conn.execute(
            "select about, language from kernel.push_devices where endpoint = %s", (endpoint,)
        ).fetchall()


async def test_a_device_is_told_and_shows_what_it_was_told(
    full_chromium: Browser, shop: Open, order: str, axe: str
) -> None:
    context = await full_chromium.new_context(locale="en-GB")
    context.set_default_timeout(20_000)
    await context.grant_permissions(["notifications"], origin=shop.url)
    subscription = Device().subscription("https://push.example.com")
    keys = {"p256dh": subscription.keys.p256dh, "auth": subscription.keys.auth}
    said = json.dumps({"endpoint": subscription.endpoint, "keys": keys})
    page = await context.new_page()
    await page.add_init_script(FAKE.replace("SUBSCRIPTION", said))
    await page.goto(order)
    button = page.get_by_role("button", name="Tell me on this device")
    await expect(button).to_be_visible()
    await button.click()
    await expect(page.get_by_text("This device is told")).to_be_visible()
    [(about, language)] = devices(shop, subscription.endpoint)
    assert about.startswith("orders.order:") and language == "en"

    # What the push service would hand to the worker.
    wire = await context.new_cdp_session(page)
    registrations: list[dict[str, Any]] = []
    wire.on("ServiceWorker.workerRegistrationUpdated", lambda told: registrations.extend(told["registrations"]))
    await wire.send("ServiceWorker.enable")
    await page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    path = order.removeprefix(shop.url).partition("?")[0]
    news = {"title": "Order 7 is cancelled", "address": path, "tag": "order-7", "language": "en"}
    registration = registrations[0]["registrationId"]
    shown: list[dict[str, Any]] = []
    for body in ("first", "second"):  # the second one takes the place of the first, once that is shown
        await wire.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": shop.url, "registrationId": registration, "data": json.dumps({**news, "body": body})},
        )
        for _ in range(100):
            shown = await page.evaluate(
                "async () => (await (await navigator.serviceWorker.ready).getNotifications())"
                ".map(({ title, body, tag, data }) => ({ title, body, tag, data }))"
            )
            if shown and shown[0]["body"] == body:
                break
            await page.wait_for_timeout(100)
    assert shown == [{"title": "Order 7 is cancelled", "body": "second", "tag": "order-7", "data": {"address": path}}]

    await page.get_by_role("button", name="No more news here").click()
    await expect(button).to_be_visible()
    assert devices(shop, subscription.endpoint) == []
    assert await problems_of(page, order, axe) == []
    await context.close()


async def test_no_button_where_the_browser_cannot(chromium: Browser, shop: Open, order: str) -> None:
    for script, javascript in (("delete window.PushManager", True), ("", False)):
        context = await chromium.new_context(locale="de-DE", java_script_enabled=javascript)
        context.set_default_timeout(20_000)
        page = await context.new_page()
        await page.add_init_script(script)
        await page.goto(order)
        await expect(page.locator("[data-device]")).to_be_hidden()
        await context.close()
