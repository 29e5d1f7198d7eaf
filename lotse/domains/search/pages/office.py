"""In the back office: what people decide about search, and why a list is as it is."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import ProductCard
from lotse.domains.parties.contracts import Shop
from lotse.domains.search import commands, queries
from lotse.domains.search.contracts import (
    BRAND,
    Act,
    Answer,
    Filters,
    NoIndex,
    PutRule,
    Question,
    Rule,
    Step,
    TargetKind,
    engines,
)
from lotse.domains.search.pages.lists import AnyRequest, Words, labelled
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.forms import checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View

REFUSED = {
    "unknown-rule": N_("Somebody else has taken it away meanwhile."),
    "rule-incomplete": N_("The rule does not say enough: %(missing)s."),
    "unknown-target": N_("Nothing is called “%(value)s”. There is: %(known)s."),
    "place-taken": N_("Another article is pinned at this place in that time."),
    "too-few-words": N_("Two words at least, with a comma between them."),
}
ACTS = {"pin": N_("Pin to a place"), "boost": N_("Move up"), "bury": N_("Move to the end")}
TARGETS = {
    "product": N_("an article (its address in the shop or its number)"),
    "brand": N_("a brand"),
    "category": N_("a category (its address in the shop)"),
    "value": N_("a value, as colour: Red"),
}
_TRIED = 12
_READS = needs("search.read", "shop")
_WRITES = needs("search.write", "shop")


class NewRule(Struct, frozen=True):
    """What is typed to make a rule. `list` is a query, or a category's address after `c/`."""

    list: Annotated[str, Meta(min_length=1, max_length=120)]
    act: Act
    target: TargetKind
    value: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: Annotated[str, Meta(min_length=1, max_length=300)]
    place: Annotated[int, Meta(ge=1, le=24)] | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class NewSynonyms(Struct, frozen=True):
    """What is typed to make a group of synonyms, or with `id` to change one."""

    language: Annotated[str, Meta(min_length=2, max_length=35)]
    words: Annotated[str, Meta(min_length=3, max_length=600)]
    one_way: bool = False
    id: UUID | None = None


class Taken(Struct, frozen=True):
    """What is taken away."""

    id: UUID


class Tried(Struct, frozen=True):
    """An article where a visitor would see it, with why."""

    place: int
    card: ProductCard
    score: float
    parts: list[str]
    rule: Rule | None


@get("/office/search", guards=[_READS])
async def office_search(
    request: AnyRequest,
    view: View,
    database: Database,
    shop: Shop,
    principal: Principal,
    draft: Draft | None,
    words: Words = "",
    language: Annotated[str, Parameter(query="in", max_length=35)] = "",
) -> Response[str]:
    """Try the search and see why; rules, searches without a result, synonyms."""
    language = language if language in shop.languages else shop.language
    tried, answer, step = await _tried(request, view, database, shop, words, language) if words else ([], None, None)
    async with database.reading() as connection:
        found = await queries.rule_rows(connection, shop_id=shop.id, language=view.language)
        groups = await queries.synonyms(connection, shop_id=shop.id)
        missed = await queries.asked_in_vain(connection, shop_id=shop.id)
        names = await names_of(connection, {one.changed_by for one in found})
    return view.show(
        "search/office_search.html",
        typed=draft.typed if draft else {},
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("search.write"),
        words=words,
        chosen_language=language,
        tried=tried,
        answer=answer,
        step=step,
        rules=found,
        groups=[one for one in groups if one.language == language],
        missed=missed,
        names=names,
        acts=ACTS,
        targets=TARGETS,
    )


async def _tried(
    request: AnyRequest, view: View, database: Database, shop: Shop, words: str, language: str
) -> tuple[list[Tried], Answer | None, Step | None]:
    process = request.app.state.process
    index = queries.index_of(process.settings, shop)
    decisions = await queries.decided(process.tags, database, shop)
    category = words.removeprefix("c/") if words.startswith("c/") else ""
    question = Question(
        words="" if category else words[:200],
        language=language,
        filters=Filters(category),
        limit=_TRIED,
        counts=False,
    )
    question = queries.decided_for(question, decisions, at=view.question.at)
    behind = queries.behind(question, decisions, at=view.question.at)
    try:
        answer, step, asked = await queries.ordered(index, question)
        why = {one.id: one for one in await index.explain(asked, answer.ids)}
    except NoIndex:
        return [], None, None
    cards = await queries.cards(process.tags, database, view.language, answer.ids)
    async with database.reading() as connection:
        acting = await queries.decided_of(connection, shop, behind, answer.ids, at=view.question.at)
    return (
        [
            Tried(
                place,
                card,
                why[card.id].score if card.id in why else 0.0,
                why[card.id].parts if card.id in why else [],
                acting.get(card.id),
            )
            for place, card in enumerate(cards, start=1)
        ],
        answer,
        step,
    )


