"""Price caps: the most that the platform lets a tariff ask for and one charge take unasked, by currency and day.

An operator's own cap (`Tariff.cap_minor`) may lie below the platform's and never above it, and the platform may lower
its caps for one operator (`OperatorCaps`). Caps are set in euros and
stand for about as much in every currency that Stripe takes cards in (docs.stripe.com/currencies, presentment
currencies of ISO 4217); they bound mistakes and malice, and are no exchange rates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import cache

from chalicelib.domain.access.operators import NO_CAPS, OperatorCaps
from chalicelib.domain.access.rights import RefundCap
from chalicelib.domain.pricing.currency import decimals, to_minor
from chalicelib.domain.pricing.tariff import Element, Priced, PriceLimit, Tariff

# What one charge may take in all without its driver being asked again, in euros.
CHARGE_EUR = Decimal(200)
# The most that a tariff may ask for, in euros before tax: a kWh, an hour, once.
PRICE_EUR = {
    Priced.ENERGY: Decimal(10),
    Priced.TIME: Decimal(120),
    Priced.PARKING_TIME: Decimal(120),
    Priced.FLAT: Decimal(100),
}
# The most that a kWh may cost, with tax, where a token is shown and its driver has neither seen nor said a price.
UNSEEN_EUR = Decimal(2)
# What is sold in larger steps than these is paid for without being had.
STEP = {Priced.ENERGY: 10_000, Priced.TIME: 3_600, Priced.PARKING_TIME: 3_600}

# So many units stand for one euro, from that day on until a later row names the currency again.
_PER_EURO = (
    (
        date(2026, 11, 1),
        "AED 4.2 AFN 78 ALL 98 AMD 445 AOA 1070 ARS 1600 AUD 1.75 AWG 2.1 AZN 2 BAM 1.96 BBD 2.3 BDT 142 BHD 0.44 "
        "BIF 3450 BMD 1.16 BND 1.5 BOB 8 BRL 6.2 BSD 1.16 BWP 15.5 BYN 3.5 BZD 2.3 CAD 1.62 CDF 2600 CHF 0.93 "
        "CLP 1080 CNY 8.2 COP 4500 CRC 580 CVE 110 CZK 24.3 DJF 207 DKK 7.46 DOP 74 DZD 151 EGP 55 ETB 178 EUR 1 "
        "FJD 2.65 FKP 0.88 GBP 0.88 GEL 3.15 GIP 0.88 GMD 84 GNF 10100 GTQ 8.9 GYD 243 HKD 9 HNL 30.5 HTG 152 "
        "HUF 385 IDR 19300 ILS 3.8 INR 103 ISK 147 JMD 186 JOD 0.82 JPY 180 KES 150 KGS 101 KHR 4650 KMF 492 "
        "KRW 1700 KWD 0.355 KYD 0.97 KZT 610 LAK 25200 LBP 104000 LKR 355 LRD 210 LSL 20 MAD 10.7 MDL 19.7 MGA 5200 "
        "MKD 61.5 MMK 2430 MNT 4120 MOP 9.3 MUR 53 MVR 17.9 MWK 2010 MXN 21.4 MYR 4.8 MZN 74 NAD 20 NGN 1680 "
        "NIO 42.7 NOK 11.7 NPR 165 NZD 2.03 OMR 0.447 PAB 1.16 PEN 3.95 PGK 4.9 PHP 68 PKR 327 PLN 4.24 PYG 8200 "
        "QAR 4.2 RON 5.09 RSD 117 RUB 93 RWF 1690 SAR 4.35 SBD 9.6 SCR 16.5 SEK 11 SGD 1.5 SHP 0.88 SLE 27 SOS 663 "
        "SRD 45 SZL 20 THB 37.5 TJS 10.7 TND 3.4 TOP 2.8 TRY 49 TTD 7.9 TWD 36 TZS 2850 UAH 48.5 UGX 4200 USD 1.16 "
        "UYU 46 UZS 14000 VND 30500 VUV 142 WST 3.25 XAF 656 XCD 3.13 XCG 2.1 XOF 656 XPF 119.3 YER 277 ZAR 20 ZMW 26",
    ),
)


@cache
def _per_euro() -> tuple[tuple[date, dict[str, Decimal]], ...]:
    """The table as it is looked up, the newest first."""
    rows = ((since, text.split()) for since, text in reversed(_PER_EURO))
    return tuple(
        (since, {code: Decimal(rate) for code, rate in zip(words[::2], words[1::2], strict=True)})
        for since, words in rows
    )


def is_taken(currency: str) -> bool:
    """Whether it is a currency of ISO 4217 that Stripe takes cards in."""
    return any(currency in rates for _, rates in _per_euro())


def charge_cap_minor(currency: str, on: date) -> int:
    """The most that one charge may take unasked by the platform's rule, in minor units."""
    return to_minor(_amount(CHARGE_EUR, currency, on), currency)


