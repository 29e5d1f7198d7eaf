"""What a subscription may be, how a message is encrypted and signed, what an answer means. Pure.

The sources: RFC 8030 (delivery: TTL, Urgency, Topic, answers), RFC 8291 with RFC 8188 (encryption), RFC 8292 (VAPID).
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import http_ece  # pyright: ignore[reportMissingTypeStubs]
import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.jwk import ECKey
from msgspec import Struct

from lotse.kernel.push.contracts import News, Subscription, SubscriptionInvalid, Urgency
from lotse.kernel.webhooks import rules as addresses
from lotse.kernel.webhooks.contracts import AddressNotAllowed
from lotse.kernel.webhooks.rules import Answer

# Push services take 4,096 bytes of body (RFC 8291, section 4): header of 86, tag and delimiter of 17 leave this.
MOST_BYTES = 3_993
MOST_ENDPOINT = 1_000
# How long a push service keeps news for a phone that is off: who hears of it later looks at the order anyway.
KEPT = timedelta(days=3)
# Push services take tokens of up to a day (RFC 8292, section 2); half of it leaves room for clocks that differ.
TOKEN_HOLDS = timedelta(hours=12)

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1_800, 3_600, 2 * 3_600, 4 * 3_600))
# A tenth earlier to a fifth later, so that what failed together does not come back together.
JITTER = (0.9, 1.2)

# The order of the group P-256 (SEC 2, section 2.4.2).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Verdict(Struct, frozen=True):
    """What an answer means. `wait` is what the push service asked us to wait."""

    kind: Literal["sent", "gone", "refused", "later"]
    wait: timedelta | None = None


class Signer:
    """The installation's key pair, made of its secret: a browser ties its subscription to the public half."""

    def __init__(self, secret: bytes, subject: str) -> None:
        """`subject`: how a push service reaches who sends (`mailto:` or `https:`, RFC 8292, section 2.1)."""
        # 128 bits more than the group has, so that no key is likelier than another (FIPS 186-5, A.2.1).
        wide = HKDF(algorithm=hashes.SHA256(), length=48, salt=None, info=b"lotse vapid").derive(secret)
        private = ec.derive_private_key(int.from_bytes(wide) % (_ORDER - 1) + 1, ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._key = ECKey.import_key(pem)
        self._subject = subject
        self.public = _text(_point(private.public_key()))

    def authorization(self, endpoint: str, at: datetime) -> str:
        """The header that says who sends (RFC 8292, section 3): a token for the push service of this endpoint."""
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((at + TOKEN_HOLDS).timestamp()),
            "sub": self._subject,
        }
        token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, self._key)
        return f"vapid t={token}, k={self.public}"


def checked(subscription: Subscription, *, private: bool = False) -> tuple[bytes, bytes]:
    """The key and the secret of a subscription whose endpoint we may write to: over TLS, at a public host, so that
    nobody has us knock at doors of our own network. Where its name leads is looked at again with every connection.

    `private` is for tests. Refusal: `SubscriptionInvalid`.
    """
    if len(subscription.endpoint) > MOST_ENDPOINT:
        raise SubscriptionInvalid(field="endpoint", rule=f"at most {MOST_ENDPOINT:,} characters")
    try:
        addresses.check_url(subscription.endpoint, private=private)
    except AddressNotAllowed as refusal:
        raise SubscriptionInvalid(field="endpoint", rule=refusal.rule) from None
    # Push services are where the web is; another port would be somebody else's door.
    if not private and urlsplit(subscription.endpoint).port not in (None, 443):
        raise SubscriptionInvalid(field="endpoint", rule="port 443")
    key = _bytes("p256dh", subscription.keys.p256dh)
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    except ValueError:
        raise SubscriptionInvalid(field="p256dh", rule="a point of P-256, uncompressed, base64url") from None
    if len(key) != 65:
        raise SubscriptionInvalid(field="p256dh", rule="a point of P-256, uncompressed, base64url")
    auth = _bytes("auth", subscription.keys.auth)
    if len(auth) != 16:
        raise SubscriptionInvalid(field="auth", rule="16 bytes, base64url")
    return _point(point), auth


def mark_of(endpoint: str) -> bytes:
    """What an endpoint is told apart by."""
    return sha256(endpoint.encode()).digest()


def body(news: News, language: str, say: Callable[..., str]) -> bytes:
    """What the service worker reads; `say` is `_` of the language. `ValueError` if it is too long: news are a line or
    two."""
    told = {
        "title": say(news.title, **news.values),
        "body": say(news.body, **news.values),
        "address": news.path,
        "tag": news.tag,
        "language": language,
    }
    said = msgspec.json.encode(told)
    if len(said) > MOST_BYTES:
        raise ValueError(f"news of {len(said)} bytes; push services take {MOST_BYTES}")
    return said


def encrypted(said: bytes, public_key: bytes, auth: bytes) -> bytes:
    """A message that only the subscription's browser can read (RFC 8291), with a key pair of its own."""
    library: Any = http_ece  # it has no types
    once = ec.generate_private_key(ec.SECP256R1())
    made = library.encrypt(
        said,
        private_key=once,
        dh=public_key,
        auth_secret=auth,
        version="aes128gcm",
    )
    return bytes(made)


def headers(signer: Signer, endpoint: str, event_id: UUID, *, ttl: timedelta, urgency: Urgency, at: datetime) -> (
    dict[str, str]
):  # fmt: skip
    """The headers of a try. `Topic` has a second try of the same event replace the first, should that one have
    arrived without our hearing of it."""
    return {
        "authorization": signer.authorization(endpoint, at),
        "content-type": "application/octet-stream",
        "content-encoding": "aes128gcm",
        "ttl": str(max(int(ttl.total_seconds()), 0)),
        "urgency": urgency,
        "topic": _text(sha256(event_id.bytes).digest()[:24]),
        "user-agent": "Lotse-Push/1",
    }


def judged(answer: Answer, at: datetime) -> Verdict:
    """2xx: taken. 404, 410: nobody is there any more. 429, 5xx and no answer: later. Everything else is about us."""
    status = answer.status
    if status is None or status == 429 or status >= 500:
        return Verdict("later", addresses.wanted_wait(answer.headers.get("retry-after", ""), at))
    if 200 <= status < 300:
        return Verdict("sent")
    return Verdict("gone" if status in (404, 410) else "refused")


def pause(tries: int, draw: float, wished: timedelta | None = None) -> timedelta:
    """How long to wait after so many tries, at least what the push service wished. `draw` is a number from 0 to 1."""
    low, high = JITTER
    wait = PAUSES[min(max(tries, 1), len(PAUSES)) - 1] * (low + (high - low) * draw)
    return wait if wished is None else max(wait, wished)


def _bytes(field: str, text: str) -> bytes:
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SubscriptionInvalid(field=field, rule="base64url") from None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
