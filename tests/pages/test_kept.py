"""Kept pages: rendered once, given up when what they show changes, never a stranger's."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import brotli
import pytest
import zstandard

from lotse.kernel import clock
from lotse.kernel.pages import kept
from lotse.kernel.pages.kept import KeptPages, Place
from lotse.kernel.pages.slots import Standing
from lotse.kernel.tags import Tags

COOKIE = (b"set-cookie", b"language=en; Path=/")


class Database:
    """Hands out no connection: what is looked at here needs none."""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        yield None


class Shop:
    """Pages behind `KeptPages`; `shows` is what the next page says of itself."""

    def __init__(self) -> None:
        self.tags = Tags()
        self.tags.line(live=True)
        self.rendered = 0
        self.began = asyncio.Event()
        self.stock = {1: 5}
        self.looks = 0
        self.shows: Callable[[Any], Any] = lambda keeping: keeping.shows(["price:1"], ["product"])
        self.headers: list[tuple[bytes, bytes]] = [(b"content-type", b"text/html")]
        self.status = 200
        self.sent = 0
        self.more = b""
        self.during: Callable[[], Any] | None = None
        self.own: tuple[tuple[bytes, bytes], ...] = ()
        self.kept = KeptPages(
            self.render,
            self.place,
            tags=self.tags,
            database=Database(),
            everywhere=["frame"],
            private=[b"language"],
        )

    async def look(self, _: Any, keys: Any) -> dict[int, int]:
        self.looks += 1
        return {key: self.stock[key] for key in keys}

    async def place(self, scope: Any) -> Place | None:
        return None if scope["path"] == "/mine" else Place(scope["path"], self.own)

    async def render(self, scope: Any, _: Any, send: Any) -> None:
        self.rendered += 1
        self.began.set()
        if (keeping := scope["state"].get("keeping")) is not None:
            self.shows(keeping)
        number = self.rendered
        if self.during is not None and (waiting := self.during()) is not None:
            await waiting
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"page ", "more_body": True})
        await send({"type": "http.response.body", "body": b"%d" % number + self.more})

    async def ask(
        self, path: str = "/", method: str = "GET", **given: bytes
    ) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """Body and headers."""
        body, headers = b"", []

        async def send(message: Any) -> None:
            nonlocal body, headers
            body += message.get("body", b"")
            headers = message.get("headers", headers)
            self.sent = message.get("status", self.sent)

        told = [(name.replace("_", "-").encode(), value) for name, value in given.items()]
        await self.kept({"type": "http", "method": method, "path": path, "headers": told, "state": {}}, None, send)
        return body, headers


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_page_is_rendered_once(shop: Shop) -> None:
    first, again = await shop.ask(), await shop.ask()
    assert first == again
    assert first[0] == b"page 1"
    assert (b"surrogate-key", b"price:1 product") in first[1]
    assert (await shop.ask("/other"))[0] == b"page 2", "another page"
    assert (await shop.ask(method="POST"))[0] == b"page 3", "a post is none"


async def test_a_page_of_very_many_things_names_their_types(shop: Shop) -> None:
    """A cache in front keeps what says of whom it is; headers of any length are taken by none."""
    shop.shows = lambda keeping: keeping.shows([f"price:{number:0>36}" for number in range(500)], ["product"])
    _, headers = await shop.ask()
    assert (b"surrogate-key", b"price product") in headers


@pytest.mark.parametrize(
    ("drop", "gone"),
    [("price:1", True), ("price:2", False), ("product:9", True), ("frame:7", True), ("other:1", False)],
)
async def test_events_drop_what_shows_them(shop: Shop, drop: str, gone: bool) -> None:
    await shop.ask()
    shop.tags.drop([drop])
    assert (await shop.ask())[0] == (b"page 2" if gone else b"page 1")


async def test_a_line_that_breaks_drops_everything(shop: Shop) -> None:
    await shop.ask()
    shop.tags.line(live=False)
    assert [(await shop.ask())[0] for _ in range(2)] == [b"page 2", b"page 3"], "and nothing is kept without it"


@pytest.mark.parametrize("drop", ["price:1", "product:9", "frame:7"])
async def test_a_fill_is_refused_if_it_may_be_what_was_dropped(shop: Shop, drop: str) -> None:
    shop.during = lambda: shop.tags.drop([drop])
    await shop.ask()
    shop.during = None
    assert (await shop.ask())[0] == b"page 2"
    assert (await shop.ask())[0] == b"page 2"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda shop: setattr(shop, "shows", lambda keeping: None), id="says nothing"),
        pytest.param(lambda shop: setattr(shop, "shows", lambda k: (k.shows([], []), k.refuse())), id="incomplete"),
        pytest.param(lambda shop: setattr(shop, "status", 404), id="not found"),
        pytest.param(lambda shop: shop.headers.append((b"set-cookie", b"basket=1")), id="a cookie"),
    ],
)
async def test_what_is_not_for_everybody_is_not_kept(shop: Shop, spoil: Callable[[Shop], None]) -> None:
    spoil(shop)
    assert [(await shop.ask())[0] for _ in range(2)] == [b"page 1", b"page 2"]


async def test_what_the_visitor_chose_goes_to_that_visitor_only(shop: Shop) -> None:
    shop.headers.append(COOKIE)
    assert COOKIE in (await shop.ask())[1]
    body, headers = await shop.ask()
    assert body == b"page 1" and COOKIE not in headers
    shop.own = (COOKIE,)
    assert COOKIE in (await shop.ask())[1]


async def test_a_page_is_packed_as_the_client_asks(shop: Shop) -> None:
    shop.more = b" and more" * 200
    whole, _ = await shop.ask()
    headers: Any = []
    for accept, packing, unpack in (
        (b"gzip", b"gzip", gzip.decompress),
        (b"gzip;q=0.5, br", b"br", brotli.decompress),
        (b"gzip, deflate, br, zstd", b"zstd", zstandard.ZstdDecompressor().decompress),
    ):
        for _ in range(2):
            body, headers = await shop.ask(accept_encoding=accept)
            assert (unpack(body), dict(headers)[b"content-encoding"]) == (whole, packing)
            assert dict(headers)[b"content-length"] == str(len(body)).encode()
    assert shop.rendered == 1
    assert b"accept-encoding" in dict(headers)[b"vary"].lower()
    for accept in (b"identity", b"", b"gzip;q=0", b"br;q=x", b"*;q=0"):
        body, headers = await shop.ask(accept_encoding=accept)
        assert body == whole
        assert b"content-encoding" not in dict(headers)


async def test_what_is_not_kept_is_packed_all_the_same(shop: Shop) -> None:
    shop.more, shop.status = b" and more" * 200, 404
    body, headers = await shop.ask(accept_encoding=b"gzip")
    assert gzip.decompress(body).startswith(b"page 1")
    assert dict(headers)[b"content-encoding"] == b"gzip"


async def test_a_cache_in_front_is_told_how_long_and_that_nothing_changed(shop: Shop) -> None:
    _, headers = await shop.ask()
    assert dict(headers)[b"cache-control"] == b"public, max-age=0, s-maxage=1, stale-if-error=600"
    etag = dict(headers)[b"etag"]
    body, again = await shop.ask(if_none_match=etag, surrogate_capability=b"v=Surrogate/1.0")
    assert (shop.sent, body, dict(again)[b"etag"]) == (304, b"", etag)
    assert (await shop.ask(if_none_match=b'"other"', surrogate_capability=b"v"))[0] == b"page 1"
    assert (await shop.ask(if_none_match=etag))[0] == b"page 1", "a browser gets it whole"
    shop.tags.drop(["price:1"])
    assert (await shop.ask(if_none_match=etag, surrogate_capability=b"v"))[0] == b"page 2"
    shop.own = (COOKIE,)
    _, headers = await shop.ask()
    assert dict(headers)[b"cache-control"] == b"private, no-cache"
    assert b"surrogate-key" not in dict(headers)


async def test_a_page_that_needs_no_look_is_there_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.kept.at_once("/") is None
    shop.shows = lambda keeping: (keeping.shows(["price:1"], []), keeping.add(Standing(signs={1: 5}), shop.look))
    await shop.ask()
    page = shop.kept.at_once("/")
    assert page is not None
    assert page.answer(b"").body["body"] == b"page 1"
    monkeypatch.setattr(kept, "LOOK_SECONDS", 0.0)
    assert shop.kept.at_once("/") is None, "its signs are to be looked at"
    monkeypatch.undo()
    shop.tags.drop(["price:1"])
    assert shop.kept.at_once("/") is None


async def test_a_personal_page_is_passed_on(shop: Shop) -> None:
    assert [(await shop.ask("/mine"))[0] for _ in range(2)] == [b"page 1", b"page 2"]


async def test_signs_are_looked_at_once_a_second_and_differ_or_not(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def shows(keeping: Any) -> None:
        keeping.shows([], [])
        keeping.add(Standing(signs=dict(shop.stock)), shop.look)

    shop.shows = shows
    await shop.ask()
    shop.stock = {1: 4}
    assert (await shop.ask())[0] == b"page 1" and shop.looks == 0, "within the second"
    monkeypatch.setattr(kept, "LOOK_SECONDS", 0.0)
    assert (await shop.ask())[0] == b"page 2" and shop.looks == 1
    found = await asyncio.gather(*(shop.ask() for _ in range(5)))
    assert {body for body, _ in found} == {b"page 2"} and shop.looks == 2, "one look for all who ask meanwhile"


async def test_a_look_in_time_keeps_everybody_on_the_short_way(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.shows = lambda keeping: (keeping.shows([], []), keeping.add(Standing(signs=dict(shop.stock)), shop.look))
    await shop.ask()
    assert shop.kept.at_once("/") is not None and shop.looks == 0, "fresh"
    monkeypatch.setattr(kept, "EARLY_SECONDS", 0.0)
    page = shop.kept.at_once("/")
    assert page is not None and page.looking is not None
    assert shop.kept.at_once("/") is page and await page.looking
    assert (shop.looks, shop.rendered) == (1, 1), "one look, for all who ask meanwhile"
    shop.stock[1] += 1
    assert shop.kept.at_once("/") is page, "not told yet"
    assert page.looking is not None and not await page.looking
    assert shop.kept.at_once("/") is None, "it shows what is no more"


async def test_pages_that_fall_due_are_looked_at_together(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock = {1: 5, 2: 5, 3: 5}
    for path, shown in (("/a", {1: 5, 2: 5}), ("/b", {2: 5, 3: 5})):
        shop.shows = lambda keeping, shown=shown: (
            keeping.shows([], []),
            keeping.add(Standing(signs=shown), shop.look),
        )
        await shop.ask(path)
    monkeypatch.setattr(kept, "EARLY_SECONDS", 0.0)
    one, other = shop.kept.at_once("/a"), shop.kept.at_once("/b")
    assert one is not None and other is not None and one.looking is not None and other.looking is not None
    shop.stock[1] = 4
    assert await asyncio.gather(one.looking, other.looking) == [False, True], "each by its own signs"
    assert shop.looks == 1, "one look-up for both"
    assert shop.kept.at_once("/a") is None and shop.kept.at_once("/b") is other


async def test_a_look_that_fails_is_told_to_who_waits_and_tried_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.shows = lambda keeping: (keeping.shows([], []), keeping.add(Standing(signs={1: 5}), shop.look))
    await shop.ask()
    monkeypatch.setattr(kept, "LOOK_SECONDS", 0.0)
    del shop.stock[1]  # `look` raises
    with pytest.raises(KeyError):
        await shop.ask()
    shop.stock = {1: 5}
    assert (await shop.ask())[0] == b"page 1"


async def test_a_moment_ends_what_holds_until_then(shop: Shop) -> None:
    def shows(keeping: Any) -> None:
        keeping.shows([], [])
        keeping.add(Standing(until=clock.now() + timedelta(hours=1)), None)
        keeping.add(Standing(until=clock.now() - timedelta(seconds=1)), None)

    shop.shows = shows
    assert [(await shop.ask())[0] for _ in range(2)] == [b"page 1", b"page 2"]


async def test_no_page_outlives_its_age(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_AGE_SECONDS", 0.0)
    assert [(await shop.ask())[0] for _ in range(2)] == [b"page 1", b"page 2"]


async def test_one_fill_for_all_who_ask_meanwhile(shop: Shop) -> None:
    go = asyncio.Event()
    shop.during = go.wait
    asked = [asyncio.create_task(shop.ask()) for _ in range(5)]
    await shop.began.wait()
    go.set()
    assert {body for body, _ in await asyncio.gather(*asked)} == {b"page 1"}


async def test_whoever_waits_for_a_fill_that_fails_renders(shop: Shop) -> None:
    go = asyncio.Event()

    async def fail() -> None:
        await go.wait()
        raise RuntimeError("the first one only")

    shop.during = lambda: fail() if shop.rendered == 1 else None
    first, second = (asyncio.create_task(shop.ask()) for _ in range(2))
    await shop.began.wait()
    go.set()
    with pytest.raises(RuntimeError):
        await first
    assert (await second)[0] == b"page 2"
