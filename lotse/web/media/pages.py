"""The addresses of media for everybody, uploads from the back office, and the library: what there is, what it shows,
which point of it matters, what is missing."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from lotse.domains.parties.contracts import Shop
from lotse.kernel import audit
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Database
from lotse.kernel.media import commands, names, queries, tending
from lotse.kernel.media.contracts import Kind, MediaBroken, TooManyPixels, UnknownMedia
from lotse.kernel.media.library import Library
from lotse.kernel.pages.forms import checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound, Refusal
from lotse.web.media.api import BODY_LIMIT, Title
from lotse.web.media.serving import Served
from lotse.web.storefront.frame import own_name

log = structlog.get_logger()

# A visitor waits no longer for a rendition that was never asked for; the picture as it is comes instead.
PATIENCE_SECONDS = 8.0
# Why something is not cut does not change from one visitor to the next.
_NOT_CUT = "public, max-age=3600"
_NOT_YET = "public, max-age=30"
# Divides by two, three, four and six: no row is left open in any width.
_IN_THE_LIBRARY = 48

Cursor = Annotated[str | None, Parameter(query="after", max_length=1_000)]
Words = Annotated[str, Parameter(query="q", max_length=100)]
Only = Annotated[Literal["", "picture", "drawing", "document", "unused", "lacking"], Parameter(query="only")]


# -- for everybody


@get("/media/{name:str}", guards=[public], opt={"waits": False})
async def medium(library: Library, name: str) -> Response[Any]:
    """A file of the library as it is."""
    known = names.parsed(name)
    opened = await library.find(known) if known else None
    if known is None or opened is None:
        raise NotFound(what="media", id=name)
    return Served(library, opened, known.media_type, str(known))


@get("/media/{name:str}/{cut:str}", guards=[public], opt={"waits": False})
async def rendition(library: Library, name: str, cut: str) -> Response[Any]:
    """A picture cut to a width. One that was never cut is cut now, by one for all who ask."""
    known = names.parsed(name)
    wanted = names.rendition(known, cut) if known else None
    if known is None or wanted is None:
        raise NotFound(what="media", id=f"{name}/{cut}")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            # A drawing is as good a picture by itself, so no page waits for its renditions: they come with the next.
            # A network that asks for the JPEG would show no drawing.
            waits = not known.is_drawing or wanted.format == "jpg"
            opened = await library.rendition(known, wanted, waits=waits)
    except (TimeoutError, Refusal) as error:
        if not known.is_drawing:
            log.warning("rendition not made", media=name, cut=cut, error=repr(error))
        opened = await library.find(known)
        if opened is None:
            raise NotFound(what="media", id=name) from None
        # Under its own tag and not for long: the next visitor may find the rendition.
        caching = _NOT_CUT if isinstance(error, MediaBroken | TooManyPixels) else _NOT_YET
        return Served(library, opened, known.media_type, str(known), caching=caching)
    if opened is None:
        raise NotFound(what="media", id=name)
    return Served(library, opened, wanted.media_type, f"{known}/{wanted}")


# -- taking in


class Uploaded(Struct, frozen=True):
    """What the upload script shows of a file that arrived."""

    name: str
    kind: Kind
    title: str
    src: str
    width: int | None
    height: int | None
    size: int


@post(
    "/office/media/upload",
    guards=[needs("media.write", "common")],
    status_code=201,
    request_max_body_size=BODY_LIMIT,
)
async def upload(
    request: Request[Any, Any, Any],
    database: Database,
    library: Library,
    principal: Principal,
    at: datetime,
    title: Title = "",
) -> Response[Any]:
    """Take in one file: the body is the file itself, so that a script can tell how far it is. Several come as several
    requests. A refusal is answered as the API does, for the script to show beside the file."""
    try:
        taken = await library.take(database, request.stream(), title=title, by=str(principal), at=at)
    except Refusal as refusal:
        return Response(
            {"title": refusal.title, "type": f"urn:lotse:refusal:{refusal.code}", **refusal.facts()},
            status_code=refusal.status,
            media_type="application/problem+json",
        )
    answer = Uploaded(
        taken.name, taken.kind, taken.title, names.address(taken.name, 320), taken.width, taken.height, taken.size
    )
    return Response(msgspec.to_builtins(answer), status_code=201, media_type="application/json")


class _Urls(Struct, frozen=True):
    urls: Annotated[str, Meta(min_length=1, max_length=200_000)]


@post("/office/media/fetch", guards=[needs("media.write", "common")], opt={"form": "/office/media"}, status_code=303)
async def fetch(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
) -> Response[Any]:
    """Have addresses fetched, one per line."""
    wanted = checked(await request.form(), _Urls)
    async with database.transaction() as tx:
        batch_id = await commands.fetch_list(tx, urls=wanted.urls.splitlines(), by=str(principal), at=at)
    return Response("", status_code=303, headers={"Location": f"/office/media/fetches/{batch_id}"})


# -- the library

_FETCH_MESSAGES = {
    "source-not-allowed": N_("Nothing is fetched from %(url)s: it takes %(rule)s."),
    "invalid": N_("Please enter one address per line, at most 5,000."),
}


@get("/office/media", guards=[needs("media.read", "common")])
async def office_media(
    view: View,
    database: Database,
    shop: Shop,
    principal: Principal,
    draft: Draft | None,
    words: Words = "",
    only: Only = "",
    cursor: Cursor = None,
) -> Response[str]:
    """The library, newest first."""
    async with database.reading() as conn:
        page = await queries.media(
            conn,
            kind=only if only in ("picture", "drawing", "document") else None,
            words=words,
            lacking=shop.language if only == "lacking" else None,
            unused=True if only == "unused" else None,
            cursor=cursor or None,
            limit=_IN_THE_LIBRARY,
        )
        totals = await queries.totals(conn)
        batches = await queries.batches(conn, limit=5)
    return view.show(
        "media/library.html",
        page=page,
        words=words.strip(),
        only=only,
        totals=totals,
        batches=batches,
        is_later=cursor is not None,
        may_write=principal.may("media.write"),
        draft=draft,
        why=refused(view, draft, _FETCH_MESSAGES, fields=False),
    )


@get("/office/media/fetches/{batch_id:uuid}", guards=[needs("media.read", "common")])
async def office_fetches(view: View, database: Database, batch_id: UUID) -> Response[str]:
    """What became of a list of addresses."""
    async with database.reading() as conn:
        found = await queries.fetches(conn, batch_id=batch_id)
    if not found:
        raise NotFound(what="list", id=str(batch_id))
    open_ones = sum(one.state == "wanted" for one in found)
    return view.show("media/fetches.html", fetches=found, open=open_ones, batch_id=batch_id)


_DESCRIBE_MESSAGES = {
    "media-changed": N_("Somebody else changed this meanwhile. Below is what is there now; your words are kept."),
    "invalid": N_("Please check it: %(rule)s."),
}


@get("/office/media/{name:str}", guards=[needs("media.read", "common")])
async def office_medium(
    view: View, database: Database, shop: Shop, principal: Principal, draft: Draft | None, name: str
) -> Response[str]:
    """One medium: what it shows, its focal point, where it came from, what was changed."""
    async with database.reading() as conn:
        found = (await queries.media_by_names(conn, names=[name])).get(name)
        if found is None:
            raise NotFound(what="media", id=name)
        history = await audit.history(conn, subject=f"media:{name}", limit=20)
        who = await names_of(conn, (change.actor for change in history))
        used = bool(await tending.used(conn, [name]))
    languages = list(dict.fromkeys([*shop.languages, *found.alt]))
    return view.show(
        "media/medium.html",
        medium=found,
        source=names.source(name),
        languages_of=[(code, own_name(code)) for code in languages],
        history=history,
        names=who,
        used=used,
        may_write=principal.may("media.write"),
        typed=draft.typed if draft else {},
        why=refused(view, draft, _DESCRIBE_MESSAGES, fields=False),
    )


class _Described(Struct, frozen=True):
    title: Annotated[str, Meta(max_length=200)]
    seen: str
    focal_x: Annotated[int, Meta(ge=0, le=100)] | None = None
    focal_y: Annotated[int, Meta(ge=0, le=100)] | None = None


@post(
    "/office/media/{name:str}",
    guards=[needs("media.write", "common")],
    opt={"form": "/office/media/{name}"},
    status_code=303,
)
async def describe(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, name: str
) -> Response[Any]:
    """Say what a medium shows, and which point of it matters."""
    posted = await request.form()
    wanted = checked(posted, _Described)
    async with database.transaction() as tx:
        await commands.describe(
            tx,
            name=name,
            title=wanted.title,
            alt=alternatives(posted),
            focal=focal_of(wanted.focal_x, wanted.focal_y),
            seen=datetime.fromisoformat(wanted.seen) if wanted.seen else None,
            by=str(principal),
            at=at,
        )
    return Response("", status_code=303, headers={"Location": f"/office/media/{name}?done=media"})


def alternatives(posted: Mapping[str, Any]) -> dict[str, str]:
    """The alternative texts of a form by language: its fields `alt.de`, `alt.en`, …"""
    return {
        field.removeprefix("alt."): str(text).strip()
        for field, text in posted.items()
        if field.startswith("alt.") and len(field) <= 40
    }


def focal_of(x: int | None, y: int | None) -> tuple[int, int] | None:
    """Both or none."""
    return (x, y) if x is not None and y is not None else None


@post("/office/media/{name:str}/remove", guards=[needs("media.write", "common")], status_code=303)
async def remove(library: Library, database: Database, name: str) -> Response[Any]:
    """Remove what nothing refers to, now and not after the grace time. Refusal: `MediaInUse`."""
    if names.parsed(name) is None:
        raise UnknownMedia(media=name[:100])
    await library.remove(database, name)
    return Response("", status_code=303, headers={"Location": "/office/media?done=media_removed"})


places = (Place("/office/media", N_("Pictures and files"), "picture", "", "media.read", "goods", 15),)
routes = (
    medium,
    rendition,
    upload,
    fetch,
    office_media,
    office_fetches,
    office_medium,
    describe,
    remove,
)
