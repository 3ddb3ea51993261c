"""Signed meter records: what a meter says of a charge and vouches for, and what may be billed by it.

A record counts only as a whole and only by the letter: what was signed is never rewritten, and a quantity is the
difference of two registers that the same meter signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from chalicelib.domain.data_classes import dataclass


class SignedFormat(StrEnum):
    """How a signed record is written, by the names that the S.A.F.E. transparency software has for them."""

    OCMF = "OCMF"
    EDL_40 = "EDL_40_P"
    ALFEN = "ALFEN"


class Occasion(StrEnum):
    """Why a register was read: at the begin or end of a charge, in between, or because something went wrong."""

    BEGIN = "begin"
    BETWEEN = "between"
    FAILED = "failed"
    END = "end"
    NONE = "none"


class Register(StrEnum):
    """What a register counts: energy in or out, for ever or for this charge, at the meter or at the car's end.

    At the car's end what the cable loses is taken off (OCMF 1.4, table 25).
    """

    IMPORT = "import"
    IMPORT_AT_CAR = "import_at_car"
    IMPORT_OF_CHARGE = "import_of_charge"
    IMPORT_OF_CHARGE_AT_CAR = "import_of_charge_at_car"
    EXPORT = "export"
    OTHER = "other"


# What the car was given counts before what the meter gave; of a charge's own register, begin is not always signed.
_BILLED_FIRST = (
    Register.IMPORT_OF_CHARGE_AT_CAR,
    Register.IMPORT_AT_CAR,
    Register.IMPORT_OF_CHARGE,
    Register.IMPORT,
)
# Clocks that are both set differ by less; a record of a charge before would be of longer ago.
_CLOCKS_DIFFER = timedelta(minutes=15)
_OF_CHARGE = (Register.IMPORT_OF_CHARGE, Register.IMPORT_OF_CHARGE_AT_CAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRegister:
    """One register as it was read and signed, in Wh exactly as written.

    `is_usable`: neither the meter nor whoever signed says that its energy must not be billed. `is_timed`: its clock was
    set, so that `at` is when it was.
    """

    at: datetime
    occasion: Occasion
    register: Register
    energy_wh: Decimal
    is_usable: bool = True
    is_timed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRecord:
    """What a meter, or the gateway beside it, signed at once.

    `payload` are the bytes that were signed, `signature` r and s, `curve` its name. `meter` says which meter it was,
    `page` where in its count of records this stands (None: it keeps no count). `charge`: the meter's own number of
    the charge. `enclosed_key`: a public key that came with it, which proves nothing by itself.
    """

    format: SignedFormat
    payload: bytes
    signature: tuple[int, int]
    curve: str
    meter: str
    registers: tuple[SignedRegister, ...]
    page: int | None = None
    charge: str = ""
    enclosed_key: str = ""


class Verification(StrEnum):
    """What became of checking a record.

    VALID: by the key that is known for its meter. FOREIGN: valid, by a key that is not. INVALID: by no key at all.
    UNKNOWN_KEY: no key is known, nor came one with it. UNSUPPORTED: its format or curve cannot be checked here.
    MALFORMED: it cannot be read. REPEATED, of all that a charge has: valid, and another charge was billed by it.
    """

    VALID = "valid"
    FOREIGN = "foreign"
    INVALID = "invalid"
    UNKNOWN_KEY = "unknown_key"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"
    REPEATED = "repeated"


class NoQuantity(Exception):
    """Records of which no quantity can be billed; `reason` says why, in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedQuantity:
    """What was signed to have been charged, rounded down to whole Wh, by which register, from when until when.

    `is_timed`: the meter's clock was set, then and then.
    """

    energy_wh: int
    register: Register
    began_at: datetime
    ended_at: datetime
    is_timed: bool = False

    def is_of(self, began_at: datetime, ended_at: datetime) -> bool:
        """Whether it can be of a charge between these times; where the meter's clock was not set nobody knows."""
        return not self.is_timed or (
            began_at - _CLOCKS_DIFFER <= self.began_at and self.ended_at <= ended_at + _CLOCKS_DIFFER
        )


