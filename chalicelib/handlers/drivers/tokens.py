"""Routes for a driver's RFID tokens, and an operator's terms for a driver."""

from __future__ import annotations

from chalice import Blueprint
from pydantic import TypeAdapter, ValidationError

from chalicelib.handlers.drivers.models import OwnToken, TermsBody, TokenList, TokenView
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, endpoint
from chalicelib.handlers.http.fields import Id
from chalicelib.records.drivers import Terms, Token
from chalicelib.wiring import network

tokens = Blueprint(__name__)

_UID: TypeAdapter[str] = TypeAdapter(Id)
_ONES_OWN = "/v1/me/tokens/{uid}"


@endpoint(tokens, "GET", "/v1/me/tokens", answers=TokenList)
def my_tokens(request: Request) -> TokenList:
    """The caller's RFID tokens, their own and those that operators gave them."""
    return TokenList(items=[token(it) for it in network().driver_tokens.of_driver(request.driver_id)])


@endpoint(tokens, "PUT", _ONES_OWN, takes=OwnToken, status=204, errors=(400, 404, 409))
def put_my_token(request: Request) -> Answer:
    """Add an RFID token of one's own, or block one, or let it be used again."""
    network().driver_tokens.put(request.driver_id, _uid(request), blocked=request.body.blocked)
    return Answer()


@endpoint(tokens, "DELETE", _ONES_OWN, status=204, errors=(400, 404, 409))
def remove_my_token(request: Request) -> Answer:
    """Give up an RFID token of one's own."""
    network().driver_tokens.remove(request.driver_id, _uid(request))
    return Answer()


@endpoint(
    tokens,
    "PUT",
    "/v1/operator/drivers/{driver_id}",
    takes=TermsBody,
    status=204,
    errors=(404,),
    needs_operator=True,
)
def put_terms(request: Request) -> Answer:
    """Agree on a tariff with a driver (a free one, say), or let them charge no more at this operator's chargers."""
    body: TermsBody = request.body
    network().driver_tokens.agree(request.operator_id, request.path["driver_id"], Terms(body.tariff_id, body.blocked))
    return Answer()


def token(it: Token) -> TokenView:
    """An RFID token as its driver sees it."""
    return TokenView(
        uid=it.uid,
        operator_id=it.operator_id or None,
        blocked=it.blocked_by_driver,
        blocked_by_operator=it.blocked,
    )


def _uid(request: Request) -> str:
    try:
        return _UID.validate_python(request.path["uid"]).upper()
    except ValidationError as error:
        raise BadRequest(f"uid: {error.errors()[0]['msg']}", "uid") from None
