"""Least charges: the least amount that a card can be held for, charged or captured, by currency and day.

Stripe documents a least amount for currencies that its accounts settle in (docs.stripe.com/currencies, "Minimum charge
amount by currency"). A charge in any other currency is converted, and must come to the least amount of the currency
that it is settled in; for those stands here what that is about, whichever it is, with room for rates to move. It holds
for holds, for charges and for captures: a small part of a hold is refused too. Where Stripe finds an amount too small
all the same (error code `amount_too_small`), its word is believed and not this table's.

Forints and Taiwan dollars are whole for payouts only, and are charged in hundredths. Krónur and Ugandan shillings have
no hundredths here; how Stripe is told them is `adapters/money/stripe_payments.py`'s.

A charge that comes to less is let go, so that nobody owes what cannot be paid; so often within a month, and no more.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta

from chalicelib.domain.pricing.currency import decimals

# Half a euro or so each: what one account can charge for nothing in that time is not worth the plugging in.
MOST_LET_GO = 20
LET_GO_WITHIN = timedelta(days=30)
# Besides this, cards know no thousandths; Stripe knows no part of an ariary.
_STEPS = {"MGA": 100}
# As documented from that day on, until a later row names the currency again; in minor units of ISO 4217.
_DOCUMENTED = (
    (
        date(2025, 1, 1),
        "AED 200 AUD 50 BGN 100 BRL 50 CAD 50 CHF 50 CZK 1500 DKK 250 EUR 50 GBP 30 HKD 400 HUF 17500 INR 50 JPY 50 "
        "MXN 1000 MYR 200 NOK 300 NZD 50 PLN 200 RON 200 SEK 300 SGD 50 THB 1000 USD 50",
    ),
    (date(2026, 11, 29), "ARS 50 COP 50 IDR 50 ILS 50 KRW 50 PHP 50 RUB 50 ZAR 50"),
)
# What else Stripe takes, and converts: 15 CZK, the most that any currency asks for in which it may be settled, at the
# rates of November 2026, rounded up by a tenth or so.
_CONVERTED = (
    "AFN 5000 ALL 6500 AMD 28000 ANG 130 AOA 65000 AWG 130 AZN 120 BAM 130 BBD 150 BDT 9000 BHD 300 BIF 2200 BMD 80 "
    "BND 100 BOB 500 BSD 80 BWP 1000 BYN 250 BZD 150 CDF 180000 CLP 700 CNY 550 CRC 37000 CVE 7000 DJF 130 DOP 4500 "
    "DZD 10000 EGP 3800 ETB 12000 FJD 170 FKP 60 GEL 200 GIP 60 GMD 5500 GNF 6500 GTQ 600 GYD 15500 HNL 2000 HTG 10000 "
    "ISK 100 JMD 12000 JOD 550 KES 10000 KGS 6500 KHR 300000 KMF 320 KWD 250 KYD 70 KZT 40000 LAK 1600000 LBP 6500000 "
    "LKR 22500 LRD 14500 LSL 1300 MAD 700 MDL 1300 MGA 330000 MKD 4000 MMK 155000 MNT 260000 MOP 600 MUR 3500 MVR 1200 "
    "MWK 130000 MZN 4800 NAD 1300 NGN 110000 NIO 2800 NPR 10500 OMR 300 PAB 80 PEN 260 PGK 320 PKR 21000 PYG 5500 "
    "QAR 280 RSD 7500 RWF 1100 SAR 280 SBD 620 SCR 1100 SHP 60 SLE 1700 SOS 43000 SRD 2900 SZL 1300 TJS 720 TND 2200 "
    "TOP 180 TRY 3300 TTD 520 TWD 2400 TZS 190000 UAH 3200 UGX 2700 UYU 3000 UZS 920000 VND 20000 VUV 90 WST 210 "
    "XAF 400 XCD 210 XOF 400 XPF 75 YER 40000 ZMW 1800"
)


def _amounts(text: str) -> dict[str, int]:
    words = text.split()
    return {currency: int(amount) for currency, amount in zip(words[::2], words[1::2], strict=True)}


# Newest first, and last what held before the first day that anything is known of.
_BY_DAY = (*((since, _amounts(text)) for since, text in reversed(_DOCUMENTED)), (date.min, _amounts(_CONVERTED)))


def least_charge_minor(currency: str, on: date) -> int:
    """The least that a card can be held for or charged with on a day, in minor units; never below 1.

    `currency` is ISO 4217, in capitals; one that Stripe does not take has one whole unit, which is as good as any.
    """
    for since, amounts in _BY_DAY:
        if since <= on and currency in amounts:
            return amounts[currency]
    known = next((amounts[currency] for _, amounts in reversed(_BY_DAY) if currency in amounts), None)
    return 10 ** decimals(currency) if known is None else known


def step_minor(currency: str) -> int:
    """Of what an amount that moves on a card must be a multiple, in minor units."""
    return _STEPS.get(currency, 10 if decimals(currency) == 3 else 1)


def chargeable_minor(amount_minor: int, currency: str, on: date) -> int:
    """What of an amount a card can be charged on a day: nothing below the least, and no part of the smallest step."""
    amount_minor -= amount_minor % step_minor(currency)
    return amount_minor if amount_minor >= least_charge_minor(currency, on) else 0


def may_begin_from(let_go: Collection[datetime], at: datetime) -> datetime | None:
    """When a driver may begin again, whole charges of theirs having been let go at these times; None: now."""
    lately = sorted(it for it in let_go if at - it < LET_GO_WITHIN)
    return lately[-MOST_LET_GO] + LET_GO_WITHIN if len(lately) >= MOST_LET_GO else None
