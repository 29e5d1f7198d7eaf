"""Bring the folder in: batch by batch, each in one transaction under a key that never expires.

A run that was killed goes on where it stopped, a second run finds every key answered and changes nothing: what somebody
changed since stays changed. A batch whose rows say something else now is put again; prices and stock that are there are
left alone then. What the database refuses (a GTIN that another article has) is halved until it stands alone.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from lotse.domains.catalog.commands import put_categories, put_products
from lotse.domains.catalog.contracts import CategoryText, PutCategory, PutProduct
from lotse.domains.catalog.queries import category_tree, variant_ids_by_sku, variants_by_ids
from lotse.domains.inventory.commands import ensure_stock, move_goods
from lotse.domains.inventory.contracts import MoveRequest, StockChange, StockKey
from lotse.domains.inventory.queries import stock_of_variants
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.pools.queries import moved
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.domains.pricing.queries import prices_at
from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal
from lotse.plugins.demo_large import derive, words
from lotse.plugins.demo_large.article import Article, Place, Rejected, RowProblem, Source, Unreadable
from lotse.plugins.demo_large.electronics import Electronics
from lotse.plugins.demo_large.fashion import Fashion
from lotse.plugins.demo_large.food import Food
from lotse.plugins.demo_large.house import ACTOR, CURRENCY, LANGUAGES, House, opened
from lotse.plugins.demo_large.sorting import Draft, Sorter, single

SOURCES: Final[tuple[Source, ...]] = (Food(), Fashion(), Electronics())
# Articles per transaction: enough to spread what a statement costs, few enough that a killed run loses a second.
BATCH: Final = 500
# One reads and decides while the other one's statements run.
_AT_ONCE: Final = 2
_TOLD_EVERY: Final = 2_000
# Rows read between two looks at what else is to be done.
_PAUSE_EVERY: Final = 500


class NothingToBring(Exception):
    """The folder holds none of the sources."""


class Report(Struct, frozen=True, kw_only=True):
    """What became of a folder. `articles` are rows that are in the shop now, `new` those that were not before;
    `rejected` rows are listed with their reasons in the file `rejects`, as are single `fields` that were left out."""

    shop: str
    articles: int
    products: int
    new: int
    rejected: int
    fields: int
    unreadable: int
    seconds: float
    articles_per_second: int
    rejects: str

    @property
    def failed(self) -> bool:
        """Whether a whole file could not be read."""
        return self.unreadable > 0


async def bring(
    database: Database, desk: Desk, folder: Path, *, home: Path, at: datetime, progress: Callable[..., None]
) -> Report:
    """Bring every source of the folder that is there into one shop. Raises `NothingToBring`, `WrongShop`."""
    began = time.monotonic()
    files = [(source, path) for source in SOURCES for path in _files(folder, source)]
    if not files:
        listed = ", ".join(f"{source.folder}/{source.pattern}" for source in SOURCES)
        raise NothingToBring(f"{folder} holds none of {listed}")
    house = await opened(database, at=at)
    rejects = Rejects(home / "import" / "demo-large-rejects.jsonl")
    bringer = _Bringer(database, desk, house, rejects, at, progress)
    with rejects:
        for source in SOURCES:
            paths = [path for of, path in files if of is source]
            with Spool() as spool:
                sorter = Sorter()
                for path in paths:
                    progress(f"{source.name}: reading {path.name}")
                    for number, article in enumerate(Reader(source, path, folder, rejects).articles()):
                        sorter.count(article)
                        spool.add(article)
                        if number % _PAUSE_EVERY == 0:
                            await asyncio.sleep(0)  # the desk and its locks live on this loop, too
                sorter.counted()
                await bringer.bring(source, sorter.drafts(spool.articles()), of=spool.count)
    seconds = time.monotonic() - began
    report = Report(
        shop=house.shop_name,
        articles=bringer.articles,
        products=bringer.products,
        new=bringer.new,
        rejected=rejects.rows,
        fields=rejects.fields,
        unreadable=rejects.files,
        seconds=round(seconds, 1),
        articles_per_second=round(bringer.articles / max(seconds, 0.001)),
        rejects=str(rejects.path) if rejects.rows or rejects.fields or rejects.files else "",
    )
    progress(f"{report.articles:,} articles in {report.products:,} products of {house.shop_name}")
    return report


def _files(folder: Path, source: Source) -> list[Path]:
    """The files of a source, in its folder or, where somebody gave that one, in the folder itself."""
    below = folder / source.folder
    inside = below if below.is_dir() else folder if folder.name == source.folder else None
    return sorted(path for path in inside.glob(source.pattern) if path.is_file()) if inside else []


class Rejects:
    """The file of what was not taken, a JSON object per line; written anew by every run, whole when it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = self.fields = self.files = 0
        self._part = path.with_suffix(".part")

    def __enter__(self) -> "Rejects":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("wb")
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        self._file.close()
        # An interrupted run leaves its part, the list of the last whole run stays.
        if kind is None:
            self._part.replace(self.path)

    def add(self, rejected: Rejected) -> None:
        if rejected.taken:
            self.fields += 1
        elif rejected.row:
            self.rows += 1
        else:
            self.files += 1
        self._file.write(msgspec.json.encode(rejected) + b"\n")


