"""What only a browser can tell of the storefront: what moves, what fits, what can be touched, what is printed."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.journeys.conftest import Open
from tests.journeys.test_browser import DESK, PHONE, SHOE, fill_in_the_address, plain_page
from tests.journeys.test_shopper import phone

__all__ = ["phone", "plain_page"]  # fixtures

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


CUT = """[...document.querySelectorAll("h1, .tile .name")]
    .filter(it => it.scrollWidth > it.clientWidth).map(it => it.textContent)"""
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_long_words_are_neither_cut_nor_wider_than_the_page(phone: Page, shop: Open, width: int) -> None:
    await phone.set_viewport_size({"width": width, "height": 800})
    for path in ("/", "/terms", "/withdrawal"):
        await phone.goto(shop.url + path)
        assert not await phone.evaluate(CUT), path
        assert not await phone.evaluate(WIDE), path


async def test_the_question_for_consent_is_small_and_its_answers_weigh_the_same(phone: Page, shop: Open) -> None:
    for width, height in ((PHONE["width"], PHONE["height"]), (1280, 900)):
        await phone.set_viewport_size({"width": width, "height": height})
        await phone.goto(shop.url)
        question = phone.locator("#consent")
        await question.wait_for()
        no, yes = [await one.bounding_box() for one in await question.get_by_role("button").all()]
        assert no and yes
        assert no["y"] == yes["y"] and no["width"] == yes["width"] and no["height"] == yes["height"] == 44
        box = await question.bounding_box()
        assert box and box["height"] < height / 3


async def test_a_number_in_the_basket_takes_no_department_away(phone: Page, shop: Open) -> None:
    await phone.set_viewport_size({"width": 1280, "height": 800})
    await phone.goto(shop.url)
    # What finds no room in the row stands below it, out of sight.
    shown = """[...document.querySelectorAll(".top .main li")]
        .filter((it, _, all) => it.getBoundingClientRect().top === all[0].getBoundingClientRect().top).length"""
    before = await phone.evaluate(shown)
    await phone.evaluate("document.querySelector('#basket-count').innerHTML = '<span class=count>12</span>'")
    assert await phone.evaluate(shown) == before


async def test_who_finds_no_suggestion_is_told_so_and_enter_searches(phone: Page, shop: Open) -> None:
    await phone.goto(shop.url + "/search")
    field = phone.locator("#again")
    await field.press_sequentially("qqxxzzj")
    await expect(phone.locator(".suggest:visible")).to_have_text("Keine Vorschläge. Mit Enter wird trotzdem gesucht.")
    await field.press("ArrowDown")
    await field.press("Enter")
    await phone.wait_for_url("**/search?q=qqxxzzj")


async def test_on_a_phone_the_way_from_filters_to_articles_stays_in_sight(phone: Page, shop: Open) -> None:
    await phone.goto(shop.url + "/c/running")
    filters, show = phone.locator("#facets > details"), phone.locator(".facets-send")
    await filters.locator("summary").first.tap()
    await expect(show).to_be_in_viewport(ratio=1)
    total = int((await show.inner_text()).split()[0])
    await phone.locator(".facet-tick").nth(1).tap()
    await expect(show).not_to_have_text(f"{total} Artikel zeigen")
    await expect(show).to_be_in_viewport(ratio=1)
    await filters.evaluate("it => (it.dataset.before = '')")
    await show.tap()
    # Also when the list that was asked for has come.
    await expect(phone.locator("[data-before]")).to_have_count(0)
    await expect(filters).not_to_have_attribute("open", "")
    await expect(phone.locator(".card").first).to_be_in_viewport()


async def test_without_scripts_filters_keep_their_button_in_sight(plain_page: Page, shop: Open) -> None:
    await plain_page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await plain_page.goto(shop.url + "/c/running")
    await plain_page.locator(".facet-tick").nth(1).check()
    # Nothing is counted before it is asked for.
    show = plain_page.get_by_role("button", name="Zeigen", exact=True)
    await expect(show).to_be_in_viewport(ratio=1)
    await show.click()
    await plain_page.wait_for_url("**/c/running?*")


async def test_an_order_on_a_phone_from_the_note_to_its_paper(phone: Page, shop: Open) -> None:
    page = phone
    await page.goto(shop.url)
    await page.get_by_role("button", name="Nur Notwendiges").tap()
    await page.goto(shop.url + SHOE)
    await page.locator(".option .value:not([aria-current]):not(.none)").last.tap()
    await page.wait_for_url("**sku=*")
    await page.locator("form.add button").tap()
    note = page.locator(".added")
    price = (await page.locator(".offer-big .price").inner_text()).split("\n")[0]
    await expect(note).to_contain_text(f"1 × {price}")
    await large_enough(note.get_by_role("button", name="Schließen"), 44)
    await note.get_by_role("link", name="Zur Kasse").wait_for()
    await page.goto(shop.url + "/basket")
    await large_enough(page.get_by_role("button", name="Entfernen"), 44)
    for link in await page.locator(".service a").all():
        await large_enough(link, 36)

    await page.goto(shop.url + "/checkout")
    await fill_in_the_address(page)
    await page.get_by_label("Vorkasse").check()
    await page.get_by_role("button", name="Zahlungspflichtig bestellen").tap()
    await page.wait_for_url("**/order/*")
    number = next(
        word for word in (await page.locator(".thanks p").inner_text()).replace(".", " ").split() if word.isdigit()
    )
    await expect(page.locator(".sums div", has_text="Verwendungszweck").locator("dd")).to_have_text(number)

    await page.emulate_media(media="print")
    for kept in (".brand >> nth=0", ".items", ".sums >> nth=0", ".panel address >> nth=0"):
        await expect(page.locator(kept)).to_be_visible()
    clicked = page.locator("nav, input, button, summary, .button, .tools, .foot, .consent")
    assert not [await one.evaluate("it => it.outerHTML") for one in await clicked.all() if await one.is_visible()]


# What is white on black, and would be white on paper or black on black.
NIGHT = """{
    const isDark = colour => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) < 384;
    [...document.querySelectorAll("body, body *")].filter(it => it.checkVisibility()).filter(it => {
        const { backgroundColor: ground, color } = getComputedStyle(it);
        return !isDark(color) || (!ground.endsWith(", 0)") && isDark(ground));
    }).map(it => it.outerHTML.slice(0, 90));
}"""


async def test_by_night_paper_is_white_and_says_whose_it_is(phone: Page, shop: Open) -> None:
    await phone.emulate_media(color_scheme="dark")
    for path in ("/terms", "/stores"):
        await phone.goto(shop.url + path)
        logo = await phone.locator(".top .brand img").first.evaluate("it => it.currentSrc")
        await phone.emulate_media(color_scheme="dark", media="print")
        assert not await phone.evaluate(NIGHT), path
        # The logo for the night is white: a browser that prints has it already, and takes no other.
        printed = phone.locator(".top .brand img:visible")
        await expect(printed).to_have_count(1)
        assert await printed.get_attribute("alt") and await printed.evaluate("it => it.currentSrc") != logo
        for away in (".foot", ".top .tools", ".crumbs", ".consent"):
            assert not await phone.locator(away).locator("visible=true").count(), (path, away)
        await phone.emulate_media(color_scheme="dark", media="screen")


async def large_enough(target: Locator, height: int) -> None:
    box = await target.first.bounding_box()
    assert box and box["height"] >= height and box["width"] >= 24, box
