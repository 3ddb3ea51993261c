"""A deposit on chain over real sockets: a driver without a card signs, charges, and has back what is not due."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chalicelib import wiring
from chalicelib.domain.money.ledger import balances
from chalicelib.protocol.transparency.checkpoint import told
from local.chain import ChainServer
from local.client import Person
from tests.infrastructure.chain.chain import Chain
from tests.scenarios.world import World, eventually

DEEP, UNITS = 3, 10**10


@pytest.fixture
def chain(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    with known_chain(world, monkeypatch) as chain:
        yield chain


@contextmanager
def known_chain(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """A chain that the network knows, for as long as the story lasts."""
    chain, before, offset_s = Chain(), wiring.network(), world.stack.clock.offset_s
    server = ChainServer(chain.tester)
    server.start()
    settings = {
        "RPC": server.url,
        "ID": str(chain.chain_id),
        "CONTRACT": chain.escrow,
        "PAYEE": chain.payee,
        # What a key has sent is remembered, and each story has a chain of its own.
        "KEY": secrets.token_hex(32),
        "UNITS_PER_MINOR": str(UNITS),
        "CONFIRMATIONS": str(DEEP),
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"KERB_CHAIN_{name}", value)
    network = wiring.Network(os.environ, clock=before.clock, invitation_mail=before.invitation_mail)
    wiring.install(network)
    chain.give(network.chain_sender.address)
    chain.tester.mine_blocks(DEEP)
    yield chain
    wiring.install(before)
    world.stack.clock.offset_s = offset_s
    server.stop()


def signed(chain: Chain, driver: Person, session_id: str) -> None:
    """The driver's own wallet sends what the app was told, and blocks come."""
    it = driver.call("GET", f"/v1/sessions/{session_id}/deposit")
    assert (it["chain_id"], it["contract"]) == (chain.chain_id, chain.escrow.lower())
    sent = {"from": chain.people[1], "to": it["contract"], "data": it["data"], "gas": 200_000}
    chain.tester.send_transaction({**sent, "value": int(it["units"])})
    chain.tester.mine_blocks(DEEP)


def test_a_driver_without_a_card_deposits_charges_and_has_the_rest_back(world: World, chain: Chain) -> None:
    driver, charger = world.new_driver(card=None), world.charger("2.0.1")
    wanted = {"charger_id": charger.setup.charger_id, "connector": "1", "pays": "deposit"}
    session_id = driver.call("POST", "/v1/sessions", wanted)["session_id"]
    eventually(lambda: wiring.network().sessions.get(session_id).action)  # type: ignore[union-attr]
    assert driver.session(session_id)["action"] is None
    signed(chain, driver, session_id)
    looked = driver.call("POST", f"/v1/sessions/{session_id}/deposit", {})
    assert looked["state"] == "held"
    world.do(charger.plug(1))
    live = driver.until(session_id, lambda it: it["state"] == "active")
    assert live["held_minor"] == 5_000
    world.draw(charger)
    driver.until(session_id, lambda it: it["energy_wh"] == 2_000)
    payees_before = chain.balance(chain.payee)
    driver.end(session_id)
    # Sent as it is billed, and nobody waits for a webhook.
    eventually(lambda: chain.balance(chain.payee) > payees_before)
    assert driver.session(session_id)["state"] == "stopping"
    log_root = settled_root(chain)
    chain.tester.mine_blocks(DEEP)

    def is_over() -> bool:
        # Whoever sent it may still be writing that down: it is asked after again, each minute.
        world.stack.clock.offset_s += 61
        world.stack.cloud.fire("sweep")
        return driver.session(session_id)["state"] in ("completed", "failed")

    eventually(is_over)
    done = driver.session(session_id)
    total_minor = done["cost"]["total_minor"]
    receipt = driver.receipt(session_id)
    assert (receipt["card"], receipt["paid_minor"]) == ("deposit on chain", total_minor)
    assert chain.balance(chain.payee) - payees_before == total_minor * UNITS
    assert chain.balance() == 0
    books = balances(wiring.network().ledger.of_session(session_id))
    assert not books.get((f"escrow/{session_id}", "EUR"))
    assert world.books_are_settled(session_id)
    assert driver.call("POST", f"/v1/sessions/{session_id}/deposit", {})["state"] == "closed"
    # The event bears the root of the log as it was signed then; or nothing, before the first entry.
    checkpoint = wiring.network().transparency_log.states.get().checkpoint
    assert log_root in (bytes(32), told(checkpoint).root if checkpoint else b"")
    (deposit,) = driver.call("GET", "/v1/me/export")["deposits"]
    assert deposit["session_name"] == looked["session_name"]


def settled_root(chain: Chain) -> bytes:
    """What the newest settlement says of the log."""
    (log,) = (
        it for it in chain.tester.get_logs(address=chain.escrow) if len(it["topics"]) == 2 and len(it["data"]) == 194
    )
    return bytes.fromhex(log["data"][-64:])


def test_a_deposit_that_comes_too_late_goes_back(world: World, chain: Chain) -> None:
    driver, charger = world.new_driver(card=None), world.charger("1.6")
    wanted = {"charger_id": charger.setup.charger_id, "connector": "1", "pays": "deposit"}
    session_id = driver.call("POST", "/v1/sessions", wanted)["session_id"]
    driver.end(session_id)
    driver.until(session_id, lambda it: it["state"] == "failed")
    signed(chain, driver, session_id)
    assert chain.balance() > 0
    assert driver.call("POST", f"/v1/sessions/{session_id}/deposit", {})["state"] == "closing"
    assert (chain.balance(), chain.balance(chain.payee)) == (0, 2**100)
