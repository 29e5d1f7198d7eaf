"""Clothes as flat lays: front and back."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, lightness, symmetric, tone
from lotse.plugins.demo_sports.drawings.registry import drawing

BOTH = ("front", "back")

_TEE = symmetric(
    "M300,142 C326,140 346,126 356,98 L410,118 C432,126 446,140 456,162 L512,276 L446,308 L420,256 "
    "C416,330 420,430 424,514 C390,524 340,526 300,526"
)
_NECK = symmetric("M300,142 C326,140 346,126 356,98 L340,92 C332,114 320,122 300,124")
_LONG = symmetric(
    "M300,128 C326,126 344,112 352,88 L404,106 C434,116 450,134 462,170 L530,444 L478,462 L424,274 "
    "C420,350 424,440 428,514 C390,524 340,526 300,526"
)
_TROUSERS = symmetric(
    "M300,64 L386,66 C396,130 404,200 408,260 C412,350 406,450 400,546 L330,546 C330,450 326,340 312,238 "
    "C308,226 304,222 300,222"
)
_TIGHTS = symmetric(
    "M300,62 L376,64 C390,130 396,190 390,260 C384,330 380,360 376,400 C372,450 362,500 356,550 L318,550 "
    "C320,470 326,400 322,340 C318,290 312,250 308,226 C306,216 302,214 300,214"
)
_SHORTS = symmetric(
    "M300,120 L398,122 C412,200 432,300 446,406 L326,430 C318,380 314,330 306,290 C304,284 302,282 300,282"
)


def _folds(c: Canvas, outline: str, *paths: str) -> None:
    """Soft creases: a dark stroke with a light one beside it."""
    with c.inside(outline):
        for d in paths:
            c.line(d, c.tone(-0.5), 9, opacity=0.09)
            c.line(d, c.tone(-0.5), 4, opacity=0.12)
            c.line(d, "#ffffff", 3, opacity=0.1)


def _piece(c: Canvas, outline: str, fill: str = "") -> None:
    c.cast(outline)
    c.path(outline, fill or c.cloth)


def _sleeves(c: Canvas, *, long: bool = False) -> None:
    """The seam where the sleeve is set in, and the hem of the sleeve."""
    if long:
        armhole = "M404,106 C396,160 404,230 424,274"
        hem = "M520,424 L470,440"
    else:
        armhole = "M408,118 C398,160 404,214 420,256"
        hem = "M505,262 L440,294"
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.line(armhole, c.tone(-0.5), 1.8, opacity=0.55)
            c.line(armhole, "#ffffff", 1, opacity=0.12)
            c.seam(hem)


def _fit(c: Canvas, outline: str, *, strength: float = 1) -> None:
    c.volume(outline, strength=strength)
    c.outline(outline)


_TEE_FOLDS = (
    "M432,270 C410,310 380,330 340,340",
    "M168,270 C190,310 220,330 260,340",
    "M404,420 C380,450 350,470 320,478",
    "M206,400 C226,440 250,460 284,470",
    "M462,180 C470,210 480,240 484,270",
    "M138,180 C130,210 120,240 116,270",
)


def _collar(c: Canvas, *, accent: bool = False) -> None:
    inner = symmetric("M300,124 C320,122 332,114 340,92 C326,88 312,86 300,86")
    if c.view == "front":
        c.path(inner, c.fade(c.tone(-0.62), c.tone(-0.4)))
        c.path(symmetric("M300,86 C312,86 326,88 340,92 L338,98 C320,94 310,94 300,94"), c.tone(-0.2))
        c.path(_NECK, c.accent_cloth if accent else c.tone(-0.16))
        c.path(_NECK, line=c.tone(-0.5), width=1, opacity=0.6)
    else:
        high = symmetric("M300,108 C322,108 342,104 356,98 L340,92 C326,98 312,100 300,100")
        c.path(symmetric("M300,108 C322,108 342,104 356,98 L350,120 L300,130"), c.cloth)
        c.path(symmetric("M300,142 C326,140 346,126 356,98 L350,98 C330,108 312,110 300,110"), c.cloth)
        c.path(high, c.accent_cloth if accent else c.tone(-0.16))


@drawing("tshirt", views=BOTH)
def tshirt(c: Canvas) -> None:
    """Training shirt: raglan panel in the second colour, mark on the chest."""
    _piece(c, _TEE)
    with c.inside(_TEE):
        side = "M424,514 C420,430 416,330 420,256 L446,308 L560,560 H400Z"
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.path("M420,236 C398,330 396,440 400,540 H460 V236Z", c.tone(-0.2))
                c.path(side, c.accent, opacity=0)
                c.line("M420,236 C398,330 396,440 400,540", c.accent, 3.4, opacity=0.9)
    _collar(c)
    _sleeves(c)
    _folds(c, _TEE, *_TEE_FOLDS)
    _fit(c, _TEE)
    c.seam("M180,506 C230,514 370,514 420,506")
    if c.view == "front":
        c.mark(362, 196, 0.95)
    else:
        c.mark(300, 158, 0.8)
        c.line("M252,480 H348", c.contrast, 4, opacity=0.6)


@drawing("jersey", "team_jersey", views=BOTH)
def jersey(c: Canvas) -> None:
    """Team shirt: diagonal sash or hoops, collar and cuffs in the second colour, a number on the back."""
    _piece(c, _TEE)
    with c.inside(_TEE):
        if c.view == "front":
            c.path("M100,300 L420,80 H520 L100,390Z", c.accent_cloth, opacity=0.95)
            c.path("M100,410 L560,94 V116 L100,432Z", c.accent, opacity=0.55)
        else:
            c.path("M120,470 H480 V490 H120Z", c.accent, opacity=0.8)
        for turn in ("", "translate(600 0) scale(-1 1)"):
            c.path("M520,250 L432,294 L446,326 L540,280Z", c.accent_cloth, turn=turn)
        dots = f'<circle cx="2" cy="2" r="1" fill="{c.tone(-0.4)}"/>'
        c.path(_TEE, c.pattern(6, 6, dots), opacity=0.28)
    _collar(c, accent=True)
    _sleeves(c)
    _folds(c, _TEE, *_TEE_FOLDS)
    _fit(c, _TEE)
    if c.view == "front":
        c.mark(370, 186, 0.9, c.contrast)
        shield = "M214,168 h44 v26 c0,18 -12,28 -22,34 c-10,-6 -22,-16 -22,-34Z"
        c.path(shield, c.fade(c.accent_tone(0.3), c.accent_tone(-0.1)), line=c.tone(-0.4), width=2)
        c.path("M222,196 h28 M236,172 v50", line=c.tone(-0.1), width=4)
    else:
        # A "7" and a "1" as shapes: pictures carry no fonts.
        c.path("M226,230 H262 V390 H236 V258 H220Z", c.contrast)
        c.path("M284,230 H382 V256 L338,390 H308 L352,258 H284Z", c.contrast)


@drawing("polo", views=BOTH)
def polo(c: Canvas) -> None:
    """Tennis polo: collar, placket with three buttons."""
    _piece(c, _TEE)
    _collar(c)
    _sleeves(c)
    with c.inside(_TEE):
        for turn in ("", "translate(600 0) scale(-1 1)"):
            c.path("M520,250 L432,294 L440,310 L530,266Z", c.accent, turn=turn)
        c.path(
            "M420,250 C404,340 404,440 408,530 H430 V250Z M180,250 C196,340 196,440 192,530 H170 V250Z",
            c.accent,
            opacity=0.85,
        )
    _folds(c, _TEE, *_TEE_FOLDS)
    _fit(c, _TEE)
    if c.view == "front":
        c.path("M286,136 H314 V236 H286Z", c.tone(0.06), line=c.tone(-0.45), width=1.2)
        for y in (158, 188, 218):
            c.ellipse(300, y, 4.6, fill=c.glow("#ffffff", "#c4c8cc"))
        for turn in ("", "translate(600 0) scale(-1 1)"):
            c.path(
                "M300,138 C322,132 340,114 350,84 L372,110 C364,140 344,166 324,178Z",
                c.fade(c.tone(0.2), c.tone(-0.1)),
                line=c.tone(-0.45),
                width=1.2,
                turn=turn,
            )
        c.mark(372, 210, 0.8)
    else:
        c.path(
            symmetric("M300,84 C322,84 340,84 350,86 L372,112 C350,126 322,130 300,130"),
            c.fade(c.tone(0.2), c.tone(-0.1)),
            line=c.tone(-0.45),
            width=1.2,
        )


@drawing("tank", views=BOTH)
def tank(c: Canvas) -> None:
    """Basketball shirt: wide armholes, piping."""
    body = symmetric(
        "M300,166 C330,164 348,140 352,92 L392,98 C394,150 402,196 432,232 C424,320 428,430 430,520 C390,530 340,532 300,532"
    )
    _piece(c, body)
    with c.inside(body):
        c.path(
            "M432,232 C410,320 404,430 406,540 H450 V232Z M168,232 C190,320 196,430 194,540 H150 V232Z", c.accent_cloth
        )
        holes = f'<circle cx="2.5" cy="2.5" r="1.3" fill="{c.tone(-0.5)}"/>'
        c.path(body, c.pattern(8, 8, holes, "rotate(45)"), opacity=0.3)
    neck = (
        "M248,92 C252,140 270,164 300,166 C330,164 348,140 352,92"
        if c.view == "front"
        else "M248,92 C262,118 280,124 300,124 C320,124 338,118 352,92"
    )
    if c.view == "back":
        c.path(
            "M250,100 C256,140 274,166 300,166 C326,166 344,140 350,100 C338,120 320,124 300,124 C280,124 262,120 250,100Z",
            c.colour,
        )
    _folds(
        c,
        body,
        "M410,280 C390,330 360,350 330,356",
        "M190,300 C210,340 240,360 270,366",
        "M396,430 C370,460 340,474 310,480",
    )
    _fit(c, body)
    c.line(neck, c.accent, 10)
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.line("M392,98 C394,150 402,196 432,232", c.accent, 9)
    c.line("M168,500 C230,514 370,514 432,500", c.accent, 6, opacity=0.9)
    if c.view == "front":
        c.mark(300, 206, 1.0)
        c.path(
            "M232,270 H282 V294 L258,400 H230 L252,296 H232Z M306,270 H366 V296 H332 V318 H352 C366,318 372,328 372,342 V376 C372,392 362,400 346,400 H306 V374 H340 V344 H306Z",
            c.contrast,
        )
    else:
        c.path(
            "M222,220 H282 V250 L252,396 H220 L250,252 H222Z M306,220 H376 V250 H338 V284 H360 C376,284 382,294 382,312 V368 C382,388 372,396 354,396 H306 V366 H346 V314 H306Z",
            c.contrast,
        )


@drawing("longsleeve", "baselayer", views=BOTH)
def longsleeve(c: Canvas) -> None:
    """Thin long-sleeved layer with body-mapped zones."""
    _piece(c, _LONG)
    with c.inside(_LONG):
        rib = f'<path d="M0,3 H8" stroke="{c.tone(-0.4)}" stroke-width="1.6"/>'
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.path("M424,250 C396,330 396,440 404,540 H460 V250Z", c.tone(-0.18))
                c.path("M452,320 L500,310 L536,450 L474,470Z", c.pattern(8, 6, rib), opacity=0.7)
        c.path(
            "M236,150 C270,176 330,176 364,150 L352,250 C330,262 270,262 248,250Z", c.pattern(8, 6, rib), opacity=0.45
        )
    with c.group("translate(0 -12)"):
        _collar(c, accent=True)
    _sleeves(c, long=True)
    _folds(
        c,
        _LONG,
        "M430,290 C410,330 380,350 340,358",
        "M170,290 C190,330 220,350 260,358",
        "M486,280 C490,320 500,360 508,400",
        "M114,280 C110,320 100,360 92,400",
        "M404,430 C380,460 350,480 320,486",
    )
    _fit(c, _LONG)
    c.mark(366, 190, 0.9) if c.view == "front" else c.mark(300, 160, 0.8)


@drawing("hoody", "fleece", views=BOTH)
def fleece(c: Canvas) -> None:
    """Fleece jacket: stand-up collar, zip, chest pocket in the second colour."""
    _piece(c, _LONG)
    with c.inside(_LONG):
        c.path("M60,60 H540 V212 C460,236 380,214 300,214 C220,214 140,236 60,212Z", c.accent_cloth)
        c.line("M60,212 C140,236 220,214 300,214 C380,214 460,236 540,212", c.accent_tone(-0.4), 2, opacity=0.6)
        fluff = f'<path d="M1,3 q2,-3 4,0 M6,8 q2,-3 4,0" fill="none" stroke="{INK}" stroke-width="1"/>'
        c.path(_LONG, c.pattern(11, 10, fluff), opacity=0.1)
    _sleeves(c, long=True)
    _folds(
        c,
        _LONG,
        "M430,300 C410,340 380,360 340,368",
        "M170,300 C190,340 220,360 260,368",
        "M490,290 C494,330 502,370 512,410",
        "M110,290 C106,330 98,370 88,410",
    )
    _fit(c, _LONG)
    collar = symmetric("M300,64 C324,62 346,64 354,70 L360,108 C340,132 320,138 300,140")
    c.path(collar, c.accent_cloth, line=c.accent_tone(-0.45), width=1.4)
    if c.view == "front":
        c.path(symmetric("M300,78 C320,76 336,76 346,80 C336,92 320,96 300,98"), c.accent_tone(-0.55))
        _zip(c, 96, 526)
        pocket = "M338,236 h62 v76 h-62Z"
        c.path(pocket, c.accent_cloth, line=c.accent_tone(-0.45), width=1.4)
        c.line("M338,250 H400", c.accent_tone(-0.6), 3)
        c.mark(369, 284, 0.7, tone(c.accent, 0.8) if lightness(c.accent) < 0.66 else tone(c.accent, -0.7))
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.line("M404,360 L384,450", c.tone(-0.6), 4, opacity=0.8)
    else:
        c.mark(300, 176, 0.9, tone(c.accent, 0.8) if lightness(c.accent) < 0.66 else tone(c.accent, -0.7))


def _zip(c: Canvas, top: float, bottom: float) -> None:
    teeth = f'<path d="M0,1.5 h6" stroke="{tone(c.contrast, 0.1)}" stroke-width="1.5"/>'
    c.box(294, top, 12, bottom - top, c.tone(-0.5), r=2)
    c.box(297, top, 6, bottom - top, c.pattern(6, 4, teeth), opacity=0.9)
    c.box(296, top + 4, 8, 18, c.fade("#f2f3f4", "#8e959c"), r=3)


def _hood(c: Canvas) -> None:
    if c.view == "front":
        hood = symmetric("M300,26 C346,26 372,52 374,92 L360,134 C340,152 320,158 300,160")
        c.path(hood, c.cloth, line=c.tone(-0.45), width=1.4)
        c.path(
            symmetric("M300,52 C332,52 350,72 350,98 L338,124 C326,134 312,138 300,138"),
            c.fade(c.tone(-0.66), c.tone(-0.42)),
        )
        c.line("M250,98 C250,72 268,52 300,52 C332,52 350,72 350,98", c.accent, 4, opacity=0.9)
    else:
        hood = symmetric("M300,40 C340,40 366,64 368,104 C366,150 334,176 300,182")
        c.path(hood, c.cloth, line=c.tone(-0.45), width=1.4)
        c.line("M300,42 V180", c.tone(-0.5), 1.6, opacity=0.6)
        c.path("M276,104 h48 v14 h-48Z", c.tone(-0.4))


@drawing("shell_jacket", views=BOTH)
def shell_jacket(c: Canvas) -> None:
    """Rain jacket: hood, yoke in the second colour, taped zip, water drops."""
    _piece(c, _LONG)
    with c.inside(_LONG):
        c.path("M60,60 H540 V190 L420,214 L340,196 H260 L180,214 L60,190Z", c.fade(c.tone(-0.06), c.tone(-0.3)))
        for turn in ("", "translate(600 0) scale(-1 1)"):
            c.path("M500,330 L540,320 L560,470 L470,480Z", c.accent_cloth, turn=turn)
    _sleeves(c, long=True)
    _folds(
        c,
        _LONG,
        "M430,300 C410,340 380,350 330,352",
        "M170,300 C190,340 220,350 270,352",
        "M486,250 C494,290 502,330 512,370",
        "M114,250 C106,290 98,330 88,370",
        "M410,440 C380,470 350,480 320,484",
        "M190,440 C220,470 250,480 280,484",
    )
    _fit(c, _LONG, strength=1.15)
    _hood(c)
    if c.view == "front":
        c.path("M292,140 H308 V526 H292Z", c.tone(-0.2))
        c.line("M300,146 V524", c.accent, 5)
        c.box(295, 150, 10, 24, c.fade("#f2f3f4", "#8e959c"), r=3)
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.line("M398,340 L366,440", c.tone(-0.6), 7, opacity=0.5)
                c.line("M398,340 L366,440", c.accent, 3.4)
        c.mark(370, 232, 0.95)
        for x, y, r in (
            (200, 250, 4),
            (216, 290, 3),
            (236, 236, 2.6),
            (190, 320, 3.4),
            (226, 348, 2.6),
            (404, 290, 3.2),
            (350, 300, 2.6),
            (388, 470, 3.4),
            (212, 410, 3),
        ):
            c.ellipse(x, y, r, r * 1.25, c.fade("#ffffff/.75", "#ffffff/.15"))
    else:
        c.mark(300, 226, 0.9)
        c.line("M182,496 C230,506 370,506 418,496", c.tone(-0.5), 1.6, opacity=0.6)


@drawing("softshell_vest", "vest", views=BOTH)
def vest(c: Canvas) -> None:
    """Insulated vest: horizontal quilting."""
    body = symmetric(
        "M300,96 C326,94 348,86 358,74 L404,92 C404,150 412,210 436,246 C430,330 432,430 434,516 C390,528 340,530 300,530"
    )
    _quilt(c, body, rows=range(150, 520, 46))
    _stand_collar(c)
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.line("M404,92 C404,150 412,210 436,246", c.accent, 6)
    if c.view == "front":
        _zip(c, 90, 528)
        c.mark(372, 172, 0.8)
    else:
        c.mark(300, 122, 0.8)


@drawing("down_jacket", views=BOTH)
def down_jacket(c: Canvas) -> None:
    """Down jacket: puffed chambers, stand-up collar."""
    _quilt(c, _LONG, rows=range(148, 520, 44))
    _stand_collar(c)
    _sleeves(c, long=True)
    for turn in ("", "translate(600 0) scale(-1 1)"):
        c.path("M515,420 L531,446 L478,464 L466,438Z", c.accent_cloth, turn=turn)
    if c.view == "front":
        _zip(c, 84, 526)
        c.mark(368, 170, 0.8)
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.line("M392,376 L372,452", c.accent, 4)
    else:
        c.mark(300, 126, 0.8)


def _stand_collar(c: Canvas) -> None:
    collar = symmetric("M300,54 C326,52 350,54 358,62 L362,104 C340,126 320,130 300,132")
    c.path(collar, c.cloth, line=c.tone(-0.45), width=1.4)
    c.line("M242,86 C270,102 330,102 358,86", c.tone(-0.5), 2, opacity=0.5)
    if c.view == "front":
        c.path(symmetric("M300,66 C322,64 340,66 350,70 C340,80 320,84 300,84"), c.accent_tone(-0.2))


def _quilt(c: Canvas, outline: str, rows: range) -> None:
    _piece(c, outline)
    puff = c.fade("#ffffff/.3@0", "#ffffff/.06@.35", f"{INK}/0@.5", f"{INK}/.3@1")
    with c.inside(outline):
        step = rows.step
        for y in (rows.start - step, *rows):
            c.path(
                f"M40,{y + 8} Q170,{y - 4} 300,{y + 4} T560,{y + 8} V{y + step + 8} Q430,{y + step - 4} 300,{y + step + 4} T40,{y + step + 8}Z",
                puff,
            )
            c.line(f"M40,{y + 8} Q170,{y - 4} 300,{y + 4} T560,{y + 8}", c.tone(-0.5), 1.5, opacity=0.55)
            c.line("".join(f"M{x},{y + 6}q4,14 -2,26" for x in (180, 236, 364, 420)), c.tone(-0.4), 2.4, opacity=0.16)
    _fit(c, outline, strength=1.1)


@drawing("ski_jacket", views=BOTH)
def ski_jacket(c: Canvas) -> None:
    """Ski jacket: blocked in two colours, hood, pass pocket, snow skirt hem."""
    _piece(c, _LONG)
    with c.inside(_LONG):
        c.path("M40,300 L300,340 L560,300 V560 H40Z", c.fade(c.accent_tone(0.1), c.accent_tone(-0.2)))
        c.path("M40,286 L300,326 L560,286 V304 L300,344 L40,304Z", tone(c.contrast, 0.3), opacity=0.9)
        c.line("M200,90 C190,200 190,260 196,320 M400,90 C410,200 410,260 404,320", c.tone(-0.4), 1.6, opacity=0.4)
    _sleeves(c, long=True)
    _folds(
        c,
        _LONG,
        "M430,290 C410,330 380,340 330,342",
        "M170,290 C190,330 220,340 270,342",
        "M490,290 C500,330 506,370 516,410",
        "M110,290 C100,330 94,370 84,410",
        "M410,450 C380,474 350,484 320,486",
    )
    _fit(c, _LONG, strength=1.2)
    _hood(c)
    for turn in ("", "translate(600 0) scale(-1 1)"):
        c.path("M519,424 L532,448 L478,466 L468,442Z", c.tone(-0.6), turn=turn)
    if c.view == "front":
        _zip(c, 140, 526)
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.line("M396,376 L366,448", c.accent_tone(-0.6), 5)
                c.line("M352,190 V262", c.tone(-0.6), 4.4, opacity=0.8)
        c.path("M112,352 l30,8 l-12,44 l-30,-8Z", c.tone(-0.3), line=c.tone(0.3), width=1.4)
        c.mark(388, 222, 0.85)
    else:
        c.mark(300, 236, 1.1)
        c.line("M178,490 C240,504 360,504 422,490", c.accent_tone(-0.5), 2, opacity=0.6)


@drawing("bike_jersey", views=BOTH)
def bike_jersey(c: Canvas) -> None:
    """Cycling jersey: full zip, chest hoops; three pockets on the back."""
    _piece(c, _TEE)
    with c.inside(_TEE):
        c.path("M80,262 H520 V286 H80Z", c.accent_cloth)
        c.path("M80,296 H520 V306 H80Z M80,316 H520 V321 H80Z", c.accent, opacity=0.8)
        for turn in ("", "translate(600 0) scale(-1 1)"):
            c.path("M520,240 L426,286 L446,326 L540,280Z", c.tone(-0.3), turn=turn)
    _collar(c, accent=True)
    _sleeves(c)
    _folds(c, _TEE, *_TEE_FOLDS[:4])
    _fit(c, _TEE)
    if c.view == "front":
        _zip(c, 128, 526)
        c.mark(364, 206, 0.95)
    else:
        for x in (186, 262, 338):
            c.path(
                f"M{x},400 q38,10 76,0 v108 h-76Z", c.fade(c.tone(0.05), c.tone(-0.14)), line=c.tone(-0.5), width=1.3
            )
            c.line(f"M{x},400 q38,10 76,0", c.accent, 4)
        c.mark(300, 190, 1.1)


@drawing("sports_bra", views=BOTH)
def sports_bra(c: Canvas) -> None:
    """Sports bra: racer back, broad band."""
    if c.view == "front":
        body = symmetric(
            "M300,250 C334,248 356,214 362,130 L392,130 C396,190 420,240 448,270 C444,330 440,380 440,430 C390,442 340,444 300,444"
        )
    else:
        body = symmetric(
            "M300,214 C312,210 340,170 356,130 L390,130 C380,190 350,236 346,276 C360,310 410,322 440,330 L440,430 C390,442 340,444 300,444"
        )
    _piece(c, body)
    with c.inside(body):
        c.path("M140,378 H460 V460 H140Z", c.accent_cloth)
        c.line("M150,378 C240,392 360,392 450,378", c.accent_tone(-0.5), 1.6, opacity=0.6)
        for y in (398, 410, 422):
            c.line(f"M140,{y} C240,{y + 12} 360,{y + 12} 460,{y}", c.accent_tone(-0.4), 1.2, opacity=0.3)
        if c.view == "front":
            c.line("M196,280 C220,350 280,366 300,366 C320,366 380,350 404,280", c.tone(-0.4), 2, opacity=0.45)
            c.line("M300,252 V376", c.tone(-0.4), 2, opacity=0.3)
    _folds(c, body, "M210,300 C226,340 250,352 280,356", "M390,300 C374,340 350,352 320,356")
    _fit(c, body)
    c.mark(300, 414, 0.8, tone(c.accent, 0.85) if lightness(c.accent) < 0.66 else tone(c.accent, -0.7))


@drawing("trousers", "track_pants", "ski_pants", views=BOTH)
def trousers(c: Canvas) -> None:
    """Long trousers: shaped knees, side pocket, belt."""
    _piece(c, _TROUSERS)
    with c.inside(_TROUSERS):
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.path("M386,60 L420,60 L424,560 L392,560 C400,400 396,220 372,66Z", c.accent_cloth)
                c.path("M322,318 C346,304 384,304 402,316 V404 C384,416 346,416 328,404Z", c.tone(-0.14))
                c.line(
                    "M322,318 C346,304 384,304 402,316 M328,404 C346,416 384,416 402,404",
                    c.tone(-0.5),
                    1.6,
                    opacity=0.5,
                )
    c.line("M300,104 V222", c.tone(-0.5), 1.8, opacity=0.6)
    _folds(
        c,
        _TROUSERS,
        "M306,226 C330,250 350,256 376,252",
        "M294,226 C270,250 250,256 224,252",
        "M344,420 C352,460 352,500 350,540",
        "M256,420 C248,460 248,500 250,540",
        "M372,430 C382,460 384,490 382,530",
    )
    _fit(c, _TROUSERS)
    c.path(
        symmetric("M300,62 L387,64 L391,100 L300,104"), c.fade(c.tone(-0.1), c.tone(-0.3)), line=c.tone(-0.5), width=1.2
    )
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.line(
                "M350,104 C356,130 372,150 394,160" if c.view == "front" else "M328,146 H374",
                c.tone(-0.6),
                3.4,
                opacity=0.8,
            )
            c.path("M344,58 h12 v50 h-12Z", c.tone(-0.35))
            c.seam("M331,532 H401")
    if c.view == "front":
        c.ellipse(300, 84, 7, fill=c.glow("#f3f4f5", "#80878e"))
        c.mark(352, 200, 0.62)
    else:
        c.mark(300, 84, 0.6)


@drawing("tights", views=BOTH)
def tights(c: Canvas) -> None:
    """Running tights: high waist, calf zip, reflective print."""
    _piece(c, _TIGHTS)
    with c.inside(_TIGHTS):
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.path("M384,60 C378,140 372,200 360,270 C352,330 356,360 364,420 L400,420 V60Z", c.tone(-0.24))
                c.line("M366,80 C372,160 366,220 356,280 C350,330 354,370 362,420", c.accent, 3.4)
                c.line("M352,470 L344,548", c.accent_tone(0.2), 3.4)
                c.path(
                    "M338,386 l20,-8 v8 l-20,8Z M338,402 l20,-8 v8 l-20,8Z M338,418 l20,-8 v8 l-20,8Z",
                    tone(c.contrast, 0.3),
                    opacity=0.8,
                )
    c.line("M300,110 V214", c.tone(-0.5), 1.8, opacity=0.6)
    _folds(
        c,
        _TIGHTS,
        "M306,220 C326,240 346,244 370,238",
        "M294,220 C274,240 254,244 230,238",
        "M330,350 C344,360 360,360 374,352",
        "M270,350 C256,360 240,360 226,352",
    )
    _fit(c, _TIGHTS, strength=1.1)
    c.path(
        symmetric("M300,60 L377,62 C380,84 382,96 383,108 C356,116 326,118 300,118"),
        c.fade(c.tone(-0.08), c.tone(-0.3)),
        line=c.tone(-0.5),
        width=1.2,
    )
    if c.view == "front":
        c.mark(300, 90, 0.75)
        return
    # The back has a zipped key pocket in the waistband and a seam that shapes the seat.
    c.line("M262,98 H338", c.tone(-0.6), 4)
    c.line("M262,98 H338", c.contrast, 1.4, dash="3 3")
    c.line("M236,128 C250,190 280,216 300,214 C320,216 350,190 364,128", c.tone(-0.5), 1.8, opacity=0.5)


@drawing("shorts", "team_shorts", "board_shorts", views=BOTH)
def shorts(c: Canvas) -> None:
    """Shorts: elastic waist with cord, side panel with vent."""
    _piece(c, _SHORTS)
    with c.inside(_SHORTS):
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.path("M392,110 H460 L470,430 L424,420 C430,330 412,210 384,122Z", c.accent_cloth)
                c.line("M384,122 C412,210 430,330 424,420", c.accent_tone(-0.5), 1.6, opacity=0.5)
    c.line("M300,160 V282", c.tone(-0.5), 1.8, opacity=0.6)
    _folds(
        c,
        _SHORTS,
        "M308,290 C334,310 360,314 396,304",
        "M292,290 C266,310 240,314 204,304",
        "M350,330 C362,360 370,390 374,418",
        "M250,330 C238,360 230,390 226,418",
    )
    _fit(c, _SHORTS)
    c.path(
        symmetric("M300,114 L397,116 L403,156 L300,162"),
        c.fade(c.tone(-0.06), c.tone(-0.26)),
        line=c.tone(-0.5),
        width=1.2,
    )
    for x in range(212, 400, 11):
        c.line(f"M{x},122 v32", c.tone(-0.5), 1.5, opacity=0.3)
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.seam("M327,416 L443,392")
    if c.view == "front":
        c.line("M288,140 C284,170 280,190 286,214 M312,140 C318,168 318,184 312,206", tone(c.contrast, 0.2), 5)
        c.mark(222, 366, 0.85)
    else:
        c.mark(300, 138, 0.6)
        c.line("M344,196 H390", c.tone(-0.6), 3.4, opacity=0.8)


@drawing("bib_shorts", views=BOTH)
def bib_shorts(c: Canvas) -> None:
    """Cycling bib shorts: braces, gripper hem, chamois."""
    strap = "M226,214 C236,150 232,90 250,50 L276,50 C268,100 280,160 292,206Z"
    for turn in ("", "translate(600 0) scale(-1 1)"):
        c.path(strap, c.fade("#f7f7f5", "#cfd3d6"), line="#9aa0a6", width=1.2, turn=turn)
    if c.view == "back":
        c.path(
            symmetric("M300,140 C330,130 338,90 340,60 L352,60 C358,110 362,160 374,214 L300,230"),
            c.fade("#f7f7f5", "#cfd3d6"),
            line="#9aa0a6",
            width=1.2,
        )
    body = symmetric(
        "M300,214 C330,206 352,200 374,206 C400,270 412,350 408,478 L324,492 C322,440 318,400 306,366 C304,362 302,360 300,360"
    )
    _piece(c, body)
    with c.inside(body):
        for turn in ("", "translate(600 0) scale(-1 1)"):
            with c.group(turn):
                c.path("M320,446 L420,430 V500 H320Z", c.accent_cloth)
                c.line("M372,206 C366,280 366,360 380,440", c.accent, 3.4)
        if c.view == "back":
            c.path(symmetric("M300,262 C326,262 342,290 344,330 C340,360 318,376 300,380"), c.tone(0.12), opacity=0.6)
    _folds(c, body, "M310,366 C334,384 360,388 396,378", "M290,366 C266,384 240,388 204,378")
    _fit(c, body, strength=1.1)
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.mark(366, 466, 0.7, tone(c.accent, 0.85) if lightness(c.accent) < 0.66 else tone(c.accent, -0.7))


@drawing("socks", views=("front", "detail"), zoom=(300, 200, 2.0))
def socks(c: Canvas) -> None:
    """A pair of sports socks: ribbed cuff, heel and toe in the second colour."""
    sock = "M178,74 H272 C274,170 270,250 276,306 C284,352 340,384 390,410 C424,430 424,482 384,494 C330,508 240,474 196,420 C176,392 176,330 178,280Z"
    rib = f'<path d="M3,0 V12" stroke="{INK}" stroke-width="1.6"/>'
    for transform in ("translate(70 -6)", "translate(-46 30)"):
        with c.group(transform):
            c.cast(sock)
            c.path(sock, c.cloth)
            with c.inside(sock):
                c.path("M160,60 H290 V150 H160Z", c.pattern(7, 12, rib), opacity=0.22)
                c.path("M160,92 H290 V104 H160Z M160,112 H290 V124 H160Z", c.accent)
                c.path("M170,330 C210,330 240,352 252,392 L210,450 L160,420Z", c.accent_cloth)
                c.path("M352,380 C342,420 346,470 362,510 H440 V380Z", c.accent_cloth)
                c.path("M184,250 H274 V300 H184Z", c.pattern(7, 12, rib, "rotate(90)"), opacity=0.18)
                c.line("M276,306 C262,330 250,344 236,352", c.tone(-0.5), 5, opacity=0.16)
            c.volume(sock)
            c.outline(sock)
            c.mark(226, 196, 0.9)


@drawing("cap", views=("front", "detail"), zoom=(280, 270, 1.8))
def cap(c: Canvas) -> None:
    """Running cap: curved peak, perforated side panel."""
    c.ground(300, 420, 210, 14)
    crown = "M120,372 C112,260 176,168 286,164 C384,162 440,236 446,348 C360,336 220,340 120,372Z"
    c.path(crown, c.cloth)
    with c.inside(crown):
        c.path("M120,372 C112,260 176,168 286,164 C230,210 204,280 206,356Z", c.tone(-0.16))
        holes = f'<circle cx="3" cy="3" r="1.6" fill="{c.tone(-0.6)}"/>'
        c.path("M130,360 C126,280 170,210 240,182 C210,230 194,290 196,350Z", c.pattern(9, 9, holes), opacity=0.7)
        c.line("M286,164 C230,210 204,280 206,356 M286,164 C350,200 388,270 392,344", c.tone(-0.5), 1.8, opacity=0.5)
        c.path("M300,166 C370,176 420,230 436,300 C400,240 360,200 290,180Z", "#ffffff", opacity=0.18)
    c.volume(crown, strength=0.8)
    c.outline(crown)
    c.ellipse(286, 164, 10, 6, c.tone(-0.3))
    peak = (
        "M206,352 C290,330 380,332 446,346 C500,362 536,388 530,404 C480,396 380,384 300,390 C256,392 220,380 206,352Z"
    )
    c.path(peak, c.fade(c.accent_tone(0.16), c.accent_tone(-0.24)))
    c.line(
        "M214,358 C300,340 400,344 470,366 M226,366 C310,350 420,354 506,386",
        c.accent_tone(-0.5),
        1.4,
        opacity=0.5,
        dash="5 3.5",
    )
    c.outline(peak, of=c.accent)
    c.mark(312, 276, 1.7, c.contrast, turn=-3)


@drawing("beanie", views=("front", "detail"), zoom=(300, 330, 1.9))
def beanie(c: Canvas) -> None:
    """Knitted hat with folded cuff and a pompom."""
    c.ground(300, 500, 180, 15)
    wool = f'<path d="M2,10 L6,2 L10,10" fill="none" stroke="{INK}" stroke-width="2"/>'
    c.ellipse(300, 124, 54, fill=c.glow(c.accent_tone(0.34), c.accent, c.accent_tone(-0.3), cx=0.4, cy=0.35, r=0.7))
    for i in range(22):
        a = i * 16.36
        c.path("M300,70 l5,-14 l5,14Z", c.accent_tone(-0.05), turn=f"rotate({a:g} 300 124)")
    dome = "M140,400 C130,270 190,164 300,162 C410,164 470,270 460,400Z"
    c.path(dome, c.cloth)
    with c.inside(dome):
        c.path(dome, c.pattern(12, 12, wool), opacity=0.16)
        c.path("M130,288 H470 V316 H130Z", c.accent, opacity=0.95)
        c.path("M130,288 " + "l12,14 l12,-14 " * 15 + "V274 H130Z", c.accent, opacity=0.55)
        for x in (190, 245, 300, 355, 410):
            c.line(f"M{x},400 C{x},300 {(x + 300) / 2:g},210 300,164", c.tone(-0.5), 3, opacity=0.14)
    c.volume(dome)
    cuff = "M128,382 C126,372 132,366 142,368 C240,380 360,380 458,368 C468,366 474,372 472,382 L468,470 C466,482 458,486 448,486 C360,494 240,494 152,486 C142,486 134,482 132,470Z"
    c.path(cuff, c.fade(c.tone(0.1), c.tone(-0.22)))
    with c.inside(cuff):
        rib = f'<path d="M5,0 V12" stroke="{INK}" stroke-width="4"/>'
        c.path(cuff, c.pattern(11, 12, rib), opacity=0.16)
    c.volume(cuff)
    c.outline(cuff)
    c.box(262, 404, 76, 46, tone(c.contrast, 0.1), r=5)
    c.mark(300, 427, 0.95, c.colour)


@drawing("gloves", views=("front", "detail"), zoom=(240, 300, 1.9))
def gloves(c: Canvas) -> None:
    """A pair of winter gloves."""
    hand = (
        "M172,520 C168,460 160,420 146,384 C128,350 104,320 96,292 C90,270 112,258 128,274 C146,292 158,312 168,322 "
        "C168,260 164,200 166,150 C166,124 202,124 204,150 L210,236 L216,120 C218,96 252,96 254,122 L254,238 L266,136 "
        "C270,112 302,116 300,142 L294,250 L312,182 C318,160 346,166 342,192 C336,250 330,310 322,360 C318,410 314,460 312,520Z"
    )
    for transform in (
        "translate(600 0) scale(-1 1) rotate(-5 240 320) translate(-46 20)",
        "rotate(-5 240 320) translate(-46 20)",
    ):
        with c.group(transform):
            c.cast(hand, dx=6)
            c.path(hand, c.cloth)
            with c.inside(hand):
                c.path("M150,420 C200,440 280,440 330,420 V540 H150Z", c.accent_cloth)
                c.path("M160,330 C200,350 280,350 326,320 L322,372 C280,396 200,396 160,376Z", c.tone(-0.24))
                c.line(
                    "M210,236 L214,300 M254,238 V300 M294,250 L288,306 M168,322 C176,350 176,372 170,396",
                    c.tone(-0.5),
                    2.4,
                    opacity=0.5,
                )
                c.line("M184,150 V230 M236,124 V220 M282,144 L272,230", "#ffffff", 7, opacity=0.14)
                for y in (470, 486, 502):
                    c.line(f"M160,{y} C220,{y + 10} 270,{y + 10} 330,{y}", c.accent_tone(-0.5), 1.8, opacity=0.35)
            c.volume(hand, strength=0.8)
            c.outline(hand)
            c.path("M176,430 h132 v22 h-132Z", c.tone(-0.5), opacity=0.85)
            c.mark(244, 400, 0.8)


@drawing("keeper_gloves", views=("front", "detail"), zoom=(240, 260, 1.9))
def keeper_gloves(c: Canvas) -> None:
    """Goalkeeper's gloves: thick fingers, latex, wrist strap."""
    hand = (
        "M160,510 L156,420 C140,392 112,360 92,322 C80,296 112,272 134,294 L160,328 L152,150 C152,116 204,114 206,148 L208,240 "
        "L210,120 C212,84 264,84 264,120 L264,240 L272,136 C276,104 324,108 320,144 L312,256 L326,196 C334,166 374,176 368,208 "
        "C360,280 350,350 340,420 L336,510Z"
    )
    for transform in (
        "translate(600 30) scale(-.9 .9) rotate(-4 240 320) translate(-60 10)",
        "translate(0 30) scale(.9) rotate(-4 240 320) translate(-60 10)",
    ):
        with c.group(transform):
            c.cast(hand, dx=6)
            c.path(hand, c.cloth)
            with c.inside(hand):
                for x, y in ((156, 132), (214, 102), (270, 120), (326, 190)):
                    c.box(x, y, 46, 110, c.accent_cloth, r=18, turn=f"rotate({(x - 240) / 16:g} {x} {y})")
                    c.line(f"M{x + 4},{y + 34}h38m-38,28h38m-38,28h38", c.accent_tone(-0.45), 2, opacity=0.5)
                c.path("M150,300 C200,276 300,276 350,300 L340,430 H156Z", c.tone(-0.16))
                c.line(
                    "".join(f"M166,{y}Q250,{y - 16} 342,{y + 4}" for y in range(316, 420, 18)),
                    c.tone(0.4),
                    2,
                    opacity=0.25,
                )
            c.volume(hand, strength=0.8)
            c.outline(hand)
            c.path("M148,432 H346 V478 H148Z", c.fade(c.accent_tone(0.1), c.accent_tone(-0.3)))
            c.path("M250,432 h108 v46 h-108Z", c.tone(-0.5))
            c.mark(304, 455, 0.9, tone(c.colour, 0.85))
            c.mark(246, 370, 1.3)


