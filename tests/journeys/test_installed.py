"""The shop as an app on a phone: a browser would install it, and without a network it says so."""

import struct
from urllib.parse import urljoin

import pytest
from playwright.async_api import Browser, expect

from tests.journeys.conftest import Open
from tests.journeys.test_http import Browser as Visitor


def test_a_browser_would_install_it(shop: Open) -> None:
    visitor = Visitor(shop)
    page = visitor.open("/de")
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    told = visitor.client.get(urljoin(shop.url, "/manifest.webmanifest"))
    assert told.headers["content-type"].startswith("application/manifest+json")
    manifest = told.json()
    assert manifest["name"] and manifest["display"] == "standalone" and manifest["start_url"] == "/"
    for icon in manifest["icons"]:
        picture = visitor.client.get(urljoin(shop.url, icon["src"]))
        assert picture.content.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", picture.content[16:24])
        assert icon["sizes"] == f"{width}x{height}"
    for shortcut in manifest["shortcuts"]:
        assert visitor.client.get(urljoin(shop.url, shortcut["url"])).status_code == 200
    visitor.client.close()


@pytest.mark.parametrize("name", ["193.png", "..%2Ficon.svg", "192.svg"])
def test_no_other_icon(shop: Open, name: str) -> None:
    visitor = Visitor(shop)
    assert visitor.client.get(urljoin(shop.url, f"/icons/{name}")).status_code == 404
    visitor.client.close()


async def test_without_a_network_it_says_so_and_shows_nothing_old(chromium: Browser, shop: Open) -> None:
    context = await chromium.new_context(locale="en-GB")
    context.set_default_timeout(15_000)
    page = await context.new_page()
    await page.goto(f"{shop.url}/en")
    await page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    # Its first page was loaded before the worker was there; from the next one on it stands between.
    await page.goto(f"{shop.url}/en/basket")
    await page.wait_for_function("navigator.serviceWorker.controller !== null")
    # What the worker fetches for itself changes nothing that the visitor chose.
    chosen = {cookie.get("name"): cookie.get("value") for cookie in await context.cookies()}
    assert chosen.get("lotse_language") == "en"
    kept = await page.evaluate(
        """async () => {
            const names = await caches.keys();
            const stored = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
            return stored.flat().map((request) => new URL(request.url).pathname);
        }"""
    )
    assert kept and all(path.startswith("/static/") or path.endswith("/offline") for path in kept)
    await context.set_offline(True)
    await page.goto(f"{shop.url}/en/basket")
    await expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    await expect(page.locator("#consent")).to_have_count(0)
    await expect(page.get_by_role("link", name="Try again")).to_be_visible()
    # It comes by itself.
    await context.set_offline(False)
    await expect(
        page.get_by_role("heading", name="Basket", level=1).or_(page.get_by_text("basket is empty"))
    ).to_be_visible()
    await context.close()
