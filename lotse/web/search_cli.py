"""The commands `lotse search`: build the index anew, see how far it is, and ask it something."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec
from cyclopts import App

from lotse.domains.parties.contracts import Shop, UnknownShop
from lotse.domains.search import commands, queries
from lotse.domains.search.contracts import Question
from lotse.kernel import clock
from lotse.kernel.db import Database, opened
from lotse.kernel.postgres import attached
from lotse.kernel.settings import Settings

search = App(name="search", help="The search index of this host.")


@search.command
def rebuild(*, shop: str = "") -> None:
    """Build the search index of each shop anew. The old one answers until the new one is whole.

    Parameters
    ----------
    shop
        Only the one with this code.
    """

    async def run(database: Database, settings: Settings) -> None:
        for one in await _shops(database, shop):
            began = time.monotonic()
            count = await commands.rebuild(database, settings, one, at=clock.now())
            sys.stdout.write(f"{one.code}: {count} articles in {time.monotonic() - began:.1f} s\n")

    _run(run)


@search.command
def state(*, shop: str = "") -> None:
    """Say of each shop how many articles its index on this host has, and how many events it has not read yet.

    Parameters
    ----------
    shop
        Only the one with this code.
    """

    async def run(database: Database, settings: Settings) -> None:
        for one in await _shops(database, shop):
            found = await queries.standing(database, settings, one)
            said = (
                f"{found.articles} articles, {found.behind} events behind" if found else "no index; a worker builds it"
            )
            sys.stdout.write(f"{one.code}: {said}\n")

    _run(run)


@search.command
def ask(words: str, /, *, shop: str = "", language: str = "de", limit: int = 10) -> None:
    """Ask the index, and print the answer as JSON.

    Parameters
    ----------
    words
        What a visitor would type.
    shop
        Of the shop with this code.
    language
        The visitor's.
    limit
        How many articles.
    """

    async def run(database: Database, settings: Settings) -> None:
        for one in await _shops(database, shop):
            answer = await queries.index_of(settings, one).search(Question(words=words, language=language, limit=limit))
            sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")

    _run(run)


async def _shops(database: Database, code: str) -> list[Shop]:
    found = [one for one in await queries.shops_with_pages(database) if code in ("", one.code)]
    if code and not found:
        raise UnknownShop(shop=code)
    return found


def _run(run: Callable[[Database, Settings], Awaitable[None]]) -> None:
    settings = Settings.load(os.environ)

    async def opened_for() -> None:
        with attached(settings) as dsn:
            async with opened(dsn, role="lotse search", connections=2) as database:
                await run(database, settings)

    asyncio.run(opened_for())
