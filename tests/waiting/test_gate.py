"""The waiting room at the front door: who goes in, who waits, what is forged, who never waits."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs

from lotse.kernel import clock
from lotse.kernel.auth import sessions, staff
from lotse.kernel.auth.links import secret_of
from lotse.kernel.db import Database
from lotse.kernel.waiting import commands, places, rules
from lotse.kernel.waiting.places import COOKIE, Place, Places
from lotse.kernel.waiting.rooms import Rooms
from lotse.testing import Fresh
from lotse.web.observe import Observed
from lotse.web.waiting import gate as module
from lotse.web.waiting.gate import POLL
from tests.waiting.doorway import gate

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140"}
HTMX = {**BROWSER, "HX-Request": "true"}
SECOND = timedelta(seconds=1)
INSIDE = "in the shop"


class Door:
    """A gate of its own, as in another process, with its own idea of time."""

    def __init__(self, db: Database, shop: UUID, secret: bytes = b"k" * 32) -> None:
        self.db = db
        self.name = str(shop)
        self.rooms = Rooms(db, Places(secret))
        self.gate = gate(self.rooms, db, shop)

    def browser(self, **cookies: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(Observed(self.gate, "test", "off"))
        return httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=BROWSER, cookies=cookies)

    async def look(self, at: datetime) -> None:
        await self.rooms.look(at)

    def place(self, browser: httpx.AsyncClient) -> Place:
        found = self.rooms.places.read(browser.cookies[COOKIE], clock.now())
        assert found
        return found


@pytest.fixture
async def door(db: Database, fresh: Fresh) -> AsyncIterator[Door]:
    door = Door(db, fresh.id())
    yield door
    async with db.transaction() as tx:
        await commands.close(tx, room=door.name, actor="system", at=clock.now())


async def open_room(
    door: Door, *, per_minute: int = 60, begins: timedelta = timedelta(), opens: timedelta | None = None
):
    at = clock.now()
    async with door.db.transaction() as tx:
        await commands.set_limits(
            tx, room=door.name, per_minute=per_minute, most_per_minute=6000, pass_minutes=20, actor="system", at=at
        )
        await commands.open_room(
            tx, room=door.name, begins_at=at + begins, opens_at=None if opens is None else at + opens,
            actor="system", at=at,
        )  # fmt: skip
    # A tick would admit whoever comes first; the tests say when time passes.
    await _read(door)


async def _read(door: Door) -> None:
    """What a look reads, without the tick."""
    async with door.db.reading() as conn:
        room = await commands.room_of(conn, room=door.name)
    door.rooms._rooms = {door.name: room} if room.mode != "closed" else {}  # pyright: ignore[reportPrivateUsage]
    door.rooms.any_open = bool(door.rooms.room(door.name))


async def test_on_a_normal_day_nobody_notices(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async with door.browser() as browser:
        answer = await browser.get("/")
        assert answer.text == INSIDE and COOKIE not in answer.cookies
    monkeypatch.setattr(door.gate, "_shop", None)  # it would fail if anything but the flag was looked at
    async with door.browser() as browser:
        assert (await browser.get("/p/shoe")).text == INSIDE


async def test_a_visitor_waits_and_comes_in(door: Door) -> None:
    await open_room(door)
    async with door.browser() as browser:
        first = await browser.get("/p/shoe")
        assert (first.status_code, first.headers["cache-control"]) == (200, "private, no-store")
        assert INSIDE not in first.text and "Before you: 1." in first.text and "noindex" in first.text
        assert "HttpOnly; SameSite=Lax" in first.headers["set-cookie"]
        place = door.place(browser)
        assert (place.kind, place.number) == ("ticket", 1)
        again = await browser.get("/p/shoe")
        assert "set-cookie" not in again.headers and door.place(browser) == place
        await door.look(clock.now() + SECOND)
        inside = await browser.get("/p/shoe")
        assert inside.text == INSIDE
        assert browser.cookies["lotse_basket"] == "1"  # the shop's own cookies are still there
        assert door.place(browser).kind == "pass"
        assert (await browser.get("/c/running")).text == INSIDE


async def test_the_page_asks_by_itself_and_is_let_in(door: Door) -> None:
    await open_room(door)
    async with door.browser() as browser:
        await browser.get("/p/shoe")
        waits = await browser.get(POLL, headers=HTMX)
        assert waits.status_code == 200 and waits.text.startswith("<title>1 – waiting room</title>")
        assert "hx-refresh" not in waits.headers
        await door.look(clock.now() + SECOND)
        called = await browser.get(POLL, headers=HTMX)
        assert (called.headers["hx-refresh"], called.text) == ("true", "")
        assert (await browser.get("/p/shoe")).text == INSIDE


async def test_refreshes_fill_no_log(door: Door) -> None:
    await open_room(door)
    transport = httpx.ASGITransport(Observed(door.gate, "test", "all"))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.example", headers=BROWSER) as browser:
        with capture_logs() as said:
            await browser.get("/p/shoe")
            await browser.get(POLL, headers=HTMX)
    assert [line["path"] for line in said if line["event"] == "request"] == ["/p/shoe"]


async def test_the_page_is_let_in_when_the_room_closes(door: Door) -> None:
    await open_room(door)
    async with door.browser() as browser:
        await browser.get("/")
        async with door.db.transaction() as tx:
            await commands.close(tx, room=door.name, actor="system", at=clock.now())
        await _read(door)
        assert (await browser.get(POLL, headers=HTMX)).headers["hx-refresh"] == "true"
        assert (await browser.get("/")).text == INSIDE
        # Somebody who typed the address of the fragment.
        answer = await browser.get(POLL)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_other_tabs_and_other_doors_keep_the_place(db: Database, door: Door) -> None:
    await open_room(door)
    other = Door(db, UUID(door.name))
    await _read(other)
    async with door.browser() as browser:
        await browser.get("/")
        cookie = browser.cookies[COOKIE]
        async with other.browser(**{COOKIE: cookie}) as tab:
            answers = await asyncio.gather(*(tab.get(path) for path in ("/", "/p/shoe", POLL, "/")))
            assert all("Before you: 1." in answer.text or "1 –" in answer.text for answer in answers)
            assert all("set-cookie" not in answer.headers for answer in answers)
    async with db.reading() as conn:
        room = await commands.room_of(conn, room=door.name)
    assert room.last_number == 1


async def test_two_tabs_that_are_called_get_one_pass(door: Door) -> None:
    await open_room(door)
    async with door.browser() as browser:
        await browser.get("/")
        cookie = browser.cookies[COOKIE]
    await door.look(clock.now() + SECOND)
    async with door.browser(**{COOKIE: cookie}) as one, door.browser(**{COOKIE: cookie}) as other:
        await asyncio.gather(one.get("/"), other.get("/p/shoe"))
        assert _last(door, one).until == _last(door, other).until
        assert _last(door, one).id == _last(door, other).id


def _last(door: Door, browser: httpx.AsyncClient) -> Place:
    value = [cookie.value for cookie in browser.cookies.jar if cookie.name == COOKIE][-1]
    found = door.rooms.places.read(value or "", clock.now())
    assert found and found.kind == "pass"
    return found


@pytest.mark.parametrize("kind", ["ticket", "pass"])
async def test_what_is_forged_gains_nothing(door: Door, kind: Any) -> None:
    await open_room(door)
    async with door.browser() as first:
        await first.get("/")
        true = door.place(first)
    now = int(clock.now().timestamp())
    forged = Place(kind, true.opening, true.id, 1, now, now + 3600)
    for text in (Places(b"x" * 32).sign(forged), "A" * 79, "", "ä", first.cookies[COOKIE][:-4] + "AAAA"):
        async with door.browser() as browser:
            answer = await browser.get("/", headers=[(b"Cookie", f"{COOKIE}={text}".encode())])
            assert INSIDE not in answer.text and door.place(browser).number > 1


async def test_a_ticket_that_was_used_goes_to_the_end(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await open_room(door)
    async with door.browser() as browser:
        await browser.get("/")
        ticket = browser.cookies[COOKIE]
        await door.look(clock.now() + SECOND)
        await browser.get("/")
    later = clock.now() + timedelta(minutes=21)
    monkeypatch.setattr(clock, "now", lambda: later)
    async with door.browser(**{COOKIE: ticket}) as browser:
        answer = await browser.get("/")
        assert INSIDE not in answer.text and _number(answer) == 2


def _number(answer: httpx.Response) -> int:
    found = re.search(rf"{COOKIE}=([\w-]+)", answer.headers["set-cookie"])
    place = Places(b"k" * 32).read(found[1], clock.now()) if found else None
    assert place
    return place.number


async def test_who_leaves_is_passed_over_and_comes_back_at_his_place(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_room(door, per_minute=60)
    start = clock.now()
    async with door.browser() as leaver, door.browser() as stayer:
        await leaver.get("/")
        await stayer.get("/")
        later = start + rules.AWAY_AFTER + 10 * SECOND
        monkeypatch.setattr(clock, "now", lambda: later)
        await stayer.get(POLL, headers=HTMX)
        await door.look(later)
        await door.look(later + SECOND)
        assert (await stayer.get("/")).text == INSIDE
        back = await leaver.get("/")
        assert INSIDE not in back.text and "set-cookie" not in back.headers and "Before you: 1." in back.text
        await door.look(later + 2 * SECOND)
        assert (await leaver.get("/")).text == INSIDE


async def test_who_is_in_the_shop_when_it_opens_stays(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await open_room(door, begins=timedelta(minutes=2))
    async with door.browser() as browser:
        answer = await browser.get("/")
        assert answer.text == INSIDE and door.place(browser).kind == "pass"
        later = clock.now() + timedelta(minutes=3)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert (await browser.get("/checkout")).text == INSIDE
        async with door.browser() as newcomer:
            assert INSIDE not in (await newcomer.get("/checkout")).text


async def test_before_a_sale_everybody_waits_and_passes_end_with_it(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    await open_room(door, begins=timedelta(minutes=1), opens=timedelta(minutes=10))
    async with door.browser() as shopper, door.browser() as early:
        await shopper.get("/")
        assert door.place(shopper).kind == "pass"
        gathering = start + timedelta(minutes=5)
        monkeypatch.setattr(clock, "now", lambda: gathering)
        assert (await shopper.get("/")).text == INSIDE
        waits = await early.get("/")
        assert "It has not begun yet." in waits.text and door.place(early).number == 0
        opens = start + timedelta(minutes=10, seconds=1)
        monkeypatch.setattr(clock, "now", lambda: opens)
        assert (await early.get(POLL, headers=HTMX)).status_code == 200
        await door.look(opens - SECOND)  # says who is there
        await door.look(opens)
        assert (await early.get("/")).text == INSIDE
        assert INSIDE not in (await shopper.get("/")).text  # his pass was for before the sale


async def test_a_busy_visitor_keeps_his_pass(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await open_room(door)
    async with door.browser() as browser:
        await browser.get("/")
        await door.look(clock.now() + SECOND)
        await browser.get("/")
        first = door.place(browser)
        for minutes in (11, 25, 38):
            later = datetime.fromtimestamp(first.since, clock.now().tzinfo) + timedelta(minutes=minutes)
            monkeypatch.setattr(clock, "now", lambda later=later: later)
            assert (await browser.get("/")).text == INSIDE
        assert door.place(browser).until > first.until


async def test_a_form_is_taken_a_little_after_the_pass_has_ended(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    await open_room(door)
    async with door.browser() as browser:
        await browser.get("/")
        await door.look(clock.now() + SECOND)
        await browser.get("/checkout")
        place, cookie = door.place(browser), browser.cookies[COOKIE]
    ends = datetime.fromtimestamp(place.until, clock.now().tzinfo)
    for after, inside in ((60, True), (places.GRACE_SECONDS + 1, False)):
        monkeypatch.setattr(clock, "now", lambda after=after: ends + after * SECOND)
        async with door.browser(**{COOKIE: cookie}) as browser:
            answer = await browser.post("/checkout", data={"a": "b"})
            assert (answer.text == INSIDE) is inside
            if not inside:
                assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["/api/v1/offers", "/health", "/static/x.css", "/media/a", "/office/orders",
                                  "/signin", "/robots.txt", "/imprint", "/order/abc"])  # fmt: skip
async def test_who_never_waits(door: Door, path: str) -> None:
    await open_room(door)
    async with door.browser() as browser:
        answer = await browser.get(path)
        assert answer.text == INSIDE and COOKIE not in answer.cookies


async def test_staff_never_wait_and_a_made_up_session_does(db: Database, door: Door, fresh: Fresh) -> None:
    await open_room(door)
    async with db.transaction() as tx:
        login = fresh.email()
        await staff.add(tx, login=login, name="Ada", password_hash=staff.hashed("a good password"), scopes=["*"],
                        actor="system", at=clock.now())  # fmt: skip
        id = await tx.raw.fetchval("select id from kernel.staff where login = $1", login)
        token = await sessions.begin(tx, staff_id=id, at=clock.now())
    async with door.browser(**{sessions.COOKIE: token}) as browser:
        assert (await browser.get("/")).text == INSIDE
    async with door.browser(**{sessions.COOKIE: "made-up"}) as browser:
        assert INSIDE not in (await browser.get("/")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": "Mozilla/5.0 (compatible; bingbot/2.0)"},
        {"Accept": "application/json"},
    ],
)
async def test_robots_and_programs_come_back_later(door: Door, headers: dict[str, str]) -> None:
    await open_room(door)
    async with door.browser() as browser:
        answer = await browser.get("/p/shoe", headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "120")
        assert answer.json()["type"] == "urn:lotse:refusal:waiting-room" and COOKIE not in answer.cookies


async def test_a_piece_of_a_page_has_its_page_loaded_anew(door: Door) -> None:
    await open_room(door)
    async with door.browser() as browser:
        for answer in (await browser.get("/basket/count", headers=HTMX), await browser.post("/x", headers=HTMX)):
            assert answer.headers["hx-refresh"] == "true" and COOKIE not in answer.cookies


async def test_one_address_cannot_fill_the_line(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BURST", 3)
    monkeypatch.setattr(module, "_PER_SECOND", 0.0)
    await open_room(door)
    answers: list[httpx.Response] = []
    for _ in range(5):
        async with door.browser() as browser:
            answers.append(await browser.get("/"))
    assert [answer.status_code for answer in answers] == [200, 200, 200, 503, 503]
    assert answers[-1].headers["retry-after"] and COOKIE not in answers[-1].cookies


async def test_a_database_that_is_away_shows_a_page_and_lets_nobody_in(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    await open_room(door)

    async def gone(_room: Any) -> Place:
        raise ConnectionRefusedError("the database")

    monkeypatch.setattr(door.rooms, "take", gone)
    async with door.browser() as browser:
        answer = await browser.get("/")
        assert answer.status_code == 503 and "Your place comes in a moment." in answer.text


async def test_pages_have_a_bound(db: Database, fresh: Fresh) -> None:
    going = asyncio.Event()
    entered = asyncio.Event()

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        entered.set()
        await going.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app = gate(Rooms(db, Places(b"k" * 32)), db, fresh.id(), app=slow, most=1)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop", headers=BROWSER
    ) as browser:
        first = asyncio.create_task(browser.get("/"))
        await entered.wait()
        answer = await browser.get("/")
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) in (1, 2, 3)
        going.set()
        assert (await first).status_code == 200
        assert (await browser.get("/")).status_code == 200


# -- two processes on one database


@contextmanager
def running(dsn: str, shop: UUID, env: dict[str, str]) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.waiting.doorway", dsn, str(shop)]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        port = process.stdout.readline().strip()
        assert port, "the door did not open"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def numbers_at(urls: list[str], count: int, signer: Places) -> list[int]:
    """The numbers that visitors get who come all at once, the doors taking turns."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(headers=BROWSER, limits=limits, timeout=60) as browser:
        answers = await asyncio.gather(*(browser.get(urls[at % len(urls)]) for at in range(count)))
    found = [re.search(rf"{COOKIE}=([\w-]+)", answer.headers["set-cookie"]) for answer in answers]
    places = [signer.read(match[1], clock.now()) for match in found if match]
    return [place.number for place in places if place]


