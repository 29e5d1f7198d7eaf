"""The waiting page in parts, as `pages` renders them once in a while; the front fills in who waits where.

A line of a hundred thousand refreshes its page a thousand times a second, so it must cost the pages role nothing: a
refresh is a few replacements in text that was rendered before, in the retailer's own look and language.
"""

from html import escape

from msgspec import Struct

# What stands in the text until it is filled in. No text of a shop holds these.
PLACE = "[[place]]"
POSITION = "[[position]]"
WAIT = "[[wait]]"
MINUTES = "[[minutes]]"
SECONDS = "[[seconds]]"


class Parts(Struct, frozen=True):
    """`page` holds `PLACE` and `SECONDS`; the fragments hold what they show; `title` goes with a refreshed fragment."""

    page: str
    title: str
    waiting: str
    gathering: str
    unnumbered: str
    moment: str
    minute: str
    minutes: str
    hours: str
    unknown: str
    group: str

    def place(self, position: int, wait_seconds: float | None, refresh: int) -> str:
        """The fragment for a position in the line."""
        return (
            self.waiting.replace(POSITION, self.number(position))
            .replace(WAIT, self.wait(wait_seconds))
            .replace(SECONDS, str(refresh))
        )

    def wait(self, seconds: float | None) -> str:
        """A wait in words: nobody needs the seconds of it."""
        if seconds is None:
            return self.unknown
        if seconds < 45:
            return self.moment
        minutes = round(seconds / 60)
        if minutes <= 1:
            return self.minute
        if minutes > 90:
            return self.hours
        # Long waits are guesses: in steps of five minutes they do not pretend to be more.
        return self.minutes.replace(MINUTES, str(minutes if minutes <= 10 else 5 * round(minutes / 5)))

    def number(self, number: int) -> str:
        return f"{number:,}".replace(",", self.group)

    def whole(self, fragment: str, refresh: int) -> bytes:
        """The page around a fragment."""
        return self.page.replace(PLACE, fragment).replace(SECONDS, str(refresh)).encode()

    def refreshed(self, fragment: str, position: int | None) -> bytes:
        """A fragment by itself, with the title of the window."""
        title = self.title.replace(POSITION, self.number(position) if position else "…")
        return f"<title>{escape(title)}</title>{fragment}".encode()


def _bare() -> Parts:
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'<meta http-equiv="refresh" content="{SECONDS}"><title>Waiting room</title></head>'
        f"<body><h1>Many people are here at this moment</h1>{PLACE}"
        "<p>This page refreshes itself. Your place is kept.</p></body></html>"
    )
    return Parts(
        page=page,
        title=f"{POSITION} – waiting room",
        waiting=f"<p>Before you: {POSITION}. {WAIT}</p>",
        gathering="<p>It has not begun yet.</p>",
        unnumbered="<p>Your place comes in a moment.</p>",
        moment="Less than a minute.",
        minute="About a minute.",
        minutes=f"About {MINUTES} minutes.",
        hours="More than an hour and a half.",
        unknown="",
        group=",",
    )


# When pages cannot be asked: it may be just what is overloaded.
BARE = _bare()
