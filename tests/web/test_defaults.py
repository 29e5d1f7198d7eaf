"""What is not said to the API stands for something that its own document allows: a default that breaks its schema
answers 422 to whoever leaves the parameter out."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from litestar import Litestar

from lotse.domains.checkout.tests import conftest as checkout
from tests.web.conftest import Whole, at_origin

store = checkout.store  # a fixture


def schemas_of(node: Any, way: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a document that names a default, and where it stands."""
    if isinstance(node, dict):
        if "default" in node and {"type", "$ref", "oneOf", "anyOf", "allOf", "enum"} & set(node):
            yield way, node
        for name, one in node.items():
            yield from schemas_of(one, f"{way} {name}")
    if isinstance(node, list):
        for place, one in enumerate(node):
            yield from schemas_of(one, f"{way} {place}")


def breaking(document: dict[str, Any]) -> list[str]:
    components = document.get("components", {})
    return [
        f"{way}: {one['default']!r}"
        for way, one in schemas_of(document)
        if not jsonschema_rs.is_valid({**one, "components": components}, one["default"])
    ]


async def test_no_default_breaks_its_own_schema(whole_api: Litestar) -> None:
    async with at_origin(whole_api) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
    assert len(list(schemas_of(document))) > 50
    assert not breaking(document)


def test_one_that_does_is_seen() -> None:
    said = {"type": "string", "pattern": "^[a-z]+$"}
    named = {"components": {"schemas": {"Word": said}}, "paths": {"/": {"$ref": "#/components/schemas/Word"}}}
    assert not breaking({"paths": {"/": {**said, "default": "de"}}})
    assert breaking({"paths": {"/": {**said, "default": ""}}}) == [" paths /: ''"]
    named["paths"]["/"]["default"] = "DE"
    assert breaking(named) == [" paths /: 'DE'"]


@pytest.mark.parametrize("path", ["/api/v1/search", "/api/v1/suggest"])
async def test_without_a_language_it_is_the_shops(whole_with_desk: Whole, store: checkout.Store, path: str) -> None:
    whole_with_desk.api.state.shop = (float("inf"), store.shop)
    async with at_origin(whole_with_desk.api) as client:
        unsaid, said, wrong = [
            await client.get(path, params=params)
            for params in ({"q": "ball"}, {"q": "ball", "language": "de"}, {"q": "ball", "language": "!"})
        ]
    assert wrong.status_code == 422
    assert unsaid.status_code == said.status_code != 422
