"""How the processes of this host stand, as their supervisor sees them: a small file in the runtime folder.

The supervisor writes it whenever a process comes up or goes away; who shows or tests that reads it. Without a
supervisor (systemd, a cluster) there is none.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from lotse.kernel import runtime
from lotse.kernel.settings import Settings

_NAME = "roles.json"


class Process(Struct, frozen=True):
    """A role or simulator. `starts` counts from one; `pid` is the present one's, or the last one's while it is away."""

    role: str
    pid: int | None
    ready: bool
    starts: int
    since: datetime


def write(folder: Path, processes: Sequence[Process]) -> None:
    """Take the place of what was written before, whole: a reader never meets half a file."""
    new = folder / f"{_NAME}.new"
    new.write_bytes(msgspec.json.encode(processes))
    new.replace(folder / _NAME)


def read(settings: Settings) -> list[Process]:
    """Every supervised process of this host; none without a supervisor."""
    try:
        return msgspec.json.decode((runtime.folder(settings) / _NAME).read_bytes(), type=list[Process])
    except (FileNotFoundError, msgspec.DecodeError):
        return []
