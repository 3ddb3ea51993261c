"""A settled charge is logged, its driver holds the proof, and anybody can check it, and the log, with other means."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from cli.__main__ import main
from cli.evidence import check
from cli.invoice_proof import is_of, verify_invoice
from cli.log_files import Seen, follow, over_http
from cli.proof import Key, Refused, verify
from local.client import ApiError, Person
from tests.handlers.conftest import until_gone
from tests.scenarios.test_stories import charging, finished
from tests.scenarios.world import World, eventually


def test_a_driver_proves_a_charge_and_is_forgotten_and_the_log_stays_whole(world: World) -> None:
    session_id = charging(world, world.charger("2.0.1"))
    with pytest.raises(ApiError, match="no_receipt_yet"):
        world.driver.call("GET", f"/v1/sessions/{session_id}/proof")
    world.driver.end(session_id)
    assert finished(world, session_id)["state"] == "completed"
    with pytest.raises(ApiError, match="not_logged_yet"):
        world.driver.call("GET", f"/v1/sessions/{session_id}/proof")
    world.until_logged(session_id)

    log = world.driver.call("GET", "/v1/log")
    key = Key.parse(log["verifier_key"])
    told = world.driver.call("GET", f"/v1/sessions/{session_id}/proof")
    verdict = verify(told["proof"], key)
    receipt = world.driver.receipt(session_id)
    assert (verdict.facts["session_id"], verdict.facts["energy_wh"]) == (session_id, receipt["energy_wh"])
    assert any(f" {receipt['total_minor']} (minor units" in it for it in verdict.proven)
    assert world.operator.call("GET", f"/v1/operator/sessions/{session_id}/proof") == told

    fetch = over_http(log["url"])
    seen = follow(Seen(), key, fetch)
    assert seen.size > told["index"]
    shown = requests.get(f"{log['url']}/checkpoint", timeout=60)
    assert shown.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert requests.get(f"{log['url']}/tile/0/999", timeout=60).status_code == 404

    invoice = invoice_proof(world, session_id)
    assert is_of(verify_invoice(invoice, key), told["proof"], key)

    other_id = charging(world, world.charger("1.6"))
    world.driver.end(other_id)
    assert finished(world, other_id)["state"] == "completed"
    world.until_logged(other_id)
    driver_id = world.driver.call("GET", "/v1/me")["driver_id"]
    world.driver.call("DELETE", "/v1/me")
    until_gone(world.stack, driver_id)
    with pytest.raises(ApiError, match="no_proof"):
        world.operator.call("GET", f"/v1/operator/sessions/{session_id}/proof")
    assert follow(seen, key, fetch).size > seen.size
    verify(told["proof"], key)
    verify_invoice(invoice, key)
    with pytest.raises(Refused):
        verify(told["proof"].replace("index ", "index 1"), key)


def test_a_driver_disputes_a_bill_and_both_sides_have_the_same_evidence(world: World, tmp_path: Path) -> None:
    session_id = charging(world, world.charger("2.0.1"))
    own, operators = f"/v1/sessions/{session_id}", f"/v1/operator/sessions/{session_id}"
    with pytest.raises(ApiError, match="not_billed"):
        world.driver.call("POST", f"{own}/dispute", {"reason": "energy"})
    world.driver.end(session_id)
    assert finished(world, session_id)["state"] == "completed"
    world.until_logged(session_id)

    said = world.driver.call("POST", f"{own}/dispute", {"reason": "energy", "text": "my car took less"})
    assert said["items"][0]["status"] == "open"
    assert world.operator.call("GET", f"{operators}/dispute") == said
    assert session_id in [it["session_id"] for it in _flagged(world)]
    evidence = _file(world.driver, f"{own}/evidence")
    assert _file(world.operator, f"{operators}/evidence") == evidence
    key = world.driver.call("GET", "/v1/log")["verifier_key"]
    assert any("are those that were logged" in it for it in check(evidence, Key.parse(key)))
    kept = tmp_path / "evidence.json"
    kept.write_bytes(evidence.encode())
    main(["proof", "evidence", str(kept), "--key", key, "--into", str(tmp_path / "in")])
    verify((tmp_path / "in" / "proof.tlog-proof").read_text(), Key.parse(key))
    assert "TransactionEvent" in (tmp_path / "in" / "messages.json").read_text()

    # A link that was given on, to whoever keeps the books, opens the receipt and nothing else.
    url = world.driver.call("POST", f"{own}/receipt/link", {"format": "json", "valid_days": 7})["url"]
    evidence_url = url.partition("&format")[0].replace("?", "/evidence?")
    given_on = requests.get(world.driver.http_url + evidence_url, timeout=60)
    assert given_on.status_code == 401

    back = {"Idempotency-Key": "dispute-1"}
    world.operator.call("POST", f"{operators}/refund", {"amount_minor": 1}, back)
    answer = {"status": "upheld", "answer": "you are right", "settled_by": "dispute-1"}
    told = world.operator.call("PUT", f"{operators}/dispute", answer)
    assert world.driver.call("GET", f"{own}/dispute") == told
    assert told["items"][0]["settled_by"] == "dispute-1"

    def kinds() -> set[str]:
        return {it["kind"] for it in world.driver.call("GET", "/v1/me/notices")["items"]}

    eventually(lambda: {"dispute_opened", "refunded", "dispute_answered"} <= kinds())
    assert world.driver.call("GET", "/v1/me/export")["disputes"][0]["dispute"] == told["items"][0]


def invoice_proof(world: World, session_id: str) -> str:
    """That its invoice is in the log, which its driver's business has asked for."""
    profile = {
        "legal_name": "Ladenetz GmbH",
        "address": "Kai 7\n20457 Hamburg",
        "country": "DE",
        "tax_id": "DE123456789",
    }
    world.operator.call("PUT", "/v1/operator/profile", profile)
    business = {"name": "Acme Ltd", "address": "Road 1\n1010 Wien", "vat_id": "ATU12345678"}
    world.driver.call("PUT", "/v1/me/business", business)
    (invoice,) = world.driver.call("POST", f"/v1/sessions/{session_id}/invoice")["items"]
    path = f"/v1/sessions/{session_id}/invoice/{invoice['number']}?format=tlog-proof"

    def asked(person: Person, of: str) -> requests.Response:
        return requests.get(person.http_url + of, headers={"Authorization": f"Bearer {person.token}"}, timeout=60)

    def is_logged() -> bool:
        world.stack.cloud.queues.deliver()
        return asked(world.driver, path).status_code == 200

    eventually(is_logged)
    operators = asked(world.operator, f"/v1/operator/invoices/{invoice['number']}?format=tlog-proof")
    assert operators.text == asked(world.driver, path).text
    return operators.text


def _flagged(world: World) -> list[dict[str, str]]:
    found: list[dict[str, str]] = world.operator.call("GET", "/v1/operator/sessions?flagged=true")["items"]
    return found


def _file(person: Person, path: str) -> str:
    answer = requests.get(person.http_url + path, headers={"Authorization": f"Bearer {person.token}"}, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.content.decode()
