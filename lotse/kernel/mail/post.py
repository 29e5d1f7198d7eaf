"""The queue of mails: what reactions put in, what staff send again, what is erased."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from lotse.kernel import audit
from lotse.kernel.auth.principal import Whose
from lotse.kernel.auth.things import Thing
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.mail.contracts import (
    AddressErased,
    Mail,
    MailRow,
    NoAddress,
    Queued,
    StillUnderWay,
    To,
    UnknownMail,
    Wording,
)
from lotse.kernel.mail.message import is_address
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "mail")


async def whose(conn: Connection, mail_id: UUID) -> Whose | None:
    """Where a mail belongs: its shop."""
    return await conn.maybe(SQL.whose, Whose, id=mail_id)


MAIL = Thing(
    "mail",
    "mail_id",
    whose,
    unknown=lambda id: UnknownMail(mail=str(id)),
    read="mail.read",
)

ENDED = ("sent", "failed", "bounced", "unsure", "cancelled")


async def enqueue(
    tx: Transaction,
    mail: Mail,
    payload: Struct,
    *,
    to: To,
    event_id: UUID,
    at: datetime,
    wording: Wording | None = None,
    is_trial: bool = False,
    again_of: UUID | None = None,
) -> UUID | None:
    """Have a mail sent once this transaction has committed; its id, None if this event has sent it already.

    An address that cannot be one is queued too: it fails where staff see it, and not in a reaction.
    """
    if type(payload) is not mail.payload:
        raise TypeError(f"{mail.name} takes {mail.payload}, not {type(payload)}")
    id = uuid7()
    added = await tx.execute(
        SQL.enqueue,
        id=id,
        mail=mail.name,
        event_id=event_id,
        recipient_mark=mark_of(event_id, to.address),
        shop_id=to.shop_id,
        language=to.language,
        about=to.about,
        party_id=to.party_id,
        payload=msgspec.to_builtins(payload),
        address=to.address,
        name=to.name,
        wording=None if wording is None else msgspec.to_builtins(wording),
        is_trial=is_trial,
        again_of=again_of,
        at=at,
    )
    return id if added else None


def mark_of(event_id: UUID, address: str) -> bytes:
    """Of whom a mail is for, without saying it: differs from event to event, so two marks cannot be compared."""
    return sha256(event_id.bytes + address.strip().lower().encode()).digest()


async def send_again(tx: Transaction, *, mail_id: UUID, address: str | None = None, by: str, at: datetime) -> UUID:
    """Send a mail once more, as a new one that says what is true now; to another address, if one is given.

    Refusals in this order: `UnknownMail`, `StillUnderWay`, `AddressErased`, `NoAddress`.
    """
    row = await read(tx, mail_id=mail_id)
    if row.state not in ENDED:
        raise StillUnderWay(state=row.state)
    former = await tx.one(SQL.to_repeat, Queued, id=mail_id)
    wanted = address or former.address
    if not wanted:
        raise AddressErased(mail_id=mail_id)
    if not is_address(wanted):
        raise NoAddress(address=wanted[:200])
    id = uuid7()
    await tx.execute(
        SQL.enqueue,
        id=id,
        mail=former.mail,
        event_id=id,
        recipient_mark=mark_of(id, wanted),
        shop_id=former.shop_id,
        language=former.language,
        about=former.about,
        party_id=former.party_id,
        payload=msgspec.json.decode(former.payload),
        address=wanted,
        name=former.name,
        wording=None if former.wording is None else msgspec.to_builtins(former.wording),
        is_trial=row.is_trial,
        again_of=mail_id,
        at=at,
    )
    # Ids only: the log of changes outlives the address.
    await audit.record(tx, actor=by, subject=f"kernel.mail:{mail_id}", old=None, new={"sent_again": id}, at=at)
    return id


async def read(conn: Connection, *, mail_id: UUID) -> MailRow:
    """One mail. Refusal: `UnknownMail`."""
    found = await conn.maybe(SQL.one, MailRow, id=mail_id)
    if found is None:
        raise UnknownMail(mail=str(mail_id))
    return found


async def copy_of(conn: Connection, *, mail_id: UUID) -> bytes | None:
    """What was sent, byte for byte; None if nothing was yet or it is erased."""
    return await conn.value(SQL.copy_of, id=mail_id)


async def about(conn: Connection, *, subject: str, limit: int = 20) -> list[MailRow]:
    """The mails about one thing, the newest first."""
    return await conn.many(SQL.about, MailRow, about=subject, limit=limit)


class _Count(Struct, frozen=True):
    state: str
    mails: int


async def trouble(conn: Connection) -> dict[str, int]:
    """How many mails failed, bounced or are unsure."""
    return {row.state: row.mails for row in await conn.many(SQL.trouble, _Count)}


async def forget(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Erase addresses and copies of mails that ended and are older; how many."""
    return await tx.execute(SQL.forget, before=before, limit=limit)


async def export_party(conn: Connection, *, party_id: UUID) -> list[dict[str, Any]]:
    """What is kept of the mails to a person."""
    rows = await conn.many(SQL.of_party, MailRow, party_id=party_id)
    return [structs.asdict(row) for row in rows]


async def erase_party(tx: Transaction, *, party_id: UUID, addresses: Iterable[str] = ()) -> int:
    """Erase what names a person in their mails, and in all that went to their addresses; what waited is not sent."""
    known = {address.strip().lower() for address in addresses} - {""}
    return await tx.execute(SQL.erase_party, party_id=party_id, addresses=sorted(known))
