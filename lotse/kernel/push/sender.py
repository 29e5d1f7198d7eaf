"""Send news to devices: one job per message, in the worker.

    await deliver(database, message_id, transport, signer, ways, at=at)

Time comes from whoever calls, so a test lives through days in a second. A try that failed for now is enqueued again as
a job that comes later, in the transaction that notes it; once the message is older than news are worth, nobody tries
any more. Delivery is *at least once* between worker and push service, and the `Topic` of a message has the second one
replace the first there.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import msgspec
import structlog
from prometheus_client import Counter

from lotse.kernel import jobs as queue
from lotse.kernel import seams
from lotse.kernel.auth.links import Links, secret_of
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job
from lotse.kernel.mail.contracts import Ways
from lotse.kernel.mail.sender import address_of
from lotse.kernel.mail.writing import templates
from lotse.kernel.push import rules
from lotse.kernel.push.contracts import Device, Message, Push
from lotse.kernel.push.post import SEND, SQL, SendPush
from lotse.kernel.settings import Settings, base_of
from lotse.kernel.webhooks.sender import Message as Letter
from lotse.kernel.webhooks.sender import Transport, over_http

# Push services answer in tenths of a second; one that does not is asked again later.
ANSWER_SECONDS = 10.0
# As long as somebody asks why a phone was silent.
MESSAGES_KEPT = timedelta(days=30)
# Returns and what follows them are over by then; each message begins it anew.
DEVICES_KEPT = timedelta(days=180)
BATCH = 5_000

_log = structlog.get_logger("lotse.push")
_tries = Counter("lotse_push_tries", "Tries to send news to a device, by how they ended.", ["outcome"])


@cache  # domains do not come and go while a process lives
def installed() -> dict[str, Push]:
    """The pushes of every domain and plugin, by name. `ValueError` on a name that stands twice."""
    plugins = [seams.Domain(package, package) for package in seams.load_plugins()]
    found: dict[str, Push] = {}
    for part in (*seams.domains(), *plugins):
        for push in part.exported("queries", "pushes"):
            if found.setdefault(push.name, push) is not push:
                raise ValueError(f"two pushes named {push.name}")
    return found


async def signer_of(database: Database, settings: Settings) -> rules.Signer:
    """The key pair of this installation, the same on every host; its secret is made when it is first asked for."""
    return rules.Signer(await secret_of(database, "push"), f"mailto:{address_of(settings)}")


async def send(database: Database, payload: SendPush, *, at: datetime) -> None:
    """Send one message."""
    settings = Settings.load()
    signer = await signer_of(database, settings)
    ways = Ways(base_of(settings), Links(await secret_of(database)), at)
    # Never into private networks, whatever webhooks may do: these addresses come from visitors.
    async with over_http(private=False, answer_seconds=ANSWER_SECONDS) as transport:
        await deliver(database, payload, transport, signer, ways, at=at)


async def deliver(
    database: Database,
    payload: SendPush,
    transport: Transport,
    signer: rules.Signer,
    ways: Ways,
    *,
    at: datetime,
    draw: Callable[[], float] = random.random,
) -> None:
    """Try once what still waits, and note what came of it."""
    async with database.reading() as conn:
        message = await conn.maybe(SQL.message, Message, id=payload.message_id)
        if message is None or message.state != "waiting":
            return
        device = await conn.maybe(SQL.device, Device, mark=message.endpoint_mark)
        kind = installed().get(message.push)
        if device is None:
            outcome: tuple[str, str] | None = ("gone", "nobody wants to hear of it there any more")
        elif kind is None:
            outcome = ("failed", f"nobody writes {message.push} any more")
        elif at >= message.expires_at:
            outcome = ("expired", message.error or "too late")
        else:
            outcome = None
        news = None
        if outcome is None and device is not None and kind is not None:
            about = msgspec.json.decode(message.payload, type=kind.payload)
            news = await kind.gather(conn, about, device, ways)
            if news is None:
                outcome = ("cancelled", "there was nothing left to say")
    if outcome is not None or news is None or device is None or kind is None:
        state, error = outcome or ("cancelled", "")
        await _note(database, message, state, error, at=at)
        return
    letter = Letter(
        device.endpoint,
        rules.headers(
            signer, device.endpoint, message.event_id, ttl=message.expires_at - at, urgency=kind.urgency, at=at
        ),
        rules.encrypted(
            rules.body(news, device.language, templates().gettext(device.language)), device.public_key, device.auth
        ),
    )
    # No connection to the database is held while the push service thinks.
    answer = await transport(letter)
    verdict = rules.judged(answer, at)
    error = "" if verdict.kind == "sent" else f"{answer.status or ''} {answer.error or answer.body}".strip()
    if verdict.kind == "later":
        wait = rules.pause(message.tries + 1, draw(), verdict.wait)
        await _later(database, message, error, wait, at=at)
    elif verdict.kind == "gone":
        await _note(database, message, "gone", error, at=at, forget=True)
    else:
        await _note(database, message, "sent" if verdict.kind == "sent" else "failed", error, at=at)


async def _later(database: Database, message: Message, error: str, wait: timedelta, *, at: datetime) -> None:
    if at + wait >= message.expires_at:
        await _note(database, message, "expired", error, at=at)
        return
    async with database.transaction() as tx:
        await tx.execute(SQL.tried, id=message.id, error=_short(error))
        await queue.enqueue(tx, SEND, SendPush(message.id), after=wait)
    _tries.labels("later").inc()


async def _note(
    database: Database, message: Message, state: str, error: str, *, at: datetime, forget: bool = False
) -> None:
    async with database.transaction() as tx:
        await tx.execute(SQL.note, id=message.id, state=state, error=_short(error), at=at)
        if forget:
            await tx.execute(SQL.forget_endpoint, mark=message.endpoint_mark)
        if state == "sent":
            await tx.execute(SQL.told, mark=message.endpoint_mark, at=at)
    _tries.labels(state).inc()
    if state == "failed":
        _log.warning("news not taken", id=str(message.id), push=message.push, error=error[:300])


def _short(error: str) -> str:
    return error[:500].replace("\0", "")


async def sweep(database: Database, *, at: datetime) -> int:
    """Forget messages that ended long ago, and devices that were not told anything for long."""
    total = 0
    for statement, before in ((SQL.sweep_messages, at - MESSAGES_KEPT), (SQL.sweep_devices, at - DEVICES_KEPT)):
        while True:
            async with database.transaction() as tx:
                gone: int = await tx.execute(statement, before=before, limit=BATCH)
            total += gone
            if gone < BATCH:
                break
    return total


jobs: tuple[Job, ...] = (
    Job(SEND, send, payload=SendPush, limit_seconds=60, rights=()),
    Job("kernel.sweep_push", sweep, timetable="5 3 * * *", rights=()),
)
