"""One article in the back office: its texts, life, variants and pictures."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import product as product_of
from typing import Annotated, Any, cast
from uuid import UUID

from litestar import Request, Response, get, post
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.catalog import commands, queries
from lotse.domains.catalog.contracts import (
    Category,
    EditedProduct,
    NoSuccessor,
    PutPicture,
    PutProduct,
    PutVariant,
    SlugTaken,
    State,
    Text,
    UnknownProduct,
    Variant,
)
from lotse.domains.catalog.pages.articles import (
    NO_CATEGORY,
    NOT_READY,
    NOT_THAT_WAY,
    STATES,
    TAX_CLASSES,
)
from lotse.domains.catalog.pages.shop import fact_of
from lotse.domains.catalog.rules import MOVES, is_slug
from lotse.domains.parties.contracts import Shop
from lotse.kernel import audit
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.forms import Error, Form, FormIncomplete, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound, Refusal

_MAX_PICTURES = 60
_MAX_COMBINATIONS = 200
# Among so many articles that have the words of a name, the one that is called just so is looked for.
_MOST_ALIKE = 50
NO_ARTICLE = N_("No article is called so.")
SEVERAL_ARTICLES = N_("Several articles are called so. Type the article number or the address.")
NO_ADDRESS = N_("Small letters and digits, words joined by single hyphens.")
REFUSED = {
    "product-edited": N_(
        "Somebody else saved this article meanwhile. What you typed is kept below; compare and save again."
    ),
    "slug-taken": N_("This address belongs to another article."),
    "category-slug-taken": N_("This address belongs to another category."),
    "sku-taken": N_("The article number %(sku)s belongs to another article."),
    "gtin-taken": N_("The GTIN %(gtin)s belongs to another variant."),
    "invalid-gtin": N_("%(gtin)s is no GTIN: %(rule)s."),
    "move-not-allowed": NOT_THAT_WAY,
    "not-ready-to-sell": NOT_READY,
    "unknown-category": NO_CATEGORY,
    "unknown-media": N_("A picture is not there any more. Please choose it again."),
    "category-cycle": N_("A category cannot stand below itself, or deeper than ten levels."),
    "invalid": N_("Please check it: %(rule)s."),
}


class Combination(Struct, frozen=True):
    """A cell of the matrix: a pair of option values, and the variant that has it."""

    values: tuple[str, str]
    sku: str | None


class Master(Struct, frozen=True):
    """What is typed about an article as a whole."""

    seen: datetime
    slug: Annotated[str, Meta(min_length=1, max_length=120)]
    brand: Annotated[str, Meta(max_length=100)]
    tax_class: Annotated[str, Meta(min_length=1, max_length=32)]


class Beginning(Struct, frozen=True):
    """What is typed to begin an article."""

    slug: Annotated[str, Meta(min_length=1, max_length=120)]
    name: Annotated[str, Meta(min_length=1, max_length=300)]
    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    brand: Annotated[str, Meta(max_length=100)]
    tax_class: Annotated[str, Meta(min_length=1, max_length=32)]


class Successor(Struct, frozen=True):
    """What is typed to say what takes an article's place: a name, an article number or an address; empty: nothing."""

    seen: datetime
    successor: Annotated[str, Meta(max_length=300)]


class Seen(Struct, frozen=True):
    """The version that a form was made from."""

    seen: datetime


class Moved(Struct, frozen=True):
    """Where an article goes in its life."""

    seen: datetime
    state: State


class Sizes(Struct, frozen=True):
    """What is typed to add variants: values with commas, for up to two options."""

    seen: datetime
    first: Annotated[str, Meta(min_length=1, max_length=40)]
    first_values: Annotated[str, Meta(min_length=1, max_length=1_000)]
    prefix: Annotated[str, Meta(min_length=1, max_length=40)]
    second: Annotated[str, Meta(max_length=40)] = ""
    second_values: Annotated[str, Meta(max_length=1_000)] = ""


@get("/office/products/new", guards=[needs("catalog.write", "common")])
async def office_new_product(view: View, draft: Draft | None) -> Response[str]:
    """The beginning of an article."""
    return view.show(
        "catalog/office_new.html",
        form=Form.drafted(draft, Beginning),
        refused=refused(view, draft, REFUSED),
        tax_classes=_tax_classes(view, "standard"),
    )


