"""A page answers whatever its slots do: in time, late, broken or silent."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct
from prometheus_client import REGISTRY

from lotse.kernel.db import Connection
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.slots import Answerer, Ask, Slots, together

NOW = datetime(2026, 11, 21, tzinfo=UTC)


class Priced(Struct, frozen=True):
    minor: int

    def offer_properties(self) -> dict[str, Any]:
        return {"price": self.minor}


class Stocked(Struct, frozen=True):
    state: str

    def offer_properties(self) -> dict[str, Any]:
        return {"availability": self.state}


class Connections:
    """Counts the connections in use; the slots never look at them."""

    def __init__(self) -> None:
        self.open = 0
        self.most = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            yield None  # type: ignore[misc]
        finally:
            self.open -= 1


def question() -> Ask:
    return Ask(uuid7(), "en", "EUR", "", (), NOW)


def answering(
    slot: str, name: str, content: Any, *, asked: list[Ask] | None = None, budget_ms: int = 5_000
) -> Answerer:
    async def answer(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
        if asked is not None:
            asked.append(ask)
        return dict.fromkeys(ask.ids, content)

    return Answerer(slot, name, f"{name}/{slot}.html", budget_ms, answer)


def outcomes(slot: str, name: str, outcome: str) -> float:
    labels = {"slot": slot, "name": name, "outcome": outcome}
    return REGISTRY.get_sample_value("lotse_slot_answers_total", labels) or 0.0


async def test_a_slot_is_asked_once_with_all_ids_in_the_pages_order() -> None:
    asked: list[Ask] = []
    one, two = uuid7(), uuid7()
    answers = await Slots([answering("card.offer", "a", Priced(5), asked=asked)]).ask(
        Connections(), question(), {"card.offer": [one, two, one]}
    )
    assert [ask.ids for ask in asked] == [(one, two)]
    assert answers.of("card.offer", [one, two])[0][1] == [Priced(5), Priced(5)]


async def test_nobody_is_asked_for_nothing() -> None:
    asked: list[Ask] = []
    answers = await Slots([answering("s", "a", Priced(5), asked=asked)]).ask(Connections(), question(), {"s": []})
    assert asked == []
    assert answers.of("s", [uuid7()]) == []


async def test_two_slots_with_the_same_answer_are_asked_once() -> None:
    asked: list[Ask] = []
    stock = answering("product.stock", "inventory", Priced(5), asked=asked)
    places = msgspec.structs.replace(stock, slot="product.places")
    id = uuid7()
    answers = await Slots([stock, places]).ask(
        Connections(), question(), {"product.stock": [id], "product.places": [id]}
    )
    assert len(asked) == 1
    assert answers.content("product.stock", "inventory", id) == Priced(5)
    assert answers.content("product.places", "inventory", id) == Priced(5)
    await Slots([stock, places]).ask(Connections(), question(), {"product.stock": [id], "product.places": [uuid7()]})
    assert len(asked) == 3, "about other things they are two questions"


async def test_answerers_run_at_the_same_time_each_on_its_own_connection() -> None:
    both = asyncio.Barrier(2)  # neither gets on before the other has begun

    async def answer(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
        await both.wait()
        return {}

    connections = Connections()
    slots = Slots([Answerer("s", "a", "", 5_000, answer), Answerer("s", "b", "", 5_000, answer)])
    answers = await slots.ask(connections, question(), {"s": [uuid7()]})
    assert answers.missing == ()
    assert (connections.most, connections.open) == (2, 0)


async def test_what_several_answerers_want_to_know_is_read_once_per_page() -> None:
    reads = 0

    async def read() -> int:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return reads

    def asking(name: str) -> Answerer:
        async def answer(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
            return dict.fromkeys(ask.ids, Priced(await together("stock", read)))

        return Answerer("s", name, "t", 5_000, answer)

    slots, id = Slots([asking("a"), asking("b"), asking("c")]), uuid7()
    answers = await slots.ask(Connections(), question(), {"s": [id]})
    assert [answers.content("s", name, id) for name in "abc"] == [Priced(1)] * 3
    await slots.ask(Connections(), question(), {"s": [id]})
    assert reads == 2, "the next page reads anew"
    assert [await together("stock", read) for _ in range(2)] == [3, 4], "and so does everybody else"


async def test_who_reads_for_others_and_is_too_late_is_replaced() -> None:
    id, began = uuid7(), asyncio.Event()
    never: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def hang() -> int:
        began.set()
        return await never

    async def quick() -> int:
        return 5

    async def late(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
        return dict.fromkeys(ask.ids, Priced(await together("stock", hang)))

    async def patient(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
        await began.wait()
        return dict.fromkeys(ask.ids, Priced(await together("stock", quick)))

    slots = Slots([Answerer("s", "late", "t", 1, late), Answerer("s", "patient", "t", 5_000, patient)])
    answers = await slots.ask(Connections(), question(), {"s": [id]})
    assert answers.missing == ("s/late",)
    assert answers.content("s", "patient", id) == Priced(5)


async def test_a_read_that_fails_fails_for_all_who_share_it() -> None:
    async def broken() -> int:
        await asyncio.sleep(0)
        raise RuntimeError

    async def answer(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
        return dict.fromkeys(ask.ids, Priced(await together("stock", broken)))

    slots = Slots([Answerer("s", name, "t", 5_000, answer) for name in "ab"])
    assert (await slots.ask(Connections(), question(), {"s": [uuid7()]})).missing == ("s/a", "s/b")


async def test_a_task_that_outlives_its_page_reads_for_itself() -> None:
    reads = 0
    begun: list[asyncio.Task[int]] = []
    after = asyncio.Event()

    async def read() -> int:
        nonlocal reads
        reads += 1
        return reads

    async def later() -> int:
        await after.wait()
        return await together("stock", read)

    async def answer(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
        begun.append(asyncio.create_task(later()))
        return dict.fromkeys(ask.ids, Priced(await together("stock", read)))

    await Slots([Answerer("s", "a", "t", 5_000, answer)]).ask(Connections(), question(), {"s": [uuid7()]})
    after.set()
    assert await begun[0] == 2


async def test_a_slow_answerer_is_left_out_and_counted() -> None:
    async def never(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
        await asyncio.Event().wait()
        return {}

    before = outcomes("slow.slot", "slow", "late")
    id = uuid7()
    connections = Connections()
    slots = Slots([Answerer("slow.slot", "slow", "", 10, never), answering("slow.slot", "quick", Priced(1))])
    answers = await slots.ask(connections, question(), {"slow.slot": [id]})
    assert [answerer.name for answerer, _ in answers.of("slow.slot", [id])] == ["quick"]
    assert answers.missing == ("slow.slot/slow",)
    assert outcomes("slow.slot", "slow", "late") == before + 1
    assert connections.open == 0


async def test_a_failing_answerer_is_left_out_and_counted() -> None:
    async def broken(connection: Connection, ask: Ask) -> Mapping[UUID, Any]:
        raise ZeroDivisionError

    before = outcomes("broken.slot", "broken", "failed")
    id = uuid7()
    slots = Slots([Answerer("broken.slot", "broken", "", 1_000, broken), answering("broken.slot", "fine", Priced(1))])
    answers = await slots.ask(Connections(), question(), {"broken.slot": [id]})
    assert answers.content("broken.slot", "fine", id) == Priced(1)
    assert answers.content("broken.slot", "broken", id) is None
    assert answers.missing == ("broken.slot/broken",)
    assert outcomes("broken.slot", "broken", "failed") == before + 1


async def test_answers_of_several_domains_make_one_offer_for_machines() -> None:
    id = uuid7()
    slots = Slots(
        [answering("product.offer", "pricing", Priced(1999)), answering("product.offer", "stock", Stocked("in"))]
    )
    answers = await slots.ask(Connections(), question(), {"product.offer": [id]})
    assert answers.offer(id, "product.offer") == {"@type": "Offer", "price": 1999, "availability": "in"}
    assert answers.offer(uuid7(), "product.offer") == {}


def test_two_answerers_of_one_name_are_a_mistake_of_the_installation() -> None:
    with pytest.raises(ValueError, match="two answerers named a"):
        Slots([answering("s", "a", 1), answering("s", "a", 2)])
