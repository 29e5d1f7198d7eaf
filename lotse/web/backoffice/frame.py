"""The frame around every page below `/office`: navigation, language, the session's form token, what was just done."""

from functools import cache, partial
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response
from msgspec import Struct

from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock, seams
from lotse.kernel.auth.authenticate import principal_of, staff_session
from lotse.kernel.auth.principal import SYSTEM, Principal, Whose
from lotse.kernel.pages.i18n import N_, chosen
from lotse.kernel.pages.places import GROUPS, Place, arranged
from lotse.kernel.pages.slots import Ask
from lotse.kernel.pages.view import Site, View
from lotse.kernel.problems import Problem
from lotse.web.shops import shop_of
from lotse.web.storefront.frame import LANGUAGE_COOKIE, LanguageLink, bare_problem, csrf_field, languages, own_name

# Of domains whose pages.py exports no `places` yet.
PLACES = (
    Place("/office/orders", N_("Orders"), "orders", "o", "orders.read", "sales", 10),
    Place("/office/products", N_("Articles"), "products", "p", "catalog.read", "goods", 10),
    Place("/office/stock", N_("Stock"), "stock", "s", "inventory.read", "goods", 30),
    Place("/office/waiting", N_("Waiting room"), "queue", "w", "waiting.read", "system", 80),
)
THEME_COOKIE = "lotse_theme"
# `auto` follows the system.
THEMES = ("auto", "light", "dark")
# Whoever works here waits rather than be shown an article without its price, or a number where a name should stand.
PATIENCE_MS = 4_000


@cache  # domains do not come and go while a process lives
def places() -> tuple[Place, ...]:
    """The whole navigation: of the frames, then what the domains and frames export."""
    exported = [place for domain in seams.domains() for place in domain.exported("pages", "places")]
    return arranged([*PLACES, *seams.framed("places"), *exported])


class MenuGroup(Struct, frozen=True):
    """A heading of the navigation and the places below it that somebody may see."""

    label: str
    places: list[Place]


def menu_of(principal: Principal) -> list[MenuGroup]:
    """What somebody may see, in its groups; empty ones are left out."""
    seen = [place for place in places() if principal.may(place.right)]
    return [
        MenuGroup(label, mine)
        for group, label in GROUPS.items()
        if (mine := [place for place in seen if place.group == group])
    ]


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
    "offers": N_("It is changed. The shop shows it within a second."),
    "adjusted": N_("The stock is adjusted."),
    "receipt": N_("The receipt is booked."),
    "returned": N_("The pieces are taken back. What was paid for them is owed back now."),
    "saved": N_("It is saved."),
    "erased": N_("The person is erased, as far as the law lets us."),
    "media": N_("The description is saved."),
    "media_removed": N_("The file is removed."),
    "article": N_("The article is saved. The shop shows it within a second."),
    "categories": N_("The categories are saved."),
    "waiting": N_("The waiting room is changed. All doors follow within a second."),
    "webhook": N_("Done. What is due is sent within a second."),
    "replayed": N_("The events are sent again, in their order."),
    "decided": N_("It is decided."),
    "master": N_("From now on this master has the say."),
    "job": N_("The job is back in the queue."),
    "jobs": N_("The jobs are back in the queue."),
    "published": N_("It is published. The shop shows it within a second."),
    "mail_again": N_("It is sent again in a moment."),
    "mail_tried": N_("The test is on its way to you."),
    "mail_text": N_("The text is saved. The next mail uses it."),
}


async def office_view(request: Request[Any, Any, Any]) -> View:
    """The back office around a page; its route's guard has let the principal in."""
    shop = await shop_of(request)
    principal = await principal_of(request)
    session = await staff_session(request)
    token = session.form_token() if session else ""
    view = _view(request, shop, who=principal, csrf=token)
    # What happened to the account that its owner should look at: a sign-in from a new browser, a changed password.
    if session is not None and session.notices:
        view.put("notices", session.notices)
    return view


def _covers(who: Principal, shop_id: UUID, right: str) -> bool:
    """Whether somebody holds a right for the shop that is looked at."""
    return who.covers(right, Whose(shop_id))


def _view(request: Request[Any, Any, Any], shop: Shop, *, who: Principal, csrf: str) -> View:
    site: Site = request.app.state.site
    path: str = request.scope["path"]
    wish = request.query_params.get("language")
    known = languages()
    language = chosen(
        known, wish, request.cookies.get(LANGUAGE_COOKIE), accept=request.headers.get("accept-language", "")
    )
    # The longest that fits: /office/orders/returns is not /office/orders.
    here = max((place.path for place in places() if f"{path}/".startswith(f"{place.path}/")), key=len, default="")
    theme = request.query_params.get("theme") or request.cookies.get(THEME_COOKIE) or "auto"
    theme = theme if theme in THEMES else "auto"
    view = View(
        site,
        Ask(shop.id, language, shop.currency, "", (), clock.now()),
        {
            "shop": shop,
            "menu": menu_of(who),
            "here": here,
            "who": who.name,
            # For what a domain shows on the page of another, where its own handler has no say.
            "may_everywhere": who.may_everywhere,
            "may_somewhere": who.may,
            "may_here": partial(_covers, who, shop.id),
            # What the browser remembers of this person must not show to the next one at the same till.
            "who_mark": sha256(str(who).encode()).hexdigest()[:12],
            "theme": theme,
            "themes": THEMES,
            "look": partial(_look, request),
            "languages": [
                LanguageLink(code, own_name(code), _look(request, language=code)) for code in known if code != language
            ],
            "csrf": csrf_field(csrf),
            "csrf_token": csrf,
            "said": None,
            "notices": 0,
            "own_account": False,
        },
        zone=shop.timezone,
        secure=request.scope["scheme"] == "https",
        patience_ms=PATIENCE_MS,
    )
    if wish == language:
        view.cookies[LANGUAGE_COOKIE] = language
    if request.query_params.get("theme") == theme:
        view.cookies[THEME_COOKIE] = theme
    done = DONE.get(request.query_params.get("done", ""))
    if done:
        view.say(Said("good", view.text(done)))
    return view


def _look(request: Request[Any, Any, Any], **changes: str) -> str:
    """This page in another language or theme; what the address says stays."""
    kept = [pair for pair in request.query_params.multi_items() if pair[0] not in (*changes, "language", "theme")]
    return f"{request.scope['path']}?{urlencode([*kept, *changes.items()])}"


def office_problem(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """A problem in the back office's frame. It must not wait: it shows what is remembered."""
    state = request.app.state
    request_id = str(request.scope["state"].get("request_id", ""))
    _, shop = state.get("shop", (0.0, None))
    if shop is None:
        return bare_problem(problem, request_id)
    # Who asks is not looked up here; the places are no secret, and each asks for its right.
    view = _view(request, shop, who=SYSTEM, csrf="")
    return view.show(
        "backoffice/problem.html",
        status=problem.status,
        headers={**problem.headers, "Cache-Control": "no-store"},
        problem=problem,
        request_id=request_id,
    )
