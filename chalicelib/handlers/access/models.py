"""Models of access: an operator's members, its API keys, and the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from chalicelib.domain.access.api_keys import LONGEST_OVERLAP_H
from chalicelib.domain.access.audit import AuditOutcome
from chalicelib.domain.access.rights import Role, Scope
from chalicelib.handlers.http.fields import Id, RequestBody, ResponseBody, example

_AT = "2026-11-21T09:30:00Z"
Label = Annotated[str, StringConstraints(max_length=80)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Sites = Annotated[
    frozenset[Id],
    Field(min_length=1, max_length=100, description="Held to these sites; all of the operator's where left out"),
]
_MEMBER = {
    "person_id": "0b1c6c5e",
    "role": "technician",
    "sites": ["harbour"],
    "name": "Ada, nights",
    "since": _AT,
    "used_at": _AT,
}


class MemberBody(RequestBody):
    """What a person is to the operator."""

    model_config = RequestBody.model_config | example(role="technician", sites=["harbour"], name="Ada, nights")

    role: Role
    sites: Sites | None = None
    name: Label = ""


class MemberView(ResponseBody):
    """A person who acts for the operator, and what they may do (`scopes`). `by`: who made them that.

    `used_at` is when they last acted for it, to the hour; null: not yet.
    """

    model_config = ResponseBody.model_config | example(**_MEMBER, scopes=["chargers:read"], by="5f0c1d2e")

    person_id: str
    role: Role
    sites: list[str] | None
    name: str
    since: datetime
    used_at: datetime | None
    scopes: list[Scope]
    by: str | None


class MemberList(ResponseBody):
    """All of the operator's people."""

    model_config = ResponseBody.model_config | example(
        items=[{**_MEMBER, "scopes": ["chargers:read"], "by": "5f0c1d2e"}]
    )

    items: list[MemberView]


class OwnOperator(ResponseBody):
    """An operator for which the caller acts: what they are there, and whether it is meant where none is named."""

    model_config = ResponseBody.model_config | example(
        operator_id="acme", role="owner", sites=None, scopes=["chargers:read"], is_usual=True
    )

    operator_id: str
    role: Role
    sites: list[str] | None
    scopes: list[Scope]
    is_usual: bool


class OwnOperators(ResponseBody):
    """The operators for which the caller acts."""

    model_config = ResponseBody.model_config | example(
        items=[{"operator_id": "acme", "role": "owner", "sites": None, "scopes": ["chargers:read"], "is_usual": True}]
    )

    items: list[OwnOperator]


class KeyBody(RequestBody):
    """What a key is for: no more than its maker may do."""

    model_config = RequestBody.model_config | example(
        name="Maintenance robot", scopes=["chargers:read"], expires_at="2027-05-01T00:00:00Z"
    )

    name: _Name
    scopes: Annotated[frozenset[Scope], Field(min_length=1)]
    sites: Sites | None = None
    expires_at: AwareDatetime


class RotationBody(RequestBody):
    """How long the secret before this one is good beside it."""

    model_config = RequestBody.model_config | example(overlap_h=24)

    overlap_h: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP_H)] = 24


_KEY = {
    "key_id": "4Zs8Kd0bXq1M",
    "name": "Maintenance robot",
    "scopes": ["chargers:read"],
    "sites": None,
    "made_by": "0b1c6c5e",
    "made_at": _AT,
    "expires_at": "2027-05-01T00:00:00Z",
    "used_at": None,
    "rotated_at": None,
    "former_until": None,
    "revoked_at": None,
}


class KeyView(ResponseBody):
    """A key, never its secret. What it may do is at each moment cut by what `made_by` may."""

    model_config = ResponseBody.model_config | example(**_KEY)

    key_id: str
    name: str
    scopes: list[Scope]
    sites: list[str] | None
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    rotated_at: datetime | None
    former_until: datetime | None
    revoked_at: datetime | None


class KeyList(ResponseBody):
    """The operator's keys, revoked ones too."""

    model_config = ResponseBody.model_config | example(items=[_KEY])

    items: list[KeyView]


class ShownKeyView(KeyView):
    """A key and its `secret`, which is told this once: send it as `Authorization: Bearer`."""

    model_config = ResponseBody.model_config | example(
        **_KEY,
        secret="kerb_live_4Zs8Kd0bXq1M…",
    )

    secret: str


_ENTRY = {
    "entry_id": "0f5e1c",
    "at": _AT,
    "who": "0b1c6c5e",
    "person_id": "0b1c6c5e",
    "address": "192.0.2.7",
    "request_id": "c6af9ac6",
    "method": "PUT",
    "route": "/v1/operator/fault-reports/{report_id}",
    "thing": "fault-reports/5f0c",
    "before": {"answer": "", "closed_at": None},
    "asked": {"answer": "Somebody is on the way.", "is_closed": False},
    "outcome": "done",
    "problem": None,
}


class AuditEntryView(ResponseBody):
    """One request that changed something: who asked for it and from where, what was there before, what was asked.

    `who` is a person, or `key:` and a key's id, which `person_id` made. `before` is null where nothing was there, or
    nothing is replaced. `outcome`: `done`; `refused`, with the `problem`'s code; `failed`, where it may be half done.
    """

    model_config = ResponseBody.model_config | example(**_ENTRY)

    entry_id: str
    at: datetime
    who: str
    person_id: str
    address: str
    request_id: str
    method: str
    route: str
    thing: str
    before: Any
    asked: Any
    outcome: AuditOutcome
    problem: str | None


class AuditPage(ResponseBody):
    """A page of the audit, newest first."""

    model_config = ResponseBody.model_config | example(items=[_ENTRY], next_cursor=None)

    items: list[AuditEntryView]
    next_cursor: str | None
