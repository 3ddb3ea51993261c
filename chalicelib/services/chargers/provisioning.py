"""Provisioning (OCPP's functional block B): a charger is set to what its operator declares and billing needs.

One message at a time, each from the answer to the one before, in whatever process that comes: `Setup` is the
conversation's memory, and the name of the message awaited its baton. A charger is looked at after each boot, when its
operator's profile has changed, and when a charge of it came without a meter, or as the first that its meter signed;
never while its BootNotification waits for its answer, nor while a car has been plugged in and a start may be at hand,
so the look begins with the next status that is neither (`is_due`). One that was in order is asked one question.
Nothing here may stand in the way of what the charger itself says: what fails is logged, and tried again after the next
boot.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from functools import partial

from chalicelib.domain.chargers.charging_ability import ChargingAbility, firmware_key
from chalicelib.domain.chargers.commands import Command, CommandResult, Unable
from chalicelib.domain.chargers.setup import (
    MeteringCapability,
    Read,
    Setup,
    asked,
    begun,
    failed,
    metering,
    read,
    written,
)
from chalicelib.domain.chargers.setup_profile import Aspect, ChargerTraits, SetupProfile, wishes
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock, NewId
from chalicelib.ports.chargers import Chargers, Setups, Sites
from chalicelib.ports.discovery import Places
from chalicelib.protocol.ocpp import setups as wording
from chalicelib.protocol.ocpp.abilities import ability_of
from chalicelib.records.chargers import Admission, Charger, Connection, Errand, Gone, Purpose, SentCall
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import Refusal, operators_own
from chalicelib.services.chargers.commands import ChargerCommands
from chalicelib.services.transparency.pinned_keys import PinnedKeys

# Chargers that a new profile reaches in a minute and operator, as far as there is time; the others are met when they
# connect anew, every two hours at the latest.
_AT_ONCE = 100
_RANDOM = random.SystemRandom()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Provisioning:
    """Sets chargers up, and shows how far that has come. `heartbeat_s` is what a boot is answered with, too.

    `ability_told(charger)`: whoever shares out power hears that what the charger can be told of it is another now.
    """

    setups: Setups
    chargers: Chargers
    sites: Sites
    places: Places
    commands: ChargerCommands
    clock: Clock
    new_id: NewId
    pinned_keys: PinnedKeys
    ability_told: Callable[[Charger], None]
    heartbeat_s: int | None = None

    # When a charger is to be looked at.

    def booted(self, charger: Charger | None) -> None:
        """A charger has started: what it was set to may be gone. One write."""
        if charger is not None:
            self._quietly(charger.charger_id, lambda: self.setups.mark_due(charger))

    def connected(self, charger: Charger) -> None:
        """A charger is back on the line: it may have missed a change of profile. One write, if it has."""

        def look() -> None:
            if charger.setup_profile != self.setups.profile(charger.operator_id).version:
                self.setups.mark_due(charger)

        self._quietly(charger.charger_id, look)

    def doubted(self, charger_id: str) -> None:
        """A charge ended without a meter, or the charger was registered anew: look again. One read, one write."""

        def look() -> None:
            charger = self.chargers.get(charger_id)
            if charger is not None:
                self.setups.mark_due(charger)

        self._quietly(charger_id, look)

    def is_due(self, connection: Connection) -> None:
        """The charger was marked, and has now said something else than that it boots."""
        self._quietly(connection.charger_id, lambda: self._begin(self.chargers.get(connection.charger_id)))

    def tend(self, part: Part = WHOLE) -> int:
        """Bring new profiles to chargers that are online; how many were asked."""
        tended = 0
        behind = list(self.setups.operators_behind())
        # Whoever runs out of time has not always left the same ones out.
        _RANDOM.shuffle(behind)
        for operator_id in part.in_time(behind, self.clock):
            version = self.setups.profile(operator_id).version
            for charger_id in part.in_time(self.setups.next_chargers(operator_id, _AT_ONCE), self.clock):
                charger = self.chargers.get(charger_id)
                if charger is not None and charger.setup_profile != version:
                    tended += self._quietly(charger_id, partial(self._begin, charger))
        return tended

    # What operators do and see.

    def profile(self, operator_id: str) -> SetupProfile:
        """What the operator's chargers are set to."""
        return self.setups.profile(operator_id)

    def put_profile(self, operator_id: str, profile: SetupProfile) -> None:
        """Declare it; chargers that are online follow within minutes, others when they are back."""
        self.setups.put_profile(operator_id, profile)

    def look(self, charger_id: str) -> Setup | None:
        """How a charger is set up, as far as is known."""
        return self.setups.get(charger_id)

    def again(self, operator_id: str, charger_id: str) -> None:
        """Look at a charger now, and ask again for what it refused. Raises NotFound, Refusal when it is offline."""
        charger = self._own(operator_id, charger_id)
        if not self._begin(charger, forgets=True):
            raise Refusal("charger_offline", f"charger {charger_id} is offline")

    # The conversation.

    def answered(self, call: SentCall, result: CommandResult) -> None:
        """The charger has answered what was awaited: go on. An answer to anything older counts no more."""
        setup = self.setups.get(call.charger_id)
        if setup is None or setup.awaited != call.message_id:
            return
        charger = self.chargers.get(call.charger_id)
        if charger is None:
            return
        names = tuple(call.subject.split())
        self._go_on(charger, _taken_in(setup, call.purpose, names, result), call.message_id)

    def _begin(self, charger: Charger | None, *, forgets: bool = False) -> bool:
        """Whether the charger was asked something, or need not be."""
        if charger is None or charger.connection_id is None or charger.protocol is None:
            return False
        if charger.admission is not Admission.ACCEPTED:
            return False
        profile = self.setups.profile(charger.operator_id)
        site = self.sites.get(charger.site_id)
        place = ChargerTraits(
            is_load_managed=site is not None and site.is_load_managed,
            has_main_meter=charger.has_main_meter,
            keeps_list=charger.keeps_list,
            heartbeat_s=self.heartbeat_s,
            signing_evses=tuple(sorted({it.evse for it in charger.connectors})) if charger.signs else (),
        )
        targets = wording.targets(charger.protocol, charger.vendor or "", charger.model or "", wishes(profile, place))
        known = self.setups.get(charger.charger_id)
        before = None if forgets else known
        setup = begun(before, profile.version, _identity(charger), targets, self.clock())
        if setup is None:
            _log.warning("charger boots too often to be set up", extra={"charger_id": charger.charger_id})
            return False
        return self._go_on(charger, setup, known.awaited if known else None)

    def _go_on(self, charger: Charger, setup: Setup, awaited_before: str | None) -> bool:
        """Ask what is to be asked next, or be done. The baton is written first: an answer cannot overtake it."""
        ask = asked(setup)
        if ask is None:
            self._settle(charger, replace(setup, awaited=None, settled_at=self.clock()), awaited_before)
            return True
        if isinstance(ask, Read):
            command: Command = wording.reading(ask)
            names, purpose = ask.names, Purpose.SETUP_READ
        else:
            command, names = wording.writing(charger.protocol or "", ask)
            purpose = Purpose.SETUP_WRITE
        errand = Errand(self.new_id(), purpose, " ".join(names))
        awaiting = replace(setup, awaited=errand.message_id, messages=setup.messages + 1)
        if not self.setups.save(charger.charger_id, awaiting, awaited_before):
            return False
        try:
            self.commands.order(charger, command, errand)
        except Gone:
            return False
        except Unable as error:
            _log.warning("charger cannot be asked", extra={"charger_id": charger.charger_id, "why": str(error)})
            unasked = failed(awaiting, names[:1], writing=purpose is Purpose.SETUP_WRITE)
            return self._go_on(charger, unasked, errand.message_id)
        return True

    def _settle(self, charger: Charger, setup: Setup, awaited_before: str | None) -> None:
        found = metering(setup)
        ability = _ability(charger, setup)
        if (charger.setup_profile, charger.metering, charger.ability) != (setup.profile, found, ability):
            self.setups.settle(charger.charger_id, setup.profile, found, ability)
            if charger.place is not None:
                self.places.set_metered(charger.place, found is not MeteringCapability.NONE)
        if charger.ability != ability:
            self.ability_told(charger)
        if setup.meter_keys:
            self.pinned_keys.configured(charger.charger_id, setup.meter_keys)
        # Last, so that whoever sees it settled sees what came of it too.
        self.setups.save(charger.charger_id, setup, awaited_before)
        _log.info("charger is set up", extra={"charger_id": charger.charger_id, "metering": found})

    def _own(self, operator_id: str, charger_id: str) -> Charger:
        return operators_own(self.chargers.get(charger_id), operator_id, f"charger {charger_id}")

    def _quietly(self, charger_id: str, work: Callable[[], bool | None]) -> bool:
        """Whether it was done; a charger's own message must not fail because of it."""
        try:
            done = work()
        except Exception:
            _log.exception("charger is not set up", extra={"charger_id": charger_id})
            return False
        return done is not False


def _taken_in(setup: Setup, purpose: Purpose, names: Sequence[str], result: CommandResult) -> Setup:
    if purpose is Purpose.SETUP_READ:
        said = wording.told(names, result)
        return failed(setup, names, writing=False) if said is None else read(setup, names, said)
    answers = wording.answered(names, result)
    return failed(setup, names, writing=True) if answers is None else written(setup, names, answers)


def _ability(charger: Charger, setup: Setup) -> ChargingAbility | None:
    """What it can be told of power, where that was asked; None where power is not shared out."""
    if setup.of(Aspect.RATE_UNITS) is None:
        return None
    return ability_of(charger.protocol or "", charger.vendor, charger.model, charger.firmware, setup)


def _identity(charger: Charger) -> str:
    return firmware_key(charger.protocol, charger.vendor, charger.model, charger.firmware)
