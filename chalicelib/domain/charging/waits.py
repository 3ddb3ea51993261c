"""The steps at which a session's workflow waits, and when what each waits for has come about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from chalicelib.domain.charging.holds import is_confirmed
from chalicelib.domain.charging.session import Session, State


class Step(StrEnum):
    """A step of the workflow that waits, named by what it waits for."""

    HOLD = "hold"
    START = "start"
    END = "end"
    STOP = "stop"
    REVIEW = "review"
    PAYMENT = "payment"


_IS_MET: Mapping[Step, Callable[[Session], bool]] = {
    # What a wallet has set aside is not all, where a card's holder is asked for the rest.
    Step.HOLD: lambda session: (
        (session.hold is not None and is_confirmed(session)) or session.state is not State.INITIATED
    ),
    Step.START: lambda session: session.state is not State.INITIATED,
    Step.END: lambda session: session.state is State.STOPPING,
    Step.STOP: lambda session: session.stopped_at is not None,
    Step.REVIEW: lambda session: not session.needs_review and not session.is_standing,
    Step.PAYMENT: lambda session: session.payment is not None,
}


def is_met(step: Step, session: Session) -> bool:
    """Whether what the workflow waits for at `step` has come about, or can no longer."""
    return session.is_over or _IS_MET[step](session)
