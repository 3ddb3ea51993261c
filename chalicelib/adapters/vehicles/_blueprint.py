"""What a maker's file looks like: copy it under the maker's name, keep what the maker offers, delete the rest.

A method for each capability and none besides: `tests/adapters/vehicles/test_makers.py` holds every maker to that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient, Reply
from chalicelib.adapters.vehicles.oauth import OAuthDoor
from chalicelib.adapters.vehicles.values import moment, percent, seen
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.vehicles.budget import CallPrices
from chalicelib.domain.vehicles.capability import Capability
from chalicelib.domain.vehicles.telemetry import Telemetry
from chalicelib.records.vehicles import (
    AnswerKind,
    CarAnswer,
    CarAsleep,
    CarTokens,
    ConsentScope,
    FoundCar,
    LinkAccess,
    LinkAttempt,
    LinkBroken,
)


@dataclass(frozen=True, kw_only=True)
class BlueprintMaker:
    """The ports LinksCars, TellsTelemetry and SwitchesCharge, at a maker that there is not."""

    name: ClassVar[str] = "blueprint"
    names_accounts: ClassVar[bool] = False
    offers: ClassVar[frozenset[Capability]] = frozenset({Capability.PERCENT, Capability.START_STOP})
    prices: ClassVar[CallPrices] = CallPrices(data=0, command=0)
    addresses: ClassVar[Mapping[str, str]] = MappingProxyType({"api": "https://api.example.com"})

    account: MakerAccount
    client: MakerClient

    def scopes(self, attempt: LinkAttempt) -> Sequence[ConsentScope]:
        return [ConsentScope("battery", frozenset({Capability.PERCENT})), ConsentScope("charge", self.offers)]

    def consent_url(self, attempt: LinkAttempt) -> str:
        return self._door.consent_url(attempt, self.scopes(attempt))

    def exchange(self, attempt: LinkAttempt, code: str, at: datetime) -> tuple[str, CarTokens]:
        return attempt.link_id, self._door.exchange(attempt, code, at)

    def refresh(self, tokens: CarTokens, at: datetime) -> CarTokens:
        return self._door.refresh(tokens, at)

    def revoke(self, access: LinkAccess, maker_id: str, *, is_last: bool) -> str:
        reply = self.client.delete(f"{self.account.addresses['api']}/cars/{maker_id}/consent", _bearer(access))
        if not reply.is_good and reply.status not in (401, 404):
            raise reply.unavailable()
        return ""

    def cars(self, access: LinkAccess, at: datetime) -> Sequence[FoundCar]:
        told = self._asked("/cars", access).body.get("cars", [])
        return [FoundCar(maker_id=str(it["id"]), name=str(it.get("name", "")), can=self.offers) for it in told]

    def look(self, access: LinkAccess, maker_id: str, wanted: frozenset[Capability], at: datetime) -> Telemetry:
        told = self._asked(f"/cars/{maker_id}", access).body
        told_at = moment(told.get("told_at"))
        return Telemetry(percent=seen(percent(told.get("percent")), told_at)) if told_at else Telemetry()

    def start(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "start")

    def stop(self, access: LinkAccess, maker_id: str) -> CarAnswer:
        return self._sent(access, maker_id, "stop")

    @property
    def _door(self) -> OAuthDoor:
        return OAuthDoor(
            account=self.account,
            client=self.client,
            authorize_url=f"{self.account.addresses['api']}/authorize",
            token_url=f"{self.account.addresses['api']}/token",
            more={},
            with_code={},
        )

    def _asked(self, path: str, access: LinkAccess) -> Reply:
        """What the maker answers. Raises what went wrong in our words: each has its own for asleep and revoked."""
        reply = self.client.get(self.account.addresses["api"] + path, _bearer(access))
        if reply.is_good:
            return reply
        if reply.status == 408:
            raise CarAsleep
        raise LinkBroken("refused") if reply.status in (401, 403) else reply.unavailable()

    def _sent(self, access: LinkAccess, maker_id: str, command: str) -> CarAnswer:
        url = f"{self.account.addresses['api']}/cars/{maker_id}/{command}"
        reply = self.client.post(url, _bearer(access), {})
        if reply.is_good:
            return CarAnswer(AnswerKind.ACCEPTED)
        if reply.status == 409:
            return CarAnswer(AnswerKind.REFUSED, str(reply.body.get("why", "")))
        raise LinkBroken("refused") if reply.status in (401, 403) else reply.unavailable()


def _bearer(access: LinkAccess) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {access.token}"}
