"""What media are, as pages, domains and the API see them, and why a file may be refused."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

# picture: pixels, stored in sRGB without metadata. drawing: an SVG of shapes. document: a PDF.
Kind = Literal["picture", "drawing", "document"]


class Medium(Struct, frozen=True):
    """A stored file. `name` says its content (see `names`); `size` in bytes; the focal point in percent of width and
    height, or nothing; `alt` by language. `unused_since`: nothing refers to it, it is going to be removed."""

    name: str
    kind: Kind
    media_type: str
    size: int
    width: int | None
    height: int | None
    title: str
    focal_x: int | None
    focal_y: int | None
    alt: dict[str, str]
    kept: bool
    source_url: str | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    unused_since: datetime | None


class Fetch(Struct, frozen=True):
    """One address of a list that is fetched: what became of it. `problem` is a refusal's sentence."""

    batch_id: UUID
    position: int
    url: str
    state: Literal["wanted", "done", "failed"]
    media: str | None
    problem: str | None


class MediaTypeNotAllowed(Refusal, status=415, title="This kind of file is not taken"):
    """The content decides, not the name of the file. `found` is what it looks like, `allowed` what is taken."""

    found: str
    allowed: list[str]


class MediaTooLarge(Refusal, status=413, title="The file is too large"):
    """In bytes; `size` is what came before it was stopped."""

    size: int
    limit: int


class MediaBroken(Refusal, status=422, title="The file is damaged or cannot be read"):
    """`rule` says what is wrong with it."""

    rule: str


class TooManyPixels(Refusal, status=422, title="The picture has too many pixels"):
    """A picture is unpacked in memory, so its size in pixels is limited whatever its size in bytes."""

    width: int
    height: int
    limit_pixels: int
    limit_side: int


class PictureMoves(Refusal, status=422, title="Moving pictures are not taken"):
    """A product picture stands still; save one frame of it."""

    frames: int


class DrawingNotSafe(Refusal, status=422, title="This SVG may not be shown"):
    """A drawing is made of shapes. `found` is what could run, load or hide something; take it out and try again."""

    found: str


class MediaMismatch(Refusal, status=422, title="The file was changed on its way"):
    """Its content has another SHA-256 than was said; send it once more."""

    expected: str
    found: str


class SourceNotAllowed(Refusal, status=422, title="Nothing is fetched from this address"):
    """`rule` says what an address must be like."""

    url: str
    rule: str


class FetchFailed(Refusal, status=422, title="The file could not be fetched"):
    """`reason` in words; `lasting`: trying again will not help."""

    url: str
    reason: str
    lasting: bool


class UnknownMedia(Refusal, status=404, title="There is no such picture or file"):
    """No medium has this name: upload or fetch it first."""

    media: str


class MediaInUse(Refusal, status=409, title="The picture or file is in use"):
    """Something refers to it: take it out there first."""

    media: str


class MediaChanged(Refusal, status=409, title="Somebody else changed this meanwhile"):
    """Look at what is there now and decide anew."""

    media: str
    changed_at: datetime


class StoreUnavailable(Refusal, status=503, title="Pictures and files cannot be stored or read at the moment"):
    """The disk or the S3 server does not answer as it should. Nothing was kept; trying again later may help."""

    reason: str
    retry_after_seconds: int = 10


class StudioBusy(Refusal, status=503, title="Pictures are being cut"):
    """More of them are waiting than are cut in a while. A drawing is shown as it is meanwhile."""

    waiting: int
    retry_after_seconds: int = 30


class StoreFull(Refusal, status=507, title="There is no room left for pictures and files"):
    """The disk or bucket is full. Nothing was kept."""
