"""What may be billed by signed records: one begin, one end, one meter, and never more than was signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.transparency.signed_records import (
    NoQuantity,
    Occasion,
    Register,
    SignedFormat,
    SignedRecord,
    SignedRegister,
    quantity,
)

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def _register(energy_wh: str, occasion: Occasion, register: Register = Register.IMPORT) -> SignedRegister:
    at = AT if occasion is Occasion.BEGIN else AT + timedelta(hours=1)
    return SignedRegister(at=at, occasion=occasion, register=register, energy_wh=Decimal(energy_wh))


def _record(page: int | None, *registers: SignedRegister) -> SignedRecord:
    return SignedRecord(
        format=SignedFormat.OCMF,
        payload=repr((page, registers)).encode(),
        signature=(1, 1),
        curve="secp256r1",
        meter="M1",
        registers=registers,
        page=page,
    )


BEGIN, END = _register("1000.4", Occasion.BEGIN), _register("3000.3", Occasion.END)


def test_a_quantity_is_the_difference_rounded_down() -> None:
    assert quantity([_record(1, BEGIN), _record(2, END)]).energy_wh == 1999


def test_one_record_may_hold_both() -> None:
    found = quantity([_record(1, BEGIN, END)])
    assert (found.began_at, found.ended_at) == (AT, AT + timedelta(hours=1))


def test_the_same_record_told_twice_counts_once() -> None:
    assert quantity([_record(1, BEGIN), _record(2, END), _record(2, END)]).energy_wh == 1999


def test_what_the_car_was_given_counts_before_what_the_meter_gave() -> None:
    at_car = [_register("0", Occasion.BEGIN, Register.IMPORT_OF_CHARGE_AT_CAR)]
    at_car += [_register("1950", Occasion.END, Register.IMPORT_OF_CHARGE_AT_CAR)]
    found = quantity([_record(1, BEGIN, END, *at_car)])
    assert (found.energy_wh, found.register) == (1950, Register.IMPORT_OF_CHARGE_AT_CAR)


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([_record(1, BEGIN)], "both at the begin and at the end"),
        ([], "both at the begin and at the end"),
        ([_record(2, BEGIN), _record(1, END)], "before the begin"),
        ([_record(1, BEGIN), _record(2, END), _record(3, replace(END, energy_wh=Decimal(4000)))], "more than one"),
        ([_record(1, BEGIN), replace(_record(2, END), meter="M2")], "different meters"),
        ([_record(1, BEGIN), replace(_record(2, END), charge="2")], "different charges"),
        ([_record(1, BEGIN), _record(2, replace(END, energy_wh=Decimal(1)))], "ended below"),
        ([_record(1, BEGIN), _record(2, replace(END, is_usable=False))], "must not be billed"),
        ([_record(1, BEGIN, replace(END, occasion=Occasion.FAILED)), _record(2, END)], "failed during"),
        (
            [
                _record(
                    1,
                    _register("5", Occasion.BEGIN, Register.IMPORT_OF_CHARGE),
                    _register("9", Occasion.END, Register.IMPORT_OF_CHARGE),
                )
            ],
            "begin at nought",
        ),
    ],
)
def test_what_cannot_be_billed_says_why(records: list[SignedRecord], reason: str) -> None:
    with pytest.raises(NoQuantity, match=reason):
        quantity(records)


@given(st.decimals(0, 10**9, places=3), st.decimals(0, 10**6, places=3))
def test_never_more_is_billed_than_was_signed(begin_wh: Decimal, charged_wh: Decimal) -> None:
    begin, end = replace(BEGIN, energy_wh=begin_wh), replace(END, energy_wh=begin_wh + charged_wh)
    assert charged_wh - 1 < quantity([_record(1, begin), _record(2, end)]).energy_wh <= charged_wh
