"""Fitness equipment: weights, bands, rollers."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, tone
from lotse.plugins.demo_sports.drawings.registry import drawing


@drawing("dumbbell", zoom=(200, 300, 1.9))
def dumbbell(c: Canvas) -> None:
    """A pair of hexagonal dumb-bells."""
    for dx, dy, size in ((38, -112, 0.86), (0, 0, 1.0)):
        with c.group(f"translate({dx} {dy + (1 - size) * 470:g}) scale({size})"):
            c.ground(296, 476, 226, 14)
            bar = c.fade("#f8f9fa", "#c3c9ce@.35", "#6c747c@1")
            c.box(196, 364, 210, 36, bar, r=14)
            knurl = '<path d="M0,0 L5,5 M5,0 L0,5" stroke="#3b424a" stroke-width="1"/>'
            c.box(226, 364, 150, 36, c.pattern(5, 5, knurl), opacity=0.5)
            for x, flip in ((88, 1), (512, -1)):
                with c.group(f"translate({x} 0) scale({flip} 1)"):
                    head = "M12,300 L96,288 C110,288 118,296 118,306 V456 C118,466 110,474 96,474 L12,462 L-8,420 V342Z"
                    c.path(head, c.fade(c.tone(0.3), f"{c.colour}@.4", c.tone(-0.45)))
                    c.path("M12,300 L96,288 C110,288 118,296 118,306 V340 L-8,342Z", "#ffffff", opacity=0.16)
                    c.path("M-8,420 L118,424 V456 C118,466 110,474 96,474 L12,462Z", INK, opacity=0.22)
                    c.path("M104,290 h14 v184 h-14Z", c.accent_cloth)
                    c.outline(head)
                    c.mark(46, 382, 1.25, tone(c.contrast, 0.1), turn=0)


@drawing("kettlebell", zoom=(300, 200, 1.8))
def kettlebell(c: Canvas) -> None:
    """Kettlebell with a coloured base ring."""
    c.ground(300, 528, 140, 15, 0.48)
    handle = "M206,300 C170,210 196,96 300,94 C404,96 430,210 394,300"
    c.line(handle, tone(c.colour, -0.55), 54)
    c.line(handle, c.colour, 48)
    c.line("M204,280 C176,206 204,112 296,108", c.tone(0.5), 9, opacity=0.55)
    c.line("M392,290 C414,216 398,130 330,108", c.tone(-0.6), 10, opacity=0.4)
    ball = "M300,222 C412,222 470,300 464,390 C460,452 424,504 380,520 H220 C176,504 140,452 136,390 C130,300 188,222 300,222Z"
    c.path(ball, c.glow(c.tone(0.36), f"{c.colour}@.45", c.tone(-0.5), cx=0.36, cy=0.26, r=0.8))
    with c.inside(ball):
        c.path("M120,440 H480 V474 H120Z", c.accent_cloth)
        c.path("M120,440 H480 V530 H120Z", c.fade(f"{INK}/0", f"{INK}/.35"))
        c.path("M180,330 C190,280 230,250 280,244 C240,270 216,310 210,360Z", "#ffffff", opacity=0.3)
    c.outline(ball)
    c.mark(300, 360, 3)


@drawing("bands", zoom=(300, 300, 1.8))
def bands(c: Canvas) -> None:
    """Three resistance bands of different strength."""
    c.ground(300, 500, 190, 13, 0.26)
    for x, y, rx, ry, step, colour in (
        (230, 270, 128, 190, 26, c.colour),
        (372, 300, 112, 170, 34, c.accent),
        (296, 360, 140, 112, 44, c.tone(-0.5)),
    ):
        c.ellipse(x + 8, y + 12, rx, ry, line=INK, width=step, opacity=0.08)
        c.ellipse(x, y, rx, ry, line=tone(colour, -0.35), width=step)
        c.ellipse(
            x, y, rx, ry, line=c.fade(tone(colour, 0.3), colour, tone(colour, -0.2), angle="diagonal"), width=step - 4
        )
        c.path(f"M{x - rx},{y} A{rx},{ry} 0 0 1 {x},{y - ry}", line="#ffffff", width=4, opacity=0.4)
    c.mark(296, 472, 1.0, tone(c.colour, 0.85))


@drawing("foam_roller", zoom=(420, 330, 1.8))
def foam_roller(c: Canvas) -> None:
    """Massage roller with a profiled surface."""
    c.ground(300, 470, 236, 15)
    body = "M110,262 L430,190 C490,186 520,260 500,330 C490,370 470,390 446,396 L136,468 C80,470 50,400 66,330 C74,290 90,268 110,262Z"
    c.path(body, c.fade(c.tone(0.36), f"{c.colour}@.42", c.tone(-0.4)))
    with c.inside(body):
        for i in range(9):
            for j in range(4):
                x, y = 110 + i * 44 + j * 8, 274 + j * 46 - i * 10
                c.path(
                    f"M{x},{y} l28,-6.5 c6,8 8,20 6,30 l-28,6.5 c-6,-8 -8,-20 -6,-30Z",
                    c.tone(-0.32 if j % 2 else -0.2),
                    opacity=0.8,
                )
        c.path("M90,290 L450,206 L456,226 L84,312Z", "#ffffff", opacity=0.2)
    c.outline(body)
    c.ellipse(444, 292, 62, 104, c.fade(c.accent_tone(0.14), c.accent_tone(-0.26)), turn="rotate(-8 444 292)")
    c.ellipse(444, 292, 42, 76, c.fade(tone(INK, 0.1), tone(INK, 0.4)), turn="rotate(-8 444 292)")
    c.ellipse(450, 294, 34, 66, c.fade(tone(INK, -0.2), tone(INK, 0.2)), turn="rotate(-8 450 294)")


@drawing("jump_rope", zoom=(210, 200, 1.8))
def jump_rope(c: Canvas) -> None:
    """Speed rope with bearings."""
    c.ground(300, 520, 200, 12, 0.22)
    rope = (
        "M190,270 C110,420 150,520 300,500 C460,480 480,380 380,370 C270,360 250,470 360,490 C470,506 500,420 410,270"
    )
    c.line(rope, INK, 9, opacity=0.08)
    c.line(rope, c.accent_tone(-0.35), 9)
    c.line(rope, c.accent, 6)
    for x, turn in ((196, -14), (404, 14)):
        with c.group(f"translate({x} 170) rotate({turn})"):
            c.path(
                "M-20,-104 C-20,-120 20,-120 20,-104 L17,84 C14,98 -14,98 -17,84Z",
                c.fade(c.tone(-0.35), c.tone(0.3), c.tone(-0.4), angle="right"),
            )
            for y in range(-84, 60, 18):
                c.line(f"M-18,{y} q18,7 36,0", c.tone(-0.55), 3, opacity=0.5)
            c.box(-20, -112, 40, 22, c.accent_cloth, r=9)
            c.path("M-12,88 h24 l-4,22 h-16Z", c.fade("#f0f2f3", "#7a828a"))


@drawing("gym_ball", zoom=(280, 250, 1.8))
def gym_ball(c: Canvas) -> None:
    """Big exercise ball."""
    c.ground(300, 516, 170, 16, 0.5)
    c.ellipse(300, 300, 214, fill=c.glow(c.tone(0.5), f"{c.colour}@.45", c.tone(-0.42), cx=0.36, cy=0.28, r=0.8))
    for i in range(-5, 6):
        y = 300 + i * 34
        w = (214 * 214 - (i * 34) ** 2) ** 0.5
        c.path(f"M{300 - w:.0f},{y} Q300,{y + 26} {300 + w:.0f},{y}", line=c.tone(-0.4), width=3, opacity=0.28)
        c.path(f"M{300 - w:.0f},{y + 3} Q300,{y + 29} {300 + w:.0f},{y + 3}", line="#ffffff", width=1.6, opacity=0.25)
    c.mark(300, 316, 4)
    c.ellipse(226, 204, 62, 40, c.glow("#ffffff/.7@0", "#ffffff/0@1"), turn="rotate(-34 226 204)")


@drawing("ab_wheel", zoom=(300, 300, 1.8))
def ab_wheel(c: Canvas) -> None:
    """Abdominal roller with two handles."""
    c.ground(300, 470, 150, 14, 0.4)
    for x, flip in ((92, 1), (508, -1)):
        with c.group(f"translate({x} 300) scale({flip} 1)"):
            c.box(-22, -30, 176, 60, c.fade(tone(INK, 0.45), tone(INK, 0.15), INK), r=24)
            for i in range(0, 120, 17):
                c.line(f"M{4 + i},-24 v48", "#000000", 5, opacity=0.35)
            c.path("M-22,-10 q0,-20 20,-20 h14 v60 h-14 q-20,0 -20,-20Z", c.accent_cloth)
    c.ellipse(300, 300, 92, 166, c.fade(tone(INK, 0.35), INK))
    c.ellipse(292, 300, 84, 158, c.fade(c.tone(0.24), c.colour, c.tone(-0.36)))
    with c.inside("M208,300 a84,158 0 1 1 168,0 a84,158 0 1 1 -168,0Z"):
        c.line("".join(f"M200,{300 + i * 34}q92,22 184,0" for i in range(-5, 6)), c.tone(-0.5), 4, opacity=0.4)
    c.path("M236,210 C250,170 276,150 296,148 C274,190 262,250 262,310Z", "#ffffff", opacity=0.24)
    c.mark(292, 300, 2)