def quantity(records: Iterable[SignedRecord]) -> SignedQuantity:
    """What one charge's records come to; they must have been found valid, and the same record may be there twice.

    Of the registers that were read at the begin and at the end the one nearest the car counts. Raises NoQuantity.
    """
    found = list({it.payload: it for it in records}.values())
    if len({(it.meter, it.charge) for it in found}) > 1:
        raise NoQuantity("the records are of different meters, or of different charges")
    placed = [(record.page, register) for record in found for register in record.registers]
    if any(it.occasion is Occasion.FAILED for _, it in placed):
        raise NoQuantity("the meter failed during the charge")
    for register in _BILLED_FIRST:
        begins = [it for it in placed if it[1].register is register and it[1].occasion is Occasion.BEGIN]
        ends = [it for it in placed if it[1].register is register and it[1].occasion is Occasion.END]
        if begins and ends:
            return _between(begins, ends)
    raise NoQuantity("no register was signed both at the begin and at the end")


def ends(records: Iterable[SignedRecord]) -> Sequence[bytes]:
    """What was signed at the begin and at the end of a charge: each once in a meter's life, and of no other charge."""
    billed = (Occasion.BEGIN, Occasion.END)
    return sorted({it.payload for it in records if any(register.occasion in billed for register in it.registers)})


_Placed = tuple[int | None, SignedRegister]


def _between(begins: list[_Placed], ends: list[_Placed]) -> SignedQuantity:
    if len(begins) > 1 or len(ends) > 1:
        raise NoQuantity("there is more than one begin, or end")
    (first_page, begin), (last_page, end) = begins[0], ends[0]
    if first_page is not None and last_page is not None and last_page < first_page:
        raise NoQuantity("the end stands before the begin in the meter's count of records")
    if not begin.is_usable or not end.is_usable:
        raise NoQuantity("the meter says that its energy must not be billed")
    if end.energy_wh < begin.energy_wh:
        raise NoQuantity("the register ended below where it began")
    if begin.register in _OF_CHARGE and begin.energy_wh:
        raise NoQuantity("the charge's own register did not begin at nought")
    energy_wh = (end.energy_wh - begin.energy_wh).to_integral_value(ROUND_FLOOR)
    return SignedQuantity(
        energy_wh=int(energy_wh),
        register=begin.register,
        began_at=begin.at,
        ended_at=end.at,
        is_timed=begin.is_timed and end.is_timed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedEnergy:
    """What a charge's signed records come to: how their check went, and what may be billed by them.

    `energy_wh` is None where nothing may; `reason` says why, in words. `told_wh` is what the charger's plain readings
    come to, for whoever compares. `values`: SHA-256 of each record that was weighed, in hexadecimal and in order.
    """

    verification: Verification
    meter: str = ""
    energy_wh: int | None = None
    register: Register | None = None
    reason: str = ""
    told_wh: int | None = None
    values: tuple[str, ...] = ()

    @property
    def is_contradicted(self) -> bool:
        """Whether a key is known and did not sign this: somebody changed what the meter said, or the meter itself."""
        return self.verification in (Verification.INVALID, Verification.FOREIGN, Verification.REPEATED)


_LEAST_DIFFERENCE_WH, _DIFFERENCE_PERCENT = 20, 1


def differs(signed_wh: int, told_wh: int | None) -> bool:
    """Whether two numbers for one charge are further apart than rounding and times of reading can be."""
    if told_wh is None:
        return False
    return abs(signed_wh - told_wh) > max(_LEAST_DIFFERENCE_WH, signed_wh * _DIFFERENCE_PERCENT // 100)


class Unproven(StrEnum):
    """What is done with a charge whose signed records are contradicted by their meter's key."""

    BILL = "bill"
    ASK = "ask"
    FREE = "free"


# MessEG section 33, and Austria's MEG: values may be used only as they were measured.
_RULES = {"DE": Unproven.ASK, "AT": Unproven.ASK}
# Where nobody has said in which country a site is, its clock does.
_COUNTRIES = {"Europe/Berlin": "DE", "Europe/Busingen": "DE", "Europe/Vienna": "AT"}


def rule(country: str, time_zone: str) -> Unproven:
    """What the law of a site's country has done with it; where it says nothing, the plain readings are billed.

    `country` is ISO 3166 alpha-2, or "" where only the time zone is known.
    """
    return _RULES.get(country or _COUNTRIES.get(time_zone, ""), Unproven.BILL)
