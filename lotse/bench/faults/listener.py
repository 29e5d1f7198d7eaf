"""Consumers of the bench's own, in a process that may be killed: they write down every event that takes effect.

One is plain. The other fails now and then, so that events are tried again and batches are taken apart.
"""

import asyncio
import inspect
import sys
from random import Random

import uvloop
from msgspec import Struct

from lotse.kernel import consumers, locks, seams
from lotse.kernel.consumers import Logged, Reactions
from lotse.kernel.db import Transaction, opened
from lotse.kernel.sql import statements
from lotse.web.server import stop_on_signals

WRITES = statements("lotse.bench.faults", "writes")
PLAIN, STUMBLING = "bench_faults", "bench_faults_stumbling"
# Often enough to happen in every round; five failures in a row, which would park an event, do not.
STUMBLES = 0.01


class Stumbled(Exception):
    """A reaction that failed on purpose."""


class Everything(Reactions):
    """Reacts to every event that any domain declares."""

    def __init__(self) -> None:
        super().__init__()
        self._types = sorted(declared())
        self._random = Random()

    @property
    def consumers(self) -> tuple[str, ...]:
        return (PLAIN, STUMBLING)

    def types(self, consumer: str) -> list[str]:
        return self._types

    async def handle(self, tx: Transaction, consumer: str, logged: Logged) -> None:
        await tx.execute(WRITES.saw, consumer=consumer, position=logged.position)
        if consumer == STUMBLING and self._random.random() < STUMBLES:
            raise Stumbled(f"at {logged.position}")


def declared() -> set[str]:
    """The names of all events: the Structs in domains' contracts with a dot in their tag."""
    found: set[str] = set()
    for domain in seams.domains():
        for thing in vars(domain.module("contracts") or object()).values() if domain.module("contracts") else ():
            if inspect.isclass(thing) and issubclass(thing, Struct):
                tag = thing.__struct_config__.tag
                if isinstance(tag, str) and "." in tag:
                    found.add(tag)
    return found


async def listen(dsn: str) -> None:
    """Until SIGTERM."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    while not stop.is_set():
        try:
            async with opened(dsn, role="lotse listener", connections=3) as database:
                await consumers.run(database, stop, Everything())
        except locks.OUTAGES:
            await locks.pause(stop, 1.0)


if __name__ == "__main__":
    uvloop.run(listen(sys.argv[1]))