def refund_caps_minor(cap: RefundCap, currency: str, on: date) -> tuple[int, int]:
    """What somebody may give back of one session, and in a day, in minor units."""
    once, a_day = (_amount(it, currency, on) for it in (cap.once_eur, cap.a_day_eur))
    return to_minor(once, currency), to_minor(a_day, currency)


def cap_minor(tariff: Tariff, on: date) -> int:
    """The most that one charge may take unasked: the operator's own cap, or the platform's where that is lower."""
    platforms = charge_cap_minor(tariff.currency, on)
    return platforms if tariff.cap_minor is None else min(tariff.cap_minor, platforms)


def price_cap(priced: Priced, currency: str, on: date, caps: OperatorCaps = NO_CAPS) -> Decimal:
    """The most that a tariff may ask for a kWh, an hour or once, in major units."""
    own = {Priced.ENERGY: caps.kwh_eur, Priced.FLAT: caps.fee_eur}.get(priced, caps.hour_eur)
    return _amount(PRICE_EUR[priced] if own is None else min(own, PRICE_EUR[priced]), currency, on)


def capped(tariff: Tariff, caps: OperatorCaps, on: date) -> Tariff:
    """A tariff as it may be asked for under the caps of its operator: what is more is lowered to them."""
    if caps == NO_CAPS:
        return tariff
    hold, charge = (_own_cap_minor(it, tariff.currency, on) for it in (caps.hold_eur, caps.charge_eur))
    return replace(
        tariff,
        elements=tuple(_capped_element(it, tariff.currency, on, caps) for it in tariff.elements),
        min_price=tariff.min_price if charge is None else _capped_limit(tariff, charge),
        hold_minor=_lower(_lower(tariff.hold_minor, hold), charge),
        cap_minor=_lower(tariff.cap_minor, charge) if tariff.cap_minor is not None else charge,
    )


def _capped_element(element: Element, currency: str, on: date, caps: OperatorCaps) -> Element:
    components = (
        replace(it, price=min(it.price, price_cap(it.type, currency, on, caps))) for it in element.price_components
    )
    return replace(element, price_components=tuple(components))


def _capped_limit(tariff: Tariff, most_minor: int) -> PriceLimit | None:
    most, least = Decimal(most_minor).scaleb(-decimals(tariff.currency)), tariff.min_price
    if least is None:
        return None
    before, after = (min(it, most) if it is not None else None for it in (least.before_taxes, least.after_taxes))
    return PriceLimit(before, after)


def _lower(amount_minor: int, cap_minor: int | None) -> int:
    return amount_minor if cap_minor is None else min(amount_minor, cap_minor)


def _own_cap_minor(cap_eur: Decimal | None, currency: str, on: date) -> int | None:
    return None if cap_eur is None else to_minor(_amount(min(cap_eur, CHARGE_EUR), currency, on), currency)


def unseen_caps(on: date) -> Mapping[str, Decimal]:
    """The most that a kWh may cost where nobody has seen its price, by currency, in major units with tax."""
    currencies = {it for since, rates in _per_euro() if since <= on for it in rates}
    return {it: _amount(UNSEEN_EUR, it, on) for it in sorted(currencies)}


