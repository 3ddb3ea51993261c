"""Models of organisations that pay for their drivers: what operators say of them, and what members see."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from chalicelib.handlers.drivers.profile_models import BUSINESS, VatId
from chalicelib.handlers.http.fields import Country, Currency, Email, Id, Minor, RequestBody, ResponseBody, example

_Weekday = Annotated[int, Field(ge=0, le=6)]
_Amount = Annotated[int, Field(gt=0, le=1_000_000_000)]
_RULES: dict[str, Any] = {
    "sites": ["DEMO-SITE"],
    "weekdays": [0, 1, 2, 3, 4],
    "from_h": 6,
    "until_h": 20,
    "session_minor": 6000,
}
_ORGANISATION: dict[str, Any] = {
    "name": "Acme Fleet",
    "currency": "EUR",
    "email": "books@acme.example",
    "business": {name: it for name, it in BUSINESS.items() if name != "invoicing"},
    "budget_minor": 500_000,
    "member_budget_minor": 40_000,
    "rules": _RULES,
    "is_active": True,
}
_MEMBER: dict[str, Any] = {"driver_id": "3f1c…", "reference": "4711", "since": "2026-11-21T09:00:00Z"}
_JOINED: dict[str, Any] = {
    "operator_id": "demo-operator",
    "organisation_id": "acme-fleet",
    "name": "Acme Fleet",
    "currency": "EUR",
    "rules": _RULES,
    "left_minor": 37_500,
    "pays_by_default": False,
    "is_active": True,
}


class OrganisationRules(RequestBody):
    """Where, when and how much it pays for. Weekdays count from Monday, 0; hours are by the clock at the site.

    From 22 to 6 o'clock is over midnight. `session_minor` is the most that it pays for one charge, which ends there.
    """

    model_config = RequestBody.model_config | example(**_RULES)
    sites: Annotated[tuple[Id, ...], Field(max_length=100, description="none: all of the operator's")] = ()
    weekdays: Annotated[tuple[_Weekday, ...], Field(max_length=7, description="none: all")] = ()
    from_h: Annotated[int, Field(ge=0, le=23)] = 0
    until_h: Annotated[int, Field(ge=1, le=24)] = 24
    session_minor: _Amount | None = None


class OrganisationBusiness(RequestBody):
    """Who the organisation is by law, as its invoices name it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    address: Annotated[str, StringConstraints(max_length=300), Field(description="in lines")]
    vat_id: VatId = ""
    country: Annotated[Country, Field(description="ISO 3166 alpha-2; else the VAT id's")] = ""
    postal_code: Annotated[str, StringConstraints(max_length=20)] = ""
    city: Annotated[str, StringConstraints(max_length=80)] = ""
    reference: Annotated[str, StringConstraints(max_length=80)] = ""


class OrganisationBody(RequestBody):
    """An organisation that pays for its drivers at the operator's chargers; its budgets are of a month, UTC."""

    model_config = RequestBody.model_config | example(**_ORGANISATION)
    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    currency: Annotated[Currency, Field(description="of budgets, rules and invoices; it stays")]
    email: Annotated[Email, Field(description="where its invoices are addressed to")]
    business: OrganisationBusiness
    budget_minor: _Amount
    member_budget_minor: Annotated[_Amount | None, Field(description="null: as much as the budget has")] = None
    rules: OrganisationRules = OrganisationRules()
    is_active: Annotated[bool, Field(description="false: it pays for nothing that begins from now on")] = True


class OrganisationView(ResponseBody):
    """An organisation as its operator has it."""

    model_config = example(organisation_id="acme-fleet", **_ORGANISATION)
    organisation_id: str
    name: str
    currency: str
    email: str
    business: OrganisationBusiness
    budget_minor: Minor
    member_budget_minor: Minor | None
    rules: OrganisationRules
    is_active: bool


class OrganisationList(ResponseBody):
    """All that pay for their drivers at one operator's chargers."""

    model_config = example(items=[{"organisation_id": "acme-fleet", **_ORGANISATION}])
    items: list[OrganisationView]


class MemberCodeBody(RequestBody):
    """For whom a code is: what the organisation knows them by, a staff number say. Kerb asks for no name."""

    model_config = RequestBody.model_config | example(reference="4711")
    reference: Annotated[str, StringConstraints(max_length=80)] = ""


class MemberCodeView(ResponseBody):
    """A code for one driver, shown this once; the organisation hands it on, and the driver takes it in their app."""

    model_config = example(code="Zk3…", expires_at="2026-12-05T09:00:00Z")
    code: str
    expires_at: datetime


class OrganisationMemberView(ResponseBody):
    """A driver for whom it pays."""

    model_config = example(**_MEMBER)
    driver_id: str
    reference: str
    since: datetime


class OrganisationMemberList(ResponseBody):
    """All for whom it pays."""

    model_config = example(items=[_MEMBER])
    items: list[OrganisationMemberView]


class PaidSessionView(ResponseBody):
    """A session that it pays for; while it is not `is_settled`, `amount_minor` is what is set aside.

    What is `refunded_minor` of that uses the budget no more.
    """

    session_id: str
    driver_id: str
    site_id: str
    at: datetime
    amount_minor: Minor
    refunded_minor: Minor
    is_settled: bool


class PaidSessions(ResponseBody):
    """What an organisation pays for in a month (UTC), by session, and what of its budget that uses.

    Nothing else of a member's charges is in it.
    """

    model_config = example(
        month="2026-11",
        currency="EUR",
        budget_minor=500_000,
        used_minor=1240,
        items=[
            {
                "session_id": "KAAAAAAAAAAAAAAAAA",
                "driver_id": "3f1c…",
                "site_id": "DEMO-SITE",
                "at": "2026-11-21T09:30:00Z",
                "amount_minor": 1240,
                "refunded_minor": 0,
                "is_settled": True,
            }
        ],
    )
    month: str
    currency: str
    budget_minor: Minor
    used_minor: Minor
    items: list[PaidSessionView]


class JoiningOrganisationBody(RequestBody):
    """The code that the organisation handed on."""

    model_config = RequestBody.model_config | example(code="Zk3…")
    code: Annotated[str, StringConstraints(min_length=1, max_length=80)]


class PaysByDefaultBody(RequestBody):
    """Whether it pays where a start does not say who shall."""

    model_config = RequestBody.model_config | example(pays_by_default=True)
    pays_by_default: bool


class JoinedOrganisationView(ResponseBody):
    """An organisation that pays for the caller at one operator's chargers; `left_minor` is for them in this month."""

    model_config = example(**_JOINED)
    operator_id: str
    organisation_id: str
    name: str
    currency: str
    rules: OrganisationRules
    left_minor: Minor
    pays_by_default: bool
    is_active: bool


class JoinedOrganisationList(ResponseBody):
    """The organisations that pay for the caller."""

    model_config = example(items=[_JOINED])
    items: list[JoinedOrganisationView]
