"""Decides a session's energy, once, from all its charger told, before anybody pays for it.

What its meter signed is billed, whatever the plain readings say, but never more than its plug can have given. What the
evidence cannot bound waits for a person, as long as the money set aside for it can still be taken.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.charging.ends import SignedLate, Unplugged
from chalicelib.domain.charging.holds import HOLD_IS_GOOD_FOR, good_until
from chalicelib.domain.charging.occupation import Occupation, occupation
from chalicelib.domain.charging.rivals import uncontested
from chalicelib.domain.charging.session import Session
from chalicelib.domain.charging.transitions import EnergyDecided, EnergyMeasured, Flagged
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.pricing.energy import Measured
from chalicelib.domain.pricing.evidence import ORDINARY_CHARGE, Flag
from chalicelib.domain.transparency.signed_records import SignedEnergy, Unproven, differs, rule
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers, Setups, Sites
from chalicelib.ports.charging import Readings
from chalicelib.services.access import Refusal, operators_own
from chalicelib.services.at_once import together
from chalicelib.services.charging.session_changes import SessionChanges
from chalicelib.services.pricing.evidence import Evidence
from chalicelib.services.transparency.signed_evidence import SignedEvidence

# Before that a charge nobody has looked at is settled by what is proven.
_IN_TIME = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Metering:
    """Decides what a session's energy was; `decide` is how a person does."""

    evidence: Evidence
    signed: SignedEvidence
    readings: Readings
    changes: SessionChanges
    sites: Sites
    chargers: Chargers
    setups: Setups
    clock: Clock

    def measured(self, session: Session, unplugged_at: datetime | None = None) -> Session:
        """The session with all that a bill needs, its readings standing in for what the charger never said.

        `unplugged_at` is when its connector was seen free, should that be known by now.
        """
        if session.measured_wh is not None:
            return session
        found = self.weigh(session)
        if found is None:
            return session
        left = (Unplugged(unplugged_at),) if unplugged_at is not None else ()
        return self.changes.apply(session.session_id, found, *left, known=session)

    def weigh(self, session: Session) -> EnergyMeasured | None:
        """What its evidence comes to; None where its charger has told of no transaction."""
        if session.ref is None:
            return None
        began_at, until = session.started_at or session.created_at, session.stopped_at or self.clock()
        plain, signed = together(
            lambda: self.evidence.whole(session),
            lambda: self.signed.of(session, began_at, until),
        )
        if signed is not None:
            self._have_keys_asked(session.charger_id)
        found, is_contradicted = self._judged(session, plain, signed)
        found = self._uncontested(session, found, until)
        flags = {Flag.END_UNKNOWN} if session.stopped_at is None else set[Flag]()
        ended_at = session.stopped_at or self._last_seen(session)
        if session.started_at is not None and ended_at - session.started_at > ORDINARY_CHARGE:
            flags.add(Flag.LONG_CHARGE)
        return EnergyMeasured(
            at=ended_at,
            energy_wh=found.energy_wh,
            meter_start_wh=found.first_wh if found.is_bounded else None,
            meter_stop_wh=found.last_wh if found.is_bounded else None,
            flags=found.flags | flags,
            review_until=self._review_until(session, found, is_contradicted=is_contradicted),
            occupation=self._occupation(session, ended_at, found),
            signed=replace(signed, told_wh=plain.energy_wh) if signed is not None else None,
        )

    def _judged(self, session: Session, plain: Measured, signed: SignedEnergy | None) -> tuple[Measured, bool]:
        """What is billed of what was told plainly and what was signed, and whether a person is to look first.

        One read more where something was signed.
        """
        if signed is None:
            return plain, False
        if signed.is_contradicted:
            site = self.sites.get(session.site_id)
            what = rule(site.country if site else "", session.time_zone)
            billed_wh = 0 if what is Unproven.FREE else plain.energy_wh
            flagged = replace(plain, energy_wh=billed_wh, flags=plain.flags | {Flag.SIGNATURE_INVALID})
            return flagged, what is Unproven.ASK
        if signed.energy_wh is None:
            return plain, False
        if signed.energy_wh > self.evidence.most_wh(session):
            # No signature makes possible what the plug cannot give.
            return replace(plain, flags=plain.flags | {Flag.SIGNED_DIFFERS}), True
        differing = {Flag.SIGNED_DIFFERS} if differs(signed.energy_wh, plain.energy_wh) else set[Flag]()
        return replace(plain, energy_wh=signed.energy_wh, flags=plain.flags | differing, is_bounded=True), False

    def _uncontested(self, session: Session, found: Measured, until: datetime) -> Measured:
        """Without what another charge had, which was told of its plug meanwhile. One read where there is one."""
        rival = self.changes.sessions.get(session.rival_id) if session.rival_id is not None else None
        return found if rival is None else uncontested(found, session, rival, until)

    def _have_keys_asked(self, charger_id: str) -> None:
        """A charger is asked for its meters' keys once one of them has signed. A read; two writes the first time."""
        charger = self.chargers.get(charger_id)
        if charger is not None and not charger.signs:
            self.setups.note_signing(charger)
            self.setups.mark_due(charger)

    def compare(self, session: Session) -> None:
        """See to what its meter signed and its charger told only after the session was weighed, where that is other.

        What is less will be given back; of more nothing is ever taken for it.
        """
        if session.measured_wh is None or session.ref is None:
            return
        began_at, until = session.started_at or session.created_at, session.stopped_at or self.clock()
        signed = self.signed.of(session, began_at, until)
        if signed is None:
            return
        flags = [Flag.SIGNATURE_INVALID] if signed.is_contradicted else []
        if signed.energy_wh is not None and differs(signed.energy_wh, session.measured_wh):
            flags.append(Flag.SIGNED_DIFFERS)
        late = [SignedLate(signed.energy_wh)] if signed.energy_wh is not None else []
        if flags or late:
            self.changes.apply(session.session_id, *late, *map(Flagged, flags), known=session)

    def decide(self, operator_id: str, session_id: str, energy_wh: int, who: str) -> Session:
        """A person has looked: so much is billed, 0 for nothing. Saying it again changes nothing.

        Raises NotFound, and Refusal where it is decided already or its plug cannot have given that much.
        """
        session = operators_own(self.changes.sessions.get(session_id), operator_id, f"session {session_id}")
        if session.decided_wh == energy_wh:
            return session
        if not session.needs_review:
            raise Refusal("not_in_review", "this session does not wait for anybody to say what its energy was")
        most_wh = self.evidence.most_wh(session)
        if energy_wh > most_wh:
            raise Refusal("energy_impossible", f"its plug can have given {most_wh} Wh in that time and no more")
        return self.changes.apply(session_id, EnergyDecided(self.clock(), energy_wh, who), known=session)

    def settle_unseen(self, session: Session) -> bool:
        """Whether a session that waits for a person waits no longer: then what is proven is its energy."""
        if session.review_until is None or self.clock() < session.review_until:
            return False
        decided = EnergyDecided(self.clock(), session.measured_wh or 0, "")
        self.changes.apply(session.session_id, decided, known=session)
        return True

    def _occupation(self, session: Session, ended_at: datetime, found: Measured) -> Occupation | None:
        """How its time was spent, by what its connector became meanwhile and what its registers show."""
        if session.started_at is None:
            return None
        uses = found.reported.uses if session.tariff.charges_for_time else self.evidence.uses(session)
        return occupation(session.started_at, ended_at, uses, found.points)

    def _review_until(self, session: Session, found: Measured, *, is_contradicted: bool) -> datetime | None:
        """Until when a person may decide; None where nobody has to, or there is nothing to pay."""
        if (found.is_bounded and not is_contradicted) or session.driver_id is None or session.tariff.is_free:
            return None
        otherwise = session.created_at + HOLD_IS_GOOD_FOR
        until = min((good_until(session, it) for it in session.holds), default=otherwise) - _IN_TIME
        return until if until > self.clock() else None

    def _last_seen(self, session: Session) -> datetime:
        """When a charge whose end nobody told was last seen; not after its end was wished for, by our clock."""
        began_at = session.started_at or session.created_at
        if session.ref is None:
            return began_at
        first = self.readings.after(session.charger_id, session.ref, "", limit=1)
        newest = self.readings.newest(session.charger_id, session.ref)
        if not first or not newest:
            return began_at
        at = newest[0].reading.at
        if Flag.CLOCK_WRONG in session.flags:
            # A clock that is wrong still measures how long.
            at = began_at + (at - first[0].reading.at)
        return max(began_at, min(at, session.stop_requested_at or at))
