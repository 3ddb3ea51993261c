"""Setup profiles and chargers' setups in DynamoDB.

A charger's setup is one item beside the charger; whoever holds the name of the awaited message goes on with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice

from chalicelib.adapters.chargers.behind import now_behind, operators_behind
from chalicelib.adapters.chargers.rows import CHARGER, connector_row
from chalicelib.adapters.dynamo import decode, encode, find, update
from chalicelib.adapters.tables import ChargerRow, OperatorRow
from chalicelib.domain.chargers.charging_ability import ChargingAbility
from chalicelib.domain.chargers.setup import MeteringCapability, Setup
from chalicelib.domain.chargers.setup_profile import SetupProfile
from chalicelib.ports import Clock
from chalicelib.records.chargers import Admission, Charger

_SETUP = "setup"
# So soon a new profile is known to every process.
_REMEMBERED_S = 60
_OPERATORS_REMEMBERED = 1_000
# Before the first charger, for no charger's id sorts before it.
_BEGINNING = " "
_MOST_OPERATORS = 100


def _now() -> datetime:
    return datetime.now(UTC)


class DynamoSetups:
    """Profiles and setups in DynamoDB: the port Setups. Methods make one call where they say nothing else."""

    def __init__(self, clock: Clock = _now) -> None:
        self._clock = clock
        self._known_profile = lru_cache(_OPERATORS_REMEMBERED)(_profile)

    def profile(self, operator_id: str) -> SetupProfile:
        """One call in a minute and process, none after that."""
        return self._known_profile(operator_id, int(self._clock().timestamp()) // _REMEMBERED_S)

    def put_profile(self, operator_id: str, profile: SetupProfile) -> None:
        changes = [OperatorRow.setup_profile.set(encode(profile)), OperatorRow.setup_after.set(_BEGINNING)]
        update(OperatorRow(operator_id), [*changes, now_behind()])
        self._known_profile.cache_clear()

    def get(self, charger_id: str) -> Setup | None:
        row = find(ChargerRow, charger_id, _SETUP)
        return decode(Setup, row.body) if row and row.body else None

    def save(self, charger_id: str, setup: Setup, awaited_before: str | None) -> bool:
        awaited = ChargerRow.awaited
        changes = [
            ChargerRow.body.set(encode(setup)),
            awaited.set(setup.awaited) if setup.awaited is not None else awaited.remove(),
        ]
        expected = awaited.does_not_exist() if awaited_before is None else awaited == awaited_before
        return update(ChargerRow(charger_id, _SETUP), changes, expected)

    def settle(
        self, charger_id: str, profile: str, metering: MeteringCapability, ability: ChargingAbility | None
    ) -> None:
        changes = [
            ChargerRow.setup_profile.set(profile),
            ChargerRow.metering.set(metering.value),
            ChargerRow.ability.remove() if ability is None else ChargerRow.ability.set(encode(ability)),
        ]
        update(ChargerRow(charger_id, CHARGER), changes, ChargerRow.charger_id.exists())

    def mark_due(self, charger: Charger) -> None:
        """One call; none for a charger that nobody has registered yet."""
        if charger.connectors and charger.admission is Admission.ACCEPTED:
            update(connector_row(charger.charger_id, charger.connectors[0]), [ChargerRow.setup_is_due.set(True)])

    def note_signing(self, charger: Charger) -> None:
        update(ChargerRow(charger.charger_id, CHARGER), [ChargerRow.signs.set(True)], ChargerRow.charger_id.exists())

    def operators_behind(self) -> Iterable[str]:
        """One call where there are none."""
        found = (row.operator_id for row in operators_behind() if row.setup_after is not None)
        return list(islice(found, _MOST_OPERATORS))

    def next_chargers(self, operator_id: str, most: int) -> Sequence[str]:
        """Three calls: where the operator's profile stands, a page of its chargers, and how far that is."""
        row = find(OperatorRow, operator_id)
        if row is None or row.setup_after is None:
            return []
        after = row.setup_after
        page = ChargerRow.by_operator.query(operator_id, ChargerRow.charger_id > after, limit=most)
        ids = [it.charger_id for it in page]
        is_last = len(ids) < most
        change = OperatorRow.setup_after.remove() if is_last else OperatorRow.setup_after.set(ids[-1])
        # A profile that was put meanwhile begins anew.
        update(OperatorRow(operator_id), [change], OperatorRow.setup_after == after)
        return ids


def _profile(operator_id: str, minute: int) -> SetupProfile:
    row = find(OperatorRow, operator_id)
    return decode(SetupProfile, row.setup_profile) if row and row.setup_profile else SetupProfile()
