"""What people decide about search: words that mean the same, and who stands where in a list."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.queries import product
from lotse.domains.parties.contracts import Shop
from lotse.domains.search.contracts import (
    Asked,
    Document,
    PlaceTaken,
    PutRule,
    Rule,
    RuleIncomplete,
    RulesChanged,
    Synonyms,
    TooFewWords,
    UnknownRule,
    engines,
)
from lotse.domains.search.queries import ENGINE, FOLDER, all_documents, index_of
from lotse.kernel import audit
from lotse.kernel.consumers import SQL as EVENTS
from lotse.kernel.consumers import Place
from lotse.kernel.db import Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.postgres.locks import FileLock
from lotse.kernel.refusals import Invalid
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

READS = statements("lotse.domains.search", "reads")
WRITES = statements("lotse.domains.search", "writes")

# Whoever asks for a scarf in spring asks again in autumn.
KEPT = timedelta(days=180)
MAX_WORDS = 20
_LONGEST = 60


async def rebuild(database: Database, settings: Settings, shop: Shop, *, at: datetime) -> int:
    """Build a shop's index anew beside the one that answers; how many articles it has."""
    await _begin_synonyms(database, shop, at)
    async with database.reading() as conn:
        head = await conn.one(EVENTS.head, Place)
    index = index_of(settings, shop)

    async def everything() -> AsyncIterator[Sequence[Document]]:
        async for batch in all_documents(database, shop=shop, at=at):
            yield batch

    folder = settings.home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f".{shop.code}.building")
    await asyncio.to_thread(lock.exclusive)
    try:
        return await index.rebuild(everything(), f"{head.position}:{head.id}")
    finally:
        lock.close()


async def put_synonyms(
    tx: Transaction,
    *,
    shop_id: UUID,
    language: str,
    words: Sequence[str],
    one_way: bool = False,
    id: UUID | None = None,
    by: str,
    at: datetime,
) -> UUID:
    """Make a group, or overwrite the one of this id. Refusals in this order: `UnknownRule`, `TooFewWords`,
    `Invalid`."""
    old = await _synonyms(tx, id, shop_id) if id else None
    said = list(dict.fromkeys(word.strip() for word in words if word.strip()))
    if len(said) < 2:
        raise TooFewWords(words=", ".join(said))
    if len(said) > MAX_WORDS or any(len(word) > _LONGEST or "\0" in word for word in said):
        raise Invalid(field="words", rule=f"at most {MAX_WORDS} words of {_LONGEST} letters")
    new = Synonyms(id or uuid7(), shop_id, language, said, one_way, at)
    await tx.execute(
        WRITES.put_synonyms, id=new.id, shop_id=shop_id, language=language, words=said, one_way=one_way, at=at
    )
    await audit.record(tx, actor=by, subject=f"search.synonyms:{new.id}", old=old, new=new, at=at)
    await emit(tx, RulesChanged(shop_id), at=at)
    return new.id


async def delete_synonyms(tx: Transaction, *, id: UUID, shop_id: UUID, by: str, at: datetime) -> None:
    """Refusal: `UnknownRule`."""
    old = await _synonyms(tx, id, shop_id)
    await tx.execute(WRITES.delete_synonyms, id=id)
    await audit.record(tx, actor=by, subject=f"search.synonyms:{id}", old=old, new=None, at=at)
    await emit(tx, RulesChanged(shop_id), at=at)


async def begin_synonyms(
    tx: Transaction, *, shop_id: UUID, language: str, groups: Sequence[Sequence[str]], by: str, at: datetime
) -> int:
    """Fill the table of a shop with words to begin with, once for ever; how many groups."""
    if not await tx.execute(WRITES.begin, shop_id=shop_id, language=language):
        return 0
    rows = [Synonyms(uuid7(), shop_id, language, list(group), False, at) for group in groups]
    for row in rows:
        await tx.execute(
            WRITES.put_synonyms,
            id=row.id,
            shop_id=shop_id,
            language=language,
            words=row.words,
            one_way=row.one_way,
            at=at,
        )
    await audit.record_all(tx, actor=by, changes=[(f"search.synonyms:{row.id}", None, row) for row in rows], at=at)
    await emit(tx, RulesChanged(shop_id), at=at)
    return len(rows)


