"""How many events of behaviour a running shop takes: batches as its script sends them, from one process.

    python -m lotse.bench.events http://127.0.0.1:8000 [SECONDS]

`events_per_second(address)` counts what was answered 204; what is refused is counted by status and never sent again.
Start the shop with a large `LOTSE_EVENTS_PER_ADDRESS`: everything comes from one address here.
"""

import json
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from threading import Thread
from urllib.parse import urlsplit
from uuid import uuid4

from msgspec import Struct

# What a page of a list tells in five seconds: some impressions, now and then a click.
EVENTS_IN_A_BATCH = 20
CONNECTIONS = 4
SECONDS = 10.0


class Taken(Struct, frozen=True):
    """What came of it. `statuses` counts answers, `slowest_ms` is the slowest of them, `p95_ms` that of most."""

    events_per_second: float
    seconds: float
    statuses: dict[int, int]
    p95_ms: float
    slowest_ms: float


def events_per_second(address: str, *, seconds: float = SECONDS, batch: int = EVENTS_IN_A_BATCH) -> Taken:
    """Send batches for a while, over a few connections at once."""
    parts = urlsplit(address)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    consent = _consent(host, port)
    statuses: Counter[int] = Counter()
    took: list[float] = []
    until = time.perf_counter() + seconds
    began = time.perf_counter()
    senders = [
        Thread(target=_send, args=(host, port, consent, batch, until, statuses, took)) for _ in range(CONNECTIONS)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    passed = time.perf_counter() - began
    took.sort()
    return Taken(
        round(statuses[204] * batch / passed, 1),
        round(passed, 2),
        dict(statuses),
        round(took[int(len(took) * 0.95)] * 1000, 1) if took else 0.0,
        round(took[-1] * 1000, 1) if took else 0.0,
    )


def _send(
    host: str, port: int, consent: str, batch: int, until: float, statuses: Counter[int], took: list[float]
) -> None:
    bodies = [_batch(batch) for _ in range(50)]
    head = f"POST /events HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nCookie: {consent}\r\n"
    head += "User-Agent: Mozilla/5.0 Firefox/128.0\r\nContent-Type: application/json\r\n"
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    with socket.create_connection((host, port)) as connection:
        connection.settimeout(30)
        number = 0
        while time.perf_counter() < until:
            sent = time.perf_counter()
            connection.sendall(requests[number % len(requests)])
            number += 1
            statuses[_status(connection)] += 1
            took.append(time.perf_counter() - sent)


def _batch(events: int) -> bytes:
    told: list[object] = [
        {
            "event": {"type": "seen", "place": "search", "shown": [{"id": str(uuid4()), "position": place}]},
            "ms_ago": place,
        }
        for place in range(1, events)
    ]
    clicked = {"type": "clicked", "place": "search", "id": str(uuid4()), "position": 1}
    told.append({"event": clicked, "ms_ago": 5})
    return json.dumps({"view": str(uuid4()), "events": told}).encode()


def _consent(host: str, port: int) -> str:
    """Agree as a visitor does; the cookies."""
    body = b"choice=all&language=en&place=banner"
    head = f"POST /consent HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nConnection: close\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, port)) as connection:
        connection.sendall(head.encode() + body)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    cookies = [line.partition(":")[2].partition(";")[0].strip() for line in lines if line[:11].lower() == "set-cookie:"]
    return "; ".join(cookies)


def _status(connection: socket.socket) -> int:
    """Read one answer whole, so that the connection can go on."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(65_536)
        if not part:
            raise ConnectionResetError("the shop closed the connection")
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return int(head[9:12])


def main(words: Sequence[str]) -> None:
    taken = events_per_second(words[0], seconds=float(words[1]) if len(words) > 1 else SECONDS)
    sys.stdout.write(json.dumps({name: getattr(taken, name) for name in taken.__struct_fields__}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
