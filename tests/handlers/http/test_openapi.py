"""The document says what the code does: every route, every model, every error."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

import app as switchboard
from chalicelib.domain.chargers.commands import Command
from chalicelib.handlers.chargers.command_models import Order
from chalicelib.handlers.http import fields as models
from chalicelib.handlers.http.endpoint import ROUTES
from chalicelib.handlers.http.openapi import describe
from local.stack import Stack

ORDERS: tuple[type[BaseModel], ...] = get_args(get_args(Order.model_fields["root"].annotation)[0]) or get_args(
    Order.model_fields["root"].annotation
)
DOCUMENT: dict[str, Any] = describe(ROUTES)
OPERATIONS = [
    (path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]


def test_every_route_of_the_app_is_in_the_document() -> None:
    routed = {(path, method.lower()) for path, methods in switchboard.app.routes.items() for method in methods}
    assert {(path, method) for path, method, _ in OPERATIONS} == routed


def test_the_document_is_openapi_3_1() -> None:
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_the_api_serves_it(stack: Stack) -> None:
    answer = requests.get(f"{stack.http_url}/v1/openapi.json", timeout=60)
    assert answer.json() == json.loads(json.dumps(DOCUMENT))
    assert answer.json()["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in DOCUMENT["components"]["schemas"]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_what_it_does_and_how_it_fails(path: str, method: str, operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert any(status.startswith("2") for status in operation["responses"])
    problem = operation["responses"]["500"]["content"]["application/problem+json"]["schema"]
    assert problem == {"$ref": "#/components/schemas/Problem"}
    named = {it["name"] for it in operation["parameters"] if it["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", path))
    if "requestBody" in operation:
        assert "422" in operation["responses"]
    assert ("401" in operation["responses"]) or not operation.get("security")


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))


def test_only_what_needs_no_login_says_so() -> None:
    public = {(path, method) for path, method, operation in OPERATIONS if {} in operation.get("security", [{}])}
    assert public == {
        ("/v1/adhoc/checkouts", "post"),
        ("/v1/adhoc/checkouts/{checkout_id}", "get"),
        ("/v1/adhoc/checkouts/{checkout_id}", "delete"),
        ("/v1/adhoc/checkouts/{checkout_id}/charging-preferences", "put"),
        ("/v1/adhoc/checkouts/{checkout_id}/pay", "post"),
        ("/v1/chargers/nearby", "get"),
        ("/v1/chargers/along", "get"),
        ("/v1/chargers/{charger_id}", "get"),
        ("/v1/chargers/{charger_id}/quote", "get"),
        ("/v1/sites/{site_id}", "get"),
        ("/v1/drivers", "post"),
        ("/v1/drivers/confirm", "post"),
        ("/v1/drivers/resend", "post"),
        ("/v1/password/forgot", "post"),
        ("/v1/password/reset", "post"),
        ("/v1/login", "post"),
        ("/v1/login/refresh", "post"),
        ("/v1/webhooks/cars/{maker}", "post"),
        ("/v1/webhooks/stripe", "post"),
        ("/v1/log", "get"),
        ("/v1/openapi.json", "get"),
        ("/v1/invoices/{session_id}/{number}", "get"),
        ("/v1/receipts/{session_id}", "get"),
        ("/v1/receipts/{session_id}/dispute", "post"),
        ("/v1/receipts/{session_id}/dispute", "get"),
        ("/v1/receipts/{session_id}/dispute", "delete"),
        ("/v1/receipts/{session_id}/evidence", "get"),
        ("/v1/receipts/{session_id}/refunds/{number}", "get"),
        ("/v1/sessions/{session_id}/live", "get"),
    }


def test_every_request_model_refuses_what_it_does_not_know() -> None:
    taken = {route.takes for route in ROUTES if route.takes} - {Order}
    assert taken
    for model in taken | set(ORDERS):
        assert issubclass(model, models.RequestBody)
        assert model.model_config["extra"] == "forbid"


def test_every_command_of_the_domain_can_be_ordered_or_is_kerbs_own() -> None:
    own = {"ShowCost", "StartCharging", "StopCharging", "ChangePassword", "ReadListLimits", "UpdateList"}
    assert {model.__name__ for model in ORDERS} | own == {kind.__name__ for kind in get_args(Command)}


ANSWERS_AND_REQUESTS = sorted(
    {model for route in ROUTES for model in (route.takes, route.answers) if model}, key=lambda model: model.__name__
)


@pytest.mark.parametrize("model", [*ANSWERS_AND_REQUESTS, models.Problem])
def test_every_model_shows_an_example_that_it_would_accept(model: type[BaseModel]) -> None:
    schema = DOCUMENT["components"]["schemas"][model.__name__]
    if schema.get("properties"):
        assert schema["examples"]
    for example in schema.get("examples", []):
        shown = json.loads(
            model.model_validate(example).model_dump_json(exclude_unset=issubclass(model, models.RequestBody))
        )
        assert {name: shown[name] for name in example} == example


def test_the_document_tells_of_the_idempotency_key() -> None:
    begin = DOCUMENT["paths"]["/v1/sessions"]["post"]
    assert ("Idempotency-Key", "header") in {(it["name"], it["in"]) for it in begin["parameters"]}
    assert {"200", "201"} <= begin["responses"].keys()


def test_whatever_takes_json_says_what_it_does_with_anything_else() -> None:
    for _, _, operation in OPERATIONS:
        assert ("requestBody" in operation) is ("415" in operation["responses"])


def test_every_operators_route_says_that_it_is_one() -> None:
    for path, _, operation in OPERATIONS:
        assert ("403" in operation["responses"]) or not path.startswith("/v1/operator/")
