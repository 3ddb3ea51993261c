"""Request models of every command an operator can give: named, with its own arguments, and turned into the domain's.

Field names are those of the domain's commands; a command added there needs one class here.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, RootModel, StringConstraints

from chalicelib.domain.chargers import commands
from chalicelib.domain.chargers.commands import CertificateUse, LogKind, Message, ProfilePurpose
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.handlers.http.fields import Connector, RequestBody, ResponseBody

Uid = Annotated[str, StringConstraints(min_length=1, max_length=36)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Url = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,6}://\S+$", max_length=512)]
Certificate = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
Pem = Annotated[str, StringConstraints(pattern=r"-----BEGIN CERTIFICATE-----", max_length=10_000)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Reset(RequestBody):
    """Start the charger again: at once when hard."""

    command: Literal["reset"]
    hard: bool = False
    connector: Connector | None = None


class Unlock(RequestBody):
    """Let go of the cable (UnlockConnector); this ends a charge on it."""

    command: Literal["unlock"]
    connector: Connector


class SetAvailability(RequestBody):
    """Take a connector, or the whole charger, in or out of service."""

    command: Literal["set_availability"]
    operative: bool
    connector: Connector | None = None


class ClearCache(RequestBody):
    """Forget the tokens seen so far."""

    command: Literal["clear_cache"]


class ReadSettings(RequestBody):
    """1.6 configuration keys (none: all of them), or 2.x variables as `Component.Variable`."""

    command: Literal["read_settings"]
    names: Annotated[tuple[Name, ...], Field(max_length=50)] = ()


class WriteSetting(RequestBody):
    """A 1.6 configuration key, or a 2.x variable named `Component.Variable`."""

    command: Literal["write_setting"]
    name: Name
    value: Annotated[str, StringConstraints(max_length=1000)]


class Trigger(RequestBody):
    """Send a message now."""

    command: Literal["trigger"]
    message: Message
    connector: Connector | None = None


class ReadListVersion(RequestBody):
    """Which version of the Local Authorization List it holds; 0 is none."""

    command: Literal["read_list_version"]


class Reserve(RequestBody):
    """Keep a connector (none given: any) for a token."""

    command: Literal["reserve"]
    reservation_id: Number
    token: Uid
    until: AwareDatetime
    connector: Connector | None = None


class CancelReservation(RequestBody):
    """Keep a reserved connector no longer."""

    command: Literal["cancel_reservation"]
    reservation_id: Number


class Limit(RequestBody):
    """From `start_s` on, at most `limit`."""

    start_s: Number
    limit: Annotated[Decimal, Field(ge=0, le=10_000_000, decimal_places=1)]
    phases: Annotated[int, Field(ge=1, le=3)] | None = None


class SetProfile(RequestBody):
    """Limit power by a charging profile, in watts or amps."""

    command: Literal["set_profile"]
    profile_id: Number
    purpose: ProfilePurpose
    limits: Annotated[tuple[Limit, ...], Field(min_length=1, max_length=100)]
    connector: Connector | None = None
    stack_level: Number = 0
    in_amps: bool = False
    starts_at: AwareDatetime | None = None
    duration_s: Number | None = None
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    ref: Uid | None = None


class ClearProfiles(RequestBody):
    """Forget the charging profiles that fit."""

    command: Literal["clear_profiles"]
    profile_id: Number | None = None
    connector: Connector | None = None
    purpose: ProfilePurpose | None = None
    stack_level: Number | None = None


class ReadSchedule(RequestBody):
    """Say what the charging profiles come to (GetCompositeSchedule)."""

    command: Literal["read_schedule"]
    duration_s: Number
    connector: Connector | None = None
    in_amps: bool = False


class UpdateFirmware(RequestBody):
    """Fetch and install firmware from an address."""

    command: Literal["update_firmware"]
    request_id: Number
    url: Url
    retrieve_at: AwareDatetime
    install_at: AwareDatetime | None = None
    certificate: Certificate | None = None
    signature: Annotated[str, StringConstraints(min_length=1, max_length=800)] | None = None
    retries: Number | None = None
    retry_interval_s: Number | None = None


class UploadLog(RequestBody):
    """Put a log where `url` says."""

    command: Literal["upload_log"]
    request_id: Number
    kind: LogKind
    url: Url
    oldest: AwareDatetime | None = None
    newest: AwareDatetime | None = None


class InstallCertificate(RequestBody):
    """Trust this root certificate (PEM)."""

    command: Literal["install_certificate"]
    use: CertificateUse
    certificate: Pem


class ListCertificates(RequestBody):
    """Which root certificates it trusts."""

    command: Literal["list_certificates"]
    use: CertificateUse | None = None


class DeleteCertificate(RequestBody):
    """Trust a certificate no longer; the hashes are those that `list_certificates` gives."""

    command: Literal["delete_certificate"]
    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    issuer_key_hash: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    serial_number: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class DeliverCertificate(RequestBody):
    """The signed certificate (PEM chain) that the charger asked for."""

    command: Literal["deliver_certificate"]
    chain: Pem


class Transfer(RequestBody):
    """A vendor's own message (DataTransfer), passed on as it is."""

    command: Literal["transfer"]
    vendor: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    message: Annotated[str, StringConstraints(max_length=50)] | None = None
    data: Annotated[str, StringConstraints(max_length=10_000)] | None = None


