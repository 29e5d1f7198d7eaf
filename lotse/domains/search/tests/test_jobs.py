"""What the index has to read anew: each article once, and everything where too much of it changed."""

import asyncio
from typing import Any, cast
from uuid import UUID

import pytest

from lotse.domains.search import jobs
from lotse.domains.search.jobs import ANEW_ARTICLES, ANEW_SHARE
from lotse.kernel.consumers import Place
from lotse.kernel.ids import uuid7

SHOP = cast(Any, None)


class Shelf:
    """An index that keeps nothing but its mark."""

    def __init__(self, articles: int) -> None:
        self.articles = articles

    def mark(self) -> str:
        return f"0:{UUID(int=0)}"

    def size(self) -> int:
        return self.articles


class Told(jobs._Follower):  # pyright: ignore[reportPrivateUsage]
    """Reads its slices instead of the log's, and says what it would write."""

    def __init__(self, *slices: list[UUID]) -> None:
        super().__init__(cast(Any, None), cast(Any, None), asyncio.Event())
        self.slices = list(slices)
        self.did: list[Any] = []

    async def _read(self, place: Place) -> tuple[Place, list[UUID], bool]:
        return Place(place.position + 1, UUID(int=0)), self.slices.pop(0), bool(self.slices)

    async def _write(self, shop: Any, index: Any, changed: Any, mark: str) -> None:
        self.did.append((sorted(changed), mark))

    async def _build(self, shop: Any) -> None:
        self.did.append("built")

    async def _look(self, shop: Any, index: Any, place: Place) -> None:
        self.did.append("looked")


ONE, OTHER = sorted((uuid7(), uuid7()))


@pytest.mark.parametrize(
    ("articles", "slices", "did"),
    [
        pytest.param(9, [[]], [([], f"1:{UUID(int=0)}"), "looked"], id="nothing"),
        pytest.param(9, [[ONE, OTHER], [ONE]], [([ONE, OTHER], f"2:{UUID(int=0)}"), "looked"], id="each once"),
        pytest.param(9, [[uuid7() for _ in range(ANEW_ARTICLES + 1)], []], ["built"], id="anew"),
    ],
)
async def test_what_is_told_is_written_once_or_all_is_built_anew(
    monkeypatch: pytest.MonkeyPatch, articles: int, slices: list[list[UUID]], did: list[Any]
):
    follower = Told(*slices)
    monkeypatch.setattr(jobs, "index_of", lambda *_: Shelf(articles))
    await follower._keep(SHOP)  # pyright: ignore[reportPrivateUsage]
    assert follower.did == did


async def test_a_large_index_is_not_built_for_what_a_small_one_is(monkeypatch: pytest.MonkeyPatch):
    follower = Told([uuid7() for _ in range(ANEW_ARTICLES + 1)])
    monkeypatch.setattr(jobs, "index_of", lambda *_: Shelf(ANEW_SHARE * (ANEW_ARTICLES + 1)))
    await follower._keep(SHOP)  # pyright: ignore[reportPrivateUsage]
    assert follower.did[-1] == "looked" and len(follower.did[0][0]) == ANEW_ARTICLES + 1
