"""The API does what its document says, whatever it is asked: schemathesis asks, within bounds, the same every time."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import app as switchboard
from chalicelib.handlers.http.endpoint import ROUTES, Route
from local.seed import Network
from local.stack import Stack
from tests.patience import PATIENCE_S

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="package")
def api(stack: Stack) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{stack.http_url}/v1/openapi.json")


@pytest.mark.parametrize("route", ROUTES, ids=lambda it: f"{it.method} {it.path}")
def test_the_api_does_what_its_document_says(
    api: schemathesis.BaseSchema, stack: Stack, network: Network, route: Route
) -> None:
    """As an operator, who may ask for everything; whoever leaves does so as nobody."""
    assert switchboard.app.app_name == "kerb"
    leaves = (route.method, route.path) in (("DELETE", "/v1/me"), ("POST", "/v1/logout"))
    headers = {} if leaves else {"Authorization": f"Bearer {network.operator.token}"}

    @BOUNDED
    @given(case=api[route.path][route.method].as_strategy())
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=stack.http_url, headers=headers, checks=CHECKS, timeout=PATIENCE_S)

    ask()
