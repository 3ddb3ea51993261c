"""A link's tokens: opened to be used, refreshed by one at a time across processes, and never shown twice.

Whoever refreshes says so first, by a conditional write: the token is spent from then on, be there an answer or not,
for many makers take a token that comes twice for a stolen one, and end everything. Only where it certainly never
arrived, or the maker said "not now", is it good again. A link that ends is told of once, with the way back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock
from chalicelib.ports.vehicles import CarLinks, LinksCars, TokenSealer
from chalicelib.records import Conflict
from chalicelib.records.vehicles import CarLink, CarTokens, LinkAccess, LinkBroken, LinkState, MakerUnavailable

# Before it ends, so that no call is under way when it does.
EARLY = timedelta(minutes=2)
# Longer than a maker is waited for.
LEASE = timedelta(seconds=45)
_LOOKS, _APART_S = 12, 0.5

Tell = Callable[[CarLink], None]


@dataclass(frozen=True, kw_only=True)
class LinkTokens:
    """Access to what a driver allowed at a maker."""

    links: CarLinks
    makers: Mapping[str, LinksCars]
    sealer: TokenSealer
    tell: Tell
    clock: Clock
    sleep: Callable[[float], None]

    def access(self, driver_id: str, link_id: str, *, refused: str = "") -> LinkAccess:
        """What a call is made with; `refused`: the maker took that token no more, though its time was not over.

        Raises LinkBroken where only the driver can help, MakerUnavailable where later may do.
        """
        for _ in range(_LOOKS):
            link = self.links.get(driver_id, link_id)
            if link is None or link.state is LinkState.BROKEN:
                raise LinkBroken("this link is over")
            if not link.sealed:
                return LinkAccess(link.account, "")
            tokens = self._opened(link)
            at = self.clock()
            if tokens.access != refused and tokens.expires_at > at + EARLY:
                return LinkAccess(link.account, tokens.access)
            if link.lease_until is not None and at < link.lease_until:
                self.sleep(_APART_S)
                continue
            if link.is_spent or not tokens.refresh:
                self.broken(link)
                raise LinkBroken("its refresh token is spent")
            try:
                held = self.links.save(replace(link, lease_until=at + LEASE, is_spent=True))
            except Conflict:
                continue
            return LinkAccess(link.account, self._refreshed(held, tokens).access)
        raise MakerUnavailable("somebody else is refreshing")

    def end(self, driver_id: str, link_id: str) -> None:
        """The maker refused it: it is over, and its driver is told; nothing happens where it is gone."""
        link = self.links.get(driver_id, link_id)
        if link is not None:
            self.broken(link)

    def sealed(self, link_id: str, tokens: CarTokens) -> bytes:
        """Tokens, encrypted for that link; nothing where there are none."""
        if not tokens.access:
            return b""
        return self.sealer.seal(json.dumps({"access": tokens.access, "refresh": tokens.refresh}), link_id)

    def broken(self, link: CarLink) -> None:
        """It is over: its tokens are forgotten, and its driver is told, once."""
        if link.state is LinkState.BROKEN and link.told_at is not None:
            return
        self.tell(link)
        over = replace(link, state=LinkState.BROKEN, sealed=b"", lease_until=None, told_at=self.clock())
        try:
            self.links.save(over)
        except Conflict:
            stored = self.links.get(link.driver_id, link.link_id)
            if stored is not None and stored.sealed == link.sealed:
                self.broken(stored)

    def _refreshed(self, held: CarLink, tokens: CarTokens) -> CarTokens:
        """The tokens that follow, stored. `held` is the link as it is while nobody else may."""
        maker = self.makers.get(held.maker)
        try:
            if maker is None:
                raise MakerUnavailable("nobody here speaks with that maker")
            told = maker.refresh(tokens, self.clock())
        except LinkBroken:
            self.broken(held)
            raise
        except MakerUnavailable as error:
            if error.is_unsure:
                self.broken(held)
                raise LinkBroken("the answer to its refresh token was lost") from error
            self.links.save(replace(held, lease_until=None, is_spent=False))
            raise
        after = replace(held, sealed=self.sealed(held.link_id, told), expires_at=told.expires_at)
        try:
            self.links.save(replace(after, lease_until=None, is_spent=False))
        except Conflict as changed:
            raise LinkBroken("it was ended while it was refreshed") from changed
        return told

    def _opened(self, link: CarLink) -> CarTokens:
        told = json.loads(self.sealer.open(link.sealed, link.link_id))
        never = datetime.min.replace(tzinfo=self.clock().tzinfo)
        return CarTokens(access=told["access"], refresh=told["refresh"], expires_at=link.expires_at or never)
