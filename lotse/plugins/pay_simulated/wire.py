"""What both sides say to each other: a charge as JSON, and the signature of a message."""

import hmac
from datetime import datetime

from msgspec import Struct

from lotse.domains.payments.contracts import Outcome

SIGNATURE_HEADER = "simulated-signature"
# Clocks differ by seconds; a message that is recorded and sent again later must not be believed.
TOLERANCE_SECONDS = 300


class View(Struct, frozen=True):
    """A charge as the provider shows it."""

    id: str
    reference: str
    status: Outcome
    amount_minor: int
    currency: str
    authorised_minor: int
    captured_minor: int
    voided_minor: int
    refunded_minor: int
    redirect_url: str = ""
    reason: str = ""


class Opening(Struct, frozen=True, kw_only=True):
    """A charge as it is asked for."""

    reference: str
    amount_minor: int
    currency: str
    capture: bool
    description: str
    language: str
    return_url: str
    webhook_url: str
    expires_at: datetime


class Event(Struct, frozen=True):
    """A webhook's body."""

    id: str
    charge: View


def signature(secret: str, body: bytes, at: datetime) -> str:
    """`t=<seconds>,v1=<HMAC-SHA256 of t, a dot and the body>`."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_mac(secret, seconds, body)}"


def forged(secret: str, body: bytes, header: str, at: datetime) -> str | None:
    """What is wrong with a signature; None if nothing is."""
    parts: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.partition("=")
        parts[name.strip()] = value.strip()
    seconds, mac = parts.get("t", ""), parts.get("v1", "")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 13) or not mac:
        return "signed as t=…,v1=…"
    if not hmac.compare_digest(_mac(secret, int(seconds), body).encode(), mac.encode()):
        return "signed with the common secret"
    if abs(at.timestamp() - int(seconds)) > TOLERANCE_SECONDS:
        return f"signed within {TOLERANCE_SECONDS} seconds"
    return None


def _mac(secret: str, seconds: int, body: bytes) -> str:
    return hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
