"""The purchase journey in Chromium, with scripts and without, on a phone and on a desk; and what axe says of it."""

import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from lotse.testing import absent
from tests.journeys.conftest import Open

SHOE = "/p/tolvaro-deichlaeufer-2-running-shoe-women"
PHONE = {"width": 390, "height": 844}
SMALL = {"width": 360, "height": 640}
DESK = {"width": 1440, "height": 900}
# How a page is looked at.
Look = tuple[Literal["light", "dark"], dict[str, int]]
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# What is out of sight is left undrawn (`content-visibility`) and would keep the colours of the look before.
WHOLE = """{
    const whole = new CSSStyleSheet();
    whole.replaceSync("* { content-visibility: visible !important }");
    document.adoptedStyleSheets = [whole];
}"""
# A change of style is on the screen when the second frame begins, and colours that go over into others have arrived.
DRAWN = """new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(() => {
    const ending = document.getAnimations().filter(one => one.effect.getTiming().iterations !== Infinity);
    for (const one of ending) one.finish();
    drawn();
})))"""


async def fill_in_the_address(page: Page) -> None:
    for name, text in {
        "email": "grace@example.org",
        "name": "Grace Hopper",
        "street": "Hafenstraße 2",
        "postcode": "20359",
        "city": "Hamburg",
    }.items():
        await page.fill(f"[name={name}]", text)


async def sign_in(page: Page, shop: Open) -> None:
    await page.goto(shop.url + "/office")
    await page.fill("#login", shop.login)
    await page.fill("#password", shop.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/office/*")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_a_purchase_from_the_first_page_to_its_cancellation(
    browser_page: Page, shop: Open, size: dict[str, int]
) -> None:
    page = browser_page
    await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await page.goto(shop.url + "/en")
    await page.locator(".tile", has_text="Running").click()
    await page.locator(".card h3 a").first.wait_for()
    await page.goto(shop.url + "/en" + SHOE)
    before = page.url
    # Another colour and size, without a new page: only the product changes, and the address with it.
    await page.locator(".option .value:not([aria-current]):not(.none)").last.click()
    await page.wait_for_function("old => location.href !== old", arg=before)
    await page.locator("form.add button").click()
    await expect(page.locator(".added")).to_contain_text("In your basket")
    await expect(page.locator("#basket-count .count")).to_have_text("1")
    await page.keyboard.press("Escape")
    await expect(page.locator(".added")).to_have_count(0)

    await page.goto(shop.url + "/basket")
    await page.get_by_role("button", name="One more").click()
    await expect(page.locator(".stepper input")).to_have_value("2")
    await page.get_by_role("button", name="One less").click()
    await expect(page.locator(".stepper input")).to_have_value("1")
    await page.get_by_role("link", name="Go to checkout").click()

    await page.get_by_role("button", name="Order and pay").click()
    await expect(page.locator("#mistakes")).to_be_focused()
    await expect(page.locator(".field .error").first).to_be_visible()
    await fill_in_the_address(page)
    await page.select_option("[name=country]", "AT")
    await expect(page.locator("#sum")).to_contain_text("Austria")
    await page.select_option("[name=country]", "DE")
    await expect(page.locator("#sum")).to_contain_text("Germany")
    await page.get_by_role("button", name="Order and pay").dblclick()
    await page.wait_for_url("**/order/*")
    await expect(page.locator(".thanks")).to_contain_text("We have received order")
    order = page.url.partition("?")[0]
    text = await page.locator(".thanks p").inner_text()
    number = next(word for word in text.replace(".", " ").split() if word.isdigit())

    await sign_in(page, shop)
    await page.goto(shop.url + "/office/orders")
    await expect(page.get_by_role("link", name=number, exact=True)).to_have_count(1)
    await page.get_by_role("link", name=number, exact=True).click()
    await expect(page.locator("main")).to_contain_text("grace@example.org")

    await page.goto(order)
    await page.get_by_role("button", name="Cancel order").click()
    await expect(page.locator(".timeline")).to_contain_text("Cancelled")
    await page.goto(shop.url + "/office/orders")
    await expect(page.locator("tr", has_text=number)).to_contain_text("cancelled")


@pytest.fixture
async def plain_page(chromium: Browser) -> AsyncIterator[Page]:
    """A browser that runs no scripts."""
    context = await chromium.new_context(java_script_enabled=False, locale="de-DE")
    context.set_default_timeout(15_000)
    yield await context.new_page()
    await context.close()


async def test_a_purchase_without_scripts_in_german(plain_page: Page, shop: Open) -> None:
    page = plain_page
    await page.goto(shop.url + SHOE)
    # The last size: the first of another colour is sold out online.
    await page.locator(".option .value:not([aria-current]):not(.none)").last.click()
    await page.get_by_role("button", name="In den Warenkorb").click()
    await page.get_by_role("link", name="Zur Kasse").click()
    await page.get_by_role("button", name="Zahlungspflichtig bestellen").click()
    await page.get_by_text("Bitte ausfüllen.").first.wait_for()
    await fill_in_the_address(page)
    await page.get_by_label("Die Rechnung geht an eine andere Adresse").check()
    await page.get_by_label("Name auf der Rechnung").fill("Hopper GmbH")
    await page.locator("[name=billing_street]").fill("Kontorweg 1")
    await page.locator("[name=billing_postcode]").fill("10115")
    await page.locator("[name=billing_city]").fill("Berlin")
    await page.get_by_label("Vorkasse").check()
    await page.get_by_role("button", name="Zahlungspflichtig bestellen").click()
    await page.locator(".thanks").wait_for()
    await page.get_by_role("button", name="Bestellung stornieren").click()
    await page.get_by_text("Storniert").first.wait_for()


async def test_the_back_office_goes_by_keyboard(browser_page: Page, shop: Open) -> None:
    page = browser_page
    await sign_in(page, shop)
    await page.keyboard.press("g")
    await page.keyboard.press("p")
    await page.wait_for_url("**/office/products")
    await page.keyboard.press("/")
    await page.keyboard.type("deichl")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/office/products?q=deichl")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/office/products/*-*")


