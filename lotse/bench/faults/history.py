"""What a client asked and what it was answered, on disk: a line before each request and a line after it.

The line before is what makes the run worth something: a client that dies in mid-request leaves it, and the judge
knows that this request may be there wholly or not at all.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

# order: place, with or without a basket; cancel: take an order back; move: receive, adjust, transfer.
Op = Literal["basket", "line", "order", "pay", "cancel", "hold", "claim", "release", "move", "sell"]
# again: asked once more after recovery, under the same key. seen: what it had become when its client looked later.
Outcome = Literal["acknowledged", "refused", "unknown", "again", "seen"]


class Asked(Struct, frozen=True, kw_only=True, tag="asked"):
    """A request that is about to be sent.

    `wants` is what the judge looks for: offer and pieces of an order, pool and change of a move, pool and quantity of
    a hold. `subject` is the id of what the request is about: the hold, the order that is cancelled, the basket.
    """

    id: str
    op: Op
    # The address with its method ("POST /api/v1/orders"), or the desk's kind ("desk hold").
    address: str
    body: Any
    key: str
    wants: dict[str, int] = {}
    subject: str = ""
    total_minor: int = 0
    # Signs with the run's API token instead of coming as a guest.
    by_token: bool = False


class Answered(Struct, frozen=True, kw_only=True, tag="answered"):
    """What came of a request: the answer, the refusal's name and facts, or why nobody knows (in `refusal`, too)."""

    id: str
    outcome: Outcome
    status: int = 0
    answer: Any = None
    refusal: str = ""
    tries: int = 1
    # From the first try to the end of the last one.
    seconds: float = 0.0


class Case(Struct):
    """A request and everything that was answered to it, in order."""

    asked: Asked
    answers: list[Answered] = []

    @property
    def final(self) -> Answered | None:
        """The first answer that settles the request; None if nobody knows what came of it."""
        return next((one for one in self.answers if one.outcome in ("acknowledged", "refused")), None)

    @property
    def acknowledged(self) -> bool:
        final = self.final
        return final is not None and final.outcome == "acknowledged"

    @property
    def refused(self) -> bool:
        final = self.final
        return final is not None and final.outcome == "refused"


class History:
    """The file of one client."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)  # every line reaches the system before the request does
        self._encoder = msgspec.json.Encoder()

    def ask(self, asked: Asked) -> Case:
        """Before the request is sent."""
        self._file.write(self._encoder.encode(asked) + b"\n")
        return Case(asked)

    def answer(self, case: Case, answered: Answered) -> None:
        """As soon as it is known what came of it."""
        self._file.write(self._encoder.encode(answered) + b"\n")
        case.answers.append(answered)

    def close(self) -> None:
        self._file.close()


def read(paths: Iterable[Path]) -> list[Case]:
    """The cases of several clients' files; what was answered stands in the order of the files."""
    lines = [line for path in paths for line in _lines(path)]
    cases = {line.id: Case(line) for line in lines if isinstance(line, Asked)}
    for line in lines:
        if isinstance(line, Answered):
            cases[line.id].answers.append(line)
    return list(cases.values())


def _lines(path: Path) -> list[Asked | Answered]:
    return [_DECODER.decode(line) for line in path.read_bytes().splitlines()]


_DECODER = msgspec.json.Decoder(Asked | Answered)
