"""Which chargers and sites there are; an id once taken stays its operator's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from chalicelib.adapters.chargers.rows import CHARGER, charger_of
from chalicelib.adapters.dynamo import can_be_key, decode, encode, find, put, put_own, update
from chalicelib.adapters.tables import ChargerRow, SiteRow
from chalicelib.domain.chargers.identity import folded
from chalicelib.records import Conflict
from chalicelib.records.chargers import Admission, Charger, Site
from chalicelib.records.pages import BadCursor, cursor_at, place_at

_SPELLINGS = "spellings"
_PENDING = Admission.PENDING.value
# What a charger has told of itself.
_TOLD = (
    ChargerRow.vendor,
    ChargerRow.model,
    ChargerRow.serial,
    ChargerRow.firmware,
    ChargerRow.limits,
    ChargerRow.plug_in_s,
    ChargerRow.setup_profile,
    ChargerRow.metering,
    ChargerRow.ability,
)
# Two are too many to be told apart.
_MOST_ALIKE = 2


class DynamoChargers:
    """The ports Chargers and ChargerRegistry: one row a charger. Methods make one call where they say nothing else."""

    def get(self, charger_id: str) -> Charger | None:
        row = find(ChargerRow, charger_id, CHARGER)
        return charger_of(row) if row else None

    def many(self, charger_ids: Collection[str]) -> Mapping[str, Charger]:
        """A call for each hundred."""
        return {row.charger_id: charger_of(row) for row in _of(sorted(charger_ids))}

    def put(self, charger: Charger, *, keep_password: bool = False, forget_facts: bool = False) -> None:
        """Two calls. Raises Conflict when the charger is another operator's."""
        self._note_spelling(charger.charger_id)
        password = ChargerRow.password_hash
        registered = [
            ChargerRow.operator_id.set(charger.operator_id),
            ChargerRow.site_id.set(charger.site_id),
            password.set(password | charger.password_hash if keep_password else charger.password_hash),
            ChargerRow.connectors.set([str(connector) for connector in charger.connectors]),
            ChargerRow.security_profile.set(charger.security_profile),
            ChargerRow.keeps_list.set(charger.keeps_list),
            ChargerRow.plugs.set(encode(charger.plugs)),
            ChargerRow.is_found_in_any_case.set(True),
            ChargerRow.has_main_meter.set(charger.has_main_meter),
            ChargerRow.has_card_terminal.set(charger.has_card_terminal),
            ChargerRow.admission.set(charger.admission.value),
            ChargerRow.pending_operator.remove(),
            ChargerRow.expires_at.remove(),
        ]
        if not keep_password:
            # One that was offered to whoever had the last is not good beside this one.
            registered += [ChargerRow.next_password_hash.remove(), ChargerRow.brought_password.remove()]
            registered.append(ChargerRow.password_note.remove())
        if forget_facts:
            registered += [it.remove() for it in _TOLD]
        owner = ChargerRow.operator_id
        own = owner.does_not_exist() | (owner == charger.operator_id) | (ChargerRow.admission == _PENDING)
        if not update(ChargerRow(charger.charger_id, CHARGER), registered, own):
            raise Conflict(f"charger {charger.charger_id} belongs to another operator")

    def known_as(self, names: Sequence[str]) -> Mapping[str, Sequence[Charger]]:
        """Two calls, whoever is known or not: how long it takes tells nothing."""
        keys = [(name, CHARGER) for name in names] + [(fold, _SPELLINGS) for fold in {folded(it) for it in names}]
        rows = {(row.charger_id, row.item): row for row in ChargerRow.batch_get(keys, consistent_read=True)}
        chargers = {row.charger_id: charger_of(row) for (_, item), row in rows.items() if item == CHARGER}
        alike = {
            name: sorted(rows[folded(name), _SPELLINGS].spellings or ())[:_MOST_ALIKE]
            for name in names
            if name not in chargers and (folded(name), _SPELLINGS) in rows
        }
        missing = sorted({it for found in alike.values() for it in found} - chargers.keys())
        more = ChargerRow.batch_get([(it, CHARGER) for it in missing or names], consistent_read=True)
        chargers |= {row.charger_id: charger_of(row) for row in more}
        return {
            name: [chargers[name]]
            if name in chargers
            else [chargers[it] for it in alike.get(name, ()) if it in chargers]
            for name in names
        }

    def note_spelling(self, charger_id: str) -> None:
        self._note_spelling(charger_id)
        found = ChargerRow.is_found_in_any_case
        update(ChargerRow(charger_id, CHARGER), [found.set(True)], ChargerRow.charger_id.exists())

    def _note_spelling(self, charger_id: str) -> None:
        # Before the charger itself: a spelling of nobody does no harm.
        update(ChargerRow(folded(charger_id), _SPELLINGS), [ChargerRow.spellings.add({charger_id})])

    def at_site(self, site_id: str, limit: int, after: str) -> tuple[Sequence[Charger], str | None]:
        """Two calls, up to a hundred; a charger registered this second may be missing."""
        past = ChargerRow.charger_id > after if after else None
        names = [row.charger_id for row in ChargerRow.by_site.query(site_id, past, limit=limit + 1)]
        known = {row.charger_id: charger_of(row) for row in _of(names[:limit])}
        found = [it for name in names[:limit] if (it := known.get(name)) is not None and it.site_id == site_id]
        return found, names[limit - 1] if len(names) > limit else None

    def page_of_operator(self, operator_id: str, limit: int, after: str | None) -> tuple[Sequence[Charger], str | None]:
        """Two calls; a charger registered this second may be missing."""
        past = None
        if after is not None:
            (last,) = map(str, place_at(after, str))
            if not can_be_key(last):
                raise BadCursor
            past = ChargerRow.charger_id > last
        rows = ChargerRow.by_operator.query(operator_id, past, limit=limit + 1)
        names = [row.charger_id for row in rows]
        known = {row.charger_id: charger_of(row) for row in _of(names[:limit])}
        found = [known[it] for it in names[:limit] if it in known]
        return found, cursor_at([names[limit - 1]]) if len(names) > limit else None

    def admit(self, charger_id: str, admission: Admission) -> bool:
        change = [ChargerRow.admission.set(admission.value)]
        return update(ChargerRow(charger_id, CHARGER), change, ChargerRow.charger_id.exists())

    def propose(self, charger: Charger, until: datetime) -> None:
        """One call. Raises Conflict when the charger is known."""
        row = ChargerRow(
            charger.charger_id,
            CHARGER,
            operator_id=charger.operator_id,
            site_id=charger.site_id or None,
            password_hash=charger.password_hash,
            connectors=[],
            security_profile=charger.security_profile,
            brought_password=charger.brought_password,
            admission=Admission.PENDING.value,
            pending_operator=charger.operator_id,
            expires_at=until,
        )
        if not put(row, ChargerRow.charger_id.does_not_exist()):
            raise Conflict(f"charger {charger.charger_id} is known")

    def pending(self, operator_id: str, most: int) -> int:
        return sum(1 for _ in ChargerRow.pending.query(operator_id, limit=most))


