"""What the process of a role holds while it lives: settings, the pool, the desk's line, secrets, copies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec import Struct

from lotse.domains.behaviour.commands import Row, View, appending
from lotse.domains.experiments.commands import recording
from lotse.domains.experiments.contracts import NewDecision
from lotse.kernel import runtime
from lotse.kernel.auth.links import Links, secret_of
from lotse.kernel.db import Database, opened
from lotse.kernel.desk.socket import DeskClient, connected
from lotse.kernel.gathering import Gathering, gathering
from lotse.kernel.settings import Settings
from lotse.kernel.tags import Tags, heard


class Process(Struct, frozen=True):
    """The belongings of one process of the role `api` or `pages`. `behaviour` and `decisions`: what waits to be logged
    of visitors and of choices; None where nothing is (tests)."""

    role: str
    settings: Settings
    database: Database
    desk: DeskClient
    links: Links
    tags: Tags
    behaviour: Gathering[Row | View] | None = None
    decisions: Gathering[tuple[NewDecision, datetime]] | None = None


@asynccontextmanager
async def process(settings: Settings, dsn: str, role: str) -> AsyncIterator[Process]:
    """Open everything for the life of the block. The desk is connected on first use: roles start in any order."""
    async with (
        opened(dsn, role=f"lotse {role}") as database,
        connected(runtime.desk_socket(settings)) as desk,
        heard(database, f"lotse {role}") as tags,
        gathering("behaviour", appending(database)) as behaviour,
        gathering("decisions", recording(database)) as decisions,
    ):
        links = Links(await secret_of(database))
        yield Process(role, settings, database, desk, links, tags, behaviour, decisions)
