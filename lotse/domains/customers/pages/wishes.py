"""The wish list, before and after signing in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Struct

from lotse.domains.catalog.contracts import SHOWN, ProductCard, VariantCard
from lotse.domains.catalog.queries import product_cards, variants_by_ids
from lotse.domains.customers import commands, queries
from lotse.domains.customers.contracts import WISHES_COOKIE, Wish
from lotse.domains.customers.pages.account import ACCOUNT_REFUSED, NO_STORE
from lotse.domains.customers.pages.visitor import cookie_of, list_of, who_asks
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.forms import refused
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid


class Wished(Struct, frozen=True):
    """A wish as it is shown. `variant_ids` are what can be bought for it, none where it is sold no more; `variant` is
    the one that was chosen."""

    card: ProductCard
    variant: VariantCard | None
    variant_ids: list[UUID]


@get("/wishes", guards=[public])
async def wishes(request: Request[Any, Any, Any], view: View, database: Database, draft: Draft | None) -> Response[str]:
    """What somebody wished for, with or without an account."""
    customer_id = await who_asks(request, database, view.question.at)
    async with database.reading() as conn:
        own = await queries.wish_list(conn, customer_id=customer_id, list_id=list_of(request))
        found = await queries.wishes(conn, list_id=own) if own else []
        shown = await _shown(conn, found, view.language) if found else []
    variants = list(dict.fromkeys(id for one in shown for id in one.variant_ids))
    await view.ask({"card.offer": variants, "card.stock": variants, "card.buy": variants})
    return view.show(
        "customers/wishes.html",
        wishes=shown,
        is_guest=customer_id is None,
        refused=refused(view, draft, ACCOUNT_REFUSED),
        headers=NO_STORE,
    )


async def _shown(conn: Connection, wishes: list[Wish], language: str) -> list[Wished]:
    """What was archived stays on the list and is said to be gone; drafts are nobody's business yet."""
    products = list(dict.fromkeys(one.product_id for one in wishes))
    cards = {one.id: one for one in await product_cards(conn, product_ids=products, language=language)}
    chosen = [one.variant_id for one in wishes if one.variant_id is not None]
    variants = {one.id: one for one in await variants_by_ids(conn, variant_ids=chosen, language=language)}
    shown: list[Wished] = []
    for one in wishes:
        card, variant = cards[one.product_id], variants.get(one.variant_id) if one.variant_id else None
        if card.state == "draft":
            continue
        sells = card.variant_ids if card.state in SHOWN else []
        shown.append(Wished(card, variant, [id for id in sells if variant is None or id == variant.id]))
    return shown


@post("/wishes", guards=[public], opt={"form": "/wishes"})
async def wish(request: Request[Any, Any, Any], database: Database, at: datetime) -> Response[Any]:
    """Put a variant on the list, or a product. Refusals: `Invalid`, `UnknownVariant`, `UnknownProduct`."""
    form = await request.form()
    variant_id = _id_in(form, "variant_id") if form.get("variant_id") else None
    product_id = _id_in(form, "product_id") if variant_id is None else None
    customer_id = await who_asks(request, database, at)
    async with database.transaction() as tx:
        own = await commands.wish(
            tx,
            customer_id=customer_id,
            list_id=list_of(request),
            product_id=product_id,
            variant_id=variant_id,
            at=at,
        )
    kept = int(commands.LISTS_KEPT.total_seconds())
    cookies = [cookie_of(request, WISHES_COOKIE, str(own), kept)] if customer_id is None else []
    return Redirect("/wishes", status_code=303, cookies=cookies)


@post("/wishes/remove", guards=[public], opt={"form": "/wishes"})
async def unwish(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Take a wish off the list. Refusal: `Invalid`."""
    form = await request.form()
    product_id = _id_in(form, "product_id")
    variant_id = _id_in(form, "variant_id") if form.get("variant_id") else None
    customer_id = await who_asks(request, database, at)
    async with database.transaction() as tx:
        await commands.unwish(
            tx, customer_id=customer_id, list_id=list_of(request), product_id=product_id, variant_id=variant_id
        )
    return Redirect("/wishes", status_code=303)


def _id_in(form: Mapping[str, Any], field: str) -> UUID:
    try:
        return UUID(str(form.get(field)))
    except ValueError:
        raise Invalid(field=field, rule="a UUID") from None


async def _wishable(_: Connection, ask: Ask) -> Mapping[UUID, UUID]:
    """Every variant can be wished for."""
    return {id: id for id in ask.ids}


async def _always(_: Connection, __: Ask) -> Standing:
    return Standing()


slots = (Answerer("product.wish", "customers", "customers/product_wish.html", 200, _wishable, _always),)