def _of(names: Sequence[str]) -> Iterable[ChargerRow]:
    return ChargerRow.batch_get([(it, CHARGER) for it in names], consistent_read=True) if names else ()


class DynamoChargerPasswords:
    """The port ChargerPasswords. Every method makes one call."""

    def offer(self, charger_id: str, password_hash: str) -> None:
        change = [ChargerRow.next_password_hash.set(password_hash)]
        update(ChargerRow(charger_id, CHARGER), change, ChargerRow.charger_id.exists())

    def drop(self, charger_id: str, password_hash: str) -> None:
        offered = ChargerRow.next_password_hash
        update(ChargerRow(charger_id, CHARGER), [offered.remove()], offered == password_hash)

    def change(self, charger_id: str, password_hash: str) -> None:
        offered = ChargerRow.next_password_hash
        changes = [ChargerRow.password_hash.set(password_hash), offered.remove()]
        changes += [ChargerRow.brought_password.remove(), ChargerRow.password_note.remove()]
        update(ChargerRow(charger_id, CHARGER), changes, offered == password_hash)


class DynamoSites:
    """The port Sites. Every method makes one call."""

    def put(self, site: Site) -> None:
        put_own(
            SiteRow(site.site_id, operator_id=site.operator_id, body=encode(site)), SiteRow.site_id.does_not_exist()
        )

    def get(self, site_id: str) -> Site | None:
        row = find(SiteRow, site_id)
        return decode(Site, row.body) if row else None