async def test_two_processes_give_one_line(dsn: str, db: Database, env: dict[str, str], fresh: Fresh) -> None:
    shop = fresh.id()
    at = clock.now()
    signer = Places(await secret_of(db, "waiting"))
    async with db.transaction() as tx:
        await commands.set_limits(tx, room=str(shop), per_minute=1, most_per_minute=1, pass_minutes=20,
                                  actor="system", at=at)  # fmt: skip
        await commands.open_room(tx, room=str(shop), begins_at=at, actor="system", at=at)
    try:
        with running(dsn, shop, env) as second:
            with running(dsn, shop, env) as first:
                for url in (first, second):
                    await _until_open(url)
                before = (await _room(db, shop)).last_number
                numbers = await numbers_at([first, second], 200, signer)
                assert sorted(numbers) == list(range(before + 1, before + 201))
                # One after the other, at changing doors: the order of arrival is the order of the line.
                in_turn: list[int] = []
                for number in range(10):
                    in_turn += await numbers_at([(first, second)[number % 2]], 1, signer)
                assert in_turn == list(range(before + 201, before + 211))
                async with httpx.AsyncClient(headers=BROWSER) as browser:
                    await browser.get(first)
                    cookie = browser.cookies[COOKIE]
            # The door is gone; the place is not.
            async with httpx.AsyncClient(headers=BROWSER, cookies={COOKIE: cookie}) as browser:
                kept = await browser.get(second)
                assert f"Before you: {before + 211 - (await _room(db, shop)).mark}" in kept.text.replace(",", "")
                assert "set-cookie" not in kept.headers
    finally:
        async with db.transaction() as tx:
            await commands.close(tx, room=str(shop), actor="system", at=clock.now())


async def _until_open(url: str) -> None:
    """A door sees within a second that the room is open."""
    async with httpx.AsyncClient(headers=BROWSER) as browser:
        async with asyncio.timeout(30):
            while (await browser.get(url)).text == INSIDE:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # polls another process: there is no event to wait for


async def _room(db: Database, shop: UUID) -> rules.Room:
    async with db.reading() as conn:
        return await commands.room_of(conn, room=str(shop))
