"""The simulated provider's books: charges, refunds and messages in SQLite, so that they outlive a kill -9.

What is asked for twice under one reference happens once. Every change of a charge leaves a message to be sent in the
same transaction.
"""

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from lotse.domains.payments.contracts import Outcome
from lotse.plugins.pay_simulated.wire import Opening, View

_SCHEMA = """
create table if not exists charges (
    reference text primary key,
    id text not null unique,
    status text not null,
    amount_minor integer not null,
    currency text not null,
    capture integer not null,
    description text not null,
    language text not null,
    return_url text not null,
    webhook_url text not null,
    expires_at real not null,
    authorised_minor integer not null default 0,
    captured_minor integer not null default 0,
    voided_minor integer not null default 0,
    refunded_minor integer not null default 0,
    reason text not null default '',
    -- What happens by itself, and when: a simulated buyer, a decision that takes its time.
    fate text not null default '',
    fate_at real,
    tries integer not null default 0,
    check (captured_minor + voided_minor <= authorised_minor),
    check (refunded_minor <= captured_minor)
) strict;
create index if not exists charges_fate on charges (fate_at) where fate_at is not null;
create table if not exists refunds (
    refund_reference text primary key,
    reference text not null,
    amount_minor integer not null
) strict;
create table if not exists messages (
    id integer primary key,
    event_id text not null,
    reference text not null,
    url text not null,
    body blob not null,
    due_at real not null,
    sent_at real,
    tries integer not null default 0
) strict;
create index if not exists messages_due on messages (due_at) where sent_at is null;
"""

# Until then somebody has to act; nothing is reserved.
OPEN: tuple[Outcome, ...] = ("redirect", "challenge", "pending")


class Kept(Struct, frozen=True):
    """A charge as it stands in the books."""

    reference: str
    id: str
    status: Outcome
    amount_minor: int
    currency: str
    capture: int
    description: str
    language: str
    return_url: str
    webhook_url: str
    expires_at: float
    authorised_minor: int
    captured_minor: int
    voided_minor: int
    refunded_minor: int
    reason: str
    fate: str
    fate_at: float | None
    tries: int


class Message(Struct, frozen=True):
    """A webhook that waits to be sent."""

    id: int
    event_id: str
    reference: str
    url: str
    body: bytes
    due_at: float
    tries: int


