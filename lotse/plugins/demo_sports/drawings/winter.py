"""Snow: skis, boards, goggles, helmets, poles, sledges."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, tone
from lotse.plugins.demo_sports.drawings.registry import drawing


def _ski(c: Canvas, *, bindings: bool = True) -> None:
    outline = "M300,24 C322,26 332,50 330,86 C324,180 320,240 320,310 C320,400 326,470 331,528 C332,548 318,556 300,556 C282,556 268,548 269,528 C274,470 280,400 280,310 C280,240 276,180 270,86 C268,50 278,26 300,24Z"
    c.cast(outline, dx=8, dy=6)
    c.path(outline, c.fade(c.tone(0.16), c.colour, c.tone(-0.2)))
    with c.inside(outline):
        c.path("M260,20 H340 V120 L260,190Z", c.accent_cloth)
        c.path("M260,200 L340,130 V146 L260,216Z M260,228 L340,158 V164 L260,234Z", tone(c.contrast, 0.3), opacity=0.9)
        c.path("M260,450 L340,400 V560 H260Z", c.tone(-0.3))
        c.path("M260,442 L340,392 V400 L260,450Z", c.accent)
        c.path("M290,20 C286,200 286,400 290,560 H276 V20Z", "#ffffff", opacity=0.2)
        with c.group("rotate(-90 300 500)"):
            c.mark(306, 500, 1.15, c.accent)
    c.volume(outline, strength=0.6)
    c.path(outline, line="#59616a", width=2.4)
    if bindings:
        c.path("M284,258 h32 l4,40 h-40Z", c.fade("#4b525a", "#15191e"))
        c.path("M288,262 h24 v10 h-24Z", c.accent)
        c.box(290, 300, 20, 74, c.fade("#8f979f", "#dfe3e6", "#7c848c", angle="right"))
        c.path("M280,372 h40 l-4,44 h-32Z", c.fade("#4b525a", "#15191e"))
        c.path("M290,402 h20 l2,22 h-24Z", c.accent_tone(-0.1))


@drawing("skis", zoom=(280, 130, 2.1))
def skis(c: Canvas) -> None:
    """A pair of alpine skis with bindings."""
    for transform in ("rotate(11 300 300) translate(-44 0)", "rotate(11 300 300) translate(44 0)"):
        with c.group(transform):
            _ski(c)


@drawing("xc_skis", zoom=(300, 130, 2.1))
def xc_skis(c: Canvas) -> None:
    """A pair of cross-country skis: narrow, with poles."""
    for x in (-128, 128):
        with c.group(f"rotate(9 300 300) translate({x} 0)"):
            c.line("M306,84 V540", INK, 5, opacity=0.1)
            c.line("M300,80 V536", tone(c.colour, -0.3), 5)
            c.line("M299,80 V536", "#ffffff", 1.2, opacity=0.4)
            c.box(293, 60, 14, 78, c.fade(tone(INK, 0.4), INK), r=6)
            c.path("M300,524 l14,-10 l-6,16 l-8,22 l-6,-22Z", c.accent_tone(-0.1))
    for transform in (
        "rotate(9 300 300) translate(-34 0) scale(.62 1) translate(184 0)",
        "rotate(9 300 300) translate(34 0) scale(.62 1) translate(184 0)",
    ):
        with c.group(transform):
            _ski(c, bindings=False)
            c.path("M286,270 h28 v44 h-28Z", c.fade("#4b525a", "#15191e"))
            c.box(288, 316, 24, 60, c.fade("#aab1b7", "#e6e9eb"), r=3)


@drawing("snowboard", zoom=(300, 160, 2.0))
def snowboard(c: Canvas) -> None:
    """A snowboard with bindings."""
    board = "M300,22 C356,24 372,70 368,112 C362,190 356,240 356,290 C356,340 362,400 368,470 C372,514 356,556 300,558 C244,556 228,514 232,470 C238,400 244,340 244,290 C244,240 238,190 232,112 C228,70 244,24 300,22Z"
    with c.group("rotate(12 300 300)"):
        c.cast(board)
        c.path(board, c.fade(c.tone(0.2), c.colour, c.tone(-0.24)))
        with c.inside(board):
            c.path("M220,430 L270,330 L300,372 L340,290 L400,420 V570 H220Z", c.accent_cloth)
            c.path(
                "M270,330 L284,360 L270,356 L258,372 L250,370Z M340,290 L362,336 L346,328 L334,344 L318,334Z",
                "#ffffff",
                opacity=0.9,
            )
            c.ellipse(300, 160, 44, fill=c.accent_tone(0.3), opacity=0.9)
            c.path("M220,240 Q300,210 380,240 V250 Q300,222 220,250Z", tone(c.contrast, 0.3), opacity=0.7)
            c.path("M268,20 C256,200 256,400 268,560 H240 V20Z", "#ffffff", opacity=0.16)
        c.mark(300, 90, 1.5)
        c.volume(board, strength=0.7)
        c.path(board, line="#545c64", width=2.6)
        for y in (210, 398):
            c.box(246, y - 28, 108, 56, c.fade("#4b525a", "#15191e"), r=22)
            c.path(f"M262,{y - 36} h76 v18 h-76Z M262,{y + 16} h76 v18 h-76Z", c.fade("#6a727a", "#24292f"))
            c.box(318, y - 34, 26, 12, c.accent, r=4)
            c.box(318, y + 20, 26, 12, c.accent, r=4)
            c.ellipse(300, y, 11, fill="#9aa2aa")


@drawing("ski_goggles", zoom=(340, 280, 1.9))
def ski_goggles(c: Canvas) -> None:
    """Ski goggles with mirrored lens."""
    c.ground(300, 446, 200, 13, 0.26)
    strap = "M60,236 C120,216 180,222 220,236 L214,340 C170,330 110,336 66,352 C54,320 52,270 60,236Z"
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.path(strap, c.fade(c.tone(-0.3), c.tone(0.05), angle="right"))
            with c.inside(strap):
                c.path(
                    "M40,270 C110,250 180,256 230,268 V280 C180,268 110,262 40,284Z M40,304 C110,286 180,292 230,302 V308 C180,298 110,292 40,312Z",
                    c.accent,
                )
    frame = "M300,186 C390,180 470,186 500,214 C520,240 516,330 486,368 C460,398 390,402 356,384 C336,372 330,346 300,344 C270,346 264,372 244,384 C210,402 140,398 114,368 C84,330 80,240 100,214 C130,186 210,180 300,186Z"
    c.path(frame, c.fade(c.tone(0.2), c.tone(-0.3)))
    c.outline(frame)
    lens = "M300,204 C384,198 456,204 480,226 C496,250 492,322 468,352 C446,378 394,380 368,366 C346,352 336,326 300,324 C264,326 254,352 232,366 C206,380 154,378 132,352 C108,322 104,250 120,226 C144,204 216,198 300,204Z"
    c.path(lens, c.fade(c.accent_tone(0.35), c.accent, tone(c.accent, -0.5), c.tone(-0.1), angle="diagonal"))
    with c.inside(lens):
        c.path("M100,360 L180,280 L220,320 L290,236 L350,312 L400,262 L500,350 V400 H100Z", INK, opacity=0.2)
        c.path("M290,236 L310,262 L296,256 L286,266 L276,254Z", "#ffffff", opacity=0.4)
        c.path("M150,190 L240,190 L160,400 L80,400Z M262,190 L286,190 L210,400 L184,400Z", "#ffffff", opacity=0.22)
        c.path("M110,240 C150,206 260,204 340,210 C260,216 160,230 124,290Z", "#ffffff", opacity=0.3)
    c.path(lens, line=INK, width=2, opacity=0.4)
    c.mark(114, 296, 0.8, tone(c.contrast, 0.2))


@drawing("ski_helmet", zoom=(300, 260, 1.9))
def ski_helmet(c: Canvas) -> None:
    """Ski helmet with vents, ear pads and goggles clip."""
    c.ground(300, 508, 170, 14)
    c.path(
        "M176,330 C164,400 190,470 236,486 C262,484 272,440 264,380 L250,320Z", c.fade(tone(INK, 0.34), tone(INK, 0.06))
    )
    c.line("M236,484 C270,520 350,516 392,452", tone(INK, 0.1), 9)
    c.box(300, 496, 40, 18, c.fade("#5d656d", "#22272d"), r=5, turn="rotate(-14 320 504)")
    shell = "M126,330 C104,200 190,92 316,96 C424,100 486,180 480,282 C478,304 470,316 452,318 C400,322 330,316 290,340 C262,358 240,372 206,370 C160,368 134,356 126,330Z"
    c.path(shell, c.fade(c.tone(0.3), f"{c.colour}@.45", c.tone(-0.34), angle="diagonal"))
    with c.inside(shell):
        c.path("M110,300 C180,330 330,240 500,262 V360 H110Z", c.accent_cloth)
        c.path("M110,292 C180,322 330,232 500,254 V262 C330,240 180,330 110,300Z", "#ffffff", opacity=0.5)
        c.path("M190,150 C240,110 310,104 370,118 C310,120 240,140 200,190Z", "#ffffff", opacity=0.34)
    c.outline(shell)
    for d in (
        "M250,150 q46,-20 92,-8 q-40,6 -80,28Z",
        "M226,196 q60,-34 120,-22 q-56,10 -106,44Z",
        "M376,150 q34,14 50,42 q-28,-14 -56,-20Z",
    ):
        c.path(d, c.fade(tone(INK, 0), tone(INK, 0.3)))
    c.path("M120,262 h26 v56 h-20Z", tone(INK, 0.1))
    c.path("M470,268 C486,290 484,318 462,330 C420,330 380,328 340,332 C380,316 430,300 470,268Z", tone(INK, 0.15))
    c.mark(246, 306, 1.3, tone(c.accent, 0.85))


@drawing("poles", zoom=(310, 130, 2.1))
def poles(c: Canvas) -> None:
    """A pair of poles: cork grips, straps, three sections with clamps."""
    for transform in ("rotate(13 300 300) translate(-76 0)", "rotate(13 300 300) translate(64 0)"):
        with c.group(transform):
            c.line("M310,60 V560", INK, 8, opacity=0.08)
            steel = c.fade(c.tone(-0.35), c.tone(0.35), c.tone(-0.4), angle="right")
            c.box(293.5, 140, 13, 150, steel)
            c.box(
                295,
                280,
                10,
                140,
                c.fade(tone(c.accent, -0.3), tone(c.accent, 0.35), tone(c.accent, -0.4), angle="right"),
            )
            c.box(296.5, 410, 7, 130, c.fade("#7c848c", "#eef0f2", "#7c848c", angle="right"))
            for y in (272, 404):
                c.path(f"M288,{y} h24 v26 h-24Z", c.fade(tone(INK, 0.3), INK))
                c.path(f"M308,{y + 3} h12 q6,10 0,20 h-12Z", c.accent)
            c.path(
                "M288,50 C288,38 312,38 314,52 L312,100 C308,112 310,126 308,146 H292 C290,126 290,112 286,100Z",
                c.fade("#b98a54", "#e3bd8a", "#a8763f", angle="right"),
            )
            c.path(
                "M289,146 h22 v64 q-11,6 -22,0Z",
                c.fade(tone(INK, 0.1), tone(INK, 0.35), tone(INK, 0.05), angle="right"),
            )
            c.path("M284,54 C284,34 316,32 318,54 L316,64 H286Z", c.fade(tone(INK, 0.35), INK))
            c.line("M290,62 C258,80 256,140 276,146 C292,148 296,112 292,74", c.tone(-0.2), 7)
            c.line("M290,62 C258,80 256,140 276,146", c.accent, 2)
            c.path("M296,536 h8 l-2,26 h-4Z", "#5f676f")
            c.ellipse(300, 524, 24, 7, c.fade(tone(INK, 0.35), INK))


@drawing("sledge", zoom=(250, 330, 1.9))
def sledge(c: Canvas) -> None:
    """Wooden sledge with curved runners."""
    c.ground(300, 486, 220, 14)
    wood = c.fade("#efcf9c", "#c8975a")
    dark = c.fade("#b98448", "#8f5f2c")
    c.path(
        "M130,452 H486 V466 H150 C96,466 66,420 74,360 C80,310 116,284 140,300 L132,314 C116,306 94,324 90,366 C86,414 108,446 130,452Z",
        dark,
    )
    for x in (190, 300, 410):
        c.path(f"M{x},370 h18 l14,90 h-18Z", dark)
    c.path(
        "M106,474 H506 V488 H128 C66,488 34,436 44,370 C52,310 96,276 126,298 L116,314 C96,300 66,326 60,374 C54,430 82,470 106,474Z",
        wood,
        line="#8f5f2c",
        width=1.4,
    )
    c.path("M106,484 H506 V490 H128Z", c.fade("#f0f2f3", "#80888f"))
    for x in (170, 280, 390):
        c.path(f"M{x},392 h18 l14,90 h-18Z", wood, line="#8f5f2c", width=1.2)
    for i, y in enumerate((340, 362, 384)):
        c.path(f"M{150 + i * -14},{y} H{480 + i * 8} v15 H{150 + i * -14}Z", wood, line="#8f5f2c", width=1.4)
    c.path("M236,336 H420 L428,402 H226Z", c.fade(c.tone(0.1), c.tone(-0.16)), opacity=0.94)
    c.path("M232,360 H424 L426,370 H230Z M228,384 H427 L428,392 H227Z", c.accent, opacity=0.9)
    c.line("M126,300 C180,210 330,190 350,260 C356,290 320,320 280,336", c.accent_tone(-0.22), 6)
    c.mark(330, 376, 1.0)