@drawing("swimsuit", views=BOTH)
def swimsuit(c: Canvas) -> None:
    """Competition swimsuit."""
    if c.view == "front":
        body = symmetric(
            "M300,176 C328,172 344,130 350,72 L376,74 C380,140 396,180 410,206 C396,270 386,310 396,360 C402,400 396,440 376,468 C352,470 326,500 318,526 L300,530"
        )
    else:
        body = symmetric(
            "M300,216 C316,200 336,130 350,72 L374,74 C366,140 346,190 344,236 C350,270 392,280 394,330 C402,390 400,440 384,470 C352,486 326,504 318,526 L300,530"
        )
    _piece(c, body)
    with c.inside(body):
        c.path("M440,60 C360,200 372,330 420,480 H460 V60Z M160,60 C240,200 228,330 180,480 H140 V60Z", c.accent_cloth)
        c.line(
            "M388,150 C352,260 366,370 396,460 M212,150 C248,260 234,370 204,460",
            tone(c.contrast, 0.2),
            2.4,
            opacity=0.7,
        )
        c.path("M280,120 C262,260 270,400 300,540 C290,400 290,260 312,120Z", "#ffffff", opacity=0.1)
    _fit(c, body, strength=1.2)
    c.mark(300, 244, 0.9)


@drawing("kids_overall", views=BOTH)
def kids_overall(c: Canvas) -> None:
    """Rain overall for children: hood, zip, reflective bands."""
    body = symmetric(
        "M300,116 C324,116 342,110 350,98 L398,112 C424,122 434,138 442,166 L486,316 L438,332 L408,246 C408,300 412,350 412,400 "
        "C414,450 412,500 408,548 L322,548 L310,404 C308,396 304,394 300,394"
    )
    _piece(c, body)
    with c.inside(body):
        c.path("M60,80 H540 V214 C460,236 140,236 60,214Z", c.accent_cloth)
        c.path(
            "M170,470 H430 V486 H170Z M90,280 L190,248 V264 L96,296Z M510,280 L410,248 V264 L504,296Z",
            c.fade("#ffffff", "#c8ced3"),
            opacity=0.95,
        )
        c.path("M320,400 h84 v54 h-80Z M280,400 h-84 v54 h80Z", c.tone(-0.2))
    _folds(
        c,
        body,
        "M400,280 C380,310 350,320 320,322",
        "M200,280 C220,310 250,320 280,322",
        "M312,400 C330,410 360,414 390,408",
    )
    _fit(c, body)
    _hood(c)
    if c.view == "front":
        c.line("M330,150 C330,260 322,330 306,386", tone(c.contrast, 0.1), 5)
        c.mark(262, 190, 0.9, tone(c.accent, 0.85) if lightness(c.accent) < 0.66 else tone(c.accent, -0.7))
    else:
        c.mark(300, 260, 1.1)
