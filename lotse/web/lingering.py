"""An answer is heard by whoever is still sending.

An answer may be there before the request's body is: a form of another site, a file that is too large, a full house. The
server would then end the connection without a word, and what the client sends meanwhile is met by a reset, in place of
which a browser shows neither the answer nor ours (RFC 9112, section 9.6). So the rest of the body is read and thrown
away before the answer leaves; where that takes too long, the answer says that the connection ends with it.
"""

import asyncio
from typing import Any

# The largest file that any page takes; at half a megabyte a second nobody is waited for longer than their own form.
MOST_BYTES = 64 * 1024 * 1024
MOST_SECONDS = 20.0
# Methods whose requests hardly ever have a body: they go past without a look.
_BODILESS = ("GET", "HEAD")
_ENDS = (b"connection", b"close")


class Lingering:
    """ASGI, around whatever may answer before it has read."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive)

        async def answered(message: Any) -> None:
            if message["type"] == "http.response.start" and not body.is_over and not await body.is_thrown_away():
                message = {**message, "headers": [*message.get("headers", ()), _ENDS]}
            await send(message)

        await self._app(scope, body.receive, answered)


class _Body:
    """A request's body on its way to whoever reads it."""

    def __init__(self, scope: Any, receive: Any) -> None:
        self._receive = receive
        self._headers = scope["headers"]
        self._readers = 0
        self.is_over = False

    async def receive(self) -> Any:
        """As ASGI says it."""
        self._readers += 1
        try:
            message = await self._receive()
        finally:
            self._readers -= 1
        if message["type"] != "http.request" or not message.get("more_body", False):
            self.is_over = True
        return message

    async def is_thrown_away(self) -> bool:
        """Read what is left of it; False if it is too much, comes too slowly, or is not to be asked for."""
        # Somebody else still reads, or the client waits to be told whether to send at all (RFC 9110, section 10.1.1).
        if self._readers or any(name == b"expect" for name, _ in self._headers):
            return False
        left = MOST_BYTES
        try:
            async with asyncio.timeout(MOST_SECONDS):
                while not self.is_over and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return False
        return self.is_over
