"""A mail server (aiosmtpd) whose faults a test chooses, a kind of mail that belongs to no domain, and a queue."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP as Server
from msgspec import Struct

from lotse.kernel.auth.links import Links
from lotse.kernel.db import Connection, Database, opened
from lotse.kernel.mail import post, writing
from lotse.kernel.mail.contracts import Attachment, Content, Mail, MailRow, Sender, To, Ways
from lotse.kernel.mail.sender import Sender as Post
from lotse.kernel.mail.sender import over_smtp
from lotse.kernel.pages.environment import Templates
from lotse.kernel.settings import Settings
from lotse.testing import Databases, Fresh

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINKS = Links(b"x" * 32)


class Greeting(Struct, frozen=True):
    """What the trial mail is about."""

    number: str
    silent: bool = False


async def _gather(conn: Connection, payload: Greeting, to: To, ways: Ways) -> Content | None:
    if payload.silent:
        return None
    return Content(
        {"number": payload.number, "name": to.name, "link": ways.to(f"/order/{payload.number}"), "prepaid": False},
        Sender("Sports house", "help@example.org", ways.base, ("Sports house GmbH", "Hamburg")),
        {"lines": {"lines": [("Ball & net", "11,90 €")]}},
        (Attachment("terms.txt", "Terms.\n"),),
    )


async def _example(conn: Connection, shop_id: UUID | None) -> tuple[Greeting, To] | None:
    return Greeting("4711"), To(address="anna@example.org", name="Anna Muster", language="en")


GREETING = Mail("trial.greeting", "Greeting", Greeting, _gather, _example, parts=("lines",))
WORDS = """Subject: Your order {{ number }}
Preview: Thank you, {{ name }}.

# Thank you, {{ name }}

Your order **{{ number }}** is here.
{% if prepaid %}
Please pay.
{% endif %}

{{ part("lines") }}

**[Look at your order]({{ link }})**

- keep this mail
- tell your friends
"""


@pytest.fixture(autouse=True)
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trial mail instead of those of the domains; the folder of its templates."""
    folder = tmp_path / "trial"
    (folder / "mail").mkdir(parents=True)
    (folder / "mail" / "greeting_en.txt").write_text(WORDS)
    (folder / "mail" / "lines.html").write_text(
        "<table>{% for name, sum in lines %}<tr><td>{{ name }}</td><td>{{ sum }}</td></tr>{% endfor %}</table>"
    )
    (folder / "mail" / "lines.txt").write_text("{% for name, sum in lines %}{{ name }}  {{ sum }}\n{% endfor %}")
    own = Path(writing.__file__).parent / "templates"
    made = Templates({"trial": folder, "mail": own})
    monkeypatch.setattr(writing, "templates", lambda: made)
    monkeypatch.setattr(writing, "installed", lambda: {GREETING.name: GREETING})
    return folder


class Mailbox:
    """What arrived at the server, and what it answers: `faults` are used up one per mail."""

    def __init__(self) -> None:
        self.port = 0
        self.arrived: list[EmailMessage] = []
        self.faults: list[str] = []
        # Set once the bytes of a message are there and the server keeps silent.
        self.silent = asyncio.Event()

    async def handle_RCPT(self, server: Server, session: Any, envelope: Any, address: str, options: Any) -> str:
        fault = self.faults[0] if self.faults else ""
        if fault in ("450", "550"):
            self.faults.pop(0)
            return f"{fault} no such luck"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Server, session: Any, envelope: Any) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault in ("451", "554"):
            return f"{fault} no such luck"
        self.arrived.append(cast("EmailMessage", message_from_bytes(envelope.content, policy=policy.default)))
        if fault == "drop":
            cast("asyncio.Transport", server.transport).abort()
        if fault == "silent":
            self.silent.set()
            await asyncio.Event().wait()
        if fault == "hangup":
            asyncio.get_running_loop().call_soon(cast("asyncio.Transport", server.transport).close)
        return "250 taken"


@pytest.fixture
async def server() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: Server(box, hostname="mail.test", enable_SMTPUTF8=True, loop=loop), "127.0.0.1"
    )
    box.port = listening.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        listening.close()


@pytest.fixture(scope="module")
def apart(databases: Databases) -> Iterator[str]:
    """A database of its own: a round takes whatever is due."""
    yield databases.migrated()


@pytest.fixture(scope="module")
async def base(anyio_backend: Any, apart: str) -> AsyncIterator[Database]:
    async with opened(apart, role="test mail") as database:
        yield database


class Office:
    """A queue with its sender."""

    def __init__(self, base: Database, fresh: Fresh, settings: Settings, port: int) -> None:
        self.base, self.fresh, self.settings, self.port = base, fresh, settings, port

    def sender(self, *, answer_seconds: float = 5.0) -> Post:
        url = f"smtp://127.0.0.1:{self.port}"
        return Post(self.base, over_smtp(url, answer_seconds=answer_seconds), self.settings, LINKS, draw=lambda: 0.5)

    async def put(self, address: str = "anna@example.org", *, silent: bool = False, at: datetime = AT) -> UUID:
        async with self.base.transaction() as tx:
            id = await post.enqueue(
                tx,
                GREETING,
                Greeting("4711", silent),
                to=To(address=address, name="Anna Müller", language="en"),
                event_id=self.fresh.id(),
                at=at,
            )
        assert id is not None
        return id

    async def row(self, id: UUID) -> MailRow:
        async with self.base.reading() as conn:
            return await post.read(conn, mail_id=id)


@pytest.fixture
async def office(base: Database, fresh: Fresh, settings: Settings, server: Mailbox, tmp_path: Path) -> Office:
    from msgspec.structs import replace

    url = f"smtp://127.0.0.1:{server.port}"
    return Office(base, fresh, replace(settings, home=tmp_path / "home", mail_smtp=url, mail_unsure="ask"), server.port)
