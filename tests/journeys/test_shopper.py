"""A shopper's ways through the shop in Chromium: a guest in German on a phone, in English with an account by keyboard
alone, with a card whose tab is closed too early, with scripts off; and what axe says of every page on the way.

Buying on a desk and paging through the shop are in test_browser.py, the pages of a failed payment in test_paying.py.
"""

import asyncio
import json
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal, cast

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.journeys import test_browser
from tests.journeys.conftest import Open
from tests.journeys.test_browser import fill_in_the_address

axe = test_browser.axe  # a fixture
plain_page = test_browser.plain_page  # a fixture
SHOE = "/p/tolvaro-deichlaeufer-2-running-shoe-women"
PHONE = ViewportSize(width=390, height=844)
PASSWORD = "three wet otters sing"
# A mail is written within a second of its event; a busy test machine is given more.
PATIENCE_SECONDS = 90.0
expect.set_options(timeout=20_000)
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def somebody() -> str:
    """A mail address that nobody else has."""
    return f"grace-{secrets.token_hex(4)}@example.org"


def read_new(folder: Path, seen: dict[Path, EmailMessage]) -> None:
    for path in set(folder.glob("*/*.eml")) - set(seen):
        seen[path] = cast("EmailMessage", message_from_bytes(path.read_bytes(), policy=policy.default))


async def mail_to(shop: Open, address: str, subject: str) -> EmailMessage:
    """The mail to an address whose subject contains something, once the worker has written it."""
    folder = Path(shop.up.environment["LOTSE_HOME"], "mail")
    until = time.monotonic() + PATIENCE_SECONDS
    seen: dict[Path, EmailMessage] = {}
    while time.monotonic() < until:
        read_new(folder, seen)
        for mail in seen.values():
            if address in str(mail["To"]) and subject in str(mail["Subject"]):
                return mail
        await asyncio.sleep(0.1)
    raise AssertionError(f"no mail to {address} about {subject}: {[str(mail['Subject']) for mail in seen.values()]}")


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


async def search_box(page: Page) -> Locator:
    """Where one types what one looks for: on a phone perhaps in the menu."""
    box = page.locator("input[type=search]:visible").first
    if not await box.count():
        await page.locator("details.menu summary").tap()
    return box


async def whole(page: Page, part: Locator) -> Locator:
    """A part of a page that is late on a busy machine is left out; the next look has it."""
    for _ in range(10):
        if await part.count():
            break
        await page.reload()
    return part


async def another_size(page: Page, press: Callable[[Locator], Awaitable[None]]) -> str:
    """Choose the last size, which comes without a new page; the first of another colour may be sold out."""
    size = page.locator(".option .value:not([aria-current]):not(.none)").last
    name = str(await size.get_attribute("id"))
    await press(size)
    await page.locator(f"#{name}[aria-current]").wait_for()
    return name


async def put_in_basket(page: Page, shop: Open, prefix: str = "") -> None:
    await page.goto(shop.url + prefix + SHOE)
    await another_size(page, lambda size: size.click())
    await (await whole(page, page.locator("form.add button"))).click()
    await page.locator(".added .actions").wait_for()


@pytest.fixture
async def phone(chromium: Browser) -> AsyncIterator[Page]:
    """A phone whose owner reads German."""
    context = await chromium.new_context(locale="de-DE", timezone_id="Europe/Berlin", viewport=PHONE, has_touch=True)
    context.set_default_timeout(30_000)
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    await context.close()
    assert not wrong, "\n".join(wrong)


