"""Every drawing is a small, whole, harmless SVG, in every colour there is."""

import re
from xml.etree import ElementTree

import pytest

from lotse.plugins.demo_sports.drawings import DRAWINGS, MARKS, draw, views_of
from lotse.plugins.demo_sports.drawings.paint import lightness, mix, symmetric, tone
from lotse.plugins.demo_sports.drawings.scenes import TILES, hero, logo, tile
from lotse.plugins.demo_sports.kinds import KINDS
from lotse.plugins.demo_sports.vocabulary import BRANDS, COLOURS

LIMIT = 12 * 1024
SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {
    "svg", "defs", "g", "path", "rect", "circle", "ellipse", "linearGradient", "radialGradient", "stop", "pattern",
    "clipPath",
}  # fmt: skip


def check(svg: str) -> None:
    """Well-formed, only shapes, nothing from outside, every name that is used is there once."""
    root = ElementTree.fromstring(svg)
    names: list[str] = []
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ELEMENTS, element.tag
        for attribute, value in element.attrib.items():
            assert not attribute.startswith("on") and "href" not in attribute and attribute != "style"
            assert "javascript" not in value and "http" not in value and "nan" not in value
        if "id" in element.attrib:
            names.append(element.attrib["id"])
    assert len(set(names)) == len(names)
    assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(names)
    assert "NaN" not in svg and "<text" not in svg and "font" not in svg


@pytest.mark.parametrize("kind", sorted(DRAWINGS))
def test_each_kind_is_drawn_from_each_side(kind: str):
    views = views_of(kind)
    assert len(views) == 2
    svgs = [draw(kind, "#1f4e9c", "#f2b134", view, brand="tolvaro") for view in views]
    for svg in svgs:
        check(svg)
        assert len(svg.encode()) < LIMIT
    assert svgs[0] != svgs[1]


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_each_colour_paints(colour: str):
    paint = COLOURS[colour].paint
    for kind in ("running_shoe", "shell_jacket", "football"):
        check(draw(kind, paint, "#f1f0ec", views_of(kind)[0], brand="fernhang"))
    assert lightness(tone(paint, 0.3)) > lightness(paint) > lightness(tone(paint, -0.3))


def test_there_are_drawings_and_marks_for_all():
    assert {kind.drawing for kind in KINDS.values()} <= set(DRAWINGS)
    assert set(BRANDS) <= set(MARKS)
    assert len(DRAWINGS) >= 18


def test_the_house_has_a_face():
    for svg in (logo(), hero(), *map(tile, TILES)):
        check(svg)
        assert len(svg.encode()) < LIMIT


def test_mixing_ends_at_both_ends():
    assert mix("#1f4e9c", "#f2b134", 0) == "#1f4e9c"
    assert mix("#1f4e9c", "#f2b134", 1) == "#f2b134"


def test_an_outline_is_mirrored():
    assert symmetric("M300,0L400,0C400,50 380,90 300,100") == (
        "M300,0L400,0C400,50 380,90 300,100C220,90 200,50 200,0L300,0Z"
    )
