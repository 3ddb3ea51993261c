"""Mails invitations by Amazon SES, in the language of whoever is invited as far as that was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.access.invitations import Invitation
from chalicelib.domain.data_classes import dataclass
from chalicelib.domain.languages import Locale
from chalicelib.domain.texts import Text, text
from chalicelib.records.drivers import MailUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


def words_of(invitation: Invitation, operator: str, code: str) -> tuple[str, str]:
    """Subject and text of the mail, in the language of whoever is invited as far as that was said."""
    language = Locale(invitation.locale).language
    blanks = {
        "operator": operator,
        "operator_id": invitation.operator_id,
        "role": text(Text(f"role_{invitation.role}"), language),
        "until": f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC",
        "code": code,
    }
    return text(Text.INVITATION_SUBJECT, language, **blanks), text(Text.INVITATION, language, **blanks)


@dataclass(frozen=True)
class SesInvitationMail:
    """Mails invitations by Amazon SES: the port InvitationMail. One call each; no `sender`: none is sent."""

    client: SESV2Client
    sender: str

    def send(self, invitation: Invitation, operator: str, code: str) -> None:
        if not self.sender:
            raise MailUnavailable
        subject, words = words_of(invitation, operator, code)
        try:
            self.client.send_email(
                FromEmailAddress=self.sender,
                Destination={"ToAddresses": [invitation.email]},
                Content={
                    "Simple": {
                        "Subject": {"Data": subject, "Charset": "UTF-8"},
                        "Body": {"Text": {"Data": words, "Charset": "UTF-8"}},
                    },
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise MailUnavailable from error
