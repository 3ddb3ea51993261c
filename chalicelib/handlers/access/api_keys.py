"""Routes for API keys: made, listed, rotated and revoked by people, for what they may do themselves."""

from __future__ import annotations

from typing import Any

from chalice import Blueprint

from chalicelib.domain.access.api_keys import ApiKey
from chalicelib.handlers.access.models import KeyBody, KeyList, KeyView, RotationBody, ShownKeyView
from chalicelib.handlers.http.endpoint import Answer, Request, Scope, SiteRule, endpoint
from chalicelib.services.access.api_keys import NewKey
from chalicelib.wiring import network

api_keys = Blueprint(__name__)

_KEYS = "/v1/operator/keys"
_KEY = _KEYS + "/{key_id}"


@endpoint(
    api_keys,
    "POST",
    _KEYS,
    takes=KeyBody,
    answers=ShownKeyView,
    status=201,
    errors=(409,),
    needs=Scope.KEYS_WRITE,
    sites=SiteRule.ANY,
)
def make_key(request: Request) -> ShownKeyView:
    """Make an API key. Its secret is told this once."""
    body: KeyBody = request.body
    # Whoever is held to some sites makes keys for these, unless told which of them.
    sites = body.sites if body.sites is not None else request.principal.sites
    return _shown(network().key_ring.make(request.principal, body.name, body.scopes, sites, body.expires_at))


@endpoint(api_keys, "GET", _KEYS, answers=KeyList, needs=Scope.KEYS_READ, sites=SiteRule.ANY)
def list_keys(request: Request) -> KeyList:
    """The operator's keys, those revoked or over too; one made this second may be missing."""
    return KeyList(items=[KeyView(**_told(it)) for it in network().key_ring.of_operator(request.principal)])


@endpoint(api_keys, "GET", _KEY, answers=KeyView, errors=(404,), needs=Scope.KEYS_READ, sites=SiteRule.ANY)
def get_key(request: Request) -> KeyView:
    """A key, never its secret."""
    return KeyView(**_told(network().key_ring.get(request.principal, request.path["key_id"])))


@endpoint(
    api_keys,
    "POST",
    _KEY + "/rotate",
    takes=RotationBody,
    answers=ShownKeyView,
    errors=(404, 409),
    needs=Scope.KEYS_WRITE,
    reads=get_key,
    sites=SiteRule.ANY,
)
def rotate_key(request: Request) -> ShownKeyView:
    """Another secret for a key, told this once; the one before is good for `overlap_h` hours more."""
    return _shown(network().key_ring.rotate(request.principal, request.path["key_id"], request.body.overlap_h))


@endpoint(api_keys, "DELETE", _KEY, status=204, errors=(404,), needs=Scope.KEYS_WRITE, sites=SiteRule.ANY)
def revoke_key(request: Request) -> Answer:
    """End a key, from its next request on."""
    network().key_ring.revoke(request.principal, request.path["key_id"])
    return Answer()


def _shown(it: NewKey) -> ShownKeyView:
    return ShownKeyView(**_told(it.key), secret=it.secret)


def _told(it: ApiKey) -> dict[str, Any]:
    return {
        "key_id": it.key_id,
        "name": it.name,
        "scopes": sorted(it.scopes),
        "sites": sorted(it.sites) if it.sites is not None else None,
        "made_by": it.made_by,
        "made_at": it.made_at,
        "expires_at": it.expires_at,
        "used_at": it.used_at,
        "rotated_at": it.rotated_at,
        "former_until": it.former_until,
        "revoked_at": it.revoked_at,
    }
