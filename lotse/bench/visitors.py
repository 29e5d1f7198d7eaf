"""Visitors of the storefront: a process of its own that walks through pages as browsers without scripts do.

    python -m lotse.bench.visitors < walk

Each visitor has one connection (keep-alive) and one request under way, sends the forms that it was shown, keeps its
cookies and follows its redirects. It looks at no picture and no stylesheet: browsers have those already. Raw sockets
and epoll, because it shares the machine with what it measures; it imports nothing of Lotse but the Structs below.

It writes `begin` and `end` when the measured time begins and ends, then its `Walked` as msgpack.
"""

import os
import random
import re
import select
import socket
import sys
import time
import zlib
from array import array
from collections.abc import Generator
from typing import Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

# Answers under way when time is up are waited for.
DRAIN_SECONDS = 15.0

_FIELD = re.compile(rb'<input type="hidden" name="([a-z_]+)" value="([^"]*)"')
_OFFER = re.compile(rb'name="offer_id" value="([^"]+)"')
_COOKIE = re.compile(rb"\r\nset-cookie: ([^=]+)=([^;\r]*)")
_BUYER = {
    "email": "erika.mustermann@post.example",
    "phone": "",
    "name": "Erika Mustermann",
    "company": "",
    "street": "Heidestraße 17",
    "street2": "",
    "postcode": "51147",
    "city": "Köln",
    "country": "DE",
    "payment": "invoice",
}


class Walk(Struct, frozen=True, kw_only=True):
    """`journeys`: product, two adds, checkout, order. `pages`: each visitor fills a basket once and then looks at a
    product, the basket and the checkout, over and over. `products` are addresses of products that are in stock."""

    address: tuple[str, int]
    what: Literal["journeys", "pages"]
    visitors: int
    warm_seconds: float
    seconds: float
    products: list[str]
    gzip: bool = True
    seed: int = 0


class Walked(Struct, frozen=True, kw_only=True):
    """`done` counts walks that ended well in the measured time, `pages` rendered answers; latencies are of steps."""

    done: int
    pages: int
    errors: int
    measured_seconds: float
    cpu_seconds: float
    latencies_ms: dict[str, bytes]
    sample: bytes


class Answer(Struct, frozen=True):
    """What came back."""

    status: int
    head: bytes
    body: bytes

    @property
    def location(self) -> str:
        begin = self.head.index(b"\r\nlocation: ") + 12
        return self.head[begin : self.head.index(b"\r\n", begin)].decode()


class Unexpected(Exception):
    """An answer that no visitor should get."""


# What a visitor does next: the step's name, the request; gets the answer.
Steps = Generator[tuple[str, bytes], Answer, None]


class Visitor:
    """One browser."""

    def __init__(self, walk: Walk, draw: random.Random) -> None:
        self._walk = walk
        self._draw = draw
        host, port = walk.address
        self._lines = (
            f" HTTP/1.1\r\nhost: {host}:{port}\r\nuser-agent: Mozilla/5.0 (lotse bench)\r\n"
            "accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\naccept-language: de,en;q=0.5\r\n"
            f"accept-encoding: {'gzip' if walk.gzip else 'identity'}\r\n"
        )
        self._origin = f"origin: http://{host}:{port}\r\nsec-fetch-site: same-origin\r\n"
        self._cookies: dict[bytes, bytes] = {}

    def steps(self) -> Steps:
        return self._journeys() if self._walk.what == "journeys" else self._looks()

    def take(self, answer: Answer) -> None:
        """Keep the cookies of an answer."""
        for name, value in _COOKIE.findall(b"\r\n" + answer.head):
            if value.strip(b'"'):
                self._cookies[name] = value
            else:
                self._cookies.pop(name, None)

    def _get(self, path: str) -> bytes:
        return f"GET {path}{self._lines}{self._cookie()}\r\n".encode()

    def _post(self, path: str, form: dict[str, str]) -> bytes:
        body = urlencode(form)
        length = f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n"
        return f"POST {path}{self._lines}{self._cookie()}{self._origin}{length}\r\n{body}".encode()

    def _cookie(self) -> str:
        if not self._cookies:
            return ""
        pairs = b"; ".join(b"%b=%b" % pair for pair in self._cookies.items())
        return f"cookie: {pairs.decode()}\r\n"

    def _journeys(self) -> Steps:
        # The second article is one whose page somebody saw before: its form is sent from there.
        _, other = yield from self._product()
        while True:
            self._cookies.clear()
            yield "", b""  # a journey begins
            path, offer = yield from self._product()
            for article in (offer, other):
                yield from self._add(article)
            other = offer
            page = _expect((yield "checkout", self._get("/checkout")), 200)
            form = {name.decode(): value.decode() for name, value in _FIELD.findall(_text(page))}
            if "total_minor" not in form:
                raise Unexpected(f"no checkout form after {path}")
            placed = _expect((yield "place", self._post("/checkout", form | _BUYER)), 303)
            if not placed.location.startswith("/order/"):
                raise Unexpected(f"placing led to {placed.location}")
            _expect((yield "order", self._get(placed.location)), 200)

    def _looks(self) -> Steps:
        for _ in range(2):
            _, offer = yield from self._product()
            yield from self._add(offer)
        while True:
            yield "", b""
            for name, path in (
                ("product", self._draw.choice(self._walk.products)),
                ("basket", "/basket"),
                ("checkout", "/checkout"),
            ):
                _expect((yield name, self._get(path)), 200)

    def _product(self) -> Generator[tuple[str, bytes], Answer, tuple[str, str]]:
        path = self._draw.choice(self._walk.products)
        page = _expect((yield "product", self._get(path)), 200)
        found = _OFFER.search(_text(page))
        if found is None:
            raise Unexpected(f"nothing to buy at {path}")
        return path, found[1].decode()

    def _add(self, offer: str) -> Steps:
        form = {"offer_id": offer, "quantity": "1"}
        answer = _expect((yield "add", self._post("/basket/lines", form)), 303)
        _expect((yield "basket", self._get(answer.location)), 200)


