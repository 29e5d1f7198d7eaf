"""What the process of a role holds while it lives: settings, the pool, the desk's line, secrets, copies."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from lotse.kernel import runtime
from lotse.kernel.auth.links import Links, secret_of
from lotse.kernel.db import Database, opened
from lotse.kernel.desk.socket import DeskClient, connected
from lotse.kernel.settings import Settings
from lotse.kernel.tags import Tags, heard


class Process(Struct, frozen=True):
    """The belongings of one process of the role `api` or `pages`."""

    role: str
    settings: Settings
    database: Database
    desk: DeskClient
    links: Links
    tags: Tags


@asynccontextmanager
async def process(settings: Settings, dsn: str, role: str) -> AsyncIterator[Process]:
    """Open everything for the life of the block. The desk is connected on first use: roles start in any order."""
    async with (
        opened(dsn, role=f"lotse {role}") as database,
        connected(runtime.desk_socket(settings)) as desk,
        heard(database, f"lotse {role}") as tags,
    ):
        yield Process(role, settings, database, desk, Links(await secret_of(database)), tags)
