"""Signed meter values are read in every format that is published, and valid only by the letter and by the known key.

`vectors.json` is what the S.A.F.E. transparency software (Apache-2.0) is tried with, and where in its tests it stands;
one is an example of road-labs/ocmf-js (MIT).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.transparency.signed_records import Occasion, Register, SignedFormat, SignedRecord, Verification
from chalicelib.protocol.transparency import records, sml
from chalicelib.protocol.transparency.ecdsa import Malformed, Unsupported
from tests.signing import SigningMeter, base64_of, payload, reading

VECTORS: list[dict[str, str]] = json.loads((Path(__file__).parent / "vectors.json").read_text())
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
# How far apart the bytes are that are flipped: a number that is no length of anything that repeats.
STRIDE = 13
# The lowest bit, and the one that makes a letter small or large; the last one leaves ASCII.
MASKS = (0x01, 0x20, 0x02, 0x80)


def _value(text: str, context: str = "Transaction.End", **more: Any) -> SignedValue:
    return SignedValue(AT, context, json.dumps({"value": text, "format": "SignedData", **more}))


def _verdict(text: str, context: str, key: str) -> str:
    try:
        return records.verification(records.record(_value(text, context)), key)
    except Malformed:
        return Verification.MALFORMED
    except Unsupported:
        return Verification.UNSUPPORTED


def _key(vector: Mapping[str, str]) -> str:
    """The one that is known; where the vector has none of its own, the one that came along."""
    if vector["key"] or vector["verdict"] in ("unsupported", "unknown_key"):
        return vector["key"]
    return records.record(_value(vector["value"], vector["context"])).enclosed_key


def _name(vector: Mapping[str, str]) -> str:
    return f"{Path(vector['source']).stem}-{vector['context']}"


def test_of_each_format_there_are_records_that_are_valid_and_some_that_are_refused() -> None:
    valid = [records.record(_value(it["value"], it["context"])).format for it in VECTORS if it["verdict"] == "valid"]
    assert Counter(valid) == {SignedFormat.OCMF: 33, SignedFormat.EDL_40: 11, SignedFormat.ALFEN: 2}
    refused = Counter(it["verdict"] for it in VECTORS if it["verdict"] != "valid")
    assert refused == {"invalid": 5, "unsupported": 8, "unknown_key": 2, "malformed": 1}


@pytest.mark.parametrize("vector", VECTORS, ids=_name)
def test_a_published_record_is_judged_as_its_publisher_judges_it(vector: Mapping[str, str]) -> None:
    assert _verdict(vector["value"], vector["context"], _key(vector)) == vector["verdict"]


@pytest.mark.parametrize("vector", [it for it in VECTORS if it["verdict"] == "valid"], ids=_name)
def test_a_published_record_with_one_byte_flipped_is_refused(vector: Mapping[str, str]) -> None:
    text, key = vector["value"], _key(vector)
    for number, place in enumerate(range(0, len(text), STRIDE)):
        flipped = text[:place] + chr(ord(text[place]) ^ MASKS[number % len(MASKS)]) + text[place + 1 :]
        assert _verdict(flipped, vector["context"], key) != Verification.VALID, f"at {place}: {text[place]!r}"


@pytest.mark.parametrize("vector", [it for it in VECTORS if it["verdict"] == "valid"], ids=_name)
def test_a_record_is_foreign_to_another_meters_key(vector: Mapping[str, str]) -> None:
    found = records.record(_value(vector["value"], vector["context"]))
    other = SigningMeter(found.curve.replace("brainpoolP", "brainpool")).public_key
    assert records.verification(found, other) is (Verification.FOREIGN if found.enclosed_key else Verification.INVALID)


def test_the_curve_that_cannot_be_checked_is_named() -> None:
    with pytest.raises(Unsupported, match="secp192k1"):
        records.record(_value('OCMF|{"FV":"1.0"}|{"SA":"ECDSA-secp192k1-SHA256","SD":"00"}'))


@pytest.mark.parametrize(
    "curve", ["secp192r1", "secp256k1", "secp256r1", "secp384r1", "brainpool256r1", "brainpool384r1"]
)
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("form", ["der", "raw", "negative", "padded"])
def test_each_curve_of_the_specification_is_checked_however_its_numbers_are_written(
    curve: str, encoding: str, form: str
) -> None:
    meter = SigningMeter(curve)
    found = records.record(_value(meter.signed(payload(reading(1.5, "B"), reading(2.25, "E")), encoding, form)))
    assert records.verification(found, meter.public_key) is Verification.VALID


METER = SigningMeter()
WHOLE = METER.record(reading(1.5, "B"), reading(2.25, "E"))


def _read(*readings: Mapping[str, Any], **more: Any) -> SignedRecord:
    return records.record(_value(METER.record(*readings, **more)))


def test_a_reading_leaves_out_what_is_as_before() -> None:
    begin, end = _read(
        reading(1.5, "B", TM="2026-11-30T12:00:00,000+0000 S"),
        {"TM": "2026-11-30T13:00:00,000+0100 R", "TX": "E", "RV": 2.25},
    ).registers
    assert [begin.energy_wh, end.energy_wh] == [Decimal(1500), Decimal(2250)]
    assert (begin.register, end.register) == (Register.IMPORT, Register.IMPORT)
    assert (begin.occasion, end.occasion) == (Occasion.BEGIN, Occasion.END)
    assert begin.at == end.at == AT
    assert begin.is_timed
    assert not end.is_timed


def test_an_error_counts_for_what_follows_it() -> None:
    begin, end = _read(reading(1.5, "B", EF="E"), {"TX": "E", "RV": 2.25}).registers
    assert not begin.is_usable
    assert not end.is_usable


@pytest.mark.parametrize(
    ("obis", "register"),
    [
        ("1-b:1.8.0", Register.IMPORT),
        ("01-00:01.08.00*FF", Register.IMPORT),
        ("1-0:1.8.0*198", Register.IMPORT_OF_CHARGE),
        ("1-0:98.8.0.FF", Register.IMPORT_OF_CHARGE),
        ("01-00:B0.08.00*FF", Register.IMPORT),
        ("01-00:B1.08.00*FF", Register.IMPORT_AT_CAR),
        ("01-00:B2.08.00*FF", Register.IMPORT_OF_CHARGE),
        ("01-00:B3.08.00*FF", Register.IMPORT_OF_CHARGE_AT_CAR),
        ("01-00:C0.08.00*FF", Register.EXPORT),
        ("1-0:2.8.0.FF", Register.EXPORT),
        ("1-0:16.7.0*255", Register.OTHER),
        ("nothing", Register.OTHER),
    ],
)
def test_a_register_is_known_by_its_obis_code(obis: str, register: Register) -> None:
    assert _read(reading(1.5, "B", obis)).registers[0].register is register


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("OCMF|{}", "payload"),
        ("OCMF|{|{}", "no JSON"),
        ('OCMF|{"FV":"1.0","FV":"1.0"}|{}', "twice"),
        (f'OCMF|{payload(reading(1.5, "B"))}|{{"SD":"30"}}', "neither ASN.1"),
        (f'OCMF|{payload(reading(1.5, "B"))}|{{"SD":"zz"}}', "neither hexadecimal"),
        (f'OCMF|{payload(reading(-1.5, "B"))}|{{"SD":"3006020101020101"}}', "cannot be"),
        (f'OCMF|{payload(reading(1.5, "B", TM="noon"))}|{{"SD":"3006020101020101"}}', "no time"),
        (f'OCMF|{payload(reading(1.5, "B"), PG="X1")}|{{"SD":"3006020101020101"}}', "no page"),
        ("AP;1;3;A;B;C;", "base32"),
        ("<signedMeterValue></signedMeterValue><x/>", "no signedMeterValue"),
        ("1b1b1b1b01010101", "cut off"),
        ("", "no proper base64"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, reason: str) -> None:
    with pytest.raises((Malformed, Unsupported), match=reason):
        records.record(_value(text))


def test_a_record_of_ocpp_2_is_read_with_the_key_beside_it() -> None:
    signed = {
        "signedMeterData": base64_of(WHOLE.encode()),
        "signingMethod": "",
        "encodingMethod": "OCMF",
        "publicKey": base64_of(f"oca:base16:asn1:{METER.public_key}".encode()),
    }
    found = records.record(SignedValue(AT, "Transaction.End", json.dumps({"value": 1, "signedMeterValue": signed})))
    assert found.format is SignedFormat.OCMF
    assert records.verification(found, "") is Verification.FOREIGN
    assert records.verification(found, METER.public_key) is Verification.VALID


def test_a_record_of_ocpp_1_6_may_be_the_same_object_as_text() -> None:
    key = base64_of(f"oca:base16:asn1:{METER.public_key}".encode())
    signed = {"signedMeterData": base64_of(WHOLE.encode()), "encodingMethod": "OCMF", "publicKey": key}
    sample = {"value": json.dumps(signed), "format": "SignedData", "context": "Transaction.End"}
    found = records.record(SignedValue(AT, "Transaction.End", json.dumps(sample)))
    assert records.verification(found, METER.public_key) is Verification.VALID
    assert records.verification(found, "") is Verification.FOREIGN


@pytest.mark.parametrize("text", ['{"signedMeterData":1}', "{", "{}", '{"a":' * 10_000])
def test_an_object_as_text_that_is_none_is_no_record(text: str) -> None:
    with pytest.raises((Malformed, Unsupported)):
        records.record(_value(text))


def test_a_key_may_be_told_as_it_is_printed_on_its_meter() -> None:
    pairs = ":".join(METER.public_key[at : at + 2] for at in range(0, len(METER.public_key), 2))
    assert records.key_text(f"oca:base16:asn1:0x{pairs.upper()}") == METER.public_key


def test_a_key_that_came_along_must_be_the_known_one() -> None:
    other = SigningMeter()
    found = records.record(_value(f"{WHOLE}|{other.public_key}"))
    assert records.verification(found, METER.public_key) is Verification.INVALID


def test_without_any_key_nothing_is_said() -> None:
    assert records.verification(records.record(_value(WHOLE)), "") is Verification.UNKNOWN_KEY


@settings(max_examples=40)
@given(st.one_of(st.text(), st.binary().map(bytes.hex), st.binary().map(lambda it: (sml.ESCAPE + it).hex())))
def test_no_text_whatever_ends_in_anything_but_a_verdict(text: str) -> None:
    assert _verdict(text, "Transaction.End", METER.public_key) != Verification.VALID


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda it: (
            st.lists(it)
            | st.dictionaries(st.sampled_from(["FV", "RD", "PG", "MS", "TM", "RV", "RU", "TX", "SD", "SA"]), it)
        ),
    )
)
def test_no_json_whatever_ends_in_anything_but_a_verdict(thing: object) -> None:
    text = json.dumps(thing)
    for whole in (f"OCMF|{text}|{text}", f'OCMF|{text}|{{"SD":"3006020101020101"}}'):
        assert _verdict(whole, "Transaction.End", METER.public_key) != Verification.VALID


def test_energy_is_as_exact_as_written() -> None:
    assert _read(reading(62500.1271, "B")).registers[0].energy_wh == Decimal("62500127.1")