def tariff_faults(tariff: Tariff, on: date, caps: OperatorCaps = NO_CAPS) -> Iterator[str]:
    """Why a tariff cannot be an operator's from that day on, for people; none: it can."""
    currency = tariff.currency
    if not is_taken(currency):
        yield f"currency: {currency} is no currency that cards are charged in"
        return
    for component in (it for element in tariff.elements for it in element.price_components):
        priced, most = component.type, price_cap(component.type, currency, on, caps)
        if component.price > most:
            yield f"{priced}: {component.price} is more than {most} {currency}, the most that may be asked for"
        if component.step_size > STEP.get(priced, component.step_size):
            yield f"{priced}: a step_size of {component.step_size} is more than {STEP[priced]}"
    most_minor = _lower(charge_cap_minor(currency, on), _own_cap_minor(caps.charge_eur, currency, on))
    most_held = _lower(most_minor, _own_cap_minor(caps.hold_eur, currency, on))
    if tariff.hold_minor > most_held:
        yield f"hold_minor: {tariff.hold_minor} is more than {most_held}, the most that may be held"
    if tariff.cap_minor is not None and tariff.cap_minor > most_minor:
        yield f"cap_minor: {tariff.cap_minor} is more than {most_minor}, the most that one charge may take unasked"
    if tariff.cap_minor is not None and tariff.hold_minor > tariff.cap_minor:
        yield f"hold_minor: {tariff.hold_minor} is more than cap_minor"
    least = tariff.min_price or PriceLimit()
    for name, amount in (("before_taxes", least.before_taxes), ("after_taxes", least.after_taxes)):
        if amount is not None and to_minor(amount, currency) > most_minor:
            yield f"min_price.{name}: {amount} is more than {most_minor} minor units, the most of one charge"
    if _is_crossed(tariff):
        yield "min_price: it is above max_price"


def _is_crossed(tariff: Tariff) -> bool:
    """Whether a bound below lies above one above, before or after taxes."""
    low, high = tariff.min_price or PriceLimit(), tariff.max_price or PriceLimit()
    taxed = 1 + _highest_vat(tariff.elements) / 100
    pairs = (
        (low.before_taxes, high.before_taxes),
        (low.after_taxes, high.after_taxes),
        (low.before_taxes, high.after_taxes),
        (low.after_taxes, None if high.before_taxes is None else high.before_taxes * taxed),
    )
    return any(least is not None and most is not None and least > most for least, most in pairs)


def worth_minor(tariff: Tariff, energy_wh: int, lasted_s: int, *, is_first: bool = False) -> int:
    """The most that so much more energy and time may add to a bill, tax and steps included, in minor units.

    `is_first`: with what a charge costs once, and the least that it costs.
    """
    elements = [it for it in tariff.elements if it.restrictions.reservation is None]
    dear = {priced: Decimal(0) for priced in Priced}
    for component in (it for element in elements for it in element.price_components):
        quantity = {Priced.ENERGY: Decimal(energy_wh) / 1000, Priced.FLAT: Decimal(is_first)}.get(
            component.type, Decimal(lasted_s) / 3600
        )
        step = component.step_size - 1 if component.type is not Priced.FLAT else 0
        unit = 1000 if component.type is Priced.ENERGY else 3600
        worth = component.price * (quantity + Decimal(step) / unit)
        dear[component.type] = max(dear[component.type], worth)
    # A moment is spent charging or parked, and so is a step.
    net = dear[Priced.ENERGY] + dear[Priced.FLAT] + max(dear[Priced.TIME], dear[Priced.PARKING_TIME])
    taxed = 1 if tariff.tax_included else 1 + _highest_vat(elements) / 100
    total = net * taxed
    if is_first and tariff.min_price is not None:
        total = max(
            total, (tariff.min_price.before_taxes or Decimal(0)) * taxed, tariff.min_price.after_taxes or Decimal(0)
        )
    return int(total.scaleb(decimals(tariff.currency)).to_integral_value(ROUND_CEILING))


def _highest_vat(elements: tuple[Element, ...] | list[Element]) -> Decimal:
    return max((it.vat or Decimal(0) for element in elements for it in element.price_components), default=Decimal(0))


def _amount(euros: Decimal, currency: str, on: date) -> Decimal:
    """About as much in another currency, to two figures; a currency that nobody takes is counted as euros."""
    table = _per_euro()
    rates = next((it for since, it in table if since <= on and currency in it), table[-1][1])
    amount = euros * rates.get(currency, Decimal(1))
    return amount.quantize(Decimal(1).scaleb(amount.adjusted() - 1)) + 0
