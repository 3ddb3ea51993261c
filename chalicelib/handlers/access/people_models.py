"""Models of an operator's people: invitations, and who needs a second factor."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from chalicelib.domain.access.invitations import InvitationStatus
from chalicelib.domain.access.rights import Role
from chalicelib.handlers.access.models import Label, Sites
from chalicelib.handlers.http.fields import Email, Id, RequestBody, ResponseBody, SpokenLocale, example, secret

_AT = "2026-11-21T09:30:00Z"
_OFFER = {"email": "ada@example.com", "role": "technician", "sites": ["harbour"], "name": "Ada, nights"}
_INVITATION = {
    "invitation_id": "4Zs8Kd0bXq1M",
    **_OFFER,
    "status": "open",
    "by": "5f0c1d2e",
    "made_at": _AT,
    "mailed_at": _AT,
    "mails": 1,
    "expires_at": "2026-11-28T09:30:00Z",
    "accepted_by": None,
    "accepted_at": None,
}


class InvitationBody(RequestBody):
    """Whom to invite, and as what; `locale` is the language of the mail, the operator's where left out."""

    model_config = RequestBody.model_config | example(**_OFFER, locale="de")

    email: Email
    role: Role
    sites: Sites | None = None
    name: Label = ""
    locale: SpokenLocale = ""


class InvitationView(ResponseBody):
    """An invitation, never its code. `by`: who invited, empty for the platform; `mailed_at`: when a mail last went."""

    model_config = ResponseBody.model_config | example(**_INVITATION)

    invitation_id: str
    email: str
    role: Role
    sites: list[str] | None
    name: str
    status: InvitationStatus
    by: str
    made_at: datetime
    mailed_at: datetime | None
    mails: int
    expires_at: datetime
    accepted_by: str | None
    accepted_at: datetime | None


class InvitationList(ResponseBody):
    """The operator's invitations, the newest first; those that are over for 90 days are gone."""

    model_config = ResponseBody.model_config | example(items=[_INVITATION])

    items: list[InvitationView]


class JoiningBody(RequestBody):
    """The code of an invitation, and whose it is, as the mail says."""

    model_config = RequestBody.model_config | example(operator_id="acme", code="kerb_invite_4Zs8Kd0bXq1M…")

    operator_id: Id
    code: Annotated[str, secret(1, 200)]


class SecurityBody(RequestBody):
    """The roles whose people need a second factor; all of them are listed."""

    model_config = RequestBody.model_config | example(second_factor=["owner", "finance"])

    second_factor: Annotated[tuple[Role, ...], Field(max_length=len(Role))]


class SecurityView(ResponseBody):
    """The roles whose people need a second factor."""

    model_config = ResponseBody.model_config | example(second_factor=["finance", "owner"])

    second_factor: list[Role]