@post("/office/search/rules", guards=[_WRITES], opt={"form": "/office/search"}, status_code=303)
async def save_rule(
    request: AnyRequest, database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Make a rule."""
    typed = checked(await request.form(), NewRule)
    zone = ZoneInfo(shop.timezone)
    category = typed.list.removeprefix("c/") if typed.list.startswith("c/") else ""
    words = "" if category else typed.list
    name, value = "", typed.value.strip()
    index = queries.index_of(request.app.state.process.settings, shop)
    if typed.target == "value":
        name, _, value = value.partition(":")
        name, value = await queries.value_called(index, shop, name, value, labelled)
    elif typed.target == "brand":
        _, value = await queries.value_called(index, shop, BRAND, value, labelled)
    async with database.transaction() as tx:
        if typed.target == "product":
            value = await _product_named(tx, value, shop)
        elif typed.target == "category":
            value = await queries.category_called(tx, shop, value)
        if category:
            category = await queries.category_called(tx, shop, category)
        rule = PutRule(
            shop_id=shop.id,
            words=words,
            category=category,
            act=typed.act,
            target=typed.target,
            name=name,
            value=value,
            place=typed.place,
            reason=typed.reason,
            valid_from=datetime.combine(typed.valid_from, time.min, zone) if typed.valid_from else None,
            # To the end of that day.
            valid_to=datetime.combine(typed.valid_to, time.min, zone) + timedelta(days=1) if typed.valid_to else None,
        )
        comparable = engines[queries.ENGINE].analysed(words, shop.language) if words else ""
        await commands.put_rule(tx, rule, comparable=comparable, by=str(principal), at=at)
    return _back(typed.list)


async def _product_named(tx: Connection, said: str, shop: Shop) -> str:
    """The id of an article by its address, its number or its id; what is none of them stays, to be refused."""
    slug = said.rstrip("/").rpartition("/p/")[2].partition("?")[0] if "/p/" in said else said
    page = await catalog.product_by_slug(tx, slug=slug, language=shop.language, everything=True)
    if page is not None:
        return str(page.id)
    card = await catalog.variant_by_sku(tx, sku=said, language=shop.language)
    return str(card.product_id) if card else said


@post("/office/search/rules/delete", guards=[_WRITES], opt={"form": "/office/search"}, status_code=303)
async def delete_rule(
    request: AnyRequest, database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Take a rule away."""
    typed = checked(await request.form(), Taken)
    async with database.transaction() as tx:
        await commands.delete_rule(tx, id=typed.id, shop_id=shop.id, by=str(principal), at=at)
    return _back()


@post("/office/search/synonyms", guards=[_WRITES], opt={"form": "/office/search"}, status_code=303)
async def save_synonyms(
    request: AnyRequest, database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Make a group of synonyms, or change one."""
    typed = checked(await request.form(), NewSynonyms)
    async with database.transaction() as tx:
        await commands.put_synonyms(
            tx,
            id=typed.id,
            shop_id=shop.id,
            language=typed.language if typed.language in shop.languages else shop.language,
            words=typed.words.split(","),
            one_way=typed.one_way,
            by=str(principal),
            at=at,
        )
    return _back(language=typed.language)


@post("/office/search/synonyms/delete", guards=[_WRITES], opt={"form": "/office/search"}, status_code=303)
async def delete_synonyms(
    request: AnyRequest, database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Take a group away."""
    typed = checked(await request.form(), Taken)
    async with database.transaction() as tx:
        await commands.delete_synonyms(tx, id=typed.id, shop_id=shop.id, by=str(principal), at=at)
    return _back()


def _back(words: str = "", language: str = "") -> Response[Any]:
    query = urlencode([(name, value) for name, value in (("q", words), ("in", language)) if value])
    return Response("", status_code=303, headers={"Location": f"/office/search?{query}" if query else "/office/search"})