async def test_a_guest_on_a_phone_finds_by_a_misspelt_word_buys_and_withdraws(phone: Page, shop: Open) -> None:
    page, email = phone, somebody()
    await page.goto(shop.url)
    await page.locator("#consent").get_by_role("button", name="Nur Notwendiges").tap()
    await expect(page.locator("#consent")).to_be_hidden()
    search = await search_box(page)
    await search.fill("deichleufer laufshuh")
    await search.press("Enter")
    await page.wait_for_url("**/search?*")
    await expect(page.get_by_role("status").first).to_be_visible()
    await page.locator(f"a[href$='{SHOE}']").first.tap()
    await page.wait_for_url(f"**{SHOE}*")
    await another_size(page, lambda size: size.tap())
    await (await whole(page, page.locator("form.add button"))).tap()
    await page.get_by_role("link", name="Zur Kasse").tap()
    await page.wait_for_url("**/checkout")

    assert (await page.locator("#sum .promise-line strong").inner_text()).startswith("Lieferung ")
    await fill_in_the_address(page)
    await page.fill("[name=email]", email)
    await page.fill("[name=postcode]", "2035")
    await page.get_by_role("button", name="Zahlungspflichtig bestellen").tap()
    # What is wrong stands beside its field and is read out first; what was typed is still there.
    await expect(page.locator("#mistakes")).to_be_focused()
    await expect(page.locator(".field.wrong")).to_contain_text("Bitte fünf Ziffern.")
    await expect(page.locator("[name=street]")).to_have_value("Hafenstraße 2")
    await page.fill("[name=postcode]", "20359")
    await page.get_by_role("button", name="Zahlungspflichtig bestellen").tap()
    await page.wait_for_url("**/order/*")
    await expect(page.locator(".promise-line")).to_contain_text("Lieferung ")
    confirmed = text_of(await mail_to(shop, email, "Deine Bestellung"))
    assert "Muster-Widerrufsformular" in confirmed and "Hafenstraße 2" in confirmed

    # First step: which contract, in what parts. Nothing chosen is said by name.
    await (await whole(page, page.locator("main").get_by_role("link", name="Vertrag widerrufen"))).first.tap()
    await page.wait_for_url("**/withdraw")
    await page.select_option("[name='take.1']", "0")
    await page.get_by_role("button", name="Widerruf bestätigen").tap()
    await expect(page.locator("#mistakes")).to_contain_text("mindestens einen Artikel")
    await page.select_option("[name='take.1']", "1")
    # Second step; and the acknowledgement with day and time, here and on a durable medium.
    await page.get_by_role("button", name="Widerruf bestätigen").tap()
    await page.wait_for_url("**/withdrawn/*")
    await expect(page.locator("h1")).to_have_text("Dein Widerruf ist angekommen")
    await expect(page.locator(".facts")).to_contain_text(re.compile(r"\d{1,2}:\d{2}:\d{2}"))
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Bestätigung speichern").tap()
    assert (await downloading.value).suggested_filename.startswith("W")
    acknowledged = text_of(await mail_to(shop, email, "Eingang deines Widerrufs"))
    assert re.search(r"\d{1,2}:\d{2}:\d{2}", acknowledged)


async def to(page: Page, target: Locator, *, most: int = 120) -> None:
    """Tab until a thing has the focus, as somebody without a mouse does; where the focus is must be seen."""
    await target.wait_for()
    for _ in range(most):
        if await target.evaluate("one => one === document.activeElement"):
            seen = await target.evaluate(
                """one => {
                    const looks = [one, one.closest("label, .search, .field")].filter(Boolean).map(getComputedStyle);
                    return looks.some(look => look.outlineStyle !== "none" || look.boxShadow !== "none");
                }"""
            )
            assert seen, f"nobody sees that {target} has the focus"
            return
        await page.keyboard.press("Tab")
    focused = await page.evaluate("document.activeElement.outerHTML.slice(0, 300)")
    raise AssertionError(f"{target} is not reached by keyboard; the focus is on {focused}")


async def press(page: Page, target: Locator) -> None:
    await to(page, target)
    await page.keyboard.press("Enter")


async def type_in(page: Page, **typed: str) -> None:
    for name, text in typed.items():
        await to(page, page.locator(f"[name={name}]").last)
        await page.keyboard.press("Control+a")
        await page.keyboard.type(text)


