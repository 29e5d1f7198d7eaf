"""Who asks: the customer who signed in, and what cookies know of the others."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.datastructures import Cookie

from lotse.domains.customers import queries
from lotse.domains.customers.contracts import SESSION_COOKIE, WISHES_COOKIE, NotSignedInHere
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.visitor import guesser
from lotse.kernel.db import Database


async def who_asks(request: Request[Any, Any, Any], database: Database, at: datetime) -> UUID | None:
    """The customer who is signed in, or None."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    async with database.reading() as conn:
        return await queries.signed_in(conn, token=token, at=at)


async def signed_in(request: Request[Any, Any, Any], database: Database, at: datetime) -> UUID:
    """The customer who is signed in. Refusal: `NotSignedInHere`."""
    found = await who_asks(request, database, at)
    if found is None:
        raise NotSignedInHere()
    return found


def list_of(request: Request[Any, Any, Any]) -> UUID | None:
    """The wish list that a browser keeps."""
    try:
        return UUID(request.cookies.get(WISHES_COOKIE, ""))
    except ValueError:
        return None


def language_of(form: Mapping[str, Any], shop: Shop) -> str:
    """What the page was read in; empty for the shop's own."""
    language = str(form.get("language", ""))
    return language if language in shop.languages else ""


def guesser_of(request: Request[Any, Any, Any]) -> str:
    """Whose guesses are counted: an address."""
    return guesser(request.client.host if request.client else "")


def cookie_of(request: Request[Any, Any, Any], name: str, value: str, seconds: int) -> Cookie:
    """A cookie that no script and no other site gets."""
    return Cookie(
        name,
        value=value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.scope["scheme"] == "https",
    )
