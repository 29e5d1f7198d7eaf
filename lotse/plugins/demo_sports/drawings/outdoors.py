"""Hiking, camping and travelling: packs, tents, lamps, stoves."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from math import cos, pi, sin

from lotse.plugins.demo_sports.drawings.paint import INK, Canvas, symmetric, tone
from lotse.plugins.demo_sports.drawings.registry import drawing


@drawing("backpack", views=("front", "back"))
def backpack(c: Canvas) -> None:
    """Hiking backpack: lid, compression straps, side pockets; on the back the carrying system."""
    c.ground(300, 534, 156, 15, 0.42)
    c.line("M268,76 C268,40 332,40 332,76", c.tone(-0.5), 9)
    body = symmetric("M300,120 C360,118 404,130 412,170 C426,260 430,400 420,490 C412,524 370,530 300,530")
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            c.path(
                "M408,300 C446,306 456,340 452,420 C450,470 440,500 418,506Z",
                c.fade(c.tone(-0.1), c.tone(-0.42), angle="right"),
                line=c.tone(-0.5),
                width=1.4,
            )
            c.line("M412,322 C436,322 448,334 452,350", c.accent, 5)
    c.path(body, c.cloth)
    if c.view == "back":
        _carrying(c, body)
        return
    with c.inside(body):
        grid = f'<path d="M0,0 H10 M0,0 V10" stroke="{INK}" stroke-width="1"/>'
        c.path(body, c.pattern(10, 10, grid, "rotate(45)"), opacity=0.1)
    c.volume(body, strength=1.1)
    c.outline(body)
    pocket = symmetric("M300,318 C350,316 384,322 388,340 C396,400 394,460 386,494 C370,508 330,510 300,510")
    c.path(pocket, c.fade(c.accent_tone(0.14), c.accent_tone(-0.22)), line=c.accent_tone(-0.45), width=1.4)
    c.line("M222,346 C250,336 350,336 378,346", c.accent_tone(-0.6), 4)
    c.path("M372,344 l10,26 h-12Z", tone(c.colour, 0.5))
    c.line("M226,480 C260,490 340,490 374,480", c.accent_tone(-0.4), 1.4, opacity=0.6, dash="4 3")
    c.mark(300, 420, 1.7, tone(c.accent, 0.85))
    c.path("M236,226 H364 V306 H236Z", c.tone(-0.22), opacity=0.75)
    c.line("M240,236 L360,300 M360,236 L240,300 M240,268 L268,236 M360,268 L332,236", tone(c.contrast, 0.2), 3)
    lid = symmetric("M300,72 C366,70 410,84 418,130 C422,164 416,196 410,204 C380,216 340,220 300,220")
    c.cast(lid, dx=0, dy=8)
    c.path(lid, c.fade(c.tone(0.22), f"{c.colour}@.5", c.tone(-0.16)))
    c.volume(lid, strength=0.8)
    c.outline(lid)
    c.line("M204,150 C250,166 350,166 396,150", c.tone(-0.55), 3)
    c.mark(300, 118, 1.1)
    for x in (232, 368):
        c.path(f"M{x - 7},196 h14 v120 h-14Z", c.tone(-0.5))
        c.box(x - 13, 252, 26, 32, c.fade(tone(INK, 0.4), INK), r=5)
        c.line(f"M{x - 7},268 h14", "#ffffff", 2, opacity=0.3)


def _carrying(c: Canvas, body: str) -> None:
    lid = symmetric("M300,72 C366,70 410,84 416,130 C420,150 416,170 412,186 L300,190")
    c.path(lid, c.fade(c.tone(0.1), c.tone(-0.24)))
    c.outline(lid)
    with c.inside(body):
        mesh = f'<circle cx="4" cy="4" r="2" fill="{INK}"/>'
        panel = symmetric("M300,150 C350,150 376,160 378,190 C386,300 386,400 376,480 C350,496 330,498 300,498")
        c.path(panel, c.tone(-0.4))
        c.path(panel, c.pattern(8, 8, mesh), opacity=0.5)
        c.path("M286,150 H314 V500 H286Z", c.tone(-0.6))
    c.volume(body)
    c.outline(body)
    for turn in ("", "translate(600 0) scale(-1 1)"):
        with c.group(turn):
            strap = "M318,130 C372,130 412,180 410,260 C408,330 392,400 364,440 L340,428 C362,380 372,320 368,262 C364,210 344,184 318,178Z"
            c.path(strap, c.fade(c.tone(0.12), c.tone(-0.3)), line=c.tone(-0.5), width=1.4)
            c.line(
                "M330,154 C372,164 392,210 390,264 C388,330 374,390 352,434", c.tone(0.4), 2, opacity=0.5, dash="5 4"
            )
            c.line("M352,434 L404,508", c.tone(-0.6), 8)
            c.path(
                "M420,452 C450,456 470,476 472,500 L420,520 L360,516 L366,476Z",
                c.fade(c.accent_tone(0.1), c.accent_tone(-0.3)),
                line=c.accent_tone(-0.5),
                width=1.2,
            )
    c.box(262, 240, 76, 9, c.tone(-0.6))
    c.box(284, 232, 32, 25, c.fade(tone(INK, 0.45), INK), r=5)


@drawing("duffel", zoom=(300, 300, 1.8))
def duffel(c: Canvas) -> None:
    """Sports bag with handles and shoe compartment."""
    c.ground(300, 480, 224, 15)
    c.line("M196,250 C190,120 410,120 404,250", c.accent_tone(-0.35), 13)
    body = "M96,260 C100,226 130,212 170,210 H430 C470,212 500,226 504,260 C516,330 516,400 504,448 C498,470 480,476 456,476 H144 C120,476 102,470 96,448 C84,400 84,330 96,260Z"
    c.path(body, c.cloth)
    with c.inside(body):
        c.path("M80,200 H180 C160,280 160,400 180,480 H80Z M520,200 H420 C440,280 440,400 420,480 H520Z", c.tone(-0.25))
        c.path("M80,390 H520 V410 H80Z", c.accent, opacity=0.9)
        weave = f'<path d="M0,0 H6 M0,0 V6" stroke="{INK}" stroke-width="1"/>'
        c.path(body, c.pattern(6, 6, weave), opacity=0.09)
    c.volume(body)
    c.outline(body)
    c.line("M150,226 C240,214 360,214 450,226", c.tone(-0.6), 6)
    c.line("M150,226 C240,214 360,214 450,226", tone(c.contrast, 0.2), 1.6, dash="3 3")
    for x in (206, 394):
        c.path(f"M{x - 11},224 h22 v250 h-22Z", c.accent_cloth)
        c.line(f"M{x},230 v240", c.accent_tone(-0.5), 1.2, opacity=0.5, dash="4 3")
    c.line("M206,246 C200,150 400,150 394,246", c.accent, 14)
    c.line("M206,246 C200,152 400,152 394,246", c.accent_tone(0.4), 2.4, opacity=0.5)
    c.box(262, 168, 76, 26, c.tone(-0.5), r=9)
    c.mark(300, 322, 2.5)


@drawing("tent", zoom=(250, 380, 1.8))
def tent(c: Canvas) -> None:
    """Dome tent with open vestibule and guy lines."""
    c.path("M0,470 H600 V600 H0Z", c.fade("#dfe7dc", "#eef1ec"), opacity=0.9)
    c.ellipse(300, 492, 290, 26, c.glow("#b9cbb4/.8@0", "#b9cbb4/0@1"))
    c.line("M96,398 L34,492 M504,398 L566,492", "#7e878f", 2.2)
    dome = "M64,488 C110,330 190,190 300,176 C410,190 490,330 536,488 C400,500 200,500 64,488Z"
    c.path(dome, c.fade(c.tone(0.26), f"{c.colour}@.5", c.tone(-0.26), angle="diagonal"))
    with c.inside(dome):
        c.path("M300,176 C360,260 400,380 420,500 H560 V300Z", c.tone(-0.22))
        c.path("M300,176 C200,240 110,380 60,500 H110 C160,390 230,260 300,176Z", c.accent_cloth)
        c.path(
            "M300,176 C400,240 490,380 540,500 H490 C440,390 370,260 300,176Z",
            c.fade(c.accent_tone(-0.1), c.accent_tone(-0.35)),
        )
        c.path("M110,440 C200,452 400,452 490,440 V500 H100Z", INK, opacity=0.1)
    c.line("M300,176 C200,240 110,380 66,486 M300,176 C400,240 490,380 534,486", c.tone(-0.55), 3, opacity=0.6)
    c.path("M300,206 C262,290 232,390 214,494 H386 C368,390 338,290 300,206Z", c.fade(tone(INK, 0.3), tone(INK, -0.2)))
    c.path("M240,470 C280,456 330,458 362,470 L370,494 H230Z", c.fade("#e8c07a", "#b98442"))
    c.path(
        "M300,206 C262,290 232,390 214,494 L252,494 C270,400 288,300 300,206Z",
        c.fade(c.tone(0.36), c.tone(-0.05), angle="right"),
    )
    c.path(
        "M300,206 C338,290 368,390 386,494 L352,494 C334,400 314,300 300,206Z",
        c.fade(c.tone(0.05), c.tone(-0.34), angle="right"),
    )
    c.path("M330,300 l26,60 q-20,10 -34,-4Z", c.tone(-0.45), opacity=0.6)
    c.outline(dome)
    c.path("M284,172 C290,160 310,160 316,172 L330,196 C310,188 290,188 270,196Z", c.accent_tone(-0.2))
    c.mark(158, 420, 1.2, tone(c.colour, 0.85) if c.colour != "#eeeeea" else c.accent, turn=-14)


@drawing("sleeping_bag", zoom=(300, 220, 1.8))
def sleeping_bag(c: Canvas) -> None:
    """Mummy sleeping bag with its stuff sack."""
    outline = symmetric(
        "M260,40 C336,40 368,96 364,160 C394,200 398,260 386,330 C372,420 346,500 316,540 C300,556 280,558 260,558", 260
    )
    c.cast(outline)
    c.path(outline, c.cloth)
    puff = c.fade("#ffffff/.28@0", "#ffffff/.04@.4", f"{INK}/0@.5", f"{INK}/.26@1")
    with c.inside(outline):
        for y in range(150, 560, 52):
            c.path(f"M100,{y} Q260,{y + 16} 420,{y} V{y + 52} Q260,{y + 68} 100,{y + 52}Z", puff)
            c.line(f"M100,{y} Q260,{y + 16} 420,{y}", c.tone(-0.5), 1.8, opacity=0.5)
        c.path("M100,500 Q260,520 420,500 V570 H100Z", c.accent_cloth)
    c.volume(outline)
    c.outline(outline)
    c.path(
        "M260,66 C312,66 336,106 332,148 C320,176 290,190 260,190 C230,190 200,176 188,148 C184,106 208,66 260,66Z",
        c.fade(c.accent_tone(0.2), c.accent_tone(-0.2)),
        line=c.tone(-0.5),
        width=3,
    )
    c.path(
        "M260,84 C298,84 318,112 314,146 C302,164 284,170 260,170 C236,170 218,164 206,146 C202,112 222,84 260,84Z",
        c.accent_tone(-0.45),
    )
    c.line("M260,190 C300,230 310,330 300,470", c.tone(-0.6), 5)
    c.line("M260,190 C300,230 310,330 300,470", tone(c.contrast, 0.2), 1.6, dash="3 3")
    c.mark(212, 250, 1.3)
    c.ground(452, 528, 80, 11, 0.4)
    sack = "M392,380 C392,366 512,366 512,380 V506 C512,528 392,528 392,506Z"
    c.path(sack, c.cloth)
    c.volume(sack, strength=1.3)
    c.path("M392,384 C392,368 512,368 512,384 C512,394 392,394 392,384Z", c.accent_cloth)
    c.outline(sack)
    c.mark(452, 450, 1.3)


@drawing("mat", "sleeping_mat", zoom=(380, 340, 1.9))
def mat(c: Canvas) -> None:
    """Exercise mat, half rolled."""
    c.ground(300, 470, 236, 15, 0.3)
    sheet = "M96,420 L440,332 L566,386 L214,484Z"
    c.path(sheet, c.fade(c.tone(0.24), c.tone(-0.06), angle="right"))
    c.path("M214,484 L566,386 V396 L214,496Z", c.tone(-0.4))
    c.path("M96,420 L214,484 V496 L96,432Z", c.tone(-0.3))
    with c.inside(sheet):
        dots = f'<circle cx="3" cy="3" r="1.2" fill="{c.tone(-0.5)}"/>'
        c.path(sheet, c.pattern(8, 8, dots, "rotate(-14)"), opacity=0.4)
        c.path("M300,368 L426,424 L436,420 L312,364Z", c.accent, opacity=0.9)
    c.mark(430, 378, 1.3, c.contrast, turn=-15)
    roll = "M86,270 L196,328 C236,348 240,440 214,484 L96,424 C64,400 58,296 86,270Z"
    c.path(roll, c.fade(c.tone(0.3), f"{c.colour}@.4", c.tone(-0.34)))
    c.path("M86,270 L196,328 C206,334 214,344 220,356 L104,296 C98,284 92,274 86,270Z", "#ffffff", opacity=0.2)
    c.ellipse(204, 408, 40, 76, c.tone(-0.2), turn="rotate(6 204 408)")
    for i in range(6):
        c.ellipse(
            204, 408, 36 - i * 6, 70 - i * 11, line=c.tone(0.3 if i % 2 else -0.5), width=3, turn="rotate(6 204 408)"
        )
    for x, y in ((118, 288), (160, 310)):
        c.path(f"M{x},{y} l18,9 c-30,40 -26,100 -8,142 l-18,-9 c-22,-46 -22,-104 8,-142Z", c.accent_cloth)


@drawing("headlamp", zoom=(300, 310, 1.8))
def headlamp(c: Canvas) -> None:
    """Head torch on its elastic band."""
    c.ellipse(300, 330, 210, fill=c.glow("#fff3b8/.75@0", "#fff3b8/0@1"))
    band = "M214,352 C120,372 84,320 92,258 C102,150 200,92 300,92 C400,92 498,150 508,258 C516,320 480,372 386,352"
    c.line(band, c.tone(-0.5), 44)
    c.line(band, c.colour, 39)
    c.line(band, c.accent, 7)
    c.path(
        "M70,270 C66,340 110,396 214,374 V330 C150,344 112,320 114,262Z M530,270 C534,340 490,396 386,374 V330 C450,344 488,320 486,262Z",
        INK,
        opacity=0.16,
    )
    c.line("M112,220 C130,150 210,112 290,108", "#ffffff", 4, opacity=0.3)
    box = "M206,270 C206,246 222,238 244,238 H356 C378,238 394,246 394,270 V388 C394,416 376,426 352,426 H248 C224,426 206,416 206,388Z"
    c.path(box, c.fade(tone(INK, 0.42), tone(INK, 0.12), INK))
    c.path("M222,258 C232,250 250,250 300,250 C260,258 240,266 228,290Z", "#ffffff", opacity=0.3)
    c.ellipse(300, 322, 58, fill=c.fade("#e9ecee", "#6f777f"))
    c.ellipse(300, 322, 48, fill=c.glow("#ffffff@.2", "#fff4bf@.6", "#e0c65a@1"))
    for i in range(6):
        a = i * pi / 3
        c.line(
            f"M{300 + 16 * cos(a):.1f},{322 + 16 * sin(a):.1f} L{300 + 42 * cos(a):.1f},{322 + 42 * sin(a):.1f}",
            "#ffffff",
            3,
            opacity=0.7,
        )
    c.ellipse(300, 322, 13, fill="#ffffff")
    c.box(276, 228, 48, 16, c.accent_cloth, r=6)
    c.mark(300, 404, 0.8, c.accent_tone(0.2))


@drawing("stove", zoom=(300, 250, 1.8))
def stove(c: Canvas) -> None:
    """Gas stove on its cartridge, with a pot."""
    c.ground(300, 538, 130, 13, 0.42)
    can = "M204,440 C204,410 396,410 396,440 V508 C396,540 204,540 204,508Z"
    c.path(can, c.fade(c.tone(-0.35), c.tone(0.35), c.tone(-0.4), angle="right"))
    c.path("M204,462 C204,478 396,478 396,462 V490 C396,506 204,506 204,490Z", c.accent)
    c.ellipse(300, 434, 94, 20, c.fade("#f3f5f6", "#a9b0b6"))
    c.box(286, 372, 28, 60, c.fade("#b98f46", "#f0d591", "#a27a35", angle="right"), r=4)
    c.line("M314,400 H376", "#8a929a", 7)
    c.path("M372,386 h34 v28 h-34Z", c.accent_cloth)
    c.ellipse(300, 366, 42, 13, c.fade("#cfd4d8", "#6f777f"))
    for x in (-30, -15, 0, 15, 30):
        c.path(f"M{300 + x},360 q-9,-16 0,-32 q9,16 0,32Z", c.fade("#6fb7ff/.2", "#3f8ef0/.9"))
    c.line("M300,380 L220,342 H204 M300,380 L380,342 H396", "#59616a", 8)
    pot = "M178,150 H422 V300 C422,326 404,336 380,336 H220 C196,336 178,326 178,300Z"
    steel = c.fade("#7c848c", "#f7f8f9@.3", "#c6ccd1@.6", "#767e86", angle="right")
    c.path(pot, steel)
    for y in (190, 220, 250, 280):
        c.line(f"M392,{y} h18", "#59616a", 2.4, opacity=0.6)
    c.path(
        "M170,138 C170,124 430,124 430,138 V152 C430,164 170,164 170,152Z",
        c.fade("#8a929a", "#ffffff", "#80888f", angle="right"),
    )
    c.box(280, 104, 40, 22, c.accent_cloth, r=8)
    c.line("M422,190 C486,190 490,280 422,284", tone(INK, 0.2), 9)
    c.line("M448,196 C474,210 474,262 448,276", c.accent, 9)
    c.mark(278, 240, 2.1, tone(INK, 0.25))


@drawing("compass_watch", zoom=(300, 300, 1.7))
def compass_watch(c: Canvas) -> None:
    """Sports watch with a dial that draws a route."""
    c.ground(300, 560, 90, 9, 0.3)
    strap = c.fade(c.tone(-0.35), c.tone(0.2), c.tone(-0.4), angle="right")
    c.path(
        "M236,150 L250,36 C252,26 348,26 350,36 L364,150Z M236,430 L250,552 C252,564 348,564 350,552 L364,430Z", strap
    )
    for y in (470, 492, 514, 536):
        c.box(292, y, 16, 10, c.tone(-0.7), r=4)
    c.path("M262,60 h76 M260,80 h80 M258,100 h84", line=c.tone(-0.6), width=2, opacity=0.4)
    for y in (236, 290, 344):
        c.box(438, y - 12, 22, 24, c.fade("#f0f2f3", "#7a828a"), r=5)
    c.ellipse(304, 300, 146, fill=INK, opacity=0.12)
    c.ellipse(300, 290, 146, fill=c.fade(tone(INK, 0.5), tone(INK, 0.08)))
    c.ellipse(300, 290, 132, line=c.accent, width=6)
    ticks = "".join(
        f"M{300 + 124 * cos(a):.1f},{290 + 124 * sin(a):.1f}L{300 + (112 if i % 5 else 104) * cos(a):.1f},{290 + (112 if i % 5 else 104) * sin(a):.1f}"
        for i, a in enumerate(2 * pi * n / 60 for n in range(60))
    )
    c.path(ticks, line="#dfe4e8", width=2)
    c.ellipse(300, 290, 98, fill=c.glow("#17324a", "#0b1622"))
    c.path("M222,320 C250,250 270,330 300,280 S350,220 376,270", line=c.accent, width=6)
    c.ellipse(376, 270, 8, fill="#ffffff")
    c.path(
        "M210,340 L250,310 L280,336 L320,300 L390,344 C370,372 336,388 300,388 C262,388 228,370 210,340Z",
        "#2b5573",
        opacity=0.8,
    )
    c.path(
        "M262,222 h10 v34 h-10Z M282,222 h26 v10 h-16 v4 h16 v20 h-26 v-8 h16 v-4 h-16Z M316,229 h6 v6 h-6Z M316,243 h6 v6 h-6Z M332,222 h10 v34 h-10Z M350,222 h10 v34 h-10Z",
        "#ffffff",
        opacity=0.9,
    )
    c.path("M180,240 C200,190 240,162 290,156 C250,176 210,210 196,260Z", "#ffffff", opacity=0.16)
