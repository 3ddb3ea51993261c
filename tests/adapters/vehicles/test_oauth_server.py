"""A maker's door that nobody here wrote: an OAuth server from PyPI, which knows a client by what it registered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import urllib3
from oidc_provider_mock import run_server_in_thread

from chalicelib.adapters.vehicles.http import MakerAccount, MakerClient
from chalicelib.adapters.vehicles.oauth import OAuthDoor
from chalicelib.records.vehicles import ConsentScope, LinkBroken, MakerUnavailable
from local.makers_oauth import REDIRECT_URI
from tests.adapters.vehicles.conftest import NOW, STATE, an_attempt

SCOPES = [ConsentScope("openid"), ConsentScope("email")]


@contextmanager
def door(method: str) -> Iterator[tuple[OAuthDoor, str]]:
    """A door where our client is registered, with how it shows itself; and where the server is."""
    with run_server_in_thread(require_client_registration=True) as server:
        base = f"http://localhost:{server.server_port}"
        said = {"redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": method}
        keys = urllib3.request("POST", f"{base}/oauth2/clients", json=said, timeout=60).json()
        account = MakerAccount(keys={name: keys[name] for name in ("client_id", "client_secret")}, addresses={})
        yield (
            OAuthDoor(
                account=account,
                client=MakerClient(lambda: NOW),
                authorize_url=f"{base}/oauth2/authorize",
                token_url=f"{base}/oauth2/token",
                by_header=method == "client_secret_basic",
                more={},
                with_code={},
            ),
            base,
        )


def allowed(url: str, **form: str) -> dict[str, str]:
    """Log in there and allow it; what the address has to say that one is sent back to."""
    body, kind = urlencode(form or {"sub": "alice"}), {"Content-Type": "application/x-www-form-urlencoded"}
    answer = urllib3.request("POST", url, body=body, headers=kind, redirect=False, retries=False, timeout=60)
    assert answer.status == 302, answer.data
    assert answer.headers["Location"].startswith(REDIRECT_URI)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_code_becomes_tokens_and_a_refresh_token_the_next_ones(method: str) -> None:
    with door(method) as (ours, base):
        attempt = an_attempt()
        back = allowed(ours.consent_url(attempt, SCOPES))
        assert back["state"] == STATE
        tokens = ours.exchange(attempt, back["code"], NOW)
        assert tokens.expires_at == NOW + timedelta(hours=1)
        whose: Any = urllib3.request(
            "GET", f"{base}/userinfo", headers={"Authorization": f"Bearer {tokens.access}"}, timeout=60
        ).json()
        assert whose["sub"] == "alice"
        # That server takes the form's credentials for codes alone.
        if ours.by_header:
            assert ours.refresh(tokens, NOW).access not in ("", tokens.access)
        with pytest.raises(LinkBroken):
            ours.exchange(attempt, back["code"], NOW)


def test_what_was_taken_back_there_is_a_broken_link() -> None:
    with door("client_secret_basic") as (ours, base):
        attempt = an_attempt()
        tokens = ours.exchange(attempt, allowed(ours.consent_url(attempt, SCOPES))["code"], NOW)
        assert urllib3.request("POST", f"{base}/users/alice/revoke-tokens", timeout=60).status == 204
        with pytest.raises(LinkBroken):
            ours.refresh(tokens, NOW)


def test_a_driver_may_say_no() -> None:
    with door("client_secret_basic") as (ours, _):
        back = allowed(ours.consent_url(an_attempt(), SCOPES), action="deny")
        assert back["error"] == "access_denied"


def test_a_wrong_secret_of_ours_ends_no_drivers_link() -> None:
    with door("client_secret_basic") as (ours, _):
        attempt = an_attempt()
        back = allowed(ours.consent_url(attempt, SCOPES))
        keys = {**ours.account.keys, "client_secret": "wrong"}
        with pytest.raises(MakerUnavailable):
            replace(ours, account=replace(ours.account, keys=keys)).exchange(attempt, back["code"], NOW)
