"""The shop's own pictures: logo and hero, chosen by the retailer in `<LOTSE_HOME>/brand.json`.

    {"logo": "<name in the media store>", "logo_dark": "<one for the night>", "hero": "<name in the media store>"}

A logo without one for the night stands on a light plate then. Without the file, or without one of them, the shop's name
and a product stand in. A new file is seen within seconds.
"""

import time
from pathlib import Path

import msgspec
import structlog
from msgspec import Struct

log = structlog.get_logger()

FILE = "brand.json"
_REMEMBERED_SECONDS = 5.0


class Brand(Struct, frozen=True):
    """Names in the media store."""

    logo: str | None = None
    logo_dark: str | None = None
    hero: str | None = None


_known: dict[Path, tuple[float, Brand]] = {}


def brand_of(home: Path) -> Brand:
    """The brand of an installation; a file that cannot be read is logged and counts as none."""
    until, brand = _known.get(home, (0.0, Brand()))
    if time.monotonic() > until:
        brand = _read(home / FILE)
        _known[home] = (time.monotonic() + _REMEMBERED_SECONDS, brand)
    return brand


def put_brand(home: Path, brand: Brand) -> None:
    """Choose logo and hero."""
    path = home / FILE
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(brand))
    temporary.replace(path)
    _known.pop(home, None)


def _read(path: Path) -> Brand:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Brand)
    except FileNotFoundError:
        return Brand()
    except (OSError, msgspec.DecodeError) as error:
        log.warning("brand.json cannot be read", path=str(path), error=str(error))
        return Brand()