class Spool:
    """Articles that were read, until it is known which of them belong together: on disk, so that memory is bounded."""

    def __enter__(self) -> "Spool":
        self._file = tempfile.TemporaryFile(prefix="lotse-")
        self.count = 0
        self._encoder = msgspec.msgpack.Encoder()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, article: Article) -> None:
        body = self._encoder.encode(article)
        self._file.write(len(body).to_bytes(4, "big") + body)
        self.count += 1

    def articles(self) -> Iterator[Article]:
        decoder = msgspec.msgpack.Decoder(Article)
        self._file.seek(0)
        while size := self._file.read(4):
            yield decoder.decode(self._file.read(int.from_bytes(size, "big")))


class Reader:
    """The articles of a file; what cannot be taken goes to the rejects."""

    def __init__(self, source: Source, path: Path, folder: Path, rejects: Rejects) -> None:
        self._source = source
        self._path = path
        self._name = str(path.relative_to(folder))
        self._rejects = rejects

    def articles(self) -> Iterator[Article]:
        seen: dict[str, int] = {}
        try:
            for row, columns in self._source.rows(self._path):
                try:
                    if isinstance(columns, RowProblem):
                        raise columns
                    left_out: list[tuple[str, str]] = []
                    article = self._source.article(row, columns, left_out)
                    # With and without leading zeros it is the same GTIN.
                    first = seen.setdefault(article.gtin.zfill(14) if article.gtin else article.sku, row)
                    if first != row:
                        raise RowProblem("gtin" if article.gtin else "id", f"once; row {first} has it too", article.key)
                except RowProblem as problem:
                    self._reject(Rejected(self._name, row, problem.key, problem.field, problem.rule))
                    continue
                for field, rule in left_out:
                    self._reject(Rejected(self._name, row, article.key, field, rule, taken=True))
                yield article
        except Unreadable as problem:
            self._reject(Rejected(self._name, 0, "", "file", str(problem)))

    def _reject(self, rejected: Rejected) -> None:
        self._rejects.add(rejected)


class _Refused(Struct, frozen=True):
    """A product that the database refused."""

    sku: str
    field: str
    reason: str


class _Answer(Struct, frozen=True):
    """What a batch came to; kept under its key, so that goods are received once whenever the run goes on."""

    new: int
    received: list[tuple[int, int]]
    refused: list[_Refused]


