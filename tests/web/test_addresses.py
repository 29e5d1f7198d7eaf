"""Addresses that changed, ended or never were; and what every page leads to: foot and site map. In this process."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import anyio.lowlevel
import httpx
import pytest

from lotse.domains.catalog.commands import change_state, put_categories, rename, rename_category, set_successor
from lotse.domains.catalog.contracts import CategoryText, PutCategory
from lotse.domains.catalog.queries import product_by_slug
from lotse.domains.checkout.tests import conftest as checkout
from lotse.domains.content.commands import add_page, publish, put_draft, put_menu, put_redirect
from lotse.domains.content.contracts import PREVIEW_LINK, CategoriesBlock, MenuItem, TextBlock, Written
from lotse.domains.content.queries import page_at, previewed
from lotse.domains.parties.contracts import Shop
from lotse.testing import Fresh
from lotse.web.storefront.leading import Leading
from tests.web.conftest import Whole, at_origin

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
BY = "test"
store = checkout.store  # a fixture


class House:
    """The pages of one shop, with what looks after addresses around them."""

    def __init__(self, browser: httpx.AsyncClient, leading: Leading, state: Any, store: checkout.Store) -> None:
        self.browser, self.leading, self.store = browser, leading, store
        self._state = state

    async def get(self, path: str) -> httpx.Response:
        return await self.browser.get(path)

    async def foot(self, path: str = "/en/basket") -> str:
        """The foot as it is once what is remembered is too old."""
        self._state.pop("menus", None)
        page = (await self.get(path)).text
        return page[page.index('<footer class="foot">') :]

    async def publish(self, slug: str, title: str) -> None:
        async with self.store.db.transaction() as tx:
            page_id = await add_page(tx, shop_id=self.store.shop.id, slug=slug, by=BY, at=AT)
            written = Written(title, "", [TextBlock("Words.")])
            await put_draft(tx, page_id=page_id, language="en", written=written, by=BY, at=AT)
            await publish(tx, page_id=page_id, language="en", by=BY, at=AT)

    async def preview(self, slug: str, title: str) -> str:
        """The preview of a page after its draft was written anew."""
        async with self.store.db.transaction() as tx:
            page = await page_at(tx, shop_id=self.store.shop.id, slug=slug)
            assert page is not None
            written = Written(title, "", [TextBlock("Words.")])
            await put_draft(tx, page_id=page.id, language="en", written=written, by=BY, at=AT)
        token = self._state.process.links.sign(f"{PREVIEW_LINK}:en", page.id)
        return (await self.get(f"/en/preview/en/{token}")).text


@pytest.fixture
async def house(whole_with_desk: Whole, store: checkout.Store) -> AsyncIterator[House]:
    pages = whole_with_desk.pages
    pages.state.shop = (float("inf"), store.shop)
    leading = Leading(pages, pages.state.process)

    async def of_this_test() -> Shop:
        return store.shop

    leading._shop = of_this_test  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    async with at_origin(leading) as browser:
        browser.headers["Accept-Language"] = "en"
        yield House(browser, leading, pages.state, store)


async def article(house: House) -> tuple[Any, str]:
    """An article's product and slug."""
    made = await house.store.article(3)
    async with house.store.db.reading() as conn:
        found = await conn.raw.fetchrow(
            "select id, slug from catalog.products where id = (select product_id from catalog.variants where id = $1)",
            made.variant_id,
        )
    assert found is not None
    return found["id"], found["slug"]


async def test_a_changed_slug_leads_on_for_good(house: House, fresh: Fresh):
    product_id, first = await article(house)
    second, third = fresh.text("second"), fresh.text("third")
    for slug in (second, third):
        async with house.store.db.transaction() as tx:
            await rename(tx, product_id=product_id, slug=slug, by=BY, at=AT)
    for former in (first, second):
        answer = await house.get(f"/en/p/{former}?sku=X")
        # At once, and not from one old address to the next.
        assert (answer.status_code, answer.headers["location"]) == (301, f"/en/p/{third}?sku=X")
    assert (await house.get(f"/en/p/{third}")).status_code == 200


