"""A site that moves is shown at its new place at once, and the rows of its chargers follow, some at a time.

It is shown there by its sign, which names the places where those rows may still be. What is to be done stands in a row
of its own before anything is changed, so that it is done whoever dies: the request hands it to an invocation, which
hands on what it has no time for, and the schedule `lists` takes up what nobody goes on with. A pass moves all chargers
that it finds. Whoever read the site before it moved may put one after that, where it was: so the last pass begins a
minute later, and only then nothing leads from the new place to the old one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock, Invocations
from chalicelib.ports.chargers import ChargerRegistry, Sites
from chalicelib.ports.discovery import Places, Relocations
from chalicelib.records.chargers import Charger, Site
from chalicelib.records.discovery import LONGEST_REQUEST, Relocation
from chalicelib.records.parts import WHOLE, Part
from chalicelib.services.access import Refusal
from chalicelib.services.at_once import at_once
from chalicelib.services.chargers.placement import Placement

SCHEDULE, PART = "lists", "site"
# Each is a query of every search there, until its chargers have followed.
_MOST_SIGNS = 8
# Moved at once, before that is noted: what a death repeats.
_SOME = 24
# Nobody has gone on with it for so long: whoever did is dead. A charger takes seven calls, some are moved at once.
_DEAD_AFTER = timedelta(seconds=45)
_ATTEMPTS = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SiteRelocation:
    """Changes what a site is, and where; has its chargers follow."""

    relocations: Relocations
    sites: Sites
    chargers: ChargerRegistry
    places: Places
    placement: Placement
    invocations: Invocations
    clock: Clock

    def change(self, known: Site, site: Site) -> None:
        """From now on the site is as `site` says. The same again does to its end what was broken off.

        Raises Refusal (`site_moving`) for one that moves from place to place faster than its chargers can follow.
        """
        under_way = self._begin(known, site)
        if under_way is None:
            self.places.describe(site)
            self.sites.put(site)
            return
        here = self.places.sign(site)
        self.places.describe(site, _others(under_way, here))
        self.sites.put(site)
        for sign in _others(under_way, here):
            self.places.leave(sign, site)
        self._hand_on(site.site_id)

    def tend(self, part: Part = WHOLE) -> int:
        """Have gone on with what nobody goes on with; returns how many sites."""
        now, begun = self.clock(), 0
        for it in part.in_time(self.relocations.all(), self.clock):
            if it.due_at <= now:
                self._hand_on(it.site_id)
                begun += 1
        return begun

    def go_on(self, site_id: str, part: Part = WHOLE) -> int:
        """Have a site's chargers follow it, until time is up; returns how many did. Of two, the later goes on alone."""
        known = self.relocations.get(site_id)
        while known is not None:
            site = self._site(site_id)
            here = self.places.sign(site)
            # Said again: the request may have died in between.
            self.places.describe(site, _others(known, here))
            for sign in _others(known, here):
                self.places.leave(sign, site)
            now = self.clock()
            begun = replace(known, pass_at=known.pass_at or now, due_at=now + _DEAD_AFTER)
            if self.relocations.change(known, begun):
                return self._pass(begun, site, part)
            known = self.relocations.get(site_id)
            if known is None:
                # Another has come to its end meanwhile, and what was just said is out of date.
                self.places.describe(self._site(site_id))
        return 0

    def _begin(self, before: Site, site: Site) -> Relocation | None:
        """Write down that a site is about to move, and whence its chargers may have to follow; None if none has to."""
        signs = (self.places.sign(before), self.places.sign(site))
        for _ in range(_ATTEMPTS):
            known = self.relocations.get(site.site_id)
            if known is None and signs[0] == signs[1]:
                return None
            all_signs = (*(known.signs if known else ()), *(it for it in signs if it is not None))
            now = self.clock()
            after = Relocation(
                site_id=site.site_id, signs=tuple(dict.fromkeys(all_signs)), at=now, due_at=now + _DEAD_AFTER
            )
            if len(after.signs) > _MOST_SIGNS:
                break
            # What was under way begins anew, so that whoever is at its end sees that it is not.
            if self.relocations.change(known, after):
                return after
        raise Refusal("site_moving", f"site {site.site_id} is being moved already; try again in a minute or two")

    def _pass(self, known: Relocation, site: Site, part: Part) -> int:
        moved = 0
        while not part.is_over(self.clock()):
            chargers, after = self.chargers.at_site(site.site_id, _SOME, known.after)
            failed = self._show(chargers, site)
            moved += len(chargers) - failed
            lacks_some = known.lacks_some or failed > 0
            if after is None:
                self._end_pass(known, lacks_some=lacks_some)
                return moved
            noted = replace(known, after=after, lacks_some=lacks_some, due_at=self.clock() + _DEAD_AFTER)
            if not self.relocations.change(known, noted):
                return moved
            known = noted
        self._hand_on(site.site_id)
        return moved

    def _show(self, chargers: Sequence[Charger], site: Site) -> int:
        """Have these follow; returns how many could not, who keep none of the others."""
        failed: list[str] = []

        def show(charger: Charger) -> None:
            try:
                self.placement.show(charger, site)
            except Exception:
                _log.exception("a charger did not follow its site", extra={"charger_id": charger.charger_id})
                failed.append(charger.charger_id)

        at_once(show, chargers)
        return len(failed)

    def _end_pass(self, known: Relocation, *, lacks_some: bool) -> None:
        if lacks_some or not known.is_seen_through:
            again_at = self.clock() + LONGEST_REQUEST if lacks_some else known.at + LONGEST_REQUEST
            anew = replace(known, after="", pass_at=None, lacks_some=False, due_at=again_at)
            self.relocations.change(known, anew)
            return
        site = self._site(known.site_id)
        self.places.describe(site)
        for sign in _others(known, self.places.sign(site)):
            # Who died, or was not answered, as a charger was put there may have left a row that nobody knows of.
            self.places.clear(sign)
        self.relocations.end(known)

    def _site(self, site_id: str) -> Site:
        site = self.sites.get(site_id)
        if site is None:
            raise LookupError(f"no site {site_id}, and one that moves")
        return site

    def _hand_on(self, site_id: str) -> None:
        try:
            self.invocations.begin(SCHEDULE, {"part": PART, "site": site_id})
        except Exception:
            # It is written down: the schedule has it gone on with.
            _log.exception("not handed on", extra={"site_id": site_id})


def _others(known: Relocation, here: str | None) -> list[str]:
    return [it for it in known.signs if it != here]
