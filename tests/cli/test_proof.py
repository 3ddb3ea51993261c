"""A proof is checked by one module that takes nothing on trust, and a log followed until it is not what it was."""

from __future__ import annotations

import base64
import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.pricing.plain import plain
from chalicelib.domain.transparency.entries import EntryPart
from cli.__main__ import main
from cli.invoice_proof import verify_invoice
from cli.log_files import Alarm, Seen, Tree, follow
from cli.proof import Checkpoint, Key, Proof, Refused, entry_of, is_consistent, verify
from tests.log_of_charges import KEY, SECRET, WITNESS, Log, parts, settled_bill, text, witnessed

LOG_KEY, WITNESS_KEY = Key.parse(KEY.vkey), Key.parse(WITNESS.vkey)


def test_a_proof_says_what_it_proves_and_what_it_does_not() -> None:
    verdict = verify(Log.of(700).charge(), LOG_KEY)
    assert verdict.facts["session_id"] == "KEXAMPLEOFASESSION"
    assert "entry 700 of the 701" in verdict.proven[0]
    assert "follows from its tariff and 11340 Wh" in verdict.proven[1]
    assert any("no witness" in it for it in verdict.open)


def test_a_proof_with_any_byte_flipped_is_refused() -> None:
    """Every byte in turn, by another bit each: file, texts, salts, hashes, checkpoint, signature."""
    proof = Log.of(2).charge().encode()
    for at in range(len(proof)):
        flipped = bytearray(proof)
        flipped[at] ^= 1 << at % 7
        with pytest.raises((Refused, UnicodeDecodeError)):
            verify(bytes(flipped).decode(), LOG_KEY)


def test_a_proof_by_another_key_or_of_another_log_is_refused() -> None:
    proof = Log.of(3).charge()
    with pytest.raises(Refused, match="not signed by the log's key"):
        verify(proof, Key.parse(replace(KEY, key=WITNESS.key).vkey))
    with pytest.raises(Refused, match="not signed by the log's key"):
        verify(proof, Key.parse(replace(KEY, name="other.example.com").vkey))


def test_a_bill_that_does_not_follow_is_told_though_it_was_logged() -> None:
    bill = settled_bill()
    dearer = replace(bill, bill=replace(bill.bill, total_minor=bill.bill.total_minor + 1))
    with pytest.raises(Refused, match="logged, but wrong: the bill comes to"):
        verify(Log.of(3).charge(parts(dearer)), LOG_KEY)
    other_energy = {**parts(), EntryPart.FACTS: text({"energy_wh": 11_341})}
    with pytest.raises(Refused, match="different energy"):
        verify(Log.of(3).charge(other_energy), LOG_KEY)
    with pytest.raises(Refused, match="cannot be read"):
        verify(Log.of(3).charge({**parts(), EntryPart.BILL: text({**plain(bill), "surprise": 1})}), LOG_KEY)


def test_a_witness_that_was_asked_for_must_have_signed() -> None:
    proof = Log.of(3).charge()
    with pytest.raises(Refused, match=r"no witness's signature of witness\.example\.com/w1"):
        verify(proof, LOG_KEY, [WITNESS_KEY])
    verdict = verify(witnessed(proof), LOG_KEY, [WITNESS_KEY])
    assert any("witness.example.com/w1 saw this" in it for it in verdict.proven)
    of_another_state = witnessed(Log.of(9).note).splitlines(keepends=True)[-1]
    with pytest.raises(Refused, match=r"signature of witness\.example\.com/w1 is wrong"):
        verify(proof + of_another_state, LOG_KEY, [WITNESS_KEY])


@pytest.mark.parametrize(("old", "new"), [(0, 5), (1, 2), (5, 5), (255, 257), (256, 700), (300, 3_000)])
def test_two_states_of_a_log_are_compared_by_its_tiles(old: int, new: int) -> None:
    log = Log.of(old) if old else Log()
    first = Checkpoint.parse(log.note, LOG_KEY)
    log.add([f"more {it}".encode() for it in range(new - old)])
    second = Checkpoint.parse(log.note, LOG_KEY)
    hashes = Tree(new, log.fetch).consistency(old)
    assert is_consistent(first, second, hashes)
    changed = replace(first, root=bytes(32))
    assert not is_consistent(changed, second, hashes)
    if hashes:
        assert not is_consistent(first, second, hashes[:-1])
        assert not is_consistent(first, second, [hashes[0][::-1], *hashes[1:]])


def test_a_log_that_grows_is_followed() -> None:
    log, seen = Log(), Seen()
    for count in (1, 254, 1, 1, 300, 0, 700):
        log.add([f"entry {log.size + it}".encode() for it in range(count)])
        seen = follow(seen, LOG_KEY, log.fetch)
        assert (seen.size, seen.root) == (log.size, log.checkpoint.root)
    assert follow(Seen(), LOG_KEY, log.fetch).edge == seen.edge


