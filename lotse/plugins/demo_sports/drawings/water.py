"""Swimming: goggles, caps, fins, boards."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, mix, tone
from lotse.plugins.demo_sports.drawings.registry import drawing


@drawing("swim_goggles", zoom=(210, 300, 1.9))
def swim_goggles(c: Canvas) -> None:
    """Swimming goggles with a split strap."""
    c.ground(300, 430, 210, 12, 0.24)
    c.line("M70,268 C40,130 200,110 300,112 C400,110 560,130 530,268", c.tone(-0.4), 15)
    c.line("M70,268 C40,130 200,110 300,112 C400,110 560,130 530,268", c.colour, 11)
    c.line("M76,300 C30,180 180,168 300,170 C420,168 570,180 524,300", c.tone(-0.4), 15)
    c.line("M76,300 C30,180 180,168 300,170 C420,168 570,180 524,300", c.colour, 11)
    c.box(282, 98, 36, 84, c.tone(-0.5), r=8)
    c.line("M258,288 C280,268 320,268 342,288", c.tone(-0.5), 15)
    c.line("M258,286 C280,266 320,266 342,286", c.colour, 10)
    cup = "M76,290 C76,246 112,226 166,228 C222,230 264,250 266,290 C268,336 232,368 176,370 C112,372 76,340 76,290Z"
    lens = "M98,290 C98,258 128,246 168,248 C214,250 244,264 246,292 C248,326 218,350 176,350 C126,352 98,328 98,290Z"
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.path(cup, c.fade(c.tone(0.24), c.tone(-0.36)))
            c.outline(cup)
            c.path(lens, c.fade(c.accent_tone(0.5), c.accent, c.accent_tone(-0.5), angle="diagonal"))
            c.path(lens, line=INK, width=3, opacity=0.4)
        with c.inside(lens) if not turn else c.group(turn):
            c.path("M104,282 C112,258 150,250 190,254 C150,262 124,280 116,316Z", "#ffffff", opacity=0.45)
            c.path(
                "M214,262 C234,272 240,290 236,312 C226,330 214,338 200,342 C222,316 224,290 214,262Z",
                "#ffffff",
                opacity=0.2,
            )
    c.mark(86, 320, 0.55, tone(c.contrast, 0.3), turn=-70)


@drawing("swim_cap", zoom=(300, 270, 1.8))
def swim_cap(c: Canvas) -> None:
    """Silicone swimming cap."""
    c.ground(300, 452, 200, 13)
    cap = "M98,430 C86,270 166,130 316,126 C440,124 520,220 516,340 C514,372 504,392 490,410 C400,400 300,420 220,446 C170,456 104,456 98,430Z"
    c.path(cap, c.fade(c.tone(0.3), f"{c.colour}@.42", c.tone(-0.36), angle="diagonal"))
    with c.inside(cap):
        c.path("M80,360 C200,380 330,300 540,300 V344 C330,344 200,424 80,404Z", c.accent_cloth)
        c.path("M80,346 C200,366 330,286 540,286 V292 C330,292 200,372 80,352Z", c.accent)
        c.path("M160,240 C190,180 250,148 320,146 C260,166 210,210 186,270Z", "#ffffff", opacity=0.45)
        c.line("M420,150 C440,220 440,320 420,420 M200,170 C150,240 140,340 160,450", c.tone(-0.5), 4, opacity=0.12)
    c.line("M98,430 C170,450 300,400 492,404", c.tone(-0.5), 4, opacity=0.4)
    c.outline(cap)
    c.mark(320, 228, 2.6)


@drawing("fins", zoom=(200, 380, 1.8))
def fins(c: Canvas) -> None:
    """A pair of short training fins."""
    fin = "M196,60 C240,60 262,96 260,150 L262,250 C290,350 310,440 306,520 C270,540 130,540 92,520 C90,440 110,350 138,250 L136,150 C134,96 152,60 196,60Z"
    for transform in ("translate(-6 8) rotate(6 196 300)", "translate(606 8) scale(-1 1) rotate(6 196 300)"):
        with c.group(transform):
            c.cast(fin, dx=6)
            c.path(fin, c.fade(c.tone(0.2), c.colour, c.tone(-0.2)))
            with c.inside(fin):
                c.path("M150,270 L116,530 M242,270 L282,530", line=c.tone(-0.45), width=15)
                c.path("M147,270 L112,530 M245,270 L286,530", line=c.tone(0.3), width=4, opacity=0.7)
                c.path("M90,480 C150,500 250,500 310,480 V550 H90Z", c.accent_cloth)
                c.line("M196,290 V470 M176,300 L160,470 M216,300 L232,470", c.tone(-0.4), 3, opacity=0.4)
            c.path(
                "M196,84 C228,84 242,110 240,150 L242,236 C226,256 166,256 150,236 L152,150 C150,110 164,84 196,84Z",
                c.fade(c.accent_tone(-0.1), c.accent_tone(-0.4)),
            )
            c.ellipse(196, 132, 33, 42, c.tone(-0.7))
            c.volume(fin, strength=0.8)
            c.outline(fin)
            c.mark(196, 410, 1.5)


@drawing("kickboard", zoom=(300, 250, 1.8))
def kickboard(c: Canvas) -> None:
    """Foam kickboard and pull buoy."""
    board = "M220,70 C300,40 372,56 404,120 C430,200 432,330 420,470 C412,500 372,508 300,506 C228,508 188,500 180,470 C168,330 170,200 196,110 C200,90 208,76 220,70Z"
    with c.group("translate(-40 0) rotate(-9 300 280)"):
        c.cast(board, dx=12)
        c.path(board, c.tone(-0.4), turn="translate(9 9)")
        c.path(board, c.fade(c.tone(0.22), c.tone(-0.12)))
        with c.inside(board):
            c.path("M160,330 Q220,290 300,330 T440,330 V380 Q380,420 300,380 T160,380Z", c.accent_cloth)
            c.path("M160,400 Q220,360 300,400 T440,400 V414 Q380,454 300,414 T160,414Z", c.accent, opacity=0.8)
            foam = f'<circle cx="3" cy="3" r="1" fill="{INK}"/><circle cx="8" cy="7" r=".8" fill="#fff"/>'
            c.path(board, c.pattern(11, 10, foam), opacity=0.16)
        c.ellipse(260, 470, 26, 9, "#dfe5e8")
        c.ellipse(342, 470, 26, 9, "#dfe5e8")
        c.outline(board)
        c.mark(300, 190, 3)
    c.ground(462, 538, 92, 10, 0.36)
    buoy = "M396,400 C396,372 440,366 462,392 C484,366 530,372 530,402 V508 C530,538 484,540 462,514 C440,540 396,538 396,508Z"
    c.path(buoy, c.fade(c.accent_tone(0.2), c.accent_tone(-0.3)))
    c.volume(buoy, strength=0.9)
    c.path("M396,440 H530 V462 H396Z", mix(c.colour, "#ffffff", 0.1))
    c.outline(buoy, of=c.accent)


@drawing("towel", zoom=(300, 300, 1.8))
def towel(c: Canvas) -> None:
    """Microfibre towel, folded, with a hanging loop."""
    c.ground(300, 494, 210, 15)
    for i, y in enumerate((420, 352, 284, 216)):
        colour = c.cloth if i % 2 == 0 else c.fade(c.tone(0.2), c.tone(-0.1))
        d = f"M110,{y + 12} C110,{y} 120,{y - 4} 134,{y - 4} H474 C500,{y - 4} 506,{y + 66} 474,{y + 68} H134 C118,{y + 68} 110,{y + 62} 110,{y + 52}Z"
        c.path(d, colour)
        c.line(f"M110,{y + 34} H470", c.tone(-0.5), 2, opacity=0.25)
        c.outline(d)
    top = "M122,214 C150,150 220,136 300,138 C400,140 480,160 496,216 C380,236 240,234 122,214Z"
    c.path(top, c.fade(c.tone(0.3), c.tone(0)))
    c.outline(top)
    c.path("M262,140 H338 L350,488 H250Z", c.accent_cloth, opacity=0.95)
    loops = f'<circle cx="2" cy="2" r="1" fill="{INK}"/>'
    c.path("M110,212 H500 V488 H110Z", c.pattern(5, 5, loops), opacity=0.1)
    c.mark(300, 320, 2.0, tone(c.accent, 0.88))
