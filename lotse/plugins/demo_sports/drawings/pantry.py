"""Nutrition and reading: tubs, bars, gels, tablets, books."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, symmetric, tone
from lotse.plugins.demo_sports.drawings.registry import drawing


def _oats(c: Canvas, x: float, y: float, colour: str) -> None:
    """An ear of oats as an ornament."""
    c.line(f"M{x},{y + 60} C{x + 4},{y + 20} {x + 2},{y - 20} {x},{y - 60}", colour, 3)
    for i in range(5):
        for sign in (-1, 1):
            cy = y - 54 + i * 20
            c.path(f"M{x},{cy + 10} q{sign * 8},-18 {sign * 22},-20 q{sign * 2},16 {-sign * 22},20Z", colour)


@drawing("powder_tub", zoom=(300, 330, 1.7))
def powder_tub(c: Canvas) -> None:
    """Tub of powder with a screw lid."""
    c.ground(300, 534, 150, 15, 0.46)
    body = "M170,170 H430 C440,180 444,190 444,206 V490 C444,520 424,532 394,532 H206 C176,532 156,520 156,490 V206 C156,190 160,180 170,170Z"
    c.path(body, c.fade("#fbfaf6", "#e9e6de"))
    with c.inside(body):
        c.path("M150,214 H450 V488 H150Z", c.cloth)
        c.path("M150,400 Q230,360 300,400 T450,396 V488 H150Z", c.accent_cloth)
        c.path("M150,384 Q230,344 300,384 T450,380 V392 Q370,430 300,396 T150,398Z", "#ffffff", opacity=0.4)
        _oats(c, 392, 310, tone(c.colour, 0.5))
        _oats(c, 208, 310, tone(c.colour, 0.5))
    c.mark(300, 296, 2.6)
    c.path("M232,348 h136 v10 h-136Z M256,366 h88 v7 h-88Z", c.contrast, opacity=0.85)
    c.volume(body, strength=1.3)
    c.outline(body, of="#b9b4a6")
    lid = "M152,92 C152,76 448,76 448,92 V156 C448,176 152,176 152,156Z"
    c.path(lid, c.fade(tone(INK, 0.02), tone(INK, 0.46), tone(INK, 0), angle="right"))
    for x in range(166, 440, 12):
        c.line(f"M{x},98 v62", "#000000", 2.4, opacity=0.28)
    c.ellipse(300, 90, 148, 18, c.fade(tone(INK, 0.5), tone(INK, 0.24)))


@drawing("energy_bar", zoom=(300, 280, 1.7))
def energy_bar(c: Canvas) -> None:
    """Two bars in their wrappers."""
    for dx, dy, turn in ((16, -92, -10), (0, 22, -4)):
        with c.group(f"translate({dx} {dy}) rotate({turn} 300 300)"):
            wrap = "M96,236 H504 L498,246 L506,256 L498,266 L506,276 L498,286 L506,296 L498,306 L506,316 L498,326 L506,336 L498,346 L504,364 H96 L102,354 L94,344 L102,334 L94,324 L102,314 L94,304 L102,294 L94,284 L102,274 L94,264 L102,254Z"
            c.cast(wrap, dx=6, dy=8)
            c.path(wrap, c.cloth)
            with c.inside(wrap):
                c.path("M330,220 H520 V380 H380 C420,340 350,280 330,220Z", c.accent_cloth)
                c.path("M90,232 H136 V370 H90Z M464,232 H510 V370 H464Z", INK, opacity=0.12)
                for x in (104, 112, 120, 128, 472, 480, 488, 496):
                    c.line(f"M{x},238 V362", "#ffffff", 1.6, opacity=0.3)
                c.path("M136,250 C240,240 360,240 464,250 V262 C360,252 240,252 136,266Z", "#ffffff", opacity=0.4)
                c.path("M136,334 C240,346 360,346 464,334 V364 H136Z", INK, opacity=0.16)
                _oats(c, 420, 300, tone(c.accent, 0.6))
            c.outline(wrap)
            c.mark(196, 300, 1.9)
            c.path("M240,284 h92 v10 h-92Z M240,304 h64 v8 h-64Z", c.contrast, opacity=0.85)


@drawing("energy_gel", zoom=(300, 280, 1.8))
def energy_gel(c: Canvas) -> None:
    """Gel sachets with tear-off neck."""
    c.ground(300, 536, 170, 12, 0.3)
    sachet = symmetric("M300,64 L322,66 L326,120 C350,130 366,146 370,170 L380,500 L300,506")
    for transform in ("translate(84 12) rotate(9 300 300)", "translate(-92 12) rotate(-7 300 300)", "translate(0 24)"):
        with c.group(transform):
            c.cast(sachet, dx=6, dy=8)
            c.path(sachet, c.cloth)
            with c.inside(sachet):
                c.path("M200,330 Q260,296 310,330 T400,326 V520 H200Z", c.accent_cloth)
                c.path("M210,484 H390 V510 H210Z", INK, opacity=0.16)
                for y in (488, 494, 500):
                    c.line(f"M214,{y} H386", "#ffffff", 1.4, opacity=0.4)
                c.path("M250,150 C240,260 240,380 246,480 H232 L236,170Z", "#ffffff", opacity=0.35)
            c.volume(sachet, strength=0.9)
            c.outline(sachet)
            c.line("M276,112 H324", "#ffffff", 2.4, dash="4 4")
            c.mark(300, 234, 1.9)
            c.path("M262,282 h76 v9 h-76Z M276,300 h48 v7 h-48Z", c.contrast, opacity=0.85)


@drawing("tablets", zoom=(280, 330, 1.7))
def tablets(c: Canvas) -> None:
    """Tube of effervescent tablets."""
    c.ground(300, 536, 170, 12, 0.36)
    tube = "M214,150 H346 V506 C346,530 214,530 214,506Z"
    c.path(tube, c.cloth)
    with c.inside(tube):
        c.path("M200,380 L360,330 V540 H200Z", c.accent_cloth)
        c.path("M200,366 L360,316 V322 L200,372Z", "#ffffff", opacity=0.6)
        for x, y, r in ((240, 430, 14), (300, 460, 20), (320, 400, 10), (256, 480, 9)):
            c.ellipse(x, y, r, line="#ffffff", width=2.4, opacity=0.6)
    c.volume(tube, strength=1.5)
    c.outline(tube)
    c.path(
        "M206,96 C206,82 354,82 354,96 V150 C354,164 206,164 206,150Z",
        c.fade("#b9bfc5", "#ffffff", "#aab1b7", angle="right"),
    )
    c.ellipse(280, 94, 74, 12, "#f4f6f7")
    c.mark(280, 236, 2)
    c.path("M240,286 h80 v9 h-80Z M254,304 h52 v7 h-52Z", c.contrast, opacity=0.85)
    for x, y in ((420, 500), (452, 460), (396, 446)):
        c.ellipse(x, y + 14, 40, 15, c.accent_tone(-0.35))
        c.box(x - 40, y, 80, 14, c.accent_tone(-0.1))
        c.ellipse(x, y, 40, 15, c.fade(c.accent_tone(0.5), c.accent_tone(0.15)))
        c.line(f"M{x - 26},{y} h52", c.accent_tone(-0.3), 2, opacity=0.6)


@drawing("book", zoom=(330, 250, 1.7))
def book(c: Canvas) -> None:
    """A training book, standing a little turned."""
    c.ground(312, 524, 170, 14, 0.42)
    c.path("M414,84 L452,104 V516 L414,530Z", c.fade("#f9f5ea", "#d8d1bf", angle="right"))
    for x in (420, 426, 432, 438, 444):
        c.line(f"M{x},{84 + (x - 414) * 0.52:.0f} V{530 - (x - 414) * 0.36:.0f}", "#b7ae98", 1, opacity=0.7)
    cover = "M146,96 L414,84 V530 L146,510Z"
    c.path(cover, c.fade(c.tone(0.16), c.tone(-0.14), angle="diagonal"))
    with c.inside(cover):
        c.ellipse(320, 240, 66, fill=c.glow(c.accent_tone(0.5), c.accent))
        c.path("M140,420 L210,300 L252,350 L310,250 L420,400 V540 H140Z", c.tone(-0.35))
        c.path(
            "M310,250 L344,296 L322,290 L308,306 L290,284Z M210,300 L226,320 L212,318 L202,330 L196,324Z",
            "#ffffff",
            opacity=0.92,
        )
        c.path("M140,430 Q220,390 290,430 T420,410 V540 H140Z", c.accent_cloth)
        c.path("M146,96 L174,95 V512 L146,510Z", INK, opacity=0.24)
        c.line("M176,95 V512", "#ffffff", 1.6, opacity=0.3)
    c.path("M196,128 L384,121 V139 L196,145Z M196,156 L330,152 V166 L196,169Z", tone(c.contrast, 0.3))
    c.mark(208, 472, 1.0, tone(c.accent, 0.9))
    c.outline(cover)


@drawing("magazine", zoom=(300, 240, 1.7))
def magazine(c: Canvas) -> None:
    """A magazine, two issues fanned."""
    c.ground(300, 524, 190, 12, 0.3)
    for turn, first in ((9, False), (-4, True)):
        with c.group(f"rotate({turn} 300 300)"):
            page = "M150,78 H450 V520 H150Z"
            c.cast(page, dx=6, dy=8)
            c.path(page, c.fade(c.accent_tone(0.4), c.accent_tone(0.05)) if first else c.tone(-0.2))
            with c.inside(page):
                c.ellipse(360, 260, 84, fill=c.glow("#fff7df", c.accent_tone(0.5)))
                c.path("M140,440 Q230,380 320,430 T470,400 V530 H140Z", c.cloth)
                c.path("M140,480 Q230,420 320,470 T470,440 V530 H140Z", c.tone(-0.3))
                # A runner of strokes: head, trunk, arms, legs.
                c.ellipse(312, 226, 23, fill=c.tone(-0.45))
                c.line("M302,258 L276,330", c.tone(-0.45), 30)
                c.line("M300,268 L350,292 L378,268 M294,272 L246,276 L228,312", c.tone(-0.45), 15)
                c.line("M280,330 L338,360 L326,428 M274,330 L252,392 L194,398", c.tone(-0.45), 20)
                c.path("M150,78 H450 V140 H150Z", c.cloth)
            c.path("M170,98 h150 v24 h-150Z M334,98 h40 v24 h-40Z", c.contrast)
            c.path("M170,160 h84 v8 h-84Z M170,178 h62 v6 h-62Z M170,194 h72 v6 h-72Z", c.tone(-0.4), opacity=0.7)
            c.box(404, 470, 34, 36, "#ffffff")
            c.line("M409,474 v28 M413,474 v28 M419,474 v28 M423,474 v28 M427,474 v28 M433,474 v28", INK, 2)
            c.path("M150,78 h14 v442 h-14Z", INK, opacity=0.14)
            c.outline(page)
