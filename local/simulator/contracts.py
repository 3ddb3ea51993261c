"""A car with Plug & Charge at a simulated charger: it asks for its contract, and charges by it when it is plugged in.

The charger passes on what the car says: over 2.x as it is, over 1.6 in DataTransfer. EXI is `local/contract_pool.py`'s.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from local.simulator.battery import Car
from local.simulator.charger import Charger
from local.simulator.line import Payload

_SCHEMA = "urn:iso:15118:2:2013:MsgDef"
_VENDOR = "org.openchargealliance.iso15118pnc"


@dataclass
class ContractCar:
    """A car by its provisioning id. `emaid` and `chain` are there once a contract is installed."""

    pcid: str
    emaid: str = ""
    chain: str = ""
    answers: list[Payload] = field(default_factory=list)

    @property
    def last(self) -> Payload:
        """What its charger was answered last."""
        return self.answers[-1]


async def install(charger: Charger, car: ContractCar, action: str = "Install", **more: Any) -> bool:
    """The car asks for its contract. False where there is none."""
    exi = base64.b64encode(json.dumps({"pcid": car.pcid}).encode()).decode()
    asked = {"iso15118SchemaVersion": _SCHEMA, "action": action, "exiRequest": exi, **more}
    answer = await _said(charger, car, "Get15118EVCertificate", asked)
    if answer["status"] != "Accepted":
        return False
    told = json.loads(base64.b64decode(answer["exiResponse"]))
    car.emaid, car.chain = told["emaid"], told["chain"]
    return True


async def plug_and_charge(
    charger: Charger, car: ContractCar, connector: int = 1, ids: list[dict[str, str]] | None = None
) -> bool:
    """It is plugged in, shows its contract and charges. False where it is refused.

    `ids`: its charger has looked at the chain itself, and names its certificates.
    """
    await charger.plug(connector, Car(emaid=car.emaid))
    shown: Payload = {"idToken": {"idToken": car.emaid, "type": "eMAID"}}
    shown |= {"iso15118CertificateHashData": ids} if ids is not None else {"certificate": car.chain}
    answer = await _said(charger, car, "Authorize", shown)
    if (answer["idTokenInfo"]["status"], answer["certificateStatus"]) != ("Accepted", "Accepted"):
        return False
    await charger.start(charger.connectors[connector], car.emaid)
    return True


async def _said(charger: Charger, car: ContractCar, action: str, payload: Payload) -> Payload:
    if charger.setup.version != "1.6":
        answer = await charger.line.call(action, payload)
    else:
        told = {"vendorId": _VENDOR, "messageId": action, "data": json.dumps(payload)}
        answer = json.loads((await charger.line.call("DataTransfer", told))["data"])
    car.answers.append(answer)
    return answer