PUBLIC = [
    "/en",
    "/en/c/running",
    "/en" + SHOE,
    "/basket",
    "/en/search?q=shoe",
    "/en/stores",
    "/en/imprint",
    "/en/nowhere",
]
OFFICE = ["/office/orders", "/office/products", "/office/stock", "/office/prices", "/office/waiting"]


async def test_no_page_is_wider_than_its_window_and_axe_has_nothing_to_say(
    browser_page: Page, shop: Open, axe: str
) -> None:
    page, found = browser_page, list[str]()
    looks: list[Look] = [("dark", DESK), ("light", SMALL)]
    await take(page, *looks[0])
    await page.goto(shop.url + SHOE)
    await page.locator("form.add button").click()
    await page.locator(".added .actions").wait_for()
    for path in [*PUBLIC, "/checkout"]:
        found += await problems_in(page, shop.url + path, axe, looks)
    await sign_in(page, shop)
    for path in OFFICE:
        found += await problems_in(page, shop.url + path, axe, looks)
        link = page.locator("table.list tbody a").first
        if await link.count():
            found += await problems_in(page, shop.url + str(await link.get_attribute("href")), axe, looks)
    assert not found, "\n".join(found)


async def take(page: Page, scheme: Literal["light", "dark"], size: dict[str, int] | None = None) -> None:
    """How the page is looked at from here on; what is there already is drawn anew."""
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    if size:
        await page.set_viewport_size({"width": size["width"], "height": size["height"]})
    await page.evaluate(DRAWN)


async def problems_in(page: Page, url: str, axe: str, looks: Iterable[Look]) -> list[str]:
    """What is wrong with a page in each look: it is loaded in the first one and turned into the others, because most of
    the time goes into loading."""
    found: list[str] = []
    for number, (scheme, size) in enumerate(looks):
        await take(page, scheme, size)
        if number == 0:
            await page.goto(url)
            await page.evaluate(axe)
            await page.evaluate(WHOLE)
        found += [f"{scheme}, {size['width']}: {said}" for said in await problems_here(page, url)]
    return found


async def problems_of(page: Page, url: str, axe: str) -> list[str]:
    """What is too wide, and what axe finds against WCAG 2.1 AA."""
    await page.goto(url)
    await page.evaluate(axe)
    return await problems_here(page, url)


async def problems_here(page: Page, place: str, rules: list[str] | str = WCAG) -> list[str]:
    """The same of the page as it stands, in which axe is loaded."""
    wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    # Whatever passed as well would be many times as much to hand over.
    violations = await page.evaluate(
        f"axe.run({{runOnly: {json.dumps(rules)}, resultTypes: ['violations']}}).then(found => found.violations)"
    )
    said = [
        f"{place}: {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in violations
        for node in violation["nodes"]
    ]
    return [*([f"{place}: wider than its window"] if wide else []), *said]


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> str:
    """The source of axe-core, which the build puts into node_modules."""
    path = Path(pytestconfig.rootpath, "node_modules", "axe-core", "axe.min.js")
    if not path.is_file():
        absent("browser", "no axe-core in node_modules: run `uv sync --reinstall-package lotse`")
    return path.read_text("utf-8")
