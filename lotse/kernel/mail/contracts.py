"""What crosses the border of mail: the description of a kind of mail, letters, what is kept of them, refusals.

A domain that writes mails exports them from its `queries.py`:

    mails = (Mail("messages.order_placed", N_("Order confirmation"), OrderMail, gather, example),)

Its words lie in `templates/mail/order_placed_en.txt`, one file per language:

    Subject: Your order {{ number }}
    Preview: Thank you. This is what you ordered.

    Hello {{ name }}, …        Markdown with the names that `gather` answers, and {{ part("lines") }}

A part is a trusted template of its own, `templates/mail/lines.html` and `lines.txt`, for what is no prose.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, field

from lotse.kernel import clock
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Connection
from lotse.kernel.refusals import Refusal

# waiting: until `due_at`. sending: a worker has it. handing: its bytes are on the wire. unsure: they were when the line
# or the worker died, so nobody knows whether the server took it. cancelled: there was nothing left to say.
State = Literal["waiting", "sending", "handing", "sent", "failed", "bounced", "unsure", "cancelled"]


class Ways(Struct, frozen=True):
    """How a mail leads back to the shop: `base` is its public address, without a slash at the end. `at`: when it is
    written, for what may be too old to be said by then."""

    base: str
    links: Links
    at: datetime = field(default_factory=clock.now)

    def to(self, path: str) -> str:
        return self.base + path


class To(Struct, frozen=True, kw_only=True):
    """Whom a mail is for. `about` is the thing it tells of, as the audit calls things: `orders.order:<id>`."""

    address: str
    name: str = ""
    language: str
    shop_id: UUID | None = None
    party_id: UUID | None = None
    about: str = ""


class Sender(Struct, frozen=True):
    """Who writes: the name before the address, where answers go, the lines at the foot."""

    name: str
    reply_to: str = ""
    url: str = ""
    imprint: tuple[str, ...] = ()


class Attachment(Struct, frozen=True):
    """A file that goes with a mail. Text only: what mail programs open everywhere and filters let through."""

    name: str
    text: str
    kind: Literal["plain", "csv", "calendar"] = "plain"


class Content(Struct, frozen=True):
    """What a mail says: `values` by the names that staff see in the template, ready to be read (amounts and days are
    texts already); `parts` are what the trusted templates of the parts get."""

    values: Mapping[str, str | bool]
    sender: Sender
    parts: Mapping[str, Mapping[str, Any]] = {}
    attachments: tuple[Attachment, ...] = ()


Gather = Callable[[Connection, Any, To, Ways], Awaitable[Content | None]]
Example = Callable[[Connection, UUID | None], Awaitable[tuple[Any, To] | None]]


class Mail(Struct, frozen=True):
    """A kind of mail: `<domain>.<template>`. The queue keeps its `payload` (ids only); `gather` reads the rest when it
    is sent, None if there is nothing to say any more. `example` finds a real one for previews, of a shop or of any."""

    name: str
    title: str
    payload: type[Struct]
    gather: Gather
    example: Example
    # What it is for and when it is sent (a message id), for those who edit it.
    hint: str = ""
    # What its template may use beside the plain values.
    parts: tuple[str, ...] = ()
    # Values and parts that its text must show, whoever words it, each with the flag under which it must ("is_partial",
    # "not is_settled"), empty: always.
    needs: Mapping[str, str] = {}
    # What it says opens an account: no copy is kept that staff could read, a second try writes it anew.
    is_secret: bool = False


class Wording(Struct, frozen=True):
    """The words of a mail in one language: what staff edit. `preview` is what mail programs show beside the subject."""

    subject: str
    body: str
    preview: str = ""


class Edited(Struct, frozen=True):
    """A version that staff wrote; without `wording` it says: the file's words again. `problem`: why it could not be
    used when it was needed, in which case the file's words were sent."""

    id: UUID
    mail: str
    shop_id: UUID | None
    language: str
    wording: Wording | None
    created_by: str
    created_at: datetime
    problem: str = ""


class Written(Struct, frozen=True):
    """A mail as it reads."""

    subject: str
    html: str
    text: str


class Queued(Struct, frozen=True):
    """A mail that is to be sent."""

    id: UUID
    mail: str
    shop_id: UUID | None
    language: str
    about: str
    party_id: UUID | None
    payload: str
    address: str | None
    name: str
    tries: int
    created_at: datetime
    wording: Wording | None
    message: bytes | None

    @property
    def to(self) -> To:
        return To(
            address=self.address or "",
            name=self.name,
            language=self.language,
            shop_id=self.shop_id,
            party_id=self.party_id,
            about=self.about,
        )


class MailRow(Struct, frozen=True):
    """A mail as the back office lists it."""

    id: UUID
    mail: str
    state: State
    shop_id: UUID | None
    language: str
    about: str
    address: str | None
    name: str
    subject: str
    tries: int
    error: str
    is_trial: bool
    created_at: datetime
    due_at: datetime | None
    sent_at: datetime | None
    bounced_at: datetime | None
    again_of: UUID | None


class UnknownMail(Refusal, status=404, title="No such mail"):
    mail: str


class NoExample(Refusal, status=409, title="There is nothing yet that this mail could tell of"):
    """A preview shows a real order or account; make one first."""

    mail: str


class StillUnderWay(Refusal, status=409, title="This mail is still on its way"):
    """It is sent again only once it is known what became of it."""

    state: State


class AddressErased(Refusal, status=409, title="The address of this mail was erased"):
    """Nobody knows any more where it went."""

    mail_id: UUID


class NoAddress(Refusal, status=422, title="This is no mail address"):
    address: str


class BrokenTemplate(Refusal, status=422, title="The text cannot be used like this"):
    """`line` counts in the field, from 1; 0 if no line is to blame."""

    field: str
    line: int
    reason: str


class PiecesMissing(Refusal, status=422, title="The text lacks what this mail must hold"):
    """`pieces` as they are written in the text."""

    pieces: str
