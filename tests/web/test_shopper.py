"""A shopper's pages over HTTP, in this process: product, basket, order and its withdrawal, account, wish list, stores,
and what search engines read. Every post comes from the page's own form."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest

from lotse.domains.checkout.queries import shipping_rates
from lotse.domains.checkout.tests import conftest as checkout
from lotse.domains.content.commands import add_page, publish, put_draft
from lotse.domains.content.contracts import TextBlock, Written
from lotse.domains.customers.contracts import RESET_LINK
from lotse.kernel import clock
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Database
from lotse.kernel.pages.formatting import filters, locale_of
from lotse.kernel.sql import Statement
from lotse.testing import Fresh
from tests.web.conftest import ORIGIN, Whole, at_origin

store = checkout.store  # a fixture
NEWEST_RESET = Statement(
    "test", "newest", "select id from customers.resets order by requested_at desc, id desc limit 1"
)


class Shopper:
    """A browser: what renders comes from `pages`, posts that render nothing go to `api`, as behind the front door."""

    def __init__(self, pages: httpx.AsyncClient, posts: httpx.AsyncClient) -> None:
        self._pages, self._posts = pages, posts

    async def sees(self, path: str, *words: str, status: int = 200) -> str:
        answer = await self._pages.get(path, headers={"Cookie": self._cookies()})
        self._take(answer)
        if answer.status_code in (301, 303):
            return await self.sees(answer.headers["location"], *words)
        assert answer.status_code == status, answer.text[:3_000]
        text = unescape(answer.text)
        for word in words:
            assert word in text, f"{word} is not on {path}"
        return answer.text

    async def sends(self, path: str, *words: str, **typed: str) -> str:
        """A form, and the page that it leads to; its path is kept."""
        cookies = {"Cookie": self._cookies(), "Origin": ORIGIN}
        answer = await self._posts.post(path, data=typed, headers=cookies)
        self._take(answer)
        assert answer.status_code == 303, answer.text[:3_000]
        self.path = str(answer.headers["location"]).partition("#")[0]
        return await self.sees(self.path, *words)

    def _take(self, answer: httpx.Response) -> None:
        for one in (self._pages, self._posts):
            one.cookies.clear()
        for raw in answer.headers.get_list("set-cookie"):
            name, _, value = raw.partition(";")[0].partition("=")
            if "max-age=0" in raw.lower() or value in ("", '""'):
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
                self.flags[name] = raw.lower()

    def _cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    path = ""

    @property
    def jar(self) -> dict[str, str]:
        return self.__dict__.setdefault("_jar", {})

    @property
    def flags(self) -> dict[str, str]:
        return self.__dict__.setdefault("_flags", {})


@pytest.fixture
async def shopper(whole_with_desk: Whole, store: checkout.Store) -> AsyncIterator[Shopper]:
    pages, posts = whole_with_desk.pages, whole_with_desk.api
    pages.state.shop = posts.state.shop = (float("inf"), store.shop)
    async with at_origin(pages) as reading, at_origin(posts) as writing:
        for one in (reading, writing):
            one.headers["Accept-Language"] = "en"
        yield Shopper(reading, writing)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


ADDRESS = {"name": "Anna Muster", "street": "Ring 1", "postcode": "20457", "city": "Hamburg", "country": "DE"}


async def test_an_order_with_its_promise_and_a_withdrawal_of_a_part(
    shopper: Shopper, store: checkout.Store, fresh: Fresh
) -> None:
    article = await store.article(5)
    await shopper.sends("/basket/lines", "Delivery ", "estimated", offer_id=str(article.offer_id), quantity="2")
    assert "httponly" in shopper.flags["lotse_basket"] and "samesite=lax" in shopper.flags["lotse_basket"]
    page = await shopper.sees(
        "/checkout", "We deliver to Germany and Austria.", "Order and pay", "Delivery ", "(estimated)"
    )
    form = hidden(page)
    assert form["promise"]
    email = f"{fresh.text('anna')}@example.org"
    order = {**form, **ADDRESS, "email": email, "payment": "invoice"}
    await shopper.sends(
        "/checkout", "We have received order", "estimated when you ordered", "Withdraw from contract", **order
    )
    token = shopper.path.partition("?")[0]
    await shopper.sees(f"{token}/withdraw", "Confirm withdrawal", "Ball")
    said = {"name": "Anna Muster", "email": email, "language": "en"}
    await shopper.sends(f"{token}/withdraw", "at least one article", **{"take.1": "0"}, **said)
    await shopper.sends(f"{token}/withdraw", "fewer pieces left", **{"take.1": "3"}, **said)
    await shopper.sends(
        f"{token}/withdraw",
        "Your withdrawal has arrived",
        "1 × Ball",
        "received back within",
        **{"take.1": "1"},
        **said,
    )
    receipt = await shopper.sees(f"{shopper.path}/receipt.txt", "Receipt of a withdrawal", "1 x Ball")
    assert "<" not in receipt
    # Somebody else's number and address do not open anything, but the declaration counts.
    await shopper.sends("/withdraw", "the whole order", name="Eve", order_number="none", email="eve@example.org")
    await shopper.sees(token, "You declared a withdrawal on", "You pay by invoice")
    await shopper.sees("/order/no-such-token/withdraw", status=404)


async def test_what_is_typed_into_the_withdrawal_form_is_never_markup(shopper: Shopper) -> None:
    page = await shopper.sends(
        "/withdraw", name="<script>x</script>", order_number='"><b>', email="eve@example.org", what="<img src=x>"
    )
    assert "<script>x" not in page and "<img src=x>" not in page and '"><b>' not in page
    await shopper.sends("/withdraw", "Please enter an e-mail address", name="", order_number="", email="x")


async def test_withdrawing_before_anything_was_paid_or_sent(
    shopper: Shopper, store: checkout.Store, fresh: Fresh
) -> None:
    article = await store.article(5)
    await shopper.sends("/basket/lines", "Delivery ", offer_id=str(article.offer_id), quantity="1")
    form = hidden(await shopper.sees("/checkout"))
    email = f"{fresh.text('anna')}@example.org"
    page = await shopper.sends("/checkout", "please transfer", **form, **ADDRESS, email=email, payment="prepayment")
    assert "You declared" not in page
    token = shopper.path.partition("?")[0]
    said = {"name": "Anna Muster", "email": email, "language": "en", "take.1": "1"}
    page = await shopper.sends(
        f"{token}/withdraw", "You need not send anything back. You need not pay anything any more.", **said
    )
    assert "within fourteen days, to" not in page
    page = await shopper.sees(token, "You declared a withdrawal on", "You need not send anything back.")
    assert "please transfer" not in page and "You need not pay anything" in page
    assert page.index("You declared") < page.index("Order status")


async def test_an_account_from_its_making_to_its_erasure(shopper: Shopper, store: checkout.Store, fresh: Fresh) -> None:
    email, password = f"{fresh.text('grace')}@example.org", "three wet otters sing"
    await shopper.sees("/account", "New here?")
    new = {"new_name": "Grace Hopper", "new_email": email}
    await shopper.sends("/account/register", "ten characters", **new, new_password="short")
    await shopper.sends("/account/register", "easy to guess", **new, new_password="passwordpassword")
    # Only to pages of ours: what a link says elsewhere leads to the account.
    await shopper.sends("/account/register", "Hello, Grace Hopper", **new, new_password=password, next="//evil.example")
    flags = shopper.flags["lotse_customer"]
    assert "httponly" in flags and "samesite=lax" in flags
    first = shopper.jar["lotse_customer"]
    await shopper.sends("/account/addresses", "Ring 1", kind="delivery", **ADDRESS)
    await shopper.sends("/account/consents", "Decided on", news_mail="yes")
    article = await store.article(5)
    await shopper.sends("/basket/lines", offer_id=str(article.offer_id), quantity="1")
    page = await shopper.sees("/checkout", "Signed in as Grace Hopper.", 'value="Ring 1"')
    await shopper.sends(
        "/checkout", "We have received order", **hidden(page), **ADDRESS, email=email, payment="invoice"
    )
    page = await shopper.sees("/account", "Order ")
    found = re.search(r"/account/orders/[0-9a-f-]+", page)
    assert found
    await shopper.sees(found[0], "Order status")
    kept = json.loads(await shopper.sees("/account/export.json"))
    assert email in json.dumps(kept)

    await shopper.sends("/account/signout")
    assert "lotse_customer" not in shopper.jar
    await shopper.sees(found[0], status=404)
    await shopper.sends("/account/signin", "do not fit together", email=email, password="wrong")
    await shopper.sends("/account/signin", "Hello, Grace Hopper", email=email, password=password)
    assert shopper.jar["lotse_customer"] != first
    await shopper.sends("/account/erase", "do not fit together", password="wrong")
    await shopper.sends("/account/erase", "New here?", password=password)
    await shopper.sends("/account/signin", "do not fit together", email=email, password=password)


async def test_a_forgotten_password_by_mail(shopper: Shopper, fresh: Fresh, db: Database) -> None:
    email, password = f"{fresh.text('grace')}@example.org", "three wet otters sing"
    new = {"new_name": "Grace Hopper", "new_email": email, "new_password": password}
    await shopper.sends("/account/register", "Hello, Grace Hopper", **new)
    await shopper.sends("/account/signout")
    await shopper.sees("/account", "Forgot your password?")
    await shopper.sees("/account/forgotten", "we send you a link")
    await shopper.sends("/account/forgotten", "Please enter an e-mail address", email="nobody")
    # Whether there is an account or not: the same words.
    pages = [
        await shopper.sends("/account/forgotten", "If there is an account", email=one, language="en")
        for one in (email, f"{fresh.text('nobody')}@example.org")
    ]
    assert pages[0] == pages[1] and email not in pages[0]
    async with db.reading() as conn:
        token = Links(b"s" * 32).sign(RESET_LINK, await conn.value(NEWEST_RESET))
    address = f"/account/password/{token}"
    for _ in range(2):  # mail filters look first
        await shopper.sees(address, "New password", email)
    await shopper.sends(address, "At least ten characters", new_password="short")
    await shopper.sends(address, "easy to guess", new_password="passwordpassword")
    await shopper.sends(address, "Your password is changed", "Hello, Grace", new_password="four dry badgers hum")
    await shopper.sees(address, "This link is used up", "Ask for a new link", status=410)
    await shopper.sees(address[:-2], status=404)


async def test_the_checkout_keeps_an_address_when_asked_and_knows_postcodes(
    shopper: Shopper, store: checkout.Store, fresh: Fresh
) -> None:
    email = f"{fresh.text('grace')}@example.org"
    new = {"new_name": "Grace Hopper", "new_email": email, "new_password": "three wet otters sing"}
    await shopper.sends("/account/register", "Hello", **new)
    await shopper.sends("/account/addresses", "looks like 1010", kind="delivery", **{**ADDRESS, "country": "AT"})
    article = await store.article(5)
    for keep, street in (("", "Ring 1"), ("yes", "Deich 2")):
        await shopper.sends("/basket/lines", offer_id=str(article.offer_id), quantity="1")
        form = hidden(await shopper.sees("/checkout", "Keep this address"))
        order = {**form, **ADDRESS, "street": street, "email": email, "payment": "invoice", "keep_address": keep}
        await shopper.sends("/checkout", "Five digits", **{**order, "postcode": "1010"})
        await shopper.sends("/checkout", "We have received order", **order)
    page = await shopper.sees("/account", "Deich 2")
    assert "Ring 1" not in page


async def test_wishes_of_a_guest_are_theirs_after_signing_in(
    shopper: Shopper, store: checkout.Store, fresh: Fresh
) -> None:
    await store.article(1, name="Kite")
    page = await shopper.sees("/new", "Kite")
    slug = re.findall(r'href="(?:/en)?(/p/[^"]+)">Kite', page)[0]
    form = hidden(await shopper.sees(slug, "Add to wish list"))
    await shopper.sends("/wishes", "Kite", product_id=form["product_id"])
    account = {
        "new_name": "Anna",
        "new_email": f"{fresh.text('a')}@example.org",
        "new_password": "four dry badgers hum",
    }
    await shopper.sends("/account/register", "Kite", **account, next="wishes")
    assert "lotse_wishes" not in shopper.jar
    await shopper.sends("/wishes/remove", "Nothing on it yet", product_id=form["product_id"])
    await shopper.sends("/wishes", "Please check", product_id="x")


async def test_a_product_describes_itself_from_what_its_page_shows(shopper: Shopper, store: checkout.Store) -> None:
    await store.article(3, name="Drum")
    slug = re.findall(r'href="(?:/en)?(/p/[^"]+)">Drum', await shopper.sees("/new", "Drum"))[0]
    page = await shopper.sees(slug, "€11.90", "estimated, if you order by")
    described = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert described
    thing, crumbs = json.loads(described[1])["@graph"]
    offer: dict[str, Any] = thing["offers"]
    assert (thing["@type"], offer["price"], offer["availability"][-19:]) == ("Product", "11.90", "LimitedAvailability")
    assert offer["hasMerchantReturnPolicy"]["merchantReturnDays"] == 14
    assert offer["shippingDetails"]["deliveryTime"]["transitTime"]["maxValue"] == 2
    assert crumbs["itemListElement"][-1]["name"] == "Drum"
    [canonical] = re.findall(r'<link rel="canonical" href="([^"]+)"', page)
    assert canonical == thing["url"] and canonical.endswith(f"/en{slug}")
    assert re.findall('hreflang="([a-z-]+)" href="http', page) == ["de", "en", "x-default"]
    assert "canonical" not in await shopper.sees("/basket")


async def test_the_site_map_has_every_page_in_every_language(shopper: Shopper, store: checkout.Store) -> None:
    await store.article(1)
    parts = re.findall("<loc>[^<]*?(/sitemap/[0-9]+)</loc>", await shopper.sees("/sitemap.xml"))
    assert parts[0] == "/sitemap/0" and len(parts) > 1
    first = await shopper.sees(parts[0])
    assert "/en/stores</loc>" in first and "/de/stores</loc>" in first
    assert "/p/" in await shopper.sees(parts[-1])
    for none in ("/sitemap/99999", "/sitemap/-1"):
        await shopper.sees(none, status=404)
    robots = await shopper.sees("/robots.txt", "Sitemap: http", "Disallow: /order/", "Disallow: /en/account")
    assert "Disallow: /p" not in robots.replace("Disallow: /pay/", "")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("10115", "Nearest to 10115 Berlin"),
        ("1011", "Five digits, please"),
        ("00000", "We do not know this postcode"),
        ("<script>", "Five digits, please"),
    ],
)
async def test_stores_by_postcode(shopper: Shopper, typed: str, said: str) -> None:
    page = await shopper.sees(f"/stores?postcode={typed}", said)
    assert "<script>" not in page.replace('<script type="application/ld+json">', "")


async def test_the_checkout_leads_to_the_terms_once_there_are_some(
    whole_with_desk: Whole, shopper: Shopper, store: checkout.Store
) -> None:
    article = await store.article(5)
    await shopper.sends("/basket/lines", "Delivery ", offer_id=str(article.offer_id), quantity="1")
    assert "terms</a> apply" not in await shopper.sees("/checkout")
    async with store.db.transaction() as tx:
        page_id = await add_page(tx, shop_id=store.shop.id, slug="terms", by="test", at=clock.now())
        written = Written("Terms", "", [TextBlock("Words.")])
        await put_draft(tx, page_id=page_id, language="en", written=written, by="test", at=clock.now())
        await publish(tx, page_id=page_id, language="en", by="test", at=clock.now())
    whole_with_desk.pages.state.pop("menus", None)
    page = await shopper.sees("/checkout")
    assert re.search(r'Our <a href="[^"]*/terms">terms</a> apply', page)


async def test_delivery_and_payment_say_what_the_shop_is_set_to(shopper: Shopper, store: checkout.Store) -> None:
    async with store.db.reading() as conn:
        rates = await shipping_rates(conn, shop_id=store.shop.id, at=clock.now())
    said = filters(locale_of("en"))
    costs = [said["money"](rate.price_minor, store.shop.currency) for rate in rates]
    page = await shopper.sees("/delivery", "Germany", "Austria", "Invoice", "In advance", *costs)
    assert page.index("Germany") < page.index("Austria"), "the shop's own country comes first"
    for rate in rates:
        if rate.free_from_minor:
            assert f"free from {said['money'](rate.free_from_minor, store.shop.currency)}" in unescape(page)
