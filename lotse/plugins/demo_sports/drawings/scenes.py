"""The house's own pictures: the logo, the hero of the first page, a tile for each department."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

from collections.abc import Callable

from lotse.plugins.demo_sports.drawings.balls import panels
from lotse.plugins.demo_sports.drawings.marks import MARKS
from lotse.plugins.demo_sports.drawings.paint import INK, mix, tone
from lotse.plugins.demo_sports.drawings.registry import DRAWINGS

# The storefront's own signal colour, so that the mark and the buttons are one house.
_BEACON = "#d9f24f"
_PETROL = "#1f6f78"


def logo(pen: str = INK) -> str:
    """The word "wellenkamm" drawn with one pen, behind the mark; on nothing, 10 : 2.25."""
    letters = (
        (0, "M0,0L12,44L24,8L36,44L48,0"),
        (60, "M1,22H39A20,20 0 1 0 33,37"),
        (114, "M0,-26V44"),
        (130, "M0,-26V44"),
        (145, "M1,22H39A20,20 0 1 0 33,37"),
        (199, "M0,44V0M0,20A18,18 0 0 1 36,20V44"),
        (252, "M0,-26V44M30,0L2,25M12,17L33,44"),
        (296, "M40,0V44M40,22A20,20 0 1 1 0,22A20,20 0 1 1 40,22"),
        (354, "M0,44V0M0,17A15,16 0 0 1 30,17V44M30,17A15,16 0 0 1 60,17V44"),
        (432, "M0,44V0M0,17A15,16 0 0 1 30,17V44M30,17A15,16 0 0 1 60,17V44"),
    )
    word = "".join(f'<path transform="translate({x} 0)" d="{d}"/>' for x, d in letters)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 132" width="600" height="132">'
        f'<rect x="2" y="24" width="84" height="84" rx="22" fill="{_BEACON}"/>'
        f'<path d="{MARKS["wellenkamm"]}" fill="{INK}" transform="translate(44 70) scale(1.55)"/>'
        f'<g transform="translate(108 64) scale(.98)" fill="none" stroke="{pen}" stroke-width="9.5" stroke-linecap="round" '
        f'stroke-linejoin="round">{word}</g></svg>'
    )


def _mountain(d: str, fill: str, *, caps: str = "", snow: str = "#ffffff") -> str:
    cap = f'<path d="{caps}" fill="{snow}"/>' if caps else ""
    return f'<path d="{d}" fill="{fill}"/>{cap}'


def _pine(x: float, y: float, size: float, colour: str) -> str:
    half = (
        f"M{x:g},{y - size:g}L{x + size * 0.2:g},{y - size * 0.62:g}H{x + size * 0.09:g}L{x + size * 0.28:g},{y - size * 0.3:g}"
        f"H{x + size * 0.12:g}L{x + size * 0.34:g},{y:g}H{x - size * 0.34:g}L{x - size * 0.12:g},{y - size * 0.3:g}"
        f"H{x - size * 0.28:g}L{x - size * 0.09:g},{y - size * 0.62:g}H{x - size * 0.2:g}Z"
    )
    return f'<path d="{half}" fill="{colour}"/>'


def _runner(x: float, y: float, size: float, shirt: str, dark: str, skin: str = "#d9a27c") -> str:
    """A runner to the right; (x, y) is the foot on the ground, `size` the height."""

    def limb(d: str, colour: str, width: float) -> str:
        return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round"/>'

    body = (
        limb("M-8,-58L-34,-50L-44,-30", tone(skin, -0.12), 7)  # the far arm
        + limb("M-6,-50L-30,-26L-56,-30", tone(dark, 0.08), 11)  # the far leg
        + limb("M-44,-28L-58,-31L-64,-40", "#f4f1ea", 7)
        + limb("M2,-94L-6,-54", shirt, 23)
        + limb("M-6,-50L24,-38L14,-6", dark, 12)
        + limb("M18,-20L13,-2", skin, 9)
        + limb("M12,-1H27", "#ef6a57", 8)
        + limb("M4,-92L22,-70L44,-80", skin, 7.5)
        + limb("M4,-92L15,-78", shirt, 12)
        + f'<circle cx="12" cy="-118" r="12.5" fill="{skin}"/>'
        + f'<path d="M-1,-121a13,13 0 0 1 25,-5l-7,-1q-9,0 -12,7q-2,6 -4,6q-3,-2 -2,-7Z" fill="{dark}"/>'
        + limb("M0,-124L-12,-118L-18,-108", dark, 5)
    )
    return f'<g transform="translate({x:g} {y:g}) scale({size / 132:.3g})">{body}</g>'


def _skier(x: float, y: float, size: float, jacket: str, dark: str) -> str:
    """A skier on a steep slope, going down to the right."""

    def limb(d: str, colour: str, width: float) -> str:
        return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round"/>'

    body = (
        limb("M-62,6L46,-16Q58,-18 60,-26", dark, 4)
        + limb("M-54,12L54,-10", dark, 4)
        + limb("M12,-52L-16,-34L0,-4", dark, 13)
        + limb("M-8,-78L12,-52", jacket, 22)
        + limb("M-8,-76L-30,-58L-42,-62", jacket, 9)
        + limb("M-42,-62L18,-30", "#8d949b", 2.6)
        + '<circle cx="-20" cy="-95" r="12.5" fill="#f2b134"/>'
        + limb("M-32,-95H-22", dark, 6)
    )
    return f'<g transform="translate({x:g} {y:g}) rotate(28) scale({-size / 110:.3g} {size / 110:.3g})">{body}</g>'


def _rider(x: float, y: float, size: float, shirt: str, dark: str) -> str:
    """A cyclist to the right; (x, y) is between the wheels on the ground."""

    def limb(d: str, colour: str, width: float) -> str:
        return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round"/>'

    body = (
        f'<circle cx="-38" cy="-27" r="26" fill="none" stroke="{dark}" stroke-width="4"/>'
        f'<circle cx="42" cy="-27" r="26" fill="none" stroke="{dark}" stroke-width="4"/>'
        + limb("M-38,-27L-18,-62L30,-66L2,-28L-38,-27M-22,-70L2,-28M28,-74L42,-27", "#ef6a57", 4.4)
        + limb("M-24,-78L8,-62L2,-24", dark, 10)
        + limb("M-20,-84L8,-116", shirt, 19)
        + limb("M8,-112L20,-88L36,-80", "#d9a27c", 7)
        + '<circle cx="18" cy="-132" r="11" fill="#d9a27c"/><path d="M5,-132a14,13 0 0 1 28,-2Z" fill="#f4f1ea"/>'
    )
    return f'<g transform="translate({x:g} {y:g}) scale({size / 145:.3g})">{body}</g>'


def hero() -> str:
    """Morning over mountains, 1600 x 800; light on the left, where the words stand. All that matters is in the middle 640."""
    pentagons, seams = panels(0.42, 0.5, 0.2)
    far = mix("#dfeaec", _PETROL, 0.22)
    pines = "".join(
        _pine(x, y, size, colour)
        for x, y, size, colour in (
            (905, 640, 70, "#2b6a62"), (945, 652, 92, "#235b55"), (985, 646, 64, "#2b6a62"), (1398, 640, 96, "#1d4f4b"),
            (1444, 654, 124, "#17423f"), (1500, 648, 88, "#1d4f4b"), (1552, 664, 138, "#17423f"), (1592, 660, 104, "#1d4f4b"),
            (842, 660, 54, "#2f7268"), (760, 676, 40, "#3a8074"), (802, 672, 46, "#3a8074"),
        )
    )  # fmt: skip
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 800" width="1600" height="800"><defs>'
        '<linearGradient id="sky" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#f3f6f5"/>'
        '<stop offset=".5" stop-color="#f8efe0"/><stop offset="1" stop-color="#fbd9a6"/></linearGradient>'
        '<radialGradient id="halo"><stop offset="0" stop-color="#ffe2a3" stop-opacity=".95"/><stop offset="1" stop-color="#ffe2a3" stop-opacity="0"/></radialGradient>'
        '<radialGradient id="sun" cx=".38" cy=".32" r=".8"><stop offset="0" stop-color="#ffd777"/><stop offset="1" stop-color="#f2a62b"/></radialGradient>'
        '<linearGradient id="rock" x1="0" y1="0" x2=".6" y2="1"><stop offset="0" stop-color="#4f8f97"/><stop offset="1" stop-color="#9fc3c4"/></linearGradient>'
        '<linearGradient id="near" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#2a6f70"/><stop offset="1" stop-color="#79aca5"/></linearGradient>'
        '<linearGradient id="hill" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#4f8f6c"/><stop offset="1" stop-color="#2d6655"/></linearGradient>'
        '<linearGradient id="front" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#e9efe6"/><stop offset=".4" stop-color="#8fb98f"/><stop offset="1" stop-color="#2f6b4f"/></linearGradient>'
        '<linearGradient id="veil" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="#f5f6f2"/><stop offset=".26" stop-color="#f5f6f2" stop-opacity=".92"/><stop offset=".42" stop-color="#f5f6f2" stop-opacity=".45"/><stop offset=".6" stop-color="#f5f6f2" stop-opacity="0"/></linearGradient>'
        "</defs>"
        '<rect width="1600" height="800" fill="url(#sky)"/>'
        '<circle cx="1010" cy="268" r="330" fill="url(#halo)"/>'
        # The sun is a ball: the seams of a football, hardly seen.
        '<circle cx="1010" cy="268" r="104" fill="url(#sun)"/>'
        f'<g transform="translate(1010 268) scale(.53) translate(-300 -292)" fill="none" stroke="#fff3d2" stroke-width="5" opacity=".6"><path d="{pentagons}" fill="#fff3d2" fill-opacity=".22"/><path d="{seams}"/></g>'
        # Clouds
        '<g fill="#ffffff" opacity=".85"><path d="M1180,170q14,-34 52,-28q22,-36 64,-20q34,-14 50,16q34,-4 40,32Z"/><path d="M716,232q12,-26 42,-20q18,-26 50,-14q26,-8 36,14q26,0 28,20Z" opacity=".8"/></g>'
        + _mountain(
            "M0,720L330,560L420,590L620,420L700,470L860,330L960,420L1090,300L1230,420L1330,350L1600,520V720H0Z",
            far,
        )
        + _mountain(
            "M800,660L1010,460L1080,510L1290,236L1400,372L1446,340L1600,470V720H800Z",
            "url(#rock)",
            caps="M1290,236L1400,372L1446,340L1600,470V540L1506,470L1470,500L1420,440L1380,470L1338,404L1306,436L1270,380L1232,404L1214,336Z",
        )
        + '<path d="M1290,236L1306,436L1338,404L1360,520L1400,372Z" fill="#d5e6ea"/>'
        + _skier(1526, 402, 60, "#ef6a57", INK)
        + '<path d="M1452,352q8,20 22,24t22,20" fill="none" stroke="#b9d0d8" stroke-width="3.4" stroke-linecap="round"/>'
        + _mountain("M260,740Q560,690 740,640T960,620T1320,560T1600,600V770H260Z", "url(#near)")
        + pines
        + '<path d="M300,760Q760,610 1080,660T1600,640V800H300Z" fill="url(#hill)"/>'
        # Water with a reflection of the sun
        '<path d="M400,734Q640,676 900,700Q780,724 860,740Q640,764 400,734Z" fill="#bcdadb" opacity=".9"/>'
        '<path d="M560,716h150M600,726h190M540,734h120" stroke="#ffffff" stroke-width="3" stroke-linecap="round" opacity=".7"/>'
        + _rider(842, 700, 74, "#1f4e9c", INK)
        + '<path d="M0,800V742Q420,742 760,752T1180,706T1600,724V800Z" fill="url(#front)"/>'
        '<path d="M640,800Q860,752 1040,742T1290,712" fill="none" stroke="#e8d6ae" stroke-width="15" stroke-linecap="round"/>'
        + '<ellipse cx="1180" cy="724" rx="56" ry="6" fill="#101a26" opacity=".22"/>'
        + _runner(1176, 722, 208, "#ef6a57", INK)
        + "".join(f'<path d="M{x},{y}q4,-16 -2,-26M{x + 6},{y}q4,-12 10,-20" stroke="#1f5a44" stroke-width="3" fill="none" stroke-linecap="round"/>' for x, y in ((1330, 726), (1392, 728), (1480, 732), (1040, 748), (1556, 730)))
        + '<path d="M270,190q12,-12 24,0q12,-12 24,0M340,230q9,-9 18,0q9,-9 18,0" fill="none" stroke="#7f9196" stroke-width="3.4" stroke-linecap="round" opacity=".6"/>'
        '<rect width="1600" height="800" fill="url(#veil)"/></svg>'
    )  # fmt: skip


# Each department: what is drawn, in which colours, and the tint behind.
_TILES: dict[str, tuple[str, str, str, str, str]] = {
    "running": ("running_shoe", "#ef6a57", "#1d3557", "tolvaro", "#fbe3dc"),
    "football": ("football", "#1f4e9c", "#f2b134", "bolzplan", "#dfe8f4"),
    "hiking": ("backpack", "#2f6b4f", "#f28c38", "fernhang", "#dfeae1"),
    "cycling": ("gravel_bike", "#1f6f78", "#f2b134", "radovelt", "#dcebeb"),
    "snow": ("skis", "#1d3557", "#f2b134", "firnquist", "#e3e8f0"),
    "outdoor": ("shell_jacket", "#f28c38", "#1d3557", "nebelhain", "#fcead6"),
    "fitness": ("kettlebell", "#6c4a8e", "#b7cf3f", "hantorra", "#e9e2f1"),
    "rackets": ("tennis_racket", "#2a9d8f", "#f0d24a", "saitenwind", "#dcefec"),
    "swimming": ("swim_goggles", "#1f4e9c", "#6aa5d8", "brackwind", "#dcebf6"),
    "team": ("basketball", "#b5704a", "#f28c38", "dreierfeld", "#f6e4d9"),
    "kids": ("kids_bike", "#ef6a57", "#2a9d8f", "zwergenspurt", "#fbe6df"),
    "nutrition": ("powder_tub", "#8c2f63", "#e8d49a", "haferfunk", "#f4e0ea"),
}


def tile(department: str) -> str:
    """A department's tile, 600 x 600: its typical thing on a disc of its tint."""
    from lotse.plugins.demo_sports.drawings.paint import Canvas

    kind, colour, accent, brand, tint = _TILES[department]
    drawing = DRAWINGS[kind]
    canvas = Canvas(colour, accent, view=drawing.views[0], mark=MARKS[brand])
    canvas.ellipse(300, 300, 262, fill=canvas.glow(tone(tint, 0.5), tint, cx=0.4, cy=0.34, r=0.72))
    with canvas.group("translate(300 300) scale(.86) translate(-300 -300)"):
        drawing.draw(canvas)
    return canvas.finished(paper=False)


HOUSE: dict[str, Callable[[], str]] = {"logo": logo, "hero": hero}
TILES: tuple[str, ...] = tuple(_TILES)
