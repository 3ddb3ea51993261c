"""What is due of a bill: less where its operator corrects it, and less by what is too little to be asked for.

A bill is never changed. What is taken away from it stands beside it, by whom and why, and only ever lowers what its
driver pays: before the bill a correction bounds it, after it what is unpaid is waived and what is paid goes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from chalicelib.domain.charging.session import Correction, Session, State
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.bill import Bill


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """So much of the bill, in all, is too little to be asked for, and is let go."""

    written_off_minor: int


@dataclass(frozen=True, slots=True)
class BillCorrected:
    """An operator says what the session shall cost its driver at the most."""

    correction: Correction


@dataclass(frozen=True, slots=True)
class CorrectionSettled:
    """What a correction comes to is booked: so much was waived, and what was paid beyond it has gone back."""

    key: str
    waived_minor: int = 0


@dataclass(frozen=True, slots=True)
class CorrectionWithdrawn:
    """A correction could not be carried out: the provider gives nothing back."""

    key: str


def refund_key(key: str) -> str:
    """Under which key the correction of that key gives money back; no caller's key has a space."""
    return f"correction {key}"


def costs_minor(session: Session) -> int:
    """What a session costs its driver as it stands: what was paid and has not gone back, and what is due."""
    paid_minor = session.payment.amount_minor if session.payment else session.taken_minor
    return paid_minor - session.refunded_minor + session.due_minor


DueEvent = WrittenOff | BillCorrected | CorrectionSettled | CorrectionWithdrawn


def billed(session: Session, bill: Bill) -> Session:
    """The session with its bill, and what was corrected before there was one taken from it: the lowest word counts."""
    open_ones = [it for it in session.corrections if not it.is_settled]
    lowest = min(open_ones, key=lambda it: it.total_minor, default=None)
    corrections = tuple(
        replace(
            it,
            is_settled=True,
            waived_minor=max(0, bill.total_minor - it.total_minor) if it is lowest else it.waived_minor,
        )
        for it in session.corrections
    )
    return replace(session, bill=bill, corrections=corrections)


def _write_off(session: Session, event: WrittenOff) -> Session:
    if session.bill is None or event.written_off_minor <= session.written_off_minor:
        return session
    return replace(session, written_off_minor=event.written_off_minor)


def _correct(session: Session, event: BillCorrected) -> Session:
    if any(it.key == event.correction.key for it in session.corrections):
        return session
    return replace(session, corrections=(*session.corrections, event.correction))


def _settle(session: Session, event: CorrectionSettled) -> Session:
    known = next((it for it in session.corrections if it.key == event.key), None)
    if known is None or known.is_settled:
        return session
    settled = replace(known, is_settled=True, waived_minor=event.waived_minor)
    return replace(session, corrections=tuple(settled if it is known else it for it in session.corrections))


def _withdraw(session: Session, event: CorrectionWithdrawn) -> Session:
    kept = tuple(it for it in session.corrections if it.key != event.key or it.is_settled)
    return session if len(kept) == len(session.corrections) else replace(session, corrections=kept)


DUES: Mapping[tuple[State, type], Callable[..., Session]] = {
    **{(state, BillCorrected): _correct for state in State},
    (State.STOPPING, WrittenOff): _write_off,
    **{(state, WrittenOff): _write_off for state in (State.COMPLETED, State.FAILED)},
    **{(state, CorrectionSettled): _settle for state in (State.COMPLETED, State.FAILED)},
    **{(state, CorrectionWithdrawn): _withdraw for state in (State.COMPLETED, State.FAILED)},
}
