"""How the bytes of media leave: whole, in part, or not at all because the visitor has them.

An address never changes its meaning, so its entity tag is the address, and browsers keep it for a year without asking.
Files go out in pieces as the visitor takes them; nothing is held in memory.
"""

import asyncio
import gzip
import re
from typing import Any

from litestar import Request, Response

from lotse.kernel.media.library import Library
from lotse.kernel.media.store import PIECE_BYTES, Opened

FOR_EVER = "public, max-age=31536000, immutable"
# No scripts, no requests, no plugins: an SVG opened by itself is a picture and nothing else.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
# A PDF is shown by the browser's own viewer, which a sandbox would keep out; nothing in it may load anything.
DOCUMENT_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'"
_SVG = "image/svg+xml"
# Drawings as they were last sent, by their tags: some 2 kB each.
_MOST_ZIPPED = 2_000
_zipped: dict[str, bytes] = {}
_RANGE = re.compile(r"bytes=(\d{1,12})?-(\d{1,12})?")


class Served(Response[bytes]):
    """A file of the library as an answer: `200`, `206` for a range, `304` for who has it, `416` for a range beyond."""

    def __init__(self, library: Library, opened: Opened, media_type: str, tag: str, *, caching: str = FOR_EVER) -> None:
        super().__init__(b"", media_type=media_type)
        self._library = library
        self._opened = opened
        self._media_type = media_type
        self._tag = f'"{tag}"'
        self._caching = caching

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        asked = {name: value.decode("latin-1") for name, value in request.scope["headers"]}

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            headers = [
                (b"content-type", self._media_type.encode()),
                (b"cache-control", self._caching.encode()),
                (b"etag", self._tag.encode()),
                (b"accept-ranges", b"bytes"),
                (b"content-security-policy", self._policy.encode()),
                (b"content-disposition", b"inline"),
                # Shops of other hosts and feeds show them, too.
                (b"cross-origin-resource-policy", b"cross-origin"),
            ]
            if self._is_known(asked.get(b"if-none-match", "")):
                await _send(send, 304, headers, b"")
                return
            size = self._opened.size
            span = _span(asked.get(b"range", ""), size) if self._is_same(asked.get(b"if-range", "")) else None
            if span == ():
                await _send(send, 416, [*headers, (b"content-range", f"bytes */{size}".encode())], b"")
                return
            if self._media_type == _SVG and span is None and "gzip" in asked.get(b"accept-encoding", ""):
                body = await self._zipped()
                headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
                await _send(send, 200, [*headers, (b"content-length", str(len(body)).encode())], body)
                return
            start, end = span or (0, size)
            if span:
                headers.append((b"content-range", f"bytes {start}-{end - 1}/{size}".encode()))
            headers.append((b"content-length", str(end - start).encode()))
            await self._stream(send, 206 if span else 200, headers, start, end)

        return answer

    async def _zipped(self) -> bytes:
        """A drawing as text compresses to a third; forty of them on a page are worth it. Pictures do not."""
        if self._tag not in _zipped:
            content = b"".join([piece async for piece in self._library.store.read(self._opened)])
            if len(_zipped) >= _MOST_ZIPPED:
                _zipped.clear()
            _zipped[self._tag] = await asyncio.to_thread(gzip.compress, content, 6, mtime=0)
        return _zipped[self._tag]

    @property
    def _policy(self) -> str:
        return DOCUMENT_POLICY if self._media_type == "application/pdf" else POLICY

    def _is_known(self, tags: str) -> bool:
        return tags.strip() == "*" or self._tag in [tag.strip().removeprefix("W/") for tag in tags.split(",")]

    def _is_same(self, tag: str) -> bool:
        return not tag or tag.strip() == self._tag

    async def _stream(self, send: Any, status: int, headers: list[tuple[bytes, bytes]], start: int, end: int) -> None:
        # The first piece before the head, so that a store that is away is a problem answer and not half a picture.
        pieces = self._library.store.read(self._opened, start, end)
        first = await anext(pieces, b"")
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if end - start <= PIECE_BYTES:
            await send({"type": "http.response.body", "body": first, "more_body": False})
            return
        await send({"type": "http.response.body", "body": first, "more_body": True})
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _span(asked: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """What a `Range` header asks for, without its end; None for all of it, `()` for what is not there.

    Several ranges at once are answered with all of it, as RFC 9110, 14.2 allows: nobody who shows pictures asks so.
    """
    found = _RANGE.fullmatch(asked.strip().lower())
    if found is None or (found[1] is None and found[2] is None):
        return None
    if found[1] is None:
        length = min(int(found[2]), size)
        return (size - length, size) if length else ()
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] is not None else size
    return (start, end) if start < end else ()
