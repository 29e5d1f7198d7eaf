"""The applications with the trial domain only, in this process, on the worker's database."""

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import argon2
import httpx
import pytest

from lotse.kernel import runtime, seams
from lotse.kernel.auth import passwords
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Database
from lotse.kernel.desk.socket import connected
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


def at_origin(application: Any) -> httpx.AsyncClient:
    """A browser before an application in this process, at an address of its own: limits count by address."""
    address = f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
    served = httpx.ASGITransport(Observed(application, "test", "off"), client=(address, 40000))
    return httpx.AsyncClient(transport=served, base_url=ORIGIN)
