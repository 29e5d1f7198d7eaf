"""The drawing board: tones of a colour, gradients, clips, shadows. Knows no product.

A picture is 600 x 600 units and is built from text only: no fonts, no filters (they are slow on a page of forty
cards), no scripts, no links out of the file.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

SIDE = 600
# The dark and the light that every shade leans to: a cool ink and a warm paper keep all pictures in one family.
INK = "#101a26"
PAPER = "#fffdf8"

_Triple = tuple[float, float, float]


@lru_cache(maxsize=4096)
def _oklab(colour: str) -> _Triple:
    """sRGB hex to OKLab (Ottosson 2020, "A perceptual color space for image processing")."""
    r, g, b = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    mid = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * mid - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * mid + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * mid - 0.8086757660 * short,
    )


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _encoded(part: float) -> int:
    part = min(1.0, max(0.0, part))
    part = 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055
    return round(part * 255)


def _hex(lab: _Triple) -> str:
    light, a, b = lab
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    mid = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = _encoded(4.0767416621 * long - 3.3077115913 * mid + 0.2309699292 * short)
    green = _encoded(-1.2684380046 * long + 2.6097574011 * mid - 0.3413193965 * short)
    blue = _encoded(-0.0041960863 * long - 0.7034186147 * mid + 1.7076147010 * short)
    return f"#{red:02x}{green:02x}{blue:02x}"


@lru_cache(maxsize=8192)
def mix(one: str, other: str, share: float) -> str:
    """`share` 0 is `one`, 1 is `other`; mixed where equal steps look equal."""
    a, b = _oklab(one), _oklab(other)
    return _hex((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share))


def tone(colour: str, step: float) -> str:
    """Lighter for steps above 0, darker below; 1 would be paper, -1 ink."""
    return mix(colour, PAPER, step) if step > 0 else mix(colour, INK, -step)


@lru_cache(maxsize=4096)
def lightness(colour: str) -> float:
    """How light a colour looks, 0 to 1."""
    return _oklab(colour)[0]


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_SEGMENT = re.compile(r"([MLC])([^MLC]*)")


@lru_cache(maxsize=512)
def symmetric(half: str, axis: float = 300) -> str:
    """A closed outline from its right half.

    `half` runs from the top on the axis to the bottom on the axis, in absolute M, L and C only.
    """
    segments: list[list[tuple[float, float]]] = []
    for _, numbers in _SEGMENT.findall(half):
        values = [float(n) for n in _NUMBER.findall(numbers)]
        segments.append(list(zip(values[::2], values[1::2], strict=True)))
    right = "".join(_command(segment, first=index == 0) for index, segment in enumerate(segments))
    left = ""
    for index in range(len(segments) - 1, 0, -1):
        back = [*reversed(segments[index][:-1]), segments[index - 1][-1]]
        left += _command([(2 * axis - x, y) for x, y in back], first=False)
    return right + left + "Z"


def _command(points: list[tuple[float, float]], *, first: bool) -> str:
    letter = "M" if first else ("C" if len(points) == 3 else "L")
    return letter + " ".join(f"{x:g},{y:g}" for x, y in points)


class Canvas:
    """One picture while it is composed. `colour` is the product's, `accent` its second; `view` what is looked at."""

    def __init__(self, colour: str, accent: str, *, view: str = "front", mark: str = "") -> None:
        self.colour = colour
        self.accent = accent
        self.view = view
        self.mark_path = mark
        self._defs: dict[str, str] = {}
        self._body: list[str] = []

    # -- colours

    def tone(self, step: float) -> str:
        """A shade of the product's colour."""
        return tone(self.colour, step)

    def accent_tone(self, step: float) -> str:
        """A shade of the product's second colour."""
        return tone(self.accent, step)

    @property
    def contrast(self) -> str:
        """What can be read on the product's colour: the accent if it stands out, else light or dark."""
        if abs(lightness(self.accent) - lightness(self.colour)) > 0.22:
            return self.accent
        return tone(self.colour, 0.82) if lightness(self.colour) < 0.66 else tone(self.colour, -0.72)

    # -- what is defined once and used by name

    def _define(self, text: str) -> str:
        """Keep a definition once; its id. `text` has `{id}` where the id goes."""
        return self._defs.setdefault(text, f"d{len(self._defs)}")

    def fade(self, *stops: str, angle: str = "down") -> str:
        """A linear gradient over the shape's own box; a stop is `colour`, `colour/opacity` or with `@offset`."""
        x2, y2 = {"down": (0, 1), "right": (1, 0), "diagonal": (0.7, 1), "up-right": (1, -0.0001)}[angle]
        name = self._define(
            f'<linearGradient id="{{id}}" x1="0" y1="0" x2="{x2}" y2="{y2}">{_stops(stops)}</linearGradient>'
        )
        return f"url(#{name})"

    def glow(self, *stops: str, cx: float = 0.5, cy: float = 0.5, r: float = 0.5) -> str:
        """A radial gradient over the shape's own box."""
        name = self._define(f'<radialGradient id="{{id}}" cx="{cx}" cy="{cy}" r="{r}">{_stops(stops)}</radialGradient>')
        return f"url(#{name})"

    def pattern(self, width: float, height: float, content: str, transform: str = "") -> str:
        """A texture that repeats every `width` x `height` units."""
        turn = f' patternTransform="{transform}"' if transform else ""
        name = self._define(
            f'<pattern id="{{id}}" width="{width}" height="{height}" patternUnits="userSpaceOnUse"{turn}>'
            f"{content}</pattern>"
        )
        return f"url(#{name})"

    @property
    def cloth(self) -> str:
        """The fill of a soft thing: light from the upper left."""
        return self.fade(self.tone(0.14), f"{self.colour}@.45", self.tone(-0.2), angle="diagonal")

    @property
    def accent_cloth(self) -> str:
        """The same in the second colour."""
        return self.fade(self.accent_tone(0.14), f"{self.accent}@.45", self.accent_tone(-0.2), angle="diagonal")

    # -- what is drawn

    def raw(self, text: str) -> None:
        """Ready SVG."""
        self._body.append(text)

    def path(
        self,
        d: str,
        fill: str = "none",
        *,
        line: str = "",
        width: float = 1.5,
        opacity: float = 1,
        dash: str = "",
        turn: str = "",
    ) -> None:
        """A path; `line` is its stroke."""
        stroke = f' stroke="{line}" stroke-width="{width:g}"' if line else ""
        extra = (f' stroke-dasharray="{dash}"' if dash else "") + (f' transform="{turn}"' if turn else "")
        see = f' opacity="{opacity:g}"' if opacity < 1 else ""
        self.raw(f'<path d="{d}" fill="{fill}"{stroke}{see}{extra}/>')

    def ellipse(
        self,
        cx: float,
        cy: float,
        rx: float,
        ry: float | None = None,
        fill: str = "none",
        *,
        line: str = "",
        width: float = 1.5,
        opacity: float = 1,
        turn: str = "",
    ) -> None:
        """An ellipse, or a circle if `ry` is left out."""
        stroke = f' stroke="{line}" stroke-width="{width:g}"' if line else ""
        see = f' opacity="{opacity:g}"' if opacity < 1 else ""
        move = f' transform="{turn}"' if turn else ""
        self.raw(f'<ellipse cx="{cx:g}" cy="{cy:g}" rx="{rx:g}" ry="{ry or rx:g}" fill="{fill}"{stroke}{see}{move}/>')

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = "none",
        *,
        r: float = 0,
        line: str = "",
        stroke: float = 1.5,
        opacity: float = 1,
        turn: str = "",
    ) -> None:
        """A rectangle with corners of radius `r`."""
        edge = f' stroke="{line}" stroke-width="{stroke:g}"' if line else ""
        see = f' opacity="{opacity:g}"' if opacity < 1 else ""
        move = f' transform="{turn}"' if turn else ""
        round_ = f' rx="{r:g}"' if r else ""
        self.raw(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"{round_} fill="{fill}"{edge}{see}{move}/>'
        )

    def line(self, d: str, colour: str, width: float = 2, *, opacity: float = 1, dash: str = "") -> None:
        """An open stroke with round ends."""
        see = f' opacity="{opacity:g}"' if opacity < 1 else ""
        gaps = f' stroke-dasharray="{dash}"' if dash else ""
        self.raw(
            f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
            f'stroke-linecap="round" stroke-linejoin="round"{see}{gaps}/>'
        )

    def seam(self, d: str, *, of: str = "", opacity: float = 0.55) -> None:
        """A stitched line."""
        self.line(d, tone(of or self.colour, -0.45), 1.3, opacity=opacity, dash="4 3.2")

    @contextmanager
    def group(self, transform: str = "", *, opacity: float = 1) -> Iterator[None]:
        """What is drawn inside is moved together."""
        move = f' transform="{transform}"' if transform else ""
        see = f' opacity="{opacity:g}"' if opacity < 1 else ""
        self.raw(f"<g{move}{see}>")
        yield
        self.raw("</g>")

    @contextmanager
    def inside(self, d: str) -> Iterator[None]:
        """What is drawn inside shows only within the outline."""
        name = self._define(f'<clipPath id="{{id}}"><path d="{d}"/></clipPath>')
        self.raw(f'<g clip-path="url(#{name})">')
        yield
        self.raw("</g>")

    def volume(self, d: str, *, strength: float = 1, across: bool = True) -> None:
        """Make a flat outline look round: dark at both edges, light left of the middle, dark towards the ground."""
        k = strength
        if across:
            self.path(
                d,
                self.fade(
                    f"{INK}/{0.3 * k:.2f}@0",
                    f"{INK}/0@.2",
                    f"#ffffff/{0.2 * k:.2f}@.36",
                    "#ffffff/0@.52",
                    f"{INK}/0@.7",
                    f"{INK}/{0.34 * k:.2f}@1",
                    angle="right",
                ),
            )
        self.path(d, self.fade(f"#ffffff/{0.12 * k:.2f}@0", "#ffffff/0@.3", f"{INK}/0@.55", f"{INK}/{0.24 * k:.2f}@1"))

    def outline(self, d: str, *, of: str = "", width: float = 1.6) -> None:
        """A thin dark edge, so that white stands on the light ground."""
        self.path(d, line=tone(of or self.colour, -0.42), width=width, opacity=0.5)

    def ground(self, cx: float = 300, cy: float = 520, rx: float = 200, ry: float = 15, strength: float = 0.34) -> None:
        """The soft shadow below a thing that stands: a wide one and a narrow dark one where it touches."""
        soft = self.glow(f"{INK}/{strength}@0", f"{INK}/{strength * 0.45:.2f}@.45", f"{INK}/0@1")
        self.ellipse(cx, cy, rx * 1.12, ry * 1.5, soft)
        self.ellipse(cx, cy - ry * 0.2, rx * 0.86, ry * 0.6, soft)

    def cast(self, d: str, *, dx: float = 10, dy: float = 14) -> None:
        """The shadow of a flat lay: the same outline, moved twice, faint."""
        self.path(d, INK, opacity=0.05, turn=f"translate({dx * 1.6:g} {dy * 1.6:g})")
        self.path(d, INK, opacity=0.08, turn=f"translate({dx * 0.7:g} {dy * 0.7:g})")

    def mark(self, x: float, y: float, scale: float = 1, colour: str = "", *, turn: float = 0) -> None:
        """The brand's mark, 40 units wide at scale 1, its middle at (x, y)."""
        if self.mark_path:
            rotate = f" rotate({turn:g})" if turn else ""
            self.path(self.mark_path, colour or self.contrast, turn=f"translate({x:g} {y:g}){rotate} scale({scale:g})")

    def finished(self, *, zoom: tuple[float, float, float] | None = None, paper: bool = True) -> str:
        """The SVG, on the light ground if `paper`. `zoom` is (x, y, times): the picture around that point, enlarged."""
        back = self.glow("#ffffff@0", "#f6f7f7@.55", "#e7ebed@1", cx=0.5, cy=0.42, r=0.72)
        body = "".join(self._body)
        if zoom:
            x, y, times = zoom
            body = f'<g transform="translate(300 300) scale({times:g}) translate({-x:g} {-y:g})">{body}</g>'
        ground = f'<rect width="{SIDE}" height="{SIDE}" fill="{back}"/>' if paper else ""
        defs = "".join(text.replace("{id}", name) for text, name in self._defs.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="1200" height="1200">'
            f"<defs>{defs}</defs>{ground}{body}</svg>"
        )


@lru_cache(maxsize=4096)
def _stops(stops: tuple[str, ...]) -> str:
    text = ""
    for index, stop in enumerate(stops):
        paint, _, offset = stop.partition("@")
        colour, _, opacity = paint.partition("/")
        at = offset or f"{index / max(1, len(stops) - 1):.2g}"
        see = f' stop-opacity="{float(opacity):g}"' if opacity else ""
        text += f'<stop offset="{at}" stop-color="{colour}"{see}/>'
    return text