async def test_somebody_with_an_account_buys_in_english_by_keyboard_alone(browser_page: Page, shop: Open) -> None:
    page, email = browser_page, somebody()
    page.set_default_timeout(30_000)
    await page.goto(shop.url + "/en" + SHOE)
    # The first key leads past the head of the page.
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.querySelector('main').contains(document.activeElement)")
    # Another size comes without a new page, and the focus stays where it was.
    name = await another_size(page, lambda size: press(page, size))
    await expect(page.locator(f"#{name}")).to_be_focused()
    # The note that something went in is next; who closes it is back where they were.
    add = await whole(page, page.locator("form.add button"))
    await press(page, add)
    await expect(page.locator(".added")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".added")).to_have_count(0)
    await expect(add).to_be_focused()
    await press(page, await whole(page, page.get_by_role("button", name="Add to wish list")))
    await page.wait_for_url("**/wishes")
    await expect(page.locator(".card")).to_have_count(1)

    await page.goto(shop.url + "/en/checkout")
    await press(page, page.locator("main").get_by_role("link", name="Sign in"))
    await page.wait_for_url("**/account?next=checkout")
    await type_in(page, new_name="Grace Hopper", new_email=email, new_password="short")
    await page.keyboard.press("Enter")
    await expect(page.locator("#mistakes")).to_be_focused()
    await expect(page.locator(".field.wrong")).to_contain_text("At least ten characters")
    await type_in(page, new_password=PASSWORD)
    await page.keyboard.press("Enter")
    # Back where they came from, with what is known filled in; and welcomed.
    await page.wait_for_url("**/checkout")
    await expect(page.locator("[name=email]")).to_have_value(email)
    await type_in(page, street="Hafenstraße 2", postcode="20359", city="Hamburg")
    await to(page, page.get_by_label("Keep this address in my account"))
    await page.keyboard.press("Space")
    await press(page, page.get_by_role("button", name="Order and pay"))
    await page.wait_for_url("**/order/*")
    assert email in text_of(await mail_to(shop, email, "Welcome to"))

    await page.goto(shop.url + "/en/account")
    await expect(page.locator("h1")).to_have_text("Hello, Grace Hopper")
    await expect(page.locator("address")).to_contain_text("Hafenstraße 2")
    await to(page, page.get_by_label("News by e-mail"))
    await page.keyboard.press("Space")
    await press(page, page.locator("form[action='/account/consents'] button").first)
    await expect(page.get_by_role("status").first).to_contain_text("We sent you a mail.")
    link = re.search(r"/en/account/consents/[\w-]+", text_of(await mail_to(shop, email, "Please confirm: news")))
    assert link
    await page.goto(shop.url + link[0])
    await press(page, page.get_by_role("button", name="Yes, send me news"))
    await expect(page.get_by_role("status").first).to_contain_text("you get our news by e-mail from now on")
    await page.goto(shop.url + "/en/account")
    await expect(page.get_by_label("News by e-mail")).to_be_checked()
    # What was wished for as a guest is the account's now; and the order is there.
    await press(page, (await whole(page, page.locator(".orders-of a"))).first)
    await page.wait_for_url("**/order/*")
    await page.goto(shop.url + "/en/wishes")
    await expect(page.locator(".card")).to_have_count(1)
    kept = await (await page.request.get(shop.url + "/account/export.json")).json()
    assert email in json.dumps(kept)
    await page.goto(shop.url + "/en/account")
    await press(page, page.locator("main").get_by_role("button", name="Sign out"))
    await page.wait_for_url(lambda url: "/account" not in url)
    await page.goto(shop.url + "/en/account")
    await expect(page.locator("h1")).to_have_text("Your account")


async def test_a_forgotten_password_by_mail_signs_out_everywhere_else(
    phone: Page, browser_page: Page, shop: Open
) -> None:
    email = somebody()
    await browser_page.goto(shop.url + "/en/account")
    for name, text in {"new_name": "Grace Hopper", "new_email": email, "new_password": PASSWORD}.items():
        await browser_page.fill(f"[name={name}]", text)
    await browser_page.get_by_role("button", name="Create an account").click()
    await expect(browser_page.locator("h1")).to_have_text("Hello, Grace Hopper")

    await phone.goto(shop.url + "/account")
    await phone.get_by_role("link", name="Passwort vergessen?").tap()
    await phone.fill("[name=email]", email)
    await phone.get_by_role("button", name="Link schicken").tap()
    await expect(phone.get_by_role("status").first).to_contain_text("Wenn es ein Konto mit dieser Adresse gibt")
    link = re.search(r"/account/password/[\w-]+", text_of(await mail_to(shop, email, "Dein neues Passwort")))
    assert link
    await phone.goto(shop.url + link[0])
    await phone.fill("[name=new_password]", "four dry badgers hum")
    await phone.get_by_role("button", name="Speichern und anmelden").tap()
    await expect(phone.get_by_role("status").first).to_contain_text("Dein Passwort ist geändert.")
    await mail_to(shop, email, "wurde geändert")
    await phone.goto(shop.url + link[0])
    await expect(phone.locator("h1")).to_have_text("Dieser Link ist verbraucht")
    # The other device is signed out.
    await browser_page.goto(shop.url + "/en/account")
    await expect(browser_page.locator("h1")).to_have_text("Your account")


