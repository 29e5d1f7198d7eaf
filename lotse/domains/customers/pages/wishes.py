"""The wish list, before and after signing in."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect

from lotse.domains.catalog.contracts import SHOWN
from lotse.domains.catalog.queries import product_cards
from lotse.domains.customers import commands, queries
from lotse.domains.customers.contracts import (
    WISHES_COOKIE,
)
from lotse.domains.customers.pages.account import ACCOUNT_REFUSED, NO_STORE
from lotse.domains.customers.pages.visitor import cookie_of, list_of, who_asks
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.forms import refused
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid


@get("/wishes", guards=[public])
async def wishes(request: Request[Any, Any, Any], view: View, database: Database, draft: Draft | None) -> Response[str]:
    """What somebody wished for, with or without an account."""
    customer_id = await who_asks(request, database, view.question.at)
    async with database.reading() as conn:
        own = await queries.wish_list(conn, customer_id=customer_id, list_id=list_of(request))
        ids = await queries.wishes(conn, list_id=own) if own else []
        cards = await product_cards(conn, product_ids=ids, language=view.language) if ids else []
    shown = [card for card in cards if card.state in SHOWN]
    variants = [id for card in shown for id in card.variant_ids]
    await view.ask({"card.offer": variants, "card.stock": variants, "card.buy": variants})
    return view.show(
        "customers/wishes.html",
        cards=shown,
        is_guest=customer_id is None,
        refused=refused(view, draft, ACCOUNT_REFUSED),
        headers=NO_STORE,
    )


@post("/wishes", guards=[public], opt={"form": "/wishes"})
async def wish(request: Request[Any, Any, Any], database: Database, at: datetime) -> Response[Any]:
    """Put a product on the list. Refusals: `Invalid`, `UnknownProduct`."""
    product_id = _product_id(await request.form())
    customer_id = await who_asks(request, database, at)
    async with database.transaction() as tx:
        own = await commands.wish(tx, customer_id=customer_id, list_id=list_of(request), product_id=product_id, at=at)
    kept = int(commands.LISTS_KEPT.total_seconds())
    cookies = [cookie_of(request, WISHES_COOKIE, str(own), kept)] if customer_id is None else []
    return Redirect("/wishes", status_code=303, cookies=cookies)


@post("/wishes/remove", guards=[public], opt={"form": "/wishes"})
async def unwish(request: Request[Any, Any, Any], database: Database, at: datetime) -> Redirect:
    """Take a product off the list. Refusal: `Invalid`."""
    product_id = _product_id(await request.form())
    customer_id = await who_asks(request, database, at)
    async with database.transaction() as tx:
        await commands.unwish(tx, customer_id=customer_id, list_id=list_of(request), product_id=product_id)
    return Redirect("/wishes", status_code=303)


def _product_id(form: Mapping[str, Any]) -> UUID:
    try:
        return UUID(str(form.get("product_id")))
    except ValueError:
        raise Invalid(field="product_id", rule="a UUID") from None


async def _wishable(_: Connection, ask: Ask) -> Mapping[UUID, UUID]:
    """Every product can be wished for."""
    return {id: id for id in ask.ids}


async def _always(_: Connection, __: Ask) -> Standing:
    return Standing()


slots = (Answerer("product.wish", "customers", "customers/product_wish.html", 200, _wishable, _always),)
