"""AWS Signature Version 4 as API Gateway checks it: the signer knows the secret of a key, and signed just now.

(docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_GOOD_FOR = timedelta(minutes=5)
_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request,\s*SignedHeaders=(?P<headers>[a-z0-9;-]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_NEEDED = frozenset(("host", "x-amz-date"))


def is_signed(
    method: str, target: str, headers: Mapping[str, str], body: bytes, credentials: tuple[str, str], at: datetime
) -> bool:
    """Whether a request bears the signature of that access key (id, secret), made within five minutes of `at`.

    `target` is path and query as they came; `headers` have their names in lower case.
    """
    said = _FORM.fullmatch(headers.get("authorization", "").strip())
    if said is None:
        return False
    names = said["headers"].split(";")
    key_id, secret = credentials
    if said["key"] != key_id or not _NEEDED.issubset(names) or not all(name in headers for name in names):
        return False
    try:
        signed_at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    told = headers.get("x-amz-content-sha256")
    if abs(at - signed_at) > _GOOD_FOR or (told is not None and told != hashlib.sha256(body).hexdigest()):
        return False
    signed = {name: headers[name] for name in names}
    request = AWSRequest(method=method, url=f"http://{headers['host']}{target}", headers=signed, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    scheme = SigV4Auth(Credentials(key_id, secret), said["service"], said["region"])
    right = scheme.signature(scheme.string_to_sign(request, scheme.canonical_request(request)), request)
    return hmac.compare_digest(right, said["signature"])
