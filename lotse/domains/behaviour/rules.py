"""Pure decisions: what a consent allows, who is no person, which words say too much, how fast is too fast."""

import re
from collections import OrderedDict
from functools import cache, lru_cache
from uuid import UUID

from lotse.domains.behaviour.contracts import Consent, Visit

# Changes when the words of the banner or the purposes change: then everybody is asked again.
TEXT_VERSION = "2026-11-23"

CONSENT_COOKIE = "lotse_consent"
VISITOR_COOKIE = "lotse_visitor"
VISIT_COOKIE = "lotse_visit"

# Half a year, as supervisory authorities advise for asking again.
CONSENT_SECONDS = 180 * 24 * 3600
# A visit ends when nothing comes for half an hour, as analytics count everywhere.
VISIT_SECONDS = 30 * 60

_CONSENT = re.compile(r"([0-9a-z-]{1,16})\.([01])([01])(?:\.([0-9a-f]{32}))?")
_ADDRESS = re.compile(r"\S+@\S+")
# A telephone number, a card, an account: seven digits and more with what people put between them. The number of an
# article has such length, too; it is found by what was shown.
_NUMBER = re.compile(r"\+?\d(?:[ ()./-]?\d){6,}")

# People turn a page every few seconds; who asks for more than this within the span follows links by program.
FAST_SECONDS = 10
FAST_VIEWS = 40
# Addresses that are watched at a time; the longest silent is forgotten first.
_WATCHED = 20_000


def read_consent(cookie: str | None) -> Consent | None:
    """What a cookie says was chosen; None if nothing was, or about older words: then it has to be asked again."""
    found = _CONSENT.fullmatch(cookie or "")
    if found is None or found[1] != TEXT_VERSION:
        return None
    consent = Consent(found[1], found[2] == "1", found[3] == "1", UUID(found[4]) if found[4] else None)
    # Agreement without its proof was not given here.
    return consent if consent.id or not (consent.measurement or consent.marketing) else None


def written_consent(consent: Consent) -> str:
    """The cookie of a choice."""
    proof = f".{consent.id.hex}" if consent.id else ""
    return f"{consent.text_version}.{consent.measurement:d}{consent.marketing:d}{proof}"


def objects(headers: "dict[str, str]") -> bool:
    """Whether the browser says no by itself: Global Privacy Control (`Sec-GPC: 1`) or Do Not Track (`DNT: 1`)."""
    return headers.get("sec-gpc") == "1" or headers.get("dnt") == "1"


def visit_of(cookies: "dict[str, str]", objecting: bool, bot: str = "") -> Visit:
    """Whose visit this is. Nobody's without a consent to measurement, or against the browser's word."""
    consent = None if objecting else read_consent(cookies.get(CONSENT_COOKIE))
    visitor = read_id(cookies.get(VISITOR_COOKIE)) if consent and consent.measurement else None
    return Visit(visitor, read_id(cookies.get(VISIT_COOKIE)) if visitor else None, bot)


def read_id(text: str | None) -> UUID | None:
    """An id of ours in a cookie; whatever else stands there is none."""
    if text is None or len(text) != 32:
        return None
    try:
        return UUID(text)
    except ValueError:
        return None


@lru_cache(maxsize=4_000)  # the list has a thousand patterns; the same few browsers come all day
def bot_of(agent: str) -> str:
    """Why this is no person by the name that it gives itself; empty if it may be one. The name is not kept."""
    if not agent.strip():
        return "no name"
    return "known crawler" if _is_crawler()(agent) else ""


@cache
def _is_crawler():
    from crawleruseragents import is_crawler  # type: ignore[import-untyped]

    return is_crawler


def scrubbed(words: str) -> str:
    """Words of a search without what may name a person: addresses of mail and long numbers."""
    return _NUMBER.sub("#", _ADDRESS.sub("@", words))[:200].strip()


class Pace:
    """Views per address of the last seconds, in memory only: tells programs that call themselves browsers."""

    def __init__(self, views: int = FAST_VIEWS, seconds: float = FAST_SECONDS, most: int = _WATCHED) -> None:
        self._views = views
        self._seconds = seconds
        self._most = most
        # Of each the begin of its span and how many came since, by their begin.
        self._seen: OrderedDict[str, list[float]] = OrderedDict()

    def too_many(self, who: str, now: float, views: int = 1) -> int:
        """How many of these views are too many; `now` in seconds of a clock that only goes forward."""
        span = self._seen.get(who)
        if span is None or now - span[0] > self._seconds:
            self._seen.pop(who, None)
            span = self._seen[who] = [now, 0]
            if len(self._seen) > self._most:
                self._seen.popitem(last=False)
        span[1] += views
        return min(views, max(0, int(span[1]) - self._views))


class Allowance:
    """How many events an address may tell: a bucket that fills again by `rate` a second. In memory only."""

    def __init__(self, rate: float, burst: float, most: int = _WATCHED) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, events: int, now: float) -> bool:
        """Whether this many more are within it; if not, nothing is taken."""
        left, at = self._left.pop(who, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        allowed = events <= left
        self._left[who] = (left - events if allowed else left, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return allowed
