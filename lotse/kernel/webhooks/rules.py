"""How a message is signed, what an answer means, when the next try comes, which addresses may be reached. Pure.

The sources are Standard Webhooks 1.0 (signature, headers, schedule, 410, Retry-After) and, for addresses, the IANA
registries of special-purpose addresses as Python's `ipaddress` knows them.
"""

import base64
import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from lotse.kernel.consumers import Logged
from lotse.kernel.webhooks.contracts import AddressNotAllowed, Stored

SECRET_PREFIX = "whsec_"
# The specification asks for 24 to 64 bytes; 32 are what SHA-256 takes without hashing the key first.
SECRET_BYTES = 32
# A rotation gives the receiver a day to learn the new secret, as the specification suggests.
ROTATION = timedelta(hours=24)
LONGEST_ROTATION = timedelta(days=30)

# The specification's own example, ten tries over some three days: the first at once, then after these pauses.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
MOST_TRIES = len(PAUSES) + 1
# A tenth earlier to a fifth later, so that what failed together does not come back together.
JITTER = (0.9, 1.2)
# So many tries in a row that failed, of whatever events: then it is the endpoint that is ill and not an event. It
# rests, and one event at a time probes whether it is back; probes use up nobody's tries.
RESTS_AFTER = 3
FIRST_REST = timedelta(seconds=10)
LONGEST_REST = timedelta(minutes=30)
# Nothing went well for so long: nobody looks after the other side. Events are gathered on, until a person resumes.
PAUSED_AFTER = timedelta(days=5)
# What an answer may ask us to wait.
LONGEST_WISH = timedelta(hours=24)

_AWKWARD_PORTS = frozenset({22, 25, 110, 143, 465, 587})

# An event's shop: `none` if it belongs to none, `unknown` if it names a thing of a shop that cannot be found.
ShopOf = UUID | Literal["none", "unknown"]


class Answer(Struct, frozen=True):
    """What came back from a try: a status with headers and the beginning of a body, or the words of what failed."""

    status: int | None
    error: str | None = None
    headers: dict[str, str] = {}
    body: str = ""
    took_ms: int = 0


class Verdict(Struct, frozen=True):
    """What an answer means. `wait` is what the receiver asked us to wait."""

    kind: Literal["delivered", "gone", "failed"]
    wait: timedelta | None = None


def new_secret() -> str:
    """`whsec_` and the base64 of random bytes."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that sign. `ValueError` if it is no secret."""
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


def signature(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of `id.timestamp.body` (symmetric signature scheme)."""
    signed = f"{message_id}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, sha256)).decode()


def message_id(event_id: UUID) -> str:
    """The same for every try and every replay of an event."""
    return f"msg_{event_id.hex}"


def headers(endpoint: Stored, event_id: UUID, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a try; while a secret is being rotated it carries the signatures of both."""
    secrets_now = [endpoint.secret]
    if endpoint.former_secret and endpoint.former_until and at < endpoint.former_until:
        secrets_now.append(endpoint.former_secret)
    name = message_id(event_id)
    return {
        "content-type": "application/json",
        "user-agent": "Lotse-Webhooks/1",
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signature(secret, name, at, body) for secret in secrets_now),
    }


def body(event: Logged) -> bytes:
    """The JSON of an event. Made anew for every try and the same every time, since the log never changes."""
    data = msgspec.json.decode(event.payload)
    data.pop("type", None)
    return msgspec.json.encode(
        {
            "type": event.type,
            "timestamp": event.occurred_at,
            "data": dict(sorted(data.items())),
            "version": event.version,
            "key": event.key,
            "position": event.position,
        }
    )


def ping(delivery_id: UUID, at: datetime) -> bytes:
    """The JSON of a test message."""
    return msgspec.json.encode({"type": "lotse.Ping", "timestamp": at, "data": {"ping_id": delivery_id}})


def judged(answer: Answer, at: datetime) -> Verdict:
    """2xx is delivered, 410 says that nobody wants more of it, everything else failed (3xx too: we do not follow)."""
    if answer.status is not None and 200 <= answer.status < 300:
        return Verdict("delivered")
    if answer.status == 410:
        return Verdict("gone")
    wish = wanted_wait(answer.headers.get("retry-after", ""), at) if answer.status in (429, 503) else None
    return Verdict("failed", wish)


def wanted_wait(text: str, at: datetime) -> timedelta | None:
    """A `Retry-After` (RFC 9110, 10.2.3: seconds or a date) as a time to wait, bounded; None if it is none."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), LONGEST_WISH)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    return min(max(until - at, timedelta(0)), LONGEST_WISH)


def pause(tries: int, draw: float) -> timedelta | None:
    """How long to wait after so many tries of one event; None: there are no more. `draw` is a number from 0 to 1."""
    if tries >= MOST_TRIES:
        return None
    low, high = JITTER
    return PAUSES[tries - 1] * (low + (high - low) * draw)


def rest(failures: int, draw: float) -> timedelta | None:
    """How long an endpoint rests after so many failures in a row; None while it need not."""
    if failures < RESTS_AFTER:
        return None
    low, high = JITTER
    doubled = FIRST_REST * 2 ** min(failures - RESTS_AFTER, 16)
    return min(doubled, LONGEST_REST) * (low + (high - low) * draw)


def wants(endpoint: Stored, event: Logged, shop_id: ShopOf) -> bool:
    """Whether an endpoint asked for an event. `shop_id` is the event's: `none` for what belongs to no shop (an article
    changed), which every endpoint gets; `unknown` for what belongs to one that cannot be found, which only those get
    that want all shops."""
    if event.position <= endpoint.from_position or (endpoint.types and event.type not in endpoint.types):
        return False
    return not endpoint.shop_ids or shop_id == "none" or shop_id in endpoint.shop_ids


def check_url(url: str, *, private: bool) -> None:
    """What may stand in an endpoint's address; where its name leads is looked at again with every connection.

    Refusal: `AddressNotAllowed`.
    """

    def refused(rule: str) -> AddressNotAllowed:
        return AddressNotAllowed(url=url[:200], rule=rule)

    if len(url) > 2_000 or not url.isascii() or any(sign.isspace() or not sign.isprintable() for sign in url):
        raise refused("at most 2,000 visible ASCII characters")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise refused("an address such as https://example.com/webhooks") from None
    if parts.scheme not in (("https", "http") if private else ("https",)) or not host:
        raise refused("an address that begins with https://" + (" or http://" if private else ""))
    if parts.username is not None or parts.password is not None:
        raise refused("no user name or password: the signature says who we are")
    if parts.fragment:
        raise refused("no part after #: it is never sent")
    if port in _AWKWARD_PORTS:
        raise refused(f"a port on which HTTP is spoken, not {port}")
    if not private and (host == "localhost" or host.endswith((".localhost", ".local", ".internal"))):
        raise refused("a public address")
    if not private and is_literal(host) and not is_public(host):
        raise refused("a public address")


def is_literal(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an address is one of the public Internet: not private, local, reserved, shared, or one of these in IPv6's
    clothes (mapped, NAT64, 6to4, Teredo)."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return found.is_global and not found.is_multicast


def check_public(addresses: Iterable[str], url: str) -> None:
    """Every address that a name leads to must be public: a name with one private address would be tried there by and
    by. Refusal: `AddressNotAllowed`."""
    found: Sequence[str] = list(addresses)
    if not found or not all(is_public(address) for address in found):
        raise AddressNotAllowed(url=url[:200], rule="a name that leads to public addresses only")
