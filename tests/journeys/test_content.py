"""A page from the first block to the shop in Chromium: written, moved by keyboard, published, looked at."""

from playwright.async_api import Page, expect

from tests.journeys.conftest import Open
from tests.journeys.test_browser import axe, problems_of, sign_in

__all__ = ["axe"]  # a fixture


async def test_a_page_from_the_editor_to_the_shop(browser_page: Page, shop: Open, axe: str) -> None:
    page = browser_page
    page.set_default_timeout(60_000)  # beside whatever else runs
    await sign_in(page, shop)
    await page.goto(shop.url + "/office/content/new")
    await page.fill("#title", "Autumn run")
    await page.locator("main form button[type=submit]").click()
    await page.locator("#editor").wait_for()
    editor = page.url
    blocks = page.locator("#blocks > li")
    for number, (kind, field, words) in enumerate(
        (
            ("text", "text", "## Grip\n\n<b>counts</b>"),
            ("banner", "title", "Out into autumn"),
            ("products", "title", "New"),
        )
    ):
        await page.locator(f"button[value='add:{kind}']").click()
        await expect(blocks).to_have_count(number + 1)
        await page.fill(f"[name='b{number}.{field}']", words)

    # The banner comes first, by keyboard alone.
    await page.locator("[name='b1.title']").press("Alt+ArrowUp")
    await expect(page.locator("[name='b0.title']")).to_have_value("Out into autumn")
    assert await problems_of(page, editor, axe) == []
    await page.locator("button[value=publish]").click()
    await page.wait_for_url("**done=published**")

    await page.goto(shop.url + "/info/autumn-run")
    await expect(page.locator("h1")).to_have_text("Out into autumn")
    await expect(page.locator(".prose")).to_contain_text("<b>counts</b>")
    await expect(page.locator(".card").first).to_be_visible()
    assert await problems_of(page, page.url, axe) == []
