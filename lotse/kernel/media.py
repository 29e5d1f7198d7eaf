"""Media: files by their content. A name is the SHA-256 of the bytes plus an ending, so a name never changes its meaning
and what is served under it can be cached for ever. Nothing is ever overwritten; removing is a job for later.

What may be stored is an allow-list: a picture that a browser would run as a page must not get in. SVG may contain
scripts, so it is served with a policy that runs none.
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from msgspec import Struct

from lotse.kernel.refusals import NotFound, Refusal

# Ending and type; only what a shop's pages show.
TYPES = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "pdf": "application/pdf",
}
_ENDINGS = {media_type: ending for ending, media_type in TYPES.items()}
_NAME = re.compile(rf"[0-9a-f]{{64}}\.(?:{'|'.join(TYPES)})")
# A product picture in print quality; more is a mistake or an attack.
MAX_BYTES = 20 * 1024 * 1024
# No scripts, no requests, no plugins: an SVG opened by itself is a picture and nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class MediaTypeNotAllowed(Refusal, status=415, title="This kind of file is not allowed"):
    """`allowed` names the kinds that are."""

    media_type: str
    allowed: list[str]


class MediaTooLarge(Refusal, status=413, title="The file is too large"):
    """Sizes in bytes."""

    size: int
    limit: int


class Media(Struct, frozen=True):
    """A stored file."""

    path: Path
    media_type: str


class MediaStore:
    """The files below `<home>/media`, in 256 folders by the first two digits of their names."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "media"

    def put(self, content: bytes, media_type: str) -> str:
        """Store a file; its name. The same content again is the same name and writes nothing.

        Refusals: `MediaTypeNotAllowed`, `MediaTooLarge`.
        """
        ending = _ENDINGS.get(media_type)
        if ending is None:
            raise MediaTypeNotAllowed(media_type=media_type, allowed=sorted(_ENDINGS))
        if len(content) > MAX_BYTES:
            raise MediaTooLarge(size=len(content), limit=MAX_BYTES)
        name = f"{hashlib.sha256(content).hexdigest()}.{ending}"
        path = self._path(name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
        return name

    def find(self, name: str) -> Media:
        """The file of a name. Refusal: `NotFound`, also for anything that is not a name (`..`, an unknown ending)."""
        path = self._path(name) if _NAME.fullmatch(name) else None
        if path is None or not path.is_file():
            raise NotFound(what="media", id=name)
        return Media(path, TYPES[name.rpartition(".")[2]])

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


def _write(path: Path, content: bytes) -> None:
    """All or nothing: a reader sees no half file, a crash leaves at most a stray temporary one."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".put-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
