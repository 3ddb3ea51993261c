"""Request models of every command an operator can give: named, with its own arguments, and turned into the domain's.

A command is declared once, in `domain/chargers/commands.py`. Its fields, their defaults and its description are read
from there; here stand only the word it is ordered by and how large or long what a stranger sends may be. A text that
has no bound here is an error at import.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import reduce
from operator import or_
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

from pydantic import AfterValidator, AwareDatetime, Field, RootModel, StringConstraints, create_model

from chalicelib.domain.chargers.commands import (
    Ask,
    CancelReservation,
    ClearCache,
    ClearProfiles,
    Command,
    DataTransfer,
    DeleteCertificate,
    DeliverCertificate,
    InstallCertificate,
    Limit,
    ListCertificates,
    ReadListVersion,
    ReadSchedule,
    ReadSettings,
    Reserve,
    Reset,
    SetAvailability,
    SetProfile,
    Trigger,
    Unlock,
    UpdateFirmware,
    UploadLog,
    WriteSetting,
)
from chalicelib.domain.chargers.events import ConnectorId
from chalicelib.handlers.http.fields import Connector, Hidden, Id, RequestBody, ResponseBody

# What an operator can order, by the word for it. The rest of the domain's commands Kerb gives by itself.
ORDERS: dict[str, type[Any]] = {
    "reset": Reset,
    "unlock": Unlock,
    "set_availability": SetAvailability,
    "clear_cache": ClearCache,
    "read_settings": ReadSettings,
    "write_setting": WriteSetting,
    "trigger": Trigger,
    "read_list_version": ReadListVersion,
    "reserve": Reserve,
    "cancel_reservation": CancelReservation,
    "set_profile": SetProfile,
    "clear_profiles": ClearProfiles,
    "read_schedule": ReadSchedule,
    "update_firmware": UpdateFirmware,
    "upload_log": UploadLog,
    "install_certificate": InstallCertificate,
    "list_certificates": ListCertificates,
    "delete_certificate": DeleteCertificate,
    "deliver_certificate": DeliverCertificate,
    "transfer": DataTransfer,
    "ask": Ask,
}
# What helps a driver who stands there, and harms no charger.
ASSISTS = frozenset({"unlock"})


def _text(longest: int, shortest: int = 0) -> Any:
    return Annotated[str, StringConstraints(min_length=shortest or None, max_length=longest)]


Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_UID = _text(36, 1)
_HASH = _text(128, 1)
_PEM = Annotated[str, StringConstraints(pattern=r"-----BEGIN CERTIFICATE-----", max_length=10_000)]

# How a field of this name is taken, in whichever command it stands, ...
_BY_NAME: dict[str, Any] = {
    "action": Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,50}$")],
    "certificate": _PEM,
    "chain": _PEM,
    "data": Annotated[_text(10_000), Hidden()],
    "hash_algorithm": Literal["SHA256", "SHA384", "SHA512"],
    "issuer_key_hash": _HASH,
    "issuer_name_hash": _HASH,
    "least_rate": Annotated[Decimal, Field(ge=0, le=10_000_000, decimal_places=1)],
    "limit": Annotated[Decimal, Field(ge=0, le=10_000_000, decimal_places=1)],
    "name": Name,
    "names": Annotated[tuple[Name, ...], Field(max_length=50)],
    "payload": Annotated[dict[str, Any], Hidden()],
    "phase_to_use": Annotated[int, Field(ge=1, le=3)],
    "phases": Annotated[int, Field(ge=1, le=3)],
    "ref": _UID,
    "serial_number": _text(40, 1),
    "signature": _text(800, 1),
    "token": _UID,
    # Where files are fetched from or put; no scheme of a charger's own file system.
    "url": Annotated[str, StringConstraints(pattern=r"^(https?|ftps?|sftp|scp|tftp)://[!-~]+$", max_length=512)],
    "value": Annotated[_text(1000), Hidden()],
    "vendor": _text(255, 1),
}
# ... but for where a command means something else by that name ...
_BY_COMMAND: dict[tuple[type[Any], str], Any] = {
    (DataTransfer, "message"): _text(50),
    (UpdateFirmware, "certificate"): _text(10_000, 1),
}
# ... and one whose type says it all, by that. Enums and flags are taken as they are.
_BY_TYPE: dict[Any, Any] = {
    ConnectorId: Annotated[Connector, AfterValidator(ConnectorId.parse)],
    datetime: AwareDatetime,
    int: Annotated[int, Field(ge=0, le=2**31 - 1)],
    bool: bool,
}


def _form(kind: type[Any], name: str, hint: Any) -> Any:
    """How the API takes the field of `kind` that has this name and type. Raises TypeError where no bound is known."""
    if NoneType in get_args(hint):
        (hint,) = (it for it in get_args(hint) if it is not NoneType)
        return _form(kind, name, hint) | None
    if (kind, name) in _BY_COMMAND:
        return _BY_COMMAND[kind, name]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    form = _BY_NAME.get(name) or _BY_TYPE.get(hint)
    if form is None:
        raise TypeError(f"{kind.__name__}.{name} has no bound; name one in {__name__}")
    return form


def request_model(kind: type[Any], **first: Any) -> type[RequestBody]:
    """What the API takes for the dataclass `kind`, under its name and with its docstring: `first`, then its fields.

    Raises TypeError for a field that no bound is known for.
    """
    hints = get_type_hints(kind)
    taken: dict[str, Any] = {}
    for it in fields(kind):
        form = _form(kind, it.name, hints[it.name])
        if it.default_factory is not MISSING:
            taken[it.name] = (form, Field(default_factory=it.default_factory))
        else:
            taken[it.name] = (form, ... if it.default is MISSING else it.default)
    return create_model(
        kind.__name__, __base__=RequestBody, __module__=__name__, __doc__=kind.__doc__, **first, **taken
    )


if TYPE_CHECKING:
    AnyOrder = RequestBody
else:
    # A limit of power is a dataclass within a command; it becomes the domain's as soon as it is read.
    _LIMIT = Annotated[request_model(Limit), AfterValidator(lambda it: Limit(**dict(it)))]
    _BY_NAME["limits"] = Annotated[tuple[_LIMIT, ...], Field(min_length=1, max_length=100)]
    AnyOrder = Annotated[
        reduce(or_, (request_model(kind, command=(Literal[word], ...)) for word, kind in ORDERS.items())),
        Field(discriminator="command"),
    ]


class Order(RootModel[AnyOrder]):
    """A command and its arguments."""

    model_config = {"defer_build": True, "json_schema_extra": {"examples": [{"command": "reset", "hard": False}]}}

    def to_command(self) -> Command:
        """The domain's command that was ordered."""
        arguments = dict(self.root)
        command: Command = ORDERS[arguments.pop("command")](**arguments)
        return command


class StartBody(RequestBody):
    """Where a charge is to begin, and with which of the operator's tokens."""

    model_config = RequestBody.model_config | {
        "json_schema_extra": {"examples": [{"connector": "1", "uid": "04A1B2C3D4E5F6"}]}
    }
    connector: Connector
    uid: Id


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
