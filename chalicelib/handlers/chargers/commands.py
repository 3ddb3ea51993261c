"""Routes for commands to chargers: each is sent at once, and its answer can be waited for or asked after."""

from __future__ import annotations

import re

from chalice import Blueprint

from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.handlers.chargers.command_models import ASSISTS, CommandState, CommandView, Order, StartBody
from chalicelib.handlers.http.endpoint import KEY_FORM, Answer, BadRequest, Request, Scope, endpoint
from chalicelib.records.chargers import SentCall
from chalicelib.wiring import network

commands = Blueprint(__name__)

# API Gateway ends a request after 29 s.
_LONGEST_WAIT_S = 25
_WAIT_S = 10
_NUMBER = re.compile(r"[0-9]{1,2}")
_WAIT = {"wait_s": f"how long to wait for the charger's answer, 0 to {_LONGEST_WAIT_S} seconds"}
_COMMANDS = "/v1/operator/chargers/{charger_id}/commands"


@endpoint(
    commands,
    "POST",
    _COMMANDS,
    takes=Order,
    answers=CommandView,
    also={202: "The charger has not answered yet; ask again at Location"},
    errors=(400, 404, 409),
    needs=Scope.CHARGERS_COMMAND,
    eases=(Scope.CHARGERS_ASSIST, lambda body: body.root.command in ASSISTS),
    headers={"Idempotency-Key": f"the same key again sends nothing and gives the first command's answer ({KEY_FORM})"},
    query=_WAIT,
)
def order(request: Request) -> Answer:
    """Send a command to a charger, and wait a little for its answer."""
    wait_s = _wait_s(request, _WAIT_S)
    sent = network().remote_control.order(
        request.operator_id,
        request.path["charger_id"],
        request.body.to_command(),
        request.idempotency_key,
    )
    return _fate(request, sent, wait_s)


@endpoint(
    commands, "GET", _COMMANDS + "/{command_id}", answers=CommandView, errors=(400, 404), needs=Scope.CHARGERS_READ
)
def command(request: Request) -> CommandView:
    """A command and its answer, as far as it has come."""
    path = request.path
    return view(network().remote_control.fate(request.operator_id, path["charger_id"], path["command_id"]))


@endpoint(
    commands,
    "POST",
    "/v1/operator/chargers/{charger_id}/start",
    takes=StartBody,
    answers=CommandView,
    also={202: "The charger has not answered yet; ask again at Location"},
    errors=(400, 404, 409),
    needs=Scope.SESSIONS_START,
    headers={"Idempotency-Key": f"the same key again sends nothing and gives the first command's answer ({KEY_FORM})"},
    query=_WAIT,
)
def start_charge(request: Request) -> Answer:
    """Have a charge begun for a driver who stands there, with a token that the operator issued to them.

    It is as if the token had been shown: what it may not begin ends, and its driver pays and is told as ever.
    """
    wait_s = _wait_s(request, _WAIT_S)
    body: StartBody = request.body
    token = network().issued_tokens.look(request.operator_id, body.uid)
    connector = ConnectorId.parse(body.connector)
    sent = network().remote_control.start(
        request.operator_id, request.path["charger_id"], connector, token.uid, request.idempotency_key
    )
    return _fate(request, sent, wait_s)


@endpoint(
    commands,
    "POST",
    "/v1/operator/chargers/{charger_id}/password",
    answers=CommandView,
    also={202: "The charger has not answered yet; ask again at Location"},
    errors=(400, 404, 409),
    needs=Scope.CHARGERS_WRITE,
    query=_WAIT,
)
def change_charger_password(request: Request) -> Answer:
    """Give a charger a new password. Nobody reads it; the old one stays good until the charger uses the new one."""
    wait_s = _wait_s(request, _WAIT_S)
    sent = network().remote_control.change_password(request.operator_id, request.path["charger_id"])
    return _fate(request, sent, wait_s)


def _fate(request: Request, sent: SentCall, wait_s: int) -> Answer:
    charger_id = request.path["charger_id"]
    call = network().remote_control.fate(request.operator_id, charger_id, sent.message_id, wait_s)
    location = _COMMANDS.format(charger_id=charger_id) + f"/{call.message_id}"
    return Answer(view(call), 202 if call.result is None else 200, {"Location": location})


def view(call: SentCall) -> CommandView:
    """A command as its operator sees it."""
    unanswered = "unanswered" if network().clock() > call.due_at else "pending"
    return CommandView(
        command_id=call.message_id,
        action=call.action,
        state=CommandState(call.result.verdict if call.result else unanswered),
        detail=call.result.detail if call.result else "",
        answer=dict(call.result.data) if call.result else None,
        deviation=call.result.deviation if call.result else None,
        sent_at=call.sent_at,
        due_at=call.due_at,
        answered_at=call.answered_at,
        is_late=call.answered_at is not None and call.answered_at > call.due_at,
    )


def _wait_s(request: Request, usual: int) -> int:
    text = request.query.get("wait_s", str(usual))
    if not _NUMBER.fullmatch(text) or int(text) > _LONGEST_WAIT_S:
        raise BadRequest(f"wait_s must be a number from 0 to {_LONGEST_WAIT_S}", "wait_s")
    return int(text)
