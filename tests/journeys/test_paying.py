"""A card payment clicked through: over HTTP without scripts, and in Chromium; at the provider that the demo brings."""

import re
from urllib.parse import urljoin

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import Open
from tests.journeys.test_http import ADDRESS, Browser, buy, text_of

SHOE = "/p/tolvaro-deichlaeufer-2-running-shoe-women"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
CARD = {**ADDRESS, "payment": "card_test"}


@pytest.fixture
def browser(shop: Open):
    made = Browser(shop)
    yield made
    made.client.close()


def go_to_provider(browser: Browser, answer: httpx.Response) -> str:
    """The page that says where the buyer is taken to; its address."""
    page = browser.follow(answer)
    assert "You are being taken to Card (test)." in text_of(page)
    found = re.search(r'content="0; url=([^"]+)"', page)
    assert found, page[:1000]
    return found[1]


def press(url: str, action: str, **typed: str) -> str:
    """A button of the provider's page; where the buyer is sent."""
    answer = httpx.post(url, data={"action": action, **typed}, timeout=30)
    assert answer.status_code == 303, answer.text
    return urljoin(url, answer.headers["location"])


def test_a_declined_card_keeps_the_basket_and_a_second_try_is_an_order(browser: Browser, shop: Open) -> None:
    buy(browser)
    browser.open("/checkout")
    first = browser.fill("/checkout", CARD)
    assert browser.fill("/checkout", CARD).headers["location"] == first.headers["location"]  # a double click
    page = go_to_provider(browser, first)
    back = press(page, "decline")
    failed = text_of(browser.open(back))
    assert (
        "That did not work." in failed and "You ended the payment." in failed and "Your basket is as it was" in failed
    )
    path = back.removeprefix(shop.url)
    again = browser.fill(f"{path}/again", {"payment": "card_test"})
    page = go_to_provider(browser, again)
    assert press(page, "challenge").startswith(page)
    code = re.search(r"<code>(\d+)</code>", httpx.get(page, timeout=30).text)
    assert code
    order = text_of(browser.open(press(page, "approve", code=code[1])))
    assert re.search(r"We have received order \d+", order) and "paid" in order
    assert "Nothing in it yet" in browser.open("/basket")


def test_staff_see_the_charge_and_what_happened_to_it(browser: Browser, shop: Open) -> None:
    buy(browser)
    browser.open("/checkout")
    page = go_to_provider(browser, browser.fill("/checkout", CARD))
    order = text_of(browser.open(press(page, "approve")))
    number = re.search(r"We have received order (\d+)", order)
    assert number
    staff = Browser(shop)
    staff.open("/signin")
    staff.follow(staff.fill("/signin", {"login": shop.login, "password": shop.password}))
    found = staff.open(f"/office/orders?q={number[1]}")
    link = re.search(rf'href="(/(?:en/)?office/orders/[0-9a-f-]+)"[^>]*>(?:<span[^>]*>)?{number[1]}<', found)
    assert link
    # The order stands before the money is taken: at once, or by the job of the next minute if a call is lost. Who says
    # so first, the answer to our call or the provider's own message, is theirs to choose.
    taken = ("Money taken: taken", "The provider told us: taken")
    shown = text_of(staff.shows(link[1], lambda page: any(said in text_of(page) for said in taken), seconds=90))
    assert "Charge at simulated" in shown and "Order placed for it" in shown
    staff.client.close()


def test_a_message_that_nobody_signed_is_refused(shop: Open) -> None:
    url = shop.url + "/api/v1/webhooks/payments"
    answer = httpx.post(url + "/simulated", content=b"{}", timeout=30)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:lotse:refusal:webhook-forged")
    assert httpx.post(url + "/nobody", content=b"{}", timeout=30).status_code == 404


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_a_card_payment_in_a_browser(browser_page: Page, shop: Open, size: dict[str, int]) -> None:
    page = browser_page
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await page.goto(shop.url + "/en" + SHOE)
    await page.locator("form.add button").click()
    await page.locator(".added .actions").wait_for()
    await page.goto(shop.url + "/checkout")
    for name, text in CARD.items():
        if name not in ("country", "payment"):
            await page.fill(f"[name={name}]", text)
    await page.get_by_label("Card (test)").check()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    await page.get_by_role("button", name="Order and pay").dblclick()
    await page.wait_for_url("**/pay/ch_*")
    at_provider = page.url
    # Away from the provider's page, as if it had been closed: the shop waits, says so, and asks by itself.
    taken = next(url for url in seen if url.endswith("/go"))
    async with page.expect_request("**/pay/*/state"):
        await page.goto(taken.removesuffix("/go"))
        await expect(page.locator("h1")).to_contain_text("We are waiting for your payment.")
    assert not await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    await page.goto(at_provider)
    await page.get_by_role("button", name="Pay", exact=True).click()
    await page.wait_for_url("**/order/*")
    await expect(page.locator(".thanks")).to_contain_text("We have received order")
