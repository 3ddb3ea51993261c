"""A charger that keeps a list of tokens has ours, so that known cards work while its line is down.

A list's version is the second of the last change it contains, so that "what changed since" needs no other book; what
changed within the last minute waits, for the index may not have it yet. A version the charger does not confirm was
not sent.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from chalicelib.domain.chargers.commands import (
    AuthorizationStatus,
    CommandResult,
    Listed,
    ReadListVersion,
    Unable,
    UpdateList,
    Verdict,
)
from chalicelib.ports import Clock
from chalicelib.ports.chargers import Chargers
from chalicelib.ports.drivers import Catalog
from chalicelib.records.chargers import Charger, Gone, Purpose
from chalicelib.records.drivers import Token
from chalicelib.services.chargers.commands import ChargerCommands

_SETTLED_AFTER_S = 60
# What every charger takes in one message, in a frame of API Gateway's.
_ENTRIES = 100
_FULL = "full"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalLists:
    """Keeps chargers' own lists of tokens up to date."""

    chargers: Chargers
    catalog: Catalog
    commands: ChargerCommands
    clock: Clock

    def tend(self) -> int:
        """Look after chargers that came back, and after those of operators whose tokens changed; how many."""
        tended = sum(self._ask(charger_id) for charger_id in self.chargers.lists_due())
        until = self._settled()
        for operator_id, done in list(self.catalog.lists_behind()):
            if done >= until:
                continue
            tended += sum(self._update(it) for it in self.chargers.of_operator(operator_id))
            self.catalog.lists_done(operator_id, until)
        return tended

    def version_told(self, charger_id: str, result: CommandResult) -> None:
        """The charger says which version it holds: what it lacks is sent, or everything if that version is not ours."""
        charger = self.chargers.get(charger_id)
        version = result.data.get("listVersion", result.data.get("versionNumber"))
        if charger is None or not isinstance(version, int):
            return
        if version != charger.list_version:
            self.chargers.confirm_list(charger_id, 0)
            self._update(charger, since=0)
        else:
            self._update(charger)

    def update_answered(self, charger_id: str, subject: str, result: CommandResult) -> None:
        """The charger took the update, or needs all of the list; one that takes neither is left alone."""
        version, _, kind = subject.partition(" ")
        charger = self.chargers.get(charger_id)
        if charger is None:
            return
        if result.verdict is Verdict.ACCEPTED:
            self.chargers.confirm_list(charger_id, int(version))
            self._update(charger, since=int(version))
        elif kind != _FULL:
            self._update(charger, since=0)
        else:
            _log.warning("charger takes no list", extra={"charger_id": charger_id, "why": result.detail})

    def _ask(self, charger_id: str) -> bool:
        charger = self.chargers.get(charger_id)
        if charger is None or not charger.keeps_list or charger.connection_id is None:
            return False
        try:
            self.commands.send(charger_id, ReadListVersion(), Purpose.LIST_VERSION)
        except Gone:
            return False
        return True

    def _update(self, charger: Charger, since: int | None = None) -> bool:
        """Send what changed since; 0 is the beginning, and then the whole list."""
        if not charger.keeps_list or charger.connection_id is None:
            return False
        since = charger.list_version if since is None else since
        changed = self.catalog.tokens_changed(charger.operator_id, since, self._settled(), _ENTRIES)
        if not changed and since:
            return False
        full = since == 0
        version = changed[-1][0] if changed else self._settled()
        entries = tuple(_entry(token) for _, token in changed if not (full and token.is_blocked))
        subject = f"{version} {_FULL if full else 'differential'}"
        try:
            self.commands.send(charger.charger_id, UpdateList(version, full, entries), Purpose.LIST, subject)
        except (Gone, Unable) as error:
            _log.info("list not sent", extra={"charger_id": charger.charger_id, "why": str(error)})
            return False
        return True

    def _settled(self) -> int:
        return int(self.clock().timestamp()) - _SETTLED_AFTER_S


def _entry(token: Token) -> Listed:
    return Listed(token.uid, AuthorizationStatus.BLOCKED if token.is_blocked else AuthorizationStatus.ACCEPTED)