class _Bringer:
    """Puts products, some batches at a time."""

    def __init__(
        self,
        database: Database,
        desk: Desk,
        house: House,
        rejects: Rejects,
        at: datetime,
        progress: Callable[..., None],
    ) -> None:
        self._database, self._desk, self._house, self._rejects = database, desk, house, rejects
        self._at, self._progress = at, progress
        self._categories: set[str] = set()
        self.articles = self.products = self.new = 0
        self._source, self._of, self._looked, self._told, self._new_before = "", 0, 0, 0, 0
        self._began = time.monotonic()

    async def bring(self, source: Source, drafts: Iterator[Draft], *, of: int) -> None:
        """Put all products of a source, which has so many articles."""
        self._source, self._of, self._looked, self._told, self._new_before = source.name, of, 0, 0, self.new
        self._began = time.monotonic()
        if not self._categories:
            async with self._database.reading() as conn:
                self._categories = {one.slug for one in await category_tree(conn, language=LANGUAGES[0])}
        running: set[asyncio.Task[None]] = set()
        try:
            for batch in batches(drafts):
                await self._missing_categories(batch)
                running.add(asyncio.create_task(self._batch(batch)))
                if len(running) >= _AT_ONCE:
                    done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            for task in list(running):
                await task
        finally:
            for task in running:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _missing_categories(self, batch: Sequence[Draft]) -> None:
        wanted: dict[str, PutCategory] = {}
        for draft in batch:
            parent: str | None = None
            for place in draft.articles[0].path:
                if place.slug not in self._categories and place.slug not in wanted:
                    wanted[place.slug] = _category(place, parent)
                parent = place.slug
        if wanted:
            async with self._database.transaction() as tx:
                await put_categories(tx, list(wanted.values()), by=ACTOR, at=self._at)
            self._categories |= set(wanted)

    async def _batch(self, batch: Sequence[Draft]) -> None:
        name = _name(batch)
        key = key_for(ACTOR, f"demo-large:{name}", name, natural=True)

        made = 0

        async def run(tx: Transaction) -> _Answer:
            nonlocal made
            answer = await self._halved(tx, batch)
            made = answer.new
            return answer

        answer = await once(self._database, key, _Answer, run, at=self._at)
        if received := await self._still_due(answer):
            request = MoveRequest(
                document_id=uuid7(),
                kind="receipt",
                changes=received,
                reference=f"demo-large {name[:12]}",
                note="derived",
                actor=ACTOR,
                occurred_at=self._at,
            )
            stock = key_for(ACTOR, f"demo-large:stock:{name}", name, natural=True)
            await move_goods(self._desk, request=request, key=stock)
        refused = {one.sku: one for one in answer.refused}
        for draft in batch:
            self._looked += len(draft.articles)
            for article in draft.articles:
                if article.sku in refused:
                    one = refused[article.sku]
                    self._rejects.add(Rejected(article.source, article.row, article.key, one.field, one.reason))
                else:
                    self.articles += 1
        self.products += sum(1 for draft in batch if draft.articles[0].sku not in refused)
        self.new += made
        self._tell()

    async def _still_due(self, answer: _Answer) -> tuple[StockChange, ...]:
        """What of a batch's goods has not come yet: other rows of the same articles may have brought it."""
        if not answer.received:
            return ()
        async with self._database.reading() as conn:
            had = await moved(conn, pool_ids=[pool_id for pool_id, _ in answer.received])
        return tuple(StockChange(pool_id, pieces) for pool_id, pieces in answer.received if pool_id not in had)

    def _tell(self) -> None:
        if self._looked - self._told < _TOLD_EVERY and self._looked < self._of:
            return
        self._told = self._looked
        new = self.new - self._new_before
        rate = new / max(time.monotonic() - self._began, 0.001)
        before = self._looked - new
        self._progress(
            f"{self._source}: {self._looked:,} of {self._of:,} articles, {rate:,.0f} new ones a second"
            + (f" ({before:,} were there or rejected)" if before else "")
        )

    async def _halved(self, tx: Transaction, batch: Sequence[Draft]) -> _Answer:
        """Put products together; if one is refused, halve them until it stands alone."""
        try:
            async with tx.raw.transaction():
                return await self._put(tx, batch)
        except Refusal as refusal:
            if len(batch) == 1:
                draft = batch[0]
                if len(draft.articles) > 1:
                    return await self._halved(tx, [single(article) for article in draft.articles])
                facts = refusal.facts()
                field = str(facts.get("field") or next(iter(facts), ""))
                reason = str(facts.get("rule") or refusal)
                return _Answer(0, [], [_Refused(next(iter(draft.articles)).sku, field[:200], reason[:500])])
        middle = len(batch) // 2
        one, other = await self._halved(tx, batch[:middle]), await self._halved(tx, batch[middle:])
        return _Answer(one.new + other.new, one.received + other.received, one.refused + other.refused)

    async def _put(self, tx: Transaction, batch: Sequence[Draft]) -> _Answer:
        house, at = self._house, self._at
        articles = [article for draft in batch for article in draft.articles]
        skus = [article.sku for article in articles]
        known = await variant_ids_by_sku(tx, skus=skus)
        products = [draft.product for draft in batch]
        if known:
            products = await _where_they_are(tx, batch, known)
        stored = await put_products(tx, products, by=ACTOR, at=at)
        ids = {
            variant.sku: id
            for product, put in zip(products, stored, strict=True)
            for variant, id in zip(product.variants, put.variant_ids, strict=True)
        }
        offered = priced = stocked = frozenset[UUID]()
        if known:
            old = list(known.values())
            offers = await offers_for_variants(tx, shop_id=house.shop_id, variant_ids=old, active_only=False)
            offered = frozenset(offer.variant_id for offer in offers)
            priced = frozenset(p.variant_id for p in await prices_at(tx, shop_id=house.shop_id, variant_ids=old, at=at))
            lines = [
                line for line in await stock_of_variants(tx, variant_ids=old) if line.location_id == house.location_id
            ]
            # A place in which nothing ever moved still waits for its goods: the run that opened it was killed before
            # they came, and these rows say something else now. One that was sold out has had them.
            had = await moved(tx, pool_ids=[line.pool_id for line in lines])
            stocked = frozenset(line.variant_id for line in lines if line.pool_id in had)
        await put_offers(
            tx,
            [
                PutOffer(shop_id=house.shop_id, variant_id=id, seller_party_id=house.party_id)
                for id in ids.values()
                if id not in offered
            ],
            by=ACTOR,
            at=at,
        )
        wanted = [_price(house, article, ids[article.sku]) for article in articles if ids[article.sku] not in priced]
        await set_prices(tx, wanted, by=ACTOR, at=at)
        fresh = [article for article in articles if ids[article.sku] not in stocked]
        pools = await ensure_stock(
            tx, [StockKey(ids[one.sku], house.location_id, house.party_id) for one in fresh], at=at
        )
        received = [
            (pool_id, pieces)
            for article, pool_id in zip(fresh, pools, strict=True)
            if (pieces := derive.stock(article.sku))
        ]
        return _Answer(len(ids) - len(known), received, [])


