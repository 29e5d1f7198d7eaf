"""Load from a process of its own (`lotse.bench.client`), with the CPU time of everybody who worked meanwhile."""

import asyncio
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from lotse.bench.arena import Arena, Usage
from lotse.bench.client import Answer, Job
from lotse.bench.holding import Holding
from lotse.bench.profile import BenchFailed
from lotse.bench.shop import PRICE_MINOR, buyer

# `OutOfStock` over HTTP.
SOLD_OUT = 409
# The client gives up by itself long before; this is for one that hangs.
_PATIENCE_SECONDS = 60.0
_LONGEST_SECONDS = 600.0


class Load(Struct, frozen=True):
    """One round. `placed` counts all answers as expected, also those outside the measured time; CPU is in cores."""

    rate: float
    latencies_ms: list[float]
    placed: int
    by_status: dict[int, int]
    errors: int
    cpu_client: float
    cpu_server: float
    cpu_desk: float
    cpu_postgres: float
    batches: float
    requests: float
    sample: str


async def drive(
    arena: Arena,
    job: Job | Holding,
    *,
    module: str = "lotse.bench.client",
    refusals: Iterable[int] = (),
) -> Load:
    """Do a job. Answers that are neither expected nor among `refusals` are errors, and so are lost connections."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us, and we end it
    )
    try:
        async with asyncio.timeout(min(job.warm_seconds + job.seconds, _LONGEST_SECONDS) + _PATIENCE_SECONDS):
            answer, used = await _watch(arena, process, job)
    except TimeoutError:
        raise BenchFailed("the load client did not end in time") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    known = {job.expected, *refusals}
    errors = answer.broken + sum(count for status, count in answer.by_status.items() if status not in known)
    seconds = answer.measured_seconds
    latencies = array("d")
    latencies.frombytes(answer.latencies_ms)
    return Load(
        rate=answer.done / seconds if seconds else 0.0,
        latencies_ms=latencies.tolist(),
        placed=answer.by_status.get(job.expected, 0),
        by_status=answer.by_status,
        errors=errors,
        cpu_client=answer.cpu_seconds / seconds if seconds else 0.0,
        cpu_server=used.server / seconds if seconds else 0.0,
        cpu_desk=used.desk / seconds if seconds else 0.0,
        cpu_postgres=used.postgres / seconds if seconds else 0.0,
        batches=used.batches,
        requests=used.requests,
        sample=answer.sample.decode("utf-8", "replace"),
    )


async def _watch(arena: Arena, process: "asyncio.subprocess.Process", job: Struct) -> tuple[Answer, Usage]:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the client was started with pipes")
    process.stdin.write(msgspec.msgpack.encode(job))
    process.stdin.close()
    await process.stdout.readuntil(b"begin\n")
    before = arena.usage()
    await process.stdout.readuntil(b"end\n")
    used = arena.usage().since(before)
    body = await process.stdout.read()
    if await process.wait() != 0:
        raise BenchFailed("the load client failed; its own words stand above")
    return msgspec.msgpack.decode(body, type=Answer), used


def percentile(sorted_ms: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that at least this share of all does not exceed."""
    if not sorted_ms:
        return 0.0
    return sorted_ms[min(len(sorted_ms) - 1, max(0, -(-int(share * 1000) * len(sorted_ms) // 1000) - 1))]


Pairs = Sequence[tuple[UUID, UUID]]


async def place_orders(
    arena: Arena,
    pairs: Pairs,
    *,
    clients: int,
    warm_seconds: float,
    seconds: float,
    seed: int,
    until_sold_out: bool = False,
) -> Load:
    """Buyers who order these pairs of offers over `POST /api/v1/orders`, one piece of each.

    `until_sold_out`: a buyer who is told that there is no more goes home, and the run ends when all have gone.
    """
    head, tails = orders(pairs)
    job = Job(
        addresses=arena.addresses,
        clients=clients,
        warm_seconds=warm_seconds,
        seconds=seconds,
        head=head,
        tails=tails,
        stop_on=SOLD_OUT if until_sold_out else None,
        seed=seed,
    )
    return await drive(arena, job, refusals=(SOLD_OUT,) if until_sold_out else ())


async def place_one(arena: Arena, pair: tuple[UUID, UUID]) -> Load:
    """Exactly one order."""
    return await place_orders(arena, [pair], clients=1, warm_seconds=0, seconds=0, seed=0)


def orders(pairs: Pairs) -> tuple[bytes, list[bytes]]:
    """Head and tails of the requests, one tail per pair."""
    common: dict[str, Any] = {**buyer(), "total_minor": 2 * PRICE_MINOR}
    head = (
        b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
        b"Content-Type: application/json\r\nIdempotency-Key: "
    )
    tails: list[bytes] = []
    for first, second in pairs:
        lines = [{"offer_id": first, "quantity": 1}, {"offer_id": second, "quantity": 1}]
        body = msgspec.json.encode({"lines": lines, **common})
        tails.append(b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    return head, tails
