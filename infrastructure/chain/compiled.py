"""The contract as it is deployed: what Vyper makes of `escrow.vy`, kept beside it, for who deploys it has no compiler.

`python -m infrastructure.chain.compiled` writes it again; a test holds the two together.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
SOURCE, COMPILED = _FOLDER / "escrow.vy", _FOLDER / "escrow.json"


def made(source: Path = SOURCE) -> dict[str, Any]:
    """The interface and the code of a contract, by the compiler that is installed."""
    import vyper  # noqa: PLC0415 (for developers alone)

    found = vyper.compile_code(source.read_text(), output_formats=["abi", "bytecode"])
    return {"compiler": f"vyper {vyper.__version__}", "abi": found["abi"], "bytecode": found["bytecode"]}


def kept() -> dict[str, Any]:
    """The same as it lies there."""
    found: dict[str, Any] = json.loads(COMPILED.read_text())
    return found


if __name__ == "__main__":
    COMPILED.write_text(json.dumps(made(), indent=1) + "\n")
