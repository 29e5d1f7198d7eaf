"""Pictures and files to send, good and hostile, made on the spot."""

import io
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

from PIL import Image, ImageCms


async def stream(content: bytes, *, pieces: int = 1) -> AsyncIterator[bytes]:
    """Content as it comes over the net."""
    step = max(1, len(content) // pieces)
    for start in range(0, len(content), step) or (0,):
        yield content[start : start + step]


def image(width: int = 400, height: int = 300, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A picture in which every corner has another colour, and which no other seed gives."""
    plain = Image.new("RGB", (width, height), (200, 30, 40))
    plain.paste((30, 160, 60), (width // 2, 0, width, height // 2))
    plain.paste((40, 60, 200), (0, height // 2, width // 2, height))
    plain.paste((240, 240, 20), (width // 2, height // 2, width, height))
    # Far apart for seeds that are neighbours: JPEG does not keep the last bit of a colour.
    spread = seed * 0x9E3779B1 % (1 << 24)
    mark = (spread % 256, spread // 256 % 256, spread // 65536)
    plain.paste(mark, (width // 3, height // 3, width // 2, height // 2))
    return plain.convert(mode)


def encoded(picture: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    """A picture as a file."""
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def jpeg(seed: int = 0, width: int = 400, height: int = 300, **options: Any) -> bytes:
    """An ordinary photograph."""
    return encoded(image(width, height, seed=seed), "JPEG", quality=90, **options)


def turned(seed: int = 0) -> bytes:
    """A photograph that lies on its side and says so, with a place and an owner in its metadata."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right
    exif[0x010F] = "Secret Camera"
    exif[0x8298] = "Ada Lovelace"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (53.0, 33.0, 4.0)
    return jpeg(seed, exif=exif, comment=b"taken at home")


def wide_gamut(seed: int = 0) -> bytes:
    """A photograph with a colour profile of its own."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    assert profile is not None
    return jpeg(seed, icc_profile=srgb.tobytes())


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it is this large, with all the pixels that it promises if they fit."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    content = b"".join(packer.compress(row) for _ in range(min(height, 20_000))) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def animated(seed: int = 0) -> bytes:
    """A film of three frames."""
    frames = [image(seed=seed + step) for step in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)


PDF = b"%PDF-1.4\n1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj\n2 0 obj <</Type/Pages/Kids[]/Count 0>> endobj\n" + (
    b"trailer <</Root 1 0 R>>\nstartxref\n0\n%%EOF\n"
)


def pdf(seed: int = 0) -> bytes:
    """A size chart."""
    return PDF.replace(b"%PDF-1.4\n", b"%%PDF-1.4\n%% %d\n" % seed)


def svg(inside: str = "", seed: int = 0, attributes: str = "") -> bytes:
    """A drawing."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 120 60"'
        f'{attributes}><rect width="{seed % 100 + 1}" height="{seed + 1}"/>{inside}</svg>'
    ).encode()
