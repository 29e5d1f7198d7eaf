"""Send what is due, and note what came of it. Runs in the worker; one process at a time does it.

    sender = Sender(database, transport, settings)
    await sender.recover(at)      # what a worker left behind when it died
    await sender.round(at)        # every mail that is due is tried once

Time comes from whoever calls, so a test lives through days in a second. What is promised, and what happens in the gap
that SMTP leaves, stands in README.md beside this file; the order of the steps in `_try` is what keeps it.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib
import msgspec
import structlog
from msgspec import Struct, structs
from prometheus_client import Counter, Gauge

from lotse.kernel import clock, locks
from lotse.kernel.auth.links import Links, secret_of
from lotse.kernel.db import Database
from lotse.kernel.mail import post, texts, writing
from lotse.kernel.mail.contracts import BrokenTemplate, Queued, State, Ways
from lotse.kernel.mail.folder import Folder
from lotse.kernel.mail.message import composed
from lotse.kernel.settings import Settings, base_of
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "mail")

# Mails taken at once, and connections that send them: a provider's usual limit is ten.
BATCH = 40
LANES = 4
# One answer of the server; RFC 5321 (4.5.3.2) allows minutes, and those who need them come again.
ANSWER_SECONDS = 30.0
# Longer than a worker that lives needs for one mail, with every answer late.
DEAD_AFTER = timedelta(minutes=5)
# RFC 5321 (4.5.4.1): give up after four to five days.
GIVEN_UP_AFTER = timedelta(days=4)
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
# A server that is down is looked for more often than a mail is offered to one that said no.
LONGEST_OUTAGE_PAUSE = timedelta(minutes=10)
JITTER = (0.85, 1.15)
POLL_SECONDS = 1.0
RETRY_SECONDS = 1.0
COUNT_SECONDS = 30.0

_log = structlog.get_logger("lotse.mail")
_tries = Counter("lotse_mail_tries", "Tries to send a mail, by how they ended.", ["outcome"])
_trouble = Gauge(
    "lotse_mails_in_trouble", "Mails that failed, bounced or are unsure.", ["state"], multiprocess_mode="mostrecent"
)


class Refused(Exception):
    """The server said no: `code` 4xx for now, 5xx for good."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{code} {said}")
        self.code = code


class Broken(Exception):
    """The line or the server failed before it could say anything about this mail."""


class _Gone(Exception):
    """The line is of no use any more, and what became of its last mail is noted."""


class Unsure(Exception):
    """The bytes had gone when it failed: nobody knows whether the server took them."""


class Line(Protocol):
    """A way to hand over mails, one after the other."""

    async def offer(self, mail_id: UUID, sender: str, recipient: str) -> None:
        """Say who writes to whom. Raises `Refused`, `Broken`."""
        ...

    async def hand(self, mail_id: UUID, message: bytes) -> None:
        """Hand over what was offered. Raises `Refused`, `Unsure`."""
        ...

    async def taken(self, mail_id: UUID) -> bool | None:
        """Whether a mail arrived here earlier; None if there is no way to know."""
        ...


Transport = Callable[[], AbstractAsyncContextManager[Line]]