async def _where_they_are(tx: Transaction, batch: Sequence[Draft], known: dict[str, UUID]) -> list[PutProduct]:
    """The products to put, of which some articles are there: an article never moves to another product."""
    cards = await variants_by_ids(tx, variant_ids=list(known.values()), language=LANGUAGES[0])
    slugs = {card.sku: card.slug for card in cards}
    wanted: dict[str, PutProduct] = {}
    for draft in batch:
        homes = {slugs.get(article.sku, draft.product.slug) for article in draft.articles}
        if homes == {draft.product.slug}:
            wanted[draft.product.slug] = draft.product
            continue
        for article in draft.articles:
            one = single(article).product
            slug = slugs.get(article.sku, one.slug)
            before = wanted.get(slug)
            variants = (*before.variants, *one.variants) if before else one.variants
            wanted[slug] = structs.replace(before or one, slug=slug, variants=variants)
    return list(wanted.values())


def batches(drafts: Iterator[Draft]) -> Iterator[list[Draft]]:
    """Products in batches of some hundred articles. The same rows give the same batches."""
    batch: list[Draft] = []
    size = 0
    for draft in drafts:
        batch.append(draft)
        size += len(draft.articles)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _name(batch: Sequence[Draft]) -> str:
    """What a batch says, as a short name: another one if a row of it says something else."""
    said = [(draft.product, [(one.price, one.price_level, one.path) for one in draft.articles]) for draft in batch]
    return words.digest(msgspec.json.encode(said).decode(), 40)


def _category(place: Place, parent: str | None) -> PutCategory:
    texts = tuple(CategoryText(language, name) for language, name in place.names.items())
    return PutCategory(slug=place.slug, parent=parent, texts=texts)


def _price(house: House, article: Article, variant_id: UUID) -> SetPrice:
    derived = article.price is None
    return SetPrice(
        shop_id=house.shop_id,
        variant_id=variant_id,
        currency=CURRENCY,
        unit_price=derive.price(article.sku, article.price_level) if article.price is None else article.price,
        reason="derived, the source has none" if derived else article.price_reason,
    )
