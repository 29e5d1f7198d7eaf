"""Media for programs: send a file, have addresses fetched, say what a picture shows."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post, put
from litestar.params import Parameter
from msgspec import Meta, Struct

from lotse.kernel.db import Database
from lotse.kernel.http import PAGE_SIZE, Cursor, Page, PageSize, Principal, needs
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.media import commands, queries
from lotse.kernel.media.contracts import (
    DrawingNotSafe,
    Fetch,
    Kind,
    MediaBroken,
    MediaChanged,
    MediaMismatch,
    MediaTooLarge,
    MediaTypeNotAllowed,
    Medium,
    PictureMoves,
    SourceNotAllowed,
    StoreFull,
    StoreUnavailable,
    TooManyPixels,
    UnknownMedia,
)
from lotse.kernel.media.intake import MAX_BYTES
from lotse.kernel.media.library import Library
from lotse.kernel.paging import BadCursor
from lotse.kernel.refusals import Invalid

TAKING = (
    MediaTooLarge,
    MediaTypeNotAllowed,
    MediaBroken,
    MediaMismatch,
    TooManyPixels,
    PictureMoves,
    DrawingNotSafe,
    StoreFull,
    StoreUnavailable,
)
# The framework counts the body as well; ours says it by name, so it comes first.
BODY_LIMIT = MAX_BYTES + 1024 * 1024
Title = Annotated[str, Parameter(query="title", max_length=300, description="The file's name, to find it by.")]


class Description(Struct, frozen=True, kw_only=True):
    """What a medium is called and shows. `alt` by language; `focal` in percent from the left and from the top: what
    stays in sight when a page crops the picture; without it pictures are shown whole. `seen` is `changed_at` as it was
    read: another one is refused."""

    title: Annotated[str, Meta(max_length=200)]
    alt: dict[Annotated[str, Meta(max_length=35)], Annotated[str, Meta(max_length=commands.MAX_ALT)]]
    focal: tuple[Annotated[int, Meta(ge=0, le=100)], Annotated[int, Meta(ge=0, le=100)]] | None = None
    seen: datetime | None = None


class FetchUrls(Struct, frozen=True):
    """Addresses to fetch, each once."""

    urls: Annotated[list[Annotated[str, Meta(max_length=2_000)]], Meta(min_length=1, max_length=commands.MAX_URLS)]


class FetchBegun(Struct, frozen=True):
    """Where to ask what became of a list."""

    batch_id: UUID


@post(
    "/media",
    guards=[needs("media.write", "common")],
    refusals=TAKING,
    status_code=201,
    tags=["media"],
    request_max_body_size=BODY_LIMIT,
)
async def upload_media(
    request: Request[Any, Any, Any],
    database: Database,
    library: Library,
    principal: Principal,
    at: datetime,
    title: Title = "",
    sha256: Annotated[
        str | None,
        Parameter(
            pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file in hex: refused if it arrives otherwise."
        ),
    ] = None,
) -> Medium:
    """Take in one file: the body is the file itself, whatever `Content-Type` says. What it is, its content decides.

    The same file again is the same medium, so this may be repeated as often as needed.
    """
    return await library.take(
        database,
        request.stream(),
        title=title,
        expected_sha256=bytes.fromhex(sha256) if sha256 else None,
        by=str(principal),
        at=at,
    )


@get("/media", guards=[needs("media.read", "common")], refusals=(BadCursor,), tags=["media"])
async def list_media(
    database: Database,
    kind: Annotated[Kind | None, Parameter(description="Only this kind.")] = None,
    text: Annotated[str, Parameter(max_length=100, description="Part of a title or of an alternative text.")] = "",
    limit: PageSize = PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[Medium]:
    """The library, newest first."""
    async with database.reading() as conn:
        return await queries.media(conn, kind=kind, words=text, cursor=cursor, limit=limit)


@get("/media/{name:str}", guards=[needs("media.read", "common")], refusals=(UnknownMedia,), tags=["media"])
async def read_media(database: Database, name: str) -> Medium:
    """One medium; its bytes are at `/media/{name}`."""
    async with database.reading() as conn:
        found = await queries.media_by_names(conn, names=[name])
    if name not in found:
        raise UnknownMedia(media=name[:100])
    return found[name]


@put(
    "/media/{name:str}",
    guards=[needs("media.write", "common")],
    refusals=(Invalid, UnknownMedia, MediaChanged),
    tags=["media"],
)
async def describe_media(
    data: Description, database: Database, principal: Principal, at: datetime, name: str, idempotency_key: str
) -> Medium:
    """Say what a medium shows, and which point of it matters."""
    key = key_for(str(principal), idempotency_key, (name, data))
    return await once(
        database,
        key,
        Medium,
        lambda tx: commands.describe(
            tx, name=name, title=data.title, alt=data.alt, focal=data.focal, seen=data.seen, by=str(principal), at=at
        ),
        at=at,
    )


@post(
    "/media-fetches",
    guards=[needs("media.write", "common")],
    refusals=(Invalid, SourceNotAllowed),
    status_code=202,
    tags=["media"],
)
async def fetch_media(
    data: FetchUrls, database: Database, principal: Principal, at: datetime, idempotency_key: str
) -> FetchBegun:
    """Have files fetched from the net, one after the other; what is done stays done, whatever happens in between."""
    key = key_for(str(principal), idempotency_key, data)

    async def begin(tx: Any) -> FetchBegun:
        return FetchBegun(await commands.fetch_list(tx, urls=data.urls, by=str(principal), at=at))

    return await once(database, key, FetchBegun, begin, at=at)


@get("/media-fetches/{batch_id:uuid}", guards=[needs("media.read", "common")], tags=["media"])
async def list_fetches(
    database: Database,
    batch_id: UUID,
    after: Annotated[int, Parameter(ge=-1, description="Position of the last one seen; -1 for the beginning.")] = -1,
    limit: Annotated[int, Parameter(ge=1, le=500, description="How many at most.")] = 500,
) -> list[Fetch]:
    """What became of the addresses of a list."""
    async with database.reading() as conn:
        return await queries.fetches(conn, batch_id=batch_id, after=after, limit=limit)


api = (upload_media, list_media, read_media, describe_media, fetch_media, list_fetches)
