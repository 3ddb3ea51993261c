"""The API's OpenAPI document, made of its routes and models, so that it cannot say what the code does not do."""

from __future__ import annotations

import json
import re
from functools import cache
from http import HTTPStatus
from typing import Any

from chalice import Blueprint
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib.handlers.http.endpoint import ROUTES, Answer, Request, Route, endpoint
from chalicelib.handlers.http.fields import Problem

openapi = Blueprint(__name__)

_REFERENCE = "#/components/schemas/{model}"


@endpoint(openapi, "GET", "/v1/openapi.json", needs_login=False)
def document(request: Request) -> Answer:
    """This API, in OpenAPI 3.1."""
    return Answer(_document())


@cache
def _document() -> str:
    return json.dumps(describe(ROUTES))


def describe(routes: list[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 for `routes`."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kerb",
            "version": "1",
            "summary": "Electric vehicle charging: sessions, cards, receipts; and an operator's registry.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    summary, _, description = (route.handler.__doc__ or "").strip().partition("\n")
    errors = {400, 500, *route.errors}
    errors |= {415, 422} if route.takes else set()
    errors |= {401} if route.needs_login or route.is_personal else set()
    errors |= {403} if route.needs is not None else set()
    errors |= {404} if route.names_things and route.needs is not None else set()
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": summary,
        "tags": [route.handler.__module__.rpartition(".")[2]],
        "parameters": _parameters(route),
        "responses": {str(route.status): _success(route, route.status, HTTPStatus(route.status).phrase)}
        | {str(status): _success(route, status, when) for status, when in route.also.items()}
        | (
            {"304": {"description": "Nothing has changed since the ETag in If-None-Match"}}
            if route.is_cacheable
            else {}
        )
        | {str(status): _failure(status) for status in sorted(errors)},
    }
    if description.strip():
        operation["description"] = re.sub(r"\s+", " ", description).strip()
    if route.takes is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.takes)}}}
    if route.needs is not None:
        operation["x-scope"] = route.needs
    if route.needs_login:
        operation["security"] = [{"bearer": []}]
    if route.is_personal:
        operation["security"] = [{}, {"bearer": []}]
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    text = {"type": "string"}
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": text} for name in re.findall(r"{(\w+)}", route.path)
    ]
    told = [("query", it) for it in route.query.items()] + [("header", it) for it in route.headers.items()]
    if route.needs is not None:
        told.append(("header", ("Kerb-Operator", "for which operator, where the caller acts for several")))
    if route.is_cacheable:
        told.append(("header", ("If-None-Match", "the ETag of the answer at hand")))
    return in_path + [
        {"name": name, "in": place, "required": False, "schema": text, "description": purpose}
        for place, (name, purpose) in told
    ]


def _success(route: Route, status: int, description: str) -> dict[str, Any]:
    described = {"description": description}
    if status == HTTPStatus.NO_CONTENT:
        return described
    if route.answers is not None:
        others = {it: {"schema": {"type": "string"}} for it in route.also_as}
        return {**described, "content": {route.content_type: {"schema": _ref(route.answers)}, **others}}
    if route.content_type != "application/json":
        return {**described, "content": {route.content_type: {"schema": {"type": "string"}}}}
    return described


def _failure(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _ref(Problem)}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _schemas(routes: list[Route]) -> dict[str, Any]:
    taken = {route.takes for route in routes if route.takes}
    given = {route.answers for route in routes if route.answers} | {Problem}
    models = [(model, "validation") for model in taken] + [(model, "serialization") for model in given]
    models.sort(key=lambda it: it[0].__name__)
    _, schema = models_json_schema(models, ref_template=_REFERENCE)  # type: ignore[arg-type]
    return dict(schema["$defs"])
