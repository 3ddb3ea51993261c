"""Writes down an operator's request that changes something: who, from where, what was there before, what is asked.

All of it follows from the route: any that is not read only is written down. What was there before is what the GET of
the same path shows, or what the route says it reads. No secret gets in: fields are left out that their model marks as
`Hidden`, and what has a secret's name or form; of an address (URL) neither who logs in nor what it asks for is kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from http import HTTPStatus
from typing import Any, get_args

from pydantic import BaseModel, RootModel

from chalicelib.domain.access.audit import AuditEntry, AuditOutcome, entry_id_of
from chalicelib.handlers.http.fields import Hidden
from chalicelib.handlers.http.observability import redacted
from chalicelib.handlers.http.problem import explain
from chalicelib.handlers.http.route import Answer, Request, Route
from chalicelib.services.access import NotFound
from chalicelib.wiring import network

# Room for a tariff of a hundred elements; what is longer is cut, and says so.
_LONGEST, _LONGEST_THING = 32_000, 300
_HIDDEN = "[hidden]"
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*://)([^\s/@]*@)?([^\s?#]*)([?#]\S*)?")


def audited(route: Route, checked: Request, reads: Callable[[Request], Any] | None) -> BaseModel | Answer | None:
    """Carry out a request that changes something, written down before, and with what came of it if it was refused."""
    log = network().audit_log
    entry = _entry(route, checked, _before(reads, checked))
    is_new = log.begin(entry)
    try:
        answer = route.handler(checked)
    except Exception as error:
        status, code, _, _ = explain(error)
        outcome = AuditOutcome.REFUSED if status < HTTPStatus.INTERNAL_SERVER_ERROR else AuditOutcome.FAILED
        log.end(entry, outcome, code)
        raise
    log.end(entry, AuditOutcome.DONE, is_new=is_new)
    return answer


def _entry(route: Route, checked: Request, before: str) -> AuditEntry:
    principal, request_id, thing = checked.principal, checked.request_id, _thing(route, checked)
    key = checked.headers.get("Idempotency-Key")
    once = ("key", key) if key else ("request", request_id or network().new_id())
    return AuditEntry(
        entry_id=entry_id_of(principal.operator_id, principal.name, route.method, thing, *once),
        operator_id=principal.operator_id,
        at=network().clock(),
        who=principal.name,
        person_id=principal.person_id,
        address=checked.address,
        request_id=request_id,
        method=route.method,
        route=route.path,
        thing=thing,
        before=before,
        asked=_text(checked.body) if checked.body is not None else "",
    )


def _thing(route: Route, checked: Request) -> str:
    """What is changed, as an operator would look for it."""
    principal = checked.principal
    if route.is_platforms:
        return platform_thing(principal.operator_id)[:_LONGEST_THING]
    if route.joins is not None:
        return f"members/{principal.person_id}"
    # No thing of ours has so long a name, and none longer could be looked for.
    return route.path.format(**checked.path).removeprefix("/v1/operator/")[:_LONGEST_THING]


def platform_thing(operator_id: str) -> str:
    """What the platform's administrator changes of an operator is looked for by this, in that operator's audit."""
    return f"platform/operators/{operator_id}"


def _before(reads: Callable[[Request], Any] | None, request: Request) -> str:
    """What is there now, as JSON; empty where nothing is, or where the route has a thing do something."""
    if reads is None:
        return ""
    try:
        found = reads(replace(request, query={}, body=None))
    except NotFound:
        return ""
    return _text(found) if found is not None else ""


def _text(value: Any) -> str:
    text = json.dumps(redacted(_told(value)), separators=(",", ":"), ensure_ascii=False)
    return text if len(text) <= _LONGEST else json.dumps({"cut": text[:_LONGEST]}, ensure_ascii=False)


def _told(value: Any) -> Any:
    """JSON's own kinds of value, without what is hidden."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        told = [_told(it) for it in value]
        return sorted(told, key=str) if isinstance(value, set | frozenset) else told
    named = _by_name(value)
    return _URL.sub(r"\1\3", str(value)) if named is None else {name: _told(it) for name, it in named.items()}


def _by_name(value: Any) -> dict[str, Any] | None:
    """What has fields, by their names, those that are hidden left out; None for what has none."""
    if isinstance(value, RootModel):
        return _by_name(value.root)
    if isinstance(value, BaseModel):
        hidden = _hidden_fields(type(value))
        return {name: _HIDDEN if name in hidden and it is not None else it for name, it in dict(value).items()}
    if isinstance(value, Mapping):
        return {str(name): it for name, it in value.items()}
    return {it.name: getattr(value, it.name) for it in fields(value)} if is_dataclass(value) else None


@cache
def _hidden_fields(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, it in model.model_fields.items() if _hides(it.annotation) or _marks(it.metadata))


def _hides(annotation: Any) -> bool:
    return _marks(getattr(annotation, "__metadata__", ())) or any(_hides(it) for it in get_args(annotation))


def _marks(metadata: Any) -> bool:
    return any(isinstance(it, Hidden) for it in metadata)
