"""docs/caps.md says what a driver can lose at most by the figures that the code keeps to."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

from chalicelib.domain.access.rights import ROLES, Role
from chalicelib.domain.charging.bounds import FIRST_READING_S, READING_EVERY_S, STRONGEST_W, UNREGISTERED_W
from chalicelib.domain.charging.starts import COOL_DOWN, LONGEST_COOL_DOWN, MOST_ABROAD, MOST_FRUITLESS, MOST_STARTING
from chalicelib.domain.money.minimums import LET_GO_WITHIN, MOST_LET_GO
from chalicelib.domain.pricing.caps import CHARGE_EUR, PRICE_EUR, STEP, UNSEEN_EUR, charge_cap_minor
from chalicelib.domain.pricing.dearest import HOUR_KWH, ONCE_KWH
from chalicelib.domain.pricing.evidence import CLOCK_SLACK, ORDINARY_CHARGE, Flag
from chalicelib.domain.pricing.tariff import Priced

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "caps.md").read_text()
ON = date(2026, 11, 30)
ROWS = {
    what: (most, where)
    for what, most, _, where in (
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in PAGE.partition("<!-- caps -->\n")[2].partition("<!-- end -->")[0].splitlines()[2:]
    )
}


def amount(currency: str) -> str:
    return f"{charge_cap_minor(currency, ON) // 100} {currency}"


def test_the_list_of_caps_says_what_the_code_keeps_to() -> None:
    said = [most for most, _ in ROWS.values()]
    minutes = int(COOL_DOWN.total_seconds() // 60), int(LONGEST_COOL_DOWN.total_seconds() // 3600)
    support = ROLES[Role.SUPPORT].refund_cap
    assert support is not None
    assert said == [
        f"{CHARGE_EUR} EUR",
        ", ".join(amount(currency) for currency in ("GBP", "USD", "CZK", "HUF")),
        "`cap_minor`, not above the platform's",
        f"{READING_EVERY_S // 60} min at the plug's power, {STRONGEST_W // 1000} kW at most",
        f"{UNREGISTERED_W // 1000} kW",
        f"not below {FIRST_READING_S // 60} min at the plug's power, nor the tariff's least price",
        "not below Stripe's least amount of the currency",
        f"{PRICE_EUR[Priced.ENERGY]} EUR",
        f"{PRICE_EUR[Priced.TIME]} EUR",
        f"{PRICE_EUR[Priced.FLAT]} EUR",
        f"{UNSEEN_EUR} EUR with tax, an hour {HOUR_KWH} and a beginning {ONCE_KWH} times as much",
        f"{STEP[Priced.ENERGY]} Wh, {STEP[Priced.TIME]} s",
        "the cap of a charge",
        f"{int(CLOCK_SLACK.total_seconds() // 60)} min of clock slack",
        f"{int(ORDINARY_CHARGE.total_seconds() // 3600)} h, then the flag `{Flag.LONG_CHARGE}`",
        str(MOST_STARTING),
        f"{MOST_ABROAD} in a day",
        f"{MOST_LET_GO} in {LET_GO_WITHIN.days} days",
        f"{MOST_FRUITLESS}, then {minutes[0]} min of rest, doubled up to {minutes[1]} h",
        f"{support.once_eur} EUR of a session, {support.a_day_eur} EUR in a day",
    ]
    assert PRICE_EUR[Priced.PARKING_TIME] == PRICE_EUR[Priced.TIME]
    assert Decimal(charge_cap_minor("EUR", ON)) == CHARGE_EUR * 100


def test_every_cap_stands_where_the_list_says() -> None:
    for _, where in ROWS.values():
        name = re.fullmatch(r"`(.+)`", where)
        assert name is not None
        assert (ROOT / "chalicelib" / "domain" / name[1]).is_file(), where
