"""What a domain's `api.py` and `pages.py` import to speak HTTP; nothing here knows a domain.

    @post("/orders", guards=[public], refusals=(OutOfStock, PriceChanged), status_code=201)
    async def place_order(data: Place, desk: Desk, principal: Principal, idempotency_key: str) -> Order: ...

Handlers are given by name: `database`, `desk`, `principal`, `shop`, `at`, `settings`, `links`, `idempotency_key` (the
header, checked), and `data`, the body as the Struct it is annotated with. A body is decoded strictly, straight from
the bytes (`"5"` is no integer), and its first mistake is refused by field and rule.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.params import Parameter
from msgspec import Meta

from lotse.kernel import problems
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.idempotency import MAX_KEY_LENGTH
from lotse.kernel.paging import MAX_PAGE_SIZE, PAGE_SIZE, BadCursor, Page, after, cursor, paged
from lotse.kernel.problems import IdempotencyKeyMissing, MalformedBody, UnsupportedMediaType
from lotse.kernel.refusals import Invalid

__all__ = [
    "MAX_PAGE_SIZE",
    "PAGE_SIZE",
    "ApiRequest",
    "BadCursor",
    "Cursor",
    "Happened",
    "Page",
    "PageSize",
    "Principal",
    "after",
    "cursor",
    "happened",
    "idempotency_key",
    "needs",
    "paged",
    "public",
]

# How a list's handler takes its page: `limit: PageSize = PAGE_SIZE, cursor: Cursor = None`.
PageSize = Annotated[int, Parameter(ge=1, le=MAX_PAGE_SIZE, description="How many rows at most.")]
Cursor = Annotated[str | None, Parameter(description="`next` of the page before; without it the first page.")]

# How a body says when a fact happened that it tells of; `happened` reads it.
Happened = Annotated[
    datetime, Meta(tz=True, description="With its offset; within the last ten years, and not to come. Now without it.")
]
# The clock of whoever tells may be ahead, and their "today" may begin before ours.
_AHEAD = timedelta(days=1)
# What is older stands in closed books.
_BEHIND = timedelta(days=3_653)

_JSON_TYPES = ("application/json",)
_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")


class ApiRequest(Request[Any, Any, State]):
    """A request to the API: its JSON body becomes the handler's type in one pass."""

    async def json(self) -> Any:
        """The body as the handler's `data` is typed. Refusals: `UnsupportedMediaType`, `MalformedBody`, `Invalid`."""
        field = self.route_handler.parsed_data_field
        if field is None:
            return await super().json()
        self._check_type()
        return decoded(await self.body(), field.annotation)

    def _check_type(self) -> None:
        found, _ = self.content_type
        if found not in _JSON_TYPES and not found.endswith("+json"):
            raise UnsupportedMediaType(found=found[:100], allowed=_JSON_TYPES[0])


def decoded(body: bytes, kind: Any) -> Any:
    """A JSON body as this type. Refusals: `MalformedBody`, `Invalid` of its first mistake, by field and rule."""
    try:
        found = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise problems.invalid(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBody(rule=f"JSON in UTF-8: {error}") from None
    except RecursionError:
        raise MalformedBody(rule="JSON that is nested less deeply") from None
    # The look at every value costs time, so only a body that may hold something of the kind gets it.
    if _is_suspicious(body):
        _refuse_unstorable(msgspec.to_builtins(found, builtin_types=(datetime,)), "")
    return found


def _is_suspicious(body: bytes) -> bool:
    # A number of 19 digits or more may not fit 64 bits; PostgreSQL's text holds every character but NUL; a moment at
    # either end of the calendar may have none in UTC. Plain searches: a regular expression took 10 µs for an order.
    return b"0" * 19 in body.translate(_AS_ZEROS) or b"\\u0000" in body or b'"0001-' in body or b'"9999-' in body


def _refuse_unstorable(value: Any, path: str) -> None:
    """What JSON can say and no column can hold. Refusal: `Invalid`."""
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Invalid(field=path or "body", rule="a number of at most 63 bits")
    if isinstance(value, str) and "\0" in value:
        raise Invalid(field=path or "body", rule="text without NUL characters")
    if isinstance(value, datetime) and value.tzinfo is not None:
        try:
            value.astimezone(UTC)
        except OverflowError:
            raise Invalid(field=path or "body", rule="a moment of the years 1 to 9999, in UTC too") from None
    if isinstance(value, dict):
        for name, member in cast("dict[str, Any]", value).items():
            _refuse_unstorable(name, path)
            _refuse_unstorable(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            _refuse_unstorable(item, f"{path}[{index}]")


def happened(told: datetime | None, at: datetime, *, field: str = "occurred_at") -> datetime:
    """When a fact happened that is told at `at`; `at` if nothing is said. Refusal: `Invalid`."""
    if told is None:
        return at
    if not at - _BEHIND <= told <= at + _AHEAD:
        raise Invalid(field=field, rule="a moment of the last ten years, and not to come")
    return told


def idempotency_key(request: Request[Any, Any, Any]) -> str:
    """The `Idempotency-Key` header. Refusal: `IdempotencyKeyMissing`, also for one that no index could hold."""
    # From the raw headers: Litestar's mapping of all of them is made for one request and costs more than this.
    raw = next((value for name, value in request.scope["headers"] if name == b"idempotency-key"), b"")
    key = raw.decode("latin-1").strip()
    # Visible ASCII: what every client and log can show. Structured-field quotes around it are part of the key.
    if not key or len(key) > MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise IdempotencyKeyMissing()
    return key
