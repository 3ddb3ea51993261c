"""The whole product on one machine: everything starts together, and stops together, newest first."""

from __future__ import annotations

import asyncio
import importlib
import os
import secrets
import sys
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3

from infrastructure.web_files import HOME
from local import identity
from local.clock import Clock
from local.cloud import Cloud, log_file
from local.contract_pool import ContractPool
from local.gateway import Gateway, Hooks, Limits
from local.gateway_faults import GatewayFault
from local.mail import LocalInvitationMail, Mail, MailOutbox
from local.makers import CarMakers
from local.rest import RestServer
from local.signals import SignalServer
from local.stripe_server import StripeServer
from local.viewers import PATH, ViewerGateway
from local.web import WebDoor

JWKS_PATH = "/.well-known/jwks.json"
# With whom drivers have their accounts here, and whom `local/seed.py` opens.
HOME_OPERATOR = "demo"
_STRIPE_PUBLISHABLE_KEY = "pk_test_kerb"
_LISTENS_WITHIN_S = 30.0


@dataclass(frozen=True)
class Options:
    """Where to listen (port 0: any free one) and how fast to live (0 ticks: schedules fire only when asked to).

    `confirms_accounts`: a new account's mail is read here, and its code sent back, as its owner would.
    `own_key`: as `Cloud` has it. `faults`: what the chargers' gateway does wrong.
    """

    host: str = "127.0.0.1"
    http_port: int = 0
    socket_port: int = 0
    live_port: int = 0
    limits: Limits = field(default_factory=Limits)
    faults: tuple[GatewayFault, ...] = ()
    start_timeout_s: int = 60
    ticks_per_second: float = 1.0
    heartbeat_s: int = 540
    unclaimed_s: int = 900
    confirms_accounts: bool = True
    own_key: bool = False


