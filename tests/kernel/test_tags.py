"""Copies of master data: dropped everywhere within a second of the event, never put in when they may be stale."""

import asyncio
import time
from typing import Any, ClassVar, cast
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from lotse.kernel import clock, relay
from lotse.kernel.db import Connection, Database
from lotse.kernel.outbox import emit
from lotse.kernel.tags import MANY, MAX_AGE_SECONDS, Tags, any_of, heard, kept, tagged


class ShelfChanged(Struct, frozen=True, tag="kernel.ShelfChanged"):
    version: ClassVar[int] = 1
    shelf: str

    @property
    def key(self) -> str:
        return self.shelf


shelf = tagged(ShelfChanged)


@pytest.fixture
def tags() -> Tags:
    tags = Tags()
    tags.line(live=True)
    return tags


def test_a_copy_is_dropped_by_any_of_its_tags(tags: Tags):
    copies = tags.copies("c", size=9)
    copies.put("both", 1, [shelf("a"), shelf("b")], tags.mark())
    copies.put("other", 2, [shelf("c")], tags.mark())
    tags.drop([shelf("b")])
    assert (copies.get("both"), copies.get("other")) == (None, 2)


def test_a_copy_is_dropped_by_its_types(tags: Tags):
    copies = tags.copies("c", size=9)
    mark = tags.mark()
    copies.put("any shelf", 1, [any_of(ShelfChanged)], mark)
    tags.drop([shelf("b")])
    assert copies.get("any shelf") is None
    assert not copies.put("any shelf", 1, [any_of(ShelfChanged)], mark)


async def test_what_every_page_asks_for_is_read_once_until_it_changes(tags: Tags):
    reads = 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        return reads

    async def ask(conn: Connection) -> int:
        return await kept(conn, "c", "k", read, lambda _: [shelf("a")])

    conn = Connection(cast("Any", None), tags)
    assert [await ask(conn), await ask(conn)] == [1, 1]
    tags.drop([shelf("a")])
    assert [await ask(conn), await ask(conn)] == [2, 2]
    blind = Connection(cast("Any", None))
    assert [await ask(blind), await ask(blind)] == [3, 4], "who hears of no changes keeps nothing"


def test_what_was_read_before_a_drop_is_not_kept_after_it(tags: Tags):
    copies = tags.copies("c", size=9)
    mark = tags.mark()
    tags.drop([shelf("a")])
    assert not copies.put("stale", 1, [shelf("a")], mark)
    assert copies.put("untouched", 1, [shelf("b")], mark)
    assert copies.put("fresh", 1, [shelf("a")], tags.mark())


def test_nothing_is_kept_without_a_line_and_over_a_new_one():
    tags = Tags()
    copies = tags.copies("c", size=9)
    assert not copies.put("k", 1, [], tags.mark())
    tags.line(live=True)
    mark = tags.mark()
    assert copies.put("k", 1, [], mark)
    tags.line(live=True)
    assert copies.get("k") is None
    assert not copies.put("k", 1, [], mark)


def test_the_least_used_goes_first(tags: Tags):
    copies = tags.copies("c", size=2)
    for key in "ab":
        copies.put(key, key, [], tags.mark())
    copies.get("a")
    copies.put("c", "c", [], tags.mark())
    assert [copies.get(key) for key in "abc"] == ["a", None, "c"]


def test_a_copy_lasts_no_longer_than_it_may(tags: Tags, monkeypatch: pytest.MonkeyPatch):
    copies = tags.copies("c", size=2, lasts_seconds=5)
    copies.put("a", 1, [], tags.mark())
    now = time.monotonic()
    for later, there in ((4, 1), (6, None)):
        monkeypatch.setattr("lotse.kernel.tags.time.monotonic", lambda later=later: now + later)
        tags.told_at = now + later
        assert copies.get("a") == there