@post(
    "/office/products/new",
    guards=[needs("catalog.write", "common")],
    opt={"form": "/office/products/new"},
    status_code=303,
)
async def begin_product(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Begin an article: a draft with one variant."""
    wanted = checked(await request.form(), Beginning)
    async with database.transaction() as tx:
        if await queries.product_ids_by_slug(tx, slugs=[wanted.slug]):
            raise SlugTaken(slug=wanted.slug)
        [made] = await commands.put_products(
            tx,
            [
                PutProduct(
                    slug=wanted.slug,
                    brand=wanted.brand,
                    tax_class=wanted.tax_class,
                    state="draft",
                    texts=(Text(shop.language, wanted.name),),
                    variants=(PutVariant(sku=wanted.sku),),
                )
            ],
            by=str(principal),
            at=at,
        )
    return _to_article(made.id)


@get("/office/products/{product_id:uuid}", guards=[needs("catalog.read", "common")])
async def office_product(
    view: View, database: Database, shop: Shop, principal: Principal, draft: Draft | None, product_id: UUID
) -> Response[str]:
    """One article: words, variants, pictures, categories, what was changed; prices and stock come by slots."""
    async with database.reading() as connection:
        found = await queries.product_for_edit(connection, product_id=product_id)
        if found is None:
            raise NotFound(what="product", id=str(product_id))
        tree = await queries.category_tree(connection, language=view.language)
        after = [found.successor_id] if found.successor_id else []
        followers = await queries.product_cards(connection, product_ids=after, language=view.language)
        history = [
            change
            for subject in (f"catalog.product:{one}" for one in (found.slug, *found.former_slugs, product_id))
            for change in await audit.history(connection, subject=subject, limit=20)
        ]
        history.sort(key=lambda change: change.id, reverse=True)
        who = await names_of(connection, (change.actor for change in history))
    ids = [variant.id for variant in found.variants]
    await view.ask(
        {
            "office.variant.price": ids,
            "office.variant.stock": ids,
            "office.product.price": [product_id],
            "office.product.stock": [product_id],
            "office.product.offers": [product_id],
        }
    )
    languages = list(dict.fromkeys([*shop.languages, *(text.language for text in found.texts)]))
    texts = {text.language: text for text in found.texts}
    names = list(dict.fromkeys(name for variant in found.variants for name in variant.options))
    return view.show(
        "catalog/office_product.html",
        product=found,
        name=next((texts[code].name for code in (view.language, *languages) if code in texts), found.slug),
        texts=texts,
        languages_of=languages,
        names=names,
        looks=list(
            dict.fromkeys(v.options[look_option(names)] for v in found.variants if look_option(names) in v.options)
        ),
        matrix=matrix_of(found.variants, names),
        moves=[(state, STATES[state].label) for state in MOVES[found.state]],
        states=STATES,
        tree=tree,
        paths=_paths(tree),
        tax_classes=_tax_classes(view, found.tax_class),
        lacking=lacking_of(found, shop.languages),
        history=history[:20],
        names_of=who,
        typed=draft.typed if draft else {},
        form=Form.drafted(draft, Master),
        succeeding=Form.drafted(draft, Successor),
        successor=followers[0] if followers else None,
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("catalog.write"),
        may_upload=principal.may("media.write"),
        facts=[fact_of(view, name, value) for name, value in found.attributes.items()],
    )


def wrong_address(slug: str) -> str | None:
    """Why this cannot be an address; a check of forms."""
    return None if is_slug(slug) else NO_ADDRESS


@contextmanager
def beside(field: str, messages: Mapping[str, str]) -> Iterator[None]:
    """Say a refusal of the block beside this field, if `messages` know it. Refusal: `FormIncomplete`."""
    try:
        yield
    except Refusal as refusal:
        if refusal.code not in messages:
            raise
        raise FormIncomplete(errors={field: Error(messages[refusal.code])}) from refusal


def look_option(names: Sequence[str]) -> str:
    """The option that pictures are tied to: what can be seen."""
    return next((name for name in ("colour", "flavour", "model") if name in names), names[0] if names else "")


def matrix_of(
    variants: Sequence[Variant], names: Sequence[str]
) -> tuple[list[str], list[str], list[list[Combination]]]:
    """Two options across and down, with what there is in each cell; empty if there are not two."""
    if len(names) != 2 or not variants:
        return [], [], []
    across = list(dict.fromkeys(v.options.get(names[1], "") for v in variants))
    down = list(dict.fromkeys(v.options.get(names[0], "") for v in variants))
    there = {(v.options.get(names[0], ""), v.options.get(names[1], "")): v.sku for v in variants}
    return down, across, [[Combination((one, two), there.get((one, two))) for two in across] for one in down]


def lacking_of(product: EditedProduct, languages: Sequence[str]) -> list[tuple[str, int]]:
    """By language, how many pictures have no description; those that have all are left out."""
    lacking = [
        (code, sum(not (picture.alt.get(code) or picture.library_alt.get(code)) for picture in product.pictures))
        for code in languages
    ]
    return [(code, number) for code, number in lacking if number]


def _paths(tree: Sequence[Category]) -> dict[str, str]:
    """The way to each category in words, by slug."""
    by_id = {one.id: one for one in tree}
    paths: dict[UUID, str] = {}
    for one in tree:  # parents come first
        above = paths.get(one.parent_id) if one.parent_id in by_id and one.parent_id else None
        paths[one.id] = f"{above} / {one.name}" if above else one.name
    return {one.slug: paths[one.id] for one in sorted(tree, key=lambda one: paths[one.id])}


def _tax_classes(view: View, own: str) -> list[tuple[str, str]]:
    known = {code: view.text(label) for code, label in TAX_CLASSES.items()}
    return list((known if own in known else {**known, own: own}).items())


def _to_article(product_id: UUID) -> Response[Any]:
    return Response("", status_code=303, headers={"Location": f"/office/products/{product_id}?done=article"})


_FORM = {"form": "/office/products/{product_id}"}
WRITES = needs("catalog.write", "common")


async def _edited(conn: Connection, product_id: UUID) -> EditedProduct:
    found = await queries.product_for_edit(conn, product_id=product_id)
    if found is None:
        raise UnknownProduct(product=str(product_id))
    return found


def _as_it_is(product: EditedProduct, **changes: Any) -> PutProduct:
    """A put that changes nothing but what is named."""
    kept = PutProduct(
        slug=product.slug, brand=product.brand, tax_class=product.tax_class, attributes=product.attributes
    )
    return replace(kept, **changes)


@post("/office/products/{product_id:uuid}", guards=[WRITES], opt=_FORM, status_code=303)
async def save_product(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Save an article's address, words, brand, tax class and categories."""
    posted = await request.form()
    wanted = checked(posted, Master, checks={"slug": wrong_address})
    texts = tuple(
        Text(
            code,
            str(posted.get(f"name.{code}", "")).strip(),
            str(posted.get(f"summary.{code}", "")).strip(),
            str(posted.get(f"description.{code}", "")).strip().replace("\r\n", "\n"),
        )
        for code in sorted({field[5:] for field in posted if field.startswith("name.")})
        if str(posted.get(f"name.{code}", "")).strip()
    )
    categories = tuple(dict.fromkeys(str(one) for one in posted.getall("category", []) if str(one)))
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        with beside("slug", {"slug-taken": REFUSED["slug-taken"]}):
            await commands.rename(tx, product_id=product_id, slug=wanted.slug, by=str(principal), at=at)
        product = await _edited(tx, product_id)
        put = _as_it_is(product, brand=wanted.brand, tax_class=wanted.tax_class, texts=texts, categories=categories)
        await commands.put_products(tx, [put], by=str(principal), at=at)
    return _to_article(product_id)


@post("/office/products/{product_id:uuid}/state", guards=[WRITES], opt=_FORM, status_code=303)
async def move_product(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Move an article in its life."""
    wanted = checked(await request.form(), Moved)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        await commands.change_state(tx, product_ids=[product_id], state=wanted.state, by=str(principal), at=at)
    return _to_article(product_id)


@post("/office/products/{product_id:uuid}/successor", guards=[WRITES], opt=_FORM, status_code=303)
async def save_successor(
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    principal: Principal,
    at: datetime,
    product_id: UUID,
) -> Response[Any]:
    """Say which article takes this one's place once it is archived."""
    wanted = checked(await request.form(), Successor)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        successor_id = await _article_called(tx, wanted.successor, shop) if wanted.successor else None
        try:
            await commands.set_successor(tx, product_id=product_id, successor_id=successor_id, by=str(principal), at=at)
        except NoSuccessor as refusal:
            raise FormIncomplete(errors={"successor": Error(_NO_SUCCESSOR[refusal.reason])}) from refusal
    return _to_article(product_id)


_NO_SUCCESSOR = {
    "itself": N_("This is the article itself."),
    "circle": N_("This article is its successor already: that would be a circle."),
    "archived": N_("It is archived itself, and nothing follows it."),
    "too long": N_("Too many articles follow each other here."),
}


async def _article_called(conn: Connection, said: str, shop: Shop) -> UUID:
    """The article of an address, an article number or a name that no other has. Refusal: `FormIncomplete`."""
    slug = said.rstrip("/").rpartition("/p/")[2].partition("?")[0] if "/p/" in said else said
    page = await queries.product_by_slug(conn, slug=slug, language=shop.language, everything=True)
    if page is not None:
        return page.id
    card = await queries.variant_by_sku(conn, sku=said, language=shop.language)
    if card is not None:
        return card.product_id
    found = (await queries.product_rows(conn, language=shop.language, text=said, limit=_MOST_ALIKE)).items
    # The search finds words of summaries, too; who chooses means the name.
    named = [one for one in found if one.name.casefold() == said.casefold()] or [
        one for one in found if said.casefold() in one.name.casefold()
    ]
    if len(named) != 1:
        raise FormIncomplete(errors={"successor": Error(SEVERAL_ARTICLES if named else NO_ARTICLE)})
    return named[0].id


@post("/office/products/{product_id:uuid}/variants", guards=[WRITES], opt=_FORM, status_code=303)
async def save_variants(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Save the GTINs and states of an article's variants."""
    posted = await request.form()
    wanted = checked(posted, Seen)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        product = await _edited(tx, product_id)
        puts = tuple(
            PutVariant(
                sku=v.sku,
                gtin=str(posted.get(f"gtin.{v.sku}", v.gtin or "")).strip() or None,
                options=v.options,
                unit=v.unit,
                position=v.position,
            )
            for v in product.variants
        )
        await commands.put_products(tx, [_as_it_is(product, variants=puts)], by=str(principal), at=at)
        moving: dict[State, list[UUID]] = {}
        for v in product.variants:
            state = str(posted.get(f"state.{v.sku}", v.state))
            if state != v.state and state in STATES:
                moving.setdefault(cast("State", state), []).append(v.id)
        for state, ids in moving.items():
            await commands.change_variant_state(tx, variant_ids=ids, state=state, by=str(principal), at=at)
    return _to_article(product_id)


@post("/office/products/{product_id:uuid}/combinations", guards=[WRITES], opt=_FORM, status_code=303)
async def add_combinations(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Add every combination of two options' values that is not there yet."""
    wanted = checked(await request.form(), Sizes)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        product = await _edited(tx, product_id)
        options = [(wanted.first, _values(wanted.first_values)), (wanted.second, _values(wanted.second_values))]
        new = combinations(
            product.variants, [(name.strip(), values) for name, values in options if name.strip()], wanted.prefix
        )
        if len(new) + len(product.variants) > _MAX_COMBINATIONS:
            raise Invalid(field="first_values", rule=f"at most {_MAX_COMBINATIONS} variants of one article")
        if new:
            await commands.put_products(tx, [_as_it_is(product, variants=new)], by=str(principal), at=at)
    return _to_article(product_id)


def _values(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def combinations(
    variants: Sequence[Variant], options: Sequence[tuple[str, Sequence[str]]], prefix: str
) -> tuple[PutVariant, ...]:
    """The combinations that are not there yet, as variants behind those that are; article numbers are made of the
    values: `SHOE` with 42 and blue is `SHOE-42-BLUE`."""
    there = {frozenset(variant.options.items()) for variant in variants}
    taken = {variant.sku for variant in variants}
    last = max((variant.position for variant in variants), default=-1)
    made: list[PutVariant] = []
    for values in product_of(*(values for _, values in options)):
        chosen = dict(zip((name for name, _ in options), values, strict=True))
        if frozenset(chosen.items()) in there:
            continue
        sku = "-".join([prefix.strip(), *(_in_sku(value) for value in values)])[:64]
        if sku in taken:
            raise Invalid(field="prefix", rule=f"{sku} is there already with other options")
        taken.add(sku)
        made.append(PutVariant(sku=sku, options=chosen, position=last + len(made) + 1))
    return tuple(made)


def _in_sku(value: str) -> str:
    plain = unicodedata.normalize("NFKD", value.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "", plain).upper() or "X"


@post("/office/products/{product_id:uuid}/pictures", guards=[WRITES], opt=_FORM, status_code=303)
async def save_pictures(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Save which pictures an article has, in which order, and of which look they are."""
    posted = await request.form()
    wanted = checked(posted, Seen)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        product = await _edited(tx, product_id)
        pictures = arranged_pictures(product, posted)
        if len(pictures) > _MAX_PICTURES:
            raise Invalid(field="added", rule=f"at most {_MAX_PICTURES} pictures of one article")
        await commands.put_products(tx, [_as_it_is(product, pictures=pictures)], by=str(principal), at=at)
    return _to_article(product_id)


def arranged_pictures(product: EditedProduct, posted: Any) -> tuple[PutPicture, ...]:
    """The pictures of a form: those that stay by their places, then those that were added; each once."""
    known = {str(number): picture for number, picture in enumerate(product.pictures)}
    staying = [number for number in posted.getall("picture", []) if number in known and f"drop.{number}" not in posted]

    def place(number: str) -> int:
        text = str(posted.get(f"place.{number}", ""))
        return int(text) if text.isascii() and text.isdigit() else len(known)

    staying.sort(key=place)
    kept = [
        PutPicture(
            media=known[number].media, colour=str(posted.get(f"look.{number}", "")) or None, alt=known[number].alt
        )
        for number in staying
    ]
    there = {picture.media for picture in kept}
    added = [PutPicture(media=str(name)) for name in dict.fromkeys(posted.getall("added", [])) if name not in there]
    return (*kept, *added)
