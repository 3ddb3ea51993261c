"""The mail of this machine: nothing leaves it; whoever develops reads it here, as a driver would in their inbox.

Every mail is also a line of JSON in `path`, which only the developer may read: codes open accounts.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from chalicelib.adapters.notifications.invitations import words_of
from chalicelib.domain.access.invitations import Invitation

Purpose = Literal["confirm_account", "reset_password", "confirm_email", "invitation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail with a code in it: to whom, what for, and what it says."""

    to: str
    purpose: Purpose
    code: str
    text: str


class MailOutbox:
    """All mail of a stack, oldest first; `on_mail` is told of each as it is sent."""

    def __init__(self, on_mail: Callable[[Mail], None] | None = None) -> None:
        self.on_mail = on_mail
        self._sent: list[Mail] = []
        self._lock = threading.Lock()
        self._path: Path | None = None

    @property
    def path(self) -> Path:
        """The file that holds one JSON object a line; made when first asked for."""
        with self._lock:
            if self._path is None:
                handle, name = tempfile.mkstemp(prefix="kerb-mails-", suffix=".jsonl")
                os.close(handle)
                self._path = Path(name)
                self._path.write_text("".join(_line(it) for it in self._sent))
            return self._path

    def send(self, mail: Mail) -> None:
        """Take a mail; it can be read from now on."""
        with self._lock:
            self._sent.append(mail)
            if self._path is not None:
                with self._path.open("a") as file:
                    file.write(_line(mail))
        if self.on_mail is not None:
            self.on_mail(mail)

    def to(self, address: str) -> list[Mail]:
        """What was sent to an address, whatever its case, oldest first."""
        with self._lock:
            return [it for it in self._sent if it.to.casefold() == address.casefold()]

    def code(self, address: str, purpose: Purpose) -> str:
        """The newest code sent there for that purpose. Raises LookupError when there is none."""
        for mail in reversed(self.to(address)):
            if mail.purpose == purpose:
                return mail.code
        raise LookupError(f"no mail to {address} about {purpose}")

    def close(self) -> None:
        """Forget everything, the file too."""
        with self._lock:
            self._sent.clear()
            if self._path is not None:
                self._path.unlink(missing_ok=True)
                self._path = None


class LocalInvitationMail:
    """Invitations on this machine: the port InvitationMail. They say what Amazon SES would be told to send."""

    def __init__(self, outbox: MailOutbox) -> None:
        self._outbox = outbox

    def send(self, invitation: Invitation, operator: str, code: str) -> None:
        """Into the outbox, where whoever develops reads it."""
        subject, words = words_of(invitation, operator, code)
        self._outbox.send(Mail(to=invitation.email, purpose="invitation", code=code, text=f"{subject}\n\n{words}"))


def _line(mail: Mail) -> str:
    return json.dumps(asdict(mail)) + "\n"
