"""A clerk's day in Chromium: somebody calls, the order is found by a name, its stock explained, a piece taken back."""

from playwright.async_api import Page, expect

from tests.journeys.conftest import Open
from tests.journeys.test_browser import DESK, PHONE, SHOE, Look, axe, fill_in_the_address, problems_in, sign_in

__all__ = ["axe"]  # a fixture

PAGES = [
    "/office/orders",
    "/office/stock",
    "/office/stock/pools",
    "/office/customers",
    "/office/payments",
    "/office/payments/charges",
    "/office/ledger",
    "/office/ledger/postings?account=receivables",
    "/office/locations",
    "/office/locations/new",
    "/office/shops",
    "/office/settings",
    "/office/events",
    "/office/jobs",
    "/office/deliveries",
    "/office/differences",
    "/office/webhooks",
    "/office/staff",
    "/office/roles",
    "/office/audit",
]


async def order_something(page: Page, shop: Open) -> str:
    """A guest's order; its number."""
    await page.goto(shop.url + "/en" + SHOE)
    before = page.url
    await page.locator(".option .value:not([aria-current]):not(.none)").last.click()
    await page.wait_for_function("old => location.href !== old", arg=before)
    await page.locator("form.add button").click()
    await expect(page.locator(".added")).to_contain_text("In your basket")
    await page.goto(shop.url + "/checkout")
    await fill_in_the_address(page)
    await page.get_by_role("button", name="Order and pay").click()
    await page.wait_for_url("**/order/*")
    text = await page.locator(".thanks p").inner_text()
    return next(word for word in text.replace(".", " ").split() if word.isdigit())


async def test_a_clerks_day(browser_page: Page, shop: Open) -> None:
    page = browser_page
    await page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    number = await order_something(page, shop)
    await sign_in(page, shop)

    # Somebody calls who has no number at hand: found by the surname, then by the mail address in the palette.
    await page.goto(shop.url + "/office/orders")
    await page.locator("#q").fill("hopper")
    await expect(page.locator("tr[data-row]", has_text=number)).to_have_count(1)
    await page.keyboard.press("Control+k")
    await page.locator("#palette-words").fill("grace@example.org")
    await expect(page.locator("#palette-found")).to_contain_text(number)
    await page.get_by_role("option", name=number).first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(number)
    await expect(page.locator("main")).to_contain_text("grace@example.org")
    await expect(page.locator("#booked")).to_be_visible()

    # Why from there? The stock says what happened to it, and leads back to the order.
    await page.locator("table.list tbody a[href*='/office/stock/pools/']").first.click()
    await expect(page.locator("#why")).to_contain_text("Why is it")
    await expect(page.locator(".sum-up")).to_contain_text("sold")
    await page.locator("table.list tbody a[href*='/office/orders/']").first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(number)

    # One piece comes back; pressed twice it comes back once, and a second tab hears that nothing is left.
    second = await page.context.new_page()
    await second.goto(page.url)
    for tab in (page, second):
        await tab.get_by_text("Take pieces back").click()
        await tab.locator("input[name^='take.']").first.fill("1")
        await tab.locator("#return-reason").fill("does not fit")
    await page.get_by_role("button", name="Take back").dblclick()
    await expect(page.get_by_role("status").first).to_contain_text("The pieces are taken back.")
    await expect(page.locator(".timeline").last).to_contain_text("does not fit")
    await second.get_by_role("button", name="Take back").click()
    await expect(second.get_by_role("alert").first).to_contain_text("there are 0 left")
    await second.close()

    # The work list knows it, and the books balance.
    await page.goto(shop.url + "/office/ledger")
    await expect(page.get_by_role("status").first).to_contain_text("It balances")


async def test_a_place_that_two_people_change(browser_page: Page, shop: Open) -> None:
    page = browser_page
    await page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    await sign_in(page, shop)
    await page.goto(shop.url + "/office/locations")
    await page.locator("tr[data-row] a").first.click()
    other = await page.context.new_page()
    await other.goto(page.url)
    await page.locator("#mon").fill("09:00-17:00")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").first).to_contain_text("It is saved.")
    await expect(page.locator("main")).to_contain_text("09:00–17:00")
    await other.locator("#city").fill("Elsewhere")
    await other.get_by_role("button", name="Save").click()
    await expect(other.get_by_role("alert").first).to_contain_text("Somebody else changed this meanwhile")
    # Beside each field that differs: the hours that the other one set are among them.
    await expect(other.locator(".theirs", has_text="09:00-17:00")).to_have_count(1)
    await other.close()


async def test_axe_has_nothing_to_say(browser_page: Page, shop: Open, axe: str) -> None:
    page, found = browser_page, list[str]()
    looks: list[Look] = [("light", PHONE), ("dark", DESK)]
    await sign_in(page, shop)
    for path in PAGES:
        found += await problems_in(page, shop.url + path, axe, looks)
        row = page.locator("tr[data-href]").first
        if await row.count():
            found += await problems_in(page, shop.url + str(await row.get_attribute("data-href")), axe, looks)
    assert not found, "\n".join(found)
