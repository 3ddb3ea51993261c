"""Taxes of a bill, a rate at a time: rounded once a rate, and still right where a bound says what the whole costs.

What is known before taxes is taxed: the tax is its rate of the net. What is known with taxes is taken apart: the net
follows from the total by the rates. So a stated tax is its rate of its net, but for less than a minor unit where no net
would come to that total (no net and 19 % of it are 0.03).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import islice, permutations

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.pricing.currency import round_half_up

# With more rates than these need, one is off by a minor unit now and then.
_MOST_TRIES = 32


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one rate on `net_minor`."""

    percent: Decimal
    net_minor: int
    amount_minor: int

    @property
    def gross_minor(self) -> int:
        """What is paid at this rate, tax and all."""
        return self.net_minor + self.amount_minor


def added(percent: Decimal, net_minor: int) -> Tax:
    """The tax that comes on top of so much."""
    return Tax(percent, net_minor, round_half_up(net_minor * _share(percent)))


def included(percent: Decimal, gross_minor: int) -> Tax:
    """The tax that is in so much."""
    rate = _share(percent)
    tax_minor = round_half_up(gross_minor * rate / (1 + rate))
    return Tax(percent, gross_minor - tax_minor, tax_minor)


def of_net(taxes: Sequence[Tax], net_minor: int) -> list[Tax]:
    """The same rates, each with its share of what is now to be paid before taxes. `taxes` are at least one."""
    weights = _weights(taxes)
    nets = apportioned(net_minor, [Fraction(net_minor * it, sum(weights)) for it in weights])
    return [added(it.percent, net) for it, net in zip(taxes, nets, strict=True)]


def of_total(taxes: Sequence[Tax], total_minor: int) -> list[Tax]:
    """The same rates, each with its share of what is now to be paid with taxes. `taxes` are at least one."""
    weights, rates = _weights(taxes), [_share(it.percent) for it in taxes]
    whole = sum((weight * (1 + rate) for weight, rate in zip(weights, rates, strict=True)), Fraction(0))
    ideals = [weight * total_minor / whole for weight in weights]
    nets = apportioned(round_half_up(sum(ideals, Fraction(0))), ideals)
    if (found := _exact(taxes, nets, total_minor)) is not None:
        return found
    amounts = apportioned(total_minor - sum(nets), [net * rate for net, rate in zip(nets, rates, strict=True)])
    return [Tax(it.percent, net, amount) for it, net, amount in zip(taxes, nets, amounts, strict=True)]


def of_both(taxes: Sequence[Tax], net_minor: int, total_minor: int) -> list[Tax] | None:
    """The same rates, with shares that come to both sums: more at the lowest rate, less at all others.

    None where these rates cannot come to that. Both sums are less than what the rates' proportions would give.
    """
    rates, weights = [_share(it.percent) for it in taxes], _weights(taxes)
    shares = [Fraction(it, sum(weights)) for it in weights]
    usual, least = sum(share * rate for share, rate in zip(shares, rates, strict=True)), min(rates)
    wanted = Fraction(total_minor - net_minor, net_minor or 1)
    if not least <= wanted < usual:
        return None
    shift, lowest = (usual - wanted) / (usual - least), rates.index(least)
    ideals = [
        net_minor * (share * (1 - shift) + (shift if index == lowest else 0)) for index, share in enumerate(shares)
    ]
    return _exact(taxes, apportioned(net_minor, ideals), total_minor)


def apportioned(total: int, ideals: Sequence[Fraction]) -> list[int]:
    """Whole parts that sum to `total`, as near to their ideals as can be; none below 0, and of nothing is nothing."""
    parts = [round_half_up(it) for it in ideals]
    while off := total - sum(parts):
        step = 1 if off > 0 else -1
        may = [index for index, it in enumerate(ideals) if it and (step > 0 or parts[index] > 0)]
        # Where all ideals are nothing the first has it all.
        index = max(may, key=lambda index: step * (ideals[index] - parts[index]), default=0)
        parts[index] += step
    return parts


def _exact(taxes: Sequence[Tax], nets: Sequence[int], total_minor: int) -> list[Tax] | None:
    """What comes to that total by these nets, or by others as near as can be; None where nothing does."""
    for near in islice(_near(nets), _MOST_TRIES):
        found = [added(it.percent, net) for it, net in zip(taxes, near, strict=True)]
        if sum(it.gross_minor for it in found) == total_minor:
            return found
    return None


def _near(nets: Sequence[int]) -> Iterator[Sequence[int]]:
    """These, and those with one minor unit moved from one rate to another."""
    yield nets
    for to, of in permutations(range(len(nets)), 2):
        if nets[of] > 0:
            yield [net + (index == to) - (index == of) for index, net in enumerate(nets)]


def _weights(taxes: Sequence[Tax]) -> list[int]:
    """What each rate's share is measured by; where nothing was bought the first rate has it all."""
    weights = [it.net_minor for it in taxes]
    return weights if sum(weights) else [1, *[0] * (len(taxes) - 1)]


def _share(percent: Decimal) -> Fraction:
    return Fraction(percent) / 100
