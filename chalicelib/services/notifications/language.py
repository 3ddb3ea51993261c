"""The language that a driver is told things in: their own, or else that of the operator; English speaks for nobody."""

from __future__ import annotations

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.languages import ENGLISH
from chalicelib.domain.money.receipt import Profile
from chalicelib.ports.drivers import Drivers
from chalicelib.ports.money import OperatorProfiles


@dataclass(frozen=True)
class Languages:
    """Finds the locale of a driver's papers and messages."""

    drivers: Drivers
    operator_profiles: OperatorProfiles

    def of(self, driver_id: str | None, operator_id: str, known: Profile | None = None) -> str:
        """A locale such as de-CH. One read, and one more for a driver who has not said what they speak.

        `known` saves that one to a caller that has it.
        """
        driver = self.drivers.get(driver_id) if driver_id else None
        if driver is not None and driver.locale:
            return driver.locale
        profile = known or self.operator_profiles.get(operator_id)
        return (profile.language if profile else "") or ENGLISH
