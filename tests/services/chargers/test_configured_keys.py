"""A charger whose meter has signed is asked for its meters' keys, and what it says is checked by from then on."""

from __future__ import annotations

import pytest

from benchmarks.calls import counted, summary
from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.transparency.meter_keys import KeySource
from chalicelib.domain.transparency.signed_records import Verification
from tests.services.chargers.test_provisioning import Box, box16, box201
from tests.services.charging.test_quirks import Talk, told
from tests.services.conftest import Kit
from tests.signing import SigningMeter, reading

METER, OTHER = SigningMeter(), SigningMeter()


def _key(meter: SigningMeter) -> str:
    return f"oca:base16:asn1:{meter.public_key}"


def _charge(talk: Talk, meter: SigningMeter = METER) -> Session:
    """A charge of an hour that the meter signed, without its key."""
    ref = talk.start(meterStart=1000)
    talk.kit.clock.advance(hours=1)
    record = meter.record(reading(500.0, "B"), reading(501.5, "E"))
    sample = {"value": record, "format": "SignedData", "context": "Transaction.End"}
    talk.stop(ref, 3000, transactionData=[{"timestamp": told(talk.kit.clock.now), "sampledValue": [sample]}])
    sessions = talk.kit.sessions.of_operator("op", 10, None, flagged=False)[0]
    return talk.kit.metering.measured(next(it for it in sessions if it.ref == str(ref)))


def _asked(box: Box) -> list[str]:
    return [name for action, payload in box.heard for name in payload.get("key", ()) if action == "GetConfiguration"]


@pytest.fixture
def talk(kit: Kit) -> Talk:
    return Talk(kit, "ocpp1.6")


@pytest.mark.parametrize("name", ["MeterPublicKey[1]", "MeterPublicKey1"])
def test_the_key_is_asked_for_once_a_meter_has_signed_and_checks_what_is_signed_then(talk: Talk, name: str) -> None:
    kit = talk.kit
    box = box16(kit)
    box.settings |= {name: _key(METER), "PublicKeyWithSignedMeterValue": "Never"}
    box.boot()
    assert not any("PublicKey" in it for it in _asked(box))
    first = _charge(talk)
    assert first.signed is not None
    assert first.signed.verification is Verification.UNKNOWN_KEY
    box.report()
    (known,) = kit.meter_keys.of("CP-1")
    assert (known.key, known.source, known.evse) == (METER.public_key, KeySource.CONFIGURATION, 1)
    assert box.settings["PublicKeyWithSignedMeterValue"] == "OncePerTransaction"
    second = _charge(talk)
    assert (second.energy_wh, second.signed and second.signed.verification) == (1500, Verification.VALID)
    assert _charge(talk, OTHER).flags == {Flag.SIGNATURE_INVALID}


def test_another_key_told_later_is_kept_beside_the_pinned_one_and_replaces_nothing(talk: Talk) -> None:
    kit = talk.kit
    box = box16(kit)
    box.settings["MeterPublicKey[1]"] = _key(METER)
    box.boot()
    _charge(talk)
    box.report()
    kit.clock.advance(days=1)
    box.settings["MeterPublicKey[1]"] = _key(OTHER)
    box.boot()
    pinned, noted = kit.meter_keys.of("CP-1")
    assert (pinned.key, pinned.until) == (METER.public_key, None)
    assert (noted.key, noted.is_pinned, noted.contradicts) == (OTHER.public_key, False, METER.public_key)
    assert _charge(talk, OTHER).flags == {Flag.SIGNATURE_INVALID}
    kit.pinned_keys.pin("CP-1", "", OTHER.public_key, evse=1)
    assert _charge(talk, OTHER).energy_wh == 1500
    box.boot()
    assert len(kit.meter_keys.of("CP-1")) == 3


def test_what_is_told_and_is_no_key_is_left_out(talk: Talk) -> None:
    box = box16(talk.kit)
    box.settings["MeterPublicKey[1]"] = "none yet"
    box.boot()
    _charge(talk)
    box.report()
    assert talk.kit.meter_keys.of("CP-1") == ()


def test_over_2_0_1_it_is_a_variable_of_the_evses_fiscal_metering(kit: Kit) -> None:
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.setups.note_signing(charger)
    box = box201(kit)
    box.settings["FiscalMetering@1.PublicKey"] = _key(METER)
    box.boot()
    assert [(it.key, it.evse) for it in kit.meter_keys.of("CP-1")] == [(METER.public_key, 1)]


def test_a_boot_of_a_charger_that_signs_costs_one_read_more_than_another(kit: Kit) -> None:
    box = box16(kit)
    box.settings |= {f"MeterPublicKey[{it}]": _key(METER) for it in (1, 2)}

    def cost() -> tuple[int, int, int]:
        kit.clock.advance(hours=1)
        box.heard.clear()
        with counted() as calls:
            box.boot()
        done = summary(calls.take(0))
        return len(box.heard), done["reads"], done["writes"]

    box.boot()
    messages, reads, writes = cost()
    charger = kit.chargers.get("CP-1")
    assert charger is not None
    kit.setups.note_signing(charger)
    cost()
    assert cost() == (messages, reads + 1, writes)
    assert len(kit.meter_keys.of("CP-1")) == len(charger.connectors)
