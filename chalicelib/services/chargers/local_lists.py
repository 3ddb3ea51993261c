"""OCPP's Local Authorization List: a charger that keeps one has ours, so that known tokens work while it is offline.

What a charger lacks is told by the second in which a token changed, so that "what changed since" needs no other book.
The index of tokens is a moment behind: what changed within the last minute is sent at once, and looked for once more
when that minute is over. A version is sent once, and never one below another. Work is done for chargers that lack
something, and for no others.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.domain.chargers.commands import (
    AuthorizationStatus,
    CommandResult,
    Listed,
    ReadListLimits,
    ReadListVersion,
    Unable,
    UpdateList,
    Verdict,
)
from chalicelib.domain.data_classes import dataclass, replace
from chalicelib.ports import Clock, Invocations
from chalicelib.ports.chargers import ChargerNews, Chargers, HeldLists, Setups
from chalicelib.ports.drivers import TokenChanges
from chalicelib.protocol.ocpp import OLDEST
from chalicelib.protocol.ocpp.settings import BYTES_PER_MESSAGE, ENTRIES_PER_MESSAGE, LONGEST_LIST, limit
from chalicelib.records.chargers import Charger, Errand, Gone, HeldList, Purpose, SentCall
from chalicelib.records.drivers import Token
from chalicelib.records.parts import LIST_SHARDS, WHOLE, Part
from chalicelib.services.chargers.commands import ChargerCommands

_SETTLED_AFTER_S = 60
# What every charger takes in one message, in a frame of API Gateway's.
_ENTRIES = 100
# An entry with a token of full length in the longer of the versions' words, and a message's head.
_ENTRY_BYTES, _HEAD_BYTES = 120, 200
_NO_LIST = -1
_MOST_UNSETTLED = 500
# Among a charger's limits: it was asked for them.
_ASKED = "list"
_FULL = "full"
# Whoever issues a token waits no longer than for these, nor does another operator; the schedule does the rest.
_HURRY = timedelta(seconds=2)
_RANDOM = random.SystemRandom()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LocalLists:
    """Keeps chargers' local lists of tokens up to date."""

    chargers: Chargers
    held_lists: HeldLists
    charger_news: ChargerNews
    tokens: TokenChanges
    setups: Setups
    commands: ChargerCommands
    invocations: Invocations
    clock: Clock

    def tend(self, part: Part = WHOLE) -> int:
        """Look after chargers that came back; how many."""
        tended = 0
        for charger_id in part.in_time(self.held_lists.due(part.shard), self.clock):
            try:
                tended += self._ask(charger_id)
            except Exception:
                # It is looked after when it comes back.
                _log.exception("the list was not asked for", extra={"charger_id": charger_id})
        return tended

    def pass_on(self, part: Part = WHOLE) -> int:
        """Send what changed to the chargers that lack it, operator by operator; how many.

        An operator whose chargers are more than a moment's work has them looked after by invocations of their own.
        """
        settled, tended = self._settled(), 0
        behind = list(self.tokens.lists_behind())
        _RANDOM.shuffle(behind)
        for operator_id, changed_s in part.in_time(behind, self.clock):
            hurry_ends_at = self.clock() + _HURRY
            within = hurry_ends_at if part.ends_at is None else min(hurry_ends_at, part.ends_at)
            try:
                sent, is_done = self._spread(operator_id, changed_s, within)
                tended += sent
                if is_done and settled >= changed_s:
                    self.tokens.lists_done(operator_id, settled)
                elif not is_done and not part.is_over(self.clock()):
                    for shard in range(LIST_SHARDS):
                        told = {"part": "operator", "operator": operator_id, "changed_s": changed_s, "shard": shard}
                        self.invocations.begin("lists", told)
            except Exception:
                # One operator's chargers must not keep those of others; they are tried again in a minute.
                _log.exception("lists were not brought up to date", extra={"operator_id": operator_id})
        return tended

    def pass_on_within(self, operator_id: str, changed_s: int, part: Part) -> int:
        """Send what changed until that second (Unix time) to the operator's chargers in one shard; how many."""
        return self._spread(operator_id, changed_s, part.ends_at, shard=part.shard)[0]

    def token_changed(self, token: Token) -> int:
        """Send a change of a token to chargers' lists now, as far as a moment goes; how many."""
        if not token.operator_id:
            return 0
        try:
            return self._spread(token.operator_id, self._now_s(), self.clock() + _HURRY, token)[0]
        except Exception:
            # The token is issued; its way into lists is taken up by the schedule.
            _log.exception("lists were not hurried", extra={"operator_id": token.operator_id})
            return 0

    def version_told(self, call: SentCall, result: CommandResult) -> None:
        """The charger says which version it holds: what it lacks is sent, or everything if that version is not ours."""
        charger_id = call.charger_id
        charger = self.chargers.get(charger_id)
        version = result.data.get("listVersion", result.data.get("versionNumber"))
        if charger is None or not isinstance(version, int):
            return
        if version < 0:
            # OCPP 1.6 §5.10: it has no such list.
            self.held_lists.confirm(charger_id, _NO_LIST)
            return
        held = replace(charger.list, sent=charger.list.sent or charger.list_version)
        if version != held.sent or not version:
            # Not ours, or what was sent last never came: neither says what is on it.
            held = replace(held, until_s=0, more={}, sent=max(held.sent, version), size=0)
        if version != charger.list_version:
            self.held_lists.confirm(charger_id, version if held.until_s else 0)
        if not self.held_lists.sends(charger, held):
            return
        charger = replace(charger, list=held, list_version=version)
        if _ASKED not in (charger.limits or {}):
            self._send(charger, ReadListLimits(), Purpose.LIST_LIMITS)
            return
        self._update(charger)

    def limits_told(self, call: SentCall, result: CommandResult) -> None:
        """The charger's limits are known now, or it knows none."""
        charger_id = call.charger_id
        self.charger_news.note_limits(charger_id, {_ASKED: "yes"})
        charger = self.chargers.get(charger_id)
        if charger is not None:
            self._update(charger)

    def update_answered(self, call: SentCall, result: CommandResult) -> None:
        """The charger took the update, or needs all of the list; one that takes neither is left alone."""
        charger_id = call.charger_id
        version, _, kind = call.subject.partition(" ")
        charger = self.chargers.get(charger_id)
        if charger is None:
            return
        if result.verdict is Verdict.ACCEPTED:
            self.held_lists.confirm(charger_id, int(version))
            self._update(replace(charger, list_version=int(version)))
        elif kind != _FULL:
            held = replace(charger.list, until_s=0, more={}, size=0)
            if self.held_lists.sends(charger, held):
                self._update(replace(charger, list=held))
        else:
            _log.warning("charger takes no list", extra={"charger_id": charger_id, "why": result.detail})
            self.held_lists.confirm(charger_id, _NO_LIST)

    def _ask(self, charger_id: str) -> bool:
        charger = self.chargers.get(charger_id)
        if charger is None or not charger.keeps_list or charger.connection_id is None:
            return False
        return self._send(charger, ReadListVersion(), Purpose.LIST_VERSION)

    def _spread(
        self,
        operator_id: str,
        changed_s: int,
        ends_at: datetime | None,
        token: Token | None = None,
        shard: int | None = None,
    ) -> tuple[int, bool]:
        """Send what they lack of what changed until then to the operator's chargers; how many, and whether to all."""
        sent, known = 0, _Changes(self.tokens)
        for charger in self.held_lists.behind(operator_id, changed_s, shard):
            # Who has yet to confirm a version is sent the rest with its answer.
            if charger.list.sent == charger.list_version:
                sent += self._tried(charger, token, known)
            if ends_at is not None and self.clock() >= ends_at:
                return sent, False
        return sent, True

    def _tried(self, charger: Charger, token: Token | None, known: _Changes) -> bool:
        try:
            return self._update(charger, token, known)
        except Exception:
            # One charger must not keep the operator's others; it is tried again in a minute.
            _log.exception("the list was not sent", extra={"charger_id": charger.charger_id})
            return False

    def _update(self, charger: Charger, token: Token | None = None, known: _Changes | None = None) -> bool:
        """Send what the charger lacks, as much as one message may bring; `token` has just changed."""
        if not charger.keeps_list or charger.connection_id is None or charger.list_version < 0:
            return False
        held, now_s = charger.list, self._now_s()
        is_full = held.until_s == 0
        most = self._most(charger)
        # What is sent before it is settled is kept by name: no more of that than a row can bear.
        to_s = now_s if len(held.more) < _MOST_UNSETTLED else self._settled()
        changed = (known or _Changes(self.tokens)).between(charger.operator_id, held.until_s, to_s, most, held)
        if token is not None:
            changed = [*(it for it in changed if it[1].uid != token.uid), (now_s, token)]
        lacking = [it for it in changed if not _is_held(held, *it) and not (is_full and it[1].is_blocked)]
        taken, entries, size = _fitting(lacking[:most], charger, is_full=is_full)
        entries = self._as_kept(charger, entries)
        version = max(taken[-1][1] >> 1 if taken else self._settled(), held.sent + 1)
        until_s = min(self._settled(), lacking[most][0] - 1) if len(lacking) > most else self._settled()
        until_s = max(held.until_s, until_s)
        more = {uid: told for uid, told in [*held.more.items(), *taken] if told >> 1 > until_s}
        if not entries and not is_full:
            if (until_s, more) != (held.until_s, dict(held.more)):
                self.held_lists.sends(charger, replace(held, until_s=until_s, more=more))
            return False
        if not self.held_lists.sends(charger, HeldList(until_s, more, version, size)):
            return False
        subject = f"{version} {_FULL if is_full else 'differential'}"
        return self._send(charger, UpdateList(version, is_full, tuple(entries)), Purpose.LIST, subject)

    def _as_kept(self, charger: Charger, entries: list[Listed]) -> list[Listed]:
        """A master pass begins nothing, and OCPP 1.6 knows none: what stands there as accepted may begin a charge."""
        if charger.protocol != OLDEST:
            return entries
        profile = self.setups.profile(charger.operator_id)
        return [
            replace(it, standing=AuthorizationStatus.BLOCKED)
            if it.standing and profile.is_master_pass(it.group)
            else it
            for it in entries
        ]

    def _most(self, charger: Charger) -> int:
        """How many entries one message may bring to this charger."""
        entries = limit(charger.limits, *ENTRIES_PER_MESSAGE) or _ENTRIES
        size = limit(charger.limits, *BYTES_PER_MESSAGE)
        by_size = _ENTRIES if size is None else (size - _HEAD_BYTES) // _ENTRY_BYTES
        return max(1, min(_ENTRIES, entries, by_size))

    def _send(
        self, charger: Charger, command: ReadListVersion | ReadListLimits | UpdateList, purpose: Purpose, what: str = ""
    ) -> bool:
        try:
            self.commands.order(charger, command, Errand(self.commands.new_id(), purpose, what))
        except (Gone, Unable) as error:
            _log.info("list not sent", extra={"charger_id": charger.charger_id, "why": str(error)})
            return False
        return True

    def _now_s(self) -> int:
        return int(self.clock().timestamp())

    def _settled(self) -> int:
        return self._now_s() - _SETTLED_AFTER_S