async def put_rule(tx: Transaction, rule: PutRule, *, comparable: str, by: str, at: datetime) -> UUID:
    """Make a rule, or overwrite the one of this id; `comparable` are its words as the engine compares them.

    Refusals in this order: `UnknownRule`, `RuleIncomplete`, `Invalid`, `PlaceTaken`.
    """
    old = await _rule(tx, rule.id, rule.shop_id) if rule.id else None
    if bool(comparable) == bool(rule.category):
        raise RuleIncomplete(missing="the words of a query, or else a category")
    if (rule.act == "pin") != (rule.place is not None) or (rule.act == "pin" and rule.target != "product"):
        raise RuleIncomplete(missing="an article and its place, for a pin; no place for others")
    if not rule.reason.strip():
        raise RuleIncomplete(missing="a reason")
    if rule.target == "product":
        try:
            known = await product(tx, product_id=UUID(rule.value), language="en", everything=True)
        except ValueError:
            known = None
        if known is None:
            raise RuleIncomplete(missing="an article that exists")
    if rule.valid_from and rule.valid_to and rule.valid_to <= rule.valid_from:
        raise Invalid(field="valid_to", rule="after the beginning")
    id = rule.id or uuid7()
    if rule.place is not None:
        taken = await tx.maybe(
            READS.pinned_there,
            _Id,
            shop_id=rule.shop_id,
            words=comparable,
            category=rule.category,
            place=rule.place,
            id=id,
            valid_from=rule.valid_from,
            valid_to=rule.valid_to,
        )
        if taken is not None:
            raise PlaceTaken(place=rule.place)
    new = Rule(
        id=id,
        shop_id=rule.shop_id,
        words=rule.words,
        category=rule.category,
        act=rule.act,
        target=rule.target,
        name=rule.name,
        value=rule.value,
        place=rule.place,
        reason=rule.reason.strip(),
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
    )
    await tx.execute(
        WRITES.put_rule,
        id=id,
        shop_id=new.shop_id,
        words=comparable,
        said=new.words.strip(),
        category=new.category,
        act=new.act,
        target=new.target,
        name=new.name,
        value=new.value,
        place=new.place,
        reason=new.reason,
        valid_from=new.valid_from,
        valid_to=new.valid_to,
        at=at,
        by=by,
    )
    await audit.record(tx, actor=by, subject=f"search.rule:{id}", old=old, new=new, at=at)
    await emit(tx, RulesChanged(rule.shop_id), at=at)
    return id


async def delete_rule(tx: Transaction, *, id: UUID, shop_id: UUID, by: str, at: datetime) -> None:
    """Refusal: `UnknownRule`."""
    old = await _rule(tx, id, shop_id)
    await tx.execute(WRITES.delete_rule, id=id)
    await audit.record(tx, actor=by, subject=f"search.rule:{id}", old=old, new=None, at=at)
    await emit(tx, RulesChanged(shop_id), at=at)


async def count_asked(tx: Transaction, asked: Sequence[Asked], *, at: datetime) -> None:
    """Add up what was searched for. The same words twice in one call would be counted once: join them before."""
    if asked:
        await tx.execute(
            WRITES.count_asked,
            shop_ids=[one.shop_id for one in asked],
            languages=[one.language for one in asked],
            words=[one.words for one in asked],
            counts=[one.asked for one in asked],
            founds=[one.found for one in asked],
            at=at,
        )


async def forget_asked(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Forget what nobody asked for since; how many."""
    return await tx.execute(WRITES.forget_asked, before=before, limit=limit)


async def _synonyms(tx: Transaction, id: UUID, shop_id: UUID) -> Synonyms:
    found = await tx.maybe(READS.synonyms_for_change, Synonyms, id=id)
    if found is None or found.shop_id != shop_id:
        raise UnknownRule(id=id)
    return found


async def _rule(tx: Transaction, id: UUID, shop_id: UUID) -> Rule:
    found = await tx.maybe(READS.rule_for_change, Rule, id=id)
    if found is None or found.shop_id != shop_id:
        raise UnknownRule(id=id)
    return found


class _Id(Struct, frozen=True):
    id: UUID


async def _begin_synonyms(database: Database, shop: Shop, at: datetime) -> None:
    async with database.transaction() as tx:
        for language in shop.languages:
            groups = engines[ENGINE].beginnings(language)
            if groups:
                await begin_synonyms(tx, shop_id=shop.id, language=language, groups=groups, by="system", at=at)