async def test_a_card_with_3d_secure_is_an_order_though_the_tab_is_closed(chromium: Browser, shop: Open) -> None:
    context: BrowserContext = await chromium.new_context(locale="en-GB", timezone_id="Europe/Berlin")
    context.set_default_timeout(30_000)
    page, email = await context.new_page(), somebody()
    await put_in_basket(page, shop, "/en")
    await page.goto(shop.url + "/en/checkout")
    await fill_in_the_address(page)
    await page.fill("[name=email]", email)
    await page.get_by_label("Card (test)").check()
    await page.get_by_role("button", name="Order and pay").click()
    await page.wait_for_url("**/pay/ch_*")
    await page.locator("button[value=challenge]").click()
    code = page.locator("[name=code]")
    await code.fill("000000x")
    await page.locator("button[value=approve]").click()
    await expect(page.locator("body")).to_contain_text("That was not the code.")
    await code.fill(await page.locator("code").inner_text())
    # The bank has said yes; the way back to the shop is never taken.
    await context.route(f"{shop.url}/**", lambda route: route.abort())
    async with page.expect_event("requestfailed"):
        await page.locator("button[value=approve]").click()
    await page.close()
    # The provider tells the shop by itself, and the order is placed and confirmed.
    confirmed = text_of(await mail_to(shop, email, "Your order"))
    await context.unroute_all()
    link = re.search(r"/en/order/[\w-]+", confirmed)
    assert link
    page = await context.new_page()
    await page.goto(shop.url + link[0])
    await expect(page.locator("main")).to_contain_text("paid")
    await page.goto(shop.url + "/en/basket")
    await expect(page.locator("main")).to_contain_text("Nothing in it yet")
    await context.close()


async def test_another_mail_address_without_scripts(plain_page: Page, browser_page: Page, shop: Open, axe: str) -> None:
    page, before, after = plain_page, somebody(), somebody()
    await page.goto(shop.url + "/account")
    for name, text in {"new_name": "Grace Hopper", "new_email": before, "new_password": PASSWORD}.items():
        await page.fill(f"[name={name}]", text)
    await page.get_by_role("button", name="Konto anlegen").click()
    await page.get_by_text("E-Mail-Adresse ändern").click()
    await page.fill("[name=other_email]", after)
    await page.fill("[name=email_password]", PASSWORD)
    await page.get_by_role("button", name="Link schicken").click()
    await expect(page.locator("main")).to_contain_text(f"Wartet auf deinen Klick in der Mail an {after}")
    link = re.search(r"/account/email/[\w-]+", text_of(await mail_to(shop, after, "Bitte bestätige")))
    assert link
    # Where nobody is signed in the password is asked for as well.
    assert await test_browser.problems_of(browser_page, shop.url + "/en" + link[0], axe) == []
    await expect(browser_page.get_by_label("Your account's password")).to_be_visible()
    await page.goto(shop.url + link[0])
    await page.get_by_role("button", name="Diese Adresse verwenden").click()
    await expect(page.get_by_role("status").first).to_contain_text("Deine E-Mail-Adresse ist geändert")
    await expect(page.locator(".page-head")).to_contain_text(after)
    assert before in text_of(await mail_to(shop, before, "wurde geändert"))
    assert await test_browser.problems_of(browser_page, shop.url + "/en" + link[0], axe) == []
    await expect(browser_page.locator("h1")).to_have_text("This link is used up")