def _fitting(
    changed: Sequence[tuple[int, Token]], charger: Charger, *, is_full: bool
) -> tuple[list[tuple[str, int]], list[Listed], int]:
    """What of the changes finds room on the charger's list: tokens with their seconds, entries, and how many it holds.

    What finds none counts as sent: the token works at this charger all the same, while its line is up.
    """
    longest = limit(charger.limits, *LONGEST_LIST)
    size = 0 if is_full else charger.list.size
    entries: list[Listed] = []
    for _, token in changed:
        has_room = longest is None or size < longest
        if has_room:
            standing = AuthorizationStatus.BLOCKED if token.is_blocked else AuthorizationStatus.ACCEPTED
            entries.append(Listed(token.uid, standing, token.group, token.expires_at))
            size += 1
        elif token.is_blocked:
            # It may be on the list; taken off, it is asked about.
            entries.append(Listed(token.uid, None))
    return [(token.uid, _state(second, token)) for second, token in changed], entries, size


def _state(second: int, token: Token) -> int:
    """When it changed and what to, in one number: within one second a token may change twice."""
    return second << 1 | token.is_blocked


def _is_held(held: HeldList, second: int, token: Token) -> bool:
    told = held.more.get(token.uid)
    return told is not None and (told >> 1 > second or told == _state(second, token))


class _Changes:
    """An operator's changed tokens, read once for all chargers that lack the same."""

    def __init__(self, tokens: TokenChanges) -> None:
        self._tokens = tokens
        self._known: dict[tuple[str, int, int, int], Sequence[tuple[int, Token]]] = {}

    def between(
        self, operator_id: str, after_s: int, until_s: int, most: int, held: HeldList
    ) -> Sequence[tuple[int, Token]]:
        """A few more than `most` that a charger may lack, oldest first."""
        count = most + len(held.more) + 1
        key = (operator_id, after_s, until_s, count)
        if key not in self._known:
            self._known[key] = self._tokens.changed(operator_id, after_s, until_s, count)
        return self._known[key]
