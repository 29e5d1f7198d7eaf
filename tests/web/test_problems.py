"""Bad input gets a problem answer that names field and rule, never a 500 that says more than its request id."""

import asyncpg
import httpx
import pytest

from lotse.kernel import migrate, problems, relay
from lotse.kernel.db import Database

KEY = {"Idempotency-Key": "k"}
JSON = {"Content-Type": "application/json"}
ONE = "/orders/0199a5c0-7d52-7cc1-8f0e-3a1c5f2b9d11"
LINE = '{"sku": "a", "quantity": 1}'

# name, method, path, headers, body, status, type (after `urn:lotse:refusal:`), members
CASES = [
    ("no key", "POST", "/orders", JSON, "{}", 400, "idempotency-key-missing", {"field": "Idempotency-Key"}),
    ("empty key", "POST", "/orders", JSON | {"Idempotency-Key": " "}, "{}", 400, "idempotency-key-missing", {}),
    ("long key", "POST", "/orders", JSON | {"Idempotency-Key": "x" * 201}, "{}", 400, "idempotency-key-missing", {}),
    ("a key nobody asks for", "POST", "/careless", JSON, f'{{"lines": [{LINE}]}}', 400, "idempotency-key-missing", {}),
    ("no content type", "POST", "/orders", KEY, b"{}", 415, "unsupported-media-type", {"allowed": "application/json"}),
    ("a form", "POST", "/orders", KEY | {"Content-Type": "text/plain"}, "{}", 415, "unsupported-media-type", {}),
    ("no body", "POST", "/orders", KEY | JSON, "", 422, "invalid", {"field": "body", "rule": "required"}),
    ("too deep", "POST", "/free", KEY | JSON, '{"a":' * 5_000 + "1" + "}" * 5_000, 400, "malformed-body", {}),
    ("too deep beside the type", "POST", "/orders", KEY | JSON, "[" * 100_000, 422, "invalid", {"field": "body"}),
    ("before the calendar", "POST", "/reports", KEY | JSON, '{"occurred_at": "0001-01-01T00:00:00+14:00"}', 422,
     "invalid", {"field": "occurred_at", "rule": "a moment of the years 1 to 9999, in UTC too"}),
    ("after the calendar", "POST", "/reports", KEY | JSON, '{"occurred_at": "9999-12-31T23:59:59-14:00"}', 422,
     "invalid", {"field": "occurred_at"}),
    ("long ago", "POST", "/reports", KEY | JSON, '{"occurred_at": "0001-01-01T00:00:00Z"}', 422, "invalid",
     {"field": "occurred_at", "rule": "a moment of the last ten years, and not to come"}),
    ("still to come", "POST", "/reports", KEY | JSON, '{"occurred_at": "9999-12-31T23:59:59Z"}', 422, "invalid",
     {"field": "occurred_at", "rule": "a moment of the last ten years, and not to come"}),
    ("in nobody's zone", "POST", "/reports", KEY | JSON, '{"occurred_at": "2026-11-21T10:00:00"}', 422, "invalid",
     {"field": "occurred_at"}),
    ("no JSON", "POST", "/orders", KEY | JSON, "{", 400, "malformed-body", {}),
    ("no UTF-8", "POST", "/orders", KEY | JSON, b'{"lines":[{"sku":"\xff","quantity":1}]}', 400, "malformed-body", {}),
    ("too large", "POST", "/orders", KEY | JSON, b"x" * 10_000_000, 413, "body-too-large", {"limit_bytes": 1048576}),
    ("wrong shape", "POST", "/orders", KEY | JSON, "[]", 422, "invalid", {"field": "body"}),
    ("missing field", "POST", "/orders", KEY | JSON, "{}", 422, "invalid", {"field": "lines", "rule": "required"}),
    ("unknown field", "POST", "/orders", KEY | JSON, '{"line": []}', 422, "invalid", {"field": "line"}),
    ("empty list", "POST", "/orders", KEY | JSON, '{"lines": []}', 422, "invalid", {"field": "lines"}),
    ("text for a number", "POST", "/orders", KEY | JSON, '{"lines": [{"sku": "a", "quantity": "1"}]}', 422, "invalid",
     {"field": "lines[0].quantity", "rule": "Expected `int`, got `str`"}),
    ("nested missing", "POST", "/orders", KEY | JSON, '{"lines": [{"quantity": 1}]}', 422, "invalid",
     {"field": "lines[0].sku", "rule": "required"}),
    ("beyond 64 bits", "POST", "/free", KEY | JSON, '{"amount": [1, 9223372036854775808]}', 422, "invalid",
     {"field": "amount[1]", "rule": "a number of at most 63 bits"}),
    ("a NUL", "POST", "/free", KEY | JSON, '{"a": {"b": "x\\u0000"}}', 422, "invalid", {"field": "a.b"}),
    ("a NUL in the query", "GET", "/numbers?cursor=%00", {}, "", 400, "address-unreadable", {}),
    ("no UTF-8 in the query", "GET", "/numbers?cursor=%ff", {}, "", 400, "address-unreadable", {}),
    ("no UTF-8 in the path", "GET", "/%ff", {}, "", 400, "address-unreadable", {}),
    ("below its limit", "POST", "/orders", KEY | JSON, '{"lines": [{"sku": "a", "quantity": 0}]}', 422, "invalid",
     {"field": "lines[0].quantity", "rule": "Expected `int` >= 1"}),
    ("unknown route", "GET", "/nothing", {}, "", 404, "unknown-address", {"path": "/api/v1/trial/nothing"}),
    ("no UUID", "GET", "/orders/7", {}, "", 404, "unknown-address", {}),
    ("other method", "DELETE", "/orders", {}, "", 405, "method-not-allowed", {"method": "DELETE"}),
    ("nobody", "GET", ONE, {}, "", 401, "not-signed-in", {"right": "orders.read"}),
    ("unknown token", "GET", ONE, {"Authorization": "Bearer nothing"}, "", 401,
     "token-unknown", {}),
    ("page too large", "GET", "/numbers?limit=201", {}, "", 422, "invalid", {"field": "limit"}),
    ("page no number", "GET", "/numbers?limit=x", {}, "", 422, "invalid", {"field": "limit"}),
    ("bad cursor", "GET", "/numbers?cursor=%21", {}, "", 400, "bad-cursor", {"field": "cursor"}),
    ("cursor of another list", "GET", "/numbers?cursor=kaFh", {}, "", 400, "bad-cursor", {}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "headers", "body", "status", "kind", "members"), [c[1:] for c in CASES],
                         ids=[c[0] for c in CASES])  # fmt: skip
