"""Metrics in Prometheus' format, of all processes of this host together.

Each module declares its own counters with `prometheus_client`; in the roles they live in files below the runtime folder
(multiprocess mode), so that the front can answer `/metrics` for roles that speak no HTTP. A role that died keeps its
counts; its live gauges go (`forget`).
"""

import asyncio
import os
from bisect import bisect_left
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Histogram,
    generate_latest,
    multiprocess,
)

_multiprocess: Any = multiprocess  # has no types
CONTENT_TYPE = CONTENT_TYPE_LATEST
# prometheus_client reads it when it is first imported, so the supervisor sets it for its children.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

HTTP_SECONDS = Histogram(
    "lotse_http_seconds",
    "From the first byte of a request to the last of its answer",
    ("role", "method", "route", "status"),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


class Tally:
    """A series of a histogram, counted in memory and written once a second.

    In multiprocess mode each observation writes to two places of a mapped file, in Python: 40 µs of an order that takes
    300 in all. A process that is killed loses the last second of its counts.
    """

    def __init__(self, series: Any) -> None:
        # The library offers no way to add many observations at once.
        self._buckets: list[Any] = series._buckets
        self._sum: Any = series._sum
        self._bounds: list[float] = series._upper_bounds
        self._counts = [0] * len(self._bounds)
        self._seconds = 0.0

    def observe(self, seconds: float) -> None:
        if not self._seconds:
            _waiting.append(self)
            if len(_waiting) == 1:
                asyncio.get_running_loop().call_later(_WRITE_SECONDS, write_tallies)
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._seconds += seconds or 1e-9

    def observe_many(self, times: int, seconds: float) -> None:
        """So many that took so long together, each about as long."""
        self.observe(seconds / times)
        self._counts[bisect_left(self._bounds, seconds / times)] += times - 1
        self._seconds += seconds - seconds / times

    def write(self) -> None:
        """Into the file of this process."""
        for number, count in enumerate(self._counts):
            if count:
                self._buckets[number].inc(count)
                self._counts[number] = 0
        self._sum.inc(self._seconds)
        self._seconds = 0.0


_WRITE_SECONDS = 1.0
_waiting: list[Tally] = []


def write_tallies() -> None:
    """Write what this process has counted in memory."""
    for tally in _waiting:
        tally.write()
    _waiting.clear()


def exposition() -> bytes:
    """What `/metrics` answers: every process of this host, or only this one outside the supervisor."""
    write_tallies()
    if not os.environ.get(FOLDER_VARIABLE):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    _multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


def clear(folder: Path) -> None:
    """Remove what an earlier run left; before the first role starts."""
    for file in folder.glob("*.db"):
        file.unlink()


def forget(folder: Path, pid: int) -> None:
    """Remove the live gauges of a process that has ended."""
    _multiprocess.mark_process_dead(pid, str(folder))
