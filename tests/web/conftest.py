"""The applications with the trial domain only, in this process, on the worker's database."""

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any, Self

import argon2
import httpx
import pytest
from litestar import Litestar

from lotse.kernel import runtime, seams
from lotse.kernel.auth import passwords
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.desk.socket import DeskClient, connected
from lotse.kernel.settings import Settings
from lotse.kernel.tags import Tags
from lotse.web import app as web
from lotse.web.observe import Observed
from lotse.web.process import Process

ORIGIN = "http://shop.example"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords of tests need no 50 ms and 64 MiB each."""
    monkeypatch.setattr(passwords, "_HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobody.cache_clear()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only the trial domain is there."""
    monkeypatch.setattr(seams, "domains", lambda: (seams.Domain("trial", "tests.web.trial"),))
    monkeypatch.setattr(web, "FRAMES", ("lotse.web.signin",))
    yield


@pytest.fixture
async def process(settings: Settings, db: Database) -> AsyncIterator[Process]:
    """What the applications hold; the desk is not there."""
    async with connected(runtime.desk_socket(settings)) as desk:
        yield Process("api", settings, db, desk, Links(b"s" * 32), Tags())


class Whole:
    """Both applications with every domain. Made once, because that takes two seconds and what a test asks of them some
    milliseconds. Each test begins with what they hold at first, and says in `state.shop` which shop they serve; their
    copies keep nothing, for no line tells them of changes."""

    def __init__(self, settings: Settings, db: Database, desk: Any) -> None:
        links, tags = Links(b"s" * 32), Tags()
        self.api = web.make_api(Process("api", settings, db, desk, links, tags))
        self.pages = web.make_pages(Process("pages", settings, db, desk, links, tags))
        self._first = [(app, app.state.dict()) for app in (self.api, self.pages)]

    def anew(self) -> Self:
        """As it was made."""
        for app, first in self._first:
            app.state.clear()
            app.state.update(first)
        return self


@pytest.fixture(scope="session")
def made(settings: Settings, db: Database) -> Whole:
    return Whole(settings, db, DeskClient(settings.home / "none"))


@pytest.fixture(scope="session")
def made_with_desk(settings: Settings, db: Database, desk: Desk) -> Whole:
    return Whole(settings, db, desk)


@pytest.fixture
def whole(made: Whole) -> Whole:
    """The applications where no desk answers."""
    return made.anew()


@pytest.fixture
def whole_with_desk(made_with_desk: Whole) -> Whole:
    """The applications on the desk of these tests."""
    return made_with_desk.anew()


@pytest.fixture
def whole_api(whole: Whole) -> Litestar:
    return whole.api


@pytest.fixture
def whole_pages(whole: Whole) -> Litestar:
    return whole.pages


@pytest.fixture
async def api(trial: None, process: Process) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before the api, which believes it is at `ORIGIN`."""
    async with at_origin(web.make_api(process)) as browser:
        yield browser


@pytest.fixture
async def pages(trial: None, process: Process, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before pages without any frame."""
    monkeypatch.setattr(web, "FRAMES", ())
    async with at_origin(web.make_pages(process)) as browser:
        yield browser


def at_origin(application: Any, address: str = "") -> httpx.AsyncClient:
    """A browser before an application in this process, at an address of its own: limits count by address."""
    address = address or f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    served = httpx.ASGITransport(Observed(application, "test", "off"), client=(address, 40000))
    return httpx.AsyncClient(transport=served, base_url=ORIGIN)
