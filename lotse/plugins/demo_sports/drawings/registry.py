"""Which kinds of product can be drawn, and from which sides."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from lotse.plugins.demo_sports.drawings.paint import Canvas

View = Literal["side", "sole", "front", "back", "detail"]
Drawer = Callable[[Canvas], None]


class Drawing(Struct, frozen=True):
    """How one kind is drawn. `zoom` is the point (x, y) and the factor of the view "detail"."""

    draw: Drawer
    views: tuple[View, ...]
    zoom: tuple[float, float, float]


DRAWINGS: dict[str, Drawing] = {}


def drawing(
    *kinds: str, views: tuple[View, ...] = ("front", "detail"), zoom: tuple[float, float, float] = (300, 260, 2.1)
) -> Callable[[Drawer], Drawer]:
    """Register a function as the drawing of one or several kinds."""

    def register(draw: Drawer) -> Drawer:
        for kind in kinds:
            DRAWINGS[kind] = Drawing(draw, views, zoom)
        return draw

    return register
