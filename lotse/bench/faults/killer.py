"""What goes wrong, and when: drawn from a seed, so that a run can be repeated."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

import asyncpg
import structlog
from msgspec import Struct

from lotse.bench import cpu
from lotse.bench.faults.wire import Wire
from lotse.kernel.db import Database
from lotse.kernel.postgres import processes
from lotse.kernel.postgres.cluster import Cluster
from lotse.kernel.sql import statements

log = structlog.get_logger("lotse.bench.faults")

READS = statements("lotse.bench.faults", "reads")
WRITES = statements("lotse.bench.faults", "writes")
ROLES = ("desk", "worker", "pages", "api")

# kill -9 of a role; PostgreSQL stopped in immediate mode; connections cut from either side; a role that stops for a
# while and goes on; a client and the bench's consumers that die; the payment provider killed, or down, or slow.
KINDS = (
    *ROLES,
    "postgres",
    "http_sockets",
    "desk_sockets",
    "backend",
    "frozen",
    "client",
    "listener",
    "psp",
    "psp_faults",
)
# Nothing ends before its round has begun to work, nothing happens after it.
EDGE = 0.1
FROZEN_SECONDS = (0.5, 2.5)


class Planned(Struct, frozen=True):
    """A fault: seconds after the round's begin, and a number in [0, 1) that decides its details."""

    at: float
    kind: str
    chance: float


def plan(seed: int, round_number: int, seconds: float, *, faults: int, kinds: tuple[str, ...] = KINDS) -> list[Planned]:
    """The faults of a round, in order. Kinds are dealt like cards: in a run each comes as often as any other."""
    first = round_number * faults
    dealt: list[str] = []
    for deck in range(first // len(kinds), (first + faults - 1) // len(kinds) + 1):
        dealt += Random(f"{seed} deck {deck}").sample(kinds, len(kinds))
    skipped = first % len(kinds)
    chosen = dealt[skipped : skipped + faults]
    random = Random(f"{seed} round {round_number}")
    times = sorted(random.uniform(EDGE * seconds, (1 - EDGE) * seconds) for _ in chosen)
    return [Planned(at, kind, random.random()) for at, kind in zip(times, chosen, strict=True)]


class Killer:
    """Does what is planned to one `lotse up`."""

    def __init__(
        self,
        up: int,
        cluster: Cluster,
        database: Database,
        wires: Mapping[str, Wire],
        others: Mapping[str, Callable[[float], Awaitable[bool]]],
    ) -> None:
        """`up` is the supervisor's process; `others` are faults that only the run itself can make, by kind."""
        self.killed: Counter[str] = Counter()
        self._up = up
        self._cluster = cluster
        self._database = database
        self._wires = wires
        self._others = others
        self._thawing: set[asyncio.Task[None]] = set()

    async def run(self, planned: list[Planned]) -> None:
        """Do it at its time; what meets nobody (a role that is just down) is not counted."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for fault in planned:
            await asyncio.sleep(max(0.0, began + fault.at - loop.time()))
            done = await self._do(fault)
            log.info("fault", kind=fault.kind, at=round(fault.at, 2), done=done)
            self.killed[fault.kind] += done
        if self._thawing:
            await asyncio.wait(self._thawing)

    async def _do(self, fault: Planned) -> bool:
        if fault.kind in ROLES:
            return self._signal(fault.kind, signal.SIGKILL) is not None
        if fault.kind in self._wires:
            return self._wires[fault.kind].cut() > 0
        if fault.kind == "postgres":
            return self._stop_postgres()
        if fault.kind == "backend":
            return await self._end_backend(fault.chance)
        if fault.kind == "frozen":
            return self._freeze(fault.chance)
        return await self._others[fault.kind](fault.chance)

    def _signal(self, role: str, number: signal.Signals) -> int | None:
        pid = children(self._up).get(role)
        if pid is None:
            return None
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            return pid
        return None

    def _stop_postgres(self) -> bool:
        """As `pg_ctl stop -m immediate` does it: every process quits at once, the next start recovers from the log."""
        postmaster = processes.postmaster(self._cluster)
        if postmaster is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(postmaster.pid, signal.SIGQUIT)
            return True
        return False

    async def _end_backend(self, chance: float) -> bool:
        """A connection of the relay, the consumers, the desk or another one breaks, whatever it is doing."""
        try:
            async with asyncio.timeout(5), self._database.reading() as conn:
                found = await conn.raw.fetch(READS.backends.sql)
                if not found:
                    return False
                chosen = found[int(chance * len(found))]
                return await conn.value(WRITES.end_backend, pid=chosen["pid"])
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False  # the database is down already

    def _freeze(self, chance: float) -> bool:
        role = ROLES[int(chance * len(ROLES))]
        pid = self._signal(role, signal.SIGSTOP)
        if pid is None:
            return False
        shortest, longest = FROZEN_SECONDS
        self._thawing.add(asyncio.create_task(_thaw(pid, shortest + chance * (longest - shortest))))
        return True


async def _thaw(pid: int, seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def children(up: int) -> dict[str, int]:
    """The processes of `lotse up` by role; one that has ended and is not yet started again is absent."""
    found: dict[str, int] = {}
    for pid in cpu.children(up):
        with suppress(OSError):  # it ended while we looked
            words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode(errors="replace").split("\0")
            if words[-2:-1] == ["role"]:
                found[words[-1]] = pid
    return found
