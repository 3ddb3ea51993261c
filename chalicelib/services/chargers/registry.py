"""The registry of sites, tariffs and chargers.

An operator sees and changes only what carries its own operator id.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.domain.money.receipt import Profile
from chalicelib.domain.pricing.caps import tariff_faults
from chalicelib.domain.pricing.tariff import Tariff
from chalicelib.ports import Clock
from chalicelib.ports.access import Operators
from chalicelib.ports.chargers import ChargerLink, ChargerRegistry, Connectors, Sites, Sockets
from chalicelib.ports.discovery import Places
from chalicelib.ports.grid import ManagedChargers, ManagedSites
from chalicelib.ports.money import OperatorProfiles
from chalicelib.ports.pricing import Tariffs
from chalicelib.records.chargers import Admission, Charger, ConnectorState, Site
from chalicelib.services.access import NotFound, Refusal, is_operators, not_another_operators, operators_own
from chalicelib.services.chargers.passwords import hash_password, password_matches
from chalicelib.services.chargers.placement import Placement
from chalicelib.services.chargers.relocation import SiteRelocation

_MOST_FAULTS = 5
# Nothing, or a certificate.
_WITHOUT_PASSWORD = (0, 3)
# What a charger shows, by its security profile: 1 and 2 differ in TLS only, which every charger speaks.
_NOTHING = "nothing"
_PROOFS = {0: _NOTHING, 1: "password", 2: "password", 3: "certificate"}


@dataclass(frozen=True, kw_only=True)
class Registry:
    """An operator's sites, tariffs and chargers."""

    chargers: ChargerRegistry
    connectors: Connectors
    sites: Sites
    tariffs: Tariffs
    operator_profiles: OperatorProfiles
    places: Places
    placement: Placement
    relocation: SiteRelocation
    sockets: Sockets
    link: ChargerLink
    operators: Operators
    managed_sites: ManagedSites
    managed_chargers: ManagedChargers
    clock: Clock

    def put_site(self, site: Site) -> None:
        """Raises Refusal when the id is another operator's, NotFound for an unknown tariff."""
        known = self.sites.get(site.site_id)
        not_another_operators(known, site.operator_id, f"site id {site.site_id}")
        operators_own(self.tariffs.get(site.tariff_id), site.operator_id, f"tariff {site.tariff_id}")
        if known is not None and known.is_load_managed and not site.is_load_managed:
            # Its tree says so, and whoever changes an address need not say it again.
            site = replace(site, is_load_managed=self.managed_sites.get(site.site_id) is not None)
        if known is None:
            # The site last: said again, what was broken off is done to its end.
            self.places.describe(site)
            self.sites.put(site)
        else:
            self.relocation.change(known, site)

    def put_profile(self, operator_id: str, profile: Profile) -> None:
        """Who the operator is by law; receipts issued before stay as they are."""
        self.operator_profiles.put(operator_id, profile)

    def profile(self, operator_id: str) -> Profile:
        """Who an operator is by law. Raises NotFound where it has not said."""
        profile = self.operator_profiles.get(operator_id)
        if profile is None:
            raise NotFound("a profile; say who you are first")
        return profile

    def put_tariff(self, tariff: Tariff) -> None:
        """Sessions under way keep the price they began with.

        Raises Refusal when the id is another operator's, and for prices that no tariff may have (`pricing/caps.py`).
        """
        caps = self.operators.standing(tariff.operator_id).caps
        faults = list(tariff_faults(tariff, self.clock().date(), caps))
        if faults:
            raise Refusal("invalid_tariff", "; ".join(faults[:_MOST_FAULTS]))
        not_another_operators(self.tariffs.get(tariff.tariff_id), tariff.operator_id, f"tariff id {tariff.tariff_id}")
        self.tariffs.put(tariff)

    def put_charger(self, charger: Charger, password: str | None) -> bool:
        """Register a charger, or change it; no password keeps the one it has. Returns whether it had been pending.

        Raises NotFound, Refusal.
        """
        site = operators_own(self.sites.get(charger.site_id), charger.operator_id, f"site {charger.site_id}")
        known = self.chargers.get(charger.charger_id)
        was_pending = known is not None and known.admission is Admission.PENDING
        if not was_pending:
            # A name that only waits to be accepted is nobody's.
            not_another_operators(known, charger.operator_id, f"charger id {charger.charger_id}")
        if known is not None and known.managed_at:
            self._keep_to_its_grid(known, charger)
        kept_hash = _kept_hash(known, charger, password)
        password_hash = kept_hash or _new_hash(charger, password)
        was_unproven = known is not None and (was_pending or known.security_profile == 0)
        is_proof_another = known is not None and (kept_hash is None or _asks_more(known, charger))
        self.chargers.put(
            replace(charger, password_hash=password_hash),
            keep_password=kept_hash is not None,
            forget_facts=was_unproven and is_proof_another,
        )
        now = self.chargers.get(charger.charger_id)
        if now is not None:
            if is_proof_another or now.admission is Admission.BLOCKED:
                self._end_sockets(now)
            self.placement.show(now, site)
        return was_pending

    def _keep_to_its_grid(self, known: Charger, charger: Charger) -> None:
        """What a site's tree says of its chargers stays true: it is described anew first. Raises Refusal (`in_grid`).

        A connector more may be registered at once, for it is to be there before a tree can have it.
        """
        managed = self.managed_sites.get(known.managed_at)
        if managed is None:
            # That tree is gone, and whoever took it away died before this was told.
            self.managed_chargers.manage(known.charger_id, "")
            return
        ports = [it.port_id.connector for it in managed.tree.ports if it.port_id.charger_id == known.charger_id]
        gone = [it for it in ports if it not in charger.connectors]
        is_meter = managed.meter_charger_id == known.charger_id
        grid = f"the grid of site {known.managed_at}"
        if charger.site_id != known.managed_at and (ports or is_meter):
            raise Refusal("in_grid", f"charger {known.charger_id} is part of {grid}: describe that without it first")
        if gone:
            raise Refusal("in_grid", f"connector {gone[0]} is a port of {grid}: describe that without it first")
        if is_meter and not charger.has_main_meter:
            raise Refusal("in_grid", f"its main meter is that of {grid}: describe that with another, or none, first")

    def admit(self, operator_id: str, charger_id: str, admission: Admission) -> None:
        """Block a charger, or let a blocked one back in. Raises NotFound; Refusal for one that has no site yet."""
        charger = operators_own(self.chargers.get(charger_id), operator_id, f"charger {charger_id}")
        site = self.sites.get(charger.site_id)
        if admission is Admission.ACCEPTED and site is None:
            raise Refusal("not_registered", "register the charger first: it needs a site and connectors")
        self.chargers.admit(charger_id, admission)
        self._end_sockets(charger)
        if site is not None:
            self.placement.show(replace(charger, admission=admission), site)

    def _end_sockets(self, charger: Charger) -> None:
        """Nothing more is heard of the charger but by a socket that it opens from now on."""
        for connection_id in charger.sockets:
            self.sockets.end(connection_id)
            self.link.close(connection_id)

    def page(self, operator_id: str, limit: int, after: str | None) -> tuple[Sequence[Charger], str | None]:
        """So many of the operator's chargers by name, as registered and as they are now, and the next page's cursor.

        Raises BadCursor for one not ours.
        """
        return self.chargers.page_of_operator(operator_id, limit, after)

    def look(self, charger_id: str) -> tuple[Charger, Site, Tariff, Sequence[ConnectorState]]:
        """A charger as anyone may see it: where it is, what it costs, what its connectors do. Raises NotFound."""
        charger = self.chargers.get(charger_id)
        site = self.sites.get(charger.site_id) if charger else None
        tariff = self.tariffs.get(site.tariff_id) if site else None
        if charger is None or site is None or tariff is None:
            raise NotFound(f"charger {charger_id}")
        states = [state for state in self.connectors.of_charger(charger_id) if state.connector in charger.connectors]
        return charger, site, tariff, states