class Ask(RequestBody):
    """Any other action of the charger's OCPP version, its payload in OCPP's own words."""

    command: Literal["ask"]
    action: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,50}$")]
    payload: dict[str, Any] = Field(default_factory=dict)


class Order(
    RootModel[
        Annotated[
            Reset
            | Unlock
            | SetAvailability
            | ClearCache
            | ReadSettings
            | WriteSetting
            | Trigger
            | ReadListVersion
            | Reserve
            | CancelReservation
            | SetProfile
            | ClearProfiles
            | ReadSchedule
            | UpdateFirmware
            | UploadLog
            | InstallCertificate
            | ListCertificates
            | DeleteCertificate
            | DeliverCertificate
            | Transfer
            | Ask,
            Field(discriminator="command"),
        ]
    ]
):
    """A command and its arguments."""

    model_config = {"json_schema_extra": {"examples": [{"command": "reset", "hard": False}]}}

    def to_command(self) -> commands.Command:
        """The domain's command of the same name."""
        order = self.root
        kind = getattr(commands, type(order).__name__)
        arguments = {name: _argument(name, getattr(order, name)) for name in type(order).model_fields}
        arguments.pop("command")
        command: commands.Command = kind(**arguments)
        return command


def _argument(name: str, value: Any) -> Any:
    if name == "connector" and value is not None:
        return ConnectorId.parse(value)
    if name == "limits":
        return tuple(commands.Limit(it.start_s, it.limit, it.phases) for it in value)
    return value


class CommandState(StrEnum):
    """What came of a command so far."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    UNANSWERED = "unanswered"


class CommandView(ResponseBody):
    """A command and what came of it; it is `unanswered` when its time is over.

    An answer that comes later than `due_at` is still recorded, and `is_late` then. `answer` is the charger's, in the
    words of its OCPP version; `deviation` is what is wrong with it by the standard.
    """

    model_config = ResponseBody.model_config | {
        "json_schema_extra": {
            "examples": [
                {
                    "command_id": "k-5f0c",
                    "action": "Reset",
                    "state": "accepted",
                    "detail": "Accepted",
                    "answer": {"status": "Accepted"},
                    "deviation": None,
                    "sent_at": "2026-11-21T09:30:00Z",
                    "due_at": "2026-11-21T09:30:30Z",
                    "answered_at": "2026-11-21T09:30:01Z",
                    "is_late": False,
                }
            ]
        }
    }
    command_id: str
    action: str
    state: CommandState
    detail: str
    answer: dict[str, Any] | None
    deviation: str | None
    sent_at: datetime
    due_at: datetime
    answered_at: datetime | None
    is_late: bool
