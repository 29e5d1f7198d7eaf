"""Things that gather in memory and are written together: for what is told often and of which little may be lost.

Whoever tells does not wait for the database. What is gathered is written every quarter of a second, or sooner when it
has become much; one write at a time, so the busier the process, the larger the writes. There is a bound: what comes
while the room is full is refused and counted, never dropped without a word. A write that fails because the database is
away is tried again with the same things; at an orderly end everything is written. A process that is killed takes what
it had gathered with it: at most `KEPT_SECONDS` of it while the database answers.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import structlog
from prometheus_client import Counter, Gauge

from lotse.kernel.db import is_unavailable

T = TypeVar("T")

_log = structlog.get_logger(__name__)
_written = Counter("lotse_gathered_written_total", "Things written together", ["what"])
_refused = Counter("lotse_gathered_refused_total", "Things refused because too much had gathered", ["what"])
_lost = Counter("lotse_gathered_lost_total", "Things that could not be written", ["what"])
_waiting = Gauge("lotse_gathered_waiting", "Things not written yet", ["what"], multiprocess_mode="livesum")

# How long something waits for others; with the write itself well below a second.
KEPT_SECONDS = 0.25
# A statement of this many takes some 20 ms: nobody on the same loop or server notices it.
AT_ONCE = 2_000
# Four seconds of 5,000 a second, some 10 MB: a fail-over of the database takes longer, and then it is said.
MOST = 20_000
# While the database is away.
RETRY_SECONDS = 0.5
# How long an orderly end waits for the last write.
LAST_SECONDS = 5.0


class Gathering(Generic[T]):
    """What has gathered in one process. Open it with `gathering`."""

    def __init__(self, name: str, write: Callable[[Sequence[T]], Awaitable[None]], *, most: int = MOST) -> None:
        self.name = name
        self._write = write
        self._most = most
        self._things: list[T] = []
        # What is being written still takes room: it is in memory.
        self._leaving = 0
        self._enough = asyncio.Event()
        self._ended = False

    def room(self) -> int:
        """How many things more there is room for."""
        return self._most - len(self._things) - self._leaving

    def put(self, *things: T) -> bool:
        """Have these written soon, all or none; False, and counted, if there is no room."""
        if len(things) > self._most - len(self._things) - self._leaving:
            _refused.labels(self.name).inc(len(things))
            return False
        self._things += things
        if len(self._things) >= AT_ONCE:
            self._enough.set()
        return True

    def add(self, thing: T) -> bool:
        """`put` for one thing, where every microsecond counts."""
        things = self._things
        if len(things) + self._leaving >= self._most:
            _refused.labels(self.name).inc()
            return False
        things.append(thing)
        if len(things) >= AT_ONCE:
            self._enough.set()
        return True

    async def run(self) -> None:
        """Write what gathers until `end` was called and all is written."""
        while not (self._ended and not self._things):
            if not self._ended and len(self._things) < AT_ONCE:
                self._enough.clear()
                try:
                    async with asyncio.timeout(KEPT_SECONDS):
                        await self._enough.wait()
                except TimeoutError:
                    pass
            _waiting.labels(self.name).set(len(self._things))
            leaving, self._things = self._things[:AT_ONCE], self._things[AT_ONCE:]
            if leaving:
                self._leaving = len(leaving)
                await self._written(leaving)
                self._leaving = 0

    async def _written(self, leaving: Sequence[T]) -> None:
        while True:
            try:
                await self._write(leaving)
            except Exception as error:
                if is_unavailable(error) or isinstance(error, OSError):
                    _log.warning("what gathered cannot be written yet", what=self.name, things=len(leaving))
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                # A bug in one of them: the others of the same write go with it, and that is said.
                _lost.labels(self.name).inc(len(leaving))
                _log.exception("what gathered is lost", what=self.name, things=len(leaving))
                return
            _written.labels(self.name).inc(len(leaving))
            return

    def end(self) -> None:
        self._ended = True
        self._enough.set()


@asynccontextmanager
async def gathering(
    name: str, write: Callable[[Sequence[T]], Awaitable[None]], *, most: int = MOST
) -> AsyncGenerator[Gathering[T]]:
    """A gathering for the life of the block; its end writes what is left."""
    gathered: Gathering[T] = Gathering(name, write, most=most)
    running = asyncio.create_task(gathered.run(), name=f"gathering {name}")
    try:
        yield gathered
    finally:
        gathered.end()
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await running
        except TimeoutError:
            _lost.labels(name).inc(most - gathered.room())
            _log.error("what gathered is lost at the end", what=name, things=most - gathered.room())
