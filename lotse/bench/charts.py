"""Line charts as SVG, drawn by hand: a grid, a line with dots per series, its name at its end. Nothing to install."""

import math
from collections.abc import Sequence
from html import escape

from msgspec import Struct

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 46, 48
# Told apart also by those who see red and green alike (Okabe and Ito, 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


class Series(Struct, frozen=True):
    """A name and points, from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


def line_chart(title: str, x_label: str, y_label: str, series: Sequence[Series]) -> str:
    """An SVG with a logarithmic x axis and a y axis from zero. Every series has a point."""
    xs = sorted({x for one in series for x, _ in one.points})
    low, high = math.log10(xs[0]), math.log10(xs[-1])
    top, step = _scale(max(y for one in series for _, y in one.points))
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def across(x: float) -> float:
        return LEFT + inner_width * ((math.log10(x) - low) / (high - low) if high > low else 0.5)

    def up(y: float) -> float:
        return TOP + inner_height * (1 - y / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#333">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="{LEFT + inner_width / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text x="14" y="{TOP - 8}">{escape(y_label)}</text>',
    ]
    for number in range(round(top / step) + 1):
        y = up(number * step)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(number * step)}</text>')
    for x in xs:
        parts.append(f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{_short(x)}</text>')
    ends = _apart([up(one.points[-1][1]) for one in series])
    for one, colour, end in zip(series, COLOURS, ends, strict=False):
        path = "L".join(f"{across(x):.1f} {up(y):.1f}" for x, y in one.points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in one.points:
            said = f"{one.name}: {y:,.1f} at {x:,.0f}"
            parts.append(
                f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5" fill="{colour}">'
                f"<title>{escape(said)}</title></circle>"
            )
        beside = across(one.points[-1][0]) + 10
        parts.append(f'<text x="{beside:.1f}" y="{end + 4:.1f}" fill="{colour}">{escape(one.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _scale(most: float) -> tuple[float, float]:
    """The top of the axis and the step between its lines: 1, 2 or 5 times a power of ten, four to eight lines."""
    if most <= 0:
        return 1.0, 0.25
    size = 10 ** math.floor(math.log10(most))
    step = next(size * part for part in (0.1, 0.2, 0.5, 1, 2) if most / (size * part) <= 7)
    return math.ceil(most / step) * step, step


def _short(number: float) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"


def _apart(heights: Sequence[float]) -> list[float]:
    """Names at the ends of lines, moved so far that they do not lie on each other."""
    placed: dict[int, float] = {}
    last = -math.inf
    for place, height in sorted(enumerate(heights), key=lambda pair: pair[1]):
        last = placed[place] = max(height, last + 15)
    return [placed[place] for place in range(len(heights))]
