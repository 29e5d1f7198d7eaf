"""Back pressure: what one process takes on, and how it says no."""

import asyncio
from typing import Any

import httpx
import pytest

from lotse.web import bounds
from lotse.web.bounds import Bound, Bounded


class Inside:
    """An application whose requests stay until they are let go."""

    def __init__(self) -> None:
        self.going = asyncio.Event()
        self.entered = 0
        self.arrived = asyncio.Condition()

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        async with self.arrived:
            self.entered += 1
            self.arrived.notify_all()
        await self.going.wait()
        await send({"type": "http.response.start", "status": 201, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def until(self, count: int) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: self.entered >= count)


def before(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")


async def test_what_is_beyond_the_bound_is_refused_by_name_and_the_rest_is_served() -> None:
    inside, bound = Inside(), Bound("test", 3, 1.0)
    async with before(Bounded(inside, bound)) as client:
        taken = [asyncio.create_task(client.post("/api/v1/orders")) for _ in range(3)]
        await inside.until(3)
        answer = await client.post("/api/v1/orders")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:lotse:refusal:shop-busy"
        assert int(answer.headers["retry-after"]) == answer.json()["retry_after_seconds"] in bounds.RETRY_SECONDS
        people = await client.post("/checkout", headers={"Accept": "text/html"})
        assert (
            people.status_code == 503 and "Nothing was done" in people.text and "Es ist nichts geschehen" in people.text
        )
        inside.going.set()
        assert [(await one).status_code for one in taken] == [201] * 3
        assert (await client.post("/api/v1/orders")).status_code == 201
        assert inside.entered == 4


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/", "/p/shoe"])
async def test_what_has_no_bound_here(path: str) -> None:
    inside, bound = Inside(), Bound("test", 0, 1.0)
    inside.going.set()
    async with before(Bounded(inside, bound)) as client:
        assert (await client.get(path)).status_code == 201
        assert (await client.get("/api/v1/products")).status_code == 503


def test_the_back_office_has_a_reserve_and_no_exemption() -> None:
    bound = Bound("test", 2, 1.0)
    assert bound.enter("/api/v1/orders") and bound.enter("/checkout") and not bound.enter("/checkout")
    assert all(bound.enter("/office/waiting/open") for _ in range(bounds.RESERVE))
    assert not bound.enter("/office/waiting/open") and not bound.enter("/signin")


async def test_a_request_that_fails_gives_its_place_back() -> None:
    async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
        raise KeyError("a bug")

    bound = Bound("test", 1, 1.0)
    async with before(Bounded(broken, bound)) as client:
        for _ in range(3):
            with pytest.raises(KeyError):
                await client.post("/api/v1/orders")
    assert bound.under_way == 0


async def test_refusals_leave_at_a_rate_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def paused(seconds: float) -> None:
        pauses.append(seconds)
        await gate.wait()

    gate = asyncio.Event()
    monkeypatch.setattr(bounds.asyncio, "sleep", paused)
    bound = Bound("test", 0, 1.0)

    async def send(_message: Any) -> None:
        pass

    many = [asyncio.create_task(bound.refuse({"headers": []}, send)) for _ in range(8_000)]
    while len(pauses) < len(many):
        await asyncio.wait(many, timeout=0.01)
    gate.set()
    await asyncio.gather(*many)
    assert pauses[0] == 1 / bounds.REFUSALS_PER_SECOND
    assert pauses[999] == pytest.approx(1.0)
    assert max(pauses) == bounds.LONGEST_HELD_SECONDS
    # All are gone: the next one waits no longer than the first.
    await bound.refuse({"headers": []}, send)
    assert pauses[-1] == pauses[0]


def test_strain_is_the_worst_of_slow_full_and_refused() -> None:
    bound = Bound("test", 10, 0.5)
    assert bound.strain() == 0
    for seconds in [0.1] * 19 + [1.0]:
        assert bound.enter("/x")
        bound.leave(seconds)
    assert bound.strain() == pytest.approx(2.0)  # the 95th percentile over what is slow
    for _ in range(10):
        assert bound.enter("/x")
    for _ in range(10):
        bound.leave(0.01)
    assert bound.strain() == pytest.approx(1 / bounds.FULL)
    for _ in range(10):
        assert bound.enter("/x")
    assert not bound.enter("/x")
    for _ in range(10):
        bound.leave(None)
    assert bound.strain() == 1.5
    assert bound.strain() == 0
