"""Consent, the events of the script, and in the back office what came in.

Posts render nothing. The banner is part of every page, the same for everybody and hidden; the script shows it to
whoever has not chosen, and `/consent.css` does for browsers without scripts.
"""

import time
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from lotse.domains.behaviour import commands, queries
from lotse.domains.behaviour.contracts import Batch, LogBusy, NotAgreed, TooMuchTold
from lotse.domains.behaviour.rules import (
    CONSENT_COOKIE,
    CONSENT_SECONDS,
    VISIT_COOKIE,
    VISITOR_COOKIE,
    Allowance,
    bot_of,
    objects,
    read_consent,
    read_id,
    visit_of,
    written_consent,
)
from lotse.kernel import problems
from lotse.kernel.auth.forms import address_parts
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.auth.visitor import guesser
from lotse.kernel.db import Database
from lotse.kernel.http import decoded
from lotse.kernel.pages.i18n import N_, catalogue
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.view import View
from lotse.kernel.problems import MalformedBody
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.seams import THEMES
from lotse.kernel.settings import Settings

PAGE = "/consent"
# A hundred events of the script are some 15 KiB; a beacon may have 64.
MOST_BYTES = 64 * 1024
_NO_STORE = {"Cache-Control": "private, no-store"}
_LOOKED_BACK = timedelta(days=7)

# What is asked. A change of these is a new TEXT_VERSION (rules.py): then everybody is asked again.
HEADING = N_("May we learn how you use the shop?")
ASKED = N_(
    "We would like to measure what is seen and clicked, to make the shop better and to choose advertising that suits "
    "you. Only if you agree, and nothing goes to other companies. You can change your mind at any time: “Privacy "
    "choices” at the foot of every page."
)
NECESSARY = N_("Basket, language, sign-in and this choice. The shop does not work without.")
MEASUREMENT = N_(
    "Which pages, searches and articles you see and click, under a random number that this browser keeps for half a "
    "year. If you take it back, the number and what we logged under it are deleted."
)
MARKETING = N_("Choosing advertising by what you looked at here. At the moment the shop does none.")
_WORDS = (HEADING, ASKED, NECESSARY, MEASUREMENT, MARKETING)

# The bare fields of the page's form.
Chosen = Literal["all", "none", "own"]


@cache
def words_in(language: str) -> str:
    """The words that are agreed to, as they are shown: what the proof keeps."""
    themes = [Path(str(files(point.value))) for point in entry_points(group=THEMES)]
    texts = catalogue([folder / "locale" for folder in (*themes, Path(str(files("lotse"))))], language)
    return "\n\n".join(texts.gettext(one) for one in _WORDS)


@get(PAGE, guards=[public], opt={"waits": False})
async def consent_page(request: Request[Any, Any, Any], view: View) -> Response[str]:
    """What was chosen, and the way to choose otherwise."""
    return view.show(
        "behaviour/consent.html",
        consent=read_consent(request.cookies.get(CONSENT_COOKIE)),
        objects=objects(_told(request)),
        is_done="done" in request.query_params,
        texts={"necessary": NECESSARY, "measurement": MEASUREMENT, "marketing": MARKETING},
        asked=ASKED,
        headers=_NO_STORE,
    )


@get("/consent.css", guards=[public], opt={"waits": False})
async def consent_css(request: Request[Any, Any, Any]) -> Response[str]:
    """For browsers without scripts: shows the banner to whoever has not chosen. Personal, so nobody keeps it."""
    told = _told(request)
    asks = read_consent(request.cookies.get(CONSENT_COOKIE)) is None and not objects(told)
    # The sheet of the banner comes with it: whoever has chosen never loads that.
    sheet = request.app.state.static.find("css/consent.css")
    text = sheet.content.decode() + "\n.consent[hidden] { display: grid !important; }\n" if asks and sheet else ""
    return Response(text, media_type="text/css", headers=_NO_STORE)


@post(PAGE, guards=[public], opt={"waits": False, "form": PAGE})
async def choose(request: Request[Any, Any, Any], database: Database, at: datetime) -> Response[Any]:
    """Keep a choice: `all`, `none`, or `own` with a box per purpose. Refusal: `Invalid`.

    The script asks for no page back (`Accept: application/json`); a form goes back to where it was sent from.
    """
    form = await request.form()
    choice = form.get("choice", "")
    if choice not in ("all", "none", "own"):
        raise Invalid(field="choice", rule="all, none or own")
    measurement = choice == "all" or (choice == "own" and form.get("measurement") == "yes")
    marketing = choice == "all" or (choice == "own" and form.get("marketing") == "yes")
    language = str(form.get("language", ""))
    before = read_consent(request.cookies.get(CONSENT_COOKIE))
    visitor = read_id(request.cookies.get(VISITOR_COOKIE))
    place = "page" if form.get("place") == "page" else "banner"
    async with database.transaction() as tx:
        chosen = await commands.choose(
            tx,
            measurement=measurement,
            marketing=marketing,
            words=words_in(language if len(language) == 2 and language.isalpha() else "en"),
            language=language if len(language) == 2 and language.isalpha() else "en",
            place=place,
            before=before,
            visitor=visitor,
            at=at,
        )
    cookies = [_cookie(request, CONSENT_COOKIE, written_consent(chosen), CONSENT_SECONDS, readable=True)]
    # An id only for who agrees, and drawn by chance: it says nothing but that it is the same browser.
    wanted = (visitor or uuid4()).hex if measurement else ""
    cookies.append(_cookie(request, VISITOR_COOKIE, wanted, CONSENT_SECONDS if measurement else 0))
    if not measurement:
        cookies.append(_cookie(request, VISIT_COOKIE, "", 0))
    if "application/json" in request.headers.get("accept", ""):
        return Response(None, status_code=204, cookies=cookies)
    goes_to = f"{PAGE}?done=1" if place == "page" else _from_here(request)
    return Redirect(goes_to, status_code=303, cookies=cookies)


