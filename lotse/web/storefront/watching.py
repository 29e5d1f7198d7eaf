"""Tells the log of behaviour what was shown and done, from the side of the server.

Without consent a page view is a fact about the shop and nobody's: which page, when, what it showed. Neither address nor
browser nor anything that tells two visitors apart goes into the log; the browser's name is looked at, to know crawlers
by it, and forgotten. With consent the view carries the visitor's and the visit's number, and the page learns the number
of its view by `Server-Timing`, so that what the script tells belongs to it. Kept pages are watched as well: what they
say of themselves is kept with them.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from uuid import UUID, uuid4

from litestar.handlers import HTTPRouteHandler
from msgspec.structs import replace

from lotse.domains.behaviour import commands
from lotse.domains.behaviour.commands import KeptView
from lotse.domains.behaviour.contracts import Event, Exposed, PageViewed, Visit
from lotse.domains.behaviour.rules import VISIT_COOKIE, VISIT_SECONDS, Pace, bot_of, objects, visit_of
from lotse.domains.experiments.contracts import NewDecision
from lotse.kernel import clock
from lotse.kernel.auth.sessions import COOKIE as SESSION_COOKIE
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.deciding import Noted, deciding, points
from lotse.kernel.pages.kept import KeptPage
from lotse.web.process import Process
from lotse.web.storefront.deciding import PREVIEW, Assignments
from lotse.web.storefront.frame import without_language

# What a page is about may be logged where it says nothing about a person: these are the same for everybody.
_PUBLIC = frozenset(("/p/{slug}", "/c/{slug}", "/info/{slug}"))
_LOOKED_AT = frozenset((b"cookie", b"user-agent", b"sec-gpc", b"dnt", b"hx-request", b"sec-purpose"))
# A decision is recorded once per unit and experiment; a process that has forgotten one records it again.
_REMEMBERED = 50_000
# Addresses whose form is remembered; there are as many kept pages at most.
_PATHS = 5_000
_VISIT, _SESSION = VISIT_COOKIE.encode(), SESSION_COOKIE.encode()


class Pages:
    """The forms of the storefront's addresses: `/p/kite` is a `/p/{slug}`."""

    def __init__(self, routes: Iterable[Any]) -> None:
        self._exact: dict[str, str] = {}
        self._shaped: dict[tuple[str, int], str] = {}
        for route in routes:
            if not isinstance(route, HTTPRouteHandler) or "GET" not in {str(method) for method in route.http_methods}:
                continue
            for path in route.paths if "view" in route.fn.__annotations__ else ():
                form = re.sub(r":[a-z]+\}", "}", path)
                if form.startswith(("/office", "/signin", "/signout")):
                    continue
                if "{" not in form:
                    self._exact[form.rstrip("/") or "/"] = form
                else:
                    parts = form.strip("/").split("/")
                    # A parameter in the first place: any word that no other page has.
                    self._shaped.setdefault(("" if "{" in parts[0] else parts[0], len(parts)), form)

    def of(self, path: str) -> tuple[str, str]:
        """The form of an address, and the word in its second place; empty if it is no page of the storefront."""
        path = without_language(path)
        exact = self._exact.get(path)
        if exact is not None:
            return exact, ""
        parts = path.strip("/").split("/")
        form = self._shaped.get((parts[0], len(parts))) or self._shaped.get(("", len(parts))) or ""
        return form, parts[1] if len(parts) > 1 else ""


