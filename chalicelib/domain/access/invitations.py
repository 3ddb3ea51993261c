"""Invitations: somebody who acts for an operator offers a place there to an e-mail address.

It is taken by the code that was mailed, by a person whose proven address it is, once. What is kept of the code is its
hash, as of an API key's secret. Sent again, the code before is worth nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.access.api_keys import ShownKey, new_secret, shown
from chalicelib.domain.access.rights import Role
from chalicelib.domain.data_classes import dataclass

PREFIX = "kerb_invite_"
GOOD_FOR = timedelta(days=7)
MOST_OPEN = 100
# A mail that nobody answers is sent again a few times, and not by a loop.
MOST_MAILS = 10
MAILED_EVERY = timedelta(minutes=1)
# By whom an operator's first person is invited, who is nobody there.
BY_PLATFORM = "platform:"


class InvitationStatus(StrEnum):
    """What has become of an invitation."""

    OPEN = "open"
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What is offered to whom, by whom, until when. `sites` None: all of the operator's.

    `mails` counts those that were sent, the last at `mailed_at`. `is_done`: whoever took it is a member by it.
    """

    invitation_id: str
    operator_id: str
    email: str
    role: Role
    by: str
    made_at: datetime
    expires_at: datetime
    secret_hash: str
    sites: frozenset[str] | None = None
    name: str = ""
    locale: str = ""
    mails: int = 1
    mailed_at: datetime | None = None
    accepted_by: str = ""
    accepted_at: datetime | None = None
    is_done: bool = False
    withdrawn_at: datetime | None = None

    def status(self, at: datetime) -> InvitationStatus:
        """What it is by then."""
        if self.accepted_at is not None:
            return InvitationStatus.ACCEPTED
        if self.withdrawn_at is not None:
            return InvitationStatus.WITHDRAWN
        return InvitationStatus.OPEN if at < self.expires_at else InvitationStatus.EXPIRED

    def is_for(self, email: str) -> bool:
        """Whether that is the address it went to, in any case."""
        return self.email.casefold() == email.casefold()

    def is_proven(self, code: ShownKey) -> bool:
        """Whether that is the code of its newest mail."""
        return hmac.compare_digest(code.secret_hash, self.secret_hash)


def new_code(invitation_id: str, random: Callable[[int], bytes]) -> tuple[str, str]:
    """A code as it is mailed, and its hash as it is kept."""
    code = new_secret(invitation_id, random, PREFIX)
    known = shown_code(code)
    if known is None:
        raise ValueError("a code was made that is none")
    return code, known.secret_hash


def shown_code(text: str) -> ShownKey | None:
    """Which invitation's code somebody shows; None for what is none."""
    return shown(text, PREFIX)
