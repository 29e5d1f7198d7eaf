"""Refusals: named, expected answers "no". Anything else that fails is a bug and propagates.

A refusal is declared beside the command that gives it, in the domain's `contracts.py`:

    class OutOfStock(Refusal, status=409, title="Not enough in stock"):
        variant_id: UUID
        available: int

Its annotated fields are what the caller needs to go on. They travel through the desk's socket and end in the problem
answer (RFC 9457) or beside the form field.
"""

import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, ClassVar, dataclass_transform

import asyncpg
import msgspec

_by_code: dict[str, "type[Refusal]"] = {}


@dataclass_transform(kw_only_default=True)
class Refusal(Exception):
    """Base of every named "no"."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "Refused"
    code: ClassVar[str] = "refusal"

    def __init_subclass__(cls, *, status: int, title: str) -> None:
        super().__init_subclass__()
        dataclass(kw_only=True, eq=True)(cls)
        cls.__hash__ = Exception.__hash__  # eq=True would take it away, and exceptions live in sets
        cls.status = status
        cls.title = title
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        known = _by_code.setdefault(cls.code, cls)
        if known is not cls and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"two refusals named {cls.code}: {known.__module__} and {cls.__module__}")
        _by_code[cls.code] = cls

    def facts(self) -> dict[str, Any]:
        """The fields as plain values (UUIDs, Decimals and times become strings)."""
        return msgspec.to_builtins({f.name: getattr(self, f.name) for f in fields(self)})  # pyright: ignore[reportArgumentType]

    def __str__(self) -> str:
        facts = ", ".join(f"{name} {value}" for name, value in self.facts().items())
        return f"{self.title}: {facts}" if facts else self.title


class NotFound(Refusal, status=404, title="Not found"):
    """The thing that the caller named does not exist, or is not theirs to see."""

    what: str
    id: str


class Invalid(Refusal, status=422, title="The input breaks a rule"):
    """`field` is the path in the body or the form, `rule` says what is allowed."""

    field: str
    rule: str


class Wire(msgspec.Struct, frozen=True, array_like=True):
    """A refusal on its way through a socket or into the idempotency table."""

    code: str
    facts: dict[str, Any]


def to_wire(refusal: Refusal) -> Wire:
    return Wire(refusal.code, refusal.facts())


def from_wire(wire: Wire) -> Refusal:
    """The same refusal again, with typed fields. `KeyError` if its code was never declared in this process."""
    return msgspec.convert(wire.facts, _by_code[wire.code], strict=False)


@contextmanager
def refusing(constraints: Mapping[str, Callable[[], Refusal]]) -> Generator[None]:
    """Turn the violation of a named constraint into its refusal; any other database error stays a bug."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        name: str | None = getattr(error, "constraint_name", None)  # asyncpg sets it, its types do not say so
        make = constraints.get(name or "")
        if make is None:
            raise
        raise make() from error
