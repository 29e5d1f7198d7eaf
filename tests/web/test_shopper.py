"""A shopper's pages over HTTP, in this process: product, basket, order and its withdrawal, account, wish list, stores,
and what search engines read. Every post comes from the page's own form."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest

from lotse.domains.catalog.commands import change_state, change_variant_state, put_products
from lotse.domains.catalog.contracts import PutProduct, PutVariant, Text
from lotse.domains.catalog.queries import variants_by_ids
from lotse.domains.checkout.queries import shipping_rates
from lotse.domains.checkout.tests import conftest as checkout
from lotse.domains.content.commands import add_page, publish, put_draft, take_down
from lotse.domains.content.contracts import TextBlock, Written
from lotse.domains.customers.contracts import CONSENT_LINK, EMAIL_LINK, RESET_LINK
from lotse.domains.inventory.commands import put_locations, put_postcodes, serve_shop
from lotse.domains.inventory.contracts import Postcode, PutLocation
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.kernel import clock
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Database
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.deciding import Choice, Noted, deciding
from lotse.kernel.pages.formatting import filters, locale_of
from lotse.kernel.sql import Statement
from lotse.testing import Fresh
from lotse.web.process import Process
from lotse.web.storefront.keeping import Places, Told
from tests.web.conftest import ORIGIN, Whole, at_origin

store = checkout.store  # a fixture
NEWEST_RESET = Statement(
    "test", "newest", "select id from customers.resets order by requested_at desc, id desc limit 1"
)
NEWEST_REQUEST = Statement(
    "test", "newest_request", "select id from customers.consent_requests order by asked_at desc, id desc limit 1"
)

NEWEST_CHANGE = Statement(
    "test", "newest_change", "select id from customers.email_changes where email = :email order by id desc limit 1"
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


@pytest.mark.parametrize(
    # Without an experiment delivery is free from 50 euros on.
    ("variation", "pieces", "total", "said"),
    [("set", 4, 5255, "€50.00: €2.40"), ("lower", 4, 4760, ""), ("higher", 5, 6445, "€60.00: €0.50")],
)
async def test_who_is_told_another_value_for_free_delivery_orders_by_it(
    shopper: Shopper, store: checkout.Store, fresh: Fresh, variation: str, pieces: int, total: int, said: str
) -> None:
    article = await store.article(9)
    choice = Noted([Choice("delivery.free_from", variation, "k", "a", "u")])
    await shopper.sends("/basket/lines", offer_id=str(article.offer_id), quantity=str(pieces))
    with deciding(choice):
        page = await shopper.sees("/basket", said)
        assert ("Free delivery from" in page) == bool(said)
        form = hidden(await shopper.sees("/checkout", said))
        assert hidden(await shopper.sees("/checkout/sum?country=DE&postcode=20457")).items() <= form.items()
        await shopper.sees("/delivery", f"free from {said.partition(':')[0] or '€40.00'}")
    assert "delivery.free_from" in choice.used
    assert form["total_minor"] == str(total) and ("free_from" in form) == (variation != "set")

    order = form | ADDRESS | {"email": f"{fresh.text('anna')}@example.org", "payment": "invoice"}
    if variation != "set":
        # What was not told, or was told of another basket, counts for nothing.
        other = Links(b"s" * 32).sign(f"free from:{variation}", uuid7())
        for free_from in ("", "x", other):
            await shopper.sends("/checkout", "The total has changed", **order | {"free_from": free_from})
    await shopper.sends("/checkout", "We have received order", f"€{total / 100:.2f}", **order)


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
    await shopper.sends("/account/consents", f"your click in the mail to {email}", news_mail="yes")
    article = await store.article(5)
    await shopper.sends("/basket/lines", offer_id=str(article.offer_id), quantity="1")
    page = await shopper.sees("/checkout", "Signed in as Grace Hopper.", 'value="Ring 1"')
    await shopper.sends(
        "/checkout", "We have received order", **hidden(page), **ADDRESS, email=email, payment="invoice"
    )
    page = await shopper.sees("/account", "Order ", "in progress")
    assert "released" not in page  # a word of staff
    found = re.search(r"/account/orders/[0-9a-f-]+", page)
    assert found
    page = await shopper.sees(found[0], "Order status", "Being packed")
    assert "On its way" not in page  # nothing tells that goods have left
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


async def test_news_are_confirmed_by_mail(shopper: Shopper, fresh: Fresh, db: Database) -> None:
    email = f"{fresh.text('grace')}@example.org"
    new = {"new_name": "Grace Hopper", "new_email": email, "new_password": "three wet otters sing"}
    await shopper.sends("/account/register", "Off until you switch it on", **new)
    await shopper.sends("/account/consents", "Send the mail again", news_mail="yes", language="en")
    await shopper.sends("/account/consents", "We sent you a mail", news_mail="yes", again="yes")
    async with db.reading() as conn:
        token = Links(b"s" * 32).sign(CONSENT_LINK, await conn.value(NEWEST_REQUEST))
    address = f"/account/consents/{token}"
    for _ in range(2):  # mail filters look first
        await shopper.sees(address, "Yes, send me news", email)
    await shopper.sees("/account", "Waiting for your click")
    await shopper.sends(address, "you get our news by e-mail from now on", f"for {email}")
    await shopper.sees(address, "This link is used up", status=410)
    await shopper.sees(address[:-2], status=404)
    page = await shopper.sends("/account/consents", "Your choice is saved.", "Decided on")
    assert 'value="yes" checked' not in page
    # Whoever reads the mailbox need not be signed in there.
    await shopper.sends("/account/consents", news_mail="yes")
    async with db.reading() as conn:
        token = Links(b"s" * 32).sign(CONSENT_LINK, await conn.value(NEWEST_REQUEST))
    await shopper.sends("/account/signout")
    await shopper.sends(f"/account/consents/{token}", "New here?", "you get our news by e-mail from now on")


async def test_another_mail_address_by_mail(shopper: Shopper, fresh: Fresh, db: Database) -> None:
    before, after = f"{fresh.text('grace')}@example.org", f"{fresh.text('hopper')}@example.org"
    taken, password = f"{fresh.text('taken')}@example.org", "three wet otters sing"

    async def link_to(email: str) -> str:
        async with db.reading() as conn:
            return f"/account/email/{Links(b's' * 32).sign(EMAIL_LINK, await conn.value(NEWEST_CHANGE, email=email))}"

    async def asks(email: str, *words: str, with_password: str = password) -> str:
        typed = {"other_email": email, "email_password": with_password, "language": "en"}
        return await shopper.sends("/account/email", *words, **typed)

    for email in (taken, before):
        if "lotse_customer" in shopper.jar:
            await shopper.sends("/account/signout")
        new = {"new_name": "Grace Hopper", "new_email": email, "new_password": password}
        await shopper.sends("/account/register", "Change e-mail address", **new)
    await asks("nobody", "Please enter an e-mail address")
    await asks(before.upper(), "the address of your account already")
    await asks(after, "do not fit together", with_password="wrong")
    # Whether it has an account or not: the same words.
    pages = [await asks(email, "We sent a mail to the new address", f"mail to {email}") for email in (taken, after)]
    assert pages[0].replace(taken, "x") == pages[1].replace(after, "x")
    await shopper.sees(await link_to(after), "Use this address", after)
    for _ in range(2):  # mail filters look first
        page = await shopper.sees(await link_to(after), "Use this address", after)
        assert "Your account's password" not in unescape(page) and before not in page
    await shopper.sees("/account", before)
    await shopper.sends(await link_to(after), "Your e-mail address is changed", f"{after} ·")
    await shopper.sees(await link_to(after), "This link is used up", status=410)
    await shopper.sees((await link_to(after))[:-2], status=404)

    # Whoever reads the mailbox without being signed in there says the password.
    await asks(before, "We sent a mail to the new address")
    link = await link_to(before)
    await shopper.sends("/account/signout")
    await shopper.sees(link, "Your account's password")
    await shopper.sends(link, "This is not the password of the account", password="wrong")
    await shopper.sends(link, "New here?", "Your e-mail address is changed", password=password)
    await shopper.sends("/account/signin", "do not fit together", email=after, password=password)
    await shopper.sends("/account/signin", "Hello, Grace Hopper", email=before, password=password)
    await shopper.sends("/account/signout")
    await asks(after, "Please sign in again")


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


async def test_an_account_changes_its_addresses_name_and_phone(shopper: Shopper, fresh: Fresh) -> None:
    email = f"{fresh.text('grace')}@example.org"
    new = {"new_name": "Grace Hopper", "new_email": email, "new_password": "three wet otters sing"}
    await shopper.sends("/account/register", "Hello, Grace Hopper", **new)
    for street in ("Ring 1", "Deich 2"):
        page = await shopper.sends("/account/addresses", street, **{**ADDRESS, "street": street}, kind="delivery")
    deich, ring = re.findall(r'href="[^"]*(/account/addresses/[0-9a-f-]+)"', page)
    await shopper.sees(ring, 'value="Ring 1"', "Deliver to")
    await shopper.sends(ring, "looks like", 'value="Kai 3"', **{**ADDRESS, "street": "Kai 3", "postcode": "1"})
    page = await shopper.sends(ring, "The address is saved.", "Kai 3", **{**ADDRESS, "street": "Kai 3"})
    assert "Ring 1" not in page and page.index("Deich 2") < page.index("Kai 3"), "it stays where it stood"
    await shopper.sends(deich, "Kai 3", **{**ADDRESS, "street": "Kai 3"})
    page = await shopper.sends("/account/details", "Please fill this in.", own_name="", own_phone="040 1")
    assert 'value="040 1"' in page and len(re.findall(r'href="[^"]*/account/addresses/', page)) == 1
    await shopper.sends("/account/details", "Hello, Grace Murray", "040 1", own_name="Grace Murray", own_phone="040 1")
    # Nobody else's.
    await shopper.sends("/account/signout")
    await shopper.sees(deich, "New here?")
    await shopper.sends("/account/register", "Hello", **{**new, "new_email": f"eve-{email}"})
    await shopper.sees(deich, status=404)


async def test_the_checkout_offers_every_address_of_the_account(
    shopper: Shopper, store: checkout.Store, fresh: Fresh
) -> None:
    email = f"{fresh.text('grace')}@example.org"
    new = {"new_name": "Grace Hopper", "new_email": email, "new_password": "three wet otters sing"}
    await shopper.sends("/account/register", "Hello", **new)
    for kind, street in (("delivery", "Ring 1"), ("billing", "Ring 1"), ("delivery", "Deich 2")):
        await shopper.sends("/account/addresses", street, **{**ADDRESS, "street": street}, kind=kind)
    article = await store.article(5)
    await shopper.sends("/basket/lines", offer_id=str(article.offer_id), quantity="1")
    page = await shopper.sees("/checkout", 'value="Deich 2"')
    offered = dict(re.findall(r'<option value="([0-9a-f-]{36}|new)"( selected)?>', page))
    assert list(offered.values()) == [" selected", "", ""], "each address once, and another one"
    ring = list(offered)[1]
    page = await shopper.sees(f"/checkout?address={ring}", 'value="Ring 1"', f'value="{ring}" selected')
    assert "Deich 2, " in page and 'value="Deich 2"' not in page
    page = await shopper.sees("/checkout?address=new", 'value="new" selected', f'value="{email}"')
    assert 'value="20457"' not in page
    # What was typed comes back after a mistake, whether it is one of them or not.
    typed = {**hidden(page), **ADDRESS, "street": "Kai 3", "email": "none", "phone": "040 123"}
    await shopper.sends("/checkout", 'value="Kai 3"', 'value="040 123"', 'value="new" selected', **typed)
    await shopper.sends("/checkout", 'value="040 123"', f'value="{ring}" selected', **{**typed, "street": "Ring 1"})
    await shopper.sees("/checkout?address=nobodys", 'value="Deich 2"')


async def test_wishes_of_a_guest_are_theirs_after_signing_in(
    shopper: Shopper, store: checkout.Store, fresh: Fresh
) -> None:
    await store.article(1, name="Kite")
    page = await shopper.sees("/new", "Kite")
    slug = re.findall(r'href="(?:/en)?(/p/[^"]+)">Kite', page)[0]
    form = hidden(await shopper.sees(slug, "Add to wish list"))
    page = await shopper.sends("/wishes", "Kite", variant_id=form["variant_id"])
    account = {
        "new_name": "Anna",
        "new_email": f"{fresh.text('a')}@example.org",
        "new_password": "four dry badgers hum",
    }
    await shopper.sends("/account/register", "Kite", **account, next="wishes")
    assert "lotse_wishes" not in shopper.jar
    wish = {name: text for name, text in hidden(page).items() if name in ("product_id", "variant_id")}
    await shopper.sends("/wishes/remove", "Nothing on it yet", **wish)
    for bad in ({"product_id": "x"}, {"variant_id": "x"}, {}):
        await shopper.sends("/wishes", "Please check", **bad)
    await shopper.sends("/wishes", "not there any more", variant_id=str(fresh.id()))


async def test_from_the_wish_list_into_the_basket(shopper: Shopper, store: checkout.Store, fresh: Fresh) -> None:
    one, gone = await store.article(1, name="Kite"), await store.article(0, name="Drum")
    slug = fresh.text("shoe")
    sizes = tuple(PutVariant(sku=f"{slug}-{size}".upper(), options={"size": size}) for size in ("40", "41"))
    product = PutProduct(slug=slug, tax_class="standard", texts=(Text("en", "Shoe"),), variants=sizes)
    async with store.db.transaction() as tx:
        [shoe] = await put_products(tx, [product], by="test", at=checkout.AT)
        owner = store.shop.owner_party_id
        offers = [PutOffer(shop_id=store.shop.id, variant_id=id, seller_party_id=owner) for id in shoe.variant_ids]
        await put_offers(tx, offers, by="test", at=checkout.AT)
        for id in shoe.variant_ids:
            await store.price(tx, id, "49.90")
        cards = await variants_by_ids(tx, variant_ids=[one.variant_id, gone.variant_id], language="en")
    for product_id in (*(card.product_id for card in cards), shoe.id):
        await shopper.sends("/wishes", product_id=str(product_id))
    page = await shopper.sees("/wishes", "Kite", "Drum", "Shoe")
    assert re.findall(r'name="offer_id" value="([^"]+)"', page) == [str(one.offer_id)], "nothing that is sold out"
    assert "Royal blue" in page and "Choose a variant" not in page
    for id in shoe.variant_ids:
        await store.stock(id, 2)
    page = await shopper.sees("/wishes", "Choose a variant")
    assert len(re.findall('name="offer_id"', page)) == 1 and f'/p/{slug}">Choose' in page
    await shopper.sends("/basket/lines", "Kite", offer_id=str(one.offer_id), quantity="1")


async def test_a_wish_keeps_the_size_that_was_chosen(shopper: Shopper, store: checkout.Store, fresh: Fresh) -> None:
    slug = fresh.text("shoe")
    options = tuple({"colour": "Royal blue", "size": size} for size in ("40", "41", "42"))
    skus = [f"{slug}-{one['size']}".upper() for one in options]
    sizes = tuple(PutVariant(sku=sku, options=one) for sku, one in zip(skus, options, strict=True))
    product = PutProduct(slug=slug, tax_class="standard", texts=(Text("en", "Shoe"),), variants=sizes)
    async with store.db.transaction() as tx:
        [shoe] = await put_products(tx, [product], by="test", at=checkout.AT)
        owner = store.shop.owner_party_id
        offers = [PutOffer(shop_id=store.shop.id, variant_id=id, seller_party_id=owner) for id in shoe.variant_ids]
        offered = await put_offers(tx, offers, by="test", at=checkout.AT)
        for id, price in zip(shoe.variant_ids, ("49.90", "51.90", "59.90"), strict=True):
            await store.price(tx, id, price)
    for id, stock in zip(shoe.variant_ids, (9, 0, 2), strict=True):
        await store.stock(id, stock)
    for sku in skus[1:]:
        form = hidden(await shopper.sees(f"/p/{slug}?sku={sku}", "Shoe"))
        await shopper.sends("/wishes", "Shoe", variant_id=form["variant_id"])
    page = await shopper.sees(
        "/wishes", "41 · Royal blue", "42 · Royal blue", "€51.90", "€59.90", "Few left", "Sold out"
    )
    assert "€49.90" not in page and ">from<" not in page and "Choose a variant" not in page
    assert f'/p/{slug}?sku={skus[2]}">Shoe' in page
    [buy] = re.findall(r'name="offer_id" value="([^"]+)"', page)
    await shopper.sends("/basket/lines", "42 · Royal blue", offer_id=buy, quantity="1")
    assert buy == str(next(one.id for one in offered if one.variant_id == shoe.variant_ids[2]))

    small = {"variant_ids": [shoe.variant_ids[2]], "by": "test", "at": checkout.AT}
    async with store.db.transaction() as tx:
        for state in ("phase_out", "archived"):
            await change_variant_state(tx, state=state, **small)
    page = await shopper.sees("/wishes", "No longer sold", "42 · Royal blue", "Its page shows what there is instead")
    assert f'/p/{slug}">Shoe' in page and "offer_id" not in page and "€59.90" not in page
    async with store.db.transaction() as tx:
        for state in ("phase_out", "archived"):
            await change_state(tx, product_ids=[shoe.id], state=state, by="test", at=checkout.AT)
    assert (await shopper.sees("/wishes")).count("No longer sold") == 2


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
    _, germany = offer["shippingDetails"]
    assert germany["deliveryTime"]["transitTime"]["maxValue"] == 2
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
    ("slug", "written", "home"),
    [
        ("info/{}", ("de",), ("de",)),
        ("info/{}", ("en",), ("en",)),
        ("info/{}", ("de", "en"), ("de", "en")),
        # Whoever does not read what staff wrote in another language than the shop's reads what comes with Lotse.
        ("imprint", ("en",), ("de", "en")),
        ("delivery", ("de",), ("de",)),
    ],
)
async def test_a_page_is_named_in_the_languages_that_it_is_written_in(
    shopper: Shopper, store: checkout.Store, fresh: Fresh, slug: str, written: tuple[str, ...], home: tuple[str, ...]
) -> None:
    path = slug.format(fresh.text("house"))
    async with store.db.transaction() as tx:
        page_id = await add_page(tx, shop_id=store.shop.id, slug=path.removeprefix("info/"), by="test", at=clock.now())
        for language in written:
            words = Written(f"Words in {language}", "", [TextBlock("Words.")])
            await put_draft(tx, page_id=page_id, language=language, written=words, by="test", at=clock.now())
            await publish(tx, page_id=page_id, language=language, by="test", at=clock.now())
    try:
        named = re.findall(rf"<loc>[^<]*/([a-z]+)/{path}</loc>", await shopper.sees("/sitemap/0"))
        assert named == list(home)
        for language in ("de", "en"):
            if language not in home and "de" not in written:
                await shopper.sees(f"/{language}/{path}", status=404)
                continue
            page = await shopper.sees(f"/{language}/{path}")
            own = language if language in home else "de"
            [canonical] = re.findall('<link rel="canonical" href="([^"]*)"', page)
            assert canonical.endswith(f"/{own}/{path}")
            assert re.findall('hreflang="([a-z-]+)" href="http', page) == [*home, "x-default"]
            if own in written:
                assert f'<h1 lang="{own}">Words in {own}</h1>' in page
            for other in re.findall(r'<li><a href="([^"]*)" hreflang="[a-z]+"', page):
                await shopper.sees(other)
    finally:
        async with store.db.transaction() as tx:
            for language in written:
                await take_down(tx, page_id=page_id, language=language, by="test", at=clock.now())


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("10115", "Around Berlin, the region of postcodes that begin with 10"),
        ("99999", "Around Erfurt, the region of postcodes that begin with 99"),
        ("1011", "Five digits, please"),
        ("00000", "We do not know this postcode"),
        ("<script>", "Five digits, please"),
    ],
)
async def test_stores_by_postcode(shopper: Shopper, typed: str, said: str) -> None:
    page = await shopper.sees(f"/stores?postcode={typed}", said)
    assert "<script>" not in page.replace('<script type="application/ld+json">', "")
    assert "Nearest to" not in page and not re.search(r"about [0-9]+ km", page), "only an exact place has distances"


async def test_a_store_is_as_far_as_an_exact_place_says(
    shopper: Shopper, store: checkout.Store, db: Database, fresh: Fresh
) -> None:
    code, postcode = fresh.text("near"), f"{secrets.randbelow(90_000) + 10_000}"
    async with db.transaction() as tx:
        place = PutLocation(
            code=code, kind="store", name=code, country="DE", timezone="Europe/Berlin", latitude=53.55, longitude=10.0
        )
        found = await put_locations(tx, [place], by="test", at=checkout.AT)
        await serve_shop(tx, shop_id=store.shop.id, location_ids=[found[code]], by="test", at=checkout.AT)
        await put_postcodes(tx, [Postcode("DE", postcode, "Altona", 53.64, 10.0)])
    await shopper.sees(f"/stores?postcode={postcode}", f"Nearest to {postcode} Altona", code, "about 10 km")


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


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_over_tls_every_cookie_is_for_tls_only(
    whole_with_desk: Whole, store: checkout.Store, process: Process, scheme: str
) -> None:
    pages, posts = whole_with_desk.pages, whole_with_desk.api
    pages.state.shop = posts.state.shop = (float("inf"), store.shop)
    ball = await store.article(1)
    own = Places(process).of(Told("/en/new", b"", secure=scheme == "https"), store.shop)
    assert own is not None
    cookies = [value.decode() for _, value in own.own]
    async with at_origin(pages) as reading, at_origin(posts) as writing:
        for one in (reading, writing):
            one.base_url = ORIGIN.replace("http", scheme)
        cookies += (await reading.get("/en/new")).headers.get_list("set-cookie")
        form, here = {"offer_id": str(ball.offer_id)}, {"Origin": str(writing.base_url).rstrip("/")}
        cookies += (await writing.post("/basket/lines", data=form, headers=here)).headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} >= {"lotse_language", "lotse_basket"} and len(cookies) > 2
    assert {"secure" in cookie.lower() for cookie in cookies} == {scheme == "https"}, cookies
