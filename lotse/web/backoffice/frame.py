"""The frame around every page below `/office`: navigation, language, the session's form token, what was just done."""

from typing import Any

from litestar import Request, Response
from msgspec import Struct

from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock
from lotse.kernel.auth.authenticate import principal_of, staff_session
from lotse.kernel.pages.i18n import N_, chosen
from lotse.kernel.pages.slots import Ask
from lotse.kernel.pages.view import Site, View
from lotse.kernel.problems import Problem
from lotse.web.shops import shop_of
from lotse.web.storefront.frame import LANGUAGE_COOKIE, LanguageLink, bare_problem, csrf_field, languages, own_name


class Place(Struct, frozen=True):
    """An entry of the navigation. `key`: the letter after `g`."""

    path: str
    label: str
    icon: str
    key: str
    right: str


PLACES = (
    Place("/office/orders", N_("Orders"), "orders", "o", "orders.read"),
    Place("/office/products", N_("Products"), "products", "p", "catalog.read"),
    Place("/office/stock", N_("Stock"), "stock", "s", "inventory.read"),
    Place("/office/prices", N_("Prices"), "prices", "r", "pricing.read"),
    Place("/office/waiting", N_("Waiting room"), "queue", "w", "waiting.read"),
)


class Said(Struct, frozen=True):
    """What was just done."""

    kind: str
    text: str


# What a post adds to the address that it sends the browser to: `?done=…`.
DONE = {
    "cancelled": N_("The order is cancelled. Its goods are back in stock."),
    "received": N_("The payment is recorded."),
    "refunded": N_("The refund is recorded."),
    "price": N_("The price is set."),
    "adjusted": N_("The stock is adjusted."),
    "receipt": N_("The receipt is booked."),
    "waiting": N_("The waiting room is changed. All doors follow within a second."),
}


async def office_view(request: Request[Any, Any, Any]) -> View:
    """The back office around a page; its route's guard has let the principal in."""
    shop = await shop_of(request)
    principal = await principal_of(request)
    session = await staff_session(request)
    token = session.form_token() if session else ""
    may = frozenset(place.path for place in PLACES if principal.may(place.right))
    return _view(request, shop, who=principal.name, may=may, csrf=token)


def _view(request: Request[Any, Any, Any], shop: Shop, *, who: str, may: frozenset[str], csrf: str) -> View:
    site: Site = request.app.state.site
    path: str = request.scope["path"]
    wish = request.query_params.get("language")
    known = languages()
    language = chosen(
        known, wish, request.cookies.get(LANGUAGE_COOKIE), accept=request.headers.get("accept-language", "")
    )
    here = next((place.path for place in PLACES if path.startswith(place.path)), "")
    view = View(
        site,
        Ask(shop.id, language, shop.currency, "", (), clock.now()),
        {
            "shop": shop,
            "menu": [place for place in PLACES if place.path in may],
            "here": here,
            "who": who,
            "languages": [
                LanguageLink(code, own_name(code), f"{path}?language={code}") for code in known if code != language
            ],
            "csrf": csrf_field(csrf),
            "csrf_token": csrf,
            "said": None,
        },
        zone=shop.timezone,
    )
    if wish == language:
        view.cookies[LANGUAGE_COOKIE] = language
    done = DONE.get(request.query_params.get("done", ""))
    if done:
        view.say(Said("good", view.text(done)))
    return view


def office_problem(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """A problem in the back office's frame. It must not wait: it shows what is remembered."""
    state = request.app.state
    request_id = str(request.scope["state"].get("request_id", ""))
    _, shop = state.get("shop", (0.0, None))
    if shop is None:
        return bare_problem(problem, request_id)
    view = _view(request, shop, who="", may=frozenset(place.path for place in PLACES), csrf="")
    return view.show(
        "backoffice/problem.html",
        status=problem.status,
        headers={**problem.headers, "Cache-Control": "no-store"},
        problem=problem,
        request_id=request_id,
    )