class Watching:
    """ASGI, around the pages, kept or rendered: decides before, logs after."""

    def __init__(self, app: Any, process: Process, assigned: Assignments, routes: Iterable[Any]) -> None:
        self._app = app
        self._process = process
        self._assigned = assigned
        self._pages = Pages(routes)
        self._pace = Pace()
        self._recorded: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._known: dict[str, tuple[str, str]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        page, subject = (
            self._pages.of(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else ("", "")
        )
        if not page:
            await self._app(scope, receive, send)
            return
        told = _told(scope["headers"])
        visit = _visit(told)
        # A piece of a page, or one that may never be looked at, is no view.
        is_view = "hx-request" not in told and "sec-purpose" not in told
        at = clock.now()
        query: bytes = scope["query_string"]
        noted = (await self._assigned.preview(query) if PREVIEW in query else None) or self._assigned.of(
            page, visit.visitor, at
        )
        scope["state"]["noted"] = noted
        view = uuid7()
        own: list[tuple[bytes, bytes]] = []
        if visit.visitor is not None:
            visit = visit if visit.session else replace(visit, session=uuid4())
            own = _own(visit, view if is_view else None, scope["scheme"] == "https")
        status, language = 0, ""

        async def seen_send(message: Any) -> None:
            nonlocal status, language
            if message["type"] == "http.response.start":
                status = message["status"]
                for name, value in message["headers"]:
                    if name == b"content-language":
                        language = value.decode("latin-1")
                if own:
                    message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        with deciding(noted):
            await self._app(scope, receive, seen_send)
        if status != 200 or not is_view or noted.preview:
            return
        client = (scope.get("client") or ("",))[0]
        if not visit.bot and self._pace.too_many(client, time.monotonic()):
            visit = replace(visit, bot="too fast")
        self._log(PageViewed(page, subject if page in _PUBLIC else "", language), visit, view, noted, at)

    def at_once(self, path: str, told: dict[bytes, bytes], client: str, kept: KeptPage) -> bool:
        """A kept page that is about to be sent without asking this layer (see `swift`). False: it wants to be asked,
        because experiments run on such a page or the visitor agreed to be known by a number.

        All that is the same each time was worked out the first time, and what is written is counted and packed in
        `behaviour`, many views at once: this stands in the way of every page, and took as long as all the rest of
        sending one.
        """
        page = kept.form
        if page is None:
            # The page's own fields: it is thrown away with them.
            page, subject = self._of(path)
            kept.form = page
            # Nothing is decided on such a page: what it says of itself is all that is to be logged.
            viewed = PageViewed(page, subject if page in _PUBLIC else "", kept.language)
            kept.view = KeptView([viewed, *(cast("tuple[Event, ...]", kept.noted[0]) if kept.noted else ())])
        if self._assigned.decides(page):
            return False
        cookie = told.get(b"cookie")
        if cookie and (_VISIT in cookie or _SESSION in cookie):
            return False
        if page and b"hx-request" not in told and b"sec-purpose" not in told:
            self.seen(told.get(b"user-agent", b""), client, kept)
        return True

    def seen(self, agent: bytes, client: str, kept: KeptPage, times: int = 1) -> None:
        """Log that somebody without cookies saw a page of which `at_once` said so a moment ago, maybe several times."""
        if self._process.behaviour is None or not kept.form:
            return
        bot = _bot_of(agent)
        # Programs that call themselves browsers: what they saw before they were too fast was seen as by anybody.
        fast = 0 if bot else self._pace.too_many(client, time.monotonic(), times)
        if times > fast:
            commands.see(self._process.behaviour, kept.view, bot, clock.now, times - fast)
        if fast:
            commands.see(self._process.behaviour, kept.view, "too fast", clock.now, fast)

    def _of(self, path: str) -> tuple[str, str]:
        found = self._known.get(path)
        if found is None:
            if len(self._known) >= _PATHS:
                self._known.clear()
            found = self._known[path] = self._pages.of(path)
        return found

    def _log(self, viewed: PageViewed, visit: Visit, view: UUID, noted: Noted, at: datetime) -> None:
        events: list[Event] = [viewed, *cast("list[Event]", noted.facts)]
        for choice in noted.choices.values():
            if choice.unit and choice.point in noted.used:
                events.append(Exposed(choice.point, choice.experiment, choice.variant, choice.unit))
                if not visit.bot:
                    self._record(
                        choice.point,
                        choice.experiment,
                        choice.variant,
                        choice.alternative,
                        choice.unit,
                        viewed,
                        view,
                        at,
                    )
        if self._process.behaviour is not None:
            self._process.behaviour.put(
                *commands.rows([(event, at) for event in events], visit, source="server", view=view)
            )

    def _record(
        self,
        point: str,
        experiment: str,
        variant: str,
        chosen: str,
        unit: str,
        viewed: PageViewed,
        view: UUID,
        at: datetime,
    ) -> None:
        """The decision with what could have been chosen. What comes of it stands in the log under the view's number."""
        if (experiment, unit) in self._recorded or self._process.decisions is None:
            return
        decision = NewDecision(
            point,
            unit,
            chosen,
            list(points()[point].alternatives),
            {"page": viewed.page, "subject": viewed.subject, "language": viewed.language},
            experiment,
            variant,
            f"view:{view}",
        )
        if self._process.decisions.put((decision, at)):
            self._recorded[experiment, unit] = None
            if len(self._recorded) > _REMEMBERED:
                self._recorded.popitem(last=False)


@lru_cache(maxsize=4_000)  # the same few browsers come all day
def _bot_of(agent: bytes) -> str:
    return bot_of(agent.decode("latin-1"))


class WatchingPosts:
    """ASGI, around what the api answers: logs what a post did, such as a change of a basket."""

    def __init__(self, app: Any, process: Process) -> None:
        self._app = app
        self._process = process

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].startswith("/api"):
            await self._app(scope, receive, send)
            return
        noted = Noted()
        status = 0

        async def seen_send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with deciding(noted):
            await self._app(scope, receive, seen_send)
        if noted.facts and status < 400 and self._process.behaviour is not None:
            at = clock.now()
            facts = [(event, at) for event in cast("list[Event]", noted.facts)]
            self._process.behaviour.put(*commands.rows(facts, _visit(_told(scope["headers"])), source="server"))


def _told(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name in _LOOKED_AT}


def _visit(told: dict[str, str]) -> Visit:
    """Whose visit this is, as far as they agreed; staff and crawlers are kept apart."""
    bot = bot_of(told.get("user-agent", ""))
    cookie = told.get("cookie")
    if not cookie:
        return Visit(bot=bot)
    pairs = (part.strip().partition("=") for part in cookie.split(";"))
    cookies = {name: value.strip('"') for name, _, value in pairs}
    if SESSION_COOKIE in cookies:
        bot = "staff"
    return visit_of(cookies, objects(told), bot)


def _own(visit: Visit, view: UUID | None, secure: bool) -> list[tuple[bytes, bytes]]:
    """What only this visitor's answer carries: the visit goes on for half an hour, and the view's number."""
    session = visit.session.hex if visit.session else ""
    cookie = f"{VISIT_COOKIE}={session}; Max-Age={VISIT_SECONDS}; Path=/; HttpOnly; SameSite=Lax{'; Secure' * secure}"
    headers = [(b"set-cookie", cookie.encode())]
    if view is not None:
        headers.append((b"server-timing", f'view;desc="{view}"'.encode()))
    return headers
