"""The names of media and the addresses of their renditions. Pure.

A name is what a file is: the SHA-256 of its bytes, its size in pixels if it has one, its ending:

    9f86d081884c7d65…0f00a08-2400x1600.jpg

So a name never changes its meaning, what is served under it is right for ever, and whoever has the name alone (a card,
a basket line, a feed) can say width, height and every rendition, without asking anybody.

A rendition is a picture cut to a width: `<name>/<recipe>-<width>.avif`. The recipe counts up when we cut differently,
so that an address still never changes its meaning. A drawing is drawn at a width in the same way.
"""

import re
from functools import lru_cache
from typing import Literal

from msgspec import Struct

Format = Literal["avif", "webp", "jpg"]

# Ending and type; only what a shop's pages show.
TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "pdf": "application/pdf",
}
# Of pages, best first: a browser takes the first that it knows. WebP is the one that all know.
FORMATS: tuple[Format, ...] = ("avif", "webp")
# Count up when quality, colours or sharpening change.
RECIPE = 1
# From a thumbnail in a table to a whole screen; each about one and a half to two times the one before, which is as near
# as eyes can tell, and few enough to be cut once and kept.
WIDTHS = (160, 320, 480, 640, 960, 1280, 1920)
# A drawing has any size, so its own says nothing. Beyond this width it is served as it is: shown so large, it is one of
# a page and not one of twenty-four.
DRAWN_WIDTHS = tuple(width for width in WIDTHS if width <= 1280)
# Icons weigh less than any rendition of them.
_SMALLEST_DRAWING = 64
# A strip would be drawn for minutes, and nobody shows one: two screens.
_TALLEST_DRAWN = 2560
# What networks and search engines ask of a picture that they show for a page (Open Graph, schema.org).
SHARED_WIDTH = 1200
# Where nothing is known of the layout: a card on a desk.
_USUAL = 640

_NAME = re.compile(
    rf"(?P<digest>[0-9a-f]{{64}})(?:-(?P<width>[1-9]\d{{0,4}})x(?P<height>[1-9]\d{{0,4}}))?\.(?P<ending>{'|'.join(TYPES)})"
)
_RENDITION = re.compile(r"(?P<recipe>[1-9]\d{0,2})-(?P<width>[1-9]\d{0,4})\.(?P<format>avif|webp|jpg)")
_CUT_FROM = frozenset(("jpg", "png", "webp", "avif"))


class Name(Struct, frozen=True):
    """A name taken apart."""

    digest: str
    width: int | None
    height: int | None
    ending: str

    def __str__(self) -> str:
        size = f"-{self.width}x{self.height}" if self.width and self.height else ""
        return f"{self.digest}{size}.{self.ending}"

    @property
    def media_type(self) -> str:
        return TYPES[self.ending]

    @property
    def is_drawing(self) -> bool:
        """Shapes, which can be shown as they are at any size."""
        return self.ending == "svg"

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths that this picture is cut to, the smallest first: never more than it has, except for a drawing.
        None for documents, icons, and what was stored when names did not say their size."""
        if self.width is None or self.height is None:
            return ()
        if self.is_drawing:
            if max(self.width, self.height) < _SMALLEST_DRAWING:
                return ()
            return tuple(width for width in DRAWN_WIDTHS if self.height_at(width) <= _TALLEST_DRAWN)
        if self.ending not in _CUT_FROM:
            return ()
        return (
            *(width for width in WIDTHS if width < self.width),
            *((self.width,) if self.width <= WIDTHS[-1] else ()),
        )

    @property
    def shared_width(self) -> int | None:
        """The width of the JPEG that other people's pages show; None for what is not cut."""
        return min(SHARED_WIDTH, self.widths[-1]) if self.widths else None

    def height_at(self, width: int) -> int:
        """How high a rendition of this width is, in whole pixels, at least one."""
        if not self.width or not self.height:
            raise ValueError(f"{self} does not say its size")
        return max(1, round(self.height * width / self.width))


class Rendition(Struct, frozen=True):
    """A rendition's own part of its address."""

    width: int
    format: Format

    def __str__(self) -> str:
        return f"{RECIPE}-{self.width}.{self.format}"

    @property
    def media_type(self) -> str:
        return TYPES[self.format]


def parsed(name: str) -> Name | None:
    """A name taken apart, or None for what is no name (`..`, an unknown ending)."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    width, height = found["width"], found["height"]
    return Name(found["digest"], int(width) if width else None, int(height) if height else None, found["ending"])


def rendition(name: Name, text: str) -> Rendition | None:
    """A rendition of this medium, or None for one that it has not: an address cannot ask for any width there is."""
    found = _RENDITION.fullmatch(text)
    if found is None or int(found["recipe"]) != RECIPE:
        return None
    width = int(found["width"])
    if found["format"] == "jpg":
        return Rendition(width, "jpg") if width == name.shared_width else None
    if width not in name.widths:
        return None
    return Rendition(width, "avif" if found["format"] == "avif" else "webp")


def renditions(name: Name) -> list[Rendition]:
    """Everything that pages show of a picture; the one that is shared is made when somebody asks for it."""
    return [Rendition(width, format) for width in name.widths for format in FORMATS]


def key_of(name: Name) -> str:
    """Where a medium lies in the store: 256 folders, so that none becomes too large to be listed."""
    return f"{name.digest[:2]}/{name}"


def rendition_key(name: Name, cut: Rendition) -> str:
    """Where a rendition lies: beside its medium, so that they are found and removed together."""
    return f"{key_of(name)}.d/{cut}"


def address(name: str, width: int | None = None) -> str:
    """Where a medium is served: as a WebP of about this width if it is a picture that is cut, else as it is. So is a
    drawing that is shown larger than any rendition."""
    known = parsed(name) if width else None
    if known is None or width is None or not known.widths or (known.is_drawing and width > known.widths[-1]):
        return f"/media/{name}"
    fitting = next((one for one in known.widths if one >= width), known.widths[-1])
    return f"/media/{name}/{Rendition(fitting, 'webp')}"


def shared(name: str) -> str:
    """Where a medium is served to those who show it beside a link to a page: networks, messengers, search engines. As a
    JPEG, which all of them read, if it is a picture that is cut."""
    known = parsed(name)
    width = known.shared_width if known else None
    return f"/media/{name}/{Rendition(width, 'jpg')}" if width else f"/media/{name}"


class Source(Struct, frozen=True):
    """What a page needs to show a medium: `srcset` by media type, best first (none for what is not cut), an address for
    browsers that know none of it, and the size that keeps the page from jumping, if the name says it."""

    src: str
    srcsets: tuple[tuple[str, str], ...]
    width: int | None
    height: int | None


@lru_cache(maxsize=2_048)  # a page of cards names two dozen; some 2 kB each
def source(name: str) -> Source:
    """How a medium is shown, told by its name alone."""
    known = parsed(name)
    if known is None or not known.widths:
        return Source(f"/media/{name}", (), known.width if known else None, known.height if known else None)
    srcsets = tuple(
        (TYPES[format], ", ".join(f"/media/{name}/{Rendition(width, format)} {width}w" for width in known.widths))
        for format in FORMATS
    )
    src = f"/media/{name}" if known.is_drawing else address(name, _USUAL)
    return Source(src, srcsets, known.width, known.height)
