"""Send what is due, and learn from what comes back. Runs in the worker; one process at a time does it.

    sender = Sender(database, over_http(private=False))
    await sender.gather(at)       # events of the log become deliveries
    await sender.round(at)        # every delivery that is due is tried once

Time comes from whoever calls, so a test lives through days in a second. Delivery is *at least once*: a process that
dies between an answer and its note sends the message again, under the same id. Within a key the order is that of the
log: the next event of a key becomes due when the one before it was delivered (or skipped by a person).

Who fails how:
- an event that an endpoint does not take, while it takes others, is tried ten times over some three days and then
  `failed`; later events of its key wait behind it until a person sends it again or skips it. Others go on.
- an endpoint at which three tries in a row failed *rests*: single probes, with pauses that grow to half an hour, find
  out when it is back; then everything that waits is due at once. Probes use up nobody's tries, so nothing is given up
  because the other side was down.
- one at which nothing went well for five days is *paused*: nothing is tried, all is kept, a person resumes it.
- one that answers 410 is switched off.
"""

import asyncio
import random
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from msgspec import Struct
from prometheus_client import Counter

from lotse.kernel import audit, clock, locks, relay
from lotse.kernel.consumers import Logged
from lotse.kernel.db import Database, Transaction
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements
from lotse.kernel.webhooks import commands, rules
from lotse.kernel.webhooks.contracts import AddressNotAllowed, Delivery, Stored
from lotse.kernel.webhooks.rules import Answer

SQL = statements("lotse.kernel", "webhooks")

# The specification suggests 15 to 30 s: a receiver ought to answer first and work later.
ANSWER_SECONDS = 15.0
CONNECT_SECONDS = 5.0
# What is kept of an answer, and read of it: enough for an error message.
MAX_ANSWER_BYTES = 4_096
MAX_HEADERS = 30
MAX_HEADER_CHARACTERS = 500
# Deliveries of one endpoint read at once, and sent at once: a small receiver is not knocked over by a backlog.
BATCH = 64
AT_ONCE = 8
POLL_SECONDS = 1.0
RETRY_SECONDS = 1.0
_ACTOR = "system:webhooks"

_log = structlog.get_logger("lotse.webhooks")
_sent = Counter("lotse_webhook_attempts", "Tries to deliver an event, by how they ended.", ["outcome"])


class Message(Struct, frozen=True):
    """What goes over the wire."""

    url: str
    headers: dict[str, str]
    body: bytes


Transport = Callable[[Message], Awaitable[Answer]]


