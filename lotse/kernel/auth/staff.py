"""Staff accounts: people who sign in to the back office. Passwords are argon2id hashes and leave this module as such.

Hashing takes about 50 ms and 64 MiB on purpose, so it happens before a transaction begins and outside the event loop.
"""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from uuid import UUID

import argon2
from msgspec import Struct

from lotse.kernel import audit
from lotse.kernel.auth import attempts, roles, sessions
from lotse.kernel.auth.principal import ALL, SYSTEM
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Invalid, Refusal, refusing
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "auth")

# RFC 9106, second recommended option (64 MiB, 3 passes), with one lane: Python's worker threads are few.
_HASHER = argon2.PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
# NIST SP 800-63B: length is what counts; no rules about its characters.
MIN_PASSWORD = 10
MAX_PASSWORD = 200
# Each takes 64 MiB; more at a time would let a flood of log-ins take the machine's memory.
_HASHING = asyncio.Semaphore(2)

# Five mistakes, then one more try every two minutes for the account, every twenty seconds for the address: an office
# behind one address may have several people who mistype.
ACCOUNT = attempts.Limit("account", burst=5, interval=timedelta(minutes=2))
ADDRESS = attempts.Limit("address", burst=20, interval=timedelta(seconds=20))


class WrongCredentials(Refusal, status=401, title="Log-in or password is wrong"):
    """Which of the two is not said."""


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


class _Known(Struct, frozen=True):
    id: UUID
    login: str
    name: str
    password: str
    active: bool


def hashed(password: str) -> str:
    """The argon2id hash of a password in PHC format. Refusal: `Invalid` for one that is too short or too long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(field="password", rule=f"{MIN_PASSWORD} to {MAX_PASSWORD} characters")
    return _HASHER.hash(password)


async def add(
    tx: Transaction,
    *,
    login: str,
    name: str,
    password_hash: str,
    actor: str,
    at: datetime,
    scopes: Sequence[str] = (),
) -> UUID:
    """Make an account; its id. Refusals: `Invalid`, `LoginTaken`.

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
    await tx.execute(SQL.end_sessions_of, staff_id=account.id)
    await audit.record(
        tx, actor=actor, subject=f"kernel.staff:{account.id}", old={}, new={}, at=at, reason="password reset"
    )


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
    await tx.execute(SQL.end_sessions_of, staff_id=old.id)
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


async def everybody(conn: Connection) -> list[Staff]:
    """All accounts, by log-in."""
    return await conn.many(SQL.staff, Staff)


async def sign_in(database: Database, *, login: str, password: str, address: str, at: datetime) -> str:
    """Check a password and begin a session; its token. Refusals, in this order: `TooManyAttempts`, `WrongCredentials`.

    An attempt counts before the password is looked at, and for unknown log-ins as for known ones; the time taken does
    not tell them apart either.
    """
    login = login.strip().lower()[:200]
    # Each attempt in a transaction of its own: it must count whatever happens next.
    async with database.transaction() as tx:
        await attempts.count(tx, ADDRESS, _network(address), at=at)
        await attempts.count(tx, ACCOUNT, login, at=at)
    async with database.reading() as conn:
        account = await conn.maybe(SQL.staff_by_login, _Known, login=login)
    matches = await _matches(account.password if account else None, password)
    if account is None or not matches or not account.active:
        raise WrongCredentials()
    renewed = await _renewed(account.password, password)
    async with database.transaction() as tx:
        if not await tx.value(SQL.still_so, id=account.id, password=account.password):
            raise WrongCredentials()
        await attempts.forget(tx, ACCOUNT, login)
        if renewed:
            await tx.execute(SQL.set_password, id=account.id, password=renewed, at=at)
        return await sessions.begin(tx, staff_id=account.id, at=at)


def _network(address: str) -> str:
    """Who counts as one address: a household has one of IPv4, but a network of 64 bits of IPv6, from which it may draw
    a new address for every attempt. What is no address counts as it stands."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(IPv6Network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)


@cache
def _nobody() -> str:
    """The hash of a password that nobody has: an unknown log-in takes as long as a known one."""
    return _HASHER.hash(secrets.token_urlsafe())


async def _matches(known: str | None, password: str) -> bool:
    async with _HASHING:
        try:
            against = known or await asyncio.to_thread(_nobody)
            return await asyncio.to_thread(_HASHER.verify, against, password[: MAX_PASSWORD + 1])
        except (argon2.exceptions.VerifyMismatchError, argon2.exceptions.InvalidHashError):
            return False


async def _renewed(known: str, password: str) -> str | None:
    """A new hash if the parameters were raised since the old one was made."""
    if not _HASHER.check_needs_rehash(known):
        return None
    async with _HASHING:
        return await asyncio.to_thread(_HASHER.hash, password)


async def _locked(tx: Transaction, login: str) -> Staff:
    account = await tx.maybe(SQL.staff_for_change, Staff, login=login.strip().lower())
    if account is None:
        raise UnknownStaff(login=login)
    return account
