"""An owner's day in Chromium: a second factor, a new role, somebody who holds it, a lost phone, what the log says."""

import time

import pytest
from playwright.async_api import Browser, Page, expect
from pyotp.totp import TOTP

from tests.journeys.conftest import Open
from tests.journeys.test_browser import DESK, PHONE, axe, problems_of

__all__ = ["axe"]  # a fixture


def code(secret: str, steps: int = 0) -> str:
    """What an app shows now; the next one counts as well, and no code counts twice."""
    return TOTP(secret).generate_otp(int(time.time()) // 30 + steps)


async def sign_in(page: Page, url: str, login: str, password: str) -> None:
    await page.goto(url + "/signin?next=/office/account")
    await page.fill("#login", login)
    await page.fill("#password", password)
    await page.get_by_role("button", name="Sign in").click()


async def secret_of(page: Page) -> str:
    """What the page gives to an app: as text, beside the picture."""
    await expect(page.locator(".qr-frame svg")).to_be_visible()
    await page.get_by_text("Cannot scan?").click()
    return (await page.locator("code.secret").inner_text()).replace(" ", "")


async def test_an_owners_day(browser_page: Page, chromium: Browser, shop: Open, axe: str) -> None:
    page, found = browser_page, list[str]()
    await page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    # An account of her own: the demo's has no second factor, and other journeys sign in with it.
    login, password = "olivia", "the harbour at half past six"
    shop.lotse("staff", "add", login, "--name", "Olivia", typed=password + "\n")

    # A second factor for oneself: set up with the password, and asked for at the next sign-in.
    await sign_in(page, shop.url, login, password)
    await expect(page.get_by_role("heading", name="Your account", exact=True)).to_be_visible()
    await expect(page.locator(".rows .badge", has_text="this one")).to_have_count(1)
    found += await problems_of(page, shop.url + "/office/account", axe)
    await page.get_by_role("link", name="Set up a second factor").click()
    secret = await secret_of(page)
    found += await problems_of(page, page.url, axe)
    await page.fill("#code", code(secret))
    await page.fill("#password", "not my password")
    await page.get_by_role("button", name="Switch it on").click()
    await expect(page.get_by_role("alert")).to_contain_text("This is not your password.")
    await page.fill("#code", code(secret))
    await page.fill("#password", password)
    await page.get_by_role("button", name="Switch it on").click()
    await expect(page.locator(".recovery code")).to_have_count(10)
    recovery = await page.locator(".recovery code").first.inner_text()
    await page.get_by_role("link", name="Go on").click()
    await page.get_by_role("button", name="Sign out").click()
    await sign_in(page, shop.url, login, password)
    await expect(page.get_by_role("heading", name="Your second factor")).to_be_visible()
    found += await problems_of(page, page.url, axe)
    await page.fill("#code", recovery)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("9 recovery codes are left.")).to_be_visible()

    # A new role: refunds up to 100 in one shop, for whoever has a second factor.
    await page.goto(shop.url + "/office/roles")
    await page.get_by_role("link", name="New role").click()
    await page.fill("#name", "Refund desk")
    await page.get_by_label("Whoever holds it needs a second factor").check()
    rights = page.locator("input[name=right]")
    await rights.nth(0).fill("orders.read")
    await rights.nth(1).fill("orders.refund")
    await page.locator("select[name=shop]").nth(1).select_option(index=1)
    await page.locator("input[name=limit]").nth(1).fill("100")
    await page.locator("input[name=currency]").nth(1).fill("EUR")
    await page.get_by_role("button", name="Make the role").click()
    await expect(page.get_by_role("status")).to_contain_text("The role is saved.")
    await expect(page.locator("input[name=limit]").nth(1)).to_have_value("100.00")
    role_page = page.url.partition("?")[0]
    found += await problems_of(page, role_page, axe)

    # Somebody who holds it: the password is shown once, the second factor set up at the first sign-in.
    await page.goto(shop.url + "/office/staff/new")
    await page.fill("#name", "Grace")
    await page.fill("#login", "grace")
    await page.select_option("#role", label="Refund desk")
    await page.get_by_role("button", name="Make the account").click()
    first_password = await page.locator("#first-password").inner_text()
    await page.get_by_role("link", name="To the account").click()
    grace_page = page.url
    hers = await chromium.new_page(locale="en", viewport={"width": PHONE["width"], "height": PHONE["height"]})
    await sign_in(hers, shop.url, "grace", first_password)
    await expect(hers.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    found += await problems_of(hers, hers.url, axe)
    await hers.fill("#code", code(await secret_of(hers)))
    await hers.get_by_role("button", name="Switch it on").click()
    await hers.get_by_role("link", name="Go on").click()
    await hers.goto(shop.url + "/office/orders")
    await expect(hers.get_by_role("heading", name="Orders").first).to_be_visible()
    await hers.goto(shop.url + "/office/staff")
    await expect(hers.get_by_role("heading", name="You may not see this")).to_be_visible()

    # Her phone is lost: the factor is taken away with a reason, and she is out until she signs in anew.
    found += await problems_of(page, grace_page, axe)
    await page.get_by_text("Phone lost?").click()
    await page.fill("#factor-reason", "phone lost, asked in person")
    await page.get_by_role("button", name="Take it away").click()
    await expect(page.get_by_role("status")).to_contain_text("The second factor is taken away")
    await hers.goto(shop.url + "/office/orders")
    await expect(hers.get_by_role("heading", name="Sign in to the back office")).to_be_visible()
    await hers.close()

    # The log says who, why, and what was before.
    found += await problems_of(page, shop.url + "/office/audit", axe)
    await page.goto(shop.url + "/office/audit?kind=kernel.staff")
    row = page.locator("tbody tr", has_text="phone lost, asked in person")
    await row.get_by_role("link").first.click()
    await expect(page.locator(".diff tr.changed")).to_contain_text("second_factor")
    found += await problems_of(page, page.url, axe)
    await page.goto(role_page)
    await page.get_by_role("link", name="made or given").click()
    await expect(page.locator(".diff ins", has_text="Refund desk")).to_be_visible()
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_door_on_a_phone(browser_page: Page, shop: Open, axe: str, scheme: str) -> None:
    await browser_page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await browser_page.set_viewport_size({"width": 360, "height": 640})
    assert not await problems_of(browser_page, shop.url + "/signin", axe)