class Sender:
    """Gathers and sends. `draw` gives numbers from 0 to 1 for the jitter."""

    def __init__(self, database: Database, transport: Transport, *, draw: Callable[[], float] = random.random) -> None:
        self._database = database
        self._transport = transport
        self._draw = draw

    async def gather(self, at: datetime) -> int:
        """Take up everything that is in the log; how many events were looked at."""
        total = 0
        while True:
            async with self._database.transaction() as tx:
                taken = await commands.gather(tx, at=at)
            total += taken
            if taken < commands.BATCH:
                return total

    async def round(self, at: datetime) -> int:
        """Try once what is due at each endpoint; how many tries that were."""
        async with self._database.reading() as conn:
            due: list[UUID] = await conn.values(SQL.due_endpoints, at=at, rests_after=rules.RESTS_AFTER)
        return sum([await self.serve(endpoint_id, at) for endpoint_id in due])

    async def due_endpoints(self, at: datetime) -> list[UUID]:
        """The endpoints that `serve` would find something for."""
        async with self._database.reading() as conn:
            return await conn.values(SQL.due_endpoints, at=at, rests_after=rules.RESTS_AFTER)

    async def next_due(self) -> datetime | None:
        """When there is something to do next."""
        async with self._database.reading() as conn:
            return await conn.value(SQL.next_due)

    async def serve(self, endpoint_id: UUID, at: datetime) -> int:
        """Try what is due at one endpoint, a batch of it; how many tries."""
        async with self._database.reading() as conn:
            endpoint = await conn.one(SQL.endpoint, Stored, id=endpoint_id)
            if endpoint.state != "active" or (endpoint.rest_until is not None and endpoint.rest_until > at):
                return 0
            probe = endpoint.failures >= rules.RESTS_AFTER
            due = await conn.many(
                SQL.due, Delivery, endpoint_id=endpoint_id, at=at, probe=probe, limit=1 if probe else BATCH
            )
            bodies = await self._bodies(conn, due)
        room = asyncio.Semaphore(AT_ONCE)
        # Set when a try says that the endpoint is ill or does not want more: the rest of the batch waits for it.
        enough = asyncio.Event()

        async def one(delivery: Delivery) -> int:
            async with room:
                if enough.is_set():
                    return 0
                if not await self._try(endpoint, delivery, bodies[delivery.id], at):
                    enough.set()
                return 1

        return sum(await asyncio.gather(*(one(delivery) for delivery in due)))

    async def _bodies(self, conn: Any, due: Sequence[Delivery]) -> dict[UUID, bytes]:
        places = [(delivery.position, delivery.event_id) for delivery in due if delivery.position is not None]
        events = {
            event.id: event
            for event in await conn.many(
                SQL.events_of, Logged, positions=[position for position, _ in places], ids=[id for _, id in places]
            )
        }
        return {
            delivery.id: rules.ping(delivery.id, delivery.occurred_at)
            if delivery.position is None
            else rules.body(events[delivery.event_id])
            for delivery in due
        }

    async def _try(self, endpoint: Stored, delivery: Delivery, body: bytes, at: datetime) -> bool:
        """Send one message and note what came of it; whether the endpoint may be sent more now."""
        headers = rules.headers(endpoint, delivery.event_id, at, body)
        answer = await self._transport(Message(endpoint.url, headers, body))
        async with self._database.transaction() as tx:
            return await self._note(tx, endpoint.id, delivery, headers, answer, at)

    async def _note(
        self, tx: Transaction, id: UUID, delivery: Delivery, headers: dict[str, str], answer: Answer, at: datetime
    ) -> bool:
        endpoint = await tx.one(SQL.hold_endpoint, Stored, id=id)
        verdict = rules.judged(answer, at)
        _sent.labels(verdict.kind).inc()
        await tx.execute(
            SQL.add_attempt,
            delivery_id=delivery.id,
            number=delivery.attempts + 1,
            at=at,
            took_ms=answer.took_ms,
            # What was signed can be recomputed; the signature itself is nothing to leave lying about.
            request_headers={name: text for name, text in headers.items() if name != "webhook-signature"},
            status=answer.status,
            error=answer.error,
            response_headers=answer.headers,
            response_body=answer.body,
        )
        noted: dict[str, Any] = {
            "id": delivery.id,
            "attempts": delivery.attempts + 1,
            "status": answer.status,
            "error": answer.error,
        }
        if verdict.kind == "delivered":
            await tx.execute(
                SQL.note_delivery, state="delivered", tries=delivery.tries + 1, due_at=None, ended_at=at, **noted
            )
            await tx.execute(SQL.next_of_key, endpoint_id=id, key=delivery.key, at=at)
            if endpoint.failures:
                await tx.execute(SQL.note_endpoint, id=id, failures=0, failing_since=None, rest_until=None)
                if endpoint.failures >= rules.RESTS_AFTER:
                    await tx.execute(SQL.hurry, endpoint_id=id, at=at)
            return True
        return await self._note_failure(tx, endpoint, delivery, verdict, noted, at)

    async def _note_failure(
        self,
        tx: Transaction,
        endpoint: Stored,
        delivery: Delivery,
        verdict: rules.Verdict,
        noted: dict[str, Any],
        at: datetime,
    ) -> bool:
        failures = endpoint.failures + 1
        since = endpoint.failing_since or at
        # A probe says something about the endpoint and nothing about the event.
        tries = delivery.tries + (endpoint.failures < rules.RESTS_AFTER)
        wait = rules.pause(max(tries, 1), self._draw())
        if verdict.wait is not None and wait is not None:
            wait = max(wait, verdict.wait)
        given_up = wait is None
        await tx.execute(
            SQL.note_delivery,
            state="failed" if given_up else "waiting",
            tries=tries,
            due_at=None if wait is None else at + wait,
            ended_at=at if given_up else None,
            **noted,
        )
        rests = [pause for pause in (rules.rest(failures, self._draw()), verdict.wait) if pause is not None]
        await tx.execute(
            SQL.note_endpoint,
            id=endpoint.id,
            failures=failures,
            failing_since=since,
            rest_until=at + max(rests) if rests else None,
        )
        if given_up:
            _log.error("webhook given up", endpoint=endpoint.name, type=delivery.type, key=delivery.key, **_said(noted))
        if verdict.kind == "gone":
            await self._stop(tx, endpoint, "off", "the receiver answered 410 Gone", at)
        elif at - since >= rules.PAUSED_AFTER:
            days = rules.PAUSED_AFTER // timedelta(days=1)
            await self._stop(tx, endpoint, "paused", f"nothing could be delivered for {days} days", at)
        return verdict.kind != "gone" and not rests

    async def _stop(self, tx: Transaction, endpoint: Stored, state: str, reason: str, at: datetime) -> None:
        if endpoint.state != "active":
            return  # somebody switched it meanwhile
        await tx.execute(SQL.switch, id=endpoint.id, state=state, reason=reason, at=at)
        await audit.record(
            tx,
            actor=_ACTOR,
            subject=f"kernel.webhook_endpoint:{endpoint.id}",
            old={"state": endpoint.state},
            new={"state": state},
            reason=reason,
            at=at,
        )
        _log.warning("webhook endpoint stopped", endpoint=endpoint.name, state=state, reason=reason)


