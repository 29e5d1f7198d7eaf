"""Where stock lies, as other domains see it: locations, stock lines, availability, refusals and events."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.domains.offers.contracts import Condition
from lotse.domains.parties.contracts import PostalAddress
from lotse.kernel.audit import Origin
from lotse.kernel.refusals import Refusal

Kind = Literal["warehouse", "store", "dark_store", "seller", "in_transit"]
State = Literal["in_stock", "low", "out"]
DocumentKind = Literal["receipt", "adjustment", "transfer"]


class Location(Struct, frozen=True):
    """A place that holds stock. `opening_hours`: {"mon": [["10:00", "20:00"]], …} in the location's own time."""

    id: UUID
    code: str
    kind: Kind
    name: str
    address: PostalAddress
    country: str
    timezone: str
    latitude: float | None
    longitude: float | None
    opening_hours: dict[str, list[list[str]]]


class Region(Struct, frozen=True):
    """Where a postcode is: a city, WGS 84 degrees, and the federal states that it may lie in, the main one first.

    Unless `is_exact` it is the middle of its region, which the postcode itself may not even be in: good for an order by
    distance, not for a distance.
    """

    city: str
    latitude: float
    longitude: float
    states: tuple[str, ...] = ()
    is_exact: bool = False


class Postcode(Struct, frozen=True):
    """Where a postcode is (WGS 84, degrees); `state` is ISO 3166-2 without the country, empty if nobody says."""

    country: str
    postcode: str
    city: str
    latitude: float
    longitude: float
    state: str = ""


class Opening(Struct, frozen=True):
    """Whether a place is open: until `changes_at`, or from then on (None: not within a week). `holiday`: today's."""

    is_open: bool
    changes_at: datetime | None
    holiday: str = ""


class PutLocation(Struct, frozen=True, kw_only=True):
    """A location to make or to overwrite, known by its code."""

    code: str
    kind: Kind
    name: str
    address: PostalAddress = PostalAddress()
    country: str
    timezone: str
    latitude: float | None = None
    longitude: float | None = None
    opening_hours: dict[str, list[list[str]]] = {}


class StockKey(Struct, frozen=True):
    """What a pool of goods counts. `lot` is empty where nobody tells lots apart."""

    variant_id: UUID
    location_id: UUID
    owner_party_id: UUID
    condition: Condition = "new"
    lot: str = ""


class StockLine(Struct, frozen=True):
    """One pool of goods with its balance; `available` is `on_hand - held`."""

    variant_id: UUID
    location_id: UUID
    location_code: str
    owner_party_id: UUID
    condition: Condition
    lot: str
    pool_id: int
    on_hand: int
    held: int
    available: int


class Place(Struct, frozen=True):
    """A location as choices and headings name it."""

    id: UUID
    code: str
    kind: Kind
    name: str


class Spot(Struct, frozen=True):
    """How much of a variant is at one place, for the strip of its row: `level` is none, low or fine."""

    name: str
    available: int

    @property
    def level(self) -> str:
        return "none" if self.available <= 0 else "low" if self.available <= 5 else "fine"


class StockListing(Struct, frozen=True):
    """A row of the back office's table of stock: a variant and what all its places have of it."""

    variant_id: UUID
    on_hand: int
    held: int
    available: int
    # Places that know the variant, and those that could give some of it now.
    places: int
    stocked: int
    sku: str = ""
    name: str = ""
    media: str | None = None
    spots: list[Spot] = []


class PoolListing(Struct, frozen=True):
    """A row of the back office's table of goods by place."""

    pool_id: int
    variant_id: UUID
    location_id: UUID
    location_code: str
    location_name: str
    location_kind: Kind
    owner_party_id: UUID
    condition: Condition
    lot: str
    on_hand: int
    held: int
    available: int
    sku: str = ""
    name: str = ""


