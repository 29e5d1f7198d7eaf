"""Export and erasure of what is kept about a person: the seam that each domain fills.

A domain that keeps something about a party has two functions, found by their names; neither without the other:

    queries.py    async def export_party(conn: Connection, *, party_id: UUID) -> <Struct> | None
    commands.py   async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased

Names and addresses sit in rows of their own, whose columns carry a comment `retention: <class>`; orders, events,
movements, entries and decisions carry ids only and stay as they are. What the law makes a retailer keep (an invoice's
recipient for its years) is not erased but named as `Kept`, with the reason that the answer to the person needs
(GDPR, articles 15, 17 and 20). A plugin that has sent something to an outside system fills `holders` instead; its
erasure enqueues the job that tells that system.

A visitor who agreed to be known by a number, and takes that back, is forgotten by every domain that keeps the number:

    commands.py   async def forget_visitors(tx: Transaction, *, visitors: Sequence[UUID], at: datetime) -> int
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from lotse.kernel import audit, seams
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.seams import Seam
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "privacy")


class Kept(Struct, frozen=True):
    """Something that may not be erased yet: what, why (name the law), and until when if that is known."""

    what: str
    reason: str
    until: datetime | None = None


class Erased(Struct, frozen=True):
    """What one domain erased (rows deleted or blanked) and what it had to keep.

    `subjects` are the things in the audit trail ("parties.party:<id>") whose old and new values name the person.
    """

    rows: int
    kept: tuple[Kept, ...] = ()
    subjects: tuple[str, ...] = ()


class Holder(Struct, frozen=True):
    """Somebody who keeps something about parties."""

    name: str
    export: Callable[..., Awaitable[Any]]
    erase: Callable[..., Awaitable[Erased]]


# Outside systems that were told about a person. Filled by plugins.
holders: Seam[Holder] = Seam("personal data", since="0.1.0")


class RetainedColumn(Struct, frozen=True):
    """A column that holds something about a person, and its retention class."""

    schema: str
    table: str
    column: str
    retention: str = msgspec.field(name="class")


def known() -> list[Holder]:
    """Every holder: plugins first, then domains from the top of the stack down, as erasing goes.

    `TypeError` if a domain can export and not erase, or the other way round.
    """
    found = [holders[name] for name in holders]
    for domain in reversed(seams.domains()):
        export = getattr(domain.module("queries"), "export_party", None)
        erase = getattr(domain.module("commands"), "erase_party", None)
        if (export is None) != (erase is None):
            raise TypeError(f"{domain.name} needs both queries.export_party and commands.erase_party, or neither")
        if export is not None and erase is not None:
            found.append(Holder(domain.name, export, erase))
    return found


async def export(conn: Connection, *, party_id: UUID) -> dict[str, Any]:
    """Everything that is kept about a party, by holder, as plain values for JSON. Best read in a snapshot."""
    answers = {holder.name: await holder.export(conn, party_id=party_id) for holder in known()}
    return {name: msgspec.to_builtins(answer) for name, answer in answers.items() if answer is not None}


async def erase(tx: Transaction, *, party_id: UUID, actor: str, at: datetime) -> dict[str, Erased]:
    """Erase what is kept about a party, all or nothing; what each holder erased and kept. Can be repeated.

    The audit trail keeps that things changed, when and by whom, but no longer what they said; and it names the erasure.
    """
    done = {holder.name: await holder.erase(tx, party_id=party_id, at=at) for holder in known()}
    subjects = [subject for erased in done.values() for subject in erased.subjects]
    blanked: int = await tx.value(SQL.blank_changes, subjects=subjects)
    done["kernel"] = Erased(blanked)
    await audit.record(
        tx, actor=actor, subject=f"privacy.erasure:{party_id}", old=None, new=msgspec.to_builtins(done), at=at
    )
    return done


async def forget_visitors(tx: Transaction, *, visitors: Sequence[UUID], at: datetime) -> int:
    """Forget what is kept under the numbers of these visitors; how many rows."""
    forgotten = 0
    for domain in reversed(seams.domains()):
        forget = getattr(domain.module("commands"), "forget_visitors", None)
        if forget is not None:
            forgotten += await forget(tx, visitors=visitors, at=at)
    return forgotten


async def retained_columns(conn: Connection) -> list[RetainedColumn]:
    """Every column whose comment names a retention class."""
    return await conn.many(SQL.retained_columns, RetainedColumn)