def _said(noted: dict[str, Any]) -> dict[str, Any]:
    return {"status": noted["status"], "error": noted["error"]}


# -- the wire


class _Guarded(AbstractResolver):
    """Looks names up and refuses those that lead into private networks. What it answers is what is connected to, so a
    name cannot lead elsewhere a moment later (DNS rebinding)."""

    def __init__(self, *, private: bool) -> None:
        self._private = private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not self._private:
            rules.check_public(addresses, host)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=entry[0], proto=0, flags=socket.AI_NUMERICHOST)
            for entry, address in zip(found, addresses, strict=True)
        ]

    async def close(self) -> None:
        return None


@asynccontextmanager
async def over_http(*, private: bool, answer_seconds: float = ANSWER_SECONDS) -> AsyncGenerator[Transport]:
    """A transport over HTTP: bounded in time and size, follows nothing, uses no proxy and keeps no cookies."""
    connector = aiohttp.TCPConnector(resolver=_Guarded(private=private), use_dns_cache=False, limit=64)
    timeout = aiohttp.ClientTimeout(total=answer_seconds, connect=CONNECT_SECONDS)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    ) as session:

        async def send(message: Message) -> Answer:
            loop = asyncio.get_running_loop()
            begin = loop.time()

            def took() -> int:
                return round((loop.time() - begin) * 1000)

            try:
                # Again: the rules may be stricter than when it was made, and literal addresses are not resolved.
                rules.check_url(message.url, private=private)
                async with session.post(
                    message.url, data=message.body, headers=message.headers, allow_redirects=False
                ) as response:
                    status, headers = response.status, _kept(response.headers)
                    try:
                        text = await _beginning(response)
                    except (aiohttp.ClientError, OSError, TimeoutError):
                        text = ""  # the status says whether it was taken
                    return Answer(status, None, headers, text, took())
            except AddressNotAllowed as refusal:
                return Answer(None, f"the address is not allowed: {refusal.rule}", took_ms=took())
            except TimeoutError:
                return Answer(None, f"no answer within {answer_seconds:g} s", took_ms=took())
            except (aiohttp.ClientError, OSError, ValueError) as error:
                cause = error.__cause__ if isinstance(error.__cause__, AddressNotAllowed) else error
                return Answer(None, f"{type(cause).__name__}: {cause}"[:500], took_ms=took())

        yield send