def _expect(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise Unexpected(f"status {answer.status} instead of {status}: {answer.head[:300]!r} {answer.body[:300]!r}")
    return answer


def _text(answer: Answer) -> bytes:
    if b"\r\ncontent-encoding: gzip" in answer.head:
        return zlib.decompress(answer.body, 31)
    return answer.body


class _Line:
    """A visitor's connection and what it waits for."""

    __slots__ = ("began_at", "received", "sent_at", "sock", "step", "steps", "visitor")

    def __init__(self, visitor: Visitor, address: tuple[str, int]) -> None:
        self.visitor = visitor
        self.steps = visitor.steps()
        self.sock = socket.create_connection(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.received = b""
        self.step = ""
        self.sent_at = 0.0
        # When this walk began; none is complete before its second beginning.
        self.began_at = 0.0


class Crowd:
    """All visitors of a walk."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._latencies: dict[str, array[float]] = {}
        self._lines: dict[int, _Line] = {}
        self._poll = select.epoll()
        self._measuring = False
        self._over = False
        self.done = self.pages = self.errors = 0
        self.sample = b""

    def run(self) -> Walked:
        walk, clock = self._walk, time.perf_counter
        draw = random.Random(walk.seed)
        for _ in range(walk.visitors):
            line = _Line(Visitor(walk, random.Random(draw.random())), walk.address)
            self._lines[line.sock.fileno()] = line
            self._poll.register(line.sock, select.EPOLLIN)
        begin = clock() + walk.warm_seconds
        end = begin + walk.seconds
        measured_from = measured_to = cpu_began = cpu_used = 0.0
        for line in list(self._lines.values()):
            self._go_on(line, None)
        while self._lines:
            events = self._poll.poll(0.25)
            now = clock()
            if not self._measuring and not self._over and now >= begin:
                self._measuring = True
                _say("begin")
                measured_from, cpu_began = clock(), time.process_time()
            if self._measuring and now >= end:
                self._measuring, self._over = False, True
                measured_to, cpu_used = clock(), time.process_time() - cpu_began
                _say("end")
            if self._over and now > end + DRAIN_SECONDS:
                self.errors += len(self._lines)
                break
            for fd, _ in events:
                self._receive(self._lines[fd])
        if not self._over:
            raise SystemExit(f"no visitor is left: {self.sample[:500]!r}")
        return Walked(
            done=self.done,
            pages=self.pages,
            errors=self.errors,
            measured_seconds=measured_to - measured_from,
            cpu_seconds=cpu_used,
            latencies_ms={step: found.tobytes() for step, found in self._latencies.items()},
            sample=self.sample,
        )

    def _receive(self, line: _Line) -> None:
        try:
            received = os.read(line.sock.fileno(), 262_144)
        except OSError:
            received = b""
        if not received:
            self._leave(line, b"the connection was closed")
            return
        line.received += received
        answer = _whole(line.received)
        if answer is None:
            return
        line.received = b""
        if self._measuring:
            self._latencies.setdefault(line.step, array("d")).append((time.perf_counter() - line.sent_at) * 1000)
            self.pages += answer.status == 200
        line.visitor.take(answer)
        self._go_on(line, answer)

    def _go_on(self, line: _Line, answer: Answer | None) -> None:
        try:
            step, request = next(line.steps) if answer is None else line.steps.send(answer)
            if not request:
                if line.began_at and self._measuring:
                    self.done += 1
                line.began_at = time.perf_counter()
                step, request = next(line.steps)
        except Unexpected as error:
            self._leave(line, str(error).encode())
            return
        if self._over:
            self._leave(line, b"")
            return
        line.step = step
        line.sent_at = time.perf_counter()
        if line.sock.send(request) != len(request):
            raise OSError("a request did not fit into the socket's buffer")

    def _leave(self, line: _Line, why: bytes) -> None:
        """This visitor is through, or was sent away: then another one comes in the same moment."""
        self._poll.unregister(line.sock)
        del self._lines[line.sock.fileno()]
        line.sock.close()
        if not why:
            return
        self.errors += 1
        self.sample = self.sample or why
        if not self._over and self.errors < self._walk.visitors:
            other = _Line(Visitor(self._walk, random.Random(self.errors)), self._walk.address)
            self._lines[other.sock.fileno()] = other
            self._poll.register(other.sock, select.EPOLLIN)
            self._go_on(other, None)


def _whole(received: bytes) -> Answer | None:
    """The answer, if it is there to its last byte."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = received[:end]
    place = head.find(b"\r\ncontent-length: ")
    body = received[end + 4 :]
    if place >= 0:
        stop = head.find(b"\r\n", place + 18)
        if len(body) < int(head[place + 18 : stop if stop > 0 else end]):
            return None
    elif b"\r\ntransfer-encoding: chunked" in head:
        if not body.endswith(b"0\r\n\r\n"):
            return None
        body = _unchunked(body)
    return Answer(int(head[9:12]), head, body)


def _unchunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    while True:
        line = body.index(b"\r\n")
        size = int(body[:line], 16)
        if not size:
            return b"".join(parts)
        parts.append(body[line + 2 : line + 2 + size])
        body = body[line + 4 + size :]


def _say(what: str) -> None:
    sys.stdout.buffer.write(what.encode() + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Read the walk, walk it, write what was walked."""
    walk = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Walk)
    walked = Crowd(walk).run()
    sys.stdout.buffer.write(msgspec.msgpack.encode(walked))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
