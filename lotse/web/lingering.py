"""An answer is heard by whoever is still sending.

An answer may be there before the request's body is: a form of another site, a file that is too large, a full house. The
server would then end the connection without a word and meet what still comes with a reset, and a browser shows an error
of its own instead of the answer (RFC 9112, section 9.6). So the rest of the body is read and thrown away before such an
answer leaves; where that is too much, the answer says that the connection ends with it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

# What the largest upload may have (imports), and what it takes at some megabytes a second.
MOST_BYTES = 64 * 1024 * 1024
MOST_SECONDS = 20.0
_ENDS = (b"connection", b"close")


def has_body(scope: Any) -> bool:
    """Whether a request says that something follows its head."""
    return scope["method"] not in ("GET", "HEAD") and any(
        (name == b"content-length" and value != b"0") or name == b"transfer-encoding"
        for name, value in scope["headers"]
    )


class Lingering:
    """ASGI, outside of what counts and measures: who is only listened to takes nobody's place and slows nothing."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not has_body(scope):
            await self._app(scope, receive, send)
            return
        is_over = False
        early: list[Any] = []

        async def heard() -> Any:
            nonlocal is_over
            message = await receive()
            if message["type"] != "http.request" or not message.get("more_body", False):
                is_over = True
            return message

        async def answered(message: Any) -> None:
            if is_over and not early:
                await send(message)
            else:
                early.append(message)

        await self._app(scope, heard, answered)
        if early and not is_over and not await _thrown_away(scope, heard):
            early[0] = {**early[0], "headers": [*early[0].get("headers", ()), _ENDS]}
        for message in early:
            await send(message)


async def _thrown_away(scope: Any, heard: Callable[[], Awaitable[Any]]) -> bool:
    """Read the rest of a body; False if it is too much, comes too slowly, or is not to be asked for."""
    if any(name == b"expect" for name, _ in scope["headers"]):
        return False  # the client waits to be told whether to send it at all (RFC 9110, section 10.1.1)
    left = MOST_BYTES
    try:
        async with asyncio.timeout(MOST_SECONDS):
            while left > 0:
                message = await heard()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return True
    except TimeoutError:
        pass
    return False
