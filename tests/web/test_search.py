"""Search over HTTP, in this process, on an index of its own: what people decide, and what a search in vain shows."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from msgspec import Struct

from lotse.domains.catalog.commands import put_categories
from lotse.domains.catalog.contracts import CategoryText, PutCategory, StoredProduct
from lotse.domains.search import queries
from lotse.domains.search.commands import put_rule, rebuild
from lotse.domains.search.contracts import PutRule, Question, UnknownTarget
from lotse.domains.search.pages.lists import labelled
from lotse.kernel import clock
from lotse.kernel.auth import tokens
from lotse.kernel.db import Database
from lotse.kernel.pages.slots import Keeping
from lotse.kernel.settings import Settings
from lotse.kernel.tags import Tags
from lotse.testing import Fresh
from tests.scene import AT, BY, Place, open_shop, put_one
from tests.web.conftest import ORIGIN, at_origin


class Asked(Struct, frozen=True):
    """A shop whose index knows two articles, a visitor and somebody of its staff."""

    place: Place
    shoe: StoredProduct
    bike: StoredProduct
    visitor: httpx.AsyncClient
    staff: httpx.AsyncClient
    posts: httpx.AsyncClient


@pytest.fixture
async def asked(
    whole_api: Litestar, whole_pages: Litestar, db: Database, settings: Settings, fresh: Fresh
) -> AsyncIterator[Asked]:
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        shoe = await put_one(tx, fresh, name="Laufschuh")
        bike = await put_one(tx, fresh, name="Gravelbike")
        made = await tokens.make(
            tx, name="Anna Test", scopes=["search.read", "search.write"], days=1, actor="system", at=clock.now()
        )
    await rebuild(db, settings, place.shop, at=clock.now())
    whole_api.state.shop = whole_pages.state.shop = (float("inf"), place.shop)
    async with at_origin(whole_pages) as visitor, at_origin(whole_pages) as staff, at_origin(whole_api) as posts:
        for browser in (staff, posts):
            browser.headers.update({"Authorization": f"Bearer {made.secret}", "Origin": ORIGIN})
        yield Asked(place, shoe, bike, visitor, staff, posts)


async def test_what_stands_in_for_a_department_until_there_is_an_index_is_not_kept(
    whole_pages: Litestar, db: Database, settings: Settings, fresh: Fresh
) -> None:
    slug = fresh.text("department")
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        await put_categories(tx, [PutCategory(slug=slug, texts=(CategoryText("de", "Abteilung"),))], by=BY, at=AT)
    whole_pages.state.shop = (float("inf"), place.shop)
    keeping = Keeping()

    async def asked_to_keep(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["keeping"] = keeping
        await whole_pages(scope, receive, send)

    async with at_origin(asked_to_keep) as visitor:
        assert "Abteilung" in (await visitor.get(f"/c/{slug}")).text
        assert not keeping.is_whole
        await rebuild(db, settings, place.shop, at=clock.now())
        assert "Abteilung" in (await visitor.get(f"/c/{slug}")).text
        assert keeping.is_whole


async def test_the_language_of_a_trial_is_not_that_of_the_back_office(asked: Asked) -> None:
    answer = await asked.staff.get(
        "/office/search", params={"in": "en", "q": "shoe"}, headers={"Accept-Language": "de"}
    )
    assert '<html lang="de"' in answer.text and "set-cookie" not in answer.headers
    assert re.search(r"<option selected>EN", answer.text)
    assert 'name="language"' not in answer.text.split("</form>")[0]


async def pinned(asked: Asked, db: Database, words: str) -> None:
    async with db.transaction() as tx:
        rule = PutRule(
            shop_id=asked.place.shop.id,
            words=words,
            act="pin",
            target="product",
            value=str(asked.bike.id),
            place=1,
            reason="Nobody sells what they ask for",
        )
        await put_rule(tx, rule, comparable=words, by=BY, at=AT)


@pytest.mark.parametrize(("language", "words"), [("de", "Laufschuh"), ("en", "running shoes"), ("en", "xqzwvk")])
async def test_a_rule_holds_in_each_language(
    asked: Asked, db: Database, settings: Settings, language: str, words: str
) -> None:
    await pinned(asked, db, words)
    decisions = await queries.decided(Tags(), db, asked.place.shop)
    question = queries.decided_for(Question(words=words, language=language), decisions, at=clock.now())
    assert question.steer.pins == {1: asked.bike.id}
    answer, _, _ = await queries.ordered(queries.index_of(settings, asked.place.shop), question)
    assert answer.ids[0] == asked.bike.id
    page = (await asked.staff.get("/office/search", params={"in": language, "q": words})).text
    assert "Nobody sells what they ask for" in page.split('aria-labelledby="rules"')[0]


def rule_form(**typed: str) -> dict[str, str]:
    return {"list": "laufschuh", "act": "bury", "target": "brand", "value": "Kranich", "reason": "why not", **typed}


async def test_staff_see_who_decided_and_which_rule_acts(asked: Asked) -> None:
    answer = await asked.posts.post("/office/search/rules", data=rule_form(target="value", value="Size: 0"))
    assert answer.status_code == 303 and "refused" not in answer.headers["location"], answer.text
    tried, listed = (await asked.staff.get("/office/search", params={"q": "laufschuh"})).text.split(
        'aria-labelledby="rules"'
    )
    assert "why not" in tried and "why not" in listed
    assert "Anna Test" in listed and "token:" not in listed


async def test_targets_are_understood_as_pages_show_them(asked: Asked, db: Database, settings: Settings) -> None:
    index, shop = queries.index_of(settings, asked.place.shop), asked.place.shop
    assert await queries.value_called(index, shop, "brand", "kranich", labelled) == ("brand", "Kranich")
    assert await queries.value_called(index, shop, "Größe", "0", labelled) == ("size", "0")
    assert await queries.value_called(index, shop, "Marke", "Kranich", labelled) == ("brand", "Kranich")
    with pytest.raises(UnknownTarget) as refused:
        await queries.value_called(index, shop, "brand", "Gibtsnicht", labelled)
    assert "Kranich" in refused.value.known
    with pytest.raises(UnknownTarget):
        await queries.value_called(index, shop, "gibtsnicht", "x", labelled)
    async with db.reading() as conn:
        with pytest.raises(UnknownTarget):
            await queries.category_called(conn, shop, "gibtsnicht")


async def test_what_is_pinned_to_a_search_in_vain_is_found(asked: Asked, db: Database, settings: Settings) -> None:
    await pinned(asked, db, "xqzwvk")
    index = queries.index_of(settings, asked.place.shop)
    decisions = await queries.decided(Tags(), db, asked.place.shop)
    for sort in ("relevance", "price"):
        question = Question(words="xqzwvk", language="de", sort=sort)
        answer, step, _ = await queries.ordered(index, queries.decided_for(question, decisions, at=clock.now()))
        assert (answer.ids, answer.total, step) == ([asked.bike.id], 1, None)


async def test_the_pages_of_a_loosened_search_go_on(asked: Asked, settings: Settings) -> None:
    index = queries.index_of(settings, asked.place.shop)
    first, step, _ = await queries.ordered(index, Question(words="laufschuh xqzwvk", language="de", limit=1))
    assert step == "some_words"
    further = Question(words="laufschuh xqzwvk", language="de", limit=1, offset=1)
    second, step, question = await queries.ordered(index, further)
    assert (second.total, step, question.offset) == (first.total, "some_words", 1)


async def test_what_is_popular_instead_is_not_counted_and_not_sorted(asked: Asked, settings: Settings) -> None:
    index = queries.index_of(settings, asked.place.shop)
    answer, step, _ = await queries.ordered(index, Question(words="xqzwvk", language="de"))
    assert answer.ids and (answer.total, step) == (0, "popular")
    page = (await asked.visitor.get("/search", params={"q": "xqzwvk"})).text
    assert "data-place" in page or "/p/" in page
    for part in ("found-total", "found-sort", 'id="facets"', "pager"):
        assert part not in page
    assert "found-total" in (await asked.visitor.get("/search", params={"q": "laufschuh"})).text