async def test_a_changed_slug_keeps_the_whole_query_and_goes_back_without_a_circle(house: House, fresh: Fresh):
    product_id, first = await article(house)
    second = fresh.text("second")
    await renamed(house, product_id, second)
    for prefix in ("", "/en", "/de"):
        answer = await house.get(f"{prefix}/p/{first}?sku=X&utm_source=a%20b")
        assert (answer.status_code, answer.headers["location"]) == (301, f"{prefix}/p/{second}?sku=X&utm_source=a%20b")
        assert answer.headers["cache-control"] == "no-cache"  # else a browser could remember both ways
    page = (await house.get(f"/en/p/{second}")).text
    assert f"/p/{second}" in page and f"/p/{first}" not in page  # canonical, hreflang and JSON-LD among them
    await renamed(house, product_id, first)
    assert (await house.get(f"/en/p/{first}")).status_code == 200
    assert (await house.get(f"/en/p/{second}")).headers["location"] == f"/en/p/{first}"
    # Something new takes the old address.
    other, _ = await article(house)
    await renamed(house, other, second)
    assert (await house.get(f"/en/p/{second}")).status_code == 200


async def renamed(house: House, product_id: Any, slug: str) -> None:
    async with house.store.db.transaction() as tx:
        await rename(tx, product_id=product_id, slug=slug, by=BY, at=AT)


async def test_a_changed_slug_of_a_category_leads_on(house: House, fresh: Fresh):
    first, second = fresh.text("first"), fresh.text("second")
    async with house.store.db.transaction() as tx:
        put = PutCategory(slug=first, texts=(CategoryText("en", "Boots"),))
        ids = await put_categories(tx, [put], by=BY, at=AT)
    assert (await house.get(f"/en/c/{first}")).status_code == 200
    async with house.store.db.transaction() as tx:
        await rename_category(tx, category_id=ids[first], slug=second, by=BY, at=AT)
        page_id = await add_page(tx, shop_id=house.store.shop.id, slug=fresh.text("page"), by=BY, at=AT)
        written = Written("Page", "", [CategoriesBlock("", f"/c/{first}")])
        await put_draft(tx, page_id=page_id, language="en", written=written, by=BY, at=AT)
        composed = await previewed(tx, page_id=page_id, language="en")
    assert composed and [tile.slug for tile in composed.pieces[0].tiles] == [second]
    for prefix in ("", "/en", "/de"):
        answer = await house.get(f"{prefix}/c/{first}?sort=price&utm=x")
        assert (answer.status_code, answer.headers["location"]) == (301, f"{prefix}/c/{second}?sort=price&utm=x")
    page = await house.get(f"/en/c/{second}")
    assert page.status_code == 200 and f"/c/{first}" not in page.text
    assert (await house.get(f"/en/c/{fresh.text('nothing')}")).status_code == 404


async def test_archived_goods_are_gone_unless_something_follows_them(house: House, fresh: Fresh):
    product_id, slug = await article(house)
    assert (await house.get(f"/en/p/{slug}")).status_code == 200
    async with house.store.db.transaction() as tx:
        await change_state(tx, product_ids=[product_id], state="archived", by=BY, at=AT)
        assert await product_by_slug(tx, slug=slug, language="en") is None
    for prefix in ("", "/en", "/de"):
        gone = await house.get(f"{prefix}/p/{slug}")
        assert gone.status_code == 410 and gone.headers["cache-control"] == "no-store"
    assert 'lang="de"' in gone.text
    follower_id, follower = await article(house)
    async with house.store.db.transaction() as tx:
        await set_successor(tx, product_id=product_id, successor_id=follower_id, by=BY, at=AT)
        await rename(tx, product_id=product_id, slug=fresh.text("archived"), by=BY, at=AT)
    for prefix in ("", "/en", "/de"):  # also by what used to be its address
        answer = await house.get(f"{prefix}/p/{slug}?utm=x")
        assert (answer.status_code, answer.headers["location"]) == (301, f"{prefix}/p/{follower}?utm=x")
    _, successor = await article(house)
    async with house.store.db.transaction() as tx:
        await put_redirect(
            tx, shop_id=house.store.shop.id, path=f"/p/{slug}", target=f"/p/{successor}", status=301, by=BY, at=AT
        )
    follows = await house.get(f"/de/p/{slug}?utm=x")
    assert (follows.status_code, follows.headers["location"]) == (301, f"/de/p/{successor}?utm=x")


