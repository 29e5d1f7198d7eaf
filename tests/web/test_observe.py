"""Around every request: deadline, headers, log lines. And the logs and metrics themselves."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from lotse.kernel import logs
from lotse.kernel.settings import Settings
from lotse.web import observe
from lotse.web.observe import Observed


async def slow(_scope: Any, _receive: Any, _send: Any) -> None:
    await asyncio.Event().wait()


async def broken(_scope: Any, _receive: Any, _send: Any) -> None:
    raise KeyError("a secret of the implementation")


async def fine(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Request-Id", b"not mine")]})
    await send({"type": "http.response.body", "body": b"fine"})


def before(app: Any, mode: str = "all", scheme: str = "http") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Observed(app, "test", mode)), base_url=f"{scheme}://shop")


async def test_an_answer_has_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "DEADLINE_SECONDS", 0.05)
    async with before(slow) as browser:
        answer = await browser.get("/")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:lotse:refusal:took-too-long")


async def test_what_fails_outside_the_routes_is_a_problem_too() -> None:
    with capture_logs() as lines:
        async with before(broken) as browser:
            answer = await browser.get("/x")
    assert answer.status_code == 500 and "secret" not in answer.text
    assert [line["event"] for line in lines] == ["request failed", "request"]


async def test_over_tls_browsers_are_told_to_stay_there() -> None:
    async with before(fine) as plain, before(fine, scheme="https") as secure:
        assert "strict-transport-security" not in (await plain.get("/")).headers
        answer = await secure.get("/")
    assert answer.headers["strict-transport-security"]
    assert answer.headers.get_list("x-request-id") != ["not mine"] and len(answer.headers.get_list("x-request-id")) == 1


@pytest.mark.parametrize(
    ("mode", "app", "lines"), [("all", fine, 1), ("notable", fine, 0), ("notable", broken, 2), ("off", fine, 0)]
)
async def test_the_log_says_what_it_is_asked_to(mode: str, app: Any, lines: int) -> None:
    with capture_logs() as said:
        async with before(app, mode) as browser:
            await browser.get("/p/7?email=a@example.org")
    assert len(said) == lines
    assert "example.org" not in str(said)  # queries hold what people typed


@pytest.mark.parametrize(("kind", "lines"), [(b"text/event-stream", 0), (b"text/html", 1)])
async def test_a_stream_is_not_slow_because_somebody_listens(
    monkeypatch: pytest.MonkeyPatch, kind: bytes, lines: int
) -> None:
    began = time.perf_counter()

    async def listened_to(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        monkeypatch.setattr(time, "perf_counter", lambda: began + 60)
        await send({"type": "http.response.body", "body": b"data: 1\n\n"})

    with capture_logs() as said:
        async with before(listened_to, "notable") as browser:
            await browser.get("/events")
    assert len(said) == lines


def test_json_logs_are_one_object_per_line(capsys: pytest.CaptureFixture[str], settings: Settings) -> None:
    import logging

    root = logging.getLogger()
    before_handlers, before_level = list(root.handlers), root.level
    try:
        from msgspec import structs

        logs.configure(structs.replace(settings, log_format="json"), "api")
        structlog.get_logger().warning("sold", sku="a", at=None)
        logging.getLogger("some.library").warning("lost %s", "a connection")
        try:
            raise ValueError("broken")
        except ValueError:
            structlog.get_logger().exception("failed")
    finally:
        root.handlers[:] = before_handlers
        root.setLevel(before_level)
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["role"], line["level"]) for line in lines] == [
        ("sold", "api", "warning"),
        ("lost a connection", "api", "warning"),
        ("failed", "api", "error"),
    ]
    assert "ValueError: broken" in lines[2]["exception"]
