"""Pictures are unpacked, straightened and cut, drawings drawn, in a program of their own:
`python -m lotse.kernel.media.studio`.

Decoders are where hostile files strike, and a picture of 60 megapixels is 200 MB when unpacked. So no server process
decodes anything: this one does, for one picture, with bounds on memory, time and file size that the system enforces, at
low priority; whatever happens to it happens to nobody else. It costs a tenth of a second to start, beside the half
second that cutting takes.

The job comes as JSON on stdin, the answer goes as JSON to stdout. Pillow does the work; it knows all formats that are
taken, AVIF included. resvg draws; it knows no scripts, and is given no way to load anything.
"""

import asyncio
import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import Struct

from lotse.kernel.media.contracts import (
    MediaBroken,
    PictureMoves,
    StoreFull,
    StoreUnavailable,
    StudioBusy,
    TooManyPixels,
)
from lotse.kernel.media.names import Format
from lotse.kernel.refusals import Refusal, Wire, from_wire, to_wire

if TYPE_CHECKING:
    from PIL.Image import Image

# A camera of 61 megapixels is the largest that product photographers use; unpacked that is 183 MB.
MAX_PIXELS = 64_000_000
# WebP ends at 16,383; a strip longer than this is no picture of a product.
MAX_SIDE = 16_000
# Twice what the largest picture needs in all its steps, with the code; a bomb ends here and not in the swap.
MAX_MEMORY = 3 * 1024**3
MAX_CPU_SECONDS = 60
MAX_WRITTEN = 256 * 1024**2
TIMEOUT_SECONDS = 90
# An ordinary drawing takes two seconds at its largest. Few elements can ask for hours (filters, shapes that use shapes
# that use shapes); what takes longer than this is shown as it is.
DRAW_CPU_SECONDS = 10
DRAW_TIMEOUT_SECONDS = 60
DRAW_MEMORY = 1024**3
# Two would take both cores of a small machine from those who sell. Drawings have a place of their own, so that nobody
# who uploads a photograph waits for a page's worth of them.
_AT_ONCE = 1
_NICE = 10
# A drawing is shown as it is until it is drawn, so it has time.
_NICE_DRAWING = 15

# Near what eyes can tell from the original on a product; AVIF's scale is another one than WebP's. Speed: of AVIF's ten
# steps the one after which files grow by more than they save in time.
_AVIF = {"quality": 62, "speed": 7, "subsampling": "4:2:0", "max_threads": 1}
_WEBP = {"quality": 80, "method": 4}
# Of what other people's pages show; they pack it anew for themselves.
_JPEG = {"quality": 85, "optimize": True, "progressive": True}
# A drawing has sharp edges between full colours, where photographs have grain: it wants its colours in full, and weighs
# less all the same.
_DRAWN_AVIF = {"quality": 70, "speed": 8, "subsampling": "4:4:4", "max_threads": 1}
_DRAWN_WEBP = {"quality": 88, "method": 4}
# Below what is seen through, where a format knows no such thing.
_GROUND = (255, 255, 255)
# What is kept is cut from again and again, and printed; so it loses as little as its format lets it.
_KEPT: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0, "optimize": True},
    "PNG": {"compress_level": 6},
    "WEBP": {"quality": 95, "method": 4},
    "AVIF": {"quality": 90, "speed": 7},
}
_ENDINGS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "AVIF": "avif"}
# A telephone's JPEG with further pictures behind it becomes an MPO when it is opened; they are left out like metadata.
_READ = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF")

# Text would be set in the fonts of this machine, which may have none; a browser has those that the drawing means.
_TEXT = re.compile(r"<(?:text|textPath|tspan)[\s>/]")

_places: dict[tuple[asyncio.AbstractEventLoop, bool], asyncio.Semaphore] = {}


class Take(Struct, frozen=True, tag=True):
    """Straighten a picture, in sRGB and without metadata, into a folder."""

    source: Path
    folder: Path


class Cut(Struct, frozen=True, tag=True):
    """Cut a picture to widths, each in formats, into a folder as `<width>.<format>`."""

    source: Path
    folder: Path
    sizes: list[tuple[int, int]]
    formats: list[Format]


class Draw(Struct, frozen=True, tag=True):
    """As `Cut`, of a drawing."""

    source: Path
    folder: Path
    sizes: list[tuple[int, int]]
    formats: list[Format]
    cpu_seconds: int = DRAW_CPU_SECONDS


class Taken(Struct, frozen=True):
    """A picture as it is kept."""

    path: Path
    ending: str
    width: int
    height: int


class _Answer(Struct, frozen=True):
    taken: Taken | None = None
    refused: Wire | None = None


# -- the side that asks


async def take(source: Path, folder: Path) -> Taken:
    """A picture straightened. Refusals: `MediaBroken`, `TooManyPixels`, `PictureMoves`, `StoreFull`."""
    answer = await _asked(Take(source, folder))
    if answer.taken is None:
        raise RuntimeError("the studio took nothing and said nothing")
    return answer.taken


