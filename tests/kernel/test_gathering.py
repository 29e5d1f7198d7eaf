"""What gathers in memory: written together, bounded, tried again, whole at the end."""

import asyncio
from collections.abc import Sequence

from lotse.kernel import gathering as kernel
from lotse.kernel.gathering import gathering


async def test_everything_is_written_at_the_end_in_order():
    written: list[int] = []

    async def write(things: Sequence[int]) -> None:
        written.extend(things)

    async with gathering("test", write) as gathered:
        for number in range(5_000):
            assert gathered.put(number)
    assert written == list(range(5_000))


async def test_what_does_not_fit_is_refused_whole():
    held = asyncio.Event()

    async def write(things: Sequence[int]) -> None:
        await held.wait()

    async with gathering("test", write, most=3) as gathered:
        assert gathered.put(1, 2)
        assert not gathered.put(3, 4)
        assert gathered.put(5)
        assert gathered.room() == 0
        held.set()


async def test_one_by_one_the_same_bound_holds():
    written: list[int] = []
    held = asyncio.Event()

    async def write(things: Sequence[int]) -> None:
        await held.wait()
        written.extend(things)

    async with gathering("test", write, most=3) as gathered:
        assert [gathered.add(number) for number in range(5)] == [True] * 3 + [False] * 2
        held.set()
    assert written == [0, 1, 2]


async def test_a_database_that_is_away_is_asked_again(monkeypatch):
    monkeypatch.setattr(kernel, "RETRY_SECONDS", 0)
    written: list[int] = []
    tries: list[int] = []

    async def write(things: Sequence[int]) -> None:
        tries.append(len(things))
        if len(tries) < 3:
            raise ConnectionRefusedError
        written.extend(things)

    async with gathering("test", write) as gathered:
        gathered.put(1, 2)
    assert (written, tries) == ([1, 2], [2, 2, 2])


async def test_a_bug_loses_its_own_write_and_no_other():
    written: list[int] = []
    failed = asyncio.Event()

    async def write(things: Sequence[int]) -> None:
        if 13 in things:
            failed.set()
            raise ValueError("13")
        written.extend(things)

    async with gathering("test", write) as gathered:
        gathered.put(13)
        await failed.wait()
        gathered.put(1)
    assert written == [1]