class Book:
    """One file. Not for several processes at once."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """All of it or nothing, and on disk when the block ends."""
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def charge(self, reference: str) -> Kept | None:
        return self._one("select * from charges where reference = ?", reference)

    def by_id(self, id: str) -> Kept | None:
        return self._one("select * from charges where id = ?", id)

    def charges(self, after: str, limit: int) -> list[Kept]:
        rows = self._db.execute("select * from charges where reference > ? order by reference limit ?", (after, limit))
        return [Kept(**dict(row)) for row in rows]

    def open_charge(self, opening: Opening, status: Outcome, reason: str, fate: str, fate_at: float | None) -> Kept:
        """A new charge; nothing is reserved yet."""
        self._db.execute(
            "insert into charges (reference, id, status, amount_minor, currency, capture, description, language,"
            " return_url, webhook_url, expires_at, reason, fate, fate_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                opening.reference,
                f"ch_{secrets.token_hex(12)}",
                status,
                opening.amount_minor,
                opening.currency,
                int(opening.capture),
                opening.description,
                opening.language,
                opening.return_url,
                opening.webhook_url,
                opening.expires_at.timestamp(),
                reason,
                fate,
                fate_at,
            ),
        )
        return self._existing(opening.reference)

    def bury(self, reference: str) -> Kept:
        """A reference that was voided before it was ever seen: a late request for it reserves nothing."""
        self._db.execute(
            "insert into charges (reference, id, status, amount_minor, currency, capture, description, language,"
            " return_url, webhook_url, expires_at, reason) values (?, ?, 'voided', 0, 'XTS', 0, '', '', '', '', 0, '')",
            (reference, f"ch_{secrets.token_hex(12)}"),
        )
        return self._existing(reference)

    def set_status(self, charge: Kept, status: Outcome, *, reason: str = "", tries: int | None = None) -> Kept:
        self._db.execute(
            "update charges set status = ?, reason = ?, tries = ?, fate_at = null where reference = ?",
            (status, reason, charge.tries if tries is None else tries, charge.reference),
        )
        return self._existing(charge.reference)

    def count_try(self, charge: Kept) -> Kept:
        self._db.execute("update charges set tries = tries + 1 where reference = ?", (charge.reference,))
        return self._existing(charge.reference)

    def reserve(self, charge: Kept) -> Kept:
        """The buyer's bank has said yes."""
        captured = charge.amount_minor if charge.capture else 0
        self._db.execute(
            "update charges set status = ?, authorised_minor = amount_minor, captured_minor = ?, reason = '',"
            " fate_at = null where reference = ?",
            ("captured" if charge.capture else "authorised", captured, charge.reference),
        )
        return self._existing(charge.reference)

    def capture(self, charge: Kept, amount_minor: int) -> Kept:
        """Take what is reserved; the rest of it is given back."""
        self._db.execute(
            "update charges set status = 'captured', captured_minor = ?, voided_minor = authorised_minor - ?"
            " where reference = ?",
            (amount_minor, amount_minor, charge.reference),
        )
        return self._existing(charge.reference)

    def void(self, charge: Kept) -> Kept:
        self._db.execute(
            "update charges set status = 'voided', voided_minor = authorised_minor, fate_at = null where reference = ?",
            (charge.reference,),
        )
        return self._existing(charge.reference)

    def refunded(self, refund_reference: str) -> bool:
        found = self._db.execute("select 1 from refunds where refund_reference = ?", (refund_reference,)).fetchone()
        return found is not None

    def refund(self, charge: Kept, refund_reference: str, amount_minor: int) -> Kept:
        self._db.execute("insert into refunds values (?, ?, ?)", (refund_reference, charge.reference, amount_minor))
        self._db.execute(
            "update charges set refunded_minor = refunded_minor + ?, status = 'refunded' where reference = ?",
            (amount_minor, charge.reference),
        )
        return self._existing(charge.reference)

    def due_fates(self, now: float) -> list[Kept]:
        rows = self._db.execute("select * from charges where fate_at <= ? order by fate_at limit 100", (now,))
        return [Kept(**dict(row)) for row in rows]

    # -- messages

    def leave_message(self, charge: Kept, event_id: str, body: bytes, due_at: float) -> None:
        self._db.execute(
            "insert into messages (event_id, reference, url, body, due_at) values (?, ?, ?, ?, ?)",
            (event_id, charge.reference, charge.webhook_url, body, due_at),
        )

    def due_messages(self, now: float, limit: int) -> list[Message]:
        rows = self._db.execute(
            "select id, event_id, reference, url, body, due_at, tries from messages"
            " where sent_at is null and due_at <= ? order by due_at limit ?",
            (now, limit),
        )
        return [Message(**dict(row)) for row in rows]

    def sent(self, message: Message, now: float) -> None:
        self._db.execute("update messages set sent_at = ? where id = ?", (now, message.id))

    def send_later(self, message: Message, due_at: float) -> None:
        self._db.execute("update messages set tries = tries + 1, due_at = ? where id = ?", (due_at, message.id))

    def hurry(self) -> int:
        """Every message that waits is due now; how many."""
        return self._db.execute("update messages set due_at = 0 where sent_at is null").rowcount

    def next_due(self) -> float | None:
        """When something is to be done by itself."""
        [first] = self._db.execute(
            "select min(at) from (select min(due_at) as at from messages where sent_at is null"
            " union all select min(fate_at) from charges where fate_at is not null)"
        ).fetchone()
        return first

    def _existing(self, reference: str) -> Kept:
        found = self.charge(reference)
        if found is None:
            raise LookupError(reference)
        return found

    def _one(self, sql: str, argument: str) -> Kept | None:
        row = self._db.execute(sql, (argument,)).fetchone()
        return Kept(**dict(row)) if row else None


def view_of(charge: Kept, base: str, *, said: Outcome | None = None, reason: str | None = None) -> View:
    """A charge as it is shown; `said` is the answer to a question that changed nothing."""
    return View(
        charge.id,
        charge.reference,
        said or charge.status,
        charge.amount_minor,
        charge.currency,
        charge.authorised_minor,
        charge.captured_minor,
        charge.voided_minor,
        charge.refunded_minor,
        f"{base}/pay/{charge.id}" if charge.status in ("redirect", "challenge") else "",
        charge.reason if reason is None else reason,
    )
