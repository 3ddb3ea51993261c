"""A charger's settings by the names of its OCPP version: wishes become keys or variables, and answers become ours.

1.6: configuration keys (§9). 2.x: variables of components (part 2, appendix 3), written `Component.Variable/instance`,
or `Component@2.Variable` of EVSE 2, as `read_settings` takes them. What is known of single makers stands in `_QUIRKS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.chargers.commands import Ask, Command, CommandResult, ReadSettings, WriteSetting
from chalicelib.domain.chargers.setup import Kind, Read, ReportedValue, Target, Write, WriteAnswer
from chalicelib.domain.chargers.setup_profile import Aspect, DesiredSetting, Quantity, Value
from chalicelib.domain.data_classes import dataclass
from chalicelib.protocol.ocpp.settings import COST_SHOWN

_QUANTITIES: dict[Quantity, tuple[str, ...]] = {
    Quantity.ENERGY: ("Energy.Active.Import.Register",),
    Quantity.POWER: ("Power.Active.Import",),
    Quantity.SOC: ("SoC",),
    Quantity.CURRENT: ("Current.Import",),
    Quantity.VOLTAGE: ("Voltage",),
    # A measurand without a phase is told by phase where the meter has phases; few take `Current.Import.L1`.
    Quantity.CURRENT_BY_PHASE: ("Current.Import",),
    Quantity.POWER_BY_PHASE: ("Power.Active.Import", "Voltage"),
}
_NAMES16 = {
    Aspect.MOST_READ: "GetConfigurationMaxKeys",
    Aspect.MOST_QUANTITIES: "MeterValuesSampledDataMaxLength",
    Aspect.READINGS: "MeterValuesSampledData",
    Aspect.READING_INTERVAL: "MeterValueSampleInterval",
    Aspect.STOP_READINGS: "StopTxnSampledData",
    Aspect.CLOCK_STOP_VALUES: "StopTxnAlignedData",
    Aspect.CLOCK_READINGS: "MeterValuesAlignedData",
    Aspect.CLOCK_INTERVAL: "ClockAlignedDataInterval",
    Aspect.MESSAGE_ATTEMPTS: "TransactionMessageAttempts",
    Aspect.MESSAGE_WAIT: "TransactionMessageRetryInterval",
    Aspect.PING: "WebSocketPingInterval",
    Aspect.HEARTBEAT: "HeartbeatInterval",
    Aspect.LIST_KEPT: "LocalAuthListEnabled",
    Aspect.LIST_FIRST: "LocalPreAuthorize",
    Aspect.OFFLINE_KNOWN: "LocalAuthorizeOffline",
    Aspect.OFFLINE_UNKNOWN: "AllowOfflineTxForUnknownId",
    Aspect.STOP_ON_REFUSAL: "StopTransactionOnInvalidId",
    Aspect.STOP_ON_UNPLUG: "StopTransactionOnEVSideDisconnect",
    Aspect.UNLOCK_ON_UNPLUG: "UnlockConnectorOnEVSideDisconnect",
    Aspect.PLUG_IN_TIME: "ConnectionTimeOut",
    Aspect.RATE_UNITS: "ChargingScheduleAllowedChargingRateUnit",
    Aspect.MOST_STACK_LEVEL: "ChargeProfileMaxStackLevel",
    Aspect.MOST_PERIODS: "ChargingScheduleMaxPeriods",
    Aspect.MOST_PROFILES: "MaxChargingProfilesInstalled",
    Aspect.PHASES_SWITCH: "ConnectorSwitch3to1PhaseSupported",
    Aspect.FEATURES: "SupportedFeatureProfiles",
    Aspect.KEY_SENT: "PublicKeyWithSignedMeterValue",
}
_NAMES201 = {
    Aspect.MOST_READ: "DeviceDataCtrlr.ItemsPerMessage/GetVariables",
    Aspect.MOST_WRITTEN: "DeviceDataCtrlr.ItemsPerMessage/SetVariables",
    Aspect.STOP_VALUES: "SampledDataCtrlr.TxEndedMeasurands",
    Aspect.STOP_INTERVAL: "SampledDataCtrlr.TxEndedInterval",
    Aspect.START_VALUES: "SampledDataCtrlr.TxStartedMeasurands",
    Aspect.READINGS: "SampledDataCtrlr.TxUpdatedMeasurands",
    Aspect.READING_INTERVAL: "SampledDataCtrlr.TxUpdatedInterval",
    Aspect.READINGS_SENT: "SampledDataCtrlr.Enabled",
    Aspect.TOTALS_ONLY: "SampledDataCtrlr.RegisterValuesWithoutPhases",
    Aspect.CLOCK_STOP_VALUES: "AlignedDataCtrlr.TxEndedMeasurands",
    Aspect.CLOCK_READINGS: "AlignedDataCtrlr.Measurands",
    Aspect.CLOCK_INTERVAL: "AlignedDataCtrlr.Interval",
    Aspect.CLOCK_READINGS_SENT: "AlignedDataCtrlr.Enabled",
    Aspect.MESSAGE_ATTEMPTS: "OCPPCommCtrlr.MessageAttempts/TransactionEvent",
    Aspect.MESSAGE_WAIT: "OCPPCommCtrlr.MessageAttemptInterval/TransactionEvent",
    Aspect.RECONNECT_WAIT: "OCPPCommCtrlr.RetryBackOffWaitMinimum",
    Aspect.RECONNECT_SPREAD: "OCPPCommCtrlr.RetryBackOffRandomRange",
    Aspect.RECONNECT_DOUBLINGS: "OCPPCommCtrlr.RetryBackOffRepeatTimes",
    Aspect.PING: "OCPPCommCtrlr.WebSocketPingInterval",
    Aspect.HEARTBEAT: "OCPPCommCtrlr.HeartbeatInterval",
    Aspect.LIST_KEPT: "LocalAuthListCtrlr.Enabled",
    Aspect.LIST_FIRST: "AuthCtrlr.LocalPreAuthorize",
    Aspect.OFFLINE_KNOWN: "AuthCtrlr.LocalAuthorizeOffline",
    Aspect.OFFLINE_UNKNOWN: "AuthCtrlr.OfflineTxForUnknownIdEnabled",
    Aspect.STOP_ON_REFUSAL: "TxCtrlr.StopTxOnInvalidId",
    Aspect.STOP_ON_UNPLUG: "TxCtrlr.StopTxOnEVSideDisconnect",
    # Not in TxCtrlr, as one would think (appendix 3.1.7).
    Aspect.UNLOCK_ON_UNPLUG: "OCPPCommCtrlr.UnlockOnEVSideDisconnect",
    Aspect.PLUG_IN_TIME: "TxCtrlr.EVConnectionTimeOut",
    Aspect.RATE_UNITS: "SmartChargingCtrlr.RateUnit",
    Aspect.MOST_STACK_LEVEL: "SmartChargingCtrlr.ProfileStackLevel",
    Aspect.MOST_PERIODS: "SmartChargingCtrlr.PeriodsPerSchedule",
    Aspect.MOST_PROFILES: "SmartChargingCtrlr.Entries/ChargingProfiles",
    Aspect.PHASES_SWITCH: "SmartChargingCtrlr.Phases3to1",
    Aspect.PHASE_IS_CHOSEN: "SmartChargingCtrlr.ACPhaseSwitchingSupported",
    Aspect.LIMITS_THERE: "SmartChargingCtrlr.Available",
    Aspect.LIMITS_ON: "SmartChargingCtrlr.Enabled",
    Aspect.MASTER_PASS: "AuthCtrlr.MasterPassGroupId",
    Aspect.COST_SHOWN: COST_SHOWN,
    Aspect.KEY_SENT: "OCPPCommCtrlr.PublicKeyWithSignedMeterValue",
}
# OCA's application note on signed meter values, 3.3.1 and 4.3.2; of the first its text and its examples differ.
_OF_EVSES16 = {Aspect.METER_KEY: ("MeterPublicKey[{}]", "MeterPublicKey{}")}
_OF_EVSES201 = {Aspect.METER_KEY: ("FiscalMetering@{}.PublicKey",)}
_LIMITS = (
    DesiredSetting(Aspect.MOST_READ),
    DesiredSetting(Aspect.MOST_WRITTEN),
    DesiredSetting(Aspect.MOST_QUANTITIES),
)


@dataclass(frozen=True, slots=True)
class Quirk:
    """A maker's quirk: settings of its chargers not to be touched, and numbers that are too small for them.

    `maker` is how their vendor name begins, whatever its capitals; `model` likewise, none for all of them. What a
    charger merely refuses needs no entry: it is asked for the next best by itself.
    """

    maker: str
    model: str = ""
    leaves: frozenset[Aspect] = frozenset()
    least: tuple[tuple[Aspect, int], ...] = ()


_QUIRKS = (
    # An empty list takes its signed values out of the stop as well (EVerest/libocpp issue 472).
    Quirk("pionix", leaves=frozenset({Aspect.STOP_READINGS, Aspect.CLOCK_STOP_VALUES})),
    # "The station takes no shorter one" (evcc-io/evcc issue 19271).
    Quirk("mennekes", least=((Aspect.READING_INTERVAL, 60),)),
)


def targets(protocol: str, vendor: str, model: str, wishes: Sequence[DesiredSetting]) -> tuple[Target, ...]:
    """What a charger of that version and make shall be set to, by its own names; what it has no name for is left out.

    Limits of its messages come first: they are read before anything else.
    """
    quirk = _quirk(vendor, model)
    return tuple(
        Target(name=name, aspect=wish.aspect, choices=_choices(wish, quirk), kind=_kind(wish), evse=wish.evse)
        for wish in (*_LIMITS, *wishes)
        for name in _names(protocol, wish)
        if wish.aspect not in quirk.leaves
    )


def _names(protocol: str, wish: DesiredSetting) -> Sequence[str]:
    """What a version calls it; some is called in two ways."""
    if wish.evse:
        return [it.format(wish.evse) for it in (_OF_EVSES16 if _is_16(protocol) else _OF_EVSES201)[wish.aspect]]
    name = (_NAMES16 if _is_16(protocol) else _NAMES201).get(wish.aspect)
    return (name,) if name else ()


def _is_16(protocol: str) -> bool:
    return protocol.lower() == "ocpp1.6"


def _quirk(vendor: str, model: str) -> Quirk:
    maker, kind = vendor.strip().casefold(), model.strip().casefold()
    found = (it for it in _QUIRKS if maker.startswith(it.maker) and kind.startswith(it.model))
    return next(found, Quirk(maker))


def _kind(wish: DesiredSetting) -> Kind:
    value = wish.choices[0] if wish.choices else 0
    if isinstance(value, tuple):
        return Kind.AT_LEAST if value else Kind.EXACTLY
    if isinstance(value, str):
        return Kind.EXACTLY
    return Kind.FLAG if isinstance(value, bool) else Kind.NUMBER


def _choices(wish: DesiredSetting, quirk: Quirk) -> tuple[str, ...]:
    least = dict(quirk.least).get(wish.aspect)
    return tuple(dict.fromkeys(_value(it, least) for it in wish.choices))


def _value(value: Value, least: int | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value if least is None else max(value, least))
    if isinstance(value, str):
        return value
    return ",".join(dict.fromkeys(word for it in value for word in _QUANTITIES[it]))


def reading(ask: Read) -> Command:
    """The command that reads."""
    return ReadSettings(ask.names)


def writing(protocol: str, ask: Write) -> tuple[Command, tuple[str, ...]]:
    """The command that writes as much of it as one message can, and the names of that."""
    if _is_16(protocol):
        name, value = ask.values[0]
        return WriteSetting(name, value), (name,)
    data = [{"attributeValue": value, **place(name)} for name, value in ask.values]
    return Ask("SetVariables", {"setVariableData": data}), tuple(name for name, _ in ask.values)


def place(name: str) -> dict[str, Any]:
    """The component and the variable of a name of ours."""
    component, _, variable = name.partition(".")
    component, _, evse = component.partition("@")
    variable, _, instance = variable.partition("/")
    return {
        "component": {"name": component} | ({"evse": {"id": int(evse)}} if evse else {}),
        "variable": {"name": variable} | ({"instance": instance} if instance else {}),
    }


def told(names: Sequence[str], result: CommandResult) -> Mapping[str, ReportedValue] | None:
    """What a charger says its settings are, by the names asked for; None where it did not answer that at all."""
    keys, variables = result.data.get("configurationKey"), result.data.get("getVariableResult")
    ours = {it.casefold(): it for it in names}
    found: dict[str, ReportedValue] = {}
    if isinstance(keys, list):
        for it in _objects(keys):
            name = ours.get(str(it.get("key")).casefold())
            if name is not None:
                # An empty value may be left out.
                found[name] = ReportedValue(_text(it.get("value")) or "", it.get("readonly") is True)
    elif isinstance(variables, list):
        for it in _objects(variables):
            name = ours.get(_name(it).casefold())
            if name is not None and it.get("attributeStatus") == "Accepted":
                found[name] = ReportedValue(_text(it.get("attributeValue")) or "")
    elif "unknownKey" not in result.data:
        return None
    return found


def answered(names: Sequence[str], result: CommandResult) -> Mapping[str, WriteAnswer] | None:
    """What a charger says to values it was sent, by their names; None where it did not answer that at all."""
    results = result.data.get("setVariableResult")
    if isinstance(results, list):
        ours = {it.casefold(): it for it in names}
        found = {ours.get(_name(it).casefold()): _answer(it.get("attributeStatus")) for it in _objects(results)}
        return {name: answer for name, answer in found.items() if name is not None}
    status = result.data.get("status")
    return {name: _answer(status) for name in names} if status is not None else None


_ANSWERS = {
    "Accepted": WriteAnswer.ACCEPTED,
    "RebootRequired": WriteAnswer.NEEDS_REBOOT,
    "NotSupported": WriteAnswer.NOT_KNOWN,
    "UnknownComponent": WriteAnswer.NOT_KNOWN,
    "UnknownVariable": WriteAnswer.NOT_KNOWN,
}


def _answer(status: object) -> WriteAnswer:
    return _ANSWERS.get(str(status), WriteAnswer.REFUSED)


def _objects(items: list[Any]) -> list[dict[str, Any]]:
    return [it for it in items if isinstance(it, dict)]


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _name(item: Mapping[str, Any]) -> str:
    component, variable = item.get("component"), item.get("variable")
    if not isinstance(component, dict) or not isinstance(variable, dict):
        return ""
    instance = f"/{variable['instance']}" if variable.get("instance") else ""
    evse = component.get("evse")
    place = f"@{evse.get('id')}" if isinstance(evse, dict) else ""
    return f"{component.get('name')}{place}.{variable.get('name')}{instance}"