class LocationListing(Struct, frozen=True):
    """A row of the back office's table of places."""

    id: UUID
    code: str
    kind: Kind
    name: str
    street: str | None
    postcode: str | None
    city: str | None
    country: str
    timezone: str
    latitude: float | None
    longitude: float | None
    has_hours: bool
    shops: int


class AtPlace(Struct, frozen=True):
    """How much of a variant one place has."""

    variant_id: UUID
    location_id: UUID
    on_hand: int
    available: int


class Document(Struct, frozen=True):
    """The paper behind movements of goods."""

    id: UUID
    kind: DocumentKind
    reference: str
    note: str


class ServedShop(Struct, frozen=True):
    """A shop that a location serves; lower `priority` first."""

    shop_id: UUID
    priority: int


class AtLocation(Struct, frozen=True):
    """How much of a variant one location can give."""

    location_id: UUID
    code: str
    name: str
    kind: Kind
    available: int


class Availability(Struct, frozen=True):
    """What a shop can sell of a variant now, over its locations and the sellers of its active offers.

    `low` means at most `rules.LOW` units: pages may say how many.
    """

    variant_id: UUID
    state: State
    available: int
    by_location: list[AtLocation]


class PoolChoice(Struct, frozen=True):
    """A pool that can serve a shop's sale of a variant; for each variant they come in the order of preference."""

    variant_id: UUID
    pool_id: int
    location_id: UUID
    owner_party_id: UUID
    condition: Condition
    lot: str
    priority: int


class OfferPool(Struct, frozen=True):
    """A pool that can serve an offer: its seller's goods in its condition; in the order of preference."""

    offer_id: UUID
    variant_id: UUID
    pool_id: int
    location_id: UUID
    priority: int


class StockChange(Struct, frozen=True):
    """A pool of goods and by how much it changes."""

    pool_id: int
    delta: int


class MoveRequest(Struct, frozen=True, kw_only=True):
    """Goods that came in (`receipt`), were counted or broken (`adjustment`), or change place (`transfer`).

    `document_id` is drawn by the caller. A receipt only adds, a transfer sums to zero.
    """

    document_id: UUID
    kind: DocumentKind
    changes: tuple[StockChange, ...]
    reference: str = ""
    note: str = ""
    actor: str
    occurred_at: datetime
    # From where it is asked, for the log of changes; `move_goods` says it.
    origin: Origin = Origin()


class Moved(Struct, frozen=True):
    """The answer: each pool's balance after it, in the order of the request."""

    document_id: UUID
    kind: DocumentKind
    on_hand: tuple[int, ...]


class Count(Struct, frozen=True):
    """Somebody found so much of a thing at a moment: a count, or what an outside system says it was then."""

    key: StockKey
    quantity: int
    counted_at: datetime


class Counted(Struct, frozen=True):
    """What a count came to: `expected` was in the books at its moment, `delta` was booked."""

    pool_id: int
    expected: int
    delta: int


class CountOverruled(Refusal, status=409, title="It was counted again since"):
    """A figure of an earlier moment would undo what the later count found."""

    counted_at: datetime
    latest: datetime


class InvalidCount(Refusal, status=422, title="This is no count"):
    """`field` and `rule` say what is allowed."""

    field: str
    rule: str


class InvalidMove(Refusal, status=422, title="These goods cannot be moved like this"):
    """`rule` says what is allowed."""

    rule: str


class LocationChanged(Struct, frozen=True, tag="inventory.LocationChanged"):
    """A location was made or changed."""

    location_id: UUID
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.location_id)


class StockOpened(Struct, frozen=True, tag="inventory.StockOpened"):
    """Goods of a variant are counted at places where none of them were known before, by these pools."""

    variant_id: UUID
    pool_ids: tuple[int, ...]
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.variant_id)


class ShopServed(Struct, frozen=True, tag="inventory.ShopServed"):
    """Other locations serve a shop now, or in another order; read them anew."""

    shop_id: UUID
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.shop_id)


class UnknownLocation(Refusal, status=404, title="There is no such location"):
    """No location has this id or code."""

    location: str
