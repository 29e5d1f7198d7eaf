"""The live page in Chromium: what its buttons promise is what stands on the page afterwards; axe finds nothing."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.journeys import test_browser
from tests.journeys.test_browser import DESK, PHONE, problems_of
from tests.live.conftest import Demo

axe = test_browser.axe  # a fixture

# A crowd of 1,000 on a machine that has other things to do; what is done is told within a second.
PATIENCE_MS = 180_000


@pytest.fixture
async def live(browser_page: Page, demo: Demo) -> Page:
    """The page, as soon as it moves."""
    await browser_page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    await browser_page.goto(demo.up.url + "/signin?next=/office/live")
    await browser_page.fill("#login", demo.login)
    await browser_page.fill("#password", demo.password)
    await browser_page.get_by_role("button", name="Sign in").click()
    await expect(browser_page.locator("#live-state")).to_have_attribute("data-is", "live", timeout=PATIENCE_MS)
    await expect(browser_page.locator("#sum-orders")).not_to_have_text("–")
    return browser_page


async def test_a_flash_sale_sells_two_hundred_and_not_one_more(live: Page) -> None:
    await expect(live.locator("#flash-result")).to_be_hidden()
    await live.get_by_role("button", name="Start the flash sale").click()
    await expect(live.locator("#act-flash")).to_have_attribute("data-phase", "done", timeout=PATIENCE_MS)
    for what, number in {"sold": "200", "refused": "800", "left": "0", "books": "200"}.items():
        await expect(live.locator(f"#flash-{what}")).to_have_text(number)
        await expect(live.locator(f"#flash-{what}")).to_have_class("good")
    await expect(live.locator("#flash-failed")).to_be_hidden()
    await expect(live.locator("#flash")).to_be_enabled()


async def test_one_of_two_windows_gets_the_last_piece(live: Page) -> None:
    await live.get_by_role("button", name="Show two windows").click()
    await expect(live.locator(".window .what").first).to_contain_text("€")
    await live.get_by_role("button", name="Press both at once").click()
    await expect(live.locator(".window.won")).to_have_count(1)
    await expect(live.locator(".window.lost")).to_have_count(1)
    await expect(live.locator(".window.lost .outcome")).to_contain_text("out-of-stock")
    # And the stream tells of it.
    await expect(live.locator("#stream li").first).to_be_visible()
    await expect(live.locator("#sum-orders")).not_to_have_text("0")


async def test_a_killed_worker_comes_back_and_nothing_is_lost(live: Page) -> None:
    await expect(live.locator("#roles li", has_text="worker")).to_have_count(1)
    await live.select_option("#victim", "worker")
    await live.get_by_role("button", name="Kill it").click()
    await expect(live.locator("#act-kill")).to_have_attribute("data-phase", "running", timeout=PATIENCE_MS)
    await expect(live.locator("#act-kill")).to_have_attribute("data-phase", "done", timeout=PATIENCE_MS)
    found = re.fullmatch(r"worker (\d+) → (\d+)", await live.locator("#kill-pids").inner_text())
    assert found and found[1] != found[2]
    await expect(live.locator("#kill-lost")).to_have_text("0")
    await expect(live.locator("#kill-lost")).to_have_class("good")


@pytest.mark.parametrize(("scheme", "size"), [("light", PHONE), ("dark", DESK)], ids=["light-phone", "dark-desk"])
async def test_axe_has_nothing_to_say(live: Page, demo: Demo, axe: str, scheme: str, size: dict[str, int]) -> None:
    await live.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    await live.set_viewport_size({"width": size["width"], "height": size["height"]})
    found = await problems_of(live, demo.up.url + "/office/live", axe)
    assert not found, "\n".join(found)