def test_a_copy_ages_when_nobody_tells(tags: Tags, monkeypatch: pytest.MonkeyPatch):
    copies = tags.copies("c", size=2)
    copies.put("a", 1, [], tags.mark())
    later = time.monotonic() + MAX_AGE_SECONDS + 1
    monkeypatch.setattr("lotse.kernel.tags.time.monotonic", lambda: later)
    tags.told_at = later - 1
    assert copies.get("a") == 1, "told of everything a second ago"
    tags.told_at = 0.0
    assert copies.get("a") is None


async def test_what_many_miss_is_read_once(tags: Tags):
    copies = tags.copies("c", size=9)
    reads: list[list[str]] = []
    begun, go = asyncio.Event(), asyncio.Event()

    async def load(keys: list[str]) -> dict[str, tuple[str, list[str]]]:
        reads.append(sorted(keys))
        begun.set()
        await go.wait()
        return {key: (key.upper(), [shelf(key)]) for key in keys if key != "none"}

    asking = [asyncio.create_task(copies.many(keys, load)) for keys in (["a"], ["b", "none"], ["b", "c"])]
    await begun.wait()
    tags.drop([shelf("a")])  # while it is read: whoever asked gets it, and it is not kept
    go.set()
    assert await asyncio.gather(*asking) == [{"a": "A"}, {"b": "B"}, {"b": "B", "c": "C"}]
    assert reads == [["a", "b", "c", "none"]]
    assert (copies.get("a"), copies.get("b")) == (None, "B")


async def test_a_read_that_fails_fails_for_those_who_waited(tags: Tags):
    copies = tags.copies("c", size=9)

    async def fail(keys: list[str]) -> dict[str, tuple[str, list[str]]]:
        raise OSError("away")

    async def load(keys: list[str]) -> dict[str, tuple[str, list[str]]]:
        return {key: (key, []) for key in keys}

    with pytest.raises(OSError, match="away"):
        await copies.many(["a"], fail)
    assert await copies.many(["a"], load) == {"a": "a"}


def test_listeners_hear_of_drops_and_of_everything(tags: Tags):
    heard_of: list[frozenset[str] | None] = []
    tags.on_drop(heard_of.append)
    tags.drop([shelf("a")])
    tags.drop([])
    tags.drop(shelf(n) for n in range(MANY + 1))
    assert heard_of == [frozenset([shelf("a")]), None]


@given(st.lists(st.tuples(st.sampled_from("pdm"), st.sampled_from("abc")), max_size=40))
def test_no_copy_outlives_a_drop_since_its_mark(steps: list[tuple[str, str]]):
    """Against the plain rule: a copy is there only if none of its tags was dropped after its mark."""
    tags = Tags()
    tags.line(live=True)
    copies = tags.copies("c", size=99)
    mark, dropped_since_mark, expected = tags.mark(), set[str](), dict[str, int]()
    for number, (step, name) in enumerate(steps):
        if step == "m":
            mark, dropped_since_mark = tags.mark(), set()
        elif step == "d":
            tags.drop([shelf(name)])
            dropped_since_mark.add(name)
            expected.pop(name, None)
        elif copies.put(name, number, [shelf(name)], mark):
            assert name not in dropped_since_mark
            expected[name] = number
    assert {name: copies.get(name) for name in "abc" if copies.get(name) is not None} == expected


async def test_an_event_drops_copies_in_every_process(db: Database):
    name = uuid4().hex
    async with heard(db, "one") as one, heard(db, "two") as two, asyncio.timeout(10):
        kept = [tags.copies("c", size=9) for tags in (one, two)]
        for tags, copies in zip((one, two), kept, strict=True):
            while not copies.put("k", 1, [shelf(name)], tags.mark()):  # noqa: ASYNC110 - its line is being opened
                await asyncio.sleep(0.01)
        gone = [asyncio.Event(), asyncio.Event()]
        one.on_drop(lambda _: gone[0].set())
        two.on_drop(lambda _: gone[1].set())
        async with db.transaction() as tx:
            await emit(tx, ShelfChanged(name), at=clock.now())
        async with db.reading() as conn:
            await relay.move_all(conn)
        for event in gone:
            await event.wait()
        assert [copies.get("k") for copies in kept] == [None, None]
