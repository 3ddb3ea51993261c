"""Reservations: a driver keeps a connector for a while. Whether its charger knows or not, nobody else starts there.

Everything is taken in an order that a crash may cut anywhere: the connector first, which frees itself when the time is
over, the record last. What becomes of a reservation bears its name, and so is decided once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.domain.chargers.commands import CancelReservation, Command, CommandResult, Reserve, Unable, Verdict
from chalicelib.domain.chargers.events import ConnectorId, ConnectorStatus
from chalicelib.domain.charging.names import session_id_for
from chalicelib.domain.charging.session import Origin, Reason, Session, State
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.rating import Reserved, Usage, price
from chalicelib.domain.reservations import (
    FURTHEST_AHEAD,
    HELD_FOR,
    Keeper,
    Reservation,
    ReservationStatus,
    may_reserve_from,
    was_of_use,
)
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Chargers, Connectors, History
from chalicelib.ports.charging import Sessions, Workflow
from chalicelib.ports.discovery import Places
from chalicelib.ports.money import Payments
from chalicelib.ports.reservations import Reservations
from chalicelib.records.chargers import Gone, Purpose, SentCall
from chalicelib.records.drivers import Driver
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import Refusal, drivers_own
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.drivers.eligibility import AvailableConnector, Eligibility, busy
from chalicelib.services.drivers.watches import Watches
from chalicelib.services.pricing.rating import final_bill

_log = logging.getLogger(__name__)
# Enough to see a day of a driver who keeps and keeps.
_LOOKED_AT = 30
# A card that is good for so much of what a charge holds is a card that works.
_PART_OF_HOLD = 10
# Where a car stands already, or nobody knows what does, nothing can be kept.
_CAN_BE_KEPT = (ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED)
# A charger that says so cannot keep it, and nobody else can (OCPP 1.6 §7.36, 2.0.1 ReserveNowStatusEnumType).
_HOPELESS = ("occupied", "faulted", "unavailable")


@dataclass(frozen=True, kw_only=True)
class DriverReservations:
    """Makes, extends, cancels and ends reservations."""

    reservations: Reservations
    chargers: Chargers
    connectors: Connectors
    history: History
    places: Places
    sessions: Sessions
    eligibility: Eligibility
    watches: Watches
    commands: ChargerCommands
    workflow: Workflow
    payments: Callable[[], Payments]
    clock: Clock
    new_id: NewId

    def make(
        self, driver_id: str, charger_id: str, connector: ConnectorId, arrives_in: timedelta, key: str | None
    ) -> tuple[Reservation, bool]:
        """Keep a connector; returns the reservation, and whether it is new. Raises NotFound, Refusal."""
        reservation_id = session_id_for("reservation", driver_id, key or self.new_id())
        known = self.reservations.get(reservation_id) if key else None
        if known is not None:
            if (known.charger_id, known.connector) != (charger_id, connector):
                raise Refusal("idempotency_key_reused", "this Idempotency-Key reserved another connector")
            return known, False
        driver = self.eligibility.payer(driver_id)
        spot = self.eligibility.spot(driver, charger_id, connector)
        if spot.state.status not in _CAN_BE_KEPT:
            raise busy(connector)
        if spot.reservation is not None:
            if key and spot.reservation.reservation_id == reservation_id:
                # The same request, made at the same moment.
                return spot.reservation, False
            raise Refusal("reservation_open", f"you keep connector {connector} already")
        self.eligibility.note_beginning(driver_id, reservation_id)
        now = self.clock()
        self._refuse_whoever_keeps_in_vain(driver_id, now)
        until = now + min(arrives_in, FURTHEST_AHEAD) + HELD_FOR
        reservation = _reservation(reservation_id, driver_id, spot, now, until)
        if not self.reservations.take_turn(driver_id, reservation_id, reservation.until, now):
            raise Refusal("reservation_open", "you have a reservation already; cancel it first")
        self._check_card(driver, reservation)
        if spot.state.session_id is not None:
            # Left behind by a session that is over: `spot` has seen to that.
            self.connectors.free(charger_id, connector, spot.state.session_id)
        if not self.connectors.keep(charger_id, connector, reservation_id, reservation.until, now):
            self.reservations.end_turn(driver_id, reservation_id)
            raise Refusal("connector_reserved", f"connector {connector} has just been taken")
        self.reservations.add(reservation)
        self._show(reservation, reservation.until)
        self._order(reservation, Reserve(reservation.number, reservation_id, reservation.until, connector))
        return self.reservations.get(reservation_id) or reservation, True

    def get(self, driver_id: str, reservation_id: str) -> Reservation:
        """One of the driver's reservations. Raises NotFound."""
        return drivers_own(self.reservations.get(reservation_id), driver_id, f"reservation {reservation_id}")

    def extend(self, driver_id: str, reservation_id: str) -> Reservation:
        """Keep it a quarter of an hour longer, an hour at the most. Raises NotFound, Refusal."""
        reservation = self._open(driver_id, reservation_id)
        until = reservation.extended()
        if until <= reservation.until:
            raise Refusal("reservation_too_long", "a reservation lasts an hour at the most")
        place = (reservation.charger_id, reservation.connector)
        if not self.connectors.keep(*place, reservation_id, until, self.clock()):
            raise Refusal("reservation_over", "the connector is somebody else's by now")
        if not self.reservations.extend(reservation, until):
            raise Refusal("reservation_over", "the reservation ended at this moment")
        self.reservations.take_turn(driver_id, reservation_id, until, self.clock())
        longer = replace(reservation, until=until)
        self._show(longer, until)
        self._order(longer, Reserve(longer.number, reservation_id, until, longer.connector))
        return longer

    def cancel(self, driver_id: str, reservation_id: str) -> Reservation:
        """Give it up; what was kept so far is paid for by tariff. Doing it again changes nothing. Raises NotFound."""
        reservation = self.get(driver_id, reservation_id)
        if reservation.is_open(self.clock()):
            ended = self.reservations.end(reservation_id, ReservationStatus.CANCELLED, self.clock())
            self._finish(ended or self.get(driver_id, reservation_id))
        return self.get(driver_id, reservation_id)

    def use(self, reservation: Reservation) -> Reserved:
        """The driver has come. Raises Refusal when it is over."""
        now = self.clock()
        ended = self.reservations.end(reservation.reservation_id, ReservationStatus.USED, now)
        if ended is None:
            ended = self.reservations.get(reservation.reservation_id)
            if ended is None or ended.standing is not ReservationStatus.USED:
                raise Refusal("reservation_over", "the reservation is over")
        self._show(reservation, None)
        return Reserved(reservation.created_at, ended.ended_at or now)

    def let_go(self, reservation: Reservation) -> None:
        """Its session has the connector now."""
        self.reservations.settle(reservation)

    def kept_for(self, charger_id: str, connector: ConnectorId) -> Reservation | None:
        """The reservation that a connector is kept for now."""
        for state in self.connectors.of_charger(charger_id):
            if state.connector == connector and state.is_kept(self.clock()):
                return self.reservations.get(state.reserved_for or "")
        return None

    def answered(self, call: SentCall, result: CommandResult) -> None:
        """The charger keeps it, or leaves that to us; where a car stands already there is nothing to keep."""
        reservation_id = call.subject
        reservation = self.reservations.get(reservation_id)
        if reservation is None:
            return
        if result.verdict is Verdict.ACCEPTED:
            self.reservations.kept_by(reservation_id, Keeper.CHARGER)
        elif any(word in result.detail.casefold() for word in _HOPELESS):
            ended = self.reservations.end(reservation_id, ReservationStatus.REFUSED, self.clock())
            if ended is not None:
                self._finish(ended)
        else:
            self.reservations.kept_by(reservation_id, Keeper.BACKEND)

    def told(self, charger_id: str, number: int) -> None:
        """The charger keeps it no longer, by its own account; until its time is over we keep others away ourselves."""
        for state in self.connectors.of_charger(charger_id):
            reservation = self.reservations.get(state.reserved_for) if state.reserved_for else None
            if reservation is None or reservation.number != number:
                continue
            if reservation.is_open(self.clock()):
                self.reservations.kept_by(reservation.reservation_id, Keeper.BACKEND)
            elif reservation.standing is ReservationStatus.OPEN:
                ended = self.reservations.end(reservation.reservation_id, ReservationStatus.EXPIRED, reservation.until)
                self._finish(ended or reservation)

    def sweep(self, part: Part = WHOLE) -> int:
        """End what is over, and finish what a crash left half ended; returns how many."""
        count = 0
        for reservation in part.in_time(self.reservations.due(self.clock(), part.shard), self.clock):
            count += 1
            try:
                ended = self.reservations.end(reservation.reservation_id, ReservationStatus.EXPIRED, reservation.until)
                self._finish(ended or self.reservations.get(reservation.reservation_id) or reservation)
            except Exception:
                # One that cannot be ended must not keep the others; it comes again in a minute.
                _log.exception("not ended", extra={"reservation_id": reservation.reservation_id})
        return count

    def _refuse_whoever_keeps_in_vain(self, driver_id: str, now: datetime) -> None:
        again_at = may_reserve_from(self.reservations.of_driver(driver_id, _LOOKED_AT), now)
        if again_at is not None:
            raise Refusal(
                "reservation_cool_down", f"too much was reserved and not used; reserve again from {again_at:%H:%M} UTC"
            )

    def _check_card(self, driver: Driver, reservation: Reservation) -> None:
        """End the turn unless the card is good for what coming too late costs, or a part of the usual hold: Refusal."""
        # Each charger's first frame waits for this service, and for no card.
        from chalicelib.records.money import Declined  # noqa: PLC0415

        tariff = reservation.tariff
        if tariff.is_free:
            return
        missed = Reserved(reservation.created_at, reservation.until, has_expired=True)
        fee_minor = price(tariff, Usage((), missed), reservation.time_zone).total_minor
        amount_minor = max(fee_minor, -(-tariff.hold_minor // _PART_OF_HOLD))
        try:
            self.payments().check_card(driver, tariff.currency, amount_minor, reservation.reservation_id)
        except Declined as error:
            self.reservations.end_turn(reservation.driver_id, reservation.reservation_id)
            raise Refusal("payment_declined", f"the card is not good for a reservation: {error}") from None

    def _finish(self, reservation: Reservation) -> None:
        """Give the connector back, and ask for what is owed; safe to do again."""
        place = (reservation.charger_id, reservation.connector)
        state = self.connectors.keep_no_longer(*place, reservation.reservation_id)
        if reservation.standing is ReservationStatus.CANCELLED:
            self._order(reservation, CancelReservation(reservation.number))
        if reservation.standing in (ReservationStatus.CANCELLED, ReservationStatus.EXPIRED):
            self._charge(reservation)
        self._show(reservation, None)
        self.watches.seen(reservation.charger_id, state)
        self.reservations.settle(reservation)

    def _charge(self, reservation: Reservation) -> None:
        """A session without a charge, if keeping the connector costs something and was of use; three queries then."""
        ended_at = reservation.ended_at or reservation.until
        expired = reservation.standing is ReservationStatus.EXPIRED
        session = Session(
            session_id=reservation.reservation_id,
            operator_id=reservation.operator_id,
            site_id=reservation.site_id,
            charger_id=reservation.charger_id,
            connector=reservation.connector,
            origin=Origin.RESERVATION,
            token=reservation.reservation_id,
            driver_id=reservation.driver_id,
            tariff=reservation.tariff,
            time_zone=reservation.time_zone,
            created_at=reservation.created_at,
            reserved=Reserved(reservation.created_at, ended_at, has_expired=expired),
            state=State.STOPPING,
            reason=Reason.RESERVATION_EXPIRED if expired else Reason.RESERVATION_CANCELLED,
            stop_requested_at=ended_at,
            stopped_at=ended_at,
        )
        if not final_bill(session).total_minor:
            return
        happened = self.history.between(reservation.charger_id, reservation.created_at, ended_at)
        if was_of_use(reservation, happened, ended_at) and self.sessions.add(session):
            self.workflow.start(session)

    def _open(self, driver_id: str, reservation_id: str) -> Reservation:
        reservation = self.get(driver_id, reservation_id)
        if not reservation.is_open(self.clock()):
            raise Refusal("reservation_over", "the reservation is over")
        return reservation

    def _show(self, reservation: Reservation, until: datetime | None) -> None:
        charger = self.chargers.get(reservation.charger_id)
        if charger is not None and charger.place is not None:
            self.places.set_kept(charger.place, reservation.connector, until)

    def _order(self, reservation: Reservation, command: Command) -> None:
        purpose = Purpose.RESERVE if isinstance(command, Reserve) else Purpose.OPERATOR
        try:
            self.commands.send(reservation.charger_id, command, purpose, reservation.reservation_id)
        except (Gone, Unable):
            _log.info("the charger is not told of a reservation", extra={"charger_id": reservation.charger_id})
            self.reservations.kept_by(reservation.reservation_id, Keeper.BACKEND)


def _reservation(
    reservation_id: str, driver_id: str, spot: AvailableConnector, now: datetime, until: datetime
) -> Reservation:
    return Reservation(
        reservation_id=reservation_id,
        operator_id=spot.charger.operator_id,
        site_id=spot.site.site_id,
        charger_id=spot.charger.charger_id,
        connector=spot.state.connector,
        driver_id=driver_id,
        tariff=spot.tariff,
        time_zone=spot.site.time_zone,
        created_at=now,
        until=until,
    )
