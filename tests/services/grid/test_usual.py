"""A charge begun by card follows what its driver usually wants, where its site's power is shared out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.charging.preferences import ChargingPreferences, UsualPreferences
from tests.services.conftest import CARD, CONNECTION, NOW, SITE, Kit

READY_BY = NOW + timedelta(hours=8)


@pytest.mark.parametrize(
    ("is_managed", "wanted"), [(True, ChargingPreferences(ready_by=READY_BY, energy_wh=9_000)), (False, None)]
)
def test_a_card_starts_what_its_driver_usually_wants(
    kit: Kit, is_managed: bool, wanted: ChargingPreferences | None
) -> None:
    kit.sites.put(replace(SITE, time_zone="UTC", is_load_managed=is_managed))
    usual = UsualPreferences(ready_at_min=READY_BY.hour * 60 + READY_BY.minute, energy_wh=9_000)
    kit.driver_profile.prefer("driver-1", [usual])
    told = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": NOW.isoformat()}
    kit.conversation.receive(CONNECTION.connection_id, json.dumps([2, "1", "StartTransaction", told]))
    (session,) = kit.sessions.of_driver("driver-1", 10, None)[0]
    assert session.preferences == wanted
