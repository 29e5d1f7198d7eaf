"""From a request to its principal: a staff session's cookie or an API token; neither makes a guest.

Asked at most once per request and only when somebody wants to know, so a public page costs no look-up.
"""

import time
from collections import OrderedDict
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection
from msgspec import Struct

from lotse.kernel import clock
from lotse.kernel.auth.principal import GUEST, Grant, Principal
from lotse.kernel.auth.sessions import COOKIE, Session, session_of
from lotse.kernel.db import Database
from lotse.kernel.refusals import Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "auth")

# A program's requests come in hundreds per second with one token; a revoked one works this much longer at most.
TOKEN_REMEMBERED_SECONDS = 5.0
_REMEMBERED_TOKENS = 1_000
# The scope's place for what was found. Litestar passes the state through middleware, guards and handlers.
_STATE = "lotse_principal"
_SESSION = "lotse_session"


class TokenUnknown(Refusal, status=401, title="This API token is not valid"):
    """It was never given out, has expired, or was revoked."""

    headers = {"WWW-Authenticate": 'Bearer realm="lotse", error="invalid_token"'}  # noqa: RUF012 - a constant


class _Token(Struct, frozen=True):
    id: UUID
    name: str
    grants: list[Grant]
    expires_at: datetime


class Tokens:
    """The tokens that this process has seen in the last seconds."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, tuple[float, _Token]] = OrderedDict()

    async def principal(self, database: Database, token: str, at: datetime) -> Principal:
        """Whose token this is. Refusal: `TokenUnknown`. Unknown tokens are not remembered: they are too many."""
        token_hash = sha256(token.encode()).digest()
        remembered = self._seen.get(token_hash)
        if remembered and remembered[0] > time.monotonic() and remembered[1].expires_at > at:
            return _principal(remembered[1])
        async with database.reading() as conn:
            found = await conn.maybe(SQL.token, _Token, token_hash=token_hash, at=at)
        if found is None:
            self._seen.pop(token_hash, None)
            raise TokenUnknown()
        self._seen[token_hash] = (time.monotonic() + TOKEN_REMEMBERED_SECONDS, found)
        self._seen.move_to_end(token_hash)
        while len(self._seen) > _REMEMBERED_TOKENS:
            self._seen.popitem(last=False)
        return _principal(found)


async def principal_of(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    """Who asks. Refusal: `TokenUnknown` for a token that is none; an expired session is a guest."""
    state = connection.scope["state"]
    if _STATE not in state:
        state[_STATE] = await _found(connection)
    return state[_STATE]


async def staff_session(connection: ASGIConnection[Any, Any, Any, Any]) -> Session | None:
    """The staff session behind the request's cookie, if any."""
    state = connection.scope["state"]
    if _SESSION not in state:
        cookie = connection.cookies.get(COOKIE)
        database: Database = connection.app.state.database
        state[_SESSION] = await session_of(database, cookie, clock.now()) if cookie else None
    return state[_SESSION]


async def _found(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        app = connection.app
        return await app.state.tokens.principal(app.state.database, token.strip(), clock.now())
    session = await staff_session(connection)
    return session.principal() if session else GUEST


def _principal(token: _Token) -> Principal:
    return Principal("token", str(token.id), token.name, tuple(token.grants))
