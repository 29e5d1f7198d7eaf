"""A piece that many pages share is rendered once for all that it depends on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from lotse.kernel.ids import uuid7
from lotse.kernel.pages.environment import Templates
from lotse.kernel.pages.slots import Answerer, Ask, Slots
from lotse.kernel.pages.view import Parts, Site, View


class NoDatabase:
    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        raise AssertionError("a part reads nothing")
        yield


def test_a_part_is_rendered_once_per_language_and_key(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('{{ part("mine/part.html", name) }}')
    (tmp_path / "part.html").write_text("{{ language }} <b>{{ name }}</b> {{ number }}")
    site = Site(Templates({"mine": tmp_path}), Slots([]), NoDatabase())
    shop, at = uuid7(), datetime(2026, 11, 21, tzinfo=UTC)

    def shown(language: str, name: str, number: int) -> Any:
        view = View(site, Ask(shop, language, "EUR", "", (), at), {})
        return view.show("mine/page.html", name=name, number=number).content

    assert shown("en", "<a>", 1) == "en <b>&lt;a&gt;</b> 1"
    assert shown("en", "<a>", 2) == "en <b>&lt;a&gt;</b> 1", "the same piece"
    assert shown("en", "b", 3) == "en <b>b</b> 3"
    assert shown("de", "b", 4) == "de <b>b</b> 4"


def test_parts_are_bounded() -> None:
    parts = Parts(most=2)
    for number in range(5):
        parts.put(number, Markup("piece"))
    assert [number for number in range(5) if parts.get(number)] == [4]


class Connected:
    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        yield None


async def test_what_a_card_says_is_rendered_once_per_language_and_gist(tmp_path: Path) -> None:
    rendered: list[int] = []
    (tmp_path / "page.html").write_text('{% for id in ids %}{{ slot("card.offer", id) }},{% endfor %}')
    (tmp_path / "offer.html").write_text("<b>{{ counted(gist) }} {{ language }}</b>")
    (tmp_path / "visitor.html").write_text("{{ name }}")

    def counted(gist: int) -> int:
        rendered.append(gist)
        return gist

    costs = {uuid7(): 5, uuid7(): 7, uuid7(): 5}

    async def answer(connection: Any, ask: Ask) -> dict[UUID, int]:
        return {id: costs[id] for id in ask.ids}

    def site(template: str) -> Site:
        answerer = Answerer("card.offer", "mine", template, 5_000, answer, gist=min)
        return Site(Templates({"mine": tmp_path}, names={"counted": counted}), Slots([answerer]), Connected())

    async def shown(site: Site, language: str) -> Any:
        view = View(site, Ask(uuid7(), language, "EUR", "", (), datetime(2026, 11, 21, tzinfo=UTC)), {"name": "Ada"})
        await view.ask({"card.offer": list(costs)})
        return view.show("mine/page.html", ids=list(costs)).content

    same = site("mine/offer.html")
    assert await shown(same, "en") == "<b>5 en</b>,<b>7 en</b>,<b>5 en</b>,"
    assert await shown(same, "de") == "<b>5 de</b>,<b>7 de</b>,<b>5 de</b>,"
    await shown(same, "de")
    assert rendered == [5, 7, 5, 7]
    with pytest.raises(UndefinedError):  # what is a visitor's own is out of its reach
        await shown(site("mine/visitor.html"), "en")
