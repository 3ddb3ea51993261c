"""The evidence of a dispute, in one file for both sides: texts by their names, and a manifest with the hash of each.

The same evidence is the same file, byte for byte. What is not in it is named, and why. It is checked by hashing each
text, and what is signed in it by the keys of those who signed: `kerb proof evidence`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.data_classes import dataclass, field

FORMAT = "kerb-evidence/v1"
# What OCPP calls a card's number, in every version; a message that was cut may end within one.
_TOKENS = re.compile(r'"(idTag|parentIdTag|idToken|groupIdToken|additionalIdToken)":"(?:[^"\\]|\\.)*(?:"|\\?$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFile:
    """Texts by their names, what each of them is, and why others are missing."""

    session_id: str
    texts: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The file: JSON, its names in order."""
        manifest = [
            {
                "name": name,
                "sha256": hashlib.sha256(self.texts[name].encode()).hexdigest(),
                "bytes": len(self.texts[name].encode()),
                "about": self.about.get(name, ""),
            }
            for name in sorted(self.texts)
        ]
        told = {
            "format": FORMAT,
            "session_id": self.session_id,
            "manifest": manifest,
            "missing": dict(sorted(self.missing.items())),
            "files": dict(sorted(self.texts.items())),
        }
        return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def evidence_text(told: Any) -> str:
    """A part of the evidence: JSON with sorted keys, a line for each value."""
    return json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def is_told_of(message: str, ref: str | None, names: frozenset[str]) -> bool:
    """Whether a logged message is of this charge, by the transaction's own name or one of the session's.

    Others charge at the same charger, and what was said of them is no business of this driver's.
    """
    if ref is not None and re.search(rf'"transactionId":"?{re.escape(ref)}"?[,}}\]]', message):
        return True
    return any(f'"{it}"' in message for it in names)


def without_tokens(message: str) -> str:
    """A logged message without the number of anybody's card."""
    return _TOKENS.sub(lambda found: f'"{found[1]}":"***"', message)
