"""Parties to an invoice, seller and buyer, as EN 16931 wants them: with a postal address in parts, and a tax number.

People write addresses in lines. The last is taken apart only where it can mean one thing; where it cannot, what is
missing is told by its name, and nothing is guessed on a paper that an authority reads.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.domain.data_classes import dataclass

if TYPE_CHECKING:
    from chalicelib.domain.money.receipt import Profile

# As all of continental Europe writes it, a country's letters before it or not: 10115 Berlin, 1012 AB Amsterdam,
# 00-950 Warszawa, 114 34 Stockholm. Where house numbers come first, or codes last, it has to be said.
_CODE_AND_CITY = re.compile(
    r"(?:[A-Z]{1,2}-)?(?P<code>\d{2,4}-\d{3}|\d{3} \d{2}|\d{4} ?[A-Z]{2}|\d{4,5}) +(?P<city>\D.*)"
)
EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
# ISO 3166-1 alpha-2, all that are given out.
COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM
    FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN
    MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT
    PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL
    TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()
)
# EN 16931-1, BR-CO-09: a VAT identifier begins with its country's code, Greece's with EL.
_VAT_ID = re.compile(r"[A-Z]{2}[A-Z0-9+*.\- ]*\d[A-Z0-9+*.\- ]*")
_VAT_COUNTRIES = {**{it: it for it in EU - {"GR"}}, "EL": "GR", "XI": "GB", "CH": "CH", "GB": "GB", "NO": "NO"}


class Invoicing(StrEnum):
    """When a business has its invoices: as somebody asks for one, with each session, or one for each month."""

    ON_REQUEST = "on_request"
    EACH_SESSION = "each_session"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """For whom a driver charges, as it stands on papers; `address` is in lines, `country` ISO 3166 alpha-2.

    `postal_code` and `city` are what of the address an invoice names apart, where its last line does not say so.
    `reference` is what it wants to find on its invoices, such as a Leitweg-ID. What was not told is empty.
    `invoicing` is for what is paid from now on.
    """

    name: str
    address: str = ""
    vat_id: str = ""
    country: str = ""
    postal_code: str = ""
    city: str = ""
    reference: str = ""
    invoicing: Invoicing = Invoicing.ON_REQUEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A seller (BG-4) or buyer (BG-7). `street` are all lines of the address but that with post code and city.

    `tax_id` is a VAT identifier (BT-31) where it begins with a country, else the number of another tax registration
    (BT-32). `reference` is what the buyer wants to find on it (BT-10), such as a Leitweg-ID.
    """

    name: str
    street: tuple[str, ...]
    postal_code: str
    city: str
    country: str
    tax_id: str = ""
    email: str = ""
    phone: str = ""
    reference: str = ""

    @property
    def vat_id(self) -> str:
        """Its VAT identifier, with its own country before it; empty where it has another number, or none."""
        is_one = _VAT_ID.fullmatch(self.tax_id) and _VAT_COUNTRIES.get(self.tax_id[:2]) == self.country
        return self.tax_id if is_one else ""

    @property
    def missing(self) -> tuple[str, ...]:
        """What an invoice needs of it and nobody has said, in words."""
        country = self.country if self.country in COUNTRIES else ""
        told = {"name": self.name, "post code": self.postal_code, "city": self.city, "country": country}
        return tuple(it for it, said in told.items() if not said)


def seller_of(profile: Profile) -> Party:
    """An operator as the seller."""
    street, postal_code, city = _address(profile.address, profile.postal_code, profile.city)
    return Party(
        name=profile.legal_name,
        street=street,
        postal_code=postal_code,
        city=city,
        country=profile.country,
        tax_id=profile.tax_id,
        email=profile.email,
        phone=profile.phone,
    )


def buyer_of(business: Business, email: str) -> Party:
    """A business as the buyer; where its country was not said, its VAT identifier may tell."""
    street, postal_code, city = _address(business.address, business.postal_code, business.city)
    prefix = business.vat_id[:2]
    return Party(
        name=business.name,
        street=street,
        postal_code=postal_code,
        city=city,
        country=business.country or _VAT_COUNTRIES.get(prefix, ""),
        tax_id=business.vat_id,
        email=email,
        reference=business.reference,
    )


def _address(address: str, postal_code: str, city: str) -> tuple[tuple[str, ...], str, str]:
    """Street, post code and city: as said, else as the last line says."""
    told = [part.strip() for line in address.splitlines() for part in line.split(",") if part.strip()]
    if postal_code or city:
        return tuple(it for it in told if it not in (f"{postal_code} {city}", city, postal_code)), postal_code, city
    if told and (found := _CODE_AND_CITY.fullmatch(told[-1])):
        return tuple(told[:-1]), found["code"], found["city"]
    return tuple(told), "", ""
