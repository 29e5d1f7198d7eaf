"""The load client of `holds`: buyers who hold two articles and take them, hold them again and give them back.

    python -m lotse.bench.holding < job

There is no endpoint that only holds, so it speaks the desk's own protocol over the desk's socket, as the api does: with
`DeskClient`, in Python, and not with bytes made beforehand. It therefore takes more of the machine than the client of
`orders`; `cpu_client` says how much.
"""

import asyncio
import random
import sys
import time
from array import array
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import uvloop
from msgspec import Struct

from lotse.bench.client import Answer, mark
from lotse.domains.pools.contracts import Cause, ClaimRequest, Held, HoldRequest, ReleaseRequest, Want
from lotse.kernel import clock
from lotse.kernel.desk import DeskClient
from lotse.kernel.desk.socket import connected
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal

# Longer than any run: no hold expires while it is measured.
KEPT = timedelta(minutes=15)
PRINCIPAL = "guest"
# What an HTTP client would have been told: made (201), refused (409).
DONE, REFUSED = 201, 409


class Holding(Struct, frozen=True, kw_only=True):
    """The job. Buyers are spread over the desks; pools are numbered from `first` to `last`."""

    sockets: list[str]
    clients: int
    warm_seconds: float
    seconds: float
    first: int
    last: int
    seed: int = 0
    # Exactly one turn of one buyer.
    once: bool = False
    expected: int = DONE


async def run(job: Holding) -> Answer:
    """Do the job. A turn is four requests: hold, claim, hold, release; `by_status` counts turns, latencies requests."""
    by_status: dict[int, int] = {}
    latencies = array("d")
    sample = b""
    measuring, over = False, job.once
    done = 0

    async def request(desk: DeskClient, kind: str, request: Struct) -> Held:
        began = time.perf_counter()
        key = key_for(PRINCIPAL, str(uuid4()), request)
        held = await desk.submit(kind, request, Held, key=key, at=clock.now())
        if measuring and not over:
            latencies.append((time.perf_counter() - began) * 1000)
        return held

    async def buy(number: int) -> None:
        nonlocal done, sample
        draw = random.Random(f"{job.seed}/{number}")
        async with connected(Path(job.sockets[number % len(job.sockets)])) as desk:
            while True:
                pools = sorted(draw.sample(range(job.first, job.last + 1), 2))
                wants = tuple(Want(1, (pool,)) for pool in pools)
                try:
                    for kind in ("claim", "release"):
                        hold_id, at = uuid7(), clock.now()
                        await request(desk, "hold", HoldRequest(hold_id, f"basket:{hold_id}", wants, at + KEPT))
                        cause = Cause("sold", "hold", hold_id, PRINCIPAL, at)
                        ending = ClaimRequest(hold_id, cause) if kind == "claim" else ReleaseRequest(hold_id)
                        await request(desk, kind, ending)
                        if measuring and not over:
                            done += 1
                    by_status[DONE] = by_status.get(DONE, 0) + 1
                except Refusal as refusal:
                    by_status[REFUSED] = by_status.get(REFUSED, 0) + 1
                    sample = sample or str(refusal).encode()
                if over:
                    return

    async with asyncio.TaskGroup() as buyers:
        for number in range(job.clients):
            buyers.create_task(buy(number))
        await asyncio.sleep(job.warm_seconds)
        measuring = True
        mark("begin")
        began, cpu_began = time.perf_counter(), time.process_time()
        await asyncio.sleep(job.seconds)
        over = True
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
        mark("end")
    return Answer(
        by_status=by_status,
        done=done,
        measured_seconds=seconds,
        cpu_seconds=cpu_seconds,
        latencies_ms=latencies.tobytes(),
        broken=0,
        sample=sample,
    )


def main() -> None:
    """Read the job, do it, write the answer."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Holding)
    answer = uvloop.run(run(job))
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
