"""The front door: a real server before real pages, over TCP and a Unix socket."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lotse.web import front
from lotse.web.front import Front, Posts
from lotse.web.observe import Observed
from lotse.web.proxied import Proxied, networks
from lotse.web.server import listen_tcp, listen_unix, serve

App = Callable[[Any, Any, Any], Awaitable[None]]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """A stand-in for pages that tells what it was asked."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
    told = repr(
        (scope["method"], scope["raw_path"], scope["query_string"], scope["client"], scope["scheme"], len(body))
    )
    await send({"type": "http.response.start", "status": 418, "headers": [
        (b"x-told", told.encode()), (b"x-headers", repr(headers).encode()),
        (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"),
        (b"content-encoding", b"gzip"), (b"connection", b"x-secret"), (b"x-secret", b"1"),
    ]})  # fmt: skip
    packed = gzip.compress(b"first second")
    for part in (packed[:9], packed[9:]):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def api(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"api " + scope["path"].encode()})


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(serve(app, listener, stop))
    try:
        yield
    finally:
        stop.set()
        await task


@asynccontextmanager
async def at_the_door(pages: Path, posts: Posts | None = None) -> AsyncIterator[httpx.AsyncClient]:
    door = Front(api, posts or Posts([]), pages)
    with listen_tcp("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        async with (
            serving(Observed(door, "api", "off"), listener),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser,
        ):
            yield browser
    await door.close()


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    path = tmp_path / "pages.sock"
    async with serving(Proxied(echo), listen_unix(path)), at_the_door(path) as client:
        yield client


@pytest.mark.parametrize("path", ["/api/v1/x", "/health", "/ready", "/metrics"])
async def test_the_api_answers_its_own(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).text == f"api {path}"


async def test_a_page_is_handed_on_as_it_is(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/p/Gr%C3%BCn%2Fblau?q=a%26b&x=", headers={"Host": "shop.example", "Cookie": "a=1"})
    assert (answer.status_code, answer.text) == (418, "first second")
    assert eval(answer.headers["x-told"]) == ("GET", b"/p/Gr%C3%BCn%2Fblau", b"q=a%26b&x=", ("127.0.0.1", 0), "http", 0)
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    seen = dict(eval(answer.headers["x-headers"]))
    assert seen["host"] == "shop.example" and seen["cookie"] == "a=1" and seen["x-forwarded-host"] == "shop.example"
    assert seen["x-request-id"] == answer.headers["x-request-id"]


async def test_what_ends_at_a_hop_ends_here(browser: httpx.AsyncClient) -> None:
    claims = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        "X-Request-Id": "mine",
        "Forwarded": "for=6.6.6.6",
        "Connection": "keep-alive, x-private",
        "X-Private": "1",
        "TE": "trailers",
    }
    answer = await browser.get("/", headers=claims)
    seen = dict(eval(answer.headers["x-headers"]))
    assert not {"x-private", "te", "forwarded"} & seen.keys() and seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-request-id"] != "mine" and eval(answer.headers["x-told"])[3:5] == (("127.0.0.1", 0), "http")
    assert "x-secret" not in answer.headers


@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_is_handed_on(browser: httpx.AsyncClient, stream: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    answer = await browser.post("/upload", content=chunks() if stream else b"x" * 1_000_000)
    assert eval(answer.headers["x-told"])[5] == 1_000_000


@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_has_a_limit(browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, stream: bool) -> None:
    monkeypatch.setattr(front, "MAX_BODY_BYTES", 50_000)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * 10_000

    answer = await browser.post("/upload", content=chunks() if stream else b"x" * 100_000)
    assert answer.status_code == 413 and answer.headers["content-type"].startswith("text/html")


async def test_head_sends_no_body(browser: httpx.AsyncClient) -> None:
    answer = await browser.head("/")
    assert (answer.status_code, answer.content) == (418, b"")


async def test_pages_that_are_away_give_a_short_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "PATIENCE_SECONDS", 0.1)
    async with at_the_door(tmp_path / "nobody.sock") as browser:
        answer = await browser.get("/")
        assert answer.status_code == 502 and "restarted" in answer.text and "Traceback" not in answer.text
        assert answer.headers["content-security-policy"]


async def test_a_request_waits_for_pages_that_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, tried, sleep = tmp_path / "pages.sock", asyncio.Event(), asyncio.sleep

    async def noted(seconds: float) -> None:
        tried.set()
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", noted)
    async with at_the_door(path) as browser:
        asked = asyncio.create_task(browser.post("/x", content=b"once"))
        await tried.wait()
        async with serving(Proxied(echo), listen_unix(path)):
            answer = await asked
    assert answer.status_code == 418 and eval(answer.headers["x-told"])[5] == 4


async def test_pages_that_hang_give_a_short_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "ANSWER_TIMEOUT_SECONDS", 0.2)
    hang = asyncio.Event()

    async def hanging(_scope: Any, _receive: Any, _send: Any) -> None:
        await hang.wait()

    path = tmp_path / "pages.sock"
    async with serving(hanging, listen_unix(path)), at_the_door(path) as browser:
        answer = await browser.get("/")
        hang.set()
    assert answer.status_code == 504 and "too long" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "has"),
    [
        ("POST", "/basket/lines", True),
        ("GET", "/basket/lines", False),
        ("POST", "/orders/01a00000-0000-7000-8000-000000000000/cancel", True),
        ("POST", "/orders/change/cancel", False),
        ("POST", "/orders/01a00000-0000-7000-8000-000000000000/8/cancel", False),
        ("POST", "/orders//cancel", False),
        ("POST", "/basket/lines/", True),
        ("POST", "/basketxlines", False),
        ("POST", "/files/a/b/c", True),
    ],
)
def test_posts_are_known_by_method_and_path(method: str, path: str, has: bool) -> None:
    posts = Posts([("POST", "/basket/lines"), ("POST", "/orders/{id:uuid}/cancel"), ("POST", "/files/{rest:path}")])
    assert posts.has(method, path) is has


@pytest.mark.parametrize(
    ("trusted", "client", "seen"),
    [("", "10.0.0.1", "10.0.0.1"), ("10.0.0.0/8", "10.0.0.1", "2.2.2.2"), ("10.0.0.0/8", "11.0.0.1", "11.0.0.1"),
     ("::1", "::1", "2.2.2.2"), ("10.0.0.0/8", "", "")],
)  # fmt: skip
async def test_only_trusted_proxies_are_believed(trusted: str, client: str, seen: str) -> None:
    told: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        told.append((scope["client"][0], scope["scheme"]))

    headers = [(b"x-forwarded-for", b"1.1.1.1, 2.2.2.2"), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": (client, 1), "scheme": "http", "headers": headers}
    await Proxied(app, networks(trusted))(scope, None, None)
    assert told == [(seen, "https" if seen == "2.2.2.2" else "http")]
