"""Forms over HTTP: who may post them, and what happens to one that is refused.

*Forgery.* A browser says where a post comes from (`Sec-Fetch-Site`, `Origin`); a post of a page from anywhere but this
very site is refused, for guests too. Cookies are `SameSite=Lax`. Posts of a staff session also carry the session's form
token, in the field `_csrf` or the header `X-CSRF-Token`. Guests need no token, so cached pages hold none.
The API needs neither: its writes carry an `Idempotency-Key`, a header that another site's script may not send.

*Refusals.* A post that is refused goes back to its page (303) and what was typed is kept for half an hour, so that a
process which cannot render need not. The page gets it as `draft`. Passwords are never kept, and nothing that another
site sent: it would stand in the visitor's own form as if they had typed it. How much is kept for one client address is
bounded in number and size; the oldest goes first.

A route that no form posts to (`opt={"form": None}`: scripts do) is asked for nothing but where the post comes from.
"""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast
from urllib.parse import SplitResult, quote, urlsplit

import msgspec
import structlog
from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Redirect
from msgspec import Struct

from lotse.kernel import clock
from lotse.kernel.auth.authenticate import staff_session
from lotse.kernel.auth.rights import NotSignedIn
from lotse.kernel.auth.visitor import guesser
from lotse.kernel.db import Database
from lotse.kernel.problems import Problem
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "auth")
log = structlog.get_logger()

DRAFT_COOKIE = "lotse_draft"
# Long enough to look up a postcode, short enough that nobody else finds the address on a shared computer.
DRAFT_KEPT = timedelta(minutes=30)
FORM_TOKEN_FIELD = "_csrf"
FORM_TOKEN_HEADER = "x-csrf-token"
SIGN_IN = "/signin"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
# A company or a mobile network behind one address shares these within the half hour; who posts nonsense all day fills
# no disk. A draft is about 1 kB: the bytes bound those who send the largest.
MOST_DRAFTS = 200
MOST_DRAFT_BYTES = 2_000_000
# A form of more fields was made by a program.
_MAX_FIELDS = 500
_MAX_TYPED = 200_000


class CrossSite(Refusal, status=403, title="This form was sent from another site"):
    """Open the page here and send the form from it."""


class FormUnreadable(Refusal, status=400, title="This form cannot be read"):
    """It is no text in UTF-8, or not the form that its head says. Please open the page and fill it in again."""


class FormExpired(Refusal, status=403, title="This form is too old"):
    """It was made before you signed in, or in a session that is over. Please send it once more."""


class Draft(Struct, frozen=True):
    """A form that was refused: what was typed, and the problem's members."""

    form: str
    typed: dict[str, str | list[str]]
    problem: dict[str, Any]


async def same_origin(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard of every route of pages. Refusals: `CrossSite`, `FormUnreadable`, `Invalid` (a NUL), `FormExpired`."""
    if not isinstance(connection, Request):
        raise CrossSite()  # no page speaks over a web socket
    request: Request[Any, Any, Any] = connection
    if request.method in _READING:
        return
    if not _from_this_site(request):
        raise CrossSite()
    if not is_form(handler):
        return
    try:
        form = await request.form()
    except (UnicodeError, LookupError) as error:  # bytes that are no text, or a charset that nobody knows
        raise FormUnreadable() from error
    for name, value in form.multi_items():
        if "\0" in name or (isinstance(value, str) and "\0" in value):
            raise Invalid(field=name, rule="text without NUL characters")  # no browser sends it, no column holds it
    session = await staff_session(request)
    if session is None:
        return
    token = request.headers.get(FORM_TOKEN_HEADER, "")
    if not token:
        token = str(form.get(FORM_TOKEN_FIELD, ""))
    if not session.made(token):
        raise FormExpired()


def _from_this_site(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # Browsers from before 2023, and plain http to other hosts than this machine, send only an origin.
    origin = connection.headers.get("origin")
    parts = address_parts(origin or "")
    return parts is not None and bool(parts.netloc) and parts.netloc == connection.headers.get("host")


def address_parts(address: str) -> SplitResult | None:
    """The parts of an address that a client sent; None if it is none."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


def is_form(handler: BaseRouteHandler) -> bool:
    """Whether people post to a route, and not scripts."""
    return handler.opt.get("form", "") is not None


async def draft_of(request: Request[Any, Any, Any]) -> Draft | None:
    """What was typed into this page's form before it was refused."""
    token = request.cookies.get(DRAFT_COOKIE)
    if not token:
        return None
    database: Database = request.app.state.database
    async with database.reading() as conn:
        return await conn.maybe(SQL.draft, Draft, token_hash=_hash(token), form=request.scope["path"], at=clock.now())


def refused_form(request: Request[Any, Any, Any], error: Exception, problem: Problem) -> Response[Any]:
    """The answer to a request of a page that was refused or failed."""
    if isinstance(error, NotSignedIn) and request.method in _READING:
        return _go(request, f"{SIGN_IN}?next={_here(request)}")
    has_route = "route_handler" in request.scope and not request.scope["state"].get("lotse_denied")
    comes_back = isinstance(error, Refusal) and not isinstance(error, CrossSite | FormUnreadable)
    if comes_back and request.method not in _READING and has_route:
        return _Back(request, _page_of(request), problem)
    return problem_page(request, problem)


def problem_page(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """The problem for people: the frame's `problem_page` if this process renders, else a page that needs nothing."""
    from html import escape

    shown = getattr(request.app.state, "problem_page", None)
    if shown is not None:
        return shown(request, problem)
    request_id = escape(str(request.scope["state"].get("request_id", "")))
    body = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(problem.title)}</title><h1>{escape(problem.title)}</h1><p>{escape(problem.detail)}</p>"
        f'<p><a href="/">Home</a></p><p><small>{request_id}</small></p>'
    )
    return Response(body, status_code=problem.status, media_type="text/html", headers={"Cache-Control": "no-store"})


