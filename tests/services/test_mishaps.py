"""Two processes at once, a crash between two writes, news out of order: nobody pays twice, nor for nothing."""

from __future__ import annotations

from chalicelib.domain.commands import CommandResult, Verdict
from chalicelib.domain.session import (
    State,
)
from chalicelib.records import (
    Purpose,
    SentCall,
)
from tests.services.conftest import NOW, Kit
from tests.services.test_charging import CARD_SESSION, REF, STARTED, STOPPED, hear
from tests.services.test_lifecycle import Run, run  # noqa: F401
from tests.services.test_quirks import CARD201, Talk, event, meter, sweeping, talk, talk201, told  # noqa: F401


def test_a_charge_that_a_card_has_claimed_is_not_billed_to_an_app_session_too(kit: Kit) -> None:
    app = kit.app_session()
    hear(kit, STARTED)
    call = SentCall("CP-1", "m-1", "RequestStartTransaction", Purpose.START, NOW, NOW, app.session_id)
    kit.hearing.answered(call, CommandResult(Verdict.ACCEPTED, ref=REF))
    hear(kit, STOPPED)
    assert kit.session(CARD_SESSION).state is State.STOPPING
    session = kit.session(app.session_id)
    assert (session.state, session.ref) == (State.FAILED, None)