async def test_what_was_asked_for_in_vain_is_on_the_work_list(house: House, fresh: Fresh):
    path = f"/{fresh.text('lost')}"
    headers = {"Referer": "https://blog.example/a?secret=1", "Cookie": "lotse_visitor=x"}
    for _ in range(3):
        assert (await house.browser.get(f"/en{path}?mail=anna@example.org", headers=headers)).status_code == 404
    writing = house.leading._writing  # pyright: ignore[reportPrivateUsage]
    assert writing is not None
    while house.leading._counts:  # pyright: ignore[reportPrivateUsage]
        await anyio.lowlevel.checkpoint()
    async with house.store.db.reading() as conn:
        while not (found := await conn.raw.fetch("select * from content.lost_paths where path = $1", path)):
            await anyio.lowlevel.checkpoint()
    writing.cancel()
    # Nothing about who asked.
    assert "anna" not in str(found) and "secret" not in str(found) and "blog.example" in str(found)


async def test_the_foot_leads_to_what_the_law_wants_whoever_arranged_it(house: House):
    foot = await house.foot()
    wanted = {"/imprint", "/privacy", "/withdrawal", "/withdraw", "/consent"}
    assert wanted <= links_of(foot) and "/terms" not in links_of(foot)
    await house.publish("terms", "Our terms")
    await house.publish("about", "About <us>")
    foot = await house.foot()
    assert wanted | {"/terms", "/info/about"} <= links_of(foot) and "About &lt;us&gt;" in foot
    async with house.store.db.transaction() as tx:
        await put_menu(
            tx, shop_id=house.store.shop.id, place="footer", language="en",
            items=[MenuItem("Ours", ""), MenuItem("Blog", "https://blog.example/")], by=BY, at=AT,
        )  # fmt: skip
    foot = await house.foot()
    assert wanted | {"/terms", "https://blog.example/"} <= links_of(foot) and "/info/about" not in links_of(foot)


def links_of(part: str) -> set[str]:
    return {link.removeprefix("/en") for link in re.findall(r'href="([^"]+)"', part)}


async def test_the_site_map_holds_published_pages(house: House):
    await house.publish("terms", "Our terms")
    await house.publish("size-advice", "Sizes")
    await house.publish("delivery", "Ours instead of Lotse's")
    await house.publish("home", "First page")
    async with house.store.db.transaction() as tx:
        await add_page(tx, shop_id=house.store.shop.id, slug="only-a-draft", by=BY, at=AT)
    page = (await house.get("/sitemap/0")).text
    places = re.findall(r"<loc>[^<]*?/en(/[^<]*)?</loc>", page)
    assert {"/terms", "/info/size-advice", "/delivery"} <= set(places)
    assert len(places) == len(set(places)), "each address once"
    assert "only-a-draft" not in page and "/info/home" not in page and "/info/delivery" not in page


async def test_a_preview_says_that_it_is_a_draft_only_while_it_is_one(house: House, fresh: Fresh):
    slug = fresh.text("preview")
    await house.publish(slug, "Published")
    assert 'id="consent"' in (await house.get(f"/en/info/{slug}")).text
    draft, published = await house.preview(slug, "Changed"), await house.preview(slug, "Published")
    assert "This is a draft" in draft and "This is a draft" not in published
    for page in (draft, published):
        assert "Words." in page and 'id="consent"' not in page
