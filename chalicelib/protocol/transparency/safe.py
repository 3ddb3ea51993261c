"""The file that the S.A.F.E. transparency software opens (`values.xsd`): signed values to the letter, with their keys.

What could not be read stands in it as it came: whoever opens it sees as much as we did.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from chalicelib.domain.chargers.events import SignedValue
from chalicelib.domain.transparency.signed_records import SignedFormat, SignedRecord
from chalicelib.protocol.transparency.records import text_of

_OF_XML = "EDL_40_SIG"


def document(
    number: int, values: Iterable[tuple[SignedValue, SignedRecord | None, str]], *, is_whole: bool = True
) -> str:
    """The values of one charge, which bears that number: each as it came, as it was read (None: not), and its key."""
    entries = "\n".join(_entry(number, *it) for it in values)
    left_out = "" if is_whole else "<!-- There are more: these are the first and the last. -->\n"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<values>\n{left_out}{entries}\n</values>\n'


def _entry(number: int, value: SignedValue, record: SignedRecord | None, key: str) -> str:
    text, is_plain = text_of(value)
    form = f" format={quoteattr(_form(record, text))}" if record is not None else ""
    encoding = "plain" if is_plain else "hex" if _is_hex(text) else "base64"
    said = f'<publicKey encoding="{"hex" if _is_hex(key) else "base64"}">{escape(key)}</publicKey>' if key else ""
    return (
        f'  <value transactionId="{number}" context={quoteattr(value.context)}>'
        f'{said}<signedData{form} encoding="{encoding}">{escape(text)}</signedData></value>'
    )


def _form(record: SignedRecord, text: str) -> str:
    is_xml = record.format is SignedFormat.EDL_40 and text.startswith("<")
    return _OF_XML if is_xml else record.format


def _is_hex(text: str) -> bool:
    try:
        bytes.fromhex(text)
    except ValueError:
        return False
    return True
