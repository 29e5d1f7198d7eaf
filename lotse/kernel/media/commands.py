"""What changes the rows of media: describe one, ask for a list of addresses, remove one that nobody uses."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
from msgspec import Struct

from lotse.kernel import audit, jobs
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.media.contracts import MediaChanged, MediaInUse, Medium, SourceNotAllowed, UnknownMedia
from lotse.kernel.media.queries import SQL
from lotse.kernel.refusals import Invalid

# A supplier's whole assortment comes in several lists.
MAX_URLS = 5_000
# Read out whole by a screen reader, so it is a sentence and no story.
MAX_ALT = 500
_MAX_LANGUAGES = 40


class NewMedium(Struct, frozen=True):
    """A file that lies in the store, as its row begins."""

    name: str
    kind: str
    media_type: str
    size: int
    width: int | None
    height: int | None
    title: str
    alt: dict[str, str] = {}
    kept: bool = False
    source_url: str | None = None


class FetchList(Struct, frozen=True):
    """The job that works off a list of addresses."""

    batch_id: UUID


# Who brings a catalogue of drawings has other work for the machine first, and a drawing stands in for its renditions.
DRAWN_AFTER = timedelta(seconds=20)


class CutAll(Struct, frozen=True):
    """The job that cuts a picture to every width."""

    name: str


class _Stored(Medium, frozen=True):
    made: bool


async def put(tx: Transaction, new: Sequence[tuple[NewMedium, bytes | None]], *, by: str, at: datetime) -> list[Medium]:
    """Rows for files that lie in the store, each with the SHA-256 of how it came; in order.

    The same again is the same row and is wanted again. Renditions of new pictures are cut by a job, the first ones of
    new drawings by another, later.
    """
    rows = {medium.name: medium for medium, _ in new}
    stored = {
        row.name: row
        for row in await tx.many(SQL.put_media, _Stored, media=[rows[name] for name in sorted(rows)], by=by, at=at)
    }
    uploads = [(sha256, medium.name) for medium, sha256 in new if sha256 is not None]
    await tx.execute(SQL.put_uploads, sha256s=[sha256 for sha256, _ in uploads], names=[name for _, name in uploads])
    made = [row for row in stored.values() if row.made]
    await audit.record_all(
        tx,
        actor=by,
        changes=[(f"media:{row.name}", None, {"title": row.title, "size": row.size}) for row in made],
        at=at,
    )
    for row in made:
        if row.kind == "picture":
            await jobs.enqueue(tx, "media.cut", CutAll(row.name), unique=f"media.cut:{row.name}")
    if any(row.kind == "drawing" and not row.kept for row in made):
        await jobs.enqueue(tx, "media.draw", after=DRAWN_AFTER, unique="media.draw")
    return [stored[medium.name] for medium, _ in new]


async def describe(
    tx: Transaction,
    *,
    name: str,
    title: str,
    alt: dict[str, str],
    focal: tuple[int, int] | None,
    seen: datetime | None = None,
    by: str,
    at: datetime,
) -> Medium:
    """What a medium is called and shows, and the point that stays in sight when it is cropped (percent from the left
    and from the top). `seen` is `changed_at` as the editor saw it.

    Refusals in this order: `Invalid`, `UnknownMedia`, `MediaChanged`.
    """
    if not 0 <= len(title) <= 200 or "\0" in title:
        raise Invalid(field="title", rule="at most 200 characters")
    if len(alt) > _MAX_LANGUAGES or any(len(text) > MAX_ALT or "\0" in text for text in alt.values()):
        raise Invalid(field="alt", rule=f"at most {MAX_ALT} characters in each language")
    if focal is not None and not all(0 <= part <= 100 for part in focal):
        raise Invalid(field="focal", rule="percent of width and of height, 0 to 100")
    old = await tx.maybe(SQL.for_change, Medium, name=name)
    if old is None:
        raise UnknownMedia(media=name)
    if seen is not None and old.changed_at != seen:
        raise MediaChanged(media=name, changed_at=old.changed_at)
    said = {language: text.strip() for language, text in alt.items() if text.strip()}
    focal_x, focal_y = focal if focal is not None else (None, None)
    before, after = _shown(old), {"title": title, "alt": said, "focal": list(focal) if focal else None}
    if before == after:
        return old
    new = await tx.one(SQL.describe, Medium, name=name, title=title, alt=said, focal_x=focal_x, focal_y=focal_y, at=at)
    await audit.record(tx, actor=by, subject=f"media:{name}", old=before, new=after, at=at)
    return new


def _shown(medium: Medium) -> dict[str, Any]:
    focal = None if medium.focal_x is None else [medium.focal_x, medium.focal_y]
    return {"title": medium.title, "alt": medium.alt, "focal": focal}


async def fetch_list(tx: Transaction, *, urls: Sequence[str], by: str, at: datetime) -> UUID:
    """Have these addresses fetched, one after the other, by a job that goes on where it stopped; the list's id.

    Refusals: `Invalid` (none, or too many), `SourceNotAllowed` (not http or https).
    """
    wanted = list(dict.fromkeys(url.strip() for url in urls if url.strip()))
    if not 1 <= len(wanted) <= MAX_URLS:
        raise Invalid(field="urls", rule=f"1 to {MAX_URLS} addresses")
    for url in wanted:
        check_url(url)
    batch_id = uuid7()
    await tx.execute(SQL.want, batch_id=batch_id, urls=wanted, by=by, at=at)
    await jobs.enqueue(tx, "media.fetch", FetchList(batch_id), unique=f"media.fetch:{batch_id}")
    return batch_id


def check_url(url: str) -> None:
    """What can be said without asking anybody. Refusal: `SourceNotAllowed`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SourceNotAllowed(url=url[:200], rule="an address like https://example.com/shoe.jpg") from None
    if len(url) > 2_000 or not url.isprintable() or any(letter.isspace() for letter in url):
        raise SourceNotAllowed(url=url[:200], rule="at most 2,000 characters, without blanks")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SourceNotAllowed(url=url, rule="http:// or https:// with the name of a host")
    if parts.username is not None or parts.password is not None:
        raise SourceNotAllowed(url=url, rule="without a name and password in it: they would stand in logs")
    # Mail, databases and the like speak on ports of their own, and answer to what looks like nonsense.
    if port is not None and port < 1024 and port not in (80, 443):
        raise SourceNotAllowed(url=url, rule="port 80, 443 or one above 1023")


async def remove(tx: Transaction, *, name: str, unused_before: datetime | None = None) -> bool:
    """Take the row away, if nothing refers to it; whether it went. Hold it first (`hold`), and remove the files before
    the transaction ends. Refusal: `MediaInUse`."""
    try:
        async with tx.raw.transaction():
            return await tx.execute(SQL.remove, name=name, before=unused_before) > 0
    except asyncpg.ForeignKeyViolationError as error:
        raise MediaInUse(media=name) from error


# How long something that nothing refers to is kept: an article is put together over days, and mistakes are found later.
GRACE = timedelta(days=14)