def _rolled_back(log: Log) -> None:
    log.files["checkpoint"] = Log.of(290).note.encode()


def _forked(log: Log) -> None:
    other = Log.of(299)
    other.add([b"another"])
    log.files |= other.files


def _forked_and_grown(log: Log) -> None:
    _forked(log)
    other = Log.of(299)
    other.add([b"another"])
    other.add([b"more"])
    log.files |= other.files


def _without_a_tile(log: Log) -> None:
    log.add([b"more"])
    del log.files["tile/0/001.p/45"]


def _without_entries(log: Log) -> None:
    log.add([b"more"])
    del log.files["tile/entries/001.p/45"]


def _with_another_entry(log: Log) -> None:
    log.add([b"more"])
    log.files["tile/entries/001.p/45"] = log.files["tile/entries/001.p/45"].replace(b"more", b"less")


def _without_a_checkpoint(log: Log) -> None:
    del log.files["checkpoint"]


def _unsigned(log: Log) -> None:
    log.files["checkpoint"] = log.files["checkpoint"].replace(b"300", b"301")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (_rolled_back, "rollback"),
        (_forked, "fork"),
        (_forked_and_grown, "fork"),
        (_without_a_tile, "missing"),
        (_without_entries, "missing"),
        (_with_another_entry, "not those"),
        (_without_a_checkpoint, "no checkpoint"),
        (_unsigned, "signature"),
    ],
)
def test_a_log_that_is_not_what_it_was_raises_an_alarm(wrong: Callable[[Log], None], told: str) -> None:
    log = Log.of(300)
    seen = follow(Seen(), LOG_KEY, log.fetch)
    wrong(log)
    with pytest.raises(Alarm, match=told):
        follow(seen, LOG_KEY, log.fetch)


def test_a_tile_that_has_grown_full_stands_in_for_what_it_was() -> None:
    log = Log.of(10)
    first = dict(log.files)
    log.add([b"more"] * 300)
    log.files |= {"checkpoint": first["checkpoint"]}
    for path in ("tile/0/000.p/10", "tile/entries/000.p/10"):
        del log.files[path]
    assert follow(Seen(), LOG_KEY, log.fetch).size == 10


