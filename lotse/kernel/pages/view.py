"""A page while it is answered: who looks, in which language, at what moment; asks slots and renders templates.

A page handler takes `view`, calls one query or one command, and ends with `view.show(...)` or `view.go(...)`:

    @get("/p/{slug:str}", guards=[public])
    async def product(view: View, database: Database, slug: str) -> Response[str]: ...
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from babel import Locale
from litestar import Response
from litestar.datastructures import Cookie
from markupsafe import Markup
from msgspec import Struct, field

from lotse.kernel.pages.environment import Templates
from lotse.kernel.pages.formatting import locale_of
from lotse.kernel.pages.slots import Answerer, Answers, Ask, Connecting, Keeping, Look, Slots, Standing

_YEAR_SECONDS = 365 * 24 * 3600
# Prices, mostly: half a kilobyte each.
_MOST_GISTS = 20_000


def remembered(name: str, value: str, *, secure: bool) -> Cookie:
    """A cookie of what a visitor chose, for a year. `secure`: who came over TLS sends it over nothing else."""
    return Cookie(name, value=value, max_age=_YEAR_SECONDS, samesite="lax", secure=secure)


class Parts:
    """Pieces of pages as they were rendered, by all that they depend on; all go when there are too many."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._known: dict[Hashable, Markup] = {}

    def get(self, key: Hashable) -> Markup | None:
        return self._known.get(key)

    def put(self, key: Hashable, piece: Markup) -> None:
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[key] = piece


class Site(Struct, frozen=True):
    """What all pages of a process share."""

    templates: Templates
    slots: Slots
    database: Connecting
    parts: Parts = field(default_factory=Parts)
    gists: Parts = field(default_factory=lambda: Parts(_MOST_GISTS))


class View:
    """One visitor's look at one page. `values` are what the layout needs; a page's own values join them."""

    def __init__(
        self,
        site: Site,
        question: Ask,
        values: Mapping[str, Any],
        *,
        prefix: str = "",
        base: str = "",
        zone: str = "UTC",
        keeping: Keeping | None = None,
        patience_ms: int = 0,
        secure: bool = False,
    ) -> None:
        self.site = site
        self.question = question
        self.prefix = prefix
        self.base = base
        self.zone = zone
        # Cookies that the answer sets, for a year: nothing secret, only what the visitor chose.
        self.cookies: dict[str, str] = {}
        # Cookies that have done their work, with their paths: a draft is shown once.
        self.spent: dict[str, str] = {}
        # Whether the visitor came over TLS.
        self._secure = secure
        self._values = dict(values)
        # How long slots may take at least; see `Slots.ask`.
        self._patience_ms = patience_ms
        # Where it is told what the page shows, if it may be kept for others.
        self._keeping = keeping
        self._answers = Answers()
        self._shown: Mapping[str, Any] = {}

    @property
    def language(self) -> str:
        return self.question.language

    @property
    def locale(self) -> Locale:
        """The CLDR locale of the visitor's language."""
        return locale_of(self.language)

    def text(self, message: str, **values: Any) -> str:
        """A message in the visitor's language."""
        return self.site.templates.gettext(self.language)(message, **values)

    def href(self, path: str, **query: Any) -> str:
        """An address of this site in the visitor's language; None and empty values of the query are left out."""
        kept = {name: value for name, value in query.items() if value not in (None, "")}
        return self.prefix + path + (f"?{urlencode(kept)}" if kept else "")

    def address(self, path: str, **query: Any) -> str:
        """The one address of a page in the visitor's language, with everything: for search engines and feeds."""
        kept = {name: value for name, value in query.items() if value not in (None, "")}
        whole = f"{self.base}/{self.language}{'' if path == '/' else path}"
        return whole + (f"?{urlencode(kept)}" if kept else "")

    def put(self, name: str, value: Any) -> None:
        """Give the frame's templates one value more."""
        self._values[name] = value

    def given(self, name: str) -> Any:
        """What the frame's templates are given by this name; None if nothing is."""
        return self._values.get(name)

    def say(self, what: Any) -> None:
        """Have the frame say something above the page, as `said`."""
        self._values["said"] = what

    def shows(self, *tags: str, types: Sequence[str] = ()) -> None:
        """The page is everybody's, and changes with events of these tags and types, and with its slots' answers.

        What a page shows and does not say is shown for a minute after it changed.
        """
        if self._keeping is not None:
            self._keeping.shows(tags, types)

    def stands(self, standing: Standing, look: Look | None = None) -> None:
        """How long a part of the page stands; `look` looks at its signs, if it has some.

        Whether the page is everybody's is for its handler to say (`shows`).
        """
        if self._keeping is not None:
            self._keeping.add(standing, look)

    async def ask(self, ids: Mapping[str, Sequence[UUID]]) -> Answers:
        """Ask slots for the ids that this page shows. Once per page; all slots at the same time."""
        found = await self.site.slots.ask(
            self.site.database, self.question, ids, self._keeping, patience_ms=self._patience_ms
        )
        self._answers = self._answers.joined(found)
        return found

    def render(self, template: str, **values: Any) -> str:
        """A template with the frame's values, the page's and the answers of the slots."""
        mine = {
            **self._values,
            "view": self,
            "href": self.href,
            "at": self.question.at,
            "zone": self.zone,
            "slot": self._slot,
            "part": self._part,
            "answers_of": self._answers,
            **values,
        }
        return self.site.templates.render(template, self.language, mine)

    def show(
        self, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response[str]:
        """The page as an answer."""
        self._shown = values
        response = Response(
            self.render(template, **values),
            status_code=status,
            media_type="text/html",
            # Whoever wants to keep pages (a cache in front) must know better than a header when they change.
            headers={
                "Vary": "HX-Request, Cookie, Accept-Language",
                "Content-Language": self.language,
                "Cache-Control": "private, no-cache",
                **(headers or {}),
            },
            cookies=[remembered(name, value, secure=self._secure) for name, value in self.cookies.items()],
        )
        for name, path in self.spent.items():
            response.delete_cookie(name, path=path)
        return response

    def go(self, path: str, *, status: int = 303, **query: Any) -> Response[str]:
        """Send the browser on with GET, so that a reload repeats nothing."""
        return Response("", status_code=status, media_type="text/plain", headers={"Location": self.href(path, **query)})

    def _part(self, template: str, *key: Hashable) -> Markup:
        """A piece of the page that many pages share: rendered once per language and key.

        The key holds everything that the piece depends on; what is a visitor's own has no place in it.
        """
        whole = (template, self.language, key)
        piece = self.site.parts.get(whole)
        if piece is None:
            piece = Markup(self.render(template, **self._shown))  # noqa: S704 - a template's own output, escaped there
            self.site.parts.put(whole, piece)
        return piece

    def _slot(self, name: str, *ids: UUID) -> Markup:
        """What the answerers of a slot show for these ids, as one piece."""
        pieces = [self._piece(answerer, answers) for answerer, answers in self._answers.of(name, ids)]
        return pieces[0] if len(pieces) == 1 else Markup("").join(pieces)

    def _piece(self, answerer: Answerer, answers: Sequence[Any]) -> Markup:
        if answerer.gist is None:
            return Markup(self.render(answerer.template, answers=answers))  # noqa: S704 - a template's own output, escaped there
        gist = answerer.gist(answers)
        key = (answerer.template, self.language, gist)
        piece = self.site.gists.get(key)
        if piece is None:
            rendered = self.site.templates.render(answerer.template, self.language, {"gist": gist})
            piece = Markup(rendered)  # noqa: S704 - a template's own output, escaped there
            self.site.gists.put(key, piece)
        return piece
