"""What drivers say of themselves: the language they read, and which version of the terms of use they accept."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.ports.drivers import Drivers
from chalicelib.records.drivers import AcceptedTerms, Driver, TermsOfUse
from chalicelib.services.access import NotFound, Refusal


@dataclass(frozen=True)
class Preferences:
    """Keeps a driver's locale, and each version of the terms they accepted with the time of that."""

    drivers: Drivers
    terms_of_use: TermsOfUse
    clock: Clock

    def speak(self, driver_id: str, locale: str) -> Driver:
        """From now on papers and messages come so; empty: as the operator's. Raises NotFound."""
        return self._changed(driver_id, lambda it: replace(it, locale=locale))

    def accept(self, driver_id: str, version: str) -> Driver:
        """The driver accepts these terms; when they did first is kept. Raises NotFound, Refusal."""
        accepted = self.acceptance(version)

        def added(it: Driver) -> Driver:
            return it if it.has_accepted(self.terms_of_use) else replace(it, accepted=(*it.accepted, accepted))

        return self._changed(driver_id, added)

    def acceptance(self, version: str) -> AcceptedTerms:
        """These terms, accepted now. Raises Refusal unless they hold: nobody accepts what they cannot read any more."""
        if not version or version != self.terms_of_use.version:
            current = self.terms_of_use.version or "none"
            raise Refusal("terms_outdated", f"the terms of use that hold now are version {current}")
        return AcceptedTerms(version, self.clock())

    def _changed(self, driver_id: str, change: Callable[[Driver], Driver]) -> Driver:
        driver = self.drivers.change(driver_id, change)
        if driver is None:
            raise NotFound(f"driver {driver_id}")
        return driver