class _Back(Response[bytes]):
    """Keeps the draft, then sends the browser back to the form. The writing happens while the answer is sent, because
    Litestar's exception handlers cannot wait."""

    def __init__(self, request: Request[Any, Any, Any], page: str, problem: Problem) -> None:
        super().__init__(b"", status_code=303)
        self._request = request
        self._page = page
        self._problem = problem

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> Any:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            token = await _keep(self._request, self._page, self._problem)
            # As the browser writes it: unquoted it could end the cookie's path, or fit into no header.
            path = quote(self._page, safe="/!$&'()*+,:=@~")
            response = _go(self._request, path)
            response.set_cookie(
                DRAFT_COOKIE,
                token,
                max_age=int(DRAFT_KEPT.total_seconds()),
                path=path,
                httponly=True,
                samesite="lax",
                secure=scope["scheme"] == "https",
            )
            made: Any = response
            await made.to_asgi_response(*args, **kwargs)(scope, receive, send)

        return answer


async def _keep(request: Request[Any, Any, Any], page: str, problem: Problem) -> str:
    token = secrets.token_urlsafe(32)
    database: Database = request.app.state.database
    at = clock.now()
    client = guesser(request.client.host if request.client else "")
    async with database.transaction() as tx:
        await tx.value(SQL.lock_drafts, client=client)
        await tx.execute(
            SQL.keep_draft,
            token_hash=_hash(token),
            form=page,
            typed=_storable(_typed(await request.form())),
            problem=_storable(msgspec.to_builtins(problem.members(request.scope["state"].get("request_id", "")))),
            expires_at=at + DRAFT_KEPT,
            client=client,
        )
        await tx.execute(
            SQL.trim_drafts, client=client, token_hash=_hash(token), most=MOST_DRAFTS, most_bytes=MOST_DRAFT_BYTES
        )
    return token


def _typed(form: Any) -> dict[str, Any]:
    """The text of a form, without passwords, tokens and files; nothing if it is beyond what a person types."""
    typed: dict[str, Any] = {}
    size = 0
    for name in list(form.keys())[:_MAX_FIELDS]:
        values = [value for value in form.getall(name) if isinstance(value, str)]
        if not values or "password" in name or name == FORM_TOKEN_FIELD:
            continue
        size += len(name) + sum(map(len, values))
        typed[name] = values[0] if len(values) == 1 else values
    return typed if size <= _MAX_TYPED // 4 else {}  # four bytes per character at most: below the table's bound


def _storable(kept: Any) -> Any:
    """Without NUL characters, which no column holds: what was refused for one must still come back."""
    if isinstance(kept, str):
        return kept.replace("\0", "\ufffd")
    if isinstance(kept, dict):
        return {_storable(name): _storable(value) for name, value in cast("dict[str, Any]", kept).items()}
    if isinstance(kept, list):
        return [_storable(item) for item in cast("list[Any]", kept)]
    return kept


def _page_of(request: Request[Any, Any, Any]) -> str:
    """Where the form stands: `form=` of the route, with the post's path parameters in it; else the post's own path."""
    template: str | None = request.scope["route_handler"].opt.get("form")
    return template.format(**request.path_params) if template else request.scope["path"]


def _go(request: Request[Any, Any, Any], page: str) -> Response[Any]:
    if request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true":
        # htmx would put the page that a redirect leads to into the fragment's place.
        return Response(b"", status_code=200, media_type="text/plain", headers={"HX-Redirect": page})
    return Redirect(page, status_code=303)


def _here(request: Request[Any, Any, Any]) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return quote(request.scope["path"] + (f"?{query}" if query else ""), safe="/")


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
