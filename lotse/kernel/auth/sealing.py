"""Sealing: small secrets that the database must give back (a second factor's, a sign-out's hint), encrypted at rest.

AES-256-GCM under a key derived (HKDF-SHA256, RFC 5869) from the installation's secret and, if the operator sets one,
from `LOTSE_SEALING_SECRET`, which does not stand in the database: then a stolen backup opens nothing. What was sealed
before that secret was set can still be opened. Purpose and owner are bound in: a seal moved to another row is broken.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lotse.kernel.auth.links import secret_of
from lotse.kernel.db import Database
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings

_NONCE = 12
# The first byte says with which key; a third one can be added without touching what is sealed.
_PLAIN, _PEPPERED = b"\1", b"\2"


class SealBroken(Refusal, status=500, title="A stored secret cannot be opened"):
    """`LOTSE_SEALING_SECRET` is not the one that it was sealed with, or the row was changed by hand."""

    purpose: str


class Sealer:
    """Seals and opens with the installation's keys. `pepper` is the operator's own secret, if any."""

    def __init__(self, secret: bytes, pepper: str | None = None) -> None:
        self._secret = secret
        self._pepper = pepper.encode() if pepper else None

    def seal(self, purpose: str, owner: str, plain: bytes) -> bytes:
        """The bytes to store for `owner` (an id as text)."""
        kind = _PEPPERED if self._pepper else _PLAIN
        nonce = secrets.token_bytes(_NONCE)
        return kind + nonce + AESGCM(self._key(kind, purpose)).encrypt(nonce, plain, _bound(purpose, owner))

    def open(self, purpose: str, owner: str, sealed: bytes) -> bytes:
        """What was sealed. Refusal: `SealBroken`."""
        kind, nonce, text = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        if kind not in (_PLAIN, _PEPPERED) or (kind == _PEPPERED and self._pepper is None) or len(text) < 16:
            raise SealBroken(purpose=purpose)
        try:
            return AESGCM(self._key(kind, purpose)).decrypt(nonce, text, _bound(purpose, owner))
        except InvalidTag:
            raise SealBroken(purpose=purpose) from None

    def mark(self, purpose: str, owner: str, text: str) -> bytes:
        """A keyed hash, for what is only ever compared. Not peppered: it must outlive a change of the pepper."""
        return hmac.digest(self._key(_PLAIN, purpose), _bound(purpose, owner) + b"\0" + text.encode(), "sha256")

    def _key(self, kind: bytes, purpose: str) -> bytes:
        material = self._secret + (self._pepper or b"" if kind == _PEPPERED else b"")
        return HKDF(SHA256(), 32, salt=None, info=b"lotse sealing " + kind + purpose.encode()).derive(material)


async def sealer_of(database: Database, settings: Settings) -> Sealer:
    """The installation's sealer: one look-up, on pages that are asked for a few times a day."""
    return Sealer(await secret_of(database, "sealing"), settings.sealing_secret)


def _bound(purpose: str, owner: str) -> bytes:
    return purpose.encode() + b"\0" + owner.encode()
