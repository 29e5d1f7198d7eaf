"""Problem answers (RFC 9457): what a client gets instead of an answer, from refusals, bad input and bugs alike.

    {"type": "urn:lotse:refusal:out-of-stock", "title": "Not enough in stock", "status": 409,
     "detail": "…", "request_id": "…", "variant_id": "…", "available": 3}

The fields of a refusal stand beside the standard members. A validation failure names `field` and `rule`. A bug gives
type `about:blank`, status 500 and the request id, and nothing about its cause: that is in the log.
"""

import re
from typing import Any

import asyncpg
import msgspec
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from msgspec import Struct

from lotse.kernel.db import is_unavailable
from lotse.kernel.refusals import Invalid, Refusal

MEDIA_TYPE = "application/problem+json"
# Members that a refusal's own field must not overwrite.
_STANDARD = frozenset({"type", "title", "status", "detail", "request_id"})
_PATH = re.compile(r"^(?P<rule>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*?)`)?$", re.DOTALL)


class MalformedBody(Refusal, status=400, title="The body cannot be read"):
    """It is not JSON in UTF-8, or not the form encoding that its content type promises."""

    rule: str


class BodyTooLarge(Refusal, status=413, title="The body is too large"):
    limit_bytes: int


class UnsupportedMediaType(Refusal, status=415, title="The body has another content type than this address takes"):
    found: str
    allowed: str


class UnknownAddress(Refusal, status=404, title="There is nothing at this address"):
    path: str


class MethodNotAllowed(Refusal, status=405, title="This address does not take this method"):
    method: str
    allowed: list[str]


class IdempotencyKeyMissing(Refusal, status=400, title="A write needs an Idempotency-Key"):
    """Draw a fresh key (a UUID will do) for each thing to be done; repeat it when you repeat the request."""

    field: str = "Idempotency-Key"
    rule: str = "1 to 200 visible ASCII characters"


class AddressUnreadable(Refusal, status=400, title="This address cannot be read"):
    """Addresses are UTF-8 without NUL characters, percent-encoded."""


class TookTooLong(Refusal, status=503, title="The answer took too long"):
    """Whether a write was done is not known: repeat it with the same Idempotency-Key."""

    limit_seconds: int


class Unavailable(Refusal, status=503, title="The database does not answer at the moment"):
    """Whether a write was done is not known: repeat it with the same Idempotency-Key."""

    retry_after_seconds: int = 2


class Problem(Struct, frozen=True):
    """One problem answer; `facts` become members beside the standard ones."""

    type: str
    title: str
    status: int
    detail: str
    facts: dict[str, Any] = {}
    headers: dict[str, str] = {}

    def members(self, request_id: str) -> dict[str, Any]:
        """What the JSON document holds."""
        standard = {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail}
        facts = {name: value for name, value in self.facts.items() if name not in _STANDARD}
        return {**standard, **({"request_id": request_id} if request_id else {}), **facts}

    def body(self, request_id: str) -> bytes:
        """The JSON document."""
        return msgspec.json.encode(self.members(request_id))


UNEXPECTED = Problem(
    "about:blank", "Something went wrong on our side", 500, "It is logged under the request id; repeating may help."
)


def of(
    error: Exception, *, method: str = "", path: str = "", allowed: list[str] | None = None, limit_bytes: int = 0
) -> Problem:
    """The problem answer for whatever a handler raised; `UNEXPECTED` for a bug. The rest only the edge knows."""
    if isinstance(error, Refusal):
        return _of_refusal(error)
    if isinstance(error, ValidationException):
        return _of_refusal(_of_validation(error))
    if isinstance(error, RequestEntityTooLarge):
        return _of_refusal(BodyTooLarge(limit_bytes=limit_bytes))
    if isinstance(error, SerializationException):
        return _of_refusal(MalformedBody(rule="JSON in UTF-8"))
    if isinstance(error, NotFoundException):
        return _of_refusal(UnknownAddress(path=path))
    if isinstance(error, MethodNotAllowedException):
        problem = _of_refusal(MethodNotAllowed(method=method, allowed=allowed or []))
        return msgspec.structs.replace(problem, headers={"Allow": ", ".join(allowed or [])})
    if is_unavailable(error):
        return _of_refusal(Unavailable())
    if _is_out_of_range(error):
        return _of_refusal(Invalid(field="input", rule="values within their range"))
    if isinstance(error, HTTPException) and error.status_code < 500:
        return Problem("about:blank", error.detail, error.status_code, error.detail, headers=dict(error.headers or {}))
    return UNEXPECTED


def invalid(error: msgspec.ValidationError, *, within: str = "") -> Invalid:
    """msgspec's message as field and rule: ``Expected `int`, got `str` - at `$.lines[0].quantity` ``."""
    found = _PATH.match(str(error))
    path = (found["path"] if found else None) or ""
    rule = found["rule"] if found else str(error)
    if missing := re.match(r"^Object missing required field `(?P<name>[^`]+)`$", rule):
        path, rule = _joined(path, missing["name"]), "required"
    elif unknown := re.match(r"^Object contains unknown field `(?P<name>[^`]+)`$", rule):
        path, rule = _joined(path, unknown["name"]), "no such field"
    return Invalid(field=_joined(within, path) or "body", rule=rule)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name and not name.startswith("[") else path + name


def explained(refusal: type[Refusal]) -> str:
    """What a refusal's docstring says, in one line; its title if it says nothing."""
    said = (refusal.__doc__ or "").strip()
    # Without a docstring `dataclass` puts the signature there.
    return refusal.title if said.startswith(f"{refusal.__name__}(") else " ".join(said.split())


def _is_out_of_range(error: Exception) -> bool:
    """A value that passed every rule of its type and still fits no column: too large a number or date, a NUL.

    Domains name their limits in their types; this is the net below for those that nobody thought of.
    """
    if isinstance(error, OverflowError):
        return "can't serialize ints" in str(error)  # msgspec, before the database could say it
    if not isinstance(error, asyncpg.DataError):
        return False
    sqlstate: str | None = getattr(error, "sqlstate", None)
    return sqlstate in ("22003", "22008", "22021") or str(error).startswith("invalid input for query argument")


def _of_refusal(refusal: Refusal) -> Problem:
    facts = refusal.facts()
    if isinstance(refusal, Invalid):
        detail = f"{refusal.field}: {refusal.rule}"
    else:
        detail = str(refusal) if facts else explained(type(refusal))
    headers: dict[str, str] = dict(getattr(refusal, "headers", {}))
    if "retry_after_seconds" in facts:
        headers["Retry-After"] = str(facts["retry_after_seconds"])
    return Problem(f"urn:lotse:refusal:{refusal.code}", refusal.title, refusal.status, detail, facts, headers)


class _Finding(Struct):
    message: str = ""
    key: str = "parameters"


def _of_validation(error: ValidationException) -> Refusal:
    """Litestar's finding about a parameter (bodies are decoded by `lotse.kernel.http`)."""
    try:
        found = msgspec.convert(error.extra, list[_Finding])
    except msgspec.ValidationError:
        found = []
    if found:
        # A body that is not there stands under its parameter's name.
        is_body = found[0].key == "data"
        return Invalid(field="body", rule="required") if is_body else Invalid(field=found[0].key, rule=found[0].message)
    missing = re.match(r"^Missing required (?P<kind>\w+) parameter '(?P<name>[^']+)'", error.detail)
    if missing:
        return Invalid(field=missing["name"], rule=f"required {missing['kind']} parameter")
    return Invalid(field="parameters", rule=error.detail)