async def cut(source: Path, folder: Path, sizes: Sequence[tuple[int, int]], formats: Sequence[Format]) -> None:
    """Renditions of a picture. Refusals as for `take`."""
    await _asked(Cut(source, folder, list(sizes), list(formats)))


async def draw(source: Path, folder: Path, sizes: Sequence[tuple[int, int]], formats: Sequence[Format]) -> None:
    """Renditions of a drawing. Refusals: `MediaBroken` (too much work, holds text), `StudioBusy` (the machine has other
    things to do), `StoreFull`."""
    await _asked(Draw(source, folder, list(sizes), list(formats), DRAW_CPU_SECONDS))


async def _asked(job: Take | Cut | Draw) -> _Answer:
    loop = asyncio.get_running_loop()
    is_drawing = isinstance(job, Draw)
    seconds = DRAW_TIMEOUT_SECONDS if is_drawing else TIMEOUT_SECONDS
    async with _places.setdefault((loop, is_drawing), asyncio.Semaphore(_AT_ONCE)):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "lotse.kernel.media.studio",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(seconds):
                said, complaint = await child.communicate(msgspec.json.encode(job, enc_hook=str))
        except TimeoutError:
            if is_drawing:  # it had not used up its work, so it is not to blame
                raise StudioBusy(waiting=1) from None
            raise MediaBroken(rule=f"it takes longer than {seconds} seconds to unpack") from None
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
    if child.returncode != 0:
        # Killed by one of its bounds, or by a fault of a decoder: the file is to blame either way.
        last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise MediaBroken(rule=f"it cannot be unpacked within bounds ({last[:200] or f'ended by {child.returncode}'})")
    answer = msgspec.json.decode(said, type=_Answer, dec_hook=_as_path)
    if answer.refused is not None:
        raise from_wire(answer.refused)
    return answer


def _as_path(kind: type, value: Any) -> Any:
    return Path(value) if issubclass(kind, Path) else value


# -- the program


