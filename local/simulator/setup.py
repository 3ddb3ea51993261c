"""A charger as it left the factory: what never changes, and what its settings were at first."""

from __future__ import annotations

from dataclasses import dataclass, field

from local.simulator.limits import Oddities
from local.simulator.parts import Dialect
from local.simulator.settings import Role, Settings

# MicroOcpp over 2.0.1, as delivered: a charge tells of no meter.
UNMEASURED = {
    "SampledDataCtrlr.TxStartedMeasurands": "",
    "SampledDataCtrlr.TxUpdatedMeasurands": "",
    "SampledDataCtrlr.TxUpdatedInterval": "0",
    "SampledDataCtrlr.TxEndedMeasurands": "",
}


@dataclass(frozen=True)
class Setup:
    """A charger as built, and how it misbehaves. `settings` are values from the factory, by the version's names.

    At `speed` 0 time brings no energy: what flows is what somebody lets the car draw.
    Of settings, by name: those of `refused` it changes for nobody, those of `read_only` it says it cannot change, those
    of `at_reboot` change when it starts anew; and one that `forgets` has lost all of them by then, and its charging
    profiles. One that `measures_phases` can tell Current.Import and Voltage by phase. Below `least_a` (6 in nature) no
    car charges; `ramp_s` is how long one takes from nothing to full power. `oddities`: how it bends charging profiles.
    """

    charger_id: str
    password: str
    url: str
    version: str = "1.6"
    connectors: int = 2
    interval_s: float = 10.0
    speed: float = 1.0
    connection_timeout_s: float = 60.0
    first_wait_s: float = 1.0
    authorize_remote: bool = False
    never_starts: bool = False
    rejects_remote_start: bool = False
    ignores_remote_stop: bool = False
    duplicates: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    read_only: frozenset[str] = frozenset()
    at_reboot: frozenset[str] = frozenset()
    forgets: bool = False
    measures_phases: bool = False
    least_a: float = 0.0
    ramp_s: float = 0.0
    oddities: Oddities = field(default_factory=Oddities)

    def first_settings(self, words: Dialect) -> Settings:
        """The settings of its OCPP version, with its own values."""
        settings = Settings(words.settings(self.connectors))
        settings.of(Role.METER_INTERVAL_S).value = f"{self.interval_s:g}"
        settings.of(Role.CONNECTION_TIMEOUT_S).value = f"{self.connection_timeout_s:g}"
        settings.of(Role.AUTHORIZE_REMOTE).value = str(self.authorize_remote).lower()
        settings.of(Role.PASSWORD).value = self.password
        if self.measures_phases:
            settings.measure_phases()
        for name, value in self.settings.items():
            settings.add(name, value)
        for it in settings.all():
            it.is_refused = it.name in self.refused
            it.needs_reboot = it.needs_reboot or it.name in self.at_reboot
            if it.name in self.read_only:
                it.mutability = "ReadOnly"
        return settings
