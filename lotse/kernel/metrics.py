"""Metrics in Prometheus' format, of all processes of this host together.

Each module declares its own counters with `prometheus_client`; in the roles they live in files below the runtime folder
(multiprocess mode), so that the front can answer `/metrics` for roles that speak no HTTP. A role that died keeps its
counts; its live gauges go (`forget`).
"""

import os
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


def exposition() -> bytes:
    """What `/metrics` answers: every process of this host, or only this one outside the supervisor."""
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
