"""What becomes of an address that leads nowhere: a redirect that staff made, the present address of what used to be
there, the page that says that something is gone, or the page that says that there is nothing, which is counted for
their work list.

Looked at only when the application has answered 404, so that an address that leads somewhere costs nothing.
"""

import asyncio
import time
from typing import Any

import structlog
from msgspec import Struct

from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import SHOWN
from lotse.domains.content import commands
from lotse.domains.content import queries as content
from lotse.domains.content.contracts import Asked
from lotse.domains.content.rules import counted, escaped, host_of, path_of
from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock, locks
from lotse.kernel.refusals import Refusal
from lotse.web.process import Process
from lotse.web.shops import MainShop, NoShop
from lotse.web.storefront.frame import languages, without_language

_log = structlog.get_logger(__name__)

_OTHERS = ("/office", "/static/", "/media/", "/api/", "/signin", "/signout")
# Paths kept in a process before they are added up; beyond that a robot is at work, and the rest is not counted.
MOST_COUNTED = 500
WRITE_SECONDS = 5.0
_PRODUCT, _CATEGORY = "/p/", "/c/"
# For an hour: who made a mistake wants to mend it.
_KEPT = b"public, max-age=3600"
# A slug or an article may come back to where it was: a browser that remembered both ways would go in a circle.
_ASKED_AGAIN = b"no-cache"


class _End(Struct, frozen=True):
    """Where a path leads; an empty target: it is gone."""

    target: str
    status: int
    kept: bytes = _ASKED_AGAIN


class Leading:
    """ASGI, around the application that renders."""

    def __init__(self, app: Any, process: Process) -> None:
        self._app = app
        self._database = process.database
        self._shop = MainShop(process.database)
        self._counts: dict[str, tuple[int, str]] = {}
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope["path"].startswith(_OTHERS):
            await self._app(scope, receive, send)
            return
        held: list[Any] = []

        async def holding(message: Any) -> None:
            if held or (message["type"] == "http.response.start" and message["status"] == 404):
                held.append(message)
            else:
                await send(message)

        await self._app(scope, receive, holding)
        if held:
            await self._lost(scope, receive, send, held)

    async def _lost(self, scope: Any, receive: Any, send: Any, held: list[Any]) -> None:
        full: str = scope["path"]
        path = without_language(full)
        try:
            shop = await self._shop()
            found = await self._found(shop, path)
        except (*locks.OUTAGES, NoShop):
            found = None
            shop = None
        if found is not None and found.target:
            await self._redirect(scope, send, found)
            return
        if found is not None:
            state = {**scope["state"], "gone": path.removeprefix(_PRODUCT) if path.startswith(_PRODUCT) else ""}
            first = full.lstrip("/").partition("/")[0]
            prefix = f"/{first}" if first in languages() else ""
            there = f"{prefix}/gone"
            await self._app({**scope, "path": there, "raw_path": there.encode(), "state": state}, receive, send)
            return
        for message in held:
            await send(message)
        if shop is not None:
            self._note(shop, scope, path)

    async def _found(self, shop: Shop, path: str) -> _End | None:
        try:
            plain = path_of(path)
        except Refusal:
            return None
        async with self._database.reading() as connection:
            redirect = await content.redirect_at(connection, shop_id=shop.id, path=plain)
            if redirect is not None:
                return _End(redirect.target or "", redirect.status, _KEPT)
            if plain.startswith(_PRODUCT):
                slug = plain.removeprefix(_PRODUCT)
                known = await catalog.product_by_slug(connection, slug=slug, language=shop.language, everything=True)
                if known is not None and known.state == "archived":
                    successor = await catalog.successor(connection, product_id=known.id)
                    return _End(f"{_PRODUCT}{successor}", 301) if successor else _End("", 410)
                if known is not None and known.state in SHOWN and known.slug != slug:
                    return _End(f"{_PRODUCT}{known.slug}", 301)
            if plain.startswith(_CATEGORY):
                slug = plain.removeprefix(_CATEGORY)
                present = (await catalog.category_slugs(connection, slugs=[slug])).get(slug, slug)
                if present != slug:
                    return _End(f"{_CATEGORY}{present}", 301)
        return None

    async def _redirect(self, scope: Any, send: Any, end: _End) -> None:
        target = end.target
        first = scope["path"].lstrip("/").partition("/")[0]
        if target.startswith("/") and first in languages():
            target = f"/{first}{target}"
        query = scope["query_string"].decode("latin-1")
        if query and "?" not in target:
            target += f"?{query}"
        headers = [
            (b"location", escaped(target).encode("ascii", "replace")),
            (b"content-length", b"0"),
            (b"cache-control", end.kept),
        ]
        await send({"type": "http.response.start", "status": end.status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    # -- counting

    def _note(self, shop: Shop, scope: Any, path: str) -> None:
        plain = counted(path)
        if plain is None or (plain not in self._counts and len(self._counts) >= MOST_COUNTED):
            return
        referrer = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"referer"), "")
        times, host = self._counts.get(plain, (0, ""))
        self._counts[plain] = (times + 1, host_of(referrer) or host)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(shop), name="lost paths")

    async def _write(self, shop: Shop) -> None:
        """Add up what was counted, and again for as long as more comes."""
        while self._counts:
            began = time.monotonic()
            counts, self._counts = self._counts, {}
            asked = [Asked(path, times, host) for path, (times, host) in counts.items()]
            try:
                async with self._database.transaction() as tx:
                    await commands.note_lost(tx, shop_id=shop.id, asked=asked, at=clock.now())
            except locks.OUTAGES as error:
                _log.warning("paths asked for in vain were not counted", error=str(error), paths=len(asked))
            await asyncio.sleep(max(0.0, WRITE_SECONDS - (time.monotonic() - began)))