async def test_bad_input_is_named(
    api: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], body: str | bytes, status: int, kind: str,
    members: dict[str, object],
) -> None:  # fmt: skip
    answer = await api.request(method, "/api/v1/trial" + path, headers=headers, content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:lotse:refusal:{kind}"
    assert problem["status"] == status and problem["title"] and problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert {name: problem.get(name) for name in members} == members


async def test_a_refusal_carries_its_fields(api: httpx.AsyncClient) -> None:
    body = {"lines": [{"sku": "sold-out", "quantity": 1}]}
    answer = await api.post("/api/v1/trial/orders", json=body, headers={"Idempotency-Key": "refused"})
    assert answer.status_code == 409
    assert answer.json() | {"request_id": ""} == {
        "type": "urn:lotse:refusal:sold-out", "title": "Sold out", "status": 409, "request_id": "",
        "detail": "Sold out: sku sold-out, available 0", "sku": "sold-out", "available": 0,
    }  # fmt: skip


async def test_a_405_says_what_is_allowed(api: httpx.AsyncClient) -> None:
    answer = await api.delete("/api/v1/trial/orders/0199a5c0-7d52-7cc1-8f0e-3a1c5f2b9d11", headers=KEY)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")


async def test_head_is_get_without_its_body(api: httpx.AsyncClient) -> None:
    get, head = await api.get("/health"), await api.head("/health")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, get.headers["content-length"], b"")


