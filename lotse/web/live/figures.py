"""How the desk and the processes stand, from what they leave in the runtime folder: metrics and the supervisor's file.

Only the files of the desk's own process are read: all of them together take tens of milliseconds of the process that
also answers orders.
"""

import time
from pathlib import Path
from typing import Any

from msgspec import Struct
from prometheus_client import multiprocess

from lotse.kernel import runtime, standing
from lotse.kernel.settings import Settings

_multiprocess: Any = multiprocess  # has no types
# Figures are of the time between two looks; what is older than this says nothing of now.
_OLD_SECONDS = 10.0


class DeskFigures(Struct, frozen=True):
    """Of the last second: requests committed per second and per batch, milliseconds per commit, how many wait."""

    per_second: float
    batch: float
    commit_ms: float
    queue: int


class _Sums(Struct, frozen=True):
    pid: int
    moment: float
    batches: float
    requests: float
    commits: float
    seconds: float
    queue: float


class Figures:
    """Asked once a second; each answer is of the time since the one before."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = runtime.metrics_folder(settings)
        self._before: _Sums | None = None

    def processes(self) -> list[standing.Process]:
        return standing.read(self._settings)

    def desk(self, processes: list[standing.Process]) -> DeskFigures | None:
        """None where no desk of this host is known, or nothing to compare with. Reads files: call it in a thread."""
        pid = next((one.pid for one in processes if one.role == "desk" and one.ready), None)
        now = _sums(self._folder, pid) if pid else None
        before, self._before = self._before, now
        if now is None or before is None or before.pid != now.pid or now.moment - before.moment > _OLD_SECONDS:
            return None
        batches, commits = now.batches - before.batches, now.commits - before.commits
        requests = now.requests - before.requests
        return DeskFigures(
            per_second=round(requests / (now.moment - before.moment), 1),
            batch=round(requests / batches, 1) if batches else 0.0,
            commit_ms=round((now.seconds - before.seconds) / commits * 1000, 2) if commits else 0.0,
            queue=int(now.queue),
        )


def _sums(folder: Path, pid: int) -> _Sums | None:
    files = [str(path) for path in folder.glob(f"*_{pid}.db")]
    if not files:
        return None
    found: dict[str, float] = {}
    for metric in _multiprocess.MultiProcessCollector.merge(files, accumulate=False):
        if metric.name.startswith("lotse_desk_"):
            for sample in metric.samples:
                if not sample.labels.get("le"):
                    found[sample.name] = found.get(sample.name, 0.0) + sample.value
                elif metric.name in ("lotse_desk_batch_size", "lotse_desk_commit_seconds"):
                    # Not accumulated: every bucket counts its own, so their sum is how many there were.
                    count = f"{metric.name}_count"
                    found[count] = found.get(count, 0.0) + sample.value
    return _Sums(
        pid,
        time.monotonic(),
        found.get("lotse_desk_batch_size_count", 0.0),
        found.get("lotse_desk_batch_size_sum", 0.0),
        found.get("lotse_desk_commit_seconds_count", 0.0),
        found.get("lotse_desk_commit_seconds_sum", 0.0),
        found.get("lotse_desk_queue_length", 0.0),
    )
