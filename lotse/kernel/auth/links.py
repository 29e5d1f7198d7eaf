"""Signed links: whoever holds the link may see the one thing that it names, e.g. a guest the order just placed.

A token is the thing's id and an HMAC over purpose and id, base64url. It does not expire by itself: an order page must
open from the mail of two years ago. Who changes the installation's secret ends every link.
"""

import base64
import binascii
import hmac
import secrets
from uuid import UUID

from lotse.kernel import clock
from lotse.kernel.db import Database
from lotse.kernel.refusals import Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "auth")

# 128 bits of the HMAC: nobody guesses that, and the link stays short enough for a text message.
_MAC_BYTES = 16


class LinkInvalid(Refusal, status=404, title="This link does not lead anywhere"):
    """It was cut off on its way, or it was made for something else."""

    purpose: str


class Links:
    """Makes and reads the tokens of signed links with the installation's secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, purpose: str, id: UUID) -> str:
        """The token for one thing: `links.sign("order", order.id)`."""
        return base64.urlsafe_b64encode(id.bytes + self._mac(purpose, id)).rstrip(b"=").decode("ascii")

    def read(self, purpose: str, token: str) -> UUID:
        """The id in a token. Refusal: `LinkInvalid`."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise LinkInvalid(purpose=purpose) from None
        if len(raw) != 16 + _MAC_BYTES:
            raise LinkInvalid(purpose=purpose)
        id = UUID(bytes=raw[:16])
        # The text and not only its bytes: base64 has several spellings, and one thing shall have one address.
        if not hmac.compare_digest(token.encode(), self.sign(purpose, id).encode()):
            raise LinkInvalid(purpose=purpose)
        return id

    def _mac(self, purpose: str, id: UUID) -> bytes:
        return hmac.digest(self._secret, purpose.encode() + b"\0" + id.bytes, "sha256")[:_MAC_BYTES]


async def secret_of(database: Database, name: str = "links") -> bytes:
    """A secret of the installation, the same on every host; made when it is first asked for."""
    async with database.transaction() as tx:
        await tx.execute(SQL.make_secret, name=name, secret=secrets.token_bytes(32), at=clock.now())
        return await tx.value(SQL.secret, name=name)
