"""What a charger remembers: told by its backend, kept through lost lines and resets, gone with the process.

Whatever ends by itself ends by comparison with the time asked about, never by a timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from local.simulator.certificates import Certificates
from local.simulator.line import Payload
from local.simulator.profiles import Profiles
from local.simulator.settings import Settings

_STAGE_S = 0.2


@dataclass(frozen=True)
class Entry:
    """What the local list says of one token."""

    accepted: bool
    expires_at: datetime | None = None


class LocalList:
    """The local authorization list. Tokens are compared without regard to capitals."""

    def __init__(self) -> None:
        self._version = 0
        self._entries: dict[str, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def version(self) -> int:
        """0 means that the list is empty (OCPP 1.6 §5.10)."""
        return self._version if self._entries else 0

    def replace(self, version: int, entries: dict[str, Entry | None]) -> None:
        """A full update."""
        self._entries.clear()
        self._version = 0
        self.change(version, entries)

    def change(self, version: int, entries: dict[str, Entry | None]) -> bool:
        """A differential update; None takes a token off the list. False when it is older than the list."""
        if version <= self._version:
            return False
        self._version = version
        for token, entry in entries.items():
            self._entries.pop(token.casefold(), None)
            if entry is not None:
                self._entries[token.casefold()] = entry
        return True

    def says(self, token: str, at: datetime) -> bool | None:
        """Whether it may charge; None when it is not listed."""
        entry = self._entries.get(token.casefold())
        if entry is None:
            return None
        return entry.accepted and (entry.expires_at is None or at < entry.expires_at)

    def forget(self, token: str) -> bool:
        """Take a token off the list. False when it was not listed."""
        return self._entries.pop(token.casefold(), None) is not None


@dataclass(frozen=True)
class Reservation:
    """A connector kept for one token."""

    reservation_id: int
    connector: int
    token: str
    expires_at: datetime

    def is_for(self, token: str) -> bool:
        """Whether this token may use it."""
        return self.token.casefold() == token.casefold()


class Reservations:
    """One at most for each connector."""

    def __init__(self) -> None:
        self._by_id: dict[int, Reservation] = {}

    def add(self, reservation: Reservation) -> None:
        """Keep it, in place of the one with its number."""
        self._by_id[reservation.reservation_id] = reservation

    def get(self, reservation_id: int, at: datetime) -> Reservation | None:
        """None when there is none any more."""
        found = self._by_id.get(reservation_id)
        return found if found is not None and at < found.expires_at else None

    def at(self, connector: int, at: datetime) -> Reservation | None:
        """The one that keeps this connector now."""
        return next((it for it in self._by_id.values() if it.connector == connector and at < it.expires_at), None)

    def remove(self, reservation_id: int) -> None:
        """It is used, cancelled or gone."""
        self._by_id.pop(reservation_id, None)

    def expire(self, at: datetime) -> list[Reservation]:
        """Remove and return those whose time is over."""
        over = [it for it in self._by_id.values() if it.expires_at <= at]
        for reservation in over:
            self.remove(reservation.reservation_id)
        return over


@dataclass
class Job:
    """Work that takes time and tells of its stages: an upload, an installation."""

    status: str = "Idle"
    request_id: int | None = None
    _number: int = 0

    @property
    def is_busy(self) -> bool:
        """Whether it is under way."""
        return self.status != "Idle"

    def numbered(self) -> Payload:
        """The request it answers, as messages put it."""
        return {"status": self.status} | ({} if self.request_id is None else {"requestId": self.request_id})

    async def run(self, stages: list[str], request_id: int | None, tell: Callable[[], Awaitable[None]]) -> None:
        """Go through the stages, unless another run begins."""
        self._number += 1
        number, self.request_id = self._number, request_id
        for stage in stages:
            self.status = stage
            await tell()
            await asyncio.sleep(_STAGE_S)
            if self._number != number:
                return
        self.status, self.request_id = "Idle", None


@dataclass
class Memory:
    """All of it."""

    settings: Settings
    local_list: LocalList = field(default_factory=LocalList)
    cache: dict[str, bool] = field(default_factory=dict)
    reservations: Reservations = field(default_factory=Reservations)
    profiles: Profiles = field(default_factory=Profiles)
    certificates: Certificates = field(default_factory=Certificates)
    firmware: Job = field(default_factory=Job)
    log: Job = field(default_factory=Job)
    firmware_is_signed: bool = False
    displays: dict[int, Payload] = field(default_factory=dict)
    monitors: dict[int, Payload] = field(default_factory=dict)
    networks: dict[int, Payload] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    tariffs: dict[int, Payload] = field(default_factory=dict)
    transaction_tariffs: dict[str, Payload] = field(default_factory=dict)

    def lets_in(self, token: str, at: datetime, use_list: bool) -> bool:
        """Whether a token may charge while the backend is gone: those known to be bad may not, strangers may."""
        listed = self.local_list.says(token, at) if use_list else None
        return self.cache.get(token.casefold(), True) if listed is None else listed
