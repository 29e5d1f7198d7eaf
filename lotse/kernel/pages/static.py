"""Static files: every file of some folders under `/static/`, each with a hash in its address, so that browsers keep it
for ever and never show an old one."""

import mimetypes
import posixpath
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from lotse.kernel.pages.packing import MIN_BYTES, chosen_packing, packed

# Not in every system's table of types.
_TYPES = {
    ".woff2": "font/woff2",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
# What a style sheet names relative to itself.
_NAMED = re.compile(rb'url\("([^":?#]+)"\)')
# No style sheet of ours has a text that looks like one.
_COMMENT = re.compile(rb"\s*/\*.*?\*/", re.DOTALL)
# What packing makes smaller; pictures and fonts are packed already.
_TEXTS = ("text/", "application/json", "application/manifest", "image/svg")


class StaticFile(Struct, frozen=True):
    """One file as it is sent."""

    content: bytes
    media_type: str
    version: str


class StaticFiles:
    """The files, read once when the process starts; together they are less than a megabyte."""

    def __init__(self, folders: Mapping[str, Path], *, address: str = "/static") -> None:
        """`folders` by the name under which they appear; `""` is the root."""
        self._address = address
        self._files: dict[str, StaticFile] = {}
        self._packed: dict[tuple[str, str], bytes] = {}
        sheets: list[str] = []
        for name, folder in folders.items():
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    inside = "/".join(part for part in (name, path.relative_to(folder).as_posix()) if part)
                    self._files[inside] = _read(path)
                    if inside.endswith(".css"):
                        sheets.append(inside)
        for name in sheets:
            self._files[name] = self._dated(name, self._files[name])

    def _dated(self, sheet: str, file: StaticFile) -> StaticFile:
        """A style sheet that names fonts and pictures by the addresses that pages name them by: a font that a page
        asked for beforehand would otherwise be fetched a second time, and kept in two ages."""

        def address(found: re.Match[bytes]) -> bytes:
            named = posixpath.normpath(posixpath.join(posixpath.dirname(sheet), found[1].decode()))
            inside = self._files.get(named)
            return found[0] if inside is None else b'url("' + found[1] + b"?v=" + inside.version.encode() + b'")'

        content = _NAMED.sub(address, file.content)
        return file if content == file.content else StaticFile(content, file.media_type, _version(content))

    def join(self, name: str, parts: Sequence[str]) -> None:
        """Make one file of several, so that a page waits for one answer instead of four. What they name relative to
        themselves must lie where it would from there: keep it in their folder."""
        first = self._files[parts[0]]
        content = b"\n".join(self._files[part].content for part in parts)
        if first.media_type == "text/css":
            content = _COMMENT.sub(b"", content)
        self._files[name] = StaticFile(content, first.media_type, _version(content))

    def url(self, name: str) -> str:
        """The address of a file. `KeyError` for one that does not exist: a broken link is found by the first test."""
        return f"{self._address}/{name}?v={self._files[name].version}"

    def has(self, name: str) -> bool:
        return name in self._files

    def text(self, folder: str) -> list[str]:
        """The style sheets of a folder, e.g. `css/`, as text."""
        return [
            file.content.decode()
            for name, file in self._files.items()
            if name.startswith(folder) and name.endswith(".css")
        ]

    def find(self, name: str) -> StaticFile | None:
        return self._files.get(name)

    def sent(self, file: StaticFile, accept: bytes) -> tuple[bytes, str]:
        """A file for a client with this `Accept-Encoding`, and how it is packed: once per packing, not per request."""
        if len(file.content) < MIN_BYTES or not file.media_type.startswith(_TEXTS):
            return file.content, ""
        packing = chosen_packing(accept)
        if not packing:
            return file.content, ""
        key = (file.version, packing)
        if key not in self._packed:
            self._packed[key] = packed(file.content, packing)
        return self._packed[key], packing


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(content, media_type, _version(content))


def _version(content: bytes) -> str:
    return sha256(content).hexdigest()[:12]
