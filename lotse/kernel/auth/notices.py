"""What an account should know about itself: a sign-in from a new place, a changed password or second factor.

Each is an event (`kernel.AccountNoticed`, for whoever sends mail) and a notice that every session of the account but
the one that did it shows until it is put away. The event carries ids only; address and browser stand in the notice.
"""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel import outbox
from lotse.kernel.auth.visitor import Visitor
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.i18n import N_
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "signin")

Kind = Literal[
    "new-device",
    "new-place",
    "codes-refused",
    "recovery-used",
    "password-changed",
    "password-reset",
    "factor-on",
    "factor-off",
    "factor-reset",
    "codes-renewed",
    "identity-linked",
    "identity-unlinked",
]
# What each says; pages translate it.
SAID: dict[str, str] = {
    "new-device": N_("Your account was signed in to with a browser that was not known yet."),
    "new-place": N_("Your account was signed in to from a network that was not known yet."),
    "codes-refused": N_("Somebody gave your right password, but wrong codes. Change the password if it was not you."),
    "recovery-used": N_("A recovery code was used to sign in."),
    "password-changed": N_("Your password was changed."),
    "password-reset": N_("Your password was set anew by an administrator."),
    "factor-on": N_("A second factor was set up."),
    "factor-off": N_("Your second factor was switched off."),
    "factor-reset": N_("Your second factor was taken away by an administrator."),
    "codes-renewed": N_("New recovery codes were made; the old ones no longer count."),
    "identity-linked": N_("Another way to sign in was linked to your account."),
    "identity-unlinked": N_("A way to sign in was taken from your account."),
}


class AccountNoticed(Struct, frozen=True, tag="kernel.AccountNoticed"):
    """Something happened to a staff account that its owner should hear of, wherever they are."""

    version: ClassVar[int] = 1
    staff_id: UUID
    notice_id: UUID
    kind: str

    @property
    def key(self) -> str:
        return str(self.staff_id)


class Notice(Struct, frozen=True):
    """One of them, for its owner."""

    id: UUID
    kind: str
    address: str
    agent: str
    happened_at: datetime
    seen_at: datetime | None

    @property
    def said(self) -> str:
        return SAID.get(self.kind, self.kind)


async def tell(
    tx: Transaction, kind: Kind, *, staff_id: UUID, at: datetime, visitor: Visitor, session_id: UUID | None = None
) -> None:
    """Note it and report it. The account's row is locked by who calls, so its events keep their order."""
    id = uuid7()
    await tx.execute(
        SQL.add_notice,
        id=id,
        staff_id=staff_id,
        kind=kind,
        session_id=session_id,
        address=visitor.address,
        agent=visitor.agent[:400],
        at=at,
    )
    await outbox.emit(tx, AccountNoticed(staff_id, id, kind), at=at)


async def unseen(conn: Connection, *, staff_id: UUID, session_id: UUID) -> list[Notice]:
    """What this session should show, the newest first."""
    return await conn.many(SQL.unseen_notices, Notice, staff_id=staff_id, session_id=session_id)


async def latest(conn: Connection, *, staff_id: UUID, limit: int = 20) -> list[Notice]:
    """What happened to an account, put away or not."""
    return await conn.many(SQL.notices_of, Notice, staff_id=staff_id, limit=limit)


async def put_away(tx: Transaction, *, staff_id: UUID, session_id: UUID, at: datetime) -> None:
    """The person has read them; what a session did itself it cannot put away for the others."""
    await tx.execute(SQL.see_notices, staff_id=staff_id, session_id=session_id, at=at)
