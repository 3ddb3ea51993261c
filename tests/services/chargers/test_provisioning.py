"""A charger is set to what its operator declares and billing needs: once, verified, and without a quarrel."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.calls import counted, summary
from chalicelib.domain.chargers.charging_ability import ChargingAbility, RateUnit
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.domain.chargers.geography import GeoPoint
from chalicelib.domain.chargers.setup import MOST_MESSAGES, MeteringCapability, Setup, Standing
from chalicelib.domain.chargers.setup_profile import Aspect, SetupProfile
from chalicelib.domain.grid.page_events import EventKind
from chalicelib.domain.grid.tree import Node, Port, PortId, SiteTree
from chalicelib.domain.pricing.tariff import simple_elements
from chalicelib.protocol.ocpp.setups import place
from chalicelib.records.chargers import Charger, Connection, Site
from chalicelib.services.access import Refusal
from chalicelib.services.chargers.passwords import hash_password
from tests.services.conftest import CONNECTION, NOW, SITE, TARIFF, Kit

ENERGY = "Energy.Active.Import.Register"
FACTORY_16 = {
    "GetConfigurationMaxKeys": "50",
    "MeterValuesSampledData": "",
    "MeterValueSampleInterval": "0",
    "StopTxnSampledData": f"{ENERGY},Voltage",
    "StopTxnAlignedData": "",
    "ClockAlignedDataInterval": "900",
    "TransactionMessageAttempts": "1",
    "TransactionMessageRetryInterval": "1",
    "LocalAuthListEnabled": "true",
    "LocalPreAuthorize": "true",
    "LocalAuthorizeOffline": "false",
    "AllowOfflineTxForUnknownId": "true",
    "StopTransactionOnInvalidId": "false",
    "StopTransactionOnEVSideDisconnect": "false",
    "UnlockConnectorOnEVSideDisconnect": "false",
    "ConnectionTimeOut": "120",
}
# MicroOcpp over 2.0.1, as delivered: what it says is what is sent, and that is nothing.
FACTORY_201 = {
    "DeviceDataCtrlr.ItemsPerMessage/GetVariables": "10",
    "DeviceDataCtrlr.ItemsPerMessage/SetVariables": "5",
    "SampledDataCtrlr.TxStartedMeasurands": "",
    "SampledDataCtrlr.TxUpdatedMeasurands": "",
    "SampledDataCtrlr.TxUpdatedInterval": "0",
    "SampledDataCtrlr.TxEndedMeasurands": "",
    "SampledDataCtrlr.TxEndedInterval": "0",
    "AuthCtrlr.OfflineTxForUnknownIdEnabled": "true",
    "TxCtrlr.EVConnectionTimeOut": "30",
}
CHARGING_201 = {
    "eventType": "Started",
    "timestamp": NOW.isoformat(),
    "triggerReason": "ChargingStateChanged",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "T-1", "chargingState": "Charging"},
    "evse": {"id": 1, "connectorId": 1},
}

Frame = tuple[str, dict[str, Any]]


@dataclass
class Box:
    """A charger's settings, and how it answers to being set: it keeps them, or is as odd as `takes` makes it."""

    kit: Kit
    settings: dict[str, str]
    connection: Connection = CONNECTION
    takes: Callable[[str, str], str] = lambda name, value: "Accepted"
    keeps: Callable[[str, str], str] = lambda name, value: value
    read_only: frozenset[str] = frozenset()
    heard: list[Frame] = field(default_factory=list)
    longest: int = 0
    is_deaf: bool = False

    @property
    def written(self) -> list[tuple[str, str]]:
        """What it was told to set, in order."""
        values = []
        for action, payload in self.heard:
            if action == "ChangeConfiguration":
                values.append((payload["key"], payload["value"]))
            values += [(name_of(it), it["attributeValue"]) for it in payload.get("setVariableData", ())]
        return values

    def said(self, text: str) -> None:
        """It sends a frame, then answers all it is asked."""
        self.kit.conversation.receive(self.connection.connection_id, text)
        self.answer_all()

    def boot(self, firmware: str = "1.0") -> None:
        """It starts, and tells its first connector's status."""
        self.start(firmware)
        self.report()

    def start(self, firmware: str = "1.0") -> None:
        """It starts, and has told no more yet."""
        station = {"vendorName": "Maker", "model": "Box", "firmwareVersion": firmware}
        said: dict[str, Any] = {"reason": "PowerUp", "chargingStation": station}
        if self.is_16:
            said = {"chargePointVendor": "Maker", "chargePointModel": "Box", "firmwareVersion": firmware}
        self.said(json.dumps([2, "b", "BootNotification", said]))

    def report(self, status: str = "Available") -> None:
        """Its first connector's status."""
        told: dict[str, Any] = {"timestamp": NOW.isoformat(), "connectorStatus": status, "evseId": 1, "connectorId": 1}
        if self.is_16:
            told = {"connectorId": 1, "errorCode": "NoError", "status": status}
        self.said(json.dumps([2, "s", "StatusNotification", told]))

    @property
    def is_16(self) -> bool:
        return self.connection.protocol == "ocpp1.6"

    def answer_all(self) -> None:
        """One CALL at a time: the next is sent when this one is answered."""
        while self.kit.link.sent and not self.is_deaf:
            frames, self.kit.link.sent = self.kit.link.sent, []
            assert len(frames) == 1, "more than one CALL at a time"
            _, message_id, action, payload = json.loads(frames[0])
            self.heard.append((action, payload))
            self.longest = max(self.longest, len(frames[0]))
            answer = json.dumps([3, message_id, self._answer(action, payload)])
            self.kit.conversation.receive(self.connection.connection_id, answer)

    def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        match action:
            case "GetConfiguration":
                known = [it for it in payload["key"] if it in self.settings]
                keys = [{"key": it, "readonly": it in self.read_only, "value": self.settings[it]} for it in known]
                return {"configurationKey": keys, "unknownKey": [it for it in payload["key"] if it not in known]}
            case "GetVariables":
                return {"getVariableResult": [self._variable(it) for it in payload["getVariableData"]]}
            case "ChangeConfiguration":
                return {"status": self._set(payload["key"], payload["value"])}
            case "SetChargingProfile" | "GetCompositeSchedule":
                return {"status": "Rejected"}
        results = [
            {**place(name_of(it)), "attributeStatus": self._set(name_of(it), it["attributeValue"])}
            for it in payload["setVariableData"]
        ]
        return {"setVariableResult": results}

    def _variable(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = name_of(asked)
        if name not in self.settings:
            return {**place(name), "attributeStatus": "UnknownVariable"}
        return {**place(name), "attributeStatus": "Accepted", "attributeValue": self.settings[name]}

    def _set(self, name: str, value: str) -> str:
        if name not in self.settings:
            return "NotSupported" if self.is_16 else "UnknownVariable"
        status = self.takes(name, value)
        if status == "Accepted":
            self.settings[name] = self.keeps(name, value)
        return status


def name_of(item: dict[str, Any]) -> str:
    """`Component@EVSE.Variable/instance`."""
    component = item["component"]
    evse = f"@{component['evse']['id']}" if "evse" in component else ""
    instance = f"/{item['variable']['instance']}" if "instance" in item["variable"] else ""
    return f"{component['name']}{evse}.{item['variable']['name']}{instance}"


def box16(kit: Kit, **odd: Any) -> Box:
    return Box(kit, dict(FACTORY_16), **odd)


def box201(kit: Kit, **odd: Any) -> Box:
    connection = replace(CONNECTION, connection_id="c-201", protocol="ocpp2.0.1")
    kit.sockets.opened(connection, NOW)
    return Box(kit, dict(FACTORY_201), connection, **odd)


def setup_of(kit: Kit) -> Setup:
    setup = kit.setups.get("CP-1")
    assert setup is not None
    return setup


def standing(kit: Kit, aspect: Aspect) -> Standing:
    line = setup_of(kit).of(aspect)
    assert line is not None
    return line.standing


def found(kit: Kit) -> Charger:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    return charger


def metering(kit: Kit) -> MeteringCapability:
    return found(kit).metering


def test_a_1_6_charger_is_set_to_what_billing_needs_and_to_what_it_does_without_us(kit: Kit) -> None:
    box = box16(kit)
    box.boot()
    assert box.settings == {
        "GetConfigurationMaxKeys": "50",
        "MeterValuesSampledData": f"{ENERGY},Power.Active.Import,SoC,Current.Import,Voltage",
        "MeterValueSampleInterval": "60",
        "StopTxnSampledData": "",
        "StopTxnAlignedData": "",
        "ClockAlignedDataInterval": "0",
        "TransactionMessageAttempts": "8",
        "TransactionMessageRetryInterval": "15",
        "LocalAuthListEnabled": "false",
        "LocalPreAuthorize": "false",
        "LocalAuthorizeOffline": "true",
        "AllowOfflineTxForUnknownId": "false",
        "StopTransactionOnInvalidId": "true",
        "StopTransactionOnEVSideDisconnect": "true",
        "UnlockConnectorOnEVSideDisconnect": "true",
        "ConnectionTimeOut": "120",
    }
    assert metering(kit) is MeteringCapability.FULL
    assert setup_of(kit).settled_at == NOW


def test_a_2_0_1_charger_that_measures_nothing_as_delivered_measures_all_afterwards(kit: Kit) -> None:
    box = box201(kit)
    box.boot()
    assert box.settings["SampledDataCtrlr.TxStartedMeasurands"] == ENERGY
    assert box.settings["SampledDataCtrlr.TxEndedMeasurands"] == ENERGY
    assert box.settings["SampledDataCtrlr.TxUpdatedMeasurands"].startswith(ENERGY)
    assert box.settings["SampledDataCtrlr.TxUpdatedInterval"] == "60"
    assert metering(kit) is MeteringCapability.FULL
    asked = [payload["getVariableData"] for action, payload in box.heard if action == "GetVariables"]
    told = [payload["setVariableData"] for action, payload in box.heard if action == "SetVariables"]
    assert max(map(len, asked)) == 10
    assert max(map(len, told)) == 5


def test_nothing_is_asked_before_the_charger_has_its_answer_to_the_boot(kit: Kit) -> None:
    box = box16(kit)
    boot = {"chargePointVendor": "Maker", "chargePointModel": "Box"}
    kit.conversation.receive("c-1", json.dumps([2, "b", "BootNotification", boot]))
    assert kit.link.sent == []
    box.report()
    assert box.heard


@pytest.mark.parametrize("charging", ["Charging", "Available"])
def test_nothing_is_asked_while_a_car_has_been_plugged_in_and_its_driver_may_be_about_to_start(
    kit: Kit, charging: str
) -> None:
    box = box16(kit)
    boot = {"chargePointVendor": "Maker", "chargePointModel": "Box"}
    kit.conversation.receive("c-1", json.dumps([2, "b", "BootNotification", boot]))
    box.report("Preparing")
    assert not box.heard
    box.report(charging)
    assert metering(kit) is MeteringCapability.FULL


def test_a_2_0_1_charger_is_not_asked_at_an_occupied_plug_but_when_its_transaction_charges(kit: Kit) -> None:
    box = box201(kit)
    boot = {"reason": "PowerUp", "chargingStation": {"vendorName": "Maker", "model": "Box"}}
    box.said(json.dumps([2, "b", "BootNotification", boot]))
    box.report("Occupied")
    assert not box.heard
    box.said(json.dumps([2, "t", "TransactionEvent", CHARGING_201]))
    assert metering(kit) is MeteringCapability.FULL


def test_a_charger_in_order_is_asked_one_question_at_its_next_boot_and_set_nothing(kit: Kit) -> None:
    box = box16(kit)
    box.boot()
    box.heard.clear()
    kit.clock.advance(hours=1)
    box.boot()
    assert [action for action, _ in box.heard] == ["GetConfiguration"]
    box.report()
    box.report("Preparing")
    assert len(box.heard) == 1


def test_a_charger_that_lost_its_settings_gets_them_again(kit: Kit) -> None:
    box = box201(kit)
    box.boot()
    good = dict(box.settings)
    box.settings |= FACTORY_201
    kit.clock.advance(hours=1)
    box.boot()
    assert box.settings == good
    assert metering(kit) is MeteringCapability.FULL


def test_what_a_charger_refuses_is_not_asked_again_until_its_firmware_is_another(kit: Kit) -> None:
    refuses = {"AllowOfflineTxForUnknownId", "MeterValueSampleInterval"}
    box = box16(kit, takes=lambda name, value: "Rejected" if name in refuses else "Accepted")
    box.boot()
    tried = [value for name, value in box.written if name == "MeterValueSampleInterval"]
    assert tried == ["60", "300", "900"]
    assert standing(kit, Aspect.OFFLINE_UNKNOWN) is Standing.REFUSED
    for _ in range(3):
        kit.clock.advance(hours=1)
        box.heard.clear()
        box.boot()
        assert box.written == []
    kit.clock.advance(hours=1)
    box.takes = lambda name, value: "Accepted"
    box.boot("1.1")
    assert box.settings["AllowOfflineTxForUnknownId"] == "false"
    assert standing(kit, Aspect.OFFLINE_UNKNOWN) is Standing.AS_WANTED


@pytest.mark.parametrize("word", ["NotSupported", "Rejected", "Whatever"])
def test_a_list_that_is_refused_whole_is_offered_shorter(kit: Kit, word: str) -> None:
    box = box16(kit, takes=lambda name, value: word if "SoC" in value or "Voltage" in value else "Accepted")
    box.boot()
    known = word != "NotSupported"
    assert box.settings["MeterValuesSampledData"] == (f"{ENERGY},Power.Active.Import" if known else "")


def test_a_list_that_is_taken_and_cut_down_is_good_while_energy_is_in_it(kit: Kit) -> None:
    """EVerest/libocpp issue 485."""
    cut = f"{ENERGY},Power.Active.Import"
    box = box16(kit, keeps=lambda name, value: cut if name == "MeterValuesSampledData" else value)
    box.boot()
    assert [value for name, value in box.written if name == "MeterValuesSampledData"] == [
        f"{ENERGY},Power.Active.Import,SoC,Current.Import,Voltage"
    ]
    assert standing(kit, Aspect.READINGS) is Standing.AS_WANTED


def test_a_list_is_no_longer_than_the_charger_takes(kit: Kit) -> None:
    """lbbrhzn/ocpp issue 1363."""
    box = box16(kit)
    box.settings["MeterValuesSampledDataMaxLength"] = "3"
    box.boot()
    assert box.settings["MeterValuesSampledData"] == f"{ENERGY},Power.Active.Import,SoC"


def test_a_charger_that_says_yes_and_keeps_what_it_had_is_let_be(kit: Kit) -> None:
    box = box16(kit, keeps=lambda name, value: FACTORY_16[name])
    box.boot()
    assert standing(kit, Aspect.OFFLINE_KNOWN) is Standing.NOT_KEPT
    assert len(box.heard) <= MOST_MESSAGES
    kit.clock.advance(hours=1)
    box.heard.clear()
    box.boot()
    assert box.written == []


def test_what_cannot_be_changed_is_not_written(kit: Kit) -> None:
    box = box16(kit, read_only=frozenset(FACTORY_16) - {"MeterValuesSampledData"})
    box.boot()
    assert {name for name, _ in box.written} == {"MeterValuesSampledData"}
    assert standing(kit, Aspect.OFFLINE_KNOWN) is Standing.READ_ONLY


def test_a_reboot_that_a_setting_needs_is_shown_and_not_ordered(kit: Kit) -> None:
    box = box16(kit, takes=lambda name, value: "RebootRequired" if name.startswith("Meter") else "Accepted")
    box.boot()
    assert standing(kit, Aspect.READINGS) is Standing.NEEDS_REBOOT
    assert "Reset" not in {action for action, _ in box.heard}
    box.settings["MeterValuesSampledData"] = f"{ENERGY},Power.Active.Import,SoC,Current.Import,Voltage"
    box.settings["MeterValueSampleInterval"] = "60"
    kit.clock.advance(hours=1)
    box.boot()
    assert standing(kit, Aspect.READINGS) is Standing.AS_WANTED


def test_a_charger_that_boots_over_and_over_is_not_asked_over_and_over(kit: Kit) -> None:
    box = box16(kit)
    for _ in range(30):
        box.boot()
        kit.clock.advance(seconds=10)
    assert len([action for action, _ in box.heard if action == "GetConfiguration"]) < 12


def test_an_answer_that_never_comes_is_made_good_at_the_next_boot(kit: Kit) -> None:
    box = box16(kit, is_deaf=True)
    box.boot()
    assert len(kit.link.sent) == 1
    lost = json.loads(kit.link.sent.pop())
    kit.clock.advance(minutes=5)
    box.is_deaf = False
    box.boot()
    assert metering(kit) is MeteringCapability.FULL
    before = setup_of(kit)
    kit.conversation.receive("c-1", json.dumps([3, lost[1], {"configurationKey": []}]))
    assert setup_of(kit) == before


def test_a_charger_that_cannot_take_many_names_is_asked_for_few(kit: Kit) -> None:
    box = box16(kit)
    original = box._answer

    def answer(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        return (
            {"status": "?"}
            if len(payload.get("key", ())) > 3 and action == "GetConfiguration"
            else original(action, payload)
        )

    box._answer = answer  # type: ignore[method-assign]
    box.boot()
    assert metering(kit) is MeteringCapability.FULL


def test_a_new_profile_reaches_chargers_that_are_online(kit: Kit) -> None:
    box = box16(kit)
    box.boot()
    kit.provisioning.put_profile("op", SetupProfile(reading_interval_s=30, offline_unknown_tokens=None))
    box.settings["AllowOfflineTxForUnknownId"] = "true"
    kit.clock.advance(minutes=30)
    assert kit.provisioning.tend() == 1
    box.answer_all()
    assert box.settings["MeterValueSampleInterval"] == "30"
    assert box.settings["AllowOfflineTxForUnknownId"] == "true"
    assert kit.provisioning.tend() == 0


def test_a_charger_that_was_away_meets_a_new_profile_when_it_is_back(kit: Kit) -> None:
    box = box16(kit)
    box.boot()
    kit.sockets.closed(CONNECTION)
    kit.provisioning.put_profile("op", SetupProfile(reading_interval_s=30))
    kit.clock.advance(minutes=30)
    assert kit.provisioning.tend() == 0
    kit.sockets.opened(CONNECTION, kit.clock())
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.provisioning.connected(charger)
    box.report()
    assert box.settings["MeterValueSampleInterval"] == "30"


def test_a_charge_without_a_meter_makes_kerb_look_again(kit: Kit) -> None:
    box = box201(kit)
    box.boot()
    box.settings |= FACTORY_201
    kit.clock.advance(hours=1)
    ended = {
        "eventType": "Ended",
        "timestamp": NOW.isoformat(),
        "triggerReason": "EVDeparted",
        "seqNo": 2,
        "transactionInfo": {"transactionId": "tx-1"},
    }
    box.said(json.dumps([2, "e", "TransactionEvent", ended]))
    box.report()
    assert box.settings["SampledDataCtrlr.TxEndedMeasurands"] == ENERGY


def test_a_charger_that_will_not_measure_is_known_for_it(kit: Kit) -> None:
    box = box201(kit, takes=lambda name, value: "Rejected" if "Measurands" in name else "Accepted")
    kit.sites.put(
        Site(
            site_id="harbour",
            operator_id="op",
            name="Harbour",
            address="Quay 1",
            time_zone="Europe/Berlin",
            tariff_id="standard",
            latitude=53.5,
            longitude=9.9,
        )
    )
    password = "open-sesame-1234"
    kit.chargers.put(replace(found(kit), password_hash=hash_password(password.encode(), b"salt" * 4)))
    kit.registry.put_charger(replace(found(kit), connection_id=None), password)
    box.boot()
    assert metering(kit) is MeteringCapability.NONE
    (place,) = kit.places.around([GeoPoint(53.5, 9.9)], 100)
    assert not place.is_metered
    with pytest.raises(Refusal, match="does not measure"):
        kit.eligibility.spot(kit.eligibility.payer("driver-1"), "CP-1", ConnectorId(1))
    kit.tariffs.put(replace(TARIFF, elements=simple_elements(per_minute=Decimal("0.10"))))
    assert kit.eligibility.spot(kit.eligibility.payer("driver-1"), "CP-1", ConnectorId(1))


def test_every_message_fits_into_a_frame(kit: Kit) -> None:
    box = box201(kit)
    box.settings |= {name: "1000" for name in FACTORY_201 if "ItemsPerMessage" in name}
    box.boot()
    assert box.longest < 16_000


def test_a_fault_of_ours_never_keeps_a_charger_from_booting(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("the store is away")

    monkeypatch.setattr(kit.setups, "mark_due", fails)
    boot = {"chargePointVendor": "Maker", "chargePointModel": "Box"}
    answer = kit.conversation.receive("c-1", json.dumps([2, "b", "BootNotification", boot]))
    assert answer is not None
    assert json.loads(answer)[0] == 3


def test_a_boot_of_a_charger_in_order_costs_one_exchange(kit: Kit) -> None:
    """With what its boot and its status cost anyhow (two writes, a journal's line each, and the status's history).

    Three of the writes are the line's, which has one call open at a time (ADR 17).
    """
    box = box201(kit)
    box.boot()
    box.heard.clear()
    kit.clock.advance(hours=1)
    with counted() as calls:
        box.boot()
    cost = summary(calls.take(0))
    assert len(box.heard) == 1
    assert (cost["reads"], cost["writes"]) == (7, 13)


LIMITS_16 = {
    "ChargingScheduleAllowedChargingRateUnit": "Power",
    "ChargeProfileMaxStackLevel": "8",
    "ChargingScheduleMaxPeriods": "5",
    "MaxChargingProfilesInstalled": "3",
    "ConnectorSwitch3to1PhaseSupported": "true",
    "SupportedFeatureProfiles": "Core,SmartCharging",
}
LIMITS_201 = {
    "SmartChargingCtrlr.RateUnit": "W",
    "SmartChargingCtrlr.ProfileStackLevel": "8",
    "SmartChargingCtrlr.PeriodsPerSchedule": "5",
    "SmartChargingCtrlr.Entries/ChargingProfiles": "3",
    "SmartChargingCtrlr.Phases3to1": "true",
    "SmartChargingCtrlr.Available": "true",
    "SmartChargingCtrlr.Enabled": "false",
}


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_where_power_is_shared_out_a_charger_tells_how_it_can_be_limited(kit: Kit, version: str) -> None:
    box = box16(kit) if version == "1.6" else box201(kit)
    box.settings |= LIMITS_16 if version == "1.6" else LIMITS_201
    box.boot()
    assert found(kit).ability is None
    kit.sites.put(replace(SITE, is_load_managed=True))
    kit.provisioning.doubted("CP-1")
    box.report()
    ability = found(kit).ability
    assert ability is not None
    assert (ability.units, ability.most_stack_level, ability.most_periods) == ((RateUnit.WATTS,), 8, 5)
    assert (ability.most_profiles, ability.switches_phases, ability.is_controllable) == (3, True, True)
    # What 2.x can be set to limit by, it is.
    assert version == "1.6" or box.settings["SmartChargingCtrlr.Enabled"] == "true"
    kit.clock.advance(hours=1)
    box.heard.clear()
    box.boot()
    assert (len(box.heard), found(kit).ability) == (1, ability)


def test_a_site_that_shares_out_power_hears_at_once_what_a_charger_of_its_told_of_itself(kit: Kit) -> None:
    grid = Node(node_id="grid", limit_ma=(40_000,) * 3)
    ports = tuple(Port(port_id=PortId("CP-1", ConnectorId(it)), node_id="grid") for it in (1, 2))
    tree = SiteTree(site_id=SITE.site_id, nodes=(grid,), ports=ports)

    def known() -> ChargingAbility | None:
        kit.balancer.look(SITE.site_id)
        state = kit.managed_sites.state(SITE.site_id)
        assert state is not None
        return state.book.chargers[0].ability

    box = box16(kit)
    box.settings |= LIMITS_16
    kit.site_grids.describe("op", tree, None)
    box.start()
    assert known() is None
    box.report()
    first = known()
    assert first is not None
    assert first.most_stack_level == 8
    # Its next firmware can do less; the site looked between its boot and its answers.
    kit.clock.advance(hours=1)
    box.settings["ChargeProfileMaxStackLevel"] = "2"
    box.start(firmware="2.0")
    assert known() == first
    box.report()
    now = known()
    assert now is not None
    assert now.most_stack_level == 2
    # One that is as it was is no news.
    kit.clock.advance(hours=1)
    box.boot(firmware="2.0")
    state = kit.managed_sites.state(SITE.site_id)
    assert state is not None
    assert [it.kind for it in state.events if it.kind is EventKind.SET_UP] == []


def test_another_firmware_is_asked_again_and_what_its_make_is_known_for_counts(kit: Kit) -> None:
    kit.sites.put(replace(SITE, is_load_managed=True))
    box = box16(kit)
    box.settings |= LIMITS_16 | {"ChargingScheduleAllowedChargingRateUnit": "Current"}
    box.boot()
    box.settings["ChargeProfileMaxStackLevel"] = "2"
    kit.clock.advance(hours=1)
    box.boot(firmware="2.0")
    ability = found(kit).ability
    assert ability is not None
    assert (ability.most_stack_level, ability.units) == (2, (RateUnit.AMPERES,))
