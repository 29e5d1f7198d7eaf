"""Answers that are there before the body: over TCP, by the server that Lotse runs on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from lotse.web import lingering
from lotse.web.bounds import Bound, Bounded
from lotse.web.lingering import Lingering
from lotse.web.server import listen_tcp
from tests.web.test_front import serving

pytestmark = pytest.mark.anyio


async def refuses(scope: Any, receive: Any, send: Any) -> None:
    """Somebody who looks at no body."""
    await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    listener = listen_tcp("127.0.0.1", 0)
    name = listener.getsockname()[:2]
    async with serving(Lingering(refuses), listener):
        yield name


def http(address: tuple[str, int]) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}", timeout=30)


@pytest.mark.parametrize("size", [0, 10, 70_000, 3_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_whoever_sends_on_hears_the_answer_and_goes_on(
    address: tuple[str, int], size: int, is_chunked: bool
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"a" * (size // 10)

    async with http(address) as client:
        for _ in range(8):  # one that would be cut off was so once in ten times
            answer = await client.post("/", content=parts() if is_chunked else b"a" * size)
            assert (answer.status_code, answer.text) == (403, "no")
            assert "connection" not in answer.headers


async def test_what_is_too_much_ends_the_connection_and_says_so(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering, "MOST_BYTES", 100_000)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" + b"a" * 200_000)
    answer = await asyncio.wait_for(reader.readuntil(b"no"), 10)
    assert answer.startswith(b"HTTP/1.1 403") and b"connection: close" in answer.lower()
    writer.close()


async def test_who_stops_sending_is_answered_all_the_same(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lingering, "MOST_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\naaa")
    answer = await asyncio.wait_for(reader.readuntil(b"no"), 10)
    assert answer.startswith(b"HTTP/1.1 403") and b"connection: close" in answer.lower()
    writer.close()


async def test_who_is_only_listened_to_takes_nobodys_place() -> None:
    bound = Bound("test", 1, 1.0)
    at_work: list[int] = []
    parts = iter([(b"a", True), (b"b", False)])

    async def receive() -> Any:
        at_work.append(bound.under_way)
        body, more = next(parts)
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message: Any) -> None:
        at_work.append(bound.under_way)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"transfer-encoding", b"chunked")]}
    await Lingering(Bounded(refuses, bound))(scope, receive, send)
    assert at_work == [0, 0, 0, 0]


async def test_who_asks_before_sending_need_not_send(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n")
    answer = await asyncio.wait_for(reader.readuntil(b"no"), 10)
    assert answer.startswith(b"HTTP/1.1 403") and b"connection: close" in answer.lower()
    writer.close()


async def test_whose_body_is_read_gets_it_whole() -> None:
    sent: list[Any] = []
    body = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b", "more_body": False},
    ]

    async def receive() -> Any:
        return body.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        read = [(await receive())["body"] for _ in range(2)]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"".join(read)})

    await Lingering(echo)({"type": "http", "method": "POST", "headers": [(b"content-length", b"2")]}, receive, send)
    assert sent == [
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b"ab"},
    ]
