"""What the library takes, as what it keeps it, and what it refuses by name: a row per file that somebody may send."""

import asyncio
import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lotse.kernel import clock
from lotse.kernel.db import Database
from lotse.kernel.media import names, queries, studio
from lotse.kernel.media.contracts import (
    DrawingNotSafe,
    MediaBroken,
    MediaMismatch,
    MediaTooLarge,
    MediaTypeNotAllowed,
    PictureMoves,
    StoreFull,
    StoreUnavailable,
    TooManyPixels,
)
from lotse.kernel.media.library import Library
from lotse.kernel.media.queries import SQL
from lotse.kernel.media.store import Folder
from lotse.kernel.refusals import Refusal
from tests.media import pictures
from tests.media.pictures import stream


async def taken(library: Library, db: Database, content: bytes, **more: Any):
    return await library.take(db, stream(content, pieces=3), by="test", at=clock.now(), **more)


async def kept(library: Library, name: str) -> bytes:
    known = names.parsed(name)
    assert known
    opened = await library.find(known)
    assert opened
    return b"".join([piece async for piece in library.store.read(opened)])


# -- what is taken

TAKEN = {
    "jpeg": (lambda seed: pictures.jpeg(seed), "image/jpeg", (400, 300)),
    "turned": (lambda seed: pictures.turned(seed), "image/jpeg", (300, 400)),
    "profile": (lambda seed: pictures.wide_gamut(seed), "image/jpeg", (400, 300)),
    "grey": (lambda seed: pictures.encoded(pictures.image(mode="L", seed=seed)), "image/jpeg", (400, 300)),
    "cmyk": (lambda seed: pictures.encoded(pictures.image(mode="CMYK", seed=seed)), "image/jpeg", (400, 300)),
    "png": (lambda seed: pictures.encoded(pictures.image(seed=seed), "PNG"), "image/png", (400, 300)),
    "png with alpha": (
        lambda seed: pictures.encoded(pictures.image(mode="RGBA", seed=seed), "PNG"), "image/png", (400, 300),
    ),
    "png of a palette": (
        lambda seed: pictures.encoded(pictures.image(seed=seed).quantize(16), "PNG"), "image/png", (400, 300),
    ),
    "png of 16 bit": (
        lambda seed: pictures.encoded(pictures.image(mode="L", seed=seed).convert("I;16"), "PNG"),
        "image/png",
        (400, 300),
    ),
    "webp": (lambda seed: pictures.encoded(pictures.image(seed=seed), "WEBP"), "image/webp", (400, 300)),
    "avif": (lambda seed: pictures.encoded(pictures.image(seed=seed), "AVIF"), "image/avif", (400, 300)),
    "gif": (lambda seed: pictures.encoded(pictures.image(seed=seed), "GIF"), "image/png", (400, 300)),
    "tiff": (lambda seed: pictures.encoded(pictures.image(mode="CMYK", seed=seed), "TIFF"), "image/jpeg", (400, 300)),
    "one pixel": (lambda seed: pictures.encoded(Image.new("RGB", (1, 1), (seed % 256, seed // 256 % 256, seed >> 16)),
                                                "PNG"), "image/png", (1, 1)),
    "svg": (lambda seed: pictures.svg(seed=seed), "image/svg+xml", (120, 60)),
    "pdf": (lambda seed: pictures.pdf(seed), "application/pdf", (None, None)),
}  # fmt: skip


@pytest.mark.parametrize("what", TAKEN)
async def test_it_is_taken(library: Library, db: Database, seed: int, what: str):
    make, media_type, size = TAKEN[what]
    medium = await taken(library, db, make(seed), title=f"C:\\photos\\{what}.exe")
    assert (medium.media_type, medium.width, medium.height) == (media_type, *size)
    assert medium.title == f"{what}.exe"  # a title, and nothing that anybody believes
    content = await kept(library, medium.name)
    assert len(content) == medium.size
    if medium.kind == "picture":
        with Image.open(io.BytesIO(content)) as found:
            assert found.size == size
            assert found.mode in ("RGB", "RGBA", "L", "LA")
            assert not found.getexif() and not {"icc_profile", "comment", "xmp"} & found.info.keys()


async def test_a_turned_picture_stands_upright_and_says_nothing_about_its_owner(
    library: Library, db: Database, seed: int
):
    medium = await taken(library, db, pictures.turned(seed))
    content = await kept(library, medium.name)
    for secret in (b"Secret Camera", b"Lovelace", b"taken at home", b"Exif"):
        assert secret not in content
    with Image.open(io.BytesIO(content)) as found:
        corner: Any = found.convert("RGB").getpixel((290, 10))  # the red corner was on the left
        red, green, blue = corner
        assert red > 150 > green and blue < 100


async def test_sixteen_bits_become_eight_and_keep_their_light(library: Library, db: Database, seed: int):
    dark = Image.new("I;16", (64, 64), 0x4000)
    dark.putpixel((0, 0), seed % 65536)
    medium = await taken(library, db, pictures.encoded(dark, "PNG"))
    with Image.open(io.BytesIO(await kept(library, medium.name))) as found:
        middle: Any = found.getpixel((32, 32))
        assert found.mode == "L" and abs(middle - 0x40) <= 1


async def test_a_telephone_s_jpeg_with_a_second_picture_is_its_first(library: Library, db: Database, seed: int):
    content = pictures.encoded(
        pictures.image(seed=seed), "MPO", save_all=True, append_images=[pictures.image(80, 60, seed=seed + 1)]
    )
    medium = await taken(library, db, content)
    assert (medium.media_type, medium.width) == ("image/jpeg", 400)


# -- what is refused

REFUSED: dict[str, tuple[Any, type[Refusal], str]] = {
    "nothing": (lambda seed: b"", MediaBroken, "0 bytes"),
    "text": (lambda seed: b"Hello, this is a price list.", MediaTypeNotAllowed, "text"),
    "a page": (lambda seed: b"<!DOCTYPE html><html><script>alert(1)</script>", MediaTypeNotAllowed, "a web page"),
    "a program": (lambda seed: b"MZ\x90\x00" + b"\0" * 2000, MediaTypeNotAllowed, "a Windows program"),
    "an archive": (lambda seed: b"PK\x03\x04" + b"\0" * 2000, MediaTypeNotAllowed, "ZIP"),
    "a film": (lambda seed: b"\0\0\0\x18ftypmp42" + b"\0" * 2000, MediaTypeNotAllowed, "a film"),
    "heic": (lambda seed: b"\0\0\0\x18ftypheic" + b"\0" * 2000, MediaTypeNotAllowed, "HEIC"),
    "a page that ends as a picture": (
        lambda seed: b"<html><script>1</script>" + pictures.jpeg(seed), MediaTypeNotAllowed, "a web page",
    ),
    "a truncated jpeg": (lambda seed: pictures.jpeg(seed)[:-2000], MediaBroken, "truncated"),
    "a truncated png": (
        lambda seed: pictures.encoded(pictures.image(seed=seed), "PNG")[:-600], MediaBroken, "",
    ),
    "a head without a body": (lambda seed: b"\xff\xd8\xff\xe0" + b"\0" * 200, MediaBroken, ""),
    "a gif of three frames": (lambda seed: pictures.animated(seed), PictureMoves, "frames 3"),
    "a bomb of a gigapixel": (lambda seed: pictures.png_bomb(32_000, 32_000), TooManyPixels, "width 32000"),
    "a strip": (lambda seed: pictures.png_bomb(20_000, 2), TooManyPixels, "width 20000"),
    "a bomb that lies about its size": (lambda seed: pictures.png_bomb(60_000, 1_000_000), TooManyPixels, ""),
    "svg with a script": (lambda seed: pictures.svg("<script>alert(1)</script>"), DrawingNotSafe, "<script>"),
    "svg with an event": (lambda seed: pictures.svg(attributes=' onload="alert(1)"'), DrawingNotSafe, "onload"),
    "svg with a page in it": (
        lambda seed: pictures.svg('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>'),
        DrawingNotSafe, "<foreignObject>",
    ),
    "svg that loads": (
        lambda seed: pictures.svg('<image href="https://tracker.example/x.png"/>'), DrawingNotSafe, "<image>",
    ),
    "svg that uses from outside": (
        lambda seed: pictures.svg('<use xlink:href="https://x.example/a.svg#b"/>'), DrawingNotSafe, "a link",
    ),
    "svg that moves": (lambda seed: pictures.svg('<animate attributeName="x"/>'), DrawingNotSafe, "<animate>"),
    "svg with a link": (lambda seed: pictures.svg('<a href="javascript:alert(1)"/>'), DrawingNotSafe, "<a>"),
    "svg that imports": (
        lambda seed: pictures.svg("<style>@import 'https://x.example/a.css'</style>"), DrawingNotSafe, "@import",
    ),
    "svg that paints from outside": (
        lambda seed: pictures.svg('<path fill="url( \'https://x.example/#a\')"/>'), DrawingNotSafe, "fill",
    ),
    "svg with escapes in its style": (
        lambda seed: pictures.svg(r"<style>a{b:u\72l(x)}</style>"), DrawingNotSafe, "style",
    ),
    "svg with entities": (
        lambda seed: b'<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + pictures.svg("&b;"),
        MediaTypeNotAllowed, "XML",
    ),
    "svg nested without end": (
        lambda seed: pictures.svg("<g>" * 500 + "</g>" * 500), DrawingNotSafe, "in each other",
    ),
    "svg cut off": (lambda seed: pictures.svg()[:-9], MediaBroken, "XML"),
    "a pdf without an end": (lambda seed: pictures.pdf(seed)[:-10] + b" " * 2000, MediaBroken, "no end"),
    "a pdf behind something else": (lambda seed: b"GIF" + pictures.pdf(seed), MediaTypeNotAllowed, ""),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
async def test_it_is_refused_by_name(library: Library, db: Database, seed: int, own: Any, what: str):
    make, refusal, said = REFUSED[what]
    with pytest.raises(refusal) as refused:
        await taken(library, db, make(seed))
    assert said in str(refused.value)
    # Nothing of it stays.
    assert [path for path in (own.home / "media").rglob("*") if path.is_file() and ".making" not in path.parts] == []


async def test_what_is_too_large_is_stopped_on_its_way(library: Library, db: Database):
    sent = 0

    async def endless():
        nonlocal sent
        yield pictures.jpeg()
        while True:
            sent += 1
            yield b"\0" * 100_000

    with pytest.raises(MediaTooLarge) as refused:
        await library.take(db, endless(), limit=1_000_000, by="test", at=clock.now())
    assert refused.value.limit == 1_000_000 and sent < 12


async def test_a_film_is_refused_by_its_first_kilobyte(library: Library, db: Database):
    sent = 0

    async def film():
        nonlocal sent
        yield b"\0\0\0\x18ftypmp42"
        while True:
            sent += 1
            yield b"\0" * 1024

    with pytest.raises(MediaTypeNotAllowed):
        await library.take(db, film(), by="test", at=clock.now())
    assert sent == 1


async def test_what_was_changed_on_its_way_is_refused(library: Library, db: Database, seed: int):
    with pytest.raises(MediaMismatch):
        await taken(library, db, pictures.jpeg(seed), expected_sha256=b"\1" * 32)


async def test_a_picture_and_a_page_in_one_is_the_picture_alone(library: Library, db: Database, seed: int):
    medium = await taken(library, db, pictures.jpeg(seed) + b"<script>alert(1)</script><?php system('id') ?>")
    content = await kept(library, medium.name)
    assert b"script" not in content and b"php" not in content


async def test_an_editor_s_notes_are_left_out_of_a_drawing(library: Library, db: Database, seed: int):
    notes = (
        '<metadata><author>Ada</author></metadata><!-- draft --><x:layer xmlns:x="http://editor.example" owner="Ada"/>'
    )
    medium = await taken(library, db, pictures.svg(notes, seed))
    content = await kept(library, medium.name)
    assert b"Ada" not in content and b"draft" not in content and b"<rect" in content


# -- the same again


async def test_the_same_file_is_one_medium(library: Library, db: Database, seed: int):
    first = await taken(library, db, pictures.jpeg(seed), title="first.jpg")
    second = await taken(library, db, pictures.jpeg(seed), title="second.jpg")
    assert (second.name, second.title) == (first.name, "first.jpg")


async def test_the_same_picture_with_other_metadata_is_one_medium(library: Library, db: Database, seed: int):
    first = await taken(library, db, pictures.jpeg(seed))
    second = await taken(library, db, pictures.jpeg(seed, comment=b"exported again"))
    assert second.name == first.name


async def test_two_uploads_of_the_same_at_once_are_one_medium(library: Library, db: Database, seed: int):
    content = pictures.jpeg(seed)
    both = await asyncio.gather(*(taken(library, db, content) for _ in range(4)))
    assert len({medium.name for medium in both}) == 1
    async with db.reading() as conn:
        found = await queries.media_by_names(conn, names=[both[0].name])
    assert len(found) == 1


async def test_a_file_that_was_lost_comes_back_with_the_next_upload(library: Library, db: Database, seed: int):
    medium = await taken(library, db, pictures.jpeg(seed))
    known = names.parsed(medium.name)
    assert known
    await library.store.remove(names.key_of(known))
    assert (await taken(library, db, pictures.jpeg(seed))).name == medium.name
    assert await library.find(known)


# -- trouble


class Full(Folder):
    """A disk without room."""

    async def put(self, key: str, file: Path) -> None:
        def write(*_: object) -> None:
            raise OSError(28, "No space left on device")

        try:
            write()
        except OSError as error:
            from lotse.kernel.media import store

            raise store._unavailable(error) from error


async def test_a_full_disk_is_said_and_leaves_nothing(db: Database, own: Any, seed: int):
    library = Library(own, Full(own.home / "media"))
    with pytest.raises(StoreFull):
        await taken(library, db, pictures.jpeg(seed))
    async with db.reading() as conn:
        assert await conn.values(SQL.by_upload, sha256=b"\0" * 32) == []
    assert not list((own.home / "media" / ".incoming").iterdir())


def test_a_real_disk_that_is_full(tmp_path: Path):
    """/dev/full answers as a full disk does, so the path through the system is the real one."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    from lotse.kernel.media import store

    source = tmp_path / "source"
    source.write_bytes(b"x" * 10)
    with pytest.raises(OSError) as error:
        handle = os.open("/dev/full", os.O_WRONLY)
        try:
            os.write(handle, source.read_bytes())
        finally:
            os.close(handle)
    assert isinstance(store._unavailable(error.value), StoreFull)


async def test_a_store_that_cannot_be_written_is_said(db: Database, own: Any, seed: int):
    (own.home / "media").mkdir()
    (own.home / "media" / "blocked").write_text("a file where a folder should be")
    library = Library(own, Folder(own.home / "media" / "blocked"))
    with pytest.raises(StoreUnavailable):
        await taken(library, db, pictures.jpeg(seed))


async def test_a_decoder_that_goes_on_for_ever_is_ended(
    library: Library, db: Database, seed: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(studio, "TIMEOUT_SECONDS", 0.001)
    with pytest.raises(MediaBroken, match="takes longer"):
        await taken(library, db, pictures.jpeg(seed))