async def test_an_account_a_wish_and_a_withdrawal_without_scripts(plain_page: Page, shop: Open) -> None:
    page, email = plain_page, somebody()
    await page.goto(shop.url + SHOE)
    await page.get_by_role("button", name="Nur Notwendiges").click()
    await page.goto(shop.url + SHOE)
    await (await whole(page, page.get_by_role("button", name="Auf den Merkzettel"))).click()
    await page.wait_for_url("**/wishes")
    await page.get_by_role("link", name="Melde dich an").click()
    for name, text in {"new_name": "Grace Hopper", "new_email": email, "new_password": PASSWORD}.items():
        await page.fill(f"[name={name}]", text)
    await page.get_by_role("button", name="Konto anlegen").click()
    await page.wait_for_url("**/wishes")
    await page.get_by_role("button", name="Entfernen").click()
    await page.get_by_text("Noch nichts darauf").wait_for()
    await page.goto(shop.url + "/account")
    await page.locator(".more-address summary").click()
    for name, text in {"street": "Ring 1", "postcode": "1010", "city": "Hamburg"}.items():
        await page.fill(f"[name={name}]", text)
    await page.get_by_role("button", name="Speichern").first.click()
    await page.get_by_text("Eine Postleitzahl sieht dort so aus: 20457.").wait_for()
    await page.fill("[name=postcode]", "20457")
    await page.get_by_role("button", name="Speichern").first.click()
    await page.get_by_text("Die Adresse ist gespeichert.").wait_for()

    await page.goto(shop.url + "/stores")
    await page.get_by_label("Deine Postleitzahl").fill("20457")
    await page.get_by_role("button", name="Filialen in der Nähe").click()
    await page.get_by_text("Rund um").first.wait_for()
    await page.locator("footer").get_by_role("link", name="Vertrag widerrufen").click()
    await page.get_by_role("button", name="Widerruf bestätigen").click()
    assert await page.locator(".field.wrong").count() == 3
    code = "Eve <script>alert(1)</script>"
    for name, text in {"name": code, "order_number": "4711", "email": email}.items():
        await page.fill(f"[name={name}]", text)
    await page.get_by_role("button", name="Widerruf bestätigen").click()
    await page.wait_for_url("**/withdrawn/*")
    assert code in await page.locator(".facts").inner_text()

    await page.goto(shop.url + "/account")
    await page.locator("summary", has_text="Mein Konto löschen").click()
    await page.locator("#erase-password").fill(PASSWORD)
    await page.get_by_role("button", name="Mein Konto löschen").click()
    await page.get_by_text("Dein Konto ist gelöscht.").wait_for()


async def problems_here(page: Page, axe: str, rules: list[str] | str, place: str) -> list[str]:
    """What is too wide here, and what axe finds against its rules."""
    await page.evaluate(axe)
    result = await page.evaluate(f"axe.run({{runOnly: {json.dumps(rules)}, resultTypes: ['violations']}})")
    said = [
        f"{place}: {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]
    wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*([f"{place}: wider than its window"] if wide else []), *said]


# Pages as they come, in German or English by their address; those below need something to have happened.
PAGES = [
    "/",
    "/en/c/running",
    "/c/running?colour=blue",
    "/en" + SHOE,
    "/en/search?q=deichleufer",
    "/search?q=xqzwvk",
    "/en/new",
    "/stores?postcode=20457",
    "/en/stores?postcode=2",
    "/withdraw",
    "/en/withdrawal",
    "/delivery",
    "/en/privacy",
    "/imprint",
    "/en/consent",
    "/offline",
    "/account",
    "/en/account/forgotten",
    "/wishes",
    "/basket",
    "/nowhere",
]


