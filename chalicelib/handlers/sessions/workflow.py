"""The Lambdas of the session workflow (Step Functions): each step calls one method of Lifecycle and adds nothing."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint

from chalicelib.handlers.http.observability import count, timed
from chalicelib.wiring import network

steps = Blueprint(__name__)

Event = dict[str, Any]


@steps.lambda_function(name="place_hold")
def place_hold(event: Event, context: object) -> None:
    """Set money aside; the task token waits where the cardholder has to confirm."""
    network().lifecycle.place_hold(event["session_id"], event["task_token"])


@steps.lambda_function(name="start_charging")
def start_charging(event: Event, context: object) -> None:
    """Ask the charger to begin; the task token waits for energy."""
    waited = network().lifecycle.start_charging(event["session_id"], event["task_token"])
    if waited is not None:
        timed("StartCommand", waited)


@steps.lambda_function(name="await_end")
def await_end(event: Event, context: object) -> None:
    """The task token waits until somebody wants the end, or it has come; after it, until a person has looked."""
    wait = network().lifecycle.await_review if event.get("is_ended") else network().lifecycle.await_end
    wait(event["session_id"], event["task_token"])


@steps.lambda_function(name="stop_charging")
def stop_charging(event: Event, context: object) -> None:
    """Ask the charger to end; the task token waits for its final reading."""
    network().lifecycle.stop_charging(event["session_id"], event["task_token"])


@steps.lambda_function(name="settle")
def settle(event: Event, context: object) -> None:
    """Price and capture; the task token waits for the payment provider's word."""
    network().lifecycle.settle(event["session_id"], event["task_token"])


@steps.lambda_function(name="issue_receipt")
def issue_receipt(event: Event, context: object) -> Event:
    """Complete the session, and issue its receipt."""
    ended = network().lifecycle.issue_receipt(event["session_id"])
    count("SessionsCompleted")
    return ended


@steps.lambda_function(name="abort")
def abort(event: Event, context: object) -> Event:
    """Clean up after a step that failed."""
    error = event.get("error") or {}
    ended = network().lifecycle.abort(event["session_id"], str(error.get("Error", "")), str(error.get("Cause", "")))
    if ended["over"]:
        count("SessionsFailed", reason=str(ended["reason"]))
    return ended
