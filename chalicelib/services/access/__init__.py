"""Ownership and refusals: who may have what, and the answers of a request that cannot be granted.

Whose a thing is, is asked here and nowhere else: another's thing and no thing at all are the same answer. A refusal
says which rule stands in the way.
"""

from __future__ import annotations

from typing import Protocol, TypeVar


class NotFound(Exception):
    """No such thing, or not this person's; the two look alike from outside."""


class Refusal(Exception):
    """The request is understood and cannot be granted; `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class OfOperator(Protocol):
    """What an operator has: a charger, a site, a tariff, a session at a charger of its own."""

    @property
    def operator_id(self) -> str:
        """Whose it is."""


class OfDriver(Protocol):
    """What a driver has: a session, a reservation, a token. Nobody's, if its driver's account is deleted."""

    @property
    def driver_id(self) -> str | None:
        """Whose it is."""


OperatorThing = TypeVar("OperatorThing", bound=OfOperator)
DriverThing = TypeVar("DriverThing", bound=OfDriver)


def is_operators(thing: OfOperator, operator_id: str) -> bool:
    """Whether it is that operator's."""
    return thing.operator_id == operator_id


def is_drivers(thing: OfDriver, driver_id: str | None) -> bool:
    """Whether it is that driver's; what was a deleted account's is nobody's."""
    return driver_id is not None and thing.driver_id == driver_id


def operators_own(thing: OperatorThing | None, operator_id: str, what: str) -> OperatorThing:
    """The thing, if it is there and that operator's. Raises NotFound, which names `what` was asked for."""
    if thing is None or not is_operators(thing, operator_id):
        raise NotFound(what)
    return thing


def drivers_own(thing: DriverThing | None, driver_id: str, what: str) -> DriverThing:
    """The thing, if it is there and that driver's. Raises NotFound, which names `what` was asked for."""
    if thing is None or not is_drivers(thing, driver_id):
        raise NotFound(what)
    return thing


def not_another_operators(thing: OfOperator | None, operator_id: str, what: str) -> None:
    """An id that one operator uses cannot be used by another. Raises Refusal (`taken`)."""
    if thing is not None and not is_operators(thing, operator_id):
        raise Refusal("taken", f"{what} is taken")
