"""What a visitor carries: a ticket (a place in a line) or a pass (leave to be in the shop), in one signed cookie.

Signed, so that nobody writes one himself; the ticket's row says what became of it, so an old copy says nothing new. A
ticket and the pass that comes of it share one cookie, so all tabs of a browser share one place.
"""

import base64
import binascii
import hmac
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

COOKIE = "lotse_place"
# As long as any sale's line; a ticket older than that is none.
TICKET_SECONDS = 12 * 3600
# However busy, a pass ends after this: a shop with a line before it must get its places back.
LONGEST_PASS_SECONDS = 2 * 3600
# A form that was open when the pass ended is still taken: nobody loses what he typed by a minute.
GRACE_SECONDS = 600

_MAC_BYTES = 16
_KINDS: tuple[Literal["ticket", "pass"], ...] = ("ticket", "pass")
_LENGTH = 1 + 8 + 16 + 8 + 5 + 5


class Place(Struct, frozen=True):
    """`since`, `until`: seconds of the epoch. `opening` 0: a pass that was given before any line stood. `number` 0: a
    ticket that still awaits the drawing of a sale."""

    kind: Literal["ticket", "pass"]
    opening: int
    id: UUID
    number: int
    since: int
    until: int


class Places:
    """Signs and reads places with a secret that all hosts share."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, place: Place) -> str:
        """The cookie's value."""
        body = (
            bytes((_KINDS.index(place.kind),))
            + place.opening.to_bytes(8, "big")
            + place.id.bytes
            + place.number.to_bytes(8, "big")
            + place.since.to_bytes(5, "big")
            + place.until.to_bytes(5, "big")
        )
        return base64.urlsafe_b64encode(body + self._mac(body)).rstrip(b"=").decode("ascii")

    def read(self, text: str, at: datetime) -> Place | None:
        """The place in a cookie; None for one that was forged, cut off, or is over (see `GRACE_SECONDS`)."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        body, mac = raw[:_LENGTH], raw[_LENGTH:]
        if len(raw) != _LENGTH + _MAC_BYTES or not hmac.compare_digest(mac, self._mac(body)):
            return None
        place = Place(
            _KINDS[body[0]],
            int.from_bytes(body[1:9], "big"),
            UUID(bytes=body[9:25]),
            int.from_bytes(body[25:33], "big"),
            int.from_bytes(body[33:38], "big"),
            int.from_bytes(body[38:43], "big"),
        )
        grace = GRACE_SECONDS if place.kind == "pass" else 0
        return place if place.until + grace > at.timestamp() else None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, b"waiting\0" + body, "sha256")[:_MAC_BYTES]


def ticket(opening: int, id: UUID, number: int, at: datetime) -> Place:
    """A ticket taken now."""
    now = int(at.timestamp())
    return Place("ticket", opening, id, number, now, now + TICKET_SECONDS)


def pass_until(opening: int, id: UUID, until: datetime, at: datetime) -> Place:
    """A pass from now on."""
    return Place("pass", opening, id, 0, int(at.timestamp()), int(until.timestamp()))


def holds(place: Place, sale: int | None, at: datetime) -> bool:
    """Whether this is a pass that lets its holder in. `sale`: the opening of a sale under way; a pass from before it
    does not let anybody in to it."""
    return place.kind == "pass" and place.until > at.timestamp() and sale in (None, place.opening)


def renewed(place: Place, minutes: int, at: datetime) -> Place | None:
    """The pass of somebody who is busy, made longer once half of it is over; None if it is not time or the end."""
    now = int(at.timestamp())
    if place.until - now > minutes * 30:
        return None
    until = min(now + minutes * 60, place.since + LONGEST_PASS_SECONDS)
    return Place("pass", place.opening, place.id, 0, place.since, until) if until > place.until else None