def main() -> None:
    """Do one job."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Take | Cut | Draw, dec_hook=_as_path)
    if isinstance(job, Draw):
        _bound(nice=_NICE_DRAWING, memory=DRAW_MEMORY, cpu_seconds=job.cpu_seconds)
    else:
        _bound(nice=_NICE, memory=MAX_MEMORY, cpu_seconds=MAX_CPU_SECONDS)
    try:
        taken = None
        if isinstance(job, Take):
            taken = _take(job)
        elif isinstance(job, Draw):
            _draw(job)
        else:
            _cut(job)
        answer = _Answer(taken=taken)
    except Refusal as refusal:
        answer = _Answer(refused=to_wire(refusal))
    sys.stdout.buffer.write(msgspec.json.encode(answer, enc_hook=str))


def _bound(*, nice: int, memory: int, cpu_seconds: int) -> None:
    """From here on the system ends what goes too far."""
    import os
    import resource

    os.nice(nice)
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, MAX_WRITTEN),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError) as error:  # macOS knows no bound of memory; the other bounds still hold
            sys.stderr.write(f"no bound {what}: {error}\n")


def _take(job: Take) -> Taken:
    image = _opened(job.source)
    kept_as = {"MPO": "JPEG", "GIF": "PNG"}.get(image.format or "", image.format or "")
    straight = _straightened(image)
    if kept_as == "TIFF":  # no browser shows it
        kept_as = "PNG" if straight.mode in ("RGBA", "LA") else "JPEG"
    path = job.folder / f"kept.{_ENDINGS[kept_as]}"
    _saved(straight, path, kept_as, _KEPT[kept_as])
    return Taken(path, _ENDINGS[kept_as], *straight.size)


def _cut(job: Cut) -> None:
    image = _opened(job.source)
    image.load()
    if image.mode not in ("RGB", "RGBA"):
        image = image.convert("RGBA" if "A" in image.mode or "transparency" in image.info else "RGB")
    _in_sizes(image, job, {"avif": _AVIF, "webp": _WEBP, "jpg": _JPEG})


def _draw(job: Draw) -> None:
    image = _drawn(job.source, *max(job.sizes))
    # Nothing is seen through it: half the work.
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    _in_sizes(image, job, {"avif": _DRAWN_AVIF, "webp": _DRAWN_WEBP, "jpg": _JPEG})


def _in_sizes(image: "Image", job: Cut | Draw, options: dict[Format, dict[str, Any]]) -> None:
    from PIL.Image import Resampling

    # From the largest down, each from the one before: a quarter of the work, and no difference that can be seen.
    for width, height in sorted(job.sizes, reverse=True):
        if image.size != (width, height):
            image = image.resize((width, height), Resampling.LANCZOS)  # pyright: ignore[reportUnknownMemberType]
        for format in job.formats:
            path = job.folder / f"{width}.{format}"
            if format == "jpg":
                _saved(_on_ground(image), path, "JPEG", options[format])
            else:
                _saved(image, path, format.upper(), options[format])


def _on_ground(image: "Image") -> "Image":
    from PIL import Image

    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, _GROUND)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _drawn(path: Path, width: int, height: int) -> "Image":
    """A drawing as pixels."""
    from io import BytesIO

    import resvg_py
    from PIL import Image

    shapes = path.read_text("utf-8")
    if _TEXT.search(shapes):
        raise MediaBroken(rule="it holds text, which is set in the fonts of whoever reads it")
    try:
        content = resvg_py.svg_to_bytes(svg_string=shapes, width=width, height=height, skip_system_fonts=True)
        image = Image.open(BytesIO(content), formats=("PNG",))
        image.load()
    except MemoryError:
        raise MediaBroken(rule="it needs more memory than a drawing may") from None
    except (ValueError, OSError) as error:
        raise MediaBroken(rule=_said(error)) from None
    # resvg fits the drawing in, with the proportions that it finds: the name's but for rounding, unless `width`,
    # `height` and `viewBox` say different things.
    if any(abs(found - meant) > max(2, meant / 20) for found, meant in zip(image.size, (width, height), strict=True)):
        raise MediaBroken(rule=f"its sizes contradict each other: {image.size}, not {(width, height)}")
    return image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")


def _opened(path: Path) -> "Image":
    """A picture whose size and frames are known and allowed, not yet unpacked."""
    from PIL import Image, UnidentifiedImageError

    warnings.simplefilter("ignore")  # of oddities in metadata, which nobody keeps
    Image.MAX_IMAGE_PIXELS = None  # our own bound follows, with a name
    try:
        Image.init()
        image = Image.open(path, formats=_READ)
        width, height = image.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise TooManyPixels(width=width, height=height, limit_pixels=MAX_PIXELS, limit_side=MAX_SIDE)
        frames: int = getattr(image, "n_frames", 1)
        if frames > 1 and image.format != "MPO":
            raise PictureMoves(frames=frames)
        image.seek(0)
    except UnidentifiedImageError:
        raise MediaBroken(rule="it begins like a picture and is none") from None
    except Refusal:
        raise
    except Exception as error:  # decoders raise what they like: OSError, SyntaxError, ValueError, struct.error
        raise MediaBroken(rule=_said(error)) from None
    return image


def _straightened(image: "Image") -> "Image":
    """The picture upright, in sRGB, in eight bits, unpacked to its last pixel."""
    from PIL import ImageOps

    try:
        image.load()
        profile: bytes | None = image.info.get("icc_profile")
        transparent = "transparency" in image.info
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith(("I", "F")):  # sixteen bits or more, of which no screen shows the lower half
            image = image.point(lambda value: value / 256).convert("L")  # pyright: ignore[reportUnknownMemberType]
        elif image.mode == "P":
            image = image.convert("RGBA" if transparent else "RGB")
        if profile:
            image = _in_srgb(image, profile)
        if image.mode == "CMYK":
            image = image.convert("RGB")
        if image.mode not in ("RGB", "RGBA", "L", "LA"):
            image = image.convert("RGBA" if "A" in image.mode or "a" in image.mode else "RGB")
        elif transparent and image.mode in ("RGB", "L"):
            image = image.convert("RGBA")
    except MemoryError:
        raise MediaBroken(rule="it needs more memory than a picture may") from None
    except Exception as error:
        raise MediaBroken(rule=_said(error)) from None
    # What is left in `info` (comments, places, owners) would be written by some formats.
    image.info.clear()
    return image


def _in_srgb(image: "Image", profile: bytes) -> "Image":
    """Colours as screens show them, so that the profile need not go with every rendition."""
    from io import BytesIO

    from PIL import ImageCms

    wanted = {"CMYK": "RGB", "RGBA": "RGBA", "LA": "LA"}.get(image.mode, "RGB" if image.mode == "RGB" else image.mode)
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if image.mode in ("RGB", "RGBA", "CMYK"):
            alpha = image.getchannel("A") if image.mode == "RGBA" else None
            plain = image.convert("RGB") if alpha else image
            srgb: Any = cast("Any", ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType]
            changed = ImageCms.profileToProfile(plain, source, srgb, outputMode="RGB")
            image = changed or image
            if alpha:
                image.putalpha(alpha)
    except (ImageCms.PyCMSError, OSError, ValueError):
        # A damaged profile: the picture is shown as if it had none, which is what browsers do.
        return image if image.mode != "CMYK" else image.convert(wanted)
    return image


def _saved(image: "Image", path: Path, format: str, options: dict[str, Any]) -> None:
    import errno

    try:
        image.save(path, format, **options)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreFull() from None
        if error.errno == errno.EFBIG:
            raise MediaBroken(rule="it grows beyond bounds when it is written") from None
        raise StoreUnavailable(reason=_said(error)) from None


def _said(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


if __name__ == "__main__":
    main()
