"""Staff accounts: people who sign in to the back office. How they sign in stands in `signin`, their passwords in
`passwords`: here they are hashes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.kernel import audit
from lotse.kernel.auth import notices, roles
from lotse.kernel.auth.passwords import hashed
from lotse.kernel.auth.principal import ALL, SYSTEM
from lotse.kernel.auth.visitor import Visitor
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Invalid, Refusal, refusing
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "auth")
SIGN_IN = statements("lotse.kernel", "signin")

__all__ = ["LoginTaken", "Staff", "UnknownStaff", "add", "by_login", "change", "everybody", "hashed", "reset"]


class LoginTaken(Refusal, status=409, title="This log-in is taken"):
    login: str


class UnknownStaff(Refusal, status=404, title="There is no such account"):
    login: str


class Staff(Struct, frozen=True):
    """A staff account, without its password."""

    id: UUID
    login: str
    name: str
    active: bool
    created_at: datetime
    changed_at: datetime
    # Names of roles, then single rights; where they hold is told by `roles.held_by`.
    holds: list[str]


async def add(
    tx: Transaction,
    *,
    login: str,
    name: str,
    password_hash: str | None,
    actor: str,
    at: datetime,
    scopes: Sequence[str] = (),
) -> UUID:
    """Make an account; its id. Without a password it signs in through a provider alone. Refusals: `Invalid`,
    `LoginTaken`.

    `scopes` are single rights that it holds everywhere, given without asking; `roles.give_role` and `roles.give_right`
    give more, and ask whether the giver may.
    """
    login = login.strip().lower()
    if not login or len(login) > 200 or any(sign.isspace() for sign in login):
        raise Invalid(field="login", rule="1 to 200 characters without spaces")
    id = uuid7()
    with refusing({"staff_login_unique": lambda: LoginTaken(login=login)}):
        await tx.execute(SQL.add_staff, id=id, login=login, name=name, password=password_hash, at=at)
    await audit.record(tx, actor=actor, subject=f"kernel.staff:{id}", old=None, new={"active": True}, at=at)
    if scopes:
        await roles.set_rights(tx, holder=roles.Holder(staff_id=id), rights=scopes, by=roles.trusted(actor), at=at)
    return id


async def reset(tx: Transaction, *, login: str, password_hash: str, actor: str, at: datetime) -> None:
    """Give an account a new password; all its sessions end. Refusal: `UnknownStaff`."""
    account = await _locked(tx, login)
    await tx.execute(SQL.set_password, id=account.id, password=password_hash, at=at)
    await _ended(tx, account.id)
    await tx.execute(SIGN_IN.forget_devices, staff_id=account.id, but=None)
    await audit.record(
        tx, actor=actor, subject=f"kernel.staff:{account.id}", old={}, new={}, at=at, reason="password reset"
    )
    await notices.tell(tx, "password-reset", staff_id=account.id, at=at, visitor=Visitor())


async def change(
    tx: Transaction,
    *,
    login: str,
    actor: str,
    at: datetime,
    scopes: Sequence[str] | None = None,
    active: bool | None = None,
    reason: str | None = None,
) -> Staff:
    """Change the single rights that it holds everywhere, or its state; all sessions of the account end.

    Refusals: `UnknownStaff`, `Invalid`, `LastOwner`.
    """
    old = await _locked(tx, login)
    is_active = old.active if active is None else active
    await tx.execute(SQL.set_staff, id=old.id, active=is_active, at=at)
    holder = roles.Holder(staff_id=old.id)
    if scopes is not None:
        await roles.set_rights(tx, holder=holder, rights=scopes, by=roles.trusted(actor), at=at, reason=reason)
    ends = old.active and not is_active and actor != str(SYSTEM)
    if ends and any(grant.right == ALL for grant in await roles.grants_of(tx, holder)):
        await roles.check_owner(tx)
    await _ended(tx, old.id)
    if old.active != is_active:
        await audit.record(
            tx,
            actor=actor,
            subject=holder.subject,
            old={"active": old.active},
            new={"active": is_active},
            at=at,
            reason=reason,
        )
    return await _locked(tx, old.login)


async def by_login(tx: Transaction, *, login: str) -> Staff:
    """An account, locked for a change. Refusal: `UnknownStaff`."""
    return await _locked(tx, login)


async def everybody(conn: Connection) -> list[Staff]:
    """All accounts, by log-in."""
    return await conn.many(SQL.staff, Staff)


async def _locked(tx: Transaction, login: str) -> Staff:
    account = await tx.maybe(SQL.staff_for_change, Staff, login=login.strip().lower())
    if account is None:
        raise UnknownStaff(login=login)
    return account


async def _ended(tx: Transaction, id: UUID) -> None:
    """Nobody goes on under what has just changed, and nobody is half-way in."""
    await tx.execute(SQL.end_sessions_of, staff_id=id)
    await tx.execute(SIGN_IN.end_halves_of, staff_id=id)
