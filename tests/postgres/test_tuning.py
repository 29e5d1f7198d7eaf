"""The server's settings follow the machine's memory and never promise more than there is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.kernel.postgres import attached
from lotse.kernel.postgres.tuning import GIB, MIB, configuration, machine_memory_bytes
from lotse.kernel.settings import Settings


def megabytes(text: str, name: str) -> int:
    found = re.search(rf"^{name} = (\d+)MB", text, re.MULTILINE)
    assert found, name
    return int(found[1])


memory = st.integers(min_value=256 * MIB, max_value=4096 * GIB)
disk = st.integers(min_value=GIB // 2, max_value=16384 * GIB)


@given(memory_bytes=memory, disk_bytes=disk)
def test_what_it_takes_fits_the_machine(memory_bytes: int, disk_bytes: int) -> None:
    text = configuration(memory_bytes, GIB, disk_bytes)
    assert 256 <= megabytes(text, "max_wal_size") <= max(256, disk_bytes // MIB // 20)
    memory = memory_bytes // MIB
    assert 128 <= megabytes(text, "shared_buffers") <= max(128, memory // 8)
    assert megabytes(text, "effective_cache_size") <= memory // 2
    assert megabytes(text, "work_mem") * 100 <= max(400, memory // 4)
    assert megabytes(text, "maintenance_work_mem") <= max(64, memory // 32)


@given(memory_bytes=memory, disk_bytes=disk)
def test_every_setting_has_a_reason(memory_bytes: int, disk_bytes: int) -> None:
    for line in configuration(memory_bytes, None, disk_bytes).splitlines():
        assert re.fullmatch(r"[a-z_]+ = \S.*?  # \S.{5,}", line), line


@pytest.mark.parametrize(
    ("shared_memory_bytes", "kind"), [(None, "sysv"), (64 * MIB, "sysv"), (GIB, "posix"), (8 * GIB, "posix")]
)
def test_small_shared_memory_of_containers_is_avoided(shared_memory_bytes: int | None, kind: str) -> None:
    assert f"dynamic_shared_memory_type = {kind} " in configuration(GIB, shared_memory_bytes, GIB)


def test_the_machine_has_memory() -> None:
    assert machine_memory_bytes() > 64 * MIB


def test_the_smallest_machine_starts(durable: Settings) -> None:
    small = Settings.load({"LOTSE_HOME": str(durable.home), "LOTSE_POSTGRES_MEMORY_MB": "256"})
    with attached(small) as dsn:
        assert dsn
