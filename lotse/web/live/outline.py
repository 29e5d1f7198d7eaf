"""A map to put stores on: the outline of Germany in a hundred points, drawn by hand for this page, and its projection.

Coordinates are degrees east and north, rounded to about a kilometre. Nobody shall navigate by it.
"""

from collections.abc import Iterable
from functools import cache
from math import cos, radians

from msgspec import Struct, structs

from lotse.domains.inventory.contracts import Location

WIDTH, HEIGHT = 372, 492
_WEST, _NORTH = 5.7, 55.05
_SCALE = 62.0
# A degree of longitude is so much shorter than one of latitude in the middle of the country.
_NARROWER = cos(radians(51.2))

# Clockwise from Flensburg: the Baltic coast, Oder and Neisse, mountains, Alps, the Rhine, the west, the North Sea.
_OUTLINE = (
    (9.45, 54.83), (9.95, 54.78), (10.03, 54.55), (10.2, 54.46), (10.7, 54.32), (10.95, 54.4), (11.2, 54.45),
    (11.1, 54.2), (10.82, 54.06), (10.9, 53.96), (11.45, 53.9), (11.75, 54.12), (12.1, 54.18), (12.5, 54.47),
    (12.92, 54.43), (13.1, 54.32), (13.15, 54.57), (13.42, 54.68), (13.66, 54.56), (13.75, 54.32),
    (13.45, 54.14), (13.8, 54.1), (14.22, 53.92), (14.27, 53.7), (14.42, 53.28), (14.35, 53.05), (14.14, 52.85),
    (14.62, 52.58), (14.55, 52.35), (14.72, 52.05), (14.62, 51.73), (14.98, 51.35), (15.04, 51.15),
    (14.82, 50.87), (14.6, 50.92), (14.3, 51.04), (14.38, 50.9), (13.9, 50.78), (13.5, 50.65), (13.0, 50.45),
    (12.5, 50.38), (12.2, 50.28), (12.2, 50.1), (12.48, 49.95), (12.42, 49.74), (12.65, 49.45), (13.03, 49.28),
    (13.4, 48.98), (13.83, 48.77), (13.73, 48.52), (13.45, 48.57), (13.32, 48.32), (12.9, 48.2), (12.76, 48.08),
    (13.0, 47.85), (12.93, 47.72), (13.08, 47.6), (12.78, 47.67), (12.25, 47.73), (12.18, 47.62),
    (11.63, 47.58), (11.25, 47.42), (10.98, 47.4), (10.48, 47.57), (10.42, 47.4), (10.18, 47.28),
    (10.08, 47.48), (9.75, 47.58), (9.55, 47.54), (9.18, 47.66), (8.88, 47.66), (8.62, 47.77), (8.43, 47.6),
    (8.22, 47.62), (7.6, 47.58), (7.52, 47.75), (7.57, 48.05), (7.81, 48.55), (8.2, 48.97), (7.9, 49.05),
    (7.45, 49.18), (7.05, 49.12), (6.8, 49.17), (6.55, 49.42), (6.37, 49.47), (6.5, 49.75), (6.33, 49.85),
    (6.13, 50.13), (6.28, 50.45), (6.02, 50.73), (5.88, 51.04), (6.17, 51.18), (6.22, 51.48), (5.97, 51.78),
    (6.4, 51.85), (6.83, 51.97), (7.04, 52.23), (7.05, 52.42), (6.72, 52.5), (6.72, 52.63), (7.05, 52.65),
    (7.08, 52.85), (7.2, 53.18), (7.22, 53.32), (7.02, 53.4), (7.1, 53.58), (7.8, 53.7), (8.1, 53.58),
    (8.15, 53.44), (8.3, 53.45), (8.33, 53.6), (8.55, 53.53), (8.52, 53.85), (8.72, 53.88), (9.2, 53.88),
    (8.95, 54.02), (8.87, 54.15), (8.84, 54.3), (8.62, 54.33), (8.95, 54.47), (8.82, 54.66), (8.64, 54.9),
)  # fmt: skip


class Dot(Struct, frozen=True):
    """A place on the map, in the map's own units."""

    code: str
    name: str
    city: str
    kind: str
    x: float
    y: float
    # Its name stands to its left: another place is where it would stand.
    left: bool = False


def at(longitude: float, latitude: float) -> tuple[float, float]:
    """Where degrees are on the map."""
    return round((longitude - _WEST) * _NARROWER * _SCALE, 1), round((_NORTH - latitude) * _SCALE, 1)


@cache
def path() -> str:
    """The outline as the `d` of an SVG path."""
    return "M" + "L".join(f"{x} {y}" for x, y in (at(*point) for point in _OUTLINE)) + "Z"


def dots(locations: Iterable[Location]) -> list[Dot]:
    """The places that say where they are and lie on the map, from north to south so that labels overlap downwards."""
    found: list[Dot] = []
    for one in locations:
        if one.latitude is None or one.longitude is None:
            continue
        x, y = at(one.longitude, one.latitude)
        if 0 <= x <= WIDTH and 0 <= y <= HEIGHT:
            found.append(Dot(one.code, one.name, one.address.city or one.name, one.kind, x, y))
    found.sort(key=lambda dot: dot.y)
    return [
        structs.replace(dot, left=any(0 < other.x - dot.x < 45 and abs(other.y - dot.y) < 9 for other in found))
        for dot in found
    ]
