"""Kept pages in front of everything else: the plain case at once, all others the ordinary way."""

import asyncio
from typing import Any

import pytest

from lotse.kernel.pages.kept import Place
from lotse.web.storefront import swift
from lotse.web.storefront.swift import Swift
from tests.pages.test_kept import COOKIE, Shop


class Door:
    """`Swift` in front of kept pages; `ordinary` counts what went on."""

    def __init__(self) -> None:
        self.inside = Shop()
        self.ordinary = 0
        self.is_open = True
        self.watched: list[str] = []
        self.lets = True
        self.told = asyncio.Event()
        self.swift = Swift(self.pages, self.inside.kept, self, self)  # type: ignore[arg-type]

    @property
    def shop(self) -> Any:
        return self

    def known(self) -> Any:
        return self if self.is_open else None

    def of(self, told: Any, shop: Any) -> Place | None:
        return None if b"session" in told.cookie else Place(told.path, self.inside.own)

    def at_once(self, path: str, told: Any, client: str, kept: Any) -> bool:
        self.watched.append(path)
        return self.lets

    def seen(self, agent: bytes, client: str, kept: Any, times: int) -> None:
        self.watched.append(f"{client} {times} times")
        self.told.set()

    async def pages(self, scope: Any, receive: Any, send: Any) -> None:
        self.ordinary += 1
        await self.inside.kept(scope, receive, send)

    async def ask(self, path: str = "/", method: str = "GET", **given: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        told = [(name.replace("_", "-").encode(), value) for name, value in given.items()]
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": told, "state": {}}
        await self.swift(scope, None, send)
        return sent[0]["status"], dict(sent[0]["headers"]), b"".join(one.get("body", b"") for one in sent)


@pytest.fixture
async def door() -> Door:
    made = Door()
    await made.ask()
    return made


async def test_a_kept_page_is_sent_at_once_with_what_every_answer_has(door: Door) -> None:
    status, headers, body = await door.ask()
    assert (status, body, door.ordinary) == (200, b"page 1", 1)
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert b"content-security-policy" in headers
    assert b"strict-transport-security" not in headers
    assert b"strict-transport-security" in (await door.ask(x_forwarded_proto=b"https"))[1]
    assert door.ordinary == 1
    assert door.watched == ["/", "/"]


async def test_the_same_request_is_answered_again_without_a_question_but_told_of(door: Door) -> None:
    answers = [await door.ask(x_forwarded_for=b"192.0.2.%d" % (number // 2)) for number in range(4)]
    assert all(answer == answers[0] for answer in answers) and door.ordinary == 1
    assert door.watched == ["/"], "the others are told of together"
    door.swift.count()
    assert door.watched == ["/", "192.0.2.0 1 times", "192.0.2.1 2 times"]
    await door.ask(accept_encoding=b"gzip")
    assert door.watched[-1] == "/", "another form of it"
    door.swift.count()
    door.swift.count()
    assert len(door.watched) == 4, "each is told of once"


async def test_what_was_ready_is_told_of_by_itself(door: Door) -> None:
    for _ in range(3):
        await door.ask()
    await asyncio.wait_for(door.told.wait(), 10)
    assert door.watched == ["/", " 2 times"]


async def test_what_was_ready_is_given_up_with_its_page(door: Door) -> None:
    await door.ask()
    assert (await door.ask())[2] == b"page 1"
    door.inside.tags.drop(["price:1"])
    assert (await door.ask())[2] == b"page 2"


async def test_what_was_ready_is_asked_again_after_a_moment(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await door.ask()
    door.swift.count()
    await door.ask()
    assert door.watched == ["/", "/"]
    monkeypatch.setattr(swift, "_READY_SECONDS", 1_000.0)
    await door.ask(accept_language=b"fr")
    await door.ask(accept_language=b"fr")
    assert door.watched[2:] == ["/", "/"], "one that falls due before that is not made ready"
    door.swift.count()
    door.lets = False
    await door.ask()
    assert door.ordinary == 2, "an experiment began"


async def test_a_cache_in_front_hears_that_nothing_changed(door: Door) -> None:
    _, headers, _ = await door.ask()
    status, _, body = await door.ask(if_none_match=headers[b"etag"], surrogate_capability=b"v")
    assert (status, body) == (304, b"")
    assert (await door.ask(if_none_match=headers[b"etag"]))[0] == 200
    assert door.ordinary == 1


@pytest.mark.parametrize("case", ["post", "session", "other", "dropped", "no shop", "a cookie to give", "watched"])
async def test_all_else_goes_the_ordinary_way(door: Door, case: str) -> None:
    asked: dict[str, Any] = {}
    match case:
        case "post":
            asked = {"method": "POST"}
        case "session":
            asked = {"cookie": b"session=1"}
        case "other":
            asked = {"path": "/other"}
        case "dropped":
            await door.ask()
            door.inside.tags.drop(["price:1"])
        case "no shop":
            door.is_open = False
        case "a cookie to give":
            # Another language: what one and the same request was answered is remembered for a moment.
            door.inside.own, asked = (COOKIE,), {"accept_language": b"fr"}
        case _:
            door.lets = False
    await door.ask(**asked)
    assert door.ordinary == 2
