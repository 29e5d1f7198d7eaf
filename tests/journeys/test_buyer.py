"""A buyer's day in Chromium: prices changed in bulk and undone, by keyboard, without scripts, by file."""

import csv
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.journeys import test_browser
from tests.journeys.conftest import Open
from tests.journeys.test_browser import problems_of, sign_in

axe = test_browser.axe  # a fixture
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


async def chosen_prices(page: Page, shop: Open, words: str) -> None:
    """The price list, narrowed by words."""
    await page.goto(f"{shop.url}/office/prices?q={words}")
    await page.locator("tr[data-row]").first.wait_for()


async def test_a_bulk_change_of_prices_and_its_undoing(browser_page: Page, shop: Open) -> None:
    page = browser_page
    await sign_in(page, shop)
    await page.goto(shop.url + "/office/prices")
    # Filter, without a new page; the address says what is shown.
    await page.keyboard.press("/")
    await page.keyboard.type("shoe")
    await page.wait_for_url(re.compile(r"/office/prices\?q=shoe$"))
    await expect(page.locator("#count")).to_contain_text("row")
    first = page.locator("tr[data-row]").first
    name = await first.get_attribute("data-row")
    before = await first.locator("td.number").first.inner_text()
    await page.keyboard.press("Enter")
    # Two rows by keyboard, then all that fit.
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.locator("[data-chosen]")).to_have_text("2")
    await page.get_by_label("All matches").check()
    await page.get_by_role("button", name="Change prices").click()
    await page.select_option("#how", "percent")
    # A mistake stands beside its field, and what was typed stays.
    await page.fill("#amount", "cheap")
    await page.fill("#reason", "Winter sale")
    await page.get_by_role("button", name="Show what changes").click()
    await expect(page.locator(".field.wrong")).to_have_count(1)
    await expect(page.locator("#reason")).to_have_value("Winter sale")
    await page.fill("#amount", "-20")
    await page.select_option("#rounding", "to_99")
    await page.get_by_role("button", name="Show what changes").click()
    await expect(page.locator("#progress")).to_have_attribute("data-state", "planned", timeout=60_000)
    await expect(page.locator("ins").first).to_contain_text(".99")
    await page.locator("[data-primary]").click()
    await expect(page.locator("#progress")).to_have_attribute("data-state", "applied", timeout=60_000)
    change = page.url

    await chosen_prices(page, shop, "shoe")
    cell = page.locator(f"tr[data-row='{name}'] td.number").first
    await expect(cell).not_to_have_text(before)
    await page.goto(change)
    await page.get_by_role("button", name="Undo all of it").click()
    await expect(page.locator("#progress")).to_have_attribute("data-state", "undone", timeout=60_000)
    await chosen_prices(page, shop, "shoe")
    await expect(cell).to_have_text(before)
    # It is listed, with who and why.
    await page.goto(shop.url + "/office/prices/changes")
    await expect(page.locator("tr[data-row]").first).to_contain_text("Winter sale")


async def test_prices_go_out_as_a_file_and_come_back(browser_page: Page, shop: Open, tmp_path: Path) -> None:
    page = browser_page
    await sign_in(page, shop)
    await chosen_prices(page, shop, "shoe")
    await page.locator("summary", has_text="File").click()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Save as CSV").click()
    file = tmp_path / "prices.csv"
    await (await downloading.value).save_as(file)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        heads, first, *others = csv.reader(opened)
    first[heads.index("Price")] = "77.77"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([heads, first, *others, ["nonsense"]])
    await page.goto(shop.url + "/office/prices/import")
    await page.set_input_files("#file", str(file))
    await page.fill("#reason", "By file")
    await page.get_by_role("button", name="Show what changes").click()
    await expect(page.locator("#progress")).to_have_attribute("data-state", "planned", timeout=60_000)
    await expect(page.locator("[data-primary]")).to_have_text("Change 1 row")
    await expect(page.locator("section", has_text="Refused")).to_contain_text("nonsense")
    await expect(page.locator("ins")).to_contain_text("77.77")


async def test_the_palette_finds_and_remembers(browser_page: Page, shop: Open) -> None:
    page = browser_page
    await sign_in(page, shop)
    await page.keyboard.press("Control+k")
    await expect(page.locator("#palette-words")).to_be_focused()
    await page.keyboard.type("pri")
    await expect(page.locator("#palette-found [aria-selected=true]")).to_contain_text("Prices")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/office/prices")
    await page.keyboard.press("Control+k")
    await expect(page.locator("#palette-found [role=option]").first).to_contain_text("Prices")
    await page.keyboard.press("Escape")
    await expect(page.locator("#palette")).to_be_hidden()


async def test_two_people_at_one_price_see_both_versions(browser_page: Page, shop: Open) -> None:
    page = browser_page
    await sign_in(page, shop)
    await chosen_prices(page, shop, "shoe")
    await page.locator("tr[data-row] td:not(.pick) a").first.click()
    await page.locator("#price").wait_for()
    address = page.url
    other = await page.context.new_page()
    for one, price in ((other, "61.10"), (page, "62.20")):
        if one is other:
            await one.goto(address)
        await one.fill("#price", price)
        await one.fill("#reason", "a better price")
        await one.get_by_role("button", name="Set price").click()
        if one is other:
            await expect(one.locator("main")).to_contain_text("The price is set")
    await expect(page.locator("main")).to_contain_text("Somebody else changed this meanwhile")
    await expect(page.locator(".theirs")).to_contain_text("61.1")
    await expect(page.locator("#price")).to_have_value("62.20")
    await page.get_by_role("button", name="Take this").click()
    await expect(page.locator("#price")).to_have_value("61.10")
    await other.close()


async def test_a_bulk_change_without_scripts(chromium: Browser, shop: Open) -> None:
    context = await chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = await context.new_page()
    await sign_in(page, shop)
    await page.goto(shop.url + "/office/prices")
    await page.fill("#q", "shoe")
    await page.get_by_role("button", name="Find", exact=True).click()
    await page.locator("input[name=selected]").first.check()
    await page.get_by_role("button", name="Change prices").click()
    await page.fill("#amount", "1")
    await page.fill("#reason", "one more")
    await page.select_option("#how", "amount")
    await page.get_by_role("button", name="Show what changes").click()
    await page.get_by_role("button", name="Change 1 row").click()
    await page.get_by_role("button", name="Undo all of it").click()
    await expect(page.locator("#progress")).to_have_attribute("data-state", "undone")
    await context.close()


@pytest.mark.parametrize(("scheme", "size"), [("light", PHONE), ("dark", DESK)], ids=["light-phone", "dark-desk"])
async def test_axe_has_nothing_to_say_of_the_kit(
    browser_page: Page,
    shop: Open,
    axe: str,
    scheme: str,
    size: dict[str, int],
) -> None:
    page = browser_page
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await sign_in(page, shop)
    found: list[str] = []
    for path in ("/office/prices?q=shoe", "/office/prices/import", "/office/prices/changes", "/office/find?q=shoe"):
        found += await problems_of(page, shop.url + path, axe)
    assert not found, "\n".join(found)
