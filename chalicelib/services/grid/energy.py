"""Sites' energy contracts as their operator describes and sees them."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.grid.energy import UPLOADED, EnergyContract, Feed, told_feed
from chalicelib.domain.grid.outlook import Outlook
from chalicelib.domain.grid.signals import Guidance, Series, Signal, SignalKind, SignalRow, guidance
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Sites
from chalicelib.ports.grid import EnergyContracts, SignalSource, SignalStore
from chalicelib.records.grid import FeedState
from chalicelib.services.access import Refusal, operators_own
from chalicelib.services.grid.outlooks import SiteOutlooks

_QUARTERS = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyNow:
    """A site's contract, how each of its feeds stands (None: never fetched), its coming day, and what it goes by."""

    contract: EnergyContract
    feeds: tuple[tuple[Feed, FeedState | None], ...]
    outlook: Outlook
    guidance: Guidance


@dataclass(frozen=True, kw_only=True)
class SiteEnergy:
    """Keeps sites' energy contracts, and what operators upload for them."""

    contracts: EnergyContracts
    signals: SignalStore
    sources: Mapping[str, SignalSource]
    sites: Sites
    outlooks: SiteOutlooks
    clock: Clock

    def describe(self, contract: EnergyContract, uploaded: Series | None = None) -> None:
        """From now on the site goes by it; its clock is the site's. What is `uploaded` adds to what was before.

        Raises NotFound for another's site, Refusal (`invalid_energy`) that names what cannot be so.
        """
        site = operators_own(self.sites.get(contract.site_id), contract.operator_id, f"site {contract.site_id}")
        check_feeds(contract, self.sources)
        if uploaded is not None:
            told = Signal(rows={SignalRow.PRICE: uploaded}, currency=contract.currency)
            self.signals.keep(Feed(UPLOADED, contract.site_id), told)
        before = self.contracts.of(contract.site_id)
        now = self.clock()
        self.contracts.put(replace(contract, time_zone=site.time_zone, changed_at=now), before, now)

    def described(self, operator_id: str, site_id: str) -> EnergyNow:
        """A site's contract and how it stands now. Raises NotFound."""
        contract = self._own(operator_id, site_id)
        now = self.clock()
        outlook = self.outlooks.by(contract, now, _QUARTERS)
        return EnergyNow(
            contract=contract,
            feeds=tuple((it, self.signals.state(it)) for it in contract.fetched),
            outlook=outlook,
            guidance=guidance(outlook.told_at, now),
        )

    def forget(self, operator_id: str, site_id: str) -> None:
        """Nothing is known any more of what its power costs. Raises NotFound."""
        self.contracts.remove(self._own(operator_id, site_id))

    def _own(self, operator_id: str, site_id: str) -> EnergyContract:
        return operators_own(self.contracts.of(site_id), operator_id, f"the energy contract of site {site_id}")


def check_feeds(contract: EnergyContract, sources: Mapping[str, SignalSource]) -> None:
    """Raises Refusal (`invalid_energy`) where a contract goes by what nobody tells."""
    solar = contract.solar.feed if contract.solar is not None else None
    for feed, kind in (
        (contract.price_feed, SignalKind.PRICE),
        (contract.carbon_feed, SignalKind.CARBON),
        (solar, SignalKind.SOLAR),
    ):
        if feed is None or (kind is SignalKind.PRICE and feed == Feed(UPLOADED, contract.site_id)):
            continue
        is_own = contract.operator_id and feed.name.startswith(told_feed(contract.operator_id, "").name)
        if kind is not SignalKind.SOLAR and is_own:
            # By whatever name its utility calls the program: its events may yet come.
            continue
        source = sources.get(feed.source)
        if source is None or source.kind is not kind:
            known = ", ".join(name for name, it in sources.items() if it.kind is kind)
            raise Refusal("invalid_energy", f"{feed.source!r} tells no {kind}; these do: {known}")
        if not source.is_zone(feed.zone):
            raise Refusal("invalid_energy", f"{feed.zone!r} is no zone of {feed.source}")
