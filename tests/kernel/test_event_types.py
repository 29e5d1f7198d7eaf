"""Every event of every domain is well made, and every version that was ever written can still be read.

`samples/events.jsonl` holds one event of each version as it was written, with its version. A new event or version adds
a line (the failing test prints it); a line is never changed or taken away, because such events are in the log.
"""

import inspect
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from lotse.kernel import outbox, seams
from lotse.kernel.auth.notices import AccountNoticed

AT = datetime(2011, 1, 1, tzinfo=UTC)
SAMPLES = Path(__file__).parent / "samples" / "events.jsonl"


class Sample(Struct, frozen=True):
    """A line: an event as it was written."""

    version: int
    event: dict[str, Any]

    @property
    def name(self) -> str:
        return self.event["type"]


def events() -> dict[str, type[Struct]]:
    """Every event that a domain declares: the Structs of its contracts with a dot in their tag."""
    found: dict[str, type[Struct]] = {}
    for domain in seams.domains():
        module = domain.module("contracts")
        for thing in vars(module).values() if module else ():
            if (
                inspect.isclass(thing)
                and issubclass(thing, Struct)
                and thing.__module__ == domain.package + ".contracts"
            ):
                tag = thing.__struct_config__.tag
                if isinstance(tag, str) and "." in tag:
                    found[tag] = thing
    return {**found, "kernel.AccountNoticed": AccountNoticed}


EVENTS = events()
KEPT = [msgspec.json.decode(line, type=Sample) for line in SAMPLES.read_bytes().splitlines()]


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_well_made(name: str):
    event = EVENTS[name]
    tag, version = outbox.described(event)
    assert tag.split(".")[0] in event.__module__.split("."), "the part before the dot is the domain, or the kernel"
    assert event.__struct_config__.frozen
    kept = {sample.version for sample in KEPT if sample.name == name}
    line = json.dumps({"version": version, "event": {"type": name, "…": "as written"}}, ensure_ascii=False)
    assert kept == set(range(1, version + 1)), f"add to {SAMPLES.name}: {line}"


@pytest.mark.parametrize("sample", KEPT, ids=lambda sample: f"{sample.name}@{sample.version}")
def test_every_version_ever_written_can_be_read(sample: Sample):
    assert sample.name in EVENTS, "an event that is in logs out there was taken away"
    event = outbox.decode(EVENTS[sample.name], json.dumps(sample.event))
    assert outbox.encode(event, AT).key
