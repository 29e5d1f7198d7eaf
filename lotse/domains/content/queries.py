"""Reads of pages, menus and redirects; a page composed with what its blocks show of lower domains."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import Category, ProductCard
from lotse.domains.content.contracts import (
    BannerBlock,
    Block,
    CategoriesBlock,
    Draft,
    ListedPage,
    LostPath,
    Menu,
    Page,
    PictureBlock,
    ProductsBlock,
    Publication,
    Redirect,
    Shown,
    TextBlock,
    UnknownPage,
    Validity,
    Version,
    VideoBlock,
)
from lotse.domains.content.rules import Player, html_of, player_of, slugs_of, text_of
from lotse.kernel.auth.principal import Whose
from lotse.kernel.auth.things import Thing
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.content", "reads")


class Piece(Struct, frozen=True):
    """A block with all that its template shows."""

    kind: str
    block: Block
    html: str = ""
    cards: list[ProductCard] = []
    tiles: list[Category] = []
    player: Player | None = None


class Composed(Struct, frozen=True):
    """A page with what its blocks show. `languages`: all that it is shown in; `until`: when another version holds by
    itself."""

    page_id: UUID
    slug: str
    language: str
    title: str
    description: str
    pieces: list[Piece]
    languages: list[str] = []
    until: datetime | None = None

    @property
    def variant_ids(self) -> list[UUID]:
        """Whose price and stock the page shows."""
        return [id for piece in self.pieces for card in piece.cards for id in card.variant_ids]

    @property
    def has_player(self) -> bool:
        return any(piece.player for piece in self.pieces)

    @property
    def heads_itself(self) -> bool:
        """Whether a banner comes first, which is the heading then."""
        return bool(self.pieces) and isinstance(self.pieces[0].block, BannerBlock)


def languages_for(language: str, first: str) -> list[str]:
    """In which languages a page is looked for: the visitor's, the shop's own."""
    return list(dict.fromkeys([language, first]))


async def shown(
    conn: Connection, *, shop_id: UUID, slug: str, languages: Sequence[str], at: datetime
) -> Composed | None:
    """A page as it holds at a moment, in the first language that it is there in; None if nothing is shown."""
    found = await conn.maybe(READS.shown, Shown, shop_id=shop_id, slug=slug, languages=list(languages), at=at)
    if found is None:
        return None
    validity = await conn.one(READS.validity, Validity, page_id=found.page_id, at=at)
    pieces = await compose(conn, found.blocks, language=languages[0])
    return Composed(
        found.page_id,
        found.slug,
        found.language,
        found.title,
        found.description,
        pieces,
        validity.languages,
        validity.until,
    )


async def previewed(conn: Connection, *, page_id: UUID, language: str) -> Composed | None:
    """A draft as it would be shown."""
    page = await conn.maybe(READS.page, Page, page_id=page_id)
    written = await draft(conn, page_id=page_id, language=language)
    if page is None or written is None:
        return None
    pieces = await compose(conn, written.blocks, language=language)
    return Composed(page.id, page.slug, language, written.title, written.description, pieces)


async def compose(conn: Connection, blocks: Sequence[Block], *, language: str) -> list[Piece]:
    """Blocks with what they show. A block that has nothing to show (a category that is gone) is left out."""
    tree: list[Category] = []
    if any(isinstance(block, ProductsBlock | CategoriesBlock) for block in blocks):
        tree = await catalog.category_tree(conn, language=language)
        blocks = await _where_now(conn, blocks)
    pieces = [await _piece(conn, block, tree, language) for block in blocks]
    return [piece for piece in pieces if piece is not None]


async def _where_now(conn: Connection, blocks: Sequence[Block]) -> list[Block]:
    """The blocks with present slugs of categories: who wrote them knew those of that day."""
    named = [block.category for block in blocks if isinstance(block, ProductsBlock) and block.category]
    chosen = [slug for block in blocks if isinstance(block, CategoriesBlock) for slug in slugs_of(block.chosen)]
    present = await catalog.category_slugs(conn, slugs=[*named, *chosen]) if named or chosen else {}
    found: list[Block] = []
    for block in blocks:
        if isinstance(block, ProductsBlock):
            block = replace(block, category=present.get(block.category, block.category))
        elif isinstance(block, CategoriesBlock):
            block = replace(block, chosen="\n".join(present.get(slug, slug) for slug in slugs_of(block.chosen)))
        found.append(block)
    return found


async def _piece(conn: Connection, block: Block, tree: Sequence[Category], language: str) -> Piece | None:
    if isinstance(block, TextBlock):
        return Piece("text", block, html=html_of(block.text)) if block.text.strip() else None
    if isinstance(block, PictureBlock):
        return Piece("picture", block) if block.media else None
    if isinstance(block, ProductsBlock):
        cards = await _cards(conn, block, tree, language)
        return Piece("products", block, cards=cards) if cards else None
    if isinstance(block, CategoriesBlock):
        wanted = slugs_of(block.chosen)
        by_slug = {category.slug: category for category in tree}
        tiles = (
            [by_slug[slug] for slug in wanted if slug in by_slug]
            if wanted
            else [category for category in tree if category.depth == 0 and category.products]
        )
        return Piece("categories", block, tiles=tiles[:24]) if tiles else None
    if isinstance(block, VideoBlock):
        return Piece("video", block, player=player_of(block.link)) if block.link else None
    return Piece("banner", block, html=html_of(block.text))


async def _cards(conn: Connection, block: ProductsBlock, tree: Sequence[Category], language: str) -> list[ProductCard]:
    if block.source == "new":
        return (await catalog.products(conn, language=language, limit=block.count)).items
    if block.source == "category":
        category = next((one for one in tree if one.slug == block.category), None)
        if category is None:
            return []
        page = await catalog.products_in_category(conn, category_id=category.id, language=language, limit=block.count)
        return page.items
    slugs = slugs_of(block.chosen)[: block.count]
    pages = [await catalog.product_by_slug(conn, slug=slug, language=language) for slug in slugs]
    return await catalog.product_cards(
        conn, product_ids=[page.id for page in pages if page is not None], language=language
    )


async def listed(conn: Connection, *, shop_id: UUID, languages: Sequence[str], at: datetime) -> list[ListedPage]:
    """Every page that is shown now."""
    return await conn.many(READS.listed, ListedPage, shop_id=shop_id, languages=list(languages), at=at)


async def text(conn: Connection, *, shop_id: UUID, slug: str, languages: Sequence[str], at: datetime) -> str | None:
    """The words of a page as plain text: terms that go with a mail. None if nothing is shown."""
    found = await conn.maybe(READS.shown, Shown, shop_id=shop_id, slug=slug, languages=list(languages), at=at)
    return f"{found.title}\n\n{text_of(found.blocks)}" if found else None


async def menus(conn: Connection, *, shop_id: UUID, languages: Sequence[str]) -> dict[str, Menu]:
    """The menus of a shop by place, in the first language that they are there in; those without links are absent."""
    found = await conn.many(READS.menus, Menu, shop_id=shop_id, languages=list(languages))
    chosen: dict[str, Menu] = {}
    for language in reversed(list(languages)):
        chosen |= {menu.place: menu for menu in found if menu.language == language and menu.items}
    return chosen


async def redirect_at(conn: Connection, *, shop_id: UUID, path: str) -> Redirect | None:
    """Where a path leads, if it does."""
    return await conn.maybe(READS.redirect_at, Redirect, shop_id=shop_id, path=path)


# -- the back office


async def whose(conn: Connection, page_id: UUID) -> Whose | None:
    """Where a page belongs: its shop."""
    return await conn.maybe(READS.whose, Whose, page_id=page_id)


PAGE = Thing(
    "page",
    "page_id",
    whose,
    unknown=lambda id: UnknownPage(page=str(id)),
    read="content.read",
    free=("location", "party"),
)


async def page(conn: Connection, *, page_id: UUID) -> Page | None:
    """One page, or None."""
    return await conn.maybe(READS.page, Page, page_id=page_id)


async def page_at(conn: Connection, *, shop_id: UUID, slug: str) -> Page | None:
    """The page at an address, or None."""
    return await conn.maybe(READS.page_at, Page, shop_id=shop_id, slug=slug)


async def draft(conn: Connection, *, page_id: UUID, language: str) -> Draft | None:
    """What is being written in a language, or None."""
    return await conn.maybe(READS.draft, Draft, page_id=page_id, language=language)


async def is_unpublished(conn: Connection, *, page_id: UUID, language: str, at: datetime) -> bool:
    """Whether a draft is there that says anything else than what visitors see at this moment."""
    written = await draft(conn, page_id=page_id, language=language)
    if written is None:
        return False
    holding = holding_of(await publications(conn, page_id=page_id, language=language), at)
    shown = await version(conn, version_id=holding.version_id) if holding and holding.version_id else None
    return shown is None or (shown.title, shown.description, shown.blocks) != (
        written.title,
        written.description,
        written.blocks,
    )


def holding_of(publications: Sequence[Publication], at: datetime) -> Publication | None:
    """What holds at a moment, of publications whose latest beginning comes first."""
    return next(
        (one for one in publications if one.valid_from <= at and (one.valid_until is None or one.valid_until > at)),
        None,
    )


async def versions(conn: Connection, *, page_id: UUID, language: str, limit: int = 30) -> list[Version]:
    """What was published in a language, the newest first."""
    return await conn.many(READS.versions, Version, page_id=page_id, language=language, limit=limit)


async def version(conn: Connection, *, version_id: UUID) -> Version | None:
    """One version, or None."""
    return await conn.maybe(READS.version, Version, version_id=version_id)


async def publications(conn: Connection, *, page_id: UUID, language: str) -> list[Publication]:
    """What is planned and what was, the latest beginning first."""
    return await conn.many(READS.publications, Publication, page_id=page_id, language=language)


async def lost(conn: Connection, *, shop_id: UUID, lost_id: UUID) -> LostPath | None:
    """One lost path, or None."""
    return await conn.maybe(READS.lost, LostPath, shop_id=shop_id, lost_id=lost_id)
