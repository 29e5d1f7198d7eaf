"""How the embedded server is set up, from the machine's memory; each setting with its reason.

An operator changes any of these with `alter system` (`lotse db psql`), which wins over what is written here. What the
rest of Lotse relies on (sockets, durability) is not here but on the server's command line, where nothing wins over it.
"""

import os
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB
MAX_CONNECTIONS = 100


def machine_memory_bytes() -> int:
    """Physical memory, or the limit of our container if that is less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_cgroup_limits()])


def _cgroup_limits() -> list[int]:
    limits: list[int] = []
    for path in (
        Path("/sys/fs/cgroup/memory.max"),  # cgroup 2
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),  # cgroup 1
    ):
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdigit():  # not "max"
            limits.append(int(text))
    return limits


def configuration(memory_bytes: int, shared_memory_bytes: int | None, disk_bytes: int) -> str:
    """The text of `lotse.conf`.

    `shared_memory_bytes` is the size of /dev/shm, or None where there is none; `disk_bytes` that of the data's disk.
    """
    shared_buffers = _between(128 * MIB, memory_bytes // 8, 8 * GIB)
    lines: list[tuple[str, str, str]] = [
        (
            "shared_buffers",
            _mib(shared_buffers),
            "an eighth, not the usual quarter: pages, search and analytics live on the same machine",
        ),
        (
            "effective_cache_size",
            _mib(memory_bytes // 2),
            "what the planner may expect to find in memory, the system's cache included",
        ),
        (
            "work_mem",
            _mib(_between(4 * MIB, memory_bytes // (MAX_CONNECTIONS * 8), 64 * MIB)),
            "if every connection sorts twice at once, a quarter of memory is used",
        ),
        (
            "maintenance_work_mem",
            _mib(_between(64 * MIB, memory_bytes // 32, GIB)),
            "index builds and vacuum; few run at once",
        ),
        (
            "max_connections",
            str(MAX_CONNECTIONS),
            "processes hold at most 6 (a desk 2): some 15 processes, and room for psql and backups",
        ),
        ("jit", "off", "statements of a shop take milliseconds; compiling them takes longer"),
        ("random_page_cost", "1.1", "solid-state disks read at random almost as fast as in order"),
        ("effective_io_concurrency", "32", "solid-state disks like several requests at once"),
        (
            "max_wal_size",
            _mib(_between(256 * MIB, disk_bytes // 20, 2 * GIB)),
            "a twentieth of the disk; the more, the fewer checkpoints, after which every page goes to the log whole",
        ),
        ("min_wal_size", "80MB", "a demo or a test does not keep hundreds of megabytes of log for reuse"),
        ("checkpoint_timeout", "15min", "same reason as max_wal_size; recovery stays within minutes"),
        ("checkpoint_completion_target", "0.9", "spread the writes of a checkpoint so that orders do not stall"),
        ("wal_buffers", "16MB", "a batch of the desk fits, however many write at once"),
        ("wal_level", "replica", "a standby or a base backup can be added without a restart"),
        ("autovacuum_vacuum_scale_factor", "0.05", "pools change all day: clean after 5 % of a table, not 20 %"),
        ("autovacuum_analyze_scale_factor", "0.02", "fresh statistics after an import, without waiting for 10 %"),
        ("default_toast_compression", "pglz", "the wheel is built without lz4"),
        (
            "dynamic_shared_memory_type",
            _dynamic_shared_memory(shared_memory_bytes),
            "containers often have 64 MB in /dev/shm, where a parallel query fails; System V memory has no such limit",
        ),
        (
            "min_dynamic_shared_memory",
            "64MB",
            "taken first: it is no file, so systemd's RemoveIPC does not delete it when a user logs out",
        ),
        ("log_destination", "stderr", "into the files below"),
        ("logging_collector", "on", "the server outlives the command that started it, so it keeps its own log"),
        ("log_directory", "'../log'", "beside the data, in LOTSE_HOME/postgres"),
        (
            "log_filename",
            "'postgresql-%a.log'",
            "a file per weekday, overwritten after a week",
        ),
        ("log_truncate_on_rotation", "on", "see log_filename"),
        ("log_rotation_age", "1d", "see log_filename"),
        ("log_rotation_size", "0", "see log_filename"),
        ("log_min_duration_statement", "1s", "what a customer would notice"),
        ("log_lock_waits", "on", "names who waits for whom"),
        ("log_line_prefix", "'%m [%p] %a '", "time, process, and the role of the Lotse process"),
        ("log_timezone", "'UTC'", "one clock everywhere"),
        ("timezone", "'UTC'", "stored and compared in UTC; decided in the zone of the location"),
        ("lc_messages", "'C'", "errors are read by Lotse"),
    ]
    return "".join(f"{name} = {value}  # {reason}\n" for name, value, reason in lines)


def _dynamic_shared_memory(shared_memory_bytes: int | None) -> str:
    return "posix" if shared_memory_bytes is not None and shared_memory_bytes >= GIB else "sysv"


def shared_memory_bytes() -> int | None:
    """The size of /dev/shm, or None where there is none."""
    try:
        held = os.statvfs("/dev/shm")  # noqa: S108 - only its size
    except OSError:
        return None
    return held.f_blocks * held.f_frsize


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))


def _mib(size_bytes: int) -> str:
    return f"{size_bytes // MIB}MB"