async def test_a_bug_says_nothing_about_itself(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/trial/bug")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text and "ZeroDivision" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConnectionRefusedError(111, "Connection refused"), 503),
        (FileNotFoundError(2, "No such file or directory"), 503),  # the socket of a server that is down
        (FileNotFoundError(2, "No such file or directory", "a template"), 500),
        (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), 503),
        (asyncpg.CannotConnectNowError("the database system is starting up"), 503),
        (asyncpg.CrashShutdownError("terminating connection because of crash"), 503),
        (asyncpg.DiskFullError("no space left on device"), 503),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), 503),
        (asyncpg.LockNotAvailableError("canceling statement due to lock timeout"), 503),
        (asyncpg.QueryCanceledError("canceling statement due to statement timeout"), 503),
        (asyncpg.InterfaceError("cannot perform operation: connection is closed"), 503),
        (asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"), 503),
        (asyncpg.InterfaceError("the server expects 1 argument for this query, 2 were passed"), 500),
        (asyncpg.UndefinedTableError('relation "x" does not exist'), 500),
    ],
    ids=repr,
)
def test_a_database_that_is_away_is_no_bug(error: Exception, status: int) -> None:
    problem = problems.of(error)
    assert problem.status == status
    assert ("Retry-After" in problem.headers) == (status == 503)


async def test_a_key_answers_once(api: httpx.AsyncClient, fresh: object) -> None:
    headers = {"Idempotency-Key": fresh.text()}  # type: ignore[attr-defined]
    body = {"lines": [{"sku": "a", "quantity": 1}]}
    first = await api.post("/api/v1/trial/orders", json=body, headers=headers)
    second = await api.post("/api/v1/trial/orders", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    other = await api.post("/api/v1/trial/orders", json={"lines": [*body["lines"], *body["lines"]]}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (409, "urn:lotse:refusal:key-reused")


async def test_a_list_is_read_page_by_page(api: httpx.AsyncClient) -> None:
    seen: list[int] = []
    cursor: str | None = None
    while True:
        query = {"limit": 30} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/api/v1/trial/numbers", params=query)).json()
        seen += [line["quantity"] for line in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == list(range(1, 101))


async def test_it_is_not_ready_without_its_desk(
    api: httpx.AsyncClient, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with db.transaction() as tx:  # what other tests left in the outbox is not late
        await relay.move_all(tx)
    monkeypatch.setattr(migrate, "known", lambda: ["kernel/0001_init", "kernel/9999_not_yet"])
    answer = await api.get("/ready")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "checks": {
        "database": "ok", "schema": "not applied: kernel/9999_not_yet", "relay": "ok",
        "desk": "nobody listens at the desk's socket",
    }}  # fmt: skip
    assert (await api.get("/health")).status_code == 200


async def test_every_answer_is_guarded(api: httpx.AsyncClient) -> None:
    for path in ("/health", "/api/v1/nothing", "/api/v1/trial/bug"):
        headers = (await api.get(path)).headers
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


async def test_the_document_names_every_refusal(api: httpx.AsyncClient) -> None:
    document = (await api.get("/api/v1/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    place = document["paths"]["/api/v1/trial/orders"]["post"]
    assert [p["name"] for p in place["parameters"]] == ["Idempotency-Key"]
    said = {code for response in place["responses"].values()
            for code in response["content"].get("application/problem+json", {}).get("examples", {})}  # fmt: skip
    assert said == {"sold-out", "idempotency-key-missing", "key-reused", "invalid", "malformed-body", "body-too-large",
                    "unsupported-media-type", "token-unknown", "took-too-long", "unavailable"}  # fmt: skip
    one = document["paths"]["/api/v1/trial/orders/{id}"]["get"]
    assert one["security"] == [{"token": []}] and {"401", "403", "404"} <= one["responses"].keys()
    page = await api.get("/api/v1/docs")
    assert "://" not in page.text and "<script>" not in page.text