class Sender:
    """Sends. `draw` gives numbers from 0 to 1 for the jitter."""

    def __init__(
        self,
        database: Database,
        transport: Transport,
        settings: Settings,
        links: Links,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._transport = transport
        self._settings = settings
        self._ways = Ways(base_of(settings), links)
        self._address = address_of(settings)
        self._draw = draw

    async def recover(self, at: datetime) -> int:
        """Take up what a worker left when it died: what was not handed over is due, what was is looked into."""
        before = at - DEAD_AFTER
        async with self._database.transaction() as tx:
            found = await tx.execute(SQL.recover_sending, before=before, at=at, error="the worker ended")
        async with self._transport_if_known() as line, self._database.transaction() as tx:
            ids: list[UUID] = await tx.values(SQL.held_on_the_wire, before=before)
            for id in ids:
                taken = await line.taken(id) if line is not None else None
                state: State = "sent" if taken else "waiting" if taken is False else self._unsure()
                error = "" if taken else "" if taken is False else "the worker ended while the message was on the wire"
                due = at if state == "waiting" else None
                await tx.execute(SQL.note, id=id, state=state, error=error, due_at=due, at=at)
                _log.warning("mail was on the wire when its worker ended", id=str(id), state=state)
        return found + len(ids)

    async def round(self, at: datetime) -> int:
        """Try what is due, a batch of it; how many tries."""
        async with self._database.transaction() as tx:
            ids: list[UUID] = await tx.values(SQL.claim, at=at, limit=BATCH)
        if not ids:
            return 0
        async with self._database.reading() as conn:
            queue = list(reversed(await conn.many(SQL.claimed, Queued, ids=ids)))
        lanes = [self._lane(queue, at) for _ in range(min(LANES, len(queue)))]
        await asyncio.gather(*lanes)
        return len(ids)

    async def _lane(self, queue: list[Queued], at: datetime) -> None:
        """Send from the queue over one connection, and over a new one when a server hangs up after a while; if it takes
        nothing at all, what is left waits."""
        offered = 0
        try:
            async with self._transport() as line:
                while queue:
                    mail = queue.pop()
                    try:
                        await self._try(line, mail, at)
                        offered += 1
                    except Broken:
                        queue.append(mail)
                        raise
        except _Gone:
            await self._lane(queue, at)  # that mail is noted; the others get a new line
        except Broken as error:
            if offered:
                await self._lane(queue, at)
                return
            # Not the mail's fault: the server is away for all that are left.
            left, queue[:] = list(queue), []
            for mail in left:
                await self._note(mail, "waiting", str(error), at, is_outage=True)

    async def _try(self, line: Line, mail: Queued, at: datetime) -> None:
        """Write it, offer it, note that it goes, hand it over, note what came of it: in this order."""
        try:
            prepared = await self._prepared(mail, at)
        except BrokenTemplate as error:
            _log.exception("a mail could not be written", mail=mail.mail, id=str(mail.id))
            await self._note(mail, "failed", f"{error.field}, line {error.line}: {error.reason}", at)
            return
        except ValueError as error:
            await self._note(mail, "failed", str(error), at)
            return
        if prepared is None:
            await self._note(mail, "cancelled", "there was nothing left to say", at)
            return
        subject, message = prepared
        try:
            await line.offer(mail.id, self._address, mail.address or "")
            async with self._database.transaction() as tx:
                if not await tx.execute(SQL.hand, id=mail.id, subject=subject[:998], at=at):
                    return  # somebody took it for dead: it is theirs now
            await line.hand(mail.id, message)
        except Refused as error:
            state: State = "failed" if error.code >= 500 else "waiting"
            await self._note(mail, state, str(error), at)
        except Unsure as error:
            await self._note(mail, self._unsure(), str(error), at)
            raise _Gone(str(error)) from None
        else:
            await self._note(mail, "sent", "", at)

    async def _prepared(self, mail: Queued, at: datetime) -> tuple[str, bytes] | None:
        """Subject and bytes: those of an earlier try, else written now from what is true now. None: nothing to say."""
        if not mail.address:
            return None
        if mail.message is not None:
            return await self._subject_of(mail), mail.message
        kind = writing.installed().get(mail.mail)
        if kind is None:
            raise ValueError(f"nobody writes {mail.mail} any more")
        async with self._database.transaction() as tx:
            payload = msgspec.json.decode(mail.payload, type=kind.payload)
            content = await kind.gather(tx, payload, mail.to, structs.replace(self._ways, at=at))
            if content is None:
                return None
            written = await texts.write(tx, kind, content, to=mail.to, wording=mail.wording)
            message = composed(
                mail.id,
                to=mail.to,
                sender=content.sender,
                sender_address=self._address,
                written=written,
                attachments=content.attachments,
                at=at,
            )
            if not kind.is_secret:
                await tx.execute(SQL.keep_copy, id=mail.id, message=message)
        return written.subject, message

    async def _subject_of(self, mail: Queued) -> str:
        async with self._database.reading() as conn:
            return (await post.read(conn, mail_id=mail.id)).subject

    async def _note(self, mail: Queued, state: State, error: str, at: datetime, *, is_outage: bool = False) -> None:
        due = None
        if state == "waiting":
            if at - mail.created_at >= GIVEN_UP_AFTER:
                state = "failed"
                error = f"given up after {GIVEN_UP_AFTER.days} days: {error}"
            else:
                due = at + self._pause(mail.tries, is_outage=is_outage)
        _tries.labels("outage" if is_outage else state).inc()
        if state in ("failed", "unsure"):
            _log.warning("mail not sent", id=str(mail.id), mail=mail.mail, state=state, error=error)
        async with self._database.transaction() as tx:
            await tx.execute(SQL.note, id=mail.id, state=state, error=error[:2000].replace("\0", ""), due_at=due, at=at)

    def _pause(self, tries: int, *, is_outage: bool) -> timedelta:
        low, high = JITTER
        pause = PAUSES[min(max(tries, 1), len(PAUSES)) - 1]
        if is_outage:
            pause = min(pause, LONGEST_OUTAGE_PAUSE)
        return pause * (low + (high - low) * self._draw())

    def _unsure(self) -> State:
        return "waiting" if self._settings.mail_unsure == "again" else "unsure"

    @asynccontextmanager
    async def _transport_if_known(self) -> AsyncGenerator[Line | None]:
        """The folder can be asked what arrived; a mail server cannot."""
        if self._settings.mail_smtp is not None:
            yield None
            return
        async with self._transport() as line:
            yield line


def address_of(settings: Settings) -> str:
    """The address that mails come from."""
    if settings.mail_from:
        return settings.mail_from
    host = urlsplit(base_of(settings)).hostname or "localhost"
    return f"shop@{host}"


async def ways_of(database: Database, settings: Settings) -> Ways:
    """How mails of this installation lead back."""
    return Ways(base_of(settings), Links(await secret_of(database)))


# -- over SMTP


class _Smtp:
    """One connection to the mail server."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def offer(self, mail_id: UUID, sender: str, recipient: str) -> None:
        local, _, domain = recipient.rpartition("@")
        try:
            await self._client.mail(sender)
            await self._client.rcpt(f"{local}@{domain.encode('idna').decode()}")
        except aiosmtplib.SMTPResponseException as error:
            await self._clear()
            raise Refused(error.code, error.message) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Broken(_said(error)) from None

    async def hand(self, mail_id: UUID, message: bytes) -> None:
        try:
            await self._client.data(message)
        except aiosmtplib.SMTPResponseException as error:
            await self._clear()
            raise Refused(error.code, error.message) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unsure(_said(error)) from None

    async def taken(self, mail_id: UUID) -> bool | None:
        return None

    async def _clear(self) -> None:
        """The next mail begins anew; a server that hangs up meanwhile is found out by that one."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await self._client.rset()


def over_smtp(url: str, *, answer_seconds: float = ANSWER_SECONDS) -> Transport:
    """A transport to `smtp://user:password@host:port` or `smtps://…`."""
    parts = urlsplit(url)
    implicit = parts.scheme == "smtps"

    @asynccontextmanager
    async def connected() -> AsyncGenerator[Line]:
        client = aiosmtplib.SMTP(
            hostname=parts.hostname or "localhost",
            port=parts.port or (465 if implicit else 587 if parts.username else 25),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=implicit,
            # Where it is offered; a password goes over TLS only, which the library sees to with `start_tls=True`.
            start_tls=None if implicit or not parts.username or parts.hostname in ("localhost", "127.0.0.1") else True,
            timeout=answer_seconds,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Broken(_said(error)) from None
        try:
            yield _Smtp(client)
        finally:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=2)
            client.close()

    return connected


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def transport_of(settings: Settings) -> Transport:
    """SMTP where it is set, else files below `LOTSE_HOME`/mail."""
    if settings.mail_smtp is not None:
        return over_smtp(settings.mail_smtp)

    @asynccontextmanager
    async def folder() -> AsyncGenerator[Line]:
        yield Folder(settings.home / "mail")

    return folder


# -- the part of the worker


async def run(database: Database, stop: asyncio.Event, settings: Settings | None = None) -> None:
    """Send for as long as this process holds the lock; stand by otherwise. Ends when `stop` is set."""
    own = settings or Settings.load()
    while not stop.is_set():
        try:
            async with locks.session(database, "lotse mail") as conn:
                while not stop.is_set() and not await locks.try_lock(conn, "mail"):
                    await locks.pause(stop, locks.ASK_SECONDS)
                if not stop.is_set():
                    sender = Sender(database, transport_of(own), own, Links(await secret_of(database)))
                    await _work(sender, database, conn, stop)
        except locks.OUTAGES as error:
            _log.warning("mail interrupted", error=str(error), retry_seconds=RETRY_SECONDS)
            await locks.pause(stop, RETRY_SECONDS)


async def _work(sender: Sender, database: Database, conn: Any, stop: asyncio.Event) -> None:
    looked = counted = float("-inf")
    loop = asyncio.get_running_loop()
    while not stop.is_set() and not conn.raw.is_closed():
        if loop.time() - looked > DEAD_AFTER.total_seconds() / 2:
            looked = loop.time()
            await sender.recover(clock.now())
        if loop.time() - counted > COUNT_SECONDS:
            counted = loop.time()
            async with database.reading() as reading:
                found = await post.trouble(reading)
            for state in ("failed", "bounced", "unsure"):
                _trouble.labels(state).set(found.get(state, 0))
        try:
            done = await sender.round(clock.now())
        except locks.OUTAGES:
            raise
        except Exception:
            # What was claimed is found again by `recover`; the worker's other parts go on.
            _log.exception("mail interrupted")
            await locks.pause(stop, RETRY_SECONDS)
            continue
        if not done:
            await locks.pause(stop, POLL_SECONDS)


class Standing(Struct, frozen=True):
    """How mail goes out here, for the back office."""

    way: str
    address: str
    reports: str


def standing(settings: Settings) -> Standing:
    """How mail goes out here, without passwords."""
    smtp = urlsplit(settings.mail_smtp) if settings.mail_smtp else None
    bounces = settings.mail_bounces or ""
    reports = bounces if bounces.startswith("maildir:") else (urlsplit(bounces).hostname or "" if bounces else "")
    return Standing(smtp.hostname or "" if smtp else str(settings.home / "mail"), address_of(settings), reports)
