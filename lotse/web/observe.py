"""Around every request: its id, its deadline, the security headers, one log line and one observation.

Plain ASGI, outside Litestar, so that it also sees what no route answered.
"""

import asyncio
import time
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog

from lotse.kernel import problems
from lotse.kernel.ids import uuid7
from lotse.kernel.metrics import HTTP_SECONDS, Tally

log = structlog.get_logger()

# Longer than the database's own limit (15 s), so that its error wins; nobody waits longer for a page anyway.
DEADLINE_SECONDS = 30
# An answer slower than this is worth a line also where only notable requests are logged.
SLOW_SECONDS = 1.0

# Everything a page loads is Lotse's own and nothing is inline. `data:` pictures: placeholders drawn by CSS.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_SECURITY_HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # Signed links stand in the address: no other site shall learn them.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
_SECURITY_NAMES = frozenset(name for name, _ in _SECURITY_HEADERS)
# Over TLS only: a browser that once saw it never speaks plain HTTP to this host again (a year).
_STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """Wraps the ASGI application of a role. `logs` says which requests get a line: all, notable or off."""

    def __init__(self, app: Any, role: str, logs: str = "all", *, trusts_request_ids: bool = False) -> None:
        self._app = app
        self._role = role
        self._logs = logs
        self._trusts = trusts_request_ids

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._request_id(scope)
        # Litestar's routes know no HEAD: it is a GET whose body nobody sends.
        is_head = scope["method"] == "HEAD"
        scope = {
            **scope,
            "method": "GET" if is_head else scope["method"],
            "state": {**scope.get("state", {}), "request_id": request_id},
        }
        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        status = 0
        seconds: float | None = None
        secure = scope["scheme"] == "https"

        async def observed_send(message: Any) -> None:
            nonlocal status, seconds
            if message["type"] == "http.response.start":
                status = message["status"]
                if _is_stream(message["headers"]):  # open for as long as somebody listens: that is not slow
                    seconds = time.perf_counter() - started
                message = {**message, "headers": guarded(message["headers"], request_id, secure=secure)}
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        try:
            if not _is_readable(scope):
                await self._send_problem(observed_send, problems.AddressUnreadable(), request_id)
                return
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self._app(scope, receive, observed_send)
        except TimeoutError:
            if not status:
                await self._send_problem(
                    observed_send, problems.TookTooLong(limit_seconds=DEADLINE_SECONDS), request_id
                )
        except Exception as error:
            # Litestar answers what its routes raise; this is a bug in what stands around them, or a client that left.
            log.exception("request failed", path=scope["path"], error=repr(error))
            if not status:
                await self._send_problem(observed_send, error, request_id)
        finally:
            self._note(scope, status, time.perf_counter() - started if seconds is None else seconds)
            structlog.contextvars.reset_contextvars(**bound)

    def _request_id(self, scope: Any) -> str:
        if self._trusts:
            for name, value in scope["headers"]:
                if name == b"x-request-id":
                    return value.decode("latin-1")[:64]
        return uuid7().hex

    @staticmethod
    async def _send_problem(send: Any, error: Exception, request_id: str) -> None:
        problem = problems.of(error)
        body = problem.body(request_id)
        headers = [(b"content-type", problems.MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _note(self, scope: Any, status: int, seconds: float) -> None:
        # The template and not the path: ids would make a series each.
        route = scope.get("path_template") or scope["state"].get("route") or "-"
        histogram(self._role, scope["method"], route, status // 100).observe(seconds)
        # `routine`: what comes by itself a thousand times a second, such as the refreshes of a waiting room.
        all_of_it = self._logs == "all" and not scope["state"].get("routine")
        if all_of_it or (self._logs != "off" and (status >= 500 or seconds > SLOW_SECONDS)):
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                ms=round(seconds * 1000, 1),
                client=(scope.get("client") or ("",))[0],
            )


def guarded(headers: Any, request_id: str = "", *, secure: bool) -> list[tuple[bytes, bytes]]:
    """The answer's headers with the request's id and the security headers that it did not set itself."""
    kept = [(name.lower(), value) for name, value in headers if name.lower() != b"x-request-id"]
    given = _SECURITY_NAMES & {name for name, _ in kept}
    kept += [pair for pair in _SECURITY_HEADERS if pair[0] not in given] if given else _SECURITY_HEADERS
    if request_id:
        kept.append((b"x-request-id", request_id.encode()))
    if secure:
        kept.append(_STRICT_TRANSPORT)
    return kept


def _is_stream(headers: Any) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)


@lru_cache(
    maxsize=4_000
)  # routes times methods times outcomes; finding a series by its labels costs more than counting
def histogram(role: str, method: str, route: str, hundreds: int) -> Tally:
    # Methods that no route has are whatever a client makes up, and would be a series each.
    return Tally(HTTP_SECONDS.labels(role, method if method in _METHODS else "other", route, f"{hundreds}xx"))


def _is_readable(scope: Any) -> bool:
    """Path and query are UTF-8 and hold no NUL, which no column could."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    asked = path + scope["query_string"]
    if asked.isascii() and b"%" not in asked and b"\0" not in asked:
        return True  # nearly every request
    try:
        asked = unquote_to_bytes(asked)
        asked.decode("utf-8")
    except ValueError:
        return False
    return b"\0" not in asked
