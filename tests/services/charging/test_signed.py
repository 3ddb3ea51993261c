"""What a meter signed is billed, by the key it is known by; what it did not sign is seen for what it is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from chalicelib.domain.charging.session import Session
from chalicelib.domain.pricing.bill import Dimension
from chalicelib.domain.pricing.evidence import Flag
from chalicelib.domain.pricing.tariff import Restrictions, simple_elements
from chalicelib.domain.transparency.meter_keys import KeySource, MeterKey, pinned
from chalicelib.domain.transparency.signed_records import Register, Verification
from chalicelib.services.pricing.rating import final_bill
from chalicelib.services.transparency import signed_evidence
from tests.services.charging.test_quirks import Talk, told
from tests.services.conftest import NOW, SITE, Kit
from tests.signing import SigningMeter, base64_of, reading

METER = SigningMeter()
# OCMF 1.4, table 25: of this charge, less what the cable lost.
AT_CAR = "01-00:B3.08.00*FF"


def _begins(talk: Talk) -> int:
    ref = talk.start(meterStart=1000)
    talk.kit.clock.advance(hours=1)
    return ref


def _charged(talk: Talk, *signed: str, meter_stop: int = 3000) -> Session:
    """A charge of an hour, from 1,000 Wh on by the plain registers, with these records told at its end."""
    ref = _begins(talk)
    sample: list[dict[str, Any]] = [
        {"value": it, "format": "SignedData", "context": "Transaction.End"} for it in signed
    ]
    data = [{"timestamp": told(talk.kit.clock.now), "sampledValue": sample}] if sample else []
    talk.stop(ref, meter_stop, transactionData=data)
    newest = max(talk.kit.sessions.of_operator("op", 10, None, flagged=False)[0], key=lambda it: it.created_at)
    return talk.kit.metering.measured(newest)


def _pinned(kit: Kit, meter: SigningMeter = METER, name: str = "G1/M1") -> None:
    _pin(kit, MeterKey(meter=name, key=meter.public_key, source=KeySource.OPERATOR, since=NOW))


def _pin(kit: Kit, key: MeterKey) -> None:
    before = kit.meter_keys.of("CP-1")
    assert kit.meter_keys.replace("CP-1", before, pinned(before, key))


WHOLE = METER.record(reading(500.0, "B"), reading(501.9995, "E"))


def test_the_signed_quantity_is_billed_rounded_down(talk: Talk) -> None:
    _pinned(talk.kit)
    session = _charged(talk, WHOLE)
    assert session.energy_wh == 1999
    assert session.flags == frozenset()
    assert session.signed is not None
    assert (session.signed.verification, session.signed.register) == (Verification.VALID, Register.IMPORT)
    assert (session.signed.energy_wh, session.signed.told_wh) == (1999, 2000)


def test_prices_that_depend_on_the_hour_are_applied_to_the_signed_quantity(talk: Talk) -> None:
    _pinned(talk.kit)
    ref = _begins(talk)
    for minutes, energy_wh in ((10, 1_400), (40, 2_600)):
        at = talk.kit.clock.now - timedelta(minutes=60 - minutes)
        values = [{"timestamp": told(at), "sampledValue": [{"value": str(energy_wh)}]}]
        talk.say("MeterValues", {"connectorId": 1, "transactionId": ref, "meterValue": values})
    record = METER.record(reading(500.0, "B"), reading(501.5, "E"))
    sample = {"value": record, "format": "SignedData", "context": "Transaction.End"}
    talk.stop(ref, 3000, transactionData=[{"timestamp": told(talk.kit.clock.now), "sampledValue": [sample]}])
    (early,), (late,) = simple_elements(per_kwh=Decimal("0.30")), simple_elements(per_kwh=Decimal("0.60"))
    early = replace(early, restrictions=Restrictions(end_time=time(9, 50)))
    session = replace(talk.measured(), time_zone="UTC")
    session = replace(session, tariff=replace(session.tariff, elements=(early, late)))
    bill = final_bill(session, talk.kit.evidence.whole(session))
    energy = [it.quantity for it in bill.lines if it.dimension is Dimension.ENERGY]
    assert (len(energy), sum(energy)) == (2, 1500)


def test_begin_and_end_may_be_signed_one_by_one(talk: Talk) -> None:
    _pinned(talk.kit)
    begin, end = METER.record(reading(500.0, "B"), PG="T7"), METER.record(reading(502.0, "E"), PG="T8")
    assert _charged(talk, begin, end).energy_wh == 2000


def test_another_register_may_be_signed_than_is_told_and_both_numbers_stay(talk: Talk) -> None:
    _pinned(talk.kit)
    session = _charged(talk, METER.record(reading(0, "B", AT_CAR), reading(1.9, "E", AT_CAR)))
    assert session.energy_wh == 1900
    assert session.flags == {Flag.SIGNED_DIFFERS}
    assert session.signed is not None
    assert (session.signed.energy_wh, session.signed.told_wh) == (1900, 2000)


def test_a_signature_does_not_make_possible_what_the_plug_cannot_give(talk: Talk) -> None:
    _pinned(talk.kit)
    session = _charged(talk, METER.record(reading(500.0, "B"), reading(9999.0, "E")))
    assert session.energy_wh == 2000
    assert Flag.SIGNED_DIFFERS in session.flags
    assert session.needs_review


@pytest.mark.parametrize(
    "text",
    [WHOLE.replace("501.9995", "501.9996"), SigningMeter().record(reading(500.0, "B"), reading(502.0, "E"))],
    ids=["changed", "another's key"],
)
def test_what_the_known_key_did_not_sign_waits_for_a_person_where_the_law_says_so(talk: Talk, text: str) -> None:
    _pinned(talk.kit)
    session = _charged(talk, text)
    assert Flag.SIGNATURE_INVALID in session.flags
    assert session.needs_review
    assert session.signed is not None
    assert session.signed.verification is Verification.INVALID
    assert session.signed.energy_wh is None


def test_elsewhere_the_plain_readings_are_billed_and_it_is_flagged(talk: Talk) -> None:
    talk.kit.sites.put(replace(SITE, time_zone="America/Chicago"))
    _pinned(talk.kit)
    session = _charged(talk, WHOLE.replace("501.9995", "501.9996"))
    assert not session.needs_review
    assert session.energy_wh == 2000
    assert session.flags == {Flag.SIGNATURE_INVALID}


def test_the_sites_country_says_more_than_its_time_zone(talk: Talk) -> None:
    talk.kit.sites.put(replace(SITE, country="CH"))
    _pinned(talk.kit)
    assert not _charged(talk, WHOLE.replace("501.9995", "501.9996")).needs_review


def test_a_site_abroad_by_its_clock_keeps_the_law_of_its_country(talk: Talk) -> None:
    talk.kit.sites.put(replace(SITE, time_zone="Europe/Zurich", country="DE"))
    _pinned(talk.kit)
    assert _charged(talk, WHOLE.replace("501.9995", "501.9996")).needs_review


def test_one_bad_record_among_good_ones_spoils_them(talk: Talk) -> None:
    _pinned(talk.kit)
    assert Flag.SIGNATURE_INVALID in _charged(talk, WHOLE, WHOLE.replace("501.9995", "501.9996")).flags


@pytest.mark.parametrize("signed", [(), ("gibberish",), (WHOLE,)], ids=["unsigned", "unreadable", "by no known key"])
def test_where_nothing_can_be_checked_the_plain_readings_are_billed(talk: Talk, signed: tuple[str, ...]) -> None:
    session = _charged(talk, *signed)
    assert (session.energy_wh, session.flags, session.needs_review) == (2000, frozenset(), False)
    assert (session.signed is None) is (not signed)


def test_records_of_which_nothing_can_be_billed_say_why(talk: Talk) -> None:
    _pinned(talk.kit)
    session = _charged(talk, METER.record(reading(500.0, "B")))
    assert session.energy_wh == 2000
    assert session.signed is not None
    assert session.signed.reason == "no register was signed both at the begin and at the end"


def test_records_of_an_earlier_charge_told_again_are_not_billed(talk: Talk) -> None:
    _pinned(talk.kit)
    earlier = METER.record(
        reading(500.0, "B", TM="2026-11-21T07:00:00,000+0000 S"),
        reading(501.5, "E", TM="2026-11-21T08:00:00,000+0000 S"),
    )
    session = _charged(talk, earlier)
    assert session.energy_wh == 2000
    assert session.signed is not None
    assert session.signed.reason == "the records are of another time than the charge"


@pytest.mark.parametrize("is_later", [True, False])
def test_records_that_another_charge_was_billed_by_are_not_this_ones(talk: Talk, is_later: bool) -> None:
    """A meter whose clock is not set says of no time; nor is a quarter of an hour between two charges much."""
    _pinned(talk.kit)
    assert _charged(talk, WHOLE).energy_wh == 1999
    talk.kit.clock.advance(**({"hours": 5} if is_later else {"minutes": 1}))
    again = _charged(talk, WHOLE)
    assert again.signed is not None
    assert (again.signed.energy_wh, again.signed.verification) == (None, Verification.REPEATED)
    assert again.signed.reason == "the records are of another charge, which was billed by them"
    # By the law of its country that is no better than no signature at all: a person looks.
    assert (again.energy_wh, again.needs_review) == (2000, True)
    assert Flag.SIGNATURE_INVALID in again.flags


def test_an_end_of_its_own_makes_no_begin_of_another_charge_its_own(talk: Talk) -> None:
    _pinned(talk.kit)
    begin = METER.record(reading(500.0, "B"), PG="T7")
    first = _charged(talk, begin, METER.record(reading(502.0, "E"), PG="T8"))
    assert first.energy_wh == 2000
    second = _charged(talk, begin, METER.record(reading(504.0, "E"), PG="T10"))
    assert second.signed is not None
    assert second.signed.energy_wh is None
    # Weighed once more each is what it was.
    for session, energy_wh in ((first, 2000), (second, None)):
        weighed = talk.kit.metering.weigh(session)
        assert weighed is not None
        assert weighed.signed is not None
        assert weighed.signed.energy_wh == energy_wh


def test_records_of_its_own_time_are(talk: Talk) -> None:
    _pinned(talk.kit)
    its_own = METER.record(
        reading(500.0, "B", TM="2026-11-21T09:31:00,000+0000 S"),
        reading(501.5, "E", TM="2026-11-21T11:29:00,000+0100 S"),
    )
    assert _charged(talk, its_own).energy_wh == 1500


def _told_201(talk: Talk, meter: SigningMeter, end_kwh: float, seq_no: int, **at: Any) -> Session:
    """A charge of 2.0.1 with a signed value that brings its key."""
    kit, ref = talk.kit, f"tx-{seq_no}"
    value = {
        "signedMeterData": base64_of(meter.record(reading(500.0, "B", **at), reading(end_kwh, "E", **at)).encode()),
        "signingMethod": "",
        "encodingMethod": "OCMF",
        "publicKey": base64_of(f"oca:base16:asn1:{meter.public_key}".encode()),
    }

    def say(kind: str, at: int, register: int, **more: Any) -> None:
        sample = {"value": register, "context": f"Transaction.{'Begin' if kind == 'Started' else 'End'}", **more}
        payload = {
            "eventType": kind,
            "timestamp": told(kit.clock.now),
            "triggerReason": "Authorized",
            "seqNo": at,
            "transactionInfo": {"transactionId": ref},
            "evse": {"id": 1, "connectorId": 1},
            "idToken": {"idToken": "04A1B2C3", "type": "ISO14443"},
            "meterValue": [{"timestamp": told(kit.clock.now), "sampledValue": [sample]}],
        }
        talk.say("TransactionEvent", payload)

    say("Started", 0, 1000)
    kit.clock.advance(hours=1)
    say("Ended", 1, 3000, signedMeterValue=value)
    found = next(it for it in kit.sessions.of_operator("op", 10, None, flagged=False)[0] if it.ref == ref)
    return kit.metering.measured(found)


def test_the_first_key_that_comes_along_is_pinned_and_another_is_foreign_from_then_on(talk201: Talk) -> None:
    first = _told_201(talk201, METER, 501.5, 1)
    assert (first.energy_wh, first.signed and first.signed.verification) == (1500, Verification.VALID)
    (known,) = talk201.kit.meter_keys.of("CP-1")
    assert (known.meter, known.key, known.source) == ("G1/M1", METER.public_key, KeySource.FIRST_SIGHT)
    other = _told_201(talk201, SigningMeter(), 501.5, 2)
    assert other.signed is not None
    assert other.signed.verification is Verification.FOREIGN
    assert Flag.SIGNATURE_INVALID in other.flags
    assert talk201.kit.meter_keys.of("CP-1") == (known,)


def test_a_key_is_not_pinned_by_who_only_looks_nor_with_records_of_another_charge(talk201: Talk) -> None:
    kit = talk201.kit
    earlier = {"TM": "2026-11-20T07:00:00,000+0000 S"}
    found = _told_201(talk201, METER, 501.5, 1, **earlier)
    assert found.signed is not None
    assert found.signed.energy_wh is None
    assert kit.meter_keys.of("CP-1") == ()
    (looked,) = kit.signed_evidence.of_session(found).values
    assert looked.verification is Verification.FOREIGN
    assert kit.meter_keys.of("CP-1") == ()


def test_where_the_records_of_a_charge_bring_two_keys_neither_is_pinned(talk: Talk) -> None:
    other = SigningMeter()
    begin = METER.record(reading(500.0, "B"), PG="T7")
    end = other.record(reading(502.0, "E"), PG="T8")
    session = _charged(talk, f"{begin}|{METER.public_key}", f"{end}|{other.public_key}")
    assert session.energy_wh == 2000
    assert talk.kit.meter_keys.of("CP-1") == ()


def test_a_person_who_pins_another_key_ends_the_one_before_and_what_was_signed_by_it_stays_valid(talk: Talk) -> None:
    _pinned(talk.kit)
    session = _charged(talk, WHOLE)
    talk.kit.clock.advance(days=1)
    key = MeterKey(meter="G1/M1", key=SigningMeter().public_key, source=KeySource.OPERATOR, since=talk.kit.clock.now)
    _pin(talk.kit, key)
    assert [it.verification for it in talk.kit.signed_evidence.of_session(session).values] == [Verification.VALID]


def test_two_who_pin_at_once_do_not_overwrite_each_other(kit: Kit) -> None:
    key = MeterKey(meter="G1/M1", key=METER.public_key, source=KeySource.OPERATOR, since=NOW)
    assert kit.meter_keys.replace("CP-1", (), (key,))
    assert not kit.meter_keys.replace("CP-1", (), (replace(key, meter="G1/M2"),))


def _told_after(talk: Talk, session: Session, record: str) -> Session:
    """The session once its charger has told of a signed value, a minute after it said that the charge had ended."""
    talk.kit.clock.advance(minutes=1)
    sample = {"value": record, "format": "SignedData", "context": "Transaction.End"}
    values = [{"timestamp": told(talk.kit.clock.now), "sampledValue": [sample]}]
    talk.say("MeterValues", {"connectorId": 1, "transactionId": int(session.ref or 0), "meterValue": values})
    kept = talk.kit.signed_evidence.of_session(session).values
    assert record in [json.loads(it.value.sample)["value"] for it in kept]
    return talk.kit.session(session.session_id)


def test_what_is_signed_and_told_after_the_end_is_kept_and_a_person_looks_where_it_says_otherwise(talk: Talk) -> None:
    _pinned(talk.kit)
    session = _charged(talk)
    assert (session.energy_wh, session.signed, set(session.flags)) == (2000, None, set())
    after = _told_after(talk, session, METER.record(reading(500.0, "B"), reading(501.0, "E")))
    assert (after.energy_wh, set(after.flags)) == (2000, {Flag.SIGNED_DIFFERS})


def test_an_end_that_is_told_again_with_what_was_signed_is_weighed_too(talk: Talk) -> None:
    _pinned(talk.kit)
    ref = _begins(talk)
    talk.stop(ref, 3000)
    assert set(talk.measured().flags) == set()
    record = METER.record(reading(500.0, "B"), reading(501.0, "E"))
    sample = {"value": record, "format": "SignedData", "context": "Transaction.End"}
    talk.stop(ref, 3000, transactionData=[{"timestamp": told(talk.kit.clock.now), "sampledValue": [sample]}])
    after = talk.measured()
    assert (after.energy_wh, set(after.flags)) == (2000, {Flag.SIGNED_DIFFERS})


def test_what_was_signed_is_weighed_page_by_page(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    _pinned(talk.kit)
    monkeypatch.setattr(signed_evidence, "_MESSAGES_A_PAGE", 1)
    ref = _begins(talk)
    for record in (METER.record(reading(500.0, "B"), PG="T7"), METER.record(reading(501.0, "C"), PG="T8")):
        talk.kit.clock.advance(minutes=1)
        sample = {"value": record, "format": "SignedData"}
        values = [{"timestamp": told(talk.kit.clock.now), "sampledValue": [sample]}]
        talk.say("MeterValues", {"connectorId": 1, "transactionId": ref, "meterValue": values})
    talk.kit.clock.advance(minutes=1)
    sample = {"value": METER.record(reading(501.5, "E"), PG="T9"), "format": "SignedData", "context": "Transaction.End"}
    talk.stop(ref, 3000, transactionData=[{"timestamp": told(talk.kit.clock.now), "sampledValue": [sample]}])
    session = talk.measured()
    assert (session.energy_wh, session.signed and len(session.signed.values)) == (1500, 3)

    monkeypatch.setattr(signed_evidence, "_MOST_PAGES", 2)
    weighed = talk.kit.metering.weigh(session)
    assert weighed is not None
    assert weighed.signed is not None
    assert (weighed.energy_wh, weighed.signed.energy_wh) == (2000, None)
    assert "more was signed" in weighed.signed.reason

    monkeypatch.setattr(signed_evidence, "_MOST_PAGES", 3)
    monkeypatch.setattr(signed_evidence, "_MOST_CHARS_SHOWN", 1400)
    found = talk.kit.signed_evidence.of_session(session)
    assert ([it.record and it.record.page for it in found.values], found.is_whole) == ([7, 9], False)
    assert "<!-- There are more" in signed_evidence.document(session, found)


def test_where_it_says_the_same_nothing_is_flagged(talk: Talk) -> None:
    _pinned(talk.kit)
    assert _told_after(talk, _charged(talk), WHOLE).flags == frozenset()


def test_what_no_known_key_signed_is_flagged_late_too(talk: Talk) -> None:
    _pinned(talk.kit)
    after = _told_after(talk, _charged(talk), WHOLE.replace("501.9995", "501.9996"))
    assert after.flags == {Flag.SIGNATURE_INVALID}
