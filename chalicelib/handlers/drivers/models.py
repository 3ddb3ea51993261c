"""Models of drivers: their RFID tokens, who issues these, where they are good, and an operator's terms for a driver."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from chalicelib.handlers.chargers.models import Group
from chalicelib.handlers.http.fields import ChargerId, Currency, Id, Price, RequestBody, ResponseBody, example
from chalicelib.records.drivers import Consent, TokenRefusal

RFID_TOKEN: dict[str, Any] = {
    "uid": "04A1B2C3D4E5F6",
    "operator_id": None,
    "blocked": False,
    "blocked_by_operator": False,
    "consent": "given",
    "claimed_until": None,
    "refused": None,
    "paid_by_organisation": None,
}


class OwnToken(RequestBody):
    """Whether the RFID token may be charged with; at which charger one that is new will be shown."""

    model_config = RequestBody.model_config | example(blocked=False)
    blocked: bool = False
    charger_id: Annotated[
        ChargerId | None, Field(description="of a new token: shown there, and nowhere else, it becomes yours")
    ] = None


class RefusedTokenView(ResponseBody):
    """The last time that a token was refused at a charger, and why."""

    at: datetime
    charger_id: str
    reason: TokenRefusal


class TokenView(ResponseBody):
    """An RFID token: one's own, or one that an operator issued, which is good at that operator's chargers."""

    model_config = example(**RFID_TOKEN)
    uid: str
    operator_id: str | None
    blocked: bool
    blocked_by_operator: bool
    consent: Annotated[
        Consent,
        Field(
            description="asked: it charges at nobody's cost until you PUT it; claimed: show it to a charger by"
            " claimed_until; by_terms: issued by the operator of your account"
        ),
    ]
    claimed_until: datetime | None
    refused: RefusedTokenView | None
    paid_by_organisation: Annotated[str | None, Field(description="its id, where one issued the token and pays")]


class TokenList(ResponseBody):
    """All of the caller's RFID tokens."""

    model_config = example(items=[RFID_TOKEN])
    items: list[TokenView]


class TokenBody(RequestBody):
    """Whose RFID token it is. Tokens of one group may end each other's charges; an expired one begins none."""

    model_config = RequestBody.model_config | example(driver_id="3f1c9a52-6d0b-4f6e", blocked=False)
    driver_id: Id
    blocked: bool = False
    group_id: Group | None = None
    expires_at: AwareDatetime | None = None
    organisation_id: Annotated[
        Id | None, Field(description="that issues it through the operator, and pays for what its member begins with it")
    ] = None


class IssuedTokenView(ResponseBody):
    """An RFID token as the operator sees it who issued it; with consent `asked` it charges only where that is free."""

    model_config = example(
        uid="04A1B2C3D4E5F6",
        driver_id="3f1c9a52-6d0b-4f6e",
        blocked=False,
        blocked_by_driver=False,
        consent="asked",
        group_id=None,
        expires_at=None,
        organisation_id=None,
    )
    uid: str
    driver_id: str
    blocked: bool
    blocked_by_driver: bool
    consent: Consent
    group_id: str | None
    expires_at: datetime | None
    organisation_id: str | None


class RoamingBody(RequestBody):
    """Where else one's own RFID tokens are good: abroad, at operators who do not keep the account.

    What is left out is as the platform has it.
    """

    model_config = RequestBody.model_config | example(is_allowed=True, most_per_kwh={"EUR": "0.80"})
    is_allowed: bool | None = None
    most_per_kwh: Annotated[
        dict[Currency, Price],
        Field(
            max_length=20,
            default_factory=dict,
            description="no dearer than that, with tax; an hour at 30, a beginning at 5 times as much",
        ),
    ]


class RoamingView(ResponseBody):
    """Where else one's own RFID tokens are good, by one's own word and as it comes to with the platform's."""

    model_config = example(
        is_allowed=None, most_per_kwh={"EUR": "0.80"}, is_in_force=True, caps_in_force={"EUR": "0.80", "USD": "2"}
    )
    is_allowed: bool | None
    most_per_kwh: dict[str, Price]
    is_in_force: bool
    caps_in_force: Annotated[dict[str, str], Field(description="a currency that is not there is not charged abroad")]


class TermsBody(RequestBody):
    """What an operator agrees with a driver: a tariff of their own (one that is free, say), or no charging at all.

    Both left out: as everybody.
    """

    model_config = RequestBody.model_config | example(tariff_id="staff", blocked=False)
    tariff_id: Id | None = None
    blocked: bool = False
