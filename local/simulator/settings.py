"""A setting is changed only by a value it can take, and its name is found whatever its capitals (OCPP CiString).

1.6 calls settings keys; 2.x calls them variables of components, written `Component#evse/connector.Variable[instance]`
here. What a setting does is the same in both: `Role` is the word for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

_READ, _WRITE, _BOTH = "ReadOnly", "WriteOnly", "ReadWrite"
_ENERGY = "Energy.Active.Import.Register"
_SAMPLED = f"{_ENERGY},Power.Active.Import,SoC"
_MEASURED = frozenset(_SAMPLED.split(","))
_BY_PHASE = ("Current.Import", "Voltage")


class Role(Enum):
    """What the charger itself reads a setting for."""

    HEARTBEAT_S = auto()
    METER_INTERVAL_S = auto()
    CONNECTION_TIMEOUT_S = auto()
    AUTHORIZE_REMOTE = auto()
    LIST_ENABLED = auto()
    LIST_ITEMS = auto()
    PASSWORD = auto()
    START_VALUES = auto()
    READINGS = auto()
    STOP_VALUES = auto()


@dataclass
class Setting:
    """One setting. `limits` bound a number, or the length of a text; `kind` is a data type of OCPP 2.0.1."""

    name: str
    value: str
    kind: str = "string"
    mutability: str = _READ
    limits: tuple[float, float] = (0, 500)
    role: Role | None = None
    needs_reboot: bool = False
    is_refused: bool = False
    members: frozenset[str] = _MEASURED

    @property
    def is_readable(self) -> bool:
        """A password is not."""
        return self.mutability != _WRITE

    @property
    def is_writable(self) -> bool:
        """Whether a backend may change it."""
        return self.mutability != _READ

    def can_be(self, value: str) -> bool:
        """Whether it can take this value."""
        low, high = self.limits
        match self.kind:
            case "integer":
                return value.isascii() and value.isdecimal() and low <= int(value) <= high
            case "boolean":
                return value.casefold() in ("true", "false")
            case "MemberList":
                # Measurands, for no other list can be written: what it has no meter for it does not take (1.6 §9.1.19).
                return {it.strip() for it in value.split(",") if it.strip()} <= self.members
            case _:
                return low <= len(value) <= high


class Settings:
    """All of a charger's settings."""

    def __init__(self, table: Iterable[Setting]) -> None:
        self._by_name = {it.name.casefold(): it for it in table}
        self._by_role = {it.role: it for it in self._by_name.values() if it.role is not None}
        self._changed = asyncio.Event()
        self._waiting: dict[str, str] = {}

    def all(self) -> list[Setting]:
        """In the order of the table."""
        return list(self._by_name.values())

    def find(self, name: str) -> Setting | None:
        """None when there is no such setting."""
        return self._by_name.get(name.casefold())

    def add(self, name: str, value: str) -> None:
        """Give a setting a value at the factory; one that no standard knows is the maker's own."""
        known = self.find(name)
        if known is None:
            self._by_name[name.casefold()] = Setting(name, value, mutability=_BOTH)
        else:
            known.value = value

    def measure_phases(self) -> None:
        """The meter has phases: their currents and voltages can be told, and with a charge's readings they are."""
        for it in self._by_name.values():
            it.members = _MEASURED | {*_BY_PHASE}
        readings = self.of(Role.READINGS)
        readings.value = ",".join((readings.value, *_BY_PHASE))

    def of(self, role: Role) -> Setting:
        """The setting that plays a role."""
        return self._by_role[role]

    def number(self, role: Role) -> float:
        """As the charger reads it."""
        return float(self._by_role[role].value)

    def flag(self, role: Role) -> bool:
        """As the charger reads it."""
        return self._by_role[role].value.casefold() == "true"

    def has(self, role: Role, item: str) -> bool:
        """Whether a list has it; one that nobody set has all."""
        if role not in self._by_role:
            return True
        return item.casefold() in (it.strip().casefold() for it in self._by_role[role].value.split(","))

    def reboot(self, factory: Settings | None = None) -> None:
        """What waited for that takes effect; all but the password is as `factory` had it, if nothing is remembered."""
        for name, value in self._waiting.items():
            self._by_name[name].value = value
        self._waiting.clear()
        for it in factory.all() if factory is not None else ():
            if it.role is not Role.PASSWORD:
                self._by_name[it.name.casefold()].value = it.value

    def write(self, name: str, value: str) -> str:
        """Change it as a backend asks, now or at the next reboot. Returns the status: 2.x's, but for Unknown."""
        setting = self.find(name)
        if setting is None:
            return "Unknown"
        if not setting.is_writable or setting.is_refused or not setting.can_be(value):
            return "Rejected"
        if setting.needs_reboot:
            self._waiting[name.casefold()] = value
            return "RebootRequired"
        self.put(setting, value)
        return "Accepted"

    def put(self, setting: Setting, value: str) -> None:
        """Change it, and wake whoever waits for as long as it says."""
        setting.value = value
        self._changed.set()
        self._changed.clear()

    async def wait(self, role: Role) -> None:
        """Let the seconds pass that a setting says: a change counts at once, and 0 means never."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (left_s := (self.number(role) or math.inf) - (loop.time() - began)) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(left_s) else left_s):
                    await self._changed.wait()


def settings16(connectors: int) -> list[Setting]:
    """The keys of OCPP 1.6 §9 and of its security extension."""
    whole = "integer"
    return [
        Setting("HeartbeatInterval", "300", whole, _BOTH, (0, 86_400), Role.HEARTBEAT_S),
        Setting("MeterValueSampleInterval", "10", whole, _BOTH, (0, 86_400), Role.METER_INTERVAL_S),
        Setting("ConnectionTimeOut", "60", whole, _BOTH, (0, 86_400), Role.CONNECTION_TIMEOUT_S),
        Setting("AuthorizeRemoteTxRequests", "false", "boolean", _BOTH, role=Role.AUTHORIZE_REMOTE),
        Setting("LocalAuthListEnabled", "true", "boolean", _BOTH, role=Role.LIST_ENABLED),
        Setting("SendLocalListMaxLength", "1000", whole, role=Role.LIST_ITEMS),
        Setting("LocalAuthListMaxLength", "10000", whole),
        Setting("AuthorizationKey", "", "string", _WRITE, (16, 40), Role.PASSWORD),
        Setting("SecurityProfile", "1", whole),
        Setting("CpoName", "Kerb", "string", _BOTH),
        Setting("NumberOfConnectors", str(connectors), whole),
        Setting("AllowOfflineTxForUnknownId", "true", "boolean", _BOTH),
        Setting("AuthorizationCacheEnabled", "true", "boolean"),
        Setting("LocalAuthorizeOffline", "true", "boolean", _BOTH),
        Setting("LocalPreAuthorize", "false", "boolean", _BOTH),
        Setting("ClockAlignedDataInterval", "0", whole, _BOTH, (0, 86_400)),
        Setting("ConnectorPhaseRotation", "NotApplicable"),
        Setting("GetConfigurationMaxKeys", "100", whole),
        Setting("LightIntensity", "100", whole, _BOTH, (0, 100)),
        Setting("MeterValuesAlignedData", ""),
        Setting("MeterValuesSampledData", _SAMPLED, "MemberList", _BOTH, role=Role.READINGS),
        Setting("ResetRetries", "1", whole),
        Setting("StopTransactionOnEVSideDisconnect", "true", "boolean", _BOTH),
        Setting("StopTransactionOnInvalidId", "true", "boolean", _BOTH),
        Setting("StopTxnAlignedData", "", "MemberList", _BOTH),
        Setting("StopTxnSampledData", "", "MemberList", _BOTH),
        Setting("TransactionMessageAttempts", "3", whole, _BOTH, (1, 100)),
        Setting("TransactionMessageRetryInterval", "1", whole, _BOTH, (0, 86_400)),
        Setting("UnlockConnectorOnEVSideDisconnect", "true", "boolean", _BOTH),
        Setting("ReserveConnectorZeroSupported", "false", "boolean"),
        Setting("ChargeProfileMaxStackLevel", "10", whole),
        Setting("ChargingScheduleAllowedChargingRateUnit", "Current,Power"),
        Setting("ChargingScheduleMaxPeriods", "100", whole),
        Setting("MaxChargingProfilesInstalled", "100", whole),
        Setting(
            "SupportedFeatureProfiles",
            "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
        ),
    ]


def settings201(connectors: int, longest_password: int = 40) -> list[Setting]:
    """What OCPP 2.0.1 part 2, appendix 3, requires of every charging station, and where its plugs are."""
    whole, name = "integer", "SecurityCtrlr.BasicAuthPassword"
    plugs = [f"EVSE#{number}.AvailabilityState" for number in range(1, connectors + 1)]
    plugs += [f"Connector#{number}/1.AvailabilityState" for number in range(1, connectors + 1)]
    return [
        Setting("ChargingStation.AvailabilityState", "Available", "OptionList"),
        *(Setting(plug, "Available", "OptionList") for plug in plugs),
        Setting("ChargingStation.Model", "Simulator"),
        Setting("ChargingStation.VendorName", "Kerb"),
        Setting("OCPPCommCtrlr.HeartbeatInterval", "300", whole, _BOTH, (0, 86_400), Role.HEARTBEAT_S),
        Setting("OCPPCommCtrlr.NetworkConfigurationPriority", "1", "SequenceList", _BOTH, needs_reboot=True),
        Setting("OCPPCommCtrlr.NetworkProfileConnectionAttempts", "3", whole),
        Setting("OCPPCommCtrlr.OfflineThreshold", "60", whole),
        Setting("OCPPCommCtrlr.ResetRetries", "1", whole),
        Setting("OCPPCommCtrlr.FileTransferProtocols", "HTTPS", "MemberList"),
        Setting("OCPPCommCtrlr.MessageTimeout[Default]", "30", whole),
        Setting("OCPPCommCtrlr.MessageAttempts[TransactionEvent]", "3", whole, _BOTH, (1, 100)),
        Setting("OCPPCommCtrlr.MessageAttemptInterval[TransactionEvent]", "1", whole, _BOTH, (0, 86_400)),
        Setting("OCPPCommCtrlr.RetryBackOffWaitMinimum", "1", whole, _BOTH, (0, 86_400)),
        Setting("OCPPCommCtrlr.RetryBackOffRandomRange", "1", whole, _BOTH, (0, 86_400)),
        Setting("OCPPCommCtrlr.RetryBackOffRepeatTimes", "3", whole, _BOTH, (0, 20)),
        Setting("OCPPCommCtrlr.UnlockOnEVSideDisconnect", "true", "boolean", _BOTH),
        Setting("SampledDataCtrlr.TxUpdatedInterval", "10", whole, _BOTH, (0, 86_400), Role.METER_INTERVAL_S),
        Setting("SampledDataCtrlr.TxUpdatedMeasurands", _SAMPLED, "MemberList", _BOTH, role=Role.READINGS),
        Setting("SampledDataCtrlr.TxStartedMeasurands", _ENERGY, "MemberList", _BOTH, role=Role.START_VALUES),
        Setting("SampledDataCtrlr.TxEndedMeasurands", _ENERGY, "MemberList", _BOTH, role=Role.STOP_VALUES),
        Setting("SampledDataCtrlr.TxEndedInterval", "0", whole, _BOTH, (0, 86_400)),
        Setting("AlignedDataCtrlr.Interval", "0", whole, _BOTH, (0, 86_400)),
        Setting("AlignedDataCtrlr.TxEndedMeasurands", "", "MemberList", _BOTH),
        Setting("TxCtrlr.EVConnectionTimeOut", "60", whole, _BOTH, (0, 86_400), Role.CONNECTION_TIMEOUT_S),
        Setting("TxCtrlr.StopTxOnInvalidId", "true", "boolean", _BOTH),
        Setting("TxCtrlr.StopTxOnEVSideDisconnect", "true", "boolean", _BOTH),
        Setting("TxCtrlr.TxStartPoint", "Authorized", "MemberList"),
        Setting("TxCtrlr.TxStopPoint", "Authorized,EVConnected", "MemberList"),
        Setting("AuthCtrlr.AuthorizeRemoteStart", "false", "boolean", _BOTH, role=Role.AUTHORIZE_REMOTE),
        Setting("AuthCtrlr.OfflineTxForUnknownIdEnabled", "true", "boolean", _BOTH),
        Setting("AuthCtrlr.LocalAuthorizeOffline", "true", "boolean", _BOTH),
        Setting("AuthCtrlr.LocalPreAuthorize", "false", "boolean", _BOTH),
        Setting("AuthCacheCtrlr.Enabled", "true", "boolean"),
        Setting("LocalAuthListCtrlr.Enabled", "true", "boolean", _BOTH, role=Role.LIST_ENABLED),
        Setting("LocalAuthListCtrlr.Entries", "0", whole),
        Setting("LocalAuthListCtrlr.ItemsPerMessage", "1000", whole, role=Role.LIST_ITEMS),
        Setting("LocalAuthListCtrlr.BytesPerMessage", "65000", whole),
        Setting("SecurityCtrlr.SecurityProfile", "1", whole),
        Setting("SecurityCtrlr.OrganizationName", "Kerb", "string", _BOTH),
        Setting("SecurityCtrlr.Identity", "", "string"),
        Setting(name, "", "string", _WRITE, (16, longest_password), Role.PASSWORD),
        Setting("DeviceDataCtrlr.ItemsPerMessage[GetReport]", "1000", whole),
        Setting("DeviceDataCtrlr.ItemsPerMessage[GetVariables]", "1000", whole),
        Setting("DeviceDataCtrlr.ItemsPerMessage[SetVariables]", "1000", whole),
        Setting("ReservationCtrlr.Available", "true", "boolean"),
        Setting("ReservationCtrlr.NonEvseSpecific", "false", "boolean"),
        Setting("SmartChargingCtrlr.ProfileStackLevel", "10", whole),
        Setting("SmartChargingCtrlr.RateUnit", "A,W", "MemberList"),
        Setting("SmartChargingCtrlr.PeriodsPerSchedule", "100", whole),
        Setting("SmartChargingCtrlr.Entries[ChargingProfiles]", "100", whole),
        Setting("DisplayMessageCtrlr.DisplayMessages", "0", whole),
        Setting("DisplayMessageCtrlr.SupportedFormats", "ASCII,UTF8", "MemberList"),
        Setting("MonitoringCtrlr.Available", "true", "boolean"),
        Setting("MonitoringCtrlr.Enabled", "true", "boolean", _BOTH),
    ]
