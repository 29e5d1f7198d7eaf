"""Pages in the database: what holds when, rolling back, renaming; redirects; what was asked for in vain."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from lotse.domains.content import commands, queries
from lotse.domains.content.contracts import (
    Asked,
    BadBlock,
    BadPath,
    BadPeriod,
    LostPath,
    MenuItem,
    ProductsBlock,
    RedirectLoop,
    SlugOfPageTaken,
    TextBlock,
    UnknownPage,
    Written,
)

pytestmark = pytest.mark.anyio
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BY = "staff:test"


class Desk:
    """A shop whose pages somebody writes."""

    def __init__(self, tx, shop: UUID) -> None:
        self.tx, self.shop = tx, shop

    async def page(self, slug: str = "about", *words: str) -> UUID:
        page_id = await commands.add_page(self.tx, shop_id=self.shop, slug=slug, by=BY, at=AT)
        for text in words:
            await self.publish(page_id, text)
        return page_id

    async def write(self, page_id: UUID, text: str, language: str = "de") -> None:
        written = Written(text, "", [TextBlock(text)])
        await commands.put_draft(self.tx, page_id=page_id, language=language, written=written, by=BY, at=AT)

    async def publish(self, page_id: UUID, text: str, *, begin=None, end=None, at=AT, language: str = "de") -> UUID:
        await self.write(page_id, text, language)
        return await commands.publish(
            self.tx, page_id=page_id, language=language, valid_from=begin, valid_until=end, by=BY, at=at
        )

    async def shown(self, at=AT, slug: str = "about", *languages: str) -> str | None:
        found = await queries.shown(self.tx, shop_id=self.shop, slug=slug, languages=languages or ("de", "en"), at=at)
        return found.title if found else None

    async def lead(self, path: str, target: str | None, status: int = 301) -> UUID:
        return await commands.put_redirect(
            self.tx, shop_id=self.shop, path=path, target=target, status=status, by=BY, at=AT
        )

    async def lost(self) -> list[LostPath]:
        return await self.tx.many(queries.READS.lost_table, LostPath, shop_id=self.shop)


@pytest.fixture
def writer(tx, fresh) -> Desk:
    return Desk(tx, fresh.id())


async def test_a_draft_is_nobodys_page(writer: Desk):
    page_id = await writer.page()
    await writer.write(page_id, "Draft")
    assert await writer.shown() is None
    found = await queries.previewed(writer.tx, page_id=page_id, language="de")
    assert found is not None and found.title == "Draft" and found.pieces[0].html == "<p>Draft</p>\n"


async def test_a_draft_is_unpublished_until_it_says_what_visitors_see(writer: Desk):
    page_id = await writer.page()

    async def is_unpublished(at=AT) -> bool:
        return await queries.is_unpublished(writer.tx, page_id=page_id, language="de", at=at)

    assert not await is_unpublished(), "nothing is written"
    await writer.write(page_id, "One")
    assert await is_unpublished()
    await writer.publish(page_id, "One")
    assert not await is_unpublished()
    await writer.write(page_id, "Two")
    assert await is_unpublished()
    await writer.publish(page_id, "Two", begin=AT + HOUR)
    assert await is_unpublished() and not await is_unpublished(AT + HOUR)


async def test_a_campaign_ends_by_itself(writer: Desk):
    page_id = await writer.page("about", "Always")
    await writer.publish(page_id, "Campaign", begin=AT + HOUR, end=AT + 2 * HOUR)
    moments = [AT, AT + HOUR, AT + 2 * HOUR - timedelta(seconds=1), AT + 2 * HOUR]
    assert [await writer.shown(at) for at in moments] == ["Always", "Campaign", "Campaign", "Always"]
    found = await queries.shown(writer.tx, shop_id=writer.shop, slug="about", languages=["de"], at=AT)
    assert found is not None and found.until == AT + HOUR


async def test_what_was_planned_is_taken_back(writer: Desk):
    page_id = await writer.page("about", "Always")
    await writer.publish(page_id, "Later", begin=AT + HOUR)
    planned, held = await queries.publications(writer.tx, page_id=page_id, language="de")
    for one, gone in ((planned, True), (held, False)):
        assert gone is await commands.withdraw_publication(
            writer.tx, page_id=page_id, publication_id=one.id, by=BY, at=AT
        )
    assert await writer.shown(AT + 2 * HOUR) == "Always"


async def test_rolling_back_is_publishing_again(writer: Desk):
    page_id = await writer.page("about", "One")
    first = (await queries.versions(writer.tx, page_id=page_id, language="de"))[0]
    await writer.publish(page_id, "Two", at=AT + HOUR)
    assert await writer.shown(AT + HOUR) == "Two"
    await commands.publish_version(writer.tx, version_id=first.id, by=BY, at=AT + 2 * HOUR)
    assert await writer.shown(AT + 2 * HOUR) == "One"
    assert [one.title for one in await queries.versions(writer.tx, page_id=page_id, language="de")] == ["Two", "One"]
    await commands.take_down(writer.tx, page_id=page_id, language="de", by=BY, at=AT + 3 * HOUR)
    assert await writer.shown(AT + 3 * HOUR) is None


async def test_languages_fall_back_to_the_shops_own(writer: Desk):
    page_id = await writer.page("about", "Hallo")
    assert await writer.shown(AT, "about", "en", "de") == "Hallo"
    await writer.publish(page_id, "Hello", language="en")
    assert await writer.shown(AT, "about", "en", "de") == "Hello"


async def test_refusals_in_their_order(writer: Desk, fresh):
    page_id = await writer.page()
    with pytest.raises(UnknownPage):
        await commands.publish(writer.tx, page_id=fresh.id(), language="de", by=BY, at=AT)
    with pytest.raises(UnknownPage):
        await commands.publish(writer.tx, page_id=page_id, language="de", by=BY, at=AT)
    empty = Written("x", "", [ProductsBlock(source="category")])
    await commands.put_draft(writer.tx, page_id=page_id, language="de", written=empty, by=BY, at=AT)
    with pytest.raises(BadPeriod):
        await commands.publish(writer.tx, page_id=page_id, language="de", valid_until=AT, by=BY, at=AT)
    with pytest.raises(BadBlock):
        await commands.publish(writer.tx, page_id=page_id, language="de", by=BY, at=AT)
    with pytest.raises(BadPath):
        await writer.page("No Slug")


async def test_two_pages_at_one_address(db, fresh):
    shop = fresh.id()
    async with db.transaction() as tx:
        await Desk(tx, shop).page("same")
    with pytest.raises(SlugOfPageTaken):
        async with db.transaction() as tx:
            await Desk(tx, shop).page("same")


async def test_a_renamed_page_is_found_at_its_old_address(writer: Desk):
    page_id = await writer.page("one", "Hi")
    for slug in ("two", "three", "one"):  # and back again: no circle
        await commands.rename(writer.tx, page_id=page_id, slug=slug, by=BY, at=AT)
    assert await writer.shown(AT, "one") == "Hi"
    leads = {
        path: await queries.redirect_at(writer.tx, shop_id=writer.shop, path=f"/info/{path}")
        for path in ("one", "two", "three")
    }
    assert {name: lead and lead.target for name, lead in leads.items()} == {
        "one": None,
        "two": "/info/three",
        "three": "/info/one",
    }


@pytest.mark.parametrize(
    ("path", "target"),
    [("/a", "/a"), ("/a/", "/de/a"), ("/c", "/a"), ("/b", "/a"), ("/c", "/b?x=1")],
)
async def test_no_circles(writer: Desk, path: str, target: str):
    await writer.lead("/a", "/b")
    await writer.lead("/b", "/c")
    with pytest.raises(RedirectLoop):
        await writer.lead(path, target)


@pytest.mark.parametrize(
    ("path", "target", "status"), [("/", "/a", 301), ("/a", None, 301), ("/a", "/b", 410), ("/a", "javascript:x", 301)]
)
async def test_redirects_that_cannot_be(writer: Desk, path: str, target: str | None, status: int):
    with pytest.raises(BadPath):
        await writer.lead(path, target, status)


async def test_a_path_that_is_gone_for_good(writer: Desk):
    await writer.lead("/p/old", None, 410)
    found = await queries.redirect_at(writer.tx, shop_id=writer.shop, path="/p/old")
    assert found is not None and (found.target, found.status) == (None, 410)
    await commands.remove_redirect(writer.tx, shop_id=writer.shop, redirect_id=found.id, by=BY, at=AT)
    assert await queries.redirect_at(writer.tx, shop_id=writer.shop, path="/p/old") is None


async def test_what_was_asked_for_in_vain_is_added_up(writer: Desk):
    for asked in ([Asked("/x", 2, "blog.example.org"), Asked("/y", 1, "")], [Asked("/x", 3, "")]):
        await commands.note_lost(writer.tx, shop_id=writer.shop, asked=asked, at=AT)
    found = {one.path: one for one in await writer.lost()}
    assert (found["/x"].asked, found["/x"].referrer_host, found["/y"].asked) == (5, "blog.example.org", 1)
    await writer.lead("/x", "/c/shoes")
    await commands.ignore_lost(writer.tx, shop_id=writer.shop, lost_id=found["/y"].id)
    assert [(one.path, one.ignored) for one in await writer.lost()] == [("/y", True)]


async def test_robots_do_not_fill_the_list(writer: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(commands, "MOST_LOST", 2)
    for paths in (["/a", "/b"], ["/c", "/a"]):
        await commands.note_lost(writer.tx, shop_id=writer.shop, asked=[Asked(path, 1, "") for path in paths], at=AT)
    assert {one.path: one.asked for one in await writer.lost()} == {"/a": 2, "/b": 1}


async def test_menus_fall_back_like_pages(writer: Desk):
    items = [MenuItem("Über uns", "/info/about")]
    await commands.put_menu(writer.tx, shop_id=writer.shop, place="footer", language="de", items=items, by=BY, at=AT)
    assert (await queries.menus(writer.tx, shop_id=writer.shop, languages=["en", "de"]))["footer"].items == items
    await commands.put_menu(writer.tx, shop_id=writer.shop, place="footer", language="de", items=[], by=BY, at=AT)
    assert await queries.menus(writer.tx, shop_id=writer.shop, languages=["de"]) == {}
