"""`events`: how many events of behaviour one host takes over HTTP, and whether every one that it took is in the log.

Batches as the shop's script sends them, from one process, to one `api` beside its desk; nothing else goes on. Beside a
shop's load it is measured by `pages`.
"""

import asyncio
import os

from msgspec import Struct

from lotse.bench.arena import Arena, arena
from lotse.bench.events import EVENTS_IN_A_BATCH, events_per_second
from lotse.bench.profile import Options, Profile, Report, Say
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

SQL = statements("lotse.bench", "events")
# Events wait a quarter of a second in memory, and longer on a machine that is still busy with what came before.
# Looked at ten times a second.
WRITTEN_LOOKS = 100


class Figures(Struct, frozen=True, kw_only=True):
    """The JSON line. `refused` are answers other than 204, `lost` events that were taken and are not in the log."""

    bench: str
    seconds: float
    events_per_second: float
    p95_ms: float
    slowest_ms: float
    refused: int
    logged: int
    lost: int


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Set up, measure, take down."""
    # Everything comes from one address here; the processes of the host inherit it.
    os.environ["LOTSE_EVENTS_PER_ADDRESS"] = "1000000"
    async with arena(settings, options, say) as place:
        return await measure(place, options)


async def measure(place: Arena, options: Options) -> Report:
    """Send, then count."""
    host, port = place.addresses[0]
    before = await _logged(place)
    taken = await asyncio.to_thread(events_per_second, f"http://{host}:{port}", seconds=options.seconds)
    sent = taken.statuses.get(204, 0) * EVENTS_IN_A_BATCH
    logged = 0
    for _ in range(WRITTEN_LOOKS):
        logged = await _logged(place) - before
        if logged >= sent:
            break
        await asyncio.sleep(0.1)
    found = Figures(
        bench="events",
        seconds=taken.seconds,
        events_per_second=taken.events_per_second,
        p95_ms=taken.p95_ms,
        slowest_ms=taken.slowest_ms,
        refused=sum(count for status, count in taken.statuses.items() if status != 204),
        logged=logged,
        lost=sent - logged,
    )
    lines = (
        f"{found.events_per_second:,.0f} events/s in batches of {EVENTS_IN_A_BATCH}, {found.seconds:g} s",
        f"  p95 {found.p95_ms:g} ms, slowest {found.slowest_ms:g} ms",
        f"  {found.logged:,} in the log, {found.lost} lost, {found.refused} batches refused",
    )
    # How fast depends on the machine; that nothing gets lost does not.
    return Report(found, "\n".join(lines), ok=not found.lost and not found.refused)


async def _logged(place: Arena) -> int:
    async with place.database.reading() as conn:
        return await conn.value(SQL.logged)


PROFILE = Profile("events", "events of behaviour over HTTP, counted in the log", run)
