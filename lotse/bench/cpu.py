"""CPU time of groups of processes, from /proc: user and system seconds since their start."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def of_processes(pids: Iterable[int]) -> float:
    """CPU seconds of these processes; one that has ended counts nothing."""
    return sum(_used(fields) for pid in pids if (fields := _stat(pid)))


def of_server(postmaster: int) -> float:
    """CPU seconds of a PostgreSQL server: its first process, all that it started, and those that ended already."""
    own = _stat(postmaster)
    if own is None:
        return 0.0
    ended = (int(own[13]) + int(own[14])) / _TICK
    return _used(own) + ended + of_processes(children(postmaster))


def children(parent: int) -> list[int]:
    """The processes that a process started and that still live."""
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        found += [int(pid) for pid in task.read_text().split()]
    if found:
        return found
    # A kernel without CONFIG_PROC_CHILDREN.
    entries = (entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [int(pid) for pid in entries if (fields := _stat(int(pid))) and fields[1] == str(parent)]


def parent_of(pid: int) -> int | None:
    """The process that started this one."""
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def _stat(pid: int) -> list[str] | None:
    """The fields after the name (which may hold anything), so `state` is 0, `ppid` 1, `utime` 11 (see proc(5))."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _used(fields: list[str]) -> float:
    return (int(fields[11]) + int(fields[12])) / _TICK
