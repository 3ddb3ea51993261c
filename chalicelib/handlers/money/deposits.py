"""Routes for a driver's deposit on chain: what to sign for a session, and whether it is there."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from chalice import Blueprint
from pydantic import Field

from chalicelib.handlers.http.endpoint import Request, endpoint
from chalicelib.handlers.http.fields import ResponseBody, example
from chalicelib.services.money.deposits import DepositState, WantedDeposit
from chalicelib.wiring import network

deposits = Blueprint(__name__)

_DEPOSIT = "/v1/sessions/{session_id}/deposit"


class DepositView(ResponseBody):
    """What a driver's own wallet is to send for a session, and what became of it.

    Call `function` of `contract` on chain `chain_id` with the four arguments named here, or send `data` as it is; with
    `units` of the chain's smallest unit, or more: what is not due comes back. It counts once it lies `confirmations`
    blocks deep.
    """

    model_config = example(
        session_id="KAAAAAAAAAAAAAAAAA",
        state="awaited",
        chain_id=100,
        contract="0x00000000000000000000000000000000000000aa",
        function="deposit(bytes32,address,address,uint256)",
        session_name="0x" + 64 * "5",
        operator="0x00000000000000000000000000000000000000bb",
        payee="0x00000000000000000000000000000000000000cc",
        expires_at="2026-12-01T09:30:00Z",
        units="50000000000000000000",
        data="0x9a0f5c1e",
        confirmations=12,
    )
    session_id: str
    state: DepositState
    chain_id: int
    contract: str
    function: str
    session_name: Annotated[str, Field(description="the session's name on chain, which leads to nobody")]
    operator: Annotated[str, Field(description="whoever settles")]
    payee: Annotated[str, Field(description="whoever is paid")]
    expires_at: Annotated[
        datetime, Field(description="in the call as seconds since 1970; then it is the driver's again")
    ]
    units: Annotated[str, Field(description="a whole number, larger than most languages count exactly")]
    data: str
    confirmations: int


@endpoint(deposits, "GET", _DEPOSIT, answers=DepositView, errors=(404,))
def wanted_deposit(request: Request) -> DepositView:
    """What to sign for one of the caller's sessions, begun with `pays: deposit`. The key stays with its driver."""
    return _view(network().driver_deposits.wanted(request.driver_id, request.path["session_id"]))


@endpoint(deposits, "POST", _DEPOSIT, answers=DepositView, errors=(404, 409, 503))
def look_for_deposit(request: Request) -> DepositView:
    """Look at the chain now: ask every few seconds after signing, until it is `held` and the session goes on."""
    return _view(network().driver_deposits.look(request.driver_id, request.path["session_id"]))


def _view(it: WantedDeposit) -> DepositView:
    return DepositView(
        session_id=it.paper.session_id,
        state=it.state,
        chain_id=it.terms.chain_id,
        contract=f"0x{it.paper.contract}",
        function=it.function,
        session_name=f"0x{it.paper.name}",
        operator=f"0x{it.operator.hex()}",
        payee=f"0x{it.terms.payee.hex()}",
        expires_at=it.paper.expires_at,
        units=str(it.units),
        data=f"0x{it.data.hex()}",
        confirmations=it.terms.confirmations,
    )
