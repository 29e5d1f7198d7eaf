"""The simulated provider as a server: charges over JSON, a payment page, signed messages, and faults on demand.

| request | does |
|---|---|
| `POST /charges` | open a charge; under a known reference the one that is there |
| `POST /charges/{reference}/capture`, `/void`, `/refund` | what they say, once however often they are asked |
| `GET /charges/{reference}`, `GET /charges?after=` | one charge; the whole truth, for reconciliation |
| `GET`, `POST /pay/{id}` | the buyer's page |
| `GET`, `POST /faults` | how it fails from now on |
| `POST /messages/hurry` | send every message that waits now, also those of days to come |

Requests to `/charges` carry the common secret; every one of them may meet a fault (see `faults`).
"""

import asyncio
import hmac
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import structlog
from aiohttp import web

from lotse.domains.payments.contracts import Outcome
from lotse.kernel.settings import Settings, SettingsError
from lotse.plugins.pay_simulated import payment_page
from lotse.plugins.pay_simulated.book import OPEN, Book, Kept, Message, view_of
from lotse.plugins.pay_simulated.faults import HEADER, Dice, Faults, FaultsUnreadable, asked_for, checked, parsed
from lotse.plugins.pay_simulated.wire import SIGNATURE_HEADER, Event, Opening, signature

log = structlog.get_logger()

# Who does not take a message hears of it again, first soon, then every minute, for three days as real ones do.
RETRY_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
RETRY_TIMES = 3 * 24 * 60
MESSAGE_SECONDS = 10.0
MESSAGES_AT_ONCE = 8
# What a code may be mistyped.
CODE_TRIES = 3
LIST_LIMIT = 10_000
# Shops under load ask with a connection each.
BACKLOG = 2048

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PspUnusable(SettingsError):
    """One line that says why it does not start."""


async def serve(
    listener: socket.socket, stop: asyncio.Event, *, settings: Settings, options: Mapping[str, Any]
) -> None:
    """Answer on a socket until `stop` is set.

    Options: `faults` (text), `seed`, `secret` (else LOTSE_PAY_SIMULATED_SECRET), `data` (file of the books, else below
    LOTSE_HOME). Raises `PspUnusable`.
    """
    secret = options.get("secret") or os.environ.get("LOTSE_PAY_SIMULATED_SECRET", "")
    if not secret:
        raise PspUnusable("the simulated provider needs --secret or LOTSE_PAY_SIMULATED_SECRET")
    try:
        faults = parsed(options.get("faults") or "")
    except FaultsUnreadable as error:
        raise PspUnusable(str(error)) from None
    path = Path(options.get("data") or settings.home / "simulated-psp.sqlite")
    path.parent.mkdir(parents=True, exist_ok=True)
    psp = Psp(Book(path), secret, Dice(faults, int(options.get("seed") or 1)))
    runner = web.AppRunner(psp.application(), access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, backlog=BACKLOG).start()
        working = asyncio.create_task(psp.work(), name="simulated psp")
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if working.done():
            working.result()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    finally:
        await runner.cleanup()
        psp.close()


