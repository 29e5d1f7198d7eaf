"""The front door: the one public port. What the api answers it answers; everything else goes to `pages`.

Pages are rendered in a process of their own, reached over a Unix socket, because a page of 4 ms in the same event loop
held every order behind it back (4,035 orders/s fell to 36). Where a proxy stands in front of a cluster, it can do this
routing itself: then `LOTSE_PAGES_LISTEN` gives `pages` an address of its own.

A request is handed on with its body as it comes and answered as the answer comes, both bounded. When `pages` is
restarting, a request waits a moment; if it stays away, the visitor gets a short page, never a traceback.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any

import structlog

from lotse.web.hop import Answer, Asked, Broken, Hop, NotReached, joined
from lotse.web.lingering import has_body

log = structlog.get_logger()

# What a back office uploads (pictures, price lists); JSON bodies have their own, smaller limit.
MAX_BODY_BYTES = 16 * 1024 * 1024
# A restart of the pages role takes about a second.
PATIENCE_SECONDS = 5.0
RETRY_SECONDS = 0.05
ANSWER_TIMEOUT_SECONDS = 25.0
# As many as the pages role can work on; the rest waits here and not in its event loop.
MAX_CONNECTIONS = 100

API_PATHS = ("/api/", "/health", "/ready", "/metrics")
# RFC 9110, section 7.6.1: these end at each hop. The length is computed anew by whoever sends.
_HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade".split()
)
# What clients must not be able to tell the pages role.
_OURS = frozenset((b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"x-request-id"))


class Posts:
    """The posts of pages that the api answers itself, by method and path (see lotse/web/README.md)."""

    def __init__(self, routes: Iterable[tuple[str, str]]) -> None:
        """`routes` are pairs of method and path template, e.g. `("POST", "/orders/{id:uuid}/cancel")`."""
        self._patterns: dict[str, list[re.Pattern[str]]] = {}
        for method, template in routes:
            self._patterns.setdefault(method, []).append(_pattern(template))

    def has(self, method: str, path: str) -> bool:
        return any(pattern.fullmatch(path) for pattern in self._patterns.get(method, ()))


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}:]+(:[^}]+)?\}", template.rstrip("/") or "/")
    # `split` keeps the group: every second part is the parameter's type.
    literal, kinds = parts[::2], parts[1::2]
    text = re.escape(literal[0])
    for kind, following in zip(kinds, literal[1:], strict=True):
        text += _KINDS.get(kind, "[^/]+") + re.escape(following)
    return re.compile(text + "/?")


# What a parameter of a type takes. `/prices/change` is no `/prices/{id:uuid}`: another route stands there.
_KINDS = {":path": ".+", ":uuid": "[0-9A-Fa-f-]{32,36}", ":int": "-?[0-9]+"}


class Front:
    """The ASGI application on the public port."""

    def __init__(self, api: Any, posts: Posts, pages: Path | str) -> None:
        """`pages` is a Unix socket's path, or `http://host:port`."""
        self._api = api
        self._posts = posts
        self._pages = pages.removeprefix("http://") if isinstance(pages, str) else str(pages)
        self._opened: Hop | None = None

    async def close(self) -> None:
        if self._opened:
            await self._opened.close()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path: str = scope["path"]
        if path.startswith(API_PATHS) or path == "/api" or self._posts.has(scope["method"], path):
            await self._api(scope, receive, send)
        else:
            scope["state"]["route"] = "pages"
            await self._forward(scope, receive, send)

    async def _forward(self, scope: Any, receive: Any, send: Any) -> None:
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            await _answer(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That was too large to be taken.")
            return
        body = _Body(receive) if has_body(scope) else None
        try:
            asked = await self._asked(scope, body)
        except TimeoutError:
            log.warning("pages did not answer in time", path=scope["path"])
            await _answer(send, HTTPStatus.GATEWAY_TIMEOUT, "This page takes too long at the moment.")
        except BodyTooLarge:
            await _answer(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "That was too large to be taken.")
        except VisitorLeft:
            return  # nobody is there to be answered
        except (NotReached, Broken) as error:
            log.warning("pages cannot be reached", path=scope["path"], error=repr(error))
            await _answer(send, HTTPStatus.BAD_GATEWAY, "The shop is just being restarted.")
        else:
            # From here on a failure can only cut the answer short: its head may be out already.
            async with asked as answer:
                await _relay(answer, send)

    async def _asked(self, scope: Any, body: "_Body | None") -> Asked:
        """The answer's head. A connection that cannot be made is tried again: the request was not sent yet."""
        chunked = body is not None and not any(name == b"content-length" for name, _ in scope["headers"])
        head = _head(scope, chunked)
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                return await self._hop().ask(head, body.chunks() if body else None, chunked=chunked)
            except NotReached:
                if loop.time() >= until:
                    raise
            except Broken as broken:
                # A kept-alive connection that the other side closed just now. Only what changes nothing is repeated.
                if scope["method"] not in ("GET", "HEAD") or broken.fresh or loop.time() >= until:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    def _hop(self) -> Hop:
        if self._opened is None:
            self._opened = Hop(self._pages, most=MAX_CONNECTIONS, timeout_seconds=ANSWER_TIMEOUT_SECONDS)
        return self._opened


class BodyTooLarge(Exception):
    """The visitor sends more than is taken."""


class VisitorLeft(Exception):
    """The visitor's connection ended before the body did."""


class _Body:
    """The visitor's body, handed on as it comes."""

    def __init__(self, receive: Any) -> None:
        self._receive = receive

    async def chunks(self) -> AsyncIterator[bytes]:
        total = 0
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                raise VisitorLeft
            chunk = message.get("body", b"")
            total += len(chunk)
            if total > MAX_BODY_BYTES:
                raise BodyTooLarge
            if chunk:
                yield chunk
            if not message.get("more_body", False):
                return


def _head(scope: Any, chunked: bool) -> bytes:
    """The request's head as pages get it: exactly the path that was asked for, and who asks, as we know it."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    dropped = _ending_here(scope["headers"]) | _OURS
    kept = [(name, value) for name, value in scope["headers"] if name not in dropped]
    host = next((value for name, value in kept if name == b"host"), b"")
    kept += [
        (b"x-forwarded-for", (scope.get("client") or ("",))[0].encode()),
        (b"x-forwarded-proto", scope["scheme"].encode()),
        (b"x-forwarded-host", host),
        (b"x-request-id", scope["state"]["request_id"].encode()),
    ]
    if chunked:
        kept.append((b"transfer-encoding", b"chunked"))
    line = b"%b %b%b HTTP/1.1\r\n" % (scope["method"].encode(), path, b"?" + query if query else b"")
    return line + joined(kept)


def _ending_here(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[bytes]:
    """The names of headers that are not handed on: the fixed ones and those that `Connection` names."""
    named = [value for name, value in headers if name == b"connection"]
    if not named:
        return _HOP_BY_HOP
    return _HOP_BY_HOP | {part.strip().lower() for part in b",".join(named).split(b",")}


async def _relay(answer: Answer, send: Any) -> None:
    dropped = _ending_here(answer.headers)
    headers = [header for header in answer.headers if header[0] not in dropped]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    whole = answer.whole
    if whole is None:
        async for chunk in answer.chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": whole or b"", "more_body": False})


async def _answer(send: Any, status: HTTPStatus, sentence: str) -> None:
    """A page that needs nothing: no template, no stylesheet, no other process."""
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(status.phrase)}</title><h1>{escape(sentence)}</h1>"
        "<p>Please try again in a moment. Nothing you have put into your basket is lost.</p>"
    ).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"retry-after", b"2"),
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})
