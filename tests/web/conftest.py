"""The applications with the trial domain only, in this process, on the worker's database."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from lotse.kernel import runtime, seams
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Database
from lotse.kernel.desk.socket import connected
from lotse.kernel.settings import Settings
from lotse.web import app as web
from lotse.web.observe import Observed
from lotse.web.process import Process

ORIGIN = "http://shop.example"


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only the trial domain is there."""
    monkeypatch.setattr(seams, "domains", lambda: (seams.Domain("trial", "tests.web.trial"),))
    monkeypatch.setattr(web, "FRAMES", ("lotse.web.signin",))
    yield


@pytest.fixture
async def api(trial: None, settings: Settings, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before the api, which believes it is at `ORIGIN`."""
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(connected(runtime.desk_socket(settings)))
        application = web.make_api(Process("api", settings, db, desk, Links(b"s" * 32)))
        transport = httpx.ASGITransport(Observed(application, "api", "off"))
        client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)
        yield await stack.enter_async_context(client)
