"""A sale day in Chromium: staff open the room; visitors wait and come in, in two languages, on a phone and a desk."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Error, Locator, Page, expect

from tests.journeys.conftest import Open
from tests.journeys.test_browser import DESK, PHONE, SHOE, axe, problems_of, sign_in

__all__ = ["axe"]  # a fixture


@pytest.fixture
async def visitors(chromium: Browser) -> AsyncIterator[list[BrowserContext]]:
    """Browsers that a test opens; closed with it."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        await context.close()


async def set_limits(page: Page, shop: Open, per_minute: str) -> None:
    await page.goto(shop.url + "/office/waiting")
    await page.fill("[name=per_minute]", per_minute)
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text("The waiting room is changed")


async def close(page: Page, shop: Open) -> None:
    await page.goto(shop.url + "/office/waiting")
    await page.get_by_role("button", name="Close the room").click()
    await expect(page.locator("#now")).to_contain_text("Closed: nobody waits")
    # The door hears of it within a second; whoever tests next is to be let in.
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while (await client.get(f"{shop.url}/en")).status_code == httpx.codes.SERVICE_UNAVAILABLE:
            pass  # each look is a request, so this does not spin


async def ask_until(page: Page, there: Locator) -> None:
    """Ask for the page again until this is on it."""
    async with asyncio.timeout(60):
        while await there.count() == 0:
            try:
                await page.reload()
            except Error as error:  # Chromium refuses while it puts one document in another's place
                if "Not attached to an active page" not in error.message:
                    raise
                await page.wait_for_load_state()
            await page.wait_for_timeout(100)


async def test_a_room_is_opened_and_people_wait_in_it(
    browser_page: Page, chromium: Browser, visitors: list[BrowserContext], shop: Open, axe: str
) -> None:
    staff = browser_page
    await staff.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    await sign_in(staff, shop)
    assert not await problems_of(staff, shop.url + "/office/waiting", axe)
    await set_limits(staff, shop, "1")
    await staff.select_option("#lead", "0")
    await staff.get_by_role("button", name="Open the room").click()
    await expect(staff.locator("#now")).to_contain_text("Open: visitors wait in line")
    try:
        pages: list[Page] = []
        for locale, size in (("de-DE", PHONE), ("en-GB", DESK)):
            context = await chromium.new_context(
                locale=locale, viewport={"width": size["width"], "height": size["height"]}
            )
            context.set_default_timeout(60_000)
            visitors.append(context)
            page = await context.new_page()
            pages.append(page)
            await page.goto(shop.url + SHOE)
            # A door that has not yet heard of it lets the first one in; then this browser has no place.
            await ask_until(page, page.locator("#place"))
        german, english = pages
        await expect(german.locator("#place")).to_contain_text("Dein Platz in der Schlange")
        await expect(german).to_have_title("Warteraum – Sporthaus Wellenkamm")
        await expect(english.locator("#place")).to_contain_text("Your place in line")
        number = await english.locator("#place .number").inner_text()
        assert number == "2"
        for page in pages:
            # Reloading and a second tab keep the place, and so does another page of the shop.
            assert not await problems_of(page, shop.url + SHOE, axe)
        tab = await visitors[1].new_page()
        await tab.goto(shop.url + "/en/c/running")
        await expect(tab.locator("#place .number")).to_have_text(number)
        await tab.close()
        assert not await problems_of(staff, shop.url + "/office/waiting", axe)
        await staff.goto(shop.url + "/en" + SHOE)
        await expect(staff.locator("form.add button")).to_be_visible()  # staff look at their shop
        # The page lets them in by itself, where they wanted to go.
        await set_limits(staff, shop, "600")
        for page in pages:
            await expect(page.locator("form.add button")).to_be_visible(timeout=60_000)
        await english.locator("form.add button").click()
        await expect(english.locator("#basket-count .count")).to_have_text("1")
    finally:
        await close(staff, shop)


async def test_without_scripts_the_page_comes_again_by_itself(
    browser_page: Page, chromium: Browser, visitors: list[BrowserContext], shop: Open
) -> None:
    staff = browser_page
    await sign_in(staff, shop)
    await set_limits(staff, shop, "600")
    await staff.select_option("#lead", "0")
    await staff.get_by_role("button", name="Open the room").click()
    try:
        context = await chromium.new_context(java_script_enabled=False, locale="de-DE")
        context.set_default_timeout(60_000)
        visitors.append(context)
        page = await context.new_page()
        await page.goto(shop.url + SHOE)
        await ask_until(page, page.get_by_text("Dein Platz in der Schlange"))
        await page.get_by_role("button", name="In den Warenkorb").wait_for()
    finally:
        await close(staff, shop)