@pytest.fixture
def served() -> Iterator[tuple[Log, str]]:
    """A log at an address."""
    log = Log.of(260)

    class Door(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = log.files.get(self.path.removeprefix("/log/"))
            self.send_response(404 if data is None else 200)
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield log, f"http://127.0.0.1:{server.server_port}/log"
    server.shutdown()
    server.server_close()


def _says(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = 0
    try:
        main(["proof", *arguments])
    except SystemExit as left:
        code = int(left.code or 0)
    return code, capsys.readouterr().out


def test_the_command_checks_a_file_and_compares_it_with_the_log(
    served: tuple[Log, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, url = served
    older, file = tmp_path / "older", tmp_path / "receipt.tlog-proof"
    older.write_text(log.note)
    file.write_text(log.charge())
    log.add([b"more"] * 3)
    code, said = _says(capsys, "verify", str(file), "--key", KEY.vkey)
    assert (code, "NOT PROVEN" in said, "compare it with another state" in said) == (0, True, True)
    code, said = _says(capsys, "verify", str(file), "--key", KEY.vkey, "--log", url)
    assert (code, "the log of 264 entries still has all 261" in said) == (0, True)
    code, said = _says(capsys, "verify", str(file), "--key", KEY.vkey, "--log", url, "--since", str(older))
    assert (code, "the log of 261 entries still has all 260" in said) == (0, True)
    code, said = _says(capsys, "verify", str(file), "--key", KEY.vkey, "--since", str(older))
    assert (code, "can only be compared" in said) == (1, True)
    file.write_text(file.read_text().replace("index 260", "index 259"))
    code, said = _says(capsys, "verify", str(file), "--key", KEY.vkey)
    assert (code, "REFUSED: what it says" in said) == (1, True)


def test_a_log_that_was_forked_since_is_found_by_a_proof_alone(
    served: tuple[Log, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, url = served
    file = tmp_path / "receipt.tlog-proof"
    file.write_text(log.charge())
    other = Log.of(261)
    other.add([b"more"])
    log.files.clear()
    log.files.update(other.files)
    code, said = _says(capsys, "verify", str(file), "--key", KEY.vkey, "--log", url)
    assert (code, "FORK" in said) == (1, True)


def test_the_monitor_goes_on_from_what_it_saw_and_ends_with_an_alarm(
    served: tuple[Log, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, url = served
    asked = ("monitor", url, "--key", KEY.vkey, "--state", str(tmp_path / "seen.json"), "--once")
    assert _says(capsys, *asked)[1].startswith("log.example.com/kerb has 260 entries, 260 of them new")
    log.add([b"more"])
    assert "261 entries, 1 of them new" in _says(capsys, *asked)[1]
    del log.files["checkpoint"]
    assert _says(capsys, *asked) == (2, "ALARM: there is no checkpoint\n")
    log.files["checkpoint"] = Log.of(260).note.encode()
    assert _says(capsys, *asked)[0] == 2


def test_nobody_who_answers_is_no_alarm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("monitor", "http://127.0.0.1:9", "--key", KEY.vkey, "--state", str(tmp_path / "seen.json"), "--once")
    code, said = _says(capsys, *asked)
    assert (code, "which proves nothing" in said) == (0, True)


def test_the_module_can_be_read_in_ten_minutes() -> None:
    lines = Path("cli/proof.py").read_text().splitlines()
    assert len(lines) <= 270


def _invoice(**changes: Any) -> dict[str, Any]:
    """The text of an invoice's part."""
    line = {"session_id": "KEXAMPLEOFASESSION", "quantity": "11.34", "unit": "KWH", "net_minor": 556, "percent": "19"}
    tax = {"percent": "19", "net_minor": 556, "amount_minor": 106}
    parties = {"seller": {"name": "Ladenetz GmbH"}, "buyer": {"name": "Acme Ltd"}}
    draft = {"type": "380", "currency": "EUR", **parties, "lines": [line], "allowances": [], "taxes": [tax], **changes}
    return {"number": "2026-0000001", "issued_on": "2026-12-03", "draft": draft}


def test_an_invoice_is_proven_with_the_charges_on_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log.of(300)
    charge, invoice = tmp_path / "charge.tlog-proof", tmp_path / "invoice.tlog-proof"
    charge.write_text(log.charge())
    invoice.write_text(log.paper(_invoice()))
    code, said = _says(capsys, "verify", str(invoice), "--key", KEY.vkey, "--charge", str(charge))
    assert code == 0
    assert "number: 2026-0000001" in said
    assert "charge KEXAMPLEOFASESSION is on it, and was logged" in said
    code, said = _says(capsys, "verify", str(invoice), "--key", KEY.vkey)
    assert (code, "of 1 of its charges no proof is at hand" in said) == (0, True)
    code, said = _says(capsys, "verify", str(charge), "--key", KEY.vkey, "--charge", str(charge))
    assert (code, "REFUSED: --charge is for" in said) == (1, True)


def test_the_proof_of_an_invoice_with_any_byte_flipped_is_refused() -> None:
    proof = Log.of(2).paper(_invoice()).encode()
    for at in range(len(proof)):
        flipped = bytearray(proof)
        flipped[at] ^= 1 << at % 7
        with pytest.raises((Refused, UnicodeDecodeError)):
            verify_invoice(bytes(flipped).decode(), LOG_KEY)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"taxes": [{"percent": "19", "net_minor": 557, "amount_minor": 106}]}, "do not come to"),
        ({"allowances": [{"percent": "19", "net_minor": 1}]}, "do not come to"),
        ({"lines": []}, "do not come to"),
        ({"lines": [{}]}, "cannot be read"),
        ({"taxes": None}, "cannot be read"),
    ],
)
def test_an_invoice_that_is_wrong_is_told_though_it_was_logged(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        verify_invoice(Log.of(3).paper(_invoice(**changes)), LOG_KEY)


def test_what_a_proof_opens_is_in_its_extra_line() -> None:
    proof = Proof.parse(Log.of(3).charge())
    assert json.loads(proof.opened()["facts"]["text"])["charger_id"] == "CP-1"


def test_the_example_on_the_page_is_a_proof_and_says_what_the_page_says() -> None:
    page = Path("docs/proof.md").read_text()
    key, proof, entry = re.findall(r"^```\n(.*?)^```$", page.partition("## An example")[2], re.MULTILINE | re.DOTALL)
    verdict = verify(proof, Key.parse(key))
    assert (verdict.facts["energy_wh"], verdict.checkpoint.size) == (11_340, 4)
    assert entry_of(Proof.parse(proof).opened()).decode() == entry
    assert proof == Log.of(3).charge()


def _opened(proof: str, change: Callable[[dict[str, Any]], object]) -> str:
    """The proof with another extra line."""
    line = proof.split("\n")[1]
    told = json.loads(base64.b64decode(line[6:]))
    change(told)
    return proof.replace(line, f"extra {base64.b64encode(json.dumps(told).encode()).decode()}")


def test_a_proof_whose_salt_or_part_is_missing_proves_nothing() -> None:
    proof = Log.of(3).charge()
    for change in (
        lambda it: it["bill"].pop("salt"),
        lambda it: it.pop("signed"),
        lambda it: it["facts"].update(salt=""),
        lambda it: it["facts"].update(salt=base64.b64encode(bytes(31)).decode()),
        lambda it: it.update(facts=it["bill"], bill=it["facts"]),
    ):
        with pytest.raises(Refused):
            verify(_opened(proof, change), LOG_KEY)
    without = "\n".join(it for it in proof.split("\n") if not it.startswith("extra "))
    with pytest.raises(Refused, match="extra line"):
        verify(without, LOG_KEY)


def test_the_proof_of_one_charge_is_none_of_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, file = Log.of(3), tmp_path / "receipt.tlog-proof"
    file.write_text(log.charge())
    asked = ("verify", str(file), "--key", KEY.vkey, "--session")
    assert _says(capsys, *asked, "KEXAMPLEOFASESSION")[0] == 0
    code, said = _says(capsys, *asked, "KANOTHERSESSION")
    assert (code, "proof of another charge" in said) == (1, True)
    other = log.charge({**parts(), EntryPart.FACTS: text({**json.loads(parts()[EntryPart.FACTS]), "receipt": "R-2"})})
    # The opened parts of one, in the other's place.
    mixed = file.read_text().replace(file.read_text().split("\n")[1], other.split("\n")[1])
    with pytest.raises(Refused, match="not what was logged there"):
        verify(mixed, LOG_KEY)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 65_535, 65_536, 65_537])
def test_a_charge_is_proven_at_the_edges_of_tiles(size: int) -> None:
    log = Log.of(size - 1) if size > 1 else Log()
    assert verify(log.charge(), LOG_KEY).checkpoint.size == size
    assert follow(Seen(), LOG_KEY, log.fetch).size == size


@pytest.mark.parametrize(
    "facts",
    [
        '{"energy_wh":1,"energy_wh":11340,"started_at":"","stopped_at":""}',
        '{"stopped_at":"","started_at":"","energy_wh":11340}',
        '{"energy_wh": 11340}',
    ],
)
def test_a_part_that_may_be_read_in_two_ways_is_refused_though_it_was_logged(facts: str) -> None:
    with pytest.raises(Refused, match="read in two ways"):
        verify(Log.of(3).charge({**parts(), EntryPart.FACTS: facts}), LOG_KEY)


def test_facts_and_bill_are_of_the_same_time() -> None:
    facts = json.loads(parts()[EntryPart.FACTS]) | {"stopped_at": "2026-11-30T10:16:00+00:00"}
    with pytest.raises(Refused, match="different times"):
        verify(Log.of(3).charge({**parts(), EntryPart.FACTS: text(facts)}), LOG_KEY)


@pytest.mark.parametrize("at", [0, 1 << 63])
def test_a_witness_that_says_no_time_has_not_signed(at: int) -> None:
    with pytest.raises(Refused, match="is wrong"):
        verify(witnessed(Log.of(3).charge(), at), LOG_KEY, [WITNESS_KEY])


def test_an_empty_log_has_one_root() -> None:
    empty = Log()
    assert Checkpoint.parse(empty.note, LOG_KEY).size == 0
    of_nothing = replace(empty.checkpoint, root=bytes(32)).signed(KEY, SECRET.sign)
    with pytest.raises(Refused):
        Checkpoint.parse(of_nothing, LOG_KEY)
    with pytest.raises(Refused):
        Checkpoint.parse(replace(empty.checkpoint, origin=f"{KEY.name}\n").signed(KEY, SECRET.sign), LOG_KEY)


def test_a_file_with_other_ends_of_lines_is_another_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "receipt.tlog-proof"
    file.write_bytes(Log.of(3).charge().replace("\n", "\r\n").encode())
    assert _says(capsys, "verify", str(file), "--key", KEY.vkey)[0] == 1


def test_the_monitor_keeps_what_was_signed_against_it(
    served: tuple[Log, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, url = served
    kept = tmp_path / "seen.json"
    asked = ("monitor", url, "--key", KEY.vkey, "--state", str(kept), "--once")
    assert _says(capsys, *asked)[0] == 0
    other = Log.of(259)
    other.add([b"another"])
    log.files.update(other.files)
    assert _says(capsys, *asked)[0] == 2
    signed_since = Checkpoint.parse((tmp_path / "seen.json.alarm").read_text(), LOG_KEY)
    signed_before = Checkpoint.parse(json.loads(kept.read_text())["note"], LOG_KEY)
    assert (signed_since.size, signed_since.root != signed_before.root) == (signed_before.size, True)
