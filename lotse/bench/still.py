"""The least that the same server does: one answer, always the same, without a look at the request.

    python -m lotse.bench.still PORT BYTES

What kept pages are compared with: the same server program on the same machine in the same run, an answer of the same
size.
"""

import asyncio
import os
import sys
from typing import Any

import uvloop

from lotse.web.roles import PAGES_NICE
from lotse.web.server import listen_tcp, serve, stop_on_signals


def still(size: int) -> Any:
    """An ASGI application with an answer of this many bytes; of what packing leaves, so nothing packs it again."""
    body = {"type": "http.response.body", "body": os.urandom(size)}
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(size).encode())]
    start = {"type": "http.response.start", "status": 200, "headers": headers}

    async def application(_: Any, __: Any, send: Any) -> None:
        await send(start)
        await send(body)

    return application


async def main(port: int, size: int) -> None:
    """Answer until told to stop."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    listener = listen_tcp("127.0.0.1", port)
    os.nice(PAGES_NICE)  # as `pages`
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await serve(still(size), listener, stop)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
