"""The local cloud, over real sockets and with real clients."""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from tests.patience import PATIENCE_S


def in_loop(story: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test to its end, be the machine as slow as it may."""

    @functools.wraps(story)
    def run() -> None:
        asyncio.run(asyncio.wait_for(story(), PATIENCE_S))

    return run


def pass_time(seconds: float) -> None:
    """Let so much time pass at once for whatever waits in the running loop, however fast the machine is."""
    loop: Any = asyncio.get_running_loop()
    true_time = loop.time
    loop.time = lambda: true_time() + seconds


async def soon(condition: Callable[[], Any]) -> Any:
    """Wait until the condition gives something, and return it."""
    while not (found := condition()):
        await asyncio.sleep(0.005)
    return found


async def wait_for(event: threading.Event) -> None:
    """Wait for another thread without holding up the loop."""
    await asyncio.to_thread(event.wait, PATIENCE_S)
    assert event.is_set()