# In the dark only the colours are others.
@pytest.mark.parametrize(("scheme", "rules"), [("light", WCAG), ("dark", "color-contrast")], ids=["light", "dark"])
async def test_axe_has_nothing_to_say_about_any_page_of_the_shop(
    phone: Page, shop: Open, axe: str, scheme: Literal["light", "dark"], rules: list[str] | str
) -> None:
    page, found = phone, list[str]()
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await page.goto(shop.url + "/en")
    await page.locator("#consent").get_by_role("button", name="Allow all").wait_for()
    found += await problems_here(page, axe, rules, "the question for consent")
    await page.get_by_role("button", name="Only what is needed").tap()
    await expect(page.locator("#consent")).to_be_hidden()
    for path in PAGES:
        await page.goto(shop.url + path)
        found += await problems_here(page, axe, rules, path)
    # The menu, open; suggestions while typing.
    await page.goto(shop.url + "/en")
    await page.locator("details.menu summary").tap()
    found += await problems_here(page, axe, rules, "the menu")
    await page.goto(shop.url + "/en/search")
    await page.locator("#again").press_sequentially("lauf")
    await page.locator("[role=listbox]:visible").first.wait_for()
    found += await problems_here(page, axe, rules, "suggestions")
    # On the way to an order.
    await put_in_basket(page, shop, "/en")
    found += await problems_here(page, axe, rules, "the note that it is in the basket")
    await page.goto(shop.url + "/en/basket")
    found += await problems_here(page, axe, rules, "a basket")
    await page.goto(shop.url + "/en/checkout")
    found += await problems_here(page, axe, rules, "the checkout")
    await page.get_by_label("Use a different billing address").check()
    await page.get_by_role("button", name="Order and pay").tap()
    await expect(page.locator("#mistakes")).to_be_focused()
    found += await problems_here(page, axe, rules, "the checkout with mistakes")
    await page.get_by_label("Use a different billing address").uncheck()
    await fill_in_the_address(page)
    await page.get_by_role("button", name="Order and pay").tap()
    await page.wait_for_url("**/order/*")
    found += await problems_here(page, axe, rules, "an order")
    await (await whole(page, page.locator("main").get_by_role("link", name="Withdraw from contract"))).first.tap()
    await page.wait_for_url("**/withdraw")
    found += await problems_here(page, axe, rules, "a withdrawal")
    await page.get_by_role("button", name="Confirm withdrawal").tap()
    await page.wait_for_url("**/withdrawn/*")
    found += await problems_here(page, axe, rules, "its acknowledgement")
    # With an account.
    await page.goto(shop.url + "/en/account")
    await page.get_by_role("button", name="Create an account").tap()
    await expect(page.locator("#mistakes")).to_be_focused()
    found += await problems_here(page, axe, rules, "an account with mistakes")
    for name, text in {"new_name": "Grace Hopper", "new_email": somebody(), "new_password": PASSWORD}.items():
        await page.fill(f"[name={name}]", text)
    await page.get_by_role("button", name="Create an account").tap()
    await expect(page.locator("h1")).to_have_text("Hello, Grace Hopper")
    for summary in await page.locator("main details summary").all():
        await summary.tap()
    found += await problems_here(page, axe, rules, "an account")
    await page.goto(shop.url + "/en" + SHOE)
    await (await whole(page, page.get_by_role("button", name="Add to wish list"))).tap()
    await page.wait_for_url("**/wishes")
    found += await problems_here(page, axe, rules, "a wish list")
    assert not found, "\n".join(found)


async def test_what_search_engines_read(browser_page: Page, shop: Open) -> None:
    """What the page says of itself is what it shows; the rules for each part are in tests/web/test_described.py."""
    page = browser_page
    await page.goto(shop.url + "/en" + SHOE)
    described = await page.evaluate("JSON.parse(document.querySelector('[type=\"application/ld+json\"]').text)")
    group, crumbs = described["@graph"]
    assert group["@type"] == "ProductGroup" and crumbs["@type"] == "BreadcrumbList"
    offers = [variant["offers"] for variant in group["hasVariant"] if "offers" in variant]
    shown = await (await whole(page, page.locator(".offer-big .price"))).inner_text()
    assert re.sub(r"[^0-9.]", "", shown) in {offer["price"] for offer in offers}
    assert any("shippingDetails" in offer for offer in offers)
    canonical = await page.locator("link[rel=canonical]").get_attribute("href")
    assert canonical == group["url"] and str(canonical).endswith("/en" + SHOE)
