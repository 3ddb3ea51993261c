"""Models of access: an operator's members and its API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from chalicelib.domain.access.api_keys import LONGEST_OVERLAP_H
from chalicelib.domain.access.rights import Role, Scope
from chalicelib.handlers.http.fields import Id, RequestBody, ResponseBody, example

_AT = "2026-11-21T09:30:00Z"
_Label = Annotated[str, StringConstraints(max_length=80)]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=80)]
_Sites = Annotated[
    frozenset[Id],
    Field(min_length=1, max_length=100, description="Held to these sites; all of the operator's where left out"),
]
_MEMBER = {"person_id": "0b1c6c5e", "role": "technician", "sites": ["harbour"], "name": "Ada, nights", "since": _AT}


class MemberBody(RequestBody):
    """What a person is to the operator."""

    model_config = RequestBody.model_config | example(role="technician", sites=["harbour"], name="Ada, nights")

    role: Role
    sites: _Sites | None = None
    name: _Label = ""


class MemberView(ResponseBody):
    """A person who acts for the operator, and what they may do (`scopes`). `by`: who made them that."""

    model_config = ResponseBody.model_config | example(**_MEMBER, scopes=["chargers:read"], by="5f0c1d2e")

    person_id: str
    role: Role
    sites: list[str] | None
    name: str
    since: datetime
    scopes: list[Scope]
    by: str | None


class MemberList(ResponseBody):
    """The operator's people."""

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
    sites: _Sites | None = None
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