@post("/events", guards=[public], opt={"waits": False, "form": None})
async def take_events(request: Request[Any, Any, Any], settings: Settings, at: datetime) -> Response[bytes]:
    """What a script tells. Refusals, each counted by name: `MalformedBody`, `Invalid`, `TooMuchTold`, `NotAgreed`,
    `LogBusy`.

    Answered as a problem here: nobody sees a form again, and none is kept.
    """
    try:
        _take(request, await _body(request), settings, at)
    except Refusal as refusal:
        commands.refuse(refusal.code)
        problem = problems.of(refusal, method="POST", path="/events")
        request_id = str(request.scope["state"].get("request_id", ""))
        return Response(
            problem.body(request_id),
            status_code=problem.status,
            media_type=problems.MEDIA_TYPE,
            headers=problem.headers,
        )
    return Response(b"", status_code=204)


async def _body(request: Request[Any, Any, Any]) -> bytes:
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MOST_BYTES:
        raise MalformedBody(rule=f"a body of a known length, at most {MOST_BYTES} bytes")
    return await request.body()


def _take(request: Request[Any, Any, Any], body: bytes, settings: Settings, at: datetime) -> None:
    batch: Batch = decoded(body, Batch)
    who = guesser(request.client.host if request.client else "")
    if not _allowance(settings.events_per_address).take(who, len(batch.events), time.monotonic()):
        raise TooMuchTold()
    visit = visit_of(request.cookies, objects(_told(request)), bot_of(request.headers.get("user-agent", "")))
    if visit.visitor is None:
        raise NotAgreed()
    told = [(one.event, at - timedelta(milliseconds=one.ms_ago)) for one in batch.events]
    log = request.app.state.process.behaviour
    if log is None or not log.put(*commands.rows(told, visit, source="script", view=batch.view)):
        raise LogBusy()


@cache  # one per process: its memory is the limit
def _allowance(rate: int) -> Allowance:
    return Allowance(rate, rate * 10)


def _told(request: Request[Any, Any, Any]) -> dict[str, str]:
    return {name: request.headers.get(name, "") for name in ("sec-gpc", "dnt")}


def _from_here(request: Request[Any, Any, Any]) -> str:
    """The page that a form was sent from, as a path of this very site."""
    address = address_parts(request.headers.get("referer", ""))
    if address is None:
        return "/"
    path = address.path + (f"?{address.query}" if address.query else "")
    is_ours = address.netloc == request.headers.get("host") and path.startswith("/") and path[1:2] not in ("/", "\\")
    return path if is_ours and path.isprintable() else "/"


def _cookie(request: Request[Any, Any, Any], name: str, value: str, seconds: int, *, readable: bool = False) -> Cookie:
    """`readable`: by the script, which has to know what was chosen."""
    secure = request.scope["scheme"] == "https"
    return Cookie(name, value=value, max_age=seconds, httponly=not readable, samesite="lax", secure=secure)


@get("/office/behaviour", guards=[needs("behaviour.read")])
async def office_behaviour(view: View, database: Database) -> Response[str]:
    """What came in during the last week, and how people choose."""
    since = view.question.at - _LOOKED_BACK
    async with database.snapshot() as conn:
        found = await queries.sums(conn, since=since)
        chosen = await queries.choices(conn, since=since)
    return view.show("behaviour/office_behaviour.html", sums=found, choices=chosen, kinds=KINDS, bots=BOTS)


KINDS = {
    "page_viewed": N_("Page views"),
    "search_made": N_("Searches"),
    "seen": N_("Impressions"),
    "clicked": N_("Clicks"),
    "basket_changed": N_("Basket changes"),
    "ordered": N_("Orders received"),
    "exposed": N_("Exposures"),
    "promise_shown": N_("Promises shown"),
}
BOTS = {
    "": N_("People"),
    "known crawler": N_("Known crawlers"),
    "no name": N_("Programs without a name"),
    "too fast": N_("Too fast for people"),
    "staff": N_("Staff"),
}

routes = (consent_page, consent_css, choose, take_events, office_behaviour)
places = (Place("/office/behaviour", N_("Behaviour"), "list", "", "behaviour.read", "customers", 60),)
