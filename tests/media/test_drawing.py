"""Drawings are drawn at the sizes that pages show, and one that is hard to draw hurts nobody."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from lotse.kernel.media import library as libraries
from lotse.kernel.media import names, studio
from lotse.kernel.media.contracts import MediaBroken, StudioBusy
from lotse.kernel.media.library import Library
from lotse.kernel.media.names import Name, Rendition
from lotse.web.media.pages import rendition

# Left half red, right half green; half of it can be seen through if there is no ground.
_HALVES = '<rect width="150" height="200" fill="#c81e28"/><rect x="150" width="150" height="100" fill="#1ea03c"/>'
_GROUND = '<rect width="300" height="200" fill="#fff"/>'


def svg(inside: str, attributes: str = 'viewBox="0 0 300 200"') -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


async def put(library: Library, tmp_path: Path, content: bytes, digest: str = "ab" * 32) -> Name:
    """A drawing in the store; what its name says of its content is nobody's business here."""
    name = Name(digest, 300, 200, "svg")
    path = tmp_path / "drawing.svg"
    path.write_bytes(content)
    await library.store.put(names.key_of(name), path)
    return name


def doubling(levels: int) -> str:
    """Shapes that use shapes: a hundred bytes for each doubling of the work."""
    steps = "".join(
        f'<g id="g{level}"><use href="#g{level - 1}"/><use href="#g{level - 1}" x="1"/></g>'
        for level in range(1, levels + 1)
    )
    return f'<defs><g id="g0"><circle r="90"/></g>{steps}</defs><use href="#g{levels}"/>'


@pytest.mark.parametrize("format", ["avif", "webp", "jpg"])
async def test_a_drawing_as_pixels_has_its_size_and_colours(library: Library, tmp_path: Path, format: Any):
    name = await put(library, tmp_path, svg(_GROUND + _HALVES))
    cut = Rendition(1200 if format == "jpg" else 640, format)
    opened = await library.rendition(name, cut)
    assert opened and opened.path
    with Image.open(opened.path) as found:
        assert found.size == (cut.width, name.height_at(cut.width))
        assert found.mode == "RGB"  # nothing is seen through it
        mean = ImageStat.Stat(found).mean
    # Half red, a quarter green, a quarter white.
    expected = [200 / 2 + 30 / 4 + 255 / 4, 30 / 2 + 160 / 4 + 255 / 4, 40 / 2 + 60 / 4 + 255 / 4]
    assert all(abs(one - other) < 3 for one, other in zip(mean, expected, strict=True)), mean
    assert await library.cut(name, [cut]) == 0  # once


async def test_what_is_seen_through_stays_so_and_is_white_for_others(library: Library, tmp_path: Path):
    name = await put(library, tmp_path, svg(_HALVES))
    for cut, mode in (
        (Rendition(160, "webp"), "RGBA"),
        (Rendition(160, "avif"), "RGBA"),
        (Rendition(1200, "jpg"), "RGB"),
    ):
        opened = await library.rendition(name, cut)
        assert opened and opened.path
        with Image.open(opened.path) as found:
            assert found.mode == mode
            corner: Any = found.getpixel((found.width - 2, found.height - 2))
            assert corner[3] == 0 if mode == "RGBA" else min(corner) > 250


async def test_a_page_of_cards_asks_once_for_each(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Who asks is answered at once with the drawing; it is drawn behind them, one after the other, and once."""
    drawn: list[Path] = []
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(source: Path, folder: Path, sizes: list[tuple[int, int]], formats: list[str]) -> None:
        drawn.append(source)
        begun.set()
        await ended.wait()
        for width, _ in sizes:
            (folder / f"{width}.{formats[0]}").write_bytes(b"drawn")

    monkeypatch.setattr(studio, "draw", slow)
    all_of_them = [await put(library, tmp_path, svg(_HALVES), f"{digit:064x}") for digit in range(6)]
    # One visitor with all cards, and another one with the same.
    answers = await asyncio.gather(
        *(rendition.fn(library=library, name=str(name), cut="1-640.avif") for name in all_of_them * 2)
    )
    assert {answer.media_type for answer in answers} == {"image/svg+xml"}
    await begun.wait()
    ended.set()
    await asyncio.gather(*(library.rendition(name, Rendition(640, "avif")) for name in all_of_them))
    assert len(drawn) == len(set(drawn)) == len(all_of_them)
    again = await rendition.fn(library=library, name=str(all_of_them[0]), cut="1-640.avif")
    assert again.media_type == "image/avif"


async def test_more_than_is_drawn_in_a_while_do_not_queue(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(libraries, "_MOST_WAITING", 0)
    name = await put(library, tmp_path, svg(_HALVES))
    with pytest.raises(StudioBusy):
        await library.rendition(name, Rendition(640, "avif"))
    answer = await rendition.fn(library=library, name=str(name), cut="1-640.avif")
    assert answer.media_type == "image/svg+xml"


# What is shown as it is, and why.
NOT_DRAWN = {
    "text": ('<text y="20">Größe 42</text>', 'viewBox="0 0 300 200"', "fonts"),
    "sizes that contradict each other": (_HALVES, 'viewBox="0 0 300 900"', "contradict"),
    "no size": (_HALVES, 'width="0" height="0"', "size"),
    "shapes that use shapes that use shapes": (doubling(40), 'viewBox="0 0 300 200"', "limit"),
    "a turbulence of many octaves": (
        '<filter id="f" width="1" height="1"><feTurbulence baseFrequency=".9" numOctaves="100000"/></filter>'
        '<rect width="300" height="200" filter="url(#f)"/>',
        'viewBox="0 0 300 200"', "bounds",
    ),
}  # fmt: skip


async def test_a_machine_with_other_things_to_do_is_no_fault_of_the_drawing(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    name = await put(library, tmp_path, svg(_HALVES))
    with monkeypatch.context() as busy:
        busy.setattr(studio, "DRAW_TIMEOUT_SECONDS", 0.001)
        with pytest.raises(StudioBusy):
            await library.rendition(name, Rendition(160, "webp"))
    assert await library.rendition(name, Rendition(160, "webp"))


@pytest.mark.parametrize("what", NOT_DRAWN)
async def test_what_is_not_drawn_is_shown_as_it_is_in_bounded_time(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
):
    inside, attributes, said = NOT_DRAWN[what]
    monkeypatch.setattr(studio, "DRAW_CPU_SECONDS", 2)
    name = await put(library, tmp_path, svg(inside, attributes))
    with pytest.raises(MediaBroken, match=said):
        await library.rendition(name, Rendition(1280, "avif"))
    # Nobody tries it again for a while, at any width.
    monkeypatch.delattr(studio, "draw")
    answer = await rendition.fn(library=library, name=str(name), cut="1-160.webp")
    assert answer.media_type == "image/svg+xml"
