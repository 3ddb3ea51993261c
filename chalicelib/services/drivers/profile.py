"""What a driver says of themselves: their business, where to push to, what not to be told, how they usually charge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from chalicelib.domain.charging.preferences import UsualPreferences
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.party import Business
from chalicelib.domain.notifications import Channel, NotificationKind
from chalicelib.ports.drivers import Drivers
from chalicelib.records.drivers import Device, Driver
from chalicelib.services.access import NotFound, Refusal

_MOST_DEVICES = 10


@dataclass(frozen=True)
class DriverProfile:
    """Keeps it in the driver's row: two calls a change."""

    drivers: Drivers

    def set_business(self, driver_id: str, business: Business | None) -> None:
        """What stands on papers from now on; None: they charge for themselves. Raises NotFound."""
        self._change(driver_id, lambda it: replace(it, business=business))

    def add_device(self, driver_id: str, device: Device) -> None:
        """Push to that device too; the same id again replaces its token. Raises NotFound, Refusal."""

        def added(driver: Driver) -> Driver:
            others = tuple(it for it in driver.devices if it.device_id != device.device_id and it.token != device.token)
            if len(others) >= _MOST_DEVICES:
                raise Refusal(
                    "too_many_devices", f"an account has {_MOST_DEVICES} devices at the most; remove one first"
                )
            return replace(driver, devices=(*others, device))

        self._change(driver_id, added)

    def remove_device(self, driver_id: str, device_id: str) -> None:
        """Push there no more; nothing happens when nobody did. Raises NotFound for an unknown driver."""
        self._change(
            driver_id,
            lambda it: replace(it, devices=tuple(other for other in it.devices if other.device_id != device_id)),
        )

    def mute(self, driver_id: str, muted: Collection[tuple[NotificationKind, Channel]]) -> None:
        """What they do not want to be told, and which way, from now on. Raises NotFound."""
        names = frozenset(f"{kind}/{channel}" for kind, channel in muted)
        self._change(driver_id, lambda it: replace(it, muted=names))

    def prefer(self, driver_id: str, usual: Sequence[UsualPreferences]) -> None:
        """How they want to charge, from the next session on, where they do not say so of it. Raises NotFound."""
        self._change(driver_id, lambda it: replace(it, usual=tuple(usual)))

    def _change(self, driver_id: str, change: Callable[[Driver], Driver]) -> None:
        if self.drivers.change(driver_id, change) is None:
            raise NotFound(f"driver {driver_id}")
