"""What is logged of behaviour: typed events with a version, the consent, the script's batch, refusals."""

from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct

from lotse.kernel.refusals import Refusal

# Longer is no name of a place on a page.
_Name = Annotated[str, Meta(max_length=100)]
_Position = Annotated[int, Meta(ge=0, le=10_000)]

Purpose = Literal["necessary", "measurement", "marketing"]
# Who told: the process that rendered or answered, or the script in the visitor's browser.
Source = Literal["server", "script"]


class Shown(Struct, frozen=True, forbid_unknown_fields=True):
    """A thing in a list, and where it stood: the first is 1."""

    id: UUID
    position: _Position


class PageViewed(Struct, frozen=True, tag="page_viewed", forbid_unknown_fields=True):
    """A page was shown. `page` is the form of its address (`/p/{slug}`), `subject` what it is about where that says
    nothing about a person (a product's slug); signed links, names and queries are never kept."""

    page: _Name
    subject: Annotated[str, Meta(max_length=200)] = ""
    language: Annotated[str, Meta(max_length=8)] = ""
    version: ClassVar[int] = 1


class SearchMade(Struct, frozen=True, tag="search_made", forbid_unknown_fields=True):
    """Somebody searched, and this is what was shown of `results`, in its order."""

    words: Annotated[str, Meta(max_length=200)]
    results: Annotated[int, Meta(ge=0)]
    shown: Annotated[list[Shown], Meta(max_length=200)]
    order: _Name = ""
    version: ClassVar[int] = 1


class Seen(Struct, frozen=True, tag="seen", forbid_unknown_fields=True):
    """Things of a list came into view: half of each for half a second. `place` names the list."""

    place: _Name
    shown: Annotated[list[Shown], Meta(min_length=1, max_length=200)]
    version: ClassVar[int] = 1


class Clicked(Struct, frozen=True, tag="clicked", forbid_unknown_fields=True):
    """Somebody followed a link in a list."""

    place: _Name
    id: UUID
    position: _Position
    version: ClassVar[int] = 1


class BasketChanged(Struct, frozen=True, tag="basket_changed", forbid_unknown_fields=True):
    """A line of a basket: `how` it was changed, and the number that was said with it."""

    offer_id: UUID
    how: Literal["added", "set", "removed"]
    quantity: int
    version: ClassVar[int] = 1


class Ordered(Struct, frozen=True, tag="ordered", forbid_unknown_fields=True):
    """A buyer was shown that an order is received: what came of all that was shown before. A page that is loaded again
    says it again, so an order counts once."""

    order_id: UUID
    pieces: int
    gross_minor: int
    currency: Annotated[str, Meta(max_length=3)]
    version: ClassVar[int] = 1


class Exposed(Struct, frozen=True, tag="exposed", forbid_unknown_fields=True):
    """A page depended on an experiment. `unit`: who was assigned, a visitor's id or an hour (`hour:2026-11-22T05`)."""

    point: _Name
    experiment: _Name
    variant: _Name
    unit: _Name
    version: ClassVar[int] = 1


class PromiseShown(Struct, frozen=True, tag="promise_shown", forbid_unknown_fields=True):
    """A page said by when it arrives; of a variant, or of a whole basket (no variant)."""

    earliest: date
    latest: date
    variant_id: UUID | None = None
    version: ClassVar[int] = 1


Event = PageViewed | SearchMade | Seen | Clicked | BasketChanged | Ordered | Exposed | PromiseShown
# What only the script can see. It tells of a page itself where a cache in front of Lotse answered.
FromScript = PageViewed | Seen | Clicked


class Told(Struct, frozen=True, forbid_unknown_fields=True):
    """An event of the script. Its clock is not believed: it says how long ago by our clock."""

    event: FromScript
    ms_ago: Annotated[int, Meta(ge=0, le=3_600_000)] = 0


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """What a script tells at once; all of one page view."""

    view: UUID
    events: Annotated[list[Told], Meta(min_length=1, max_length=100)]


class Visit(Struct, frozen=True):
    """Whose events these are: nobody's without consent. `bot` says why this is no person; empty for people."""

    visitor: UUID | None = None
    session: UUID | None = None
    bot: str = ""


class Logged(Struct, frozen=True):
    """An event in the log."""

    id: UUID
    kind: str
    version: int
    source: Source
    visitor: UUID | None
    session: UUID | None
    view: UUID | None
    bot: str
    body: dict[str, Any]
    at: datetime


class Consent(Struct, frozen=True):
    """What a visitor chose. `text_version` is that of the words that were agreed to or refused; `id` is that of the
    proof, which only who agreed to something carries: a refusal leaves no number on anybody's device."""

    text_version: str
    measurement: bool
    marketing: bool
    id: UUID | None = None


class ConsentGiven(Struct, frozen=True):
    """The proof of a choice (GDPR, article 7(1)): which words, in which language, where, when, what."""

    id: UUID
    text_version: str
    language: str
    measurement: bool
    marketing: bool
    place: Literal["banner", "page"]
    replaces: UUID | None
    decided_at: datetime


class Behaviour(Struct, frozen=True):
    """What is kept of one person: the visitors' ids that were linked to them, and what was logged under these."""

    visitors: list[UUID]
    events: list[Logged]


class NotAgreed(Refusal, status=403, title="Nothing is measured without consent"):
    """The visitor has not agreed to measurement, or the browser says no (Global Privacy Control, Do Not Track)."""


class TooMuchTold(Refusal, status=429, title="Too many events come from this address"):
    """Try again in a moment."""

    retry_after_seconds: int = 10


class LogBusy(Refusal, status=503, title="The log of behaviour takes nothing at the moment"):
    """More came than can be written. Nothing of this batch is kept."""

    retry_after_seconds: int = 2