class Psp:
    """The provider: its books, its dice, what it sends by itself."""

    def __init__(self, book: Book, secret: str, dice: Dice) -> None:
        self._book = book
        self._secret = secret
        self._dice = dice
        self._woken = asyncio.Event()

    def close(self) -> None:
        self._book.close()

    def application(self) -> web.Application:
        """The routes. Faults stand before those of charges only: a page that fails teaches nothing about the shop."""
        app = web.Application(client_max_size=64 * 1024, middlewares=[_problems])
        app.router.add_post("/charges", self._guarded(self._open))
        app.router.add_get("/charges", self._authorised(self._list))
        app.router.add_get("/charges/{reference}", self._guarded(self._read))
        app.router.add_post("/charges/{reference}/capture", self._guarded(self._capture))
        app.router.add_post("/charges/{reference}/void", self._guarded(self._void))
        app.router.add_post("/charges/{reference}/refund", self._guarded(self._refund))
        app.router.add_get("/pay/{id}", self._page)
        app.router.add_post("/pay/{id}", self._act)
        app.router.add_get("/faults", self._authorised(self._read_faults))
        app.router.add_post("/faults", self._authorised(self._set_faults))
        app.router.add_post("/messages/hurry", self._authorised(self._hurry))
        app.router.add_get("/health", _health)
        app.router.add_get("/", self._front)
        return app

    # -- charges

    async def _open(self, request: web.Request, asked: frozenset[str]) -> Kept:
        opening = msgspec.json.decode(await request.read(), type=Opening)
        if opening.amount_minor <= 0:
            raise web.HTTPUnprocessableEntity(text="amount_minor: 1 or more")
        known = self._book.charge(opening.reference)
        if known is not None:
            return self._current(known)  # also one that was voided before it came
        faults, now = self._dice.faults, time.time()
        if self._dice.rolls("decline", asked):
            return self._opened(opening, "declined", asked, reason="insufficient-funds")
        if self._dice.rolls("pending", asked):
            return self._opened(opening, "pending", asked, fate="approve", fate_at=now + faults.pending_seconds)
        if self._dice.rolls("direct", asked):
            with self._book.changing():
                charge = self._book.open_charge(opening, "pending", "", "", None)
                charge = self._book.reserve(charge)
                self._tell(charge, asked)
            return charge
        # The fate of the page: a simulated buyer, or a person who comes or does not.
        drawn, fate = self._dice.share(), ""
        if "buyer_approves" in asked or drawn < faults.buyer_approves:
            fate = "approve"
        elif "buyer_declines" in asked or drawn < faults.buyer_approves + faults.buyer_declines:
            fate = "decline"
        status: Outcome = "challenge" if self._dice.rolls("challenge", asked) else "redirect"
        return self._opened(opening, status, asked, fate=fate, fate_at=now + faults.buyer_seconds if fate else None)

    def _opened(
        self,
        opening: Opening,
        status: Outcome,
        asked: frozenset[str],
        *,
        reason: str = "",
        fate: str = "",
        fate_at: float | None = None,
    ) -> Kept:
        with self._book.changing():
            charge = self._book.open_charge(opening, status, reason, fate, fate_at)
            if status == "declined":
                self._tell(charge, asked)
        self._woken.set()
        return charge

    async def _read(self, request: web.Request, asked: frozenset[str]) -> Kept:
        return self._current(self._existing(request))

    async def _capture(self, request: web.Request, asked: frozenset[str]) -> Kept:
        charge = self._current(self._existing(request))
        amount = _amount(await request.read())
        if charge.status != "authorised" or amount > charge.authorised_minor:
            return charge  # captured already, or nothing is there to be captured: the answer says how it stands
        with self._book.changing():
            if self._dice.rolls("capture_declined", asked):
                charge = self._book.set_status(self._book.void(charge), "declined", reason="capture-declined")
            else:
                charge = self._book.capture(charge, amount)
            self._tell(charge, asked)
        return charge

    async def _void(self, request: web.Request, asked: frozenset[str]) -> Kept:
        reference = request.match_info["reference"]
        charge = self._book.charge(reference)
        with self._book.changing():
            if charge is None:
                return self._book.bury(reference)
            if charge.status in OPEN or charge.status == "authorised":
                charge = self._book.void(charge)
                self._tell(charge, asked)
        return charge

    async def _refund(self, request: web.Request, asked: frozenset[str]) -> Kept | tuple[Kept, Outcome, str]:
        charge = self._existing(request)
        body = await request.read()
        amount = _amount(body)
        refund_reference = str(msgspec.json.decode(body).get("refund_reference", ""))
        if not refund_reference:
            raise web.HTTPUnprocessableEntity(text="refund_reference: a text")
        if self._book.refunded(refund_reference):
            return charge, "refunded", ""
        if amount > charge.captured_minor - charge.refunded_minor:
            return charge, "declined", "more-than-captured"
        with self._book.changing():
            charge = self._book.refund(charge, refund_reference, amount)
            self._tell(charge, asked)
        return charge

    async def _list(self, request: web.Request) -> web.Response:
        found = self._book.charges(request.query.get("after", ""), LIST_LIMIT)
        base = _base(request)
        return _json({"charges": [view_of(charge, base) for charge in found]})

    def _existing(self, request: web.Request) -> Kept:
        charge = self._book.charge(request.match_info["reference"])
        if charge is None:
            raise web.HTTPNotFound(text="no such charge")
        return charge

    def _current(self, charge: Kept) -> Kept:
        """A page that nobody finished in time is over."""
        if charge.status not in OPEN or charge.expires_at > time.time():
            return charge
        with self._book.changing():
            charge = self._book.set_status(charge, "declined", reason="expired")
            self._tell(charge, frozenset())
        return charge

    # -- the buyer's page

    async def _page(self, request: web.Request) -> web.Response:
        charge = self._by_id(request)
        return _html(payment_page.payment(charge, code=_code(charge), wrong=False))

    async def _act(self, request: web.Request) -> web.StreamResponse:
        charge = self._by_id(request)
        form = await request.post()
        action = str(form.get("action", ""))
        if charge.status not in OPEN:
            raise web.HTTPSeeOther(charge.return_url)
        if action == "approve" and charge.status == "challenge":
            if hmac.compare_digest(str(form.get("code", "")).strip().encode(), _code(charge).encode()):
                self._decide(charge, "approve")
            else:
                with self._book.changing():
                    charge = self._book.count_try(charge)
                if charge.tries < CODE_TRIES:
                    return _html(payment_page.payment(charge, code=_code(charge), wrong=True))
                self._decide(charge, "decline", reason="challenge-failed")
        elif action == "challenge":
            with self._book.changing():
                charge = self._book.set_status(charge, "challenge")
            raise web.HTTPSeeOther(request.path)
        elif action in ("approve", "decline"):
            self._decide(charge, action)
        else:
            raise web.HTTPUnprocessableEntity(text="action: approve, decline or challenge")
        raise web.HTTPSeeOther(charge.return_url)

    def _by_id(self, request: web.Request) -> Kept:
        charge = self._book.by_id(request.match_info["id"])
        if charge is None:
            raise web.HTTPNotFound(text="no such payment")
        return self._current(charge)

    def _decide(self, charge: Kept, action: str, *, reason: str = "declined-by-buyer") -> None:
        with self._book.changing():
            if action == "approve":
                charge = self._book.reserve(charge)
            else:
                charge = self._book.set_status(charge, "declined", reason=reason)
            self._tell(charge, frozenset())
        self._woken.set()

    # -- what it does by itself

    def _tell(self, charge: Kept, asked: frozenset[str]) -> None:
        """Leave a message about a change, in the change's transaction."""
        dice, faults, now = self._dice, self._dice.faults, time.time()
        if not charge.webhook_url or dice.rolls("webhook_never", asked):
            return
        due_at = now
        if dice.rolls("webhook_late", asked):
            due_at += faults.webhook_late_seconds
        if dice.rolls("webhook_shuffled", asked):
            due_at += dice.share() * faults.webhook_shuffled_seconds
        event_id = f"evt_{secrets.token_hex(12)}"
        body = msgspec.json.encode(Event(event_id, view_of(charge, "")))
        for number in range(2 if dice.rolls("webhook_twice", asked) else 1):
            self._book.leave_message(charge, event_id, body, due_at + number * 0.05)
        self._woken.set()

    async def work(self) -> None:
        """Send messages and let fates happen, for ever."""
        timeout = aiohttp.ClientTimeout(total=MESSAGE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while True:
                self._woken.clear()
                for charge in self._book.due_fates(time.time()):
                    self._decide(charge, charge.fate)
                messages = self._book.due_messages(time.time(), MESSAGES_AT_ONCE)
                await asyncio.gather(*(self._send(session, message) for message in messages))
                if not messages:
                    await self._pause()

    async def _pause(self) -> None:
        due = self._book.next_due()
        if due is not None and due <= time.time():
            return
        try:
            async with asyncio.timeout(None if due is None else due - time.time()):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _send(self, session: aiohttp.ClientSession, message: Message) -> None:
        headers = {
            SIGNATURE_HEADER: signature(self._secret, message.body, datetime.now(UTC)),
            "Content-Type": "application/json",
        }
        try:
            async with session.post(message.url, data=message.body, headers=headers) as response:
                taken = response.status < 300
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.info("message not taken", url=message.url, error=repr(error))
            taken = False
        if taken or message.tries >= RETRY_TIMES:
            self._book.sent(message, time.time())
        else:
            pause = RETRY_SECONDS[min(message.tries, len(RETRY_SECONDS) - 1)]
            self._book.send_later(message, time.time() + pause)

    # -- faults

    def _authorised(self, handler: Handler) -> Handler:
        async def asked(request: web.Request) -> web.StreamResponse:
            given = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._secret.encode()):
                raise web.HTTPUnauthorized(text="the common secret, as a bearer token")
            return await handler(request)

        return asked

    def _guarded(self, act: Callable[[web.Request, frozenset[str]], Awaitable[Any]]) -> Handler:
        """A request of the API: what happens to it before and after it is done."""

        async def handled(request: web.Request) -> web.StreamResponse:
            asked, dice = asked_for(request.headers.get(HEADER, "")), self._dice
            if dice.rolls("slow", asked):
                await asyncio.sleep(dice.faults.slow_seconds)
            if dice.rolls("unavailable", asked):
                raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"})
            if dice.rolls("down", asked):
                return _cut(request)
            if dice.rolls("hang", asked):
                await asyncio.sleep(dice.faults.hang_seconds)
                return _cut(request)
            answer = await act(request, asked)
            kept, said, reason = answer if isinstance(answer, tuple) else (answer, None, None)
            if dice.rolls("webhook_before", asked):
                await self._send_now(kept)
            if dice.rolls("lost", asked):
                return _cut(request)
            return _json(view_of(kept, _base(request), said=said, reason=reason))

        return self._authorised(handled)

    async def _send_now(self, charge: Kept) -> None:
        """The messages about a charge before the answer to the request that caused them."""
        timeout = aiohttp.ClientTimeout(total=MESSAGE_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for message in self._book.due_messages(time.time() + 1, 1_000):
                if message.reference == charge.reference:
                    await self._send(session, message)

    async def _read_faults(self, request: web.Request) -> web.Response:
        return _json(self._dice.faults)

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            self._dice.faults = checked(msgspec.json.decode(await request.read()))
        except FaultsUnreadable as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from None
        return _json(self._dice.faults)

    async def _hurry(self, request: web.Request) -> web.Response:
        count = self._book.hurry()
        self._woken.set()
        return _json({"messages": count})

    async def _front(self, request: web.Request) -> web.Response:
        return _html(payment_page.front(faults_said(self._dice.faults)))


def faults_said(faults: Faults) -> dict[str, float]:
    """What is not as it is without any fault."""
    usual = Faults()
    return {
        name: getattr(faults, name)
        for name in Faults.__struct_fields__
        if getattr(faults, name) != getattr(usual, name)
    }


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except msgspec.DecodeError as error:
        raise web.HTTPUnprocessableEntity(text=str(error)) from None


async def _health(request: web.Request) -> web.Response:
    return _json({"ready": True})


def _cut(request: web.Request) -> web.StreamResponse:
    """The connection ends without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # for nobody


def _amount(body: bytes) -> int:
    amount = msgspec.json.decode(body).get("amount_minor")
    if not isinstance(amount, int) or amount <= 0:
        raise web.HTTPUnprocessableEntity(text="amount_minor: 1 or more")
    return amount


def _code(charge: Kept) -> str:
    """The code that the buyer's bank would send."""
    return f"{int(charge.id.removeprefix('ch_'), 16) % 1_000_000:06d}"


def _base(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


def _json(thing: Any) -> web.Response:
    return web.Response(body=msgspec.json.encode(thing), content_type="application/json")


def _html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-store"})
