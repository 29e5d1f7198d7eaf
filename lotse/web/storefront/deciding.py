"""Who gets what before a page is made: the experiments that run, for the visitor who asks.

An experiment divides *visitors*, by the id that they agreed to carry; who did not agree gets the default and is no part
of it. Or it divides *hours*: everybody who comes in the hour gets the same, so nothing about anybody is asked, stored
or told apart. Nothing is ever assigned by address, browser or another trait of who did not agree: that would be an id
by another name.

What runs is read when the process starts and when it changes; asking costs nothing while nothing runs.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import parse_qs
from uuid import UUID

import structlog

from lotse.domains.experiments import queries
from lotse.domains.experiments.contracts import Experiment, ExperimentStarted, ExperimentStopped
from lotse.domains.experiments.rules import PREVIEW_LINK, assign, chosen_at, unit_of
from lotse.kernel.auth.links import LinkInvalid, Links
from lotse.kernel.db import Database, is_unavailable
from lotse.kernel.pages.deciding import Choice, Noted, points
from lotse.kernel.tags import Tags, any_of

log = structlog.get_logger()

PREVIEW = b"variant="
# For what no event told, such as a database that was put back.
REFRESH_SECONDS = 60.0
_EVENTS = frozenset((any_of(ExperimentStarted), any_of(ExperimentStopped)))


class Assignments:
    """The experiments that run, by the pages that depend on them. Open them with `assignments`."""

    def __init__(self, database: Database, links: Links) -> None:
        self._database = database
        self._links = links
        self._by_page: dict[str, list[Experiment]] = {}
        self._told = asyncio.Event()

    def hear(self, tags: frozenset[str] | None) -> None:
        if tags is None or any(tag.partition(":")[0] in _EVENTS or tag in _EVENTS for tag in tags):
            self._told.set()

    async def follow(self) -> None:
        """Read anew what runs, whenever something told that it changed."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._told.wait()
            self._told.clear()
            try:
                await self.read()
            except Exception as error:
                if not (is_unavailable(error) or isinstance(error, OSError)):
                    raise
                log.warning("what experiments run cannot be read; those known go on", error=str(error))
                await asyncio.sleep(1)
                self._told.set()

    async def read(self) -> None:
        """What runs now."""
        async with self._database.reading() as conn:
            running = await queries.running(conn)
        declared = points()
        found: dict[str, list[Experiment]] = {}
        for experiment in running:
            point = declared.get(experiment.point)
            for page in point.pages if point else ():
                found.setdefault(page, []).append(experiment)
        self._by_page = found

    def decides(self, page: str) -> bool:
        """Whether an experiment runs on pages of this form."""
        return page in self._by_page

    def of(self, page: str, visitor: UUID | None, at: datetime) -> Noted:
        """What is decided for this visitor on a page of this form."""
        running = self._by_page.get(page)
        if not running:
            return Noted()
        choices: list[Choice] = []
        for experiment in running:
            unit = unit_of(experiment, visitor.hex if visitor else "", at)
            variant = assign(experiment, unit).variant if unit else ""
            if variant:
                alternative = chosen_at(experiment, variant)
                choices.append(Choice(experiment.point, alternative, experiment.key, variant, unit))
        return Noted(choices)

    async def preview(self, query: bytes) -> Noted | None:
        """What a signed preview shows (`?variant=…`, see the office's page of an experiment); None if it is none."""
        for token in parse_qs(query.decode("latin-1"), max_num_fields=20).get("variant", ()):
            signed, _, number = token.partition(".")
            try:
                id = self._links.read(f"{PREVIEW_LINK}.{number}", signed)
            except LinkInvalid:
                return None
            async with self._database.reading() as conn:
                found = await queries.experiment_by_id(conn, experiment_id=id)
            if found is None or not number.isdigit() or int(number) >= len(found.variants):
                return None
            variant = found.variants[int(number)].name
            return Noted([Choice(found.point, chosen_at(found, variant), found.key, variant)], preview=True)
        return None


@asynccontextmanager
async def assignments(database: Database, links: Links, tags: Tags) -> AsyncIterator[Assignments]:
    """What runs, kept up to date for the life of the block."""
    found = Assignments(database, links)
    tags.on_drop(found.hear)
    await found.read()
    following = asyncio.create_task(found.follow(), name="assignments")
    try:
        yield found
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
