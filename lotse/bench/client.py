"""The load client: a process of its own that does nothing but send prepared requests and time the answers.

    python -m lotse.bench.client < job

A closed loop: each of its connections (keep-alive) has one request under way and sends the next one as soon as the
answer is whole. Raw sockets and epoll, requests as bytes: it shares the machine with what it measures, so each
microsecond it takes is missing there. It imports nothing of Lotse but the Structs below.

It writes `begin` and `end` when the measured time begins and ends, then its `Answer` as msgpack.
"""

import os
import random
import select
import socket
import sys
import time
from array import array

import msgspec
from msgspec import Struct

# Answers under way when time is up are waited for: they count in the books, though not in the rate.
DRAIN_SECONDS = 15.0


class Job(Struct, frozen=True, kw_only=True):
    """Requests are `head` + a key of 36 characters + one of `tails`, drawn at random; without `keyed` just the tails.

    `stop_on`: a connection that gets this status asks no more; the run ends when none is left. `most`: so does each
    once this many were sent.
    """

    addresses: list[tuple[str, int]]
    clients: int
    warm_seconds: float
    seconds: float
    head: bytes
    tails: list[bytes]
    keyed: bool = True
    expected: int = 201
    stop_on: int | None = None
    most: int | None = None
    seed: int = 0


class Answer(Struct, frozen=True, kw_only=True):
    """`by_status` counts every answer, `done` those expected within the measured time; latencies are theirs."""

    by_status: dict[int, int]
    done: int
    measured_seconds: float
    cpu_seconds: float
    latencies_ms: bytes
    broken: int
    sample: bytes


class _Connection:
    __slots__ = ("answer", "sent_at", "sock")

    def __init__(self, address: tuple[str, int]) -> None:
        self.sock = socket.create_connection(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.answer = b""
        self.sent_at = 0.0


def run(job: Job) -> Answer:
    """Do the job, marking the beginning and the end of the measured time."""
    draw = random.Random(job.seed)
    order = list(range(len(job.tails)))
    draw.shuffle(order)
    head, tails = job.head, [job.tails[place] for place in order]
    # Keys are random as those of real clients are, and never those of another run, which would be answered as before.
    # Drawn ahead, because a good random number takes a microsecond.
    fresh = random.Random(os.urandom(16))
    drawn = int((job.warm_seconds + job.seconds) * 12_000) + job.clients if job.keyed else 0
    keys = [_key(fresh) for _ in range(drawn)]
    poll = select.epoll()
    open_connections: dict[int, _Connection] = {}
    for number in range(job.clients):
        connection = _Connection(job.addresses[number % len(job.addresses)])
        open_connections[connection.sock.fileno()] = connection
        poll.register(connection.sock, select.EPOLLIN)

    clock = time.perf_counter
    sent = 0
    by_status: dict[bytes, int] = {}
    latencies = array("d")
    broken = 0
    sample = b""
    expected = str(job.expected).encode()
    stop_on = str(job.stop_on).encode() if job.stop_on else None
    some, keyed, most = len(tails), job.keyed, job.most

    def send(connection: _Connection) -> None:
        nonlocal sent
        if keyed:
            key = keys[sent] if sent < len(keys) else _key(fresh)
            request = head + key + tails[sent % some]
        else:
            request = tails[sent % some]
        sent += 1
        connection.sent_at = clock()
        if connection.sock.send(request) != len(request):
            raise OSError("a request did not fit into the socket's buffer")

    began = clock()
    begin, end = began + job.warm_seconds, began + job.warm_seconds + job.seconds
    for connection in open_connections.values():
        send(connection)
    waiting = len(open_connections)
    measuring, over = False, False
    cpu_began = cpu_used = 0.0
    measured_from = measured_to = 0.0
    while waiting:
        events = poll.poll(0.25)
        now = clock()
        if not measuring and now >= begin:
            measuring = True
            mark("begin")
            measured_from, cpu_began = clock(), time.process_time()
        if measuring and not over and now >= end:
            over = True
            measured_to, cpu_used = clock(), time.process_time() - cpu_began
            mark("end")
        if over and now > end + DRAIN_SECONDS:
            broken += waiting
            break
        for fd, _ in events:
            connection = open_connections[fd]
            try:
                received = os.read(fd, 65536)
            except OSError:
                received = b""
            if not received:
                broken += 1
                waiting -= 1
                poll.unregister(fd)
                connection.sock.close()
                del open_connections[fd]
                continue
            whole = connection.answer + received if connection.answer else received
            if not _is_whole(whole):
                connection.answer = whole
                continue
            connection.answer = b""
            now = clock()
            status = whole[9:12]
            by_status[status] = by_status.get(status, 0) + 1
            if status == expected:
                if measuring and not over:
                    latencies.append((now - connection.sent_at) * 1000)
            elif not sample:
                sample = whole[:2000]
            if over or status == stop_on or (most is not None and sent >= most):
                waiting -= 1
            else:
                send(connection)
    if not over:
        measured_to, cpu_used = clock(), time.process_time() - cpu_began
        if not measuring:
            mark("begin")
            measured_from = began
        mark("end")
    for connection in open_connections.values():
        connection.sock.close()
    return Answer(
        by_status={int(status): count for status, count in by_status.items()},
        done=len(latencies),
        measured_seconds=measured_to - measured_from,
        cpu_seconds=cpu_used,
        latencies_ms=latencies.tobytes(),
        broken=broken,
        sample=sample,
    )


def _key(draw: random.Random) -> bytes:
    text = b"%032x" % draw.getrandbits(128)
    return b"-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _is_whole(answer: bytes) -> bool:
    """Whether an answer with a Content-Length is there to its last byte. Raises on one that has none."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    place = answer.find(b"content-length: ", 0, end)
    if place < 0:
        place = answer.lower().find(b"content-length: ", 0, end)
        if place < 0:
            raise ValueError(f"an answer without a length: {answer[:200]!r}")
    length = int(answer[place + 16 : answer.find(b"\r", place)])
    return len(answer) >= end + 4 + length


def mark(what: str) -> None:
    """Tell the one who measures CPU time that the measured time begins or ends."""
    sys.stdout.buffer.write(what.encode() + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Read the job, do it, write the answer."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    answer = run(job)
    sys.stdout.buffer.write(msgspec.msgpack.encode(answer))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
