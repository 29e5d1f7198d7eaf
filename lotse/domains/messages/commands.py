"""Erase what mails say about a person; the queue itself is the kernel's."""

from datetime import datetime
from uuid import UUID

from lotse.kernel.db import Transaction
from lotse.kernel.mail import post
from lotse.kernel.privacy import Erased


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Erase addresses and copies of mails to a person; what waited is not sent any more."""
    return Erased(await post.erase_party(tx, party_id=party_id))
