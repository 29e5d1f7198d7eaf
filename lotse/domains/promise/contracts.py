"""What crosses the border of `promise`: senders, routes, windows, refusals, events."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from msgspec import Struct

from lotse.domains.behaviour.contracts import PromiseShown
from lotse.kernel.refusals import Refusal


class Sender(Struct, frozen=True):
    """How a location sends.

    `cut_offs`: until when on which weekday, {"mon": "14:00"}, in its own time; a weekday that is missing sends nothing.
    `handling_days`: working days before it leaves. `state` is ISO 3166-2 without the country.
    """

    location_id: UUID
    country: str
    state: str
    timezone: str
    cut_offs: dict[str, str]
    handling_days: int


class Route(Struct, frozen=True):
    """How long a carrier needs from country to country, in days on which it brings (`weekdays`)."""

    from_country: str
    to_country: str
    days_min: int
    days_max: int
    weekdays: tuple[str, ...]


class Wanted(Struct, frozen=True):
    """Pieces of a variant for which a window is asked."""

    variant_id: UUID
    quantity: int = 1


class Window(Struct, frozen=True):
    """When something is likely to arrive: `earliest` to `latest`, sent on `ships_on` if ordered before `order_by`."""

    earliest: date
    latest: date
    ships_on: date
    order_by: datetime
    handling_days: int
    days_min: int
    days_max: int
    country: str

    def shown(self) -> PromiseShown:
        """For the log of behaviour: this was said on a page."""
        return PromiseShown(self.earliest, self.latest)

    def delivery_time(self) -> dict[str, Any]:
        """For machines (schema.org `ShippingDeliveryTime`), from the same figures."""
        return {
            "@type": "ShippingDeliveryTime",
            "handlingTime": _days(self.handling_days, self.handling_days + 1),
            "transitTime": _days(self.days_min, self.days_max),
        }


class PromiseTermsChanged(Struct, frozen=True, tag="promise.PromiseTermsChanged"):
    """A sender or a route changed: windows that were shown may not hold any more."""

    what: str
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return self.what


class InvalidTerms(Refusal, status=422, title="Nobody can send like this"):
    """`field` and `rule` say what is allowed."""

    field: str
    rule: str


def _days(least: int, most: int) -> dict[str, Any]:
    return {"@type": "QuantitativeValue", "minValue": least, "maxValue": most, "unitCode": "DAY"}
