"""One answer per key: same key and same body get the same answer again, same key and another body are refused.

A key belongs to a principal and is forgotten after a week. *Natural* keys (a till's sale, a marketplace's order, a
line of an import) stay for ever, and a refusal does not use them up: the sale must get in once its reason is mended.
The row is written in the transaction that makes the answer true, so neither can exist without the other.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.refusals import Refusal, Wire, from_wire, to_wire
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "idempotency")

# Longer than any client retries (a phone offline over a weekend, a partner's job that is repeated next Monday).
KEPT = timedelta(days=7)
# What a UUID, a till's serial number with counter, or a marketplace's order number needs; an index entry stays small.
MAX_KEY_LENGTH = 200

A = TypeVar("A")


class KeyReused(Refusal, status=409, title="This key was used for something else"):
    """The same principal sent the same key with another body before."""

    key: str


class Key(msgspec.Struct, frozen=True):
    """Whose key, which, for which body (SHA-256), and whether it is a natural key that never expires."""

    principal: str
    key: str
    body_hash: bytes
    natural: bool = False

    def expires_at(self, at: datetime) -> datetime | None:
        return None if self.natural else at + KEPT


class _Taken(msgspec.Struct, frozen=True):
    principal: str
    key: str
    body_hash: bytes
    answer: bytes | None


def key_for(principal: str, key: str, body: Any, *, natural: bool = False) -> Key:
    """A key for a body: bytes as they came, or anything msgspec can encode (Structs, dicts)."""
    raw = body if isinstance(body, bytes) else msgspec.msgpack.encode(body)
    return Key(principal, key, sha256(raw).digest(), natural)


async def take(tx: Transaction, keys: Sequence[Key], *, at: datetime) -> dict[Key, bytes | KeyReused]:
    """Take keys for this transaction; what was answered (or that it is refused) to those taken before.

    Waits for other transactions that hold one of the keys. Keys that are not in the result are ours; of several with
    the same name the first is taken, with its body.
    """
    if not keys:
        return {}
    wanted: dict[tuple[str, str], Key] = {}
    for key in keys:
        wanted.setdefault((key.principal, key.key), key)
    ordered = [wanted[name] for name in sorted(wanted)]
    columns: dict[str, Any] = {
        "principals": [key.principal for key in ordered],
        "keys": [key.key for key in ordered],
    }
    fresh = await tx.raw.fetch(
        SQL.take_keys.sql,
        *SQL.take_keys.bind(
            {
                **columns,
                "body_hashes": [key.body_hash for key in ordered],
                "expires_at": [key.expires_at(at) for key in ordered],
                "at": at,
            }
        ),
    )
    if len(fresh) == len(ordered):
        return {}
    ours = {(record["principal"], record["key"]) for record in fresh}
    taken = {(row.principal, row.key): row for row in await tx.many(SQL.read_answers, _Taken, **columns)}
    known: dict[Key, bytes | KeyReused] = {}
    for key in keys:
        name = (key.principal, key.key)
        if name in ours:
            continue
        row = taken[name]
        if row.body_hash != key.body_hash:
            known[key] = KeyReused(key=key.key)
        elif row.answer is not None:
            known[key] = row.answer
        else:
            raise RuntimeError(f"key {key.key} was committed without an answer")
    return known


async def recall(conn: Connection, key: Key, answer: type[A]) -> A | None:
    """What was answered to this key before, or None if it is new or still under way. Raises a refusal that was given.

    For commands whose checks would read what the first request has changed. Refusal: `KeyReused`.
    """
    row = await conn.maybe(SQL.read_answers, _Taken, principals=[key.principal], keys=[key.key])
    if row is None or row.answer is None:
        return None
    if row.body_hash != key.body_hash:
        raise KeyReused(key=key.key)
    return decode(row.answer, answer)


def encode_answer(answer: Any) -> bytes:
    """An answer as it is kept: msgpack of `[true, answer]`."""
    return msgspec.msgpack.encode((True, answer))


def encode_refusal(refusal: Refusal) -> bytes:
    """A refusal as it is kept: msgpack of `[false, [code, facts]]`."""
    return msgspec.msgpack.encode((False, to_wire(refusal)))


def decode(kept: bytes, answer: type[A]) -> A:
    """The answer again; raises the refusal if it was one."""
    accepted, body = msgspec.msgpack.decode(kept, type=tuple[bool, msgspec.Raw])
    if accepted:
        return msgspec.msgpack.decode(body, type=answer)
    raise from_wire(msgspec.msgpack.decode(body, type=Wire))


async def once(
    database: Database, key: Key, answer_type: type[A], run: Callable[[Transaction], Awaitable[A]], *, at: datetime
) -> A:
    """Run a command that does not go through the desk, in one transaction, at most once for its key.

    A refusal undoes what `run` wrote and is remembered like any answer, unless the key is natural.
    Refusal: `KeyReused`.
    """
    async with database.transaction() as tx:
        known = (await take(tx, [key], at=at)).get(key)
        if isinstance(known, KeyReused):
            raise known
        if known is None:
            known = await _run_and_keep(tx, key, run)
    return decode(known, answer_type)


async def _run_and_keep(tx: Transaction, key: Key, run: Callable[[Transaction], Awaitable[Any]]) -> bytes:
    try:
        async with tx.raw.transaction():  # a savepoint: the key outlives a refusal
            kept = encode_answer(await run(tx))
    except Refusal as refusal:
        if key.natural:
            raise
        kept = encode_refusal(refusal)
    await tx.execute(SQL.answer, principal=key.principal, key=key.key, answer=kept)
    return kept