class Stack:
    """Started, it answers at `http_url` and `socket_url` until stopped. One at a time in a process.

    The app runs by its `clock`, which can be moved.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.cloud = Cloud(self.options.ticks_per_second, own_key=self.options.own_key)
        self.clock = Clock()
        self.webhook_secret = f"whsec_{secrets.token_hex(16)}"
        self.stripe = StripeServer(None, self.webhook_secret)
        self.signals = SignalServer(self.clock)
        self.makers = CarMakers(self.clock)
        self.makers.has_stream = True
        self.contract_pool = ContractPool(self.clock)
        self.mails = MailOutbox(self._read if self.options.confirms_accounts else None)
        self.user_pool_id = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="local-servers", daemon=True)
        self._stops: list[Any] = []

    @property
    def http_url(self) -> str:
        """Base of the REST API."""
        return f"http://{self.options.host}:{self.rest.port}"

    @property
    def socket_url(self) -> str:
        """Base of the chargers' door; a charger appends its id."""
        return f"ws://{self.options.host}:{self.gateway.port}/ocpp"

    @property
    def live_url(self) -> str:
        """The browsers' door."""
        return f"ws://{self.options.host}:{self.viewers.port}{PATH}"

    def start(self) -> None:
        """Raises OSError when a port is taken; whatever had started is stopped again."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, newest first."""
        while self._stops:
            self._stops.pop()()

    def _start(self) -> None:
        self._stops.append(partial(_set_settings, _settings()))
        self._thread.start()
        self._stops.append(self._stop_loop)
        self.signals.start()
        self._stops.append(self.signals.stop)
        self.makers.start()
        self._stops.append(self.makers.stop)
        self.contract_pool.start()
        self._stops.append(self.contract_pool.stop)
        servers = self.signals.settings | self.makers.settings | self.contract_pool.settings
        os.environ.update(self._fixed_settings() | servers)
        self.cloud.start()
        self._stops.append(self.cloud.stop)
        self._stops.append(self.mails.close)
        os.environ["KERB_CAR_KEY"] = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        self.user_pool_id, client_id = identity.create_user_pool(self.mails)
        os.environ["KERB_USER_POOL_ID"] = self.user_pool_id
        os.environ["KERB_USER_POOL_CLIENT_ID"] = client_id
        os.environ["KERB_OIDC_ISSUER"] = identity.issuer(self.user_pool_id)
        app_module = _fresh_app(self.clock, self.mails)
        self.cloud.deploy(app_module.app)
        self.hooks = Hooks(app_module.on_connect, app_module.on_message, app_module.on_disconnect)
        self.gateway = Gateway(self.hooks, self.options.limits, self.options.faults)
        self.viewers = ViewerGateway(app_module.app.handler_map["viewers"], self.options.limits)
        self.rest = RestServer(
            app_module.app,
            self.gateway,
            {JWKS_PATH: identity.jwks},
            viewers=self.viewers,
            files=log_file,
            apps=WebDoor(lambda: self.stripe.url, lambda: [self.live_url.removesuffix(PATH)]),
        )
        self._await(self.rest.start(self.options.host, self.options.http_port))
        self._stops.append(lambda: self._await(self.rest.stop()))
        os.environ["KERB_SOCKET_ENDPOINT"] = self.http_url
        os.environ["KERB_OIDC_JWKS_URL"] = self.http_url + JWKS_PATH
        os.environ["KERB_LOG_URL"] = f"{self.http_url}/log"
        self.makers.send_back_to(app_url := f"{self.http_url}{HOME}")
        os.environ["KERB_CAR_REDIRECT_URL"] = app_url
        self._await(self.gateway.start(self.options.host, self.options.socket_port))
        self._stops.append(lambda: self._await(self.gateway.stop()))
        os.environ["KERB_LIVE_ENDPOINT"] = self.http_url + PATH
        self._await(self.viewers.start(self.options.host, self.options.live_port))
        self._stops.append(lambda: self._await(self.viewers.stop()))
        os.environ["KERB_LIVE_URL"] = self.live_url
        self._start_stripe()

    def _start_stripe(self) -> None:
        self.stripe = StripeServer(f"{self.http_url}/v1/webhooks/stripe", self.webhook_secret)
        self.stripe.start()
        self._stops.append(self.stripe.stop)
        os.environ["KERB_STRIPE_API_BASE"] = self.stripe.url

    @staticmethod
    def _read(mail: Mail) -> None:
        """In the call that opened the account, so that whoever opened it may log in next."""
        if mail.purpose == "confirm_account":
            importlib.import_module("chalicelib.wiring").network().accounts.confirm(mail.to, mail.code)

    def _fixed_settings(self) -> dict[str, str]:
        return {
            "KERB_STRIPE_API_KEY": "sk_test_kerb",
            "KERB_STRIPE_PUBLISHABLE_KEY": _STRIPE_PUBLISHABLE_KEY,
            "KERB_STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "KERB_TICKET_SECRET": secrets.token_hex(32),
            "KERB_EDGE_SECRET": secrets.token_hex(16),
            "KERB_PASSWORD_SECRET": secrets.token_hex(32),
            "KERB_HOME_OPERATOR": HOME_OPERATOR,
            "KERB_WALLET_ISSUER": HOME_OPERATOR,
            "KERB_WEBHOOKS_INSIDE": "1",
            "KERB_HEARTBEAT_S": str(self.options.heartbeat_s),
            "KERB_START_WAIT_S": str(self.options.start_timeout_s),
            "KERB_UNCLAIMED_S": str(self.options.unclaimed_s),
        }

    def _await(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=_LISTENS_WITHIN_S)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()


def _settings() -> dict[str, str]:
    return {name: it for name, it in os.environ.items() if name.startswith(("AWS_", "KERB_"))}


def _set_settings(before: dict[str, str]) -> None:
    """What a stack told its functions is gone with it: nothing of it reaches whatever runs in this process next."""
    for name in _settings().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _fresh_app(clock: Clock, mails: MailOutbox) -> Any:
    """The app as a cold Lambda would load it: what an earlier stack's wiring built is forgotten."""
    wiring = importlib.import_module("chalicelib.wiring")
    wiring.install(wiring.Network(os.environ, clock=clock, invitation_mail=LocalInvitationMail(mails)))
    return importlib.import_module("app") if "app" not in sys.modules else sys.modules["app"]
