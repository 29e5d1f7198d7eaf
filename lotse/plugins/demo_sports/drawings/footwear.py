"""Shoes: seen from the outer side, and their soles."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, mix, tone
from lotse.plugins.demo_sports.drawings.registry import Drawer, drawing

SHOE = ("side", "sole")

# The upper of a low shoe, toe to the right; its lower edge is hidden by the sole.
_UPPER = (
    "M92,374 C82,334 80,292 88,246 C90,228 106,222 118,232 C128,242 138,256 158,262 C182,268 206,258 222,240 "
    "C230,230 240,216 254,214 L284,210 C292,210 297,214 298,222 C328,254 372,280 424,292 C478,302 524,322 532,368 "
    "L526,398 H96Z"
)
_COLLAR = (
    "M118,232 C128,242 138,256 158,262 C182,268 206,258 222,240 C214,230 196,226 172,228 C150,229 132,226 118,232Z"
)
_INSTEP = "M298,222 C328,254 372,280 424,292 L396,326 C348,316 300,290 262,250 C256,240 272,222 298,222Z"
_TOE = "M440,295 C486,306 526,326 532,368 L526,398 H404 C408,356 418,324 440,295Z"
_HEEL = "M88,246 C80,292 82,334 92,374 L96,398 H176 C182,352 160,306 112,262 C104,254 94,246 88,246Z"


def _upper(c: Canvas, *, knit: bool = True, toe: bool = True) -> None:
    """The upper with collar, heel counter, toe cap, laces and mark."""
    c.path(
        "M226,250 C226,224 232,196 246,180 C256,170 276,172 288,184 C296,194 300,208 298,224 L262,256Z",
        c.fade(c.tone(-0.34), c.tone(-0.04), angle="right"),
    )
    c.path("M96,244 C84,238 80,222 84,208 C88,200 100,200 102,208 L110,236Z", c.accent_cloth)
    c.path(_UPPER, c.fade(c.tone(0.2), f"{c.colour}@.5", c.tone(-0.24), angle="diagonal"))
    if knit:
        dots = f'<circle cx="2.5" cy="2.5" r="1.2" fill="{tone(c.colour, -0.35)}"/>'
        c.path(_UPPER, c.pattern(7, 7, dots, "rotate(28)"), opacity=0.5)
    with c.inside(_UPPER):
        c.path(_HEEL, c.fade(c.tone(-0.12), c.tone(-0.34)))
        if toe:
            c.path(_TOE, c.fade(c.tone(-0.06), c.tone(-0.3), angle="diagonal"))
            c.line("M440,295 C418,324 408,356 404,398", c.tone(0.3), 2, opacity=0.6)
        c.line("M112,262 C160,306 182,352 176,398", c.tone(0.3), 2, opacity=0.5)
        c.path(
            "M60,398 H540 V366 C480,372 400,382 300,372 C200,362 140,352 60,340Z",
            c.fade(f"{INK}/0", f"{INK}/.34"),
        )
        c.path("M302,228 C336,260 384,286 436,298 C396,300 340,282 296,240Z", "#ffffff", opacity=0.16)
    c.path(_COLLAR, c.fade(c.tone(-0.55), c.tone(-0.3)))
    c.line("M118,232 C128,242 138,256 158,262 C182,268 206,258 222,240", c.tone(0.34), 4, opacity=0.75)
    c.path(_INSTEP, c.fade(c.tone(0.05), c.tone(-0.2), angle="right"))
    c.line("M262,250 C300,290 348,316 396,326", c.tone(-0.42), 1.6, opacity=0.7, dash="5 3")
    _laces(c)
    c.outline(_UPPER)


def _laces(c: Canvas) -> None:
    lace = tone(c.contrast, 0.25)
    for x, y in ((274, 234), (296, 256), (322, 276), (351, 292), (381, 304)):
        c.line(f"M{x - 5},{y + 14} L{x + 27},{y - 10}", tone(c.colour, -0.6), 9, opacity=0.35)
        c.line(f"M{x - 6},{y + 12} L{x + 26},{y - 12}", lace, 7)
        c.ellipse(x - 7, y + 13, 3, fill=c.tone(-0.6))
    c.line(
        "M284,220 C266,204 248,210 256,222 C264,230 280,226 284,220 C296,202 318,204 312,216 C306,225 292,225 284,220",
        lace,
        4.5,
    )


def _brand(c: Canvas) -> None:
    with c.inside(_UPPER):
        c.mark(238, 338, 2.1, c.contrast, turn=-4)


_FOAM = (
    "M80,352 C66,372 62,402 76,420 C88,434 110,436 130,434 C180,432 230,444 300,444 C400,444 466,432 512,410 "
    "C532,400 540,386 534,374 C528,366 516,368 500,372 C440,388 380,392 320,384 C250,376 150,366 80,352Z"
)


@drawing("running_shoe", "race_shoe", views=SHOE)
def running_shoe(c: Canvas) -> None:
    """Road shoe: a rockered foam sole with a sculpted line."""
    if c.view == "sole":
        return _pair_of_soles(c, _road_tread)
    c.ground(304, 446, 232, 15)
    _upper(c)
    _brand(c)
    foam = mix("#f7f6f2", c.accent, 0.07)
    c.path(
        "M84,424 C110,446 190,436 240,444 C330,458 440,446 500,416 L516,404 L530,390 C530,404 510,424 486,434 "
        "C430,456 300,456 240,452 C180,446 120,450 96,438Z",
        tone(c.accent, -0.25),
    )
    c.path(_FOAM, c.fade(tone(foam, 0.5), f"{foam}@.5", tone(foam, -0.2)))
    with c.inside(_FOAM):
        c.path("M60,400 C160,392 220,424 330,424 C430,424 500,404 560,380 V460 H60Z", c.accent_cloth, opacity=0.92)
        c.path("M60,400 C160,392 220,424 330,424 C430,424 500,404 560,380", line=tone(c.accent, -0.4), opacity=0.4)
        for x in range(100, 200, 14):
            c.line(f"M{x},{402 + (x - 100) // 12} l-10,26", tone(c.accent, -0.3), 3, opacity=0.4)
    c.outline(_FOAM, of=foam)


@drawing("trail_shoe", views=SHOE)
def trail_shoe(c: Canvas) -> None:
    """Trail shoe: deep lugs and a rubber toe bumper."""
    if c.view == "sole":
        return _pair_of_soles(c, _lug_tread)
    c.ground(304, 454, 232, 15)
    _upper(c)
    with c.inside(_UPPER):
        c.path(
            "M120,398 L190,300 L214,306 L160,398Z M190,398 L244,318 L266,326 L226,398Z M262,398 L300,342 L320,348 L292,398Z",
            c.contrast,
            opacity=0.22,
        )
        c.mark(212, 300, 1.25, c.contrast, turn=-6)
        c.path("M470,320 C520,336 534,356 540,398 H452 C478,382 488,350 470,320Z", c.fade(tone(INK, 0.3), INK))
    rubber = mix(INK, c.accent, 0.18)
    edge = "M80,424 C110,446 180,438 240,444 C330,456 440,446 500,420 L528,398"
    c.path(edge, line=rubber, width=34, dash="21 8")
    c.path(_FOAM, c.fade(c.accent_tone(0.22), c.accent, c.accent_tone(-0.28)))
    c.path(
        "M72,408 C130,424 230,432 310,432 C410,432 480,420 534,388 C534,404 520,412 512,418 C466,436 400,446 300,446 "
        "C230,446 180,434 130,436 C100,438 78,430 72,408Z",
        c.fade(tone(rubber, 0.2), rubber),
    )
    c.outline(_FOAM, of=c.accent)


@drawing("court_shoe", "kids_shoe", views=SHOE)
def court_shoe(c: Canvas) -> None:
    """Indoor and tennis shoe: flat cup sole, wrapped toe."""
    if c.view == "sole":
        return _pair_of_soles(c, _herringbone)
    c.ground(304, 442, 228, 15)
    _upper(c, knit=False)
    with c.inside(_UPPER):
        c.path("M176,398 L236,262 L270,262 L232,398Z M250,398 L290,300 L318,318 L290,398Z", c.contrast, opacity=0.9)
        c.path("M176,398 L236,262 L248,262 L196,398Z", "#ffffff", opacity=0.18)
        for x, y in ((440, 344), (456, 348), (472, 354), (448, 360), (464, 365), (480, 371)):
            c.ellipse(x, y, 3.2, 2.4, c.tone(-0.5))
    c.mark(136, 322, 0.95, c.contrast, turn=-8)
    cup = (
        "M84,362 C78,380 76,410 82,426 C84,434 92,436 100,436 L500,436 C520,434 534,420 536,398 C538,384 534,372 526,370 "
        "C470,384 380,388 300,382 C220,376 150,370 84,362Z"
    )
    white = mix("#f5f4ef", c.accent, 0.05)
    c.path(cup, c.fade(tone(white, 0.6), white, tone(white, -0.2)))
    with c.inside(cup):
        c.path("M70,418 H560 V440 H70Z", c.accent_cloth)
        c.line("M78,398 C200,410 400,410 536,396", tone(white, -0.35), 1.6, opacity=0.7, dash="5 3.5")
        c.path("M480,360 H560 V420 C520,420 492,400 480,360Z", tone(white, -0.12), opacity=0.7)
    c.outline(cup, of=white)


@drawing("football_boot", views=SHOE)
def football_boot(c: Canvas) -> None:
    """Football boot: low, long vamp, moulded studs."""
    if c.view == "sole":
        return _pair_of_soles(c, _studs)
    c.ground(304, 462, 226, 13)
    studs = c.fade(c.accent_tone(0.15), c.accent_tone(-0.4))
    for x, width in ((104, 30), (146, 26), (184, 24), (352, 24), (396, 26), (440, 26), (480, 22)):
        c.path(f"M{x},410 h{width} l-5,44 q-{width / 2 - 5:g},7 -{width - 10},0Z", studs)
    upper = (
        "M94,398 C80,346 80,300 90,262 C94,246 108,246 120,254 C150,274 190,276 216,258 C226,250 236,238 250,234 "
        "L278,230 C286,230 290,236 290,242 C330,280 392,306 450,324 C500,338 530,360 532,392 C532,404 520,412 500,412 H110Z"
    )
    c.path("M226,262 C232,240 240,222 262,216 C280,212 296,220 296,234 L280,262Z", c.fade(c.tone(0), c.tone(-0.35)))
    c.path(upper, c.fade(c.tone(0.28), f"{c.colour}@.48", c.tone(-0.26), angle="diagonal"))
    with c.inside(upper):
        ridges = "".join(f"M{330 + i * 17},{276 + i * 8} q-14,40 -4,90 " for i in range(10))
        c.line(ridges, c.tone(-0.3), 3, opacity=0.55)
        c.line(ridges.replace("q", "m3,0 q"), c.tone(0.4), 1.6, opacity=0.5)
        c.path(
            "M90,262 C80,300 80,346 94,398 L110,412 H170 C182,366 160,306 120,268 C108,258 96,254 90,262Z",
            c.fade(c.accent_tone(0.08), c.accent_tone(-0.25)),
        )
        c.path("M60,412 H540 V392 C420,400 260,392 60,366Z", c.fade(f"{INK}/0", f"{INK}/.36"))
        c.path("M292,246 C332,282 394,308 452,326 C400,326 330,300 288,258Z", "#ffffff", opacity=0.25)
        c.mark(236, 344, 1.9, c.contrast, turn=-6)
    c.path("M120,254 C150,274 190,276 216,258 C200,248 180,248 160,250 C144,252 132,248 120,254Z", c.tone(-0.55))
    c.line("M120,254 C150,274 190,276 216,258", c.tone(0.3), 4, opacity=0.7)
    lace = tone(c.contrast, 0.2)
    for x, y in ((270, 256), (294, 276), (322, 293), (352, 307)):
        c.line(f"M{x - 8},{y + 14} L{x + 22},{y - 8}", lace, 6.5)
    plate = (
        "M92,394 C88,408 92,418 108,420 L300,424 L500,420 C520,418 534,406 534,394 C520,406 500,408 460,408 "
        "C340,410 200,406 92,394Z"
    )
    c.path(plate, c.fade(c.accent_tone(0.1), c.accent_tone(-0.35)))
    c.outline(upper)


@drawing("hiking_boot", views=SHOE)
def hiking_boot(c: Canvas) -> None:
    """Hiking boot: ankle-high leather, hooks, rubber rand, lugged sole."""
    if c.view == "sole":
        return _pair_of_soles(c, _lug_tread)
    c.ground(304, 486, 226, 16)
    rubber = mix(INK, c.accent, 0.1)
    upper = (
        "M112,430 C96,380 100,320 104,262 C106,222 104,190 102,160 C102,142 116,134 132,140 C160,150 196,150 226,140 "
        "C244,134 262,138 264,154 C266,190 278,230 304,262 C336,298 400,318 454,336 C500,352 522,372 524,420 L520,440 H112Z"
    )
    c.path(
        "M214,150 C226,120 250,106 272,112 C288,118 290,136 284,160 L276,200 L240,190Z", c.fade(c.tone(0), c.tone(-0.4))
    )
    c.path(upper, c.fade(c.tone(0.18), f"{c.colour}@.5", c.tone(-0.3), angle="diagonal"))
    with c.inside(upper):
        c.path("M96,130 H280 V186 C220,206 150,204 96,190Z", c.fade(c.accent_tone(0.12), c.accent_tone(-0.2)))
        for y in (152, 168, 184):
            c.line(f"M98,{y - 2} C150,{y + 14} 220,{y + 12} 262,{y - 4}", c.accent_tone(-0.4), 1.6, opacity=0.55)
        c.path("M90,300 C150,318 176,360 180,440 H90Z", c.tone(-0.2))
        c.line("M96,300 C150,318 176,360 180,440", c.tone(0.35), 1.6, opacity=0.7, dash="5 3.5")
        c.path(
            "M264,154 C266,190 278,230 304,262 C336,298 400,318 454,336 L420,366 C350,350 290,320 258,276 C236,240 226,196 226,160Z",
            c.tone(-0.12),
        )
        c.line(
            "M226,170 C226,200 236,246 258,276 C290,320 350,350 420,366", c.tone(0.35), 1.6, opacity=0.7, dash="5 3.5"
        )
        c.path(
            "M80,440 V404 C180,418 260,420 330,404 C400,388 470,378 540,390 V440Z", c.fade(tone(rubber, 0.28), rubber)
        )
        c.path(
            "M266,160 C272,200 284,236 308,264 C340,298 400,320 452,338 C400,334 330,312 292,270 C270,240 262,200 266,160Z",
            "#ffffff",
            opacity=0.16,
        )
    c.path(
        "M104,148 C130,160 200,162 258,146 C250,134 240,136 226,140 C196,150 160,150 132,140 C118,136 108,140 104,148Z",
        c.tone(-0.6),
    )
    lace = tone(c.contrast, 0.15)
    for x, y, hook in (
        (240, 176, True),
        (246, 206, True),
        (256, 238, True),
        (274, 268, False),
        (304, 296, False),
        (342, 318, False),
        (384, 334, False),
    ):
        c.line(f"M{x - 12},{y + 10} L{x + 28},{y - 10}", lace, 7)
        c.ellipse(x - 13, y + 11, 5 if hook else 4, fill=c.glow("#f4f4f2", "#8b9096"))
    c.mark(150, 262, 1.3, c.contrast)
    c.outline(upper)
    c.path("M106,462 H234", line=tone(rubber, -0.1), width=42, dash="26 8")
    c.path("M262,462 C360,464 440,460 486,446 L526,420", line=tone(rubber, -0.1), width=40, dash="24 8")
    mid = "M104,430 C100,446 104,460 118,462 L480,462 C510,458 530,444 530,424 C500,440 460,444 400,444 C300,448 180,448 104,430Z"
    c.path(mid, c.fade(c.accent_tone(0.3), c.accent_tone(-0.15)))
    c.line("M112,448 C240,462 420,460 522,438", c.accent_tone(-0.45), 1.6, opacity=0.5)


@drawing("cycling_shoe", views=("side", "detail"), zoom=(330, 300, 2.0))
def cycling_shoe(c: Canvas) -> None:
    """Cycling shoe: stiff plate, dials, cleat."""
    c.ground(304, 442, 222, 13)
    upper = (
        "M90,392 C78,346 80,300 92,256 C98,240 112,240 124,250 C150,270 190,272 220,256 C250,240 280,232 300,240 "
        "C350,264 400,292 450,312 C500,332 532,352 534,384 C534,398 522,404 504,406 L110,406 C98,404 92,400 90,392Z"
    )
    c.path("M206,262 C230,232 262,220 300,226 L318,248 L260,276Z", c.tone(-0.4))
    c.path(upper, c.fade(c.tone(0.3), f"{c.colour}@.5", c.tone(-0.24), angle="diagonal"))
    with c.inside(upper):
        holes = f'<ellipse cx="3" cy="3" rx="1.8" ry="1.3" fill="{c.tone(-0.5)}"/>'
        c.path(
            "M380,280 L540,340 V390 H400 C396,350 390,310 380,280Z", c.pattern(11, 9, holes, "rotate(20)"), opacity=0.8
        )
        c.path("M88,250 L150,270 C176,320 176,370 166,410 H80Z", c.tone(-0.22))
        c.path("M290,232 C360,262 420,300 480,320 C420,322 340,292 280,252Z", "#ffffff", opacity=0.3)
        c.path("M60,410 H560 V384 C420,394 240,386 60,360Z", c.fade(f"{INK}/0", f"{INK}/.34"))
        c.mark(228, 352, 1.7, c.contrast, turn=-5)
    for x, y in ((280, 278), (352, 312)):
        c.line(f"M{x},{y} L{x + 40},{y - 30} M{x + 4},{y + 8} L{x + 62},{y + 2}", tone(c.colour, -0.62), 2.4)
        c.ellipse(x, y + 4, 19, fill=c.accent_tone(-0.35))
        c.ellipse(x, y, 18, fill=c.glow(c.accent_tone(0.4), c.accent, c.accent_tone(-0.3), cx=0.35, cy=0.3, r=0.8))
        c.ellipse(x, y, 9, fill=c.accent_tone(-0.25))
    c.path("M124,250 C150,270 190,272 220,256 C200,246 180,248 164,250 C146,252 136,244 124,250Z", c.tone(-0.6))
    c.path(
        "M88,390 C86,410 98,420 120,420 L330,424 C420,424 480,418 520,404 C532,398 536,390 534,380 C500,402 440,404 380,404 "
        "C280,406 160,402 88,390Z",
        c.fade("#4a5058", "#14181d"),
    )
    c.path("M350,422 h62 l-8,14 h-46Z", c.fade("#d6d9dc", "#7b828a"))
    c.path("M112,418 h40 l-4,16 h-32Z", c.fade("#3d434b", "#14181d"))
    c.outline(upper)


@drawing("ski_boot", views=("side", "detail"), zoom=(330, 300, 1.9))
def ski_boot(c: Canvas) -> None:
    """Alpine ski boot: overlap shell, cuff, four buckles, power strap."""
    c.ground(300, 520, 206, 16)
    shell = "M112,470 C100,420 108,370 128,330 L300,300 C330,330 350,356 400,372 C450,386 486,404 492,440 C494,460 488,474 480,480 H124Z"
    cuff = "M132,96 C160,84 226,82 260,92 C272,140 290,200 322,280 C328,300 322,316 306,326 C250,350 180,352 128,344 C112,290 112,180 132,96Z"
    liner = "M140,64 C170,52 230,50 262,64 L272,110 H134Z"
    c.path(liner, c.fade(tone(INK, 0.3), tone(INK, 0.05)))
    c.line("M152,74 C180,66 220,66 250,76", "#ffffff", 2, opacity=0.25)
    c.path(shell, c.fade(c.tone(0.22), c.colour, c.tone(-0.3), angle="diagonal"))
    with c.inside(shell):
        c.path(
            "M300,300 C330,330 350,356 400,372 C450,386 486,404 492,440 C440,410 360,400 290,360Z",
            "#ffffff",
            opacity=0.14,
        )
        c.path("M100,440 C220,456 380,450 500,440 V490 H100Z", c.fade(f"{INK}/0", f"{INK}/.4"))
        c.line("M300,330 C320,370 380,400 480,420", c.tone(-0.5), 2.4, opacity=0.7)
    c.path(cuff, c.fade(c.tone(0.3), f"{c.colour}@.45", c.tone(-0.32), angle="diagonal"))
    with c.inside(cuff):
        c.path("M100,90 H176 C160,180 160,260 176,352 H100Z", c.accent_cloth)
        c.path("M238,92 C250,150 270,220 300,290 L280,300 C250,230 230,160 222,92Z", "#ffffff", opacity=0.16)
        c.mark(140, 214, 1.15, c.accent_tone(0.8) if c.accent != "#ffffff" else c.tone(0))
    c.outline(cuff)
    c.outline(shell)
    c.ellipse(168, 352, 15, fill=c.glow("#e8eaec", "#7f868d"))
    c.ellipse(168, 352, 6, fill="#5c636b")
    c.path("M122,112 C170,98 230,98 274,108 L280,136 C230,126 170,126 120,140Z", c.fade(tone(INK, 0.32), INK))
    metal = c.fade("#fafbfb", "#b9bec4", "#7d848c")
    for x, y, length, turn in ((178, 168, 112, -4), (192, 238, 124, -2), (236, 348, 128, 24), (308, 394, 126, 20)):
        with c.group(f"rotate({turn} {x} {y})"):
            c.box(x, y + 3, length, 17, INK, r=8, opacity=0.28)
            c.box(x, y, length, 15, metal, r=7)
            c.box(x + 8, y + 4, length * 0.46, 6, c.accent, r=3)
            c.path(f"M{x + length - 8},{y} h18 v15 h-18Z", "#5d646c")
    c.path(
        "M104,472 H486 C498,474 500,490 492,504 H430 L420,512 H390 L380,504 H220 L212,512 H110 C100,500 98,484 104,472Z",
        c.fade("#3b4149", "#12161b"),
    )


@drawing("slides", views=("side", "detail"), zoom=(320, 330, 1.9))
def slides(c: Canvas) -> None:
    """Pool slides, the pair one behind the other."""
    c.ground(300, 462, 226, 15)
    for dx, dy, size in ((52, -104, 0.9), (0, 0, 1.0)):
        with c.group(f"translate({dx} {dy + (1 - size) * 430:g}) scale({size})"):
            sole = (
                "M70,398 C62,424 74,446 100,448 L470,450 C516,450 546,436 544,412 C540,398 512,400 480,404 "
                "C380,418 300,410 220,396 C150,384 86,372 70,398Z"
            )
            c.path(sole, c.fade(c.accent_tone(0.2), c.accent_tone(-0.3)))
            bed = "M70,398 C86,372 150,384 220,396 C300,410 380,418 480,404 C512,400 540,398 544,412 C500,428 420,436 320,430 C220,426 110,420 70,398Z"
            c.path(bed, c.accent_tone(0.34))
            c.line("M84,430 C220,442 420,446 536,428", c.accent_tone(-0.5), 2, opacity=0.5)
            c.path("M270,404 C300,372 330,340 372,332 L330,424Z", c.tone(-0.6))
            strap = (
                "M250,422 C268,372 300,334 350,326 C376,322 396,328 416,346 C452,376 476,396 492,420 C486,440 440,446 390,444 "
                "C330,442 268,440 250,422Z"
            )
            c.path(strap, c.fade(c.tone(0.26), f"{c.colour}@.5", c.tone(-0.26), angle="diagonal"))
            with c.inside(strap):
                c.path("M300,372 C320,346 344,336 380,334 C350,350 320,380 310,440 H280Z", "#ffffff", opacity=0.16)
                c.seam("M262,420 C280,376 310,342 352,336 C376,333 392,338 410,354 C442,382 466,400 480,420")
            c.outline(strap)
            c.mark(372, 394, 1.5, c.contrast)


# -- soles: two of them, mirrored, in a field 600 x 600

_SOLE = (
    "M190,62 C232,62 262,98 264,156 C265,206 246,244 240,292 C236,336 250,380 252,440 C254,504 232,542 194,542 "
    "C156,542 138,504 140,446 C142,390 154,340 150,292 C146,240 116,208 118,154 C120,98 150,62 190,62Z"
)


def _pair_of_soles(c: Canvas, tread: Drawer) -> None:
    for transform in ("rotate(-4 190 300)", "translate(600 0) scale(-1 1) rotate(-4 190 300)"):
        with c.group(f"translate(8 0) {transform}" if "scale" not in transform else f"translate(-8 0) {transform}"):
            c.cast(_SOLE, dx=8, dy=12)
            tread(c)
            c.volume(_SOLE, strength=0.7)
            c.outline(_SOLE, of=c.accent)


def _base(c: Canvas, colour: str) -> None:
    c.path(_SOLE, c.fade(tone(colour, 0.12), tone(colour, -0.16)))


def _road_tread(c: Canvas) -> None:
    foam = mix("#f3f2ee", c.accent, 0.08)
    _base(c, foam)
    rubber = c.fade(c.accent_tone(0.08), c.accent_tone(-0.22))
    with c.inside(_SOLE):
        c.path(
            "M110,60 H270 V150 C240,176 150,176 110,150Z M112,166 C150,190 240,190 270,166 V226 C230,250 160,250 118,226Z",
            rubber,
        )
        c.path(
            "M130,400 C160,380 230,380 260,400 V470 C230,452 166,452 130,470Z M130,486 C166,468 230,468 260,486 V560 H130Z",
            rubber,
        )
        c.path("M176,250 H212 L206,390 H182Z", c.tone(-0.05))
        c.mark(194, 320, 0.9, c.contrast, turn=-90)
        for y in (96, 122, 196, 214, 424, 508):
            c.line(f"M120,{y} Q194,{y + 22} 264,{y}", c.accent_tone(-0.45), 3.4, opacity=0.5)
        c.line("M168,60 V240 M214,60 V240 M170,390 V545 M216,390 V545", tone(foam, -0.2), 5, opacity=0.8)


def _lug_tread(c: Canvas) -> None:
    rubber = mix("#2c3138", c.accent, 0.12)
    _base(c, rubber)
    top = c.fade(tone(rubber, 0.3), tone(rubber, 0.08))
    with c.inside(_SOLE):
        for y in (84, 122, 160, 198, 236, 392, 430, 468, 506):
            point = 1 if y < 300 else -1
            c.path(f"M196,{y} l-26,{14 * point} v14 l26,{-14 * point} l26,{14 * point} v-14Z", c.accent_cloth)
            c.path(f"M128,{y} h26 v18 l-26,8Z M264,{y} h-26 v18 l26,8Z", top)
        c.path("M166,270 H226 V372 H166Z", tone(rubber, -0.3))
        c.mark(196, 320, 1.0, c.accent, turn=-90)


def _herringbone(c: Canvas) -> None:
    _base(c, c.accent)
    zigzag = f'<path d="M0,4 L9,14 L18,4" fill="none" stroke="{c.accent_tone(-0.45)}" stroke-width="3.4"/>'
    with c.inside(_SOLE):
        c.path(_SOLE, c.pattern(18, 15, zigzag), opacity=0.75)
        c.ellipse(192, 140, 34, fill=c.accent_tone(0.1), line=c.accent_tone(-0.4), width=4)
        c.ellipse(192, 140, 17, line=c.accent_tone(-0.4), width=4)
        c.path("M150,268 H236 L232,380 H160Z", c.tone(-0.04))
        c.mark(194, 324, 1.1, c.contrast, turn=-90)


def _studs(c: Canvas) -> None:
    _base(c, c.accent)
    with c.inside(_SOLE):
        c.path("M196,70 L214,300 L204,530 H184 L178,300Z", c.tone(0), opacity=0.85)
        c.line("M130,180 L196,240 L258,180 M146,460 L194,400 L246,460", c.accent_tone(-0.35), 5, opacity=0.6)
        c.mark(194, 320, 1.0, c.contrast, turn=-90)
    stud = c.glow("#ffffff", "#d5d9dd@.5", "#7c838b", cx=0.38, cy=0.32, r=0.75)
    for x, y in (
        (162, 108),
        (222, 108),
        (144, 168),
        (240, 168),
        (160, 228),
        (228, 228),
        (168, 430),
        (226, 430),
        (170, 496),
        (222, 496),
    ):
        c.ellipse(x + 3, y + 5, 15, fill=INK, opacity=0.35)
        c.ellipse(x, y, 14, fill=stud)
