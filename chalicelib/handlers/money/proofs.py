"""Routes of proofs: that a settled charge is in the log, for its driver and for its operator."""

from __future__ import annotations

from chalice import Blueprint
from pydantic import Field

from chalicelib.domain.charging.session import Session
from chalicelib.handlers.http.endpoint import Answer, BadRequest, Request, Scope, endpoint
from chalicelib.handlers.http.fields import ResponseBody, example
from chalicelib.services.access import operators_own
from chalicelib.wiring import network

proofs = Blueprint(__name__)

_FORMAT = {"format": "json, or tlog-proof for the file; json if left out"}
_FILE = "text/plain; charset=utf-8"
_NOTE = "log.example.com/log\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n— log.example.com/log hI2DJw…\n"


class ProofView(ResponseBody):
    """That a settled charge is in the log, where, and in which state of the log; `proof` is the file."""

    model_config = ResponseBody.model_config | example(
        index=73894,
        proof=f"c2sp.org/tlog-proof@v1\nextra eyJmYWN0cyI6…\nindex 73894\ngSKyXoYZ…\n\n{_NOTE}",
    )
    index: int = Field(description="its place in the log, from 0")
    proof: str = Field(description="a .tlog-proof (c2sp.org/tlog-proof@v1); its extra line opens the hashes")


@endpoint(
    proofs,
    "GET",
    "/v1/sessions/{session_id}/proof",
    answers=ProofView,
    errors=(400, 404, 409),
    query=_FORMAT,
    also_as=("text/plain",),
)
def driver_proof(request: Request) -> ProofView | Answer:
    """The proof that a settled charge is in the log, as it was settled; 409 until it is, a minute or so after it."""
    return _proof(request, network().driver_sessions.get(request.driver_id, request.path["session_id"]))


@endpoint(
    proofs,
    "GET",
    "/v1/operator/sessions/{session_id}/proof",
    answers=ProofView,
    errors=(400, 404, 409),
    needs=Scope.SESSIONS_READ,
    query=_FORMAT,
    also_as=("text/plain",),
)
def operator_proof(request: Request) -> ProofView | Answer:
    """The proof that a charge at a charger of the operator's is in the log; the same that its driver has."""
    session_id = request.path["session_id"]
    found = network().sessions.get(session_id)
    return _proof(request, operators_own(found, request.operator_id, f"session {session_id}"))


def _proof(request: Request, session: Session) -> ProofView | Answer:
    form = request.query.get("format", "json")
    if form not in ("json", "tlog-proof"):
        raise BadRequest("format must be json or tlog-proof", "format")
    proof = network().proofs.of(session)
    if form == "json":
        return ProofView(index=proof.index, proof=proof.text)
    name = f'attachment; filename="{session.session_id}.tlog-proof"'
    return Answer(proof.text, headers={"Content-Type": _FILE, "Content-Disposition": name})
