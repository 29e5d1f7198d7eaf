"""API tokens: keys of programs, with rights and an end. Shown once when made; only a hash is kept."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from lotse.kernel import audit
from lotse.kernel.auth import roles
from lotse.kernel.auth.scopes import checked
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "auth")

# So that scanners for leaked secrets, and people, recognise one.
PREFIX = "lotse_"
# A token that nobody renews is one that nobody knows of any more.
MAX_DAYS = 3 * 366


class UnknownToken(Refusal, status=404, title="There is no such token"):
    id: UUID


class Token(Struct, frozen=True):
    """A token as it is listed; the secret itself is not kept."""

    id: UUID
    name: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    # Names of roles, then single rights; where they hold is told by `roles.held_by`.
    holds: list[str]


class Made(Struct, frozen=True):
    """A token at the only moment when its secret is known."""

    id: UUID
    secret: str


async def make(
    tx: Transaction, *, name: str, days: int, actor: str, at: datetime, scopes: Sequence[str] | None = None
) -> Made:
    """Make a token that expires after `days`. Refusal: `Invalid`.

    `scopes` are single rights that it holds everywhere, given without asking; `roles.give_role` and `roles.give_right`
    give more, and ask whether the giver may.
    """
    if not name.strip() or len(name) > 200:
        raise Invalid(field="name", rule="1 to 200 characters")
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(field="days", rule=f"1 to {MAX_DAYS}")
    made = Made(uuid7(), PREFIX + secrets.token_urlsafe(32))
    await tx.execute(
        SQL.add_token,
        id=made.id,
        name=name.strip(),
        # 256 random bits: a plain hash is enough.
        token_hash=sha256(made.secret.encode()).digest(),
        at=at,
        expires_at=at + timedelta(days=days),
    )
    new = {"name": name, "days": days}
    await audit.record(tx, actor=actor, subject=f"kernel.token:{made.id}", old=None, new=new, at=at)
    if scopes is not None:
        holder = roles.Holder(token_id=made.id)
        await roles.set_rights(tx, holder=holder, rights=checked(scopes), by=roles.trusted(actor), at=at)
    return made


async def revoke(tx: Transaction, *, id: UUID, actor: str, at: datetime) -> None:
    """End a token now; processes that have just seen it go on for some seconds. Refusal: `UnknownToken`."""
    if not await tx.execute(SQL.revoke_token, id=id, at=at):
        raise UnknownToken(id=id)
    await audit.record(tx, actor=actor, subject=f"kernel.token:{id}", old={}, new={"revoked_at": at}, at=at)


async def all_tokens(conn: Connection) -> list[Token]:
    """Every token that was ever made, the oldest first."""
    return await conn.many(SQL.tokens, Token)
