"""What only a browser can tell of the storefront's pages."""

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import Open
from tests.journeys.test_browser import DESK, PHONE, SHOE

FACTS = "document.querySelector('#facts').innerText"


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_another_choice_moves_nothing_and_tells_its_own_numbers(
    browser_page: Page, shop: Open, size: dict[str, int]
) -> None:
    page = browser_page
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await page.goto(shop.url + "/en" + SHOE)
    other = page.locator(".option .value:not([aria-current]):not(.none)").last
    name = await other.get_attribute("id")
    await other.evaluate("it => scrollTo(0, it.getBoundingClientRect().top + scrollY - 400)")
    # Where the page stands when it is touched: what is to be clicked is brought into sight before.
    await page.evaluate("addEventListener('click', () => (window.touchedAt = scrollY), true)")
    facts = await page.evaluate(FACTS)
    await other.click()
    await page.locator(f"#{name}[aria-current]").wait_for()
    await page.wait_for_function(f"said => {FACTS} !== said", arg=facts)
    assert await page.evaluate("Math.abs(scrollY - touchedAt)") < 5
    # The article number in the address is the one among the facts.
    await expect(page.locator("#facts")).to_contain_text(page.url.rpartition("sku=")[2])
