"""Bicycles and what belongs to them."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from math import cos, pi, sin

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, tone
from lotse.plugins.demo_sports.drawings.registry import drawing


def _wheel(c: Canvas, x: float, y: float, r: float, *, spokes: int = 24, tyre: float = 10) -> None:
    rays = "".join(
        f"M{x + 7 * cos(a + 0.5):.1f},{y + 7 * sin(a + 0.5):.1f}L{x + (r - tyre) * cos(a):.1f},{y + (r - tyre) * sin(a):.1f}"
        for a in (2 * pi * i / spokes for i in range(spokes))
    )
    c.path(rays, line="#8c949c", width=1.2, opacity=0.9)
    c.ellipse(x, y, r, line=tone(INK, 0.08), width=tyre)
    c.ellipse(x, y, r - tyre * 0.85, line="#c9ced3", width=tyre * 0.55)
    c.ellipse(x, y, r + tyre * 0.2, line="#ffffff", width=1.2, opacity=0.2)
    c.ellipse(x, y, 9, fill=c.fade("#dfe2e5", "#565e66"))


def _frame_tube(c: Canvas, d: str, width: float) -> None:
    c.line(d, c.tone(-0.4), width + 2)
    c.line(d, c.colour, width)
    c.line(d, c.tone(0.5), width * 0.26, opacity=0.8)


def _drive(c: Canvas, bx: float, by: float, rx: float, ry: float) -> None:
    c.line(f"M{bx},{by - 26} L{rx},{ry - 13} M{bx},{by + 26} L{rx},{ry + 13}", "#3b424a", 3, dash="3 2")
    c.ellipse(rx, ry, 16, fill="#59616a", line="#2b3138", width=3)
    c.ellipse(bx, by, 27, line="#2b3138", width=6)
    c.ellipse(bx, by, 21, line="#8a929a", width=2.4)
    c.line(f"M{bx},{by} L{bx + 34},{by + 42}", "#2b3138", 7)
    c.line(f"M{bx + 22},{by + 45} H{bx + 50}", tone(INK, 0.1), 8)
    c.ellipse(bx, by, 8, fill="#c9ced3")


@drawing("trekking_bike", views=("side", "detail"), zoom=(300, 330, 1.9))
def trekking_bike(c: Canvas) -> None:
    """Trekking bicycle with mudguards, rack and lights."""
    c.ground(300, 458, 236, 11)
    _wheel(c, 150, 350, 98, tyre=9)
    _wheel(c, 452, 350, 98, tyre=9)
    guard = tone(INK, 0.2)
    c.line("M48,330 A106,106 0 0 1 218,268", guard, 7)
    c.line("M364,288 A106,106 0 0 1 552,314", guard, 7)
    c.line("M60,238 H206 M76,238 L146,348 M160,240 L150,346", "#565e66", 5)
    _drive(c, 282, 360, 150, 350)
    for d, width in (
        ("M282,360 L150,350 M214,226 L150,350", 8),
        ("M282,360 L208,190", 12),
        ("M220,226 L404,206", 13),
        ("M282,360 L410,226", 15),
    ):
        _frame_tube(c, d, width)
    _frame_tube(c, "M398,180 L412,232", 16)
    c.line("M412,232 L452,350", tone(INK, 0.1), 11)
    c.line("M412,232 L450,346", "#ffffff", 2, opacity=0.25)
    c.line("M208,192 L200,164", "#aab1b7", 8)
    c.path(
        "M152,152 C180,140 210,150 248,150 C256,152 254,162 244,164 C210,170 176,176 158,170 C148,166 146,158 152,152Z",
        c.fade(tone(INK, 0.35), INK),
    )
    c.line("M398,180 L390,146 L346,140", "#4b525a", 9)
    c.line("M352,140 L322,138", tone(INK, 0.05), 13)
    c.path("M420,196 h26 q12,10 0,22 h-26Z", c.fade("#f7f8f8", "#9aa2aa"))
    c.ellipse(446, 207, 8, 12, "#fff6cf", line="#c9b458")
    c.box(50, 250, 14, 24, c.fade("#e5484d", "#8f1f24"), r=4)
    with c.group("rotate(-46 346 293)"):
        c.mark(346, 293, 0.62)
    c.line("M300,216 L366,210", c.accent, 4.5)


@drawing("gravel_bike", views=("side", "detail"), zoom=(400, 250, 1.9))
def gravel_bike(c: Canvas) -> None:
    """Gravel bicycle with a drop bar."""
    c.ground(300, 460, 236, 11)
    _wheel(c, 146, 350, 102, tyre=13, spokes=20)
    _wheel(c, 456, 350, 102, tyre=13, spokes=20)
    _drive(c, 282, 362, 146, 350)
    for d, width in (
        ("M282,362 L146,350 M222,222 L146,350", 8),
        ("M282,362 L212,186", 12),
        ("M222,214 L398,196", 12),
        ("M282,362 L402,218", 16),
    ):
        _frame_tube(c, d, width)
    _frame_tube(c, "M394,182 L406,228", 17)
    c.line("M406,228 C416,260 440,310 456,350", c.tone(-0.3), 13)
    c.line("M407,232 C416,262 438,308 452,342", c.accent, 3.4)
    c.line("M212,188 L204,156", "#3b424a", 9)
    c.path(
        "M158,146 C186,134 214,144 252,142 C262,144 258,154 246,156 C214,164 180,170 162,164 C150,160 150,152 158,146Z",
        c.fade(tone(INK, 0.35), INK),
    )
    c.line("M394,182 L388,160 L430,152", "#3b424a", 9)
    c.line("M428,152 C474,146 484,176 462,190 C448,200 440,204 452,218 L430,222", tone(INK, 0.04), 12)
    c.line("M430,150 C470,146 480,172 460,186", "#ffffff", 1.8, opacity=0.3)
    c.path("M462,146 C482,140 488,160 478,186 L468,180Z", tone(INK, 0.25))
    c.path("M316,272 l54,-46 l14,16 l-54,46Z", c.fade(tone(c.contrast, 0.2), tone(c.contrast, -0.2)), opacity=0.92)
    c.ellipse(146, 350, 40, line="#9aa2aa", width=3, opacity=0.8)
    c.ellipse(456, 350, 40, line="#9aa2aa", width=3, opacity=0.8)
    c.mark(250, 204, 0.55, c.contrast)


@drawing("kids_bike", views=("side", "detail"), zoom=(320, 300, 1.8))
def kids_bike(c: Canvas) -> None:
    """Balance bike for small children."""
    c.ground(300, 490, 210, 12)
    for x in (158, 444):
        _wheel(c, x, 384, 92, spokes=12, tyre=18)
        c.ellipse(x, 384, 30, fill=c.accent_cloth)
        c.ellipse(x, 384, 12, fill="#e9ecee")
    _frame_tube(c, "M158,384 C230,384 240,330 290,320 C350,310 380,270 396,226", 24)
    _frame_tube(c, "M236,352 L214,262", 16)
    _frame_tube(c, "M392,200 L444,384", 18)
    c.path(
        "M148,246 C176,222 214,240 264,240 C282,244 278,264 258,266 C222,270 180,280 160,270 C144,264 140,254 148,246Z",
        c.accent_cloth,
        line=c.accent_tone(-0.4),
        width=1.4,
    )
    c.line("M392,200 L382,160 L344,150", "#565e66", 11)
    c.line("M352,151 L316,146", c.accent, 19)
    c.ellipse(312, 145, 12, fill=c.accent_tone(-0.25))
    c.ellipse(398, 176, 17, fill=c.glow("#ffffff", "#b7bec4", cx=0.35, cy=0.3, r=0.8), line="#7d858d")
    c.mark(336, 300, 0.8, turn=-24)


@drawing("bike_helmet", views=("side", "detail"), zoom=(320, 230, 1.9))
def bike_helmet(c: Canvas) -> None:
    """Bicycle helmet with deep vents."""
    c.ground(300, 470, 190, 14)
    c.line("M180,340 C200,420 260,454 320,452 M400,330 C392,390 360,440 320,452", tone(INK, 0.12), 7)
    c.box(300, 442, 40, 18, c.fade("#5d656d", "#22272d"), r=6)
    c.path("M96,318 C110,356 150,366 190,350 L210,320Z", c.fade(tone(INK, 0.3), INK))
    shell = "M84,306 C84,210 160,116 290,110 C420,106 508,190 520,280 C524,304 512,312 494,308 C440,296 400,320 340,330 C280,340 220,330 180,340 C140,348 92,344 84,306Z"
    c.path(shell, c.fade(c.tone(0.3), f"{c.colour}@.45", c.tone(-0.32), angle="diagonal"))
    with c.inside(shell):
        c.path("M70,330 C160,290 300,330 530,270 V360 H70Z", c.accent_cloth)
        c.path("M70,322 C160,282 300,322 530,262 V270 C300,330 160,290 70,330Z", "#ffffff", opacity=0.5)
    vent = c.fade(tone(INK, -0.1), tone(INK, 0.3))
    for d in (
        "M128,270 C140,214 176,176 220,160 C206,200 190,240 186,280 C166,288 140,286 128,270Z",
        "M212,284 C216,232 240,180 280,150 C290,146 300,150 298,160 C284,200 276,240 274,284 C254,294 226,294 212,284Z",
        "M300,284 C302,236 320,186 352,158 C364,152 376,160 374,172 C364,206 360,242 362,276 C344,290 314,292 300,284Z",
        "M388,270 C386,232 394,202 408,182 C440,198 466,226 480,256 C452,256 420,262 388,270Z",
    ):
        c.path(d, vent)
        c.path(d, line=c.tone(0.45), width=2.4, opacity=0.6)
    c.path("M170,164 C210,130 260,120 310,122 C260,132 220,150 186,186Z", "#ffffff", opacity=0.34)
    c.outline(shell)
    c.mark(150, 314, 0.85, tone(c.accent, 0.85), turn=-6)


@drawing("bike_light", zoom=(230, 280, 1.8))
def bike_light(c: Canvas) -> None:
    """Front and rear light set."""
    c.ground(300, 452, 210, 14)
    c.ellipse(150, 262, 150, fill=c.glow("#fff3b8/.8@0", "#fff3b8/0@1"))
    c.path(
        "M178,176 H330 C352,176 360,196 360,220 V310 C360,336 350,352 330,352 H178Z",
        c.fade(c.tone(0.3), c.colour, c.tone(-0.4)),
    )
    c.path("M186,186 H328 C340,188 344,196 346,206 H186Z", "#ffffff", opacity=0.3)
    c.ellipse(178, 264, 44, 90, c.fade("#f4f6f7", "#7c848c"))
    c.ellipse(174, 264, 35, 76, c.glow("#ffffff", "#fff4bf@.45", "#e0c65a@1"))
    for y in (226, 264, 302):
        c.ellipse(172, y, 12, 15, "#ffffff", line="#d9bf5c")
    c.path("M220,352 h90 v38 q-45,28 -90,0Z", c.fade("#4b525a", "#15191e"))
    c.path("M208,396 q56,34 114,0 l6,18 q-62,40 -126,0Z", c.fade("#3b424a", "#0f1318"))
    c.ellipse(314, 214, 12, fill=c.accent)
    c.mark(278, 280, 1.4)
    c.box(402, 236, 92, 190, c.fade("#4b525a", "#1d2228"), r=26)
    c.box(414, 250, 68, 150, c.fade("#ff6b6b", "#c8202a", "#8d1016"), r=18)
    for y in (284, 322, 360):
        c.ellipse(448, y, 17, fill=c.glow("#ffffff", "#ff8f8f@.4", "#d3222c@1"))
    c.path("M422,260 h20 v130 h-20Z", "#ffffff", opacity=0.22)


@drawing("bottle", zoom=(300, 330, 1.8))
def bottle(c: Canvas) -> None:
    """Drinking bottle with pull-up nozzle."""
    c.ground(300, 530, 110, 13, 0.42)
    body = "M222,180 H378 C390,200 392,230 384,262 C378,284 378,300 386,324 V496 C386,520 376,528 356,528 H244 C224,528 214,520 214,496 V324 C222,300 222,284 216,262 C208,230 210,200 222,180Z"
    c.path(body, c.fade(c.tone(0.16), c.tone(-0.1)))
    with c.inside(body):
        c.path("M200,340 L400,300 V440 L200,480Z", c.accent_cloth)
        c.path("M200,492 L400,452 V462 L200,502Z", c.accent)
        for y in (350, 376, 402, 428, 454):
            c.line(f"M364,{y} h16", "#ffffff", 2.4, opacity=0.55)
    c.volume(body, strength=1.5)
    c.path("M238,196 C228,230 240,262 238,300 V490", line="#ffffff", width=10, opacity=0.25)
    c.outline(body)
    c.path(
        "M214,140 C214,124 386,124 386,140 V176 C386,190 214,190 214,176Z",
        c.fade(tone(INK, 0.05), tone(INK, 0.45), tone(INK, 0), angle="right"),
    )
    for x in range(226, 380, 13):
        c.line(f"M{x},142 v36", "#000000", 2, opacity=0.3)
    c.path("M262,132 L274,92 H326 L338,132Z", c.fade(tone(INK, 0.1), tone(INK, 0.5), tone(INK, 0.05), angle="right"))
    c.box(272, 62, 56, 36, c.fade(c.accent_tone(-0.25), c.accent_tone(0.35), c.accent_tone(-0.3), angle="right"), r=9)
    c.mark(300, 392, 2.6, tone(c.accent, 0.88) if c.accent != "#f4f1ea" else c.tone(-0.2))


@drawing("bike_lock", zoom=(300, 380, 1.8))
def bike_lock(c: Canvas) -> None:
    """Folding lock with key."""
    c.ground(300, 488, 200, 13)
    c.line("M180,360 L140,210 L240,110 L380,120 L450,220 L416,360", INK, 46, opacity=0.07)
    bars = (
        ("180,356", "140,214"),
        ("140,214", "240,116"),
        ("240,116", "380,124"),
        ("380,124", "448,222"),
        ("448,222", "416,356"),
    )
    for a, b in bars:
        c.line(f"M{a} L{b}", c.tone(-0.5), 40)
        c.line(f"M{a} L{b}", c.colour, 36)
        c.line(f"M{a} L{b}", c.tone(0.4), 5, opacity=0.5)
    for point in ("140,214", "240,116", "380,124", "448,222"):
        x, y = (float(v) for v in point.split(","))
        c.ellipse(x, y, 14, fill=c.glow("#ffffff", "#9aa2aa"), line="#59616a")
    body = "M150,352 C150,340 160,334 172,334 H428 C440,334 450,340 450,352 V456 C450,470 440,480 426,480 H174 C160,480 150,470 150,456Z"
    c.path(body, c.fade(tone(INK, 0.42), tone(INK, 0.12), INK))
    c.path("M166,346 H434 V356 H166Z", "#ffffff", opacity=0.22)
    c.path("M150,410 H450 V424 H150Z", c.accent_cloth)
    c.ellipse(390, 386, 16, fill=c.glow("#fafafa", "#8b9399"))
    c.box(387, 376, 6, 20, "#30363c", r=2)
    c.mark(236, 384, 1.5, tone(c.accent, 0.2))
