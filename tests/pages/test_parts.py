"""A piece that many pages share is rendered once for all that it depends on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lotse.kernel.ids import uuid7
from lotse.kernel.pages.environment import Templates
from lotse.kernel.pages.slots import Ask, Slots
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