def _kept_hash(known: Charger | None, charger: Charger, password: str | None) -> str | None:
    """The proof of a charger that is known, where it stays as it is; None: it is another from now on.

    What somebody brought who came by a name is kept for the operator they came to only, and only if they brought any.
    """
    if known is None:
        return None
    if password is not None:
        return known.password_hash if password_matches(password.encode(), known.password_hash) else None
    if known.admission is not Admission.PENDING:
        return known.password_hash
    is_brought = known.security_profile not in _WITHOUT_PASSWORD and is_operators(known, charger.operator_id)
    return known.password_hash if is_brought else None


def _new_hash(charger: Charger, password: str | None) -> str:
    """What a charger proves itself by from now on. Raises Refusal (`password_missing`)."""
    if password is not None:
        return hash_password(password.encode(), secrets.token_bytes(16))
    if charger.security_profile in _WITHOUT_PASSWORD:
        return hash_password(secrets.token_bytes(32), secrets.token_bytes(16))
    raise Refusal("password_missing", "a new charger needs a password, and so does one that came without any")


def _asks_more(known: Charger, charger: Charger) -> bool:
    """Whether a charger must show from now on what it need not have shown so far: a password, or a certificate."""
    was, asked = _PROOFS[known.security_profile], _PROOFS[charger.security_profile]
    return asked not in (_NOTHING, was)
