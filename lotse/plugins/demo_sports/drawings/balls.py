"""Balls, rackets and what belongs to them."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from functools import lru_cache
from math import atan2, cos, sin, sqrt

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, mix, tone
from lotse.plugins.demo_sports.drawings.registry import drawing

_CX, _CY, _R = 300.0, 292.0, 196.0
_Point = tuple[float, float, float]


def _sphere(c: Canvas) -> None:
    """Light and shade over a ball that is drawn already."""
    c.ellipse(_CX, _CY, _R, fill=c.glow("#ffffff/.55@0", "#ffffff/.12@.3", "#ffffff/0@.5", cx=0.36, cy=0.28, r=0.62))
    c.ellipse(_CX, _CY, _R, fill=c.glow(f"{INK}/0@.55", f"{INK}/.16@.8", f"{INK}/.5@1", cx=0.42, cy=0.38, r=0.66))
    c.path("M172,424 A196,196 0 0 0 430,438 A206,206 0 0 1 172,424Z", "#ffffff", opacity=0.14)


def _disc() -> str:
    return f"M{_CX - _R:g},{_CY:g} a{_R:g},{_R:g} 0 1 1 {2 * _R:g},0 a{_R:g},{_R:g} 0 1 1 {-2 * _R:g},0Z"


def _turned(point: _Point, about_x: float, about_y: float, about_z: float) -> _Point:
    x, y, z = point
    y, z = y * cos(about_x) - z * sin(about_x), y * sin(about_x) + z * cos(about_x)
    x, z = x * cos(about_y) + z * sin(about_y), -x * sin(about_y) + z * cos(about_y)
    return x * cos(about_z) - y * sin(about_z), x * sin(about_z) + y * cos(about_z), z


@lru_cache(maxsize=4)
def _icosahedron(about_x: float, about_y: float, about_z: float) -> tuple[_Point, ...]:
    """The twelve corners of an icosahedron on the unit sphere, turned."""
    golden = (1 + sqrt(5)) / 2
    size = sqrt(1 + golden * golden)
    corners: list[_Point] = []
    for a in (-1, 1):
        for b in (-golden, golden):
            corners += [(0, a, b), (a, b, 0), (b, 0, a)]
    return tuple(_turned((x / size, y / size, z / size), about_x, about_y, about_z) for x, y, z in corners)


def _unit(point: _Point) -> _Point:
    length = sqrt(sum(v * v for v in point))
    return point[0] / length, point[1] / length, point[2] / length


def _between(a: _Point, b: _Point, share: float) -> _Point:
    return _unit((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share))


def _flat(point: _Point) -> str:
    return f"{_CX + _R * point[0]:.1f},{_CY - _R * point[1]:.1f}"


@lru_cache(maxsize=4)
def panels(about_x: float, about_y: float, about_z: float) -> tuple[str, str]:
    """A truncated icosahedron as seen: its pentagons as one path, its other seams as another."""
    corners = _icosahedron(about_x, about_y, about_z)
    pentagons, seams = "", ""
    for corner in corners:
        near = [o for o in corners if o != corner and sum(p * q for p, q in zip(corner, o, strict=True)) > 0.3]
        # Around the corner in order of angle, in the plane that touches the sphere there.
        first = _unit(tuple(n - c for n, c in zip(near[0], corner, strict=True)))  # type: ignore[arg-type]
        second = (
            corner[1] * first[2] - corner[2] * first[1],
            corner[2] * first[0] - corner[0] * first[2],
            corner[0] * first[1] - corner[1] * first[0],
        )
        near.sort(
            key=lambda o: atan2(
                sum(p * q for p, q in zip(o, second, strict=True)), sum(p * q for p, q in zip(o, first, strict=True))
            )
        )
        ring = [_between(corner, other, 0.355) for other in near]
        if corner[2] > -0.28:
            points = []
            for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
                points += [a, _between(a, b, 0.5)]
            shown = [p if p[2] > 0 else _unit((p[0], p[1], 0.0)) for p in points]
            if any(p[2] > 0 for p in points):
                pentagons += "M" + " L".join(_flat(p) for p in shown) + "Z"
        for other, start in zip(near, ring, strict=True):
            end = _between(corner, other, 0.645)
            if corner < other and (start[2] > 0 or end[2] > 0):
                steps = [_between(start, end, i / 4) for i in range(5)]
                seams += (
                    "M" + " L".join(_flat(p) for p in steps if p[2] > -0.02)
                    if sum(p[2] > -0.02 for p in steps) > 1
                    else ""
                )
    return pentagons, seams


@drawing("football", zoom=(330, 250, 2.1))
def football(c: Canvas) -> None:
    """Football: pentagons in the second colour on the first."""
    c.ground(300, 500, 150, 16, 0.5)
    disc = _disc()
    c.path(disc, mix("#f6f5f1", c.colour, 0.06))
    pentagons, seams = panels(0.42, 0.5, 0.2)
    with c.inside(disc):
        c.path(pentagons, c.colour)
        c.path(pentagons, line=c.accent, width=9)
        c.path(pentagons, line=tone(c.colour, -0.3), width=2.4, opacity=0.8)
        c.path(seams, line="#6f777f", width=3)
        c.path(seams, line="#ffffff", width=1.2, opacity=0.7)
        dots = '<circle cx="3" cy="3" r="1" fill="#101a26"/>'
        c.path(disc, c.pattern(6.5, 6.5, dots, "rotate(18)"), opacity=0.12)
    c.mark(262, 268, 1.0, tone(c.colour, -0.1), turn=-12)
    _sphere(c)


@drawing("handball", zoom=(300, 270, 2.1))
def handball(c: Canvas) -> None:
    """Handball: all panels coloured, pentagons in the second colour."""
    c.ground(300, 500, 150, 16, 0.5)
    disc = _disc()
    c.path(disc, c.colour)
    pentagons, seams = panels(0.1, 0.2, 0.62)
    with c.inside(disc):
        c.path(pentagons, c.accent)
        c.path(pentagons + seams, line=c.tone(-0.55), width=5)
        c.path(pentagons + seams, line=c.tone(0.4), width=1.2, opacity=0.6)
        grain = f'<circle cx="2" cy="2" r="1.3" fill="{INK}"/><circle cx="5.5" cy="5" r="1" fill="#ffffff"/>'
        c.path(disc, c.pattern(7, 7, grain, "rotate(33)"), opacity=0.13)
    c.mark(306, 292, 1.3)
    _sphere(c)


@drawing("basketball", zoom=(330, 250, 2.1))
def basketball(c: Canvas) -> None:
    """Basketball: eight panels, pebbled."""
    c.ground(300, 500, 150, 16, 0.5)
    disc = _disc()
    c.path(disc, c.colour)
    with c.inside(disc):
        pebble = f'<circle cx="2.5" cy="2.5" r="1.5" fill="{INK}"/><circle cx="2" cy="2" r=".7" fill="#ffffff"/>'
        c.path(disc, c.pattern(6.4, 6.4, pebble, "rotate(14)"), opacity=0.2)
        with c.group("rotate(-18 300 292)"):
            c.path("M230,92 C170,220 170,364 230,492 H370 C430,364 430,220 370,92Z", c.accent, opacity=0.85)
            c.path(disc, c.pattern(6.4, 6.4, pebble, "rotate(14)"), opacity=0.1)
            for d in (
                "M104,292 H496",
                "M300,96 V488",
                "M196,126 C264,220 264,364 196,458",
                "M404,126 C336,220 336,364 404,458",
            ):
                c.line(d, tone(INK, 0.08), 7.5)
                c.line(d, "#ffffff", 1.4, opacity=0.16)
    c.mark(246, 222, 1.25, tone(c.accent, 0.85), turn=-18)
    _sphere(c)


@drawing("volleyball", zoom=(270, 250, 2.1))
def volleyball(c: Canvas) -> None:
    """Volleyball: three fields of three curved strips."""
    c.ground(300, 500, 150, 16, 0.5)
    disc = _disc()
    white = mix("#f6f4ee", c.accent, 0.06)
    c.path(disc, white)
    with c.inside(disc):
        for index in range(3):
            with c.group(f"rotate({index * 120 - 20} 300 292)"):
                c.path(
                    "M300,292 C300,200 340,120 420,70 L330,60 C250,90 190,150 176,232Z",
                    c.colour if index != 1 else c.accent,
                )
                c.path(
                    "M216,256 C240,190 290,120 372,62 L330,60 C250,90 190,150 176,232Z",
                    c.accent if index != 1 else white,
                )
                for d in (
                    "M300,292 C300,200 340,120 420,70",
                    "M258,274 C268,196 316,120 396,62",
                    "M216,256 C236,184 290,112 366,56",
                    "M176,232 C190,150 250,90 330,50",
                    "M300,292 C250,280 210,262 120,200",
                ):
                    c.line(d, c.tone(-0.6), 4, opacity=0.55)
                    c.line(d, "#ffffff", 1.2, opacity=0.4)
        dimple = f'<circle cx="2.5" cy="2.5" r="1.2" fill="{INK}"/>'
        c.path(disc, c.pattern(8, 8, dimple, "rotate(20)"), opacity=0.1)
    c.mark(386, 306, 1.05, c.tone(-0.1), turn=14)
    _sphere(c)


def _small_ball(c: Canvas, x: float, y: float, r: float, colour: str) -> None:
    """A felt tennis ball."""
    c.ellipse(x + 4, y + r * 0.94, r * 0.86, r * 0.16, c.glow(f"{INK}/.4@0", f"{INK}/0@1"))
    c.ellipse(x, y, r, fill=c.glow(tone(colour, 0.5), colour, tone(colour, -0.34), cx=0.36, cy=0.3, r=0.76))
    for sign in (-1, 1):
        c.line(
            f"M{x + sign * r * 0.72:.1f},{y - r * 0.68:.1f} Q{x + sign * r * 0.1:.1f},{y:.1f} {x + sign * r * 0.72:.1f},{y + r * 0.68:.1f}",
            "#fbfbf3",
            r * 0.1,
            opacity=0.95,
        )


def _handle(c: Canvas, top: float, bottom: float, half: float, colour: str) -> None:
    """A wrapped grip that stands upright on the axis x = 300."""
    c.box(
        300 - half,
        top,
        half * 2,
        bottom - top,
        c.fade(tone(colour, -0.3), tone(colour, 0.22), tone(colour, -0.4), angle="right"),
        r=5,
    )
    wraps = "".join(f"M{300 - half},{y + 12} L{300 + half},{y - 4}" for y in range(int(top) + 8, int(bottom) - 8, 16))
    c.line(wraps, tone(colour, -0.6), 2, opacity=0.6)
    c.path(
        f"M{300 - half - 4},{bottom - 10} h{half * 2 + 8} v12 q-{half + 4},10 -{half * 2 + 8},0Z",
        c.fade(tone(INK, 0.25), INK),
    )


@lru_cache(maxsize=4)
def _strings(cx: float, cy: float, rx: float, ry: float, mains: int, crosses: int) -> str:
    """Strings of a head: mains up, crosses across, ended on the frame."""
    d = ""
    for i in range(1, mains):
        x = -1 + 2 * i / mains
        h = ry * sqrt(1 - x * x)
        d += f"M{cx + rx * x:.1f},{cy - h:.1f}V{cy + h:.1f}"
    for i in range(1, crosses):
        y = -1 + 2 * i / crosses
        w = rx * sqrt(1 - y * y)
        d += f"M{cx - w:.1f},{cy + ry * y:.1f}H{cx + w:.1f}"
    return d


@drawing("tennis_racket", zoom=(360, 210, 2.0))
def tennis_racket(c: Canvas) -> None:
    """Tennis racket, 16 x 19, with a ball."""
    c.ground(280, 548, 150, 10, 0.2)
    with c.group("rotate(28 300 300) translate(0 -14)"):
        for dx, dy, see in ((10, 16, 0.1), (5, 8, 0.1)):
            c.ellipse(300 + dx, 176 + dy, 122, 152, line=INK, width=18, opacity=see)
        c.path(_strings(300, 176, 118, 148, 16, 19), line="#c3c9c4", width=2.6)
        c.path(_strings(300, 176, 118, 148, 16, 19), line="#ffffff", width=1.1)
        c.mark(300, 180, 2.6, c.colour)
        c.path(
            "M214,292 C236,340 270,372 282,420 H318 C330,372 364,340 386,292 L370,280 C340,326 316,352 300,376 C284,352 260,326 230,280Z",
            c.fade(c.tone(0.1), c.tone(-0.34)),
        )
        c.path("M214,292 C236,340 270,372 282,420", line=c.tone(0.45), width=2, opacity=0.6)
        frame = c.fade(c.tone(0.24), c.colour, c.tone(-0.34), angle="diagonal")
        c.ellipse(300, 176, 122, 152, line=c.tone(-0.5), width=20)
        c.ellipse(300, 176, 122, 152, line=frame, width=17)
        c.path("M178,176 A122,152 0 0 1 300,24", line=c.accent, width=17)
        c.path("M300,328 A122,152 0 0 0 422,176", line=c.accent, width=17)
        c.path("M182,140 A120,150 0 0 1 290,28", line="#ffffff", width=3, opacity=0.55)
        _handle(c, 420, 590, 17, tone(INK, 0.14))
        c.box(280, 410, 40, 22, c.accent_cloth, r=4)
    _small_ball(c, 446, 462, 50, "#cfe04a")


@drawing("padel_racket", zoom=(300, 220, 2.0))
def padel_racket(c: Canvas) -> None:
    """Padel racket: perforated face, short grip, wrist cord."""
    c.ground(280, 548, 150, 10, 0.2)
    with c.group("rotate(24 300 300) translate(0 -4)"):
        face = "M300,40 C394,40 440,116 438,196 C436,276 384,330 330,356 L324,420 H276 L270,356 C216,330 164,276 162,196 C160,116 206,40 300,40Z"
        c.cast(face)
        c.path(face, c.cloth)
        with c.inside(face):
            c.path("M150,220 L460,80 V180 L150,330Z", c.accent_cloth, opacity=0.95)
            c.path("M150,340 L460,200 V216 L150,356Z", tone(c.contrast, 0.3), opacity=0.8)
            holes = ""
            for row in range(-4, 5):
                for column in range(-4, 5):
                    x, y = 300 + column * 26 + (row % 2) * 13, 196 + row * 25
                    if ((x - 300) / 112) ** 2 + ((y - 196) / 122) ** 2 < 1 and not (abs(x - 300) < 24 and y > 290):
                        holes += f"M{x - 6.5},{y}a6.5,6.5 0 1 1 13,0a6.5,6.5 0 1 1 -13,0"
            c.path(holes, tone(c.colour, -0.8))
            c.path(holes, line="#ffffff", width=1, opacity=0.25)
        c.volume(face, strength=0.7)
        c.path(
            "M300,40 C394,40 440,116 438,196 C436,276 384,330 330,356 M270,356 C216,330 164,276 162,196 C160,116 206,40 300,40",
            line=c.tone(-0.5),
            width=12,
        )
        c.path("M170,150 C184,90 224,48 292,44", line="#ffffff", width=3, opacity=0.5)
        c.path("M288,352 h24 l-4,40 h-16Z", tone(c.colour, -0.75))
        c.mark(300, 316, 1.1)
        _handle(c, 414, 556, 20, tone(INK, 0.14))
        c.line("M300,560 C270,600 330,620 320,570", tone(INK, 0.2), 5)
    _small_ball(c, 440, 474, 44, "#cfe04a")


@drawing("badminton_racket", zoom=(380, 190, 2.0))
def badminton_racket(c: Canvas) -> None:
    """Badminton racket with shuttlecock."""
    c.ground(290, 548, 150, 9, 0.18)
    with c.group("rotate(32 300 300)"):
        c.ellipse(308, 142, 84, 108, line=INK, width=10, opacity=0.1)
        c.path(_strings(300, 130, 82, 106, 18, 20), line="#c9cfd4", width=1.8)
        c.path(_strings(300, 130, 82, 106, 18, 20), line="#ffffff", width=0.8)
        c.mark(300, 132, 1.9, c.colour)
        c.ellipse(300, 130, 84, 108, line=c.tone(-0.5), width=11)
        c.ellipse(300, 130, 84, 108, line=c.fade(c.tone(0.3), c.colour, c.tone(-0.3)), width=8.5)
        c.path("M216,130 A84,108 0 0 1 300,22", line=c.accent, width=8.5)
        c.path("M286,236 h28 l-9,22 v180 h-10 v-180Z", c.fade(c.tone(-0.4), c.tone(0.3), c.tone(-0.4), angle="right"))
        c.box(294, 300, 12, 60, c.accent_cloth)
        _handle(c, 436, 590, 13, c.accent)
    with c.group("translate(432 452) rotate(-24)"):
        for x in (-44, -26, -8, 8, 26, 44):
            c.path(
                f"M{x * 0.3:g},30 L{x},-54 q{x * 0.2 + 7:g},-16 {x * 0.2 + 13:g},2 L{x * 0.3 + 5:g},30Z",
                c.fade("#ffffff", "#d9dee2"),
                line="#b3bac0",
                width=0.8,
            )
        c.line("M-33,-22 Q0,-8 40,-22 M-24,4 Q2,14 30,4", "#9aa3ab", 2)
        c.path("M-18,28 H22 C26,56 14,66 2,66 C-10,66 -22,56 -18,28Z", c.fade("#ffffff", "#cfd4d8"))
        c.path("M-19,30 H23 v9 H-19Z", c.accent)


@drawing("table_tennis_bat", zoom=(300, 240, 1.9))
def table_tennis_bat(c: Canvas) -> None:
    """Table tennis bat with balls."""
    c.ground(280, 544, 150, 10, 0.22)
    with c.group("rotate(26 300 300)"):
        blade = "M300,60 C398,60 448,140 440,230 C434,296 396,340 344,362 H256 C204,340 166,296 160,230 C152,140 202,60 300,60Z"
        c.cast(blade)
        c.path(blade, c.fade("#e9c793", "#c99b5d"))
        c.path(
            "M300,70 C390,70 438,144 430,228 C424,282 396,318 360,336 H240 C204,318 176,282 170,228 C162,144 210,70 300,70Z",
            c.cloth,
        )
        c.path("M180,180 C196,116 240,82 296,80", line="#ffffff", width=7, opacity=0.3)
        c.mark(300, 300, 1.3)
        wood = c.fade("#a9743d", "#e2b57b", "#9a6631", angle="right")
        c.path("M262,352 H338 L326,400 L330,530 C330,544 270,544 270,530 L274,400Z", wood)
        c.line("M286,400 L284,536 M300,398 V538 M314,400 L316,536", "#7c4f22", 2, opacity=0.4)
        c.path("M262,352 H338 L332,376 H268Z", c.accent_cloth)
    for x, y, r in ((424, 470, 34), (478, 408, 28)):
        c.ellipse(x + 2, y + r * 0.95, r * 0.8, r * 0.18, c.glow(f"{INK}/.4@0", f"{INK}/0@1"))
        c.ellipse(x, y, r, fill=c.glow("#ffffff", "#fdf6ea@.6", "#cdbfa8", cx=0.36, cy=0.3, r=0.76))


@drawing("tennis_balls", zoom=(300, 380, 1.8))
def tennis_balls(c: Canvas) -> None:
    """A tube of tennis balls with two in front."""
    c.ground(300, 514, 190, 15)
    tube = "M226,96 C226,80 374,80 374,96 V484 C374,504 226,504 226,484Z"
    with c.inside(tube):
        c.path(tube, c.fade("#f2f6f8", "#dfe6ea"))
        for y in (176, 296, 416):
            _small_ball(c, 300, y, 62, "#cfe04a")
        c.path("M226,210 H374 V400 H226Z", c.fade(c.tone(0.1), c.tone(-0.1)))
        c.path("M226,372 H374 V400 H226Z", c.accent)
        c.mark(300, 290, 2.6)
        c.path(
            tube, c.fade(f"{INK}/.3@0", f"{INK}/0@.25", "#ffffff/.5@.34", "#ffffff/0@.5", f"{INK}/.34@1", angle="right")
        )
    c.path(
        "M220,84 C220,66 380,66 380,84 V104 C380,120 220,120 220,104Z",
        c.fade(c.accent_tone(-0.25), c.accent_tone(0.3), c.accent_tone(-0.35), angle="right"),
    )
    c.ellipse(300, 82, 80, 14, c.accent_tone(0.2))
    c.outline(tube, of="#aab4ba")
    _small_ball(c, 182, 458, 54, "#cfe04a")
    _small_ball(c, 428, 464, 48, "#cfe04a")


@drawing("shin_guards", zoom=(250, 250, 1.9))
def shin_guards(c: Canvas) -> None:
    """A pair of shin guards with strap."""
    guard = "M150,90 C196,70 246,72 280,94 C296,190 290,320 266,470 C240,500 190,500 164,472 C140,330 136,190 150,90Z"
    for transform in ("translate(-38 14) rotate(4 210 280)", "translate(638 14) scale(-1 1) rotate(4 210 280)"):
        with c.group(transform):
            c.cast(guard, dx=6)
            c.path(guard, c.cloth)
            with c.inside(guard):
                c.path("M130,110 L300,210 V260 L130,160Z", c.accent_cloth)
                c.line(
                    "M180,100 C172,220 176,350 190,480 M250,96 C258,220 254,350 240,480", c.tone(-0.5), 4, opacity=0.35
                )
                for y in (300, 330, 360):
                    c.path(f"M196,{y} h38 l-6,14 h-26Z", c.tone(-0.65))
            c.volume(guard, strength=1.2)
            c.outline(guard)
            c.path(
                "M140,400 C190,420 250,420 286,396 L282,440 C250,460 190,460 146,442Z",
                c.fade(c.tone(-0.4), c.tone(-0.65)),
            )
            c.mark(214, 256, 1.5)


@drawing("pump", zoom=(250, 170, 1.9))
def pump(c: Canvas) -> None:
    """Floor pump with gauge."""
    c.ground(300, 540, 150, 12)
    c.line("M300,470 C420,480 460,420 440,330 C424,260 380,250 366,300 L358,340", tone(INK, 0.12), 13)
    c.line("M300,468 C416,476 454,420 434,334", "#ffffff", 2.4, opacity=0.2)
    c.path("M352,336 l22,4 l-8,46 l-20,-4Z", c.accent_cloth)
    steel = c.fade("#8a929a", "#f4f6f7", "#7d858d", angle="right")
    c.box(293, 78, 14, 120, steel)
    body = c.fade(c.tone(-0.4), c.tone(0.3), c.tone(-0.45), angle="right")
    c.box(274, 180, 52, 320, body, r=6)
    c.box(268, 172, 64, 24, c.fade(tone(INK, 0), tone(INK, 0.35), INK, angle="right"), r=6)
    c.path(
        "M176,512 C220,480 250,486 270,494 H330 C350,486 380,480 424,512 C430,524 424,536 410,536 H360 L340,516 H260 L240,536 H190 C176,536 170,524 176,512Z",
        c.fade(tone(INK, 0.35), INK),
    )
    c.ellipse(300, 474, 42, fill=c.glow("#ffffff", "#e9ecee@.8", "#c2c8cd"), line=tone(INK, 0.1), width=9)
    c.line("M276,484 A28,28 0 1 1 324,484", c.accent, 5)
    c.line("M300,476 L318,458", "#c8372d", 4)
    grip = c.fade(tone(INK, 0.35), tone(INK, 0.08))
    c.path(
        "M190,52 C220,44 260,56 280,58 H320 C340,56 380,44 410,52 C424,58 424,82 410,88 C380,96 340,86 320,86 H280 C260,86 220,96 190,88 C176,82 176,58 190,52Z",
        grip,
    )
    c.line("M200,60 C240,56 260,64 286,66", "#ffffff", 3, opacity=0.3)
    with c.group("rotate(-90 300 330)"):
        c.mark(300, 330, 1.2)