async def _beginning(response: aiohttp.ClientResponse) -> str:
    taken = bytearray()
    while len(taken) < MAX_ANSWER_BYTES:
        chunk = await response.content.read(MAX_ANSWER_BYTES - len(taken))
        if not chunk:
            break
        taken += chunk
    return taken.decode("utf-8", "replace").replace("\0", "\ufffd")


def _kept(headers: Any) -> dict[str, str]:
    """Names in small letters; what is too long or too many is cut, cookies are nobody's business."""
    found: dict[str, str] = {}
    for name, text in headers.items():
        if len(found) < MAX_HEADERS and name.lower() not in ("set-cookie",):
            found.setdefault(name.lower()[:100], str(text)[:MAX_HEADER_CHARACTERS].replace("\0", ""))
    return found


# -- the part of the worker


async def run(database: Database, stop: asyncio.Event, settings: Settings | None = None) -> None:
    """Gather and send for as long as this process holds the lock; stand by otherwise. Ends when `stop` is set."""
    own = settings or Settings.load()
    while not stop.is_set():
        try:
            async with locks.session(database, "lotse webhooks") as conn:
                while not stop.is_set() and not await locks.try_lock(conn, "webhooks"):
                    await locks.pause(stop, locks.ASK_SECONDS)
                if not stop.is_set():
                    async with over_http(private=own.webhook_private_addresses) as transport:
                        await _Office(Sender(database, transport), conn, stop).run()
        except locks.OUTAGES as error:
            _log.warning("webhooks interrupted", error=str(error), retry_seconds=RETRY_SECONDS)
            await locks.pause(stop, RETRY_SECONDS)


class _Office:
    """One that sends while it holds the lock: a task per endpoint, so that a slow one holds up no other."""

    def __init__(self, sender: Sender, conn: Any, stop: asyncio.Event) -> None:
        self._sender = sender
        self._conn = conn
        self._stop = stop
        self._woken = asyncio.Event()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}

    async def run(self) -> None:
        await self._conn.raw.add_listener(relay.CHANNEL, self._told)
        _log.info("webhooks at work")
        try:
            while not self._stop.is_set() and not self._conn.raw.is_closed():
                self._woken.clear()
                await self._sender.gather(clock.now())
                for endpoint_id in await self._sender.due_endpoints(clock.now()):
                    if endpoint_id not in self._tasks:
                        task = asyncio.create_task(self._serve(endpoint_id), name=f"webhooks {endpoint_id}")
                        self._tasks[endpoint_id] = task
                await self._wait()
        finally:
            # What is on its way gets its answer noted; the time-out bounds it.
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _serve(self, endpoint_id: UUID) -> None:
        try:
            while not self._stop.is_set() and await self._sender.serve(endpoint_id, clock.now()):
                continue
        except Exception as error:
            # Nothing is lost: what was not noted is sent again. The other endpoints go on.
            expected = isinstance(error, locks.OUTAGES)
            _log.warning("webhooks of an endpoint interrupted", id=str(endpoint_id), exc_info=not expected)
        finally:
            self._tasks.pop(endpoint_id, None)

    def _told(self, connection: object, pid: int, channel: str, payload: str) -> None:
        self._woken.set()

    async def _wait(self) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self._stop, self._woken)]
        await asyncio.wait(waits, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
