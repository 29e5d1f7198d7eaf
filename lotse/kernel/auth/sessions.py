"""Staff sessions: a random token in a cookie, its hash in the database, an idle and an absolute end.

A session begins anew at every log-in (no token survives the change from nobody to somebody) and all sessions of an
account end when its password, its rights or its state change.
"""

import hmac
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from msgspec import Struct

from lotse.kernel.auth.principal import Grant, Principal
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "auth")
SIGN_IN = statements("lotse.kernel", "signin")

COOKIE = "lotse_staff"
# A working day with its lunch break; who comes back from a long meeting signs in again.
IDLE = timedelta(hours=4)
ABSOLUTE = timedelta(hours=14)
# Every page would else write a row: the idle end is exact to this.
_TOUCH = timedelta(minutes=1)
_PAD = 32


class Session(Struct, frozen=True):
    """A live session and its account. `notices`: how many the account has not put away."""

    csrf_secret: bytes
    seen_at: datetime
    staff_id: UUID
    login: str
    name: str
    grants: list[Grant]
    id: UUID
    method: str = "password"
    notices: int = 0

    def principal(self) -> Principal:
        return Principal("staff", str(self.staff_id), self.name, tuple(self.grants))

    def form_token(self) -> str:
        """What a form of this session carries in `_csrf`. Masked anew each time, so that compressed pages leak nothing
        about it (BREACH)."""
        pad = secrets.token_bytes(_PAD)
        return (pad + _xor(pad, self.csrf_secret)).hex()

    def made(self, form_token: str) -> bool:
        """Whether a form token was made for this session."""
        try:
            raw = bytes.fromhex(form_token)
        except ValueError:
            return False
        return len(raw) == 2 * _PAD and hmac.compare_digest(_xor(raw[:_PAD], raw[_PAD:]), self.csrf_secret)


class Listed(Struct, frozen=True):
    """A session as its owner sees it."""

    id: UUID
    method: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


async def begin(
    tx: Transaction,
    *,
    staff_id: UUID,
    at: datetime,
    id: UUID | None = None,
    method: str = "password",
    device_id: UUID | None = None,
    address: str = "",
    agent: str = "",
    sign_out: bytes | None = None,
) -> str:
    """Begin a session; the token for the cookie. How it came about is checked by `lotse.kernel.auth.signin`."""
    token = secrets.token_urlsafe(32)
    await tx.execute(
        SQL.add_session,
        token_hash=_hash(token),
        id=id or uuid7(),
        staff_id=staff_id,
        csrf_secret=secrets.token_bytes(_PAD),
        method=method,
        device_id=device_id,
        address=address,
        agent=agent[:400],
        sign_out=sign_out,
        at=at,
        expires_at=at + ABSOLUTE,
    )
    return token


async def end(tx: Transaction, *, token: str) -> None:
    """End a session; one that is over already stays so."""
    await tx.execute(SQL.end_session, token_hash=_hash(token))


async def session_of(database: Database, token: str, at: datetime) -> Session | None:
    """The session of a token, unless it is idle too long, too old, ended, or its account is switched off."""
    async with database.reading() as conn:
        found = await conn.maybe(SQL.session, Session, token_hash=_hash(token), at=at, idle_since=at - IDLE)
        if found and at - found.seen_at > _TOUCH:
            await conn.execute(SQL.touch_session, token_hash=_hash(token), at=at)
    return found


async def of_account(conn: Connection, *, staff_id: UUID, at: datetime) -> list[Listed]:
    """The live sessions of an account, the one last used first."""
    return await conn.many(SIGN_IN.sessions_of, Listed, staff_id=staff_id, at=at, idle_since=at - IDLE)


async def revoke(tx: Transaction, *, staff_id: UUID, id: UUID) -> None:
    """End one session of an account; one that is over already stays so."""
    await tx.execute(SIGN_IN.end_session_by_id, staff_id=staff_id, id=id)


async def revoke_others(tx: Transaction, *, staff_id: UUID, but: UUID | None) -> int:
    """End all sessions of an account but one (or all); how many ended."""
    return await tx.execute(SIGN_IN.end_other_sessions, staff_id=staff_id, but=but)


def _hash(token: str) -> bytes:
    # The token has 256 random bits, so a plain hash is enough: there is nothing to guess and no salt to add.
    return sha256(token.encode()).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
