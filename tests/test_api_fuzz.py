"""Whatever is sent to the API by its own document: no server error, and no answer that the document does not know.

A real `lotse up` with the demo retailer, asked by schemathesis with values that fit the schema and with such that break
it.
`LOTSE_FUZZ_EXAMPLES=1000` asks for longer; the suite takes the short form.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lotse.testing import Databases
from tests.web.running import Running, running_demo

EXAMPLES = int(os.environ.get("LOTSE_FUZZ_EXAMPLES", "8"))


@pytest.fixture(scope="module")
def up(env: dict[str, str], databases: Databases) -> Iterator[Running]:
    """With a database of its own: the demo's shop must not become the main shop of other tests."""
    with running_demo(env, databases) as one:
        yield one


@pytest.fixture(scope="module")
def token(up: Running) -> str:
    """A token that may do everything, so that the fuzzer gets past the door."""
    made = subprocess.run(
        [sys.executable, "-m", "lotse", "token", "new", "fuzz", "--scope", "*"],
        env=up.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return made.stdout.strip()


@pytest.fixture(scope="module")
def schema(up: Running) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{up.url}/api/v1/openapi.json")


def test_the_demos_account_signs_in(up: Running) -> None:
    kept = up.home / "demo-staff.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    known = json.loads(kept.read_text())
    assert f"sign in as demo, password {known['password']}" in up.log.read_text()
    with httpx.Client(base_url=up.url) as browser:
        answer = browser.post("/signin", data=known, headers={"Origin": up.url})
        assert (answer.status_code, answer.headers["location"]) == (303, "/office")
        assert browser.get("/office", follow_redirects=True).status_code == 200


CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "breaking"])
def test_no_server_error(schema: schemathesis.BaseSchema, token: str, mode: GenerationMode) -> None:
    wrong: list[str] = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
            phases=[Phase.explicit, Phase.generate],  # the first failing request says enough
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            if isinstance(case.query, dict) and isinstance(case.query.get("wait"), int):
                case.query["wait"] = min(case.query["wait"], 1)  # who waits for news keeps the others waiting here
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

        try:
            ask()
        except Unsatisfiable:
            continue  # an operation that takes nothing cannot be asked wrongly
        except (FailureGroup, Failure) as failure:
            wrong.append(f"{operation.label}: {failure}")
    assert not wrong, "\n\n".join(wrong)


def test_nothing_unexpected_was_logged(up: Running) -> None:
    """Runs last: what the fuzzer did not see as an answer stands in the log."""
    said = up.log.read_text()
    assert not re.findall(r".*(?:Traceback|unexpected error|request failed).*", said)
