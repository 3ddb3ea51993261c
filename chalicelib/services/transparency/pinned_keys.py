"""Pins meters' keys, as a person says or as a charger's configuration does.

What a charger says where another key is pinned replaces nothing: it is kept beside it, and its operator is told until
a person has pinned one of the two, be it the one that counts anyhow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.operators import AlarmKind
from chalicelib.domain.transparency.meter_keys import KeySource, MeterKey, configured, pinned, undecided
from chalicelib.ports import Clock
from chalicelib.ports.operators import AlarmChecks
from chalicelib.ports.transparency import MeterKeys
from chalicelib.services.access import Refusal

_ATTEMPTS = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PinnedKeys:
    """Pins keys. A read, and a write where it is news."""

    keys: MeterKeys
    alarm_checks: AlarmChecks
    clock: Clock

    def pin(self, charger_id: str, meter: str, key: str, evse: int = 0) -> Sequence[MeterKey]:
        """A person says by which key a meter is known from now on; saying it again changes nothing.

        Raises Refusal: it is no public key.
        """
        from chalicelib.protocol.transparency import records  # noqa: PLC0415

        if not records.is_public_key(key):
            raise Refusal("not_a_key", "it is no public key of a curve that meters sign with, in hexadecimal or base64")
        wanted = MeterKey(meter=meter, key=key, source=KeySource.OPERATOR, since=self.clock(), evse=evse)

        def news(keys: Sequence[MeterKey]) -> Sequence[MeterKey] | None:
            said = (meter, evse, key, KeySource.OPERATOR)
            is_known = any(it.is_open and (it.meter, it.evse, it.key, it.source) == said for it in keys)
            is_asked = any(evse in (it.evse, 0) for it in undecided(keys))
            return None if is_known and not is_asked else pinned(keys, wanted)

        after = self._changed(charger_id, news)
        if any(it.contradicts for it in after):
            self.alarm_checks.ask(AlarmKind.METER_KEY, charger_id)
        return after

    def configured(self, charger_id: str, told: Mapping[int, str]) -> None:
        """A charger's configuration says by which keys its EVSEs' meters are known; what is no key is left out."""
        # cryptography takes long to load, and few chargers have signing meters.
        from chalicelib.protocol.transparency import records  # noqa: PLC0415

        proper = {evse: records.key_text(text) for evse, text in told.items() if records.is_public_key(text)}
        if proper.keys() != told.keys():
            _log.warning("no meter key", extra={"charger_id": charger_id, "evses": sorted(told.keys() - proper.keys())})

        def news(keys: Sequence[MeterKey]) -> Sequence[MeterKey] | None:
            after = keys
            for evse, key in proper.items():
                after = configured(after, evse, key, self.clock(), is_same=records.is_same_key) or after
            if any(it.contradicts for it in after[len(keys) :]):
                _log.warning("meter key contradicts another", extra={"charger_id": charger_id})
            return after if after is not keys else None

        if undecided(self._changed(charger_id, news)):
            self.alarm_checks.ask(AlarmKind.METER_KEY, charger_id)

    def _changed(
        self, charger_id: str, news: Callable[[Sequence[MeterKey]], Sequence[MeterKey] | None]
    ) -> Sequence[MeterKey]:
        for _ in range(_ATTEMPTS):
            keys = self.keys.of(charger_id)
            after = news(keys)
            if after is None or self.keys.replace(charger_id, keys, after):
                return after or keys
        raise RuntimeError(f"the keys of {charger_id} were changed {_ATTEMPTS} times meanwhile")
