"""Models of drivers: their RFID tokens, and what an operator agrees with a driver."""

from __future__ import annotations

from typing import Any

from chalicelib.handlers.http.fields import Id, RequestBody, ResponseBody, example

RFID_TOKEN: dict[str, Any] = {
    "uid": "04A1B2C3D4E5F6",
    "operator_id": None,
    "blocked": False,
    "blocked_by_operator": False,
}


class OwnToken(RequestBody):
    """Whether the RFID token may be charged with."""

    model_config = RequestBody.model_config | example(blocked=False)
    blocked: bool = False


class TokenView(ResponseBody):
    """An RFID token: one's own is good everywhere, an operator's at that operator's chargers."""

    model_config = example(**RFID_TOKEN)
    uid: str
    operator_id: str | None
    blocked: bool
    blocked_by_operator: bool


class TokenList(ResponseBody):
    """All of the caller's RFID tokens."""

    model_config = example(items=[RFID_TOKEN])
    items: list[TokenView]


class TermsBody(RequestBody):
    """What an operator agrees with a driver: a tariff of their own (one that is free, say), or no charging at all.

    Both left out: as everybody.
    """

    model_config = RequestBody.model_config | example(tariff_id="staff", blocked=False)
    tariff_id: Id | None = None
    blocked: bool = False
