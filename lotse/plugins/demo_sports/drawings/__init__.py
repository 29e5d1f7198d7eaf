"""Product pictures drawn by code: `draw(kind, colour, accent, view)` gives SVG text, the same for the same input."""

from lotse.plugins.demo_sports.drawings import (  # noqa: F401 - importing a module registers its drawings
    apparel,
    balls,
    cycling,
    footwear,
    outdoors,
    pantry,
    training,
    water,
    winter,
)
from lotse.plugins.demo_sports.drawings.marks import MARKS
from lotse.plugins.demo_sports.drawings.paint import Canvas
from lotse.plugins.demo_sports.drawings.registry import DRAWINGS, View


def draw(kind: str, colour: str, accent: str, view: View, *, brand: str = "") -> str:
    """The picture of one kind in two colours (`#rrggbb`). `brand` is a key of `MARKS`."""
    drawing = DRAWINGS[kind]
    canvas = Canvas(colour, accent, view="front" if view == "detail" else view, mark=MARKS.get(brand, ""))
    drawing.draw(canvas)
    return canvas.finished(zoom=drawing.zoom if view == "detail" else None)


def views_of(kind: str) -> tuple[View, ...]:
    """The views in which a kind is shown, the main one first."""
    return DRAWINGS[kind].views
