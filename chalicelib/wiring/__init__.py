"""The object graph: one `Network`, in which each service and each adapter is built once, when it is first asked for.

Lambda, the local stack, tests, faults and benchmarks all build the same one; they differ in the settings, and in what
they give it in place of what it would build. Settings come from the environment, where the deployment (or the local
stack) puts them. Imports of what is heavy stand inside the functions that need it, so that a Lambda that never takes
money never loads Stripe.
"""

from __future__ import annotations

import os

from chalicelib.wiring.operators import OperatorServices
from chalicelib.wiring.stores import HEARTBEAT_S, prepare

__all__ = ["HEARTBEAT_S", "Network", "install", "network", "prepare"]


class Network(OperatorServices):
    """The whole network: every service and every adapter; a capability's services stand in the file of its name."""


_installed: list[Network] = []


def network() -> Network:
    """This process's network; made of the environment when nobody has installed another."""
    if not _installed:
        _installed.append(Network(os.environ))
    return _installed[0]


def install(other: Network | None) -> None:
    """From now on this process's network is that one; None: one to be made of the environment anew."""
    _installed[:] = [other] if other is not None else []
