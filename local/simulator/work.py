"""Long work tells of its stages in order, and a second request for it puts an end to the first."""

from __future__ import annotations

from local.simulator.certificates import parsed
from local.simulator.line import Payload
from local.simulator.memory import Job
from local.simulator.parts import Obedient

_INSTALL = ["Downloading", "Downloaded", "Installing", "Installed"]
_INSTALL_SIGNED = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"]
_UPLOAD = ["Uploading", "Uploaded"]


def upload(charger: Obedient, action: str, request_id: int | None) -> Payload:
    """Send a log away. Returns the fields of the answer."""
    superseded = charger.memory.log.is_busy
    charger.soon(_run(charger, charger.memory.log, action, _UPLOAD, request_id))
    name = f"{charger.charger_id}-{request_id or 0}.log"
    return {"status": "AcceptedCanceled" if superseded else "Accepted", "filename": name}


def install(charger: Obedient, action: str, request_id: int | None, certificate: str | None) -> str:
    """Fetch and install firmware, signed when it comes with a certificate. Returns the status of the answer."""
    if certificate is not None and parsed(certificate) is None:
        return "InvalidCertificate"
    superseded = charger.memory.firmware.is_busy
    stages = _INSTALL if certificate is None else _INSTALL_SIGNED
    charger.memory.firmware_is_signed = certificate is not None
    charger.soon(_run(charger, charger.memory.firmware, action, stages, request_id))
    return "AcceptedCanceled" if superseded else "Accepted"


async def _run(charger: Obedient, job: Job, action: str, stages: list[str], request_id: int | None) -> None:
    async def tell() -> None:
        await charger.line.tell(action, job.numbered())

    await job.run(stages, request_id, tell)
