"""Keeps whoever is held to some of an operator's sites to them: the one place that refuses and filters by site.

What stands elsewhere is not there for them, as another operator's thing is not. Whoever is held to none costs no call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from chalicelib.domain.access.rights import Principal
from chalicelib.domain.data_classes import dataclass
from chalicelib.services.access import NotFound, Refusal

Thing = TypeVar("Thing")
# The site of an operator's thing of that id: empty where it stands at none yet, None where there is no such thing.
SiteOf = Callable[[str, str], str | None]
# Whoever is held to one site of a thousand is not searched for through all of them in one request.
_MOST_PAGES = 20


@dataclass(frozen=True)
class SiteGuard:
    """`kinds` says for each name that a thing of a site has in a route's path how its site is found."""

    kinds: Mapping[str, SiteOf]

    def check(self, principal: Principal, path: Mapping[str, str], *, may_be_new: bool = False) -> None:
        """Whether the things that a path names are at the caller's sites. A read or two for each. Raises NotFound.

        `may_be_new`: what does not exist, or stands nowhere yet, is no reason to refuse.
        """
        if principal.sites is None:
            return
        for name, text in path.items():
            if name in self.kinds:
                site_id = self.kinds[name](principal.operator_id, text)
                if not principal.covers(site_id) and not (may_be_new and not site_id):
                    raise NotFound(f"{name.removesuffix('_id')} {text}")

    def check_site(self, principal: Principal, site_id: str) -> None:
        """Whether that site is the caller's. Raises NotFound."""
        if not principal.covers(site_id):
            raise NotFound(f"site {site_id}")

    def check_all(self, principal: Principal) -> None:
        """Whether the caller is held to no sites. Raises Refusal."""
        if principal.sites is not None:
            raise Refusal("forbidden", "this is for those only who are held to no sites")

    def page(
        self,
        principal: Principal,
        fetch: Callable[[int, str | None], tuple[Sequence[Thing], str | None]],
        site_of: Callable[[Thing], str | None],
        limit: int,
        cursor: str | None,
    ) -> tuple[Sequence[Thing], str | None]:
        """A page of a list, without what stands elsewhere; it may be shorter than `limit` and yet have a next one."""
        if principal.sites is None:
            return fetch(limit, cursor)
        kept: list[Thing] = []
        for _ in range(_MOST_PAGES):
            found, cursor = fetch(limit - len(kept), cursor)
            kept += [it for it in found if principal.covers(site_of(it))]
            if cursor is None or len(kept) >= limit:
                break
        return kept, cursor

    def site(self, principal: Principal, kind: str, thing_id: str | None) -> str | None:
        """The site of a thing of that kind, for lists whose items do not say; None for none."""
        return self.kinds[kind](principal.operator_id, thing_id) if thing_id else None
